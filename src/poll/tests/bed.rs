//! A poller whose origins are a script, on a clock that goes with tokio's paused time, over a real store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use crate::clock::{Clock, Paced};
use crate::dedup::Rules;
use crate::fetch::{Answer, Body, Fetch, FetchError, Fetched, Freshness, Gate, Options, Request};
use crate::model::{Schedule, Source, SourceId, SourceState, Validators};
use crate::poll::{Polled, Poller};
use crate::store::{Commit, Handle, Sqlite, Store};

/// What a scripted origin was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) source: String,
    pub(crate) url: String,
    pub(crate) etag: Option<String>,
    pub(crate) modified: Option<String>,
    /// On the monotonic clock.
    pub(crate) at: Duration,
}

/// What it answers.
pub(crate) struct Reply {
    wait: Duration,
    end: End,
}

enum End {
    Fetched(Box<Fetched>),
    Failed(FetchError),
    Panics,
    Hangs,
}

impl Reply {
    fn new(end: End) -> Self {
        Self { wait: Duration::ZERO, end }
    }

    fn answer(&mut self) -> &mut Answer {
        match &mut self.end {
            End::Fetched(fetched) => match &mut **fetched {
                Fetched::Body(answer, _)
                | Fetched::NotModified(answer)
                | Fetched::Throttled(answer)
                | Fetched::Gone(answer) => answer,
            },
            _ => panic!("no answer"),
        }
    }

    /// It takes so long.
    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.wait = Duration::from_secs(seconds);
        self
    }

    pub(crate) fn etag(mut self, tag: &str) -> Self {
        self.answer().validators.etag = Some(tag.as_bytes().to_vec());
        self
    }

    pub(crate) fn modified(mut self, date: &str) -> Self {
        self.answer().validators.last_modified = Some(date.as_bytes().to_vec());
        self
    }

    pub(crate) fn max_age(mut self, seconds: Option<u64>) -> Self {
        let fresh_for = seconds.map(Duration::from_secs);
        self.answer().freshness = Freshness { fresh_for, stated: true, ..Freshness::default() };
        self
    }

    /// At the end of redirects: where their leading permanent run led, and who answered.
    pub(crate) fn by_way_of(mut self, permanent: Option<&str>, answered: &str) -> Self {
        let answer = self.answer();
        answer.permanent = permanent.map(|url| url.parse().unwrap());
        answer.url = answered.parse().unwrap();
        answer.validators.url = answer.url.to_string();
        answer.requests = 2;
        self
    }

    fn document(&mut self) -> (&mut Answer, &mut Body) {
        let End::Fetched(fetched) = &mut self.end else { panic!("no answer") };
        let Fetched::Body(answer, body) = &mut **fetched else { panic!("no body") };
        (answer, body)
    }

    pub(crate) fn delta(mut self) -> Self {
        let (answer, body) = self.document();
        (answer.status, body.delta) = (226, true);
        self
    }

    /// It is large: its place.
    pub(crate) fn at(mut self, place: Option<OwnedSemaphorePermit>) -> Self {
        self.document().1.place = place.map(Arc::new);
        self
    }

    /// Its `Content-Language`.
    pub(crate) fn language(mut self, tag: &str) -> Self {
        self.document().1.content_language = Some(tag.to_owned());
        self
    }
}

fn answer(status: u16) -> Answer {
    let url: Url = "https://unset.example/".parse().unwrap();
    Answer {
        status,
        asked: url.clone(),
        url: url.clone(),
        validators: Validators { url: url.into(), etag: None, last_modified: None },
        freshness: Freshness::default(),
        permanent: None,
        certificate_ends: None,
        hubs: (Vec::new(), None),
        held_by: None,
        requests: 1,
    }
}

pub(crate) fn body(text: &str) -> Reply {
    let url: Url = "https://unset.example/".parse().unwrap();
    let bytes = text.as_bytes().to_vec().into();
    let body = Body { bytes, content_type: None, content_language: None, url, delta: false, place: None };
    Reply::new(End::Fetched(Box::new(Fetched::Body(answer(200), body))))
}

/// A feed with these titles; their dates are a minute apart, from noon of the first of March on.
pub(crate) fn feed(titles: &[&str]) -> Reply {
    body(&document("", titles))
}

/// The same with more in its channel.
pub(crate) fn document(channel: &str, titles: &[&str]) -> String {
    let items = titles.iter().fold(String::new(), |items, title| {
        let minute = title.bytes().map(u32::from).sum::<u32>() % 60;
        items
            + &format!(
                "<item><title>{title}</title><link>https://o.example/{title}</link>\
                     <pubDate>Sun, 01 Mar 2026 11:{minute:02}:00 GMT</pubDate></item>"
            )
    });
    format!("<rss version=\"2.0\"><channel><title>t</title>{channel}{items}</channel></rss>")
}

pub(crate) fn unchanged() -> Reply {
    Reply::new(End::Fetched(Box::new(Fetched::NotModified(answer(304)))))
}

pub(crate) fn gone() -> Reply {
    Reply::new(End::Fetched(Box::new(Fetched::Gone(answer(410)))))
}

pub(crate) fn throttled(status: u16, seconds: Option<u64>) -> Reply {
    let mut answer = answer(status);
    answer.freshness.retry_after = seconds.map(Duration::from_secs);
    Reply::new(End::Fetched(Box::new(Fetched::Throttled(answer))))
}

pub(crate) fn status(status: u16) -> Reply {
    let url = "https://o.example/".to_owned();
    Reply::new(End::Failed(FetchError::Status { url, status, reason: "No", requests: 1 }))
}

pub(crate) fn broken(words: &str) -> Reply {
    Reply::new(End::Failed(FetchError::Broken { words: words.to_owned(), requests: 1 }))
}

pub(crate) fn panics() -> Reply {
    Reply::new(End::Panics)
}

pub(crate) fn hangs() -> Reply {
    Reply::new(End::Hangs)
}

type Answering = Box<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// The scripted origins, and what they were asked.
pub(crate) struct Script {
    answering: Mutex<Answering>,
    asked: Mutex<Vec<Asked>>,
    gate: Mutex<Arc<Gate>>,
    clock: Paced,
}

impl Fetch for Script {
    fn fetch<'a>(
        &'a self,
        request: Request<'a>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        async move {
            let gate = self.gate.lock().unwrap().clone();
            let mut permit = match gate.enter(&request.url).await {
                Ok(permit) => permit,
                Err(held) => {
                    let mut answer = answer(429);
                    (answer.requests, answer.freshness.retry_after) = (0, Some(held.wait));
                    answer.held_by = held.by;
                    return Ok(Fetched::Throttled(answer));
                }
            };
            let text = |bytes: &Option<Vec<u8>>| {
                bytes.as_ref().map(|bytes| String::from_utf8(bytes.clone()).unwrap())
            };
            let asked = Asked {
                source: request.source.id.to_string(),
                url: request.url.to_string(),
                etag: request.validators.and_then(|validators| text(&validators.etag)),
                modified: request.validators.and_then(|validators| text(&validators.last_modified)),
                at: self.clock.elapsed(),
            };
            self.asked.lock().unwrap().push(asked.clone());
            let mut reply = (self.answering.lock().unwrap())(&asked);
            if matches!(reply.end, End::Fetched(_)) {
                reply.answer().asked = request.url.clone();
                if reply.answer().url.host_str() == Some("unset.example") {
                    reply.answer().url = request.url.clone();
                    reply.answer().validators.url = request.url.to_string();
                }
            }
            self.clock.sleep(reply.wait).await;
            if let End::Fetched(_) = &reply.end
                && reply.answer().url.host() != request.url.host()
            {
                // A redirect led there: its turn has to come.
                drop(permit);
                let there = reply.answer().url.clone();
                permit = gate.enter(&there).await.unwrap();
            }
            match reply.end {
                End::Panics => panic!("scripted"),
                End::Hangs => {
                    self.clock.sleep(request.source.timeout).await;
                    Err(FetchError::Broken { words: "took longer than its timeout".to_owned(), requests: 1 })
                }
                End::Failed(error) => Err(error),
                End::Fetched(fetched) => {
                    let mut fetched = *fetched;
                    match &mut fetched {
                        Fetched::Body(answer, body) => body.url = answer.url.clone(),
                        Fetched::Throttled(answer) if answer.status == 429 => {
                            if let Some(wait) = answer.freshness.retry_after {
                                gate.hold(&request.url, now + TimeDelta::from_std(wait).unwrap());
                            }
                        }
                        _ => {}
                    }
                    drop(permit);
                    Ok(fetched)
                }
            }
        }
        .boxed()
    }
}

/// Everything a poll needs.
pub(crate) struct Bed {
    pub(crate) clock: Paced,
    pub(crate) script: Arc<Script>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) store: Handle,
    pub(crate) options: Options,
    dir: tempfile::TempDir,
}

impl Bed {
    /// At noon of the first of March 2026, a Sunday; no pauses between requests.
    pub(crate) fn new(answering: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let options = Options { per_host_gap: crate::units::Span::secs(0), ..Options::default() };
        Self::with(options, answering)
    }

    pub(crate) fn with(
        options: Options,
        answering: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let clock = Paced::new("2026-03-01T12:00:00Z".parse().unwrap());
        let dir = tempfile::tempdir().unwrap();
        let gate = Arc::new(Gate::new(&options, Arc::new(clock.clone())));
        let script = Script {
            answering: Mutex::new(Box::new(answering)),
            asked: Mutex::default(),
            gate: Mutex::new(gate.clone()),
            clock: clock.clone(),
        };
        let store = open(&dir);
        Self { clock, script: Arc::new(script), gate, store, options, dir }
    }

    /// The process ends and another begins: what is not in the store is gone.
    pub(crate) fn restart(&mut self) {
        self.gate = Arc::new(Gate::new(&self.options, Arc::new(self.clock.clone())));
        *self.script.gate.lock().unwrap() = self.gate.clone();
        self.asked();
        self.store = open(&self.dir);
    }

    pub(crate) fn answer(&self, answering: impl Fn(&Asked) -> Reply + Send + Sync + 'static) {
        *self.script.answering.lock().unwrap() = Box::new(answering);
    }

    /// What was asked since the last time this was asked.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.script.asked.lock().unwrap())
    }

    /// From now on the store can be read and takes nothing, or takes it again.
    pub(crate) fn store_fails(&self, fails: bool) {
        let db = rusqlite::Connection::open(self.dir.path().join("riverine.db")).unwrap();
        let sql = if fails {
            "CREATE TRIGGER full BEFORE UPDATE ON sources BEGIN SELECT RAISE(FAIL, 'the disk is full'); END;
             CREATE TRIGGER too BEFORE INSERT ON sources BEGIN SELECT RAISE(FAIL, 'the disk is full'); END"
        } else {
            "DROP TRIGGER full; DROP TRIGGER too"
        };
        db.execute_batch(sql).unwrap();
    }

    /// From now on what retention does last fails.
    pub(crate) fn retention_fails_at_last(&self) {
        let db = rusqlite::Connection::open(self.dir.path().join("riverine.db")).unwrap();
        db.execute_batch("DROP TABLE ledger").unwrap();
    }

    /// As if an older version of our reading had read everything, and had taken its language for another.
    pub(crate) fn read_by_an_older_version(&self) {
        let path = self.dir.path().join("riverine.db");
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute("UPDATE entries SET reading = 1, language = 'eo'", []).unwrap();
        let mut store = Sqlite::open(&path).unwrap();
        for row in store.sources().unwrap() {
            let state = SourceState { reading: 1, ..row.state };
            let (source, state, now) = (&row.id, &state, self.now());
            store.commit(&Commit { source, state, reading: None, ledger: &[], now }).unwrap();
        }
    }

    pub(crate) fn poller(&self) -> Poller {
        Poller::new(
            self.script.clone(),
            self.gate.clone(),
            self.store.clone(),
            Arc::new(self.clock.clone()),
            Rules::default(),
            &self.options,
            1 << 18,
        )
    }

    pub(crate) async fn sync(&self, sources: &[Arc<Source>]) {
        let sources = sources.to_vec();
        self.store.write(move |store| store.sync(&sources)).await.unwrap();
    }

    /// Polls one source.
    pub(crate) async fn poll(&self, source: &Arc<Source>) -> Polled {
        let poller = self.poller();
        let mut ended = Box::pin(poller.poll(std::slice::from_ref(source), false)).await;
        ended.remove(0).result.unwrap()
    }

    /// Polls one source whose origin answers so.
    pub(crate) async fn polled(
        &self,
        source: &Arc<Source>,
        reply: impl Fn() -> Reply + Send + Sync + 'static,
    ) -> Polled {
        self.answer(move |_| reply());
        self.poll(source).await
    }

    pub(crate) async fn state(&self, id: &str) -> SourceState {
        let id = SourceId::new(id);
        self.store.read(move |store| store.state(&id)).await.unwrap()
    }

    /// How many stories a source has.
    pub(crate) async fn stories(&self, id: &str) -> u64 {
        let id = SourceId::new(id);
        let rows = self.store.read(|store| store.sources()).await.unwrap();
        rows.into_iter().find(|row| row.id == id).unwrap().entries
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

fn open(dir: &tempfile::TempDir) -> Handle {
    let store = Sqlite::open(&dir.path().join("riverine.db")).unwrap();
    Handle::new(Box::new(store), Vec::new())
}

/// A source polled every hour, without jitter.
pub(crate) fn source(id: &str) -> Source {
    let url = format!("https://{id}.example/feed").parse().unwrap();
    Source {
        schedule: Schedule::Every(Duration::from_hours(1)),
        jitter: 0.0,
        ..Source::new(SourceId::new(id), url)
    }
}
