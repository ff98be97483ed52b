//! Selectors for what was found without any: short ones, made of names and classes that mean something, tried
//! on the page itself. A selector that does not select the very same elements is not given out.

use std::collections::{BTreeSet, HashSet};

use scraper::Selector;

use super::dom::{Dom, Id};
use super::fields::Found;
use super::item::Item;
use super::list::List;
use super::select;
use crate::model::PageSelectors;

/// Selectors tried for the items of one list.
const MOST_TRIES: usize = 60;
/// So many of the items' selectors are joined by commas at most.
const MOST_PARTS: usize = 6;

/// The selector that selects these elements and no others.
pub(super) fn item(dom: &Dom<'_>, roots: &[Id]) -> Option<String> {
    let wanted: HashSet<Id> = roots.iter().copied().collect();
    let selects = |css: &str| {
        Selector::parse(css).is_ok_and(|selector| {
            let found = select::all(dom, &selector);
            found.len() == wanted.len() && found.iter().all(|id| wanted.contains(id))
        })
    };
    let contexts = contexts(dom, roots);
    let tries = tries(&steps_of_all(dom, roots, is_name), &contexts);
    if let Some(found) = tries.iter().find(|css| selects(css)) {
        return Some(found.clone());
    }
    several_kinds(dom, roots, &contexts, &selects)
        .or_else(|| without_others(dom, &wanted, &tries, &selects))
        // Names that a new version of the site may change, and places in the tree, are better than nothing.
        .or_else(|| {
            self::tries(&steps_of_all(dom, roots, is_plain), &contexts).into_iter().find(|css| selects(css))
        })
        .or_else(|| by_place(dom, roots, &selects))
}

fn tries(steps: &[String], contexts: &[String]) -> Vec<String> {
    // A bare `li` that is alone on the page today has company tomorrow.
    let is_bare = |step: &&String| !step.contains(['.', '[']) && step.as_str() != "article";
    let mut tries: Vec<String> = steps.iter().filter(|step| !is_bare(step)).cloned().collect();
    for context in contexts {
        for step in steps {
            tries.push(format!("{context} > {step}"));
            tries.push(format!("{context} {step}"));
        }
    }
    tries.truncate(MOST_TRIES);
    tries.extend(steps.iter().filter(is_bare).cloned());
    tries
}

/// Several kinds of elements: one selector each.
fn several_kinds(
    dom: &Dom<'_>,
    roots: &[Id],
    contexts: &[String],
    selects: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let mut kinds: Vec<String> = Vec::new();
    for root in roots {
        let one = step_of(dom, *root);
        if !kinds.contains(&one) {
            kinds.push(one);
        }
        if kinds.len() > MOST_PARTS {
            return None;
        }
    }
    let inside =
        |context: &str| kinds.iter().map(|kind| format!("{context}{kind}")).collect::<Vec<_>>().join(", ");
    let within = contexts.iter().map(|context| inside(&format!("{context} > ")));
    std::iter::once(inside("")).chain(within).take(MOST_TRIES).find(|css| selects(css))
}

/// By their place: the way from the nearest element with an id, or from the top, counted where names do not tell.
fn by_place(dom: &Dom<'_>, roots: &[Id], selects: &dyn Fn(&str) -> bool) -> Option<String> {
    let first = roots.first()?;
    let last = roots.last()?;
    let common = dom.ancestors(*first).find(|around| dom.within(*around).contains(last))?;
    let below = |id: Id| -> Vec<&str> {
        let mut names: Vec<&str> =
            dom.ancestors(id).take_while(|around| *around != common).map(|id| dom.name(id)).collect();
        names.reverse();
        names
    };
    let way = below(*first);
    if roots.iter().any(|root| below(*root) != way) {
        return None;
    }
    let mut above = Vec::new();
    for id in std::iter::once(common).chain(dom.ancestors(common)) {
        if let Some(name) = dom.attr(id, "id").filter(|name| is_name(name)) {
            above.push(format!("#{name}"));
            break;
        }
        let name = dom.name(id);
        let siblings =
            dom.el(id).parent.map(|parent| dom.children(parent).filter(|one| dom.name(*one) == name));
        let before = siblings.map_or(0, |siblings| siblings.take_while(|one| *one < id).count());
        let alone = dom
            .el(id)
            .parent
            .is_none_or(|parent| dom.children(parent).filter(|one| dom.name(*one) == name).count() == 1);
        above.push(if alone { name.to_owned() } else { format!("{name}:nth-of-type({})", before + 1) });
    }
    above.reverse();
    above.extend(way.into_iter().map(str::to_owned));
    steps_of_all(dom, roots, is_name)
        .into_iter()
        .map(|step| format!("{} > {step}", above.join(" > ")))
        .find(|css| selects(css))
}

/// A selector that takes too much, less the classes that only the others have.
fn without_others(
    dom: &Dom<'_>,
    wanted: &HashSet<Id>,
    tries: &[String],
    selects: &dyn Fn(&str) -> bool,
) -> Option<String> {
    let all_classes: HashSet<&str> = wanted.iter().flat_map(|id| dom.classes(*id)).collect();
    for css in tries.iter().take(MOST_TRIES) {
        let Ok(selector) = Selector::parse(css) else { continue };
        let found: HashSet<Id> = select::all(dom, &selector).into_iter().collect();
        let others: Vec<Id> = found.difference(wanted).copied().collect();
        if !wanted.is_subset(&found) || others.len() > wanted.len() {
            continue;
        }
        let mut not = BTreeSet::new();
        for other in others {
            let own = dom.classes(other).find(|class| !all_classes.contains(class) && is_name(class));
            not.extend(own);
        }
        let css = not.into_iter().fold(css.clone(), |css, class| format!("{css}:not(.{class})"));
        if selects(&css) {
            return Some(css);
        }
        // Others that are empty of what the items have.
        for inner in ["a", "h2", "h3", "time", "p"] {
            let css = format!("{css}:has({inner})");
            if selects(&css) {
                return Some(css);
            }
        }
    }
    None
}

/// What all elements have in common, the most telling first: `li.news`, `[itemprop="name"]`, `li`.
fn steps_of_all(dom: &Dom<'_>, ids: &[Id], counts: fn(&str) -> bool) -> Vec<String> {
    let Some((first, rest)) = ids.split_first() else { return Vec::new() };
    let name = dom.name(*first);
    let same_name = rest.iter().all(|id| dom.name(*id) == name);
    let mut classes: Vec<&str> = dom.classes(*first).filter(|class| counts(class)).take(8).collect();
    classes.retain(|class| rest.iter().all(|id| dom.classes(*id).any(|one| one == *class)));
    let mut steps = Vec::new();
    for class in &classes {
        steps.push(if same_name { format!("{name}.{class}") } else { format!(".{class}") });
    }
    if let [one, two, ..] = classes.as_slice() {
        steps.push(format!(".{one}.{two}"));
    }
    for attribute in ["itemprop", "property", "rel", "itemtype", "role", "data-testid"] {
        let value = dom
            .attr(*first, attribute)
            .filter(|value| !value.contains(['"', '\\', '\n']) && value.len() < 80);
        if let Some(value) =
            value.filter(|value| rest.iter().all(|id| dom.attr(*id, attribute) == Some(value)))
        {
            steps.push(format!("[{attribute}=\"{value}\"]"));
        }
    }
    if same_name {
        steps.push(name.to_owned());
    }
    steps
}

/// One element's own step.
fn step_of(dom: &Dom<'_>, id: Id) -> String {
    let name = dom.name(id);
    match dom.classes(id).find(|class| is_name(class)) {
        Some(class) => format!("{name}.{class}"),
        None => name.to_owned(),
    }
}

/// What is around all of the elements, from near to far: `ul.news`, `#content`, `main`.
fn contexts(dom: &Dom<'_>, ids: &[Id]) -> Vec<String> {
    let mut contexts = Vec::new();
    let parents: BTreeSet<Id> = ids.iter().filter_map(|id| dom.el(*id).parent).collect();
    let parents: Vec<Id> = parents.into_iter().collect();
    contexts.extend(steps_of_all(dom, &parents, is_name).into_iter().filter(|_| parents.len() > 1));
    let Some(first) = ids.first() else { return contexts };
    let last = ids.last().copied().unwrap_or(*first);
    for around in dom.ancestors(*first).filter(|around| dom.within(*around).contains(&last)).take(8) {
        if let Some(id) = dom.attr(around, "id").filter(|id| is_name(id)) {
            contexts.push(format!("#{id}"));
        }
        contexts.push(step_of(dom, around));
        if let Some(parent) = dom.el(around).parent {
            contexts.push(format!("{} > {}", step_of(dom, parent), step_of(dom, around)));
        }
    }
    contexts
}

/// A class or id that can stand in a selector as it is.
fn is_plain(said: &str) -> bool {
    let mut chars = said.chars();
    let starts = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts && said.len() <= 48 && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// One that means something too: no number of a post, no hash, no state.
fn is_name(said: &str) -> bool {
    let digits = said.chars().filter(char::is_ascii_digit).count();
    let state = ["odd", "even", "first", "last", "active", "selected", "current", "clearfix"].contains(&said);
    is_plain(said) && digits <= 2 && !state && !is_hash(said)
}

/// `css-1q2w3e`, `sc-bdVaJa`: made anew with each version of a site.
fn is_hash(said: &str) -> bool {
    let Some((start, end)) = said.split_once('-') else { return false };
    let mixed = end.chars().any(|c| c.is_ascii_digit()) && end.chars().any(|c| c.is_ascii_alphabetic());
    let capitals =
        end.chars().skip(1).any(|c| c.is_ascii_uppercase()) && end.chars().any(|c| c.is_ascii_lowercase());
    matches!(start, "css" | "sc" | "jss" | "svelte" | "emotion" | "jsx")
        && (mixed || capitals || end.len() <= 8)
}

/// Selectors for the fields, each of which gives in every item what was worked out.
pub(super) fn fields(dom: &Dom<'_>, list: &List<'_>, selectors: &mut PageSelectors) {
    let single = |of: &dyn Fn(&Found) -> Option<Id>| -> Option<String> {
        let ids: Vec<(usize, Id)> =
            list.found.iter().enumerate().filter_map(|(at, found)| Some((at, of(found)?))).collect();
        field(dom, &list.items, &ids)
    };
    selectors.title = single(&|found| found.title.as_ref()?.id);
    selectors.link = single(&|found| found.link.as_ref()?.id);
    selectors.date = single(&|found| found.published.as_ref().or(found.updated.as_ref())?.id);
    selectors.author = single(&|found| found.authors.first()?.id);
    selectors.image = single(&|found| found.image.as_ref()?.id);
    selectors.summary = single(&|found| found.summary.as_ref()?.1.first().copied());
    selectors.content = single(&|found| found.content.as_ref()?.1.first().copied());
}

/// A step whose first match in each item is the element that was found there, where one was.
fn field(dom: &Dom<'_>, items: &[Item<'_>], ids: &[(usize, Id)]) -> Option<String> {
    if ids.is_empty() {
        return None;
    }
    let elements: Vec<Id> = ids.iter().map(|(_, id)| *id).collect();
    let own = ids.iter().all(|(at, id)| items.get(*at).is_some_and(|item| item.root == *id));
    if own {
        return Some(":scope".to_owned());
    }
    let mut tries = steps_of_all(dom, &elements, is_name);
    let bare = tries.pop_if(|step| matches!(step.as_str(), "a" | "span" | "div" | "b" | "strong"));
    let parents: Option<Vec<Id>> = elements.iter().map(|id| dom.el(*id).parent).collect();
    let roots: HashSet<Id> = items.iter().map(|item| item.root).collect();
    if let Some(parents) = parents.filter(|parents| parents.iter().all(|parent| !roots.contains(parent))) {
        for step in steps_of_all(dom, &parents, is_name).into_iter().take(3) {
            tries.extend(
                steps_of_all(dom, &elements, is_name)
                    .into_iter()
                    .take(3)
                    .map(|inner| format!("{step} {inner}")),
            );
        }
    }
    // `a` alone is the first link of all; `h3 a` says which.
    tries.extend(bare);
    let first = |at: usize, field: &select::Field| {
        let item = items.get(at)?;
        field.matches(dom, item, |_| true).first().map(|one| one.id)
    };
    let fits = |css: &&String| {
        let Ok(field) = select::Field::parse("", css) else { return false };
        ids.iter().all(|(at, id)| first(*at, &field) == Some(*id))
    };
    tries.iter().take(MOST_TRIES).find(fits).cloned()
}
