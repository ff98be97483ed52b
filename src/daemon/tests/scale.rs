//! Tens of thousands of sources through the real timetable, lines, pace and schedule, in virtual time and without
//! sockets: hosts' limits are never broken, and nobody comes in a herd.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;
use crate::daemon::queue::{Limits, Manner, Queue};
use crate::daemon::timetable::Timetable;
use crate::model::{SourceState, Standing};

const LATENCY: Duration = Duration::from_millis(200);
const GAP: Duration = Duration::from_secs(1);

/// Everybody is polled every five minutes, and a tenth of that later at most.
struct Crowd {
    sources: u32,
    hosts: usize,
    span: Duration,
    /// When somebody is due for the first time.
    first: fn(u32) -> Duration,
}

/// What came of it.
#[derive(Default)]
struct Seen {
    /// When each request was made, and of which host.
    asked: Vec<(Duration, usize)>,
    /// When each was due.
    due: Vec<Duration>,
}

impl Crowd {
    fn run(&self) -> Seen {
        let start: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
        let wall = |elapsed: Duration| start + TimeDelta::from_std(elapsed).unwrap();
        let hosts: Vec<Arc<str>> = (0..self.hosts).map(|host| format!("h{host}:443").into()).collect();
        let host_of = |number: u32| number as usize % self.hosts;
        let mut timetable = Timetable::new(start, Duration::ZERO);
        timetable.clear(self.sources as usize);
        for number in 0..self.sources {
            timetable.put_in(number, (self.first)(number), start, Duration::ZERO);
        }
        let mut queue = Queue::new(Limits { concurrency: 256, per_host: 1, gap: GAP });
        let (mut ends, mut free_at) = (BinaryHeap::new(), vec![Duration::ZERO; self.hosts]);
        let (mut elapsed, mut seen) = (Duration::ZERO, Seen::default());
        while elapsed < self.span {
            while let Some(number) = timetable.take_due(elapsed) {
                let host = host_of(number);
                seen.due.push(elapsed);
                queue.push(number, &hosts[host], Manner::Paced, free_at[host], elapsed);
            }
            while let Some((number, _)) = queue.next(elapsed) {
                seen.asked.push((elapsed, host_of(number)));
                ends.push(Reverse((elapsed + LATENCY, number)));
            }
            let next_end = ends.peek().map_or(Duration::MAX, |Reverse((at, _))| at.saturating_sub(elapsed));
            elapsed += timetable.pause(elapsed).min(queue.pause(elapsed)).min(next_end);
            while ends.peek().is_some_and(|Reverse((at, _))| *at <= elapsed) {
                let Some(Reverse((_, number))) = ends.pop() else { break };
                let host = host_of(number);
                free_at[host] = elapsed + GAP;
                queue.done(&hosts[host], free_at[host]);
                let roll = chance(seen.asked.len(), number);
                timetable.put(number, next_due(wall(elapsed), roll), wall(elapsed), elapsed);
            }
        }
        seen
    }
}

fn next_due(now: DateTime<Utc>, roll: f64) -> DateTime<Utc> {
    let source = Source { jitter: 0.1, ..every("s", 5 * MINUTE) };
    let limits = schedule::Limits {
        min_interval: Duration::from_mins(5),
        backoff_base: Duration::ZERO,
        backoff_max: Duration::from_hours(6),
        max_hold: Duration::from_hours(168),
    };
    let state = SourceState {
        standing: Standing::Ok,
        last_poll: Some(now),
        last_success: Some(now),
        ..SourceState::default()
    };
    schedule::next(&source, &state, &limits, now, roll).0
}

/// From 0 up to 1, and the same every time.
fn chance(place: usize, number: u32) -> f64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (place, number).hash(&mut hasher);
    f64::from(u32::try_from(hasher.finish() >> 32).unwrap()) / 4_294_967_296.0
}

/// The busiest second to the mean of its ten minutes, of all ten minutes with 100 a second or more, wherever they begin;
/// and of how many that was.
fn herd(times: impl Iterator<Item = Duration>, span: Duration) -> (f64, usize) {
    let mut seconds = vec![0_u32; usize::try_from(span.as_secs()).unwrap() + 1];
    for at in times {
        seconds[usize::try_from(at.as_secs()).unwrap()] += 1;
    }
    seconds.pop();
    let ratios = seconds.windows(600).filter_map(|stretch| {
        let mean = f64::from(stretch.iter().sum::<u32>()) / 600.0;
        (mean >= 100.0).then(|| f64::from(*stretch.iter().max().unwrap()) / mean)
    });
    ratios.fold((0.0, 0), |(most, busy), ratio| (f64::max(most, ratio), busy + 1))
}

#[test]
fn limits_hold_and_nobody_comes_in_a_herd() {
    // As after a restart.
    let first = |number| Duration::from_millis(20) * number;
    let crowd = Crowd { sources: 40_000, hosts: 4_000, span: Duration::from_hours(1), first };
    let seen = crowd.run();
    let mut last = vec![None; crowd.hosts];
    for (at, host) in &seen.asked {
        let before: Option<Duration> = last[*host].replace(*at);
        assert!(before.is_none_or(|before| before + LATENCY + GAP <= *at), "one at a time, with a pause");
    }
    let (ratio, busy) = herd(seen.asked.iter().map(|(at, _)| *at), crowd.span);
    assert!(busy >= 1800, "the measure was applied");
    assert!(ratio <= 1.5, "{ratio}");
    // Nobody is forgotten: five minutes, a tenth of jitter, a wait at a busy host.
    assert!(seen.asked.len() > 40_000 * 9, "{}", seen.asked.len());
}

#[test]
fn who_falls_due_together_begins_one_after_the_other() {
    // As five minutes after everybody was asked for by hand.
    let first = |number| Duration::from_mins(5).mul_f64(1.0 + 0.1 * chance(0, number));
    for (sources, rounds) in [(33_000, 8), (60_000, 5)] {
        let crowd = Crowd { sources, hosts: sources as usize, span: Duration::from_hours(1), first };
        let seen = crowd.run();
        let (wanted, _) = herd(seen.due.iter().copied(), crowd.span);
        assert!(wanted > 10.0, "unhindered it would be a herd: {wanted}");
        let (ratio, busy) = herd(seen.asked.iter().map(|(at, _)| *at), crowd.span);
        assert!(busy > 1800, "{busy}");
        assert!(ratio <= 1.5, "{ratio}");
        assert!(seen.asked.len() > sources as usize * rounds, "{}", seen.asked.len());
    }
}

#[test]
fn what_doubles_in_an_hour_waits_for_less_than_a_minute() {
    // Doubled in an hour, and on the way to be halved in the next.
    let rate = |elapsed: Duration| {
        let hours = elapsed.as_secs_f64() / 3600.0;
        100.0 * 2.0_f64.powf(if hours < 1.0 { hours } else { 2.0 - hours })
    };
    let span = Duration::from_mins(90);
    let mut queue = Queue::new(Limits { concurrency: 256, per_host: 1, gap: GAP });
    let (mut asked, mut longest, mut ends) = (Vec::new(), Duration::ZERO, std::collections::VecDeque::new());
    let (mut elapsed, mut due, mut dues) = (Duration::ZERO, Duration::ZERO, Vec::new());
    while elapsed < span {
        while due <= elapsed {
            let number = u32::try_from(dues.len()).unwrap();
            queue.push(number, &format!("h{number}").into(), Manner::Paced, Duration::ZERO, elapsed);
            dues.push(due);
            // By chance alone, as what has nothing to do with each other comes.
            due += Duration::from_secs_f64(-(1.0 - chance(1, number)).ln() / rate(due));
        }
        while let Some((number, host)) = queue.next(elapsed) {
            asked.push(elapsed);
            longest = longest.max(elapsed.saturating_sub(dues[number as usize]));
            ends.push_back((elapsed + LATENCY, host));
        }
        let next_end = ends.front().map_or(Duration::MAX, |(at, _)| at.saturating_sub(elapsed));
        elapsed += queue.pause(elapsed).min(next_end).min(due.saturating_sub(elapsed));
        while ends.front().is_some_and(|(at, _)| *at <= elapsed) {
            let Some((at, host)) = ends.pop_front() else { break };
            queue.done(&host, at + GAP);
        }
    }
    let (ratio, busy) = herd(asked.iter().copied(), span);
    assert!(busy > 4000, "{busy}");
    assert!(ratio <= 1.5, "{ratio}");
    assert!(asked.len() + 300 > dues.len() && longest < Duration::from_mins(1), "{longest:?}");
}
