//! From what a text says to an instant: the calendar, the clock, the zone. What does not exist is `None`, never rolled over.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Tz;

use super::read::{Clock, Day, Said, Year};
use super::words::Half;
use super::zones::{self, Zone};
use super::{Moment, Order};

/// The instant that was meant, read in `zone` where the text names none.
pub(super) fn settle(said: &Said, zone: Tz, order: Option<Order>) -> Option<Moment> {
    let mut doubts = Vec::new();
    // The first of January of the year 1 is how .NET says that there is no date.
    let date = date(said, zone, order, &mut doubts).filter(|date| date.year() > 1)?;
    let date = if (2443..2643).contains(&date.year()) {
        doubts.push("the year was read as one of the Buddhist era".to_owned());
        date.with_year(date.year() - 543)?
    } else {
        date
    };
    if let Some(weekday) = said.weekday
        && date.weekday() != weekday
        && !matches!(said.day, Day::Month { .. } | Day::Year(_))
    {
        doubts.push(format!("{date} is no {weekday}"));
    }
    if (1000..1600).contains(&date.year()) {
        doubts.push("the year may be one of another calendar".to_owned());
    }
    let (time, extra) = time(said.clock.unwrap_or_default(), &mut doubts)?;
    let local = date.and_time(time).checked_add_signed(extra)?;
    // RFC 3339 writes years with four digits.
    let instant = place(local, said, zone, &mut doubts).filter(|at| (0..=9999).contains(&at.year()))?;
    if said.clock.is_some_and(|clock| clock.second == 60) && !is_leap(instant) {
        doubts.push("there was no leap second then".to_owned());
    }
    Some(Moment { instant, doubt: (!doubts.is_empty()).then(|| doubts.join("; ")) })
}

fn date(said: &Said, zone: Tz, order: Option<Order>, doubts: &mut Vec<String>) -> Option<NaiveDate> {
    let small = |value: u64| u32::try_from(value).ok();
    match said.day {
        Day::Plain { year, month, day } => {
            NaiveDate::from_ymd_opt(full_year(year?)?, small(month)?, small(day)?)
        }
        Day::Open { first, second, year, sign } => {
            let pair = [small(first)?, small(second)?];
            let known = order.map(|order| order == Order::MonthFirst);
            open(full_year(year)?, pair, sign, said, known.ok_or(zone), doubts)
        }
        Day::Week { year, week, day } => {
            if day == 0 {
                doubts.push("no day is given; the first of the week was taken".to_owned());
            }
            let weekday = Weekday::try_from(u8::try_from(day.saturating_sub(1)).ok()?).ok()?;
            NaiveDate::from_isoywd_opt(i32::try_from(year).ok()?, small(week)?, weekday)
        }
        Day::Ordinal { year, day } => NaiveDate::from_yo_opt(full_year(year)?, small(day)?),
        Day::Month { year, month } => {
            doubts.push("no day is given; the first of the month was taken".to_owned());
            NaiveDate::from_ymd_opt(full_year(year)?, small(month)?, 1)
        }
        Day::Year(year) => {
            doubts.push("only a year is given; its first day was taken".to_owned());
            NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, 1, 1)
        }
    }
}

/// POSIX: 69 to 99 are of the twentieth century. RFC 2822, 4.3: three digits count from 1900.
fn full_year(year: Year) -> Option<i32> {
    let value = i32::try_from(year.value).ok()?;
    Some(match (year.digits, value) {
        (2, 0..=68) => 2000 + value,
        (2 | 3, _) => 1900 + value,
        _ => value,
    })
}

/// Day and month in an order that the text leaves open. `month_first`: whether it does is known, or else its zone.
fn open(
    year: i32,
    pair: [u32; 2],
    sign: char,
    said: &Said,
    month_first: Result<bool, Tz>,
    doubts: &mut Vec<String>,
) -> Option<NaiveDate> {
    let [first, second] = pair;
    let known = month_first;
    let day_first = NaiveDate::from_ymd_opt(year, second, first);
    let month_first = NaiveDate::from_ymd_opt(year, first, second);
    let (Some(day_first), Some(month_first)) = (day_first, month_first) else {
        return day_first.or(month_first);
    };
    // With points the day comes first nearly wherever points are used.
    if day_first == month_first || sign == '.' && known.is_err() {
        return Some(day_first);
    }
    if let Some(weekday) = said.weekday {
        match (day_first.weekday() == weekday, month_first.weekday() == weekday) {
            (true, false) => return Some(day_first),
            (false, true) => return Some(month_first),
            _ => {}
        }
    }
    let zone = match known {
        Ok(true) => return Some(month_first),
        Ok(false) => return Some(day_first),
        Err(zone) => zone,
    };
    let american =
        said.clock.is_some_and(|clock| clock.half.is_some() && clock.latin) || zones::month_first(zone);
    let taken = if american { month_first } else { day_first };
    doubts.push(format!("day and month could be the other way round; {taken} was taken"));
    Some(taken)
}

/// The time of day and what goes beyond it: 24:00 is the end of the day, :60 a leap second.
fn time(clock: Clock, doubts: &mut Vec<String>) -> Option<(NaiveTime, TimeDelta)> {
    let hour = match clock.half {
        Some(Half::Am) if clock.hour == 12 => 0,
        Some(Half::Pm) if clock.hour < 12 => clock.hour + 12,
        Some(Half::Am) if clock.hour > 12 => {
            doubts.push(format!("hour {} is not before noon; the 24-hour clock was taken", clock.hour));
            clock.hour
        }
        _ => clock.hour,
    };
    let small = |value: u64| u32::try_from(value).ok();
    let (minute, second) = (small(clock.minute)?, small(clock.second)?);
    if hour == 24 {
        return (minute == 0 && second == 0 && clock.nanos == 0)
            .then_some((NaiveTime::MIN, TimeDelta::days(1)));
    }
    let (second, extra) =
        if second == 60 { (59, TimeDelta::seconds(1)) } else { (second, TimeDelta::zero()) };
    NaiveTime::from_hms_nano_opt(small(hour)?, minute, second, clock.nanos).map(|time| (time, extra))
}

fn place(local: NaiveDateTime, said: &Said, zone: Tz, doubts: &mut Vec<String>) -> Option<DateTime<Utc>> {
    let fixed = |east: i32| Some(local.checked_sub_signed(TimeDelta::seconds(i64::from(east)))?.and_utc());
    let mut named = |zone: Tz| {
        let (instant, doubt) = zones::settle(local, zone)?;
        doubts.extend(doubt);
        Some(instant)
    };
    match &said.zone {
        Some(Zone::Fixed(offset)) => fixed(*offset),
        Some(Zone::Named(tz)) => named(*tz),
        Some(Zone::Doubtful(offset, doubt)) => {
            doubts.push((*doubt).to_owned());
            fixed(*offset)
        }
        Some(Zone::Unknown(name)) => {
            let instant = named(zone);
            doubts.push(format!("the zone {name} is not known; {} was taken", zone.name()));
            instant
        }
        // All who write their dates in Korean live in one zone. Whoever configured another one knows better.
        None if said.korean && zone == Tz::UTC && said.clock.is_some() => named(Tz::Asia__Seoul),
        None => named(zone),
    }
}

/// Leap seconds are added at the end of June or December, UTC.
fn is_leap(instant: DateTime<Utc>) -> bool {
    instant.day() == 1 && matches!(instant.month(), 1 | 7) && instant.num_seconds_from_midnight() == 0
}
