//! A day of many sources in virtual time: the real loop, schedule, lines, gate, poller and store; only the clock is
//! paused and the origins are a script, so that no socket is opened. Every request is judged when it is made.
//!
//! The day begins as a restart does: an hour ago the daemon stopped, and every source was last polled at some time of
//! an interval before that.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use riverine::clock::{Clock, Paced};
use riverine::daemon::{Daemon, Plan};
use riverine::dedup::Rules;
use riverine::fetch::{Gate, Options};
use riverine::model::{Outcome, Schedule, Source, SourceId, SourceState, Validators};
use riverine::poll::Poller;
use riverine::store::{self, Commit, Handle, Sqlite, Store};
use tokio::sync::{mpsc, oneshot};

use super::origins::{Origins, Seen, chance, is_cron};

/// The daemon was down for so long.
const DOWN: Duration = Duration::from_hours(1);
/// Publications of the past that a source is remembered by.
const REMEMBERED: u64 = 12;

/// What a day came to.
pub(crate) struct Ran {
    pub(crate) seen: Seen,
    pub(crate) outcomes: Outcomes,
    /// Resident bytes: before there was a source; with the list of sources, as a config holds it; with the daemon
    /// ready; at the end of the day.
    pub(crate) memory: [u64; 4],
    /// From the first second of the day to its last.
    pub(crate) cpu: Duration,
    /// Until the daemon was ready.
    pub(crate) start: Duration,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) read: u64,
    pub(crate) unchanged: u64,
    pub(crate) failed: u64,
}

impl Outcomes {
    pub(crate) fn all(&self) -> u64 {
        self.read + self.unchanged + self.failed
    }
}

/// Runs `span` of a day with so many sources; the store is made in `dir`.
pub(crate) fn run(count: u32, span: Duration, dir: &Path) -> Ran {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(day(count, span, dir))
}

async fn day(count: u32, span: Duration, dir: &Path) -> Ran {
    let path = dir.join("riverine.db");
    let options = Options::default();
    let start: DateTime<Utc> = "2026-03-02T00:00:00Z".parse().unwrap();
    let paced = Paced::new(start);
    let clock: Arc<dyn Clock> = Arc::new(paced.clone());
    let gate = Arc::new(Gate::new(&options, clock.clone()));
    let origins = Arc::new(Origins::new(count, start, span, gate.clone(), paced.clone()));
    let empty = resident();
    let sources: Vec<Arc<Source>> = (0..count).map(|number| Arc::new(source(number, count))).collect();
    let listed = resident();
    let poller = |handle: &Handle| {
        let (fetch, gate, clock) = (origins.clone(), gate.clone(), clock.clone());
        Poller::new(fetch, gate, handle.clone(), clock, Rules::default(), &options, 0)
    };
    remember(&sources, &path, start, &poller).await;
    let begun = cpu();
    let reader = |_| Box::new(Sqlite::open_reader(&path).unwrap()) as Box<dyn Store>;
    let handle = Handle::new(Box::new(Sqlite::open(&path).unwrap()), (0..2).map(reader).collect());
    let kept = store::Options { path: path.clone(), ..store::Options::default() };
    let plan = Plan::new(poller(&handle), &options, kept, sources);
    let outcomes = Arc::<Mutex<Outcomes>>::default();
    let told = outcomes.clone();
    let daemon = Daemon::new(plan, handle, clock.clone(), Arc::new(|_| {})).await.unwrap();
    let daemon = daemon.on_poll(Arc::new(move |outcome| {
        let mut told = told.lock().unwrap();
        match outcome {
            Outcome::NotModified => told.unchanged += 1,
            Outcome::Read { .. } | Outcome::Empty => told.read += 1,
            _ => told.failed += 1,
        }
    }));
    let (ready, start) = (resident(), cpu().saturating_sub(begun));
    origins.begin();
    let begun = cpu();
    let (_commands, received) = mpsc::channel(1);
    let (ended, end) = oneshot::channel::<u64>();
    let stop = clock.sleep(span);
    daemon
        .run(received, async move {
            stop.await;
            let _ = ended.send(resident());
        })
        .await;
    let cpu = cpu().saturating_sub(begun);
    let outcomes = outcomes.lock().unwrap().clone();
    Ran { seen: origins.seen(), outcomes, memory: [empty, listed, ready, end.await.unwrap()], cpu, start }
}

fn source(number: u32, count: u32) -> Source {
    let url = Origins::url(number, count).parse().unwrap();
    let mut source = Source::new(SourceId::new(format!("source-{number}")), url);
    if is_cron(number) {
        source.schedule = Schedule::Cron("0 * * * *".to_owned());
    } else if chance(number, "schedule") < 0.25 {
        source.schedule = Schedule::Every(Duration::from_hours(1));
    } else if chance(number, "schedule") < 0.27 {
        source.schedule = Schedule::Every(Duration::from_mins(15));
    }
    source
}

/// What the store knows when the day begins. One document is really read; the others are remembered like it.
async fn remember(
    sources: &[Arc<Source>],
    path: &Path,
    start: DateTime<Utc>,
    poller: &impl Fn(&Handle) -> Poller,
) {
    let model = {
        let scratch = path.with_file_name("scratch.db");
        let handle = Handle::new(Box::new(Sqlite::open(&scratch).unwrap()), Vec::new());
        let first = [sources[0].clone()];
        let list = first.clone();
        handle.write(move |store| store.sync(&list)).await.unwrap();
        let ended = poller(&handle).poll(&first, false).await.remove(0);
        ended.result.unwrap().state
    };
    assert!(model.read_under.is_some(), "the first document was read: {:?}", model.last_error);
    let mut store = Sqlite::open(path).unwrap();
    store.sync(sources).unwrap();
    for (some, place) in sources.chunks(1000).zip(0u32..) {
        store
            .together(&mut |store| {
                for (source, number) in some.iter().zip(place * 1000..) {
                    let state = remembered(number, source, &model, start);
                    let commit =
                        Commit { source: &source.id, state: &state, reading: None, ledger: &[], now: start };
                    store.commit(&commit).unwrap();
                }
            })
            .unwrap();
    }
}

fn remembered(number: u32, source: &Source, model: &SourceState, start: DateTime<Utc>) -> SourceState {
    let interval = match &source.schedule {
        Schedule::Every(gap) => *gap,
        Schedule::Cron(_) => Duration::from_hours(1),
        Schedule::Adaptive { .. } => Origins::gap(number).div_f64(2.0).min(Duration::from_hours(12)),
    };
    let ago = DOWN + interval.mul_f64(chance(number, "last poll"));
    let last = start - TimeDelta::from_std(ago).unwrap();
    let newest = Origins::newest(number, last);
    let oldest = newest.saturating_sub(REMEMBERED - 1);
    let mut state = SourceState {
        first_success: Some(last - TimeDelta::days(90)),
        last_poll: Some(last),
        last_success: Some(last),
        // When exactly is worked out at the start: the state names no plan.
        next_poll: Some(last),
        planned_under: None,
        request_hash: None,
        rhythm: (oldest..=newest).rev().map(|item| Origins::published(number, item)).collect(),
        validators: Some(Validators {
            url: source.url.to_string(),
            etag: Some(newest.to_string().into_bytes()),
            last_modified: None,
        }),
        ..model.clone()
    };
    if chance(number, "hints") < 0.05 {
        state.hints.fresh_for = Some(Duration::from_hours(1));
    } else if chance(number, "hints") < 0.06 {
        state.hints.skip_hours = (0..6).collect();
    }
    state
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

fn cpu() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or_default())
}
