//! What stood in a source's last document, all in one row: an entry that stands there still is known without a look at
//! its own rows, which lie wherever they were written.
//!
//! A record has the entry's digest, then what [`Stood`] says of it: 16, 16, 8, 8 and 8 bytes, numbers from the high end.
//! No sighting, entry or text: 0.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::dedup::Stood;
use crate::model::{Digest, SourceId};
use crate::store::{Reading, StoreError};

const SIZE: usize = 56;

/// Digests of the entries, if it was read under these rules.
pub(super) fn digests(
    db: &Connection,
    source: &SourceId,
    rules: Digest,
) -> Result<HashSet<Digest>, StoreError> {
    let records: Option<Vec<u8>> = db
        .prepare_cached(
            "SELECT entries FROM last_documents WHERE source = (SELECT number FROM sources WHERE id = ?1)
               AND rules = ?2",
        )?
        .query_row(params![source.as_str(), rules.0], |row| row.get(0))
        .optional()?;
    Ok(split(&records.unwrap_or_default()).map(|(digest, _)| digest).collect())
}

/// Its entries in their order; without what left no sighting.
pub(super) fn entries(db: &Connection, source: i64) -> Result<Vec<(Digest, Stood)>, StoreError> {
    let records: Option<Vec<u8>> = db
        .prepare_cached("SELECT entries FROM last_documents WHERE source = ?1")?
        .query_row([source], |row| row.get(0))
        .optional()?;
    let records = records.unwrap_or_default();
    Ok(split(&records).filter_map(|(digest, stood)| Some((digest, stood?))).collect())
}

/// The same by digest. What a document had twice is the earlier sighting.
pub(super) fn by_digest(db: &Connection, source: i64) -> Result<HashMap<Digest, Stood>, StoreError> {
    let mut all: HashMap<Digest, Stood> = HashMap::new();
    for (digest, stood) in entries(db, source)? {
        let first = all.entry(digest).or_insert(stood);
        if stood.sighting < first.sighting {
            *first = stood;
        }
    }
    Ok(all)
}

/// This is the last document now, and so its entries stand. What was not read again is what it was.
pub(super) fn remember(
    db: &Connection,
    source: i64,
    reading: &Reading<'_>,
    stood: &[Option<Stood>],
) -> Result<(), StoreError> {
    let mut before = HashMap::new();
    if reading.entries.iter().any(|entry| entry.unchanged) {
        before = by_digest(db, source)?;
    }
    let entries = reading
        .entries
        .iter()
        .zip(stood)
        .map(|(entry, stood)| (entry.digest, stood.or_else(|| before.get(&entry.digest).copied())));
    write(db, source, reading.rules, entries)
}

pub(super) fn write(
    db: &Connection,
    source: i64,
    rules: Digest,
    entries: impl Iterator<Item = (Digest, Option<Stood>)>,
) -> Result<(), StoreError> {
    let mut records = Vec::with_capacity(SIZE * entries.size_hint().0);
    for (digest, stood) in entries {
        records.extend_from_slice(&digest.0);
        records.extend_from_slice(&stood.map_or([0; 16], |stood| stood.story.0));
        let numbers = stood.map_or([0; 3], |stood| {
            [stood.sighting, stood.entry.unwrap_or_default(), stood.text.unwrap_or_default()]
        });
        records.extend(numbers.into_iter().flat_map(i64::to_be_bytes));
    }
    db.prepare_cached("INSERT OR REPLACE INTO last_documents (source, rules, entries) VALUES (?1, ?2, ?3)")?
        .execute(params![source, rules.0, records])?;
    Ok(())
}

/// Two stories became one: so it is in every document that had the other.
pub(super) fn merge(db: &Connection, stays: i64, goes: i64) -> Result<(), StoreError> {
    let mut documents = db.prepare_cached(
        "SELECT source, rules, entries FROM last_documents
         WHERE source IN (SELECT source FROM sightings WHERE entry = ?1)",
    )?;
    let document = |row: &Row<'_>| Ok((row.get(0)?, row.get(1).map(Digest)?, row.get(2)?));
    let found: Vec<(i64, Digest, Vec<u8>)> =
        documents.query_map([goes], document)?.collect::<Result<_, _>>()?;
    for (source, rules, records) in found {
        let moved =
            |stood: Stood| Stood { entry: stood.entry.map(|entry| merged(entry, stays, goes)), ..stood };
        write(db, source, rules, split(&records).map(|(digest, stood)| (digest, stood.map(moved))))?;
    }
    Ok(())
}

/// The story that an entry is, once one has become another.
pub(super) fn merged(entry: i64, stays: i64, goes: i64) -> i64 {
    if entry == goes { stays } else { entry }
}

pub(super) fn split(records: &[u8]) -> impl Iterator<Item = (Digest, Option<Stood>)> {
    let (records, _) = records.as_chunks::<SIZE>();
    records.iter().filter_map(|record| {
        let (hashes, _) = record.as_chunks::<16>();
        let (_, numbers) = record.split_at(32);
        let (numbers, _) = numbers.as_chunks::<8>();
        let ([digest, story, ..], [sighting, entry, text]) = (hashes, numbers) else { return None };
        let number = |bytes: &[u8; 8]| Some(i64::from_be_bytes(*bytes)).filter(|number| *number != 0);
        let stood = number(sighting).map(|sighting| Stood {
            sighting,
            entry: number(entry),
            story: Digest(*story),
            text: number(text),
        });
        Some((Digest(*digest), stood))
    })
}
