//! OPML in: every outline that names a feed, with the folders around it. Damage costs what it hits, nothing else.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Match, Regex};
use url::Url;

use super::xml::{self, Listener, Node, Ns};
use super::{ParseError, decode};
use crate::text;

/// A subscription of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// The address, as written.
    pub url: String,
    /// Its shown name; empty when there is none.
    pub title: String,
    /// The folders around it as `outer/inner`, and what it names as its categories; none twice.
    pub groups: Vec<String>,
}

/// Reads a list. What had to be mended is said.
///
/// # Errors
/// When it is no OPML, or breaks a limit of the parser.
pub fn read(bytes: &[u8]) -> Result<(Vec<Subscription>, Vec<String>), ParseError> {
    let (text, doubt) = decode::decode(bytes, None);
    let mut list = List::default();
    let mut mended = xml::read(&quotes(&text), None, &mut list)?;
    mended.extend(doubt);
    if !list.any {
        return Err(ParseError::NoFeed(
            "there is no <opml> and no <outline> in it: it is no OPML".to_owned(),
        ));
    }
    Ok((list.found, mended))
}

/// The text with the quotes inside of outlines' values escaped: one that is odd would swallow all that follows.
fn quotes(text: &str) -> Cow<'_, str> {
    static NAME: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new("\\s[A-Za-z_:][A-Za-z0-9_:-]*=\"").ok());
    let Some(name) = NAME.as_ref() else { return Cow::Borrowed(text) };
    let mut out = String::new();
    let mut done = 0;
    for (start, opening) in text.match_indices("<outline") {
        let inside = start + opening.len();
        let rest = text.get(inside..).unwrap_or_default();
        let tag = rest.get(..rest.find('<').unwrap_or(rest.len())).unwrap_or_default();
        let starts: Vec<_> = name.find_iter(tag).collect();
        // A `<` within a value: where the tag ends is anybody's guess.
        let whole = tag.trim_end().ends_with('>');
        if !whole || starts.len() * 2 == tag.matches('"').count() {
            continue;
        }
        out.push_str(text.get(done..inside).unwrap_or_default());
        out.push_str(tag.get(..starts.first().map_or(tag.len(), Match::start)).unwrap_or_default());
        for (place, one) in starts.iter().enumerate() {
            let end = starts.get(place + 1).map_or(tag.len(), Match::start);
            let value = tag.get(one.end()..end).unwrap_or_default();
            let (value, after) = value.rsplit_once('"').unwrap_or((value, ""));
            out.push_str(one.as_str());
            out.push_str(&value.replace('"', "&quot;"));
            out.push('"');
            out.push_str(after);
        }
        done = inside + tag.len();
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

#[derive(Default)]
struct List {
    found: Vec<Subscription>,
    /// The names of the open outlines.
    folders: Vec<String>,
    /// How many outlines are open around the element that begins.
    depth: usize,
    any: bool,
}

impl Listener for List {
    fn wants(&mut self, path: &[(Ns, &str)], _: Ns, _: &str) -> bool {
        self.depth = path.iter().filter(|(_, name)| *name == "outline").count();
        false
    }

    fn ends_before(&self, _: &str, _: Ns, _: &str, _: bool) -> bool {
        false
    }

    fn opened(
        &mut self,
        _: Ns,
        name: &str,
        attribute: &dyn Fn(&str) -> Option<String>,
        _: Option<&str>,
        _: Option<&Url>,
    ) {
        self.any |= matches!(name, "opml" | "outline");
        if name != "outline" {
            return;
        }
        // Nothing in the config may hold controls that are no white space.
        let is_lost = |c: char| c.is_control() && !c.is_whitespace();
        let one_line = |name: &str| {
            attribute(name).map(|text| text::squeeze(&text.replace(is_lost, ""))).filter(|t| !t.is_empty())
        };
        let title = one_line("title").or_else(|| one_line("text")).unwrap_or_default();
        self.folders.truncate(self.depth);
        if let Some(url) = one_line("xmlurl") {
            let within = self.folders.iter().filter(|name| !name.is_empty()).cloned();
            let mut groups = vec![within.collect::<Vec<_>>().join("/")];
            let categories = one_line("category").unwrap_or_default();
            groups.extend(categories.split(',').map(|one| one.trim().trim_matches('/').to_owned()));
            let mut seen = Vec::new();
            for group in groups {
                if !group.is_empty() && !seen.contains(&group) {
                    seen.push(group);
                }
            }
            self.found.push(Subscription { url, title: title.clone(), groups: seen });
        }
        self.folders.push(title);
    }

    fn whole(&mut self, _: Node) {}
}
