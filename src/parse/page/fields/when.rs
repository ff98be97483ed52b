//! The dates of an item: stated, marked, written in a short text, or in its address.

use super::super::dom::Id;
use super::super::words::Mark;
use super::{Found, Picked, Reader};
use crate::date;
use crate::model::RawDate;

/// Attributes that hold an instant for machines.
const STAMPS: [&str; 11] = [
    "datetime",
    "content",
    "data-datetime",
    "data-date",
    "data-time",
    "data-timestamp",
    "data-published",
    "data-utc",
    "data-ts",
    "date",
    "title",
];
/// A text in which a date is looked for has at most so many characters.
const SHORT: usize = 120;
/// So many short texts of one item are looked at.
const MOST_TEXTS: usize = 200;

/// What an item says of its dates.
#[derive(Clone, Debug, Default)]
pub(super) struct Dates {
    /// When it came out.
    pub(super) published: Option<Picked<RawDate>>,
    /// When it changed.
    pub(super) updated: Option<Picked<RawDate>>,
}

impl Reader<'_, '_> {
    pub(super) fn dates(&self) -> Dates {
        let read = |id: Id| self.date_of(id);
        let published = self
            .by_class("dt-published")
            .chain(self.by_property(&[
                "datePublished",
                "dateCreated",
                "uploadDate",
                "published",
                "issued",
                "date",
            ]))
            .find_map(read);
        let updated =
            self.by_class("dt-updated").chain(self.by_property(&["dateModified", "modified"])).find_map(read);
        let published = published.or_else(|| {
            let mut classed = self.by_class("published").chain(self.by_class("entry-date"));
            classed.find_map(read).or_else(|| self.time(true))
        });
        let changed = self.by_class("updated").chain(self.by_class("modified")).find_map(read);
        let published = match (&published, &updated) {
            // What is only said to have changed came out some other time; that is not written here.
            (None, Some(_)) => None,
            // hAtom has `updated` alone where both are the same.
            (None, None) => (changed.clone())
                .or_else(|| self.time(false))
                .or_else(|| self.marked())
                .or_else(|| self.written())
                .or_else(|| self.stamped()),
            (Some(_), _) => published,
        };
        let same = |date: &Picked<RawDate>| published.as_ref().is_some_and(|other| other.value == date.value);
        Dates { updated: updated.or(changed).filter(|date| !same(date)), published }
    }

    /// A `<time>`; one that says that it is no date of change, or any.
    fn time(&self, sure: bool) -> Option<Picked<RawDate>> {
        let changed = |id: Id| {
            let around = || self.up(id).take(1).any(|around| self.dom.is_marked(around, Mark::Changed));
            self.dom.is_marked(id, Mark::Changed) || around()
        };
        let is_time = |id: &Id| self.dom.name(*id) == "time" || self.dom.attr(*id, "datetime").is_some();
        let times = self.ids.iter().copied().filter(is_time);
        times.filter(|id| !sure || !changed(*id)).find_map(|id| self.date_of(id))
    }

    /// An element that is called a date.
    fn marked(&self) -> Option<Picked<RawDate>> {
        let marked = self
            .ids
            .iter()
            .copied()
            .filter(|id| *id != self.item.root && self.dom.is_marked(*id, Mark::Date));
        marked.take(MOST_TEXTS).find_map(|id| self.date_of(id))
    }

    /// An attribute for machines of any element, the item's own included: `data-published-at`.
    fn stamped(&self) -> Option<Picked<RawDate>> {
        let tells = |name: &str| {
            let mut words = name.split('-').skip(1);
            words.any(|word| {
                matches!(word, "date" | "published" | "pubdate" | "timestamp" | "datetime" | "created")
            })
        };
        let sure = |value: &str| {
            let digits = value.bytes().filter(u8::is_ascii_digit).count();
            digits >= 8 && date::parse(value, chrono_tz::UTC).is_some_and(|moment| moment.doubt.is_none())
        };
        self.ids.iter().take(MOST_TEXTS).find_map(|id| {
            let mut all = self.dom.el(*id).element.value().attrs();
            let (_, value) = all.find(|(name, value)| {
                let told =
                    name.starts_with("data-") && tells(name) || *name == "title" && value.contains(':');
                told && value.len() <= 40 && sure(value)
            })?;
            Some(Picked { value: RawDate::new(value), id: Some(*id) })
        })
    }

    /// A date in a short text; one that is the whole text goes first.
    fn written(&self) -> Option<Picked<RawDate>> {
        let mut first = None;
        for id in self.ids.iter().copied().filter(|id| self.is_leaf(*id)).take(MOST_TEXTS) {
            let Some(picked) = self.date_in_text(id) else { continue };
            if self.dom.text(id).len() <= picked.value.text.len() + 4 {
                return Some(self.widened(picked));
            }
            first = first.or(Some(picked));
        }
        if first.is_some() {
            return first;
        }
        // Text right beside a link, as in `<li><a>Title</a> (12 March 2024)</li>`: its beginning and its end.
        let text =
            self.item.text(self.dom, &|id| self.dom.name(id) == "a" || self.dom.is_marked(id, Mark::Summary));
        let count = text.chars().count();
        let (start, cut) = crate::text::cut(&text, SHORT);
        let end = if cut { text.get(text.char_indices().nth(count.saturating_sub(SHORT))?.0..)? } else { "" };
        [start, end].into_iter().find_map(in_text).map(|value| Picked { value, id: None })
    }

    /// An element with text of its own, and not much of it.
    fn is_leaf(&self, id: Id) -> bool {
        let sums = self.dom.sums(id);
        sums.chars >= 6 && sums.chars <= SHORT && id != self.item.root && self.dom.is_text(id)
    }

    /// The date of an element: by an attribute for machines, else by its text.
    pub(super) fn date_of(&self, id: Id) -> Option<Picked<RawDate>> {
        let stamp =
            STAMPS.into_iter().filter_map(|name| self.dom.attr(id, name)).find(|value| is_stamp(value));
        if let Some(stamp) = stamp {
            return Some(Picked { value: RawDate::new(stamp), id: Some(id) });
        }
        // Many elements are nested in many that are called a date: a few are looked at.
        let inner = self.dom.within(id).skip(1).take(20);
        let time = inner.into_iter().find(|inner| self.dom.name(*inner) == "time");
        let inner = time.and_then(|time| self.dom.attr(time, "datetime").filter(|value| is_stamp(value)));
        if let Some(stamp) = inner {
            return Some(Picked { value: RawDate::new(stamp), id: time });
        }
        self.date_in_text(id).map(|picked| self.widened(picked))
    }

    fn date_in_text(&self, id: Id) -> Option<Picked<RawDate>> {
        if self.dom.sums(id).chars > SHORT || !self.dom.is_text(id) {
            return None;
        }
        Some(Picked { value: in_text(&self.dom.text(id))?, id: Some(id) })
    }

    /// A date whose clock stands in the element beside it.
    fn widened(&self, picked: Picked<RawDate>) -> Picked<RawDate> {
        let Some(id) = picked.id.filter(|_| !picked.value.text.contains(':')) else { return picked };
        let around = self.up(id).next().filter(|around| self.dom.sums(*around).chars <= SHORT);
        let wider = around.and_then(|around| self.date_in_text(around));
        let more = |wide: &Picked<RawDate>| {
            wide.value.text.contains(':') && wide.value.text.starts_with(picked.value.text.as_str())
        };
        wider.filter(more).unwrap_or(picked)
    }
}

/// A title without the date that leads it or stands in brackets at its end, where that is the item's date.
pub(super) fn without_date(title: &str, dates: &Dates) -> String {
    let Some(date) = dates.published.as_ref().map(|date| date.value.text.as_str()) else {
        return title.to_owned();
    };
    let Some((_, range)) = date::find(title, chrono_tz::UTC) else { return title.to_owned() };
    if title.get(range.clone()) != Some(date) {
        return title.to_owned();
    }
    let signs = |c: char| {
        c.is_whitespace()
            || matches!(c, ':' | '-' | '–' | '—' | '|' | '·' | '•' | ',' | '[' | ']' | '(' | ')' | '/' | '.')
    };
    let before = title.get(..range.start).unwrap_or_default();
    let after = title.get(range.end..).unwrap_or_default();
    if before.trim_matches(signs).is_empty() {
        let rest = after.trim_start_matches(signs);
        // "2024 in review": a date that is a part of the sentence stays.
        let sign = after.trim_start_matches(char::is_whitespace).starts_with(signs);
        let own = sign || after.starts_with(char::is_whitespace) && !rest.starts_with(char::is_lowercase);
        return if own || rest.is_empty() { rest.to_owned() } else { title.to_owned() };
    }
    let parted = before.trim_end().ends_with(['(', '[', '|', '–', '—', '-', '·', '•', ',', ':']);
    if after.trim_matches(signs).is_empty() && parted {
        return before.trim_end_matches(|c: char| signs(c) && !matches!(c, '.' | ')' | ']')).to_owned();
    }
    title.to_owned()
}

pub(super) fn settle(dates: Dates, found: &mut Found) {
    found.updated = dates.updated;
    found.published = dates.published;
    if found.published.is_none() && found.updated.is_none() {
        let address = found.link.as_ref().and_then(|link| in_address(&link.value));
        found.published = address.map(|text| Picked { value: RawDate::new(text), id: None });
    }
}

/// Whether the value of an attribute is a whole date.
fn is_stamp(value: &str) -> bool {
    value.len() <= 64
        && value.contains(|c: char| c.is_numeric())
        && date::parse(value, chrono_tz::UTC).is_some()
}

/// The first date in a text.
pub(in super::super) fn in_text(text: &str) -> Option<RawDate> {
    let (_, range) = date::find(text, chrono_tz::UTC)?;
    text.get(range).map(RawDate::new)
}

/// The day in an address: `/2024/03/15/`, `/2024-03-15-`, `/20240315/`.
pub(in super::super) fn in_address(link: &str) -> Option<String> {
    let path = link.split(['?', '#']).next()?;
    let path =
        path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let numbers: Vec<(usize, &str)> = path
        .split(|c: char| !c.is_ascii_digit())
        .scan(0, |at, part| {
            let start = *at;
            *at += part.len() + 1;
            Some((start, part))
        })
        .filter(|(_, part)| !part.is_empty())
        .collect();
    let day = |year: &str, month: &str, day: &str| {
        let parsed =
            chrono::NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
        let plausible = (1990..2100).contains(&chrono::Datelike::year(&parsed));
        plausible.then(|| parsed.format("%Y-%m-%d").to_string())
    };
    numbers.iter().enumerate().find_map(|(at, (start, number))| match number.len() {
        8 => day(number.get(..4)?, number.get(4..6)?, number.get(6..)?),
        4 => {
            let (second, month) = numbers.get(at + 1)?;
            let (third, date) = numbers.get(at + 2)?;
            // One sign between each.
            let close = *second == start + 5 && *third == second + month.len() + 1;
            (close && month.len() <= 2 && date.len() <= 2).then(|| day(number, month, date))?
        }
        _ => None,
    })
}
