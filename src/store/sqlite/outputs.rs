//! What stands in an output. A walk along its river finds it (select.rs); where few entries pass its filters that walk
//! is long, so who knows what stood there before asks for what changed since.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};

use super::select::{self, Read, Window, Wish};
use super::{Sqlite, archive, search};
use crate::model::{EntryId, Output, Published};
use crate::store::archive::Cuts;
use crate::store::{Outputs, Selection, StoreError, Stories};

impl Outputs for Sqlite {
    fn select(&mut self, output: &Output, now: DateTime<Utc>) -> Result<Selection, StoreError> {
        select::select(&self.db, output, now)
    }

    fn select_again(
        &mut self,
        output: &Output,
        stood: &[EntryId],
        told: &[EntryId],
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<Published>>, StoreError> {
        again(&self.db, output, (stood, told), now)
    }

    fn of_history(&mut self, output: &Output, entries: &[EntryId]) -> Result<Vec<EntryId>, StoreError> {
        let found = one_by_one(&self.db, &Wish::of_history(output), entries.iter().copied())?;
        Ok(found.into_iter().map(|entry| entry.id).collect())
    }

    fn cuts(&mut self, output: &Output) -> Result<Cuts, StoreError> {
        archive::cuts(&self.db, output)
    }

    fn count(&mut self, output: &Output, cuts: &mut Cuts) -> Result<bool, StoreError> {
        archive::count(&self.db, output, cuts)
    }

    fn keep_cuts(&mut self, output: &Output, cuts: &Cuts) -> Result<(), StoreError> {
        archive::keep(&mut self.db, output, cuts)
    }

    fn stories(
        &mut self,
        output: &Output,
        stretch: (i64, i64),
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Stories, StoreError> {
        archive::stories(&self.db, output, stretch, limit, now)
    }

    fn oldest(&mut self, output: &Output) -> Result<i64, StoreError> {
        archive::oldest(&self.db, output)
    }
}

/// What stands in an output, taken from what stood there and what was told of since.
///
/// That is all it needs: an entry that stood not there, and to which nothing happened, was behind enough others, and
/// still is, as long as none of those has gone. A document that was not full had room for all there were.
fn again(
    db: &Connection,
    output: &Output,
    (stood, told): (&[EntryId], &[EntryId]),
    now: DateTime<Utc>,
) -> Result<Option<Vec<Published>>, StoreError> {
    let wish = Wish::of(output, now);
    let mut entries = one_by_one(db, &wish, stood.iter().chain(told).copied())?;
    let found: HashSet<EntryId> = entries.iter().map(|entry| entry.id).collect();
    let left_some_out = stood.len() >= output.limit || output.per_source > 0;
    if left_some_out && stood.iter().any(|id| !found.contains(id)) {
        return Ok(None);
    }
    entries.sort_unstable_by_key(select::rank);
    let mut window = Window::new(output, now);
    window.fill(entries);
    Ok(Some(window.entries))
}

/// Those of some entries that fit, each once, in no order.
fn one_by_one(
    db: &Connection,
    wish: &Wish<'_>,
    entries: impl Iterator<Item = EntryId>,
) -> Result<Vec<Published>, StoreError> {
    let sources = wish.sources.map(|ids| select::numbers(db, ids)).transpose()?;
    let mut numbered = db.prepare_cached("SELECT number, published FROM entries WHERE id = ?1")?;
    let mut reader = wish.reader(db)?;
    let (mut looked, mut found) = (HashSet::new(), Vec::new());
    for id in entries {
        if !looked.insert(id) {
            continue;
        }
        let place = numbered.query_row([id.0.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((number, published)) = place else { continue };
        if let Some((sources, _)) = &sources
            && !select::seen_in(db, number, sources)?
        {
            continue;
        }
        if let Some(expression) = &wish.expression
            && !search::matches(db, expression, published, number)?
        {
            continue;
        }
        if let Some(Read::Passes(entry, _)) = reader.read(number)? {
            found.push(*entry);
        }
    }
    Ok(found)
}
