//! One poll remembered: everything or nothing. Runs inside the caller's transaction, which ends with the words of what
//! is new.

mod stories;

use std::collections::BTreeSet;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::keyring::{self, Keyring};
use super::words::Words;
use super::{health, last, ledger, likeness, rows};
use crate::dedup::{Decision, Keys, SIMILAR, Stood};
use crate::model::{DedupRule, Entry, PushChange, SourceId};
use crate::store::{Commit, Committed, Keep, Reading, StoreError, state};

pub(super) fn commit(
    db: &Connection,
    (source, said): (i64, Option<&str>),
    commit: &Commit<'_>,
    words: &mut Words,
) -> Result<Committed, StoreError> {
    let news = health::record(db, source, said, commit.state, commit.now)?;
    ledger::write(db, commit.ledger)?;
    match commit.state.push.as_ref().and_then(|push| push.change) {
        None => {}
        Some(PushChange::Missed) => {
            db.prepare_cached("UPDATE subscriptions SET pushed = NULL WHERE source = ?1")?
                .execute([source])?;
        }
        Some(PushChange::Brought) => {
            db.prepare_cached(
                "UPDATE subscriptions SET pushed = ?2, pushes = pushes + 1 WHERE source = ?1 AND leaving = 0",
            )?
            .execute([source, commit.now.timestamp()])?;
        }
    }
    let Some(reading) = commit.reading else {
        db.prepare_cached("UPDATE sources SET remembered = ?2 WHERE number = ?1")?
            .execute(params![source, state::write(commit.state)])?;
        return Ok(Committed { news, ..Committed::default() });
    };
    let rule: String = db
        .prepare_cached("SELECT rule FROM sources WHERE number = ?1")?
        .query_row([source], |row| row.get(0))?;
    let mut writer = Writer {
        db,
        new_entry: db.prepare_cached(stories::NEW)?,
        new_sighting: db.prepare_cached(SIGHTING)?,
        keyring: Keyring::new(db, source, &reading.intake.keys)?,
        source,
        rule: rows::rule(&rule),
        now: commit.now.timestamp(),
        committed: Committed { news, ..Committed::default() },
        touched: BTreeSet::new(),
        stories: 0,
        stood: Vec::new(),
        words,
    };
    writer.read(&reading)?;
    writer.finish(commit, &reading)
}

/// A record of an entry in a document. ?13: the date of its story, where that is at hand.
const SIGHTING: &str =
    "INSERT INTO sightings (source, entry, published, digest, story, title_key, text_key, guid, link,
    title, stated, first_seen, rule, reached)
  VALUES (?1, ?2, coalesce(?13, (SELECT published FROM entries WHERE number = ?2), ?3), ?4, ?5, ?6, ?7,
    ?8, ?9, ?10, ?11, ?3, ?12, iif(?2 IS NULL, NULL, 1))";

struct Writer<'a> {
    db: &'a Connection,
    /// Held, as they are run for every new entry.
    new_entry: CachedStatement<'a>,
    new_sighting: CachedStatement<'a>,
    keyring: Keyring<'a>,
    source: i64,
    rule: DedupRule,
    now: i64,
    committed: Committed,
    touched: BTreeSet<String>,
    stories: i64,
    /// What became of each entry, but of those that were not read again.
    stood: Vec<Option<Stood>>,
    words: &'a mut Words,
}

impl Writer<'_> {
    fn read(&mut self, reading: &Reading<'_>) -> Result<(), StoreError> {
        let intake = reading.intake;
        self.stood = vec![None; reading.entries.len()];
        let mut numbers = Vec::with_capacity(intake.stories.len());
        for story in &intake.stories {
            let Some(entry) = reading.entries.get(story.index) else { continue };
            let Some(keys) = intake.keys.get(story.index) else { continue };
            numbers.push(self.insert(story, entry, keys, intake.reading)?);
            self.committed.new.push(story.id);
        }
        for index in intake.oldest_first() {
            let Some(entry) = reading.entries.get(index) else { continue };
            let Some(decision) = intake.decisions.get(index) else { continue };
            let Some(keys) = intake.keys.get(index) else { continue };
            let before = intake.let_through.iter().filter(|(place, _)| *place == index);
            let stands = match decision {
                Decision::Nothing | Decision::Pruned => None,
                Decision::New(place) => {
                    let Some(number) = numbers.get(*place).copied() else { continue };
                    let published = intake.stories.get(*place).map(|story| story.published.timestamp());
                    let sighting = self.begins(entry, keys, (number, published))?;
                    self.let_through(before, sighting)?;
                    Some((sighting, Some(number)))
                }
                Decision::Repeats(place, rule) => {
                    let Some(number) = numbers.get(*place).copied() else { continue };
                    let sighting = self.meets(entry, keys, number, rule)?;
                    self.let_through(before, sighting)?;
                    Some((sighting, Some(number)))
                }
                Decision::Meets(number, rule) => {
                    self.committed.met.push(self.name(*number)?);
                    let sighting = self.meets(entry, keys, *number, rule)?;
                    self.let_through(before, sighting)?;
                    if *rule == SIMILAR {
                        self.linked(*number)?;
                    }
                    if !intake.backlog {
                        self.list(*number)?;
                    }
                    Some((sighting, Some(*number)))
                }
                Decision::Seen { sighting, .. } => {
                    let story = self.seen(entry, keys, *sighting)?;
                    self.let_through(before.filter(|(_, record)| record != sighting), *sighting)?;
                    Some((*sighting, story))
                }
                Decision::Filtered(words) => {
                    self.committed.filtered += 1;
                    Some((self.sighting(entry, keys, (None, None), words)?, None))
                }
                Decision::StillFiltered(sighting, words) => {
                    self.seen(entry, keys, *sighting)?;
                    self.db
                        .prepare_cached("UPDATE sightings SET rule = ?2 WHERE number = ?1")?
                        .execute(params![sighting, words])?;
                    Some((*sighting, None))
                }
            };
            let (story, text) = (keys.story, keys.text);
            let stood = stands.map(|(sighting, entry)| Stood { sighting, entry, story, text });
            if let Some(slot) = self.stood.get_mut(index) {
                *slot = stood;
            }
        }
        for correction in &intake.corrections {
            let Some(entry) = reading.entries.get(correction.index) else { continue };
            let Some(keys) = intake.keys.get(correction.index) else { continue };
            self.correct(correction, entry, keys, intake.reading)?;
        }
        intake.merges.iter().try_for_each(|(stays, goes)| self.merge(*stays, *goes))
    }

    fn begins(
        &mut self,
        entry: &Entry,
        keys: &Keys,
        (number, published): (i64, Option<i64>),
    ) -> Result<i64, StoreError> {
        self.stories += 1;
        let sighting = self.sighting(entry, keys, (Some(number), published), "first")?;
        self.keyring.across(self.rule, keys, number, true)?;
        likeness::remember(self.db, &keys.bands, number, self.now)?;
        Ok(sighting)
    }

    fn meets(&mut self, entry: &Entry, keys: &Keys, number: i64, rule: &str) -> Result<i64, StoreError> {
        let known_here = self
            .db
            .prepare_cached("SELECT 1 FROM sightings WHERE entry = ?1 AND source = ?2")?
            .exists([number, self.source])?;
        self.stories += i64::from(!known_here);
        let sighting = self.sighting(entry, keys, (Some(number), None), rule)?;
        self.keyring.across(self.rule, keys, number, false)?;
        Ok(sighting)
    }

    /// What a filter held back is none of that any more: its record goes, its keys lead to the entry it is now.
    fn let_through<'i>(
        &self,
        records: impl Iterator<Item = &'i (usize, i64)>,
        sighting: i64,
    ) -> Result<(), StoreError> {
        for (_, record) in records {
            keyring::hand_over(self.db, self.source, *record, sighting)?;
            self.db
                .prepare_cached("DELETE FROM sightings WHERE number = ?1 AND entry IS NULL")?
                .execute([record])?;
        }
        Ok(())
    }

    /// A record, and its keys. `published`: of the story, where that is at hand.
    fn sighting(
        &mut self,
        entry: &Entry,
        keys: &Keys,
        (number, published): (Option<i64>, Option<i64>),
        rule: &str,
    ) -> Result<i64, StoreError> {
        self.new_sighting.execute(params![
            self.source,
            number,
            self.now,
            entry.digest.0,
            keys.story.0,
            keys.title,
            keys.text,
            entry.guid,
            entry.link,
            entry.title,
            keys.stated.map(|at| at.timestamp()),
            rule,
            published,
        ])?;
        let sighting = self.db.last_insert_rowid();
        self.lead_to(keys, sighting)?;
        Ok(sighting)
    }

    /// Makes the keys lead to a sighting, as far as they may.
    fn lead_to(&mut self, keys: &Keys, sighting: i64) -> Result<(), StoreError> {
        if !self.keyring.inside(keys, sighting)? {
            self.db
                .prepare_cached("UPDATE sightings SET reached = NULL WHERE number = ?1")?
                .execute([sighting])?;
        }
        Ok(())
    }

    /// Refreshes the record of a sighting and its keys; its story.
    fn seen(&mut self, entry: &Entry, keys: &Keys, sighting: i64) -> Result<Option<i64>, StoreError> {
        let story: Option<(Option<i64>, bool)> = self
            .db
            .prepare_cached(
                "SELECT s.entry, e.source IS s.source FROM sightings s LEFT JOIN entries e ON e.number = s.entry
                 WHERE s.number = ?1",
            )?
            .query_row([sighting], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        self.db
            .prepare_cached(
                "UPDATE sightings SET digest = ?2, story = ?3, title_key = ?4, text_key = ?5, guid = ?6, link = ?7,
                   title = ?8, stated = ?9, reached = iif(entry IS NULL, NULL, 1) WHERE number = ?1",
            )?
            .execute(params![
                sighting,
                entry.digest.0,
                keys.story.0,
                keys.title,
                keys.text,
                entry.guid,
                entry.link,
                entry.title,
                keys.stated.map(|at| at.timestamp()),
            ])?;
        self.lead_to(keys, sighting)?;
        let Some((Some(number), own)) = story else { return Ok(None) };
        self.keyring.across(self.rule, keys, number, own)?;
        Ok(Some(number))
    }

    fn keep(&self, body: Keep<'_>) -> Result<(), StoreError> {
        match body {
            Keep::AsItIs => {}
            Keep::This(body) => {
                self.db
                    .prepare_cached(
                        "INSERT OR REPLACE INTO bodies (source, fetched, url, content_type, content_language, body)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute(params![
                        self.source,
                        body.fetched.timestamp(),
                        body.url,
                        body.content_type,
                        body.content_language,
                        body.packed,
                    ])?;
            }
            Keep::Nothing => {
                self.db.prepare_cached("DELETE FROM bodies WHERE source = ?1")?.execute([self.source])?;
            }
        }
        Ok(())
    }

    fn finish(mut self, commit: &Commit<'_>, reading: &Reading<'_>) -> Result<Committed, StoreError> {
        last::remember(self.db, self.source, reading, &self.stood)?;
        let feed = commit.state.feed.as_ref();
        self.db
            .prepare_cached(
                "UPDATE sources SET remembered = ?2, title = ?3, link = ?4, podcast = ?5, stories = stories + ?6
                 WHERE number = ?1",
            )?
            .execute(params![
                self.source,
                state::write(commit.state),
                feed.map(|feed| feed.title.as_str()),
                feed.and_then(|feed| feed.link.as_deref()),
                feed.and_then(|feed| feed.podcast.as_ref()).map(rows::podcast_json),
                self.stories,
            ])?;
        self.keep(reading.body)?;
        if !self.committed.new.is_empty() || !self.committed.met.is_empty() {
            self.touched.insert(commit.source.as_str().to_owned());
        }
        self.committed.touched = self.touched.into_iter().map(SourceId::new).collect();
        Ok(self.committed)
    }
}
