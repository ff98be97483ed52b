//! What was asked of each host, by day. Kept for a season.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use crate::model::{HostDay, Tally};
use crate::store::StoreError;

/// Days that are kept.
const DAYS: i64 = 90;

/// Adds to what stands there.
pub(super) fn write(db: &Connection, days: &[HostDay]) -> Result<(), StoreError> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    if days.is_empty() {
        return Ok(());
    }
    let mut add = db.prepare_cached(
            "INSERT INTO ledger (day, host, requests, not_modified, documents, throttled, failed, bytes, saved)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (day, host) DO UPDATE SET requests = requests + excluded.requests,
               not_modified = not_modified + excluded.not_modified,
               documents = documents + excluded.documents, throttled = throttled + excluded.throttled,
               failed = failed + excluded.failed, bytes = bytes + excluded.bytes, saved = saved + excluded.saved",
        )?;
    for HostDay { day, host, tally } in days {
        add.execute(params![
            day,
            host,
            number(tally.requests),
            number(tally.not_modified),
            number(tally.documents),
            number(tally.throttled),
            number(tally.failed),
            number(tally.bytes),
            number(tally.saved),
        ])?;
    }
    Ok(())
}

pub(super) fn since(db: &Connection, day: i64) -> Result<Vec<HostDay>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT day, host, requests, not_modified, documents, throttled, failed, bytes, saved FROM ledger
         WHERE day >= ?1 ORDER BY day, host",
    )?;
    let found = statement.query_map([day], |row| {
        let number = |column: usize| row.get::<_, i64>(column).map(|n| u64::try_from(n).unwrap_or_default());
        Ok(HostDay {
            day: row.get(0)?,
            host: row.get(1)?,
            tally: Tally {
                requests: number(2)?,
                not_modified: number(3)?,
                documents: number(4)?,
                throttled: number(5)?,
                failed: number(6)?,
                bytes: number(7)?,
                saved: number(8)?,
            },
        })
    })?;
    found.collect::<Result<_, _>>().map_err(Into::into)
}

/// Removes days that are past.
pub(super) fn forget(db: &Connection, now: DateTime<Utc>) -> Result<(), StoreError> {
    let day = now.timestamp().div_euclid(86_400) - DAYS;
    db.prepare_cached("DELETE FROM ledger WHERE day < ?1")?.execute([day])?;
    Ok(())
}
