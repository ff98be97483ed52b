//! The loop: who is due is polled; requests by hand, reloads and the end come in between.
//!
//! Costs nothing per source while nothing is due: a heap of due times on the monotonic clock,
//! so that jumps of the wall clock cause neither a storm nor a silence.

pub mod control;
mod errand;
pub mod hubs;
mod load;
mod pace;
mod plan;
mod pushes;
mod queue;
mod rereading;
mod retention;
pub mod soundness;
#[cfg(test)]
mod tests;
mod timetable;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinSet};
use tracing::{debug, error, info, warn};

use crate::clock::Clock;
use crate::model::{Outcome, Schedule, Source, SourceId};
use crate::poll::{Ended, News, Polled, Poller};
use crate::schedule;
use crate::store::{self, Committed, Handle, StoreError};
use crate::units::Span;

use errand::Errand;
pub use plan::Plan;
use pushes::Pushes;
use queue::{Manner, Queue};
pub use rereading::Reread;
use retention::Age;
use timetable::Timetable;

/// The loop looks at the clock at least so often, to notice that it jumped.
const LOOK: Duration = Duration::from_mins(1);
/// Running polls get so long at the end.
const GRACE: Duration = Duration::from_secs(5);
/// After a failure of the store, a source is tried again after so long, or `min_interval`, which is its server's.
const STORE_RETRY: Duration = Duration::from_mins(1);
/// Between two runs of retention.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

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
    /// Read the kept bodies of these sources again, under the config in force, and remember what that changes.
    Replay {
        /// Which.
        sources: Vec<SourceId>,
        /// Who wants to know; closed when all are done.
        reports: mpsc::UnboundedSender<Reread>,
    },
    /// The hub of a source has something to say; answers whether it was remembered.
    Push(SourceId, News, Taken),
    /// A new config is in force.
    Reload(Box<Plan>, oneshot::Sender<Result<(), StoreError>>),
}

/// Told whether what a hub sent was remembered.
pub type Taken = oneshot::Sender<bool>;
/// Called after every commit that changed something readers see.
pub type OnCommit = Arc<dyn Fn(&Committed) + Send + Sync>;
/// Called after every poll, with how it ended.
pub type OnPoll = Arc<dyn Fn(&Outcome) + Send + Sync>;

/// Called when the store takes nothing any more, with why, and when it does again.
pub type OnStore = Arc<dyn Fn(Result<(), String>) + Send + Sync>;

/// The loop and what it needs.
pub struct Daemon {
    poller: Arc<Poller>,
    store: Handle,
    clock: Arc<dyn Clock>,
    retention: store::Options,
    on_commit: OnCommit,
    on_poll: OnPoll,
    on_store: OnStore,
    store_fails: bool,
    errands: Vec<Errand>,
    numbers: FxHashMap<SourceId, u32>,
    timetable: Timetable,
    queue: Queue,
    /// Errands that stand in line, and whether somebody asked for them by hand.
    waiting: FxHashMap<u32, bool>,
    running: FxHashMap<Id, Going>,
    busy: FxHashSet<u32>,
    polls: JoinSet<Vec<Ended>>,
    /// How many entries retention removed, and what stopped it.
    chores: JoinSet<(usize, Option<StoreError>)>,
    rereading: JoinSet<()>,
    /// Sources whose last document was read by an older version of our reading.
    behind: Vec<SourceId>,
    asked: FxHashMap<SourceId, Vec<mpsc::UnboundedSender<Report>>>,
    /// After a failure of the store a reload must not hasten the next try.
    not_before: FxHashMap<SourceId, Duration>,
    prunes: bool,
    age: Age,
    pushes: Pushes,
}

/// A poll under way.
struct Going {
    sources: Vec<SourceId>,
    host: Arc<str>,
    /// Of the plan under which it began.
    poller: Arc<Poller>,
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
            poller: plan.poller.clone(),
            store,
            timetable: Timetable::new(clock.now(), clock.elapsed()),
            queue: Queue::new(plan.limits),
            age: Age::new(clock.now(), clock.elapsed()),
            clock,
            retention: plan.retention.clone(),
            on_commit,
            on_poll: Arc::new(|_| {}),
            on_store: Arc::new(|_| {}),
            store_fails: false,
            errands: Vec::new(),
            numbers: FxHashMap::default(),
            waiting: FxHashMap::default(),
            running: FxHashMap::default(),
            busy: FxHashSet::default(),
            polls: JoinSet::new(),
            chores: JoinSet::new(),
            rereading: JoinSet::new(),
            behind: Vec::new(),
            asked: FxHashMap::default(),
            not_before: FxHashMap::default(),
            prunes: true,
            pushes: Pushes::default(),
        };
        daemon.load(plan).await?;
        Ok(daemon)
    }

    /// Tells somebody of every poll.
    #[must_use]
    pub fn on_poll(mut self, on_poll: OnPoll) -> Self {
        self.on_poll = on_poll;
        self
    }

    /// Tells somebody how the store is.
    #[must_use]
    pub fn on_store(mut self, on_store: OnStore) -> Self {
        self.on_store = on_store;
        self
    }

    /// Like [`Daemon::run`], but nobody is polled by schedule and nothing is pruned: only what is asked for.
    pub async fn round(mut self, commands: mpsc::Receiver<Command>, stop: impl Future<Output = ()>) {
        self.timetable.close();
        self.prunes = false;
        self.hubs_from(None);
        self.run(commands, stop).await;
    }

    /// Runs until `stop` ends, then lets running polls finish for a while.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut prune = self.clock.sleep(Duration::ZERO);
        if self.prunes {
            self.reread_what_is_behind();
        }
        loop {
            let elapsed = self.clock.elapsed();
            let pause = self.timetable.pause(elapsed).min(self.queue.pause(elapsed)).min(LOOK);
            let pause = pause.min(self.pushes.pause(elapsed));
            let wake = self.clock.sleep(pause);
            tokio::select! {
                () = &mut stop => break,
                Some(command) = commands.recv() => self.obey(command).await,
                Some(done) = self.polls.join_next_with_id() => self.done(done),
                Some(Ok(ended)) = self.pushes.running.join_next_with_id() => self.delivered(ended),
                Some(Ok(lost)) = self.pushes.rounds.join_next() => self.round_ended(lost),
                Some(done) = self.chores.join_next() => self.pruned(done),
                Some(done) = self.rereading.join_next() => {
                    if let Err(panic) = done {
                        error!("reading kept documents again ended by a defect in riverine: {panic}; please report it");
                    }
                }
                () = wake => {}
                () = &mut prune, if self.prunes => {
                    self.prune();
                    prune = self.clock.sleep(PRUNE_EVERY);
                }
            }
            // What was committed together ends together: the loop goes round once for all of it.
            while let Some(done) = self.polls.try_join_next_with_id() {
                self.done(done);
            }
            self.start_due();
        }
        self.finish().await;
    }

    async fn finish(mut self) {
        let mut grace = self.clock.sleep(GRACE);
        while !self.polls.is_empty() || !self.pushes.running.is_empty() {
            tokio::select! {
                Some(done) = self.polls.join_next_with_id() => self.done(done),
                Some(Ok(ended)) = self.pushes.running.join_next_with_id() => self.delivered(ended),
                () = &mut grace => {
                    warn!(polls = self.polls.len(), "stopped in the middle of polls; they will be made again");
                    break;
                }
            }
        }
        self.polls.abort_all();
    }

    /// Whoever is due stands in line; whoever's turn it is goes.
    fn start_due(&mut self) {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        if let Some(jump) = self.timetable.jumped(now, elapsed) {
            warn!("the wall clock jumped by {} s; cron schedules are read anew", jump.num_seconds());
            let (errands, forward) = (&self.errands, jump > TimeDelta::zero());
            self.timetable.realign(now, elapsed, |number, wall, left| {
                let errand = errands.get(number as usize)?;
                let firing = |source: &Arc<Source>| by_the_wall(source, now, left);
                errand.sources.iter().filter_map(firing).min().map(|then| if forward { wall } else { then })
            });
        }
        while let Some(number) = self.timetable.take_due(elapsed) {
            self.line_up(number, false);
        }
        self.queue.stand_aside(self.poller.gate.aside());
        while let Some((number, host)) = self.queue.next(elapsed) {
            self.start(number, host);
        }
        self.start_round(elapsed);
    }

    fn line_up(&mut self, number: u32, by_hand: bool) {
        self.timetable.remove(number);
        let Some(errand) = self.errands.get(number as usize) else { return };
        if self.pushes.keeps_waiting(number, &errand.sources) {
            return;
        }
        if self.busy.contains(&number) {
            // A source of the same document came by a reload; who asks by hand has the answer of the poll under way.
            if !by_hand {
                self.pushes.due.insert(number);
            }
            return;
        }
        let by_hand = by_hand || errand.sources.iter().any(|source| self.asked.contains_key(&source.id));
        if let Some(asked) = self.waiting.get_mut(&number) {
            if by_hand && !std::mem::replace(asked, true) {
                self.queue.hasten(number, &errand.host);
            }
            return;
        }
        self.waiting.insert(number, by_hand);
        let timed = errand.sources.iter().any(|source| matches!(source.schedule, Schedule::Cron(_)));
        let manner = if by_hand {
            Manner::Urgent
        } else if timed {
            Manner::Timed
        } else {
            Manner::Paced
        };
        let ready_at = self.poller.gate.free_at(&errand.host);
        self.queue.push(number, &errand.host, manner, ready_at, self.clock.elapsed());
    }

    fn start(&mut self, number: u32, host: Arc<str>) {
        let by_hand = self.waiting.remove(&number).unwrap_or_default();
        let Some(errand) = self.errands.get(number as usize) else {
            return self.queue.done(&host, Duration::ZERO);
        };
        if self.pushes.keeps_waiting(number, &errand.sources) {
            return self.queue.done(&host, Duration::ZERO);
        }
        self.busy.insert(number);
        let (poller, sources) = (self.poller.clone(), errand.sources.clone());
        let ids = sources.iter().map(|source| source.id.clone()).collect();
        let going = Going { sources: ids, host, poller: poller.clone() };
        let handle = self.polls.spawn(async move { poller.poll(&sources, by_hand).await });
        self.running.insert(handle.id(), going);
    }

    fn done(&mut self, done: Result<(Id, Vec<Ended>), JoinError>) {
        let (task, ended) = match done {
            Ok(done) => done,
            Err(panic) => (panic.id(), Vec::new()),
        };
        let Some(Going { sources, host, poller }) = self.running.remove(&task) else { return };
        self.queue.done(&host, self.poller.gate.free_at(&host));
        let planned = Arc::ptr_eq(&poller, &self.poller);
        let numbers: Vec<u32> = sources.iter().filter_map(|id| self.numbers.get(id).copied()).collect();
        let mut ended = ended.into_iter();
        for id in sources {
            if let Some(number) = self.numbers.get(&id) {
                self.busy.remove(number);
            }
            let result = ended.next().map(|ended| ended.result);
            // Who is not in force any more may not be in the store either.
            let known = result.as_ref().filter(|_| self.numbers.contains_key(&id));
            let is_news = known.is_none_or(|result| self.store_is(result.as_ref().err()));
            let outcome = match result {
                Some(Ok(polled)) => self.settled(&id, polled, planned),
                Some(Err(failure)) => self.not_stored(&id, &failure, is_news),
                None => {
                    error!(source.id = %id, "{id}: the poll ended by a defect in riverine; please report it");
                    self.once_more(&id);
                    Outcome::Failed("the poll ended by a defect in riverine; please report it".to_owned())
                }
            };
            (self.on_poll)(&outcome);
            for report in self.asked.remove(&id).unwrap_or_default() {
                // Who asked may have gone; the poll was made all the same.
                let _ = report.send(Report { source: id.clone(), outcome: outcome.clone() });
            }
        }
        for number in numbers {
            self.after_busy(number);
        }
    }

    /// A poll that is remembered: when the next is due is counted from the state it left.
    /// `planned`: under the config in force.
    fn settled(&mut self, id: &SourceId, polled: Polled, planned: bool) -> Outcome {
        log(id, &polled);
        let now = self.clock.now();
        let errand = self.numbers.get(id).and_then(|number| self.errands.get_mut(*number as usize));
        if let Some(errand) = errand
            && let Some(source) = errand.sources.iter().find(|source| source.id == *id)
        {
            let due = if planned {
                self.poller.planned(source, &polled.state, now)
            } else {
                self.poller.due(source, &polled.state, now)
            };
            let source = source.clone();
            load::rename_host(errand, polled.state.moved_to.as_ref());
            if let (Some(due), Some(number)) = (due, self.numbers.get(id)) {
                self.timetable.put_sooner(*number, due, now, self.clock.elapsed());
            }
            self.look_for_hub(&source, &polled.state);
        }
        if !polled.committed.touched.is_empty() || polled.committed.news {
            (self.on_commit)(&polled.committed);
        }
        polled.outcome
    }

    /// Said once, and not for every source for as long as it lasts.
    fn not_stored(&mut self, id: &SourceId, failure: &StoreError, is_news: bool) -> Outcome {
        let again = Span(self.store_retry());
        let words = format!("{id}: {failure}; nothing of this poll is stored, it is made again in {again}");
        if is_news {
            error!(source.id = %id, "{words}");
        } else {
            debug!(source.id = %id, "{words}");
        }
        self.once_more(id);
        Outcome::Failed(failure.to_string())
    }

    fn once_more(&mut self, id: &SourceId) {
        let Some(number) = self.numbers.get(id) else { return };
        let (now, elapsed, wait) = (self.clock.now(), self.clock.elapsed(), self.store_retry());
        self.timetable.put_in(*number, wait, now, elapsed);
        self.not_before.insert(id.clone(), elapsed.saturating_add(wait));
    }

    /// True when it was otherwise before.
    fn store_is(&mut self, failure: Option<&StoreError>) -> bool {
        if self.store_fails == failure.is_some() {
            return false;
        }
        self.store_fails = failure.is_some();
        if failure.is_none() {
            info!("the store takes what is polled again");
        }
        (self.on_store)(failure.map_or(Ok(()), |failure| Err(failure.to_string())));
        true
    }

    fn store_retry(&self) -> Duration {
        STORE_RETRY.max(self.poller.limits.min_interval)
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Poll { sources, reports } => {
                for id in sources.unwrap_or_else(|| self.enabled()) {
                    let Some(number) = self.numbers.get(&id).copied() else { continue };
                    // A poll under way is the answer to who asks now.
                    self.asked.entry(id).or_default().push(reports.clone());
                    self.line_up(number, true);
                }
            }
            Command::Replay { sources, reports } => self.reread(sources, reports),
            Command::Push(source, news, taken) => self.take(source, news, taken),
            Command::Reload(plan, done) => {
                let loaded = self.load(*plan).await;
                if loaded.is_ok() {
                    info!(sources = self.numbers.len(), "the new config is in force");
                }
                let _ = done.send(loaded);
            }
        }
    }

    fn enabled(&self) -> Vec<SourceId> {
        let sources = self.errands.iter().flat_map(|errand| &errand.sources);
        sources.filter(|source| source.enabled).map(|source| source.id.clone()).collect()
    }
}

/// When a source that goes by the wall clock is due after that clock was set back, with so much left of its
/// wait before: not sooner than it would have been, for it may be held or backing off, and at a time it names.
fn by_the_wall(source: &Source, now: DateTime<Utc>, left: Duration) -> Option<DateTime<Utc>> {
    if !matches!(source.schedule, Schedule::Cron(_)) {
        return None;
    }
    let then = now.checked_add_signed(TimeDelta::from_std(left).ok()?)?;
    schedule::fires_from(source, then)
}

/// The journal shows a message and keeps the fields to itself, so the message says which source, too.
fn log(id: &SourceId, polled: &Polled) {
    let (source, words) = (id.as_str(), polled.outcome.words());
    match &polled.outcome {
        Outcome::Read { new, changed, met, filtered, .. } => {
            info!(source.id = source, new, changed, met, filtered, "{source}: {words}");
        }
        Outcome::Empty => info!(source.id = source, "{source}: {words}"),
        Outcome::NotModified => debug!(source.id = source, "{source}: {words}"),
        Outcome::Failed(_) => {
            warn!(source.id = source, failures = polled.state.consecutive_failures, "{source}: {words}");
        }
        Outcome::Held(_) | Outcome::Gone => warn!(source.id = source, "{source}: {words}"),
    }
    if let Some(next) = polled.state.next_in_words() {
        debug!(source.id = source, "{source}: {next}");
    }
}
