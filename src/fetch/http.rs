//! Asks over HTTP: one request a hop, each hop checked like the first, every end mapped to a value or to
//! an error in words. Never stores a validator and never decides when to ask again.

mod message;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, PROXY_AUTHORIZATION,
};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::{Instant, timeout_at};
use url::Url;

pub use message::Message;

use super::body::{self, Intake};
use super::dial::Dialler;
use super::guard::{self, Guard, Lookup};
use super::polite::Permit;
use super::room::{Room, Rooms};
use super::wire::{Back, Wire};
use super::{
    Answer, Body, Fetch, FetchError, Fetched, Freshness, Gate, Options, Request, asking, headers, proxy,
    words,
};
use crate::units::Span;

const MAX_HOPS: usize = 10;
/// The body of a redirect is read up to here, so that the connection can be used again.
const MAX_ASIDE: u64 = 16 << 10;
/// The most that goes into one allocation on the word of a server.
const MAX_FORESIGHT: u64 = 1 << 20;

/// Fetches over HTTP/1.1 and HTTP/2. One for the whole process; connections are shared per host.
pub struct Http {
    agent: HeaderValue,
    wire: Wire,
    rooms: Arc<Rooms>,
    max_hold: Duration,
    proxy: Option<Url>,
    gate: Arc<Gate>,
}

impl Http {
    /// Reads the roots and `allow_private`.
    ///
    /// # Errors
    /// A `ca_file`, `proxy`, `contact` or `allow_private` that cannot be used, in words.
    pub fn new(options: &Options, gate: Arc<Gate>) -> Result<Self, String> {
        Self::with_lookup(options, gate, guard::system_lookup())
    }

    /// The same with another resolver, for tests.
    ///
    /// # Errors
    /// As [`Http::new`].
    pub fn with_lookup(options: &Options, gate: Arc<Gate>, lookup: Lookup) -> Result<Self, String> {
        let proxy = match &options.proxy {
            None => None,
            Some(text) => Some(Url::parse(text).map_err(|error| format!("proxy {text:?}: {error}"))?),
        };
        proxy.as_ref().map_or(Ok(()), spoken)?;
        let guard = Guard::new(&options.allow_private).map_err(|error| format!("allow_private: {error}"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS: {error}"))?
            .with_root_certificates(roots(options.ca_file.as_deref())?)
            .with_no_client_auth();
        Ok(Self {
            agent: asking::agent(options.contact.as_deref())?,
            wire: Wire::new(Dialler::new(guard, lookup, tls)),
            rooms: Rooms::new(),
            max_hold: options.max_hold.0,
            proxy,
            gate,
        })
    }

    async fn trip(
        &self,
        request: &Request<'_>,
        now: DateTime<Utc>,
        trip: &mut Trip,
    ) -> Result<Fetched, FetchError> {
        let proxy = request.source.proxy.as_ref().or(self.proxy.as_ref());
        proxy.map_or(Ok(()), spoken).and_then(|()| sound(request)).map_err(|words| trip.broken(words))?;
        let mut permit: Option<Permit> = None;
        loop {
            let url = trip.url.clone();
            self.wire
                .dialler()
                .check(&url)
                .map_err(|refused| trip.broken(format!("{} was not asked: {refused}", words::shown(&url))))?;
            // A turn at one host is given back before another's is waited for.
            let turn = match permit.take() {
                Some(turn) if trip.same_host() => {
                    turn.again().await;
                    turn
                }
                earlier => {
                    drop(earlier);
                    match self.gate.enter(&url).await {
                        Ok(turn) => turn,
                        Err(held) => return Ok(trip.held(held.wait)),
                    }
                }
            };
            // Room is waited for like a turn: it takes nothing from the deadline.
            let mut room = self.rooms.room();
            room.make(1).await;
            let started = Instant::now();
            trip.deadline = started + request.source.timeout.saturating_sub(trip.spent);
            let step = self.exchange(request, proxy, now, room, trip).await;
            trip.spent += started.elapsed().saturating_sub(std::mem::take(&mut trip.waited));
            match step? {
                Step::Ended(fetched) => {
                    if let Fetched::Throttled(answer) = &*fetched {
                        self.hold(answer, now);
                    }
                    return Ok(*fetched);
                }
                Step::Next => permit = Some(turn),
            }
        }
    }

    /// One request and what it answers.
    async fn exchange(
        &self,
        request: &Request<'_>,
        proxy: Option<&Url>,
        now: DateTime<Utc>,
        room: Room,
        trip: &mut Trip,
    ) -> Result<Step, FetchError> {
        let asked = asking::head(&self.agent, request, &trip.url).map_err(|words| trip.broken(words))?;
        let conditional = asked.contains_key(IF_NONE_MATCH) || asked.contains_key(IF_MODIFIED_SINCE);
        let mut message = http::Request::default();
        *message.headers_mut() = asked;
        let message = sent(&trip.url, proxy, message).map_err(|words| trip.broken(words))?;
        trip.requests += 1;
        trip.stage = "connecting to it or waiting for its answer";
        let asking = self.wire.ask(&trip.url, proxy, message);
        let answered = match timeout_at(trip.deadline, asking).await {
            Ok(answered) => answered.map_err(|error| trip.broken(words::of_wire(&error, &trip.url)))?,
            Err(_) => return Err(trip.late(request.source.timeout)),
        };
        let (response, back) = answered.split();
        let (parts, incoming) = response.into_parts();
        let (status, head) = (parts.status, parts.headers);
        let shown = words::shown(&trip.url);
        if headers::size(&head) > headers::MAX_HEAD || head.len() > headers::MAX_LINES {
            return Err(trip.broken(words::head_too_large(&shown)));
        }
        let ended = |fetched| Ok(Step::Ended(Box::new(fetched)));
        match status.as_u16() {
            code @ (200 | 226) if code == 200 || manipulated_as_feed(&head) => {
                self.read(incoming, back, (status, head), request, now, room, trip).await
            }
            304 if conditional => {
                back.keep();
                ended(Fetched::NotModified(trip.answer(status, &head, now)))
            }
            304 => Err(trip.broken(format!(
                "{shown} answered 304 Not Modified though it was not asked whether it changed"
            ))),
            301 | 302 | 303 | 307 | 308 => {
                trip.follow(status, &head)?;
                aside(incoming, back, trip.deadline).await;
                Ok(Step::Next)
            }
            410 if trip.all_permanent => ended(Fetched::Gone(trip.answer(status, &head, now))),
            429 | 503 => ended(Fetched::Throttled(trip.answer(status, &head, now))),
            code => Err(FetchError::Status {
                url: shown,
                status: code,
                reason: status.canonical_reason().unwrap_or("(no standard status)"),
                requests: trip.requests,
            }),
        }
    }

    /// The whole body, or an error.
    #[allow(clippy::too_many_arguments, reason = "one call; everything an answer is made of")]
    async fn read(
        &self,
        mut incoming: Incoming,
        back: Back,
        (status, head): (StatusCode, HeaderMap),
        request: &Request<'_>,
        now: DateTime<Utc>,
        mut room: Room,
        trip: &mut Trip,
    ) -> Result<Step, FetchError> {
        trip.stage = "reading its body";
        let (limit, shown) = (request.source.max_body, words::shown(&trip.url));
        let said = |why: String| format!("{shown} {why}");
        let foreseen = incoming.size_hint().exact().unwrap_or_default();
        if foreseen > limit {
            return Err(trip.broken(said(body::too_large(limit))));
        }
        let codings: Vec<&str> =
            head.get_all(CONTENT_ENCODING).iter().filter_map(|line| line.to_str().ok()).collect();
        let mut intake = Intake::new(&codings.join(","), limit, foreseen.min(MAX_FORESIGHT))
            .map_err(|why| trip.broken(said(why)))?;
        loop {
            let frame = match timeout_at(trip.deadline, incoming.frame()).await {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    return Err(trip.broken(words::of_body(&error, &trip.url, intake.raw())));
                }
                Err(_) => return Err(trip.late(request.source.timeout)),
            };
            let chunk = frame.into_data().unwrap_or_default();
            let mut rest = chunk.as_ref();
            while !rest.is_empty() {
                trip.wait_for(room.make(intake.wants(rest))).await;
                rest = intake.push(rest, room.bytes()).map_err(|why| trip.broken(said(why)))?;
            }
        }
        let packed = intake.is_packed();
        let turn = if packed { trip.wait_for(self.rooms.unpacking.acquire()).await.ok() } else { None };
        let bytes = intake.finish().map_err(|why| trip.broken(said(why)))?;
        room.make(bytes.len() as u64).await;
        drop(turn);
        back.keep();
        let field = |name: HeaderName| {
            head.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let body = Body {
            bytes: bytes.into(),
            content_type: field(CONTENT_TYPE),
            content_language: field(CONTENT_LANGUAGE),
            url: headers::base(&head, &trip.url),
            delta: status == StatusCode::IM_USED,
            room: Some(Arc::new(room)),
        };
        let answer = trip.answer(status, &head, now);
        Ok(Step::Ended(Box::new(Fetched::Body(answer, body))))
    }

    /// RFC 6585 4: a 429 is about whoever asks, so the whole host is left alone.
    fn hold(&self, answer: &Answer, now: DateTime<Utc>) {
        if let (429, Some(wait)) = (answer.status, answer.freshness.retry_after) {
            let wait = TimeDelta::from_std(wait.min(self.max_hold)).unwrap_or_default();
            if let Some(until) = now.checked_add_signed(wait) {
                self.gate.hold(&answer.url, until);
            }
        }
    }
}

impl Fetch for Http {
    fn fetch<'a>(
        &'a self,
        request: Request<'a>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        async move {
            let mut trip = Trip::new(&request.url);
            self.trip(&request, now, &mut trip).await
        }
        .boxed()
    }
}

/// An address may come from a document (a next page, an article), so it is looked at like a redirect's.
fn sound(request: &Request<'_>) -> Result<(), String> {
    let (url, shown) = (&request.url, words::shown(&request.url));
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("{shown} was not asked: only http and https addresses are"));
    }
    if url.as_str().len() > headers::MAX_URL {
        return Err(format!(
            "an address of {} bytes was not asked: the limit is {}",
            url.as_str().len(),
            headers::MAX_URL
        ));
    }
    let own = request.source.url.origin() == url.origin();
    if !own && (!url.username().is_empty() || url.password().is_some()) {
        return Err(format!("{shown} was not asked: it names a user, and is not the source's own address"));
    }
    Ok(())
}

/// A proxy we can speak to.
fn spoken(proxy: &Url) -> Result<(), String> {
    if matches!(proxy.scheme(), "http" | "https" | "socks5" | "socks5h") && proxy.has_host() {
        return Ok(());
    }
    Err(format!("proxy {}: only http, https and socks5 are spoken", words::shown(proxy)))
}

fn roots(ca_file: Option<&Path>) -> Result<rustls::RootCertStore, String> {
    let mut roots = rustls::RootCertStore::empty();
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        roots.add(der.clone()).map_err(|error| format!("a built-in root: {error}"))?;
    }
    if let Some(path) = ca_file {
        let words = |error: &dyn std::fmt::Display| format!("ca_file {}: {error}", path.display());
        let pem = std::fs::read(path).map_err(|error| words(&error))?;
        let more: Vec<CertificateDer<'_>> =
            CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| words(&error))?;
        if more.is_empty() {
            return Err(words(&"no certificate in it"));
        }
        for der in more {
            roots.add(der).map_err(|error| words(&error))?;
        }
    }
    Ok(roots)
}

/// The request as it goes out, but for what only the connection knows.
fn sent(
    url: &Url,
    proxy: Option<&Url>,
    mut request: http::Request<Full<bytes::Bytes>>,
) -> Result<http::Request<Full<bytes::Bytes>>, String> {
    *request.uri_mut() = http::Uri::try_from(words::bare(url).as_str())
        .map_err(|error| format!("{} cannot be asked: {error}", words::shown(url)))?;
    let plain_proxy = proxy.filter(|proxy| url.scheme() == "http" && proxy.scheme().starts_with("http"));
    if let Some(value) = plain_proxy.and_then(proxy::authorization) {
        request.headers_mut().insert(PROXY_AUTHORIZATION, value);
    }
    Ok(request)
}

/// Reads what nobody wants, so that the connection can be used again; a longer one is closed instead.
async fn aside(mut incoming: Incoming, back: Back, deadline: Instant) {
    let mut left = MAX_ASIDE;
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, incoming.frame()).await {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        let Some(less) = left.checked_sub(length) else { return };
        left = less;
    }
    if incoming.is_end_stream() {
        back.keep();
    }
}

/// Where a poll stands. Outlives the step that a deadline cuts off, so that its words are right.
struct Trip {
    url: Url,
    previous: Option<Url>,
    seen: Vec<Url>,
    permanent: Option<Url>,
    /// Only 301 and 308 so far.
    all_permanent: bool,
    requests: u32,
    spent: Duration,
    deadline: Instant,
    /// Of the step under way, for room in memory: that is not the server's fault.
    waited: Duration,
    stage: &'static str,
}

enum Step {
    /// A redirect: the trip's URL is the next one.
    Next,
    Ended(Box<Fetched>),
}

impl Trip {
    fn new(url: &Url) -> Self {
        let mut url = url.clone();
        url.set_fragment(None);
        Self {
            url,
            previous: None,
            seen: Vec::new(),
            permanent: None,
            all_permanent: true,
            requests: 0,
            spent: Duration::ZERO,
            deadline: Instant::now(),
            waited: Duration::ZERO,
            stage: "before it was asked",
        }
    }

    /// Waits for something of ours; the deadline waits as well.
    async fn wait_for<T>(&mut self, ours: impl Future<Output = T>) -> T {
        let before = Instant::now();
        let output = ours.await;
        let waited = before.elapsed();
        self.waited += waited;
        self.deadline += waited;
        output
    }

    fn same_host(&self) -> bool {
        self.previous.as_ref().is_some_and(|previous| {
            previous.host() == self.url.host()
                && previous.port_or_known_default() == self.url.port_or_known_default()
        })
    }

    fn broken(&self, words: String) -> FetchError {
        FetchError::Broken { words, requests: self.requests }
    }

    fn late(&self, limit: Duration) -> FetchError {
        let url = words::shown(&self.url);
        self.broken(format!("{url} took longer than its timeout of {} ({})", Span(limit), self.stage))
    }

    /// The host is held; nobody was asked.
    fn held(&self, wait: Duration) -> Fetched {
        let mut answer = self.answer(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), DateTime::UNIX_EPOCH);
        answer.freshness = Freshness { retry_after: Some(wait), ..Freshness::default() };
        Fetched::Throttled(answer)
    }

    fn answer(&self, status: StatusCode, head: &HeaderMap, now: DateTime<Utc>) -> Answer {
        Answer {
            status: status.as_u16(),
            asked: self.seen.first().unwrap_or(&self.url).clone(),
            url: self.url.clone(),
            validators: headers::validators(head, &self.url),
            freshness: headers::freshness(head, now),
            permanent: self.permanent.clone(),
            hubs: headers::hubs(head, &self.url),
            requests: self.requests,
        }
    }

    fn follow(&mut self, status: StatusCode, head: &HeaderMap) -> Result<(), FetchError> {
        let from = words::shown(&self.url);
        let target =
            headers::location(head, &self.url).map_err(|why| self.broken(format!("{from} {why}")))?;
        if self.seen.len() >= MAX_HOPS {
            return Err(self.broken(format!("{from} redirects once more after {MAX_HOPS} redirects")));
        }
        self.all_permanent &=
            matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
        if self.all_permanent {
            self.permanent = Some(target.clone());
        }
        let left = std::mem::replace(&mut self.url, target);
        self.seen.push(left.clone());
        if self.seen.contains(&self.url) {
            let to = words::shown(&self.url);
            return Err(self.broken(format!("{from} redirects in a circle, back to {to}")));
        }
        self.previous = Some(left);
        Ok(())
    }
}

fn manipulated_as_feed(head: &HeaderMap) -> bool {
    let lines = head.get_all("im").iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|im| im.trim().eq_ignore_ascii_case("feed"))
}
