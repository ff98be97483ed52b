//! What stands in an output: newest first, without reading more rows than it shows.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use chrono::{DateTime, Duration, Utc};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::rivers::{self, Bed, Place, Step};
use super::{rows, search};
use crate::filter;
use crate::model::{EntryId, Filter, Output, Published, Sighting, SourceId};
use crate::store::outputs::{Matches, Walk};
use crate::store::state::at;
use crate::store::{Search, StoreError};

/// Entries younger than this are never cut by `limit`…
const YOUNG: Duration = Duration::days(1);
/// …up to so many times the limit.
const HARD_BOUND: usize = 10;
/// Sources with fewer stories than this together are walked themselves, each story asked whether it matches;
/// beyond, the matches are walked, each asked for its sources.
const FEW: i64 = 2000;
/// Entries looked at in one go: a look into the store must not keep others waiting.
pub(super) const SLICE: usize = if cfg!(test) { 7 } else { 1_000 };
/// Of several rivers so many of each: to begin with a river takes as long as some entries of it.
const OF_EACH: usize = if cfg!(test) { 1 } else { 8 };
/// With a share for each, so many sources are walked side by side at most; beyond, the river of all is.
const SIDE_BY_SIDE: usize = 1000;

/// Walks on through an output's river, past at most so many entries; true: it is at its end.
pub(super) fn walk_on(
    db: &Connection,
    wish: &Wish<'_>,
    window: &mut Window<'_>,
    walk: &mut Walk,
    most: usize,
) -> Result<bool, StoreError> {
    let ended = wish.walk(db, window, walk, most)?;
    if ended {
        // The index of words has no dates past a certain year.
        window.entries.sort_unstable_by_key(rank);
    }
    Ok(ended)
}

/// What entries of an output are ordered by.
pub(super) fn rank(entry: &Published) -> std::cmp::Reverse<(DateTime<Utc>, i64)> {
    std::cmp::Reverse((entry.published, entry.number))
}

pub(super) fn search(
    db: &Connection,
    search: &Search,
    now: DateTime<Utc>,
    matches: &mut Matches,
) -> Result<bool, StoreError> {
    let everything = || search.sources.is_none().then(search::everything);
    let wish = Wish {
        listed: false,
        shares: false,
        filters: None,
        languages: &search.languages,
        sources: search.sources.as_deref(),
        // The index of words is the only one that has every entry by date.
        expression: search.query.as_ref().map(search::expression).or_else(everything),
        now,
    };
    let Matches { entries, walk } = matches;
    walk.last = walk.last.or(search.before.map(|(published, number)| (published.timestamp(), number)));
    wish.walk(db, &mut Found { search, entries }, walk, SLICE)
}

/// What is wanted of an entry.
pub(super) struct Wish<'a> {
    /// Only what was not backlog when it came.
    listed: bool,
    /// There may be enough of a source's.
    shares: bool,
    languages: &'a [String],
    pub(super) sources: Option<&'a [SourceId]>,
    /// For FTS5.
    pub(super) expression: Option<String>,
    /// `keep` and `drop`, where they say anything.
    filters: Option<(&'a Filter, &'a Filter)>,
    now: DateTime<Utc>,
}

impl<'a> Wish<'a> {
    /// What an output's conditions say of each entry alone.
    pub(super) fn of(output: &'a Output, now: DateTime<Utc>) -> Self {
        Self {
            listed: true,
            shares: output.per_source > 0,
            languages: &output.languages,
            sources: output.sources.as_deref(),
            expression: output.query.as_ref().map(search::expression),
            filters: (!output.keep.is_empty() || !output.drop.is_empty())
                .then_some((&output.keep, &output.drop)),
            now,
        }
    }

    /// The same of an entry of its history: backlog, too, and what waits for its time.
    pub(super) fn of_history(output: &'a Output) -> Self {
        Self { listed: false, ..Self::of(output, DateTime::<Utc>::MAX_UTC) }
    }

    /// Hands over what fits, newest first, from where the walk stands on, past at most so many entries. True: it is at
    /// its end.
    fn walk(
        &self,
        db: &Connection,
        taker: &mut impl Take,
        walk: &mut Walk,
        most: usize,
    ) -> Result<bool, StoreError> {
        let upto = walk.looked.saturating_add(most);
        let mut hand = Hand { db, reader: self.reader(db)?, walk, upto, paused: false, taker };
        self.along(db, &mut hand)?;
        Ok(!hand.paused)
    }

    fn along(&self, db: &Connection, hand: &mut Hand<'_, impl Take>) -> Result<(), StoreError> {
        let before = hand.walk.last.unwrap_or(rivers::BEGIN);
        let Some(ids) = self.sources else {
            if self.shares && self.expression.is_none() {
                let sources = every_source(db)?;
                if sources.len() <= SIDE_BY_SIDE {
                    // Each brings its own stories itself, so that one of which there are enough is left.
                    let open = sources.iter().filter(|source| !hand.walk.full.contains(source));
                    let rivers = rivers::of_sources(open, before);
                    hand.go_on_for(rivers.len() * OF_EACH);
                    return rivers::along(db, rivers, |place, bed| {
                        let step = hand.over(place)?.into();
                        Ok(if hand.has_enough_of(bed) && step == Step::Next { Step::Leave } else { step })
                    });
                }
            }
            return match &self.expression {
                None if self.languages.is_empty() => rivers::all(db, before, |place| hand.over(place)),
                None => rivers::along(db, rivers::of_languages(self.languages, before), |place, _| {
                    Ok(hand.over(place)?.into())
                }),
                Some(expression) => search::walk(db, expression, before, |place| hand.over(place)),
            };
        };
        let (sources, stories) = numbers(db, ids)?;
        let by_words = *hand.walk.by_words.get_or_insert(stories > FEW);
        match &self.expression {
            Some(expression) if by_words => search::walk(db, expression, before, |place| {
                if seen_in(db, place.1, &sources)? { hand.over(place) } else { Ok(hand.pass_by(place)) }
            }),
            expression => {
                hand.go_on_for(sources.len() * OF_EACH);
                rivers::along(db, rivers::of_sources(&sources, before), |place, _| {
                    if let Some(expression) = expression
                        && !search::matches(db, expression, place)?
                    {
                        return Ok(hand.pass_by(place).into());
                    }
                    Ok(hand.over(place)?.into())
                })
            }
        }
    }

    pub(super) fn reader<'db>(&'db self, db: &'db Connection) -> Result<Reader<'db>, StoreError> {
        let conditions = format!(
            "WHERE e.number = ?1 AND e.merged_into IS NULL AND coalesce(e.hold_until, 0) <= ?2 {} {}",
            if self.listed { "AND e.listed = 1" } else { "" },
            spoken(self.languages)
        );
        let glance = self.filters.map(|filters| {
            db.prepare_cached(&format!("SELECT e.published, e.title, e.language FROM entries e {conditions}"))
                .map(|statement| (filters, statement))
        });
        Ok(Reader {
            now: self.now.timestamp(),
            glance: glance.transpose()?,
            whole: db.prepare_cached(&format!(
                "SELECT {}, e.source FROM entries e JOIN sources s ON s.number = e.source {conditions}",
                rows::PUBLISHED
            ))?,
        })
    }
}

/// Reads entries that fit.
pub(super) struct Reader<'db> {
    now: i64,
    /// The filters, and what tells without reading all of an entry that they hold it back.
    glance: Option<((&'db Filter, &'db Filter), CachedStatement<'db>)>,
    whole: CachedStatement<'db>,
}

/// An entry that the store's conditions fit.
pub(super) enum Read {
    /// It, and its source's number.
    Passes(Box<Published>, i64),
    /// A filter holds it back: its date.
    HeldBack(i64),
}

impl Reader<'_> {
    pub(super) fn read(&mut self, number: i64) -> Result<Option<Read>, StoreError> {
        if let Some(((keep, drop), glance)) = &mut self.glance {
            let held_back = glance.query_row(params![number, self.now], |row| {
                let (title, language) = (row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str_or_null()?);
                let passes = filter::may_pass(title, language.unwrap_or_default(), keep, drop);
                Ok(if passes { None } else { Some(row.get(0)?) })
            });
            match held_back.optional()? {
                None => return Ok(None),
                Some(Some(published)) => return Ok(Some(Read::HeldBack(published))),
                Some(None) => {}
            }
        }
        let read = |row: &Row<'_>| Ok((rows::published(row)?, row.get(rows::PUBLISHED_COLUMNS)?));
        let Some((entry, source)) = self.whole.query_row(params![number, self.now], read).optional()? else {
            return Ok(None);
        };
        if let Some(((keep, drop), _)) = &self.glance
            && filter::verdict(&entry.entry, keep, drop).is_some()
        {
            return Ok(Some(Read::HeldBack(entry.published.timestamp())));
        }
        Ok(Some(Read::Passes(Box::new(entry), source)))
    }
}

/// Who takes entries from a walk.
trait Take {
    /// True when nothing of that date or older is wanted any more.
    fn is_full(&self, published: DateTime<Utc>) -> bool;
    /// Takes an entry; true: there are enough of its source.
    fn take(&mut self, entry: Published) -> bool;
}

/// What somebody looked for.
struct Found<'a> {
    search: &'a Search,
    entries: &'a mut Vec<Published>,
}

impl Take for Found<'_> {
    fn is_full(&self, published: DateTime<Utc>) -> bool {
        self.entries.len() >= self.search.limit || self.search.since.is_some_and(|since| published < since)
    }

    fn take(&mut self, entry: Published) -> bool {
        self.entries.push(entry);
        false
    }
}

/// Reads entries and hands them over; those of which there are enough are not even read.
struct Hand<'a, T> {
    db: &'a Connection,
    reader: Reader<'a>,
    walk: &'a mut Walk,
    /// It pauses when so many were looked at.
    upto: usize,
    paused: bool,
    taker: &'a mut T,
}

impl<T: Take> Hand<'_, T> {
    fn has_enough_of(&self, bed: &Bed) -> bool {
        matches!(bed, Bed::Source(source) if self.walk.full.contains(source))
    }

    /// It looks at so many at least.
    fn go_on_for(&mut self, least: usize) {
        self.upto = self.upto.max(self.walk.looked.saturating_add(least));
    }

    /// Leaves an entry that was looked at.
    fn pass_by(&mut self, place: Place) -> ControlFlow<()> {
        self.walk.looked += 1;
        self.walk.last = Some(place);
        if self.walk.looked >= self.upto {
            self.paused = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn over(&mut self, place: Place) -> Result<ControlFlow<()>, StoreError> {
        let (_, number) = place;
        if !self.walk.full.is_empty() {
            let mut source = self.db.prepare_cached("SELECT source FROM entries WHERE number = ?1")?;
            let source = source.query_row([number], |row| row.get(0)).optional()?;
            if source.is_none_or(|source| self.walk.full.contains(&source)) {
                return Ok(self.pass_by(place));
            }
        }
        let (date, passing) = match self.reader.read(number)? {
            None => return Ok(self.pass_by(place)),
            Some(Read::HeldBack(published)) => (at(published), None),
            Some(Read::Passes(entry, source)) => (entry.published, Some((entry, source))),
        };
        if self.taker.is_full(date) {
            self.walk.looked += 1;
            return Ok(ControlFlow::Break(()));
        }
        if let Some((entry, source)) = passing {
            if self.taker.take(*entry) {
                self.walk.full.insert(source);
            }
            // Nobody need look for one more to know that there is no room for it.
            if self.taker.is_full(date) {
                self.walk.looked += 1;
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(self.pass_by(place))
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

/// The numbers of all sources that have stories.
fn every_source(db: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut statement = db.prepare_cached("SELECT number FROM sources WHERE stories > 0")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// The numbers of sources, and how many stories they have together.
pub(super) fn numbers(db: &Connection, ids: &[SourceId]) -> Result<(Vec<i64>, i64), StoreError> {
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

pub(super) fn seen_in(db: &Connection, entry: i64, sources: &[i64]) -> Result<bool, StoreError> {
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
pub(super) struct Window<'a> {
    output: &'a Output,
    now: DateTime<Utc>,
    pub(super) entries: Vec<Published>,
    of_source: HashMap<SourceId, usize>,
}

impl<'a> Window<'a> {
    pub(super) fn new(output: &'a Output, now: DateTime<Utc>) -> Self {
        Self { output, now, entries: Vec::new(), of_source: HashMap::new() }
    }

    /// With what it took before.
    pub(super) fn with(self, entries: Vec<Published>) -> Self {
        let mut of_source = HashMap::new();
        for entry in &entries {
            *of_source.entry(entry.source.clone()).or_default() += 1;
        }
        Self { entries, of_source, ..self }
    }

    /// Takes what has room from entries that come newest first.
    pub(super) fn fill(&mut self, entries: Vec<Published>) {
        let mut full = HashSet::new();
        for entry in entries {
            if self.is_full(entry.published) {
                return;
            }
            let source = entry.source.clone();
            if !full.contains(&source) && self.take(entry) {
                full.insert(source);
            }
        }
    }
}

impl Take for Window<'_> {
    fn is_full(&self, published: DateTime<Utc>) -> bool {
        let limit = self.output.limit;
        let young = published > self.now - YOUNG;
        self.entries.len() >= if young { limit.saturating_mul(HARD_BOUND) } else { limit }
    }

    fn take(&mut self, entry: Published) -> bool {
        let most = self.output.per_source;
        let enough = most > 0 && {
            let count = self.of_source.entry(entry.source.clone()).or_default();
            *count += 1;
            *count >= most
        };
        self.entries.push(entry);
        enough
    }
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
