//! When a source is due. Pure: times come in as values. The only room that speaks to the `cron` crate.
//! Never asks what time it is, and never polls.

use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

use crate::model::{Schedule, Source, SourceState, Standing};
use crate::units::Span;

mod fields;
mod firing;
mod rhythm;
#[cfg(test)]
mod tests;

use firing::Firing;

/// What jitter adds to a cron time, a server's wish or a feed's, at most.
const MAX_FIXED_JITTER: Duration = Duration::from_mins(5);

/// Between two polls of a source whose hub brings its news.
const PUSHED_INTERVAL: Duration = Duration::from_hours(24);

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
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let (first, rest) = lower.split_once(char::is_whitespace).unwrap_or((&lower, ""));
    match first {
        "adaptive" if rest.is_empty() => {
            let (min, max) = adaptive;
            Ok(Schedule::Adaptive { min, max })
        }
        "adaptive" => {
            Err("adaptive takes no words; its bounds are adaptive = { min = \"5m\", max = \"12h\" }".into())
        }
        "every" => every(rest.trim()),
        "" => {
            Err("an empty schedule; write \"every 30m\", \"@hourly\", \"adaptive\" or five-field cron".into())
        }
        _ if lower.parse::<Span>().is_ok() => Err(format!("{text:?}: write \"every {lower}\"")),
        _ => {
            let fields = fields::read(text)?;
            Firing::new(&fields)?;
            Ok(Schedule::Cron(text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")))
        }
    }
}

fn every(gap: &str) -> Result<Schedule, String> {
    if !gap.is_empty() && gap.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "\"every {gap}\" has no unit: write \"every {gap}m\" for minutes, {gap}s, {gap}h or {gap}d"
        ));
    }
    match gap.parse::<Span>() {
        Ok(Span(Duration::ZERO)) => Err("\"every 0s\" never waits; write it like every 30m".into()),
        Ok(Span(gap)) => Ok(Schedule::Every(gap)),
        Err(words) => Err(format!("after \"every\": {words}")),
    }
}

/// The `next_poll` of a source that is not asked again by itself: no schedule ever reaches it.
pub fn parked() -> DateTime<Utc> {
    // 9999-12-31, the last day RFC 3339 can write.
    DateTime::from_timestamp(253_402_214_400, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// When to poll next after a poll at `now` whose outcome is already in `state`,
/// and why then, in words. `roll` is a random number from 0.0 up to 1.0, for the jitter.
///
/// A source that was never polled is due now; any other later than now by at least
/// `min_interval`. Parked sources (410, disabled) get [`parked`].
pub fn next(
    source: &Source,
    state: &SourceState,
    limits: &Limits,
    now: DateTime<Utc>,
    roll: f64,
) -> (DateTime<Utc>, String) {
    if !source.enabled {
        return (parked(), "disabled in the config".to_owned());
    }
    if state.standing == Standing::Gone {
        return (parked(), "gone (410): parked until it is asked for by hand".to_owned());
    }
    if state.last_poll.is_none() {
        return (now, "never polled".to_owned());
    }
    let dice = Dice { share: source.jitter.clamp(0.0, 1.0), roll: roll.clamp(0.0, 1.0) };
    let (due, own) = pushed(state, now).unwrap_or_else(|| scheduled(source, state, limits, now));
    let chosen = if state.consecutive_failures > 0 {
        after_failures(source, state, limits, now, &due)
    } else {
        Due { reason: own, ..due }
    };
    let floor = after(now, limits.min_interval);
    let mut best = Due { at: dice.lengthen(&chosen, now), ..chosen };
    for wish in wishes(state, limits, now).into_iter().flatten() {
        if wish.at > best.at {
            best = Due { at: dice.lengthen(&wish, now), ..wish };
        }
    }
    if floor > best.at {
        let reason = format!("no more often than every {} (min_interval)", Span(limits.min_interval));
        best = Due { at: floor, reason, steady: true };
    }
    let best = out_of_skipped(best, state, limits, now, &dice);
    (best.at, best.reason)
}

/// One thing that says "not before".
struct Due {
    at: DateTime<Utc>,
    reason: String,
    /// True where the moment was chosen by someone: jitter adds minutes, not a share of hours.
    steady: bool,
}

struct Dice {
    share: f64,
    roll: f64,
}

impl Dice {
    fn lengthen(&self, due: &Due, now: DateTime<Utc>) -> DateTime<Utc> {
        let span = (due.at - now).to_std().unwrap_or_default();
        let most = span.mul_f64(self.share);
        let most = if due.steady { most.min(MAX_FIXED_JITTER) } else { most };
        after(due.at, most.mul_f64(self.roll))
    }
}

/// Sums that leave what chrono can hold end at [`parked`].
fn after(start: DateTime<Utc>, span: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(span).ok().and_then(|span| start.checked_add_signed(span)).unwrap_or_else(parked)
}

/// Where a hub brings the news, a look a day is enough; where its lease ends sooner, then. Not for who fails.
fn pushed(state: &SourceState, now: DateTime<Utc>) -> Option<(Due, String)> {
    let until = state.push.as_ref().and_then(|push| push.pushed.and(push.expires))?;
    if until <= now || state.consecutive_failures > 0 {
        return None;
    }
    let daily = after(now, PUSHED_INTERVAL);
    let (at, reason) = if until < daily {
        (until, "its hub brings the news until the lease ends".to_owned())
    } else {
        (daily, "its hub brings the news; a look once a day".to_owned())
    };
    Some((Due { at, reason: String::new(), steady: true }, reason))
}

/// What the schedule alone says, and its reason.
fn scheduled(source: &Source, state: &SourceState, limits: &Limits, now: DateTime<Utc>) -> (Due, String) {
    let floored = |gap: Duration| after(now, gap.max(limits.min_interval));
    match &source.schedule {
        Schedule::Every(gap) => {
            let due = Due { at: floored(*gap), reason: String::new(), steady: false };
            (due, format!("schedule every {}", Span(*gap)))
        }
        Schedule::Cron(text) => {
            let due = Due { at: fires_after(text, source, now), reason: String::new(), steady: true };
            (due, format!("schedule {text} ({})", source.timezone))
        }
        Schedule::Adaptive { min, max } => {
            // Room for the jitter, so that it too stays below the longest wait.
            let roof = max.div_f64(1.0 + source.jitter.clamp(0.0, 1.0));
            // By the clock of what it states, which may be behind ours.
            let theirs = TimeDelta::from_std(state.late).ok().and_then(|late| now.checked_sub_signed(late));
            let theirs = theirs.unwrap_or(now);
            let (gap, why) =
                rhythm::wait(&state.rhythm, state.first_success, theirs, source.timezone, (*min, roof));
            (Due { at: floored(gap), reason: String::new(), steady: false }, why)
        }
    }
}

/// The first time from `instant` on that the cron schedule of a source names; `None` for other schedules.
pub fn fires_from(source: &Source, instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match &source.schedule {
        Schedule::Cron(text) => Some(fires_after(text, source, instant - TimeDelta::seconds(1))),
        Schedule::Adaptive { .. } | Schedule::Every(_) => None,
    }
}

fn fires_after(text: &str, source: &Source, instant: DateTime<Utc>) -> DateTime<Utc> {
    // The config was refused if this cannot be read, so parking is for a store of another version.
    fields::read(text)
        .and_then(|fields| Firing::new(&fields))
        .ok()
        .and_then(|firing| firing.next(instant, source.timezone))
        .unwrap_or_else(parked)
}

/// Failures in a row: the source's interval, doubled with each, up to a cap. It replaces the schedule.
fn after_failures(
    source: &Source,
    state: &SourceState,
    limits: &Limits,
    now: DateTime<Utc>,
    due: &Due,
) -> Due {
    let interval = (due.at - now).to_std().unwrap_or_default();
    let base = if limits.backoff_base.is_zero() { interval } else { limits.backoff_base };
    let doublings = state.consecutive_failures.saturating_sub(1).min(20);
    let delay = base.saturating_mul(1 << doublings).min(limits.backoff_max.max(interval));
    let delay = delay.max(limits.min_interval);
    let mut at = after(now, delay);
    let mut steady = false;
    if let (Schedule::Cron(text), true) = (&source.schedule, limits.backoff_base.is_zero()) {
        // Whoever wrote "on weekdays from seven" means retries too. A second earlier, so that
        // the very moment counts.
        at = fires_after(text, source, at - TimeDelta::seconds(1));
        steady = true;
    }
    let count = state.consecutive_failures;
    let failures =
        if count == 1 { "the last poll failed".to_owned() } else { format!("{count} failures in a row") };
    let words = rounded((at - now).to_std().unwrap_or_default());
    Due { at, reason: format!("{failures}: waiting {words}"), steady }
}

/// What server and feed ask for, each capped.
fn wishes(state: &SourceState, limits: &Limits, now: DateTime<Utc>) -> [Option<Due>; 4] {
    let cap = after(now, limits.max_hold);
    let due = |at: DateTime<Utc>, reason: String| Due { at: at.min(cap), reason, steady: true };
    let hinted = |at: DateTime<Utc>, mut reason: String| {
        if at > cap {
            reason.push_str(&format!("; no wait is longer than {} (max_hold)", Span(limits.max_hold)));
        }
        due(at, reason)
    };
    let last = state.last_success;
    let hints = &state.hints;
    let since = |span: Option<Duration>| Some((last?, span?));
    [
        state.held_until.filter(|until| *until > now).map(|until| {
            let asked = rounded((until.min(cap) - now).to_std().unwrap_or_default());
            due(until, format!("server asked to wait {asked} (Retry-After)"))
        }),
        since(hints.fresh_for).map(|(last, span)| {
            hinted(
                after(last, span),
                format!("server says it is fresh for {} (Cache-Control or Expires)", rounded(span)),
            )
        }),
        since(hints.ttl).map(|(last, span)| {
            hinted(after(last, span), format!("feed says ttl {} minutes", span.as_secs() / 60))
        }),
        since(hints.update_gap).map(|(last, span)| {
            hinted(
                after(last, span),
                format!("feed says it is updated every {} (sy:updatePeriod)", rounded(span)),
            )
        }),
    ]
}

/// Moves on to the first hour that neither `skipHours` nor `skipDays` names. Wishes that leave no hour,
/// or go beyond the cap, are not obeyed.
fn out_of_skipped(due: Due, state: &SourceState, limits: &Limits, now: DateTime<Utc>, dice: &Dice) -> Due {
    let (hours, days) = (&state.hints.skip_hours, &state.hints.skip_days);
    let skipped_day =
        |at: DateTime<Utc>| days.iter().any(|day| u32::from(*day) == at.weekday().num_days_from_monday());
    let skipped_hour = |at: DateTime<Utc>| hours.iter().any(|hour| u32::from(*hour % 24) == at.hour());
    let mut at = due.at;
    for _ in 0..=8 * 24 {
        if !skipped_day(at) && !skipped_hour(at) {
            break;
        }
        let past_hour = i64::from(at.minute() * 60 + at.second());
        at = at + TimeDelta::hours(1)
            - TimeDelta::seconds(past_hour)
            - TimeDelta::nanoseconds(i64::from(at.nanosecond()));
    }
    let moved = at > due.at;
    if !moved || skipped_day(at) || skipped_hour(at) || at > after(now, limits.max_hold).max(due.at) {
        return due;
    }
    let word = if skipped_day(due.at) { "skipDays" } else { "skipHours" };
    let due = Due { at, reason: format!("feed asks not to be polled earlier ({word})"), steady: true };
    Due { at: dice.lengthen(&due, now), ..due }
}

/// A wait in words that nobody needs to the second: `2h`, not `1h 59m 58s`.
fn rounded(span: Duration) -> Span {
    let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    let grain = match seconds {
        0..=599 => 1,
        600..=86_399 => 60,
        _ => 3600,
    };
    Span::secs(seconds.div_ceil(grain) * grain)
}
