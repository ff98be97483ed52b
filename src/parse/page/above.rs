//! Headings that date what stands under them: "12 March 2024" above the news of a day, "March 2024" or "2024" above
//! those of a month or year, whose items say only the rest. Never dates anything by a heading within an item.

use super::dom::{Dom, Id};
use super::fields::{Found, Picked, in_text};
use super::item::{self, Item};
use super::words::Mark;
use crate::date;
use crate::model::RawDate;

/// A heading that only dates has at most so many characters.
const LONGEST: usize = 40;
/// A date without its year has at most so many characters.
const LONGEST_DAY: usize = 30;

/// What wraps such a heading has at most so many more characters.
const LONGEST_BESIDE: usize = 80;

/// Headings of a page that date what follows, in document order.
#[derive(Debug)]
pub(super) struct Headings(Vec<(Id, Says)>);

#[derive(Clone, Debug)]
enum Says {
    /// A whole date.
    Day(RawDate),
    /// A year, maybe with a month before it.
    Year(String, i32),
}

impl Headings {
    /// Finds them.
    pub(super) fn new(dom: &Dom<'_>) -> Self {
        let heads = (0..dom.len()).filter(|id| {
            let chars = dom.sums(*id).chars;
            let leads = matches!(
                dom.name(*id),
                "h1" | "h2"
                    | "h3"
                    | "h4"
                    | "h5"
                    | "h6"
                    | "dt"
                    | "th"
                    | "caption"
                    | "summary"
                    | "legend"
                    | "strong"
                    | "b"
                    | "time"
            );
            (4..=LONGEST).contains(&chars)
                && dom.is_text(*id)
                && (leads || dom.is_marked(*id, Mark::Date) || dom.is_marked(*id, Mark::Years))
        });
        Self(heads.filter_map(|id| Some((id, says(&dom.text(id))?))).collect())
    }

    /// Dates the items that have none by the headings above them.
    pub(super) fn date(&self, dom: &Dom<'_>, items: &[Item<'_>], found: &mut [Found]) {
        if found.iter().all(|found| found.published.is_some() || found.updated.is_some()) {
            return;
        }
        let mut ranges = items.iter().flat_map(|item| item.tops(dom).map(|top| dom.within(top))).peekable();
        let mut free = Vec::new();
        for (id, says) in &self.0 {
            while ranges.next_if(|range| range.end <= *id).is_some() {}
            if ranges.peek().is_none_or(|range| !range.contains(id)) {
                free.push((*id, says));
            }
        }
        for (item, found) in items.iter().zip(found) {
            if found.published.is_some() || found.updated.is_some() {
                continue;
            }
            let above = free.partition_point(|(id, _)| *id < item.root);
            let Some((id, says)) = above.checked_sub(1).and_then(|at| free.get(at)) else { continue };
            if leads(dom, *id, item.root) {
                found.published = match says {
                    Says::Day(date) => Some(Picked { value: with_clock(dom, item, date), id: None }),
                    Says::Year(text, year) => day_of(dom, item, text, *year),
                };
            }
        }
    }
}

/// Whether a heading stands beside the list, not in another part of the page: what it alone is wrapped in has hardly
/// more text than it.
fn leads(dom: &Dom<'_>, heading: Id, item: Id) -> bool {
    let most = dom.sums(heading).chars + LONGEST_BESIDE;
    let mut wrap = heading;
    for around in dom.ancestors(heading).take(4) {
        if dom.within(around).contains(&item) {
            return true;
        }
        wrap = around;
        if dom.sums(wrap).chars > most {
            return false;
        }
    }
    dom.el(wrap).parent.is_some_and(|parent| dom.name(parent) == "body")
}

/// The day of a heading with the clock of the item.
fn with_clock(dom: &Dom<'_>, item: &Item<'_>, day: &RawDate) -> RawDate {
    let is_clock = |text: &str| {
        let (hour, minute) = text.split_once(':').unwrap_or_default();
        let digits = |part: &str, least: usize| {
            (least..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        digits(hour, 1) && digits(minute, 2)
    };
    let short = item.ids(dom).filter(|id| (4..=5).contains(&dom.sums(*id).chars)).take(40);
    let clock = short.map(|id| dom.text(id)).find(|text| is_clock(text));
    let whole = clock.filter(|_| !day.text.contains(':')).map(|clock| format!("{} {clock}", day.text));
    let sure = |text: &String| date::parse(text, chrono_tz::UTC).is_some_and(|moment| moment.doubt.is_none());
    whole.filter(sure).map_or_else(|| day.clone(), RawDate::new)
}

fn says(text: &str) -> Option<Says> {
    if item::is_date_text(text) {
        return in_text(text).map(Says::Day);
    }
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    let year: i32 = bare.split(|c: char| !c.is_ascii_digit()).find(|part| part.len() == 4)?.parse().ok()?;
    let numbers = bare.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).count();
    let is_month = date::parse(&format!("1 {bare}"), chrono_tz::UTC).is_some();
    ((1990..2100).contains(&year) && numbers == 1 && (bare.len() == 4 || is_month))
        .then(|| Says::Year(bare.to_owned(), year))
}

/// "15 March" under "2024", "15" under "March 2024".
fn day_of(dom: &Dom<'_>, item: &Item<'_>, above: &str, year: i32) -> Option<Picked<RawDate>> {
    let short = item.ids(dom).filter(|id| {
        let chars = dom.sums(*id).chars;
        (1..=LONGEST_DAY).contains(&chars) && *id != item.root
    });
    let composed = |text: &str| {
        let tries = [format!("{text} {year}"), format!("{text} {above}"), format!("{year}年{text}")];
        let fits =
            |text: &String| date::parse(text, chrono_tz::UTC).is_some_and(|moment| moment.doubt.is_none());
        tries.into_iter().find(fits)
    };
    for id in short.take(40) {
        let text = dom.text(id);
        if let Some(text) = text.contains(|c: char| c.is_numeric()).then(|| composed(&text)).flatten() {
            return Some(Picked { value: RawDate::new(text), id: Some(id) });
        }
    }
    // "15 March – Title": what stands before the first sign.
    let text = item.text(dom, &|_| false);
    let lead = text.split([':', '–', '—', '-', '|', ',']).next()?.trim();
    let short = lead.chars().count() <= LONGEST_DAY && lead.contains(|c: char| c.is_numeric());
    short.then(|| composed(lead)).flatten().map(|text| Picked { value: RawDate::new(text), id: None })
}
