//! A document as it said itself → a document as we promise it.
//! Pure; normalizing twice changes nothing.

use std::collections::HashSet;

use chrono_tz::Tz;
use url::Url;

use crate::model::{Digest, Entry, Feed, Warning};
use crate::parse::Parsed;

/// What normalizing needs to know besides the document.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Where the document came from: the base of relative links.
    pub url: Option<&'a Url>,
    /// For timestamps without a zone.
    pub timezone: Tz,
    /// The source's `language`: for entries that state none.
    pub language: Option<&'a str>,
    /// Digests already stored for this source: their texts are not cleaned again.
    pub stored: &'a HashSet<Digest>,
}

/// A document as we promise it.
#[derive(Clone, Debug)]
pub struct Normalized {
    /// Its head.
    pub feed: Feed,
    /// Its entries, in document order.
    pub entries: Vec<Entry>,
    /// The parser's warnings and our own.
    pub warnings: Vec<Warning>,
}

/// Dates to UTC, links made absolute, HTML cleaned, language found.
pub fn normalize(parsed: Parsed, context: &Context<'_>) -> Normalized {
    let _ = (parsed, context);
    unimplemented!()
}
