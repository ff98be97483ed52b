//! Pages for people: what the templates show, and how entries are put into it.
//!
//! No script, no style attribute, nothing from elsewhere: remote images become links. Titles and
//! names are escaped by the templates; content is the clean HTML that came in.

mod charts;
mod pictures;
mod sources;

use askama::Template;
use chrono::{DateTime, Utc};

use super::shown::{Shown, cut, one_line};
use super::{Addresses, Form, Head};
use crate::model::{Person, Published, Sighting};
use crate::{html, link, text};

pub use charts::{Bar, DAYS, PollBar, chart, polls};
pub use pictures::without_pictures;
pub use sources::{Happened, SourceLine, SourcePage, Sources, sorted};

/// The style sheet, served from our own address.
pub const STYLE: &str = include_str!("../../templates/river.css");
/// New entries without asking again, likewise.
pub const SCRIPT: &str = include_str!("../../templates/river.js");
/// The mark of the house.
pub const ICON: &str = include_str!("../../templates/icon.svg");

/// Characters of text under a title.
const EXCERPT: usize = 240;
/// What the daemon's own news have for the id of their source: no id in a config is like it.
pub const OWN: &str = "_health";
/// Colours a source's mark may have.
const HUES: u32 = 12;

/// What every page has around it.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Path below which we are reached, beginning and ending in `/`.
    pub prefix: String,
    /// A token the reader came with, carried along in links.
    pub key: Option<String>,
    /// The reader may see every page, and is led to them. Who came with the token of one feed may not.
    pub whole: bool,
    /// Changes when the style sheet does.
    pub style: String,
    /// The feeds one can subscribe to.
    pub feeds: Vec<Feed>,
}

impl Frame {
    /// The address of a page here.
    pub fn to(&self, path: &str) -> String {
        self.keyed(&format!("{}{path}", self.prefix))
    }

    /// A source's page.
    pub fn source(&self, id: &str) -> String {
        self.to(&format!("sources/{id}"))
    }

    /// An entry's page.
    pub fn entry(&self, id: &str) -> String {
        self.to(&format!("entries/{id}"))
    }

    /// A feed's page.
    pub fn feed(&self, id: &str) -> String {
        self.to(&format!("feeds/{id}"))
    }

    /// Where a feed's new entries are told.
    pub fn events(&self, id: &str) -> String {
        self.to(&format!("feeds/{id}/events"))
    }

    /// The address of a page here that may have a query, with the reader's token.
    pub fn keyed(&self, address: &str) -> String {
        with_key(address, self.key.as_deref())
    }
}

/// An address that opens with this token, if any.
pub fn with_key(address: &str, key: Option<&str>) -> String {
    let Some(key) = key else { return address.to_owned() };
    let joint = if address.contains('?') { '&' } else { '?' };
    let key: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    format!("{address}{joint}key={key}")
}

/// One feed to subscribe to.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Its name in addresses.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its documents, absolute.
    pub addresses: Addresses,
    /// The reader's token, where these open with that one alone.
    pub key: Option<String>,
}

impl Feed {
    /// Name, media type and address of each form, as the reader may ask for it.
    pub fn forms(&self) -> impl Iterator<Item = (&'static str, &'static str, String)> {
        Form::ALL.into_iter().map(|form| (form.name(), form.media_type(), self.at(self.addresses.of(form))))
    }

    /// The address that readers are given first.
    pub fn main(&self) -> String {
        self.at(&self.addresses.atom)
    }

    /// An address of this feed, as the reader may ask for it.
    pub fn at(&self, address: &str) -> String {
        with_key(address, self.key.as_deref())
    }
}

/// A source as a coloured mark and a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its name in addresses.
    pub id: String,
    /// Its shown name.
    pub name: String,
    /// One or two letters.
    pub letters: String,
    /// Which of the twelve colours.
    pub hue: u32,
}

impl Mark {
    /// The same name has the same mark, always.
    pub fn new(id: &str, name: &str) -> Self {
        let name = one_line(if text::is_unseen(name) { id } else { name });
        let letters = name.split(' ').filter_map(|word| word.chars().find(|c| c.is_alphanumeric())).take(2);
        let letters: String = letters.flat_map(char::to_uppercase).collect();
        let hue = id.bytes().fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % HUES;
        Self { id: id.to_owned(), letters, name, hue }
    }
}

/// A moment, for people and for machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// RFC 3339.
    pub machine: String,
    /// `13:41`.
    pub time: String,
    /// `Friday, 26 April 2013`.
    pub day: String,
    /// `26 April 2013, 13:41 UTC`.
    pub full: String,
    /// `26 Apr 2013, 13:41`, for where there is little room.
    pub short: String,
}

impl From<DateTime<Utc>> for When {
    fn from(at: DateTime<Utc>) -> Self {
        Self {
            machine: super::atom::stamp(at),
            time: at.format("%H:%M").to_string(),
            day: at.format("%A, %-d %B %Y").to_string(),
            full: at.format("%-d %B %Y, %H:%M UTC").to_string(),
            short: at.format("%-d %b %Y, %H:%M").to_string(),
        }
    }
}

/// An entry in a list.
pub struct Item {
    /// Its own page here: bare UUID.
    pub id: String,
    /// Plain title.
    pub title: String,
    /// Where the title leads; without it, to its own page here.
    pub link: Option<String>,
    /// It and its source have pages here. The daemon's own news have none.
    pub has_page: bool,
    /// BCP 47 code.
    pub language: Option<String>,
    /// The date shown.
    pub when: When,
    /// Whose text it is.
    pub mark: Mark,
    /// A few words of it.
    pub excerpt: String,
    /// Files: address and label.
    pub files: Vec<(String, String)>,
}

/// A day of the river.
pub struct Day {
    /// `Friday, 26 April 2013`.
    pub name: String,
    /// `2013-04-26`.
    pub date: String,
    /// Newest first.
    pub items: Vec<Item>,
}

/// Entries by day, as they flow.
pub fn days(head: &Head, entries: &[Published], limit: usize) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for published in entries.iter().take(limit) {
        let shown = Shown::new(head, published);
        let date = shown.published.format("%Y-%m-%d").to_string();
        let item = listed(published, shown);
        match days.last_mut() {
            Some(day) if day.date == date => day.items.push(item),
            _ => days.push(Day { name: item.when.day.clone(), date, items: vec![item] }),
        }
    }
    days
}

fn listed(published: &Published, shown: Shown) -> Item {
    let text = shown.summary.as_deref().or(shown.content.as_deref()).map(html::to_text).unwrap_or_default();
    let excerpt = cut(&one_line(&text), EXCERPT).into_owned();
    Item {
        id: published.id.to_string(),
        excerpt: if excerpt == shown.title { String::new() } else { excerpt },
        files: files(&shown),
        link: published.entry.link.as_deref().and_then(super::shown::web),
        has_page: shown.source.id != OWN,
        language: shown.language,
        when: shown.published.into(),
        mark: Mark::new(&shown.source.id, &shown.source.name),
        title: shown.title,
    }
}

fn files(shown: &Shown) -> Vec<(String, String)> {
    let label = |kind: &str| match kind.split('/').next() {
        Some("audio") => "Listen".to_owned(),
        Some("video") => "Watch".to_owned(),
        Some("image") => "Picture".to_owned(),
        _ => format!("File ({kind})"),
    };
    let files = shown.enclosures.iter().map(|file| {
        let name = file.title.clone().unwrap_or_else(|| label(&file.media_type));
        (file.url.clone(), name)
    });
    files.collect()
}

/// `/` and `/feeds/{id}`.
#[derive(Template)]
#[template(path = "river.html")]
pub struct River {
    /// Around it.
    pub frame: Frame,
    /// The feed shown.
    pub feed: Feed,
    /// Its description.
    pub lede: String,
    /// True for the front page.
    pub front: bool,
    /// New entries appear by themselves.
    pub live: bool,
    /// What flows.
    pub days: Vec<Day>,
    /// The page of newer entries.
    pub newer: Option<String>,
    /// That page has the newest of all.
    pub to_newest: bool,
    /// The page of older entries.
    pub older: Option<String>,
}

/// One record that a story was in a source.
pub struct SightingLine {
    /// Where.
    pub mark: Mark,
    /// Its title there, when it differs.
    pub title: Option<String>,
    /// Its link there.
    pub link: Option<String>,
    /// The time it states there, when that is not the one shown.
    pub stated: Option<When>,
    /// Its id there, when that is not its link.
    pub guid: Option<String>,
    /// When we first saw it there.
    pub when: When,
    /// Why it is the same story, in words.
    pub why: String,
}

/// `/entries/{id}`.
#[derive(Template)]
#[template(path = "entry.html")]
pub struct EntryPage {
    /// Around it.
    pub frame: Frame,
    /// Title, date, mark.
    pub entry: Item,
    /// Names.
    pub authors: Vec<String>,
    /// Subjects.
    pub categories: Vec<String>,
    /// When its text last changed, if later.
    pub updated: Option<When>,
    /// Clean HTML without pictures.
    pub content: String,
    /// An image of its own, as a link.
    pub image: Option<String>,
    /// What else is to be said of it.
    pub notes: Vec<String>,
    /// The feeds that have it, in their documents or their archives.
    pub feeds: Vec<Feed>,
    /// Every sighting, oldest first.
    pub sightings: Vec<SightingLine>,
}

impl EntryPage {
    /// Puts an entry and its sightings on a page.
    pub fn new(
        frame: Frame,
        head: &Head,
        published: &Published,
        sightings: &[Sighting],
        (notes, feeds): (Vec<String>, Vec<Feed>),
    ) -> Self {
        let shown = Shown::new(head, published);
        let body = shown.content.as_deref().or(shown.summary.as_deref()).unwrap_or_default();
        let sightings = sightings.iter().map(|sighting| SightingLine {
            mark: Mark::new(sighting.source.as_str(), &sighting.source_name),
            title: Some(one_line(&sighting.title)).filter(|title| !title.is_empty() && *title != shown.title),
            link: sighting.link.as_deref().and_then(super::shown::web),
            stated: sighting.stated.filter(|at| *at != published.published).map(Into::into),
            guid: sighting
                .guid
                .as_deref()
                .filter(|guid| sighting.link.as_deref() != Some(guid))
                .map(|guid| link::mask(&one_line(guid))),
            when: sighting.first_seen.into(),
            why: why(&sighting.rule),
        });
        let name = |person: &Person| person.name.clone();
        let category = |category: &crate::model::Category| {
            category.label.clone().unwrap_or_else(|| category.term.clone())
        };
        Self {
            frame,
            authors: shown.authors.iter().filter_map(name).collect(),
            categories: shown.categories.iter().map(category).collect(),
            updated: (shown.updated > shown.published).then(|| shown.updated.into()),
            content: without_pictures(body),
            image: shown.image.clone(),
            notes,
            feeds,
            sightings: sightings.collect(),
            entry: listed(published, shown),
        }
    }
}

/// The rule that brought a sighting to its story, for people.
fn why(rule: &str) -> String {
    if let Some((first, then)) = rule.split_once("; then ") {
        return format!("{}, then {}", why(first), one_line(then));
    }
    match rule {
        "first" => "here first".to_owned(),
        "guid" => "same id".to_owned(),
        "link" => "same link".to_owned(),
        "timestamp+title" => "same time and title".to_owned(),
        "timestamp+title+link" => "same time, title and link".to_owned(),
        "timestamp+text" => "same time and text".to_owned(),
        "similar text" => "nearly the same text".to_owned(),
        "window+title" => "same title, almost the same time".to_owned(),
        other => one_line(other),
    }
}

/// `/search`.
#[derive(Default, Template)]
#[template(path = "search.html")]
pub struct SearchPage {
    /// Around it.
    pub frame: Frame,
    /// The words, as written.
    pub q: String,
    /// Languages, as written.
    pub lang: String,
    /// Sources, as written.
    pub source: String,
    /// Since when, as written.
    pub since: String,
    /// What is wrong with it, in words.
    pub wrong: Option<String>,
    /// How many were found, when something was asked.
    pub found: Option<usize>,
    /// It is not the first page of them.
    pub paged: bool,
    /// Where older ones are, when there are any.
    pub older: Option<String>,
    /// The search as a feed.
    pub feed: Option<Feed>,
    /// What was found.
    pub days: Vec<Day>,
}

/// What went wrong, on a page.
#[derive(Template)]
#[template(path = "message.html")]
pub struct Message {
    /// Around it.
    pub frame: Frame,
    /// In a few words.
    pub title: String,
    /// What to do about it.
    pub text: String,
    /// A form for the key that is missing.
    pub ask: Option<AskKey>,
}

/// The same page again, with a key.
pub struct AskKey {
    /// Where it stands, without a query.
    pub action: String,
    /// The rest of its query.
    pub fields: Vec<(String, String)>,
}
