//! The grammar: which pieces, in which order, make a date. It collects what is said and judges nothing
//! but the form; `settle` knows the calendar.

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

    fn day(&self, at: usize) -> Option<(Day, usize)> {
        let token = self.tokens.get(at)?;
        match token.kind {
            Kind::Number if self.follows_number(at) => None,
            Kind::Number => self
                .era_day(at)
                .or_else(|| self.year_first(at))
                .or_else(|| self.day_first(at))
                .or_else(|| self.compact(at)),
            Kind::Word => self.month_first(at).or_else(|| self.era_day(at)),
            Kind::Sign('-') if self.mode == Mode::Whole && at == 0 => self.no_century(at + 1),
            Kind::Sign(_) => None,
        }
    }

    /// A number that hangs on another (`1.2.03.2024`, `A-2003-12-31`) is no beginning of a date.
    fn follows_number(&self, at: usize) -> bool {
        if self.mode == Mode::Whole {
            return false;
        }
        let Some([before, sign]) = at.checked_sub(2).and_then(|from| self.tokens.get(from..at)) else {
            return false;
        };
        let touches = self.tokens.get(at).is_some_and(|token| !token.gap) && !sign.gap;
        touches
            && before.kind != Kind::Word
            && matches!(sign.kind, Kind::Sign('.' | '-' | '/' | ':' | '+' | '_'))
            && before.kind == Kind::Number
    }

    /// `2003-12-31`, `2012/8/3`, `2004년 5월 28일`, `2004-július-13`, `2003-W01-3`, `2003-335`.
    fn year_first(&self, at: usize) -> Option<(Day, usize)> {
        let value = self.number(at, 4, 4)?;
        let year = Year { value, digits: 4 };
        let mut next = at + 1;
        if self.word(next, "w").is_some() || self.is_sign(next, '-') && self.word(next + 1, "w").is_some() {
            return self.week(value, next);
        }
        if let Some(marked) = self.any_word(next, &["年", "년"]) {
            next = marked;
        }
        let sign = self.any_sign(next);
        if let Some(sign) = sign.filter(|sign| "-/.".contains(*sign)) {
            if sign == '-'
                && let Some(day) = self.number(next + 1, 3, 3)
                && !self.is_sign(next + 2, '-')
            {
                return Some((Day::Ordinal { year, day }, next + 2));
            }
            next += 1;
        } else if self.mode == Mode::Within
            && next == at + 1
            && !self.month(next).is_some_and(|(_, _, named)| named)
        {
            return None;
        }
        let (month, after, named) = match self.month(next) {
            Some(found) => found,
            // Some servers write the month with three digits: 2003-012-31.
            None => match self.number(next, 1, 3) {
                Some(month) => (month, next + 1, false),
                None => return self.only_year(at),
            },
        };
        if let Some((day, end)) = self.day_after_month(after, sign, named) {
            return Some((Day::Plain { year: Some(year), month, day }, end));
        }
        (self.mode == Mode::Whole && self.rest_is_empty(after)).then_some((Day::Month { year, month }, after))
    }

    fn day_after_month(&self, after: usize, sign: Option<char>, named: bool) -> Option<(u64, usize)> {
        let at = match sign {
            Some(sign) if self.is_sign(after, sign) => after + 1,
            Some(_) if !named => return None,
            _ if self.any_sign(after).is_some_and(|sign| ".-/".contains(sign)) && named => after + 1,
            _ => after,
        };
        let day = self.number(at, 1, 2)?;
        // "2024 12:30": the number belongs to a clock.
        if self.is_sign(at + 1, ':') {
            return None;
        }
        let end = self.any_word(at + 1, &["日", "일", "号", "號"]).unwrap_or(at + 1);
        let end = if sign == Some('.') && self.is_sign(end, '.') { end + 1 } else { end };
        Some((day, end))
    }

    fn only_year(&self, at: usize) -> Option<(Day, usize)> {
        let value = self.number(at, 4, 4)?;
        let end = self.any_word(at + 1, &["年", "년"]).unwrap_or(at + 1);
        (self.mode == Mode::Whole && self.rest_is_empty(end)).then_some((Day::Year(value), end))
    }

    /// ISO 8601 week dates: `2003-W01-3`, `2003W013`, `2003-W01`.
    fn week(&self, year: u64, at: usize) -> Option<(Day, usize)> {
        let number = at + if self.is_sign(at, '-') { 2 } else { 1 };
        if let Some(both) = self.number(number, 3, 3) {
            return Some((Day::Week { year, week: both / 10, day: both % 10 }, number + 1));
        }
        let week = self.number(number, 2, 2)?;
        if self.is_sign(number + 1, '-')
            && let Some(day) = self.number(number + 2, 1, 1)
        {
            return Some((Day::Week { year, week, day }, number + 3));
        }
        (self.mode == Mode::Whole).then_some((Day::Week { year, week, day: 0 }, number + 1))
    }

    /// `16 Nov 2020`, `1er mars 2024`, `12 de marzo de 2024`, `02-Jan-06`, `26/06/2020`, `10/30/23`.
    fn day_first(&self, at: usize) -> Option<(Day, usize)> {
        let day = self.number(at, 1, 2)?;
        let mut next = at + 1;
        let ordinal = self.role(next, Role::Ordinal).is_some() && self.month(next).is_none();
        if ordinal || self.is_sign(next, '°') {
            next += 1;
        }
        let named = self.skip_of(self.skip(next, ".,-/ "));
        // "02 Monday, Jan 2006"
        let named = match self.weekday(named) {
            Some((_, after)) if self.month(self.skip(after, ",.")).is_some() => self.skip(after, ",."),
            _ => named,
        };
        if let Some((month, after, true)) = self.month(named) {
            let (year, end) = self.year_after(after);
            return Some((Day::Plain { year, month, day }, end));
        }
        self.numeric(at, day)
    }

    fn numeric(&self, at: usize, first: u64) -> Option<(Day, usize)> {
        let sign = self.any_sign(at + 1).filter(|sign| "-/.".contains(*sign));
        let step = match sign {
            Some(_) => 2,
            None if self.mode == Mode::Whole => 1,
            None => return None,
        };
        let second = self.number(at + step, 1, 2)?;
        let third = at + 2 * step;
        if sign.is_some_and(|sign| !self.is_sign(third - 1, sign)) {
            return None;
        }
        if self.mode == Mode::Within && !self.tight(at, third) {
            return None;
        }
        let sign = sign.unwrap_or(' ');
        if self.goes_on(third + 1, sign) {
            return None;
        }
        if let Some(value) = self.number(third, 4, 4) {
            return Some((Day::Open { first, second, year: Year { value, digits: 4 }, sign }, third + 1));
        }
        let iso = sign == '-' && self.mode == Mode::Whole && self.tokens.get(at)?.chars == 2;
        let value = self.number(third, if iso { 1 } else { 2 }, 2)?;
        if sign == ' ' || self.is_sign(third + 1, ':') || !self.two_digits_stand_alone(at) {
            return None;
        }
        let two = |value| Year { value, digits: 2 };
        if iso && value <= 31 {
            // ISO 8601:1988 without the century: 03-12-31.
            return Some((Day::Plain { year: Some(two(first)), month: second, day: value }, third + 1));
        }
        Some((Day::Open { first, second, year: two(value), sign }, third + 1))
    }

    /// In a longer text `1.2.03` may be a version and `1/2/03` a count: with a short year both parts need two digits.
    fn two_digits_stand_alone(&self, at: usize) -> bool {
        let wide = |at: usize| self.tokens.get(at).is_some_and(|token| token.chars == 2);
        self.mode == Mode::Whole || wide(at) && wide(at + 2)
    }

    /// In a longer text, `1.2.2003.4` is no date.
    fn goes_on(&self, at: usize, sign: char) -> bool {
        let number = self.tokens.get(at + 1).is_some_and(|token| token.kind == Kind::Number && !token.gap);
        self.mode == Mode::Within && self.is_sign(at, sign) && number
    }

    fn tight(&self, from: usize, to: usize) -> bool {
        self.tokens.get(from + 1..=to).is_some_and(|tokens| tokens.iter().all(|token| !token.gap))
    }

    /// `Nov. 16, 2020`, `Jan/02/2006`, `Aug 30 17:26:16 2012`, `Nov. 2020`.
    fn month_first(&self, at: usize) -> Option<(Day, usize)> {
        let (month, after, named) = self.month(at)?;
        if !named {
            return None;
        }
        let next = self.skip(after, ".,-/");
        if let Some(value) = self.number(next, 4, 4) {
            let end = next + 1;
            let year = Year { value, digits: 4 };
            return (self.mode == Mode::Whole && self.rest_is_empty(end))
                .then_some((Day::Month { year, month }, end));
        }
        let day = self.number(next, 1, 2)?;
        if self.is_sign(next + 1, ':') {
            return None;
        }
        let mut end = next + 1;
        if self
            .tokens
            .get(end)
            .is_some_and(|t| t.kind == Kind::Word && !t.gap && words::plays(t.text, Role::Ordinal))
        {
            end += 1;
        }
        let (year, end) = self.year_after(end);
        Some((Day::Plain { year, month, day }, end))
    }

    /// The year after day and month, if it stands there; else it may come after the clock.
    fn year_after(&self, after: usize) -> (Option<Year>, usize) {
        let at = self.skip_of(self.skip(after, ".,-/'’"));
        let Some(token) = self.tokens.get(at) else { return (None, after) };
        let clock_follows = self.is_sign(at + 1, ':')
            || self.tokens.get(at + 1).is_some_and(|t| !t.gap && t.text.eq_ignore_ascii_case("h"));
        let fits = match token.chars {
            4 => true,
            // In a longer text "May 12 24" may be anything.
            2 => {
                !clock_follows
                    && (self.mode == Mode::Whole || self.any_sign(after).is_some_and(|s| "-/'’".contains(s)))
            }
            // RFC 2822, 4.3: years since 1900, from programs that added nothing.
            3 => self.mode == Mode::Whole && (100..200).contains(&token.value),
            _ => false,
        };
        if token.kind != Kind::Number || !fits {
            return (None, after);
        }
        let end = self
            .any_word(at + 1, &["г", "р", "году", "года", "року"])
            .map_or(at + 1, |end| self.skip(end, "."));
        (Some(Year { value: token.value, digits: token.chars }), end)
    }

    /// `20031231`, `20031231T101455`, `20031231101455`, `2003335`, `031231`.
    fn compact(&self, at: usize) -> Option<(Day, usize)> {
        let token = self.tokens.get(at)?;
        let value = token.value;
        let clock = self.word(at + 1, "t").is_some() && self.tight(at, at + 2);
        if self.mode == Mode::Within && !clock {
            return None;
        }
        let day = match token.chars {
            8 => plain(Year { value: value / 10_000, digits: 4 }, value % 10_000),
            7 => Day::Ordinal { year: Year { value: value / 1000, digits: 4 }, day: value % 1000 },
            6 => plain(Year { value: value / 10_000, digits: 2 }, value % 10_000),
            5 => Day::Ordinal { year: Year { value: value / 1000, digits: 2 }, day: value % 1000 },
            _ => return None,
        };
        (clock || self.mode == Mode::Whole && (token.chars == 8 || self.rest_is_empty(at + 1)))
            .then_some((day, at + 1))
    }

    /// ISO 8601:1988 without century and day: `-0312`, `-03-12`.
    fn no_century(&self, at: usize) -> Option<(Day, usize)> {
        let two = |value| Year { value, digits: 2 };
        let (day, end) = if let Some(both) = self.number(at, 4, 4) {
            (Day::Month { year: two(both / 100), month: both % 100 }, at + 1)
        } else {
            let year = two(self.number(at, 2, 2)?);
            self.is_sign(at + 1, '-').then_some(())?;
            (Day::Month { year, month: self.number(at + 2, 2, 2)? }, at + 3)
        };
        self.rest_is_empty(end).then_some((day, end))
    }

    /// Japanese years of an emperor: `令和6年3月12日`.
    fn era_day(&self, at: usize) -> Option<(Day, usize)> {
        let before = match self.tokens.get(at)?.text {
            "令和" => 2018,
            "平成" => 1988,
            "昭和" => 1925,
            _ => return None,
        };
        let value = before + self.number(at + 1, 1, 2)?;
        let next = self.any_word(at + 2, &["年"])?;
        let (month, after, _) = self.month(next)?;
        let (day, end) = self.day_after_month(after, None, true)?;
        Some((Day::Plain { year: Some(Year { value, digits: 4 }), month, day }, end))
    }

    // --- the clock ---

    /// `15:41:29.0`, `3:09pm`, `10:57 a.m.`, `T101455`, `14h30`, `10 Uhr`, `오후 11:23`, `11時23分`.
    fn clock(&self, at: usize) -> Option<(Clock, usize)> {
        let (half, mut at) = self.half(at).map_or((None, at), |(half, next)| (Some(half), next));
        let t = self.word(at, "t");
        if let Some(next) = t {
            at = self.skip(next, ".");
        }
        let (mut clock, mut next) = self.clock_digits(at, t.is_some(), half.is_some())?;
        clock.half = half;
        if clock.half.is_none()
            && let Some((half, after)) = self.half(next)
        {
            (clock.half, next) = (Some(half), after);
        }
        if let Some(after) = self.role(next, Role::Clock)
            && zones::named(self.tokens.get(next).map_or("", |t| t.text))
                .is_none_or(|zone| matches!(zone, Zone::Unknown(_)))
        {
            next = after;
        }
        Some((clock, next))
    }

    fn clock_digits(&self, at: usize, after_t: bool, after_half: bool) -> Option<(Clock, usize)> {
        if after_t && let Some(found) = self.basic_clock(at) {
            return Some(found);
        }
        let hour = self.number(at, 1, 2)?;
        let mut clock = Clock { hour, ..Clock::default() };
        let hours = &["h", "시", "時", "时", "點", "点"];
        if self.is_sign(at + 1, ':') || self.is_sign(at + 1, '.') && self.dotted_clock(at) {
            clock.minute = self.number(at + 2, 1, 2)?;
            return Some(self.seconds(clock, at + 3, after_t));
        }
        if let Some(next) = self.any_word(at + 1, hours) {
            let Some(minute) = self.number(next, 1, 2) else { return Some((clock, next)) };
            clock.minute = minute;
            let next = self.any_word(next + 1, &["m", "min", "분", "分"]).unwrap_or(next + 1);
            if let (Some(second), Some(end)) =
                (self.number(next, 1, 2), self.any_word(next + 1, &["s", "초", "秒"]))
            {
                clock.second = second;
                return Some((clock, end));
            }
            return Some((clock, next));
        }
        let said = self.half(at + 1).is_some() || self.word(at + 1, "uhr").is_some() || after_half;
        (said || after_t).then_some((clock, at + 1))
    }

    /// `10.57` is a clock only where nothing else can be meant: two digits each, at the end or after a word for it.
    fn dotted_clock(&self, at: usize) -> bool {
        let wide = |at: usize| {
            self.number(at, 2, 2).is_some() && self.tokens.get(at).is_some_and(|t| at == 0 || !t.gap)
        };
        let led = at.checked_sub(1).is_some_and(|before| {
            self.role(before, Role::At).is_some()
                || self.is_sign(before, '.') && self.role(before.wrapping_sub(1), Role::At).is_some()
        });
        wide(at + 2) && (led || self.mode == Mode::Whole && self.number(at, 2, 2).is_some())
    }

    fn seconds(&self, mut clock: Clock, at: usize, after_t: bool) -> (Clock, usize) {
        let mut end = at;
        if (self.is_sign(at, ':') || self.is_sign(at, '.'))
            && let Some(second) = self.number(at + 1, 1, 2)
            && !self.tokens.get(at + 1).is_some_and(|t| t.gap)
        {
            clock.second = second;
            end = at + 2;
            // Java writes milliseconds after a colon too: 10:14:55:123.
            if (self.is_sign(end, '.') || self.is_sign(end, ',') || self.is_sign(end, ':'))
                && let Some(fraction) = self.tokens.get(end + 1).filter(|t| t.kind == Kind::Number && !t.gap)
            {
                clock.nanos = nanos(fraction.text, 1_000_000_000);
                end += 2;
            } else if self.is_sign(end, ':')
                && self.any_sign(end + 1).is_some_and(|sign| sign == '+' || sign == '-')
            {
                end += 1;
            }
        } else if after_t
            && self.is_sign(at, ',')
            && let Some(fraction) = self.tokens.get(at + 1).filter(|t| t.kind == Kind::Number && !t.gap)
        {
            // ISO 8601 allows a fraction of the smallest part: 10:14,5.
            clock.second = u64::from(nanos(fraction.text, 60));
            end = at + 2;
        }
        (clock, end)
    }

    /// `101455`, `1014` and `10` after a T.
    fn basic_clock(&self, at: usize) -> Option<(Clock, usize)> {
        let token = self.tokens.get(at).filter(|token| token.kind == Kind::Number)?;
        let value = token.value;
        let mut clock = match token.chars {
            6 => Clock {
                hour: value / 10_000,
                minute: value / 100 % 100,
                second: value % 100,
                ..Clock::default()
            },
            4 => Clock { hour: value / 100, minute: value % 100, ..Clock::default() },
            _ => return None,
        };
        if token.chars == 6
            && (self.is_sign(at + 1, '.') || self.is_sign(at + 1, ','))
            && let Some(fraction) = self.tokens.get(at + 2).filter(|t| t.kind == Kind::Number)
        {
            clock.nanos = nanos(fraction.text, 1_000_000_000);
            return Some((clock, at + 3));
        }
        Some((clock, at + 1))
    }

    /// `pm`, `p.m.`, `下午`.
    fn half(&self, at: usize) -> Option<(Half, usize)> {
        let token = self.tokens.get(at).filter(|token| token.kind == Kind::Word)?;
        if let Some(half) = words::meaning(token.text).half {
            return Some((
                half,
                if self.is_sign(at + 1, '.') && token.text.len() == 2 { at + 2 } else { at + 1 },
            ));
        }
        let half = match token.text {
            "a" | "A" | "π" => Half::Am,
            "p" | "P" | "μ" => Half::Pm,
            _ => return None,
        };
        let dotted = self.is_sign(at + 1, '.');
        let m = self.any_word(at + if dotted { 2 } else { 1 }, &["m", "μ"])?;
        Some((half, if self.is_sign(m, '.') { m + 1 } else { m }))
    }

    // --- the zone ---

    /// A zone, as it stands after a clock. `guess`: an unknown name counts too.
    fn zone(&self, at: usize, guess: bool) -> Option<(Zone, usize)> {
        let open = self.any_sign(at).is_some_and(|sign| "([".contains(sign));
        let at = self.skip(at, ",([");
        let (zone, next) = self.offset(at).or_else(|| self.zone_name(at, guess))?;
        let next = if open { self.skip(next, ")]") } else { next };
        Some((zone, next))
    }

    /// `+0100`, `-05:00`, `+2`, `--0700`.
    fn offset(&self, at: usize) -> Option<(Zone, usize)> {
        let negative = match self.any_sign(at)? {
            '+' => false,
            '-' => true,
            _ => return None,
        };
        let at = if self.any_sign(at + 1).is_some_and(|sign| "+-".contains(sign)) { at + 2 } else { at + 1 };
        let token = self.tokens.get(at).filter(|token| token.kind == Kind::Number && !token.gap)?;
        let value = token.value;
        let (hours, minutes, seconds, end) = match token.chars {
            1 | 2 if self.is_sign(at + 1, ':') && self.number(at + 2, 1, 2).is_some() => {
                let seconds = if self.is_sign(at + 3, ':') { self.number(at + 4, 2, 2) } else { None };
                let end = if seconds.is_some() { at + 5 } else { at + 3 };
                (value, self.number(at + 2, 1, 2)?, seconds.unwrap_or(0), end)
            }
            1 | 2 => (value, 0, 0, at + 1),
            3 | 4 => (value / 100, value % 100, 0, at + 1),
            6 => (value / 10_000, value / 100 % 100, value % 100, at + 1),
            _ => return None,
        };
        Some((zones::offset(negative, hours, minutes, seconds)?, end))
    }

    fn zone_name(&self, at: usize, guess: bool) -> Option<(Zone, usize)> {
        let token = self.tokens.get(at).filter(|token| token.kind == Kind::Word)?;
        if let Some(found) = self.area(at) {
            return Some(found);
        }
        let zone = zones::named(token.text);
        let utc = ["gmt", "utc", "ut"].iter().any(|name| token.text.eq_ignore_ascii_case(name));
        // "GMT+2", "UTC -05:00": the name says only what is counted from.
        if utc && let Some(found) = self.offset(at + 1) {
            return Some(found);
        }
        let upper = token.text.bytes().all(|b| b.is_ascii_uppercase());
        match zone {
            Some(Zone::Unknown(_)) if self.mode == Mode::Within => None,
            // In running text "at", "met" and "art" are words.
            Some(zone) if upper || self.mode == Mode::Whole => Some((zone, at + 1)),
            Some(zone) if token.text == "z" => Some((zone, at + 1)),
            None if guess && upper && self.mode == Mode::Whole && (2..=5).contains(&token.chars) => {
                Some((Zone::Unknown(token.text.to_owned()), at + 1))
            }
            _ => None,
        }
    }

    /// `America/Argentina/Buenos_Aires`, `Etc/GMT+5`.
    fn area(&self, at: usize) -> Option<(Zone, usize)> {
        let mut name = self.tokens.get(at)?.text.to_owned();
        let mut best = None;
        for (index, token) in self.tokens.iter().enumerate().skip(at + 1).take(9) {
            let part = matches!(token.kind, Kind::Word | Kind::Number | Kind::Sign('/' | '_' | '-' | '+'));
            if token.gap || !part || index == at + 1 && token.kind != Kind::Sign('/') {
                break;
            }
            name.push_str(token.text);
            if let Some(zone) = zones::named(&name) {
                best = Some((zone, index + 1));
            }
        }
        best
    }

    /// `(Coordinated Universal Time)` and other remarks after a clock: passed over.
    fn comment(&self, at: usize) -> Option<usize> {
        if self.mode == Mode::Within || !self.is_sign(at, '(') {
            return None;
        }
        let close = self.tokens.iter().enumerate().skip(at).find(|(_, token)| token.kind == Kind::Sign(')'));
        Some(close.map_or(self.tokens.len(), |(index, _)| index + 1))
    }

    // --- pieces ---

    fn weekday(&self, at: usize) -> Option<(Weekday, usize)> {
        let token = self.tokens.get(at)?;
        if token.kind == Kind::Sign('(') {
            // "2024-03-12 (火)"
            let day = match self.tokens.get(at + 1)?.text {
                "月" | "월" => Weekday::Mon,
                "火" | "화" => Weekday::Tue,
                "水" | "수" => Weekday::Wed,
                "木" | "목" => Weekday::Thu,
                "金" | "금" => Weekday::Fri,
                "土" | "토" => Weekday::Sat,
                "日" | "일" => Weekday::Sun,
                word => words::meaning(word).weekday?,
            };
            return self.is_sign(at + 2, ')').then_some((day, at + 3));
        }
        let day = words::meaning(token.text).weekday.filter(|_| token.kind == Kind::Word)?;
        // "segunda-feira"
        let feira = self.is_sign(at + 1, '-') && self.word(at + 2, "feira").is_some();
        Some((day, if feira { at + 3 } else { at + 1 }))
    }

    /// A month by name (`true`) or with its East Asian mark; the index after it.
    fn month(&self, at: usize) -> Option<(u64, usize, bool)> {
        let token = self.tokens.get(at)?;
        match token.kind {
            Kind::Word => words::meaning(token.text).month.map(|month| (u64::from(month), at + 1, true)),
            Kind::Number if token.chars <= 2 => {
                let next = self.any_word(at + 1, &["月", "월"])?;
                Some((token.value, next, true))
            }
            _ => None,
        }
    }

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

fn plain(year: Year, month_day: u64) -> Day {
    Day::Plain { year: Some(year), month: month_day / 100, day: month_day % 100 }
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
