//! To which entries anything happened lately, and what stood in an output before: where few entries pass an output's
//! filters, finding them takes a walk along very many others, and this spares all but the first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Site;
use crate::model::{EntryId, Output, Published};
use crate::store::{Committed, StoreError};

/// Entries remembered, 16 bytes each. Who has seen less than these looks at everything again.
const KEPT: usize = 1 << 16;

/// A clock that is corrected bit by bit strays less.
const STEADY: Duration = Duration::from_secs(2);

/// What became new, changed, stands in one more source, or may be shown from now on.
#[derive(Default)]
pub(super) struct Changes {
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    /// How many went before the first.
    gone: u64,
    entries: VecDeque<EntryId>,
}

impl Log {
    fn upto(&self) -> u64 {
        self.gone + self.entries.len() as u64
    }
}

impl Changes {
    /// Takes note of a commit. Before anybody is told of it: who looks then finds it here.
    pub(super) fn note(&self, committed: &Committed) {
        self.note_entries(committed.new.iter().chain(&committed.changed).chain(&committed.met));
    }

    /// Takes note of entries.
    pub(super) fn note_entries<'a>(&self, entries: impl Iterator<Item = &'a EntryId>) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            if log.entries.len() >= KEPT {
                log.entries.pop_front();
                log.gone += 1;
            }
            log.entries.push_back(*entry);
        }
    }

    /// Up to where there is anything. Ask before you look into the store.
    pub(super) fn upto(&self) -> u64 {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).upto()
    }

    /// What came after a place, at most so many; `None`: it is more, or not known any more.
    pub(super) fn since(&self, place: u64, most: usize) -> Option<Vec<EntryId>> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = usize::try_from(place.checked_sub(log.gone)?).ok()?;
        let count = log.entries.len().checked_sub(skipped)?;
        (count <= most).then(|| log.entries.range(skipped..).copied().collect())
    }
}

/// What stood in an output at some moment.
#[derive(Default)]
pub(super) struct LastLook {
    last: Mutex<Option<Arc<Last>>>,
}

struct Last {
    upto: u64,
    /// By the wall, and since the process began.
    at: (DateTime<Utc>, Duration),
    entries: Vec<EntryId>,
    /// How many were looked at when all were.
    looked: usize,
}

impl LastLook {
    /// What stands in the output now, by the shorter way.
    pub(super) async fn look(
        &self,
        site: &Site,
        output: &Arc<Output>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Published>, StoreError> {
        let upto = site.changes.upto();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let at = (now, site.clock.elapsed());
        // With the clock set back, what was left out as too old is young again, and what was shown may have to wait; when
        // it is set forth, nobody is told a second time of what waited.
        if let Some(last) = last.filter(|last| went_on(last.at, at))
            && let Some(told) =
                site.changes.since(last.upto, (last.looked / 2).saturating_sub(last.entries.len()))
        {
            let (output, before) = (output.clone(), last.clone());
            let look = move |store: &mut dyn crate::store::Store| {
                store.select_again(&output, &before.entries, &told, now)
            };
            if let Some(entries) = site.store.read(look).await? {
                self.keep(&entries, upto, at, last.looked);
                return Ok(entries);
            }
        }
        let output = output.clone();
        let found = site.store.read(move |store| store.select(&output, now)).await?;
        self.keep(&found.entries, upto, at, found.looked);
        Ok(found.entries)
    }

    fn keep(&self, entries: &[Published], upto: u64, at: (DateTime<Utc>, Duration), looked: usize) {
        // Where nearly all that is looked at stands there, nothing is spared.
        let pays = looked / 2 > entries.len();
        let last = pays.then(|| {
            let entries = entries.iter().map(|entry| entry.id).collect();
            Arc::new(Last { upto, at, entries, looked })
        });
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }
}

/// True when the wall clock went on as time did, from one moment to another.
fn went_on(before: (DateTime<Utc>, Duration), after: (DateTime<Utc>, Duration)) -> bool {
    let (Ok(wall), Some(time)) = ((after.0 - before.0).to_std(), after.1.checked_sub(before.1)) else {
        return false;
    };
    wall.abs_diff(time) < STEADY
}
