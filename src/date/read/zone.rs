//! The zone: an offset, a name, an area.

use super::{Kind, Mode, Reader, Zone, zones};

impl Reader<'_, '_> {
    /// A zone, as it stands after a clock. `guess`: an unknown name counts too.
    pub(super) fn zone(&self, at: usize, guess: bool) -> Option<(Zone, usize)> {
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

    /// `02:00` or `0000` at the end, where a `+` was taken for a blank on its way through an address.
    pub(super) fn offset_without_sign(&self, at: usize) -> Option<(Zone, usize)> {
        if self.mode == Mode::Within || !self.tokens.get(at)?.gap {
            return None;
        }
        let (hours, minutes, end) = match self.number(at, 4, 4) {
            Some(both) => (both / 100, both % 100, at + 1),
            None if self.is_sign(at + 1, ':') => (self.number(at, 2, 2)?, self.number(at + 2, 2, 2)?, at + 3),
            None => return None,
        };
        let plausible = hours <= 14 && minutes % 15 == 0 && self.rest_is_empty(end);
        Some((zones::offset(false, hours, minutes, 0)?, end)).filter(|_| plausible)
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
    pub(super) fn comment(&self, at: usize) -> Option<usize> {
        if self.mode == Mode::Within || !self.is_sign(at, '(') {
            return None;
        }
        let close = self.tokens.iter().enumerate().skip(at).find(|(_, token)| token.kind == Kind::Sign(')'));
        Some(close.map_or(self.tokens.len(), |(index, _)| index + 1))
    }

    // --- pieces ---
}
