//! Secrets of sources' addresses that an older reading wrote into links, taken out of what is stored.
//!
//! Keys stay: they are hashes, and an entry is known again by them.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use url::Url;

use super::{found, rows};
use crate::link::Secrets;
use crate::model::{Podcast, Source, SourceState};
use crate::store::StoreError;
use crate::store::state;

/// From which version of our reading on links are without secrets.
const SINCE: u32 = 4;

/// Takes them out for one source, wherever it may be asked: as configured, as learnt, as asked last.
pub(super) fn take_out(db: &Connection, number: i64, source: Option<&Source>) -> Result<(), StoreError> {
    let (shown, mut state) = db
        .prepare_cached("SELECT url, remembered FROM sources WHERE number = ?1")?
        .query_row([number], |row| Ok((row.get::<_, String>(0)?, state::read(row.get_ref(1)?.as_blob()?))))?;
    if state.reading >= SINCE {
        return Ok(());
    }
    let body: Option<String> = db
        .prepare_cached("SELECT url FROM bodies WHERE source = ?1")?
        .query_row([number], |row| row.get(0))
        .optional()?;
    let written = [Some(shown), body, state.validators.as_ref().map(|given| given.url.clone())];
    let mut addresses: Vec<Url> = written.into_iter().flatten().filter_map(|url| url.parse().ok()).collect();
    addresses.extend(source.map(|source| source.url.clone()));
    addresses.extend(state.moved_to.clone());
    addresses.extend(state.redirect.as_ref().map(|redirect| redirect.target.clone()));
    let secrets = Secrets::of(&addresses);
    if secrets.is_empty() {
        return Ok(());
    }
    let changed = entries(db, number, &secrets)? + sightings(db, number, &secrets)?;
    if head(db, number, &mut state, &secrets)? || changed > 0 {
        found::note_any(db)?;
    }
    Ok(())
}

fn entries(db: &Connection, number: i64, secrets: &Secrets) -> Result<usize, StoreError> {
    let mut write = db.prepare_cached(
        "UPDATE entries SET link = ?2, summary = ?3, content = ?4, more = ?5 WHERE number = ?1",
    )?;
    let numbers: Vec<i64> = db
        .prepare_cached("SELECT number FROM entries WHERE source = ?1")?
        .query_map([number], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut read = db.prepare_cached("SELECT link, summary, content, more FROM entries WHERE number = ?1")?;
    let mut changed = 0;
    for number in numbers {
        let (texts, more): ([Option<String>; 3], String) =
            read.query_row([number], |row| Ok(([row.get(0)?, row.get(1)?, row.get(2)?], row.get(3)?)))?;
        let hidden = texts.each_ref().map(|text| text.as_deref().map(|text| secrets.hide(text)));
        let more_hidden = in_json(&more, secrets);
        if hidden.iter().flatten().chain([&more_hidden]).any(|text| matches!(text, Cow::Owned(_))) {
            let [link, summary, content] = hidden;
            changed += write.execute(params![number, link, summary, content, more_hidden])?;
        }
    }
    Ok(changed)
}

fn sightings(db: &Connection, number: i64, secrets: &Secrets) -> Result<usize, StoreError> {
    let linked: Vec<(i64, String)> = db
        .prepare_cached("SELECT number, link FROM sightings WHERE source = ?1 AND link IS NOT NULL")?
        .query_map([number], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut write = db.prepare_cached("UPDATE sightings SET link = ?2 WHERE number = ?1")?;
    let mut changed = 0;
    for (number, link) in &linked {
        let hidden = secrets.hide(link);
        if let Cow::Owned(hidden) = hidden {
            changed += write.execute(params![number, hidden])?;
        }
    }
    Ok(changed)
}

/// What is remembered of the head of its last document.
fn head(
    db: &Connection,
    number: i64,
    state: &mut SourceState,
    secrets: &Secrets,
) -> Result<bool, StoreError> {
    let before = state.clone();
    for words in &mut state.warnings {
        *words = secrets.hide(words).into_owned();
    }
    if let Some(feed) = &mut state.feed {
        let podcast = feed.podcast.as_mut().map(|podcast: &mut Podcast| &mut podcast.image);
        for link in [Some(&mut feed.link), Some(&mut feed.image), podcast].into_iter().flatten() {
            *link = link.as_deref().map(|link| secrets.hide(link).into_owned());
        }
        for words in [&mut feed.title, &mut feed.description] {
            *words = secrets.hide(words).into_owned();
        }
    }
    if *state == before {
        return Ok(false);
    }
    let feed = state.feed.as_ref();
    db.prepare_cached(
        "UPDATE sources SET remembered = ?2, title = ?3, link = ?4, podcast = ?5 WHERE number = ?1",
    )?
    .execute(params![
        number,
        state::write(state),
        feed.map(|feed| feed.title.as_str()),
        feed.and_then(|feed| feed.link.as_deref()),
        feed.and_then(|feed| feed.podcast.as_ref()).map(rows::podcast_json),
    ])?;
    Ok(true)
}

/// The same in every string of a JSON text: a mask must not swallow what belongs to the JSON.
fn in_json<'a>(json: &'a str, secrets: &Secrets) -> Cow<'a, str> {
    fn each(value: &mut Value, secrets: &Secrets) -> bool {
        match value {
            Value::String(text) => match secrets.hide(text) {
                Cow::Borrowed(_) => false,
                Cow::Owned(hidden) => {
                    *text = hidden;
                    true
                }
            },
            Value::Array(values) => values.iter_mut().fold(false, |any, value| each(value, secrets) | any),
            Value::Object(fields) => fields.values_mut().fold(false, |any, value| each(value, secrets) | any),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    let Ok(mut value) = serde_json::from_str::<Value>(json) else { return Cow::Borrowed(json) };
    if each(&mut value, secrets) { Cow::Owned(value.to_string()) } else { Cow::Borrowed(json) }
}
