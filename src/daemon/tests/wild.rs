//! The real client against origins that stall, lie, reset, bomb, lead in circles or inwards, under names that fail, hang
//! or change their address: hours by a clock that is moved by hand, while sockets take the time that they take.

use std::io::Write;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::clock::Manual;
use crate::dedup::Rules;
use crate::fetch::tests::origin::{Origin, Reply as Bytes, answer, ok, redirect};
use crate::fetch::{Gate, Http, Lookup};
use crate::model::SourceState;
use crate::poll::Poller;
use crate::poll::tests::bed::document;
use crate::store::Sqlite;

const EVERY: Duration = Duration::from_mins(10);
/// Real time after which something that should happen counts as not happening.
const PATIENCE: Duration = Duration::from_mins(1);

/// What each bad one does, and the words of its failure. Without words it only hangs.
const BAD: [(&str, &str); 12] = [
    ("stalls", ""),
    ("stalls-in-its-head", ""),
    ("stalls-in-its-body", ""),
    ("hangs.test", ""),
    ("lies", "was cut off after 5 bytes"),
    ("resets", "was cut off"),
    ("bombs", "is larger than max_body (1MiB)"),
    ("pours", "is larger than max_body (1MiB)"),
    ("circles", "in a circle"),
    ("leads-inwards", "not a public address"),
    ("nobody.test", "no such name"),
    // Public when it is looked up first, inward from then on.
    ("rebinds.test", "rebinds.test is 127.0.0.2, not a public address"),
];

fn say(text: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{text}").into_bytes()
}

fn behave(target: &str, inward: u16) -> Bytes {
    match target.trim_start_matches('/') {
        "stalls" => Bytes::Stall(Vec::new()),
        "stalls-in-its-head" => Bytes::Stall(say("content-le")),
        "stalls-in-its-body" => Bytes::Stall(say("content-length: 9\r\n\r\nx")),
        "lies" => Bytes::Say(say("content-length: 100\r\n\r\nshort")),
        "resets" => Bytes::Reset(say("content-length: 100\r\n\r\nshort")),
        "bombs" => {
            let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            bomb.write_all(&vec![0; 9 << 20]).unwrap();
            ok(&["content-encoding: gzip"], &bomb.finish().unwrap())
        }
        "pours" => ok(&[], &vec![b'x'; (1 << 20) + 1]),
        "circles" => redirect(302, "/circles-on"),
        "circles-on" => redirect(302, "/circles"),
        "leads-inwards" => redirect(301, &format!("http://127.0.0.2:{inward}/")),
        // Under every name.
        _ => Bytes::Say(answer("200 OK", &[], document("", &["a"]).as_bytes())),
    }
}

fn lookup() -> Lookup {
    let looked = AtomicUsize::new(0);
    Arc::new(move |name| {
        let known: std::io::Result<Vec<IpAddr>> = match name.as_str() {
            "hangs.test" => return Box::pin(std::future::pending()),
            "rebinds.test" if looked.fetch_add(1, Ordering::SeqCst) == 0 => Ok(vec![[127, 0, 0, 1].into()]),
            "rebinds.test" => Ok(vec![[127, 0, 0, 2].into()]),
            _ => Err(std::io::Error::other("no such name")),
        };
        Box::pin(std::future::ready(known))
    })
}

/// A daemon with the real client, on a clock moved by hand.
struct Wild {
    clock: Manual,
    store: Handle,
    polled: mpsc::UnboundedReceiver<Outcome>,
    running: Running,
    _dir: tempfile::TempDir,
}

impl Wild {
    async fn start(sources: Vec<Source>) -> Self {
        let clock = Manual::new("2026-03-01T12:00:00Z".parse().unwrap());
        let dir = tempfile::tempdir().unwrap();
        let open = Sqlite::open(&dir.path().join("riverine.db")).unwrap();
        let store = Handle::new(Box::new(open), Vec::new());
        let options = Options {
            allow_private: vec!["127.0.0.1".to_owned()],
            per_host_gap: Span::secs(0),
            ..Options::default()
        };
        let hands: Arc<dyn Clock> = Arc::new(clock.clone());
        let gate = Arc::new(Gate::new(&options, hands.clone()));
        let http = Http::with_lookup(&options, gate.clone(), lookup()).unwrap();
        let (rules, hand) = (Rules::default(), store.clone());
        let poller = Poller::new(Arc::new(http), gate, hand, hands.clone(), rules, &options, 0);
        let sources = sources.into_iter().map(Arc::new).collect();
        let plan = Plan::new(poller, &options, store::Options::default(), sources);
        let (told, polled) = mpsc::unbounded_channel();
        let daemon = Daemon::new(plan, store.clone(), hands, Arc::new(|_| {})).await.unwrap();
        let daemon = daemon.on_poll(Arc::new(move |outcome| {
            // Nobody listens after the end.
            let _ = told.send(outcome.clone());
        }));
        let (commands, received) = mpsc::channel(4);
        let (stop, stopped) = oneshot::channel();
        let ended = tokio::spawn(daemon.run(received, async {
            let _ = stopped.await;
        }));
        let running = Running { commands, stop, ended, outcomes: Arc::default() };
        Self { clock, store, polled, running, _dir: dir }
    }

    async fn state(&self, id: &str) -> SourceState {
        let id = SourceId::new(id);
        self.store.read(move |store| store.state(&id)).await.unwrap()
    }

    /// Waits, while the clock stands still, until the state of a source is as wanted.
    async fn until(&mut self, id: &str, wanted: impl Fn(&SourceState) -> bool) -> SourceState {
        loop {
            let state = self.state(id).await;
            if wanted(&state) {
                return state;
            }
            let next = tokio::time::timeout(PATIENCE, self.polled.recv()).await;
            assert!(matches!(next, Ok(Some(_))), "waited in vain for {id}: {state:?}");
        }
    }
}

#[tokio::test]
async fn whatever_real_origins_do_who_is_well_is_asked_when_it_is_due() {
    let canary = Origin::start("127.0.0.2", |_| ok(&[], b"secret")).await;
    let inward = canary.address.port();
    let mut origins = Vec::new();
    let mut sources = Vec::new();
    for (id, _) in BAD.iter().chain(&[("healthy", "")]) {
        // Each is a host of its own.
        let origin = Origin::start("127.0.0.1", move |target| behave(target, inward)).await;
        let (port, host) = (origin.address.port(), if id.contains('.') { *id } else { "127.0.0.1" });
        let url = format!("http://{host}:{port}/{id}").parse().unwrap();
        let id = id.replace('.', "-");
        // Who stalls goes on for longer than this test takes.
        let timeout = 5 * PATIENCE;
        sources.push(Source { url, timeout, max_body: 1 << 20, ..every(&id, EVERY.as_secs()) });
        origins.push(origin);
    }
    let healthy = origins.len() - 1;
    let mut wild = Wild::start(sources).await;
    // What is due at once is spread a little.
    wild.clock.advance(Duration::from_secs(1));
    for round in 1..=12 {
        let now = wild.clock.now();
        // Meanwhile the clock does not move: it waited for nobody.
        let state = wild.until("healthy", |state| state.last_poll == Some(now)).await;
        assert_eq!((state.consecutive_failures, origins[healthy].heads().len()), (0, round));
        // Those that end have ended, so that only those that hang are still under way.
        for (id, words) in BAD.iter().filter(|(_, words)| !words.is_empty()) {
            let id = id.replace('.', "-");
            let state = wild.until(&id, |state| state.last_poll.is_some()).await;
            let rebound = id == "rebinds-test" && round == 1;
            let error = state.last_error.unwrap_or_default();
            assert!(rebound || error.contains(words), "{id}: {error}");
        }
        wild.clock.advance(EVERY);
    }
    for (origin, (id, _)) in origins.iter().zip(&BAD) {
        // At once and after 10, 20, 40 minutes; in a circle each time there and back.
        let most = if *id == "circles" { 8 } else { 4 };
        assert!(origin.heads().len() <= most, "{id} was hammered: {}", origin.heads().len());
    }
    assert_eq!(canary.connections(), 0, "nobody went inwards");
    assert_eq!(wild.state("stalls").await.last_poll, None, "it stalled all the time");
    // What hangs does not hold up the end longer than its grace.
    let Wild { clock, running, .. } = wild;
    let end = tokio::spawn(running.stop());
    while clock.until_next() != Some(GRACE) && !end.is_finished() {
        tokio::task::yield_now().await;
    }
    clock.advance(GRACE);
    tokio::time::timeout(PATIENCE, end).await.unwrap().unwrap();
}
