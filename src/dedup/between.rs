//! Between sources, and what is new: in the order of the document, each entry meets an earlier one of the
//! document, else a stored story by its source's rule, else it is a story of its own. Pure.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};

use super::decide::Table;
use super::keys::name;
use super::likeness::SIMILAR;
use super::{Context, Decision, Keys, NewStory, Target, substance};
use crate::model::{DedupRule, Digest, Entry, EntryId, FuturePolicy};

/// A stated time further ahead than this is in the future.
pub(super) const AHEAD: Duration = Duration::minutes(10);
/// Days from 1900 to 1970.
const SINCE_1900: i64 = 25_567;

/// The names an entry with these keys could get, best first; none is made before it is asked for.
pub fn candidate_names(context: &Context<'_>, keys: &Keys) -> impl Iterator<Item = EntryId> {
    let (source, all, own) = (context.source, "", Some((keys.twin, context.source)));
    let names = match context.rule {
        DedupRule::TimestampTitle => [Some((keys.story, all)), Some((keys.twin, all)), own],
        DedupRule::Guid if keys.guid_global => {
            let key = keys.guid.unwrap_or(keys.story);
            [Some((key, all)), Some((key, source)), own]
        }
        DedupRule::Link => {
            let key = keys.link.unwrap_or(keys.twin);
            [Some((key, all)), Some((key, source)), own]
        }
        DedupRule::Guid | DedupRule::None => [Some((keys.story, source)), own, None],
    };
    names.into_iter().flatten().map(|(key, salt)| name(key, salt))
}

/// Where an entry of the document went.
#[derive(Clone, Copy)]
enum Place {
    /// A stored story.
    Met(i64),
    /// A new one; its index in the document.
    New(usize),
}

/// The entries of the document that went somewhere, under each key.
#[derive(Default)]
struct Earlier {
    places: HashMap<usize, Place>,
    guid: HashMap<Digest, usize>,
    link: HashMap<Digest, usize>,
    story: HashMap<Digest, Vec<usize>>,
    title: HashMap<i64, Vec<usize>>,
}

impl Earlier {
    fn note(&mut self, index: usize, keys: &Keys, place: Place) {
        self.places.insert(index, place);
        keys.guid.into_iter().for_each(|key| _ = self.guid.entry(key).or_insert(index));
        keys.link.into_iter().for_each(|key| _ = self.link.entry(key).or_insert(index));
        self.story.entry(keys.story).or_default().push(index);
        keys.title.into_iter().for_each(|title| self.title.entry(title).or_default().push(index));
    }
}

impl Table<'_> {
    pub(super) fn between_sources(&mut self) {
        let mut earlier = Earlier::default();
        let mut stories: Vec<NewStory> = Vec::new();
        let mut names: HashSet<EntryId> = HashSet::new();
        let mut repeats: Vec<(usize, usize, &'static str)> = Vec::new();
        let alike = self.by_likeness();
        for index in self.open_newest_first() {
            let Some(keys) = self.key(index).cloned() else { continue };
            match self.repeated(index, &keys, &earlier) {
                Some((Place::Met(story), rule)) => self.meet(index, story, rule),
                Some((Place::New(first), rule)) => repeats.push((index, first, rule)),
                None => match self
                    .met(index, &keys)
                    .or_else(|| alike.get(&index).map(|row| (Target::Row(*row), SIMILAR)))
                {
                    Some((Target::Pruned, _)) => self.settle(index, Decision::Pruned),
                    Some((Target::Row(story), rule)) => {
                        self.meet(index, story, rule);
                        earlier.note(index, &keys, Place::Met(story));
                    }
                    None => {
                        let Some(entry) = self.entries.get(index) else { continue };
                        let id = self.fresh_name(&keys, index, &names);
                        names.insert(id);
                        earlier.note(index, &keys, Place::New(index));
                        stories.push(self.story(id, index, entry));
                    }
                },
            }
        }
        self.publish(stories, &repeats);
    }

    fn meet(&mut self, index: usize, story: i64, rule: &'static str) {
        self.claims.entry(story).or_default().push(index);
        self.settle(index, Decision::Meets(story, rule));
    }

    /// The earlier entry of this document that this one repeats.
    fn repeated(&self, index: usize, keys: &Keys, earlier: &Earlier) -> Option<(Place, &'static str)> {
        let of = |map: &HashMap<Digest, usize>, key: Option<Digest>| map.get(&key?).copied();
        let same = |others: Option<&Vec<usize>>| {
            others?.iter().find(|other| !self.distinct(index, **other)).copied()
        };
        let (other, rule) = of(&earlier.guid, keys.guid)
            .map(|other| (other, "same document: guid"))
            .or_else(|| of(&earlier.link, keys.link).map(|other| (other, "same document: link")))
            .or_else(|| {
                same(earlier.story.get(&keys.story)).map(|other| (other, "same document: timestamp+title"))
            })
            .or_else(|| {
                let near = earlier.title.get(&keys.title?)?.iter().copied();
                let near = near.filter(|other| self.within_window(keys, *other)).collect();
                same(Some(&near)).map(|other| (other, "same document: window+title"))
            })?;
        Some((earlier.places.get(&other).copied()?, rule))
    }

    fn within_window(&self, keys: &Keys, other: usize) -> bool {
        let window = self.context.rules.window;
        let other = self.key(other).and_then(|other| other.stated);
        let gap = keys.stated.zip(other).map(|(one, two)| (one - two).num_seconds().abs());
        window > 0 && self.context.rule == DedupRule::TimestampTitle && gap.is_some_and(|gap| gap <= window)
    }

    /// The stored story that the source's rule leads to.
    fn met(&self, index: usize, keys: &Keys) -> Option<(Target<i64>, &'static str)> {
        match self.context.rule {
            DedupRule::None => None,
            DedupRule::Guid => {
                self.meets(index, keys.guid.filter(|_| keys.guid_global)).map(|met| (met, "guid"))
            }
            DedupRule::Link => self.meets(index, keys.link).map(|met| (met, "link")),
            DedupRule::TimestampTitle => self
                .meets(index, Some(keys.twin))
                .map(|met| (met, "timestamp+title+link"))
                .or_else(|| self.meets(index, Some(keys.story)).map(|met| (met, "timestamp+title")))
                .or_else(|| self.near(index, keys).map(|near| (Target::Row(near), "window+title"))),
        }
    }

    fn meets(&self, index: usize, key: Option<Digest>) -> Option<Target<i64>> {
        match self.known.across.get(&key?)? {
            Target::Pruned => Some(Target::Pruned),
            Target::Row(row) => self.may_meet(*row, index).then_some(Target::Row(*row)),
        }
    }

    pub(super) fn may_meet(&self, story: i64, index: usize) -> bool {
        let meets_others = self.known.entries.get(&story).is_some_and(|story| story.rule != DedupRule::None);
        meets_others && self.free(story, index) && !self.told_apart(story, index)
    }

    /// True when this source itself told the entry and that story apart.
    fn told_apart(&self, story: i64, index: usize) -> bool {
        let here = self.key(index).and_then(|keys| self.known.inside.get(&keys.story));
        let Some(Target::Row(row)) = here else { return false };
        self.known.sightings.get(row).is_some_and(|sighting| sighting.entry == Some(story))
            && self.is_another_of_several(index)
    }

    /// The story of the same title whose first timestamp is nearest, within the window.
    fn near(&self, index: usize, keys: &Keys) -> Option<i64> {
        let at = keys.stated?;
        let window = self.context.rules.window;
        let stories = self.known.titles.get(&keys.title?)?.iter();
        stories
            .map(|(stamp, row)| ((*stamp - at).num_seconds().abs(), *row))
            .filter(|(gap, row)| *gap <= window && self.may_meet(*row, index))
            .min()
            .map(|(_, row)| row)
    }

    fn fresh_name(&self, keys: &Keys, index: usize, names: &HashSet<EntryId>) -> EntryId {
        let is_free = |id: &EntryId| !self.known.taken.contains(id) && !names.contains(id);
        candidate_names(self.context, keys).find(is_free).unwrap_or_else(|| {
            let now = self.context.now.timestamp_millis();
            name(keys.twin, &format!("{} {now} {index}", self.context.source))
        })
    }

    fn story(&self, id: EntryId, index: usize, entry: &Entry) -> NewStory {
        let (published, hold_until) = self.shown(entry);
        let limit = self.context.now + AHEAD;
        let updated = entry.updated.filter(|at| *at <= limit).map_or(published, |at| at.max(published));
        NewStory { id, index, published, updated, hold_until, listed: true, substance: substance(entry) }
    }

    /// The date an entry is shown under for ever, and until when it is held back.
    pub(super) fn shown(&self, entry: &Entry) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
        shown(self.context, entry)
    }

    /// Puts new stories in order of publication, and a backlog into the archive.
    fn publish(&mut self, mut stories: Vec<NewStory>, repeats: &[(usize, usize, &'static str)]) {
        // Oldest first; a document without dates lists its newest on top.
        stories.sort_by(|one, two| one.published.cmp(&two.published).then(two.index.cmp(&one.index)));
        if let Some(backfill) = self.context.backfill {
            let archived = stories.len().saturating_sub(backfill);
            stories.iter_mut().take(archived).for_each(|story| story.listed = false);
        }
        self.archive_what_a_rebuild_brought(&mut stories);
        let places: HashMap<usize, usize> =
            stories.iter().enumerate().map(|(place, story)| (story.index, place)).collect();
        for (index, place) in &places {
            self.settle(*index, Decision::New(*place));
        }
        for (index, first, rule) in repeats {
            if let Some(place) = places.get(first) {
                self.settle(*index, Decision::Repeats(*place, rule));
            }
        }
        self.intake.stories = stories;
    }
}

/// The date an entry is shown under for ever, and until when it is held back.
pub(super) fn shown(context: &Context<'_>, entry: &Entry) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
    let now = context.now;
    match super::stated(entry) {
        None => (now, None),
        Some(at) if at < DateTime::UNIX_EPOCH - Duration::days(SINCE_1900) => (now, None),
        Some(at) if at <= now + AHEAD => (at, None),
        Some(at) => match context.future {
            FuturePolicy::Clamp => (now, None),
            FuturePolicy::Hold => (at, Some(at)),
            FuturePolicy::Keep => (at, None),
        },
    }
}
