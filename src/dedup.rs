//! (what is known, the entries of one document, now) → what to store. Pure.

use serde::Deserialize;

use crate::units::Span;

/// `[dedup]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Same title within this much time is the same story.
    pub window: Span,
    /// Regular expressions cut from the end of titles before they are compared.
    pub ignore_title_suffix: Vec<String>,
    /// True: also inside one document, whatever guids and links say.
    pub strict: bool,
    /// Near-duplicate texts shown as one; 0.0 is off.
    pub similar: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { window: Span::secs(0), ignore_title_suffix: Vec::new(), strict: false, similar: 0.0 }
    }
}
