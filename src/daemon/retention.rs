//! What is past retention goes, beside the polls. What is past it, the store knows.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinError;
use tracing::{error, info};

use super::Daemon;
use crate::store::{Committed, StoreError};

/// A wall clock that is set forward is believed once it has stood so for this long.
const PROOF: Duration = Duration::from_hours(24);
/// So much it may be corrected without a doubt.
const SLACK: TimeDelta = TimeDelta::minutes(1);

/// The time by which entries are old. What is removed does not come back, so a clock that is set years ahead by mistake
/// makes nothing old as long as it may be set right again; one that was behind at the start (of a machine that has none
/// of its own) is right a day later.
pub(super) struct Age {
    /// Wall clock and time since the start, when they were believed last.
    believed: (DateTime<Utc>, Duration),
    /// Since when it has been ahead.
    ahead: Option<Duration>,
}

impl Age {
    pub(super) fn new(wall: DateTime<Utc>, elapsed: Duration) -> Self {
        Self { believed: (wall, elapsed), ahead: None }
    }

    fn now(&mut self, wall: DateTime<Utc>, elapsed: Duration) -> DateTime<Utc> {
        let (then, before) = self.believed;
        let passed = TimeDelta::from_std(elapsed.saturating_sub(before)).ok();
        let due = passed.and_then(|passed| then.checked_add_signed(passed)).unwrap_or(wall);
        if wall.signed_duration_since(due) > SLACK
            && elapsed.saturating_sub(*self.ahead.get_or_insert(elapsed)) < PROOF
        {
            return due;
        }
        *self = Self::new(wall, elapsed);
        wall
    }
}

impl Daemon {
    /// Retention runs beside the loop, a little at a time: polls that wait for the store come in between.
    pub(super) fn prune(&mut self) {
        if !self.chores.is_empty() {
            return;
        }
        let now = self.age.now(self.clock.now(), self.clock.elapsed());
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
