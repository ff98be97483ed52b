//! Entries by date, newest first: all of them, those of a source, those of a language; several rivers as one.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use crate::model::SourceId;
use crate::store::StoreError;

/// Rows taken from one source's river at first: of most rivers no more is wanted.
const FIRST_CHUNK: u32 = 8;
/// Rows taken at a time from then on.
const CHUNK: u32 = 64;

/// Date and number of an entry, in the order of rivers.
pub(super) type Place = (i64, i64);

/// Before every entry: nothing is newer.
pub(super) const BEGIN: Place = (i64::MAX, i64::MAX);

/// All entries that were not backlog when they came, newest first, from behind a place on.
pub(super) fn all(
    db: &Connection,
    (published, number): Place,
    mut each: impl FnMut(Place) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT e.published, e.number FROM entries e INDEXED BY entries_river
         WHERE e.listed = 1 AND e.merged_into IS NULL AND (e.published, e.number) < (?1, ?2)
         ORDER BY e.published DESC, e.number DESC",
    )?;
    let mut found = statement.query([published, number])?;
    while let Some(row) = found.next()? {
        if each((row.get(0)?, row.get(1)?))?.is_break() {
            break;
        }
    }
    Ok(())
}

/// When the newest story of a source was published, of those that wait for nothing.
pub(super) fn newest(db: &Connection, source: &SourceId, now: i64) -> Result<Option<i64>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT published FROM sightings
         WHERE source = (SELECT number FROM sources WHERE id = ?1) AND entry IS NOT NULL
           AND entry NOT IN (SELECT number FROM entries WHERE hold_until > ?2)
         ORDER BY published DESC LIMIT 1",
    )?;
    Ok(statement.query_row(params![source.as_str(), now], |row| row.get(0)).optional()?)
}

/// How many stories of a source stand on each of some days up to one (days since 1970), the oldest first.
///
/// Each day is a stretch of the source's river, counted without reading a single story. A story that the source tells
/// several times stands there side by side.
pub(super) fn per_day(
    db: &Connection,
    source: &SourceId,
    (last, days): (i32, u16),
    now: i64,
) -> Result<Vec<u32>, StoreError> {
    let mut statement = db.prepare_cached(
        "WITH RECURSIVE days (day) AS (SELECT ?2 WHERE ?2 <= ?3 UNION ALL SELECT day + 1 FROM days WHERE day < ?3)
         SELECT (SELECT count(*) FROM
             (SELECT DISTINCT published, entry FROM sightings
              WHERE source = (SELECT number FROM sources WHERE id = ?1) AND entry IS NOT NULL
                AND published >= day * 86400 AND published < (day + 1) * 86400
                AND entry NOT IN (SELECT number FROM entries WHERE hold_until > ?4)))
         FROM days ORDER BY day",
    )?;
    let first = last - i32::from(days) + 1;
    let counts = statement.query_map(params![source.as_str(), first, last, now], |row| row.get(0))?;
    Ok(counts.collect::<Result<_, _>>()?)
}

/// Where a walk along several rivers goes on.
#[derive(PartialEq, Eq)]
pub(super) enum Step {
    /// To the next entry.
    Next,
    /// To the next one of another river.
    Leave,
    /// Nowhere.
    End,
}

impl From<ControlFlow<()>> for Step {
    fn from(flow: ControlFlow<()>) -> Self {
        if flow.is_break() { Self::End } else { Self::Next }
    }
}

/// Entries of one kind, read in chunks, newest first.
pub(super) struct River {
    bed: Bed,
    before: Place,
    ready: VecDeque<Place>,
    /// Rows to be taken next.
    chunk: u32,
    dry: bool,
}

/// What the entries of a river have in common.
pub(super) enum Bed {
    /// The source that has them.
    Source(i64),
    /// The language, by the first subtag of its code. Only what was not backlog.
    Language(String),
}

impl River {
    fn new(bed: Bed, before: Place) -> Self {
        Self { bed, before, ready: VecDeque::new(), chunk: FIRST_CHUNK, dry: false }
    }

    fn next(&mut self, db: &Connection) -> Result<Option<Place>, StoreError> {
        if self.ready.is_empty() && !self.dry {
            self.ready = self.read(db)?;
            self.dry = self.ready.len() < self.chunk as usize;
            self.chunk = CHUNK;
        }
        let next = self.ready.pop_front();
        if let Some(next) = next {
            self.before = next;
        }
        Ok(next)
    }

    fn read(&self, db: &Connection) -> Result<VecDeque<Place>, StoreError> {
        let (published, entry) = self.before;
        let (sql, bed): (&str, &dyn ToSql) = match &self.bed {
            Bed::Source(source) => (
                "SELECT published, entry FROM sightings
                 WHERE source = ?1 AND (published, entry) < (?2, ?3) AND entry IS NOT NULL
                 ORDER BY published DESC, entry DESC LIMIT ?4",
                source,
            ),
            Bed::Language(language) => (
                "SELECT published, number FROM entries INDEXED BY entries_language
                 WHERE substr(language, 1, instr(language || '-', '-') - 1) = ?1 AND listed = 1
                   AND merged_into IS NULL AND language IS NOT NULL AND (published, number) < (?2, ?3)
                 ORDER BY published DESC, number DESC LIMIT ?4",
                language,
            ),
        };
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement
            .query_map(params![bed, published, entry, self.chunk], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Those of sources, from behind a place on.
pub(super) fn of_sources<'a>(sources: impl IntoIterator<Item = &'a i64>, before: Place) -> Vec<River> {
    sources.into_iter().map(|source| River::new(Bed::Source(*source), before)).collect()
}

/// `fr-CA` stands in the river of `fr`.
pub(super) fn of_languages(languages: &[String], before: Place) -> Vec<River> {
    let first = |code: &String| code.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let codes: BTreeSet<_> = languages.iter().map(first).collect();
    codes.into_iter().map(|code| River::new(Bed::Language(code), before)).collect()
}

/// Some rivers as one, newest first: each entry once, with the river it was met in.
pub(super) fn along(
    db: &Connection,
    mut rivers: Vec<River>,
    mut each: impl FnMut(Place, &Bed) -> Result<Step, StoreError>,
) -> Result<(), StoreError> {
    let mut heap = BinaryHeap::new();
    for (place, river) in rivers.iter_mut().enumerate() {
        if let Some((published, entry)) = river.next(db)? {
            heap.push((published, entry, Reverse(place)));
        }
    }
    let mut last = None;
    while let Some((published, number, Reverse(place))) = heap.pop() {
        let Some(river) = rivers.get_mut(place) else { continue };
        // An entry has one date, so that its sightings come out side by side.
        let is_another = last.replace(number) != Some(number);
        let step = if is_another { each((published, number), &river.bed)? } else { Step::Next };
        match step {
            Step::Next => heap.extend(river.next(db)?.map(|(at, entry)| (at, entry, Reverse(place)))),
            Step::Leave => {}
            Step::End => break,
        }
    }
    Ok(())
}
