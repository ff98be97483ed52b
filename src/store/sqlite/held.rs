//! Stories that wait, found by an index that holds nothing else.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::{Sqlite, archive};
use crate::model::{EntryId, Output, Published, SourceId};
use crate::store::StoreError;
use crate::store::held::{Due, Held};
use crate::store::state::at;

impl Held for Sqlite {
    fn due(&mut self, after: DateTime<Utc>, upto: DateTime<Utc>) -> Result<Due, StoreError> {
        let entries = self
            .db
            .prepare_cached("SELECT id FROM entries WHERE hold_until > ?1 AND hold_until <= ?2")?
            .query_map([after.timestamp(), upto.timestamp()], |row| {
                Ok(EntryId(uuid::Uuid::from_bytes(row.get(0)?)))
            })?
            .collect::<Result<_, _>>()?;
        let sources = self
            .db
            .prepare_cached(
                "SELECT DISTINCT s.id FROM entries e JOIN sightings x ON x.entry = e.number
                   JOIN sources s ON s.number = x.source
                 WHERE e.hold_until > ?1 AND e.hold_until <= ?2",
            )?
            .query_map([after.timestamp(), upto.timestamp()], |row| {
                row.get::<_, String>(0).map(SourceId::new)
            })?
            .collect::<Result<_, _>>()?;
        let next: Option<i64> = self
            .db
            .prepare_cached("SELECT min(hold_until) FROM entries WHERE hold_until > ?1")?
            .query_row([upto.timestamp()], |row| row.get(0))?;
        Ok(Due { entries, sources, next: next.map(at) })
    }

    fn due_in(
        &mut self,
        output: &Output,
        after: DateTime<Utc>,
        upto: DateTime<Utc>,
    ) -> Result<Vec<Published>, StoreError> {
        // A source's output knows a story by its first sighting there, one of everything by its number.
        let places: Vec<i64> = self
            .db
            .prepare_cached(
                "SELECT CASE WHEN ?3 THEN x.number ELSE e.number END FROM entries e
                   JOIN sightings x ON x.entry = e.number
                 WHERE e.hold_until > ?1 AND e.hold_until <= ?2 ORDER BY e.hold_until, x.number",
            )?
            .query_map(params![after.timestamp(), upto.timestamp(), output.sources.is_some()], |row| {
                row.get(0)
            })?
            .collect::<Result<_, _>>()?;
        let mut due: Vec<Published> = Vec::new();
        for place in places {
            let found = archive::stories(&self.db, output, (place - 1, place), 1, upto)?;
            for (_, listed, story) in found.stories {
                if listed && due.iter().all(|known| known.id != story.id) {
                    due.push(story);
                }
            }
        }
        Ok(due)
    }
}
