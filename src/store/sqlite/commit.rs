//! One poll remembered: everything or nothing. Runs inside the caller's transaction, which ends with the words of what
//! is new.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::keyring::{self, Keyring};
use super::words::Words;
use super::{found, health, last, ledger, likeness, rows};
use crate::dedup::{Correction, Decision, Keys, NewStory, SIMILAR, Stood};
use crate::model::{Article, DedupRule, Entry, EntryId, PushChange, SourceId};
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

struct Writer<'a> {
    db: &'a Connection,
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
        let decided = reading.entries.iter().zip(&intake.decisions).zip(&intake.keys);
        for (index, ((entry, decision), keys)) in decided.enumerate() {
            let before = intake.let_through.iter().filter(|(place, _)| *place == index);
            let stands = match decision {
                Decision::Nothing | Decision::Pruned => None,
                Decision::New(place) => {
                    let Some(number) = numbers.get(*place).copied() else { continue };
                    self.stories += 1;
                    let published = intake.stories.get(*place).map(|story| story.published.timestamp());
                    let sighting = self.sighting(entry, keys, (Some(number), published), "first")?;
                    self.keyring.across(self.rule, keys, number, true)?;
                    likeness::remember(self.db, &keys.bands, number, self.now)?;
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
                Decision::Seen { sighting, .. } => Some((*sighting, self.seen(entry, keys, *sighting)?)),
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

    fn insert(
        &mut self,
        story: &NewStory,
        entry: &Entry,
        keys: &Keys,
        reading: u32,
    ) -> Result<i64, StoreError> {
        let inserted = self
            .db
            .prepare_cached(
                "INSERT INTO entries (id, source, published, updated, first_seen, modified, hold_until, listed,
                   stated, guid, title, link, language, stated_published, stated_updated, summary, content, more,
                   digest, substance, title_key, reading, article)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
                   ?20, ?21, ?22)",
            )?
            .execute(params![
                story.id.0.as_bytes(),
                self.source,
                story.published.timestamp(),
                story.updated.timestamp(),
                self.now,
                story.hold_until.map(|at| at.timestamp()),
                story.listed,
                keys.stated.map(|at| at.timestamp()),
                entry.guid,
                entry.title,
                entry.link,
                entry.language,
                entry.published.map(|at| at.timestamp()),
                entry.updated.map(|at| at.timestamp()),
                entry.summary.as_deref(),
                entry.content.as_deref(),
                rows::more(entry),
                entry.digest.0,
                story.substance.0,
                keys.title,
                reading,
                entry.article == Article::Taken,
            ]);
        match inserted {
            Ok(_) => {
                let number = self.db.last_insert_rowid();
                self.words.add(story.published.timestamp(), number, entry);
                Ok(number)
            }
            // The name is taken: somebody else stored this story since we looked.
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == rusqlite::ErrorCode::ConstraintViolation =>
            {
                Err(StoreError::Conflict)
            }
            Err(error) => Err(error.into()),
        }
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

    /// What another source brings as news is no backlog, although it was that where it was first seen.
    fn list(&mut self, number: i64) -> Result<(), StoreError> {
        let listed = self
            .db
            .prepare_cached(
                "UPDATE entries SET listed = 1, modified = ?3
                 WHERE number = ?1 AND listed = 0 AND source <> ?2",
            )?
            .execute(params![number, self.source, self.now])?;
        if listed > 0 { self.changed(number) } else { Ok(()) }
    }

    /// A story shows another link from now on.
    fn linked(&mut self, number: i64) -> Result<(), StoreError> {
        self.db
            .prepare_cached("UPDATE entries SET modified = ?2 WHERE number = ?1")?
            .execute([number, self.now])?;
        self.changed(number)
    }

    /// A record, and its keys. `published`: of the story, where that is at hand.
    fn sighting(
        &mut self,
        entry: &Entry,
        keys: &Keys,
        (number, published): (Option<i64>, Option<i64>),
        rule: &str,
    ) -> Result<i64, StoreError> {
        self.db
            .prepare_cached(
                "INSERT INTO sightings (source, entry, published, digest, story, title_key, text_key, guid, link,
                   title, stated, first_seen, rule, reached)
                 VALUES (?1, ?2, coalesce(?13, (SELECT published FROM entries WHERE number = ?2), ?3), ?4, ?5, ?6, ?7,
                   ?8, ?9, ?10, ?11, ?3, ?12, iif(?2 IS NULL, NULL, 1))",
            )?
            .execute(params![
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

    /// Replaces a kept text. Readers are told only of what they would notice.
    fn correct(
        &mut self,
        correction: &Correction,
        entry: &Entry,
        keys: &Keys,
        reading: u32,
    ) -> Result<(), StoreError> {
        let number = correction.entry;
        let entry = correction.entry_with_article.as_deref().unwrap_or(entry);
        if let Some((published, hold_until)) = correction.dated {
            self.date(number, published.timestamp(), hold_until.map(|until| until.timestamp()))?;
        }
        let more = rows::more(entry);
        let text = params![
            number,
            self.now,
            correction.updated.map(|at| at.timestamp()),
            entry.guid,
            entry.title,
            entry.link,
            entry.language,
            entry.summary.as_deref(),
            entry.content.as_deref(),
            more,
        ];
        let replaced = self
            .db
            .prepare_cached(
                "UPDATE entries SET modified = ?2, updated = max(coalesce(?3, updated), published), guid = ?4,
                   title = ?5, link = ?6, language = ?7, summary = ?8, content = ?9, more = ?10
                 WHERE number = ?1 AND (?3 IS NOT NULL
                   OR (title, link, language, summary, content, more) IS NOT (?5, ?6, ?7, ?8, ?9, ?10))",
            )?
            .execute(text)?;
        self.db
            .prepare_cached(
                "UPDATE entries SET stated_published = ?2, stated_updated = ?3, digest = ?4, substance = ?5,
                   title_key = ?6, reading = ?7, article = ?8 WHERE number = ?1",
            )?
            .execute(params![
                number,
                entry.published.map(|at| at.timestamp()),
                entry.updated.map(|at| at.timestamp()),
                entry.digest.0,
                correction.substance.0,
                keys.title,
                reading,
                entry.article == Article::Taken,
            ])?;
        if replaced > 0 || correction.dated.is_some() { self.changed(number) } else { Ok(()) }
    }

    /// A story that is held, and so was seen by nobody, gets another date.
    fn date(&self, number: i64, published: i64, hold_until: Option<i64>) -> Result<(), StoreError> {
        self.db
            .prepare_cached(
                "UPDATE entries SET published = ?2, updated = ?2, modified = ?4, hold_until = ?3 WHERE number = ?1",
            )?
            .execute(params![number, published, hold_until, self.now])?;
        self.db
            .prepare_cached("UPDATE sightings SET published = ?2 WHERE entry = ?1")?
            .execute([number, published])?;
        Ok(())
    }

    /// Two stories that a correction made one: the older stays, the younger leads to it.
    fn merge(&mut self, stays: i64, goes: i64) -> Result<(), StoreError> {
        self.changed(goes)?;
        self.changed(stays)?;
        last::merge(self.db, stays, goes)?;
        for stood in self.stood.iter_mut().flatten() {
            stood.entry = stood.entry.map(|entry| last::merged(entry, stays, goes));
        }
        self.db.execute(
            "UPDATE entries SET merged_into = ?1, modified = ?3 WHERE number = ?2",
            params![stays, goes, self.now],
        )?;
        // What stood in current documents does not leave them because the older was backlog.
        self.db.execute(
            "UPDATE entries SET listed = 1, modified = ?3
             WHERE number = ?1 AND listed = 0 AND (SELECT listed FROM entries WHERE number = ?2) = 1",
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
        let counted_here = self
            .db
            .prepare_cached("SELECT 1 FROM sightings WHERE entry = ?1 AND source = ?2")?
            .exists([stays, self.source])?;
        if counted_here {
            // This poll's own are among those.
            self.stories = 0;
        }
        Ok(())
    }

    fn name(&self, number: i64) -> Result<EntryId, StoreError> {
        let id = self
            .db
            .prepare_cached("SELECT id FROM entries WHERE number = ?1")?
            .query_row([number], |row| row.get(0))?;
        Ok(EntryId(uuid::Uuid::from_bytes(id)))
    }

    fn changed(&mut self, number: i64) -> Result<(), StoreError> {
        found::note(self.db, number)?;
        let id = self.name(number)?;
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
