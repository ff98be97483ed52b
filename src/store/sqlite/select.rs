//! What stands in an output: newest first, without reading more rows than it shows.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::ops::ControlFlow;

use chrono::{DateTime, Duration, Utc};
use rusqlite::{CachedStatement, Connection, OptionalExtension, ToSql, params};

use super::{rows, search};
use crate::filter;
use crate::model::{EntryId, Output, Published, Sighting, SourceId};
use crate::store::state::at;
use crate::store::{Search, StoreError};

/// Entries younger than this are never cut by `limit`…
const YOUNG: Duration = Duration::days(1);
/// …up to so many times the limit.
const HARD_BOUND: usize = 10;
/// Rows taken from one source's river at a time.
const CHUNK: u32 = 64;

/// Sources with fewer stories than this together are walked themselves, each story asked whether it matches;
/// beyond, the matches are walked, each asked for its sources.
const FEW: i64 = 2000;

pub(super) fn select(
    db: &Connection,
    output: &Output,
    now: DateTime<Utc>,
) -> Result<Vec<Published>, StoreError> {
    let mut window = Window::new(output, now);
    let wish = Wish {
        listed: true,
        languages: &output.languages,
        sources: output.sources.as_deref(),
        expression: output.query.as_ref().map(search::expression),
        now,
    };
    wish.walk(db, |entry| {
        if window.full(entry.published) {
            return ControlFlow::Break(());
        }
        window.offer(entry);
        ControlFlow::Continue(())
    })?;
    Ok(window.entries)
}

pub(super) fn search(
    db: &Connection,
    search: &Search,
    now: DateTime<Utc>,
) -> Result<Vec<Published>, StoreError> {
    let everything = || search.sources.is_none().then(search::everything);
    let wish = Wish {
        listed: false,
        languages: &search.languages,
        sources: search.sources.as_deref(),
        // The index of words is the only one that has every entry by date.
        expression: search.query.as_ref().map(search::expression).or_else(everything),
        now,
    };
    let mut entries = Vec::new();
    wish.walk(db, |entry| {
        if entries.len() >= search.limit || search.since.is_some_and(|since| entry.published < since) {
            return ControlFlow::Break(());
        }
        entries.push(entry);
        ControlFlow::Continue(())
    })?;
    Ok(entries)
}

/// What is wanted of an entry, as far as the store can tell without reading it.
struct Wish<'a> {
    /// Only what was not backlog when it came.
    listed: bool,
    languages: &'a [String],
    sources: Option<&'a [SourceId]>,
    /// For FTS5.
    expression: Option<String>,
    now: DateTime<Utc>,
}

impl Wish<'_> {
    /// Hands over what fits, newest first, until told to stop.
    fn walk(
        &self,
        db: &Connection,
        mut each: impl FnMut(Published) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let Some(ids) = self.sources else {
            return match &self.expression {
                None if self.languages.is_empty() => self.all(db, each),
                None => {
                    let mut row = self.row(db)?;
                    of(db, rivers_of_languages(self.languages), |_, number| {
                        Ok(self.load(&mut row, number)?.map_or(ControlFlow::Continue(()), &mut each))
                    })
                }
                Some(expression) => {
                    let mut row = self.row(db)?;
                    search::walk(db, expression, |number| {
                        Ok(self.load(&mut row, number)?.map_or(ControlFlow::Continue(()), &mut each))
                    })
                }
            };
        };
        let (sources, stories) = numbers(db, ids)?;
        let mut row = self.row(db)?;
        match &self.expression {
            Some(expression) if stories > FEW => search::walk(db, expression, |number| {
                if !seen_in(db, number, &sources)? {
                    return Ok(ControlFlow::Continue(()));
                }
                Ok(self.load(&mut row, number)?.map_or(ControlFlow::Continue(()), &mut each))
            }),
            expression => of(db, rivers_of_sources(&sources), |published, number| {
                if let Some(expression) = expression
                    && !search::matches(db, expression, published, number)?
                {
                    return Ok(ControlFlow::Continue(()));
                }
                Ok(self.load(&mut row, number)?.map_or(ControlFlow::Continue(()), &mut each))
            }),
        }
    }

    fn all(
        &self,
        db: &Connection,
        mut each: impl FnMut(Published) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut statement = db.prepare_cached(&format!(
            "SELECT {} FROM entries e INDEXED BY entries_river JOIN sources s ON s.number = e.source
             WHERE e.listed = 1 AND e.merged_into IS NULL AND coalesce(e.hold_until, 0) <= ?1
             ORDER BY e.published DESC, e.number DESC",
            rows::PUBLISHED
        ))?;
        let mut found = statement.query([self.now.timestamp()])?;
        while let Some(row) = found.next()? {
            if each(rows::published(row)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn row<'db>(&self, db: &'db Connection) -> Result<CachedStatement<'db>, StoreError> {
        Ok(db.prepare_cached(&format!(
            "SELECT {} FROM entries e JOIN sources s ON s.number = e.source
             WHERE e.number = ?1 AND e.merged_into IS NULL AND coalesce(e.hold_until, 0) <= ?2 {} {}",
            rows::PUBLISHED,
            if self.listed { "AND e.listed = 1" } else { "" },
            spoken(self.languages)
        ))?)
    }

    fn load(&self, row: &mut CachedStatement<'_>, number: i64) -> Result<Option<Published>, StoreError> {
        Ok(row.query_row(params![number, self.now.timestamp()], rows::published).optional()?)
    }
}

/// The condition on languages, so that others are not even read. Codes that are none match nothing.
pub(super) fn spoken(languages: &[String]) -> String {
    let code = |code: &&String| code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let ways = languages.iter().filter(code);
    let ways: Vec<_> =
        ways.map(|code| format!("e.language LIKE '{code}' OR e.language LIKE '{code}-%'")).collect();
    match (languages.is_empty(), ways.is_empty()) {
        (true, _) => String::new(),
        (false, true) => "AND 0".to_owned(),
        (false, false) => format!("AND ({})", ways.join(" OR ")),
    }
}

/// The numbers of sources, and how many stories they have together.
fn numbers(db: &Connection, ids: &[SourceId]) -> Result<(Vec<i64>, i64), StoreError> {
    let (mut numbers, mut total) = (Vec::new(), 0i64);
    for id in ids {
        let found: Option<(i64, i64)> = db
            .prepare_cached("SELECT number, stories FROM sources WHERE id = ?1")?
            .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((number, stories)) = found {
            numbers.push(number);
            total = total.saturating_add(stories);
        }
    }
    Ok((numbers, total))
}

fn seen_in(db: &Connection, entry: i64, sources: &[i64]) -> Result<bool, StoreError> {
    let mut statement = db.prepare_cached("SELECT source FROM sightings WHERE entry = ?1")?;
    let mut found = statement.query([entry])?;
    while let Some(row) = found.next()? {
        if sources.contains(&row.get(0)?) {
            return Ok(true);
        }
    }
    Ok(false)
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

/// Entries of one kind, read in chunks: (published, entry), newest first.
struct River {
    bed: Bed,
    before: (i64, i64),
    ready: VecDeque<(i64, i64)>,
    dry: bool,
}

/// What the entries of a river have in common.
enum Bed {
    /// The source that has them.
    Source(i64),
    /// The language, by the first subtag of its code. Only what was not backlog.
    Language(String),
}

impl River {
    fn new(bed: Bed) -> Self {
        Self { bed, before: (i64::MAX, i64::MAX), ready: VecDeque::new(), dry: false }
    }

    fn next(&mut self, db: &Connection) -> Result<Option<(i64, i64)>, StoreError> {
        if self.ready.is_empty() && !self.dry {
            self.ready = self.chunk(db)?;
            self.dry = self.ready.len() < CHUNK as usize;
        }
        let next = self.ready.pop_front();
        if let Some(next) = next {
            self.before = next;
        }
        Ok(next)
    }

    fn chunk(&self, db: &Connection) -> Result<VecDeque<(i64, i64)>, StoreError> {
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
            .query_map(params![bed, published, entry, CHUNK], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn rivers_of_sources(sources: &[i64]) -> Vec<River> {
    sources.iter().map(|source| River::new(Bed::Source(*source))).collect()
}

/// `fr-CA` stands in the river of `fr`.
fn rivers_of_languages(languages: &[String]) -> Vec<River> {
    let first = |code: &String| code.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let codes: BTreeSet<_> = languages.iter().map(first).collect();
    codes.into_iter().map(|code| River::new(Bed::Language(code))).collect()
}

/// Some rivers as one, newest first: (published, entry), each entry once.
fn of(
    db: &Connection,
    mut rivers: Vec<River>,
    mut each: impl FnMut(i64, i64) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let mut heap = BinaryHeap::new();
    for (place, river) in rivers.iter_mut().enumerate() {
        if let Some((published, entry)) = river.next(db)? {
            heap.push((published, entry, Reverse(place)));
        }
    }
    let mut last = None;
    while let Some((published, number, Reverse(place))) = heap.pop() {
        if let Some(river) = rivers.get_mut(place)
            && let Some((published, entry)) = river.next(db)?
        {
            heap.push((published, entry, Reverse(place)));
        }
        // An entry has one date, so that its sightings come out side by side.
        if last.replace(number) != Some(number) && each(published, number)?.is_break() {
            break;
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
        .prepare_cached(&format!("{SIGHTING} x.entry = ?1 ORDER BY x.number"))?
        .query_map([number], told)?
        .collect::<Result<_, _>>()?;
    Ok(Some((published, sightings)))
}

const SIGHTING: &str = "SELECT s.id, coalesce(nullif(s.name, ''), nullif(s.title, ''), s.id), x.guid, x.link,
    x.title, x.stated, x.first_seen, x.rule FROM sightings x JOIN sources s ON s.number = x.source WHERE";

fn told(row: &rusqlite::Row<'_>) -> rusqlite::Result<Sighting> {
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
}

/// One sighting, also of an entry that a filter held back.
pub(super) fn sighting(db: &Connection, number: i64) -> Result<Sighting, StoreError> {
    Ok(db.prepare_cached(&format!("{SIGHTING} x.number = ?1"))?.query_row([number], told)?)
}
