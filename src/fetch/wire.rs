//! Requests over connections, and connections kept for the next request of the same host.
//! Never follows a redirect, never reads a body.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Notify;
use tokio::time::Instant;
use url::Url;

use super::dial::{DialError, Dialled, Dialler};
use super::headers;

/// Long enough for the next source of the same host, and shorter than servers' own patience: one that closes
/// just when we ask again costs its source a failure.
const IDLE: Duration = Duration::from_secs(4);
/// Kept for one host.
const KEPT: usize = 2;
/// Interim (1xx) answers before the answer.
const MAX_INTERIM: usize = 8;
/// Of HTTP/2: what a server may send before we have taken it.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 512 << 10;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum WireError {
    Dial(DialError),
    Http(hyper::Error),
    Interim,
}

/// All connections.
pub(super) struct Wire {
    dialler: Dialler,
    idle: Arc<Idle>,
}

#[derive(Default)]
struct Idle {
    lines: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_place: HashMap<String, Vec<(Line, Instant)>>,
    swept: bool,
}

enum Line {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// An answer whose body is still to come, and the connection it comes over.
pub(super) struct Answered {
    pub(super) response: http::Response<Incoming>,
    back: Back,
}

/// The way back of a connection whose answer was read to its end.
pub(super) struct Back {
    place: String,
    line: Line,
    idle: Weak<Idle>,
}

impl Wire {
    pub(super) fn new(dialler: Dialler) -> Self {
        Self { dialler, idle: Arc::default() }
    }

    pub(super) fn dialler(&self) -> &Dialler {
        &self.dialler
    }

    /// Sends one request to where `url` is. A kept connection that turns out to be closed is replaced; over a
    /// new one nothing is ever sent twice.
    pub(super) async fn ask(
        &self,
        url: &Url,
        proxy: Option<&Url>,
        request: http::Request<Full<Bytes>>,
    ) -> Result<Answered, WireError> {
        let place = place(url, proxy);
        // Only a plain request by way of a plain proxy names the whole address (RFC 9112, 3.2).
        let by_name = proxy.is_some_and(|proxy| url.scheme() == "http" && proxy.scheme().starts_with("http"));
        let absolute = request.uri().clone();
        let mut request = request;
        let flood = watch(&mut request);
        while let Some(line) = self.idle.take(&place) {
            let again = request.clone();
            match send(line, request, (&absolute, by_name), &flood).await {
                Ok(Sent::Answered(response, line)) => return Ok(self.answered(response, place, line)),
                Ok(Sent::Unsent(same)) => request = *same,
                // Closed just before we asked (RFC 9112, 9.3.1): nobody has seen the request.
                Err(WireError::Http(error)) if error.is_incomplete_message() || is_reset(&error) => {
                    request = again;
                }
                Err(error) => return Err(error),
            }
        }
        let dialled = self.dialler.dial(url, proxy).await.map_err(WireError::Dial)?;
        let line = open(dialled).await.map_err(WireError::Http)?;
        match send(line, request, (&absolute, by_name), &flood).await? {
            Sent::Answered(response, line) => Ok(self.answered(response, place, line)),
            // A new connection that takes nothing: said as what it is.
            Sent::Unsent(_) => {
                Err(WireError::Dial(DialError::Connect(std::io::ErrorKind::ConnectionAborted.into())))
            }
        }
    }

    fn answered(&self, response: http::Response<Incoming>, place: String, line: Line) -> Answered {
        Answered { response, back: Back { place, line, idle: Arc::downgrade(&self.idle) } }
    }
}

impl Answered {
    pub(super) fn split(self) -> (http::Response<Incoming>, Back) {
        (self.response, self.back)
    }
}

impl Back {
    /// Keeps the connection for the next request of this host. To be called once the body was read to its end.
    pub(super) fn keep(self) {
        let Some(idle) = self.idle.upgrade() else { return };
        if self.line.is_closed() {
            return;
        }
        let mut kept = idle.kept();
        let lines = kept.by_place.entry(self.place).or_default();
        if lines.len() < KEPT {
            lines.push((self.line, Instant::now()));
        }
        if !kept.swept {
            kept.swept = true;
            tokio::spawn(sweep(Arc::downgrade(&idle)));
        }
    }
}

impl Idle {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A map of connections, never half changed.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, place: &str) -> Option<Line> {
        let mut kept = self.kept();
        let lines = kept.by_place.get_mut(place)?;
        while let Some((line, since)) = lines.pop() {
            if since.elapsed() < IDLE && !line.is_closed() {
                return Some(line);
            }
        }
        kept.by_place.remove(place);
        None
    }
}

/// Closes what nobody wanted. Ends when nothing is kept.
async fn sweep(idle: Weak<Idle>) {
    loop {
        tokio::time::sleep(IDLE / 4).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut kept = idle.kept();
        kept.by_place.retain(|_, lines| {
            lines.retain(|(line, since)| since.elapsed() < IDLE && !line.is_closed());
            !lines.is_empty()
        });
        if kept.by_place.is_empty() {
            kept.by_place.shrink_to_fit();
            kept.swept = false;
            return;
        }
    }
}

impl Line {
    fn is_closed(&self) -> bool {
        match self {
            Self::One(sender) => sender.is_closed(),
            Self::Two(sender) => sender.is_closed(),
        }
    }
}

/// Whom a connection may serve.
fn place(url: &Url, proxy: Option<&Url>) -> String {
    let place = url.origin().ascii_serialization();
    match proxy {
        // What is sealed end to end belongs to one origin; a plain proxy would serve all, and is not worth the case.
        Some(proxy) => format!("{place} by {proxy}"),
        None => place,
    }
}

/// Counts interim answers; tells when there are too many.
fn watch(request: &mut http::Request<Full<Bytes>>) -> Arc<Notify> {
    let flood = Arc::new(Notify::new());
    let (told, count) = (flood.clone(), AtomicUsize::new(0));
    hyper::ext::on_informational(request, move |_| {
        if count.fetch_add(1, Ordering::Relaxed) >= MAX_INTERIM {
            told.notify_one();
        }
    });
    flood
}

async fn open(dialled: Dialled) -> Result<Line, hyper::Error> {
    let stream = TokioIo::new(dialled.stream);
    // How a connection ends is told to whoever waits for an answer over it.
    if dialled.http2 {
        let limit = u32::try_from(headers::MAX_HEAD).unwrap_or(u32::MAX);
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(limit)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .handshake(stream)
            .await?;
        tokio::spawn(async move { drop(connection.await) });
        return Ok(Line::Two(sender));
    }
    let (sender, connection) = http1::Builder::new()
        .max_headers(headers::MAX_LINES)
        .max_header_size(headers::MAX_HEAD)
        .max_buf_size(headers::MAX_HEAD)
        .handshake(stream)
        .await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(Line::One(sender))
}

fn is_reset(error: &hyper::Error) -> bool {
    let io = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    io.is_some_and(|io| {
        matches!(io.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe)
    })
}

enum Sent {
    Answered(http::Response<Incoming>, Line),
    /// Nothing of it left this machine.
    Unsent(Box<http::Request<Full<Bytes>>>),
}

/// HTTP/1.1 names the host in a header and the rest in the first line; HTTP/2 has fields for both.
fn addressed(request: &mut http::Request<Full<Bytes>>, line: &Line, absolute: &http::Uri, by_name: bool) {
    request.headers_mut().remove(HOST);
    *request.uri_mut() = absolute.clone();
    if matches!(line, Line::Two(_)) {
        return;
    }
    let host = absolute.authority().and_then(|host| http::HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = host {
        request.headers_mut().insert(HOST, host);
    }
    if let (false, Some(path)) = (by_name, absolute.path_and_query()) {
        *request.uri_mut() = http::Uri::from(path.clone());
    }
}

async fn send(
    mut line: Line,
    mut request: http::Request<Full<Bytes>>,
    (absolute, by_name): (&http::Uri, bool),
    flood: &Notify,
) -> Result<Sent, WireError> {
    addressed(&mut request, &line, absolute, by_name);
    let sending = async {
        match &mut line {
            Line::One(sender) => match sender.ready().await {
                Ok(()) => sender.try_send_request(request).await,
                Err(_) => return Ok(Err(request)),
            },
            Line::Two(sender) => match sender.ready().await {
                Ok(()) => sender.try_send_request(request).await,
                Err(_) => return Ok(Err(request)),
            },
        }
        .map(Ok)
        .or_else(|mut error| match error.take_message() {
            Some(request) => Ok(Err(request)),
            None => Err(error.into_error()),
        })
    };
    let sent = tokio::select! {
        // First, so that an answer at the end of a flood does not hide it.
        biased;
        () = flood.notified() => return Err(WireError::Interim),
        sent = sending => sent,
    };
    match sent {
        Ok(Ok(response)) => Ok(Sent::Answered(response, line)),
        Ok(Err(request)) => Ok(Sent::Unsent(Box::new(request))),
        Err(error) => Err(WireError::Http(error)),
    }
}
