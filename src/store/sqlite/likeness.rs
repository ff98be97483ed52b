//! Texts of nearly the same words, found by their bands: a few look-ups for an entry that nothing else knows,
//! whatever the size of the store. Nothing is written or asked while `similar` is off: then no entry has bands.

use chrono::{DateTime, Utc};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::dedup::{Kept, NEAR};
use crate::store::StoreError;
use crate::store::state::at;

/// A band with more stories than this is the words of a form: it leads nowhere.
const CROWD: u32 = 8;
/// Stories looked at for one document.
const MOST: usize = 200;
/// Bytes of a text that is looked at.
const LONGEST: u32 = 200_000;
/// Rows removed at a time, so that polls are not kept waiting.
const BATCH: u32 = 5000;

/// Remembers the bands of a story whose text is kept, where they are not crowded.
pub(super) fn remember(db: &Connection, bands: &[i64], entry: i64, now: i64) -> Result<(), StoreError> {
    for key in bands {
        db.prepare_cached(
            "INSERT OR IGNORE INTO bands (key, entry, first_seen) SELECT ?1, ?2, ?3
             WHERE NOT EXISTS (SELECT 1 FROM bands WHERE key = ?1 LIMIT 1 OFFSET ?4)",
        )?
        .execute(params![key, entry, now, CROWD])?;
    }
    Ok(())
}

/// Forgets the bands of what came so long ago that nothing can be like it any more.
pub(super) fn forget(db: &Connection, now: DateTime<Utc>) -> Result<(), StoreError> {
    let sql = "DELETE FROM bands WHERE (key, entry) IN
        (SELECT key, entry FROM bands WHERE first_seen < ?1 LIMIT ?2)";
    let before = (now - NEAR).timestamp();
    while db.prepare_cached(sql)?.execute(params![before, BATCH])? == BATCH as usize {}
    Ok(())
}

/// Looks up who shares bands.
pub(super) struct Lookup<'a> {
    source: i64,
    now: DateTime<Utc>,
    left: usize,
    band: CachedStatement<'a>,
    kept: CachedStatement<'a>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(db: &'a Connection, source: i64, now: DateTime<Utc>) -> Result<Self, StoreError> {
        Ok(Self {
            source,
            now,
            left: MOST,
            band: db.prepare_cached("SELECT entry FROM bands WHERE key = ?1 LIMIT ?2")?,
            kept: db.prepare_cached(
                "SELECT title, coalesce(content, summary, ''), language, published,
                   EXISTS (SELECT 1 FROM sightings WHERE entry = ?1 AND source = ?2)
                 FROM entries WHERE number = ?1 AND first_seen >= ?3 AND merged_into IS NULL
                   AND coalesce(hold_until, 0) <= ?4 AND octet_length(coalesce(content, summary, '')) <= ?5",
            )?,
        })
    }

    /// The stories under these bands.
    pub(super) fn sharing(&mut self, bands: &[i64]) -> Result<Vec<i64>, StoreError> {
        let mut found: Vec<i64> = Vec::new();
        for key in bands {
            let rows: Vec<i64> =
                self.band.query_map(params![key, CROWD + 1], |row| row.get(0))?.collect::<Result<_, _>>()?;
            if rows.len() <= CROWD as usize {
                found.extend(rows);
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// What a story says; `None` where it may not be met, or where this document has asked often enough.
    pub(super) fn kept(&mut self, number: i64) -> Result<Option<Kept>, StoreError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let (since, now) = ((self.now - NEAR).timestamp(), self.now.timestamp());
        let kept = self.kept.query_row(params![number, self.source, since, now, LONGEST], |row| {
            Ok(Kept {
                title: row.get(0)?,
                text: row.get::<_, String>(1)?.into(),
                language: row.get(2)?,
                published: at(row.get(3)?),
                here: row.get(4)?,
            })
        });
        Ok(kept.optional()?)
    }
}
