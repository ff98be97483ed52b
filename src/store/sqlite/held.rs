//! Stories that wait, found by an index that holds nothing else.

use chrono::{DateTime, Utc};
use rusqlite::params;

use super::{Sqlite, archive};
use crate::model::{EntryId, Output, Published, SourceId};
use crate::store::StoreError;
use crate::store::held::{Came, Due, Held};
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
        upto_place: i64,
        (after, upto): (Came, i64),
        limit: usize,
    ) -> Result<(Vec<(Came, Published)>, Came), StoreError> {
        // A source's output knows a story by its first sighting there, one of everything by its number.
        let (place, sightings) = match output.sources {
            Some(_) => ("x.number", "JOIN sightings x ON x.entry = e.number"),
            None => ("e.number", ""),
        };
        let rows: Vec<Came> = self
            .db
            .prepare_cached(&format!(
                "SELECT e.hold_until, {place} FROM entries e {sightings}
                 WHERE e.hold_until >= ?1 AND e.hold_until <= ?3 AND (e.hold_until, {place}) > (?1, ?2)
                   AND {place} <= ?4
                 ORDER BY e.hold_until, {place} LIMIT ?5"
            ))?
            .query_map(
                params![
                    after.second,
                    after.place,
                    upto,
                    upto_place,
                    i64::try_from(limit).unwrap_or(i64::MAX)
                ],
                |row| Ok(Came { second: row.get(0)?, place: row.get(1)? }),
            )?
            .collect::<Result<_, _>>()?;
        let mut due = Vec::new();
        for came in &rows {
            let place = came.place;
            let found = archive::stories(&self.db, output, (place - 1, place), 1, at(upto))?;
            let listed = found.stories.into_iter().filter(|(_, listed, _)| *listed);
            due.extend(listed.map(|(_, _, story)| (*came, story)));
        }
        let reached = rows.last().filter(|_| rows.len() >= limit);
        Ok((due, reached.copied().unwrap_or(Came::all_of(upto))))
    }
}
