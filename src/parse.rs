//! Bytes in, a document as it said itself out. Pure: no network, no clock, no store.
//! Never drops an entry without a [`Warning`].

mod article;
mod decode;
mod discover;
mod feed;
mod json;
pub mod opml;
mod page;
mod plain;
mod sniff;
#[cfg(test)]
mod tests;
mod xml;

pub use article::article;
pub use discover::{Nearby, discover};
use url::Url;

use self::sniff::Shape;
use crate::model::{Format, Kind, PageSelectors, RawEntry, RawFeed, Warning};

/// A document as it was fetched.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The body, decompressed.
    pub bytes: &'a [u8],
    /// `Content-Type`, as it came.
    pub content_type: Option<&'a str>,
    /// `Content-Language`, as it came.
    pub content_language: Option<&'a str>,
    /// Where it came from, after redirects (or `Content-Location`).
    pub url: Option<&'a Url>,
    /// What the config says it is.
    pub kind: Kind,
    /// Selectors, for a page.
    pub selectors: &'a PageSelectors,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// What it turned out to be.
    pub format: Format,
    /// Its head.
    pub feed: RawFeed,
    /// Its complete entries, in document order.
    pub entries: Vec<RawEntry>,
    /// What was read with a reservation, or left out.
    pub warnings: Vec<Warning>,
    /// Pages only: the selectors that were learned, complete enough to configure.
    pub learned: Option<PageSelectors>,
    /// Pages only: the address of the next page of the list, as written.
    pub next_page: Option<String>,
}

/// Whether a selector of `[source.page]` can be used: CSS with an optional `@attribute`, candidates parted by commas.
///
/// # Errors
/// What is wrong with it, in words.
pub fn check_selector(written: &str) -> Result<(), String> {
    page::check_selector(written)
}

/// Why a document could not be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is something else; the words say what.
    #[error("{0}")]
    NoFeed(String),
    /// A selector of `[source.page]` matches nothing; the words name it and show what is there.
    #[error("{0}")]
    Selector(String),
    /// A limit of the parser was broken; the words name it and the value.
    #[error("{0}")]
    Limit(String),
}

/// Reads a document.
///
/// # Errors
/// When nothing of it can be used. Damage that spares some entries is a warning.
pub fn parse(input: &Input<'_>) -> Result<Parsed, ParseError> {
    let (text, doubt) = decode::decode(input.bytes, input.content_type);
    let mut parsed = match sniff::sniff(&text, input)? {
        Shape::Feed => feed::read(&text, input),
        Shape::Json => json::read(&text, input),
        Shape::Page => page::read(&text, input),
        Shape::Text => plain::read(&text, input),
    }?;
    parsed.warnings.extend(doubt.map(Warning));
    Ok(parsed)
}
