//! What a text is, by its content: never by a file name, and by Content-Type only in doubt.

use super::{Input, ParseError, plain};
use crate::model::Kind;

/// So much of a document is looked at.
const HEAD: usize = 16 * 1024;

/// How a text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Feed,
    Json,
    Page,
    Text,
}

/// Tells the shapes apart.
///
/// # Errors
/// What is none of them, in words.
pub(super) fn sniff(text: &str, input: &Input<'_>) -> Result<Shape, ParseError> {
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{FEFF}');
    if start.is_empty() {
        return Err(ParseError::NoFeed("the document is empty".to_owned()));
    }
    if let Some(what) = binary(input.bytes) {
        return Err(ParseError::NoFeed(format!("it is no text, but {what}")));
    }
    let shape = match input.kind {
        Kind::Page => return Ok(Shape::Page),
        Kind::Text => return Ok(Shape::Text),
        Kind::Auto | Kind::Feed => shape(start, input.content_type),
    };
    match (input.kind, &shape) {
        (Kind::Feed, Ok(Shape::Page)) => Err(ParseError::NoFeed(
            "it is an HTML page, not a feed; if it lists news, say kind = \"page\", else look for the feed it names"
                .to_owned(),
        )),
        (Kind::Feed, Ok(Shape::Text)) => Err(ParseError::NoFeed("it is plain text, not a feed".to_owned())),
        _ => shape,
    }
}

fn shape(start: &str, content_type: Option<&str>) -> Result<Shape, ParseError> {
    if start.starts_with(['{', '[']) && !start.starts_with("[if") {
        return Ok(Shape::Json);
    }
    let head = head(start);
    match first_element(head) {
        Some(name) => match by_root(&name) {
            // A message of a broken server may stand before the feed, or the doctype of a page.
            Ok(Shape::Page) if has_feed(head) => Ok(Shape::Feed),
            shape => shape,
        },
        None if head.starts_with('<') => Ok(Shape::Feed),
        None => Ok(by_content(head, content_type)),
    }
}

/// Whether a feed's root begins in it, and no page before that.
fn has_feed(head: &str) -> bool {
    let lower = head.to_ascii_lowercase();
    let place = |tags: &[&str]| tags.iter().filter_map(|tag| lower.find(tag)).min();
    let page = place(&["<html", "<head", "<body"]).unwrap_or(lower.len());
    place(&["<rss ", "<rss>", "<rdf:rdf ", "<feed ", "<feed>"]).is_some_and(|feed| feed < page)
}

/// The root decides where there is one.
fn by_root(name: &str) -> Result<Shape, ParseError> {
    let (_, local) = name.rsplit_once(':').unwrap_or(("", name));
    match local {
        "html" | "head" | "body" | "div" | "p" | "ul" | "ol" | "table" | "main" | "section" | "article"
        | "span" | "script" | "meta" | "title" | "h1" | "h2" | "h3" | "a" | "li" | "dl" | "style"
        | "header" | "nav" | "form" | "img" | "br" | "center" | "font" | "noscript" | "tr" | "td" | "pre" => {
            Ok(Shape::Page)
        }
        "opml" => Err(ParseError::NoFeed(
            "it is an OPML list of feeds, not a feed; take it in with `riverine import`".to_owned(),
        )),
        "svg" => Err(ParseError::NoFeed("it is an SVG picture, not a feed".to_owned())),
        "urlset" | "sitemapindex" => Err(ParseError::NoFeed("it is a sitemap, not a feed".to_owned())),
        _ => Ok(Shape::Feed),
    }
}

/// Rubbish before the first tag: a feed or page behind it is still one.
fn by_content(head: &str, content_type: Option<&str>) -> Shape {
    let lower = head.to_ascii_lowercase();
    let place = |tags: &[&str]| tags.iter().filter_map(|tag| lower.find(tag)).min();
    let feed = place(&["<?xml", "<rss", "<feed", "<rdf:rdf", "<channel", "<atom:feed"]);
    let page = place(&["<!doctype html", "<html", "<body", "<div", "<p>", "<ul"]);
    let html = content_type.is_some_and(|said| said.contains("html"));
    match (feed, page) {
        // A text may well speak of tags.
        (None, _) if !html && plain::looks_like(head) => Shape::Text,
        (Some(feed), Some(page)) if page < feed => Shape::Page,
        (Some(_), _) => Shape::Feed,
        (None, Some(_)) => Shape::Page,
        (None, None) if html => Shape::Page,
        (None, None) => Shape::Text,
    }
}

/// The name of the first element, in lower case; comments, declarations and instructions before it do not count.
fn first_element(head: &str) -> Option<String> {
    let mut rest = head;
    loop {
        rest = rest.trim_start();
        let inner = rest.strip_prefix('<')?;
        if let Some(comment) = inner.strip_prefix("!--") {
            rest = comment.split_once("-->")?.1;
        } else if inner.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("!doctype")) {
            // An internal subset has tags of its own in brackets.
            let end = inner.find('>')?;
            let subset = inner.find('[').filter(|open| *open < end);
            let end = match subset {
                Some(_) => inner.find("]>").or_else(|| inner.find(']'))? + 1,
                None => end,
            };
            if inner
                .get(8..end)
                .is_some_and(|word| word.trim_start().to_ascii_lowercase().starts_with("html"))
            {
                return Some("html".to_owned());
            }
            rest = inner.get(end..)?.trim_start_matches('>');
        } else if inner.starts_with(['!', '?']) {
            rest = inner.split_once('>')?.1;
        } else {
            let end =
                inner.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).unwrap_or(inner.len());
            return inner.get(..end).filter(|name| !name.is_empty()).map(str::to_ascii_lowercase);
        }
    }
}

/// Files whose first bytes give them away.
fn binary(bytes: &[u8]) -> Option<&'static str> {
    const SIGNS: [(&[u8], &str); 9] = [
        (b"\x89PNG", "a PNG picture"),
        (b"\xFF\xD8\xFF", "a JPEG picture"),
        (b"GIF8", "a GIF picture"),
        (b"%PDF", "a PDF file"),
        (b"PK\x03\x04", "a ZIP file"),
        (b"\x1F\x8B", "a gzip file"),
        (b"RIFF", "a media file"),
        (b"ID3", "an MP3 file"),
        (b"\x7FELF", "a program"),
    ];
    SIGNS.iter().find(|(sign, _)| bytes.starts_with(sign)).map(|(_, what)| *what)
}

fn head(text: &str) -> &str {
    let end = (HEAD..text.len()).find(|place| text.is_char_boundary(*place)).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}
