//! HTML measured by its tags, in one pass, before a tree is built of it: the tree builder takes quadratic
//! time or unbounded memory for what is refused here. Never builds anything, and never says what a text is.

use std::hash::{DefaultHasher, Hash, Hasher};

use rustc_hash::FxHashMap;

use super::Name;

/// How much a tree may hold.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Elements open at once.
    pub deepest: usize,
    /// Attributes of one tag.
    pub attributes: usize,
    /// Nodes of the tree, those included that the builder makes again in every paragraph for formatting that was
    /// not closed.
    pub nodes: usize,
}

/// Which bound was passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Elements open at once.
    Depth,
    /// Attributes of the tag of this name.
    Attributes(String),
    /// Nodes of the tree.
    Nodes,
}

/// The builder keeps at most so many equal formatting elements open (HTML standard, "Noah's Ark clause").
const EQUAL_FORMATS: usize = 3;

/// Elements without content.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    "param",
];
/// Elements that the next of their kind, or the end of the one around them, closes.
const SELF_ENDING: [&str; 14] =
    ["a", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "colgroup", "body"];
/// Elements whose content has no tags.
const RAW: [&str; 8] = ["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"];
/// Elements that go on in the next paragraph when they were not closed in theirs.
const FORMATTING: [&str; 13] =
    ["b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// Refuses what would cost too much.
///
/// # Errors
/// The first bound that is passed.
pub fn check(html: &str, bounds: &Bounds) -> Result<(), Excess> {
    let mut pile = Pile::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..).unwrap_or_default();
        pile.nodes += 1;
        if let Some(comment) = rest.strip_prefix("!--") {
            // `<!-->` is a whole comment.
            let end = rest.find("-->").map_or(rest.len(), |end| end + 3);
            rest = if comment.starts_with('>') { comment } else { rest.get(end..).unwrap_or_default() };
            continue;
        }
        let ends = rest.starts_with('/');
        let inner = if ends { rest.get(1..).unwrap_or_default() } else { rest };
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let tag = Tag::read(inner, bounds)?;
        rest = inner.get(tag.length..).unwrap_or_default();
        if ends {
            pile.close(tag.name);
            continue;
        }
        pile.open(&tag, bounds)?;
        if RAW.contains(&tag.name.as_str()) {
            rest = after_raw(rest, tag.name.as_str());
        }
    }
    Ok(())
}

struct Tag {
    name: Name,
    /// Bytes up to and with its `>`.
    length: usize,
    /// Tags with equal hashes are equal formatting.
    hash: u64,
}

impl Tag {
    fn read(inner: &str, bounds: &Bounds) -> Result<Self, Excess> {
        let end = inner.bytes().take_while(|b| !b.is_ascii_whitespace() && !matches!(b, b'>' | b'/')).count();
        let name = Name::whole(inner.as_bytes().get(..end).unwrap_or_default());
        let (mut quote, mut before, mut attributes) = (None, b' ', 0usize);
        let mut length = inner.len();
        for (at, byte) in inner.bytes().enumerate().skip(end) {
            match (quote, byte) {
                (None, b'>') => {
                    length = at + 1;
                    break;
                }
                (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
                (Some(open), byte) if open == byte => quote = None,
                (Some(_), _) => continue,
                (None, _) => {
                    let parts = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'');
                    attributes += usize::from(parts(before) && !parts(byte) && byte != b'=');
                }
            }
            if quote.is_some() || !byte.is_ascii_whitespace() || before != b'=' {
                before = byte;
            }
        }
        if attributes > bounds.attributes {
            return Err(Excess::Attributes(name.as_str().to_owned()));
        }
        let mut hasher = DefaultHasher::new();
        inner.get(..length.min(1024)).hash(&mut hasher);
        Ok(Self { name, length, hash: hasher.finish() })
    }
}

/// Skips the content of a raw-text element, its end tag left to be read.
fn after_raw<'a>(html: &'a str, name: &str) -> &'a str {
    let mut from = 0;
    while let Some(at) = html.get(from..).and_then(|rest| rest.find("</")) {
        let start = from + at;
        let end = start + 2 + name.len();
        if html.get(start + 2..end).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return html.get(start..).unwrap_or_default();
        }
        from = start + 2;
    }
    ""
}

/// What is open.
#[derive(Default)]
struct Pile {
    open: Vec<Name>,
    counts: FxHashMap<Name, usize>,
    /// Formatting that was not closed by its own end tag: name and hash of its tag.
    formats: Vec<(Name, u64)>,
    nodes: usize,
}

impl Pile {
    fn open(&mut self, tag: &Tag, bounds: &Bounds) -> Result<(), Excess> {
        let name = tag.name.as_str();
        if FORMATTING.contains(&name) {
            let equal = self.formats.iter().filter(|(_, hash)| *hash == tag.hash).count();
            if equal < EQUAL_FORMATS {
                self.formats.push((tag.name, tag.hash));
            }
        } else {
            // A new block opens what formatting is still on once more.
            self.nodes += self.formats.len();
            if !VOID.contains(&name) && !SELF_ENDING.contains(&name) {
                self.open.push(tag.name);
                *self.counts.entry(tag.name).or_default() += 1;
            }
        }
        if self.open.len() + self.formats.len() > bounds.deepest {
            return Err(Excess::Depth);
        }
        if self.nodes > bounds.nodes { Err(Excess::Nodes) } else { Ok(()) }
    }

    /// Closes the innermost element of that name, and all in it.
    fn close(&mut self, name: Name) {
        if let Some(at) = self.formats.iter().rposition(|(open, _)| *open == name) {
            self.formats.remove(at);
            return;
        }
        if self.counts.get(&name).is_none_or(|count| *count == 0) {
            return;
        }
        while let Some(open) = self.open.pop() {
            if let Some(count) = self.counts.get_mut(&open) {
                *count -= 1;
            }
            if open == name {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Bounds = Bounds { deepest: 512, attributes: 256, nodes: 1_500_000 };

    #[test]
    fn refuses_what_costs_too_much() {
        let limit = |html: &str| check(html, &PAGE).is_err();
        assert!(limit(&"<div>".repeat(513)));
        assert!(limit(&"<DIV ><span\n>".repeat(300)));
        // Outside a select one stands in the other.
        assert!(limit(&"<option><optgroup>".repeat(600)));
        assert!(limit(&format!("<p {}>", "a=1 ".repeat(257))));
        assert!(limit(&format!("<p {}>", "a\n".repeat(300))));
        let fonts = (0..300).fold(String::new(), |all, n| all + &format!("<font size={n}>"));
        assert!(limit(&(fonts + &"<p>".repeat(20_000))));
    }

    #[test]
    fn lets_sloppy_pages_pass() {
        let fine = |html: &str| check(html, &PAGE).is_ok();
        assert!(fine(&"<div>".repeat(500)));
        assert!(fine(&"<p>one<li>two<tr><td>".repeat(10_000)));
        assert!(fine(&"<div><span>text</div>".repeat(10_000)));
        assert!(fine(&"<font size=2>text<br>".repeat(10_000)));
        assert!(fine(&format!("<script>{}</script>", "if (a <b ) x = '<div>'; ".repeat(2000))));
        assert!(fine(&format!("<p title=\"{}\">", "a b ".repeat(2000))));
        assert!(fine("<!--> <b <!-- <div> --"));
        assert!(fine("<"));
    }

    #[test]
    fn an_open_quote_costs_linear_time() {
        // Each second quote closes: one tag with very many attributes.
        assert!(check(&"<a b=\"".repeat(200_000), &PAGE).is_err());
        assert!(check(&format!("<a b=\"{}", "<a b=".repeat(200_000)), &PAGE).is_ok());
        assert!(check(&"<textarea></".repeat(200_000), &PAGE).is_ok());
    }
}
