//! Everything done to HTML: made inert, made plain, measured. Never fetches and never trusts.

use std::borrow::Cow;
use std::collections::HashMap;

mod clean;
mod elements;
mod entities;
pub mod measure;
mod pass;
#[cfg(test)]
mod tests;

pub use clean::{Cleaner, sanitize};
use elements::{SELF_ENDING, VOID, is_element, is_inline, is_silent};
pub use entities::{decode, reference};

use crate::text::push_squeezed;

/// Elements open at once, beyond which content is shown as text: html5ever is quadratic in the depth.
const DEEPEST: usize = 256;

/// Bytes of a text that is as short as a title.
const SHORT: usize = 1000;

/// What a text may hold; [`DEEPEST`] is counted more strictly.
const TEXT: measure::Bounds = measure::Bounds { deepest: 512, attributes: 256, nodes: 300_000 };

/// True when it is markup: a tag, a comment or a reference stands in it.
pub fn is_markup(text: &str) -> bool {
    has_tags(text) || matches!(decode(text), Cow::Owned(_))
}

/// Plain text as HTML whose lines may be those of an editor: only blank lines part paragraphs.
fn blocks(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut open = false;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            out.push_str(if std::mem::take(&mut open) { "</p>" } else { "" });
            continue;
        }
        out.push_str(if std::mem::replace(&mut open, true) { "\n" } else { "<p>" });
        push_escaped(&mut out, line);
    }
    out.push_str(if open { "</p>" } else { "" });
    out
}

/// True when a blank line stands between two others.
fn has_blocks(text: &str) -> bool {
    let mut lines = text.trim().lines().map(str::trim);
    text.contains('\n') && lines.any(str::is_empty)
}

fn escaped_text(text: &str) -> String {
    if !text.contains(['<', '>', '&', '\u{A0}']) {
        return one_kind_of_breaks(text.trim().to_owned());
    }
    let mut out = String::with_capacity(text.len() + 16);
    // A blank that must not break stays: the serializer writes it as a reference.
    let blank = |letter: char| letter.is_whitespace() && letter != '\u{A0}';
    push_escaped(&mut out, decode(text).trim_matches(blank));
    one_kind_of_breaks(out)
}

/// A carriage return that a reference named is a line break to whoever reads the text next (HTML Standard 13.2.3.5,
/// XML 1.0, 2.11).
fn one_kind_of_breaks(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

/// True when a real element's start or end tag, or a comment, stands in it.
fn has_tags(text: &str) -> bool {
    let last = text.rfind('>').unwrap_or_default();
    text.match_indices('<').take_while(|(place, _)| *place < last).any(|(place, _)| {
        let inner = text.get(place + 1..).unwrap_or_default();
        inner.starts_with("!--") || is_element(Name::of(inner.strip_prefix('/').unwrap_or(inner)).as_str())
    })
}

/// Where the end of a tag is looked for: only behind `=` do quotes hide a `>` (HTML Standard 13.2.5.32 ff.).
enum Inside {
    Name,
    Attributes,
    BeforeValue,
    Value,
    Quoted(u8),
}

/// Bytes up to and with the `>` that ends a tag.
fn tag_end(tag: &str) -> usize {
    let mut inside = Inside::Name;
    for (place, byte) in tag.bytes().enumerate() {
        inside = match (inside, byte) {
            (Inside::Quoted(open), _) if open == byte => Inside::Attributes,
            (Inside::Quoted(open), _) => Inside::Quoted(open),
            (_, b'>') => return place + 1,
            (Inside::BeforeValue, b'"' | b'\'') => Inside::Quoted(byte),
            (Inside::BeforeValue, _) if byte.is_ascii_whitespace() => Inside::BeforeValue,
            (Inside::BeforeValue, _) => Inside::Value,
            (Inside::Value, _) if !byte.is_ascii_whitespace() => Inside::Value,
            (Inside::Name, _) if !byte.is_ascii_whitespace() && byte != b'/' => Inside::Name,
            (Inside::Attributes, b'=') => Inside::BeforeValue,
            _ => Inside::Attributes,
        };
    }
    tag.len()
}

/// True when a tree would be too deep or too large. Few tags cannot be nested deeply.
fn too_much(html: &str) -> bool {
    html.bytes().filter(|byte| *byte == b'<').count() > DEEPEST
        && (depth(html) > DEEPEST || measure::check(html, &TEXT).is_err())
}

/// How many elements are open at once at most, by a linear look at the tags.
/// An element whose end tag is missing counts to the end: rather too many than too few.
pub fn depth(html: &str) -> usize {
    let mut open: HashMap<Name, usize> = HashMap::new();
    let (mut now, mut most) = (0usize, 0usize);
    for piece in html.split('<').skip(1) {
        let (ending, name) = match piece.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, piece),
        };
        let name = Name::of(name);
        if name.is_empty() || VOID.contains(&name.as_str()) || SELF_ENDING.contains(&name.as_str()) {
            continue;
        }
        let count = open.entry(name).or_default();
        if !ending {
            *count += 1;
            now += 1;
            most = most.max(now);
        } else if *count > 0 {
            *count -= 1;
            now -= 1;
        }
    }
    most
}

/// The name of a tag in lower case, cut to 32 bytes, without the heap.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Name {
    letters: [u8; 32],
    length: u8,
}

impl Name {
    /// The name at the begin of `text`, which starts behind `<` or `</`.
    fn of(text: &str) -> Self {
        let mut name = Self { letters: [0; 32], length: 0 };
        let letters = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        for (slot, byte) in name.letters.iter_mut().zip(letters) {
            *slot = byte.to_ascii_lowercase();
            name.length += 1;
        }
        name
    }

    /// All of these bytes, whatever they are.
    fn whole(bytes: &[u8]) -> Self {
        let mut name = Self { letters: [0; 32], length: 0 };
        for (slot, byte) in name.letters.iter_mut().zip(bytes) {
            *slot = byte.to_ascii_lowercase();
            name.length += 1;
        }
        name
    }

    fn as_str(&self) -> &str {
        let letters = self.letters.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(letters).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// The visible text: tags gone, entities resolved, white space folded.
pub fn to_text(html: &str) -> String {
    strip(html, |_, _, _| true)
}

/// Like [`to_text`] for a text that may be plain: only `<` before the name of a real element, with a `>`
/// to end it, is a tag. In a short text one that is never closed is somebody's subject (`Centering a <div>`).
pub fn to_text_if_markup(text: &str) -> String {
    // Looking for ends costs the length of the text for each of its tags.
    let is_short = text.len() <= SHORT;
    let is_subject = |name: &str, rest: &str| {
        let closes = rest.starts_with('/') || VOID.contains(&name) || SELF_ENDING.contains(&name);
        is_short && !closes && !is_inline(name) && find_end_tag(rest, name) == rest.len()
    };
    strip(text, |name, rest, ended| ended && is_element(name) && !is_subject(name, rest))
}

/// `is_tag` is asked with a name, the text behind its `<`, and whether a `>` follows anywhere.
fn strip(html: &str, is_tag: impl Fn(&str, &str, bool) -> bool) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    let last = html.rfind('>').unwrap_or_default();
    while let Some(place) = rest.find('<') {
        let (before, tag) = rest.split_at(place);
        push_squeezed(&mut text, &decode(before));
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let inner = tag.get(1..).unwrap_or_default();
        let name = Name::of(inner.strip_prefix('/').unwrap_or(inner));
        let name = name.as_str();
        let declaration = inner.starts_with(['!', '?']);
        if !declaration && (name.is_empty() || !is_tag(name, inner, html.len() - inner.len() <= last)) {
            text.push('<');
            rest = inner;
            continue;
        }
        let end = tag_end(inner);
        rest = inner.get(end..).unwrap_or_default();
        if !is_inline(name) {
            push_squeezed(&mut text, " ");
        }
        if is_silent(name) && !inner.starts_with('/') {
            let close = find_end_tag(rest, name);
            rest = rest.get(close..).unwrap_or_default();
        }
    }
    push_squeezed(&mut text, &decode(rest));
    if text.ends_with(' ') {
        text.pop();
    }
    text
}

/// The first value of an attribute of this name in a piece of markup, whatever element has it.
pub fn attribute(html: &str, name: &str) -> Option<String> {
    let place = html.match_indices(name).map(|(place, _)| place).find(|place| {
        let before = html.get(..*place).is_some_and(|before| before.ends_with(char::is_whitespace));
        before && html.get(place + name.len()..).is_some_and(|after| after.trim_start().starts_with('='))
    })?;
    let (_, value) = html.get(place..)?.split_once('=')?;
    let value = value.trim_start();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let value = match quote {
        Some(quote) => value.get(1..)?.split(quote).next()?,
        None => value.split(|letter: char| letter.is_whitespace() || letter == '>').next()?,
    };
    Some(decode(value).trim().to_owned()).filter(|value| !value.is_empty())
}

/// Where `</name` begins, or the end.
fn find_end_tag(text: &str, name: &str) -> usize {
    let mut from = 0;
    while let Some(place) = text.get(from..).and_then(|rest| rest.find("</")) {
        let at = from + place;
        let found = text.get(at + 2..at + 2 + name.len());
        if found.is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return at;
        }
        from = at + 2;
    }
    text.len()
}

/// Text as HTML: `&`, `<`, `>`, `"`, `'` escaped.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Plain text as HTML: blank lines part paragraphs, line ends stay line ends.
pub fn paragraphs(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut open = false;
    for line in text.lines().map(str::trim) {
        match (line.is_empty(), open) {
            (true, true) => out.push_str("</p>"),
            (true, false) => continue,
            (false, true) => out.push_str("<br>"),
            (false, false) => out.push_str("<p>"),
        }
        open = !line.is_empty();
        push_escaped(&mut out, line);
    }
    if open {
        out.push_str("</p>");
    }
    out
}

fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(place) = rest.find(['&', '<', '>', '\u{A0}']) {
        let (plain, special) = rest.split_at(place);
        out.push_str(plain);
        let mut letters = special.chars();
        out.push_str(match letters.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            _ => "&nbsp;",
        });
        rest = letters.as_str();
    }
    out.push_str(rest);
}

/// A title once more decoded where its entities were escaped twice ("AT&amp;amp;T"). What would become a
/// sign of markup stays: it is somebody's subject.
pub fn decode_again(text: String) -> String {
    match decode(&text) {
        Cow::Owned(decoded) if !decoded.contains(['<', '>']) => decoded,
        _ => text,
    }
}

/// HTML whose every tag was escaped once too often, with its tags; any other text as it is.
pub fn with_its_tags(html: &str) -> Cow<'_, str> {
    let trimmed = html.trim();
    let escaped = !trimmed.contains('<') && trimmed.starts_with("&lt;") && trimmed.ends_with("&gt;");
    if escaped { decode(trimmed) } else { Cow::Borrowed(html) }
}
