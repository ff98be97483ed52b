//! (what is known, the entries of one document, now) → what to store. Pure.
//!
//! Inside a source a guid, then a canonical link, then timestamp and title, then timestamp and
//! body make an entry the same; between sources the rule the source declares does. docs/notes/ says
//! how each rule was decided. Never reads a clock and never makes an id twice for one story.

mod between;
mod changes;
mod decide;
mod document;
mod inside;
mod keys;
mod likeness;
mod pages;
mod substance;
#[cfg(test)]
mod tests;
mod wording;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use regex::Regex;
use serde::Deserialize;

use crate::model::{DedupRule, Digest, Entry, EntryId, Filter, FuturePolicy, Trust};
use crate::units::Span;

pub use between::candidate_names;
pub use changes::take_article;
pub use decide::decide;
pub use document::{DocumentKeys, document_keys};
pub use keys::{Keys, keys_between, keys_of_address, leads_to, mark};
pub use likeness::{Kept, NEAR, SIMILAR};
pub use pages::{Pages, pages};
pub use substance::substance;

/// `[dedup]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Same title within this much time is the same story.
    pub window: Span,
    /// Regular expressions cut from the end of titles before they are compared.
    pub ignore_title_suffix: Vec<String>,
    /// True: also inside one document, whatever guids and links say.
    pub strict: bool,
    /// Near-duplicate texts shown as one; 0.0 is off.
    pub similar: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { window: Span::secs(0), ignore_title_suffix: Vec::new(), strict: false, similar: 0.0 }
    }
}

/// The options in force, patterns compiled.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Seconds; 0: the exact second.
    pub window: i64,
    /// Cut from the end of a title before it is folded.
    pub suffixes: Vec<Regex>,
    /// No two stories in one document under one story key.
    pub strict: bool,
    /// From this share of common words in a row on, two texts are nearly the same; `None`: nobody asks.
    pub similar: Option<f64>,
}

impl Rules {
    /// Compiles the options.
    ///
    /// # Errors
    /// The pattern that is no regular expression, in words.
    pub fn new(options: &Options) -> Result<Self, String> {
        let suffixes = options
            .ignore_title_suffix
            .iter()
            .map(|pattern| {
                Regex::new(&format!("(?:{pattern})$")).map_err(|error| format!("{pattern:?}: {error}"))
            })
            .collect::<Result<_, _>>()?;
        let window = i64::try_from(options.window.0.as_secs()).unwrap_or(i64::MAX);
        let similar = (options.similar > 0.0).then_some(options.similar);
        Ok(Self { window, suffixes, strict: options.strict, similar })
    }
}

/// A story the store has. Numbers are the store's own.
#[derive(Clone, Debug)]
pub struct KnownEntry {
    /// Its row.
    pub number: i64,
    /// True when the polled source's text is the one kept.
    pub own: bool,
    /// The rule of the source whose text is kept: `None` meets nobody.
    pub rule: DedupRule,
    /// Hash of what readers would notice.
    pub substance: Digest,
    /// The date shown.
    pub published: DateTime<Utc>,
    /// When its text last changed, as shown.
    pub updated: DateTime<Utc>,
    /// Not served before then.
    pub hold_until: Option<DateTime<Utc>>,
    /// The link kept.
    pub link: Option<String>,
    /// Which version of our reading made the text.
    pub reading: u32,
    /// The text kept, where it is or may be the article of its page and this document comes without.
    pub article: Option<String>,
}

/// A record that an entry stood in the polled source.
#[derive(Clone, Debug)]
pub struct KnownSighting {
    /// Its row.
    pub number: i64,
    /// The story it belongs to; `None`: a filtered entry.
    pub entry: Option<i64>,
    /// Hash of the entry as last read.
    pub digest: Digest,
    /// Its guid there.
    pub guid: Option<String>,
    /// Its link there.
    pub link: Option<String>,
    /// Its title there.
    pub title: String,
    /// Its story key there.
    pub story: Digest,
    /// Hash of its title there, folded; `None` without a title.
    pub title_key: Option<i64>,
    /// Hash of its text there, folded; `None` without a text.
    pub text: Option<i64>,
    /// The timestamp of its identity there.
    pub stated: Option<DateTime<Utc>>,
}

/// What stood in the source's last document, of which that is all that a decision asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stood {
    /// Its sighting.
    pub sighting: i64,
    /// The story it belongs to; `None`: a filtered entry.
    pub entry: Option<i64>,
    /// Its story key there.
    pub story: Digest,
    /// Hash of its text there, folded; `None` without a text.
    pub text: Option<i64>,
}

/// What a key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<T> {
    /// A row.
    Row(T),
    /// Something that retention removed: it must not return.
    Pruned,
}

/// What the store has under the keys of one document.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Inside the polled source, of entries that were read again: by digest, to a sighting.
    pub by_digest: HashMap<Digest, i64>,
    /// Of those that were not: what they are, by digest.
    pub stood: HashMap<Digest, Stood>,
    /// Inside the polled source: by guid, link, story and body key, to a sighting.
    pub inside: HashMap<Digest, Target<i64>>,
    /// Keys of this document that several stories of the polled source have had.
    pub plural: HashSet<Digest>,
    /// Inside the polled source, where titles are asked for: sightings by title, at most two.
    pub titled: HashMap<i64, Vec<i64>>,
    /// Across sources: by story, guid and link key, to a story.
    pub across: HashMap<Digest, Target<i64>>,
    /// Across sources, with a window: stories by folded title, with their first timestamp.
    pub titles: HashMap<i64, Vec<(DateTime<Utc>, i64)>>,
    /// Across sources: by place in the document, stories whose texts may be nearly the same.
    pub like: HashMap<usize, Vec<i64>>,
    /// What those stories say.
    pub kept: HashMap<i64, Kept>,
    /// The sightings named above.
    pub sightings: HashMap<i64, KnownSighting>,
    /// The stories named above.
    pub entries: HashMap<i64, KnownEntry>,
    /// Published names that are taken, among those this document could ask for.
    pub taken: HashSet<EntryId>,
}

/// What of a reading is told to readers as a change. What is not goes through all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tell {
    /// Every real one.
    #[default]
    Changes,
    /// It was read under other rules before: only what the source itself calls updated.
    Stated,
    /// The same bytes, read again: nothing.
    Nothing,
}

/// The polled source, as far as identity goes.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Its id: salts the names of stories that meet nobody.
    pub source: &'a str,
    /// Its rule.
    pub rule: DedupRule,
    /// Dates ahead of now.
    pub future: FuturePolicy,
    /// `Some(n)` at its first reading: so many new stories enter the current documents.
    pub backfill: Option<usize>,
    /// Links that identify nothing: the home page, the document's own address (canonical form).
    pub home_links: &'a [String],
    /// What was measured of its guids and links.
    pub trust: Trust,
    /// Its zone: a date without a time is midnight there.
    pub timezone: chrono_tz::Tz,
    /// A page became a feed, or the other way round, since it was last read.
    pub reshaped: bool,
    /// The version of our reading.
    pub reading: u32,
    /// What of it is news.
    pub tell: Tell,
    /// The common rules.
    pub rules: &'a Rules,
    /// Keep and drop of the source.
    pub keep: &'a Filter,
    /// Wins over `keep`.
    pub drop: &'a Filter,
    /// The time of this poll.
    pub now: DateTime<Utc>,
}

impl Context<'_> {
    /// How many seconds around its time an entry may be known again by its title; `run`: the one time of most of
    /// the document. `None`: not by its title.
    pub fn titles_within(&self, run: Option<DateTime<Utc>>) -> Option<i64> {
        if self.reshaped || self.tell != Tell::Changes {
            Some(inside::SAME_DAY.num_seconds())
        } else {
            run.map(|_| i64::MAX)
        }
    }
}

/// A story that stands for the first time.
#[derive(Clone, Debug)]
pub struct NewStory {
    /// Its name for ever.
    pub id: EntryId,
    /// Index in the document.
    pub index: usize,
    /// The date shown.
    pub published: DateTime<Utc>,
    /// The change shown.
    pub updated: DateTime<Utc>,
    /// Not served before then.
    pub hold_until: Option<DateTime<Utc>>,
    /// False: only in the archive.
    pub listed: bool,
    /// Hash of what readers would notice.
    pub substance: Digest,
}

/// What becomes of one entry of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// As before.
    Nothing,
    /// Retention removed it, and remembers its key: it does not return.
    Pruned,
    /// A new story, `Intake::stories[_]`.
    New(usize),
    /// The same as another entry of this document, which is new: `Intake::stories[_]`.
    Repeats(usize, &'static str),
    /// A story of another source, or of an earlier document under other keys: a sighting is added.
    Meets(i64, &'static str),
    /// A sighting we have; its record is refreshed, and its keys.
    Seen {
        /// The sighting.
        sighting: i64,
        /// The rule by which it was known again.
        rule: &'static str,
    },
    /// A `keep` or `drop` rule holds it back; on record with these words.
    Filtered(String),
    /// The same, and a sighting says so already.
    StillFiltered(i64, String),
}

/// A kept text that is to be replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// The story.
    pub entry: i64,
    /// Index in the document.
    pub index: usize,
    /// The change shown; `None`: nothing that readers would notice.
    pub updated: Option<DateTime<Utc>>,
    /// Hash of what readers would notice.
    pub substance: Digest,
    /// For a story that nobody has seen yet: its new date, and until when it is held.
    pub dated: Option<(DateTime<Utc>, Option<DateTime<Utc>>)>,
    /// The entry with the article that is stored, where that stays.
    pub entry_with_article: Option<Box<Entry>>,
}

/// What one reading says of a kind of key: how often it stayed, and how often it was new, on entries whose
/// timestamp, title and text stood still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Entries known again under the same one.
    pub kept: usize,
    /// Entries known again under another one.
    pub changed: usize,
}

/// What to store of one document.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    /// One per entry of the document.
    pub decisions: Vec<Decision>,
    /// Keys per entry; those that identify nothing in this document are already removed.
    pub keys: Vec<Keys>,
    /// New stories, in order of publication.
    pub stories: Vec<NewStory>,
    /// Kept texts to be replaced.
    pub corrections: Vec<Correction>,
    /// (stays, goes): two stories that a correction made one. The older number stays.
    pub merges: Vec<(i64, i64)>,
    /// (index in the document, sighting): records of entries that a filter held back and no longer does.
    pub let_through: Vec<(usize, i64)>,
    /// How steady the guids were.
    pub guids: Measured,
    /// How steady the links were.
    pub links: Measured,
    /// Entries whose guid stands on others too, or was used again for another story.
    pub guids_shared: usize,
    /// The site was rebuilt: this `updated` stands on many entries and means nothing.
    pub rebuilt: Option<DateTime<Utc>>,
    /// The source's first reading: what it brings is no news.
    pub backlog: bool,
    /// The version of our reading.
    pub reading: u32,
}

impl Intake {
    /// What is thought of the source's guids and links after this reading.
    pub fn trust(&self, before: Trust) -> Trust {
        let after = |doubts: u32, measured: Measured, shared: usize| {
            if measured.changed + shared > measured.kept {
                doubts.saturating_add(1)
            } else if measured.changed + shared == 0 && measured.kept > 0 {
                0
            } else {
                doubts
            }
        };
        Trust {
            guid_doubts: after(before.guid_doubts, self.guids, self.guids_shared),
            link_doubts: after(before.link_doubts, self.links, 0),
        }
    }

    /// Indexes of the document in order of publication, as `stories` are: what has no date is of now, and the lower it
    /// stands the older it is. What repeats a new story comes behind it.
    pub fn oldest_first(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.decisions.len()).collect();
        order.sort_by_cached_key(|index| {
            let (new, repeats) = match self.decisions.get(*index) {
                Some(Decision::New(place)) => (self.stories.get(*place), false),
                Some(Decision::Repeats(place, _)) => (self.stories.get(*place), true),
                _ => (None, false),
            };
            let Some(story) = new else {
                let stated = self.keys.get(*index).and_then(|keys| keys.stated);
                return (stated.unwrap_or(DateTime::<Utc>::MAX_UTC), Reverse(*index), repeats);
            };
            (story.published, Reverse(story.index), repeats)
        });
        order
    }
}

/// The timestamp of an entry's identity: stated `published`, else `updated`; to the second.
pub fn stated(entry: &Entry) -> Option<DateTime<Utc>> {
    let stated = entry.published.or(entry.updated)?;
    DateTime::from_timestamp(stated.timestamp(), 0)
}
