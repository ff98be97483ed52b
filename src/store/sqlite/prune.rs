//! Retention: entries go, their keys stay, so that nothing returns.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use crate::store::{Options, StoreError};

/// Entries removed per transaction, so that polls are not kept waiting.
const BATCH: u32 = 500;

pub(super) fn prune(db: &mut Connection, options: &Options, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let seconds = i64::try_from(options.retention.0.as_secs()).unwrap_or(i64::MAX);
    let cutoff = now.timestamp().saturating_sub(seconds);
    let mut removed = remove(db, "SELECT number FROM entries WHERE first_seen < ?1 LIMIT ?2", cutoff)?;
    let most = i64::try_from(options.max_entries_per_source).unwrap_or(i64::MAX);
    let crowded: Vec<i64> = db
        .prepare("SELECT number FROM sources WHERE stories > ?1")?
        .query_map([most], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for source in crowded {
        // The newest number that is already one too many; everything of this source up to it goes.
        let last: Option<i64> = db.query_row(
            "SELECT max(number) FROM (SELECT number FROM entries WHERE source = ?1 ORDER BY number DESC
               LIMIT -1 OFFSET ?2)",
            params![source, most],
            |row| row.get(0),
        )?;
        if let Some(last) = last {
            let sql = format!("SELECT number FROM entries WHERE source = {source} AND number <= ?1 LIMIT ?2");
            removed += remove(db, &sql, last)?;
        }
    }
    Ok(removed)
}

fn remove(db: &mut Connection, which: &str, bound: i64) -> Result<usize, StoreError> {
    let mut removed = 0;
    loop {
        let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let numbers: Vec<i64> = transaction
            .prepare_cached(which)?
            .query_map(params![bound, BATCH], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for number in &numbers {
            transaction
                .prepare_cached("UPDATE entries SET merged_into = NULL WHERE merged_into = ?1")?
                .execute([number])?;
            transaction
                .prepare_cached(
                    "UPDATE sources SET stories = max(0, stories - 1)
                     WHERE number IN (SELECT source FROM sightings WHERE entry = ?1)",
                )?
                .execute([number])?;
            transaction.prepare_cached("DELETE FROM entries WHERE number = ?1")?.execute([number])?;
        }
        transaction.commit()?;
        removed += numbers.len();
        if numbers.len() < BATCH as usize {
            return Ok(removed);
        }
    }
}
