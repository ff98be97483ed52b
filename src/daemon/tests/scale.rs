//! Forty thousand sources through the real timetable, lines and schedule, in virtual time and without sockets:
//! hosts' limits are never broken, and nobody comes in a herd.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;
use crate::daemon::queue::{Limits, Queue};
use crate::daemon::timetable::Timetable;
use crate::model::{SourceState, Standing};

const SOURCES: u32 = 40_000;
const HOSTS: usize = 4_000;
const LATENCY: Duration = Duration::from_millis(200);
const GAP: Duration = Duration::from_secs(1);

/// When each request was made, and of which host.
fn an_hour() -> Vec<(Duration, usize)> {
    let start: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
    let wall = |elapsed: Duration| start + TimeDelta::from_std(elapsed).unwrap();
    let source = Source { jitter: 0.1, ..every("s", 5 * MINUTE) };
    let limits = schedule::Limits {
        min_interval: Duration::from_mins(5),
        backoff_base: Duration::ZERO,
        backoff_max: Duration::from_hours(6),
        max_hold: Duration::from_hours(168),
    };
    let hosts: Vec<Arc<str>> = (0..HOSTS).map(|host| format!("h{host}:443").into()).collect();
    let host_of = |number: u32| number as usize % HOSTS;
    let mut timetable = Timetable::new(start, Duration::ZERO);
    timetable.clear(SOURCES as usize);
    for number in 0..SOURCES {
        timetable.put_in(number, Duration::from_millis(20) * number, start, Duration::ZERO);
    }
    let mut queue = Queue::new(Limits { concurrency: 256, per_host: 1, gap: GAP });
    let (mut ends, mut free_at) = (BinaryHeap::new(), vec![Duration::ZERO; HOSTS]);
    let (mut elapsed, mut asked, mut roll) = (Duration::ZERO, Vec::new(), 0.5_f64);
    while elapsed < Duration::from_hours(1) {
        while let Some(number) = timetable.take_due(elapsed) {
            let host = host_of(number);
            queue.push(number, &hosts[host], false, free_at[host]);
        }
        while let Some((number, _)) = queue.next(elapsed) {
            asked.push((elapsed, host_of(number)));
            ends.push(Reverse((elapsed + LATENCY, number)));
        }
        let next_end = ends.peek().map_or(Duration::MAX, |Reverse((at, _))| at.saturating_sub(elapsed));
        elapsed += timetable.pause(elapsed).min(queue.pause(elapsed)).min(next_end);
        while ends.peek().is_some_and(|Reverse((at, _))| *at <= elapsed) {
            let Some(Reverse((_, number))) = ends.pop() else { break };
            let (host, now) = (host_of(number), wall(elapsed));
            free_at[host] = elapsed + GAP;
            queue.done(&hosts[host], free_at[host]);
            let state = SourceState {
                standing: Standing::Ok,
                last_poll: Some(now),
                last_success: Some(now),
                ..SourceState::default()
            };
            roll = (roll * 9821.0 + 0.211_327).fract();
            let (due, _) = schedule::next(&source, &state, &limits, now, roll);
            timetable.put(number, due, now, elapsed);
        }
    }
    asked
}

#[test]
fn limits_hold_and_nobody_comes_in_a_herd() {
    let asked = an_hour();
    let mut last = vec![None; HOSTS];
    for (at, host) in &asked {
        let before: Option<Duration> = last[*host].replace(*at);
        assert!(before.is_none_or(|before| before + LATENCY + GAP <= *at), "one at a time, with a pause");
    }
    let mut seconds = vec![0.0_f64; 3601];
    for (at, _) in &asked {
        seconds[usize::try_from(at.as_secs()).unwrap()] += 1.0;
    }
    let mut busy = 0;
    for window in seconds[..3600].chunks(600) {
        let mean = window.iter().sum::<f64>() / 600.0;
        let most = window.iter().copied().fold(0.0, f64::max);
        busy += usize::from(mean >= 100.0);
        assert!(mean < 100.0 || most <= 1.5 * mean, "{most} in a second, {mean} on average");
    }
    assert!(busy >= 4, "the measure was applied");
    // Nobody is forgotten: five minutes, a tenth of jitter, a wait at a busy host.
    assert!(asked.len() > SOURCES as usize * 9, "{}", asked.len());
}
