//! Zone names and offsets, and what a wall clock means in a zone.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{OffsetName, Tz};

/// The zone of a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    /// Seconds east of UTC.
    Fixed(i32),
    /// With its daylight-saving rules.
    Named(Tz),
    /// Seconds east of UTC, and why that is not sure: the name is used in several places of the world.
    Doubtful(i32, &'static str),
    /// Looks like a zone, but no one we know.
    Unknown(String),
}

/// Names with one offset, in minutes east of UTC. RFC 822 and the names that stand in feeds.
const NAMES: &[(&str, i32)] = &[
    ("UT", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("Z", 0),
    ("ZULU", 0),
    ("WET", 0),
    ("UCT", 0),
    ("TU", 0),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("AKST", -540),
    ("AKDT", -480),
    ("HST", -600),
    ("HAST", -600),
    ("HADT", -540),
    ("AST", -240),
    ("ADT", -180),
    ("NST", -210),
    ("NDT", -150),
    ("BRT", -180),
    ("BRST", -120),
    ("ART", -180),
    ("CLT", -240),
    ("CLST", -180),
    ("COT", -300),
    ("PET", -300),
    ("VET", -240),
    ("UYT", -180),
    ("BOT", -240),
    ("ECT", -300),
    ("GFT", -180),
    ("WEST", 60),
    ("BST", 60),
    ("CET", 60),
    ("MET", 60),
    ("MEZ", 60),
    ("WAT", 60),
    ("CEST", 120),
    ("CEDT", 120),
    ("MEST", 120),
    ("MESZ", 120),
    ("MEDST", 120),
    ("EET", 120),
    ("CAT", 120),
    ("SAST", 120),
    ("EEST", 180),
    ("EEDT", 180),
    ("IDT", 180),
    ("MSK", 180),
    ("MSD", 240),
    ("TRT", 180),
    ("EAT", 180),
    ("SAMT", 240),
    ("IRST", 210),
    ("GST", 240),
    ("AZT", 240),
    ("PKT", 300),
    ("YEKT", 300),
    ("UZT", 300),
    ("IST", 330),
    ("NPT", 345),
    ("OMST", 360),
    ("ALMT", 360),
    ("KRAT", 420),
    ("NOVT", 420),
    ("ICT", 420),
    ("WIB", 420),
    ("WITA", 480),
    ("WIT", 540),
    ("IRKT", 480),
    ("HKT", 480),
    ("SGT", 480),
    ("MYT", 480),
    ("PHT", 480),
    ("AWST", 480),
    ("ULAT", 480),
    ("JST", 540),
    ("KST", 540),
    ("YAKT", 540),
    ("ACST", 570),
    ("ACDT", 630),
    ("AEST", 600),
    ("VLAT", 600),
    ("AEDT", 660),
    ("NZST", 720),
    ("NZDT", 780),
    ("PETT", 720),
    ("FJT", 720),
];

/// Names that mean standard or daylight time as the season has it.
const SEASONAL: &[(&str, Tz)] = &[
    ("ET", Tz::America__New_York),
    ("CT", Tz::America__Chicago),
    ("MT", Tz::America__Denver),
    ("PT", Tz::America__Los_Angeles),
    ("AT", Tz::America__Halifax),
    ("AKT", Tz::America__Anchorage),
    ("AET", Tz::Australia__Sydney),
];

/// Names that several countries use: what they are taken for.
const SHARED: &[(&str, &str)] = &[
    ("IST", "the zone was taken for that of India, not Israel or Ireland"),
    ("AST", "the zone was taken for that of the Atlantic coast, not Arabia"),
    ("GST", "the zone was taken for that of the Gulf, not South Georgia"),
];

static AREAS: LazyLock<HashMap<String, Tz>> =
    LazyLock::new(|| chrono_tz::TZ_VARIANTS.iter().map(|tz| (tz.name().to_ascii_lowercase(), *tz)).collect());

/// The zone that a name stands for: `CEST`, `ET`, `A` (military), `Europe/Vienna`, `Etc/GMT+5`.
pub(super) fn named(name: &str) -> Option<Zone> {
    if matches!(name, "МСК" | "мск" | "Мск") {
        return Some(Zone::Fixed(3 * 3600));
    }
    if !name.is_ascii() || name.len() > 48 {
        return None;
    }
    if let Some((_, tz)) = SEASONAL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return Some(Zone::Named(*tz));
    }
    if let Some((known, minutes)) = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        let offset = minutes * 60;
        let shared = SHARED.iter().find(|(name, _)| name == known);
        return Some(shared.map_or(Zone::Fixed(offset), |(_, doubt)| Zone::Doubtful(offset, doubt)));
    }
    if let [letter] = name.as_bytes() {
        return military(*letter);
    }
    if name.contains('/') {
        return AREAS.get(&name.to_ascii_lowercase()).map(|tz| Zone::Named(*tz));
    }
    None
}

/// RFC 822, 5.1 printed the military letters with their signs reversed, and mailers followed; RFC 2822, 4.3
/// says to read them as UTC with nothing known. Only `Z` is sure.
fn military(letter: u8) -> Option<Zone> {
    letter
        .is_ascii_alphabetic()
        .then_some(Zone::Doubtful(0, "military zones are used both ways; UTC was taken"))
}

/// So many hours and minutes east. An offset that no place on earth has is counted as written, with a doubt.
pub(super) fn offset(negative: bool, hours: u64, minutes: u64, seconds: u64) -> Option<Zone> {
    let total = i32::try_from(hours * 3600 + minutes * 60 + seconds).ok()?;
    let east = if negative { -total } else { total };
    Some(if total > 15 * 3600 || minutes > 59 || seconds > 59 {
        Zone::Doubtful(east, "no place has such an offset from UTC; it was counted as written")
    } else {
        Zone::Fixed(east)
    })
}

/// What the wall clock `local` means in `zone`, and why that might be wrong.
///
/// An hour that does not exist there (clocks went forward) is read as if they had not: 02:30 is 03:30.
/// One that occurs twice (clocks went back) is the first.
pub(super) fn settle(local: NaiveDateTime, zone: Tz) -> Option<(DateTime<Utc>, Option<String>)> {
    let shown = local.format("%H:%M");
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Some((at.to_utc(), None)),
        LocalResult::Ambiguous(a, b) => {
            let first = a.to_utc().min(b.to_utc());
            let doubt = format!("{shown} occurs twice that day in {}; the first was taken", zone.name());
            Some((first, Some(doubt)))
        }
        LocalResult::None => {
            // The offset before the gap is the one the clock would have kept. Apia once skipped a whole day.
            let back = [TimeDelta::hours(3), TimeDelta::hours(27)].into_iter();
            let at = back
                .filter_map(|back| {
                    Some((zone.from_local_datetime(&local.checked_sub_signed(back)?).earliest()?, back))
                })
                .find_map(|(before, back)| before.to_utc().checked_add_signed(back))?;
            let doubt = format!(
                "{shown} does not exist that day in {}; it was moved on by what is skipped",
                zone.name()
            );
            Some((at, Some(doubt)))
        }
    }
}

/// Whether people of this zone write the month before the day.
pub(super) fn month_first(zone: Tz) -> bool {
    const ABBREVIATIONS: [&str; 8] = ["EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT"];
    let name = zone.name();
    let offset = zone.offset_from_utc_datetime(&DateTime::UNIX_EPOCH.naive_utc());
    name.starts_with("US/")
        || name.starts_with("America/") && offset.abbreviation().is_some_and(|a| ABBREVIATIONS.contains(&a))
}
