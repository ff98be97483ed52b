//! The time of day, with its halves.

use super::{Clock, Half, Kind, Mode, Reader, Role, Zone, nanos, words, zones};

impl Reader<'_, '_> {
    /// `15:41:29.0`, `3:09pm`, `10:57 a.m.`, `T101455`, `14h30`, `10 Uhr`, `오후 11:23`, `11時23分`.
    pub(super) fn clock(&self, at: usize) -> Option<(Clock, usize)> {
        let (half, mut at) = self.half(at).map_or((None, at), |(half, next)| (Some(half), next));
        let t = self.word(at, "t");
        if let Some(next) = t {
            at = self.skip(next, ".");
        }
        let (mut clock, mut next) = self.clock_digits(at, t.is_some(), half.is_some())?;
        clock.half = half;
        let first = at;
        if clock.half.is_none()
            && let Some((half, after)) = self.half(next)
        {
            (clock.half, next) = (Some(half), after);
        }
        let said = self.tokens.get(first.saturating_sub(1)..next).unwrap_or_default();
        clock.latin = clock.half.is_some() && said.iter().all(|token| token.text.is_ascii());
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
        let hours = &["h", "시", "時", "时", "點", "点", "óra"];
        if self.is_sign(at + 1, ':') || self.is_sign(at + 1, '.') && self.dotted_clock(at) {
            clock.minute = self.number(at + 2, 1, 2)?;
            return Some(self.seconds(clock, at + 3, after_t));
        }
        if let Some(next) = self.any_word(at + 1, hours) {
            let Some(minute) = self.number(next, 1, 2) else { return Some((clock, next)) };
            clock.minute = minute;
            let next = self.any_word(next + 1, &["m", "min", "분", "分", "perc"]).unwrap_or(next + 1);
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
}
