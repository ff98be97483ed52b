//! Feeds and entries: as a document said them (`Raw…`), and as we promise them.

use std::fmt;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::Markup;

/// A plain sentence about something that was read with a reservation or left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(pub String);

impl<T: Into<String>> From<T> for Warning {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a document turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// RSS 2.x (and RSS of no or unknown version).
    Rss2,
    /// RSS 1.0 and 1.1 (RDF).
    Rss1,
    /// RSS 0.90 to 0.94.
    Rss0,
    /// Atom 1.0.
    Atom,
    /// Atom 0.3 and drafts.
    Atom03,
    /// Channel Definition Format.
    Cdf,
    /// JSON Feed 1.x.
    Json,
    /// An HTML page.
    Page,
    /// Plain text.
    Text,
}

impl Format {
    /// The name `parse` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rss2 => "rss2",
            Self::Rss1 => "rss1",
            Self::Rss0 => "rss0",
            Self::Atom => "atom",
            Self::Atom03 => "atom03",
            Self::Cdf => "cdf",
            Self::Json => "json",
            Self::Page => "page",
            Self::Text => "text",
        }
    }
}

/// How a text is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// Characters only; `<` is a less-than sign.
    Plain,
    /// HTML markup.
    Html,
    /// The format does not say (RSS title, description): HTML if it looks so.
    Unknown,
}

/// A text with what is needed to understand it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The characters, entities of the carrying document resolved once.
    pub value: String,
    /// How to read them.
    pub kind: TextKind,
    /// `xml:base` in force where it stood, as far as the document says; may be relative.
    pub base: Option<String>,
    /// `xml:lang` in force where it stood, when set on the text itself.
    pub language: Option<String>,
}

impl Text {
    /// A plain text with no base of its own.
    pub fn plain(value: impl Into<String>) -> Self {
        Self { value: value.into(), kind: TextKind::Plain, base: None, language: None }
    }

    /// An HTML text with no base of its own.
    pub fn html(value: impl Into<String>) -> Self {
        Self { value: value.into(), kind: TextKind::Html, base: None, language: None }
    }
}

/// A person who wrote or sent something. At least one field is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Plain name.
    pub name: Option<String>,
    /// Address for mail.
    pub email: Option<String>,
    /// A page about the person.
    pub uri: Option<String>,
}

/// A subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Category {
    /// The term itself, plain text.
    pub term: String,
    /// The vocabulary it comes from (Atom `scheme`, RSS `domain`).
    pub scheme: Option<String>,
    /// A form for people.
    pub label: Option<String>,
}

impl Category {
    /// What it is called: by programs, and by people.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.term.as_str()).chain(self.label.as_deref())
    }
}

/// A file that comes with an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enclosure {
    /// Where it is. Raw: as written; in an [`Entry`]: absolute http(s).
    pub url: String,
    /// Media type as stated; empty when unknown.
    pub media_type: String,
    /// Bytes, when stated and a number.
    pub length: Option<u64>,
    /// A title for people.
    pub title: Option<String>,
    /// Playing time in seconds.
    pub duration: Option<u32>,
}

/// What a podcast says of an episode beside what every entry has (iTunes tags).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Episode {
    /// Its title without number and season.
    pub title: Option<String>,
    /// Season, from 1.
    pub season: Option<u32>,
    /// Number in the season, from 1.
    pub number: Option<u32>,
    /// `full`, `trailer` or `bonus`.
    pub kind: Option<String>,
    /// Whether it is not for everybody.
    pub explicit: Option<bool>,
    /// Its picture. Raw: as written; in an [`Entry`]: absolute http(s).
    pub image: Option<String>,
}

/// What a podcast says of itself as a whole (iTunes tags).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Podcast {
    /// Subjects of the directory's own list, each with a narrower one where stated.
    pub categories: Vec<(String, Option<String>)>,
    /// Whether it is not for everybody.
    pub explicit: Option<bool>,
    /// Whose it is: a name.
    pub owner: Option<String>,
    /// Whose it is: an address for mail.
    pub email: Option<String>,
    /// `episodic` or `serial`.
    pub kind: Option<String>,
    /// Its picture, absolute; in a [`RawFeed`] it stands in `image`.
    pub image: Option<String>,
}

/// A date as written, with the strftime form the config gave for it, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawDate {
    /// The text of the date.
    pub text: String,
    /// `date_format` of `[source.page]`.
    pub format: Option<String>,
}

impl RawDate {
    /// A date whose form is to be found out.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), format: None }
    }
}

/// The head of a document as it said it.
#[derive(Clone, Debug, Default)]
pub struct RawFeed {
    /// Title.
    pub title: Option<Text>,
    /// Home page.
    pub link: Option<String>,
    /// Subtitle, tagline, description.
    pub description: Option<Text>,
    /// Language as stated (`language`, `dc:language`, `xml:lang`, Content-Language, `<html lang>`).
    pub language: Option<String>,
    /// `xml:base` of the root, for `link`.
    pub base: Option<String>,
    /// People named for the whole feed.
    pub authors: Vec<Person>,
    /// Icon or image address.
    pub image: Option<String>,
    /// `rel="self"`.
    pub self_link: Option<String>,
    /// `rel="hub"` addresses, in order.
    pub hubs: Vec<String>,
    /// `rel="next"` of RFC 5005 or JSON `next_url`.
    pub next: Option<String>,
    /// What it says of itself as a podcast.
    pub podcast: Option<Podcast>,
    /// RSS `ttl` in minutes.
    pub ttl_minutes: Option<u32>,
    /// RSS `skipHours`, GMT, 0 to 23.
    pub skip_hours: Vec<u8>,
    /// RSS `skipDays`, 0 = Monday.
    pub skip_days: Vec<u8>,
    /// `sy:updatePeriod` ÷ `sy:updateFrequency`, in seconds.
    pub update_seconds: Option<u64>,
}

/// One entry as its document said it: nothing resolved, nothing cleaned.
#[derive(Clone, Debug, Default)]
pub struct RawEntry {
    /// guid, Atom id, `rdf:about`, JSON id; trimmed, otherwise byte for byte.
    pub guid: Option<String>,
    /// Title.
    pub title: Option<Text>,
    /// The one link that is its page; may be relative to `base`.
    pub link: Option<String>,
    /// When it came out.
    pub published: Option<RawDate>,
    /// When it last changed.
    pub updated: Option<RawDate>,
    /// People. Entry's own, else none: the feed's are in [`RawFeed::authors`].
    pub authors: Vec<Person>,
    /// A short text.
    pub summary: Option<Text>,
    /// The whole text.
    pub content: Option<Text>,
    /// Subjects.
    pub categories: Vec<Category>,
    /// Files.
    pub enclosures: Vec<Enclosure>,
    /// An image that stands for it.
    pub image: Option<String>,
    /// Playing time in seconds (`itunes:duration`).
    pub duration: Option<u32>,
    /// What it says of itself as an episode.
    pub episode: Option<Episode>,
    /// Language, the entry's own statement only (`xml:lang` on the entry or title, `dc:language`, `lang`).
    pub language: Option<String>,
    /// `xml:base` in force on the entry, as far as the document says; may be relative.
    pub base: Option<String>,
}

/// The head of a document as we keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// What the document was.
    pub format: Format,
    /// Plain title, maybe empty.
    pub title: String,
    /// Absolute home page.
    pub link: Option<String>,
    /// Plain description, maybe empty.
    pub description: String,
    /// Language as stated, in BCP 47 form.
    pub language: Option<String>,
    /// Absolute icon or image.
    pub image: Option<String>,
    /// Absolute hub addresses.
    pub hubs: Vec<String>,
    /// Absolute `rel="self"`.
    pub self_link: Option<String>,
    /// What it says of itself as a podcast.
    pub podcast: Option<Podcast>,
}

/// A 128-bit hash of typed, length-prefixed parts (SHA-256, cut).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// The digest of parts of one kind; neither can be moved into another without changing it.
    pub fn of(kind: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in std::iter::once(&kind.as_bytes()).chain(parts) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let full: [u8; 32] = hasher.finalize().into();
        let mut cut = [0; 16];
        cut.copy_from_slice(full.split_at(16).0);
        Self(cut)
    }

    /// The same behind these two bytes, which say where among others it stands in the store's trees.
    #[must_use]
    pub fn behind(self, place: [u8; 2]) -> Self {
        let mut moved = [0; 16];
        for (slot, byte) in moved.iter_mut().zip(place.into_iter().chain(self.0)) {
            *slot = byte;
        }
        Self(moved)
    }

    /// The same with these two bytes instead of its first.
    #[must_use]
    pub fn at(self, [one, two]: [u8; 2]) -> Self {
        let [_, _, rest @ ..] = self.0;
        let mut moved = [one, two].into_iter().chain(rest);
        Self(std::array::from_fn(|_| moved.next().unwrap_or_default()))
    }

    /// Its first two bytes.
    pub fn place(self) -> [u8; 2] {
        let [first, second, ..] = self.0;
        [first, second]
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
        let mut text = [0; 32];
        let (pairs, _) = text.as_chunks_mut::<2>();
        for (pair, byte) in pairs.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// The published name of an entry: a UUID, made once, stored, never recomputed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub uuid::Uuid);

impl EntryId {
    /// `urn:uuid:…`, as it stands in documents.
    pub fn urn(self) -> String {
        self.0.urn().to_string()
    }
}

impl fmt::Display for EntryId {
    /// The bare UUID, as it stands in addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One entry as we promise it: dates in UTC, links absolute, HTML clean.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The source's own id.
    pub guid: Option<String>,
    /// Plain text, white space folded, at most 1000 characters; maybe empty.
    pub title: String,
    /// Absolute http(s), without secrets of the address that it was read at.
    pub link: Option<String>,
    /// The same with them, where there are some: to ask for its page, and to know again what was stored when links had
    /// them. Never stored and never shown.
    pub whole_link: Option<String>,
    /// As stated, in UTC.
    pub published: Option<DateTime<Utc>>,
    /// As stated, in UTC.
    pub updated: Option<DateTime<Utc>>,
    /// People: the entry's, else the feed's.
    pub authors: Vec<Person>,
    /// Clean HTML.
    pub summary: Option<Markup>,
    /// Clean HTML.
    pub content: Option<Markup>,
    /// Subjects.
    pub categories: Vec<Category>,
    /// Files with absolute http(s) addresses.
    pub enclosures: Vec<Enclosure>,
    /// Absolute http(s) image.
    pub image: Option<String>,
    /// Playing time in seconds.
    pub duration: Option<u32>,
    /// What it says of itself as an episode of a podcast.
    pub episode: Option<Episode>,
    /// BCP 47 code.
    pub language: Option<String>,
    /// Hash of the raw entry and of the version of our reading: equal means nothing to do.
    pub digest: Digest,
    /// True when `digest` was already stored, so that `summary` and `content` were not made again.
    pub unchanged: bool,
    /// What became of the article of its own page.
    pub article: Article,
}

/// Whether an entry's text is the article of its own page (`full_text`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Article {
    /// Its text is the document's.
    #[default]
    Own,
    /// Its page was not read this time: an article that is stored stays.
    Missing,
    /// Its text is the article.
    Taken,
}
