//! What to say when a selector for the items matches nothing: what of it is still there, and what the page
//! has in its place; or that the list is there and empty. Says nothing about pages whose selectors match.

use std::collections::HashMap;
use std::fmt::Write as _;

use scraper::Selector;

use super::super::ParseError;
use super::dom::{Dom, Id};
use super::select::{self, Nesting, split};

/// So many kinds of elements are named.
const NAMED: usize = 4;

/// Why the items' selector matches nothing.
#[derive(Debug)]
pub(super) enum Missing {
    /// The list is there, and nothing is in it.
    Empty(String),
    /// The list is not there any more, or looks otherwise.
    Gone(ParseError),
}

/// Looks for what is left of a selector.
pub(super) fn missing(dom: &Dom<'_>, written: &str) -> Missing {
    let mut gone = String::new();
    for one in split(written, ',') {
        let one = one.trim();
        let steps = steps(one);
        for prefix in steps.iter().rev().skip(1) {
            let Some(found) = matching(dom, prefix) else { continue };
            if *prefix == steps.iter().rev().nth(1).copied().unwrap_or_default()
                && found.iter().all(|id| is_empty(dom, *id))
            {
                return Missing::Empty(format!(
                    "`item` of [source.page]: `{prefix}` is there, but no `{one}` in it: the list is empty"
                ));
            }
            if gone.is_empty() {
                let _ = write!(gone, "`{prefix}` is there with {}", contents(dom, &found));
            }
            break;
        }
    }
    if gone.is_empty() {
        let repeated = repeated(dom, (0..dom.len()).collect::<Vec<_>>().as_slice());
        gone = match repeated.as_str() {
            "" => "no part of it is there, and nothing on the page repeats".to_owned(),
            some => format!("no part of it is there; what repeats on the page: {some}"),
        };
    }
    Missing::Gone(ParseError::Selector(format!(
        "`item` of [source.page]: `{written}` matches nothing; {gone}"
    )))
}

fn matching(dom: &Dom<'_>, css: &str) -> Option<Vec<Id>> {
    let selector = Selector::parse(css).ok()?;
    Some(select::all(dom, &selector)).filter(|found| !found.is_empty())
}

/// `main ul.news > li` → `main`, `main ul.news`, `main ul.news > li`.
fn steps(css: &str) -> Vec<&str> {
    let mut ends = Vec::new();
    let mut nesting = Nesting::default();
    let mut between = true;
    for (at, c) in css.char_indices() {
        let outside = nesting.is_outside(c);
        let parts = outside && (c.is_whitespace() || matches!(c, '>' | '+' | '~'));
        if parts && !between {
            ends.push(at);
        }
        between = parts;
    }
    ends.push(css.len());
    ends.into_iter().filter_map(|end| css.get(..end)).collect()
}

/// Nothing in an element repeats, and it leads nowhere.
fn is_empty(dom: &Dom<'_>, id: Id) -> bool {
    let mut names: HashMap<(Option<Id>, &str), usize> = HashMap::new();
    for inner in dom.within(id).skip(1).filter(|inner| dom.sums(*inner).chars > 0) {
        *names.entry((dom.el(inner).parent, dom.name(inner))).or_default() += 1;
    }
    names.values().all(|count| *count < 2) && dom.sums(id).links <= 1
}

fn contents(dom: &Dom<'_>, found: &[Id]) -> String {
    let children: Vec<Id> = found.iter().flat_map(|id| dom.children(*id)).collect();
    let said = repeated(dom, &children);
    if !said.is_empty() {
        return said;
    }
    let inner: Vec<Id> = found.iter().flat_map(|id| dom.within(*id).skip(1)).collect();
    match repeated(dom, &inner).as_str() {
        "" if inner.is_empty() => "nothing in it".to_owned(),
        "" => format!("{} elements in it, none of which repeats", inner.len()),
        some => some.to_owned(),
    }
}

/// The kinds of elements that are there most often: "12 `div.card`, 3 `section`".
fn repeated(dom: &Dom<'_>, ids: &[Id]) -> String {
    let mut kinds: HashMap<String, (usize, Id)> = HashMap::new();
    let visible = ids.iter().filter(|id| dom.sums(**id).chars > 0);
    for id in visible {
        let class = dom.classes(*id).next();
        let kind =
            class.map_or_else(|| dom.name(*id).to_owned(), |class| format!("{}.{class}", dom.name(*id)));
        kinds.entry(kind).or_insert((0, *id)).0 += 1;
    }
    let mut kinds: Vec<(String, usize, Id)> = kinds
        .into_iter()
        .filter(|(_, (count, _))| *count >= 2)
        .map(|(kind, (count, first))| (kind, count, first))
        .collect();
    // Kinds with a class say more than bare names.
    kinds.sort_by_key(|(kind, count, first)| (!kind.contains('.'), std::cmp::Reverse(*count), *first));
    let named =
        kinds.iter().take(NAMED).map(|(kind, count, _)| format!("{count} `{}`", crate::text::visible(kind)));
    named.collect::<Vec<_>>().join(", ")
}
