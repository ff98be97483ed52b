//! An HTML page that lists news → raw entries.

use super::{Input, ParseError, Parsed};

/// Reads a page: with the selectors of `[source.page]` where there are any, else by its own structure.
pub(super) fn read(text: &str, input: &Input<'_>) -> Result<Parsed, ParseError> {
    let _ = (text, input);
    Err(ParseError::NoFeed("pages are not in this version".to_owned()))
}
