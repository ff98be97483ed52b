//! Everything done to HTML: made inert, made plain, measured. Never fetches and never trusts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use url::Url;

mod entities;
#[cfg(test)]
mod tests;

pub use entities::{decode, reference};

/// Elements open at once, beyond which content is shown as text: html5ever is quadratic in the depth.
const DEEPEST: usize = 256;

/// Elements that never have content.
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
/// Elements whose end tag may be left out: their depth says nothing.
const SELF_ENDING: [&str; 12] =
    ["p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "colgroup"];
/// Elements whose content is no text for people.
const SILENT: [&str; 6] = ["script", "style", "template", "noscript", "iframe", "textarea"];
/// Elements inside a line: between two of them no blank is seen.
const INLINE: [&str; 24] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "kbd", "mark", "q", "s", "samp",
    "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr",
];

fn builder() -> Builder<'static> {
    let mut builder = Builder::default();
    builder
        .rm_tags(["map", "area"])
        .add_tags(["audio", "video", "source"])
        .add_tag_attributes("audio", ["src", "controls"])
        .add_tag_attributes("video", ["src", "controls", "width", "height"])
        .add_tag_attributes("source", ["src", "type"])
        .add_generic_attributes(["dir"])
        .clean_content_tags(std::collections::HashSet::from([
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
        ]))
        .url_schemes(std::collections::HashSet::from(["http", "https", "mailto"]))
        .link_rel(None)
        .strip_comments(true);
    builder
}

static WITHOUT_BASE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = builder();
    builder.url_relative(UrlRelative::Deny);
    builder
});

/// Clean, balanced HTML with absolute links: an allow-list of elements and attributes, parsed as a browser
/// does and serialized again; links only to http, https and mailto. Input that is nested too deeply
/// becomes escaped text. Cleaning twice changes nothing.
pub fn sanitize(html: &str, base: Option<&Url>) -> String {
    if !html.contains(['<', '&', '>']) {
        return html.trim().to_owned();
    }
    if depth(html) > DEEPEST {
        return escape(&to_text(html));
    }
    let base = base.filter(|base| matches!(base.scheme(), "http" | "https"));
    let clean = match base {
        None => WITHOUT_BASE.clean(html).to_string(),
        Some(base) => {
            let mut builder = builder();
            builder.url_relative(UrlRelative::RewriteWithBase(base.clone()));
            builder.clean(html).to_string()
        }
    };
    without_pixels(&clean).trim().to_owned()
}

/// Like [`sanitize`] for a text that may be plain: without the tag of a real element `<` is a character.
pub fn sanitize_if_markup(text: &str, base: Option<&Url>) -> String {
    if has_tags(text) {
        return sanitize(text, base);
    }
    let mut out = String::with_capacity(text.len() + 16);
    push_escaped(&mut out, decode(text).trim());
    out
}

/// True when a real element's start or end tag, or a comment, stands in it.
fn has_tags(text: &str) -> bool {
    let last = text.rfind('>').unwrap_or_default();
    text.match_indices('<').take_while(|(place, _)| *place < last).any(|(place, _)| {
        let inner = text.get(place + 1..).unwrap_or_default();
        inner.starts_with("!--") || is_element(&tag_name(inner.strip_prefix('/').unwrap_or(inner)))
    })
}

/// Images of no or one pixel are there to count readers.
fn without_pixels(clean: &str) -> String {
    let mut out = String::with_capacity(clean.len());
    let mut rest = clean;
    while let Some((before, tag)) = rest.split_once("<img") {
        out.push_str(before);
        let end = tag_end(tag);
        let (attributes, after) = tag.split_at_checked(end).unwrap_or((tag, ""));
        let pixel = ["width", "height"].iter().any(|side| {
            ["0", "1", "0px", "1px"].iter().any(|size| attributes.contains(&format!(" {side}=\"{size}\"")))
        });
        if !pixel {
            out.push_str("<img");
            out.push_str(attributes);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Bytes up to and with the `>` that ends a tag; quotes hide others.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (place, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return place + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    tag.len()
}

/// How many elements are open at once at most, by a linear look at the tags.
/// An element whose end tag is missing counts to the end: rather too many than too few.
pub fn depth(html: &str) -> usize {
    let mut open: HashMap<String, usize> = HashMap::new();
    let (mut now, mut most) = (0usize, 0usize);
    for piece in html.split('<').skip(1) {
        let (ending, name) = match piece.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, piece),
        };
        let name = tag_name(name);
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

fn tag_name(text: &str) -> String {
    let end = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'-').count();
    text.get(..end.min(32)).unwrap_or_default().to_ascii_lowercase()
}

/// The visible text: tags gone, entities resolved, white space folded.
pub fn to_text(html: &str) -> String {
    strip(html, |_, _| true)
}

/// Like [`to_text`] for a text that may be plain: only `<` before the name of a real element, with a `>`
/// to end it, is a tag.
pub fn to_text_if_markup(text: &str) -> String {
    strip(text, |name, ended| ended && is_element(name))
}

/// True for the name of an HTML element that stands in texts.
fn is_element(name: &str) -> bool {
    VOID.contains(&name)
        || SELF_ENDING.contains(&name)
        || SILENT.contains(&name)
        || INLINE.contains(&name)
        || matches!(
            name,
            "div"
                | "ul"
                | "ol"
                | "dl"
                | "table"
                | "blockquote"
                | "pre"
                | "h1"
                | "h2"
                | "h3"
                | "h4"
                | "h5"
                | "h6"
                | "center"
                | "tt"
                | "big"
                | "strike"
                | "del"
                | "ins"
                | "acronym"
                | "address"
                | "article"
                | "aside"
                | "figure"
                | "figcaption"
                | "footer"
                | "header"
                | "section"
                | "nav"
                | "svg"
                | "object"
                | "blink"
                | "marquee"
                | "nobr"
                | "html"
                | "body"
                | "head"
                | "title"
                | "form"
                | "button"
                | "label"
                | "select"
                | "video"
                | "audio"
                | "picture"
                | "details"
                | "summary"
                | "ruby"
                | "rt"
                | "rp"
                | "dfn"
                | "data"
        )
}

fn strip(html: &str, is_tag: impl Fn(&str, bool) -> bool) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    let last = html.rfind('>').unwrap_or_default();
    while let Some(place) = rest.find('<') {
        let (before, tag) = rest.split_at(place);
        text.push_str(&decode(before));
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let inner = tag.get(1..).unwrap_or_default();
        let name = tag_name(inner.strip_prefix('/').unwrap_or(inner));
        let declaration = inner.starts_with(['!', '?']);
        if !declaration && (name.is_empty() || !is_tag(&name, html.len() - inner.len() <= last)) {
            text.push('<');
            rest = inner;
            continue;
        }
        let end = tag_end(inner);
        rest = inner.get(end..).unwrap_or_default();
        if !INLINE.contains(&name.as_str()) {
            text.push(' ');
        }
        if SILENT.contains(&name.as_str()) && !inner.starts_with('/') {
            let close = find_end_tag(rest, &name);
            rest = rest.get(close..).unwrap_or_default();
        }
    }
    text.push_str(&decode(rest));
    crate::text::squeeze(&text)
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
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\u{A0}' => out.push_str("&nbsp;"),
            other => out.push(other),
        }
    }
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
