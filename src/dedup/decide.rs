//! The decision itself: which entries of a document are known, which meet a story, which are new.
//!
//! The order of steps matters and is the order of the functions in [`decide`]:
//! what is strongest claims first, so that a weak likeness never takes a story away from its own entry.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};

use super::keys::{keys_with, name};
use super::{
    Context, Correction, Decision, Intake, Keys, Known, KnownSighting, NewStory, Target, stated, substance,
};
use crate::model::{DedupRule, Digest, Entry, EntryId, FuturePolicy};
use crate::{filter, link};

/// A stated time further ahead than this is in the future.
const AHEAD: Duration = Duration::minutes(10);

/// Decides what becomes of every entry of one document.
pub fn decide(context: &Context<'_>, entries: &[Entry], keys: DocumentKeys, known: &Known) -> Intake {
    let mut siblings: HashMap<Digest, Vec<usize>> = HashMap::new();
    for (index, keys) in keys.keys.iter().enumerate() {
        siblings.entry(keys.story).or_default().push(index);
    }
    let mut table = Table {
        siblings,
        context,
        entries,
        known,
        settled: vec![false; entries.len()],
        claims: HashMap::new(),
        seen: HashSet::new(),
        intake: Intake {
            decisions: vec![Decision::Nothing; entries.len()],
            guids_shared: keys.guids_shared,
            keys: keys.keys,
            ..Intake::default()
        },
    };
    table.by_digest();
    table.by_guid();
    table.by_link();
    table.by_story();
    table.by_body();
    table.held_back();
    table.between_sources();
    table.new_stories();
    table.corrections();
    table.intake
}

/// The keys of a document's entries: what the store is asked about.
/// Keys that identify nothing in this document are already taken out.
#[derive(Clone, Debug, Default)]
pub struct DocumentKeys {
    /// One per entry.
    pub keys: Vec<Keys>,
    /// Entries whose guid stands on other stories of the document too.
    pub guids_shared: usize,
}

/// The keys of a document's entries.
pub fn document_keys(context: &Context<'_>, entries: &[Entry]) -> DocumentKeys {
    let mut keys = make_keys(context, entries);
    let one_guid = |one: &Keys, two: &Keys| one.guid.is_some() && one.guid == two.guid;
    let guids = shared(
        &keys,
        |keys| keys.guid,
        |one, two| match (one.link, two.link) {
            (Some(one), Some(two)) => one != two,
            _ => one.story != two.story && one.body != two.body,
        },
    );
    for index in &guids {
        keys.get_mut(*index).into_iter().for_each(|keys| keys.guid = None);
    }
    let links = shared(&keys, |keys| keys.link, |one, two| one.story != two.story && !one_guid(one, two));
    for index in links {
        keys.get_mut(index).into_iter().for_each(|keys| keys.link = None);
    }
    let bodies = shared(
        &keys,
        |keys| keys.body,
        |one, two| {
            let one_link = one.link.is_some() && one.link == two.link;
            one.story != two.story && !one_guid(one, two) && !one_link
        },
    );
    for index in bodies {
        keys.get_mut(index).into_iter().for_each(|keys| keys.body = None);
    }
    DocumentKeys { keys, guids_shared: guids.len() }
}

/// The names an entry with these keys could get, best first.
pub fn candidate_names(context: &Context<'_>, keys: &Keys) -> Vec<EntryId> {
    let salted = |key: Digest| name(key, context.source);
    match context.rule {
        DedupRule::TimestampTitle => vec![name(keys.story, ""), name(keys.twin, ""), salted(keys.twin)],
        DedupRule::Guid if keys.guid_global => {
            let key = keys.guid.unwrap_or(keys.story);
            vec![name(key, ""), salted(key), salted(keys.twin)]
        }
        DedupRule::Link => {
            let key = keys.link.unwrap_or(keys.twin);
            vec![name(key, ""), salted(key), salted(keys.twin)]
        }
        DedupRule::Guid | DedupRule::None => vec![salted(keys.story), salted(keys.twin)],
    }
}

/// The document on the table while it is decided.
struct Table<'a> {
    context: &'a Context<'a>,
    entries: &'a [Entry],
    known: &'a Known,
    intake: Intake,
    /// Which entries are settled.
    settled: Vec<bool>,
    /// Which entries of this document stand for a stored story, strongest first.
    claims: HashMap<i64, Vec<usize>>,
    /// Which entries of this document share a timestamp and title.
    siblings: HashMap<Digest, Vec<usize>>,
    /// Which sightings are spoken for.
    seen: HashSet<i64>,
}

impl Table<'_> {
    fn key(&self, index: usize) -> Option<&Keys> {
        self.intake.keys.get(index)
    }

    /// True when two entries of this document are two stories although their timestamp and title are the same.
    fn distinct(&self, one: usize, two: usize) -> bool {
        let (Some(a), Some(b)) = (self.key(one), self.key(two)) else { return false };
        if self.context.rules.strict || one == two {
            return false;
        }
        let differ = |one: Option<Digest>, two: Option<Digest>| one.zip(two).map(|(one, two)| one != two);
        match (differ(a.guid, b.guid), differ(a.link, b.link)) {
            (Some(false), _) | (_, Some(false)) | (None, None) => false,
            (Some(true) | None, Some(true)) => true,
            // No links to tell by: different guids count when the texts differ too.
            (Some(true), None) => a.body != b.body,
        }
    }

    /// True when nothing in this document that stands for the story is another story than this entry.
    fn free(&self, story: i64, index: usize) -> bool {
        self.claims.get(&story).is_none_or(|claims| claims.iter().all(|claim| !self.distinct(*claim, index)))
    }

    fn open(&self) -> Vec<usize> {
        (0..self.entries.len()).filter(|index| self.settled.get(*index) == Some(&false)).collect()
    }

    fn settle(&mut self, index: usize, decision: Decision) {
        if let (Some(slot), Some(done)) = (self.intake.decisions.get_mut(index), self.settled.get_mut(index))
        {
            *slot = decision;
            *done = true;
        }
    }

    fn see(&mut self, index: usize, sighting: &KnownSighting, rule: &'static str) {
        self.seen.insert(sighting.number);
        if let Some(story) = sighting.entry {
            self.claims.entry(story).or_default().push(index);
        }
        self.settle(index, Decision::Seen { sighting: sighting.number, rule });
    }

    /// The same bytes as before: nothing to do. What was read before and left no sighting
    /// (a repetition, something pruned) has its reason on record.
    fn by_digest(&mut self) {
        for (index, entry) in self.entries.iter().enumerate() {
            let sighting =
                self.known.by_digest.get(&entry.digest).and_then(|row| self.known.sightings.get(row));
            match sighting {
                // The rules changed, and it passes now: it may become a story.
                Some(sighting) if !entry.unchanged && !self.still_held_back(index, sighting) => {}
                Some(sighting) => {
                    self.see(index, sighting, "unchanged");
                    self.settle(index, Decision::Nothing);
                }
                None if entry.unchanged => self.settle(index, Decision::Nothing),
                None => {}
            }
        }
    }

    fn by_guid(&mut self) {
        if !self.context.guids_reliable {
            return;
        }
        for index in self.open() {
            let key = self.key(index).and_then(|keys| keys.guid);
            match key.and_then(|key| self.known.inside.get(&key)) {
                Some(Target::Pruned) => self.settle(index, Decision::Nothing),
                Some(Target::Row(row)) => {
                    let Some(sighting) = self.known.sightings.get(row) else { continue };
                    if self.guid_was_reused(index, sighting) {
                        self.intake.guids_shared += 1;
                        if let Some(keys) = self.intake.keys.get_mut(index) {
                            keys.guid = None;
                        }
                    } else if self.still_held_back(index, sighting) {
                        self.see(index, sighting, "guid");
                    }
                }
                None => {}
            }
        }
    }

    /// A guid under which title, timestamp, link and text are all other than before names another story.
    fn guid_was_reused(&self, index: usize, sighting: &KnownSighting) -> bool {
        let (Some(entry), Some(keys)) = (self.entries.get(index), self.key(index)) else { return false };
        let before = sighting.link.as_deref().and_then(link::canonical);
        let link = entry.link.as_deref().and_then(link::canonical);
        let title = super::title_key(&entry.title, self.context.rules).unwrap_or_default();
        let stated = stated(entry);
        let link_moved = match (&before, &link) {
            (Some(before), Some(link)) => before != link,
            (None, None) => self.text_changed(sighting, entry),
            _ => false,
        };
        link_moved
            && title != sighting.title
            && stated.is_some()
            && sighting.stated.is_some()
            && stated != sighting.stated
            && keys.story != sighting.story
    }

    fn text_changed(&self, sighting: &KnownSighting, entry: &Entry) -> bool {
        sighting
            .entry
            .and_then(|story| self.known.entries.get(&story))
            .is_none_or(|story| !story.own || story.substance != substance(entry))
    }

    fn by_link(&mut self) {
        for index in self.open() {
            let key = self.key(index).and_then(|keys| keys.link);
            self.by_inside_key(index, key, "link", false);
        }
    }

    fn by_story(&mut self) {
        for index in self.open() {
            let (twin, story) = self.key(index).map(|keys| (keys.twin, keys.story)).unzip();
            if !self.by_inside_key(index, twin, "timestamp+title+link", false)
                && !self.is_another_of_several(index)
            {
                self.by_inside_key(index, story, "timestamp+title", false);
            }
        }
    }

    /// True when the source has, or had, several stories of this timestamp and title,
    /// and this entry's link or guid is not that of the one the key leads to.
    fn is_another_of_several(&self, index: usize) -> bool {
        let (Some(keys), Some(entry)) = (self.key(index), self.entries.get(index)) else { return false };
        let siblings = self.siblings.get(&keys.story).map(Vec::as_slice).unwrap_or_default();
        let several = self.known.inside.contains_key(&keys.plural)
            || siblings.iter().any(|other| self.distinct(index, *other));
        let Some(Target::Row(row)) = self.known.inside.get(&keys.story) else { return false };
        let Some(sighting) = self.known.sightings.get(row) else { return false };
        let canonical = |link: &Option<String>| link.as_deref().and_then(link::canonical);
        let differs = match (canonical(&entry.link), canonical(&sighting.link)) {
            (Some(link), Some(before)) => link != before,
            _ => entry.guid.is_some() && sighting.guid.is_some() && entry.guid != sighting.guid,
        };
        several && differs && !self.context.rules.strict
    }

    /// A title edited in place. Only for a sighting nobody else in the document stands for.
    fn by_body(&mut self) {
        for index in self.open() {
            let key = self.key(index).and_then(|keys| keys.body);
            self.by_inside_key(index, key, "timestamp+text", true);
        }
    }

    fn by_inside_key(
        &mut self,
        index: usize,
        key: Option<Digest>,
        rule: &'static str,
        only_unclaimed: bool,
    ) -> bool {
        match key.and_then(|key| self.known.inside.get(&key)) {
            Some(Target::Pruned) => self.settle(index, Decision::Nothing),
            Some(Target::Row(row)) => {
                let Some(sighting) = self.known.sightings.get(row) else { return false };
                let taken = sighting.entry.is_some_and(|story| !self.free(story, index))
                    || (only_unclaimed && self.seen.contains(&sighting.number));
                if taken || !self.still_held_back(index, sighting) {
                    return false;
                }
                self.count_changed_guid(index, sighting);
                self.see(index, sighting, rule);
            }
            None => return false,
        }
        true
    }

    /// False for a filtered sighting whose entry now passes the filters: it may become a story.
    fn still_held_back(&self, index: usize, sighting: &KnownSighting) -> bool {
        sighting.entry.is_some() || self.verdict(index).is_some()
    }

    fn verdict(&self, index: usize) -> Option<String> {
        filter::verdict(self.entries.get(index)?, self.context.keep, self.context.drop)
    }

    fn count_changed_guid(&mut self, index: usize, sighting: &KnownSighting) {
        let Some(entry) = self.entries.get(index) else { return };
        let same_story = self.key(index).is_some_and(|keys| keys.story == sighting.story);
        let guid_changed = entry.guid.is_some() && sighting.guid.is_some() && entry.guid != sighting.guid;
        if guid_changed && same_story && !self.text_changed(sighting, entry) {
            self.intake.guids_changed += 1;
        }
    }

    /// `keep` and `drop`. A filtered entry holds no story and meets none.
    fn held_back(&mut self) {
        for index in self.open() {
            if let Some(words) = self.verdict(index) {
                self.settle(index, Decision::Filtered(words));
            }
        }
    }

    fn between_sources(&mut self) {
        for index in self.open() {
            let Some(keys) = self.key(index).copied() else { continue };
            let met = match self.context.rule {
                DedupRule::None => None,
                DedupRule::Guid => {
                    self.meets(index, keys.guid.filter(|_| keys.guid_global)).map(|met| (met, "guid"))
                }
                DedupRule::Link => self.meets(index, keys.link).map(|met| (met, "link")),
                DedupRule::TimestampTitle => self
                    .meets(index, Some(keys.story))
                    .map(|met| (met, "timestamp+title"))
                    .or_else(|| self.meets(index, Some(keys.twin)).map(|met| (met, "timestamp+title+link")))
                    .or_else(|| self.near(index, &keys).map(|near| (Target::Row(near), "window+title"))),
            };
            match met {
                Some((Target::Pruned, _)) => self.settle(index, Decision::Nothing),
                Some((Target::Row(story), rule)) => {
                    self.claims.entry(story).or_default().push(index);
                    self.settle(index, Decision::Meets(story, rule));
                }
                None => {}
            }
        }
    }

    fn meets(&self, index: usize, key: Option<Digest>) -> Option<Target<i64>> {
        match self.known.across.get(&key?)? {
            Target::Pruned => Some(Target::Pruned),
            Target::Row(row) => {
                let story = self.known.entries.get(row)?;
                let met =
                    story.rule != DedupRule::None && self.free(*row, index) && !self.told_apart(*row, index);
                met.then_some(Target::Row(*row))
            }
        }
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
        let at = stated(self.entries.get(index)?)?;
        let window = self.context.rules.window;
        self.known
            .titles
            .get(&keys.title?)?
            .iter()
            .map(|(stamp, row)| ((*stamp - at).num_seconds().abs(), *row))
            .filter(|(gap, row)| {
                *gap <= window
                    && self.free(*row, index)
                    && self.known.entries.get(row).is_some_and(|story| story.rule != DedupRule::None)
            })
            .min()
            .map(|(_, row)| row)
    }

    fn new_stories(&mut self) {
        let mut stories: Vec<NewStory> = Vec::new();
        let mut names: HashSet<EntryId> = HashSet::new();
        let mut repeats: Vec<(usize, usize, &'static str)> = Vec::new();
        let mut first = FirstOf::default();
        for index in self.open() {
            if let Some((first, rule)) = self.repeated(index, &first) {
                repeats.push((index, first, rule));
                continue;
            }
            let (Some(entry), Some(keys)) = (self.entries.get(index), self.key(index)) else { continue };
            let id = self.fresh_name(keys, index, &names);
            names.insert(id);
            first.note(index, keys);
            let (published, hold_until) = self.shown(entry);
            let limit = self.context.now + AHEAD;
            let updated = entry.updated.filter(|at| *at <= limit).map_or(published, |at| at.max(published));
            stories.push(NewStory {
                id,
                index,
                published,
                updated,
                hold_until,
                listed: true,
                substance: substance(entry),
            });
        }
        // Order of publication: oldest first; a document without dates lists its newest on top.
        stories.sort_by(|one, two| one.published.cmp(&two.published).then(two.index.cmp(&one.index)));
        if let Some(backfill) = self.context.backfill {
            let archived = stories.len().saturating_sub(backfill);
            stories.iter_mut().take(archived).for_each(|story| story.listed = false);
        }
        let place: HashMap<usize, usize> =
            stories.iter().enumerate().map(|(place, story)| (story.index, place)).collect();
        for (index, place) in &place {
            self.settle(*index, Decision::New(*place));
        }
        for (index, first, rule) in repeats {
            if let Some(place) = place.get(&first) {
                self.settle(index, Decision::Repeats(*place, rule));
            }
        }
        self.intake.stories = stories;
    }

    /// The earlier entry of this document, itself new, that this one repeats.
    fn repeated(&self, index: usize, first: &FirstOf) -> Option<(usize, &'static str)> {
        let keys = self.key(index)?;
        let of = |map: &HashMap<Digest, usize>, key: Option<Digest>| map.get(&key?).copied();
        let of_story = || {
            let mut stories = first.story.get(&keys.story)?.iter();
            stories.find(|other| !self.distinct(index, **other)).copied()
        };
        of(&first.guid, keys.guid)
            .map(|other| (other, "same document: guid"))
            .or_else(|| of(&first.link, keys.link).map(|other| (other, "same document: link")))
            .or_else(|| of_story().map(|other| (other, "same document: timestamp+title")))
    }

    fn fresh_name(&self, keys: &Keys, index: usize, names: &HashSet<EntryId>) -> EntryId {
        let is_free = |id: &EntryId| !self.known.taken.contains(id) && !names.contains(id);
        candidate_names(self.context, keys).into_iter().find(is_free).unwrap_or_else(|| {
            let now = self.context.now.timestamp_millis();
            name(keys.twin, &format!("{} {now} {index}", self.context.source))
        })
    }

    /// The date an entry is shown under for ever, and until when it is held back.
    fn shown(&self, entry: &Entry) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
        let now = self.context.now;
        match stated(entry) {
            None => (now, None),
            Some(at) if at < DateTime::UNIX_EPOCH - Duration::days(25_567) => (now, None),
            Some(at) if at <= now + AHEAD => (at, None),
            Some(at) => match self.context.future {
                FuturePolicy::Clamp => (now, None),
                FuturePolicy::Hold => (at, Some(at)),
                FuturePolicy::Keep => (at, None),
            },
        }
    }

    /// Only the source whose text is kept corrects it, and only by the entry with the best claim.
    fn corrections(&mut self) {
        for (index, entry) in self.entries.iter().enumerate() {
            let Some(Decision::Seen { sighting, .. }) = self.intake.decisions.get(index) else { continue };
            let Some(sighting) = self.known.sightings.get(sighting) else { continue };
            let Some(story) = sighting.entry.and_then(|row| self.known.entries.get(&row)) else { continue };
            let first_claim = self.claims.get(&story.number).and_then(|claims| claims.first());
            if !story.own || first_claim != Some(&index) {
                continue;
            }
            let substance = substance(entry);
            if substance != story.substance {
                let now = self.context.now;
                let updated =
                    entry.updated.filter(|at| *at > story.updated && *at <= now + AHEAD).unwrap_or(now);
                self.intake.corrections.push(Correction { entry: story.number, index, updated, substance });
            }
            if let Some(other) = self.became(index, sighting, story.number) {
                let (older, younger) = (other.min(story.number), other.max(story.number));
                self.intake.merges.push((older, younger));
            }
        }
    }

    /// The other published story that this one's corrected timestamp or title makes it the same as.
    fn became(&self, index: usize, sighting: &KnownSighting, story: i64) -> Option<i64> {
        let keys = self.key(index)?;
        let undecided = self.context.rule != DedupRule::TimestampTitle || keys.story == sighting.story;
        match self.known.across.get(&keys.story)? {
            Target::Row(other) if !undecided && *other != story => {
                let known = self.known.entries.get(other)?;
                let alone = !self.claims.contains_key(other);
                (alone && known.rule != DedupRule::None).then_some(*other)
            }
            _ => None,
        }
    }
}

/// The first new entry of the document under each key.
#[derive(Default)]
struct FirstOf {
    guid: HashMap<Digest, usize>,
    link: HashMap<Digest, usize>,
    story: HashMap<Digest, Vec<usize>>,
}

impl FirstOf {
    fn note(&mut self, index: usize, keys: &Keys) {
        keys.guid.into_iter().for_each(|key| _ = self.guid.entry(key).or_insert(index));
        keys.link.into_iter().for_each(|key| _ = self.link.entry(key).or_insert(index));
        self.story.entry(keys.story).or_default().push(index);
    }
}

/// Keys of every entry. Links that differ in their fragment only keep it.
fn make_keys(context: &Context<'_>, entries: &[Entry]) -> Vec<Keys> {
    let plain: Vec<Option<String>> =
        entries.iter().map(|entry| entry.link.as_deref().and_then(link::canonical)).collect();
    let full: Vec<Option<String>> =
        entries.iter().map(|entry| entry.link.as_deref().and_then(link::canonical_with_fragment)).collect();
    let mut forms: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (plain, full) in plain.iter().zip(&full) {
        if let (Some(plain), Some(full)) = (plain, full) {
            forms.entry(plain).or_default().insert(full);
        }
    }
    entries
        .iter()
        .zip(plain.iter().zip(&full))
        .map(|(entry, (plain, full))| {
            let several =
                plain.as_deref().and_then(|plain| forms.get(plain)).is_some_and(|set| set.len() > 1);
            let link = if several { full.clone() } else { plain.clone() };
            let mut keys = keys_with(entry, link, context.rules);
            if !several && plain.as_ref().is_some_and(|plain| context.home_links.contains(plain)) {
                keys.link = None;
            }
            keys
        })
        .collect()
}

/// The indexes of entries that share a key with an entry that `other` says is another story.
fn shared(
    keys: &[Keys],
    pick: impl Fn(&Keys) -> Option<Digest>,
    other: impl Fn(&Keys, &Keys) -> bool,
) -> Vec<usize> {
    let mut groups: HashMap<Digest, Vec<usize>> = HashMap::new();
    for (index, keys) in keys.iter().enumerate() {
        if let Some(key) = pick(keys) {
            groups.entry(key).or_default().push(index);
        }
    }
    let differs = |group: &Vec<usize>| {
        let first = group.first().and_then(|index| keys.get(*index));
        group
            .iter()
            .filter_map(|index| keys.get(*index))
            .any(|keys| first.is_some_and(|first| other(first, keys)))
    };
    groups.into_values().filter(|group| group.len() > 1 && differs(group)).flatten().collect()
}
