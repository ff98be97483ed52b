//! Who is told when: so many at once, few of one host, and who was slow or failed the last time beside the others, so that
//! nobody waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::MOST;

/// Told at once, in each lane.
const AT_ONCE: usize = 32;
/// Told at once of one host.
const OF_HOST: usize = 4;
/// Who takes longer to answer is slow.
const SLOW: Duration = Duration::from_secs(1);

pub(super) struct Lanes {
    prompt: Semaphore,
    slow: Semaphore,
    hosts: Mutex<HashMap<String, Host>>,
}

/// A host that is being told, or was slow the last time.
struct Host {
    places: Arc<Semaphore>,
    /// So many have a place or wait for one.
    users: usize,
    is_slow: bool,
}

/// A turn, given up when dropped.
pub(super) struct Turn<'l> {
    _lane: Option<SemaphorePermit<'l>>,
    _place: Option<OwnedSemaphorePermit>,
    stay: Stay<'l>,
}

struct Stay<'l> {
    lanes: &'l Lanes,
    host: String,
}

impl Lanes {
    pub(super) fn new() -> Self {
        Self { prompt: Semaphore::new(AT_ONCE), slow: Semaphore::new(AT_ONCE), hosts: Mutex::default() }
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn for one of that host, which may have failed the last time.
    pub(super) async fn turn(&self, host: &str, has_failed: bool) -> Turn<'_> {
        let (stay, places) = self.stay(host);
        let place = places.acquire_owned().await.ok();
        // The others of its host may have been slow meanwhile.
        let is_slow = has_failed || self.hosts().get(host).is_some_and(|host| host.is_slow);
        let lane = if is_slow { &self.slow } else { &self.prompt };
        Turn { _lane: lane.acquire().await.ok(), _place: place, stay }
    }

    fn stay(&self, host: &str) -> (Stay<'_>, Arc<Semaphore>) {
        let mut hosts = self.hosts();
        if hosts.len() >= MOST {
            hosts.retain(|_, host| host.users > 0);
        }
        let places = || Arc::new(Semaphore::new(OF_HOST));
        let known = hosts.entry(host.to_owned()).or_insert_with(|| Host {
            places: places(),
            users: 0,
            is_slow: false,
        });
        known.users += 1;
        (Stay { lanes: self, host: host.to_owned() }, known.places.clone())
    }
}

impl Turn<'_> {
    /// How long its host took to answer; `None`: it did not.
    pub(super) fn took(&self, time: Option<Duration>) {
        if let Some(host) = self.stay.lanes.hosts().get_mut(&self.stay.host) {
            host.is_slow = time.is_none_or(|time| time > SLOW);
        }
    }
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        let mut hosts = self.lanes.hosts();
        if let Some(host) = hosts.get_mut(&self.host) {
            host.users = host.users.saturating_sub(1);
            if host.users == 0 && !host.is_slow {
                hosts.remove(&self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn one_host_takes_few_turns_and_a_slow_one_none_of_the_others() {
        let lanes = Lanes::new();
        let mut turns = Vec::new();
        for _ in 0..OF_HOST {
            turns.push(lanes.turn("a", false).await);
        }
        assert!(lanes.turn("a", false).now_or_never().is_none(), "a fifth of one host");
        // It is slow: whoever comes next goes beside the others, until it is prompt again.
        turns.remove(0).took(None);
        turns.clear();
        let beside = lanes.turn("a", false).await;
        assert_eq!(
            (lanes.prompt.available_permits(), lanes.slow.available_permits()),
            (AT_ONCE, AT_ONCE - 1)
        );
        beside.took(Some(SLOW));
        drop(beside);
        let (prompt, failed) = (lanes.turn("a", false).await, lanes.turn("b", true).await);
        assert_eq!(
            (lanes.prompt.available_permits(), lanes.slow.available_permits()),
            (AT_ONCE - 1, AT_ONCE - 1)
        );
        drop((prompt, failed));
        assert!(lanes.hosts().is_empty(), "nothing is remembered of who is prompt");
    }
}
