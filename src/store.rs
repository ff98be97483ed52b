//! What is remembered: entries, sightings, keys, source state. One transaction per poll.
//!
//! [`Store`] is blocking; [`Handle`] is its async side. Rows and SQL never leave this room.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::model::{Digest, EntryId, Output, Published, Sighting, SourceId, SourceState};
use crate::units::{Size, Span};

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
    /// The file cannot be used: no database, foreign, damaged, from a newer version, locked by another daemon.
    #[error("{0}")]
    Refused(String),
    /// Another machine changed what this poll had read: decide again.
    #[error("the store changed meanwhile")]
    Conflict,
    /// Disk full, I/O error.
    #[error("{0}")]
    Failed(String),
}

/// What a commit did, for those who wait for news (server, hub, events).
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// Stories that stand for the first time, in order of publication.
    pub new: Vec<EntryId>,
    /// Stories whose published form changed.
    pub changed: Vec<EntryId>,
    /// Sources whose outputs are touched: those of every sighting of these stories.
    pub touched: Vec<SourceId>,
}

/// A source as the store knows it, for `status` and the pages.
#[derive(Clone, Debug)]
pub struct SourceRow {
    /// Its name.
    pub id: SourceId,
    /// What is remembered of it.
    pub state: SourceState,
    /// Stories with a sighting in it.
    pub entries: u64,
}

/// What is remembered, behind one door. Blocking.
pub trait Store: Send {
    /// Every source ever polled, with its state.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn sources(&mut self) -> Result<Vec<SourceRow>, StoreError>;

    /// Digests stored for a source's entries: what need not be cleaned again.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn digests(&mut self, source: &SourceId) -> Result<std::collections::HashSet<Digest>, StoreError>;

    /// The entries of an output, newest first, at most its `limit` (entries younger than a day
    /// are never cut, up to a hard bound of ten times the limit). All of the output's conditions are applied.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn select(&mut self, output: &Output, now: DateTime<Utc>) -> Result<Vec<Published>, StoreError>;

    /// One entry with every sighting, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn entry(&mut self, id: EntryId) -> Result<Option<(Published, Vec<Sighting>)>, StoreError>;

    /// When the bytes of a document last changed: `now` when `etag` is not the one stored under
    /// `document` (and it is stored then), else what was stored. Survives a restart.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn stamp(&mut self, document: &str, etag: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, StoreError>;
}

/// The async side of the store: one writer, a few readers, each call on a blocking thread.
#[derive(Clone)]
pub struct Handle {}

impl Handle {
    /// Runs `work` on a reader.
    ///
    /// # Errors
    /// What `work` returns.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _ = work;
        Err(StoreError::Failed("not built".to_owned()))
    }

    /// Runs `work` on the writer.
    ///
    /// # Errors
    /// What `work` returns.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _ = work;
        Err(StoreError::Failed("not built".to_owned()))
    }
}
