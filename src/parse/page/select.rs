//! The selectors of `[source.page]`: CSS with an `@attribute`, several candidates parted by commas, and `+` or `~`
//! in front for what follows an item. Says what is wrong with one in words. Never guesses a selector.

use scraper::Selector;
use scraper::error::SelectorErrorKind;

use super::dom::{Dom, Id};
use super::item::Item;

/// A field's selector: candidates, in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Field {
    /// Its key in the config.
    pub(super) key: &'static str,
    candidates: Vec<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    place: Place,
    /// `None`: the item itself.
    selector: Option<Selector>,
    attribute: Option<String>,
}

/// Where a candidate looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In all that belongs to the item.
    Item,
    /// In the element right after the item's own.
    Next,
    /// In the elements after the item's own, up to the next item.
    Following,
}

/// An element that was matched, and the attribute that is asked of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match<'f> {
    /// The element.
    pub(super) id: Id,
    /// `@attribute`, where one is written.
    pub(super) attribute: Option<&'f str>,
}

impl Field {
    /// Reads a selector as it is written.
    pub(super) fn parse(key: &'static str, written: &str) -> Result<Self, String> {
        let candidates = split(written, ',').into_iter().map(Candidate::parse);
        Ok(Self { key, candidates: candidates.collect::<Result<_, _>>()? })
    }

    /// What the first candidate that matches anything matches, for which `gives` is true.
    pub(super) fn matches<'f>(
        &'f self,
        dom: &Dom<'_>,
        item: &Item<'_>,
        gives: impl Fn(Match<'f>) -> bool,
    ) -> Vec<Match<'f>> {
        let mut found = Vec::new();
        for candidate in &self.candidates {
            found.clear();
            let attribute = candidate.attribute.as_deref();
            let ids = candidate.ids(dom, item).into_iter().map(|id| Match { id, attribute });
            found.extend(ids.filter(|one| gives(*one)));
            if !found.is_empty() {
                break;
            }
        }
        found
    }

    /// The same in a whole page.
    pub(super) fn matches_in_page<'f>(&'f self, dom: &Dom<'_>) -> Vec<Match<'f>> {
        for candidate in &self.candidates {
            let Some(selector) = &candidate.selector else { continue };
            let attribute = candidate.attribute.as_deref();
            let found: Vec<_> = all(dom, selector).into_iter().map(|id| Match { id, attribute }).collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}

impl Candidate {
    fn parse(written: &str) -> Result<Self, String> {
        let (css, attribute) = split_attribute(written)?;
        let (place, css) = match css.trim().split_at_checked(1) {
            Some(("+", rest)) => (Place::Next, rest.trim()),
            Some(("~", rest)) => (Place::Following, rest.trim()),
            _ => (Place::Item, css.trim()),
        };
        let own = matches!(css, "" | ":scope" | "&");
        let selector = if own { None } else { Some(css_selector(css)?) };
        if own && attribute.is_none() && place == Place::Item && css.is_empty() {
            return Err("a selector is empty".to_owned());
        }
        Ok(Self { place, selector, attribute: attribute.map(str::to_owned) })
    }

    fn ids(&self, dom: &Dom<'_>, item: &Item<'_>) -> Vec<Id> {
        let after = item.tops(dom).filter(|top| *top > item.root);
        let tops: Vec<Id> = match self.place {
            Place::Item => item.tops(dom).collect(),
            Place::Next => after.take(1).collect(),
            Place::Following => after.collect(),
        };
        let Some(selector) = &self.selector else {
            return if self.place == Place::Item { vec![item.root] } else { tops };
        };
        // `:scope` is the item's own element.
        let scope = dom.el(item.root).element;
        let ids = tops.into_iter().flat_map(|top| dom.within(top));
        let matched = |id: &Id| selector.matches_with_scope(&dom.el(*id).element, Some(scope));
        let (own, inner): (Vec<Id>, Vec<Id>) = ids.filter(matched).partition(|id| *id == item.root);
        // The item itself counts only where nothing in it does.
        if inner.is_empty() { own } else { inner }
    }
}

/// The elements of a page that a selector matches, in document order.
pub(super) fn all(dom: &Dom<'_>, selector: &Selector) -> Vec<Id> {
    (0..dom.len()).filter(|id| selector.matches(&dom.el(*id).element)).collect()
}

/// A CSS selector, or words about what is wrong with it.
pub(super) fn css_selector(css: &str) -> Result<Selector, String> {
    Selector::parse(css).map_err(|why| {
        let why = wrong(css, &why);
        format!("{css:?} is not a CSS selector: {why}; write it like ul.news > li or a[href]")
    })
}

/// What is wrong with it.
fn wrong(css: &str, why: &SelectorErrorKind) -> &'static str {
    let mut nesting = Nesting::default();
    for c in css.chars() {
        nesting.is_outside(c);
    }
    if nesting.is_open() {
        return "a bracket or a quotation mark is not closed";
    }
    if css.trim().is_empty() {
        return "it is empty";
    }
    if css.trim_end().ends_with(['>', '+', '~', ',']) {
        return "nothing stands behind its last sign";
    }
    if css.trim_start().starts_with(['>', '+', '~', ',']) {
        return "nothing stands before its first sign";
    }
    match why {
        SelectorErrorKind::EndOfLine => "it ends too early",
        _ if css.contains(':') => "what stands behind a colon is not known here",
        _ => "a sign stands where none is expected",
    }
}

/// `a.more@href` → `a.more` and `href`. An `@` in brackets, quotes or after a backslash is part of the selector.
fn split_attribute(written: &str) -> Result<(&str, Option<&str>), String> {
    let parts = split(written, '@');
    let Some((last, [_, ..])) = parts.split_last() else { return Ok((written, None)) };
    let name = last.trim();
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.')) {
        return Err(format!("{name:?} after @ is not the name of an attribute"));
    }
    let css = written.len() - last.len() - 1;
    Ok((written.get(..css).unwrap_or_default(), Some(name)))
}

/// Splits at a sign that is not in brackets, parentheses or quotes, nor after a backslash.
pub(super) fn split(written: &str, sign: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut nesting = Nesting::default();
    for (at, c) in written.char_indices() {
        if nesting.is_outside(c) && c == sign {
            parts.push(written.get(from..at).unwrap_or_default());
            from = at + c.len_utf8();
        }
    }
    parts.push(written.get(from..).unwrap_or_default());
    parts
}

/// Keeps track of brackets, quotes and backslashes.
#[derive(Default)]
pub(super) struct Nesting {
    depth: usize,
    quote: Option<char>,
    escaped: bool,
}

impl Nesting {
    /// Takes the next character; true when it stands outside of all of them.
    pub(super) fn is_outside(&mut self, c: char) -> bool {
        if std::mem::take(&mut self.escaped) {
            return false;
        }
        match (self.quote, c) {
            (_, '\\') => self.escaped = true,
            (Some(open), c) => {
                if c == open {
                    self.quote = None;
                }
            }
            (None, '"' | '\'') => self.quote = Some(c),
            (None, '(' | '[') => self.depth += 1,
            (None, ')' | ']') => self.depth = self.depth.saturating_sub(1),
            (None, _) => return self.depth == 0,
        }
        false
    }

    /// True while one of them is not closed.
    fn is_open(&self) -> bool {
        self.depth > 0 || self.quote.is_some()
    }
}

/// The first of an element, what is in it, and what is around it up to the item's own, that has an attribute.
pub(super) fn bearer<'a>(dom: &Dom<'a>, id: Id, names: &[&str], root: Id) -> Option<&'a str> {
    let value = |id: Id| names.iter().find_map(|name| dom.attr(id, name));
    let around = || dom.ancestors(id).take_while(|around| *around >= root).find_map(value);
    dom.within(id).find_map(value).or_else(around)
}
