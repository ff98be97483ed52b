//! The day of a date, in the orders people write it.

use super::{Day, Kind, Mode, Reader, Role, Weekday, Year, plain, words};

impl Reader<'_, '_> {
    pub(super) fn day(&self, at: usize) -> Option<(Day, usize)> {
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
        // "2013. gada 26. aprīlis"
        if let Some(said) = self.word(self.skip(next, "."), "gada")
            && let Some((Day::Plain { year: None, month, day }, end)) = self.day_first(said)
        {
            return Some((Day::Plain { year: Some(year), month, day }, end));
        }
        // "2013 m. balandžio 26 d."
        if let Some(said) = self.word(next, "m").filter(|said| self.is_sign(*said, '.')) {
            next = said + 1;
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
        let end = self.any_word(at + 1, &["日", "일", "号", "號", "d"]).unwrap_or(at + 1);
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
        // "1.º de enero"
        if self.is_sign(next, '.') && self.any_word(next + 1, &["º", "ª"]).is_some() {
            next += 1;
        }
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
        if self.mode == Mode::Within && !self.tight(at, third) && !self.is_spaced(at) {
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

    /// `12. 3. 2024`, as Czechs write it.
    fn is_spaced(&self, at: usize) -> bool {
        let gap = |at: usize| self.tokens.get(at).is_some_and(|token| token.gap);
        let points = self.is_sign(at + 1, '.') && self.is_sign(at + 3, '.') && !gap(at + 1) && !gap(at + 3);
        points && gap(at + 2) && gap(at + 4) && self.number(at + 4, 4, 4).is_some()
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
            .any_word(at + 1, &["г", "р", "году", "года", "року", "r", "roku"])
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

    /// Years of an emperor or of the Republic of China: `令和6年3月12日`, `民國113年3月12日`.
    fn era_day(&self, at: usize) -> Option<(Day, usize)> {
        let before = super::era(self.tokens.get(at)?.text)?;
        // The first year has a name of its own.
        let first = self.any_word(at + 1, &["元"]).map(|_| 1);
        let value = before + first.or_else(|| self.number(at + 1, 1, 3))?;
        let next = self.any_word(at + 2, &["年"])?;
        let (month, after, _) = self.month(next)?;
        let (day, end) = self.day_after_month(after, None, true)?;
        Some((Day::Plain { year: Some(Year { value, digits: 4 }), month, day }, end))
    }

    // --- the clock ---

    pub(super) fn weekday(&self, at: usize) -> Option<(Weekday, usize)> {
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
        let second = self.tokens.get(at + 1).map_or("", |next| next.text);
        if let Some(day) = words::weekday_of_two(token.text, second) {
            return Some((day, at + 2));
        }
        let day = words::meaning(token.text).weekday.filter(|_| token.kind == Kind::Word)?;
        // "segunda-feira"
        let feira = self.is_sign(at + 1, '-') && self.word(at + 2, "feira").is_some();
        Some((day, if feira { at + 3 } else { at + 1 }))
    }

    /// A month by name; by two (`آذار/مارس`), in two words, shortened in two places (`มี.ค.`), or `tháng 3`.
    fn month_word(&self, at: usize) -> Option<(u32, usize)> {
        let text = |at: usize| self.tokens.get(at).map_or("", |token| token.text);
        let first = text(at);
        let (month, next) = if let Some(month) = words::meaning(first).month {
            (month, at + 1)
        } else if let Some(month) = words::month_of_two(first, text(at + 1)) {
            (month, at + 2)
        } else if first.starts_with(|c: char| matches!(c, '\u{E01}'..='\u{E4E}')) && self.is_sign(at + 1, '.')
        {
            (words::meaning(&format!("{first}.{}", text(at + 2))).month?, at + 3)
        } else if first.eq_ignore_ascii_case("tháng") {
            (u32::try_from(self.number(at + 1, 1, 2)?).ok()?, at + 2)
        } else {
            return None;
        };
        let same = self.is_sign(next, '/') && words::meaning(text(next + 1)).month == Some(month);
        Some((month, if same { next + 2 } else { next }))
    }

    /// A month by name (`true`) or with its East Asian mark; the index after it.
    pub(super) fn month(&self, at: usize) -> Option<(u64, usize, bool)> {
        let token = self.tokens.get(at)?;
        match token.kind {
            Kind::Word => self.month_word(at).map(|(month, next)| (u64::from(month), next, true)),
            Kind::Number if token.chars <= 2 => {
                let next = self.any_word(at + 1, &["月", "월"])?;
                Some((token.value, next, true))
            }
            _ => None,
        }
    }
}
