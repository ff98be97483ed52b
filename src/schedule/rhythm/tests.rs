//! Replays publication traces, made from plain models, and compares with the fixed interval that makes as
//! many requests.

use super::*;

const DAY: f64 = 24.0 * HOUR;
const DAYS: f64 = 60.0;
/// What came before these is for learning only.
const WARM_UP: f64 = 20.0;

/// Always the same sequence of numbers from 0 up to 1.
struct Rolls(u64);

impl Rolls {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 33).unwrap()) / f64::from(1u32 << 31)
    }

    /// The gap to the next event of a memoryless process.
    fn gap(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.roll()).ln()
    }
}

/// Events of a process whose rate a day, at a second of the trace, is given; by thinning.
fn poisson(rolls: &mut Rolls, most: f64, rate: impl Fn(f64) -> f64) -> Vec<f64> {
    let (mut at, mut events) = (0.0, Vec::new());
    loop {
        at += rolls.gap(DAY / most);
        if at >= DAYS * DAY {
            return events;
        }
        if rolls.roll() < rate(at) / most {
            events.push(at);
        }
    }
}

fn office(at: f64) -> bool {
    let (day, hour) = ((at / DAY).floor() % 7.0, at % DAY / HOUR);
    day < 5.0 && (8.0..18.0).contains(&hour)
}

fn trace(name: &str) -> Vec<f64> {
    let mut rolls = Rolls(7);
    let repeated = |start: f64, gap: f64, blur: f64, rolls: &mut Rolls| {
        let mut events = Vec::new();
        let mut at = start;
        while at < DAYS * DAY {
            events.push(at + rolls.roll() * blur);
            at += gap;
        }
        events
    };
    match name {
        "hourly" => repeated(600.0, HOUR, 120.0, &mut rolls),
        "daily" => repeated(9.0 * HOUR, DAY, 900.0, &mut rolls),
        "weekly" => repeated(4.0 * DAY + 9.0 * HOUR, 7.0 * DAY, 1800.0, &mut rolls),
        "office" => poisson(&mut rolls, 24.0, |at| if office(at) { 24.0 } else { 0.5 }),
        "busy" => poisson(&mut rolls, 100.0, |at| if office(at) { 100.0 } else { 10.0 }),
        "bursty" => {
            let starts = poisson(&mut rolls, 0.7, |_| 0.7);
            let mut events: Vec<f64> = starts
                .iter()
                .flat_map(|start| {
                    let mut at = *start;
                    (0..8)
                        .map(|_| {
                            at += rolls.gap(900.0);
                            at
                        })
                        .collect::<Vec<_>>()
                })
                .collect();
            events.sort_by(f64::total_cmp);
            events
        }
        "revived" => poisson(&mut rolls, 24.0, |at| match at / DAY {
            day if day < 10.0 => 6.0,
            day if day < 35.0 => 0.0,
            _ if office(at) => 24.0,
            _ => 0.5,
        }),
        "memoryless" => poisson(&mut rolls, 6.0, |_| 6.0),
        other => panic!("no trace {other}"),
    }
}

/// Median delay from publication to poll, and requests, after the warm-up.
fn replay(events: &[f64], mut next: impl FnMut(&[f64], f64) -> f64) -> (f64, f64, usize) {
    let (mut now, mut seen, mut requests) = (0.0, 0, 0);
    let mut delays = Vec::new();
    while now < DAYS * DAY {
        let published = events.partition_point(|event| *event <= now);
        if now >= WARM_UP * DAY {
            requests += 1;
            delays
                .extend(events[seen..published].iter().filter(|at| **at >= WARM_UP * DAY).map(|at| now - at));
        }
        seen = published;
        now += next(&events[..seen], now);
    }
    delays.sort_by(f64::total_cmp);
    let quantile = |share: usize| delays.get(delays.len() * share / 100).copied().unwrap_or_default();
    (quantile(50), quantile(95), requests)
}

fn adaptive(events: &[f64]) -> (f64, f64, usize) {
    // A Monday.
    let start: DateTime<Utc> = "2026-01-05T00:00:00Z".parse().unwrap();
    let mut rolls = Rolls(3);
    replay(events, |seen, now| {
        let published: Vec<_> = seen.iter().rev().take(64).map(|at| start + delta(*at)).collect();
        let bounds = (Duration::from_mins(5), Duration::from_hours(11));
        let (gap, _) = wait(&published, Some(start), start + delta(now), Tz::UTC, bounds);
        gap.as_secs_f64() * (1.0 + 0.1 * rolls.roll())
    })
}

/// `most`: the adaptive median over that of the best fixed interval with as many requests.
fn check(name: &str, most: f64) {
    let events = trace(name);
    let (median, late, requests) = adaptive(&events);
    let gap = (DAYS - WARM_UP) * DAY / number(requests);
    let (fixed, fixed_late, _) = replay(&events, |_, _| gap);
    println!(
        "{name:>10}: {requests:>5} requests, median {:>5.0}s (fixed {fixed:>5.0}s, ratio {:.2}), 95th {late:>6.0}s (fixed {fixed_late:>6.0}s)",
        median,
        median / fixed
    );
    assert!(median <= fixed * most, "{name}: {median} > {most} of {fixed}");
}

#[test]
fn news_is_met_sooner_than_at_fixed_intervals() {
    check("hourly", 0.4);
    check("daily", 0.2);
    check("weekly", 0.2);
    check("office", 0.7);
    check("busy", 0.95);
    check("bursty", 0.95);
    check("revived", 0.6);
    // Nothing can be learned here; it must not be much worse.
    check("memoryless", 1.3);
}

#[test]
fn without_rhythm_it_starts_at_half_an_hour_and_slows_down() {
    let now: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
    let bounds = (Duration::from_mins(5), Duration::from_hours(12));
    let minutes = |published: &[DateTime<Utc>], since: Option<i64>| {
        let since = since.map(|hours| now - TimeDelta::hours(hours));
        wait(published, since, now, Tz::UTC, bounds).0.as_secs() / 60
    };
    assert_eq!(minutes(&[], None), 30);
    assert_eq!(minutes(&[], Some(1)), 30);
    assert_eq!(minutes(&[], Some(16)), 120);
    assert_eq!(minutes(&[], Some(9_999)), 720);
    // One batch is no rhythm, and neither is the future.
    assert_eq!(minutes(&[now, now, now], Some(0)), 30);
    assert_eq!(minutes(&[now + TimeDelta::days(1), now + TimeDelta::days(2)], Some(0)), 30);
}

/// A source that stopped is asked less and less.
#[test]
fn the_dead_are_left_in_peace() {
    let start: DateTime<Utc> = "2026-01-05T00:00:00Z".parse().unwrap();
    let published: Vec<_> = (0..64).map(|hour| start - TimeDelta::hours(hour)).collect();
    let bounds = (Duration::from_mins(5), Duration::from_hours(12));
    let mut now = start;
    let mut polls = 0;
    while now < start + TimeDelta::days(30) {
        let (gap, _) = wait(&published, Some(start), now, Tz::UTC, bounds);
        now += TimeDelta::from_std(gap).unwrap();
        polls += 1;
    }
    assert!(polls < 30 * 2 + 60, "{polls}");
}
