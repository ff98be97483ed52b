//! The tree of a page in document order, with what was counted in every element: characters, links, headings,
//! dates. Everything a list is recognized by is a difference of two sums. Never changes the page.

use std::collections::HashMap;

use ego_tree::iter::Edge;
use ego_tree::{NodeId, NodeRef};
use scraper::{ElementRef, Html, Node};

use super::words::{Mark, marks_of};
use crate::date;

/// Elements inside a line: between two of them no blank is seen.
const INLINE: [&str; 26] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "em", "font", "i", "kbd", "mark", "nobr", "q",
    "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr",
];
/// Elements whose text nobody reads.
pub(super) const SILENT: [&str; 11] = [
    "script", "style", "template", "noscript", "iframe", "textarea", "select", "svg", "object", "head",
    "button",
];
/// Elements of a text that is put together of several ("15", "March", "2024").
const FEW: usize = 10;
/// A text in which a date is looked for has at most so many bytes.
const DATE_TEXT: usize = 120;

/// The number of an element in document order.
pub(super) type Id = usize;

/// What stands in an element, or before a place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    /// Visible characters that are not white space.
    pub(super) chars: usize,
    /// Of these, within links.
    pub(super) linked: usize,
    /// Links with an address.
    pub(super) links: usize,
    /// Headings, `<h1>` to `<h6>`.
    pub(super) headings: usize,
    /// Short texts that hold a date, and `<time>` elements.
    pub(super) dates: usize,
}

impl Sums {
    fn minus(self, before: Self) -> Self {
        Self {
            chars: self.chars - before.chars,
            linked: self.linked - before.linked,
            links: self.links - before.links,
            headings: self.headings - before.headings,
            dates: self.dates - before.dates,
        }
    }
}

/// An element.
#[derive(Debug)]
pub(super) struct El<'a> {
    /// The element itself.
    pub(super) element: ElementRef<'a>,
    /// The one around it.
    pub(super) parent: Option<Id>,
    /// One past the last of its descendants.
    pub(super) end: Id,
    before: Sums,
    after: Sums,
    /// What its classes say, as bits.
    marks: u16,
    /// Some of its text is not within another element.
    text: bool,
}

/// All elements of a page, in document order.
#[derive(Debug)]
pub(super) struct Dom<'a> {
    els: Vec<El<'a>>,
    places: HashMap<NodeId, Id>,
}

impl<'a> Dom<'a> {
    /// Counts a page through, once.
    pub(super) fn new(html: &'a Html) -> Self {
        let mut counter = Counter::default();
        for edge in html.tree.root().traverse() {
            match edge {
                Edge::Open(node) => counter.open(node),
                Edge::Close(node) => counter.close(node),
            }
        }
        Self { els: counter.els, places: counter.places }
    }

    /// How many elements there are.
    pub(super) fn len(&self) -> usize {
        self.els.len()
    }

    /// The element of a number.
    pub(super) fn el(&self, id: Id) -> &El<'a> {
        self.els.get(id).expect("numbers of elements come from this page")
    }

    /// Its name.
    pub(super) fn name(&self, id: Id) -> &'a str {
        self.el(id).element.value().name()
    }

    /// One of its attributes, trimmed; empty ones are none.
    pub(super) fn attr(&self, id: Id, name: &str) -> Option<&'a str> {
        self.el(id).element.attr(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The number of an element.
    pub(super) fn id(&self, element: ElementRef<'a>) -> Option<Id> {
        self.places.get(&element.id()).copied()
    }

    /// What stands in an element.
    pub(super) fn sums(&self, id: Id) -> Sums {
        let el = self.el(id);
        el.after.minus(el.before)
    }

    /// What stands from the beginning of one element to the beginning of another, later one.
    pub(super) fn between(&self, from: Id, to: Id) -> Sums {
        self.el(to).before.minus(self.el(from).before)
    }

    /// An element and everything in it.
    pub(super) fn within(&self, id: Id) -> std::ops::Range<Id> {
        id..self.el(id).end
    }

    /// What is around an element, from within.
    pub(super) fn ancestors(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(self.el(id).parent, |id| self.el(*id).parent)
    }

    /// The elements right in an element.
    pub(super) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        let end = self.el(id).end;
        let first = (id + 1 < end).then_some(id + 1);
        std::iter::successors(first, move |id| Some(self.el(*id).end).filter(|next| *next < end))
    }

    /// The classes as they are written.
    pub(super) fn classes(&self, id: Id) -> impl Iterator<Item = &'a str> + use<'a> {
        self.el(id).element.attr("class").unwrap_or_default().split_ascii_whitespace()
    }

    /// Whether the classes or the id of an element say this of it.
    pub(super) fn is_marked(&self, id: Id, mark: Mark) -> bool {
        self.el(id).marks & mark.bit() != 0
    }

    /// Whether an element has text of its own, or is made of few elements that have.
    pub(super) fn is_text(&self, id: Id) -> bool {
        let el = self.el(id);
        el.text || el.end - id <= FEW
    }

    /// The visible text of an element, white space folded, without what `skip` says.
    pub(super) fn text_without(&self, id: Id, skip: &dyn Fn(Id) -> bool) -> String {
        self.text_of(std::iter::once(*self.el(id).element), skip)
    }

    /// The visible text of an element, white space folded.
    pub(super) fn text(&self, id: Id) -> String {
        self.text_without(id, &|_| false)
    }

    /// The visible text of some nodes that follow each other.
    pub(super) fn text_of(
        &self,
        nodes: impl IntoIterator<Item = NodeRef<'a, Node>>,
        skip: &dyn Fn(Id) -> bool,
    ) -> String {
        let mut text = String::new();
        for node in nodes {
            let mut hidden: Option<NodeId> = None;
            for edge in node.traverse() {
                match edge {
                    Edge::Open(inner) => match inner.value() {
                        Node::Text(said) if hidden.is_none() => text.push_str(said),
                        Node::Element(element) if hidden.is_none() => {
                            let left = SILENT.contains(&element.name())
                                || self.places.get(&inner.id()).is_some_and(|id| skip(*id));
                            if left {
                                hidden = Some(inner.id());
                            }
                            if left || !INLINE.contains(&element.name()) {
                                text.push(' ');
                            }
                        }
                        _ => {}
                    },
                    Edge::Close(inner) => {
                        if hidden == Some(inner.id()) {
                            hidden = None;
                        }
                        if let Node::Element(element) = inner.value()
                            && hidden.is_none()
                            && !INLINE.contains(&element.name())
                        {
                            text.push(' ');
                        }
                    }
                }
            }
        }
        crate::text::squeeze(&text)
    }
}

/// What an element's classes and names say of it, as bits.
fn marks(element: ElementRef<'_>) -> u16 {
    let said = ["class", "id", "role", "data-testid", "data-component"].map(|name| element.attr(name));
    said.into_iter().flatten().flat_map(parts).fold(0, |bits, word| bits | marks_of(&word))
}

/// The words in a class or id: `post-card__Title` holds `post`, `card`, `title`.
fn parts(said: &str) -> impl Iterator<Item = String> + '_ {
    said.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).flat_map(humps)
}

/// `navBar` → `nav`, `bar`, and the whole in small letters.
fn humps(word: &str) -> Vec<String> {
    let mut parts: Vec<String> = vec![word.to_lowercase()];
    let mut part = String::new();
    let mut after_small = false;
    for c in word.chars() {
        if c.is_uppercase() && after_small && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        after_small = c.is_lowercase() || c.is_numeric();
        part.extend(c.to_lowercase());
    }
    if parts.len() > 1 {
        parts.push(part);
    }
    parts
}

#[derive(Default)]
struct Counter<'a> {
    els: Vec<El<'a>>,
    places: HashMap<NodeId, Id>,
    open: Vec<Id>,
    sums: Sums,
    /// How many links, silent elements and `<time>` elements are open.
    links: usize,
    silent: usize,
    times: usize,
}

impl<'a> Counter<'a> {
    fn open(&mut self, node: NodeRef<'a, Node>) {
        match node.value() {
            Node::Text(text) if self.silent == 0 => self.text(text),
            Node::Element(_) => {
                let Some(element) = ElementRef::wrap(node) else { return };
                let id = self.els.len();
                self.els.push(El {
                    element,
                    parent: self.open.last().copied(),
                    end: id + 1,
                    before: self.sums,
                    after: self.sums,
                    marks: marks(element),
                    text: false,
                });
                self.places.insert(node.id(), id);
                self.open.push(id);
                self.enter(element);
            }
            _ => {}
        }
    }

    fn enter(&mut self, element: ElementRef<'a>) {
        let name = element.value().name();
        if SILENT.contains(&name) {
            self.silent += 1;
        }
        match name {
            "a" if element.attr("href").is_some() => {
                self.links += 1;
                self.sums.links += 1;
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.sums.headings += 1,
            _ if is_time(element.value()) => {
                self.times += 1;
                self.sums.dates += 1;
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        let chars = text.chars().filter(|c| !c.is_whitespace()).count();
        self.sums.chars += chars;
        if chars > 0
            && let Some(el) = self.open.last().and_then(|open| self.els.get_mut(*open))
        {
            el.text = true;
        }
        if self.links > 0 {
            self.sums.linked += chars;
        }
        let short = chars >= 6 && text.trim().len() <= DATE_TEXT;
        if self.times == 0 && short && holds_date(text) {
            self.sums.dates += 1;
        }
    }

    fn close(&mut self, node: NodeRef<'a, Node>) {
        let Node::Element(element) = node.value() else { return };
        let Some(id) = self.open.pop() else { return };
        let end = self.els.len();
        if let Some(el) = self.els.get_mut(id) {
            el.end = end;
            el.after = self.sums;
        }
        match element.name() {
            "a" if element.attr("href").is_some() => self.links = self.links.saturating_sub(1),
            _ if is_time(element) => self.times = self.times.saturating_sub(1),
            name if SILENT.contains(&name) => self.silent = self.silent.saturating_sub(1),
            _ => {}
        }
    }
}

/// `<time>`, and elements of a site's own that are like it.
fn is_time(element: &scraper::node::Element) -> bool {
    element.name() == "time" || element.attr("datetime").is_some()
}

/// Whether a short text holds a date with day, month and year.
pub(super) fn holds_date(text: &str) -> bool {
    text.contains(|c: char| c.is_numeric()) && date::find(text, chrono_tz::UTC).is_some()
}
