//! What stands in an output: newest first, without reading more rows than it shows.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};

use chrono::{DateTime, Duration, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use crate::filter;
use crate::model::{EntryId, Output, Published, Sighting, SourceId};
use crate::store::StoreError;
use crate::store::state::at;

/// Entries younger than this are never cut by `limit`…
const YOUNG: Duration = Duration::days(1);
/// …up to so many times the limit.
const HARD_BOUND: usize = 10;
/// Rows taken from one source's river at a time.
const CHUNK: u32 = 64;

pub(super) fn select(
    db: &Connection,
    output: &Output,
    now: DateTime<Utc>,
) -> Result<Vec<Published>, StoreError> {
    let mut window = Window::new(output, now);
    match &output.sources {
        None => all(db, &mut window)?,
        Some(sources) => of(db, sources, &mut window)?,
    }
    Ok(window.entries)
}

/// The document being filled.
struct Window<'a> {
    output: &'a Output,
    now: DateTime<Utc>,
    entries: Vec<Published>,
    of_source: HashMap<SourceId, usize>,
}

impl<'a> Window<'a> {
    fn new(output: &'a Output, now: DateTime<Utc>) -> Self {
        Self { output, now, entries: Vec::new(), of_source: HashMap::new() }
    }

    /// True when no older entry can enter.
    fn full(&self, published: DateTime<Utc>) -> bool {
        let limit = self.output.limit;
        let young = published > self.now - YOUNG;
        self.entries.len() >= if young { limit.saturating_mul(HARD_BOUND) } else { limit }
    }

    fn offer(&mut self, entry: Published) {
        let speaks = &self.output.languages;
        let language = entry.entry.language.as_deref().unwrap_or_default();
        if !speaks.is_empty() && !speaks.iter().any(|wanted| filter::speaks(language, wanted)) {
            return;
        }
        if filter::verdict(&entry.entry, &self.output.keep, &self.output.drop).is_some() {
            return;
        }
        let count = self.of_source.entry(entry.source.clone()).or_default();
        if self.output.per_source > 0 && *count >= self.output.per_source {
            return;
        }
        *count += 1;
        self.entries.push(entry);
    }
}

fn all(db: &Connection, window: &mut Window<'_>) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {} FROM entries e INDEXED BY entries_river JOIN sources s ON s.number = e.source
         WHERE e.listed = 1 AND e.merged_into IS NULL AND coalesce(e.hold_until, 0) <= ?1
         ORDER BY e.published DESC, e.number DESC",
        rows::PUBLISHED
    ))?;
    let mut found = statement.query([window.now.timestamp()])?;
    while let Some(row) = found.next()? {
        let entry = rows::published(row)?;
        if window.full(entry.published) {
            break;
        }
        window.offer(entry);
    }
    Ok(())
}

/// One source's river, read in chunks: (published, entry), newest first.
struct River {
    source: i64,
    before: (i64, i64),
    ready: VecDeque<(i64, i64)>,
    dry: bool,
}

impl River {
    fn next(&mut self, db: &Connection) -> Result<Option<(i64, i64)>, StoreError> {
        if self.ready.is_empty() && !self.dry {
            let (published, entry) = self.before;
            self.ready = db
                .prepare_cached(
                    "SELECT published, entry FROM sightings
                     WHERE source = ?1 AND (published, entry) < (?2, ?3) AND entry IS NOT NULL
                     ORDER BY published DESC, entry DESC LIMIT ?4",
                )?
                .query_map(params![self.source, published, entry, CHUNK], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<Result<_, _>>()?;
            self.dry = self.ready.len() < CHUNK as usize;
        }
        let next = self.ready.pop_front();
        if let Some(next) = next {
            self.before = next;
        }
        Ok(next)
    }
}

fn of(db: &Connection, sources: &[SourceId], window: &mut Window<'_>) -> Result<(), StoreError> {
    let mut rivers = Vec::new();
    for source in sources {
        let number: Option<i64> = db
            .prepare_cached("SELECT number FROM sources WHERE id = ?1")?
            .query_row([source.as_str()], |row| row.get(0))
            .optional()?;
        if let Some(source) = number {
            rivers.push(River { source, before: (i64::MAX, i64::MAX), ready: VecDeque::new(), dry: false });
        }
    }
    let mut heap = BinaryHeap::new();
    for (place, river) in rivers.iter_mut().enumerate() {
        if let Some((published, entry)) = river.next(db)? {
            heap.push((published, entry, Reverse(place)));
        }
    }
    let mut statement = db.prepare_cached(&format!(
        "SELECT {} FROM entries e JOIN sources s ON s.number = e.source
         WHERE e.number = ?1 AND e.listed = 1 AND e.merged_into IS NULL AND coalesce(e.hold_until, 0) <= ?2",
        rows::PUBLISHED
    ))?;
    let mut taken = HashSet::new();
    while let Some((published, number, Reverse(place))) = heap.pop() {
        if window.full(at(published)) {
            break;
        }
        if let Some(river) = rivers.get_mut(place)
            && let Some((published, entry)) = river.next(db)?
        {
            heap.push((published, entry, Reverse(place)));
        }
        if !taken.insert(number) {
            continue;
        }
        let entry =
            statement.query_row(params![number, window.now.timestamp()], rows::published).optional()?;
        if let Some(entry) = entry {
            window.offer(entry);
        }
    }
    Ok(())
}

pub(super) fn entry(db: &Connection, id: EntryId) -> Result<Option<(Published, Vec<Sighting>)>, StoreError> {
    let mut number: Option<i64> = db
        .prepare_cached("SELECT number FROM entries WHERE id = ?1")?
        .query_row([id.0.as_bytes()], |row| row.get(0))
        .optional()?;
    let mut found = None;
    // Merges lead to older numbers only, so this ends.
    while let Some(wanted) = number {
        number = db
            .prepare_cached("SELECT merged_into FROM entries WHERE number = ?1")?
            .query_row([wanted], |row| row.get(0))
            .optional()?
            .flatten()
            .filter(|older| *older < wanted);
        found = Some(wanted);
    }
    let Some(number) = found else { return Ok(None) };
    let published = db
        .prepare_cached(&format!(
            "SELECT {} FROM entries e JOIN sources s ON s.number = e.source WHERE e.number = ?1",
            rows::PUBLISHED
        ))?
        .query_row([number], rows::published)?;
    let sightings = db
        .prepare_cached(
            "SELECT s.id, coalesce(nullif(s.name, ''), nullif(s.title, ''), s.id), x.guid, x.link, x.title,
               x.stated, x.first_seen, x.rule
             FROM sightings x JOIN sources s ON s.number = x.source WHERE x.entry = ?1 ORDER BY x.number",
        )?
        .query_map([number], |row| {
            Ok(Sighting {
                source: SourceId::new(row.get::<_, String>(0)?),
                source_name: row.get(1)?,
                guid: row.get(2)?,
                link: row.get(3)?,
                title: row.get(4)?,
                stated: row.get::<_, Option<i64>>(5)?.map(at),
                first_seen: at(row.get(6)?),
                rule: row.get(7)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(Some((published, sightings)))
}
