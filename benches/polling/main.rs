//! What polling costs: the real loop, poller, client and store against origins on loopback, in CPU time of this
//! process, each as a ratio to a yardstick measured in the same run (benches/polling/plain.rs).
//!
//! `cargo bench --bench polling` takes 10,000 sources of 20 entries, about 45 kB each, every one on an address of
//! its own in 127.0.0.0/8; `cargo bench --bench polling -- 1000` takes 1,000 and less than a minute, `cold`,
//! `warm` or `late` after it only that part. For a profiler, `ours` is a cold round and twenty
//! warm ones and no yardstick, `bare` as many of the yardstick's requests alone, `idle` a cold round and twenty in which
//! nobody is polled; `rounds=4` makes it four (under valgrind, set `UNCOUNTED`). The origin is nginx where it is installed, else the one of benches/polling/origin.rs; it runs in another process. Needs about
//! 100 kB of room in the temporary directory for each source.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench prints, and may end so"
)]
#![allow(clippy::disallowed_methods, reason = "a bench measures real time")]

mod documents;
mod origin;
mod plain;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use riverine::clock::{Clock, System};
use riverine::daemon::{Command, Daemon, Plan};
use riverine::dedup::Rules;
use riverine::fetch::{self, Gate, Http};
use riverine::model::{Outcome, Schedule, Source, SourceId};
use riverine::poll::Poller;
use riverine::store::{self, Handle, Sqlite, Store};
use tokio::sync::{mpsc, oneshot};
use url::Url;

use documents::Documents;
use origin::Origin;

/// The daemon's, for both sides.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Answers that come late do so by this much.
const LATE: Duration = Duration::from_millis(200);
const AT_ONCE: usize = 256;
/// Both sides of the cold round take turns, with so large a part of the sources each.
const TURNS: usize = 8;
/// Before each measurement.
const SETTLE: Duration = Duration::from_millis(500);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "origin") {
        return origin::run(Path::new(&arguments[at + 1]));
    }
    let count = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(10_000);
    let rounds = |argument: &String| argument.strip_prefix("rounds=")?.parse().ok();
    let rounds = arguments.iter().find_map(rounds).unwrap_or(20);
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let documents = Documents::make(&dir.path().join("documents"), count);
    let own = Origin::own(dir.path());
    let nginx = Origin::nginx(dir.path());
    println!(
        "{count} sources, {:.1} kB each; origin: {}; {} cores",
        documents.bytes() as f64 / 1e3 / count as f64,
        if nginx.is_some() { "nginx" } else { "our own (nginx is not installed)" },
        std::thread::available_parallelism().map_or(1, usize::from),
    );
    let origin = nginx.as_ref().unwrap_or(&own);
    // As `riverine serve` has it.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(16).build().unwrap();
    let bed = Bed { dir: dir.path(), documents: &documents };
    let only = |part: &str| arguments.iter().any(|argument| argument == part);
    runtime.block_on(async {
        if only("cold") {
            bed.cold(origin).await;
        } else if only("warm") {
            let sources = bed.sources(origin, "f");
            bed.round(&dir.path().join("riverine.db"), &sources, 128).await;
            bed.warm(origin).await;
        } else if only("ours") || only("idle") {
            let sources = bed.sources(origin, "f");
            bed.round(&dir.path().join("riverine.db"), &sources, 128).await;
            for _ in 0..rounds {
                if only("idle") {
                    bed.begin(&dir.path().join("riverine.db"), &sources, 128, Some(Vec::new())).await;
                    continue;
                }
                let round = bed.round(&dir.path().join("riverine.db"), &sources, 128).await;
                println!("{} of CPU, {} on the clock", seconds(round.cpu), seconds(round.wall));
            }
        } else if only("bare") {
            let sources = bed.sources(origin, "f");
            let urls: Vec<Url> = sources.iter().map(|source| source.url.clone()).collect();
            let mut tags = None;
            for _ in 0..rounds {
                let (cpu, given) = plain::fetch(&urls, tags.as_deref()).await;
                tags = Some(given);
                println!("{} of CPU", seconds(cpu));
            }
        } else if only("late") {
            bed.late(&own).await;
        } else {
            bed.cold(origin).await;
            bed.warm(origin).await;
            bed.same_bytes(origin).await;
            bed.late(&own).await;
        }
    });
}

/// What one round of polls came to.
struct Round {
    cpu: Duration,
    wall: Duration,
    outcomes: Vec<Outcome>,
}

impl Round {
    fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.outcomes.iter().filter(|outcome| which(outcome)).count()
    }
}

struct Bed<'a> {
    dir: &'a Path,
    documents: &'a Documents,
}

impl Bed<'_> {
    async fn cold(&self, origin: &Origin) {
        let sources = self.sources(origin, "f");
        let store = self.dir.join("riverine.db");
        let (mut ours, mut wall, mut fetched, mut parts) =
            (Duration::ZERO, Duration::ZERO, Duration::ZERO, plain::Parts::default());
        // In turns: a CPU second is not the same from one minute to the next.
        for turn in sources.chunks(sources.len().div_ceil(TURNS)) {
            let ids = turn.iter().map(|source| source.id.clone()).collect();
            let round = self.begin(&store, &sources, 128, Some(ids)).await;
            assert_eq!(round.count(|outcome| matches!(outcome, Outcome::Read { new: 20, .. })), turn.len());
            ours += round.cpu;
            wall += round.wall;
            let urls: Vec<Url> = turn.iter().map(|source| source.url.clone()).collect();
            fetched += plain::fetch(&urls, None).await.0;
            plain::read_and_insert(self.documents, turn.len(), &self.dir.join("plain.db"), &mut parts);
        }
        let stored = parts.insert + parts.packing;
        let whole = fetched + parts.feed_rs + parts.ammonia + stored;
        row("cold: everything new (at most 1.2)", ours, whole);
        println!(
            "  the yardstick: {} fetching, {} feed-rs, {} ammonia, {} inserts with the same rows and indexes \
             ({} of it compressing bodies)",
            seconds(fetched),
            seconds(parts.feed_rs),
            seconds(parts.ammonia),
            seconds(stored),
            seconds(parts.packing)
        );
        let rate = sources.len() as f64 / wall.as_secs_f64();
        println!("  {} on the clock, {rate:.0} sources a second", seconds(wall));
    }

    async fn warm(&self, origin: &Origin) {
        let sources = self.sources(origin, "f");
        let store = self.dir.join("riverine.db");
        let urls: Vec<Url> = sources.iter().map(|source| source.url.clone()).collect();
        let (_, tags) = plain::fetch(&urls, None).await;
        let mut warm = Vec::new();
        let mut bare = Vec::new();
        for _ in 0..3 {
            let round = self.round(&store, &sources, 128).await;
            assert_eq!(round.count(|outcome| *outcome == Outcome::NotModified), sources.len());
            warm.push(round.cpu);
            bare.push(plain::fetch(&urls, Some(&tags)).await.0);
        }
        let (warm, bare) = (*warm.iter().min().unwrap(), *bare.iter().min().unwrap());
        row("warm: all 304, best of 3 (at most 1.5)", warm, bare);
        let mut changed = Vec::new();
        for time in 1..=3 {
            self.documents.change(20, time);
            let round = self.round(&store, &sources, 128).await;
            let read = round.count(|outcome| matches!(outcome, Outcome::Read { new: 1, .. }));
            assert_eq!(read, sources.len() / 20);
            changed.push(round.cpu);
        }
        row("5 % changed, best of 3, to warm (at most 2)", *changed.iter().min().unwrap(), warm);
    }

    /// A server without validators sends 200 each time: the same bytes are read once.
    async fn same_bytes(&self, origin: &Origin) {
        let mut sources = self.sources(origin, "plain");
        sources.truncate(sources.len() / 4);
        let store = self.dir.join("same.db");
        self.round(&store, &sources, 128).await;
        let again = self.round(&store, &sources, 128).await;
        // "Not modified" after a 200 is said before anything is parsed: poll/read.rs compares hashes.
        assert_eq!(again.count(|outcome| *outcome == Outcome::NotModified), sources.len());
        let urls: Vec<Url> = sources.iter().map(|source| source.url.clone()).collect();
        let (fetched, _) = plain::fetch(&urls, None).await;
        row(&format!("unchanged 200s ({} sources), none parsed", sources.len()), again.cpu, fetched);
    }

    async fn late(&self, own: &Origin) {
        let sources = self.sources(own, "late");
        let round = self.round(&self.dir.join("late.db"), &sources, AT_ONCE).await;
        assert_eq!(round.count(Outcome::is_failure), 0);
        let rounds = sources.len().div_ceil(AT_ONCE);
        let least = LATE * u32::try_from(rounds).unwrap();
        let what = format!("cold, {AT_ONCE} at once, answers {} ms late (at most 1.2)", LATE.as_millis());
        println!(
            "{what:<58} {} on the clock; the latency alone {}: {:.2} x",
            seconds(round.wall),
            seconds(least),
            round.wall.as_secs_f64() / least.as_secs_f64()
        );
        let cores = u32::try_from(std::thread::available_parallelism().map_or(1, usize::from)).unwrap();
        println!(
            "  {} of CPU on {cores} cores, which the origin uses too: not less than {} on the clock",
            seconds(round.cpu),
            seconds(least.max(round.cpu / cores))
        );
    }

    fn sources(&self, origin: &Origin, path: &str) -> Vec<Arc<Source>> {
        let source = |number: usize| {
            let url = origin.url(number, path).parse().unwrap();
            let mut source = Source::new(SourceId::new(format!("s{number}")), url);
            source.schedule = Schedule::Every(Duration::from_hours(1));
            Arc::new(source)
        };
        (0..self.documents.count()).map(source).collect()
    }

    /// Polls every source once, with a new client: nobody's connections are still open.
    async fn round(&self, store: &Path, sources: &[Arc<Source>], concurrency: usize) -> Round {
        self.begin(store, sources, concurrency, None).await
    }

    /// The same; `polled`: only these.
    async fn begin(
        &self,
        store: &Path,
        sources: &[Arc<Source>],
        concurrency: usize,
        polled: Option<Vec<SourceId>>,
    ) -> Round {
        let allow_private = vec!["127.0.0.0/8".to_owned()];
        let options = fetch::Options { allow_private, concurrency, ..fetch::Options::default() };
        let kept = store::Options { path: PathBuf::from(store), ..store::Options::default() };
        let clock: Arc<dyn Clock> = Arc::new(System::new());
        let readers = |_| Box::new(Sqlite::open_reader(store).unwrap()) as Box<dyn Store>;
        let writer = Box::new(Sqlite::open(store).unwrap());
        let handle = Handle::new(writer, (0..2).map(readers).collect());
        let gate = Arc::new(Gate::new(&options, clock.clone()));
        let http = Arc::new(Http::new(&options, gate.clone()).unwrap());
        let bodies = kept.keep_bodies.0;
        let poller =
            Poller::new(http, gate, handle.clone(), clock.clone(), Rules::default(), &options, bodies);
        let plan = Plan::new(poller, &options, kept, sources.to_vec());
        let daemon = Daemon::new(plan, handle, clock, Arc::new(|_| {})).await.unwrap();
        let (commands, received) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        let looping = tokio::spawn(daemon.round(received, async move { drop(stopped.await) }));
        // What the last round left behind is taken down by then.
        tokio::time::sleep(SETTLE).await;
        let (before, begun) = (cpu(), Instant::now());
        let (reports, mut results) = mpsc::unbounded_channel();
        assert!(commands.send(Command::Poll { sources: polled, reports }).await.is_ok());
        let mut outcomes = Vec::with_capacity(sources.len());
        while let Some(report) = results.recv().await {
            outcomes.push(report.outcome);
        }
        let round = Round { cpu: cpu().saturating_sub(before), wall: begun.elapsed(), outcomes };
        drop(stop);
        looping.await.unwrap();
        round
    }
}

fn row(what: &str, ours: Duration, yardstick: Duration) {
    let ratio = ours.as_secs_f64() / yardstick.as_secs_f64();
    println!("{what:<58} {} of CPU; the yardstick {}: {ratio:.2} x", seconds(ours), seconds(yardstick));
}

fn seconds(span: Duration) -> String {
    format!("{:.2} s", span.as_secs_f64())
}

/// CPU time of this process, all threads; nothing where `UNCOUNTED` is set, as under valgrind, which has no such clock.
fn cpu() -> Duration {
    if std::env::var_os("UNCOUNTED").is_some() {
        return Duration::ZERO;
    }
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or_default())
}
