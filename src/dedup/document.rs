//! What one document says of the keys of its entries: which of them identify nothing in it. Pure.
//!
//! Everything here sees one document only, and is linear in it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::inside::alike;
use super::keys::{Keys, Parts, Telling, body_key, former, guid_key, link_key, make};
use super::{Context, between, likeness};
use crate::model::{Digest, Entry};

/// Entries under one time from which on it looks like the time of a rebuild.
pub(super) const RUN: usize = 3;

/// The keys of a document's entries: what the store is asked about.
/// Keys that identify nothing in this document are already taken out.
#[derive(Clone, Debug, Default)]
pub struct DocumentKeys {
    /// One per entry.
    pub keys: Vec<Keys>,
    /// Entries whose guid stands on other stories of the document too.
    pub guids_shared: usize,
    /// The one time under which most of the document stands.
    pub run: Option<DateTime<Utc>>,
}

/// The keys of a document's entries.
pub fn document_keys(context: &Context<'_>, entries: &[Entry]) -> DocumentKeys {
    let parts: Vec<Parts> = entries.iter().map(|entry| Parts::new(entry, context.rules)).collect();
    let apart = only_fragments_differ(&parts);
    let links: Vec<Option<&str>> = parts.iter().map(|parts| identifying(context, parts, &apart)).collect();
    let links_of = |index: usize| links.get(index).copied().flatten();
    let guids = shared(
        &parts,
        |index| parts.get(index)?.guid.as_deref(),
        |one, two| match (links_of(one), links_of(two)) {
            (Some(a), Some(b)) => a != b || told_apart((entries, &parts), one, two),
            _ => other_story(&parts, one, two),
        },
    );
    let one_guid = |one: usize, two: usize| {
        let guid = |index: usize| parts.get(index).and_then(|parts| parts.guid.as_deref());
        guid(one).is_some() && guid(one) == guid(two) && !guids.contains(&one)
    };
    let several = shared(&parts, links_of, |one, two| other_story(&parts, one, two) && !one_guid(one, two));
    let bodies: Vec<Option<Digest>> = parts.iter().map(body_key).collect();
    let body_of = |index: usize| bodies.get(index).copied().flatten();
    let texts = shared(&parts, body_of, |one, two| {
        let one_link = links_of(one).is_some() && links_of(one) == links_of(two);
        let titles = [one, two].map(|index| parts.get(index).map(|parts| parts.title.as_str()));
        titles[0] != titles[1] && !one_guid(one, two) && !one_link
    });
    let pairs = pairs(&parts, &guids, &links);
    let keys = parts.iter().zip(entries).enumerate().map(|(index, (parts, entry))| {
        let link = links_of(index).filter(|_| !several.contains(&index));
        let guid = !guids.contains(&index);
        let body = body_of(index).filter(|_| !texts.contains(&index));
        let telling = Telling { link, guid, body };
        let mut keys = make(parts, telling);
        keys.former = former(parts, telling);
        let unclear = [
            parts.guid.as_deref().filter(|_| !guid && !pairs.contains(&index)).map(guid_key),
            links_of(index).filter(|_| several.contains(&index) && !pairs.contains(&index)).map(link_key),
            parts.plain.as_deref().filter(|plain| apart.contains(plain)).map(link_key),
            body_of(index).filter(|_| texts.contains(&index)),
        ];
        keys.marks = unclear.into_iter().flatten().collect();
        keys.spare = spare(parts, &keys);
        keys.bands = likeness::bands_of(context, entry, between::shown(context, entry).0);
        keys
    });
    DocumentKeys { keys: keys.collect(), guids_shared: guids.len(), run: run(&parts) }
}

/// Guid and link of an entry where they are not among its keys. (With a fragment the link always is.)
fn spare(parts: &Parts, keys: &Keys) -> Vec<Digest> {
    let guid = parts.guid.as_deref().filter(|_| keys.guid.is_none()).map(guid_key);
    let link =
        parts.plain.as_deref().filter(|_| keys.link.is_none() || keys.link == keys.place).map(link_key);
    guid.into_iter().chain(link).collect()
}

/// The one time under which most of a document stands: that of a rebuild, perhaps.
fn run(parts: &[Parts]) -> Option<DateTime<Utc>> {
    let mut runs: HashMap<DateTime<Utc>, usize> = HashMap::new();
    for at in parts.iter().filter_map(|parts| parts.stated) {
        *runs.entry(at).or_default() += 1;
    }
    let (at, length) = runs.into_iter().max_by_key(|(at, length)| (*length, *at))?;
    (length >= RUN && length * 2 >= parts.len()).then_some(at)
}

/// Canonical links whose entries differ in the fragment only.
fn only_fragments_differ(parts: &[Parts]) -> HashSet<&str> {
    let mut forms: HashMap<&str, HashSet<&str>> = HashMap::new();
    for one in parts {
        if let Some(plain) = one.plain.as_deref() {
            forms.entry(plain).or_default().insert(one.full.as_deref().unwrap_or(plain));
        }
    }
    forms.into_iter().filter(|(_, forms)| forms.len() > 1).map(|(plain, _)| plain).collect()
}

/// The form of an entry's link that may identify it: not a home page, not a bare host.
fn identifying<'a>(context: &Context<'_>, parts: &'a Parts, apart: &HashSet<&str>) -> Option<&'a str> {
    let plain = parts.plain.as_deref()?;
    let home = !plain.contains(['/', '?']) || context.home_links.iter().any(|home| home == plain);
    match &parts.full {
        Some(full) if home || apart.contains(plain) => Some(full),
        _ => Some(plain).filter(|_| !home),
    }
}

/// True when title, timestamp or (without titles) text say that two entries are two stories.
fn other_story(parts: &[Parts], one: usize, two: usize) -> bool {
    let (Some(one), Some(two)) = (parts.get(one), parts.get(two)) else { return false };
    let untitled = one.title.is_empty() && two.title.is_empty();
    one.title != two.title || one.stated != two.stated || (untitled && one.text != two.text)
}

/// True when two entries of one guid and one link are two stories.
fn told_apart((entries, parts): (&[Entry], &[Parts]), one: usize, two: usize) -> bool {
    let (Some(a), Some(b)) = (entries.get(one), entries.get(two)) else { return false };
    let (Some(one), Some(two)) = (parts.get(one), parts.get(two)) else { return false };
    // Who stood there before was told from the others then.
    let anew = !(a.unchanged && b.unchanged);
    let text = !one.text.is_empty() && one.text == two.text;
    anew && !text && nothing_stands((a, one.stated), (b, two.stated))
}

/// True when neither time nor title of two entries says that they are one: of a document whose entries all name the same
/// page, or where one was copied from another by hand. (What is told twice, after an edit say, keeps more.)
pub(super) fn nothing_stands(
    (one, at): (&Entry, Option<DateTime<Utc>>),
    (two, other): (&Entry, Option<DateTime<Utc>>),
) -> bool {
    // A time of change is another after every edit: it says nothing. Without times nothing would know them again.
    let edited = [one, two].iter().any(|entry| entry.published.is_none() && entry.updated.is_some());
    let other_time = at.zip(other).is_some_and(|(at, other)| at != other);
    other_time && !edited && !alike(&one.title, &two.title)
}

/// Entries that share guid and link with one other, and these with nobody else: two versions of one, perhaps, or a slip.
/// That says nothing of what comes later.
fn pairs<'a>(parts: &'a [Parts], guids: &HashSet<usize>, links: &[Option<&'a str>]) -> HashSet<usize> {
    if guids.is_empty() {
        return HashSet::new();
    }
    let mut with_guid: HashMap<Option<&str>, Vec<usize>> = HashMap::new();
    let mut with_link: HashMap<Option<&str>, usize> = HashMap::new();
    for (index, (parts, link)) in parts.iter().zip(links).enumerate() {
        with_guid.entry(parts.guid.as_deref()).or_default().push(index);
        *with_link.entry(*link).or_default() += 1;
    }
    let link = |index: &usize| links.get(*index).copied().flatten();
    let pair = |group: &Vec<usize>| {
        let [one, two] = group.as_slice() else { return false };
        guids.contains(one)
            && link(one).is_some()
            && link(one) == link(two)
            && with_link.get(&link(one)) == Some(&2)
    };
    with_guid.into_values().filter(pair).flatten().collect()
}

/// The indexes of entries that share a key with an entry that `other` says is another story.
fn shared<K: Eq + std::hash::Hash>(
    parts: &[Parts],
    key: impl Fn(usize) -> Option<K>,
    other: impl Fn(usize, usize) -> bool,
) -> HashSet<usize> {
    let mut groups: HashMap<K, Vec<usize>> = HashMap::new();
    for index in 0..parts.len() {
        if let Some(key) = key(index) {
            groups.entry(key).or_default().push(index);
        }
    }
    let differs = |group: &Vec<usize>| {
        group.split_first().is_some_and(|(first, rest)| rest.iter().any(|index| other(*first, *index)))
    };
    groups.into_values().filter(differs).flatten().collect()
}
