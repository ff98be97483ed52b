//! What was found of outputs by a long way, and what happened since: new sightings, and the log of changes.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::archive;
use crate::model::{Digest, EntryId, Output};
use crate::store::StoreError;
use crate::store::outputs::{Found, Look, Seen, Tail};
use crate::store::state::at;

/// Changes kept. Who saw less than these looks at everything again.
const KEPT: i64 = if cfg!(test) { 32 } else { 1 << 16 };
/// Sightings, or changes, told of in one go.
const SLICE: i64 = if cfg!(test) { 5 } else { 1_000 };

/// Takes note that something happened to a story which its sightings do not tell.
pub(super) fn note(db: &Connection, entry: i64) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO changes (entry) VALUES (?1)")?.execute([entry])?;
    Ok(())
}

/// Takes note that something happened to any number of stories.
pub(super) fn note_any(db: &Connection) -> Result<(), StoreError> {
    db.execute("INSERT INTO changes (entry) VALUES (NULL)", [])?;
    Ok(())
}

/// Forgets the oldest changes.
pub(super) fn forget(db: &Connection) -> Result<(), StoreError> {
    db.execute("DELETE FROM changes WHERE number <= (SELECT max(number) FROM changes) - ?1", [KEPT])?;
    Ok(())
}

/// Up to where there is anything.
pub(super) fn seen(db: &Connection) -> Result<Seen, StoreError> {
    let last = |sql: &str| -> Result<i64, StoreError> {
        Ok(db.prepare_cached(sql)?.query_row([], |row| row.get::<_, Option<i64>>(0))?.unwrap_or_default())
    };
    Ok(Seen {
        sightings: last("SELECT max(number) FROM sightings")?,
        changes: last("SELECT max(number) FROM changes")?,
    })
}

/// To which stories anything happened after a place: a slice, up to where it goes, and whether there is more. `None`:
/// it is more than so much, or not known any more.
pub(super) fn since(
    db: &Connection,
    place: Seen,
    most: usize,
) -> Result<Option<(BTreeSet<i64>, Seen, bool)>, StoreError> {
    let last = seen(db)?;
    let first: Option<i64> =
        db.prepare_cached("SELECT min(number) FROM changes")?.query_row([], |row| row.get(0))?;
    if first.is_some_and(|first| place.changes + 1 < first) || place.behind(last) > most {
        return Ok(None);
    }
    let upto = Seen {
        sightings: last.sightings.min(place.sightings + SLICE),
        changes: last.changes.min(place.changes + SLICE),
    };
    let mut stories = BTreeSet::new();
    let mut sightings = db.prepare_cached(
        "SELECT entry FROM sightings WHERE number > ?1 AND number <= ?2 AND entry IS NOT NULL",
    )?;
    for number in sightings.query_map([place.sightings, upto.sightings], |row| row.get(0))? {
        stories.insert(number?);
    }
    let mut changes = db.prepare_cached("SELECT entry FROM changes WHERE number > ?1 AND number <= ?2")?;
    for number in changes.query_map([place.changes, upto.changes], |row| row.get(0))? {
        let Some(number) = number? else { return Ok(None) };
        stories.insert(number);
    }
    Ok(Some((stories, upto, upto != last)))
}

/// Stories whose time came after one moment, up to another.
pub(super) fn due(
    db: &Connection,
    after: DateTime<Utc>,
    upto: DateTime<Utc>,
) -> Result<Vec<i64>, StoreError> {
    let mut due =
        db.prepare_cached("SELECT number FROM entries WHERE hold_until > ?1 AND hold_until <= ?2")?;
    let numbers = due.query_map([after.timestamp(), upto.timestamp()], |row| row.get(0))?;
    Ok(numbers.collect::<Result<_, _>>()?)
}

/// A look as it is written down.
#[derive(Serialize, Deserialize)]
struct LookRow {
    sightings: i64,
    changes: i64,
    at: i64,
    looked: usize,
    stood: Vec<i64>,
}

/// A tail as it is written down.
#[derive(Serialize, Deserialize)]
struct TailRow {
    sightings: i64,
    changes: i64,
    counted: i64,
    whole: bool,
    walked: usize,
    /// Places, and names in two halves.
    stories: Vec<(i64, (u64, u64))>,
}

impl From<&Look> for LookRow {
    fn from(look: &Look) -> Self {
        let (Seen { sightings, changes }, at) = (look.seen, look.at.timestamp());
        Self { sightings, changes, at, looked: look.looked, stood: look.stood.clone() }
    }
}

impl From<LookRow> for Look {
    fn from(row: LookRow) -> Self {
        let LookRow { sightings, changes, at: moment, looked, stood } = row;
        let seen = Seen { sightings, changes };
        Self { looked, walked: true, stood, seen, at: at(moment), ..Self::default() }
    }
}

impl From<&Tail> for TailRow {
    fn from(tail: &Tail) -> Self {
        let Seen { sightings, changes } = tail.seen;
        let stories = tail.stories.iter().map(|(place, id)| (*place, id.0.as_u64_pair())).collect();
        let Tail { counted, whole, walked, .. } = *tail;
        Self { sightings, changes, counted, whole, walked, stories }
    }
}

impl From<TailRow> for Tail {
    fn from(row: TailRow) -> Self {
        let TailRow { sightings, changes, counted, whole, walked, stories } = row;
        let named = |(place, (one, two))| (place, EntryId(uuid::Uuid::from_u64_pair(one, two)));
        let stories = stories.into_iter().map(named).collect();
        Self { seen: Seen { sightings, changes }, counted, stories, whole, walked }
    }
}

/// What decides what stands in an output. Another version may have other ways to decide it.
fn rules(output: &Output) -> Digest {
    let numbers = format!("{} {} {}", output.limit, output.per_source, env!("CARGO_PKG_VERSION"));
    Digest::of("found", &[&archive::rules(output).0, numbers.as_bytes()])
}

pub(super) fn get(db: &Connection, output: &Output) -> Result<Found, StoreError> {
    let row: Option<(Vec<u8>, Option<String>, Option<String>)> = db
        .prepare_cached("SELECT rules, look, tail FROM found WHERE output = ?1")?
        .query_row([&output.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((_, look, tail)) = row.filter(|(stored, ..)| *stored == rules(output).0) else {
        return Ok(Found::default());
    };
    // What cannot be read is found again.
    let look = look.and_then(|json| serde_json::from_str::<LookRow>(&json).ok());
    let tail = tail.and_then(|json| serde_json::from_str::<TailRow>(&json).ok());
    Ok(Found { look: look.map(Look::from), tail: tail.map(Tail::from) })
}

/// Takes out what was kept of all outputs but these and those of sources in the config. Where their histories were cut
/// (archive.rs) stays for ever: an output that comes back has the documents that readers hold.
pub(super) fn forget_others(db: &Connection, but: &[String]) -> Result<(), StoreError> {
    db.execute(
        "DELETE FROM found WHERE output NOT IN (SELECT value FROM json_each(?1))
           AND output NOT IN (SELECT 'sources/' || id FROM sources WHERE configured = 1)",
        [serde_json::json!(but).to_string()],
    )?;
    Ok(())
}

pub(super) fn keep(db: &mut Connection, found: &[(Arc<Output>, Found)]) -> Result<(), StoreError> {
    let transaction = db.transaction()?;
    for (output, Found { look, tail }) in found {
        let look = look.as_ref().map(|look| serde_json::json!(LookRow::from(look)).to_string());
        let tail = tail.as_ref().map(|tail| serde_json::json!(TailRow::from(tail)).to_string());
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO found (output, rules, look, tail) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![output.id, rules(output).0, look, tail])?;
    }
    Ok(transaction.commit()?)
}
