//! The config's sources in the store: made known, renamed, or marked as no longer there.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use super::{Sqlite, found, hidden, keyring, rows};
use crate::link;
use crate::model::{DedupRule, Source, SourceId, SourceState};
use crate::store::{StoreError, state};

/// Sources that were renamed since the store was opened, by their former ids: a poll under way knows no other. One for
/// all connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Former(Arc<Mutex<HashMap<SourceId, SourceId>>>);

impl Former {
    pub(super) fn note(&self, renamed: &[(SourceId, SourceId)]) {
        // Whole ids, never half changed.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (former, id) in renamed {
            known.values_mut().filter(|now| *now == former).for_each(|now| now.clone_from(id));
            known.insert(former.clone(), id.clone());
        }
    }

    /// What is found by an id, or, where nothing is, by the one that it became.
    pub(super) fn or_later<T>(
        &self,
        id: &SourceId,
        mut find: impl FnMut(&str) -> rusqlite::Result<Option<T>>,
    ) -> Result<Option<T>, StoreError> {
        if let Some(found) = find(id.as_str())? {
            return Ok(Some(found));
        }
        let later = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        Ok(later.map(|later| find(later.as_str())).transpose()?.flatten())
    }
}

impl Sqlite {
    pub(super) fn source_number(&self, id: &SourceId) -> Result<i64, StoreError> {
        Ok(self.source(id)?.0)
    }

    /// A source's number, its id as it is now, and the last of its news.
    pub(super) fn source(&self, id: &SourceId) -> Result<(i64, SourceId, Option<String>), StoreError> {
        let mut statement = self.db.prepare_cached("SELECT number, id, said FROM sources WHERE id = ?1")?;
        let found = self.former.or_later(id, |id| {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?));
            statement.query_row([id], read).optional()
        })?;
        let (number, id, said) =
            found.ok_or_else(|| StoreError::Failed(format!("source {id} is not in the store")))?;
        Ok((number, SourceId::new(id), said))
    }

    /// The state that a poll leaves which began before its source was renamed: with what was noted then.
    pub(super) fn renamed(&self, number: i64, state: &SourceState) -> Result<SourceState, StoreError> {
        Ok(SourceState { first_id: remembered(&self.db, number)?.first_id, ..state.clone() })
    }
}

fn remembered(db: &Connection, number: i64) -> Result<SourceState, StoreError> {
    let sql = "SELECT remembered FROM sources WHERE number = ?1";
    Ok(db.query_row(sql, [number], |row| Ok(state::read(row.get_ref(0)?.as_blob()?)))?)
}

/// Which id became which.
pub(super) fn sync(
    db: &Connection,
    sources: &[Arc<Source>],
) -> Result<Vec<(SourceId, SourceId)>, StoreError> {
    let mut renamed = Vec::new();
    let ids: HashSet<&str> = sources.iter().map(|source| source.id.as_str()).collect();
    let number = |id: &str| -> Result<Option<i64>, StoreError> {
        Ok(db
            .prepare_cached("SELECT number FROM sources WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?)
    };
    // First ids of sources that are called otherwise now; read when a new source comes, whose id may be one.
    let mut taken: Option<HashSet<String>> = None;
    for source in sources {
        // A former id that is configured again belongs to that source, not to its successor.
        for former in source.was.iter().filter(|former| !ids.contains(former.as_str())) {
            match (number(former.as_str())?, number(source.id.as_str())?) {
                (Some(old), None) => {
                    db.execute(
                        "UPDATE sources SET id = ?1 WHERE number = ?2",
                        params![source.id.as_str(), old],
                    )?;
                    keep_first_id(db, old, former.as_str())?;
                    found::note_any(db)?;
                    renamed.push((former.clone(), source.id.clone()));
                }
                (Some(old), Some(new)) => merge(db, old, new)?,
                (None, _) => {}
            }
        }
        let is_new = number(source.id.as_str())?.is_none();
        db.prepare_cached(
            "INSERT INTO sources (id, url, name, rule, configured) VALUES (?1, ?2, ?3, ?4, 1)
             ON CONFLICT (id) DO UPDATE SET url = excluded.url, name = excluded.name, rule = excluded.rule,
               configured = 1
             WHERE (url, name, rule, configured) IS NOT (excluded.url, excluded.name, excluded.rule, 1)",
        )?
        .execute(params![
            source.id.as_str(),
            link::mask(source.url.as_str()),
            source.name,
            rows::rule_name(source.dedup)
        ])?;
        if is_new {
            let taken = match &mut taken {
                Some(taken) => taken,
                none => none.insert(first_ids(db)?),
            };
            if taken.contains(source.id.as_str()) {
                let number = db.last_insert_rowid();
                keep_first_id(db, number, &format!("{}#{number}", source.id.as_str()))?;
            }
        }
    }
    for rule in [DedupRule::Guid, DedupRule::Link] {
        if sources.iter().any(|source| source.dedup == rule) {
            keyring::begin_to_meet(db, rule)?;
        }
    }
    let by_id: HashMap<&str, &Source> =
        sources.iter().map(|source| (source.id.as_str(), source.as_ref())).collect();
    let all: Vec<(i64, String)> = db
        .prepare("SELECT number, id FROM sources")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (number, id) in &all {
        hidden::take_out(db, *number, by_id.get(id.as_str()).copied())?;
    }
    mark_gone(db, &ids)?;
    Ok(renamed)
}

fn mark_gone(db: &Connection, ids: &HashSet<&str>) -> Result<(), StoreError> {
    let gone: Vec<(i64, String)> = db
        .prepare("SELECT number, id FROM sources WHERE configured = 1")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (number, _) in gone.iter().filter(|(_, id)| !ids.contains(id.as_str())) {
        db.execute("UPDATE sources SET configured = 0 WHERE number = ?1", [number])?;
    }
    Ok(())
}

/// By this name the document of a source goes on being known, where it has no such name yet.
fn keep_first_id(db: &Connection, number: i64, id: &str) -> Result<(), StoreError> {
    let mut remembered = remembered(db, number)?;
    remembered.first_id.get_or_insert_with(|| id.to_owned());
    let sql = "UPDATE sources SET remembered = ?2 WHERE number = ?1";
    db.execute(sql, params![number, state::write(&remembered)])?;
    Ok(())
}

fn first_ids(db: &Connection) -> Result<HashSet<String>, StoreError> {
    let mut statement = db.prepare("SELECT remembered FROM sources")?;
    let found = statement.query_map([], |row| Ok(state::read(row.get_ref(0)?.as_blob()?).first_id))?;
    Ok(found.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

/// Gives everything of one source to another. Keys both have stay with the one that goes on.
fn merge(db: &Connection, old: i64, new: i64) -> Result<(), StoreError> {
    for sql in [
        "UPDATE entries SET source = ?2 WHERE source = ?1",
        // What led to them there may lead elsewhere here.
        "UPDATE sightings SET source = ?2, reached = NULL WHERE source = ?1",
        "UPDATE health SET source = ?2 WHERE source = ?1",
        "UPDATE sources SET said =
           (SELECT kind FROM health WHERE source = ?2 AND kind NOT IN ('moved', 'expiring')
            ORDER BY number DESC LIMIT 1) WHERE number = ?2 AND ?1 = ?1",
        "INSERT OR IGNORE INTO keys (scope, key, target) SELECT ?2, key, target FROM keys WHERE scope = ?1",
        "DELETE FROM last_documents WHERE source IN (?1, ?2)",
        "UPDATE sources SET stories =
           (SELECT count(DISTINCT entry) FROM sightings WHERE source = ?2) WHERE number = ?2 AND ?1 = ?1",
    ] {
        db.execute(sql, params![old, new])?;
    }
    db.execute("DELETE FROM keys WHERE scope = ?1", [old])?;
    db.execute("DELETE FROM sources WHERE number = ?1", [old])?;
    found::note_any(db)
}
