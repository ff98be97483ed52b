//! `adaptive`: how long to wait until news is likely, judged by when there was news before.
//! Never looks at servers' wishes or failures (schedule.rs does).

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

#[cfg(test)]
mod tests;

/// We ask again when this many new entries are to be expected. Less asks more often.
const EXPECTED_NEWS: f64 = 0.35;
/// Resolution of the look ahead.
const STEP: f64 = 300.0;
/// The wait while nothing is known, at first.
const UNKNOWN: f64 = 1800.0;
const HOUR: f64 = 3600.0;
/// How much of the scatter of a profile is held to be chance.
const DOUBT: f64 = 1.2;

/// The wait, and its reason in words.
///
/// `published` is newest first, `since` the first time the source answered; all of it may lie
/// ahead of `now` or be missing.
pub(super) fn wait(
    published: &[DateTime<Utc>],
    since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    zone: Tz,
    (min, max): (Duration, Duration),
) -> (Duration, String) {
    let (min, max) = (min.as_secs_f64(), max.as_secs_f64().max(min.as_secs_f64()));
    let ages = ages(published, now, min);
    let (seconds, why) = match ages.as_slice() {
        [] | [_] => {
            let quiet = ages.first().copied().or_else(|| since.map(|since| age(since, now)));
            let quiet = quiet.unwrap_or_default();
            ((quiet / 8.0).max(UNKNOWN), "adaptive: too little news yet to know its rhythm".to_owned())
        }
        [newest, .., oldest] => {
            let rhythm = Rhythm::learn(&ages, now, zone);
            let a_day = number(ages.len().saturating_sub(1)) * 24.0 * HOUR / (oldest - newest).max(min);
            (rhythm.look_ahead(now, zone, max), format!("adaptive: about {}", pace(a_day)))
        }
    };
    (Duration::from_secs_f64(seconds.clamp(min, max)), why)
}

fn pace(a_day: f64) -> String {
    let (number, unit) = match a_day {
        n if n >= 48.0 => (n / 24.0, "an hour"),
        n if n >= 1.5 => (n, "a day"),
        n if n >= 0.2 => (n * 7.0, "a week"),
        n => (n * 30.0, "a month"),
    };
    if number < 1.5 { format!("one entry {unit}") } else { format!("{number:.0} entries {unit}") }
}

fn age(then: DateTime<Utc>, now: DateTime<Utc>) -> f64 {
    (now - then).as_seconds_f64().max(0.0)
}

/// Ages of the publications in seconds, youngest first. What came out together counts once;
/// what claims to come from the future says nothing of the past.
fn ages(published: &[DateTime<Utc>], now: DateTime<Utc>, together: f64) -> Vec<f64> {
    let mut ages: Vec<f64> =
        published.iter().filter(|then| **then <= now).map(|then| age(*then, now)).collect();
    ages.sort_by(f64::total_cmp);
    ages.dedup_by(|older, younger| *older - *younger < together);
    ages
}

/// What a source's past says about its next entry.
struct Rhythm {
    /// Entries a second, over all that is remembered.
    rate: f64,
    /// Silences between neighbours, in seconds, ascending.
    gaps: Vec<f64>,
    /// Age of the newest entry at `now`.
    silence: f64,
    /// Liveliness of each half hour of the day, 1.0 on average.
    day: [f64; 48],
    /// Liveliness of each weekday, 1.0 on average.
    week: [f64; 7],
    /// 1.0 while the silence is of the usual kind, towards 0.0 when the source seems to have stopped.
    alive: f64,
}

impl Rhythm {
    /// From at least two ages.
    fn learn(ages: &[f64], now: DateTime<Utc>, zone: Tz) -> Self {
        let silence = ages.first().copied().unwrap_or_default();
        let oldest = ages.last().copied().unwrap_or_default().max(1.0);
        let count = number(ages.len());
        let mut gaps: Vec<f64> =
            ages.iter().zip(ages.iter().skip(1)).map(|(young, old)| old - young).collect();
        gaps.sort_by(f64::total_cmp);
        let longest = gaps.last().copied().unwrap_or(1.0);
        let day = profile(ages, now, zone, 86_400, |then| place(then, zone).0);
        let week = profile(ages, now, zone, 7 * 86_400, |then| place(then, zone).1);
        let alive = (2.0 * longest / silence.max(1.0)).min(1.0).powi(2);
        Self { rate: count / oldest, gaps, silence, day, week, alive }
    }

    /// Seconds until as many entries as [`EXPECTED_NEWS`] are to be expected, at most `max`.
    fn look_ahead(&self, now: DateTime<Utc>, zone: Tz, max: f64) -> f64 {
        let mut expected = 0.0;
        let mut ahead = 0.0;
        while ahead < max {
            let then = now + delta(ahead);
            let intensity = self.intensity(then, self.silence + ahead, zone);
            let step = intensity * STEP;
            if expected + step >= EXPECTED_NEWS {
                return ahead + (EXPECTED_NEWS - expected) / intensity.max(f64::MIN_POSITIVE);
            }
            expected += step;
            ahead += STEP;
        }
        max
    }

    /// Entries a second to be expected at `then`, after so long a silence.
    fn intensity(&self, then: DateTime<Utc>, silence: f64, zone: Tz) -> f64 {
        let (half_hour, weekday) = place(then, zone);
        let liveliness =
            self.day.get(half_hour).copied().unwrap_or(1.0) * self.week.get(weekday).copied().unwrap_or(1.0);
        liveliness * (0.5 * self.hazard(silence) + 0.5 * self.rate * self.alive)
    }

    /// How often silences that lasted this long ended soon after; past all of them, the longer
    /// the silence the longer it is to go on.
    fn hazard(&self, silence: f64) -> f64 {
        let window = (silence / 8.0).max(300.0);
        let lasted = self.gaps.len() - self.gaps.partition_point(|gap| *gap < silence);
        let ended = lasted - (self.gaps.len() - self.gaps.partition_point(|gap| *gap < silence + window));
        let usual = self.rate.min(0.7 / silence.max(900.0));
        // One silence's worth of doubt, so that three gaps are no law.
        (number(ended) + usual * window) / (number(lasted) * window + window)
    }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// At most a few years of seconds, so it always fits.
fn delta(seconds: f64) -> TimeDelta {
    Duration::try_from_secs_f64(seconds)
        .ok()
        .and_then(|span| TimeDelta::from_std(span).ok())
        .unwrap_or_default()
}

/// Half hour of the day and day of the week, on the wall of the source.
fn place(then: DateTime<Utc>, zone: Tz) -> (usize, usize) {
    let wall = then.with_timezone(&zone);
    let half_hour = wall.hour() * 2 + wall.minute() / 30;
    (half_hour as usize, wall.weekday().num_days_from_monday() as usize)
}

/// Liveliness of the bins of a day or a week, 1.0 on average, smoothed.
///
/// Counted is in how many of the periods a bin had news, so that a burst counts once. Were the bins all
/// alike, the counts would scatter by a known measure (binomial); only what goes beyond it is believed, so one
/// period alone says nothing.
fn profile<const BINS: usize>(
    ages: &[f64],
    now: DateTime<Utc>,
    zone: Tz,
    period: i64,
    bin: impl Fn(DateTime<Utc>) -> usize,
) -> [f64; BINS] {
    let mut seen = BTreeSet::new();
    for age in ages {
        let then = now - delta(*age);
        let wall = then.with_timezone(&zone).naive_local().and_utc().timestamp();
        // 1970 began on a Thursday; weeks begin on Monday.
        let number = (wall + 3 * 86_400).div_euclid(period);
        seen.insert((number, bin(then)));
    }
    let periods = seen.iter().map(|(number, _)| number).collect::<BTreeSet<_>>().len();
    let mut counts = [0.0; BINS];
    for (_, bin) in &seen {
        if let Some(count) = counts.get_mut(*bin) {
            *count += 1.0;
        }
    }
    let (bins, periods) = (number(BINS), number(periods));
    let mean = counts.iter().sum::<f64>() / bins;
    let chance = mean * (1.0 - mean / periods);
    let scatter = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>();
    let share = if scatter > 0.0 { (1.0 - DOUBT * chance * bins / scatter).max(0.0) } else { 0.0 };
    let smooth = |place: usize| {
        let at = |place: usize| counts.get(place % BINS).copied().unwrap_or_default();
        // Weekdays are apart; half hours run into each other.
        if BINS == 7 { at(place) } else { 0.5 * at(place) + 0.25 * (at(place + 1) + at(place + BINS - 1)) }
    };
    std::array::from_fn(|place| share * smooth(place) / mean.max(f64::MIN_POSITIVE) + (1.0 - share))
}
