//! What a poll writes of stories: new ones, other texts and dates, two that became one; and who is told of it.

use rusqlite::params;

use super::Writer;
use crate::dedup::{Correction, Keys, NewStory};
use crate::model::{Article, Entry, EntryId};
use crate::store::StoreError;
use crate::store::sqlite::{found, last, rows};

/// A new story.
pub(super) const NEW: &str = "INSERT INTO entries (id, source, published, updated, first_seen, modified, hold_until, listed,
    stated, guid, title, link, language, stated_published, stated_updated, summary, content, more, digest, substance,
    title_key, reading, article)
  VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)";

impl Writer<'_> {
    pub(super) fn insert(
        &mut self,
        story: &NewStory,
        entry: &Entry,
        keys: &Keys,
        reading: u32,
    ) -> Result<i64, StoreError> {
        let inserted = self.new_entry.execute(params![
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

    /// What another source brings as news is no backlog, although it was that where it was first seen.
    pub(super) fn list(&mut self, number: i64) -> Result<(), StoreError> {
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
    pub(super) fn linked(&mut self, number: i64) -> Result<(), StoreError> {
        self.db
            .prepare_cached("UPDATE entries SET modified = ?2 WHERE number = ?1")?
            .execute([number, self.now])?;
        self.changed(number)
    }

    /// Replaces a kept text. Readers are told only of what they would notice.
    pub(super) fn correct(
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
    pub(super) fn date(
        &self,
        number: i64,
        published: i64,
        hold_until: Option<i64>,
    ) -> Result<(), StoreError> {
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
    pub(super) fn merge(&mut self, stays: i64, goes: i64) -> Result<(), StoreError> {
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

    pub(super) fn name(&self, number: i64) -> Result<EntryId, StoreError> {
        let id = self
            .db
            .prepare_cached("SELECT id FROM entries WHERE number = ?1")?
            .query_row([number], |row| row.get(0))?;
        Ok(EntryId(uuid::Uuid::from_bytes(id)))
    }

    pub(super) fn changed(&mut self, number: i64) -> Result<(), StoreError> {
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
}
