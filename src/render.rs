//! Published entries in, the bytes of a document out: Atom 1.0, RSS 2.0, JSON Feed 1.1, OPML, pages.
//!
//! Never asks what time it is and never looks anything up: the same entries give the same bytes,
//! today and after a restart. Whatever came in, what goes out is well-formed.

mod atom;
pub mod html;
mod json;
pub mod opml;
mod podcast;
mod rss;
mod shown;

use chrono::{DateTime, Utc};

use crate::model::{Published, TitlePrefix};
use shown::Shown;

/// The three forms of a published document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Atom 1.0 (RFC 4287).
    Atom,
    /// RSS 2.0 with the Best Practices Profile.
    Rss,
    /// JSON Feed 1.1.
    Json,
}

impl Form {
    /// Every form, in the order in which we name them.
    pub const ALL: [Self; 3] = [Self::Atom, Self::Rss, Self::Json];

    /// The ending of its addresses.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Atom => "atom",
            Self::Rss => "rss",
            Self::Json => "json",
        }
    }

    /// The form with that ending.
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.extension() == extension)
    }

    /// Its media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml",
            Self::Rss => "application/rss+xml",
            Self::Json => "application/feed+json",
        }
    }

    /// `Content-Type`, charset included.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Json => "application/feed+json; charset=utf-8",
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Atom => "Atom",
            Self::Rss => "RSS",
            Self::Json => "JSON Feed",
        }
    }
}

/// One document's address in each form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// As Atom.
    pub atom: String,
    /// As RSS.
    pub rss: String,
    /// As JSON Feed.
    pub json: String,
}

impl Addresses {
    /// `{stem}.atom`, `{stem}.rss`, `{stem}.json`.
    pub fn below(stem: &str) -> Self {
        let with = |form: Form| format!("{stem}.{}", form.extension());
        Self { atom: with(Form::Atom), rss: with(Form::Rss), json: with(Form::Json) }
    }

    /// The address in that form.
    pub fn of(&self, form: Form) -> &str {
        match form {
            Form::Atom => &self.atom,
            Form::Rss => &self.rss,
            Form::Json => &self.json,
        }
    }
}

/// Everything in a document that is not an entry. All addresses are absolute.
#[derive(Clone, Debug)]
pub struct Head {
    /// Permanent id, a URN; holds neither address nor token.
    pub id: String,
    /// Title, plain text.
    pub title: String,
    /// One plain sentence.
    pub description: String,
    /// Public address of this daemon, ending in `/`: permalinks hang below it.
    pub base: String,
    /// The page for people.
    pub home: String,
    /// Canonical addresses of this very document, without any key.
    pub selves: Addresses,
    /// Set when every entry is in this language.
    pub language: Option<String>,
    /// The date of a document without entries; otherwise the newest entry dates it.
    pub updated: DateTime<Utc>,
    /// What goes before titles.
    pub title_prefix: TitlePrefix,
    /// A WebSub hub.
    pub hub: Option<String>,
    /// The next older archive document (RFC 5005).
    pub older: Option<Addresses>,
    /// Set in an archive document: the next newer one.
    pub newer: Option<Addresses>,
    /// The next page, of what is shown in pages (RFC 5005, 3).
    pub next: Option<Addresses>,
    /// Set in an archive document: where the current one is.
    pub current: Option<Addresses>,
    /// There is nothing beside what stands in this document (RFC 5005, 2).
    pub complete: bool,
}

/// The address of an entry's own page here, for what has no link of its own.
pub fn permalink(base: &str, id: crate::model::EntryId) -> String {
    format!("{base}entries/{id}")
}

/// An output ready to be written in any form: everything cleaned once.
pub struct Sheet<'a> {
    head: &'a Head,
    entries: Vec<Shown>,
    updated: DateTime<Utc>,
}

impl<'a> Sheet<'a> {
    /// Cleans and resolves what all forms have in common. Order is kept: newest first.
    pub fn new(head: &'a Head, entries: &[Published]) -> Self {
        // An entry may state a change later than our own; the document is never older than it.
        let updated = entries
            .iter()
            .map(|entry| entry.modified.max(entry.updated))
            .max()
            .map_or(head.updated, shown::plausible);
        Self { head, entries: entries.iter().map(|entry| Shown::new(head, entry)).collect(), updated }
    }

    /// The bytes of one form.
    pub fn write(&self, form: Form) -> Vec<u8> {
        match form {
            Form::Atom => atom::write(self),
            Form::Rss => rss::write(self),
            Form::Json => json::write(self),
        }
    }
}

/// One entry alone, as JSON Feed has it, on one line.
pub fn item(head: &Head, entry: &Published) -> String {
    json::line(&Shown::new(head, entry))
}

/// One document in one form.
pub fn document(form: Form, head: &Head, entries: &[Published]) -> Vec<u8> {
    Sheet::new(head, entries).write(form)
}

#[cfg(test)]
mod tests;
