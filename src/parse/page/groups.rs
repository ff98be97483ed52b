//! Elements of a page that repeat: by name and class under one parent, or all over the page. Each element is in
//! a bounded number of groups, so that their sizes add up to no more than the page. Never says which of them are news.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::dom::{Dom, Id, Sums};
use super::words::Mark;

/// So many classes of one element count.
const MOST_CLASSES: usize = 8;
/// So many groups are looked at closely.
const MOST_GROUPS: usize = 24;
/// An item with less visible text than this is none.
const SHORTEST: usize = 8;

/// Elements that may be the items of a list.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// The elements, none within another, in document order.
    pub(super) roots: Vec<Id>,
    /// True when the page itself says that they are entries or articles.
    pub(super) stated: bool,
}

/// What an element is grouped by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key<'a> {
    /// Children of one parent.
    Children(Id),
    Named(Id, &'a str),
    Classed(Id, &'a str, &'a str),
    /// All over the page.
    Class(&'a str),
    ClassedAnywhere(&'a str, &'a str),
    Path(u64),
    Stated(&'static str),
}

/// The groups that most look like lists, the best first.
pub(super) fn groups(dom: &Dom<'_>, parts: &Parts) -> Vec<Group> {
    let mut all: HashMap<Key<'_>, Vec<Id>> = HashMap::new();
    let mut paths: Vec<u64> = Vec::with_capacity(dom.len());
    for id in 0..dom.len() {
        let parent = dom.el(id).parent;
        let above = parent.and_then(|parent| paths.get(parent)).copied().unwrap_or_default();
        paths.push(hash(&(above, dom.name(id))));
        if !may_be_item(dom, id) || parts.is_hidden(id) {
            continue;
        }
        let short = dom.sums(id).chars < SHORTEST;
        for key in keys(dom, id, parent, paths.last().copied().unwrap_or_default()) {
            if !short || matches!(key, Key::Stated(_)) {
                all.entry(key).or_default().push(id);
            }
        }
    }
    let mut seen = HashSet::new();
    let mut groups: Vec<(f64, Group)> = Vec::new();
    for (key, ids) in all {
        let stated = matches!(key, Key::Stated(_));
        let roots = parts.chosen(dom, outermost(dom, ids));
        // One entry alone is a list only where the page says that it is one.
        let feed = || roots.iter().all(|root| stated && is_in_feed(dom, *root));
        if roots.is_empty() || roots.len() < 2 && !feed() {
            continue;
        }
        let group = Group { roots, stated };
        let score = score(dom, parts, &group);
        if score > 0.0 && (seen.insert(hash(&group.roots)) || stated) {
            groups.push((score, group));
        }
    }
    // Equal scores in the order of the page, whatever the order of the map.
    groups.sort_by(|(a, left), (b, right)| {
        b.total_cmp(a).then_with(|| right.stated.cmp(&left.stated)).then_with(|| left.roots.cmp(&right.roots))
    });
    groups.truncate(MOST_GROUPS);
    groups.into_iter().map(|(_, group)| group).collect()
}

fn is_in_feed(dom: &Dom<'_>, id: Id) -> bool {
    dom.ancestors(id).any(|around| {
        dom.classes(around).any(|class| class == "h-feed" || class == "hfeed")
            || dom.attr(around, "role") == Some("feed")
            || dom.attr(around, "itemtype").is_some_and(|kind| kind.ends_with("/Blog"))
    })
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Elements that can be, or lead, an item.
fn may_be_item(dom: &Dom<'_>, id: Id) -> bool {
    let never = matches!(
        dom.name(id),
        "html"
            | "head"
            | "body"
            | "nav"
            | "footer"
            | "form"
            | "script"
            | "style"
            | "template"
            | "noscript"
            | "img"
            | "br"
            | "hr"
            | "input"
            | "button"
            | "select"
            | "option"
            | "label"
            | "svg"
            | "iframe"
            | "picture"
            | "source"
            | "meta"
            | "link"
            | "colgroup"
            | "col"
            | "thead"
            | "caption"
            | "legend"
            | "main"
    );
    !never && dom.sums(id).chars > 0
}

fn keys<'a>(dom: &Dom<'a>, id: Id, parent: Option<Id>, path: u64) -> Vec<Key<'a>> {
    let name = dom.name(id);
    let mut keys = vec![Key::Path(path)];
    for class in dom.classes(id).take(MOST_CLASSES) {
        keys.push(Key::Class(class));
        keys.push(Key::ClassedAnywhere(name, class));
        keys.extend(parent.map(|parent| Key::Classed(parent, name, class)));
        if class == "h-entry" || class == "hentry" {
            keys.push(Key::Stated(if class == "hentry" { "hentry" } else { "h-entry" }));
        }
    }
    if let Some(parent) = parent {
        keys.push(Key::Children(parent));
        keys.push(Key::Named(parent, name));
    }
    if name == "article" {
        keys.push(Key::Stated("article"));
    }
    if is_story_type(dom.attr(id, "itemtype").or_else(|| dom.attr(id, "typeof")).unwrap_or_default()) {
        keys.push(Key::Stated("type"));
    }
    keys
}

/// Types of schema.org that are news.
pub(super) fn is_story_type(said: &str) -> bool {
    said.split_ascii_whitespace().any(|one| {
        let name = one.rsplit_once([':', '/', '#']).map_or(one, |(_, name)| name);
        name.ends_with("Article")
            || name.ends_with("Posting") && name != "JobPosting"
            || name == "Report"
            || name == "Post"
    })
}

fn outermost(dom: &Dom<'_>, ids: Vec<Id>) -> Vec<Id> {
    let mut end = 0;
    let outer = ids.into_iter().filter(|id| {
        let fresh = *id >= end;
        end = end.max(dom.el(*id).end);
        fresh
    });
    outer.collect()
}

/// A first guess by sums alone.
fn score(dom: &Dom<'_>, parts: &Parts, group: &Group) -> f64 {
    let ends = group.roots.iter().skip(1).copied();
    let mut total = 0.0;
    let mut chars = 0;
    for (root, next) in group.roots.iter().zip(ends.map(Some).chain([None])) {
        let own = dom.sums(*root);
        // What follows a heading or a date is counted to it.
        let leads = matches!(dom.name(*root), "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "dt" | "a")
            || own.dates > 0 && own.chars < 40;
        let same = |next: &Id| dom.el(*next).parent == dom.el(*root).parent;
        let sums = match next.filter(same).filter(|_| leads) {
            Some(next) => dom.between(*root, next),
            None => own,
        };
        chars += own.chars;
        total += worth(sums) * parts.factor(*root);
    }
    let count = as_f64(group.roots.len());
    let mean = total / count;
    // Many words in few items are a text, not a list.
    let share = as_f64(chars) / as_f64(parts.chars.max(1));
    let bonus = if group.stated { 1.5 } else { 1.0 };
    (1.0 + total).ln() * mean * (0.5 + share.min(0.5)) * bonus
}

fn worth(sums: Sums) -> f64 {
    let text = sums.chars.saturating_sub(sums.linked);
    let mut worth: f64 = 0.25;
    if sums.links == 0 && sums.headings == 0 && sums.dates == 0 {
        return 0.02;
    }
    if (1..=3).contains(&sums.dates) {
        worth += 0.3;
    }
    if (1..=2).contains(&sums.headings) {
        worth += 0.2;
    }
    if text >= 40 {
        worth += 0.15;
    }
    if sums.links > 0 && sums.chars / sums.links >= 12 {
        worth += 0.1;
    }
    let crowd = sums.headings.max(sums.dates).max(1);
    if crowd > 3 { worth * 3.0 / as_f64(crowd) } else { worth }
}

/// A count as a number to reckon with.
pub(super) fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

/// The parts of a page: navigation, footers and sidebars, and where its main part lies.
#[derive(Debug)]
pub(super) struct Parts {
    /// For every element: what part it lies in.
    part: Vec<Part>,
    /// The main part.
    main: Option<std::ops::Range<Id>>,
    /// Visible characters of the page.
    chars: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Body,
    Beside,
    Never,
    /// What somebody pays for.
    Paid,
}

impl Parts {
    /// Tells the parts.
    pub(super) fn new(dom: &Dom<'_>) -> Self {
        let chars = if dom.len() == 0 { 0 } else { dom.sums(0).chars };
        let mut part: Vec<Part> = Vec::with_capacity(dom.len());
        for id in 0..dom.len() {
            let around = dom.el(id).parent.and_then(|parent| part.get(parent)).copied().unwrap_or(Part::Body);
            part.push(around.max(part_of(dom, id, chars)));
        }
        let mains: Vec<Id> = (0..dom.len())
            .filter(|id| dom.name(*id) == "main" || dom.attr(*id, "role") == Some("main"))
            .filter(|id| part.get(*id) == Some(&Part::Body))
            .collect();
        let main = mains.first().filter(|_| mains.len() == 1).map(|id| dom.within(*id));
        Self { part, main, chars }
    }

    fn part(&self, id: Id) -> Part {
        self.part.get(id).copied().unwrap_or(Part::Body)
    }

    /// What no list is looked for in.
    fn is_hidden(&self, id: Id) -> bool {
        self.part(id) == Part::Paid
    }

    /// How much an item counts for where it stands.
    pub(super) fn factor(&self, id: Id) -> f64 {
        match self.part(id) {
            Part::Body => 1.0,
            Part::Beside => 0.35,
            Part::Never => 0.08,
            Part::Paid => 0.0,
        }
    }

    /// Without those that stand beside the others: in a sidebar while most do not, or after the main part while most
    /// are in it. What stands before it may be its first story, shown large.
    fn chosen(&self, dom: &Dom<'_>, ids: Vec<Id>) -> Vec<Id> {
        let best = ids.iter().map(|id| self.part(*id)).min().unwrap_or(Part::Body);
        let mut ids: Vec<Id> = ids.into_iter().filter(|id| self.part(*id) == best).collect();
        if let Some(main) = &self.main {
            let inside = ids.iter().filter(|id| main.contains(id)).count();
            let others = ids.len() - inside;
            if inside > others {
                let first = ids.iter().copied().find(|id| main.contains(id));
                let like_first = |id: Id| first.is_some_and(|first| dom.name(first) == dom.name(id));
                ids.retain(|id| main.contains(id) || *id < main.start && others <= 3 && like_first(*id));
            }
        }
        ids
    }
}

fn part_of(dom: &Dom<'_>, id: Id, chars: usize) -> Part {
    let name = dom.name(id);
    if matches!(name, "html" | "body" | "main") {
        return Part::Body;
    }
    if dom.is_marked(id, Mark::Paid) && dom.sums(id).chars * 2 < chars {
        return Part::Paid;
    }
    // Names are misused: what holds most of the page is its body.
    if dom.sums(id).chars * 2 > chars {
        return Part::Body;
    }
    match name {
        "nav" | "dialog" => Part::Never,
        // Some systems put whole lists into a form, for its filters.
        "form" if dom.sums(id).dates < 2 => Part::Never,
        "footer" if dom.ancestors(id).all(|around| dom.name(around) != "article") => Part::Never,
        _ if dom
            .attr(id, "role")
            .is_some_and(|role| matches!(role, "navigation" | "contentinfo" | "search" | "menu")) =>
        {
            Part::Never
        }
        _ if dom.is_marked(id, Mark::Never) => Part::Never,
        "aside" => Part::Beside,
        _ if dom.is_marked(id, Mark::Beside) => Part::Beside,
        _ => Part::Body,
    }
}
