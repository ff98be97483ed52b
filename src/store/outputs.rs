//! What stands in an output: now, and in its whole history.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::archive::Cuts;
use super::{StoreError, Told};
use crate::model::{EntryId, Output, Published, SourceId};

/// Up to where the store was looked at: what comes later has larger numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub(super) sightings: i64,
    pub(super) changes: i64,
}

impl Seen {
    /// So much came between this and a later place.
    pub fn behind(self, later: Self) -> usize {
        let between = (later.sightings - self.sightings).saturating_add(later.changes - self.changes);
        usize::try_from(between).unwrap_or_default()
    }
}

/// A walk along a river, newest first, and where it goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    /// Entries that were looked at.
    pub(super) looked: usize,
    /// Date and number of the last of these.
    pub(super) last: Option<(i64, i64)>,
    /// It goes along what matches a query, however few stories there are of its sources.
    pub(super) by_words: Option<bool>,
    /// Numbers of sources of which there are enough.
    pub(super) full: HashSet<i64>,
}

/// What matches a search, as far as it was looked for.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// Newest first.
    pub entries: Vec<Published>,
    pub(super) walk: Walk,
}

/// What stands in an output. First everything is looked at, a slice at a time; from then on only what happened since.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// What stands there, newest first, where everything was looked at.
    pub entries: Vec<Published>,
    /// How many entries had to be looked at to find these.
    pub looked: usize,
    pub(super) walk: Walk,
    /// The walk is at its end.
    pub(super) walked: bool,
    /// Numbers of what stands there.
    pub(super) stood: Vec<i64>,
    pub(super) seen: Seen,
    pub(super) at: DateTime<Utc>,
    /// How often it began anew, because what happened meanwhile made it worthless.
    pub(super) losses: u32,
}

impl Look {
    /// True when it spares a long way. Where nearly all that is looked at stands there, nothing is spared.
    pub fn pays(&self) -> bool {
        self.looked / 2 > self.stood.len()
    }

    /// Up to where it is true.
    pub fn seen(&self) -> Seen {
        self.seen
    }
}

/// The youngest archive documents of an output, as they were found. Where its stories are few among those of others,
/// finding them takes a long walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Up to where that is true.
    pub seen: Seen,
    /// Everything up to this place is among the stories, down to where these end.
    pub counted: i64,
    /// Each with its place.
    pub stories: Vec<(i64, EntryId)>,
    /// They reach down to the first document.
    pub whole: bool,
    /// Places that were walked along to find them.
    pub walked: usize,
}

/// What is known of an output from before, where that spares a long way.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What stood there.
    pub look: Option<Look>,
    /// Where its history went on.
    pub tail: Option<Tail>,
}

/// What happened after some place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Entries that are new, changed, or stand in one more source.
    pub entries: Vec<EntryId>,
    /// Up to where these are all.
    pub upto: Seen,
    /// There is more.
    pub more: bool,
}

/// Where an entry stands in an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// In its current document.
    There,
    /// Only in its archive: it was backlog when it came.
    Backlog,
    /// Only in its archive: there are enough newer ones of its source.
    Enough,
    /// Only in its archive: newer ones have all places.
    Behind,
    /// Not yet: it is held until its date.
    Waiting,
    /// Not at all, and why.
    Nowhere(Vec<Absence>),
}

/// Why an entry is of no output's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// None of the sources that reported it is in the output.
    Sources,
    /// It is in another language, or in none that is known.
    Language(Option<String>),
    /// The output's `keep` or `drop`, in words.
    Filter(String),
    /// The output's query does not find it.
    Query,
}

/// A stretch of an output's history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stories {
    /// In order of publication: place, whether it may stand in the current document, the story.
    pub stories: Vec<(i64, bool, Published)>,
    /// Some in this stretch are held until their date.
    pub waiting: bool,
}

/// The part of a store that is about outputs. Every method fails when the disk does.
pub trait Outputs {
    /// Looks for what stands in an output, newest first, at most its `limit` (entries younger than a day are never cut,
    /// up to a hard bound of ten times the limit), with all of its conditions; a slice at a time, so that nobody is kept
    /// waiting. False: there is more to look at. Later calls look at what happened meanwhile, or at everything anew
    /// where that does not say it.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn look(&mut self, output: &Output, now: DateTime<Utc>, look: &mut Look) -> Result<bool, StoreError>;

    /// The same in one go.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn select(&mut self, output: &Output, now: DateTime<Utc>) -> Result<Look, StoreError> {
        let mut look = Look::default();
        while !self.look(output, now, &mut look)? {}
        Ok(look)
    }

    /// What was kept of an output, where its rules are still the same.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn found(&mut self, output: &Output) -> Result<Found, StoreError>;

    /// Keeps what was found of some outputs, all in one transaction.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn keep_found(&mut self, found: &[(Arc<Output>, Found)]) -> Result<(), StoreError>;

    /// Takes out what was kept of all outputs but these and those of the sources that are in the config.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn forget_found(&mut self, but: &[String]) -> Result<(), StoreError>;

    /// Up to where there is anything. Ask before you look at it.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn seen(&mut self) -> Result<Seen, StoreError>;

    /// What happened after a place, a slice of it; `None`: more than so much, or it is not known any more.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn since(&mut self, place: Seen, most: usize) -> Result<Option<Since>, StoreError>;

    /// Those of some entries that belong to an output's history, whether or not they may be shown yet.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn of_history(&mut self, output: &Output, entries: &[EntryId]) -> Result<Vec<EntryId>, StoreError>;

    /// Where an entry stands in an output, and why not.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn stands(&mut self, output: &Output, told: &Told, now: DateTime<Utc>) -> Result<Stands, StoreError>;

    /// Where an output's history was cut; nothing cut yet where its rules are others.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn cuts(&mut self, output: &Output) -> Result<Cuts, StoreError>;

    /// Counts an output's history on, a slice at a time; false: there is more to count.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn count(&mut self, output: &Output, cuts: &mut Cuts) -> Result<bool, StoreError>;

    /// Keeps the cuts of an output.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn keep_cuts(&mut self, output: &Output, cuts: &Cuts) -> Result<(), StoreError>;

    /// The stories of an output after one place, up to another, at most `limit`.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn stories(
        &mut self,
        output: &Output,
        stretch: (i64, i64),
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Stories, StoreError>;

    /// How many stories of a source stand on each of so many days (UTC), the oldest first, and the last of these days: that
    /// of its newest story. Backlog counts, too; what waits for its time does not. `None`: it has none.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn per_day(
        &mut self,
        source: &SourceId,
        days: u16,
        now: DateTime<Utc>,
    ) -> Result<Option<(NaiveDate, Vec<u32>)>, StoreError>;

    /// The smallest place in an output that is still taken; retention takes the oldest.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn oldest(&mut self, output: &Output) -> Result<i64, StoreError>;
}
