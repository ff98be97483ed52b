//! An output's stories in order of publication, and where that order is cut into documents.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::select::{numbers, spoken};
use super::{rows, search};
use crate::filter;
use crate::model::{Digest, Output, Published};
use crate::store::archive::Cuts;
use crate::store::{StoreError, Stories};

/// Numbers looked at in one go: a look into the store must not keep others waiting.
const SLICE: i64 = 20_000;

/// What an output's stories are chosen by.
pub(super) fn rules(output: &Output) -> Digest {
    let patterns = |patterns: &[regex::Regex]| patterns.iter().map(|one| one.as_str().to_owned()).collect();
    let mut lists: Vec<Vec<String>> = vec![output.languages.clone()];
    lists.extend(output.sources.iter().map(|ids| ids.iter().map(ToString::to_string).collect()));
    for filter in [&output.keep, &output.drop] {
        lists.extend([patterns(&filter.title), patterns(&filter.category), filter.language.clone()]);
    }
    lists.push(output.query.iter().map(ToString::to_string).collect());
    let lists: Vec<_> = lists.into_iter().map(|list| list.join("\0")).collect();
    let parts: Vec<_> = lists.iter().map(String::as_bytes).collect();
    Digest::of("archive", &parts)
}

pub(super) fn cuts(db: &Connection, output: &Output) -> Result<Cuts, StoreError> {
    let stored: Option<(Vec<u8>, i64, i64)> = db
        .prepare_cached("SELECT rules, counted, open FROM archives WHERE output = ?1")?
        .query_row([&output.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((_, counted, open)) = stored.filter(|(stored, ..)| *stored == rules(output).0) else {
        return Ok(Cuts::default());
    };
    let ends = db
        .prepare_cached("SELECT place FROM archive_ends WHERE output = ?1 ORDER BY n")?
        .query_map([&output.id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(Cuts { ends, counted, open: usize::try_from(open).unwrap_or_default() })
}

pub(super) fn keep(db: &mut Connection, output: &Output, cuts: &Cuts) -> Result<(), StoreError> {
    let transaction = db.transaction()?;
    let rules = rules(output);
    // Other rules: another archive, from its beginning.
    transaction
        .execute("DELETE FROM archives WHERE output = ?1 AND rules <> ?2", params![output.id, rules.0])?;
    transaction.execute(
        "INSERT INTO archives (output, rules, counted, open) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (output) DO UPDATE SET counted = excluded.counted, open = excluded.open",
        params![output.id, rules.0, cuts.counted, i64::try_from(cuts.open).unwrap_or_default()],
    )?;
    let known: i64 = transaction.query_row(
        "SELECT coalesce(max(n), 0) FROM archive_ends WHERE output = ?1",
        [&output.id],
        |row| row.get(0),
    )?;
    for (n, place) in (1i64..).zip(&cuts.ends).skip(usize::try_from(known).unwrap_or_default()) {
        transaction
            .prepare_cached("INSERT INTO archive_ends (output, n, place) VALUES (?1, ?2, ?3)")?
            .execute(params![output.id, n, place])?;
    }
    Ok(transaction.commit()?)
}

/// Counts on, a slice at a time; false: there is more to count.
pub(super) fn count(db: &Connection, output: &Output, cuts: &mut Cuts) -> Result<bool, StoreError> {
    let table = if output.sources.is_some() { "sightings" } else { "entries" };
    let last: i64 = db
        .prepare_cached(&format!("SELECT coalesce(max(number), 0) FROM {table}"))?
        .query_row([], |row| row.get(0))?;
    // Few stories are looked at all at once, however long the stretch: a slice of it would be no less to do.
    let few = sources(db, output)?.is_some_and(|(_, stories)| stories <= SLICE);
    let upto = if few { last } else { cuts.counted.saturating_add(SLICE).min(last) };
    if upto > cuts.counted {
        for (place, _) in walk(db, output, cuts.counted, upto)? {
            cuts.push(place);
        }
        cuts.counted = upto;
    }
    Ok(upto >= last)
}

/// The stories of a stretch, in order of publication, at most `limit`.
pub(super) fn stories(
    db: &Connection,
    output: &Output,
    (after, upto): (i64, i64),
    limit: usize,
    now: DateTime<Utc>,
) -> Result<Stories, StoreError> {
    let mut row = db.prepare_cached(&format!(
        "SELECT {}, coalesce(e.hold_until, 0) > ?2 AS waits, e.listed AS listed
         FROM entries e JOIN sources s ON s.number = e.source WHERE e.number = ?1",
        rows::PUBLISHED
    ))?;
    let mut found = Stories::default();
    for (place, number) in walk(db, output, after, upto)? {
        if found.stories.len() >= limit {
            break;
        }
        let story = row
            .query_row(params![number, now.timestamp()], |row| {
                Ok((row.get::<_, bool>("waits")?, row.get::<_, bool>("listed")?, rows::published(row)?))
            })
            .optional()?;
        match story {
            Some((true, ..)) => found.waiting = true,
            Some((false, listed, story)) => found.stories.push((place, listed, story)),
            None => {}
        }
    }
    Ok(found)
}

/// The smallest place that is still taken; 0 when none is.
pub(super) fn oldest(db: &Connection, output: &Output) -> Result<i64, StoreError> {
    let place: Option<i64> = match sources(db, output)? {
        None => db
            .prepare_cached("SELECT number FROM entries ORDER BY number LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?,
        Some((sources, _)) => db
            .prepare_cached(
                "SELECT number FROM sightings WHERE entry IS NOT NULL
                 AND source IN (SELECT value FROM json_each(?1)) ORDER BY number LIMIT 1",
            )?
            .query_row([sources], |row| row.get(0))
            .optional()?,
    };
    Ok(place.unwrap_or_default())
}

/// The numbers of an output's sources, as JSON, and how many stories these have together; `None`: all.
fn sources(db: &Connection, output: &Output) -> Result<Option<(String, i64)>, StoreError> {
    let Some(ids) = &output.sources else { return Ok(None) };
    let (numbers, stories) = numbers(db, ids)?;
    Ok(Some((format!("{numbers:?}"), stories)))
}

/// (place, number) of what stands in an output, in a stretch of places.
fn walk(db: &Connection, output: &Output, after: i64, upto: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    let spoken = spoken(&output.languages);
    let sources = sources(db, output)?;
    let sql = match &sources {
        None => format!(
            "SELECT e.number, e.number, e.published, e.title, e.language FROM entries e
             WHERE e.number > ?1 AND e.number <= ?2 AND ?3 IS NULL AND e.merged_into IS NULL {spoken}
             ORDER BY e.number"
        ),
        Some((_, stories)) => format!(
            "SELECT x.number, e.number, e.published, e.title, e.language
             FROM sightings x {} JOIN entries e ON e.number = x.entry
             WHERE x.number > ?1 AND x.number <= ?2 AND x.source IN (SELECT value FROM json_each(?3))
               AND NOT EXISTS (SELECT 1 FROM sightings y WHERE y.entry = x.entry AND y.number < x.number
                 AND y.source IN (SELECT value FROM json_each(?3)))
               AND e.merged_into IS NULL {spoken}
             ORDER BY x.number",
            // A short stretch is walked along, whoever its sightings are of; of a long one the sources' own are taken.
            if upto - after < *stories { "NOT INDEXED" } else { "" }
        ),
    };
    let expression = output.query.as_ref().map(search::expression);
    let picky = !(output.keep.is_empty() && output.drop.is_empty());
    let mut statement = db.prepare_cached(&sql)?;
    let sources = sources.map(|(sources, _)| sources);
    let mut found = statement.query(params![after, upto, sources])?;
    let mut places = Vec::new();
    while let Some(row) = found.next()? {
        let (place, number, published): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if let Some(expression) = &expression
            && !search::matches(db, expression, (published, number))?
        {
            continue;
        }
        if picky {
            let (title, language) = (row.get_ref(3)?.as_str(), row.get_ref(4)?.as_str_or_null());
            let (title, language) = (title.unwrap_or_default(), language.ok().flatten().unwrap_or_default());
            if !filter::may_pass(title, language, &output.keep, &output.drop) || !passes(db, output, number)?
            {
                continue;
            }
        }
        places.push((place, number));
    }
    Ok(places)
}

fn passes(db: &Connection, output: &Output, number: i64) -> Result<bool, StoreError> {
    let story: Option<Published> = db
        .prepare_cached(&format!(
            "SELECT {} FROM entries e JOIN sources s ON s.number = e.source WHERE e.number = ?1",
            rows::PUBLISHED
        ))?
        .query_row([number], rows::published)
        .optional()?;
    Ok(story.is_some_and(|story| filter::verdict(&story.entry, &output.keep, &output.drop).is_none()))
}
