//! How soon news is met, for how many requests: `adaptive` beside fixed intervals, over publication traces.
//!
//! `cargo bench --bench schedule` prints a line per trace: made from plain models, and, where `RIVERINE_CORPUS` names a
//! corpus, from the dates of real feeds. Each is compared with the fixed interval that makes as many requests (median and
//! 95th percentile of the delay from publication to poll), and with the one that is as quick (its requests). Uses the
//! real `schedule::next` with its jitter; no network, no clock.

#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its result")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench may end so"
)]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use riverine::model::{Schedule, Source, SourceId, SourceState};
use riverine::schedule::{self, Limits};

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
const DAYS: f64 = 90.0;
/// What came before these is for learning only.
const WARM_UP: f64 = 30.0;

struct Rolls(u64);

impl Rolls {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 33).unwrap()) / f64::from(1u32 << 31)
    }
}

/// Events of a process whose rate a day is given; by thinning.
fn poisson(seed: u64, most: f64, rate: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut rolls = Rolls(seed);
    let (mut at, mut events) = (0.0, Vec::new());
    loop {
        at -= DAY / most * (1.0 - rolls.roll()).ln();
        if at >= DAYS * DAY {
            return events;
        }
        if rolls.roll() < rate(at) / most {
            events.push(at);
        }
    }
}

/// Every so often, blurred by so much.
fn steady(seed: u64, start: f64, gap: f64, blur: f64) -> Vec<f64> {
    let mut rolls = Rolls(seed);
    let count = ((DAYS * DAY - start) / gap).ceil().max(0.0);
    std::iter::successors(Some(0.0), |n| Some(n + 1.0))
        .take_while(|n| *n < count)
        .map(|n| start + n * gap + rolls.roll() * blur)
        .collect()
}

fn office(at: f64) -> bool {
    (at / DAY).floor() % 7.0 < 5.0 && (8.0..18.0).contains(&(at % DAY / HOUR))
}

fn bursty(seed: u64) -> Vec<f64> {
    let mut rolls = Rolls(seed + 1);
    let mut events: Vec<f64> = Vec::new();
    for start in poisson(seed, 0.7, |_| 0.7) {
        let mut at = start;
        for _ in 0..8 {
            at -= 900.0 * (1.0 - rolls.roll()).ln();
            events.push(at);
        }
    }
    events.sort_by(f64::total_cmp);
    events
}

fn models() -> Vec<(String, Vec<f64>)> {
    let revived = |at: f64| match at / DAY {
        day if day < 20.0 => 6.0,
        day if day < 50.0 => 0.0,
        _ if office(at) => 24.0,
        _ => 0.5,
    };
    let traces: [(&str, Vec<f64>); 10] = [
        ("steady, hourly", steady(7, 600.0, HOUR, 120.0)),
        ("steady, daily", steady(7, 9.0 * HOUR, DAY, 900.0)),
        ("weekly", steady(7, 4.0 * DAY + 9.0 * HOUR, 7.0 * DAY, 1800.0)),
        ("diurnal, quiet", poisson(7, 24.0, |at| if office(at) { 24.0 } else { 0.5 })),
        ("diurnal, busy", poisson(7, 100.0, |at| if office(at) { 100.0 } else { 10.0 })),
        ("bursty", bursty(7)),
        ("dead", poisson(7, 6.0, |at| if at < 40.0 * DAY { 6.0 } else { 0.0 })),
        ("revived", poisson(7, 24.0, revived)),
        ("memoryless, 6 a day", poisson(7, 6.0, |_| 6.0)),
        ("memoryless, 1 a week", poisson(9, 0.15, |_| 0.15)),
    ];
    traces.into_iter().map(|(name, events)| (name.to_owned(), events)).collect()
}

/// The dates of real feeds, moved so that the last one lies at the end of the trace.
fn real() -> Vec<(String, Vec<f64>)> {
    let Some(corpus) = std::env::var_os("RIVERINE_CORPUS").map(std::path::PathBuf::from) else {
        println!("left out: real feeds (RIVERINE_CORPUS is not set)");
        return Vec::new();
    };
    let mut paths: Vec<_> =
        glob::glob(&format!("{}/feeds/**/*", corpus.display())).unwrap().flatten().collect();
    paths.sort();
    let mut traces = Vec::new();
    for path in paths.iter().filter(|path| path.is_file()) {
        let Ok(bytes) = std::fs::read(path) else { continue };
        let input = riverine::parse::Input {
            bytes: &bytes,
            content_type: None,
            content_language: None,
            url: None,
            kind: riverine::model::Kind::Auto,
            selectors: &riverine::model::PageSelectors::default(),
        };
        let Ok(parsed) = riverine::parse::parse(&input) else { continue };
        let context = riverine::normalize::Context {
            url: None,
            secrets: &riverine::link::Secrets::default(),
            timezone: chrono_tz::UTC,
            language: None,
            stored: &std::collections::HashSet::new(),
        };
        let entries = riverine::normalize::normalize(parsed, &context).entries;
        let mut dates: Vec<i64> = entries
            .iter()
            .filter_map(|entry| entry.published.or(entry.updated))
            .map(|at| at.timestamp())
            .collect();
        dates.sort_unstable();
        dates.dedup();
        let (Some(first), Some(last)) = (dates.first(), dates.last()) else { continue };
        // Enough to learn from and to be measured by, and not years with one entry.
        if dates.len() < 15 || (last - first) as f64 > DAYS * DAY * 4.0 {
            continue;
        }
        let events = dates.iter().map(|at| (at - last) as f64 + DAYS * DAY - 1.0).collect();
        traces.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), events));
    }
    traces
}

/// Delays in seconds, ascending, and requests, after the warm-up.
#[derive(Default)]
struct Ended {
    delays: Vec<f64>,
    requests: f64,
}

impl Ended {
    fn quantile(&self, share: usize) -> f64 {
        self.delays.get(self.delays.len() * share / 100).copied().unwrap_or_default()
    }

    fn with(mut self, other: Self) -> Self {
        self.delays.extend(other.delays);
        self.delays.sort_by(f64::total_cmp);
        self.requests += other.requests;
        self
    }
}

fn replay(events: &[f64], begin: f64, mut next: impl FnMut(&[f64], f64) -> f64) -> Ended {
    let from = events.first().copied().unwrap_or_default().clamp(begin - WARM_UP * DAY, begin);
    let (mut now, mut ended) = (from, Ended::default());
    let mut seen = events.partition_point(|event| *event <= now);
    while now < DAYS * DAY + DAY {
        let published = events.partition_point(|event| *event <= now);
        if now >= begin {
            ended.requests += 1.0;
            ended.delays.extend(events[seen..published].iter().filter(|at| **at >= begin).map(|at| now - at));
        }
        seen = published;
        now += next(&events[..seen], now);
    }
    ended.delays.sort_by(f64::total_cmp);
    ended
}

fn adaptive(events: &[f64], begin: f64) -> Ended {
    // A Monday.
    let start: DateTime<Utc> = "2026-01-05T00:00:00Z".parse().unwrap();
    let time = |at: f64| {
        // A trace may begin before its first day.
        let span = TimeDelta::from_std(Duration::from_secs_f64(at.abs())).unwrap();
        if at < 0.0 { start - span } else { start + span }
    };
    let source = Source {
        schedule: Schedule::Adaptive { min: Duration::from_mins(5), max: Duration::from_hours(12) },
        ..Source::new(SourceId::new("s"), "https://s.example/".parse().unwrap())
    };
    let limits = Limits {
        min_interval: Duration::from_mins(5),
        backoff_base: Duration::ZERO,
        backoff_max: Duration::from_hours(6),
        max_hold: Duration::from_hours(168),
    };
    let mut rolls = Rolls(3);
    replay(events, begin, |seen, now| {
        let now = time(now);
        let state = SourceState {
            first_success: Some(start),
            last_poll: Some(now),
            last_success: Some(now),
            rhythm: seen.iter().rev().take(64).map(|at| time(*at)).collect(),
            ..SourceState::default()
        };
        let (due, _) = schedule::next(&source, &state, &limits, now, rolls.roll());
        (due - now).as_seconds_f64()
    })
}

fn fixed(events: &[f64], begin: f64, gap: f64) -> Ended {
    replay(events, begin, |_, _| gap)
}

/// When measuring begins: the first third is for learning only.
fn begin(events: &[f64]) -> f64 {
    let first = events.first().map_or(0.0, |at| at / DAY);
    WARM_UP.max(first + 0.3 * (DAYS - first)) * DAY
}

/// Prints a line: one trace, or several as one river. Delay over that of the fixed interval with as many requests, and
/// requests over those of the one that is as quick. Returns the two ratios.
fn compare(name: &str, traces: &[&[f64]]) -> (f64, f64) {
    let all = |ask: &dyn Fn(&[f64], f64) -> Ended| {
        traces.iter().map(|events| ask(events, begin(events))).fold(Ended::default(), Ended::with)
    };
    let span: f64 = traces.iter().map(|events| DAYS * DAY + DAY - begin(events)).sum();
    let ours = all(&adaptive);
    let (median, late, requests) = (ours.quantile(50), ours.quantile(95), ours.requests);
    let as_many = all(&|events, begin| fixed(events, begin, span / requests));
    // The longest gap whose median is no worse.
    let (mut short, mut long) = (60.0_f64, 48.0 * HOUR);
    for _ in 0..30 {
        let middle = (short * long).sqrt();
        let quick = all(&|events, begin| fixed(events, begin, middle)).quantile(50) <= median;
        *(if quick { &mut short } else { &mut long }) = middle;
    }
    let (fixed_median, fixed_late, as_quick) = (as_many.quantile(50), as_many.quantile(95), span / short);
    let ratios = (median / fixed_median.max(1.0), requests / as_quick.max(1.0));
    println!(
        "{name:>28}: {requests:>6.0} requests, median {median:>6.0} s, 95th {late:>6.0} s; fixed, as many: median \
         {fixed_median:>6.0} s, 95th {fixed_late:>6.0} s (delay x {:.2}); fixed, as quick: {as_quick:>6.0} requests \
         (x {:.2})",
        ratios.0, ratios.1
    );
    ratios
}

fn main() {
    for (what, traces) in [("ALL MODELS, one river", models()), ("ALL REAL FEEDS, one river", real())] {
        let mut others = Vec::new();
        for (name, events) in &traces {
            let (delay, requests) = compare(name, &[events]);
            if delay > 0.5 || requests > 0.5 {
                others.push(name.as_str());
            }
        }
        if !traces.is_empty() {
            compare(what, &traces.iter().map(|(_, events)| events.as_slice()).collect::<Vec<_>>());
            println!("  alone, these are not twice as good: {}", others.join(", "));
        }
    }
    println!(
        "A memoryless source gives no sign of when it will speak: nothing asks it better than a fixed interval, and \
         learning costs a little; bursts give none of their beginning. What is of no use there goes to sources that \
         have a rhythm, and the river as a whole gains."
    );
}
