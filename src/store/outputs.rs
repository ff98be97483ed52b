//! What stands in an output: now, and in its whole history.

use chrono::{DateTime, Utc};

use super::StoreError;
use super::archive::Cuts;
use crate::model::{EntryId, Output, Published};

/// What stands in an output now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Newest first.
    pub entries: Vec<Published>,
    /// How many had to be looked at to find these.
    pub looked: usize,
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
    /// The entries of an output, newest first, at most its `limit` (entries younger than a day
    /// are never cut, up to a hard bound of ten times the limit). All of the output's conditions are applied.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn select(&mut self, output: &Output, now: DateTime<Utc>) -> Result<Selection, StoreError>;

    /// The same where it is known what stood in the output at an earlier moment, and to which entries anything
    /// happened since (`told`): only these are looked at. `None`: they do not say it, [`Outputs::select`] does.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn select_again(
        &mut self,
        output: &Output,
        stood: &[EntryId],
        told: &[EntryId],
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<Published>>, StoreError>;

    /// Those of some entries that belong to an output's history, whether or not they may be shown yet.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn of_history(&mut self, output: &Output, entries: &[EntryId]) -> Result<Vec<EntryId>, StoreError>;

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

    /// The smallest place in an output that is still taken; retention takes the oldest.
    ///
    /// # Errors
    /// See [`Outputs`].
    fn oldest(&mut self, output: &Output) -> Result<i64, StoreError>;
}
