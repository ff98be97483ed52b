//! Whose turn it is: so many requests at once to one host, a pause between two, and a limit on all
//! together. First come, first served; a source that waits for a busy host takes no place of the others.
//! Never decides when a source is due (schedule.rs).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::Options;
use crate::clock::Clock;

#[cfg(test)]
mod tests;

/// Below this many hosts nobody is forgotten.
const KEPT_HOSTS: usize = 256;

/// The gate that every request passes. One for the whole process.
pub struct Gate {
    clock: Arc<dyn Clock>,
    per_host: usize,
    gap: Duration,
    all: Arc<Semaphore>,
    hosts: Mutex<Hosts>,
}

#[derive(Default)]
struct Hosts {
    known: HashMap<String, Arc<Host>>,
    /// The next sweep comes when so many are known.
    sweep_at: usize,
}

struct Host {
    places: Arc<Semaphore>,
    times: Mutex<Times>,
}

/// On the monotonic clock.
#[derive(Clone, Copy, Default)]
struct Times {
    /// No request before then.
    free_at: Duration,
    /// The server said: nobody before then.
    held_until: Duration,
}

/// A turn. Ends when it is dropped; the pause for the next one begins then.
pub struct Permit {
    clock: Arc<dyn Clock>,
    host: Arc<Host>,
    gap: Duration,
    _all: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

/// The whole host is to be left alone (429) for that long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// From now.
    pub wait: Duration,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Plain values, never half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    /// With the limits of `[fetch]`; zero of something is read as one.
    pub fn new(options: &Options, clock: Arc<dyn Clock>) -> Self {
        let limit = |number: usize| number.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            clock,
            per_host: limit(options.per_host),
            gap: options.per_host_gap.0,
            all: Arc::new(Semaphore::new(limit(options.concurrency))),
            hosts: Mutex::default(),
        }
    }

    /// Waits for its turn at the URL's host and port. May be dropped at any time.
    ///
    /// # Errors
    /// When the host is held, at once or when the turn comes.
    ///
    /// # Panics
    /// Never: nobody closes the semaphores it waits for.
    pub async fn enter(&self, url: &Url) -> Result<Permit, Held> {
        let host = self.host(url);
        self.held(&host)?;
        let place = Arc::clone(&host.places).acquire_owned().await.expect("never closed");
        loop {
            self.held(&host)?;
            let wait = locked(&host.times).free_at.saturating_sub(self.clock.elapsed());
            if !wait.is_zero() {
                self.clock.sleep(wait).await;
                continue;
            }
            let all = Arc::clone(&self.all).acquire_owned().await.expect("never closed");
            let now = self.clock.elapsed();
            let mut times = locked(&host.times);
            // With several places another may have gone first while we waited.
            if times.free_at <= now && times.held_until <= now {
                times.free_at = now + self.gap;
                drop(times);
                let clock = Arc::clone(&self.clock);
                return Ok(Permit { clock, host, gap: self.gap, _all: all, _place: place });
            }
        }
    }

    /// Leaves the whole host alone until then (429). Earlier holds are never shortened.
    pub fn hold(&self, url: &Url, until: DateTime<Utc>) {
        let wait = (until - self.clock.now()).max(TimeDelta::zero()).to_std().unwrap_or_default();
        let until = self.clock.elapsed().saturating_add(wait);
        let host = self.host(url);
        let mut times = locked(&host.times);
        times.held_until = times.held_until.max(until);
    }

    /// Hosts that are remembered: those with requests, pauses or holds going on.
    pub fn hosts(&self) -> usize {
        locked(&self.hosts).known.len()
    }

    fn held(&self, host: &Host) -> Result<(), Held> {
        let wait = locked(&host.times).held_until.saturating_sub(self.clock.elapsed());
        if wait.is_zero() { Ok(()) } else { Err(Held { wait }) }
    }

    fn host(&self, url: &Url) -> Arc<Host> {
        let name = url.host_str().unwrap_or_default().trim_end_matches('.');
        let name = format!("{name}:{}", url.port_or_known_default().unwrap_or_default());
        let mut hosts = locked(&self.hosts);
        if hosts.known.len() >= hosts.sweep_at.max(KEPT_HOSTS) {
            let now = self.clock.elapsed();
            hosts.known.retain(|_, host| {
                let times = *locked(&host.times);
                Arc::strong_count(host) > 1 || times.free_at > now || times.held_until > now
            });
            hosts.sweep_at = hosts.known.len() * 2;
        }
        let new = || {
            let places = Arc::new(Semaphore::new(self.per_host));
            Arc::new(Host { places, times: Mutex::default() })
        };
        Arc::clone(hosts.known.entry(name).or_insert_with(new))
    }
}

impl Permit {
    /// Waits the host's pause before a second request under the same turn (a redirect within the host).
    pub async fn again(&self) {
        let now = self.clock.elapsed();
        let start = {
            let mut times = locked(&self.host.times);
            let start = times.free_at.max(now + self.gap);
            times.free_at = start + self.gap;
            start
        };
        self.clock.sleep(start.saturating_sub(now)).await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let free_at = self.clock.elapsed().saturating_add(self.gap);
        let mut times = locked(&self.host.times);
        times.free_at = times.free_at.max(free_at);
    }
}
