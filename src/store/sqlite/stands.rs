//! Whether an entry stands in an output, and why not. Reads only.

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::select::Wish;
use super::{search, select};
use crate::filter;
use crate::model::Output;
use crate::store::outputs::{Absence, Stands};
use crate::store::{Held, StoreError, Told};

/// What an output's conditions say of an entry alone, each for itself. None: it is of its history.
pub(super) fn absences(db: &Connection, output: &Output, told: &Told) -> Result<Vec<Absence>, StoreError> {
    let (published, wish) = (&told.published, Wish::of_history(output));
    let mut absences = Vec::new();
    if let Some(ids) = wish.sources
        && !select::seen_in(db, published.number, &select::numbers(db, ids)?.0)?
    {
        absences.push(Absence::Sources);
    }
    let language = published.entry.language.as_deref();
    let speaks = |wanted: &String| filter::speaks(language.unwrap_or_default(), wanted);
    if !output.languages.is_empty() && !output.languages.iter().any(speaks) {
        absences.push(Absence::Language(language.map(str::to_owned)));
    }
    absences.extend(filter::verdict(&published.entry, &output.keep, &output.drop).map(Absence::Filter));
    if let Some(expression) = &wish.expression
        && !search::matches(db, expression, (published.published.timestamp(), published.number))?
    {
        absences.push(Absence::Query);
    }
    Ok(absences)
}

/// How an entry that is of an output's history stands to its current document, as far as it says so itself. `None`:
/// others take its place, if anybody does.
pub(super) fn alone(told: &Told, now: DateTime<Utc>) -> Option<Stands> {
    match told.held {
        Held::Until(until) if until > now => Some(Stands::Waiting),
        Held::Archived => Some(Stands::Backlog),
        Held::Until(_) | Held::No => None,
    }
}
