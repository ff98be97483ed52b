//! `keep` and `drop`.

use crate::model::{Entry, Filter};

/// Why an entry is held back, in words ("drop title ^Sponsored"); `None`: it passes.
/// Any match of `drop` holds back; `keep` must match in every key that has a condition.
pub fn verdict(entry: &Entry, keep: &Filter, drop: &Filter) -> Option<String> {
    let _ = (entry, keep, drop);
    None
}
