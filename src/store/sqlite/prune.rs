//! Retention: entries go, their keys and names stay, so that nothing returns. A purge forgets these too.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, params};

use super::{found, ledger, likeness};
use crate::store::{Options, StoreError, state};

/// Entries removed at a time: whoever waits for the store comes in between.
const BATCH: u32 = 500;

pub(super) fn prune(
    db: &mut Connection,
    options: &Options,
    now: DateTime<Utc>,
) -> Result<Option<usize>, StoreError> {
    let seconds = i64::try_from(options.retention.0.as_secs()).unwrap_or(i64::MAX);
    let cutoff = now.timestamp().saturating_sub(seconds);
    let mut numbers = aged(db, cutoff)?;
    if numbers.is_empty() {
        numbers = crowded(db, i64::try_from(options.max_entries_per_source).unwrap_or(i64::MAX))?;
    }
    if !numbers.is_empty() {
        remove(db, &numbers, now)?;
        return Ok(Some(numbers.len()));
    }
    if forget_filtered(db, cutoff)? > 0 {
        return Ok(Some(0));
    }
    likeness::forget(db, now)?;
    ledger::forget(db, now)?;
    found::forget(db)?;
    Ok(None)
}

/// Some entries that were seen too long ago. What became one with another story goes with that one: until then its name
/// and its keys lead there.
fn aged(db: &Connection, cutoff: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT number FROM entries WHERE first_seen < ?1 AND merged_into IS NULL LIMIT ?2";
    numbers(db, sql, &[cutoff, BATCH.into()])
}

/// Some entries of a source that has more than it may.
fn crowded(db: &Connection, most: i64) -> Result<Vec<i64>, StoreError> {
    for source in numbers(db, "SELECT number FROM sources WHERE stories > ?1", &[most])? {
        // The newest number that is already one too many; everything of this source up to it goes.
        let last: Option<i64> = db
            .prepare_cached(
                "SELECT max(number) FROM (SELECT number FROM entries WHERE source = ?1 AND merged_into IS NULL
                   ORDER BY number DESC LIMIT -1 OFFSET ?2)",
            )?
            .query_row([source, most], |row| row.get(0))?;
        let Some(last) = last else { continue };
        let sql =
            "SELECT number FROM entries WHERE source = ?1 AND number <= ?2 AND merged_into IS NULL LIMIT ?3";
        return numbers(db, sql, &[source, last, BATCH.into()]);
    }
    Ok(Vec::new())
}

fn numbers(db: &Connection, sql: &str, parameters: &[i64]) -> Result<Vec<i64>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let found = statement.query_map(rusqlite::params_from_iter(parameters), |row| row.get(0))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Some records of what filters held back go too. Returns how many.
fn forget_filtered(db: &Connection, cutoff: i64) -> Result<usize, StoreError> {
    let sql = "DELETE FROM sightings WHERE number IN
        (SELECT number FROM sightings WHERE entry IS NULL AND first_seen < ?1 LIMIT ?2)";
    Ok(db.prepare_cached(sql)?.execute(params![cutoff, BATCH])?)
}

fn remove(db: &mut Connection, numbers: &[i64], now: DateTime<Utc>) -> Result<(), StoreError> {
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Names outlive their entries, and those of entries that became one with them, by whatever way.
    transaction
        .prepare_cached(
            "WITH RECURSIVE gone (number) AS (SELECT value FROM json_each(?1) UNION
               SELECT e.number FROM entries e JOIN gone ON e.merged_into = gone.number)
             INSERT OR IGNORE INTO keys (scope, key, target)
             SELECT -1, id, ?2 FROM entries WHERE number IN gone",
        )?
        .execute(params![list(numbers), now.timestamp()])?;
    delete(&transaction, numbers)?;
    Ok(transaction.commit()?)
}

/// Deletes entries with their sightings and what became one with them: all in one statement, because the index of words
/// writes what it has at the beginning of each.
fn delete(db: &Transaction<'_>, numbers: &[i64]) -> Result<(), StoreError> {
    let numbers = list(numbers);
    db.prepare_cached(
        "UPDATE sources SET stories = max(0, stories - gone.entries)
         FROM (SELECT source, count(DISTINCT entry) AS entries FROM sightings
               WHERE entry IN (SELECT value FROM json_each(?1)) GROUP BY source) AS gone
         WHERE number = gone.source",
    )?
    .execute([&numbers])?;
    db.prepare_cached("DELETE FROM entries WHERE number IN (SELECT value FROM json_each(?1))")?
        .execute([&numbers])?;
    Ok(())
}

/// For `json_each`.
fn list(numbers: &[i64]) -> String {
    format!("{numbers:?}")
}

/// Forgets a source: its entries, sightings and keys. A story that others have seen goes on under its id, as the
/// oldest of them told it; their text comes with their next poll. Returns how many entries went.
pub(super) fn purge(db: &mut Connection, source: i64, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let numbers: Vec<i64> = transaction
        .prepare("SELECT number FROM entries WHERE source = ?1")?
        .query_map([source], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let (mut gone, mut heirs) = (Vec::new(), Vec::new());
    for number in &numbers {
        if let Some((sighting, heir)) = heir(&transaction, source, *number)? {
            inherit(&transaction, *number, sighting, now)?;
            heirs.push(heir);
        } else {
            gone.push(*number);
        }
    }
    delete(&transaction, &gone)?;
    transaction.execute(
        "DELETE FROM keys WHERE scope = 0 AND target IN (SELECT value FROM json_each(?1))",
        [list(&gone)],
    )?;
    // Those of its texts, also where the story goes on.
    transaction
        .execute("DELETE FROM bands WHERE entry IN (SELECT value FROM json_each(?1))", [list(&numbers)])?;
    forget_pruned(&transaction, source)?;
    // What was remembered of its own documents.
    for sql in [
        "DELETE FROM documents WHERE name GLOB 'sources/' || (SELECT id FROM sources WHERE number = ?1) || '[./]*'",
        "DELETE FROM archives WHERE output = 'sources/' || (SELECT id FROM sources WHERE number = ?1)",
        "DELETE FROM found WHERE output = 'sources/' || (SELECT id FROM sources WHERE number = ?1)",
    ] {
        transaction.execute(sql, [source])?;
    }
    heirs.sort_unstable();
    heirs.dedup();
    for heir in heirs {
        read_anew(&transaction, heir)?;
    }
    transaction.execute("DELETE FROM keys WHERE scope = ?1", [source])?;
    transaction.execute("DELETE FROM sources WHERE number = ?1", [source])?;
    found::note_any(&transaction)?;
    transaction.commit()?;
    Ok(gone.len())
}

/// What retention removed of a source is forgotten as well, as far as no other source had it too.
fn forget_pruned(db: &Transaction<'_>, source: i64) -> Result<(), StoreError> {
    let keys = |sql: &str, each: &mut dyn FnMut([u8; 16])| -> Result<(), StoreError> {
        let mut statement = db.prepare(sql)?;
        for key in statement.query_map([source], |row| row.get(0))? {
            each(key?);
        }
        Ok(())
    };
    let mut forgotten: HashSet<[u8; 16]> = HashSet::new();
    let leads_nowhere = "SELECT k.key FROM keys k JOIN keys a ON a.scope = 0 AND a.key = k.key
        WHERE k.scope = ?1 AND NOT EXISTS (SELECT 1 FROM entries WHERE number = a.target)";
    keys(leads_nowhere, &mut |key| _ = forgotten.insert(key))?;
    if forgotten.is_empty() {
        return Ok(());
    }
    keys("SELECT key FROM keys WHERE scope > 0 AND scope <> ?1", &mut |key| _ = forgotten.remove(&key))?;
    let mut delete = db.prepare("DELETE FROM keys WHERE scope = 0 AND key = ?1")?;
    for key in forgotten {
        delete.execute([key])?;
    }
    Ok(())
}

/// The oldest sighting of a story in another source, and that source.
fn heir(db: &Transaction<'_>, source: i64, number: i64) -> Result<Option<(i64, i64)>, StoreError> {
    use rusqlite::OptionalExtension as _;
    Ok(db
        .prepare_cached(
            "SELECT number, source FROM sightings WHERE entry = ?1 AND source <> ?2 ORDER BY number LIMIT 1",
        )?
        .query_row([number, source], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// A story becomes that of one of its sightings, under its id and its date.
fn inherit(db: &Transaction<'_>, number: i64, sighting: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE entries SET (source, guid, title, link, digest, title_key, stated) =
           (SELECT source, guid, title, link, digest, title_key, stated FROM sightings WHERE number = ?2),
           summary = NULL, content = NULL, more = '{}', language = NULL, substance = zeroblob(16), reading = 0,
           modified = ?3
         WHERE number = ?1",
    )?
    .execute([number, sighting, now.timestamp()])?;
    Ok(())
}

/// The next poll of a source asks for everything and reads all of it.
fn read_anew(db: &Transaction<'_>, source: i64) -> Result<(), StoreError> {
    let sql = "SELECT remembered FROM sources WHERE number = ?1";
    let mut state = db.query_row(sql, [source], |row| Ok(state::read(row.get_ref(0)?.as_blob()?)))?;
    (state.validators, state.body_hash, state.read_under) = (None, None, None);
    db.execute("DELETE FROM last_documents WHERE source = ?1", [source])?;
    let sql = "UPDATE sources SET remembered = ?2 WHERE number = ?1";
    db.execute(sql, params![source, state::write(&state)])?;
    Ok(())
}
