//! One poll remembered: everything or nothing. Runs inside the caller's transaction.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::{health, rows};
use crate::dedup::{Decision, Keys, NewStory, stated};
use crate::model::{DedupRule, Digest, Entry, EntryId, SourceId};
use crate::store::{Commit, Committed, Reading, StoreError};

pub(super) fn commit(db: &Connection, source: i64, commit: &Commit<'_>) -> Result<Committed, StoreError> {
    let news = health::record(db, source, commit.state, commit.now)?;
    let feed = commit.state.feed.as_ref();
    db.prepare_cached("UPDATE sources SET state = ?2, title = ?3, link = ?4 WHERE number = ?1")?.execute(
        params![
            source,
            rows::state_json(commit.state),
            feed.map(|feed| feed.title.as_str()),
            feed.and_then(|feed| feed.link.as_deref())
        ],
    )?;
    let Some(reading) = commit.reading else { return Ok(Committed { news, ..Committed::default() }) };
    let rule: String = db
        .prepare_cached("SELECT rule FROM sources WHERE number = ?1")?
        .query_row([source], |row| row.get(0))?;
    let mut writer = Writer {
        db,
        source,
        rule: rows::rule(&rule),
        now: commit.now.timestamp(),
        committed: Committed { news, ..Committed::default() },
        touched: BTreeSet::new(),
        stories: 0,
    };
    writer.read(&reading)?;
    writer.finish(commit.source, &reading)
}

struct Writer<'a> {
    db: &'a Connection,
    source: i64,
    rule: DedupRule,
    now: i64,
    committed: Committed,
    touched: BTreeSet<String>,
    stories: i64,
}

impl Writer<'_> {
    fn read(&mut self, reading: &Reading<'_>) -> Result<(), StoreError> {
        let intake = reading.intake;
        let mut numbers = Vec::with_capacity(intake.stories.len());
        for story in &intake.stories {
            let Some(entry) = reading.entries.get(story.index) else { continue };
            numbers.push(self.insert(story, entry)?);
            self.committed.new.push(story.id);
        }
        for ((entry, decision), keys) in reading.entries.iter().zip(&intake.decisions).zip(&intake.keys) {
            match decision {
                Decision::Nothing => {}
                Decision::New(place) => {
                    let Some(number) = numbers.get(*place).copied() else { continue };
                    self.stories += 1;
                    let sighting = self.sighting(entry, keys, Some(number), "first")?;
                    self.inside(keys, sighting)?;
                    self.across(keys, number, true)?;
                }
                Decision::Repeats(place, rule) => {
                    let Some(number) = numbers.get(*place).copied() else { continue };
                    self.meets(entry, keys, number, rule)?;
                }
                Decision::Meets(number, rule) => {
                    self.committed.met += 1;
                    self.meets(entry, keys, *number, rule)?;
                }
                Decision::Seen { sighting, .. } => self.seen(entry, keys, *sighting)?,
                Decision::Filtered(words) => {
                    self.committed.filtered += 1;
                    let sighting = self.sighting(entry, keys, None, words)?;
                    self.inside(keys, sighting)?;
                }
            }
        }
        for correction in &intake.corrections {
            let Some(entry) = reading.entries.get(correction.index) else { continue };
            let Some(keys) = intake.keys.get(correction.index) else { continue };
            self.correct(
                correction.entry,
                entry,
                keys,
                correction.updated.timestamp(),
                correction.substance,
            )?;
        }
        intake.merges.iter().try_for_each(|(stays, goes)| self.merge(*stays, *goes))
    }

    fn insert(&self, story: &NewStory, entry: &Entry) -> Result<i64, StoreError> {
        let inserted = self
            .db
            .prepare_cached(
                "INSERT INTO entries (id, source, published, updated, first_seen, modified, hold_until, listed,
                   stated, guid, title, link, language, stated_published, stated_updated, summary, content, more,
                   digest, substance)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
            )?
            .execute(params![
                story.id.0.as_bytes(),
                self.source,
                story.published.timestamp(),
                story.updated.timestamp(),
                self.now,
                story.hold_until.map(|at| at.timestamp()),
                story.listed,
                stated(entry).map(|at| at.timestamp()),
                entry.guid,
                entry.title,
                entry.link,
                entry.language,
                entry.published.map(|at| at.timestamp()),
                entry.updated.map(|at| at.timestamp()),
                entry.summary,
                entry.content,
                rows::more(entry),
                entry.digest.0,
                story.substance.0,
            ]);
        match inserted {
            Ok(_) => Ok(self.db.last_insert_rowid()),
            // The name is taken: somebody else stored this story since we looked.
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == rusqlite::ErrorCode::ConstraintViolation =>
            {
                Err(StoreError::Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn meets(&mut self, entry: &Entry, keys: &Keys, number: i64, rule: &str) -> Result<(), StoreError> {
        let known_here = self
            .db
            .prepare_cached("SELECT 1 FROM sightings WHERE entry = ?1 AND source = ?2")?
            .exists([number, self.source])?;
        self.stories += i64::from(!known_here);
        let sighting = self.sighting(entry, keys, Some(number), rule)?;
        self.inside(keys, sighting)?;
        self.across(keys, number, false)
    }

    fn sighting(
        &self,
        entry: &Entry,
        keys: &Keys,
        number: Option<i64>,
        rule: &str,
    ) -> Result<i64, StoreError> {
        if let Some(number) = number {
            // The folded title is known here and nowhere in the entry itself.
            self.db
                .prepare_cached("UPDATE entries SET title_key = ?2 WHERE number = ?1 AND title_key IS NULL")?
                .execute(params![number, keys.title])?;
        }
        self.db
            .prepare_cached(
                "INSERT INTO sightings (source, entry, published, digest, story, title_key, guid, link, title,
                   stated, first_seen, rule)
                 VALUES (?1, ?2, coalesce((SELECT published FROM entries WHERE number = ?2), ?3), ?4, ?5, ?6, ?7,
                   ?8, ?9, ?10, ?3, ?11)",
            )?
            .execute(params![
                self.source,
                number,
                self.now,
                entry.digest.0,
                keys.story.0,
                keys.title.unwrap_or_default(),
                entry.guid,
                entry.link,
                entry.title,
                stated(entry).map(|at| at.timestamp()),
                rule,
            ])?;
        Ok(self.db.last_insert_rowid())
    }

    /// Refreshes the record of a sighting and its keys.
    fn seen(&mut self, entry: &Entry, keys: &Keys, sighting: i64) -> Result<(), StoreError> {
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
                "UPDATE sightings SET digest = ?2, story = ?3, title_key = ?4, guid = ?5, link = ?6, title = ?7,
                   stated = ?8 WHERE number = ?1",
            )?
            .execute(params![
                sighting,
                entry.digest.0,
                keys.story.0,
                keys.title.unwrap_or_default(),
                entry.guid,
                entry.link,
                entry.title,
                stated(entry).map(|at| at.timestamp()),
            ])?;
        self.inside(keys, sighting)?;
        match story {
            Some((Some(number), own)) => self.across(keys, number, own),
            _ => Ok(()),
        }
    }

    /// Keys inside the source. A story key that another entry holds is made single by link or guid.
    fn inside(&self, keys: &Keys, sighting: i64) -> Result<(), StoreError> {
        for key in [keys.guid, keys.link, keys.body].into_iter().flatten() {
            self.register(self.source, key, sighting)?;
        }
        if !self.register(self.source, keys.story, sighting)? {
            self.register(self.source, keys.twin, sighting)?;
            self.register(self.source, keys.plural, sighting)?;
        }
        Ok(())
    }

    /// Keys across sources. Only the source whose text is kept says under which timestamp and title
    /// a story is met: a window must not chain.
    fn across(&self, keys: &Keys, number: i64, own: bool) -> Result<(), StoreError> {
        if self.rule == DedupRule::None {
            return Ok(());
        }
        for key in [keys.guid.filter(|_| keys.guid_global), keys.link].into_iter().flatten() {
            self.register(0, key, number)?;
        }
        if own && !self.register(0, keys.story, number)? {
            self.register(0, keys.twin, number)?;
        }
        Ok(())
    }

    /// True when the key leads to the target now. A key that another holds stays with it,
    /// unless that other is only the record of a filtered entry.
    fn register(&self, scope: i64, key: Digest, target: i64) -> Result<bool, StoreError> {
        self.db
            .prepare_cached(
                "INSERT INTO keys (scope, key, target) VALUES (?1, ?2, ?3)
                 ON CONFLICT (scope, key) DO UPDATE SET target = excluded.target
                 WHERE scope > 0 AND EXISTS
                   (SELECT 1 FROM sightings WHERE number = keys.target AND entry IS NULL)",
            )?
            .execute(params![scope, key.0, target])?;
        let holder: i64 = self
            .db
            .prepare_cached("SELECT target FROM keys WHERE scope = ?1 AND key = ?2")?
            .query_row(params![scope, key.0], |row| row.get(0))?;
        Ok(holder == target)
    }

    fn correct(
        &mut self,
        number: i64,
        entry: &Entry,
        keys: &Keys,
        updated: i64,
        substance: Digest,
    ) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE entries SET updated = max(?2, published), modified = ?3, guid = ?4, title = ?5, link = ?6,
                   language = ?7, stated_published = ?8, stated_updated = ?9, summary = ?10, content = ?11,
                   more = ?12, digest = ?13, substance = ?14, title_key = ?15 WHERE number = ?1",
            )?
            .execute(params![
                number,
                updated,
                self.now,
                entry.guid,
                entry.title,
                entry.link,
                entry.language,
                entry.published.map(|at| at.timestamp()),
                entry.updated.map(|at| at.timestamp()),
                entry.summary,
                entry.content,
                rows::more(entry),
                entry.digest.0,
                substance.0,
                keys.title,
            ])?;
        self.changed(number)
    }

    /// Two stories that a correction made one: the older stays, the younger leads to it.
    fn merge(&mut self, stays: i64, goes: i64) -> Result<(), StoreError> {
        self.changed(goes)?;
        self.changed(stays)?;
        self.db.execute(
            "UPDATE entries SET merged_into = ?1, modified = ?3 WHERE number = ?2",
            params![stays, goes, self.now],
        )?;
        self.db.execute(
            "UPDATE sightings SET entry = ?1, rule = rule || '; then a correction made it this story',
               published = (SELECT published FROM entries WHERE number = ?1) WHERE entry = ?2",
            params![stays, goes],
        )?;
        self.db.execute(
            "UPDATE sources SET stories = (SELECT count(DISTINCT entry) FROM sightings WHERE source = sources.number)
             WHERE number IN (SELECT source FROM sightings WHERE entry = ?1)",
            [stays],
        )?;
        Ok(())
    }

    fn changed(&mut self, number: i64) -> Result<(), StoreError> {
        let id: [u8; 16] = self
            .db
            .prepare_cached("SELECT id FROM entries WHERE number = ?1")?
            .query_row([number], |row| row.get(0))?;
        let id = EntryId(uuid::Uuid::from_bytes(id));
        if !self.committed.changed.contains(&id) {
            self.committed.changed.push(id);
        }
        let mut statement = self.db.prepare_cached(
            "SELECT DISTINCT s.id FROM sightings x JOIN sources s ON s.number = x.source WHERE x.entry = ?1",
        )?;
        for id in statement.query_map([number], |row| row.get::<_, String>(0))? {
            self.touched.insert(id?);
        }
        Ok(())
    }

    fn finish(mut self, id: &SourceId, reading: &Reading<'_>) -> Result<Committed, StoreError> {
        let mut seen = Vec::with_capacity(16 * (reading.entries.len() + 1));
        seen.extend_from_slice(&reading.rules.0);
        reading.entries.iter().for_each(|entry| seen.extend_from_slice(&entry.digest.0));
        self.db
            .prepare_cached("UPDATE sources SET seen = ?2, stories = stories + ?3 WHERE number = ?1")?
            .execute(params![self.source, seen, self.stories])?;
        if let Some(body) = reading.body {
            // Level 3: the measure of zstd where time and size meet.
            let packed = zstd::encode_all(body.bytes.as_slice(), 3)
                .map_err(|error| StoreError::Failed(format!("compressing the body of {id}: {error}")))?;
            self.db
                .prepare_cached(
                    "INSERT OR REPLACE INTO bodies (source, fetched, url, content_type, body)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![self.source, self.now, body.url, body.content_type, packed])?;
        } else {
            // An older body would be taken for this one.
            self.db.prepare_cached("DELETE FROM bodies WHERE source = ?1")?.execute([self.source])?;
        }
        let read_something = !self.committed.new.is_empty() || self.committed.met > 0;
        if read_something {
            self.touched.insert(id.as_str().to_owned());
        }
        self.committed.touched = self.touched.into_iter().map(SourceId::new).collect();
        Ok(self.committed)
    }
}
