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

/// Where a story stands among those of an output whose time came: its second (Unix time), then its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Came {
    /// When its time came.
    pub second: i64,
    /// Its place in the output (archive.rs).
    pub place: i64,
}

impl Came {
    /// Behind all whose time came with that second.
    pub fn all_of(second: i64) -> Self {
        Self { second, place: i64::MAX }
    }
}

/// The part of a store that is about stories that wait. Every method fails when the disk does.
pub trait Held {
    /// What became due after one moment, up to another.
    ///
    /// # Errors
    /// See [`Held`].
    fn due(&mut self, after: DateTime<Utc>, upto: DateTime<Utc>) -> Result<Due, StoreError>;

    /// The stories of an output whose time came after some, up to a second, of those at places up to one: in this order,
    /// and up to where these are all. At most so many are looked at.
    ///
    /// # Errors
    /// See [`Held`].
    fn due_in(
        &mut self,
        output: &Output,
        upto_place: i64,
        stretch: (Came, i64),
        limit: usize,
    ) -> Result<(Vec<(Came, Published)>, Came), StoreError>;
}
