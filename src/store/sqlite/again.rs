//! What another reading of a source's last document would change. Changes nothing.

use rusqlite::{Connection, OptionalExtension, params};

use super::{last, rows};
use crate::model::Entry;
use crate::store::StoreError;

/// True when a story's row says anything else than this entry: the same comparison as when it is corrected.
pub(super) fn differs(db: &Connection, story: i64, entry: &Entry) -> Result<bool, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM entries WHERE number = ?1
               AND (title, link, language, summary, content, more) IS NOT (?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .exists(params![
            story,
            entry.title,
            entry.link,
            entry.language,
            entry.summary.as_deref(),
            entry.content.as_deref(),
            rows::more(entry),
        ])?)
}

/// The stories that stood in a source's last document: sighting, story, title there.
pub(super) fn last_document(db: &Connection, source: i64) -> Result<Vec<(i64, i64, String)>, StoreError> {
    let mut statement = db.prepare_cached("SELECT entry, title FROM sightings WHERE number = ?1")?;
    let mut found = Vec::new();
    for (_, stood) in last::entries(db, source)? {
        let row: Option<(Option<i64>, String)> =
            statement.query_row([stood.sighting], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some((Some(story), title)) = row {
            found.push((stood.sighting, story, title));
        }
    }
    Ok(found)
}
