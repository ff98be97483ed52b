//! Connections: accepts them, bounds them, closes them. Knows nothing of what is asked.
//!
//! Our own loop, because `axum::serve` has no limit on how long a request head may take
//! and waits for silent connections when it stops.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, Response, StatusCode, Uri, Version, header};
use futures_util::future::Either;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::crowd::{Crowd, FINISH, LEAVE, Steady, Work};
use super::quick::{self, Out};
use super::reply::{self, HEAD_BYTES};

/// Lines of a request head.
const HEAD_LINES: usize = 100;
/// Open responses get this long when we stop, in seconds.
const DRAIN_SECONDS: u64 = 5;
/// Bytes that the system takes ahead of what is on its way.
const UNSENT: u32 = 64 << 10;
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
                hold_little(&stream);
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
    Tcp(TcpStream),
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

/// Lets the system hold back little that is not on its way: of who does not read it would keep megabytes. What is on its
/// way is not bounded, so that nobody far off reads more slowly.
fn hold_little(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT);
}

/// False for what no client of HTTP/1.1 may send (RFC 9112, 3.2).
fn names_one_host<B>(request: &Request<B>) -> bool {
    request.version() < Version::HTTP_11 || request.headers().get_all(header::HOST).iter().count() == 1
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
        if !names_one_host(&request) {
            let answer = reply::text(StatusCode::BAD_REQUEST, "A request has one Host field.");
            return quick::at_once(answer.map(Out::Alone));
        }
        if let Some(answer) = answerer.at_hand(&request) {
            return quick::at_once(answer);
        }
        request.extensions_mut().insert(peer);
        answerer.prepare(request.uri_mut());
        let (router, work) = (router.clone(), Work::begin(&busy));
        Either::Right(Box::pin(async move {
            let mut answer = router.oneshot(request).await?;
            if answer.status() == StatusCode::NOT_MODIFIED {
                // The routes would say how long the body is that is not there, of one that is (RFC 9110, 8.6).
                answer.headers_mut().remove(header::CONTENT_LENGTH);
            }
            Ok(answer.map(|body| Out::Route(body, work)))
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
