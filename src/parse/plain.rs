//! A plain text whose items are led by a timestamp → raw entries.

use super::{Input, ParseError, Parsed};

/// Reads a text.
pub(super) fn read(text: &str, input: &Input<'_>) -> Result<Parsed, ParseError> {
    let _ = (text, input);
    Err(ParseError::NoFeed("plain texts are not in this version".to_owned()))
}
