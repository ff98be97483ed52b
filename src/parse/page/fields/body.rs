//! The text of an item: what is stated to be its summary or content, else its paragraphs, else what is left
//! when title, dates, names and links are taken away.

use std::collections::HashSet;

use super::super::dom::Id;
use super::super::item;
use super::super::words::{self, Mark};
use super::{Found, Picked, Reader, is_block};
use crate::html;
use crate::model::RawDate;

/// Fewer characters are a remark, no summary.
const SHORTEST: usize = 25;

impl Reader<'_, '_> {
    pub(super) fn body(&self, found: &mut Found) {
        let content = self
            .by_class("e-content")
            .chain(self.by_class("entry-content"))
            .chain(self.by_property(&["articleBody"]));
        found.content = self.first_with_text(content);
        let summary = self
            .by_class("p-summary")
            .chain(self.by_class("entry-summary"))
            .chain(self.by_property(&["description", "abstract"]));
        found.summary = self.first_with_text(summary.filter(|id| self.dom.name(*id) != "meta"));
        if found.content.is_some() || found.summary.is_some() {
            return;
        }
        let title = found.title.as_ref().and_then(|title| title.id);
        let mut taken: HashSet<Id> = HashSet::new();
        taken.extend(title);
        let dates = [&found.published, &found.updated];
        taken.extend(
            dates.into_iter().flatten().filter(|date| self.is_little_else(date)).filter_map(|date| date.id),
        );
        taken.extend(found.authors.iter().filter_map(|author| author.id));
        let holds_title = |id: Id| title.is_some_and(|title| self.dom.within(id).contains(&title));
        found.summary = self
            .paragraphs(&taken, &holds_title)
            .or_else(|| self.marked_text(&holds_title))
            .or_else(|| self.rest(&taken, found));
        // What says the title once more is no text.
        let title = found.title.as_ref().map(|title| title.value.as_str()).unwrap_or_default();
        found.summary.take_if(|(html, _)| html::to_text(html) == title);
    }

    /// Whether a date is what its element says, perhaps with a word before it ("Published on").
    fn is_little_else(&self, date: &Picked<RawDate>) -> bool {
        date.id.is_some_and(|id| {
            item::is_date(self.dom, id)
                || self.dom.sums(id).links == 0
                    && self.dom.sums(id).chars < date.value.text.chars().count() + SHORTEST
                    && self.text(id).contains(&date.value.text)
        })
    }

    fn first_with_text(&self, mut ids: impl Iterator<Item = Id>) -> Option<(String, Vec<Id>)> {
        let id = ids.find(|id| self.dom.sums(*id).chars > 0)?;
        Some((markup(self.dom, id), vec![id]))
    }

    /// Whether an element stands in a part that is not the item's text.
    fn is_aside(&self, id: Id) -> bool {
        std::iter::once(id).chain(self.up(id)).filter(|around| *around != self.item.root).any(|around| {
            matches!(self.dom.name(around), "nav" | "footer" | "figure" | "aside" | "form" | "button")
                || self.dom.is_marked(around, Mark::Side) && !self.dom.is_marked(around, Mark::Summary)
        })
    }

    /// All paragraphs, lists and quotes that are not within another one.
    fn paragraphs(&self, taken: &HashSet<Id>, holds_title: &dyn Fn(Id) -> bool) -> Option<(String, Vec<Id>)> {
        let mut kept: Vec<Id> = Vec::new();
        let mut end = 0;
        let mut has_paragraph = false;
        for id in self.ids.iter().copied() {
            let name = self.dom.name(id);
            if id < end
                || id == self.item.root
                || !matches!(name, "p" | "ul" | "ol" | "blockquote" | "pre" | "dd")
            {
                continue;
            }
            if taken.contains(&id) || holds_title(id) {
                continue;
            }
            end = self.dom.el(id).end;
            let sums = self.dom.sums(id);
            // A list of links alone is a list of subjects, and a date in a paragraph of its own is no text.
            let links_only = sums.linked + sums.links * 2 >= sums.chars;
            let list = matches!(name, "ul" | "ol");
            if sums.chars == 0
                || links_only && (list || sums.chars < SHORTEST || words::is_more(&self.text(id)))
            {
                continue;
            }
            if item::is_date(self.dom, id) || self.is_aside(id) || self.is_remark(id, taken) {
                continue;
            }
            has_paragraph |= !list;
            kept.push(id);
        }
        if !has_paragraph {
            return None;
        }
        let html: String = kept.iter().map(|id| markup(self.dom, *id)).collect();
        Some((html, kept))
    }

    /// A line that holds the date or the author and little else.
    fn is_remark(&self, id: Id, taken: &HashSet<Id>) -> bool {
        let inner = taken.iter().filter(|one| self.dom.within(id).contains(one));
        let chars: usize = inner.map(|one| self.dom.sums(*one).chars).sum();
        chars > 0 && self.dom.sums(id).chars < chars + SHORTEST
    }

    /// An element whose class says that it is the text.
    fn marked_text(&self, holds_title: &dyn Fn(Id) -> bool) -> Option<(String, Vec<Id>)> {
        let fits = |id: &Id| {
            *id != self.item.root
                && self.dom.sums(*id).chars >= SHORTEST
                && self.dom.is_marked(*id, Mark::Summary)
                && !holds_title(*id)
        };
        let id = self.ids.iter().copied().find(fits)?;
        Some((markup(self.dom, id), vec![id]))
    }

    /// The longest block that is not title, date or names; else what is left of the item's text.
    fn rest(&self, taken: &HashSet<Id>, found: &Found) -> Option<(String, Vec<Id>)> {
        let is_leaf = |id: &Id| {
            *id != self.item.root
                && is_block(self.dom.name(*id))
                && !taken
                    .iter()
                    .any(|one| self.dom.within(*id).contains(one) || self.dom.within(*one).contains(id))
                && self.dom.children(*id).all(|child| !is_block(self.dom.name(child)))
        };
        let fits = |id: &Id| {
            let sums = self.dom.sums(*id);
            sums.chars > SHORTEST && sums.linked * 2 < sums.chars && is_leaf(id) && !self.is_aside(*id)
        };
        let longest = self.ids.iter().copied().filter(fits).max_by_key(|id| self.dom.sums(*id).chars);
        if let Some(id) = longest {
            return Some((markup(self.dom, id), vec![id]));
        }
        let link = found.link.as_ref().and_then(|link| link.id);
        let skip = |id: Id| {
            taken.contains(&id)
                || Some(id) == link
                || matches!(self.dom.name(id), "nav" | "footer" | "time")
                || self.dom.is_marked(id, Mark::Side)
                || self.dom.is_marked(id, Mark::Author)
                || self.dom.name(id) == "a" && self.leads_elsewhere(id)
        };
        let text = self.item.text(self.dom, &skip);
        let title = found.title.as_ref().map(|title| title.value.as_str()).unwrap_or_default();
        let date = found.published.as_ref().map(|date| date.value.text.as_str()).unwrap_or_default();
        let mut text = text.replacen(title, "", usize::from(!title.is_empty()));
        text = text.replacen(date, "", usize::from(!date.is_empty()));
        let text = text.trim_matches(|c: char| {
            !c.is_alphanumeric() && !matches!(c, '.' | '!' | '?' | '"' | '»' | '”' | '。')
        });
        (text.chars().filter(|c| !c.is_whitespace()).count() >= SHORTEST)
            .then(|| (html::escape(text), Vec::new()))
    }
}

/// The HTML of an element: with its own tags where they are a paragraph's, a list's or a quote's, else what is in it.
pub(in super::super) fn markup(dom: &super::super::dom::Dom<'_>, id: Id) -> String {
    let element = dom.el(id).element;
    match dom.name(id) {
        "p" | "ul" | "ol" | "blockquote" | "pre" | "table" | "dl" | "figure" | "img" => element.html(),
        _ => element.inner_html(),
    }
}
