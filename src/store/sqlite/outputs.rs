//! What stands in an output. A walk along its river finds it (select.rs); where few entries pass its filters that walk
//! is long, so what was found is remembered, and later only what happened since is looked at (found.rs).

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension};

use super::select::{self, Read, SLICE, Window, Wish};
use super::{Sqlite, archive, found, rivers, search, stands};
use crate::model::{EntryId, Output, Published, SourceId};
use crate::store::archive::Cuts;
use crate::store::outputs::{Found, Look, Seen, Since, Stands};
use crate::store::{Outputs, StoreError, Stories, Told};

impl Outputs for Sqlite {
    fn look(&mut self, output: &Output, now: DateTime<Utc>, look: &mut Look) -> Result<bool, StoreError> {
        if !look.walked {
            return walk(&self.db, output, now, look);
        }
        let done = look_again(&self.db, output, now, look)?;
        if done.is_none() {
            *look = Look { losses: look.losses + 1, ..Look::default() };
        }
        Ok(done.unwrap_or(false))
    }

    fn found(&mut self, output: &Output) -> Result<Found, StoreError> {
        found::get(&self.db, output)
    }

    fn keep_found(&mut self, found: &[(Arc<Output>, Found)]) -> Result<(), StoreError> {
        found::keep(&mut self.db, found)
    }

    fn forget_found(&mut self, but: &[String]) -> Result<(), StoreError> {
        found::forget_others(&self.db, but)
    }

    fn seen(&mut self) -> Result<Seen, StoreError> {
        found::seen(&self.db)
    }

    fn since(&mut self, place: Seen, most: usize) -> Result<Option<Since>, StoreError> {
        let Some((numbers, upto, more)) = found::since(&self.db, place, most)? else { return Ok(None) };
        let mut named = self.db.prepare_cached("SELECT id FROM entries WHERE number = ?1")?;
        let mut entries = Vec::new();
        for number in numbers {
            let id = named.query_row([number], |row| row.get(0)).optional()?;
            entries.extend(id.map(|id| EntryId(uuid::Uuid::from_bytes(id))));
        }
        Ok(Some(Since { entries, upto, more }))
    }

    fn of_history(&mut self, output: &Output, entries: &[EntryId]) -> Result<Vec<EntryId>, StoreError> {
        let mut numbered = self.db.prepare_cached("SELECT number FROM entries WHERE id = ?1")?;
        let mut numbers = BTreeSet::new();
        for id in entries {
            numbers.extend(numbered.query_row([id.0.as_bytes()], |row| row.get::<_, i64>(0)).optional()?);
        }
        let found = one_by_one(&self.db, &Wish::of_history(output), &numbers)?;
        Ok(found.into_iter().map(|entry| entry.id).collect())
    }

    fn stands(&mut self, output: &Output, told: &Told, now: DateTime<Utc>) -> Result<Stands, StoreError> {
        let absences = stands::absences(&self.db, output, told)?;
        if !absences.is_empty() {
            return Ok(Stands::Nowhere(absences));
        }
        if let Some(stands) = stands::alone(told, now) {
            return Ok(stands);
        }
        let mut look = self.found(output)?.look.unwrap_or_default();
        while !self.look(output, now, &mut look)? {}
        let own = &told.published;
        if look.entries.iter().any(|entry| entry.number == own.number) {
            return Ok(Stands::There);
        }
        let of_its_source = look.entries.iter().filter(|entry| entry.source == own.source).count();
        let enough = output.per_source > 0 && of_its_source >= output.per_source;
        Ok(if enough { Stands::Enough } else { Stands::Behind })
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

    fn per_day(
        &mut self,
        source: &SourceId,
        days: u16,
        now: DateTime<Utc>,
    ) -> Result<Option<(NaiveDate, Vec<u32>)>, StoreError> {
        let now = now.timestamp();
        let Some(newest) = rivers::newest(&self.db, source, now)? else { return Ok(None) };
        let Some(last) = DateTime::from_timestamp(newest, 0).map(|newest| newest.date_naive()) else {
            return Ok(None);
        };
        Ok(Some((last, rivers::per_day(&self.db, source, (last.to_epoch_days(), days), now)?)))
    }

    fn oldest(&mut self, output: &Output) -> Result<i64, StoreError> {
        archive::oldest(&self.db, output)
    }
}

/// A slice of the walk along all there is; true: nothing else need be looked at.
fn walk(db: &Connection, output: &Output, now: DateTime<Utc>, look: &mut Look) -> Result<bool, StoreError> {
    let is_first = look.walk.last.is_none();
    if is_first {
        (look.seen, look.at) = (found::seen(db)?, now);
    }
    // Where so much happens that walks in slices come to nothing, they become longer.
    let slice = SLICE.saturating_mul(1 << look.losses.min(16));
    let mut window = Window::new(output, now).with(std::mem::take(&mut look.entries));
    look.walked = select::walk_on(db, &Wish::of(output, now), &mut window, &mut look.walk, slice)?;
    look.entries = window.entries;
    if look.walked {
        look.looked = look.walk.looked;
        look.stood = numbers(&look.entries);
    }
    // Slices are of different moments: what happened meanwhile may have been in front of one, or behind.
    Ok(look.walked && is_first)
}

/// A slice of what happened since; `None`: it does not say what stands there.
fn look_again(
    db: &Connection,
    output: &Output,
    now: DateTime<Utc>,
    look: &mut Look,
) -> Result<Option<bool>, StoreError> {
    // With the clock set back, what was left out as too old is young again, and what was shown may have to wait.
    if now < look.at {
        return Ok(None);
    }
    // A few are never too many: else a long document of which nothing is left out would hardly be finished in slices.
    let most = (look.looked / 2).saturating_sub(look.stood.len()).max(SLICE / 2);
    let Some((mut told, upto, more)) = found::since(db, look.seen, most)? else { return Ok(None) };
    told.extend(found::due(db, look.at, now)?);
    let Some(entries) = again(db, output, (&look.stood, told), now)? else { return Ok(None) };
    look.stood = numbers(&entries);
    (look.entries, look.seen, look.at) = (entries, upto, now);
    Ok(Some(!more))
}

fn numbers(entries: &[Published]) -> Vec<i64> {
    entries.iter().map(|entry| entry.number).collect()
}

/// What stands in an output, taken from what stood there and what was told of since.
///
/// That is all it needs: an entry that stood not there, and to which nothing happened, was behind enough others, and
/// still is, as long as none of those has gone. A document that was not full had room for all there were.
fn again(
    db: &Connection,
    output: &Output,
    (stood, told): (&[i64], BTreeSet<i64>),
    now: DateTime<Utc>,
) -> Result<Option<Vec<Published>>, StoreError> {
    let wish = Wish::of(output, now);
    let (mut asked, left_some_out) = (told, stood.len() >= output.limit || output.per_source > 0);
    asked.extend(stood);
    let mut entries = one_by_one(db, &wish, &asked)?;
    let found: HashSet<i64> = entries.iter().map(|entry| entry.number).collect();
    if left_some_out && stood.iter().any(|number| !found.contains(number)) {
        return Ok(None);
    }
    entries.sort_unstable_by_key(select::rank);
    let mut window = Window::new(output, now);
    window.fill(entries);
    Ok(Some(window.entries))
}

/// Those of some entries that fit, in no order.
fn one_by_one(
    db: &Connection,
    wish: &Wish<'_>,
    entries: &BTreeSet<i64>,
) -> Result<Vec<Published>, StoreError> {
    let sources = wish.sources.map(|ids| select::numbers(db, ids)).transpose()?;
    let mut dated = db.prepare_cached("SELECT published FROM entries WHERE number = ?1")?;
    let (mut reader, mut found) = (wish.reader(db)?, Vec::new());
    for &number in entries {
        if let Some((sources, _)) = &sources
            && !select::seen_in(db, number, sources)?
        {
            continue;
        }
        if let Some(expression) = &wish.expression {
            let published = dated.query_row([number], |row| row.get(0)).optional()?;
            let place = published.map(|published| (published, number));
            if place.map(|place| search::matches(db, expression, place)).transpose()? != Some(true) {
                continue;
            }
        }
        if let Some(Read::Passes(entry, _)) = reader.read(number)? {
            found.push(*entry);
        }
    }
    Ok(found)
}
