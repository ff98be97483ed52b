//! HTML made inert: what may stand in it, and the two ways to get there, in one pass ([`super::pass`]) and by a tree.
//! Never lets anything through that is not on the lists here.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use rustc_hash::FxHashSet;
use url::{Position, Url};

use super::{
    Name, blocks, decode, escape, escaped_text, has_blocks, has_tags, one_kind_of_breaks, pass, tag_end,
    to_text, too_much,
};
use crate::link;

/// Elements that are taken out with all that stands in them.
pub(super) const WHOLE: [&str; 16] = [
    "script",
    "style",
    "svg",
    "math",
    "template",
    "noscript",
    "iframe",
    "object",
    "embed",
    "textarea",
    "select",
    "title",
    "xmp",
    "noembed",
    "noframes",
    "plaintext",
];

pub(super) fn builder() -> Builder<'static> {
    let mut builder = Builder::default();
    builder
        // A container of ruby that the HTML Standard calls obsolete (16.2); what stands in it stays.
        .rm_tags(["map", "area", "rtc"])
        // An address that nobody is shown, and that the sanitizer does not look at.
        .rm_tag_attributes("blockquote", ["cite"])
        .rm_tag_attributes("q", ["cite"])
        .rm_tag_attributes("del", ["cite"])
        .rm_tag_attributes("ins", ["cite"])
        .add_tags(["audio", "video", "source"])
        .add_tag_attributes("audio", ["src", "controls"])
        .add_tag_attributes("video", ["src", "controls", "width", "height"])
        .add_tag_attributes("source", ["src", "type"])
        .add_generic_attributes(["dir"])
        .clean_content_tags(HashSet::from(WHOLE))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(None)
        .strip_comments(true);
    builder
}

/// What is allowed is the same for every document; making it anew would cost as much as cleaning a short text.
pub(super) static ALLOWED: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = builder();
    builder.url_relative(UrlRelative::Custom(Box::new(absolute)));
    builder
});

/// Names of the elements that stay, or go with all that stands in them.
static WITH_CONTENT: LazyLock<FxHashSet<&'static str>> =
    LazyLock::new(|| builder().clone_tags().into_iter().chain(WHOLE).collect());

/// So often a text is cleaned once more at most; none is known that needs it twice.
const AGAIN: usize = 3;

thread_local! {
    /// Base of the text that this thread is cleaning.
    pub(super) static BASE: RefCell<Option<Url>> = const { RefCell::new(None) };
}

fn absolute(link: &str) -> Option<Cow<'_, str>> {
    BASE.with_borrow(|base| resolve(base.as_ref(), link).map(Cow::Owned))
}

/// A link made absolute; `None` without a base, or when it cannot be.
pub(super) fn resolve(base: Option<&Url>, link: &str) -> Option<String> {
    let base = base?;
    if is_plain_path(link) {
        // As joining gives it, for a tenth of the work.
        return base
            .as_str()
            .get(..base[..Position::BeforePath].len())
            .map(|origin| origin.to_owned() + link);
    }
    base.join(link).ok().map(Into::into)
}

/// True only for a path from the root, perhaps with a query, in which nothing is dropped, folded or encoded (URL
/// Standard 4.4, "path state" and "query state").
pub(super) fn is_plain_path(link: &str) -> bool {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/?=&".contains(&byte);
    link.starts_with('/') && link.bytes().all(stays) && !link.contains("//") && !link.contains("/.")
}

/// Cleans HTML whose relative links have one base.
#[derive(Clone, Debug)]
pub struct Cleaner {
    base: Option<Url>,
}

impl Cleaner {
    /// Only an http(s) base counts; without one, relative links are dropped.
    pub fn new(base: Option<&Url>) -> Self {
        Self { base: base.filter(|base| matches!(base.scheme(), "http" | "https")).cloned() }
    }

    /// Clean, balanced HTML with absolute links: an allow-list of elements and attributes, parsed as a browser
    /// does and serialized again; links only to http, https and mailto. Input that is nested too deeply,
    /// or would make too large a tree, becomes escaped text. Cleaning twice changes nothing.
    pub fn clean(&self, html: &str) -> String {
        if !html.contains(['<', '>']) {
            // Nothing to parse: references become characters, as they would in the tree.
            return escaped_text(html);
        }
        let (clean, others) = match pass::clean(html, self.base.as_ref()) {
            Some(cleaned) => {
                debug_assert!(!too_much(html), "the pass takes nothing that is too much");
                (cleaned.html, cleaned.others)
            }
            None if too_much(html) => return escape(&to_text(html)),
            None => (self.tree(html), has_other_tags(html)),
        };
        let once = |html: &str| match pass::clean(html, self.base.as_ref()) {
            Some(cleaned) => cleaned.html,
            None => self.tree(html),
        };
        finished(if others { again(clean, once) } else { clean })
    }

    /// The same as [`Cleaner::clean`], but slower: by a tree whatever the text is.
    #[doc(hidden)]
    pub fn clean_by_tree(&self, html: &str) -> String {
        if !html.contains(['<', '>']) {
            return escaped_text(html);
        }
        if too_much(html) {
            return escape(&to_text(html));
        }
        let clean = self.tree(html);
        finished(if has_other_tags(html) { again(clean, |html| self.tree(html)) } else { clean })
    }

    fn tree(&self, html: &str) -> String {
        BASE.set(self.base.clone());
        ALLOWED.clean(html).to_string()
    }

    /// Like [`Cleaner::clean`] for a text that may be plain: without the tag of a real element `<` is a
    /// character, and blank lines part paragraphs.
    pub fn clean_if_markup(&self, text: &str) -> String {
        match text {
            _ if has_tags(text) => self.clean(text),
            _ if has_blocks(text) => finished(blocks(&decode(text))),
            _ => escaped_text(text),
        }
    }
}

/// [`Cleaner::clean`], once.
pub fn sanitize(html: &str, base: Option<&Url>) -> String {
    Cleaner::new(base).clean(html)
}

/// Cleaned once more as often as it changes something: what was taken out may have stood between elements that must
/// not stand in each other. A browser would read the rest anew, and otherwise.
fn again(mut clean: String, once: impl Fn(&str) -> String) -> String {
    for _ in 0..AGAIN {
        let again = once(&clean);
        if again == clean {
            break;
        }
        clean = again;
    }
    clean
}

/// What is the same however it was cleaned. A reference may name a character that no document may carry.
fn finished(clean: String) -> String {
    let clean = match crate::text::clean(&clean) {
        Cow::Borrowed(_) => clean,
        Cow::Owned(printable) => printable,
    };
    without_pixels(without_first_breaks(with_sound_escapes(one_kind_of_breaks(clean))))
}

/// True when an element begins in it that cleaning takes out, but not what stands in it.
pub(super) fn has_other_tags(html: &str) -> bool {
    html.match_indices('<').any(|(place, _)| {
        let inner = html.get(place + 1..).unwrap_or_default();
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return false;
        }
        let name = Name::of(inner);
        // Names may go on with signs that ours do not: `x<h4`.
        let ends = |c: &u8| c.is_ascii_whitespace() || matches!(c, b'>' | b'/');
        let whole = inner.as_bytes().get(usize::from(name.length)).is_none_or(ends);
        !(whole && WITH_CONTENT.contains(name.as_str()))
    })
}

/// In links a percent sign that escapes nothing becomes one that is escaped: browsers take both for the same, but only
/// this one is an address (RFC 3986, 2.4).
fn with_sound_escapes(clean: String) -> String {
    if !clean.contains('%') {
        return clean;
    }
    let mut out = String::with_capacity(clean.len());
    let mut rest = clean.as_str();
    while let Some((before, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_at_checked(tag_end(tag)).unwrap_or((tag, ""));
        out.push_str(before);
        out.push('<');
        // The serializer writes every value in these quotes, and none that holds one.
        let mut name = "";
        for part in tag.split_inclusive('"') {
            if name.ends_with(" href=\"") || name.ends_with(" src=\"") {
                out.push_str(&link::with_sound_escapes(part));
            } else {
                out.push_str(part);
            }
            name = part;
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A line break right behind `<pre>` is none (HTML Standard 13.2.6.4.7): one that stood there twice would be lost
/// with the next reader, and the next one with the reader after that.
fn without_first_breaks(clean: String) -> String {
    if !clean.contains("<pre") {
        return clean;
    }
    let mut out = String::with_capacity(clean.len());
    let mut rest = clean.as_str();
    while let Some((before, tag)) = rest.split_once("<pre") {
        let (attributes, after) = tag.split_at_checked(tag_end(tag)).unwrap_or((tag, ""));
        for part in [before, "<pre", attributes] {
            out.push_str(part);
        }
        rest = after.trim_start_matches('\n');
    }
    out.push_str(rest);
    out
}

/// How the serializer writes the sides of an image that nobody can see.
const PIXELS: [&str; 8] = [
    " width=\"0\"",
    " width=\"1\"",
    " width=\"0px\"",
    " width=\"1px\"",
    " height=\"0\"",
    " height=\"1\"",
    " height=\"0px\"",
    " height=\"1px\"",
];

/// Images of no or one pixel are there to count readers.
fn without_pixels(clean: String) -> String {
    if !clean.contains("<img") {
        let trimmed = clean.trim_matches(is_edge);
        return if trimmed.len() == clean.len() { clean } else { trimmed.to_owned() };
    }
    let mut out = String::with_capacity(clean.len());
    let mut rest = clean.as_str();
    while let Some((before, tag)) = rest.split_once("<img") {
        out.push_str(before);
        let end = tag_end(tag);
        let (attributes, after) = tag.split_at_checked(end).unwrap_or((tag, ""));
        if !PIXELS.iter().any(|pixel| attributes.contains(pixel)) {
            out.push_str("<img");
            out.push_str(attributes);
        }
        rest = after;
    }
    out.push_str(rest);
    out.trim_matches(is_edge).to_owned()
}

/// What an end of a text is without: blanks, and the mark that says how a document is coded. The next reader would drop
/// that one at the beginning.
fn is_edge(letter: char) -> bool {
    letter.is_whitespace() || letter == '\u{FEFF}'
}
