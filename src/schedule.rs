//! When a source is due. Pure: times come in as values. The only room that speaks to the `cron` crate.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::model::{Schedule, Source, SourceState};

/// Limits of `[fetch]` that bear on when we ask.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Floor between two polls of one source.
    pub min_interval: Duration,
    /// First delay after a failure; zero: the source's own interval.
    pub backoff_base: Duration,
    /// Cap of the doubling (or the interval itself, whichever is longer).
    pub backoff_max: Duration,
    /// Cap on what a server may ask us to wait.
    pub max_hold: Duration,
}

/// Reads a `schedule` value: `adaptive`, `every 30m`, `@hourly`, or five-field cron.
///
/// # Errors
/// Words that say what is wrong and what would be right.
pub fn read(text: &str, adaptive: (Duration, Duration)) -> Result<Schedule, String> {
    let _ = (text, adaptive);
    Err("not built".to_owned())
}

/// When to poll next after a poll at `now` whose outcome is already in `state`,
/// and why then, in words. `roll` is a random number from 0.0 up to 1.0, for the jitter.
pub fn next(
    source: &Source,
    state: &SourceState,
    limits: &Limits,
    now: DateTime<Utc>,
    roll: f64,
) -> (DateTime<Utc>, String) {
    let _ = (source, state, limits, roll);
    (now, String::new())
}
