//! What we publish: an output is a `[[feed]]`; what stands in it are published entries.

use chrono::{DateTime, Utc};

use super::entry::{Entry, EntryId, Podcast};
use super::source::{Filter, Secret, SourceId};
use crate::query::Query;

/// What goes before a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TitlePrefix {
    /// Nothing.
    #[default]
    None,
    /// "Example News: …"
    Source,
}

/// Who may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    #[default]
    Open,
    /// Who presents this token.
    Token(Secret),
}

/// Whom to tell of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HubChoice {
    /// Nobody.
    #[default]
    None,
    /// The hub inside.
    Own,
    /// A hub elsewhere.
    External(url::Url),
}

/// One `[[feed]]`, complete: every default is applied.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name in addresses.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The sources whose entries stand in it; `None` means every source that has entries.
    pub sources: Option<Vec<SourceId>>,
    /// Only these languages; empty: any.
    pub languages: Vec<String>,
    /// Only entries that match.
    pub keep: Filter,
    /// No entries that match.
    pub drop: Filter,
    /// Full-text condition.
    pub query: Option<Query>,
    /// Entries in the current document.
    pub limit: usize,
    /// What stands in it, in one sentence.
    pub description: String,
    /// At most so many of one source; 0: no cap.
    pub per_source: usize,
    /// What goes before a title.
    pub title_prefix: TitlePrefix,
    /// Who may read it.
    pub access: Access,
    /// Whom to tell.
    pub hub: HubChoice,
}

impl Output {
    /// Of everything, for everybody: the output that always exists.
    pub fn all() -> Self {
        Self {
            id: "all".to_owned(),
            title: "All entries".to_owned(),
            description: "Many sources, one river: the newest entries first.".to_owned(),
            sources: None,
            languages: Vec::new(),
            keep: Filter::default(),
            drop: Filter::default(),
            query: None,
            limit: 100,
            per_source: 0,
            title_prefix: TitlePrefix::None,
            access: Access::Open,
            hub: HubChoice::None,
        }
    }
}

/// A story met in a source: the record that it was there.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// Where.
    pub source: SourceId,
    /// Shown name of the source.
    pub source_name: String,
    /// Its id there.
    pub guid: Option<String>,
    /// Its link there.
    pub link: Option<String>,
    /// Its title there.
    pub title: String,
    /// Its stated timestamp there.
    pub stated: Option<DateTime<Utc>>,
    /// When we first saw it there.
    pub first_seen: DateTime<Utc>,
    /// The rule that brought it to this story ("first", "guid", "link", "timestamp+title", …).
    pub rule: String,
}

/// The same story as another source tells it, in nearly the same words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// Which source.
    pub source: SourceId,
    /// Shown name of that source.
    pub source_name: String,
    /// Its link there, absolute.
    pub link: String,
}

/// An entry as it is published: the kept text under its lasting name.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// Its name for ever.
    pub id: EntryId,
    /// Order of publication: grows with every new story, never reused.
    pub number: i64,
    /// Text, title, people, files. `published` and `updated` in here are as stated;
    /// documents show the two fields below.
    pub entry: Entry,
    /// The date shown, fixed at intake.
    pub published: DateTime<Utc>,
    /// When its text last really changed; not before `published` unless stated so.
    pub updated: DateTime<Utc>,
    /// When we first saw it.
    pub first_seen: DateTime<Utc>,
    /// When this row last changed: the newest of these dates a document.
    pub modified: DateTime<Utc>,
    /// The source whose text it is.
    pub source: SourceId,
    /// Shown name of that source.
    pub source_name: String,
    /// Home page of that source, absolute.
    pub source_link: Option<String>,
    /// Address of that source's document, credentials masked.
    pub source_url: String,
    /// What that source says of itself as a podcast.
    pub podcast: Option<Podcast>,
    /// Where else it is told in nearly the same words, in the order it was found.
    pub via: Vec<Via>,
}
