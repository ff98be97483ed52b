//! What was asked of each host and has not been written down yet. Never writes: whoever commits a poll takes it along.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{HostDay, Tally};

/// Hosts and days that are held at most; beyond it what comes is not counted.
const MOST: usize = 16_384;

/// The ledger of this process.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: Mutex<BTreeMap<(i64, String), Tally>>,
}

impl Ledger {
    pub(super) fn note(&self, day: i64, host: String, note: impl FnOnce(&mut Tally)) {
        let mut open = self.open();
        let key = (day, host);
        if open.len() < MOST || open.contains_key(&key) {
            note(open.entry(key).or_default());
        }
    }

    pub(super) fn take(&self) -> Vec<HostDay> {
        let open = std::mem::take(&mut *self.open());
        open.into_iter().map(|((day, host), tally)| HostDay { day, host, tally }).collect()
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<(i64, String), Tally>> {
        // Plain numbers, never half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
