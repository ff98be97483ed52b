//! The grammar: which pieces, in which order, make a date. It collects what is said and judges nothing
//! but the form; `settle` knows the calendar.

mod clock;
mod day;
mod zone;

use chrono::Weekday;

use super::lex::{Kind, Token};
use super::words::{self, Half, Role};
use super::zones::{self, Zone};

/// What a text says about the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// Year, month, day, each told by its place or name. The year may come later.
    Plain { year: Option<Year>, month: u64, day: u64 },
    /// Two numbers whose order is open, and the year.
    Open { first: u64, second: u64, year: Year, sign: char },
    /// ISO week date; weekday 1 to 7.
    Week { year: u64, week: u64, day: u64 },
    /// Day of the year.
    Ordinal { year: Year, day: u64 },
    /// No day given.
    Month { year: Year, month: u64 },
    /// No month given.
    Year(u64),
}

/// A year as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Year {
    pub(super) value: u64,
    pub(super) digits: usize,
}

/// A wall clock as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) hour: u64,
    pub(super) minute: u64,
    pub(super) second: u64,
    pub(super) nanos: u32,
    pub(super) half: Option<Half>,
    /// The half was written in Latin letters.
    pub(super) latin: bool,
}

/// Everything that was read.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) day: Day,
    pub(super) weekday: Option<Weekday>,
    pub(super) clock: Option<Clock>,
    pub(super) zone: Option<Zone>,
    /// Korean words were used.
    pub(super) korean: bool,
    /// Index after the last piece that belongs to the date.
    pub(super) end: usize,
}

/// How much freedom the reader has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The text is a date: short and odd forms count.
    Whole,
    /// The date stands in a longer text: day, month and year must be plain to see.
    Within,
}

pub(super) struct Reader<'a, 't> {
    pub(super) tokens: &'a [Token<'t>],
    pub(super) mode: Mode,
}

impl Reader<'_, '_> {
    /// Reads a date that begins at `start`.
    pub(super) fn read(&self, start: usize) -> Option<Said> {
        let mut at = start;
        let mut weekday = self.weekday(at);
        if let Some((_, next)) = weekday {
            at = self.skip(next, ",.-/|");
            // "Dienstag, den 12. März"
            at = self.role(at, Role::Lead).filter(|next| self.number(*next, 1, 2).is_some()).unwrap_or(at);
            if let Some(said) = self.read_from_day(at, weekday.map(|(day, _)| day)) {
                return Some(said);
            }
            // "mar 12, 2024": the word was the month.
            weekday = None;
            at = start;
        }
        self.read_from_day(at, weekday.map(|(day, _)| day))
    }

    fn read_from_day(&self, start: usize, weekday: Option<Weekday>) -> Option<Said> {
        let (mut clock, mut zone, mut at) = (None, None, start);
        let mut day = self.day(at);
        if day.is_none() {
            // "15:41, 26.04.2013": the clock came first.
            let (read, next) = self.clock(at)?;
            (clock, at) = (Some(read), next);
            if let Some((read, next)) = self.zone(at, true) {
                (zone, at) = (Some(read), next);
            }
            at = self.skip_between(at);
            if let Some((_, next)) = self.weekday(at) {
                at = self.skip(next, ",.");
            }
            day = self.day(at);
        }
        let (day, end) = day?;
        let korean = self.tokens.get(start..end).is_some_and(|date| date.iter().any(|t| is_hangul(t.text)));
        let mut said = Said { day, weekday, clock, zone, korean, end };
        self.tail(&mut said);
        if let Day::Plain { year: None, .. } = said.day {
            return None;
        }
        Some(said)
    }

    /// What follows the day: clock, zone, a late year or weekday, in any order.
    fn tail(&self, said: &mut Said) {
        loop {
            let at = self.skip_between(said.end);
            let zone_seen = said.zone.is_some();
            // "2006-01-02 00:00:00.0 15:04:05.0": some databases write the day as midnight first.
            if (said.clock.is_none() || said.clock == Some(Clock::default()) && !zone_seen)
                && let Some((clock, next)) = self.clock(at)
            {
                said.clock = Some(clock);
                said.korean |=
                    self.tokens.get(at..next).is_some_and(|date| date.iter().any(|t| is_hangul(t.text)));
                said.end = next;
            } else if let Day::Plain { year: year @ None, .. } = &mut said.day
                && let Some(late) = self.number(at, 4, 4)
            {
                *year = Some(Year { value: late, digits: 4 });
                said.end = at + 1;
            } else if (said.clock.is_some() || self.joins(said.end))
                && let Some((zone, next)) = self.zone(said.end, !zone_seen)
            {
                // "GMT-0500 (EST)", "-05:00Z": the first one counts.
                if matches!(said.zone, None | Some(Zone::Unknown(_))) {
                    said.zone = Some(zone);
                }
                said.end = next;
            } else if said.clock.is_some()
                && !zone_seen
                && let Some((zone, next)) = self.offset_without_sign(at)
            {
                said.zone = Some(zone);
                said.end = next;
            } else if said.weekday.is_none()
                && let Some((day, next)) = self.weekday(at)
            {
                said.weekday = Some(day);
                said.end = next;
            } else if let Some(next) = self.comment(said.end) {
                said.end = next;
            } else {
                return;
            }
        }
    }

    /// Whether the next piece stands right at the date: `2003-12-31Z`, `2003-12-31+02:00`.
    fn joins(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| {
            !token.gap && (token.kind == Kind::Sign('+') || token.text.eq_ignore_ascii_case("z"))
        })
    }

    // --- the day ---

    fn number(&self, at: usize, least: usize, most: usize) -> Option<u64> {
        let token = self.tokens.get(at)?;
        (token.kind == Kind::Number && (least..=most).contains(&token.chars)).then_some(token.value)
    }

    fn word(&self, at: usize, word: &str) -> Option<usize> {
        self.tokens.get(at).filter(|token| token.text.eq_ignore_ascii_case(word)).map(|_| at + 1)
    }

    fn any_word(&self, at: usize, words: &[&str]) -> Option<usize> {
        words.iter().find_map(|word| self.word(at, word))
    }

    fn role(&self, at: usize, role: Role) -> Option<usize> {
        self.tokens.get(at).filter(|t| t.kind == Kind::Word && words::plays(t.text, role)).map(|_| at + 1)
    }

    fn any_sign(&self, at: usize) -> Option<char> {
        match self.tokens.get(at)?.kind {
            Kind::Sign(sign) => Some(sign),
            _ => None,
        }
    }

    fn is_sign(&self, at: usize, sign: char) -> bool {
        self.any_sign(at) == Some(sign)
    }

    /// Passes over at most two of `signs`.
    fn skip(&self, at: usize, signs: &str) -> usize {
        let is = |at: usize| self.any_sign(at).is_some_and(|sign| signs.contains(sign));
        at + usize::from(is(at)) + usize::from(is(at) && is(at + 1))
    }

    fn skip_of(&self, at: usize) -> usize {
        self.role(at, Role::Of).filter(|_| self.month(at).is_none()).unwrap_or(at)
    }

    /// Passes over what may stand between day and clock.
    fn skip_between(&self, at: usize) -> usize {
        let at = self.skip(at, ",-.|@/_");
        let Some(next) = self.role(at, Role::At) else { return at };
        // "a las 10:30"
        self.skip(self.role(next, Role::At).unwrap_or(next), ".:")
    }

    /// Whether nothing but signs follows.
    pub(super) fn rest_is_empty(&self, at: usize) -> bool {
        self.tokens
            .iter()
            .skip(at)
            .all(|token| matches!(token.kind, Kind::Sign(sign) if ".,;)]|\"'".contains(sign)))
    }

    /// Words that may stand before a date that is the whole text.
    pub(super) fn skip_lead(&self) -> usize {
        let lead = |token: &Token<'_>| match token.kind {
            Kind::Word => {
                words::plays(token.text, Role::Lead)
                    && words::meaning(token.text).month.is_none()
                    && words::meaning(token.text).weekday.is_none()
            }
            Kind::Sign(sign) => ":,.;|([\"'".contains(sign),
            Kind::Number => false,
        };
        self.tokens.iter().take(6).take_while(|token| lead(token)).count()
    }
}

impl Reader<'_, '_> {
    /// Behind a weekday in a language that nobody taught us: a word with a comma, before what reads as a date.
    pub(super) fn skip_weekday_of_another_language(&self) -> Option<usize> {
        let word = self.tokens.first().filter(|token| token.kind == Kind::Word && token.chars <= 12)?;
        let next = self.skip(1, ".,");
        let comma = self.tokens.get(1..next)?.iter().any(|token| token.kind == Kind::Sign(','));
        (comma && words::meaning(word.text) == words::Meaning::default()).then_some(next)
    }
}

fn plain(year: Year, month_day: u64) -> Day {
    Day::Plain { year: Some(year), month: month_day / 100, day: month_day % 100 }
}

/// Whether years are counted from the begin of this reign or state.
pub(super) fn is_era(text: &str) -> bool {
    era(text).is_some()
}

/// The year before its first.
fn era(text: &str) -> Option<u64> {
    Some(match text {
        "令和" => 2018,
        "平成" => 1988,
        "昭和" => 1925,
        "中華民國" | "民國" | "民国" => 1911,
        _ => return None,
    })
}

/// The digits after a point, in parts of `unit`: `5` of a minute is 30 seconds.
fn nanos(digits: &str, unit: u64) -> u32 {
    let mut value = 0;
    let mut scale = unit;
    for digit in digits.chars().take(9).filter_map(|c| c.to_digit(10)) {
        value += u64::from(digit) * scale / 10;
        scale /= 10;
    }
    u32::try_from(value).unwrap_or(0)
}

fn is_hangul(text: &str) -> bool {
    text.chars().next().is_some_and(|c| matches!(c, '\u{AC00}'..='\u{D7A3}'))
}
