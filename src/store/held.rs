//! Stories that are not shown before their time (`future = "hold"`).

use chrono::{DateTime, Utc};

use super::StoreError;
use crate::model::{EntryId, Output, Published, SourceId};

/// Whose time came, and when the next one's comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Stories whose time came.
    pub entries: Vec<EntryId>,
    /// Sources with a sighting of one of them.
    pub sources: Vec<SourceId>,
    /// When the next story's time comes.
    pub next: Option<DateTime<Utc>>,
}

/// The part of a store that is about stories that wait. Every method fails when the disk does.
pub trait Held {
    /// What became due after one moment, up to another.
    ///
    /// # Errors
    /// See [`Held`].
    fn due(&mut self, after: DateTime<Utc>, upto: DateTime<Utc>) -> Result<Due, StoreError>;

    /// The stories of an output that became due after one moment, up to another.
    ///
    /// # Errors
    /// See [`Held`].
    fn due_in(
        &mut self,
        output: &Output,
        after: DateTime<Utc>,
        upto: DateTime<Utc>,
    ) -> Result<Vec<Published>, StoreError>;
}
