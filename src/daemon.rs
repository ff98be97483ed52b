//! The loop: who is due is polled; requests by hand, reloads and the end come in between.
//!
//! Costs nothing per source while nothing is due: a heap of due times on the monotonic clock,
//! so that jumps of the wall clock cause neither a storm nor a silence.

pub mod control;
mod plan;
#[cfg(test)]
mod tests;
mod timetable;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinSet};
use tracing::{error, info, warn};

use crate::clock::Clock;
use crate::model::{Outcome, Source, SourceId, SourceState};
use crate::poll::{self, Polled, Poller};
use crate::schedule::{self, Limits};
use crate::store::{self, Committed, Handle, StoreError};

pub use plan::Plan;
use timetable::Timetable;

/// The loop looks at the clock at least so often, to notice that it jumped.
const LOOK: Duration = Duration::from_mins(1);
/// Running polls get so long at the end.
const GRACE: Duration = Duration::from_secs(5);
/// After a failure of the store, a source is tried again after so long.
const STORE_RETRY: Duration = Duration::from_mins(1);
/// Between two runs of retention.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// What is overdue at the start is spread by so much per source.
const SPREAD: Duration = Duration::from_millis(20);

/// What one poll came to, for those who asked for it.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which source.
    pub source: SourceId,
    /// How it ended; a store that failed is a failure.
    pub outcome: Outcome,
}

/// What may be asked of a running daemon.
pub enum Command {
    /// Poll these sources now (all enabled ones if `None`), whatever their schedule says.
    /// Reports go to `reports`, which is closed when all are done.
    Poll {
        /// Which; `None`: all.
        sources: Option<Vec<SourceId>>,
        /// Who wants to know.
        reports: mpsc::UnboundedSender<Report>,
    },
    /// A new config is in force.
    Reload(Box<Plan>, oneshot::Sender<Result<(), StoreError>>),
}

/// Called after every commit that changed something readers see.
pub type OnCommit = Arc<dyn Fn(&Committed) + Send + Sync>;

/// The loop and what it needs.
pub struct Daemon {
    poller: Arc<Poller>,
    store: Handle,
    clock: Arc<dyn Clock>,
    retention: store::Options,
    on_commit: OnCommit,
    sources: HashMap<SourceId, Arc<Source>>,
    timetable: Timetable,
    running: HashMap<Id, SourceId>,
    polls: JoinSet<Result<Polled, StoreError>>,
    waiting: HashMap<SourceId, Vec<mpsc::UnboundedSender<Report>>>,
    busy: HashSet<SourceId>,
    prunes: bool,
}

impl Daemon {
    /// A daemon for a plan. The sources are made known to the store, and their due times taken from it.
    ///
    /// # Errors
    /// The store's.
    pub async fn new(
        plan: Plan,
        store: Handle,
        clock: Arc<dyn Clock>,
        on_commit: OnCommit,
    ) -> Result<Self, StoreError> {
        let mut daemon = Self {
            poller: Arc::new(plan.poller),
            store,
            timetable: Timetable::new(clock.now(), clock.elapsed()),
            clock,
            retention: plan.retention,
            on_commit,
            sources: HashMap::new(),
            running: HashMap::new(),
            polls: JoinSet::new(),
            waiting: HashMap::new(),
            busy: HashSet::new(),
            prunes: true,
        };
        daemon.load(plan.sources).await?;
        Ok(daemon)
    }

    /// Like [`Daemon::run`], but nobody is polled by schedule and nothing is pruned: only what is asked for.
    pub async fn round(mut self, commands: mpsc::Receiver<Command>, stop: impl Future<Output = ()>) {
        self.timetable.close();
        self.prunes = false;
        self.run(commands, stop).await;
    }

    /// Runs until `stop` ends, then lets running polls finish for a while.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut prune = self.clock.sleep(Duration::ZERO);
        loop {
            let pause = self.timetable.pause(self.clock.elapsed()).min(LOOK);
            let wake = self.clock.sleep(pause);
            tokio::select! {
                () = &mut stop => break,
                Some(command) = commands.recv() => self.obey(command).await,
                Some(done) = self.polls.join_next_with_id() => self.done(done),
                () = wake => self.start_due(),
                () = &mut prune, if self.prunes => {
                    self.prune().await;
                    prune = self.clock.sleep(PRUNE_EVERY);
                }
            }
        }
        self.finish().await;
    }

    async fn finish(mut self) {
        let mut grace = self.clock.sleep(GRACE);
        while !self.polls.is_empty() {
            tokio::select! {
                Some(done) = self.polls.join_next_with_id() => self.done(done),
                () = &mut grace => {
                    warn!(polls = self.polls.len(), "stopped in the middle of polls; they will be made again");
                    break;
                }
            }
        }
        self.polls.abort_all();
    }

    /// Makes the sources of a plan known and puts them on the timetable.
    async fn load(&mut self, sources: Vec<Arc<Source>>) -> Result<(), StoreError> {
        let list = sources.clone();
        let rows = self
            .store
            .write(move |store| {
                store.sync(&list)?;
                store.sources()
            })
            .await?;
        let states: HashMap<SourceId, SourceState> =
            rows.into_iter().map(|row| (row.id, row.state)).collect();
        self.sources.clear();
        self.timetable.clear();
        let now = self.clock.now();
        let mut overdue = Vec::new();
        for source in sources {
            let state = states.get(&source.id).cloned().unwrap_or_default();
            self.remember_hold(&source, &state, now);
            match due(&source, &state, &self.poller.limits, now) {
                Some(due) if due <= now => overdue.push((due, source.id.clone())),
                Some(due) => {
                    self.timetable.put(source.id.clone(), due, self.clock.now(), self.clock.elapsed());
                }
                None => {}
            }
            self.sources.insert(source.id.clone(), source);
        }
        // What waited longest goes first, and not all at once.
        overdue.sort();
        let mut wait = Duration::ZERO;
        for (_, id) in overdue {
            self.timetable.put_in(id, wait, self.clock.now(), self.clock.elapsed());
            wait += SPREAD;
        }
        Ok(())
    }

    /// A 429 holds the whole host, also over a restart.
    fn remember_hold(&self, source: &Source, state: &SourceState, now: DateTime<Utc>) {
        if let (Some(429), Some(until)) = (state.http_status, state.held_until)
            && until > now
        {
            self.poller.gate.hold(state.moved_to.as_ref().unwrap_or(&source.url), until);
        }
    }

    fn start_due(&mut self) {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        if self.timetable.jumped(now, elapsed) {
            warn!("the wall clock jumped; cron schedules are read anew");
            let cron: HashSet<&SourceId> = self
                .sources
                .values()
                .filter(|source| plan::by_wall_clock(source))
                .map(|source| &source.id)
                .collect();
            self.timetable.realign(now, elapsed, |id| cron.contains(id));
        }
        for id in self.timetable.take_due(elapsed) {
            self.start(&id);
        }
    }

    fn start(&mut self, id: &SourceId) {
        let Some(source) = self.sources.get(id).cloned() else { return };
        if !self.busy.insert(id.clone()) {
            return;
        }
        self.timetable.remove(id);
        let poller = self.poller.clone();
        let handle = self.polls.spawn(async move { poller.poll(&source).await });
        self.running.insert(handle.id(), id.clone());
    }

    fn done(&mut self, done: Result<(Id, Result<Polled, StoreError>), tokio::task::JoinError>) {
        let task = match &done {
            Ok((task, _)) => *task,
            Err(error) => error.id(),
        };
        let Some(id) = self.running.remove(&task) else { return };
        self.busy.remove(&id);
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        let outcome = match done {
            Ok((_, Ok(polled))) => {
                if let Some(next) = polled.state.next_poll.filter(|_| self.sources.contains_key(&id)) {
                    self.timetable.put(id.clone(), next, now, elapsed);
                }
                log(&id, &polled);
                let committed = &polled.committed;
                if !committed.touched.is_empty() || committed.news {
                    (self.on_commit)(committed);
                }
                polled.outcome
            }
            Ok((_, Err(failure))) => {
                error!(source.id = %id, "{id}: {failure}; nothing of this poll is stored, it is made again in a minute");
                self.timetable.put_in(id.clone(), STORE_RETRY, now, elapsed);
                Outcome::Failed(failure.to_string())
            }
            Err(panic) => {
                error!(source.id = %id, "{id}: the poll ended by a defect in riverine: {panic}; please report it");
                self.timetable.put_in(id.clone(), STORE_RETRY, now, elapsed);
                Outcome::Failed("the poll ended by a defect in riverine; please report it".to_owned())
            }
        };
        for report in self.waiting.remove(&id).unwrap_or_default() {
            // Who asked may have gone; the poll was made all the same.
            let _ = report.send(Report { source: id.clone(), outcome: outcome.clone() });
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Poll { sources, reports } => {
                let mut ids = sources.unwrap_or_else(|| self.enabled());
                ids.retain(|id| self.sources.contains_key(id));
                for id in ids {
                    // A poll under way is the answer to who asks now.
                    self.waiting.entry(id.clone()).or_default().push(reports.clone());
                    self.start(&id);
                }
            }
            Command::Reload(plan, done) => {
                let Plan { poller, retention, sources } = *plan;
                self.poller = Arc::new(poller);
                self.retention = retention;
                let loaded = self.load(sources).await;
                if loaded.is_ok() {
                    info!(sources = self.sources.len(), "the new config is in force");
                }
                let _ = done.send(loaded);
            }
        }
    }

    fn enabled(&self) -> Vec<SourceId> {
        let mut ids: Vec<SourceId> =
            self.sources.values().filter(|source| source.enabled).map(|source| source.id.clone()).collect();
        ids.sort();
        ids
    }

    async fn prune(&mut self) {
        let (options, now) = (self.retention.clone(), self.clock.now());
        match self.store.write(move |store| store.prune(&options, now)).await {
            Ok(0) => {}
            Ok(removed) => {
                info!(entries = removed, "retention removed entries");
                (self.on_commit)(&Committed {
                    touched: self.sources.keys().cloned().collect(),
                    ..Committed::default()
                });
            }
            Err(failure) => error!("retention: {failure}"),
        }
    }
}

/// When a source is due: as stored. Under another schedule than the stored time was made for, when the
/// new schedule would have had it, but never under the floor between two polls or before a server's hold.
fn due(source: &Source, state: &SourceState, limits: &Limits, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if !source.enabled {
        return None;
    }
    let (Some(last), Some(stored)) = (state.last_poll, state.next_poll) else { return Some(now) };
    if state.planned_under == poll::timing(source) {
        return Some(stored);
    }
    Some(schedule::next(source, state, limits, last, 0.0).0)
}

/// The journal shows a message and keeps the fields to itself, so the message says which source, too.
fn log(id: &SourceId, polled: &Polled) {
    let (source, words) = (id.as_str(), polled.outcome.words());
    match &polled.outcome {
        Outcome::Read { new, changed, met, filtered, .. } => {
            info!(source.id = source, new, changed, met, filtered, "{source}: {words}");
        }
        Outcome::NotModified => tracing::debug!(source.id = source, "{source}: {words}"),
        Outcome::Failed(_) => {
            warn!(source.id = source, failures = polled.state.consecutive_failures, "{source}: {words}");
        }
        Outcome::Held(_) | Outcome::Gone => warn!(source.id = source, "{source}: {words}"),
    }
}
