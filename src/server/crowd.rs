//! The open connections: how many, how long each may be silent, slow or late, and how one is asked to leave.
//! Knows nothing of what goes over them.
//!
//! Time is counted in rounds that one task makes for all: no timer for each request, and no clock that all
//! connections write to.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

/// Connections at once; past it, the one that has been idle longest goes.
const CONNECTIONS: usize = 4096;
/// A whole request head, from its first byte (of a new connection: from the greeting).
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Between two requests of one connection.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// How often connections are looked through for late and idle ones: no timer for each request.
const ROUND: Duration = Duration::from_millis(250);
/// A response that makes no progress for so long is dropped.
const STALL_TIME: Duration = Duration::from_mins(1);

/// What is wished of a connection: no more requests after the one in hand.
pub(super) const FINISH: u8 = 1;
/// That it ends at once.
pub(super) const LEAVE: u8 = 2;

/// All open connections, so that one can be asked to leave for another.
#[derive(Default)]
pub(super) struct Crowd {
    faces: Mutex<HashMap<u64, Arc<Face>>>,
    /// Connections so far.
    entered: AtomicU64,
    /// Rounds made so far: all the clock that connections need.
    rounds: AtomicU64,
    /// The last one left.
    empty: Notify,
}

/// What is known of one connection.
pub(super) struct Face {
    /// The round in which it last moved. A finer clock would be one that all connections write to.
    round: AtomicU64,
    /// The round in which the head that is being read began; 0: none is.
    pub(super) head: AtomicU64,
    /// Requests that are not answered to the end yet.
    requests: AtomicUsize,
    /// It has not taken all that was written.
    slow: AtomicBool,
    /// 0, [`FINISH`] or [`LEAVE`].
    pub(super) wish: AtomicU8,
    pub(super) waker: AtomicWaker,
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
    pub(super) fn begin(face: &Arc<Face>) -> Self {
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
pub(super) struct Guest {
    crowd: Arc<Crowd>,
    number: u64,
    pub(super) face: Arc<Face>,
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

    /// Sends away, for ever, who takes too long over a head, who has been silent too long, and who does not take
    /// what it asked for.
    pub(super) async fn tend(&self) {
        let rounds = |time: Duration| u64::try_from(time.as_millis() / ROUND.as_millis()).unwrap_or(u64::MAX);
        let (head_rounds, idle_rounds, stall_rounds) =
            (rounds(HEAD_TIME), rounds(IDLE_TIME), rounds(STALL_TIME));
        let mut ticks = tokio::time::interval(ROUND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.rounds.fetch_add(1, Ordering::Relaxed);
            let now = self.round();
            for face in self.lock().values() {
                let head = face.head.load(Ordering::Relaxed);
                let late = head > 0 && now.saturating_sub(head) > head_rounds;
                let still = now.saturating_sub(face.round.load(Ordering::Relaxed));
                let over = if face.slow.load(Ordering::Relaxed) {
                    still > stall_rounds
                } else {
                    face.requests.load(Ordering::Relaxed) == 0 && (late || still > idle_rounds)
                };
                if over {
                    face.ask(LEAVE);
                }
            }
        }
    }

    pub(super) fn enter(self: &Arc<Self>) -> Guest {
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

    pub(super) fn ask_all(&self, wish: u8) {
        self.lock().values().for_each(|face| face.ask(wish));
    }

    /// Waits until nobody is left.
    pub(super) async fn emptied(&self) {
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
pub(super) struct Steady<S> {
    stream: S,
    face: Arc<Face>,
    crowd: Arc<Crowd>,
}

impl<S> Steady<S> {
    pub(super) fn new(stream: S, face: Arc<Face>, crowd: Arc<Crowd>) -> Self {
        Self { stream, face, crowd }
    }

    fn moved(&self) {
        self.face.round.store(self.crowd.round(), Ordering::Relaxed);
    }

    /// Whether what was to be written could be.
    fn judge(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.moved();
        }
        if self.face.slow.load(Ordering::Relaxed) == written.is_ready() {
            self.face.slow.store(written.is_pending(), Ordering::Relaxed);
        }
        written
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
        self.judge(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.judge(written)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// One who came, and after how many seconds it was asked to leave.
    async fn stay(set: impl Fn(&Face)) -> Option<u64> {
        let crowd = Arc::new(Crowd::default());
        let guest = crowd.enter();
        // Its first head is over.
        guest.face.head.store(0, Ordering::Relaxed);
        set(&guest.face);
        let tending = tokio::spawn({
            let crowd = crowd.clone();
            async move { crowd.tend().await }
        });
        let start = tokio::time::Instant::now();
        let mut left = None;
        while left.is_none() && start.elapsed() < Duration::from_mins(5) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let asked = guest.face.wish.load(Ordering::Relaxed) == LEAVE;
            left = asked.then(|| start.elapsed().as_secs());
        }
        tending.abort();
        left
    }

    #[tokio::test(start_paused = true)]
    async fn who_stays_and_how_long() {
        assert_eq!(stay(|_| {}).await, Some(31), "silent between two requests");
        assert_eq!(stay(|face| face.head.store(1, Ordering::Relaxed)).await, Some(11), "a head half sent");
        assert_eq!(stay(|face| face.slow.store(true, Ordering::Relaxed)).await, Some(61), "takes nothing");
        let answered = |face: &Face| face.requests.store(1, Ordering::Relaxed);
        assert_eq!(stay(answered).await, None, "its answer is being made");
        let both = |face: &Face| {
            face.requests.store(1, Ordering::Relaxed);
            face.slow.store(true, Ordering::Relaxed);
        };
        assert_eq!(stay(both).await, Some(61), "takes nothing of an answer that is being made");
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_makes_room() {
        let crowd = Arc::new(Crowd::default());
        let mut guests: Vec<_> = (0..CONNECTIONS).map(|_| crowd.enter()).collect();
        guests[0].face.requests.store(1, Ordering::Relaxed);
        guests.push(crowd.enter());
        let asked: Vec<_> =
            guests.iter().filter(|guest| guest.face.wish.load(Ordering::Relaxed) == LEAVE).collect();
        assert_eq!(asked.iter().map(|guest| guest.number).collect::<Vec<_>>(), [1]);
    }
}
