//! Whose turn it is: so many requests at once to one host, a pause between two, and a limit on all
//! together. First come, first served; a source that waits for a busy host takes no place of the others.
//! Never decides when a source is due (schedule.rs).

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::Options;
use super::ledger::Ledger;
use crate::clock::Clock;
use crate::model::{HostDay, Tally};

mod seats;
#[cfg(test)]
mod tests;

use seats::{Seat, Seats};

/// Below this many hosts nobody is forgotten.
const KEPT_HOSTS: usize = 256;

/// The gate that every request passes. One for the whole process.
pub struct Gate {
    clock: Arc<dyn Clock>,
    all: Arc<Seats>,
    hosts: Mutex<Hosts>,
    /// So many wait for a host.
    aside: AtomicUsize,
    ledger: Ledger,
}

/// One who waits for a host.
struct Aside<'a>(&'a AtomicUsize);

impl<'a> Aside<'a> {
    fn step(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Aside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Hosts {
    known: HashMap<String, Arc<Host>>,
    /// The next sweep comes when so many are known.
    sweep_at: usize,
    per_host: usize,
    gap: Duration,
}

struct Host {
    places: Arc<Seats>,
    times: Mutex<Times>,
    /// The address whose 429 holds it.
    held_by: Mutex<Option<Url>>,
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
    _all: Seat,
    _place: Seat,
}

/// The whole host is to be left alone (429) for that long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// From now.
    pub wait: Duration,
    /// The address that was answered so.
    pub by: Option<Url>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Plain values, never half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What counts as one host: name and port.
pub fn host_and_port(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default().trim_end_matches('.');
    let mut text = String::with_capacity(name.len() + ":65535".len());
    text.push_str(name);
    // Writing to a String cannot fail.
    let _ = write!(text, ":{}", url.port_or_known_default().unwrap_or_default());
    text
}

impl Gate {
    /// With the limits of `[fetch]`; zero of something is read as one.
    pub fn new(options: &Options, clock: Arc<dyn Clock>) -> Self {
        let hosts = Hosts {
            known: HashMap::new(),
            sweep_at: 0,
            per_host: options.per_host,
            gap: options.per_host_gap.0,
        };
        Self {
            clock,
            all: Seats::new(options.concurrency),
            hosts: Mutex::new(hosts),
            aside: AtomicUsize::new(0),
            ledger: Ledger::default(),
        }
    }

    /// The limits of a new config. Who has a turn keeps it; queues and holds stay.
    pub fn obey(&self, options: &Options) {
        self.all.resize(options.concurrency);
        let mut hosts = locked(&self.hosts);
        (hosts.per_host, hosts.gap) = (options.per_host, options.per_host_gap.0);
        hosts.known.values().for_each(|host| host.places.resize(options.per_host));
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
        let mut aside = Some(Aside::step(&self.aside));
        let place = host.places.take().await;
        loop {
            self.held(&host)?;
            let wait = locked(&host.times).free_at.saturating_sub(self.clock.elapsed());
            if !wait.is_zero() {
                self.clock.sleep(wait).await;
                continue;
            }
            drop(aside.take());
            let all = self.all.take().await;
            let (now, gap) = (self.clock.elapsed(), locked(&self.hosts).gap);
            let mut times = locked(&host.times);
            // With several places another may have gone first while we waited.
            if times.free_at <= now && times.held_until <= now {
                times.free_at = now + gap;
                drop(times);
                let clock = Arc::clone(&self.clock);
                return Ok(Permit { clock, host, gap, _all: all, _place: place });
            }
        }
    }

    /// How many wait for a host: because a redirect or an article led them there, or there is a pause. They take no
    /// place of those who need not.
    pub fn aside(&self) -> usize {
        self.aside.load(Ordering::Relaxed)
    }

    /// Leaves the whole host alone until then. Earlier holds are never shortened.
    pub fn hold(&self, url: &Url, until: DateTime<Utc>) {
        self.hold_for(url, (until - self.clock.now()).max(TimeDelta::zero()).to_std().unwrap_or_default());
    }

    /// The same for so long from now (429).
    pub fn hold_for(&self, url: &Url, wait: Duration) {
        let until = self.clock.elapsed().saturating_add(wait);
        let host = self.host(url);
        let mut times = locked(&host.times);
        if until > times.held_until {
            times.held_until = until;
            *locked(&host.held_by) = Some(url.clone());
        }
    }

    /// Notes in the ledger what was asked of a host today.
    pub fn note(&self, url: &Url, note: impl FnOnce(&mut Tally)) {
        let day = self.clock.now().timestamp().div_euclid(86_400);
        self.ledger.note(day, host_and_port(url), note);
    }

    /// Takes what was noted and not written down yet. Whoever fails to write it gives it back.
    pub fn take_notes(&self) -> Vec<HostDay> {
        self.ledger.take()
    }

    /// These could not be written down.
    pub fn give_back(&self, notes: Vec<HostDay>) {
        for HostDay { day, host, tally } in notes {
            self.ledger.note(day, host, |standing| standing.add(&tally));
        }
    }

    /// Hosts that are remembered: those with requests, pauses or holds going on.
    pub fn hosts(&self) -> usize {
        locked(&self.hosts).known.len()
    }

    fn held(&self, host: &Host) -> Result<(), Held> {
        let wait = locked(&host.times).held_until.saturating_sub(self.clock.elapsed());
        if wait.is_zero() { Ok(()) } else { Err(Held { wait, by: locked(&host.held_by).clone() }) }
    }

    /// When the host (as [`host_and_port`] names it) may be asked next, on the monotonic clock. A host that is held counts as
    /// free: whoever asks is told so at once.
    pub fn free_at(&self, host: &str) -> Duration {
        let hosts = locked(&self.hosts);
        let Some(host) = hosts.known.get(host) else { return Duration::ZERO };
        let times = *locked(&host.times);
        if times.held_until > self.clock.elapsed() { Duration::ZERO } else { times.free_at }
    }

    fn host(&self, url: &Url) -> Arc<Host> {
        let name = host_and_port(url);
        let mut hosts = locked(&self.hosts);
        if hosts.known.len() >= hosts.sweep_at.max(KEPT_HOSTS) {
            let now = self.clock.elapsed();
            hosts.known.retain(|_, host| {
                let times = *locked(&host.times);
                Arc::strong_count(host) > 1 || times.free_at > now || times.held_until > now
            });
            hosts.sweep_at = hosts.known.len() * 2;
        }
        let per_host = hosts.per_host;
        let new = || {
            Arc::new(Host {
                places: Seats::new(per_host),
                times: Mutex::default(),
                held_by: Mutex::default(),
            })
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
