//! The keys of an entry: 128-bit hashes of typed, length-prefixed parts. Pure.
//!
//! A key that is made of a time begins with its day, and what is made of a key (a mark, a name) begins as that does.
//! The store keeps keys in trees, and what is new is mostly of today: so a poll touches a few pages that are at hand, and
//! not one at a random place for each key, whatever the number of entries stored.

use chrono::{DateTime, Utc};

use super::{Rules, stated};
use crate::model::{DedupRule, Digest, Entry, EntryId, Markup};
use crate::{link, text};

/// Characters of a folded text from which on it tells its entry from others by itself.
const TELLING: usize = 100;
/// So many digits of a long number say where it stands: of a time in milliseconds those of its day.
const DIGITS: u32 = 8;

/// The keys under which an entry may be known. `None`: it has no such key,
/// or the key identifies nothing in its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Timestamp and title; without a title link, else content; without a timestamp title and link, else content.
    pub story: Digest,
    /// The story key, made single by link or guid: for the second of two stories of one document.
    pub twin: Digest,
    /// The guid, byte for byte.
    pub guid: Option<Digest>,
    /// True when the guid is an absolute http(s), urn or tag id, which may count between sources.
    pub guid_global: bool,
    /// The canonical link; with its fragment where only that tells entries apart.
    pub link: Option<Digest>,
    /// The canonical link with its fragment, where it has one.
    pub place: Option<Digest>,
    /// Timestamp and visible text.
    pub body: Option<Digest>,
    /// True when the text is long enough to tell its entry from others by itself.
    pub telling: bool,
    /// Hash of the folded title; `None` when it is empty.
    pub title: Option<i64>,
    /// Hash of the visible text; `None` when it is empty or was not made again.
    pub text: Option<i64>,
    /// The timestamp of its identity.
    pub stated: Option<DateTime<Utc>>,
    /// What texts of nearly the same words share; empty where likeness is off or asks nothing of this one.
    pub bands: Vec<i64>,
    /// Its guid and its link where they identify nothing in this document, but may have in another.
    pub spare: Vec<Digest>,
    /// Keys to be marked: they stood on several stories and so identify none in this source.
    pub marks: Vec<Digest>,
    /// Where its guid and its link in every form stand among those of its source.
    pub stands: Vec<(Digest, [u8; 2])>,
    /// What stores have of it that were made when links held the secrets of their document's address.
    pub former: Option<Box<Keys>>,
}

/// The mark of a key that several stories of a source have had.
pub fn mark(key: Digest) -> Digest {
    Digest::of("plural", &[&key.0]).behind(key.place())
}

/// What the keys of an entry are made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    /// Folded.
    pub(super) title: String,
    pub(super) stated: Option<DateTime<Utc>>,
    pub(super) guid: Option<String>,
    /// Canonical, without fragment.
    pub(super) plain: Option<String>,
    /// Canonical, with a fragment, when it has one.
    pub(super) full: Option<String>,
    /// Folded visible text.
    pub(super) text: String,
    /// `plain` and `full` with the secrets of the document's address, where that makes others of them.
    pub(super) whole: Option<[Option<String>; 2]>,
}

impl Parts {
    pub(super) fn new(entry: &Entry, rules: &Rules) -> Self {
        let [plain, full] = plain_and_full(entry.link.as_deref());
        let whole = entry.whole_link.as_deref().map(|whole| plain_and_full(Some(whole)));
        Self {
            whole: whole.filter(|[whole, _]| *whole != plain),
            title: folded(&entry.title, rules),
            stated: stated(entry),
            guid: entry.guid.clone().filter(|guid| !guid.is_empty()),
            full,
            plain,
            // The text of an unchanged entry was not made again; its digest already says who it is.
            text: if entry.unchanged { String::new() } else { body_text(entry) },
        }
    }
}

/// A link as it is compared, without its fragment and, where it has one, with it.
fn plain_and_full(link: Option<&str>) -> [Option<String>; 2] {
    let plain = link.and_then(link::canonical);
    let full = link.filter(|link| link.contains('#')).and_then(link::canonical_with_fragment);
    let full = full.filter(|full| Some(full) != plain.as_ref());
    [plain, full]
}

/// Which of its parts identify an entry in its document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Telling<'a> {
    /// The link in the form that identifies; `None`: it identifies nothing.
    pub(super) link: Option<&'a str>,
    pub(super) guid: bool,
    /// The key of its text.
    pub(super) body: Option<Digest>,
}

/// The keys of one entry.
pub(super) fn make(parts: &Parts, telling: Telling<'_>) -> Keys {
    let guid = parts.guid.as_deref();
    let story = story(parts, telling.link);
    let apart = match (telling.link, guid) {
        (Some(link), _) => link,
        (None, Some(guid)) if telling.guid => guid,
        (None, _) if !parts.text.is_empty() => &parts.text,
        (None, _) => guid.unwrap_or_default(),
    };
    let own_guid = guid.map(|guid| (guid_key(guid), near(guid)));
    let placed_link = |link: &Option<String>| link.as_deref().map(|link| (link_key(link), near(link)));
    let (plain, full) = (placed_link(&parts.plain), placed_link(&parts.full));
    let telling_link = if telling.link == parts.full.as_deref() { full } else { plain };
    let key = |(key, _): (Digest, [u8; 2])| key;
    Keys {
        story,
        twin: Digest::of("twin", &[&story.0, apart.as_bytes()]).behind(story.place()),
        guid: own_guid.filter(|_| telling.guid).map(key),
        guid_global: guid.is_some_and(is_global),
        link: telling_link.filter(|_| telling.link.is_some()).map(key),
        place: full.map(key),
        body: telling.body,
        telling: parts.text.chars().nth(TELLING - 1).is_some(),
        title: number("title", &parts.title),
        text: number("text", &parts.text),
        stated: parts.stated,
        bands: Vec::new(),
        spare: Vec::new(),
        marks: Vec::new(),
        stands: [own_guid, plain, full].into_iter().flatten().collect(),
        former: None,
    }
}

/// The keys of an entry as they were while its link held the secrets of its document's address.
pub(super) fn former(parts: &Parts, telling: Telling<'_>) -> Option<Box<Keys>> {
    let [plain, full] = parts.whole.clone()?;
    let placed = telling.link.is_some() && telling.link == parts.full.as_deref();
    let former = Parts { plain, full, whole: None, ..parts.clone() };
    let link = if placed { former.full.as_deref() } else { former.plain.as_deref() };
    let link = link.filter(|_| telling.link.is_some());
    Some(Box::new(make(&former, Telling { link, ..telling })))
}

/// Where a guid or a link stands among those of its source: its key with two bytes that go by its longest number, as
/// [`of_its_day`] does for what has a time. What is published together mostly has numbers that lie together, be it that
/// of a post or that of a day (2026/11/29: a single mark ends no number). Only where the store keeps a key goes by this.
fn near(text: &str) -> [u8; 2] {
    let (mut number, mut digits, mut marked) = (0_u32, 0, false);
    let (mut longest, mut most) = (0, 0);
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            (digits, marked) = (digits + 1, false);
            if digits <= DIGITS {
                number = number * 10 + u32::from(byte - b'0');
            }
            if digits > most {
                (longest, most) = (number, digits);
            }
        } else if byte.is_ascii_punctuation() && !marked {
            marked = true;
        } else {
            (number, digits, marked) = (0, 0, false);
        }
    }
    let [.., high, low] = longest.to_be_bytes();
    [high, low]
}

/// A guid's or a link's key where it stands; and where it stood in stores made before that was so.
fn placed(key: Digest, text: &str) -> [Digest; 2] {
    [key.at(near(text)), key]
}

/// The key of a guid inside its source.
pub(super) fn guid_key(guid: &str) -> Digest {
    Digest::of("guid", &[guid.as_bytes()])
}

/// The key of a link inside its source.
pub(super) fn link_key(link: &str) -> Digest {
    Digest::of("link", &[link.as_bytes()])
}

/// The key of timestamp and text.
pub(super) fn body_key(parts: &Parts) -> Option<Digest> {
    let at = parts.stated.filter(|_| !parts.text.is_empty())?;
    Some(of_its_day("body", at, &parts.text))
}

/// A link in every form that may identify an entry: with its fragment, and without.
fn forms(link: &str) -> impl Iterator<Item = String> {
    [link::canonical_with_fragment(link), link::canonical(link)].into_iter().flatten()
}

/// True when a stored guid or link of a sighting leads to this key still.
pub fn leads_to(guid: Option<&str>, link: Option<&str>, key: Digest) -> bool {
    guid.map(guid_key) == Some(key) || link.into_iter().flat_map(forms).any(|link| link_key(&link) == key)
}

/// The keys, wherever they may stand, under which an address that somebody names may be known, as a link or as a guid.
pub fn keys_of_address(address: &str) -> Vec<Digest> {
    let links = forms(address).flat_map(|link| placed(link_key(&link), &link));
    placed(guid_key(address), address).into_iter().chain(links).collect()
}

/// The keys, wherever they may stand, under which a guid or a link counts between sources.
pub fn keys_between(rule: DedupRule, guid: Option<&str>, link: Option<&str>) -> Vec<Digest> {
    match rule {
        DedupRule::Guid => {
            let global = guid.filter(|guid| is_global(guid));
            global.into_iter().flat_map(|guid| placed(guid_key(guid), guid)).collect()
        }
        DedupRule::Link => {
            link.into_iter().flat_map(forms).flat_map(|link| placed(link_key(&link), &link)).collect()
        }
        DedupRule::TimestampTitle | DedupRule::None => Vec::new(),
    }
}

/// A published name from a key: a version 8 UUID (RFC 9562, 5.8).
pub(super) fn name(key: Digest, salt: &str) -> EntryId {
    let digest = Digest::of("entry", &[&key.0, salt.as_bytes()]).behind(key.place());
    EntryId(uuid::Builder::from_custom_bytes(digest.0).into_uuid())
}

/// The title as it is compared: configured endings cut, then folded.
pub(super) fn folded(title: &str, rules: &Rules) -> String {
    text::fold_title(without_suffix(title, rules))
}

/// The title without configured endings.
pub(super) fn without_suffix<'a>(title: &'a str, rules: &Rules) -> &'a str {
    let mut rest = title;
    for suffix in &rules.suffixes {
        if let Some(found) = suffix.find(rest)
            && found.start() > 0
        {
            rest = rest.get(..found.start()).unwrap_or(rest);
        }
    }
    rest
}

/// A number for a text, for look-ups; `None` for an empty one.
fn number(kind: &str, text: &str) -> Option<i64> {
    if text.is_empty() {
        return None;
    }
    let Digest(bytes) = Digest::of(kind, &[text.as_bytes()]);
    let (first, _) = bytes.split_at(8);
    Some(i64::from_le_bytes(first.try_into().unwrap_or_default()))
}

/// The visible text of an entry: content, else summary; folded.
pub(super) fn body_text(entry: &Entry) -> String {
    let markup = entry.content.as_ref().or(entry.summary.as_ref());
    text::fold_title(markup.map_or("", Markup::text))
}

/// The key of timestamp and title.
pub(super) fn dated(at: DateTime<Utc>, title: &str) -> Digest {
    of_its_day("timestamp+title", at, title)
}

/// The key of a time and a text, behind its day (1970 to 2149; what is outside stands at the ends).
fn of_its_day(kind: &str, at: DateTime<Utc>, text: &str) -> Digest {
    let seconds = at.timestamp();
    let day = seconds.div_euclid(86_400).clamp(0, i64::from(u16::MAX));
    let place = u16::try_from(day).unwrap_or_default().to_be_bytes();
    Digest::of(kind, &[&seconds.to_le_bytes(), text.as_bytes()]).behind(place)
}

fn story(parts: &Parts, link: Option<&str>) -> Digest {
    let title = parts.title.as_bytes();
    let text = parts.text.as_bytes();
    match (parts.title.is_empty(), parts.stated, link) {
        (false, Some(at), _) => dated(at, &parts.title),
        (false, None, Some(link)) => Digest::of("title+link", &[title, link.as_bytes()]),
        (false, None, None) => Digest::of("title+content", &[title, text]),
        // Not the key of the link itself: what has a title is met by its title.
        (true, _, Some(link)) => Digest::of("untitled+link", &[link.as_bytes()]),
        // Nothing but a guid: it names the story, or all such entries would be one.
        (true, _, None) if text.is_empty() => {
            Digest::of("guid only", &[parts.guid.as_deref().unwrap_or_default().as_bytes()])
        }
        // A few words ("Good morning") are said again another day.
        (true, Some(at), None) if parts.text.chars().nth(TELLING - 1).is_none() => {
            of_its_day("timestamp+content", at, &parts.text)
        }
        (true, _, None) => Digest::of("content", &[text]),
    }
}

/// Only an id that its maker had to own may mean something between sources.
fn is_global(guid: &str) -> bool {
    let lower = guid.get(..8).unwrap_or(guid).to_ascii_lowercase();
    ["http://", "https://", "urn:", "tag:"].iter().any(|scheme| lower.starts_with(scheme))
}
