//! Asks over HTTP: one request a hop, each hop checked like the first, every end mapped to a value or to
//! an error in words. Never stores a validator and never decides when to ask again.

mod incoming;
mod message;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::header::{HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use reqwest::{Client, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio::time::error::Elapsed;
use url::Url;

use incoming::Incoming;
pub use message::Message;

use super::body;
use super::guard::{self, CONNECT_LIMIT, Guard, Lookup, Resolver};
use super::polite::{Held, Permit, host_and_port};
use super::standing::{Connection, IDLE, OPEN, Standing};
use super::{
    Answer, Fetch, FetchError, Fetched, Freshness, Gate, Options, Request, asking, certificate, headers,
    words,
};
use crate::units::Span;

const MAX_HOPS: usize = 10;
/// Bodies at once that are larger than small: six of 16 MiB, and 128 polls with small ones, are 128 MiB.
const LARGE_BODIES: usize = 6;

/// Fetches over HTTP/1.1 and HTTP/2. One for the whole process; connections are shared per host.
pub struct Http {
    agent: HeaderValue,
    guard: Guard,
    lookup: Lookup,
    roots: Vec<reqwest::Certificate>,
    max_hold: Duration,
    proxy: Option<Url>,
    /// For each proxy one that keeps connections open, and one that does not.
    clients: Mutex<HashMap<(Option<Url>, bool), Client>>,
    standing: Standing,
    gate: Arc<Gate>,
    /// Places for large bodies: together with the small ones of all polls they stay under 128 MiB.
    large: Arc<Semaphore>,
}

impl Http {
    /// Reads the roots and `allow_private`; builds the first client.
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
        // Without a default provider reqwest panics; a second installation is refused, which is well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let proxy = match &options.proxy {
            None => None,
            Some(text) => Some(Url::parse(text).map_err(|error| format!("proxy {text:?}: {error}"))?),
        };
        let http = Self {
            agent: asking::agent(options.contact.as_deref())?,
            guard: Guard::new(&options.allow_private).map_err(|error| format!("allow_private: {error}"))?,
            lookup,
            roots: roots(options.ca_file.as_deref())?,
            max_hold: options.max_hold.0,
            proxy,
            clients: Mutex::default(),
            standing: Standing::default(),
            gate,
            large: Arc::new(Semaphore::new(LARGE_BODIES)),
        };
        http.client(None, true)?;
        Ok(http)
    }

    /// The client for a proxy (the source's, else the common one). Built once for each.
    fn client(&self, own: Option<&Url>, stays_open: bool) -> Result<Client, String> {
        let which = (own.or(self.proxy.as_ref()).cloned(), stays_open);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&which) {
            return Ok(client.clone());
        }
        let client = self.build(which.0.as_ref(), stays_open)?;
        clients.insert(which, client.clone());
        Ok(client)
    }

    fn build(&self, proxy: Option<&Url>, stays_open: bool) -> Result<Client, String> {
        let mut guard = self.guard.clone();
        let mut builder = Client::builder()
            .tls_certs_only(self.roots.clone())
            // For the day that a certificate ends.
            .tls_info(true)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            // Decoded by ourselves: only so are raw bytes counted and rubbish after the end seen.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .connect_timeout(CONNECT_LIMIT)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(if stays_open { OPEN } else { 0 })
            .http1_max_headers(headers::MAX_LINES)
            // Lines of a head that are no fields, or written as long ago, hinder no other reader.
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http2_max_header_list_size(u32::try_from(headers::MAX_HEAD).unwrap_or(u32::MAX));
        if let Some(url) = proxy {
            let shown = words::shown(url);
            if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
                return Err(format!("proxy {shown}: only http, https and socks5 are spoken"));
            }
            let words = |error: reqwest::Error| format!("proxy {shown}: {}", error.without_url());
            builder = builder.proxy(reqwest::Proxy::all(url.clone()).map_err(words)?);
            // Who names a proxy means it, wherever it is.
            guard = guard.with_name(url.host_str().unwrap_or_default());
        }
        let resolver = Resolver { guard, lookup: Arc::clone(&self.lookup) };
        builder
            .dns_resolver(resolver)
            .build()
            .map_err(|error| format!("no HTTP client: {}", error.without_url()))
    }

    async fn trip(
        &self,
        request: &Request<'_>,
        now: DateTime<Utc>,
        trip: &mut Trip,
    ) -> Result<Fetched, FetchError> {
        sound(request).map_err(|words| trip.broken(words))?;
        trip.proxy = request.source.proxy.as_ref().or(self.proxy.as_ref()).map(words::host);
        let mut permit: Option<Permit> = None;
        loop {
            let url = trip.url.clone();
            self.guard
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
                        Err(held) => return Ok(trip.held(held)),
                    }
                }
            };
            let started = Instant::now();
            let connection = self.standing.connection(&host_and_port(&url), started);
            let client = |stays_open| self.client(request.source.proxy.as_ref(), stays_open);
            let over = client(connection != Connection::Once).map_err(|words| trip.broken(words))?;
            let deadline = started + request.source.timeout.saturating_sub(trip.spent);
            let reached = exchange(&over, &self.agent, request, now, trip);
            let mut reached = tokio::time::timeout_at(deadline, reached).await;
            if std::mem::take(&mut trip.hung_up) && connection == Connection::Again {
                // It stood open from before, and its host was closing it: the request was not heard (RFC 9112 9.3.1).
                let fresh = client(false).map_err(|words| trip.broken(words))?;
                let again = exchange(&fresh, &self.agent, request, now, trip);
                reached = tokio::time::timeout_at(deadline, again).await;
                trip.closes = true;
            }
            trip.spent += started.elapsed();
            let step = match reached {
                Ok(Ok(Reached::Large(incoming))) => self.read_on(*incoming, request, now, trip).await,
                Ok(Ok(Reached::Step(step))) => Ok(Ok(step)),
                Ok(Err(error)) => Ok(Err(error)),
                Err(late) => Err(late),
            };
            if std::mem::take(&mut trip.closes) || !matches!(step, Ok(Ok(_))) {
                self.standing.close(&host_and_port(&url));
            } else {
                self.standing.leave_open(&host_and_port(&url));
            }
            self.note(&url, trip, &step);
            match step {
                Err(_) => return Err(trip.late(request.source.timeout)),
                Ok(Err(error)) => return Err(error),
                Ok(Ok(Step::Ended(fetched))) => {
                    if let Fetched::Throttled(answer) = &*fetched {
                        self.hold(answer);
                    }
                    return Ok(*fetched);
                }
                Ok(Ok(Step::Next)) => permit = Some(turn),
            }
        }
    }

    /// The rest of a large body. It waits for its place among them, which is not its server's fault: that does not
    /// count against the deadline. Whoever has a place waits for nothing more, so everybody comes to an end.
    async fn read_on(
        &self,
        mut incoming: Incoming,
        request: &Request<'_>,
        now: DateTime<Utc>,
        trip: &mut Trip,
    ) -> Result<Result<Step, FetchError>, Elapsed> {
        incoming.place = self.large.clone().acquire_owned().await.ok();
        let resumed = Instant::now();
        let left = request.source.timeout.saturating_sub(trip.spent);
        let read = tokio::time::timeout(left, incoming.read(trip)).await;
        trip.spent += resumed.elapsed();
        Ok(match read? {
            Ok(true) => incoming.whole(now, trip).map(|fetched| Step::Ended(Box::new(fetched))),
            Ok(false) => Err(trip.broken(format!("{} found no place", words::shown(&trip.url)))),
            Err(error) => Err(error),
        })
    }

    /// The ledger of the host that was asked.
    fn note(&self, url: &Url, trip: &mut Trip, step: &Result<Result<Step, FetchError>, Elapsed>) {
        let (requests, bytes) = (trip.requests - trip.noted, std::mem::take(&mut trip.bytes));
        trip.noted = trip.requests;
        self.gate.note(url, |tally| {
            tally.requests += u64::from(requests);
            tally.bytes += bytes;
            match step {
                Ok(Ok(Step::Next)) => {}
                Ok(Ok(Step::Ended(ended))) => match &**ended {
                    Fetched::Body(..) => tally.documents += 1,
                    Fetched::NotModified(_) => tally.not_modified += 1,
                    Fetched::Throttled(_) => tally.throttled += 1,
                    Fetched::Gone(_) => tally.failed += 1,
                },
                Err(_) | Ok(Err(_)) => tally.failed += 1,
            }
        });
    }

    /// RFC 6585 4: a 429 is about whoever asks, so the whole host is left alone.
    fn hold(&self, answer: &Answer) {
        if let (429, Some(wait)) = (answer.status, answer.freshness.retry_after) {
            self.gate.hold_for(&answer.url, wait.min(self.max_hold));
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
    let url = &request.url;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("{} was not asked: only http and https addresses are", words::shown(url)));
    }
    if url.as_str().len() > headers::MAX_URL {
        return Err(format!(
            "an address of {} bytes was not asked: the limit is {}",
            url.as_str().len(),
            headers::MAX_URL
        ));
    }
    let named = !url.username().is_empty() || url.password().is_some();
    if named && request.source.url.origin() != url.origin() {
        let shown = words::shown(url);
        return Err(format!("{shown} was not asked: it names a user, and is not the source's own address"));
    }
    Ok(())
}

fn roots(ca_file: Option<&Path>) -> Result<Vec<reqwest::Certificate>, String> {
    let mut roots = Vec::new();
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        roots.push(reqwest::Certificate::from_der(der).map_err(|error| format!("a built-in root: {error}"))?);
    }
    if let Some(path) = ca_file {
        let words = |error: &dyn std::fmt::Display| format!("ca_file {}: {error}", path.display());
        let pem = std::fs::read(path).map_err(|error| words(&error))?;
        let more = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| words(&error))?;
        if more.is_empty() {
            return Err(words(&"no certificate in it"));
        }
        roots.extend(more);
    }
    Ok(roots)
}

/// Where a poll stands. Outlives the step that a deadline cuts off, so that its words are right.
struct Trip {
    url: Url,
    /// Host and port of the proxy in between.
    proxy: Option<String>,
    previous: Option<Url>,
    seen: Vec<Url>,
    permanent: Option<Url>,
    /// Only 301 and 308 so far.
    all_permanent: bool,
    requests: u32,
    /// Of the host that answered last.
    certificate_ends: Option<DateTime<Utc>>,
    /// Of these stand in the ledger.
    noted: u32,
    /// Bytes of the body under way, as they came.
    bytes: u64,
    spent: Duration,
    stage: &'static str,
    /// The connection was closed before there was an answer.
    hung_up: bool,
    /// The connection ends with the answer.
    closes: bool,
}

enum Step {
    /// A redirect: the trip's URL is the next one.
    Next,
    Ended(Box<Fetched>),
}

/// How far an exchange came in one go.
enum Reached {
    Step(Step),
    /// Its body is large, and waits for its place.
    Large(Box<Incoming>),
}

impl Trip {
    fn new(url: &Url) -> Self {
        let mut url = url.clone();
        url.set_fragment(None);
        Self {
            url,
            proxy: None,
            previous: None,
            seen: Vec::new(),
            permanent: None,
            all_permanent: true,
            requests: 0,
            certificate_ends: None,
            noted: 0,
            bytes: 0,
            spent: Duration::ZERO,
            stage: "before it was asked",
            hung_up: false,
            closes: false,
        }
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
    fn held(&self, held: Held) -> Fetched {
        let mut answer = self.answer(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), DateTime::UNIX_EPOCH);
        answer.freshness = Freshness { retry_after: Some(held.wait), ..Freshness::default() };
        answer.held_by = held.by;
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
            held_by: None,
            requests: self.requests,
            certificate_ends: self.certificate_ends,
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

/// One request and what it answers.
async fn exchange(
    client: &Client,
    agent: &HeaderValue,
    request: &Request<'_>,
    now: DateTime<Utc>,
    trip: &mut Trip,
) -> Result<Reached, FetchError> {
    let head = asking::head(agent, request, &trip.url).map_err(|words| trip.broken(words))?;
    let conditional = head.contains_key(IF_NONE_MATCH) || head.contains_key(IF_MODIFIED_SINCE);
    trip.requests += 1;
    trip.stage = "connecting to it or waiting for its answer";
    let sent = client.get(trip.url.clone()).headers(head).send().await;
    trip.hung_up = sent.as_ref().is_err_and(words::is_hung_up);
    let mut response =
        sent.map_err(|error| trip.broken(words::of_request(&error, &trip.url, trip.proxy.as_deref())))?;
    trip.certificate_ends = certificate::ends(&response);
    let (status, head) = (response.status(), std::mem::take(response.headers_mut()));
    trip.closes = headers::closes(response.version(), status, &head);
    let shown = || words::shown(&trip.url);
    let asked = if conditional { "asked whether it changed" } else { "asked for all of it" };
    tracing::trace!("{}, {asked}, answered {status}", shown());
    if headers::size(&head) > headers::MAX_HEAD {
        return Err(trip.broken(format!("{} answered with a head larger than 64KiB", shown())));
    }
    let ended = |fetched| Ok(Reached::Step(Step::Ended(Box::new(fetched))));
    match status.as_u16() {
        // 203: as a proxy changed it, and no less whole.
        code if matches!(code, 200 | 203) || code == 226 && headers::manipulated_as_feed(&head) => {
            let mut incoming = Incoming::new(response, head, request.source.max_body, trip)?;
            if !incoming.read(trip).await? {
                return Ok(Reached::Large(Box::new(incoming)));
            }
            ended(incoming.whole(now, trip)?)
        }
        304 if conditional => ended(Fetched::NotModified(trip.answer(status, &head, now))),
        304 => Err(trip.broken(format!(
            "{} answered 304 Not Modified though it was not asked whether it changed",
            shown()
        ))),
        301 | 302 | 303 | 307 | 308 => trip.follow(status, &head).map(|()| Reached::Step(Step::Next)),
        410 if trip.all_permanent => ended(Fetched::Gone(trip.answer(status, &head, now))),
        429 | 503 => ended(Fetched::Throttled(trip.answer(status, &head, now))),
        code => Err(FetchError::Status {
            url: shown(),
            status: code,
            reason: status.canonical_reason().unwrap_or("(no standard status)"),
            requests: trip.requests,
        }),
    }
}
