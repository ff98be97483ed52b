//! A page measured by its tags, in one pass, before a tree is built of it: the tree builder takes quadratic
//! time or unbounded memory for what is refused here. Never builds anything, and never says what a page is.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::ParseError;

/// Elements open at once.
const DEEPEST: usize = 512;
/// Attributes of one tag.
const MOST_ATTRIBUTES: usize = 256;
/// Nodes of the tree, those included that the builder makes again in every paragraph for formatting that was not
/// closed.
const MOST_NODES: usize = 4_000_000;
/// The builder keeps at most so many equal formatting elements open (HTML standard, "Noah's Ark clause").
const EQUAL_FORMATS: usize = 3;

/// Elements without content.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    "param",
];
/// Elements that the next of their kind, or the end of the one around them, closes.
const SELF_ENDING: [&str; 15] = [
    "a", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "option", "optgroup",
    "colgroup", "body",
];
/// Elements whose content has no tags.
const RAW: [&str; 8] = ["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"];
/// Elements that go on in the next paragraph when they were not closed in theirs.
const FORMATTING: [&str; 13] =
    ["b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// Refuses what would cost too much.
pub(super) fn check(html: &str) -> Result<(), ParseError> {
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
        let tag = Tag::read(inner)?;
        rest = inner.get(tag.length..).unwrap_or_default();
        if ends {
            pile.close(&tag.name);
            continue;
        }
        pile.open(&tag)?;
        if RAW.contains(&tag.name.as_str()) {
            rest = after_raw(rest, &tag.name);
        }
    }
    Ok(())
}

struct Tag {
    name: String,
    /// Bytes up to and with its `>`.
    length: usize,
    /// Tags with equal hashes are equal formatting.
    hash: u64,
}

impl Tag {
    fn read(inner: &str) -> Result<Self, ParseError> {
        let end = inner.bytes().take_while(|b| !b.is_ascii_whitespace() && !matches!(b, b'>' | b'/')).count();
        let name = inner.get(..end.min(32)).unwrap_or_default().to_ascii_lowercase();
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
        if attributes > MOST_ATTRIBUTES {
            let words = format!("a tag <{name}> of the page has more than {MOST_ATTRIBUTES} attributes");
            return Err(ParseError::Limit(words));
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
    open: Vec<String>,
    counts: HashMap<String, usize>,
    /// Formatting that was not closed by its own end tag: name and hash of its tag.
    formats: Vec<(String, u64)>,
    nodes: usize,
}

impl Pile {
    fn open(&mut self, tag: &Tag) -> Result<(), ParseError> {
        let name = tag.name.as_str();
        if FORMATTING.contains(&name) {
            let equal = self.formats.iter().filter(|(_, hash)| *hash == tag.hash).count();
            if equal < EQUAL_FORMATS {
                self.formats.push((name.to_owned(), tag.hash));
            }
        } else {
            // A new block opens what formatting is still on once more.
            self.nodes += self.formats.len();
            if !VOID.contains(&name) && !SELF_ENDING.contains(&name) {
                self.open.push(name.to_owned());
                *self.counts.entry(name.to_owned()).or_default() += 1;
            }
        }
        if self.open.len() + self.formats.len() > DEEPEST {
            return Err(ParseError::Limit(format!("the page is nested more than {DEEPEST} elements deep")));
        }
        if self.nodes > MOST_NODES {
            return Err(ParseError::Limit(format!("the page has more than {MOST_NODES} parts")));
        }
        Ok(())
    }

    /// Closes the innermost element of that name, and all in it.
    fn close(&mut self, name: &str) {
        if let Some(at) = self.formats.iter().rposition(|(open, _)| open == name) {
            self.formats.remove(at);
            return;
        }
        if self.counts.get(name).is_none_or(|count| *count == 0) {
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

    #[test]
    fn refuses_what_costs_too_much() {
        let limit = |html: &str| matches!(check(html), Err(ParseError::Limit(_)));
        assert!(limit(&"<div>".repeat(513)));
        assert!(limit(&"<DIV ><span\n>".repeat(300)));
        assert!(limit(&format!("<p {}>", "a=1 ".repeat(257))));
        assert!(limit(&format!("<p {}>", "a\n".repeat(300))));
        let fonts = (0..300).fold(String::new(), |all, n| all + &format!("<font size={n}>"));
        assert!(limit(&(fonts + &"<p>".repeat(20_000))));
    }

    #[test]
    fn lets_sloppy_pages_pass() {
        let fine = |html: &str| check(html).is_ok();
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
        assert!(check(&"<a b=\"".repeat(200_000)).is_err());
        assert!(check(&format!("<a b=\"{}", "<a b=".repeat(200_000))).is_ok());
        assert!(check(&"<textarea></".repeat(200_000)).is_ok());
    }
}
