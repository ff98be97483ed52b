//! The kept body of a source, read again under today's rules: what that would change, and changing it.
//! Never asks the network: articles that are stored stay, and further pages are not missed.

use std::collections::HashSet;
use std::sync::Arc;

use super::read::{
    ATTEMPTS, Arrived, Document, context, hash_of, home_links, is_reshaped, note, warn_of_rebuild,
};
use super::{Poller, aftermath, read, rules_in_force, rules_under};
use crate::dedup::{self, Decision, Intake, Known, Rules, Tell};
use crate::fetch::Body;
use crate::filter;
use crate::model::{Article, Entry, Source, SourceState};
use crate::normalize;
use crate::store::{Commit, Committed, Keep, Reading, Store, StoreError};

/// What came of reading a kept body again.
#[derive(Clone, Debug)]
pub enum Again {
    /// It was read.
    Read(Replayed),
    /// There is none, and why.
    None(String),
    /// It cannot be read under today's rules, and why.
    Failed(String),
}

/// What reading a kept body again changes, or would.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// A line for each, in the order of the document: what, and the entry's title.
    pub changes: Vec<(Change, String)>,
    /// Entries that stay as they are.
    pub same: usize,
    /// What was done; nothing in a dry run.
    pub committed: Committed,
}

/// What happens to one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is a story now.
    Added,
    /// It meets a story of another source.
    Met,
    /// Its text, title or link becomes another.
    Changed,
    /// It was on no record; a filter holds it back, by this rule.
    Filtered(String),
    /// It would be held back by this rule, but it is published: what was published stays.
    Stays(String),
    /// It is published, and is not found in the document any more: it stays.
    Lost,
}

impl Change {
    /// In one word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Met => "met elsewhere",
            Self::Changed => "changed",
            Self::Filtered(_) => "filtered",
            Self::Stays(_) => "stays",
            Self::Lost => "not found",
        }
    }
}

impl Replayed {
    /// A line per entry that does not stay as it is.
    pub fn lines(&self) -> Vec<String> {
        let line = |(change, title): &(Change, String)| {
            let title = if title.is_empty() { "(no title)" } else { title };
            match change {
                Change::Added | Change::Met | Change::Changed => format!("{}: {title}", change.name()),
                Change::Filtered(why) => format!("{}: {title} ({why})", change.name()),
                Change::Stays(why) => {
                    format!("{}: {title} (published; today it would be held back: {why})", change.name())
                }
                Change::Lost => format!("{}: {title} (published, so it stays)", change.name()),
            }
        };
        self.changes.iter().map(line).collect()
    }

    /// How many of each.
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        for name in ["added", "changed", "met elsewhere", "filtered", "stays", "not found"] {
            let count = self.changes.iter().filter(|(change, _)| change.name() == name).count();
            if count > 0 {
                words.push(format!("{count} {name}"));
            }
        }
        words.push(format!("{} as before", self.same));
        words.join(", ")
    }
}

/// A kept body on its way through the steps of a poll.
#[derive(Clone)]
struct Kept {
    source: Arc<Source>,
    document: Document,
    body: Body,
    /// The state it was read under.
    before: SourceState,
}

impl Poller {
    /// Reads a kept body again. `dry_run`: and only says what would change.
    ///
    /// # Errors
    /// The store's.
    pub async fn replay(&self, source: &Arc<Source>, dry_run: bool) -> Result<Again, StoreError> {
        let id = source.id.clone();
        let mut before = self.store.read(move |store| store.state(&id)).await?;
        let stored = before.body_hash;
        aftermath::forget_if_other(&mut before, source);
        if stored.is_some() && before.body_hash.is_none() {
            return Ok(Again::None(
                "the kept body came from another address, or for other credentials".to_owned(),
            ));
        }
        let body = match self.kept_body(&source.id).await? {
            Some(body) if is_the_last(&before, &body) => body,
            _ => return Ok(Again::None(self.why_none(&before))),
        };
        let mut document = match self.same_list(source, &before, &body, &Arc::default()).await? {
            Ok(document) => document,
            Err(refused) => return Ok(Again::Failed(refused.words)),
        };
        if source.full_text {
            document.normalized.entries.iter_mut().for_each(|entry| entry.article = Article::Missing);
        }
        let (rules, now) = (self.rules.clone(), self.clock.now());
        let kept = Kept { source: source.clone(), document, body, before };
        if dry_run {
            return self.store.read(move |store| kept.take(store, &rules, now, None)).await;
        }
        self.store
            .remember(move |store| {
                let state = store.state(&kept.source.id)?;
                if state.body_hash != kept.before.body_hash {
                    return Ok(Again::None("a poll has read a newer document meanwhile".to_owned()));
                }
                kept.clone().take(store, &rules, now, Some(state))
            })
            .await
    }

    /// Reads again what an older version of our reading has read, before a newer document is: so a correction is told
    /// apart from what only we read otherwise, and articles that are stored need not be asked for again.
    pub(super) async fn catch_up(
        &self,
        source: &Arc<Source>,
        state: &mut SourceState,
    ) -> Result<Committed, StoreError> {
        let Again::Read(replayed) = self.replay(source, false).await? else {
            return Ok(Committed::default());
        };
        let id = source.id.clone();
        let after = self.store.read(move |store| store.state(&id)).await?;
        state.read_under = after.read_under;
        state.body_hash = after.body_hash;
        state.reading = after.reading;
        state.feed = after.feed;
        state.warnings = after.warnings;
        state.learned_item = after.learned_item;
        Ok(replayed.committed)
    }

    fn why_none(&self, state: &SourceState) -> String {
        if state.unread {
            let words = state.last_error.as_deref().unwrap_or_default();
            return format!("its last document could not be read and was not kept: {words}");
        }
        if state.first_success.is_none() {
            return "no document of it was read yet".to_owned();
        }
        if self.keep_bodies == 0 {
            return "[store] keep_bodies is 0".to_owned();
        }
        if state.body_hash.is_none() {
            return "its last answer brought only what was new since another (226)".to_owned();
        }
        format!("its last document packs to more than [store] keep_bodies, {} bytes", self.keep_bodies)
    }
}

/// True when a kept body is that of the document which the source's state speaks of.
fn is_the_last(state: &SourceState, body: &Body) -> bool {
    let hash = state.read_under.map(|rules| hash_of(rules, body));
    !state.unread && hash.is_some() && hash == state.body_hash
}

impl Kept {
    /// Decides what becomes of its entries. With a state it is remembered, else it is only said.
    fn take(
        self,
        store: &mut dyn Store,
        common: &Rules,
        now: chrono::DateTime<chrono::Utc>,
        state: Option<SourceState>,
    ) -> Result<Again, StoreError> {
        let Self { source, document, body, before } = self;
        let today = rules_in_force(&source, common);
        let reshaped = is_reshaped(&before, &document);
        let dry_run = state.is_none();
        let mut state = state.unwrap_or_else(|| before.clone());
        // Pages and articles are asked for by the next poll, where their rules have changed, too.
        let whole = source.page.pages <= 1;
        let alone = whole && (!source.full_text || is_only_reading(&before, &source, common));
        let rules = if alone { today } else { before.read_under.unwrap_or(today) };
        let most = state.most_items;
        note(&mut state, &document, None, now);
        state.most_items = state.most_items.max(most);
        state.reading = normalize::READING;
        if alone {
            state.body_hash = Some(hash_of(today, &body));
            state.read_under = Some(today);
        }
        let normalized = document.normalized;
        let arrived = Arrived {
            normalized,
            rules,
            kept: read::Kept::AsItIs,
            first: false,
            reshaped,
            tell: Tell::Nothing,
            alone: None,
            now,
        };
        let home = home_links(&source, &arrived.normalized);
        let context = context(&source, &before, common, &home, &arrived);
        let entries = &arrived.normalized.entries;
        for _ in 0..ATTEMPTS {
            let keys = dedup::document_keys(&context, entries);
            let known = store.known(&context, entries, &keys)?;
            let intake = dedup::decide(&context, entries, keys, &known);
            let mut replayed = list(store, &source, (entries, &intake, &known), whole)?;
            if dry_run {
                return Ok(Again::Read(replayed));
            }
            if let Some(rebuilt) = intake.rebuilt {
                warn_of_rebuild(&mut state, rebuilt);
            }
            let reading = Reading { entries, intake: &intake, rules, body: Keep::AsItIs };
            let commit =
                Commit { source: &source.id, state: &state, reading: Some(reading), ledger: &[], now };
            match store.commit(&commit) {
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
                Ok(committed) => {
                    replayed.committed = committed;
                    return Ok(Again::Read(replayed));
                }
            }
        }
        Err(StoreError::Conflict)
    }
}

/// True when nothing in the config that bears on the reading has changed since: only our reading may have.
fn is_only_reading(state: &SourceState, source: &Source, common: &Rules) -> bool {
    state.read_under == Some(rules_under(source, common, state.reading))
}

/// What becomes of the entries, in words; `whole`: the body is all of the document.
fn list(
    store: &mut dyn Store,
    source: &Source,
    (entries, intake, known): (&[Entry], &Intake, &Known),
    whole: bool,
) -> Result<Replayed, StoreError> {
    let mut replayed = Replayed::default();
    let mut changed: HashSet<usize> = HashSet::new();
    for correction in &intake.corrections {
        let Some(entry) = entries.get(correction.index) else { continue };
        let entry = correction.entry_with_article.as_deref().unwrap_or(entry);
        if correction.dated.is_some() || store.differs(correction.entry, entry)? {
            changed.insert(correction.index);
        }
    }
    let mut found: (HashSet<i64>, HashSet<i64>) = Default::default();
    for (index, (entry, decision)) in entries.iter().zip(&intake.decisions).enumerate() {
        let change = match decision {
            Decision::New(_) => Some(Change::Added),
            Decision::Meets(story, _) => {
                found.1.insert(*story);
                Some(Change::Met)
            }
            Decision::Filtered(words) => Some(Change::Filtered(words.clone())),
            Decision::Seen { sighting, .. } => {
                found.0.insert(*sighting);
                found.1.extend(known.sightings.get(sighting).and_then(|sighting| sighting.entry));
                let verdict = filter::verdict(entry, &source.keep, &source.drop);
                verdict.map(Change::Stays).or_else(|| changed.contains(&index).then_some(Change::Changed))
            }
            Decision::Nothing | Decision::Pruned | Decision::Repeats(..) | Decision::StillFiltered(..) => {
                None
            }
        };
        match change {
            Some(change) => replayed.changes.push((change, entry.title.clone())),
            None => replayed.same += 1,
        }
    }
    if whole {
        for (sighting, story, title) in store.last_document(&source.id)? {
            if !found.0.contains(&sighting) && !found.1.contains(&story) {
                replayed.changes.push((Change::Lost, title));
            }
        }
    }
    Ok(replayed)
}
