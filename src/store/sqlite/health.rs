//! The daemon's own news: what changed about a source, written in the transaction of the poll that found it.
//! Never a row for a poll that found what the one before had found.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, params};

use crate::link;
use crate::model::{SourceId, SourceState, Standing};
use crate::store::state::{at, read};
use crate::store::{Health, News, StoreError};

/// News kept; a source that comes and goes all day must not fill the disk.
const KEPT: i64 = 10_000;
/// A certificate that ends within this time is news.
const EXPIRING: TimeDelta = TimeDelta::days(14);

/// Compares a source's new state with the last of its news but for moves and certificates; the row as stored before is
/// still there.
/// True when something was written.
pub(super) fn record(
    db: &Connection,
    source: i64,
    last: Option<&str>,
    state: &SourceState,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut said = false;
    let soon = state.certificate_ends.filter(|ends| *ends - now < EXPIRING);
    if state.moved_to.is_some() || soon.is_some() {
        let before = db
            .prepare_cached("SELECT remembered FROM sources WHERE number = ?1")?
            .query_row([source], |row| Ok(read(row.get_ref(0)?.as_blob()?)))?;
        if let Some(moved) = state.moved_to.as_ref().filter(|moved| before.moved_to.as_ref() != Some(*moved))
        {
            say(db, source, now, News::Moved, &link::mask(moved.as_str()))?;
            said = true;
        }
        // Once for each certificate: at the first poll of its last days.
        let known = |ends| {
            before.certificate_ends == Some(ends)
                && before.last_poll.is_some_and(|polled| ends - polled < EXPIRING)
        };
        if let Some(ends) = soon.filter(|ends| !known(*ends)) {
            let words =
                format!("The certificate of its host ends on {}.", ends.format("%-d %B %Y, %H:%M UTC"));
            say(db, source, now, News::Expiring, &words)?;
            said = true;
        }
    }
    let last = last.and_then(News::from_name).unwrap_or(News::Recovered);
    let news = match state.standing {
        Standing::Ok => News::Recovered,
        Standing::Failing => News::Broken,
        Standing::Gone => News::Gone,
        Standing::Drifted => News::Drifted,
        // To wait when asked is no illness.
        Standing::New | Standing::Held | Standing::Disabled => return Ok(said),
    };
    if news == last {
        return Ok(said);
    }
    say(db, source, now, news, state.last_error.as_deref().unwrap_or_default())?;
    db.prepare_cached("UPDATE sources SET said = ?2 WHERE number = ?1")?
        .execute(params![source, news.name()])?;
    Ok(true)
}

fn say(db: &Connection, source: i64, now: DateTime<Utc>, news: News, words: &str) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO health (source, at, kind, words) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![source, now.timestamp(), news.name(), words])?;
    let old = db.last_insert_rowid() - KEPT;
    db.prepare_cached("DELETE FROM health WHERE number <= ?1")?.execute([old])?;
    Ok(())
}

/// The newest news first.
pub(super) fn latest(
    db: &Connection,
    source: Option<&SourceId>,
    limit: usize,
) -> Result<Vec<Health>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT h.number, h.at, h.kind, h.words, s.id,
           coalesce(nullif(s.name, ''), nullif(s.title, ''), s.id)
         FROM health h JOIN sources s ON s.number = h.source
         WHERE ?2 IS NULL OR s.id = ?2 ORDER BY h.number DESC LIMIT ?1",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = statement.query_map(params![limit, source.map(SourceId::as_str)], |row| {
        Ok(Health {
            number: row.get(0)?,
            at: at(row.get(1)?),
            news: News::from_name(&row.get::<_, String>(2)?).unwrap_or(News::Broken),
            words: row.get(3)?,
            source: SourceId::new(row.get::<_, String>(4)?),
            source_name: row.get(5)?,
        })
    })?;
    found.collect::<Result<_, _>>().map_err(Into::into)
}
