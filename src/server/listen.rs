//! Connections: accepts them, bounds them, closes them. Knows nothing of what is asked.
//!
//! Our own loop, because `axum::serve` has no limit on how long a request head may take
//! and waits for silent connections when it stops.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::http::{Request, Response, Uri};
use futures_util::future::Either;
use futures_util::task::AtomicWaker;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, Sleep, sleep, timeout};
use tower::ServiceExt;

use super::quick::{self, Out};
use super::reply::HEAD_BYTES;

/// Connections at once; past it, the one that has been idle longest goes.
const CONNECTIONS: usize = 4096;
/// A whole request head, from its first byte (of a new connection: from the greeting).
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Between two requests of one connection.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// How often connections are looked through for late and idle ones: no timer for each request.
const ROUND: Duration = Duration::from_millis(250);
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

/// What answers: at once where it can, by its routes otherwise.
pub(super) trait Answerer: Send + Sync + 'static {
    /// An answer that is at hand.
    fn at_hand(&self, request: &Request<Incoming>) -> Option<Response<Out>>;
    /// Rewrites an address before it is routed.
    fn prepare(&self, uri: &mut Uri);
}

/// Serves until `shutdown` is done, then lets open responses finish for at most five seconds.
pub(super) async fn serve(
    listeners: Vec<Listener>,
    router: Router,
    answerer: Arc<impl Answerer>,
    shutdown: impl Future<Output = ()>,
) {
    let crowd = Arc::new(Crowd::default());
    let (stop, stopped) = watch::channel(false);
    let house = House { router, answerer, crowd: crowd.clone() };
    let loops = listeners.into_iter().map(|listener| accept(listener, &house, stopped.clone()));
    let loops = futures_util::future::join_all(loops);
    tokio::select! {
        _ = loops => {}
        () = crowd.tend() => {}
        () = shutdown => {}
    }
    let _ = stop.send(true);
    crowd.ask_all(FINISH);
    if timeout(Duration::from_secs(DRAIN_SECONDS), crowd.emptied()).await.is_err() {
        crowd.ask_all(LEAVE);
    }
}

/// What every connection needs.
struct House<A> {
    router: Router,
    answerer: Arc<A>,
    crowd: Arc<Crowd>,
}

async fn accept<A: Answerer>(listener: Listener, house: &House<A>, mut stopped: watch::Receiver<bool>) {
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
fn attend<S, A>(stream: S, peer: Peer, house: &House<A>)
where
    A: Answerer,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let guest = house.crowd.enter();
    let (router, answerer, busy) = (house.router.clone(), house.answerer.clone(), guest.face.clone());
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        busy.head.store(0, Ordering::Relaxed);
        if let Some(answer) = answerer.at_hand(&request) {
            return quick::at_once(answer);
        }
        request.extensions_mut().insert(peer);
        answerer.prepare(request.uri_mut());
        let (router, work) = (router.clone(), Work::begin(&busy));
        Either::Right(Box::pin(async move {
            let answer = router.oneshot(request).await;
            answer.map(|answer| answer.map(|body| Out::Route(body, work)))
        }))
    });
    let io = TokioIo::new(Steady::new(stream, guest.face.clone(), house.crowd.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        .max_headers(HEAD_LINES)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(io, service);
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        let mut finishing = false;
        poll_fn(|context| {
            guest.face.waker.register(context.waker());
            match guest.face.wish.load(Ordering::Relaxed) {
                LEAVE => return Poll::Ready(()),
                FINISH if !finishing => {
                    finishing = true;
                    connection.as_mut().graceful_shutdown();
                }
                _ => {}
            }
            // How a client leaves is its own affair.
            connection.as_mut().poll(context).map(drop)
        })
        .await;
        drop(guest);
    });
}

/// What is wished of a connection: no more requests after the one in hand.
const FINISH: u8 = 1;
/// That it ends at once.
const LEAVE: u8 = 2;

/// All open connections, so that one can be asked to leave for another.
#[derive(Default)]
struct Crowd {
    faces: Mutex<HashMap<u64, Arc<Face>>>,
    /// Connections so far.
    entered: AtomicU64,
    /// Rounds made so far: all the clock that connections need.
    rounds: AtomicU64,
    /// The last one left.
    empty: Notify,
}

/// What is known of one connection.
struct Face {
    /// The round in which it last moved. A finer clock would be one that all connections write to.
    round: AtomicU64,
    /// The round in which the head that is being read began; 0: none is.
    head: AtomicU64,
    /// Requests that are not answered to the end yet.
    requests: AtomicUsize,
    /// It has not taken all that was written.
    slow: AtomicBool,
    /// 0, [`FINISH`] or [`LEAVE`].
    wish: AtomicU8,
    waker: AtomicWaker,
}

impl Face {
    fn ask(&self, wish: u8) {
        self.wish.fetch_max(wish, Ordering::Relaxed);
        self.waker.wake();
    }
}

/// A request that is being answered, until its last byte is made.
pub(super) struct Work(Arc<Face>);

impl Work {
    fn begin(face: &Arc<Face>) -> Self {
        face.requests.fetch_add(1, Ordering::Relaxed);
        Self(face.clone())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What was read meanwhile was its body.
        self.0.head.store(0, Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
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

    fn round(&self) -> u64 {
        // From 1 on, so that 0 can stand for none.
        self.rounds.load(Ordering::Relaxed) + 1
    }

    /// Sends away who takes too long over a head and who has been silent too long, for ever.
    async fn tend(&self) {
        let rounds = |time: Duration| u64::try_from(time.as_millis() / ROUND.as_millis()).unwrap_or(u64::MAX);
        let (head_rounds, idle_rounds) = (rounds(HEAD_TIME), rounds(IDLE_TIME));
        let mut ticks = tokio::time::interval(ROUND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.rounds.fetch_add(1, Ordering::Relaxed);
            let now = self.round();
            for face in self.lock().values().filter(|face| face.requests.load(Ordering::Relaxed) == 0) {
                let head = face.head.load(Ordering::Relaxed);
                let late = head > 0 && now.saturating_sub(head) > head_rounds;
                let silent = now.saturating_sub(face.round.load(Ordering::Relaxed)) > idle_rounds;
                if late || silent && !face.slow.load(Ordering::Relaxed) {
                    face.ask(LEAVE);
                }
            }
        }
    }

    fn enter(self: &Arc<Self>) -> Guest {
        let number = self.entered.fetch_add(1, Ordering::Relaxed);
        let face = Arc::new(Face {
            round: AtomicU64::new(self.round()),
            // The greeting is part of the first head.
            head: AtomicU64::new(self.round()),
            requests: AtomicUsize::new(0),
            slow: AtomicBool::new(false),
            wish: AtomicU8::new(0),
            waker: AtomicWaker::new(),
        });
        let mut faces = self.lock();
        if faces.len() >= CONNECTIONS {
            let idle = |(number, face): &(&u64, &Arc<Face>)| {
                let busy = face.requests.load(Ordering::Relaxed) > 0;
                (busy, face.round.load(Ordering::Relaxed), **number)
            };
            let longest = faces.iter().min_by_key(idle).map(|(number, _)| *number);
            if let Some(gone) = longest.and_then(|number| faces.remove(&number)) {
                gone.ask(LEAVE);
            }
        }
        faces.insert(number, face.clone());
        Guest { crowd: self.clone(), number, face }
    }

    fn ask_all(&self, wish: u8) {
        self.lock().values().for_each(|face| face.ask(wish));
    }

    /// Waits until nobody is left.
    async fn emptied(&self) {
        while !self.lock().is_empty() {
            self.empty.notified().await;
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut faces = self.crowd.lock();
        faces.remove(&self.number);
        if faces.is_empty() {
            self.crowd.empty.notify_one();
        }
    }
}

/// A stream that notes when it moved and when a head began, and fails when a write stands still.
struct Steady<S> {
    stream: S,
    face: Arc<Face>,
    crowd: Arc<Crowd>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Steady<S> {
    fn new(stream: S, face: Arc<Face>, crowd: Arc<Crowd>) -> Self {
        Self { stream, face, crowd, stalled: None }
    }

    fn moved(&self) {
        self.face.round.store(self.crowd.round(), Ordering::Relaxed);
    }

    fn judge(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.moved();
            if self.stalled.take().is_some() {
                self.face.slow.store(false, Ordering::Relaxed);
            }
            return written;
        }
        self.face.slow.store(true, Ordering::Relaxed);
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
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.moved();
            if self.face.head.load(Ordering::Relaxed) == 0 {
                self.face.head.store(self.crowd.round(), Ordering::Relaxed);
            }
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
