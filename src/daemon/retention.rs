//! What is past retention goes, beside the polls. What is past it, the store knows.

use chrono::TimeDelta;
use tokio::task::JoinError;
use tracing::{error, info};

use super::Daemon;
use crate::store::{Committed, StoreError};

impl Daemon {
    /// Retention runs beside the loop, a little at a time: polls that wait for the store come in between.
    pub(super) fn prune(&mut self) {
        if !self.chores.is_empty() {
            return;
        }
        // What is removed does not come back: a wall clock that was set forward by mistake makes nothing old.
        let (began, before) = self.began;
        let passed =
            TimeDelta::from_std(self.clock.elapsed().saturating_sub(before)).unwrap_or(TimeDelta::MAX);
        let now = began.checked_add_signed(passed).unwrap_or(began).min(self.clock.now());
        let (store, options) = (self.store.clone(), self.retention.clone());
        self.chores.spawn(async move {
            let mut removed = 0;
            loop {
                let options = options.clone();
                match store.write(move |store| store.prune(&options, now)).await {
                    Ok(Some(more)) => removed += more,
                    Ok(None) => return (removed, None),
                    Err(failure) => return (removed, Some(failure)),
                }
            }
        });
    }

    /// What went before a failure is gone all the same, and documents show it no longer.
    pub(super) fn pruned(&mut self, done: Result<(usize, Option<StoreError>), JoinError>) {
        let (removed, failure) = match done {
            Ok(ended) => ended,
            Err(panic) => {
                error!("retention ended by a defect in riverine: {panic}; please report it");
                return;
            }
        };
        if removed > 0 {
            info!(entries = removed, "retention removed entries");
            let touched = self.numbers.keys().cloned().collect();
            (self.on_commit)(&Committed { touched, ..Committed::default() });
        }
        if let Some(failure) = failure {
            error!("retention: {failure}");
        }
    }
}
