//! Whether the store is sound, looked at once in the life of a daemon, behind all else it does: so that a damaged page is
//! known of before somebody's entry stands in it. Never writes, mends nothing and stops nothing.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};
use tracing::{debug, error, info, warn};

use crate::clock::Clock;
use crate::store::{Looked, Sqlite, StoreError};
use crate::units::Span;

#[cfg(test)]
mod tests;

/// After a look that did not come to its end, the next begins after so long; then after twice as long each time…
const AGAIN: Duration = Duration::from_mins(10);
/// …and so long at most: a store that is written to without a pause shall not be read without a pause.
const AT_MOST: Duration = Duration::from_hours(12);
/// The lowest priority, for what nobody waits for. The disk goes by it, too, where it goes by any.
const LAST: i32 = 19;

/// What is known of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Soundness {
    /// It is being looked at.
    #[default]
    Checking,
    /// Nothing is wrong with it.
    Sound {
        /// When that was known.
        checked: DateTime<Utc>,
    },
    /// Something is, and somebody has to do something about it.
    Damaged {
        /// When that was known.
        checked: DateTime<Utc>,
        /// Which table, and how.
        damage: String,
    },
}

impl Soundness {
    /// Why a daemon with this store is not to be relied on, for everybody to read.
    pub fn trouble(&self) -> Option<String> {
        let Self::Damaged { damage, .. } = self else { return None };
        Some(format!("the store is damaged ({damage}); stop riverine and restore a backup"))
    }
}

/// What is wrong with a store, and what to do, for whom it belongs to.
pub fn remedy(store: &Path, damage: &str) -> String {
    format!(
        "{} is damaged ({damage}): stop riverine and `riverine restore` a backup; without one, docs/troubleshooting.md \
         says how to rescue what can be read",
        store.display()
    )
}

/// What is still to be looked at.
struct Rest {
    store: Sqlite,
    /// `None`: not known yet.
    tables: Option<VecDeque<String>>,
}

/// How far one look came.
enum Ended {
    All,
    Damaged(String),
    /// Something came in between.
    Early(String),
}

/// Looks at the store until all of it was seen, or something is wrong with it, or the daemon stops. The connection is its own,
/// and closed at the end.
pub async fn look(
    store: Sqlite,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    tell: watch::Sender<Soundness>,
    stop: watch::Receiver<bool>,
) {
    look_at(Rest { store, tables: None }, path, clock, tell, stop).await;
}

async fn look_at(
    mut rest: Rest,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    tell: watch::Sender<Soundness>,
    mut stop: watch::Receiver<bool>,
) {
    let mut wait = AGAIN;
    loop {
        let ended = match on_a_thread(rest, stop.clone()).await {
            Some((left, ended)) => {
                rest = left;
                ended
            }
            None => return,
        };
        let why = match ended {
            Ended::All => {
                debug!("the store is sound");
                tell.send_replace(Soundness::Sound { checked: clock.now() });
                return;
            }
            Ended::Damaged(damage) => {
                error!("{}", remedy(&path, &damage));
                tell.send_replace(Soundness::Damaged { checked: clock.now(), damage });
                return;
            }
            Ended::Early(why) => why,
        };
        if *stop.borrow() {
            return;
        }
        info!("whether the store is sound is not known yet: {why}; the next look begins in {}", Span(wait));
        tokio::select! {
            // An error means that nobody is left to stop us, which is an end as well.
            _ = stop.wait_for(|stop| *stop) => return,
            () = clock.sleep(wait) => {}
        }
        wait = (wait * 2).min(AT_MOST);
    }
}

/// One look, on a thread of its own: it may take minutes, and others wait for those that there are.
async fn on_a_thread(mut rest: Rest, stop: watch::Receiver<bool>) -> Option<(Rest, Ended)> {
    let (answer, answered) = oneshot::channel();
    let work = move || {
        // Where it is not allowed, the check takes its share like any other work.
        let _ = rustix::process::setpriority_process(None, LAST);
        let ended = rest.look(&stop).unwrap_or_else(|failure| Ended::Early(failure.to_string()));
        // Who asked may have gone.
        let _ = answer.send((rest, ended));
    };
    if let Err(error) = thread::Builder::new().name("soundness".to_owned()).spawn(work) {
        warn!("whether the store is sound stays unknown: there is no thread to look at it: {error}");
        return None;
    }
    let answered = answered.await;
    if answered.is_err() {
        error!("looking whether the store is sound ended by a defect in riverine; please report it");
    }
    answered.ok()
}

impl Rest {
    /// Goes on where the last look ended.
    fn look(&mut self, stop: &watch::Receiver<bool>) -> Result<Ended, StoreError> {
        let tables = match &mut self.tables {
            Some(tables) => tables,
            None => self.tables.insert(self.store.tables()?.into()),
        };
        while let Some(table) = tables.front() {
            let stop = stop.clone();
            match self.store.look_at(table, move || *stop.borrow())? {
                Looked::Sound => drop(tables.pop_front()),
                Looked::Damaged(words) => return Ok(Ended::Damaged(format!("table {table}: {words}"))),
                Looked::Interrupted => {
                    let words = format!("while the table {table} was read, its log grew too long");
                    return Ok(Ended::Early(words));
                }
            }
        }
        Ok(Ended::All)
    }
}
