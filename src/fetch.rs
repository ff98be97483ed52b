//! One document, politely: a source and its validators in, what the server said out.
//! Never decides when to ask (schedule.rs), never reads a document (parse.rs).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use crate::model::{Source, Validators};
use crate::units::{Size, Span};

mod asking;
mod body;
mod certificate;
mod guard;
mod headers;
mod http;
mod ledger;
mod polite;
mod standing;
#[cfg(test)]
pub(crate) mod tests;
mod words;

pub use guard::{Guard, Lookup};
pub use headers::named_in_links;
pub use http::{Http, Message};
pub use polite::{Gate, Held, Permit, host_and_port};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Whose headers, credentials, limits and proxy apply.
    pub source: &'a Source,
    /// The address: the source's own, the one it moved to, or a next page.
    pub url: Url,
    /// Sent along only when they belong to `url`.
    pub validators: Option<&'a Validators>,
}

/// What an answer said about when to come again (RFC 9111, RFC 9110 10.2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// `max-age` less `Age`, or `Expires` minus `Date`; `None` with `no-cache`, `no-store` or neither.
    pub fresh_for: Option<Duration>,
    /// True when it said anything of its freshness: a 304 that says nothing leaves what was said before.
    pub stated: bool,
    /// `Retry-After`, as a wait from the answer's own `Date`.
    pub retry_after: Option<Duration>,
}

/// A complete body.
#[derive(Clone, Debug)]
pub struct Body {
    /// Decompressed.
    pub bytes: bytes::Bytes,
    /// As it came.
    pub content_type: Option<String>,
    /// As it came.
    pub content_language: Option<String>,
    /// The address that answered, after redirects (`Content-Location` where it has one of the same origin).
    pub url: Url,
    /// True for 226: only what is new.
    pub delta: bool,
    /// Its place among the large bodies, until it is dropped; `None`: it is small, or nobody counts.
    pub place: Option<Arc<OwnedSemaphorePermit>>,
}

/// The head of every answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code of the last hop.
    pub status: u16,
    /// The address that was asked first.
    pub asked: Url,
    /// The address that answered.
    pub url: Url,
    /// Validators of a 200/226, or those a 304 carried.
    pub validators: Validators,
    /// When to come again.
    pub freshness: Freshness,
    /// Where the leading run of 301/308 hops led, if there was one.
    pub permanent: Option<Url>,
    /// Hubs named in `Link` headers, and the name by which they know the document (`rel=self`).
    pub hubs: (Vec<String>, Option<String>),
    /// Where nothing was asked because an earlier 429 holds the host: whose that was.
    pub held_by: Option<Url>,
    /// Requests made, redirects included.
    pub requests: u32,
    /// When the certificate of the host that answered ends; `None` without TLS.
    pub certificate_ends: Option<DateTime<Utc>>,
}

/// How a request ended.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// 200 or 226 with a whole body.
    Body(Answer, Body),
    /// 304 to a conditional request.
    NotModified(Answer),
    /// 429 (the whole host waits) or 503 (this URL waits). Where `url` lies on a host that an earlier 429 still
    /// holds, nothing was asked of it: `status` is 429, `retry_after` what is left, `requests` counts the hops
    /// before (mostly none).
    Throttled(Answer),
    /// 410, not at the end of a temporary redirect (that is a [`FetchError::Status`]).
    Gone(Answer),
}

/// Why there is nothing to read. Each says what, where and why.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    /// The server answered with a status that is no document.
    #[error("{url} answered {status} {reason}")]
    Status {
        /// Who.
        url: String,
        /// Code.
        status: u16,
        /// Its standard words.
        reason: &'static str,
        /// Requests made, redirects included.
        requests: u32,
    },
    /// DNS, connect, TLS, reset, time-out, cut body, limit, address refused.
    #[error("{words}")]
    Broken {
        /// The whole sentence, without secrets.
        words: String,
        /// Requests made, redirects included.
        requests: u32,
    },
}

/// Something that fetches: HTTP, or a script in tests.
///
/// Whoever implements it passes every request through the [`Gate`]; callers need not.
pub trait Fetch: Send + Sync {
    /// Asks once; follows redirects; ends by the source's deadline whatever happens, not counting
    /// the wait for its turn at the gate. May be dropped at any time.
    fn fetch<'a>(
        &'a self,
        request: Request<'a>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Fetched, FetchError>>;
}

/// `[fetch]`.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// One document, redirects included.
    pub timeout: Span,
    /// Decompressed bytes of one document.
    pub max_body: Size,
    /// Polls at once, all hosts together.
    pub concurrency: usize,
    /// Requests at once to one host (host and port).
    pub per_host: usize,
    /// Between two requests to one host.
    pub per_host_gap: Span,
    /// Floor between two polls of one source.
    pub min_interval: Span,
    /// First delay after a failure; 0: the source's own interval.
    pub backoff_base: Span,
    /// Cap of the doubling.
    pub backoff_max: Span,
    /// Cap on what a server may ask us to wait.
    pub max_hold: Span,
    /// A 301/308 seen this often is remembered.
    pub redirect_confirmations: u32,
    /// Goes into the User-Agent.
    pub contact: Option<String>,
    /// CIDRs or host names that may resolve to private addresses.
    pub allow_private: Vec<String>,
    /// http, https or socks5.
    pub proxy: Option<String>,
    /// Further roots, PEM.
    pub ca_file: Option<std::path::PathBuf>,
    /// Subscribe to sources' hubs.
    pub websub: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Span::secs(30),
            max_body: Size(16 << 20),
            concurrency: 128,
            per_host: 1,
            per_host_gap: Span::secs(1),
            min_interval: Span::secs(300),
            backoff_base: Span::secs(0),
            backoff_max: Span::secs(6 * 3600),
            max_hold: Span::secs(7 * 86_400),
            redirect_confirmations: 3,
            contact: None,
            allow_private: Vec::new(),
            proxy: None,
            ca_file: None,
            websub: false,
        }
    }
}
