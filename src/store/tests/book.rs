//! A store and sources to poll into it, for tests: a document is a list of entries made by hand.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};

use crate::dedup::{self, Context, Intake, Rules, Tell};
use crate::model::*;
use crate::store::{Commit, Committed, Keep, Options, Outputs, Reading, Sqlite, Store, StoreError};

/// A store, and sources to poll into it.
pub(crate) struct Book {
    pub(crate) store: Sqlite,
    pub(crate) path: PathBuf,
    pub(crate) sources: Vec<Source>,
    pub(crate) rules: Rules,
    pub(crate) now: DateTime<Utc>,
    /// Canonical links that stand for the whole source.
    pub(crate) home: Vec<String>,
    /// The version of our reading.
    pub(crate) reading: u32,
    /// What of it is news.
    pub(crate) tell: Tell,
    /// The next document has another shape than those before.
    pub(crate) reshaped: bool,
    _dir: tempfile::TempDir,
}

/// Noon of a day in March 2026.
pub(crate) fn day(number: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, number, 12, 0, 0).unwrap()
}

/// A source of nothing but an id and an address.
pub(crate) fn source(id: &str) -> Source {
    Source::new(SourceId::new(id), format!("https://{id}.example/feed").parse().unwrap())
}

/// (guid, link, title, date, text); empty is absent.
pub(crate) fn entry(guid: &str, link: &str, title: &str, date: Option<DateTime<Utc>>, text: &str) -> Entry {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let entry = Entry {
        guid: some(guid),
        title: title.to_owned(),
        link: some(link),
        published: date,
        updated: None,
        authors: Vec::new(),
        summary: some(text).map(Into::into),
        content: None,
        categories: Vec::new(),
        enclosures: Vec::new(),
        image: None,
        duration: None,
        episode: None,
        language: None,
        digest: Digest([0; 16]),
        unchanged: false,
        article: Article::Own,
        whole_link: None,
    };
    signed(entry)
}

/// The entry with the digest of what it says.
pub(crate) fn signed(mut entry: Entry) -> Entry {
    entry.digest = Digest([0; 16]);
    entry.digest = Digest::of("raw", &[format!("{entry:?}").as_bytes()]);
    entry
}

impl Book {
    pub(crate) fn new(ids: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("riverine.db");
        let store = Sqlite::open(&path).unwrap();
        let sources = ids.iter().map(|id| source(id)).collect();
        let (rules, home) = (Rules::default(), Vec::new());
        let mut book = Self {
            store,
            path,
            sources,
            rules,
            now: day(20),
            home,
            reading: 1,
            tell: Tell::Changes,
            reshaped: false,
            _dir: dir,
        };
        book.sync();
        book
    }

    pub(crate) fn sync(&mut self) {
        let sources: Vec<_> = self.sources.iter().cloned().map(Arc::new).collect();
        self.store.sync(&sources).unwrap();
    }

    pub(crate) fn poll(&mut self, id: &str, entries: &[Entry]) -> Committed {
        self.take(id, entries).1
    }

    /// A poll, with what was decided.
    pub(crate) fn take(&mut self, id: &str, entries: &[Entry]) -> (Intake, Committed) {
        let source = self.sources.iter().find(|source| source.id.as_str() == id).unwrap().clone();
        let (home, reshaped) = (self.home.clone(), self.reshaped);
        let polled = poll(
            &mut self.store,
            &source,
            entries,
            &Under {
                rules: &self.rules,
                home: &home,
                reading: self.reading,
                tell: self.tell,
                reshaped,
                now: self.now,
            },
        );
        self.now += TimeDelta::minutes(10);
        self.reshaped = false;
        polled.unwrap()
    }

    pub(crate) fn output(sources: Option<&[&str]>) -> Output {
        let sources = sources.map(|ids| ids.iter().map(|id| SourceId::new(*id)).collect());
        Output { sources, ..Output::all() }
    }

    /// Removes all that is past retention by `now`; says how many entries went.
    pub(crate) fn prune(&mut self, options: &Options, now: DateTime<Utc>) -> usize {
        std::iter::from_fn(|| self.store.prune(options, now).unwrap()).sum()
    }

    pub(crate) fn river(&mut self, sources: Option<&[&str]>) -> Vec<Published> {
        self.store.select(&Self::output(sources), self.now).unwrap().entries
    }

    pub(crate) fn titles(&mut self) -> Vec<String> {
        self.river(None).into_iter().map(|one| one.entry.title).collect()
    }

    #[track_caller]
    pub(crate) fn check(&mut self, titles: &[&str]) {
        assert_eq!(self.titles(), titles);
    }
}

/// What a poll is made under.
pub(crate) struct Under<'a> {
    pub(crate) rules: &'a Rules,
    pub(crate) home: &'a [String],
    pub(crate) reading: u32,
    pub(crate) tell: Tell,
    pub(crate) reshaped: bool,
    pub(crate) now: DateTime<Utc>,
}

/// One poll into any store, as poll/read.rs makes it.
pub(crate) fn poll(
    store: &mut dyn Store,
    source: &Source,
    entries: &[Entry],
    under: &Under<'_>,
) -> Result<(Intake, Committed), StoreError> {
    let mut state = store.state(&source.id)?;
    let filters = (&source.keep, &source.drop, source.dedup);
    let in_force = format!("{:?} {} {filters:?}", under.rules, under.reading);
    let in_force = Digest::of("rules", &[in_force.as_bytes()]);
    let stored = store.digests(&source.id, in_force)?;
    let mut entries = entries.to_vec();
    for entry in &mut entries {
        entry.digest = Digest::of("reading", &[&entry.digest.0, &under.reading.to_le_bytes()]);
        entry.unchanged = stored.contains(&entry.digest);
        if entry.unchanged {
            (entry.summary, entry.content, entry.language) = (None, None, None);
        }
    }
    let context = Context {
        source: source.id.as_str(),
        rule: source.dedup,
        future: source.future,
        backfill: state.first_success.is_none().then_some(source.backfill as usize),
        home_links: under.home,
        trust: state.trust,
        timezone: source.timezone,
        reshaped: under.reshaped,
        reading: under.reading,
        tell: under.tell,
        rules: under.rules,
        keep: &source.keep,
        drop: &source.drop,
        now: under.now,
    };
    let keys = dedup::document_keys(&context, &entries);
    let known = store.known(&context, &entries, &keys)?;
    let intake = dedup::decide(&context, &entries, keys, &known);
    state.first_success = state.first_success.or(Some(under.now));
    state.trust = intake.trust(state.trust);
    let reading = Reading { entries: &entries, intake: &intake, rules: in_force, body: Keep::Nothing };
    let commit =
        Commit { source: &source.id, state: &state, reading: Some(reading), ledger: &[], now: under.now };
    let committed = store.commit(&commit)?;
    Ok((intake, committed))
}
