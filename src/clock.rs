//! The only place that asks what time it is. Everything else is handed a time.
//! Never decides anything; knows no feeds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

mod file;
mod paced;
#[cfg(test)]
mod tests;

pub use file::FileClock;
pub use paced::Paced;

/// The environment variable that names the file of a [`FileClock`]. A test seam, not for users.
pub const ENV: &str = "RIVERINE_CLOCK";

/// A source of time. [`System`] is the real one; [`Manual`] is moved by hand in tests, [`Paced`] goes with
/// tokio's clock, which tests pause, and [`FileClock`] is for tests of the real program.
pub trait Clock: Send + Sync {
    /// Wall clock, UTC.
    fn now(&self) -> DateTime<Utc>;

    /// Time since some fixed moment; never goes back, whatever happens to the wall clock.
    fn elapsed(&self) -> Duration;

    /// Ends when `span` has passed on the monotonic clock.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()>;
}

/// The clock the environment asks for: [`System`], or a [`FileClock`] where [`ENV`] is set.
///
/// # Errors
/// When the file of [`ENV`] cannot be read or holds no time.
pub fn from_env() -> Result<Arc<dyn Clock>, String> {
    match std::env::var_os(ENV) {
        None => Ok(Arc::new(System::new())),
        Some(path) => Ok(Arc::new(FileClock::open(path.as_ref())?)),
    }
}

/// The machine's clocks. Sleeping needs a tokio runtime.
#[derive(Debug)]
pub struct System {
    start: tokio::time::Instant,
}

impl System {
    /// Starts counting.
    pub fn new() -> Self {
        Self { start: tokio::time::Instant::now() }
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for System {
    #[allow(clippy::disallowed_methods, reason = "the one place that may ask")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(span).boxed()
    }
}

/// A clock that stands still until it is moved. Clones share the same hands.
#[derive(Clone, Debug)]
pub struct Manual {
    hands: Arc<Hands>,
}

impl Manual {
    /// Stands at `wall`; its monotonic clock at zero.
    pub fn new(wall: DateTime<Utc>) -> Self {
        Self { hands: Arc::new(Hands::new(wall)) }
    }

    /// Moves both clocks on and wakes whoever slept until then, earliest first.
    pub fn advance(&self, span: Duration) {
        self.hands.advance(span);
    }

    /// Sets the wall clock, either way, as an administrator or NTP would: the monotonic clock
    /// does not move and nobody wakes.
    pub fn set_wall(&self, wall: DateTime<Utc>) {
        self.hands.lock().wall = wall;
    }

    /// How long until the first sleeper wakes; `None` when nobody sleeps.
    pub fn until_next(&self) -> Option<Duration> {
        let face = self.hands.lock();
        face.sleepers.keys().next().map(|(at, _)| at.saturating_sub(face.elapsed))
    }

    /// How many sleep.
    pub fn sleepers(&self) -> usize {
        self.hands.lock().sleepers.len()
    }
}

impl Clock for Manual {
    fn now(&self) -> DateTime<Utc> {
        self.hands.lock().wall
    }

    fn elapsed(&self) -> Duration {
        self.hands.lock().elapsed
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Hands::sleep(&self.hands, span)
    }
}

/// What [`Manual`] and [`FileClock`] share: two times and those who wait.
#[derive(Debug)]
struct Hands {
    face: Mutex<Face>,
}

#[derive(Debug)]
struct Face {
    wall: DateTime<Utc>,
    elapsed: Duration,
    sleepers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
    next_ticket: u64,
}

impl Hands {
    fn new(wall: DateTime<Utc>) -> Self {
        let face = Face { wall, elapsed: Duration::ZERO, sleepers: BTreeMap::new(), next_ticket: 0 };
        Self { face: Mutex::new(face) }
    }

    fn lock(&self) -> MutexGuard<'_, Face> {
        // Nothing under this lock can leave the face half changed, so a poisoned one is still right.
        self.face.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, span: Duration) {
        let due = {
            let mut face = self.lock();
            face.elapsed = face.elapsed.saturating_add(span);
            let span = chrono::TimeDelta::from_std(span).unwrap_or(chrono::TimeDelta::MAX);
            face.wall = face.wall.checked_add_signed(span).unwrap_or(DateTime::<Utc>::MAX_UTC);
            let bound = (face.elapsed, u64::MAX);
            let later = face.sleepers.split_off(&bound);
            std::mem::replace(&mut face.sleepers, later)
        };
        for (_, wake) in due {
            // A sleeper that was dropped meanwhile is not there to hear it.
            let _ = wake.send(());
        }
    }

    fn sleep(hands: &Arc<Self>, span: Duration) -> BoxFuture<'static, ()> {
        if span.is_zero() {
            return std::future::ready(()).boxed();
        }
        let (wake, woken) = oneshot::channel();
        let key = {
            let mut face = hands.lock();
            let key = (face.elapsed.saturating_add(span), face.next_ticket);
            face.next_ticket += 1;
            face.sleepers.insert(key, wake);
            key
        };
        let seat = Seat { hands: Arc::clone(hands), key };
        async move {
            let _seat = seat;
            // The sender lives in the hands, and the seat keeps those alive.
            let _ = woken.await;
        }
        .boxed()
    }
}

/// Takes a sleeper off the list when its future is dropped.
struct Seat {
    hands: Arc<Hands>,
    key: (Duration, u64),
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hands.lock().sleepers.remove(&self.key);
    }
}
