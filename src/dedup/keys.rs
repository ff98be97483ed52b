//! The keys of an entry: 128-bit hashes of typed, length-prefixed parts.

use super::{Rules, stated};
use crate::model::{Digest, Entry, EntryId};
use crate::{html, link, text};
use chrono::{DateTime, Utc};

/// The keys under which an entry may be known. `None`: it has no such key,
/// or the key identifies nothing in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Timestamp and title; without a title link, else content; without a timestamp title and link, else content.
    pub story: Digest,
    /// The story key, made single by link or guid: for the second of two stories of one document.
    pub twin: Digest,
    /// On record once a source had two stories under one story key: from then on the key alone
    /// tells no entry of that source from another.
    pub plural: Digest,
    /// The guid, byte for byte.
    pub guid: Option<Digest>,
    /// True when the guid is an absolute http(s), urn or tag id, which may count between sources.
    pub guid_global: bool,
    /// The canonical link.
    pub link: Option<Digest>,
    /// Timestamp and visible text.
    pub body: Option<Digest>,
    /// Hash of the folded title; `None` when it is empty.
    pub title: Option<i64>,
}

/// A published name from a key: a version 8 UUID (RFC 9562, 5.8).
pub(super) fn name(key: Digest, salt: &str) -> EntryId {
    let digest = Digest::of("entry", &[&key.0, salt.as_bytes()]);
    EntryId(uuid::Builder::from_custom_bytes(digest.0).into_uuid())
}

/// The title as it is compared: configured endings cut, then folded.
fn folded(title: &str, rules: &Rules) -> String {
    let mut rest = title;
    for suffix in &rules.suffixes {
        if let Some(found) = suffix.find(rest)
            && found.start() > 0
        {
            rest = rest.get(..found.start()).unwrap_or(rest);
        }
    }
    text::fold_title(rest)
}

/// A number for the folded title, for look-ups within a window of time.
pub fn title_key(title: &str, rules: &Rules) -> Option<i64> {
    let folded = folded(title, rules);
    if folded.is_empty() {
        return None;
    }
    let Digest(bytes) = Digest::of("title", &[folded.as_bytes()]);
    let (first, _) = bytes.split_at(8);
    Some(i64::from_le_bytes(first.try_into().unwrap_or_default()))
}

/// The visible text of an entry: content, else summary.
pub(super) fn body_text(entry: &Entry) -> String {
    let markup = entry.content.as_deref().or(entry.summary.as_deref()).unwrap_or_default();
    text::fold_title(&html::to_text(markup))
}

fn story(
    title: &str,
    stated: Option<DateTime<Utc>>,
    link: Option<&str>,
    guid: Option<&str>,
    body: &str,
) -> Digest {
    let title = title.as_bytes();
    match (title.is_empty(), stated) {
        (false, Some(at)) => Digest::of("timestamp+title", &[&at.timestamp().to_le_bytes(), title]),
        (false, None) => match link {
            Some(link) => Digest::of("title+link", &[title, link.as_bytes()]),
            None => Digest::of("title+content", &[title, body.as_bytes()]),
        },
        (true, _) => match link {
            Some(link) => Digest::of("link", &[link.as_bytes()]),
            // Nothing but a guid: it names the story, or all such entries would be one.
            None if body.is_empty() => Digest::of("guid only", &[guid.unwrap_or_default().as_bytes()]),
            None => Digest::of("content", &[body.as_bytes()]),
        },
    }
}

/// The keys of one entry, before its document has a say.
pub fn keys(entry: &Entry, rules: &Rules) -> Keys {
    keys_with(entry, entry.link.as_deref().and_then(link::canonical), rules)
}

/// The same with a link already in canonical form (with its fragment, where only that tells entries apart).
pub(super) fn keys_with(entry: &Entry, link: Option<String>, rules: &Rules) -> Keys {
    let title = folded(&entry.title, rules);
    let stated = stated(entry);
    // The text of an unchanged entry was not made again; its digest already says who it is.
    let body = if entry.unchanged { String::new() } else { body_text(entry) };
    let guid = entry.guid.as_deref().filter(|guid| !guid.is_empty());
    let story = story(&title, stated, link.as_deref(), guid, &body);
    let apart = link.as_deref().or(guid).unwrap_or_default();
    Keys {
        story,
        twin: Digest::of("twin", &[&story.0, apart.as_bytes()]),
        plural: Digest::of("plural", &[&story.0]),
        guid: guid.map(|guid| Digest::of("guid", &[guid.as_bytes()])),
        guid_global: guid.is_some_and(is_global),
        link: link.map(|link| Digest::of("link", &[link.as_bytes()])),
        body: match stated {
            Some(at) if !body.is_empty() => {
                Some(Digest::of("body", &[&at.timestamp().to_le_bytes(), body.as_bytes()]))
            }
            _ => None,
        },
        title: title_key(&entry.title, rules),
    }
}

/// Only an id that its maker had to own may mean something between sources.
fn is_global(guid: &str) -> bool {
    let lower = guid.get(..8).unwrap_or(guid).to_ascii_lowercase();
    ["http://", "https://", "urn:", "tag:"].iter().any(|scheme| lower.starts_with(scheme))
}
