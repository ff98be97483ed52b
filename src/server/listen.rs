//! Connections: accepts them, bounds them, closes them. Knows nothing of what is asked.
//!
//! Our own loop, because `axum::serve` has no limit on how long a request head may take
//! and waits for silent connections when it stops.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, watch};
use tokio::time::{Sleep, sleep, timeout};
use tower::ServiceExt;

use super::reply::HEAD_BYTES;

/// Connections at once; past it, the one that has been idle longest goes.
const CONNECTIONS: usize = 4096;
/// A whole request head, from its first byte (of a new connection: from the greeting), in seconds.
const HEAD_SECONDS: u64 = 10;
/// Between two requests of one connection, in seconds.
const IDLE_SECONDS: u64 = 30;
/// Lines of a request head.
const HEAD_LINES: usize = 100;
/// A response that makes no progress for so long is dropped, in seconds.
const STALL_SECONDS: u64 = 60;
/// Open responses get this long when we stop, in seconds.
const DRAIN_SECONDS: u64 = 5;
/// Pause after an accept that failed (out of handles), in milliseconds.
const PAUSE_MILLIS: u64 = 200;

/// Where we listen. A socket passed by systemd is wrapped the same way.
#[derive(Debug)]
pub enum Listener {
    /// `host:port`.
    Tcp(TcpListener),
    /// `unix:/path`.
    Unix(UnixListener),
}

/// Who asks. Put into every request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// True for the loopback and for a unix socket.
    pub(super) local: bool,
}

/// Serves until `shutdown` is done, then lets open responses finish for at most five seconds.
/// `prepare` may rewrite an address before it is routed.
pub(super) async fn serve(
    listeners: Vec<Listener>,
    router: Router,
    prepare: impl Fn(&mut Uri) + Clone + Send + Sync + 'static,
    shutdown: impl Future<Output = ()>,
) {
    let crowd = Arc::new(Crowd::default());
    let graceful = GracefulShutdown::new();
    let (stop, stopped) = watch::channel(false);
    let house = House { router, prepare, crowd: crowd.clone(), graceful: &graceful };
    let loops = listeners.into_iter().map(|listener| accept(listener, &house, stopped.clone()));
    let loops = futures_util::future::join_all(loops);
    tokio::select! {
        _ = loops => {}
        () = shutdown => {}
    }
    let _ = stop.send(true);
    if timeout(Duration::from_secs(DRAIN_SECONDS), graceful.shutdown()).await.is_err() {
        crowd.close_all();
    }
}

/// What every connection needs.
struct House<'a, P> {
    router: Router,
    prepare: P,
    crowd: Arc<Crowd>,
    graceful: &'a GracefulShutdown,
}

async fn accept<P>(listener: Listener, house: &House<'_, P>, mut stopped: watch::Receiver<bool>)
where
    P: Fn(&mut Uri) + Clone + Send + 'static,
{
    loop {
        let accepted = tokio::select! {
            accepted = next(&listener) => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok((Stream::Tcp(stream), peer)) => {
                let _ = stream.set_nodelay(true);
                attend(stream, peer, house);
            }
            Ok((Stream::Unix(stream), peer)) => attend(stream, peer, house),
            Err(error) => {
                // Out of handles, most likely: spinning would only make it worse.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(PAUSE_MILLIS)).await;
            }
        }
    }
}

enum Stream {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

async fn next(listener: &Listener) -> io::Result<(Stream, Peer)> {
    match listener {
        Listener::Tcp(listener) => {
            let (stream, address) = listener.accept().await?;
            Ok((Stream::Tcp(stream), Peer { local: address.ip().to_canonical().is_loopback() }))
        }
        Listener::Unix(listener) => {
            let (stream, _) = listener.accept().await?;
            Ok((Stream::Unix(stream), Peer { local: true }))
        }
    }
}

/// Serves one connection on a task of its own.
fn attend<S, P>(stream: S, peer: Peer, house: &House<'_, P>)
where
    P: Fn(&mut Uri) + Clone + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let guest = house.crowd.enter();
    let prepare = house.prepare.clone();
    let busy = guest.face.clone();
    let service = house
        .router
        .clone()
        .map_request(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer);
            prepare(request.uri_mut());
            request
        })
        .map_future(move |answer| {
            let busy = busy.clone();
            async move {
                busy.begun.fetch_add(1, Ordering::Relaxed);
                busy.requests.fetch_add(1, Ordering::Relaxed);
                let answer = answer.await;
                busy.requests.fetch_sub(1, Ordering::Relaxed);
                answer
            }
        });
    let io = TokioIo::new(Steady::new(stream, guest.face.clone(), house.crowd.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        // Counts from the end of the answer before, so it bounds the idle time; `Steady` bounds the head.
        .header_read_timeout(Duration::from_secs(IDLE_SECONDS))
        .max_headers(HEAD_LINES)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(io, TowerToHyperService::new(service));
    let connection = house.graceful.watch(connection);
    tokio::spawn(async move {
        tokio::select! {
            // How a client leaves is its own affair.
            _ = connection => {}
            () = guest.face.leave.notified() => {}
        }
        drop(guest);
    });
}

/// All open connections, so that one can be asked to leave for another.
#[derive(Default)]
struct Crowd {
    faces: Mutex<HashMap<u64, Arc<Face>>>,
    /// Counts events: who moved last has the highest number.
    ticks: AtomicU64,
}

/// What is known of one connection.
struct Face {
    moved: AtomicU64,
    /// Requests whose head was whole, ever.
    begun: AtomicUsize,
    /// Those that are not answered yet.
    requests: AtomicUsize,
    leave: Notify,
}

/// A connection's place in the crowd, given up when dropped.
struct Guest {
    crowd: Arc<Crowd>,
    number: u64,
    face: Arc<Face>,
}

impl Crowd {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Face>>> {
        // A map is whole after every step, so a poisoned one is still right.
        self.faces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed)
    }

    fn enter(self: &Arc<Self>) -> Guest {
        let number = self.tick();
        let face = Arc::new(Face {
            moved: AtomicU64::new(number),
            begun: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            leave: Notify::new(),
        });
        let mut faces = self.lock();
        if faces.len() >= CONNECTIONS {
            let idle = |face: &Arc<Face>| {
                (face.requests.load(Ordering::Relaxed) > 0, face.moved.load(Ordering::Relaxed))
            };
            let longest = faces.iter().min_by_key(|(_, face)| idle(face)).map(|(number, _)| *number);
            if let Some(gone) = longest.and_then(|number| faces.remove(&number)) {
                gone.leave.notify_one();
            }
        }
        faces.insert(number, face.clone());
        Guest { crowd: self.clone(), number, face }
    }

    fn close_all(&self) {
        for face in self.lock().values() {
            face.leave.notify_one();
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.crowd.lock().remove(&self.number);
    }
}

/// A stream that remembers when it last moved, and fails when a write stands still or a request head takes
/// too long.
struct Steady<S> {
    stream: S,
    face: Arc<Face>,
    crowd: Arc<Crowd>,
    stalled: Option<Pin<Box<Sleep>>>,
    /// Ends when the head that is being read is late.
    late: Option<Pin<Box<Sleep>>>,
    /// Requests whose head was whole when we last looked.
    begun: usize,
}

impl<S> Steady<S> {
    fn new(stream: S, face: Arc<Face>, crowd: Arc<Crowd>) -> Self {
        let late = Some(Box::pin(sleep(Duration::from_secs(HEAD_SECONDS))));
        Self { stream, face, crowd, stalled: None, late, begun: 0 }
    }

    fn moved(&mut self) {
        self.stalled = None;
        self.face.moved.store(self.crowd.tick(), Ordering::Relaxed);
    }

    fn judge(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.moved();
            return written;
        }
        let sleep = self.stalled.get_or_insert_with(|| Box::pin(sleep(Duration::from_secs(STALL_SECONDS))));
        match sleep.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Steady<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let begun = self.face.begun.load(Ordering::Relaxed);
        if begun != self.begun {
            self.begun = begun;
            self.late = None;
        }
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.face.moved.store(self.crowd.tick(), Ordering::Relaxed);
            self.late.get_or_insert_with(|| Box::pin(sleep(Duration::from_secs(HEAD_SECONDS))));
            return read;
        }
        let late = self.late.as_mut().is_some_and(|late| late.as_mut().poll(context).is_ready());
        if late && self.face.requests.load(Ordering::Relaxed) == 0 {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Steady<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.judge(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
