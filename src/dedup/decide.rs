//! The decision itself: which entries of a document are known, which meet a story, which are new. Pure.
//!
//! The order of steps matters and is the order of calls in [`decide`]: what is strongest claims first, so that
//! a weak likeness never takes a story away from its own entry. inside.rs, between.rs and changes.rs have the steps.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::document::{DocumentKeys, nothing_stands};
use super::{Context, Decision, Intake, Keys, Known};
use crate::filter;
use crate::model::{Digest, Entry};

/// Decides what becomes of every entry of one document.
pub fn decide(context: &Context<'_>, entries: &[Entry], keys: DocumentKeys, known: &Known) -> Intake {
    let known = &*under_todays_keys(known, &keys.keys);
    let mut table = Table {
        context,
        entries,
        known,
        settled: vec![false; entries.len()],
        claims: HashMap::new(),
        siblings: HashMap::new(),
        seen: HashSet::new(),
        links_steady: false,
        run: keys.run,
        intake: Intake {
            decisions: vec![Decision::Nothing; entries.len()],
            guids_shared: keys.guids_shared,
            keys: keys.keys,
            backlog: context.backfill.is_some(),
            reading: context.reading,
            ..Intake::default()
        },
    };
    table.without_plural_keys();
    table.by_digest();
    table.find_siblings();
    table.by_guid();
    table.by_link();
    table.links_steady = table.intake.links.kept > 0 && table.intake.links.changed == 0;
    table.by_story();
    table.by_body();
    table.by_title();
    table.held_back();
    table.between_sources();
    table.corrections();
    table.intake
}

/// What is known, with what stands under former keys of an entry under those that it has now.
fn under_todays_keys<'a>(known: &'a Known, keys: &[Keys]) -> Cow<'a, Known> {
    let mut known = Cow::Borrowed(known);
    let mut stories: HashMap<Digest, Digest> = HashMap::new();
    for (now, former) in keys.iter().filter_map(|keys| Some((keys, keys.former.as_deref()?))) {
        let pairs = [
            (former.link, now.link),
            (former.place, now.place),
            (Some(former.story), Some(now.story)),
            (Some(former.twin), Some(now.twin)),
        ];
        let known = known.to_mut();
        for (old, new) in pairs.into_iter().filter_map(|(old, new)| old.zip(new)) {
            if let Some(target) = known.inside.get(&old).copied() {
                known.inside.entry(new).or_insert(target);
            }
            if let Some(target) = known.across.get(&old).copied() {
                known.across.entry(new).or_insert(target);
            }
            if known.plural.contains(&old) {
                known.plural.insert(new);
            }
        }
        stories.insert(former.story, now.story);
    }
    if !stories.is_empty() {
        for sighting in known.to_mut().sightings.values_mut() {
            sighting.story = stories.get(&sighting.story).copied().unwrap_or(sighting.story);
        }
    }
    known
}

/// The document on the table while it is decided.
pub(super) struct Table<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) entries: &'a [Entry],
    pub(super) known: &'a Known,
    pub(super) intake: Intake,
    /// Which entries are settled.
    settled: Vec<bool>,
    /// Which entries of this document stand for a stored story, strongest first.
    pub(super) claims: HashMap<i64, Vec<usize>>,
    /// Which entries of this document share a timestamp and title.
    pub(super) siblings: HashMap<Digest, Vec<usize>>,
    /// Which sightings are spoken for.
    pub(super) seen: HashSet<i64>,
    /// Other entries of this document kept their links.
    pub(super) links_steady: bool,
    /// The one time under which most of this document stands.
    pub(super) run: Option<DateTime<Utc>>,
}

impl Table<'_> {
    pub(super) fn key(&self, index: usize) -> Option<&Keys> {
        self.intake.keys.get(index)
    }

    /// Keys that stood on several stories of this source before identify none now.
    fn without_plural_keys(&mut self) {
        let plural = |key: Option<Digest>| key.is_some_and(|key| self.known.plural.contains(&key));
        for keys in &mut self.intake.keys {
            if plural(keys.guid) {
                keys.guid = None;
                self.intake.guids_shared += 1;
            }
            if plural(keys.link) {
                keys.link = keys.place.filter(|place| !plural(Some(*place)));
            }
            if plural(keys.body) {
                keys.body = None;
            }
        }
    }

    fn find_siblings(&mut self) {
        for (index, keys) in self.intake.keys.iter().enumerate() {
            self.siblings.entry(keys.story).or_default().push(index);
        }
    }

    /// True when two entries of this document are two stories although their timestamp and title are the same.
    pub(super) fn distinct(&self, one: usize, two: usize) -> bool {
        let (Some(a), Some(b)) = (self.key(one), self.key(two)) else { return false };
        if self.context.rules.strict || one == two {
            return false;
        }
        if self.is_twin(one, two) {
            let (Some(one), Some(two)) = (self.entries.get(one), self.entries.get(two)) else { return false };
            let text = a.text.is_some() && a.text == b.text;
            return !text && nothing_stands((one, a.stated), (two, b.stated));
        }
        let differ = |one: Option<Digest>, two: Option<Digest>| one.zip(two).map(|(one, two)| one != two);
        match (differ(a.guid, b.guid), differ(a.link, b.link)) {
            (Some(false), _) | (_, Some(false)) | (None, None) => false,
            (Some(true) | None, Some(true)) => true,
            // No links to tell by: different guids count when the texts differ too.
            (Some(true), None) => a.text != b.text,
        }
    }

    /// True when two entries of this document are the same one, told twice.
    pub(super) fn is_twin(&self, one: usize, two: usize) -> bool {
        let (Some(one), Some(two)) = (self.entries.get(one), self.entries.get(two)) else { return false };
        one.guid.is_some() && one.guid == two.guid && one.link == two.link
    }

    /// What is open; of an entry that the document has twice the one that was updated last comes first.
    pub(super) fn open_newest_first(&self) -> Vec<usize> {
        let mut open = self.open();
        let mut twins: HashMap<(&str, Option<&str>), Vec<usize>> = HashMap::new();
        for (place, index) in open.iter().enumerate() {
            let Some(entry) = self.entries.get(*index) else { continue };
            if let Some(guid) = entry.guid.as_deref() {
                twins.entry((guid, entry.link.as_deref())).or_default().push(place);
            }
        }
        for places in twins.into_values().filter(|places| places.len() > 1) {
            let mut indexes: Vec<usize> =
                places.iter().filter_map(|place| open.get(*place).copied()).collect();
            indexes.sort_by_key(|index| Reverse(self.entries.get(*index).and_then(|entry| entry.updated)));
            for (place, index) in places.iter().zip(indexes) {
                if let Some(slot) = open.get_mut(*place) {
                    *slot = index;
                }
            }
        }
        open
    }

    /// True when nothing in this document that stands for the story is another story than this entry.
    pub(super) fn free(&self, story: i64, index: usize) -> bool {
        self.claims.get(&story).is_none_or(|claims| claims.iter().all(|claim| !self.distinct(*claim, index)))
    }

    pub(super) fn open(&self) -> Vec<usize> {
        (0..self.entries.len()).filter(|index| self.settled.get(*index) == Some(&false)).collect()
    }

    pub(super) fn settle(&mut self, index: usize, decision: Decision) {
        if let (Some(slot), Some(done)) = (self.intake.decisions.get_mut(index), self.settled.get_mut(index))
        {
            *slot = decision;
            *done = true;
        }
    }

    pub(super) fn claim(&mut self, index: usize, sighting: i64, story: Option<i64>) {
        self.seen.insert(sighting);
        if let Some(story) = story {
            self.claims.entry(story).or_default().push(index);
        }
    }

    pub(super) fn mark(&mut self, index: usize, key: Digest) {
        if let Some(keys) = self.intake.keys.get_mut(index) {
            keys.marks.push(key);
        }
    }

    /// Why a filter holds an entry back, in words.
    pub(super) fn verdict(&self, index: usize) -> Option<String> {
        filter::verdict(self.entries.get(index)?, self.context.keep, self.context.drop)
    }

    /// `keep` and `drop`. A filtered entry holds no story and meets none.
    fn held_back(&mut self) {
        for index in self.open() {
            if let Some(words) = self.verdict(index) {
                self.settle(index, Decision::Filtered(words));
            }
        }
    }
}
