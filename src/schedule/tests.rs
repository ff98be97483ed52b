//! Schedules: what is read, when it fires, and that no wish makes us come too soon.

use chrono_tz::Tz;
use proptest::prelude::*;
use url::Url;

use super::*;
use crate::model::{Hints, SourceId};

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn adaptive() -> (Duration, Duration) {
    (secs(5 * MINUTE), secs(12 * HOUR))
}

fn limits() -> Limits {
    Limits {
        min_interval: secs(5 * MINUTE),
        backoff_base: Duration::ZERO,
        backoff_max: secs(6 * HOUR),
        max_hold: secs(7 * DAY),
    }
}

fn source(schedule: &str, zone: Tz) -> Source {
    let url = Url::parse("https://example.org/feed").unwrap();
    Source {
        schedule: read(schedule, adaptive()).unwrap(),
        timezone: zone,
        ..Source::new(SourceId::new("s"), url)
    }
}

/// A source that was just answered.
fn answered(now: DateTime<Utc>) -> SourceState {
    SourceState {
        standing: Standing::Ok,
        first_success: Some(now),
        last_poll: Some(now),
        last_success: Some(now),
        ..SourceState::default()
    }
}

/// Polls at noon on 1 March 2026, a Sunday; no jitter.
fn check(schedule: &str, change: impl FnOnce(&mut SourceState, &mut Limits), due: &str, reason: &str) {
    let now = at("2026-03-01T12:00:00Z");
    let (mut state, mut limits) = (answered(now), limits());
    change(&mut state, &mut limits);
    let (next, why) = next(&source(schedule, Tz::UTC), &state, &limits, now, 0.0);
    assert_eq!((next, why.as_str()), (at(due), reason), "{schedule}");
}

#[test]
fn the_schedule_alone() {
    check("every 30m", |_, _| {}, "2026-03-01T12:30:00Z", "schedule every 30m");
    check("every 1m", |_, _| {}, "2026-03-01T12:05:00Z", "schedule every 1m");
    check("*/20 * * * *", |_, _| {}, "2026-03-01T12:20:00Z", "schedule */20 * * * * (UTC)");
    check("* * * * *", |_, _| {}, "2026-03-01T12:05:00Z", "no more often than every 5m (min_interval)");
    check("adaptive", |_, _| {}, "2026-03-01T12:30:00Z", "adaptive: too little news yet to know its rhythm");
    check("every 1h", |state, _| state.last_poll = None, "2026-03-01T12:00:00Z", "never polled");
    let gone = "gone (410): parked until it is asked for by hand";
    check("every 1h", |state, _| state.standing = Standing::Gone, "9999-12-31T00:00:00Z", gone);
}

#[test]
fn wishes_only_lengthen() {
    check(
        "every 30m",
        |state, _| state.held_until = Some(at("2026-03-01T14:00:00Z")),
        "2026-03-01T14:00:00Z",
        "server asked to wait 2h (Retry-After)",
    );
    check(
        "every 30m",
        |state, _| state.held_until = Some(at("2046-03-01T14:00:00Z")),
        "2026-03-08T12:00:00Z",
        "server asked to wait 7d (Retry-After)",
    );
    check(
        "every 30m",
        |state, _| state.hints.ttl = Some(secs(HOUR)),
        "2026-03-01T13:00:00Z",
        "feed says ttl 60 minutes",
    );
    check(
        "every 2h",
        |state, _| state.hints.ttl = Some(secs(HOUR)),
        "2026-03-01T14:00:00Z",
        "schedule every 2h",
    );
    check(
        "every 30m",
        |state, _| state.hints.fresh_for = Some(secs(40 * MINUTE)),
        "2026-03-01T12:40:00Z",
        "server says it is fresh for 40m (Cache-Control or Expires)",
    );
    check(
        "every 30m",
        |state, _| state.hints.update_gap = Some(secs(365 * DAY)),
        "2026-03-08T12:00:00Z",
        "feed says it is updated every 365d (sy:updatePeriod); no wait is longer than 7d (max_hold)",
    );
    check(
        "every 30m",
        |state, _| state.hints.update_gap = Some(secs(DAY)),
        "2026-03-02T12:00:00Z",
        "feed says it is updated every 1d (sy:updatePeriod)",
    );
    // The wish of a good answer counts from that answer, also while polls fail.
    check(
        "every 5m",
        |state, _| {
            state.last_success = Some(at("2026-03-01T11:30:00Z"));
            state.consecutive_failures = 1;
            state.hints.fresh_for = Some(secs(HOUR));
        },
        "2026-03-01T12:30:00Z",
        "server says it is fresh for 1h (Cache-Control or Expires)",
    );
}

#[test]
fn skipped_hours_and_days() {
    let hours = |hours: &[u8]| {
        let hours = hours.to_vec();
        move |state: &mut SourceState, _: &mut Limits| state.hints.skip_hours = hours
    };
    let words = "feed asks not to be polled earlier (skipHours)";
    check("every 30m", hours(&[12, 13]), "2026-03-01T14:00:00Z", words);
    check("every 30m", hours(&[13]), "2026-03-01T12:30:00Z", "schedule every 30m");
    // 24 is midnight, as early drafts wrote it; all hours at once are nonsense.
    check("every 12h", hours(&[24]), "2026-03-02T01:00:00Z", words);
    let all: Vec<u8> = (0..24).collect();
    check("every 30m", hours(&all), "2026-03-01T12:30:00Z", "schedule every 30m");
    check(
        "every 30m",
        |state, _| state.hints.skip_days = vec![6, 0],
        "2026-03-03T00:00:00Z",
        "feed asks not to be polled earlier (skipDays)",
    );
}

#[test]
fn failures_back_off() {
    let failed = |count| move |state: &mut SourceState, _: &mut Limits| state.consecutive_failures = count;
    check("every 30m", failed(1), "2026-03-01T12:30:00Z", "the last poll failed: waiting 30m");
    check("every 30m", failed(3), "2026-03-01T14:00:00Z", "3 failures in a row: waiting 2h");
    check("every 30m", failed(99), "2026-03-01T18:00:00Z", "99 failures in a row: waiting 6h");
    check("every 1d", failed(9), "2026-03-02T12:00:00Z", "9 failures in a row: waiting 1d");
    // Cron: doubling the gap to the next firing, and then the firing that follows.
    check("30 * * * *", failed(1), "2026-03-01T12:30:00Z", "the last poll failed: waiting 30m");
    check("30 * * * *", failed(2), "2026-03-01T13:30:00Z", "2 failures in a row: waiting 1h 30m");
    check("0 7 * * mon-fri", failed(5), "2026-03-02T07:00:00Z", "5 failures in a row: waiting 19h");
    let based = |count, base| {
        move |state: &mut SourceState, limits: &mut Limits| {
            state.consecutive_failures = count;
            limits.backoff_base = secs(base);
        }
    };
    check("every 2h", based(1, 10 * MINUTE), "2026-03-01T12:10:00Z", "the last poll failed: waiting 10m");
    check("every 2h", based(3, 10 * MINUTE), "2026-03-01T12:40:00Z", "3 failures in a row: waiting 40m");
    check("every 2h", based(1, 1), "2026-03-01T12:05:00Z", "the last poll failed: waiting 5m");
}

#[test]
fn jitter_lengthens_a_share_and_cron_by_minutes() {
    let now = at("2026-03-01T12:00:00Z");
    let late = |schedule: &str| {
        let (due, _) = next(&source(schedule, Tz::UTC), &answered(now), &limits(), now, 0.999);
        (due - now).num_minutes()
    };
    assert_eq!((late("every 10h"), late("0 22 * * *"), late("30 * * * *")), (659, 604, 32));
}

/// What is wrong, and what would be right.
#[test]
fn wrong_schedules_say_what_would_be_right() {
    for (text, words) in [
        ("", "every 30m"),
        ("every 5", "write \"every 5m\""),
        ("every", "after \"every\""),
        ("every 5 minutes", "5m"),
        ("every 0s", "never waits"),
        ("30m", "write \"every 30m\""),
        ("adaptive 5m..12h", "adaptive = {"),
        ("@reboot", "@hourly"),
        ("@often", "@hourly"),
        ("hourly", "has 1 field; cron has five"),
        ("* * * *", "has 4 fields; cron has five"),
        ("0 */5 * * * *", "perhaps \"*/5 * * * *\""),
        ("0 0 12 * * mon 2026", "7 fields"),
        ("60 * * * *", "minute field \"60\": 60 is outside 0-59"),
        ("* 24 * * *", "hour field \"24\": 24 is outside 0-23"),
        ("* * 0 * *", "day of month field \"0\": 0 is outside 1-31"),
        ("* * * 13 *", "month field \"13\": 13 is outside 1-12"),
        ("* * * * 8", "weekday field \"8\": 8 is outside 0-7"),
        ("* * * mon *", "weekdays are the fifth field"),
        ("* * * * jan", "months are the fourth field"),
        ("* * * * monday", "write mon"),
        ("* * * january *", "write jan"),
        ("5/15 * * * *", "write 5-59/15"),
        ("*/0 * * * *", "a step of 0"),
        ("*/x * * * *", "\"x\" is no step"),
        ("* 22-4 * * *", "write 22-23,0-4"),
        ("1,,2 * * * *", "a value is missing"),
        ("* * ? * *", "not Unix cron"),
        ("* * L * *", "not Unix cron"),
        ("* * 15W * *", "not Unix cron"),
        ("* * * * 1#2", "not Unix cron"),
        ("-5 * * * *", "a value is missing"),
        ("0 0 31 2 *", "never fires: none of its months has a day 31"),
        ("0 0 31 4,6,9,11 *", "never fires"),
        ("0 0 30 feb *", "never fires"),
        ("ä * * * *", "minute field"),
        ("99999999999 * * * *", "outside 0-59"),
    ] {
        let error = read(text, adaptive()).unwrap_err();
        assert!(error.contains(words), "{text:?}: {error}");
    }
    for text in
        ["0 0 31 2 mon", "0 0 29 2 *", "@HOURLY", "EVERY 5m", " adaptive ", "0 0 * * 7", "1-5,7 * * * *"]
    {
        assert!(read(text, adaptive()).is_ok(), "{text:?}");
    }
}

fn firings(text: &str, zone: Tz, after: &str, count: usize) -> Vec<String> {
    let firing = Firing::new(&fields::read(text).unwrap()).unwrap();
    let mut now = at(after);
    (0..count)
        .map(|_| {
            now = firing.next(now, zone).unwrap();
            now.with_timezone(&zone).format("%a %m-%d %H:%M %Z").to_string()
        })
        .collect()
}

/// One case for each difference between the `cron` crate and Unix.
#[test]
fn unix_cron_and_not_the_crates() {
    let noon = "2026-03-01T12:00:00Z";
    for (text, expected) in [
        // Sunday is 0 and 7, Monday 1.
        ("0 0 * * 0", ["Sun 03-08 00:00 UTC", "Sun 03-15 00:00 UTC"]),
        ("0 0 * * 7", ["Sun 03-08 00:00 UTC", "Sun 03-15 00:00 UTC"]),
        ("0 0 * * 1", ["Mon 03-02 00:00 UTC", "Mon 03-09 00:00 UTC"]),
        ("0 0 * * sat-sun", ["Sat 03-07 00:00 UTC", "Sun 03-08 00:00 UTC"]),
        ("0 0 * * 5-7", ["Fri 03-06 00:00 UTC", "Sat 03-07 00:00 UTC"]),
        ("0 0 * * */3", ["Wed 03-04 00:00 UTC", "Sat 03-07 00:00 UTC"]),
        // Either day field is enough, unless one begins with a star.
        ("0 0 13 * fri", ["Fri 03-06 00:00 UTC", "Fri 03-13 00:00 UTC"]),
        ("0 0 */2 * fri", ["Fri 03-13 00:00 UTC", "Fri 03-27 00:00 UTC"]),
        ("0 0 3 * */2", ["Tue 03-03 00:00 UTC", "Sun 05-03 00:00 UTC"]),
        // Five fields: on the minute.
        ("*/20 * * * *", ["Sun 03-01 12:20 UTC", "Sun 03-01 12:40 UTC"]),
        ("10-30/10 8,20 * * *", ["Sun 03-01 20:10 UTC", "Sun 03-01 20:20 UTC"]),
        ("@weekly", ["Sun 03-08 00:00 UTC", "Sun 03-15 00:00 UTC"]),
        ("@midnight", ["Mon 03-02 00:00 UTC", "Tue 03-03 00:00 UTC"]),
        ("@annually", ["Fri 01-01 00:00 UTC", "Sat 01-01 00:00 UTC"]),
        ("0 0 29 feb *", ["Tue 02-29 00:00 UTC", "Sun 02-29 00:00 UTC"]),
    ] {
        assert_eq!(firings(text, Tz::UTC, noon, 2), expected, "{text}");
    }
}

#[test]
fn summer_time_comes_and_goes() {
    let vienna = Tz::Europe__Vienna;
    // 02:30 is skipped on 29 March: the end of the gap, then as usual.
    assert_eq!(
        firings("30 2 * * *", vienna, "2026-03-28T12:00:00Z", 2),
        ["Sun 03-29 03:00 CEST", "Mon 03-30 02:30 CEST"]
    );
    // Several skipped times make one firing.
    assert_eq!(
        firings("*/20 1-3 * * *", vienna, "2026-03-29T00:30:00Z", 3),
        ["Sun 03-29 01:40 CET", "Sun 03-29 03:00 CEST", "Sun 03-29 03:20 CEST"]
    );
    // 02:30 is shown twice on 25 October: the first time only.
    assert_eq!(
        firings("30 2 * * *", vienna, "2026-10-24T12:00:00Z", 2),
        ["Sun 10-25 02:30 CEST", "Mon 10-26 02:30 CET"]
    );
    // Asked between the two, never the past.
    assert_eq!(firings("20 * * * *", vienna, "2026-10-25T01:05:00Z", 1), ["Sun 10-25 03:20 CET"]);
    // A gap of half an hour, and one of a whole day.
    assert_eq!(
        firings("15 2 * * *", Tz::Australia__Lord_Howe, "2026-10-02T18:00:00Z", 2),
        ["Sun 10-04 02:30 +11", "Mon 10-05 02:15 +11"]
    );
    assert_eq!(
        firings("0 12 * * *", Tz::Pacific__Apia, "2011-12-29T23:00:00Z", 2),
        ["Sat 12-31 00:00 +14", "Sat 12-31 12:00 +14"]
    );
}

#[test]
fn agrees_with_another_implementation() {
    let zones = [
        Tz::UTC,
        Tz::Europe__Vienna,
        Tz::America__New_York,
        Tz::Australia__Lord_Howe,
        Tz::Asia__Kolkata,
        Tz::Pacific__Chatham,
        Tz::America__Sao_Paulo,
        Tz::Africa__Casablanca,
    ];
    let texts = [
        "* * * * *",
        "*/15 * * * *",
        "0 * * * *",
        "30 2 * * *",
        "0 0 * * *",
        "0 7-19 * * mon-fri",
        "5,35 1-4 * * *",
        "0 0 1 * *",
        "0 12 13 * 5",
        "15 3 1,15 * sun",
        "0 0 29 2 *",
        "59 23 31 12 *",
        "10-50/20 */3 * 3,10 *",
        "0 2 * 3 0",
        "0 3 * 10 7",
        "1 1 1-7 * *",
        "@weekly",
        "@monthly",
    ];
    let mut compared = 0;
    for zone in zones {
        for text in texts {
            let ours = Firing::new(&fields::read(text).unwrap()).unwrap();
            let theirs = croner::parser::CronParser::new().parse(text).unwrap();
            // Every 37 hours and odd minutes through two years, so that all changes are met.
            for step in 0..480 {
                let start = at("2025-01-01T00:00:00Z") + TimeDelta::minutes(step * 2227);
                let next = ours.next(start, zone).unwrap();
                let expected =
                    theirs.find_next_occurrence(&start.with_timezone(&zone), false).unwrap().to_utc();
                compared += 1;
                if next != expected {
                    assert!(
                        near_change(next, expected, zone),
                        "{text} {zone} {start}: {next} and {expected}"
                    );
                }
            }
        }
    }
    assert_eq!(compared, 480 * 18 * 8);
}

/// Where the wall jumps the two may differ: croner runs a `*` again in the hour shown twice.
fn near_change(one: DateTime<Utc>, other: DateTime<Utc>, zone: Tz) -> bool {
    let offset = |at: DateTime<Utc>| {
        use chrono::Offset;
        at.with_timezone(&zone).offset().fix()
    };
    let reach = TimeDelta::hours(3);
    offset(one - reach) != offset(one + reach) && (one - other).abs() <= reach
}

proptest! {
    #[test]
    fn never_too_soon(
        schedule in prop::sample::select(vec![
            "every 10s", "every 30m", "every 9d", "adaptive", "* * * * *", "0 7-19 * * mon-fri", "30 2 * * *", "@yearly",
        ]),
        zone in prop::sample::select(vec![Tz::UTC, Tz::Europe__Vienna, Tz::Australia__Lord_Howe]),
        start in 0i64..4_000_000_000,
        hints in prop::array::uniform3(prop::option::of(0u64..9_000_000_000)),
        held in prop::option::of(-9_000_000_000i64..9_000_000_000),
        skip_hours in prop::collection::vec(0u8..=255, 0..24),
        skip_days in prop::collection::vec(0u8..=255, 0..7),
        failures in prop_oneof![Just(0u32), 0u32..40, Just(u32::MAX)],
        rhythm in prop::collection::vec(-100_000i64..40_000_000, 0..64),
        base in 0u64..100_000,
        roll in 0.0..1.0f64,
    ) {
        let now = DateTime::from_timestamp(start, 0).unwrap();
        let [fresh_for, ttl, update_gap] = hints.map(|hint| hint.map(secs));
        let held_until = held.and_then(|seconds| now.checked_add_signed(TimeDelta::seconds(seconds)));
        let state = SourceState {
            held_until,
            consecutive_failures: failures,
            hints: Hints { fresh_for, ttl, skip_hours, skip_days, update_gap },
            rhythm: rhythm.iter().map(|age| now - TimeDelta::seconds(*age)).collect(),
            ..answered(now)
        };
        let limits = Limits { backoff_base: secs(base), ..limits() };
        let (due, reason) = next(&source(schedule, zone), &state, &limits, now, roll);
        prop_assert!(due >= now + TimeDelta::minutes(5), "{due} {reason}");
        prop_assert!(!reason.is_empty());
        let cap = now + TimeDelta::days(7);
        for wish in [fresh_for, ttl, update_gap].into_iter().flatten() {
            prop_assert!(due >= cap.min(after(now, wish)), "{wish:?} {due} {reason}");
        }
        if let Some(until) = held_until {
            prop_assert!(due >= until.min(cap), "{until} {due} {reason}");
        }
        if schedule == "adaptive" && failures == 0 && hints == [None; 3] && held.is_none_or(|held| held <= 0)
            && state.hints.skip_days.is_empty() && state.hints.skip_hours.is_empty() {
            prop_assert!(due <= now + TimeDelta::hours(12), "{due} {reason}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9*/,@? -]{0,30}|.{0,30}") {
        if let Ok(Schedule::Cron(text)) = read(&text, adaptive()) {
            prop_assert!(fields::read(&text).is_ok());
        }
    }
}

/// Our rule, told minute by minute: whatever the wall has not shown before fires when the wall has
/// passed it. Slow and plain, so it is right.
fn minute_by_minute(text: &str, zone: Tz, start: DateTime<Utc>, minutes: i64) -> Vec<DateTime<Utc>> {
    let fields = fields::read(text).unwrap();
    let matches = |wall: chrono::NaiveDateTime| {
        let has = |numbers: &[u8], number: u32| numbers.iter().any(|n| u32::from(*n) == number);
        let (day, weekday) =
            (has(&fields.days, wall.day()), has(&fields.weekdays, wall.weekday().num_days_from_sunday()));
        has(&fields.minutes, wall.minute())
            && has(&fields.hours, wall.hour())
            && has(&fields.months, wall.month())
            && if fields.either_day { day || weekday } else { day && weekday }
    };
    let mut shown = start.with_timezone(&zone).naive_local();
    let mut firings = Vec::new();
    for minute in 1..=minutes {
        let now = start + TimeDelta::minutes(minute);
        let wall = now.with_timezone(&zone).naive_local();
        let mut fires = false;
        while shown < wall {
            shown += TimeDelta::minutes(1);
            fires |= matches(shown);
        }
        if fires {
            firings.push(now);
        }
    }
    firings
}

#[test]
fn follows_its_own_rule_through_every_change() {
    let texts = [
        "* * * * *",
        "*/7 * * * *",
        "0 * * * *",
        "30 2 * * *",
        "15 1-3 * * *",
        "0 0 * * *",
        "59 23 * * *",
        "45 1 * * sun",
        "0 2 1-7 * sun",
        "*/30 */2 * * *",
        "0 12 * * *",
    ];
    let mut fired = 0;
    for (zone, start) in [
        (Tz::Europe__Vienna, "2026-03-28T00:00:00Z"),
        (Tz::Europe__Vienna, "2026-10-24T00:00:00Z"),
        (Tz::America__New_York, "2026-03-07T12:00:00Z"),
        (Tz::America__New_York, "2026-10-31T12:00:00Z"),
        (Tz::Australia__Lord_Howe, "2026-04-04T00:00:00Z"),
        (Tz::Australia__Lord_Howe, "2026-10-03T00:00:00Z"),
        (Tz::America__Sao_Paulo, "2018-11-03T12:00:00Z"),
        (Tz::America__Sao_Paulo, "2018-02-17T12:00:00Z"),
        (Tz::Africa__Casablanca, "2026-02-14T12:00:00Z"),
        (Tz::Africa__Casablanca, "2026-03-21T12:00:00Z"),
        (Tz::Pacific__Apia, "2011-12-29T00:00:00Z"),
        (Tz::Asia__Pyongyang, "2018-05-04T00:00:00Z"),
    ] {
        for text in texts {
            let firing = Firing::new(&fields::read(text).unwrap()).unwrap();
            let expected = minute_by_minute(text, zone, at(start), 3 * 24 * 60);
            let mut now = at(start);
            for expected in &expected {
                now = firing.next(now, zone).unwrap();
                assert_eq!(now, *expected, "{text} in {zone}");
            }
            fired += expected.len();
        }
    }
    assert!(fired > 50_000, "{fired}");
}
