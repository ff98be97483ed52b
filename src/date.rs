//! Reads dates as feeds and pages write them.
//!
//! A text is cut into numbers, words and signs (`date/lex.rs`), a small grammar says which of them make a
//! date (`date/read.rs`), and the calendar decides whether that day exists (`date/settle.rs`). Nothing here
//! knows what time it is now, and nothing is rolled over: 30 February is no date. What could mean two
//! instants carries a doubt.

mod lex;
mod read;
mod settle;
mod words;
mod zones;

#[cfg(test)]
mod tests;

use std::ops::Range;

use chrono::format::{Parsed, StrftimeItems};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use lex::{Kind, Token};
use read::{Day, Mode, Reader, Said};

/// An instant that was read from a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When, in UTC, to the second or finer.
    pub instant: DateTime<Utc>,
    /// Why it might be another instant ("02:30 occurs twice that day in Europe/Vienna; the first was taken").
    pub doubt: Option<String>,
}

/// The order of day and month where both are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `26/4/2013`
    DayFirst,
    /// `4/26/2013`
    MonthFirst,
}

/// A date has no more characters than this; what follows is not read.
const LONGEST: usize = 200;

/// A longer text is read in pieces of so many bytes.
const PIECE: usize = 8192;

/// Unix seconds are believed between 1980 and 2100.
const PLAUSIBLE: Range<i64> = 315_532_800..4_102_444_800;

/// Reads a whole text as a date. A date without zone is in `zone`. `None`: no date.
///
/// Only the first 200 characters are read. A wall clock that does not exist in its zone is moved on by the
/// gap, one that occurs twice is the first; both carry a doubt, as do ambiguous orders and unknown zones.
pub fn parse(text: &str, zone: Tz) -> Option<Moment> {
    parse_in(text, zone, None)
}

/// The same where the order is known in which day and month are written.
pub fn parse_in(text: &str, zone: Tz, order: Option<Order>) -> Option<Moment> {
    let text = short(text);
    if let Some(instant) = rfc3339(text).or_else(|| unix(text, zone)) {
        return Some(instant);
    }
    let tokens = lex::tokens(text, 0);
    if let Some(said) = read_whole(&tokens) {
        return whole(&tokens, &said, zone, order);
    }
    let plain = without_comments(&tokens)?;
    whole(&plain, &read_whole(&plain)?, zone, order)
}

/// In which order a text writes day and month as numbers, where that can be seen: `4/26/2013`.
pub fn order(text: &str) -> Option<Order> {
    // Nearly all dates are of other forms.
    if !text.contains(['/', '.']) && !matches!(text.find('-'), Some(1..=2)) {
        return None;
    }
    match read_whole(&lex::tokens(short(text), 0))?.day {
        Day::Open { first: 13..=31, second: 1..=12, .. } => Some(Order::DayFirst),
        Day::Open { first: 1..=12, second: 13..=31, .. } => Some(Order::MonthFirst),
        _ => None,
    }
}

fn short(text: &str) -> &str {
    let text = text.trim();
    text.char_indices().nth(LONGEST).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

fn read_whole(tokens: &[Token<'_>]) -> Option<Said> {
    let reader = Reader { tokens, mode: Mode::Whole };
    let after_word = || reader.read(reader.skip_weekday_of_another_language()?);
    reader.read(reader.skip_lead()).or_else(|| reader.read(0)).or_else(after_word)
}

/// A date that was read, if it is all there is, or if only words or a remark follow.
fn whole(tokens: &[Token<'_>], said: &Said, zone: Tz, order: Option<Order>) -> Option<Moment> {
    let reader = Reader { tokens, mode: Mode::Whole };
    let mut moment = settle::settle(said, zone, order)?;
    if reader.rest_is_empty(said.end) {
        return Some(moment);
    }
    // A number that hangs on the date means that the date was not understood.
    let next = tokens.get(said.end)?;
    if next.kind == Kind::Number || !next.gap && tokens.iter().skip(said.end).any(|t| t.kind == Kind::Number)
    {
        return None;
    }
    let doubt = format!("what follows from {:?} was not understood", next.text);
    moment.doubt = Some(moment.doubt.map_or(doubt.clone(), |first| format!("{first}; {doubt}")));
    Some(moment)
}

/// RFC 822, 3.1.4 allows remarks in parentheses, nested and with escapes, between any two words. `None`: has none.
fn without_comments<'t>(tokens: &[Token<'t>]) -> Option<Vec<Token<'t>>> {
    let mut depth = 0usize;
    let (mut escaped, mut removed) = (false, false);
    let mut kept = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token.kind {
            _ if escaped => escaped = false,
            Kind::Sign('\\') => escaped = true,
            Kind::Sign('(') => depth += 1,
            Kind::Sign(')') => depth = depth.saturating_sub(1),
            _ if depth == 0 => {
                kept.push(Token { gap: token.gap || removed, ..*token });
                removed = false;
                continue;
            }
            _ => {}
        }
        removed = true;
    }
    (kept.len() < tokens.len()).then_some(kept)
}

/// The common form of all machines, without the detour over tokens.
fn rfc3339(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    if bytes.get(10) != Some(&b'T') || !(20..=35).contains(&bytes.len()) {
        return None;
    }
    // chrono takes :60 for 59 and a second of nanos; the calendar has its own rule for that.
    if bytes.get(17) == Some(&b'6') {
        return None;
    }
    let at = DateTime::parse_from_rfc3339(text).ok().filter(|at| at.year() > 1)?;
    Some(Moment { instant: at.to_utc(), doubt: None })
}

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, where that gives a plausible day.
fn unix(text: &str, zone: Tz) -> Option<Moment> {
    let text =
        text.strip_prefix("/Date(").and_then(|text| text.split([')', '+', '-']).next()).unwrap_or(text);
    let text = text.strip_prefix('@').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.len();
    if !(9..=19).contains(&digits) || !(whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: i64 = whole.parse().ok()?;
    let nanos = match digits {
        9..=10 => i128::from(value) * 1_000_000_000,
        12..=13 => i128::from(value) * 1_000_000,
        15..=16 => i128::from(value) * 1000,
        18..=19 => i128::from(value),
        _ => return compact(whole, zone),
    };
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    if !PLAUSIBLE.contains(&seconds) {
        return compact(whole, zone);
    }
    let instant = DateTime::from_timestamp(seconds, u32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?)?;
    let doubt = compact(whole, zone).map(|other| {
        format!("the number was taken for Unix time, but could be {}", other.instant.format("%Y-%m-%d %H:%M"))
    });
    Some(Moment { instant, doubt })
}

/// `20031231101455` and `200312311014`.
fn compact(digits: &str, zone: Tz) -> Option<Moment> {
    let number = |range: Range<usize>| digits.get(range)?.parse::<u32>().ok();
    if !matches!(digits.len(), 12 | 14) {
        return None;
    }
    let day = NaiveDate::from_ymd_opt(i32::try_from(number(0..4)?).ok()?, number(4..6)?, number(6..8)?)?;
    let local = day.and_hms_opt(number(8..10)?, number(10..12)?, number(12..14).unwrap_or(0))?;
    let (instant, doubt) = zones::settle(local, zone)?;
    (1970..2100).contains(&number(0..4)?).then_some(Moment { instant, doubt })
}

/// Reads a date of a known strftime form, as chrono spells them. A form without zone is read in `zone`,
/// one without clock is midnight.
pub fn parse_as(text: &str, format: &str, zone: Tz) -> Option<Moment> {
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text.trim(), StrftimeItems::new(format)).ok()?;
    if parsed.timestamp().is_some() {
        let instant = parsed.to_datetime_with_timezone(&Utc).ok()?;
        return Some(Moment { instant, doubt: None });
    }
    let day = parsed.to_naive_date().ok()?;
    let clock = if parsed.hour_mod_12().is_some() { parsed.to_naive_time().ok()? } else { NaiveTime::MIN };
    let local = day.and_time(clock);
    if let Some(east) = parsed.offset() {
        let instant = local.checked_sub_signed(TimeDelta::seconds(i64::from(east)))?.and_utc();
        return Some(Moment { instant, doubt: None });
    }
    let (instant, doubt) = zones::settle(local, zone)?;
    Some(Moment { instant, doubt })
}

/// The first date inside a longer text, and where it stands (bytes).
///
/// Day, month and year must be given. Takes time in proportion to the text's length, whatever it holds.
pub fn find(text: &str, zone: Tz) -> Option<(Moment, Range<usize>)> {
    let mut from = 0;
    while from < text.len() {
        let end = boundary(text, from + PIECE);
        let piece = text.get(from..end)?;
        let tokens = lex::tokens(piece, from);
        let reader = Reader { tokens: &tokens, mode: Mode::Within };
        // Dates that begin near the end of the piece are read with the next one.
        let last = if end == text.len() { end } else { end - PIECE / 8 };
        for (index, token) in tokens.iter().enumerate().take_while(|(_, token)| token.start < last) {
            // The cut may have gone through a number or a word.
            let cut = index == 0
                && from > 0
                && text.get(..from).is_some_and(|b| b.ends_with(char::is_alphanumeric));
            if cut || !may_begin(token) {
                continue;
            }
            if let Some(said) = reader.read(index)
                && let Some(moment) = settle::settle(&said, zone, None)
                && believable(&moment)
            {
                let end = said.end.checked_sub(1).and_then(|last| tokens.get(last)).map_or(end, Token::end);
                return Some((moment, token.start..end));
            }
        }
        let next = tokens.iter().find(|token| token.start >= last).map_or(end, |token| token.start);
        from = if next > from { next } else { end };
    }
    None
}

fn may_begin(token: &Token<'_>) -> bool {
    match token.kind {
        Kind::Number => token.chars <= 8,
        Kind::Word => {
            let meaning = words::meaning(token.text);
            meaning.month.is_some() || meaning.weekday.is_some() || read::is_era(token.text)
        }
        Kind::Sign(_) => false,
    }
}

/// News are of our time; an older year in a text is history.
fn believable(moment: &Moment) -> bool {
    (1970..2100).contains(&moment.instant.year())
}

fn boundary(text: &str, at: usize) -> usize {
    (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}
