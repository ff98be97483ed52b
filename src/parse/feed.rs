//! RSS of every version, Atom and CDF: elements to raw entries.
//!
//! One pass: an entry's element is kept whole until its end, read, and let go.

use std::borrow::Cow;

use url::Url;

use super::xml::{self, Child, Listener, Node, Ns};
use super::{Input, ParseError, Parsed};
use crate::html;
use crate::model::{Format, Person, RawEntry, RawFeed, Text, TextKind, Warning};

mod entry;
mod head;
mod people;
mod podcast;

/// Entries taken from one document.
pub(super) const MOST_ENTRIES: usize = 5000;

/// Reads a document whose root is a feed.
pub(super) fn read(text: &str, input: &Input<'_>) -> Result<Parsed, ParseError> {
    let mut reader = FeedReader::new(input.url);
    let mended = xml::read(text, input.url, &mut reader)?;
    let Some(format) = reader.format else {
        return Err(ParseError::NoFeed("no RSS, Atom or CDF element in it".to_owned()));
    };
    let mut warnings: Vec<Warning> = mended.into_iter().map(Warning).collect();
    if reader.left > 0 {
        warnings.push(Warning(format!(
            "only the first {MOST_ENTRIES} entries were taken, {} were left",
            reader.left
        )));
    }
    if reader.cut > 0 {
        warnings.push(Warning("the last entry is cut off and was left out".to_owned()));
    }
    let mut feed = reader.head.finish(reader.feed);
    feed.language =
        feed.language.or(reader.root_language).or_else(|| input.content_language.map(str::to_owned));
    Ok(Parsed { format, feed, entries: reader.entries, warnings, learned: None, next_page: None })
}

struct FeedReader {
    format: Option<Format>,
    feed: RawFeed,
    head: head::Finds,
    root_language: Option<String>,
    entries: Vec<RawEntry>,
    left: usize,
    cut: usize,
}

impl FeedReader {
    fn new(_: Option<&Url>) -> Self {
        Self {
            format: None,
            feed: RawFeed::default(),
            head: head::Finds::default(),
            root_language: None,
            entries: Vec::new(),
            left: 0,
            cut: 0,
        }
    }
}

fn is_container(ns: Ns, name: &str) -> bool {
    matches!(name, "rss" | "rdf" | "feed" | "channel" | "items" | "svg" | "html")
        && !matches!(ns, Ns::Media | Ns::Itunes)
}

fn is_entry(ns: Ns, name: &str) -> bool {
    matches!(name, "item" | "entry") && matches!(ns, Ns::Rss | Ns::Atom | Ns::Other | Ns::Rdf | Ns::Xhtml)
}

/// Elements of entries and heads that never stand in a text.
fn is_field(name: &str) -> bool {
    matches!(
        name,
        "title"
            | "link"
            | "guid"
            | "id"
            | "description"
            | "summary"
            | "content"
            | "encoded"
            | "author"
            | "creator"
            | "category"
            | "comments"
            | "enclosure"
            | "pubdate"
            | "published"
            | "updated"
            | "issued"
            | "modified"
            | "date"
            | "language"
            | "copyright"
            | "rights"
            | "generator"
            | "lastbuilddate"
    )
}

/// The format that a root element announces.
fn announced(ns: Ns, name: &str, version: Option<&str>) -> Option<Format> {
    match (name, ns) {
        ("rss", _) => Some(match version.map(str::trim) {
            Some(version) if version.starts_with("0.9") => Format::Rss0,
            _ => Format::Rss2,
        }),
        ("rdf", _) => Some(Format::Rss1),
        ("feed", _) => Some(match version.map(str::trim) {
            Some(version) if version.starts_with("0.") => Format::Atom03,
            _ => Format::Atom,
        }),
        ("entry", Ns::Atom | Ns::Rss) => Some(Format::Atom),
        ("channel", _) => Some(Format::Cdf),
        _ => None,
    }
}

impl Listener for FeedReader {
    fn wants(&mut self, path: &[(Ns, &str)], ns: Ns, name: &str) -> bool {
        if is_entry(ns, name) {
            if path.is_empty() {
                // Alone it is a whole document; behind the end of one it is rubbish.
                let alone = self.format.is_none();
                self.format = self.format.or(announced(ns, name, None));
                return alone && self.format.is_some();
            }
            return self.format.is_some() && path.iter().any(|(ns, name)| is_container(*ns, name));
        }
        let inside = path.iter().any(|(ns, name)| is_container(*ns, name));
        inside && !is_container(ns, name)
    }

    fn ends_before(&self, kept: &str, ns: Ns, name: &str, direct: bool) -> bool {
        match (kept, name) {
            // An entry may stand inside `source` of another; RSS items never do.
            ("item" | "entry", "item") => matches!(ns, Ns::Rss | Ns::Other),
            ("entry", "entry") => direct && ns == Ns::Atom,
            ("item" | "entry" | "items", _) => false,
            // An element of the head that is never closed must not swallow the entries.
            (_, "item" | "entry") => is_entry(ns, name) && matches!(ns, Ns::Rss | Ns::Atom),
            _ => false,
        }
    }

    fn follows(&self, open: &str, ns: Ns, name: &str) -> bool {
        let holds_others = matches!(open, "source" | "image" | "textinput" | "item" | "entry" | "group");
        !holds_others && ns != Ns::Media && is_field(name)
    }

    fn opened(
        &mut self,
        ns: Ns,
        name: &str,
        attribute: &dyn Fn(&str) -> Option<String>,
        language: Option<&str>,
        base: Option<&Url>,
    ) {
        if self.format.is_none() {
            self.format = announced(ns, name, attribute("version").as_deref());
            if name == "channel"
                && ns == Ns::Rss
                && attribute("base").is_none()
                && attribute("href").is_none()
            {
                self.format = Some(Format::Rss1);
            }
        }
        if self.format.is_some() {
            if let Some(language) = language {
                self.root_language.get_or_insert_with(|| language.to_owned());
            }
            self.feed.base = base.map(Url::to_string).or(self.feed.base.take());
        }
        if name == "channel"
            && let Some(link) =
                attribute("href").or_else(|| attribute("about")).filter(|_| self.feed.link.is_none())
        {
            self.feed.link = Some(link).filter(|_| self.format == Some(Format::Cdf));
        }
    }

    fn whole(&mut self, node: Node) {
        let atom = matches!(self.format, Some(Format::Atom | Format::Atom03));
        if !is_entry(node.ns, &node.name) {
            self.head.read(&mut self.feed, &node, atom);
        } else if !node.closed {
            self.cut += 1;
        } else if self.entries.len() >= MOST_ENTRIES {
            self.left += 1;
        } else {
            self.entries.push(entry::read(&node, atom));
        }
    }
}

/// A text element of either family, with how to understand it.
fn text_of(node: &Node, atom: bool) -> Text {
    let type_ = node.attribute("type").unwrap_or_default().trim().to_ascii_lowercase();
    let mode = node.attribute("mode").unwrap_or_default().trim().to_ascii_lowercase();
    let native = atom || node.ns == Ns::Atom;
    let make = |value: String, kind: TextKind| Text {
        value,
        kind,
        base: node.base.as_ref().map(ToString::to_string),
        language: node.language.as_deref().filter(|_| node.own_language).map(str::to_owned),
    };
    if (mode == "base64" || type_ == "base64" || (native && is_base64(node, &type_)))
        && let Some(text) = unbase64(&node.text())
    {
        let kind = if type_ == "text/plain" || type_ == "text" { TextKind::Plain } else { TextKind::Html };
        return make(text, kind);
    }
    if native && type_ == "xhtml" || type_.contains("xhtml") && node.has_nodes() {
        return make(inside_div(node), TextKind::Html);
    }
    if node.has_nodes() {
        return make(node.markup(native && type_ != "html" && type_ != "text/html"), TextKind::Html);
    }
    let value = without_cdata(node.text());
    let kind = match type_.as_str() {
        "html" | "text/html" | "xhtml" | "application/xhtml+xml" => TextKind::Html,
        "text" | "text/plain" | "plain" | "text/markdown" => TextKind::Plain,
        // Atom 1.0: no type is text (RFC 4287 3.1.1). Many write HTML all the same.
        "" if native && mode.is_empty() && has_plain_lines(&value) => TextKind::Plain,
        _ => TextKind::Unknown,
    };
    make(value, kind)
}

/// Several lines, and no markup that says where they end.
fn has_plain_lines(text: &str) -> bool {
    text.contains('\n') && !html::is_markup(text)
}

/// A section that was escaped along with what it was to keep from being escaped.
fn without_cdata(text: String) -> String {
    match text.trim().strip_prefix("<![CDATA[").and_then(|inner| inner.strip_suffix("]]>")) {
        Some(inner) => inner.to_owned(),
        None => text,
    }
}

/// XHTML content stands in one `div` that is not part of it (RFC 4287 3.1.1.3).
fn inside_div(node: &Node) -> String {
    let mut nodes = node.nodes();
    let only = nodes.next().filter(|_| nodes.next().is_none());
    let blank = node.children.iter().all(|child| match child {
        Child::Text(text) => text.trim().is_empty(),
        Child::Node(_) => true,
    });
    match only {
        Some(div) if div.name == "div" && blank => div.markup(true),
        _ => node.markup(true),
    }
}

/// RFC 4287 4.1.3.3: media types that are no text and no XML are base64.
fn is_base64(node: &Node, type_: &str) -> bool {
    matches!(node.name.as_str(), "content" | "summary" | "title")
        && type_.contains('/')
        && !type_.starts_with("text/")
        && !type_.contains("xml")
        && !type_.contains("html")
        && !node.has_nodes()
}

/// RFC 4648 4, white space ignored. `None` when it is none, or no text.
fn unbase64(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut bits) = (0u32, 0);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        word = word << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(word >> bits & 0xFF).unwrap_or_default());
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
}

/// A link with the base of its element.
fn resolved(node: &Node, link: &str) -> Option<String> {
    let link = meant(link.trim());
    if link.is_empty() || link == "#" {
        return None;
    }
    let absolute = node.base.as_ref().and_then(|base| base.join(&link).ok());
    Some(absolute.map_or_else(|| link.into_owned(), |url| url.to_string()))
}

/// An address as people read it where it was written wrongly: escaped once too often, begun twice, without its
/// scheme, or within the markup of a link.
fn meant(link: &str) -> Cow<'_, str> {
    if link.starts_with('<')
        && let Some(inner) = html::attribute(link, "href")
    {
        return Cow::Owned(meant(inner.trim()).into_owned());
    }
    let again = |rest: &&str| rest.starts_with("http://") || rest.starts_with("https://");
    let link = ["http://", "https://"]
        .iter()
        .find_map(|begin| link.strip_prefix(begin))
        .filter(again)
        .unwrap_or(link);
    if link.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("www.")) {
        return Cow::Owned(format!("http://{}", link.replace("&amp;", "&")));
    }
    if link.contains("&amp;") { Cow::Owned(link.replace("&amp;", "&")) } else { Cow::Borrowed(link) }
}

/// The first that is not empty.
fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.trim().is_empty())
}

fn add_person(people: &mut Vec<Person>, person: Option<Person>) {
    let Some(person) = person else { return };
    // Named twice, once with an address and once without.
    let twin = |known: &&mut Person| {
        known.name == person.name && (known.email.is_none() || person.email.is_none()) && known.name.is_some()
    };
    if let Some(known) = people.iter_mut().find(twin) {
        known.email = known.email.take().or(person.email);
        known.uri = known.uri.take().or(person.uri);
    } else if !people.contains(&person) {
        people.push(person);
    }
}
