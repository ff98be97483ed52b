//! What is on record about an entry: by its name, an address, or words of its title. Reads only.

use rusqlite::{Connection, OptionalExtension, params};

use super::select;
use crate::dedup;
use crate::model::{Digest, EntryId, Sighting, SourceId};
use crate::query::Query;
use crate::query::words;
use crate::store::state::at;
use crate::store::{Explained, Held, Matches, Search, StoreError, Told};
use chrono::{DateTime, Utc};

/// Stories told about at once.
const MOST: usize = 10;
/// Records of what no feed shows looked through for words, the newest first.
const LOOKED_THROUGH: i64 = 20_000;

pub(super) fn explain(db: &Connection, what: &str) -> Result<Explained, StoreError> {
    let mut explained = Explained::default();
    let last = what.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or(what);
    if let Ok(id) = last.parse::<uuid::Uuid>() {
        by_name(db, EntryId(id), &mut explained)?;
        if explained != Explained::default() {
            return Ok(explained);
        }
    }
    if what.contains(':') && !what.contains(char::is_whitespace) {
        by_keys(db, what, &mut explained)?;
        if explained == Explained::default() {
            by_address(db, what, &mut explained)?;
        }
    }
    if explained == Explained::default() {
        by_words(db, what, &mut explained)?;
    }
    Ok(explained)
}

fn by_name(db: &Connection, id: EntryId, explained: &mut Explained) -> Result<(), StoreError> {
    if let Some(told) = told(db, id)? {
        explained.stories.push(told);
        return Ok(());
    }
    let pruned: Option<i64> = db
        .prepare_cached("SELECT target FROM keys WHERE scope = -1 AND key = ?1")?
        .query_row([id.0.as_bytes()], |row| row.get(0))
        .optional()?;
    explained.pruned.extend(pruned.map(|when| (None, Some(at(when)))));
    Ok(())
}

/// An address may be a link or a guid, in any source.
fn by_keys(db: &Connection, what: &str, explained: &mut Explained) -> Result<(), StoreError> {
    let sources: Vec<(i64, String)> = db
        .prepare_cached("SELECT number, id FROM sources ORDER BY number")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let keys = dedup::keys_of_address(what);
    for (number, id) in sources {
        for key in &keys {
            by_key(db, (number, &id), *key, explained)?;
        }
    }
    Ok(())
}

/// An address that several entries share leads to none of them.
fn by_address(db: &Connection, what: &str, explained: &mut Explained) -> Result<(), StoreError> {
    let mut shared = db.prepare_cached(
        "SELECT e.id FROM (SELECT number, guid, link, entry FROM sightings
           WHERE entry IS NOT NULL ORDER BY number DESC LIMIT ?1) x
         JOIN entries e ON e.number = x.entry WHERE x.link = ?2 OR x.guid = ?2 ORDER BY x.number DESC",
    )?;
    let mut rows = shared.query(params![LOOKED_THROUGH, what])?;
    while let Some(row) = rows.next()? {
        if !also(db, EntryId(uuid::Uuid::from_bytes(row.get(0)?)), explained)? {
            break;
        }
    }
    Ok(())
}

/// Tells of one more story, if it is not told of yet. False: those are enough.
fn also(db: &Connection, id: EntryId, explained: &mut Explained) -> Result<bool, StoreError> {
    if explained.stories.iter().any(|told| told.published.id == id) {
        return Ok(true);
    }
    explained.more = explained.stories.len() >= MOST;
    if !explained.more {
        explained.stories.extend(told(db, id)?);
    }
    Ok(!explained.more)
}

fn by_key(
    db: &Connection,
    (source, id): (i64, &str),
    key: Digest,
    explained: &mut Explained,
) -> Result<(), StoreError> {
    let target: Option<i64> = db
        .prepare_cached("SELECT target FROM keys WHERE scope = ?1 AND key = ?2")?
        .query_row(params![source, key.0], |row| row.get(0))
        .optional()?;
    let Some(sighting) = target else { return Ok(()) };
    let found: Option<(Option<Vec<u8>>, i64)> = db
        .prepare_cached(
            "SELECT e.id, x.number FROM sightings x LEFT JOIN entries e ON e.number = x.entry WHERE x.number = ?1",
        )?
        .query_row([sighting], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match found {
        None => explained.pruned.push((Some(SourceId::new(id)), None)),
        Some((None, number)) => explained.filtered.push(select::sighting(db, number)?),
        Some((Some(name), _)) => {
            if let Ok(name) = <[u8; 16]>::try_from(name) {
                also(db, EntryId(uuid::Uuid::from_bytes(name)), explained)?;
            }
        }
    }
    explained.pruned.dedup();
    explained.filtered.dedup();
    Ok(())
}

/// Words of a title: of a story, also one that is held; of what another source called it; of what a filter holds back.
/// Where no title has them, words of a text: an entry may have no title.
fn by_words(db: &Connection, what: &str, explained: &mut Explained) -> Result<(), StoreError> {
    searched(db, Query::of_words(what, true), explained)?;
    let wanted = words::folded(what);
    let matches = |title: &str| {
        let title = words::folded(title);
        !wanted.is_empty() && wanted.iter().all(|word| title.contains(word))
    };
    let mut elsewhere = db.prepare_cached(
        "SELECT x.title, e.id FROM (SELECT number, title, entry FROM sightings
           WHERE rule <> 'first' AND entry IS NOT NULL ORDER BY number DESC LIMIT ?1) x
         JOIN entries e ON e.number = x.entry ORDER BY x.number DESC",
    )?;
    let mut rows = elsewhere.query([LOOKED_THROUGH])?;
    while !explained.more
        && let Some(row) = rows.next()?
    {
        if matches(&row.get::<_, String>(0)?) {
            also(db, EntryId(uuid::Uuid::from_bytes(row.get(1)?)), explained)?;
        }
    }
    let filtered: Vec<(i64, String)> = db
        .prepare_cached(
            "SELECT number, title FROM sightings INDEXED BY sightings_filtered
             WHERE entry IS NULL ORDER BY first_seen DESC LIMIT ?1",
        )?
        .query_map([LOOKED_THROUGH], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (number, _) in filtered.into_iter().filter(|(_, title)| matches(title)).take(MOST) {
        explained.filtered.push(select::sighting(db, number)?);
    }
    if *explained == Explained::default() {
        searched(db, Query::of_words(what, false), explained)?;
    }
    Ok(())
}

/// What a search finds, the newest first.
fn searched(db: &Connection, query: Option<Query>, explained: &mut Explained) -> Result<(), StoreError> {
    let Some(query) = query else { return Ok(()) };
    // One more than is told of says whether there are more.
    let search = Search { query: Some(query), limit: MOST + 1, ..Search::default() };
    let mut matches = Matches::default();
    while !select::search(db, &search, DateTime::<Utc>::MAX_UTC, &mut matches)? {}
    for story in matches.entries {
        also(db, story.id, explained)?;
    }
    Ok(())
}

/// A story with all that is on record about it.
pub(super) fn told(db: &Connection, id: EntryId) -> Result<Option<Told>, StoreError> {
    let Some((published, sightings)) = select::entry(db, id)? else { return Ok(None) };
    let (listed, hold): (bool, Option<i64>) = db
        .prepare_cached("SELECT listed, hold_until FROM entries WHERE number = ?1")?
        .query_row([published.number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut merged: Vec<EntryId> = db
        .prepare_cached(
            "WITH RECURSIVE there (number) AS (SELECT number FROM entries WHERE merged_into = ?1 UNION
               SELECT e.number FROM entries e JOIN there ON e.merged_into = there.number)
             SELECT id FROM entries WHERE number IN there",
        )?
        .query_map([published.number], |row| Ok(EntryId(uuid::Uuid::from_bytes(row.get(0)?))))?
        .collect::<Result<_, _>>()?;
    merged.sort_unstable();
    let held = match (hold, listed) {
        (Some(until), _) => Held::Until(at(until)),
        (None, false) => Held::Archived,
        (None, true) => Held::No,
    };
    Ok(Some(Told { published, sightings: sightings as Vec<Sighting>, merged, held }))
}
