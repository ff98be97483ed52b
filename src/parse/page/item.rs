//! What belongs to an item of a list: its element, and where the element only leads (a heading, a `<dt>`, a date, a
//! link in a line of text) also what follows it. Given the leading elements, the answer is always the same, so
//! that a learned list and a configured one are read alike.

use std::collections::{HashMap, HashSet};

use ego_tree::NodeRef;
use scraper::Node;

use super::dom::{Dom, Id};
use crate::date;

/// Rows that may follow the row of an item and belong to it.
const ROWS: usize = 3;
/// A text that is nothing but a date is no longer than this.
const DATE_CHARS: usize = 60;

/// An item of a list.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    /// The element that the selector matches.
    pub(super) root: Id,
    /// The nodes that make it up: siblings that follow each other.
    pub(super) nodes: Vec<NodeRef<'a, Node>>,
}

impl<'a> Item<'a> {
    /// Its elements, in document order.
    pub(super) fn ids<'d>(&'d self, dom: &'d Dom<'a>) -> impl Iterator<Item = Id> + 'd {
        self.tops(dom).flat_map(|top| dom.within(top))
    }

    /// Its outermost elements.
    pub(super) fn tops<'d>(&'d self, dom: &'d Dom<'a>) -> impl Iterator<Item = Id> + 'd {
        self.nodes.iter().filter_map(|node| scraper::ElementRef::wrap(*node)).filter_map(|one| dom.id(one))
    }

    /// Its visible text.
    pub(super) fn text(&self, dom: &Dom<'a>, skip: &dyn Fn(Id) -> bool) -> String {
        dom.text_of(self.nodes.iter().copied(), skip)
    }
}

/// The items that these elements lead, in the same order.
pub(super) fn items<'a>(dom: &Dom<'a>, roots: &[Id]) -> Vec<Item<'a>> {
    let mut extent = Extent { dom, roots: roots.iter().copied().collect(), parents: HashMap::new() };
    for root in roots {
        if let Some(parent) = dom.el(*root).parent
            && !extent.parents.contains_key(&parent)
        {
            let around = Around {
                lines: dom.children(parent).any(|id| dom.name(id) == "br"),
                dates_lead: extent.date_before(*dom.el(*root).element).is_some(),
            };
            extent.parents.insert(parent, around);
        }
    }
    roots.iter().map(|root| Item { root: *root, nodes: extent.nodes(*root) }).collect()
}

struct Extent<'d, 'a> {
    dom: &'d Dom<'a>,
    roots: HashSet<Id>,
    parents: HashMap<Id, Around>,
}

/// What an element around items is like.
#[derive(Clone, Copy, Default)]
struct Around {
    /// It is text whose lines are broken by `<br>`.
    lines: bool,
    /// The first item in it has its date before it; then all have.
    dates_lead: bool,
}

impl<'a> Extent<'_, 'a> {
    fn nodes(&self, root: Id) -> Vec<NodeRef<'a, Node>> {
        let node = *self.dom.el(root).element;
        match self.dom.name(root) {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "dt" => {
                self.forward(root, self.around(root).dates_lead)
            }
            "a" | "b" | "strong" | "span" | "em" | "time" | "i" if self.around(root).lines => self.line(node),
            "tr" => self.rows(node),
            _ if is_date(self.dom, root) => self.forward(root, false),
            _ => vec![node],
        }
    }

    fn is_root(&self, node: NodeRef<'a, Node>) -> bool {
        self.id(node).is_some_and(|id| self.roots.contains(&id))
    }

    fn id(&self, node: NodeRef<'a, Node>) -> Option<Id> {
        self.dom.id(scraper::ElementRef::wrap(node)?)
    }

    /// From the root up to the next root, or to what begins something else.
    fn forward(&self, root: Id, led_by_date: bool) -> Vec<NodeRef<'a, Node>> {
        let node = *self.dom.el(root).element;
        let mut nodes: Vec<_> = led_by_date.then(|| self.date_before(node)).flatten().into_iter().collect();
        nodes.push(node);
        for next in node.next_siblings() {
            if self.is_root(next) || self.id(next).is_some_and(|id| self.ends(root, id)) {
                break;
            }
            nodes.push(next);
        }
        // The date that leads the next item is not of this one.
        if led_by_date {
            let last = nodes.iter().rposition(|node| self.id(*node).is_some());
            let dated = last.filter(|at| nodes.get(*at).is_some_and(|node| self.is_date_node(*node)));
            let next = nodes.last().and_then(NodeRef::next_sibling);
            if let Some(at) = dated.filter(|at| *at > 1 && next.is_some_and(|next| self.is_root(next))) {
                nodes.truncate(at);
            }
        }
        nodes
    }

    /// Whether an element after the root begins something else.
    fn ends(&self, root: Id, id: Id) -> bool {
        let (lead, name) = (self.dom.name(root), self.dom.name(id));
        let is_heading = |name: &str| matches!(name.as_bytes(), [b'h', b'1'..=b'6']);
        match name {
            "nav" | "footer" | "aside" | "form" | "hr" => true,
            _ if is_heading(name) && is_heading(lead) => name < lead,
            _ => false,
        }
    }

    fn is_date_node(&self, node: NodeRef<'a, Node>) -> bool {
        self.id(node).is_some_and(|id| is_date(self.dom, id))
    }

    fn date_before(&self, node: NodeRef<'a, Node>) -> Option<NodeRef<'a, Node>> {
        let before = node.prev_siblings().find(|before| before.value().is_element())?;
        (self.is_date_node(before) && !self.is_root(before)).then_some(before)
    }

    fn around(&self, root: Id) -> Around {
        let parent = self.dom.el(root).parent;
        parent.and_then(|parent| self.parents.get(&parent)).copied().unwrap_or_default()
    }

    /// The line of text that the root stands in.
    fn line(&self, node: NodeRef<'a, Node>) -> Vec<NodeRef<'a, Node>> {
        let parts = |node: &NodeRef<'a, Node>| {
            self.is_root(*node) || self.id(*node).is_some_and(|id| is_break(self.dom.name(id)))
        };
        let mut nodes: Vec<_> = node.prev_siblings().take_while(|node| !parts(node)).collect();
        nodes.reverse();
        nodes.push(node);
        nodes.extend(node.next_siblings().take_while(|node| !parts(node)));
        nodes
    }

    /// The row, and rows after it that are no items.
    fn rows(&self, node: NodeRef<'a, Node>) -> Vec<NodeRef<'a, Node>> {
        let following = node.next_siblings().filter(|node| node.value().is_element());
        let more: Vec<_> = following.take_while(|node| !self.is_root(*node)).take(ROWS + 1).collect();
        let mut nodes = vec![node];
        // More of them are another part of the table.
        if more.len() <= ROWS {
            nodes.extend(more);
        }
        nodes
    }
}

/// Elements that end a line.
fn is_break(name: &str) -> bool {
    matches!(
        name,
        "br" | "p"
            | "div"
            | "ul"
            | "ol"
            | "dl"
            | "table"
            | "hr"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "blockquote"
    )
}

/// Whether an element holds a date and nothing else.
pub(super) fn is_date(dom: &Dom<'_>, id: Id) -> bool {
    let chars = dom.sums(id).chars;
    (6..=DATE_CHARS).contains(&chars) && dom.is_text(id) && is_date_text(&dom.text(id))
}

/// Whether a text is a date and nothing else but signs.
pub(super) fn is_date_text(text: &str) -> bool {
    let Some((_, range)) = date::find(text, chrono_tz::UTC) else { return false };
    let rest = [text.get(..range.start), text.get(range.end..)];
    let mut letters = rest.into_iter().flatten().flat_map(str::chars).filter(|c| c.is_alphanumeric());
    letters.next().is_none()
}
