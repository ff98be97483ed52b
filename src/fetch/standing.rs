//! Which hosts' connections stay open for the next request. Each costs some 50 kB while it waits, so there is an end
//! to them: when ten thousand hosts are asked one after the other, hardly one of them is asked again soon. Pure.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Long enough for the next source of the same host, short enough to hold few sockets.
pub(super) const IDLE: Duration = Duration::from_secs(15);
/// Connections of one host that wait.
pub(super) const OPEN: usize = 2;
/// Hosts at once.
const MOST: usize = 128;

/// Who gave up its place is looked for this often at most, however many hosts ask for one meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// What becomes of the connection that a host is asked over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connection {
    /// It is a new one, and is closed afterwards.
    Once,
    /// It is a new one, and may stay open.
    First,
    /// It may be one that was left open: its host may be about to close it.
    Again,
}

/// Hosts that have a place.
#[derive(Default)]
pub(super) struct Standing(Mutex<Places>);

#[derive(Default)]
struct Places {
    hosts: HashMap<String, Place>,
    looked: Option<Instant>,
}

struct Place {
    /// When the host was last asked.
    last: Instant,
    /// Connections that were left open, and that nobody has taken since.
    open: usize,
}

impl Standing {
    /// The connection that this host is asked over now. Whoever has a place keeps it for as long as it is asked.
    pub(super) fn connection(&self, host: &str, now: Instant) -> Connection {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Places { hosts, looked } = &mut *places;
        if let Some(place) = hosts.get_mut(host) {
            let idle = now.saturating_duration_since(std::mem::replace(&mut place.last, now));
            let open = if idle < IDLE { place.open } else { 0 };
            place.open = open.saturating_sub(1);
            return if open > 0 { Connection::Again } else { Connection::First };
        }
        let rested = |before: Instant| now.saturating_duration_since(before) >= LOOK;
        if hosts.len() >= MOST && looked.is_none_or(rested) {
            *looked = Some(now);
            hosts.retain(|_, place| now.saturating_duration_since(place.last) < IDLE);
        }
        if hosts.len() >= MOST {
            return Connection::Once;
        }
        hosts.insert(host.to_owned(), Place { last: now, open: 0 });
        Connection::First
    }

    /// It was answered, and its connection waits for the next request.
    pub(super) fn leave_open(&self, host: &str) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.hosts.get_mut(host) {
            place.open = (place.open + 1).min(OPEN);
        }
    }

    /// It failed: nothing is open there any more.
    pub(super) fn close(&self, host: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hosts.remove(host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_again_keeps_its_place_and_a_crowd_gets_none() {
        let (standing, start) = (Standing::default(), Instant::now());
        let asked = |host: &str, seconds| standing.connection(host, start + Duration::from_secs(seconds));
        for number in 0..MOST {
            assert_eq!(asked(&format!("h{number}:443"), 0), Connection::First);
            standing.leave_open(&format!("h{number}:443"));
        }
        assert_eq!(asked("late:443", 1), Connection::Once);
        assert_eq!(asked("h0:443", 10), Connection::Again);
        assert_eq!(asked("h0:443", 10), Connection::First, "the one that was open is in use");
        standing.leave_open("h0:443");
        assert_eq!(asked("late:443", 15), Connection::First, "the others were not asked again");
        for number in 2..MOST {
            assert_eq!(asked(&format!("n{number}:443"), 16), Connection::First);
        }
        assert_eq!(asked("h0:443", 17), Connection::Again);
        assert_eq!(asked("h1:443", 17), Connection::Once);
        assert_eq!(asked("h0:443", 32), Connection::First, "nothing is open after so long");
    }
}
