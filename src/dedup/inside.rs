//! Inside one source: by what an entry is known again that stood there before. Pure.
//!
//! A guid that returns, then the canonical link, then timestamp and title, then timestamp and text.

use std::collections::HashSet;

use chrono::{DateTime, Duration, NaiveTime, Utc};

use super::decide::Table;
use super::{Decision, Keys, KnownSighting, Target, Tell, keys};
use crate::link;
use crate::model::{Digest, Entry};

/// A date without a time, in any zone, is not further from the time itself.
pub(super) const SAME_DAY: Duration = Duration::hours(36);
/// No zone is further from another's: from -12 to +14 hours.
const ZONES: Duration = Duration::hours(26);

impl Table<'_> {
    /// The same bytes as before. What was read before and left no sighting (something pruned)
    /// has its reason on record.
    pub(super) fn by_digest(&mut self) {
        for (index, entry) in self.entries.iter().enumerate() {
            let known = self.known;
            if !entry.unchanged {
                // Read anew: under other rules, or because it did not stand in the last document.
                let row = known.by_digest.get(&entry.digest);
                if let Some(sighting) = row.and_then(|row| known.sightings.get(row)) {
                    self.know_again(index, sighting, "unchanged");
                }
                continue;
            }
            if let Some(stood) = known.stood.get(&entry.digest) {
                if let Some(keys) = self.intake.keys.get_mut(index) {
                    keys.story = stood.story;
                    keys.text = stood.text;
                }
                self.intake.guids.kept += usize::from(entry.guid.is_some());
                self.intake.links.kept += usize::from(entry.link.is_some());
                self.claim(index, stood.sighting, stood.entry);
            }
            self.settle(index, Decision::Nothing);
        }
    }

    pub(super) fn by_guid(&mut self) {
        if self.context.trust.guids_unreliable() {
            return;
        }
        for index in self.open() {
            let Some(key) = self.key(index).and_then(|keys| keys.guid) else { continue };
            match self.known.inside.get(&key) {
                Some(Target::Pruned) => self.settle(index, Decision::Pruned),
                Some(Target::Row(row)) => {
                    let Some(sighting) = self.known.sightings.get(row) else { continue };
                    if self.is_another_under_this_guid(index, sighting) {
                        self.intake.guids_shared += 1;
                        self.mark(index, key);
                        if let Some(keys) = self.intake.keys.get_mut(index) {
                            keys.guid = None;
                        }
                    } else {
                        self.know_again(index, sighting, "guid");
                    }
                }
                None => {}
            }
        }
    }

    /// A guid that moved on: nothing but the guid stood still, or its link or its timestamp and title are
    /// those of another entry we know (guids that count the places in a list).
    fn is_another_under_this_guid(&self, index: usize, sighting: &KnownSighting) -> bool {
        let (Some(entry), Some(keys)) = (self.entries.get(index), self.key(index)) else { return false };
        if keys.title.is_some() && keys.title == sighting.title_key {
            return false;
        }
        let canonical = |link: &Option<String>| link.as_deref().and_then(link::canonical);
        let (link, before) = (canonical(&entry.link), canonical(&sighting.link));
        if link.is_some() && link == before {
            return false;
        }
        let other = [keys.link, Some(keys.story)].into_iter().flatten().any(|key| {
            let Some(Target::Row(row)) = self.known.inside.get(&key) else { return false };
            let other = self.known.sightings.get(row).filter(|_| !self.seen.contains(row));
            other.is_some_and(|other| other.entry != sighting.entry && other.title_key == keys.title)
        });
        // A time of change is another after every edit: it says nothing.
        let edited = entry.published.is_none() && entry.updated.is_some();
        let moment = edited || keys.stated.is_some() && keys.stated == sighting.stated;
        let text = keys.text.is_some() && keys.text == sighting.text;
        let both_linked = link.is_some() && before.is_some();
        let both_speak = link.is_none() && before.is_none() && keys.text.is_some() && sighting.text.is_some();
        let nothing_stands = !moment && !text && (both_linked || both_speak);
        other || nothing_stands && !alike(&entry.title, &sighting.title)
    }

    pub(super) fn by_link(&mut self) {
        for index in self.open() {
            let link = self.key(index).and_then(|keys| keys.link);
            if let Some(link) = link.filter(|link| self.is_another_under_this_link(index, *link)) {
                self.mark(index, link);
                if let Some(keys) = self.intake.keys.get_mut(index) {
                    keys.link = None;
                }
            }
            let (link, place) = self.key(index).map(|keys| (keys.link, keys.place)).unwrap_or_default();
            if !self.by_key(index, place.filter(|place| Some(*place) != link), "link") {
                self.by_key(index, link, "link");
            }
        }
    }

    /// An address under which something else stands by now ("the picture of the day"): nothing but the link stood
    /// still, and what was edited is not edited in everything at once.
    fn is_another_under_this_link(&self, index: usize, link: Digest) -> bool {
        let (Some(entry), Some(keys)) = (self.entries.get(index), self.key(index)) else { return false };
        let Some(Target::Row(row)) = self.known.inside.get(&link) else { return false };
        let Some(sighting) = self.known.sightings.get(row) else { return false };
        // A time of change is another after every edit: it says nothing.
        let published = keys.stated.filter(|_| entry.published.is_some());
        let other_time = published.zip(sighting.stated).is_some_and(|(at, before)| at != before);
        let other_text = keys.text.zip(sighting.text).is_some_and(|(text, before)| text != before);
        let titled = keys.title.is_some() && sighting.title_key.is_some();
        let one_guid = entry.guid.is_some() && entry.guid == sighting.guid;
        other_time && other_text && titled && !one_guid && !alike(&entry.title, &sighting.title)
    }

    pub(super) fn by_story(&mut self) {
        for index in self.open() {
            let (twin, story) = self.key(index).map(|keys| (keys.twin, keys.story)).unzip();
            if !self.by_key(index, twin, "timestamp+title+link") && !self.is_another_of_several(index) {
                self.by_key(index, story, "timestamp+title");
            }
        }
    }

    /// True when the source has, or had, several stories of this timestamp and title, or may well have (a date
    /// without a time, among links that stay), and this entry's link or guid is not that of the one the key leads to.
    pub(super) fn is_another_of_several(&self, index: usize) -> bool {
        let (Some(keys), Some(entry)) = (self.key(index), self.entries.get(index)) else { return false };
        let siblings = self.siblings.get(&keys.story).map(Vec::as_slice).unwrap_or_default();
        let several = self.known.plural.contains(&keys.story)
            || siblings.iter().any(|other| self.distinct(index, *other))
            || (self.links_steady && keys.stated.is_some_and(|at| self.is_a_day(at)));
        let Some(Target::Row(row)) = self.known.inside.get(&keys.story) else { return false };
        let Some(sighting) = self.known.sightings.get(row) else { return false };
        several && !self.context.rules.strict && contradicts(keys, entry, sighting)
    }

    fn is_a_day(&self, at: DateTime<Utc>) -> bool {
        at.with_timezone(&self.context.timezone).time() == NaiveTime::MIN
    }

    /// A title edited in place. Only for a sighting nobody else in the document stands for; and where a link
    /// speaks against it, only for a text that many others will not have.
    pub(super) fn by_body(&mut self) {
        for index in self.open() {
            let Some(keys) = self.key(index) else { continue };
            let (Some(key), telling) = (keys.body, keys.telling) else { continue };
            match self.known.inside.get(&key) {
                // What it was is gone. Without a link nothing speaks against it, as below.
                Some(Target::Pruned)
                    if telling || self.entries.get(index).is_some_and(|one| one.link.is_none()) =>
                {
                    self.settle(index, Decision::Pruned);
                }
                Some(Target::Row(row)) => {
                    let Some(sighting) = self.known.sightings.get(row) else { continue };
                    let entry = self.entries.get(index);
                    let link_stands = entry
                        .is_some_and(|entry| !link_moved(entry, sighting, link::canonical_with_fragment));
                    if self.seen.contains(row) {
                        self.mark(index, key);
                    } else if telling || link_stands {
                        self.by_key(index, Some(key), "timestamp+text");
                    }
                }
                _ => {}
            }
        }
    }

    /// Where time and address changed for all at once, the title tells: of a page that became a feed (other times of the
    /// same day, other guids), of a document that is read in another time zone, of a site that was rebuilt under another
    /// address. Only for titles that this document has once, and that the source had once.
    pub(super) fn by_title(&mut self) {
        if self.context.titles_within(self.run).is_none() {
            return;
        }
        let mut once: HashSet<i64> = HashSet::new();
        let mut more: HashSet<i64> = HashSet::new();
        for title in self.intake.keys.iter().filter_map(|keys| keys.title) {
            if !once.insert(title) {
                more.insert(title);
            }
        }
        for index in self.open() {
            let Some(title) = self.key(index).and_then(|keys| keys.title) else { continue };
            let [row] = self.known.titled.get(&title).map(Vec::as_slice).unwrap_or_default() else {
                continue;
            };
            let Some(sighting) = self.known.sightings.get(row) else { continue };
            if !more.contains(&title)
                && !self.seen.contains(row)
                && let Some(rule) = self.title_tells(index, sighting)
            {
                self.know_again(index, sighting, rule);
            }
        }
    }

    /// By what an entry of the same title is known again.
    fn title_tells(&self, index: usize, sighting: &KnownSighting) -> Option<&'static str> {
        let (keys, entry) = (self.key(index)?, self.entries.get(index)?);
        let (at, before) = (keys.stated?, sighting.stated?);
        let gap = (at - before).abs();
        let same_text = keys.text == sighting.text;
        if self.context.reshaped {
            return (gap <= SAME_DAY).then_some("title, about the same day");
        }
        // Under other rules only the time is read otherwise.
        if self.context.tell != Tell::Changes && same_text && !contradicts(keys, entry, sighting) {
            return (gap <= ZONES).then_some("title, in another time zone");
        }
        let rebuilt = self.run == Some(at) && before < at && same_text && keys.text.is_some();
        rebuilt.then_some("title and text of a rebuilt site")
    }

    fn by_key(&mut self, index: usize, key: Option<Digest>, rule: &'static str) -> bool {
        match key.and_then(|key| self.known.inside.get(&key)) {
            Some(Target::Pruned) => self.settle(index, Decision::Pruned),
            Some(Target::Row(row)) => {
                let Some(sighting) = self.known.sightings.get(row) else { return false };
                if sighting.entry.is_some_and(|story| !self.free(story, index)) {
                    return false;
                }
                self.know_again(index, sighting, rule);
            }
            None => return false,
        }
        true
    }

    /// The entry is this sighting. One that a filter held back and no longer does stays open: it may become a story.
    fn know_again(&mut self, index: usize, sighting: &KnownSighting, rule: &'static str) {
        if sighting.entry.is_some() {
            self.measure(index, sighting);
            self.freeze(index, sighting);
            self.claim(index, sighting.number, sighting.entry);
            self.settle(index, Decision::Seen { sighting: sighting.number, rule });
        } else if let Some(words) = self.verdict(index) {
            self.claim(index, sighting.number, sighting.entry);
            self.settle(index, Decision::StillFiltered(sighting.number, words));
        } else {
            self.intake.let_through.push((index, sighting.number));
        }
    }

    /// An `updated` counts as first seen: with nothing else to date it, its identity keeps its timestamp.
    fn freeze(&mut self, index: usize, sighting: &KnownSighting) {
        let Some(entry) = self.entries.get(index) else { return };
        let Some(keys) = self.intake.keys.get_mut(index) else { return };
        if let (None, Some(first)) = (entry.published, sighting.stated) {
            keys.stated = Some(first);
            let title = keys::folded(&entry.title, self.context.rules);
            if !title.is_empty() {
                keys.story = keys::dated(first, &title);
            }
        }
    }

    /// Were guid and link steady, while timestamp, title and text stood still?
    fn measure(&mut self, index: usize, sighting: &KnownSighting) {
        let (Some(entry), Some(keys)) = (self.entries.get(index), self.intake.keys.get(index)) else {
            return;
        };
        let stood_still = keys.story == sighting.story && keys.text == sighting.text;
        if let (Some(guid), Some(before)) = (&entry.guid, &sighting.guid) {
            self.intake.guids.kept += usize::from(guid == before);
            self.intake.guids.changed += usize::from(guid != before && stood_still);
        }
        if entry.link.is_some() && sighting.link.is_some() {
            let moved = link_moved(entry, sighting, link::canonical);
            self.intake.links.kept += usize::from(!moved);
            self.intake.links.changed += usize::from(moved && stood_still);
        }
    }
}

/// True when both have a link, and not the same.
fn link_moved(entry: &Entry, sighting: &KnownSighting, canonical: fn(&str) -> Option<String>) -> bool {
    let link = entry.link.as_deref().and_then(canonical);
    link.zip(sighting.link.as_deref().and_then(canonical)).is_some_and(|(link, before)| link != before)
}

/// True when the link, or without links the guid, is another.
fn contradicts(keys: &Keys, entry: &Entry, sighting: &KnownSighting) -> bool {
    if keys.link.is_some() && sighting.link.is_some() {
        return link_moved(entry, sighting, link::canonical_with_fragment);
    }
    entry.guid.is_some() && sighting.guid.is_some() && entry.guid != sighting.guid
}

/// True when two titles look like one that was edited: half of their words the same, and the same numbers.
pub(super) fn alike(one: &str, two: &str) -> bool {
    let fold = |title: &str| -> HashSet<String> {
        let folded = crate::text::fold_title(title);
        folded
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (one, two) = (fold(one), fold(two));
    let numbers = |words: &HashSet<String>| -> HashSet<String> {
        words.iter().filter(|word| word.contains(char::is_numeric)).cloned().collect()
    };
    let common = one.intersection(&two).count();
    let all = one.union(&two).count();
    all > 0 && common * 2 >= all && numbers(&one) == numbers(&two)
}
