//! Ten hours of a thousand sources, as `cargo bench --bench million` runs a day of a million: in virtual time, everything
//! real but clock and origins. That nobody comes in a herd shows where there are many; that is in src/daemon/tests.

use std::time::Duration;

#[allow(dead_code, reason = "the benchmark prints all of it")]
#[path = "../../benches/million/day.rs"]
mod day;
#[allow(dead_code, reason = "the benchmark prints all of it")]
#[path = "../../benches/million/herd.rs"]
mod herd;
#[allow(dead_code, reason = "the benchmark prints all of it")]
#[path = "../../benches/million/origins.rs"]
mod origins;

#[test]
fn a_day_of_many_sources_breaks_no_limit() {
    let dir = tempfile::tempdir().unwrap();
    let ran = day::run(1000, Duration::from_hours(10), dir.path());
    assert_eq!(ran.seen.broken, 0);
    assert!(
        ran.seen.at_once > 1 && ran.seen.holds > 0,
        "the limits were tried: {} at once",
        ran.seen.at_once
    );
    // Fifty by cron, 240 every hour, 20 every quarter of an hour and the others by what they publish.
    let expected = 10 * (50 + 220 + 60) + 800;
    assert!(ran.outcomes.all() > expected, "{:?}", ran.outcomes);
    assert!(ran.outcomes.read > 50 && ran.outcomes.failed > 20, "{:?}", ran.outcomes);
    let cron: u32 = ran.seen.cron.iter().sum();
    assert!((400..=600).contains(&cron), "each once an hour: {cron}");
}

#[test]
fn a_herd_is_seen() {
    let even = vec![100; 1200];
    assert!(herd::judge(&even).ratio <= 1.0);
    let mut one = even.clone();
    one[700] = 200;
    let herd = herd::judge(&one);
    assert_eq!((herd.most, herd.busy), (200, herd.stretches));
    assert!(herd.ratio > 1.5);
    // Too few to be judged.
    assert_eq!(herd::judge(&vec![99; 1200]).busy, 0);
}
