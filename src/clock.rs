//! The only place that asks what time it is. Everything else is handed a time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

/// A source of time. Two exist: [`System`], and [`Manual`] for tests, moved by hand.
pub trait Clock: Send + Sync {
    /// Wall clock, UTC.
    fn now(&self) -> DateTime<Utc>;

    /// Time since some fixed moment; never goes back, whatever happens to the wall clock.
    fn elapsed(&self) -> Duration;

    /// Ends when `span` has passed on the monotonic clock.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()>;
}
