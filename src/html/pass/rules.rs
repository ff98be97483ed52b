//! What the pass knows of elements and attributes: how the parser places them is here, what is allowed is asked of
//! the sanitizer. Never reads a text.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::clean::{WHOLE, builder};
use super::super::elements::SELF_ENDING;

/// How the tree builder treats an element (HTML Standard 13.2.6.4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Has no content and asks for no place.
    Void,
    /// `hr`: has no content and ends a paragraph.
    Rule,
    /// Its content is no markup.
    Raw,
    /// Goes on behind an end tag that does not match ("formatting").
    Format,
    /// Ends with whatever it stands in ("ordinary").
    Plain,
    Paragraph,
    /// Ends a paragraph ("special").
    Block,
    /// The same for lists, which keep their items apart.
    List,
    Heading,
    /// `li`.
    Item,
    /// `dt`, `dd`.
    Term,
    Table,
    /// `thead`, `tbody`, `tfoot`.
    Group,
    Row,
    Cell,
}

#[derive(Debug)]
pub(super) struct Element {
    pub name: &'static str,
    pub kind: Kind,
    /// It is written; what stands in it stays in any case, but for [`Kind::Raw`].
    pub kept: bool,
    /// It goes with all that stands in it.
    whole: bool,
    /// Its end tag may be left out: [`super::super::depth`] does not count it.
    pub ends_itself: bool,
    /// Bits of the attributes that are written.
    pub attributes: u64,
}

impl Element {
    /// It is taken out, but not what stands in it.
    pub(super) fn is_other(&self) -> bool {
        !self.kept && !self.whole
    }
}

/// Every element that the pass reads. What is in none of these lists ends it.
const KINDS: [(Kind, &[&str]); 15] = [
    (Kind::Void, &["br", "img", "wbr", "embed", "input", "source"]),
    (Kind::Rule, &["hr"]),
    (Kind::Raw, &["script", "style", "iframe"]),
    (
        Kind::Format,
        &["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"],
    ),
    (
        Kind::Plain,
        &[
            "abbr", "acronym", "audio", "bdi", "bdo", "cite", "data", "del", "dfn", "ins", "kbd", "label",
            "mark", "picture", "q", "samp", "span", "sub", "sup", "time", "var", "video", "o:p",
        ],
    ),
    (Kind::Paragraph, &["p"]),
    (
        Kind::Block,
        &[
            "address",
            "article",
            "aside",
            "blockquote",
            "center",
            "details",
            "div",
            "dl",
            "fieldset",
            "figcaption",
            "figure",
            "footer",
            "header",
            "hgroup",
            "main",
            "nav",
            "pre",
            "section",
            "summary",
        ],
    ),
    (Kind::List, &["ul", "ol"]),
    (Kind::Heading, &["h1", "h2", "h3", "h4", "h5", "h6"]),
    (Kind::Item, &["li"]),
    (Kind::Term, &["dt", "dd"]),
    (Kind::Table, &["table"]),
    (Kind::Group, &["thead", "tbody", "tfoot"]),
    (Kind::Row, &["tr"]),
    (Kind::Cell, &["td", "th"]),
];

/// An attribute that some element may have.
#[derive(Clone, Copy)]
pub(super) struct Attribute {
    pub bit: u64,
    pub is_link: bool,
}

pub(super) struct Rules {
    pub elements: FxHashMap<&'static str, Element>,
    pub attributes: FxHashMap<&'static str, Attribute>,
    /// Of links.
    pub schemes: FxHashSet<&'static str>,
}

impl Rules {
    fn make() -> Self {
        let allowed = builder();
        let (tags, generic, own) =
            (allowed.clone_tags(), allowed.clone_generic_attributes(), allowed.clone_tag_attributes());
        let mut attributes = FxHashMap::default();
        let mut bits = |names: &mut dyn Iterator<Item = &'static str>| {
            names.fold(0, |bits, name| {
                let next = u32::try_from(attributes.len()).ok().and_then(|next| 1_u64.checked_shl(next));
                let attribute = attributes.entry(name).or_insert_with(|| Attribute {
                    bit: next.expect("the sanitizer allows some thirty attributes"),
                    is_link: matches!(name, "href" | "src"),
                });
                bits | attribute.bit
            })
        };
        let generic = bits(&mut generic.into_iter());
        let mut elements = FxHashMap::default();
        for (kind, names) in KINDS {
            for name in names {
                let kept = tags.contains(name);
                let own = own.get(name).map_or(0, |own| bits(&mut own.iter().copied()));
                let attributes = if kept { generic | own } else { 0 };
                let (whole, ends_itself) = (WHOLE.contains(name), SELF_ENDING.contains(name));
                elements.insert(*name, Element { name, kind, kept, whole, ends_itself, attributes });
            }
        }
        Self { elements, attributes, schemes: allowed.clone_url_schemes().into_iter().collect() }
    }
}

static RULES: LazyLock<Rules> = LazyLock::new(Rules::make);

pub(super) fn rules() -> &'static Rules {
    &RULES
}
