//! A clock that goes with tokio's, which tests and benchmarks pause: then hours pass in no time, and
//! only while nobody has anything to do. Never asks the machine what time it is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::Clock;

/// Wall and monotonic clock run with tokio's time; the wall can be set apart. Clones share the same hands.
#[derive(Clone, Debug)]
pub struct Paced {
    start: Instant,
    /// What the wall showed, or would have shown, at the start.
    wall: Arc<Mutex<DateTime<Utc>>>,
}

impl Paced {
    /// Shows `wall` now.
    pub fn new(wall: DateTime<Utc>) -> Self {
        Self { start: Instant::now(), wall: Arc::new(Mutex::new(wall)) }
    }

    /// Moves the wall clock, either way, as an administrator or NTP would: nobody wakes.
    pub fn jump(&self, by: TimeDelta) {
        let mut wall = self.wall.lock().unwrap_or_else(PoisonError::into_inner);
        *wall = wall.checked_add_signed(by).unwrap_or(*wall);
    }
}

impl Clock for Paced {
    fn now(&self) -> DateTime<Utc> {
        let wall = *self.wall.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = TimeDelta::from_std(self.elapsed()).unwrap_or(TimeDelta::MAX);
        wall.checked_add_signed(passed).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(span).boxed()
    }
}
