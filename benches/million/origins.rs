//! Scripted origins, and the judgement of what they are asked. Everything about a source follows from its number, so
//! that nothing is kept per source here: measured memory is the daemon's.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use riverine::clock::{Clock, Paced};
use riverine::fetch::{Answer, Body, Fetch, FetchError, Fetched, Freshness, Gate, Options, Request};
use riverine::model::Validators;
use url::Url;

/// Answers arrive at tenths of a second.
const GRAIN: u64 = 100;
/// How long an overloaded host asks to be left alone.
const OVERLOADED: Duration = Duration::from_mins(30);

/// All origins.
pub(crate) struct Origins {
    count: u32,
    start: DateTime<Utc>,
    gate: Arc<Gate>,
    clock: Paced,
    judge: Mutex<Judge>,
}

/// What was seen of the requests.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) requests: u64,
    /// In each second, without those of cron.
    pub(crate) seconds: Vec<u32>,
    /// In each second, those of cron.
    pub(crate) cron: Vec<u32>,
    /// Most at once.
    pub(crate) at_once: usize,
    /// Hosts that asked to be left alone did so.
    pub(crate) holds: u64,
    /// Requests to a host that was busy, too soon after the last, or to be left alone; or too many in all.
    pub(crate) broken: u64,
}

#[derive(Default)]
struct Judge {
    seen: Seen,
    hosts: Vec<Host>,
    going: usize,
    begun: Duration,
}

/// On the monotonic clock.
#[derive(Clone, Copy, Default)]
struct Host {
    busy: bool,
    free_at: Duration,
}

/// A number from 0.0 up to 1.0, always the same for one source and one question.
pub(crate) fn chance(number: u32, about: &str) -> f64 {
    let mut hasher = DefaultHasher::new();
    (number, about).hash(&mut hasher);
    f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or_default()) / 4_294_967_296.0
}

/// One in twenty goes by the minute that its owner chose.
pub(crate) fn is_cron(number: u32) -> bool {
    chance(number, "cron") < 0.05
}

/// Four in ten sources have a host of their own; of the others a third each shares one with 2,000, 200 and 20.
fn host(number: u32, count: u32) -> u32 {
    let (large, middle, small) = hosts(count);
    match number % 10 {
        0 | 1 => number / 10 % large,
        2 | 3 => large + number / 10 % middle,
        4 | 5 => large + middle + number / 10 % small,
        _ => large + middle + small + number,
    }
}

fn hosts(count: u32) -> (u32, u32, u32) {
    let of = |sources: u32| (count / 5 / sources).max(1);
    (of(2000), of(200), of(20))
}

impl Origins {
    pub(crate) fn new(
        count: u32,
        start: DateTime<Utc>,
        span: Duration,
        gate: Arc<Gate>,
        clock: Paced,
    ) -> Self {
        let (large, middle, small) = hosts(count);
        let known = usize::try_from(large + middle + small + count).unwrap();
        let seconds = vec![0; usize::try_from(span.as_secs()).unwrap()];
        let seen = Seen { seconds: seconds.clone(), cron: seconds, ..Seen::default() };
        let judge = Judge { seen, hosts: vec![Host::default(); known], ..Judge::default() };
        Self { count, start, gate, clock, judge: Mutex::new(judge) }
    }

    /// The day begins: what was asked before does not count.
    pub(crate) fn begin(&self) {
        let mut judge = self.judge.lock().unwrap();
        let seconds = vec![0; judge.seen.seconds.len()];
        judge.seen = Seen { seconds: seconds.clone(), cron: seconds, ..Seen::default() };
        judge.begun = self.clock.elapsed();
    }

    pub(crate) fn seen(&self) -> Seen {
        self.judge.lock().unwrap().seen.clone()
    }

    pub(crate) fn url(number: u32, count: u32) -> String {
        format!("https://h{}.example/feeds/{number}.xml", host(number, count))
    }

    /// Between two publications of a source: six in ten are nearly dead, one in a hundred is a news agency.
    pub(crate) fn gap(number: u32) -> Duration {
        let a_day = match chance(number, "rate") {
            rate if rate < 0.6 => 0.05,
            rate if rate < 0.9 => 0.5,
            rate if rate < 0.99 => 3.0,
            _ => 20.0,
        };
        Duration::from_hours(24).div_f64(a_day * (0.5 + chance(number, "pace")))
    }

    /// When a publication came out, by its number.
    pub(crate) fn published(number: u32, item: u64) -> DateTime<Utc> {
        let gap = Self::gap(number).as_secs();
        let first = Duration::from_secs(gap).mul_f64(chance(number, "phase")).as_secs();
        DateTime::from_timestamp(i64::try_from(first + item * gap).unwrap(), 0).unwrap()
    }

    /// The number of the newest publication at a time.
    pub(crate) fn newest(number: u32, now: DateTime<Utc>) -> u64 {
        let since = (now - Self::published(number, 0)).to_std().unwrap_or_default();
        since.as_secs() / Self::gap(number).as_secs()
    }

    fn asked(&self, number: u32, at: Duration) {
        let mut judge = self.judge.lock().unwrap();
        let host = usize::try_from(host(number, self.count)).unwrap();
        let known = judge.hosts[host];
        judge.going += 1;
        let most = Options::default().concurrency;
        judge.seen.broken += u64::from(known.busy || known.free_at > at || judge.going > most);
        judge.seen.at_once = judge.seen.at_once.max(judge.going);
        judge.hosts[host].busy = true;
        judge.seen.requests += 1;
        let second = usize::try_from(at.saturating_sub(judge.begun).as_secs()).unwrap();
        let seen = &mut judge.seen;
        let seconds = if is_cron(number) { &mut seen.cron } else { &mut seen.seconds };
        if let Some(second) = seconds.get_mut(second) {
            *second += 1;
        }
    }

    fn answered(&self, number: u32, at: Duration, hold: Option<Duration>) {
        let mut judge = self.judge.lock().unwrap();
        let host = usize::try_from(host(number, self.count)).unwrap();
        judge.going -= 1;
        judge.seen.holds += u64::from(hold.is_some());
        let pause = hold.unwrap_or(Options::default().per_host_gap.0);
        judge.hosts[host] = Host { busy: false, free_at: at + pause };
    }
}

impl Fetch for Origins {
    fn fetch<'a>(
        &'a self,
        request: Request<'a>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        async move {
            let number: u32 = request.url.path().trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
            let _permit = match self.gate.enter(&request.url).await {
                Ok(permit) => permit,
                Err(held) => return Ok(Fetched::Throttled(head(429, &request.url, 0, Some(held.wait)))),
            };
            let at = self.clock.elapsed();
            self.asked(number, at);
            let late = Duration::from_millis(100).mul_f64(5.0 * chance(number, "latency"));
            let until = u64::try_from((at + late).as_millis()).unwrap() / GRAIN * GRAIN + GRAIN;
            self.clock.sleep(Duration::from_millis(until).saturating_sub(at)).await;
            let now = now.max(self.clock.now());
            let nth = (now - self.start).num_hours();
            let trouble = chance(number, "trouble");
            let answer = if trouble < 0.01 {
                failed(&request.url, 500)
            } else if trouble < 0.015 {
                failed(&request.url, 404)
            } else if trouble < 0.017 {
                Ok(Fetched::Throttled(head(503, &request.url, 1, Some(OVERLOADED * 4))))
            } else if chance(number, &format!("overload {nth}")) < 0.000_2 {
                self.gate.hold(&request.url, self.clock.now() + TimeDelta::from_std(OVERLOADED).unwrap());
                Ok(Fetched::Throttled(head(429, &request.url, 1, Some(OVERLOADED))))
            } else {
                Ok(document(number, &request, now))
            };
            let overloaded = matches!(&answer, Ok(Fetched::Throttled(answer)) if answer.status == 429);
            self.answered(number, self.clock.elapsed(), overloaded.then_some(OVERLOADED));
            answer
        }
        .boxed()
    }
}

fn failed(url: &Url, status: u16) -> Result<Fetched, FetchError> {
    Err(FetchError::Status { url: url.to_string(), status, reason: "No", requests: 1 })
}

fn head(status: u16, url: &Url, requests: u32, retry_after: Option<Duration>) -> Answer {
    Answer {
        status,
        asked: url.clone(),
        url: url.clone(),
        validators: Validators { url: url.to_string(), etag: None, last_modified: None },
        freshness: Freshness { retry_after, ..Freshness::default() },
        permanent: None,
        hubs: (Vec::new(), None),
        held_by: None,
        certificate_ends: None,
        requests,
    }
}

fn document(number: u32, request: &Request<'_>, now: DateTime<Utc>) -> Fetched {
    let newest = Origins::newest(number, now);
    let tag = newest.to_string().into_bytes();
    let known = request.validators.and_then(|validators| validators.etag.as_ref());
    let mut answer = head(if known == Some(&tag) { 304 } else { 200 }, &request.url, 1, None);
    if known == Some(&tag) {
        return Fetched::NotModified(answer);
    }
    answer.validators.etag = Some(tag);
    let date = Origins::published(number, newest).to_rfc2822();
    let bytes = format!(
        "<rss version=\"2.0\"><channel><title>Source {number}</title><item><title>News {newest} of {number}</title>\
         <link>https://s{number}.example/{newest}</link><guid>https://s{number}.example/?p={newest}</guid>\
         <pubDate>{date}</pubDate><description>What is new</description></item></channel></rss>"
    );
    let body = Body {
        bytes: bytes.into_bytes().into(),
        content_type: None,
        content_language: None,
        url: request.url.clone(),
        delta: false,
        place: None,
    };
    Fetched::Body(answer, body)
}
