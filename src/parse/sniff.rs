//! What a text is, by its content: never by a file name, and by Content-Type only in doubt.

use super::{Input, ParseError};
use crate::model::Kind;

/// How a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Feed,
    Json,
    Page,
    Text,
}

/// Tells the shapes apart.
pub(super) fn sniff(text: &str, input: &Input<'_>) -> Result<Shape, ParseError> {
    match input.kind {
        Kind::Page => return Ok(Shape::Page),
        Kind::Text => return Ok(Shape::Text),
        Kind::Auto | Kind::Feed => {}
    }
    let start = text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n', '\0']);
    if start.is_empty() {
        return Err(ParseError::NoFeed("the document is empty".to_owned()));
    }
    Ok(if start.starts_with(['{', '[']) { Shape::Json } else { Shape::Feed })
}
