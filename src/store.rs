//! What is remembered. (to come)

use std::path::PathBuf;

use serde::Deserialize;

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
