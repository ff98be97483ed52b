//! JSON Feed 1.x → raw entries, leniently.

use super::{Input, ParseError, Parsed};

/// Reads a document.
pub(super) fn read(text: &str, input: &Input<'_>) -> Result<Parsed, ParseError> {
    let _ = (text, input);
    Err(ParseError::NoFeed("JSON is not in this version".to_owned()))
}
