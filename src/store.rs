//! What is remembered: entries, sightings, keys, source state. One transaction per poll.
//!
//! [`Store`] is blocking; [`Handle`] is its async side. Rows and SQL never leave this room.

pub mod archive;
mod handle;
pub mod held;
pub mod hub;
mod kept;
mod lock;
pub mod outputs;
pub mod owner;
mod sqlite;
mod state;
#[cfg(test)]
pub(crate) mod tests;
pub mod websub;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::dedup::{Context, DocumentKeys, Intake, Known};
use crate::model::{Digest, Entry, EntryId, HostDay, Published, Sighting, Source, SourceId, SourceState};
use crate::query::Query;
use crate::units::{Size, Span};

pub use handle::Handle;
pub use kept::{Keep, KeptBody};
pub use lock::{Lock, held_since, holder};
pub use outputs::{Absence, Found, Look, Matches, Outputs, Seen, Since, Stands, Stories, Tail};
pub use sqlite::Sqlite;

/// `[store]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The SQLite file.
    pub path: PathBuf,
    /// Since we first saw an entry; what goes never comes back.
    pub retention: Span,
    /// Last raw body kept per source, compressed, for replay; 0: none.
    pub keep_bodies: Size,
    /// Entries kept per source.
    pub max_entries_per_source: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            path: PathBuf::from("riverine.db"),
            retention: Span::secs(730 * 86_400),
            keep_bodies: Size(256 << 10),
            max_entries_per_source: 10_000,
        }
    }
}

/// Why the store did not do it. The words name the file and say what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be used: no database, foreign, damaged, from a newer version, held by another daemon.
    #[error("{0}")]
    Refused(String),
    /// Another poll changed what this one had read: decide again.
    #[error("the store changed meanwhile")]
    Conflict,
    /// Disk full, I/O error.
    #[error("{0}")]
    Failed(String),
}

/// What a commit did, for those who wait for news (server, hub, events).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Stories that stand for the first time, in order of publication.
    pub new: Vec<EntryId>,
    /// Stories whose published form changed.
    pub changed: Vec<EntryId>,
    /// Sources whose outputs are touched: those of every sighting of these stories.
    pub touched: Vec<SourceId>,
    /// Stories of other sources that entries of this one met.
    pub met: Vec<EntryId>,
    /// Entries that a rule held back.
    pub filtered: usize,
    /// The source's state changed: there are news about it.
    pub news: bool,
}

impl Committed {
    /// What this and a later commit did.
    #[must_use]
    pub fn and(mut self, later: Self) -> Self {
        self.new.extend(later.new);
        self.changed.extend(later.changed);
        self.touched.extend(later.touched);
        self.touched.sort_unstable();
        self.touched.dedup();
        self.met.extend(later.met);
        self.filtered += later.filtered;
        self.news |= later.news;
        self
    }
}

/// A source as the store knows it, for `status` and the pages.
#[derive(Clone, Debug)]
pub struct SourceRow {
    /// Its name.
    pub id: SourceId,
    /// Its address, credentials masked.
    pub url: String,
    /// Its shown name: configured, else its feed's title, else its id.
    pub name: String,
    /// True while it is in the config.
    pub configured: bool,
    /// What is remembered of it.
    pub state: SourceState,
    /// Stories with a sighting in it.
    pub entries: u64,
    /// Its subscription to a hub.
    pub subscription: Option<websub::Subscription>,
}

/// A document that was read, with what was decided about it.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// Its entries.
    pub entries: &'a [Entry],
    /// What becomes of them.
    pub intake: &'a Intake,
    /// Hash of the rules it was read under: with others, stored digests do not count.
    pub rules: Digest,
    /// What becomes of the kept body.
    pub body: Keep<'a>,
}

/// How one poll ended: everything that is to be remembered of it, in one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// Which source.
    pub source: &'a SourceId,
    /// Its new state, complete.
    pub state: &'a SourceState,
    /// What was read; `None` after a 304 or a failure.
    pub reading: Option<Reading<'a>>,
    /// What was asked of hosts and does not stand in the ledger yet.
    pub ledger: &'a [HostDay],
    /// The time of the poll.
    pub now: DateTime<Utc>,
}

/// When the bytes of a published document last changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Which document: its address without the ending's dot taken apart, `feeds/all.atom`.
    pub name: String,
    /// The tag of its bytes.
    pub etag: String,
    /// When they became these.
    pub modified: DateTime<Utc>,
}

/// What somebody looks for, in everything that is stored: the archive as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Words; `None`: whatever the rest says.
    pub query: Option<Query>,
    /// Only these languages; empty: any.
    pub languages: Vec<String>,
    /// Only stories with a sighting in one of these; `None`: anywhere.
    pub sources: Option<Vec<SourceId>>,
    /// Shown date not before then.
    pub since: Option<DateTime<Utc>>,
    /// Only what comes behind the entry of this date and number.
    pub before: Option<(DateTime<Utc>, i64)>,
    /// At most so many.
    pub limit: usize,
}

/// What happened to a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It cannot be read.
    Broken,
    /// It can be read again.
    Recovered,
    /// 410.
    Gone,
    /// Its page looks different.
    Drifted,
    /// A permanent redirect was confirmed.
    Moved,
    /// The certificate of its host ends soon.
    Expiring,
}

impl News {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Recovered => "recovered",
            Self::Gone => "gone",
            Self::Drifted => "drifted",
            Self::Moved => "moved",
            Self::Expiring => "expiring",
        }
    }

    /// The news of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Broken, Self::Recovered, Self::Gone, Self::Drifted, Self::Moved, Self::Expiring]
            .into_iter()
            .find(|news| news.name() == name)
    }
}

/// A change of a source's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Grows with every one.
    pub number: i64,
    /// When the poll found it.
    pub at: DateTime<Utc>,
    /// What.
    pub news: News,
    /// Why, as the poll said; maybe empty.
    pub words: String,
    /// Whose.
    pub source: SourceId,
    /// Its shown name.
    pub source_name: String,
}

/// What was found of a table of the store's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Nothing is wrong with it, as far as can be seen.
    Sound,
    /// How it is damaged, in SQLite's words.
    Damaged(String),
    /// Not looked at to its end.
    Interrupted,
}

/// Whether a story may stand in current documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It may.
    No,
    /// It was backlog when it came: only in the archive.
    Archived,
    /// Not before its date, which may be past by now.
    Until(DateTime<Utc>),
}

/// What is on record about a story.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// As it is published.
    pub published: Published,
    /// Every sighting, oldest first.
    pub sightings: Vec<Sighting>,
    /// Published names that lead here since a correction made two stories one.
    pub merged: Vec<EntryId>,
    /// Why it may be missing from current documents.
    pub held: Held,
}

/// Everything on record about what somebody asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explained {
    /// Stories.
    pub stories: Vec<Told>,
    /// There are more stories than these.
    pub more: bool,
    /// Entries that a filter held back; the rule is in each.
    pub filtered: Vec<Sighting>,
    /// What retention removed and does not let return: in which source, or when, as far as is known.
    pub pruned: Vec<(Option<SourceId>, Option<DateTime<Utc>>)>,
}

/// What is remembered, behind one door. Blocking. Every method fails with [`StoreError::Failed`]
/// when the disk does; others are named.
pub trait Store: Send + hub::Subscribers + held::Held + outputs::Outputs + websub::Subscriptions {
    /// Makes the sources of the config known, takes over the history of their former ids,
    /// and marks the rest as no longer configured. Hands back which id became which; until the store is closed, what is
    /// under way may go on by the former.
    ///
    /// # Errors
    /// See [`Store`].
    fn sync(&mut self, sources: &[Arc<Source>]) -> Result<Vec<(SourceId, SourceId)>, StoreError>;

    /// Hands out every source ever configured, with its state, one after the other, by id.
    ///
    /// # Errors
    /// See [`Store`].
    fn each_source(&mut self, visit: &mut dyn FnMut(SourceRow)) -> Result<(), StoreError>;

    /// Every source ever configured, with its state.
    ///
    /// # Errors
    /// See [`Store`].
    fn sources(&mut self) -> Result<Vec<SourceRow>, StoreError> {
        let mut rows = Vec::new();
        self.each_source(&mut |row| rows.push(row))?;
        Ok(rows)
    }

    /// One source, with its state.
    ///
    /// # Errors
    /// See [`Store`].
    fn source_row(&mut self, source: &SourceId) -> Result<Option<SourceRow>, StoreError>;

    /// What is remembered of one source; the default for one never polled.
    ///
    /// # Errors
    /// See [`Store`].
    fn state(&mut self, source: &SourceId) -> Result<SourceState, StoreError>;

    /// Digests of the entries of a source's last document, if it was read under these rules:
    /// what need not be cleaned again.
    ///
    /// # Errors
    /// See [`Store`].
    fn digests(&mut self, source: &SourceId, rules: Digest) -> Result<HashSet<Digest>, StoreError>;

    /// What is known under the keys of a document.
    ///
    /// # Errors
    /// See [`Store`].
    fn known(
        &mut self,
        context: &Context<'_>,
        entries: &[Entry],
        keys: &DocumentKeys,
    ) -> Result<Known, StoreError>;

    /// Remembers a poll: entries, sightings, keys, state and validators in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when what was decided no longer fits: ask [`Store::known`] and decide again.
    fn commit(&mut self, commit: &Commit<'_>) -> Result<Committed, StoreError>;

    /// Makes one transaction of all the commits in `work`: when this returns, they are on the disk.
    ///
    /// # Errors
    /// See [`Store`]; [`StoreError::Conflict`] when one of the commits broke off half-way: then they are to be made
    /// again, each alone. Nothing of `work` is remembered, whatever its commits said.
    fn together(&mut self, work: &mut dyn FnMut(&mut dyn Store)) -> Result<(), StoreError>;

    /// Runs `work`, which only looks, on the store of one moment: pages that several looks want are read once.
    ///
    /// # Errors
    /// See [`Store`].
    fn at_one_moment(&mut self, work: &mut dyn FnMut(&mut dyn Store)) -> Result<(), StoreError>;

    /// Looks for what somebody wants, newest first, a slice at a time; false: there is more to look at.
    ///
    /// # Errors
    /// See [`Store`].
    fn search_on(
        &mut self,
        search: &Search,
        now: DateTime<Utc>,
        matches: &mut Matches,
    ) -> Result<bool, StoreError>;

    /// The same in one go.
    ///
    /// # Errors
    /// See [`Store`].
    fn search(&mut self, search: &Search, now: DateTime<Utc>) -> Result<Vec<Published>, StoreError> {
        let mut matches = Matches::default();
        while !self.search_on(search, now, &mut matches)? {}
        Ok(matches.entries)
    }

    /// A name that no other store has; the same for the life of this one.
    ///
    /// # Errors
    /// See [`Store`].
    fn installation(&mut self) -> Result<Digest, StoreError>;

    /// The daemon's own news (about one source, or all), the newest first.
    ///
    /// # Errors
    /// See [`Store`].
    fn health(&mut self, source: Option<&SourceId>, limit: usize) -> Result<Vec<Health>, StoreError>;

    /// One entry with every sighting, oldest first. The name of an entry that became one with
    /// an older one gives the older one.
    ///
    /// # Errors
    /// See [`Store`].
    fn entry(&mut self, id: EntryId) -> Result<Option<Told>, StoreError>;

    /// Everything on record about an entry: by its id, an address (link or guid), or words of its title.
    ///
    /// # Errors
    /// See [`Store`].
    fn explain(&mut self, what: &str) -> Result<Explained, StoreError>;

    /// Forgets a source with its entries, sightings and keys. Stories that others have seen go on under their
    /// ids, as the oldest of these sightings told them. Returns how many entries went.
    ///
    /// # Errors
    /// See [`Store`].
    fn purge(&mut self, source: &SourceId, now: DateTime<Utc>) -> Result<usize, StoreError>;

    /// The tag of a document's bytes and when they last changed. Survives a restart.
    ///
    /// # Errors
    /// See [`Store`].
    fn stamped(&mut self, document: &str) -> Result<Option<(String, DateTime<Utc>)>, StoreError>;

    /// Remembers tags and dates, all in one transaction.
    ///
    /// # Errors
    /// See [`Store`].
    fn stamp(&mut self, stamps: &[Stamp]) -> Result<(), StoreError>;

    /// True when what readers see of a story would become another with this text. Changes nothing.
    ///
    /// # Errors
    /// See [`Store`].
    fn differs(&mut self, story: i64, entry: &Entry) -> Result<bool, StoreError>;

    /// The stories that stood in a source's last document: sighting, story, title there.
    ///
    /// # Errors
    /// See [`Store`].
    fn last_document(&mut self, source: &SourceId) -> Result<Vec<(i64, i64, String)>, StoreError>;

    /// The last raw body of a source.
    ///
    /// # Errors
    /// See [`Store`].
    fn body(&mut self, source: &SourceId) -> Result<Option<KeptBody>, StoreError>;

    /// The ledger of hosts from a day on (days since 1970, UTC), by day and host.
    ///
    /// # Errors
    /// See [`Store`].
    fn ledger(&mut self, since: i64) -> Result<Vec<HostDay>, StoreError>;

    /// Removes some of what is past retention, keeping its keys. Returns how many entries went; `None` when nothing was
    /// left to do. Whoever wants all of it gone asks until then, so that others come in between.
    ///
    /// # Errors
    /// See [`Store`].
    fn prune(&mut self, options: &Options, now: DateTime<Utc>) -> Result<Option<usize>, StoreError>;
}
