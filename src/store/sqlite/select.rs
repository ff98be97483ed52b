//! What stands in an output: newest first, without reading more rows than it shows.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;

use chrono::{DateTime, Duration, Utc};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ToSql, params};

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
/// With a share for each, so many sources are walked side by side at most; beyond, the river of all is.
const SIDE_BY_SIDE: usize = 1000;

pub(super) fn select(
    db: &Connection,
    output: &Output,
    now: DateTime<Utc>,
) -> Result<Vec<Published>, StoreError> {
    let mut window = Window::new(output, now);
    let wish = Wish {
        listed: true,
        shares: output.per_source > 0,
        languages: &output.languages,
        sources: output.sources.as_deref(),
        expression: output.query.as_ref().map(search::expression),
        now,
    };
    wish.walk(db, |entry| {
        if window.full(entry.published) {
            return Then::Stop;
        }
        window.offer(entry)
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
        shares: false,
        languages: &search.languages,
        sources: search.sources.as_deref(),
        // The index of words is the only one that has every entry by date.
        expression: search.query.as_ref().map(search::expression).or_else(everything),
        now,
    };
    let mut entries = Vec::new();
    wish.walk(db, |entry| {
        if entries.len() >= search.limit || search.since.is_some_and(|since| entry.published < since) {
            return Then::Stop;
        }
        entries.push(entry);
        Then::More
    })?;
    Ok(entries)
}

/// What is wanted of an entry, as far as the store can tell without reading it.
struct Wish<'a> {
    /// Only what was not backlog when it came.
    listed: bool,
    /// There may be enough of a source's.
    shares: bool,
    languages: &'a [String],
    sources: Option<&'a [SourceId]>,
    /// For FTS5.
    expression: Option<String>,
    now: DateTime<Utc>,
}

impl Wish<'_> {
    /// Hands over what fits, newest first, until told to stop.
    fn walk(&self, db: &Connection, each: impl FnMut(Published) -> Then) -> Result<(), StoreError> {
        let mut hand = Hand { db, now: self.now.timestamp(), row: self.row(db)?, full: HashSet::new(), each };
        let Some(ids) = self.sources else {
            if self.shares && self.expression.is_none() {
                let sources = every_source(db)?;
                if sources.len() <= SIDE_BY_SIDE {
                    // Each brings its own stories itself, so that one of which there are enough is left.
                    return of(db, rivers_of_sources(&sources), |_, number, bed| {
                        let step = hand.over(number)?.into();
                        Ok(if hand.has_enough_of(bed) && step == Step::Next { Step::Leave } else { step })
                    });
                }
            }
            return match &self.expression {
                None if self.languages.is_empty() => all(db, |number| hand.over(number)),
                None => {
                    of(db, rivers_of_languages(self.languages), |_, number, _| Ok(hand.over(number)?.into()))
                }
                Some(expression) => search::walk(db, expression, |number| hand.over(number)),
            };
        };
        let (sources, stories) = numbers(db, ids)?;
        match &self.expression {
            Some(expression) if stories > FEW => search::walk(db, expression, |number| {
                if seen_in(db, number, &sources)? { hand.over(number) } else { Ok(ControlFlow::Continue(())) }
            }),
            expression => of(db, rivers_of_sources(&sources), |published, number, _| {
                if let Some(expression) = expression
                    && !search::matches(db, expression, published, number)?
                {
                    return Ok(Step::Next);
                }
                Ok(hand.over(number)?.into())
            }),
        }
    }

    fn row<'db>(&self, db: &'db Connection) -> Result<CachedStatement<'db>, StoreError> {
        Ok(db.prepare_cached(&format!(
            "SELECT {}, e.source FROM entries e JOIN sources s ON s.number = e.source
             WHERE e.number = ?1 AND e.merged_into IS NULL AND coalesce(e.hold_until, 0) <= ?2 {} {}",
            rows::PUBLISHED,
            if self.listed { "AND e.listed = 1" } else { "" },
            spoken(self.languages)
        ))?)
    }
}

/// What is to follow an entry.
enum Then {
    /// The next one.
    More,
    /// The next one of another source: there are enough of this one's.
    OfOthers,
    /// Nothing.
    Stop,
}

/// Reads entries and hands them over; those of which there are enough are not even read.
struct Hand<'db, F> {
    db: &'db Connection,
    now: i64,
    row: CachedStatement<'db>,
    full: HashSet<i64>,
    each: F,
}

impl<F: FnMut(Published) -> Then> Hand<'_, F> {
    fn has_enough_of(&self, bed: &Bed) -> bool {
        matches!(bed, Bed::Source(source) if self.full.contains(source))
    }

    fn over(&mut self, number: i64) -> Result<ControlFlow<()>, StoreError> {
        if !self.full.is_empty() {
            let mut source = self.db.prepare_cached("SELECT source FROM entries WHERE number = ?1")?;
            let source = source.query_row([number], |row| row.get(0)).optional()?;
            if source.is_none_or(|source| self.full.contains(&source)) {
                return Ok(ControlFlow::Continue(()));
            }
        }
        let read = |row: &Row<'_>| Ok((rows::published(row)?, row.get(rows::PUBLISHED_COLUMNS)?));
        let Some((entry, source)) = self.row.query_row(params![number, self.now], read).optional()? else {
            return Ok(ControlFlow::Continue(()));
        };
        match (self.each)(entry) {
            Then::Stop => return Ok(ControlFlow::Break(())),
            Then::OfOthers => {
                self.full.insert(source);
            }
            Then::More => {}
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Where a walk along several rivers goes on.
#[derive(PartialEq, Eq)]
enum Step {
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

/// All entries that were not backlog when they came, newest first.
fn all(
    db: &Connection,
    mut each: impl FnMut(i64) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT e.number FROM entries e INDEXED BY entries_river WHERE e.listed = 1 AND e.merged_into IS NULL
         ORDER BY e.published DESC, e.number DESC",
    )?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        if each(row.get(0)?)?.is_break() {
            break;
        }
    }
    Ok(())
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

/// The numbers of all sources that have stories.
fn every_source(db: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut statement = db.prepare_cached("SELECT number FROM sources WHERE stories > 0")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
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

    fn offer(&mut self, entry: Published) -> Then {
        if filter::verdict(&entry.entry, &self.output.keep, &self.output.drop).is_some() {
            return Then::More;
        }
        let most = self.output.per_source;
        if most == 0 {
            self.entries.push(entry);
            return Then::More;
        }
        let count = self.of_source.entry(entry.source.clone()).or_default();
        *count += 1;
        let then = if *count < most { Then::More } else { Then::OfOthers };
        self.entries.push(entry);
        then
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

/// Some rivers as one, newest first: (published, entry), each entry once, with the river it was met in.
fn of(
    db: &Connection,
    mut rivers: Vec<River>,
    mut each: impl FnMut(i64, i64, &Bed) -> Result<Step, StoreError>,
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
        let step = if is_another { each(published, number, &river.bed)? } else { Step::Next };
        match step {
            Step::Next => heap.extend(river.next(db)?.map(|(at, entry)| (at, entry, Reverse(place)))),
            Step::Leave => {}
            Step::End => break,
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

fn told(row: &Row<'_>) -> rusqlite::Result<Sighting> {
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
