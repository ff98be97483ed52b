//! What a poll costs at different sizes of the store: everything real but the origins, which are a script, so that
//! nothing but the work of riverine is measured.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use riverine::clock::{Clock, System};
use riverine::daemon::{Command, Daemon, Plan};
use riverine::dedup::Rules;
use riverine::fetch::{Answer, Body, Fetch, FetchError, Fetched, Freshness, Gate, Options, Request};
use riverine::model::{Outcome, Schedule, Source, SourceId, Validators};
use riverine::poll::Poller;
use riverine::store::{self, Handle, Sqlite, Store};
use tokio::sync::{mpsc, oneshot};

use crate::pages::Log;
use crate::{documents, generate};

/// Entries of a document.
const ITEMS: u64 = 20;

/// CPU time of one poll.
struct Costs {
    new: Duration,
    changed: Duration,
    unchanged: Duration,
}

pub(crate) fn run(sizes: &[i64], sources: i64, numbered: bool, pages: bool) {
    println!(
        "CPU of a poll, by entries stored ({sources} sources; the least of three rounds, of two where all is new)"
    );
    println!("{:>10}  {:>14}  {:>14}  {:>14}", "entries", "20 new", "1 new of 20", "304");
    let mut first: Option<Costs> = None;
    for size in sizes {
        let dir = tempfile::tempdir().unwrap();
        generate::store(&dir.path().join("riverine.db"), sources, *size, numbered);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .max_blocking_threads(16)
            .build()
            .unwrap();
        let costs = runtime.block_on(measure(dir.path(), sources, numbered, pages));
        let base = first.as_ref().unwrap_or(&costs);
        let cell = |cost: Duration, base: Duration| {
            format!("{:.0} µs ({:.2})", cost.as_secs_f64() * 1e6, cost.as_secs_f64() / base.as_secs_f64())
        };
        println!(
            "{size:>10}  {:>14}  {:>14}  {:>14}",
            cell(costs.new, base.new),
            cell(costs.changed, base.changed),
            cell(costs.unchanged, base.unchanged)
        );
        first.get_or_insert(costs);
    }
    println!("in brackets: to the first line (at most 1.3)");
}

async fn measure(dir: &Path, sources: i64, numbered: bool, pages: bool) -> Costs {
    let script = Arc::new(Script { numbered, shift: AtomicU64::default() });
    let measured = async |expected: fn(&Outcome) -> bool, pages: bool| {
        let path = dir.join("riverine.db");
        let log = pages.then(|| Log::keep(&path));
        let cost = round(dir, &script, sources, expected).await;
        if let Some(log) = log {
            log.print(&path, sources);
        }
        cost
    };
    let new = measured(|outcome| matches!(outcome, Outcome::Read { new: 20, .. }), pages).await;
    let (mut changed, mut unchanged) = (Vec::new(), Vec::new());
    for turn in 0..3 {
        let pages = pages && turn == 0;
        script.shift.fetch_add(1, Ordering::Relaxed);
        changed.push(measured(|outcome| matches!(outcome, Outcome::Read { new: 1, .. }), pages).await);
        unchanged.push(measured(|outcome| *outcome == Outcome::NotModified, pages).await);
    }
    script.shift.fetch_add(ITEMS, Ordering::Relaxed);
    let again = measured(|outcome| matches!(outcome, Outcome::Read { new: 20, .. }), pages).await;
    Costs {
        new: new.min(again),
        changed: changed.into_iter().min().unwrap(),
        unchanged: unchanged.into_iter().min().unwrap(),
    }
}

/// Polls every source once; the CPU time of one poll.
async fn round(dir: &Path, script: &Arc<Script>, sources: i64, expected: fn(&Outcome) -> bool) -> Duration {
    let path = dir.join("riverine.db");
    let options = Options::default();
    let clock: Arc<dyn Clock> = Arc::new(System::new());
    let reader = |_| Box::new(Sqlite::open_reader(&path).unwrap()) as Box<dyn Store>;
    let handle = Handle::new(Box::new(Sqlite::open(&path).unwrap()), (0..2).map(reader).collect());
    let gate = Arc::new(Gate::new(&options, clock.clone()));
    let kept = store::Options { path: path.clone(), ..store::Options::default() };
    let rules = Rules::default();
    let bodies = kept.keep_bodies.0;
    let poller = Poller::new(script.clone(), gate, handle.clone(), clock.clone(), rules, &options, bodies);
    let plan = Plan::new(poller, &options, kept, (0..sources).map(source).collect());
    let daemon = Daemon::new(plan, handle, clock, Arc::new(|_| {})).await.unwrap();
    let (commands, received) = mpsc::channel(1);
    let (stop, stopped) = oneshot::channel::<()>();
    let looping = tokio::spawn(daemon.round(received, async move { drop(stopped.await) }));
    let before = cpu();
    let (reports, mut results) = mpsc::unbounded_channel();
    assert!(commands.send(Command::Poll { sources: None, reports }).await.is_ok());
    let mut polls = 0;
    while let Some(report) = results.recv().await {
        assert!(expected(&report.outcome), "{:?}", report.outcome);
        polls += 1;
    }
    let spent = cpu().saturating_sub(before);
    drop(stop);
    looping.await.unwrap();
    spent / polls
}

fn source(number: i64) -> Arc<Source> {
    let url = format!("https://s{number}.example/feed").parse().unwrap();
    let mut source = Source::new(SourceId::new(format!("s{number}")), url);
    source.schedule = Schedule::Every(Duration::from_hours(1));
    Arc::new(source)
}

/// Answers for everybody; lists move on with `shift`.
struct Script {
    shift: AtomicU64,
    /// Guids and links have numbers.
    numbered: bool,
}

impl Fetch for Script {
    fn fetch<'a>(
        &'a self,
        request: Request<'a>,
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        let shift = self.shift.load(Ordering::Relaxed);
        std::future::ready(Ok(answer(&request, shift, self.numbered))).boxed()
    }
}

fn answer(request: &Request<'_>, shift: u64, numbered: bool) -> Fetched {
    let url = request.url.clone();
    let tag = shift.to_string().into_bytes();
    let known = request.validators.is_some_and(|validators| validators.etag.as_ref() == Some(&tag));
    let answer = Answer {
        status: if known { 304 } else { 200 },
        asked: url.clone(),
        url: url.clone(),
        validators: Validators { url: url.to_string(), etag: Some(tag), last_modified: None },
        freshness: Freshness::default(),
        permanent: None,
        hubs: (Vec::new(), None),
        certificate_ends: None,
        requests: 1,
        held_by: None,
    };
    if known {
        return Fetched::NotModified(answer);
    }
    let bytes = document(request.source.id.as_str(), shift, numbered).into_bytes().into();
    let body = Body { bytes, content_type: None, content_language: None, url, delta: false, place: None };
    Fetched::Body(answer, body)
}

fn document(source: &str, shift: u64, numbered: bool) -> String {
    let address = |item: u64| {
        let number = item.to_string();
        let letter = |digit: u8| if numbered { char::from(digit) } else { char::from(digit - b'0' + b'a') };
        number.bytes().map(letter).collect::<String>()
    };
    let mut text = format!("<rss version=\"2.0\"><channel><title>{source}</title>");
    for item in (shift..shift + ITEMS).rev() {
        let _ = write!(
            text,
            "<item><title>Measured {item} in {source}</title>\
             <link>https://{source}.example/measured/{address}</link><guid>https://{source}.example/?m={address}</guid>\
             <pubDate>{:02} {} {:02}:00:00 GMT</pubDate>\
             <description>&lt;p&gt;What there is to say of {item}, in {source}.&lt;/p&gt;</description></item>",
            1 + item / 24,
            *documents::LAST_MONTH,
            item % 24,
            address = address(item)
        );
    }
    text + "</channel></rss>"
}

fn cpu() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), u32::try_from(spent.tv_nsec).unwrap_or_default())
}
