//! What became of stories that are stored: corrected, made one with another; and sites that were rebuilt. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::between::AHEAD;
use super::decide::Table;
use super::document::RUN;
use super::substance::{substance, substance_since};
use super::{Correction, Decision, KnownEntry, KnownSighting, NewStory, Target, Tell, stated};
use crate::link;
use crate::model::{Article, DedupRule, Entry, Markup};

/// After which an entry is shown that turned out to be due before it was seen.
const SOON: TimeDelta = TimeDelta::seconds(10);

impl Table<'_> {
    /// Only the source whose text is kept corrects it, and only by the entry with the best claim.
    pub(super) fn corrections(&mut self) {
        for (index, entry) in self.entries.iter().enumerate() {
            let Some(Decision::Seen { sighting, .. }) = self.intake.decisions.get(index) else { continue };
            let Some(sighting) = self.known.sightings.get(sighting) else { continue };
            let Some(story) = sighting.entry.and_then(|row| self.known.entries.get(&row)) else { continue };
            if !story.own || self.speaks_for(story.number) != Some(index) {
                continue;
            }
            if let Some(correction) = self.correction(index, entry, (sighting, story)) {
                self.intake.corrections.push(correction);
            }
            if let Some(other) = self.became(index, sighting, story.number) {
                let (older, younger) = (other.min(story.number), other.max(story.number));
                self.intake.merges.push((older, younger));
            }
        }
    }

    /// Of the entries that stand for a story, the one with the best claim; where the document has that twice, under
    /// one guid and one link, the one that was updated last.
    fn speaks_for(&self, story: i64) -> Option<usize> {
        let claims = self.claims.get(&story)?;
        let first = *claims.first()?;
        let updated = |index: usize| self.entries.get(index).and_then(|entry| entry.updated);
        let twins = claims.iter().copied().filter(|claim| self.is_twin(first, *claim));
        // Of several that say the same, the first: a later one has to be newer.
        Some(twins.fold(first, |best, claim| if updated(claim) > updated(best) { claim } else { best }))
    }

    fn correction(
        &self,
        index: usize,
        entry: &Entry,
        (sighting, story): (&KnownSighting, &KnownEntry),
    ) -> Option<Correction> {
        let now = self.context.now;
        let with_article = with_stored_article(entry, story);
        let said_before = entry.digest == sighting.digest;
        let entry = with_article.as_deref().unwrap_or(entry);
        let changed = substance_since(entry, story.link.as_deref()) != story.substance;
        let stated = entry.updated.filter(|at| *at > story.updated && *at <= now + AHEAD);
        // What our own reading changed is not the source's word, nor is what a feed says where a page did. By now its
        // text may have changed as well, but a river of old entries is worse than a correction that comes without a
        // sign.
        let ours = said_before || story.reading != self.context.reading;
        let updated = match self.context.tell {
            _ if !changed || self.context.reshaped => None,
            Tell::Changes if !ours => stated.or(Some(now)),
            Tell::Changes | Tell::Stated => stated,
            Tell::Nothing => None,
        };
        // Nobody has seen a story that is held: its date may still change.
        let held = story.hold_until.is_some_and(|until| until > now);
        let dated = Some(self.shown(entry)).filter(|shown| held && shown.0 != story.published);
        // Not at once: of what was held, readers are told by the moment from which it is shown, and some may have been
        // told up to this one.
        let dated = dated.map(|(at, until)| (at, until.or(Some(now + SOON))));
        let quietly = story.reading != self.context.reading || self.better_link(entry, story);
        (changed || dated.is_some() || quietly).then_some(Correction {
            entry: story.number,
            index,
            updated,
            substance: substance(entry),
            dated,
            entry_with_article: with_article,
        })
    }

    /// A link that moved, or became https, goes through without being news. Not in sources whose links are
    /// new at every poll, where the kept one is as good.
    fn better_link(&self, entry: &Entry, story: &KnownEntry) -> bool {
        let (Some(link), Some(before)) = (&entry.link, &story.link) else {
            return entry.link.is_some();
        };
        let moved = link::canonical_with_fragment(link) != link::canonical_with_fragment(before);
        let secured = link.starts_with("https:") && before.starts_with("http:");
        if moved { !self.context.trust.links_unreliable() } else { secured }
    }

    /// The other published story that this one's corrected timestamp or title makes it the same as.
    fn became(&self, index: usize, sighting: &KnownSighting, story: i64) -> Option<i64> {
        let keys = self.key(index)?;
        if self.context.rule != DedupRule::TimestampTitle || keys.story == sighting.story {
            return None;
        }
        let Target::Row(other) = *self.known.across.get(&keys.story)? else { return None };
        let known = self.known.entries.get(&other)?;
        // What nobody sees yet hides nothing.
        let held = |row: &i64| {
            let story = self.known.entries.get(row);
            story.and_then(|story| story.hold_until).is_some_and(|until| until > self.context.now)
        };
        let apart = other == story
            || self.claims.contains_key(&other)
            || self.is_another_of_several(index)
            || held(&other) != held(&story);
        (!apart && known.rule != DedupRule::None).then_some(other)
    }

    /// After a rebuild every entry says the same time. What stands below entries that were known before
    /// is old, whatever it says: it goes to the archive. What stands above them is news.
    pub(super) fn archive_what_a_rebuild_brought(&mut self, stories: &mut [NewStory]) {
        let Some(rebuilt) = self.rebuilt() else { return };
        self.intake.rebuilt = Some(rebuilt);
        let known = |decision: &Decision| {
            matches!(decision, Decision::Seen { .. } | Decision::Nothing | Decision::Pruned)
        };
        let Some(first) = self.intake.decisions.iter().position(known) else { return };
        for story in stories {
            let stamped = self.entries.get(story.index).and_then(stated) == Some(rebuilt);
            if stamped && story.index > first {
                story.listed = false;
            }
        }
    }

    /// The time under which most of the document stands, where known entries said earlier ones before. Not where they
    /// said one time then, too: there are sources that put the time of the request on everything.
    fn rebuilt(&self) -> Option<DateTime<Utc>> {
        let at = self.run?;
        let moved = self.entries.iter().zip(&self.intake.decisions).filter_map(|(entry, decision)| {
            let Decision::Seen { sighting, .. } = decision else { return None };
            let before = self.known.sightings.get(sighting)?.stated?;
            (stated(entry) == Some(at) && before < at).then_some(before)
        });
        let moved: Vec<DateTime<Utc>> = moved.collect();
        let several = moved.iter().any(|before| Some(before) != moved.first());
        (several && moved.len() >= RUN - 1).then_some(at)
    }
}

/// The entry with the article that is stored, where its page was not read this time.
pub(super) fn with_stored_article(entry: &Entry, story: &KnownEntry) -> Option<Box<Entry>> {
    let article = story.article.as_ref().filter(|_| entry.article == Article::Missing)?;
    let mut entry = Box::new(entry.clone());
    take_article(&mut entry, article.clone()).then_some(entry)
}

/// Puts an article in the place of an entry's text, if there is more of it: a teaser with a wall around the rest
/// must not push out the source's own text. False: it was not.
pub fn take_article(entry: &mut Entry, article: String) -> bool {
    let length = |markup: &Markup| markup.text().chars().count();
    let article = Markup::from(article);
    let said = entry.content.as_ref().or(entry.summary.as_ref()).map_or(0, length);
    if length(&article) <= said {
        return false;
    }
    if entry.summary.is_none() {
        entry.summary = entry.content.take();
    }
    entry.content = Some(article);
    entry.article = Article::Taken;
    true
}
