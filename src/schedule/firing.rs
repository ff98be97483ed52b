//! When a crontab line fires, on the clock on the wall of a zone. The only file that speaks to the
//! `cron` crate, whose dialect differs from Unix: seconds first, weekdays 1 to 7 from Sunday, and both
//! day fields must match. It is asked in UTC alone, for its reckoning across a change of
//! summer time can answer with the past.

use std::str::FromStr;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::fields::Fields;

/// A crontab line, ready to be asked.
pub(super) struct Firing {
    /// One, or two where either day field is enough.
    schedules: Vec<cron::Schedule>,
}

impl Firing {
    pub(super) fn new(fields: &Fields) -> Result<Self, String> {
        let star = "*".to_owned();
        let days = list(&fields.days, 0);
        // The crate counts weekdays from 1.
        let weekdays = list(&fields.weekdays, 1);
        let pairs = if fields.either_day {
            vec![(days, star.clone()), (star, weekdays)]
        } else {
            vec![(days, weekdays)]
        };
        let (minutes, hours) = (list(&fields.minutes, 0), list(&fields.hours, 0));
        let months = list(&fields.months, 0);
        let schedules = pairs
            .into_iter()
            .map(|(days, weekdays)| {
                let text = format!("0 {minutes} {hours} {days} {months} {weekdays}");
                cron::Schedule::from_str(&text).map_err(|error| format!("{text:?}: {error}"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { schedules })
    }

    /// The first firing after `after`; `None` when there is none before the year 2100.
    ///
    /// A time that the wall shows twice fires the first time only; a time it skips fires at
    /// the end of the gap.
    pub(super) fn next(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let wall = after.with_timezone(&zone).naive_local();
        self.schedules
            .iter()
            .filter_map(|schedule| {
                schedule
                    .after(&wall.and_utc())
                    // A candidate can lie in the hour that is shown a second time, or in the gap just passed;
                    // a day of minutes is more than any such hour holds.
                    .take(24 * 60 + 1)
                    .map(|candidate| instant(candidate.naive_utc(), zone))
                    .find(|candidate| *candidate > after)
            })
            .min()
    }
}

fn list(numbers: &[u8], add: u8) -> String {
    let numbers: Vec<String> = numbers.iter().map(|number| (number + add).to_string()).collect();
    numbers.join(",")
}

/// The instant at which the wall of `zone` first shows `wall`, or the first one past it.
fn instant(wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(instant) => instant.to_utc(),
        MappedLocalTime::Ambiguous(first, second) => first.min(second).to_utc(),
        MappedLocalTime::None => gap_end(wall, zone),
    }
}

/// No zone is further from UTC, and no gap is longer (Samoa once skipped a day).
const REACH: TimeDelta = TimeDelta::hours(26);

fn gap_end(wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    // The wall is before `wall` at `low` and past it at `high`; halve until they touch.
    let shows = |seconds: i64| {
        DateTime::from_timestamp(seconds, 0).is_some_and(|at| at.with_timezone(&zone).naive_local() >= wall)
    };
    let (mut low, mut high) = ((wall - REACH).and_utc().timestamp(), (wall + REACH).and_utc().timestamp());
    while high - low > 1 {
        let middle = low.midpoint(high);
        if shows(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    DateTime::from_timestamp(high, 0).unwrap_or(wall.and_utc())
}
