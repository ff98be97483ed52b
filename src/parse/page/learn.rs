//! Which elements of a page are its news: of the groups that repeat, the one whose items read most like news,
//! with a title, a date, a link and some text each. Never takes navigation, comments or subjects for news.

use std::collections::HashSet;

use super::above::Headings;
use super::dom::{Dom, Id};
use super::fields::{self, Found};
use super::groups::{self, Group, Parts, as_f64};
use super::item::{self, Item};
use super::list::{self, Fields, List};

/// So many items of a group are read to judge it.
const SAMPLE: usize = 40;
/// An item counts as news from here on.
const NEWS: f64 = 0.42;

/// The same where the page states that its items are entries.
const STATED: f64 = 0.25;

/// The list that was found.
#[derive(Debug)]
pub(super) struct Learned<'a> {
    /// The elements that lead its items.
    pub(super) roots: Vec<Id>,
    /// What they say.
    pub(super) list: List<'a>,
    /// How much its items are like news, 0.0 to 1.0.
    pub(super) worth: f64,
}

/// A group that was read.
struct Candidate<'a> {
    group: Group,
    /// Some of its items.
    sample: List<'a>,
    score: f64,
    worth: f64,
}

/// Finds the page's list. `known`: links that the page's own data names as its stories.
pub(super) fn learn<'a>(dom: &Dom<'a>, headings: &Headings, known: &HashSet<String>) -> Option<Learned<'a>> {
    let parts = Parts::new(dom);
    let fields = Fields::default();
    let read = |group: Group| {
        let items = item::items(dom, &group.roots);
        let sample = list::read(dom, headings, spread(items), &fields);
        let (score, worth) = judge(dom, &parts, &group, &sample, known);
        Candidate { group, sample, score, worth }
    };
    let all: Vec<Candidate<'a>> = groups::groups(dom, &parts).into_iter().map(read).collect();
    let enough = |one: &&Candidate<'a>| one.worth >= if one.group.stated { STATED } else { NEWS };
    let best = all.iter().filter(enough).rev().max_by(|one, other| one.score.total_cmp(&other.score))?;
    let best = all.iter().filter(|outer| is_around(dom, outer, best)).fold(best, |best, outer| {
        let (more, less) = (richness(&outer.sample), richness(&best.sample));
        if more > less || more == less && outer.group.stated { outer } else { best }
    });
    let list = list::read(dom, headings, item::items(dom, &best.group.roots), &fields);
    // What has no title is no news: a heading between them, an empty cell.
    let roots = without_chaff(dom, &parts, &best.group, &list);
    let list = if roots.len() == best.group.roots.len() {
        list
    } else {
        list::read(dom, headings, item::items(dom, &roots), &fields)
    };
    Some(Learned { roots, list, worth: best.worth })
}

/// Some of many, evenly spread.
fn spread(items: Vec<Item<'_>>) -> Vec<Item<'_>> {
    let step = items.len().div_ceil(SAMPLE).max(1);
    items.into_iter().step_by(step).collect()
}

/// Whether each item of one list stands in one of the other, and is titled alike.
fn is_around(dom: &Dom<'_>, outer: &Candidate<'_>, inner: &Candidate<'_>) -> bool {
    let (around, within) = (&outer.group.roots, &inner.group.roots);
    let alike = |(one, other): (&Found, &Found)| {
        one.title.as_ref().map(|title| &title.value) == other.title.as_ref().map(|title| &title.value)
    };
    around.len() == within.len()
        && around.iter().zip(within).all(|(one, other)| one < other && dom.within(*one).contains(other))
        && outer.sample.found.iter().zip(&inner.sample.found).all(alike)
}

/// How much a list says besides titles.
fn richness(list: &List<'_>) -> usize {
    let said = |found: &Found| {
        let fields = [
            found.link.is_some(),
            found.published.is_some() || found.updated.is_some(),
            found.summary.is_some() || found.content.is_some(),
            found.image.is_some(),
            !found.authors.is_empty(),
        ];
        fields.into_iter().filter(|is| *is).count()
    };
    list.found.iter().map(said).sum()
}

/// How good a list is, and how much its items are like news on the whole.
fn judge(
    dom: &Dom<'_>,
    parts: &Parts,
    group: &Group,
    list: &List<'_>,
    known: &HashSet<String>,
) -> (f64, f64) {
    let mut titles = HashSet::new();
    let mut links = HashSet::new();
    let mut all = Vec::with_capacity(list.items.len());
    let mut hits = 0usize;
    for (item, found) in list.items.iter().zip(&list.found) {
        let mut worth = news(dom, item, found) * parts.factor(item.root);
        if let Some(title) = &found.title {
            // The same title again is a label.
            worth *= if titles.insert(title.value.clone()) { 1.0 } else { 0.3 };
        }
        if let Some(link) = &found.link {
            worth *= if links.insert(link.value.clone()) { 1.0 } else { 0.5 };
            hits += usize::from(known.contains(&link.value));
        }
        all.push(worth);
    }
    let sampled = as_f64(all.len().max(1));
    let least = least_worth(&all);
    let kept: Vec<f64> = all.into_iter().filter(|worth| *worth >= least).collect();
    let share = as_f64(kept.len()) / sampled;
    let mean = kept.iter().sum::<f64>() / as_f64(kept.len().max(1));
    let count = mean * as_f64(group.roots.len()) * share;
    let mut score = (1.0 + count).ln() * mean * mean * share;
    if group.stated {
        score *= 1.2;
    }
    if !known.is_empty() {
        score *= 1.0 + as_f64(hits) / sampled;
    }
    if list.items.first().is_some_and(|item| item.nodes.len() > 1) {
        // Where an element holds the whole item, it is the better choice.
        score *= 0.95;
    }
    (score, mean * share)
}

/// Elements worth less are no news among those that are: a heading, an empty cell, an advertisement.
fn least_worth(all: &[f64]) -> f64 {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default() * 0.45
}

/// How much an item is like news, 0.0 to 1.0.
fn news(dom: &Dom<'_>, item: &Item<'_>, found: &Found) -> f64 {
    let Some(title) = &found.title else { return 0.0 };
    let sums = item.tops(dom).fold((0, 0, 0, 0), |sum, top| {
        let one = dom.sums(top);
        (sum.0 + one.chars, sum.1 + one.headings, sum.2 + one.dates, sum.3 + one.links)
    });
    let (chars, headings, days, links) = sums;
    let dated = found.published.is_some() || found.updated.is_some();
    let text = found.summary.as_ref().or(found.content.as_ref());
    let linked = found.link.is_some();
    if !linked && !dated && (text.is_none() || headings == 0) {
        return 0.0;
    }
    // A link to a list, a person or a form is none to a story.
    if found.link.as_ref().is_some_and(|link| fields::leads_elsewhere(&link.value)) && !dated {
        return 0.1;
    }
    let mut worth = 0.15 + 0.25 * wordy(&title.value);
    let heading = title.id.is_some_and(|id| dom.name(id).starts_with('h') && dom.name(id).len() == 2);
    for (is_so, more) in [(dated, 0.25), (heading, 0.12), (text.is_some(), 0.1), (linked, 0.13)] {
        worth += if is_so { more } else { 0.0 };
    }
    if title.id.is_none() {
        worth *= 0.85;
    }
    // Several headings or dates in one item are several items.
    for crowd in [headings.saturating_sub(1), days.saturating_sub(2)] {
        worth /= 1.0 + 0.35 * as_f64(crowd);
    }
    // So are many links with hardly a word between them.
    if links > 6 && chars / links < 30 {
        worth *= 0.6;
    }
    worth.min(1.0)
}

/// How much a text is like a headline: some words, not too many.
fn wordy(title: &str) -> f64 {
    let chars = title.chars().filter(|c| !c.is_whitespace()).count();
    // One character of Chinese or Japanese says as much as half a word.
    let weight: usize = title
        .chars()
        .map(|c| if matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}') { 3 } else { 1 })
        .sum();
    match weight {
        0..=5 => 0.1,
        6..=11 => 0.4,
        12..=19 => 0.75,
        _ if chars > 280 => 0.3,
        _ => 1.0,
    }
}

/// Without elements that are no news while the others are.
fn without_chaff(dom: &Dom<'_>, parts: &Parts, group: &Group, list: &List<'_>) -> Vec<Id> {
    let worth = list
        .items
        .iter()
        .zip(&list.found)
        .map(|(item, found)| (item.root, news(dom, item, found) * parts.factor(item.root)));
    let mut all: Vec<(Id, f64)> = worth.collect();
    let least = least_worth(&all.iter().map(|(_, worth)| *worth).collect::<Vec<_>>());
    all.retain(|(_, worth)| *worth >= least);
    if all.is_empty() { group.roots.clone() } else { all.into_iter().map(|(id, _)| id).collect() }
}
