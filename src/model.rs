//! The nouns of the river. One word, one thing; no I/O and no clock.
//!
//! None of these is `Serialize`: what leaves the process has its own struct
//! where it leaves (store rows, JSON of `parse`, published documents).

mod entry;
mod ledger;
mod markup;
mod output;
mod source;
mod state;

pub use entry::{
    Article, Category, Digest, Enclosure, Entry, EntryId, Episode, Feed, Format, Person, Podcast, RawDate,
    RawEntry, RawFeed, Text, TextKind, Warning,
};
pub use ledger::{HostDay, Tally};
pub use markup::Markup;
pub use output::{Access, HubChoice, Output, Published, Sighting, TitlePrefix, Via};
pub use source::{
    Auth, DedupRule, Filter, FuturePolicy, Kind, PageSelectors, Schedule, Secret, Source, SourceId,
    toml_string,
};
pub use state::{
    Hints, Hub, Outcome, PollDay, Push, PushChange, Redirect, SourceState, Standing, Trust, Validators,
};
