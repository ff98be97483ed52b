//! Reads dates as feeds and pages write them.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// An instant that was read from a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When, in UTC, to the second or finer.
    pub instant: DateTime<Utc>,
    /// Why it might be another instant ("02:30 occurs twice that day in Europe/Vienna; the first was taken").
    pub doubt: Option<String>,
}

/// Reads a whole text as a date. A date without zone is in `zone`. `None`: no date.
pub fn parse(text: &str, zone: Tz) -> Option<Moment> {
    let _ = (text, zone);
    None
}

/// Reads a date of a known strftime form.
pub fn parse_as(text: &str, format: &str, zone: Tz) -> Option<Moment> {
    let _ = (text, format, zone);
    None
}

/// The first date inside a longer text, and where it stands (bytes).
pub fn find(text: &str, zone: Tz) -> Option<(Moment, std::ops::Range<usize>)> {
    let _ = (text, zone);
    None
}
