//! Who of those who are due may go: a line per host, a pause between two of one host, and a limit on all
//! together. A slow or forbidding host fills its own line and nobody else's. Who keeps pace goes when the pace allows,
//! those who came first first; whoever does not passes them by.
//! Who has begun and waits for a host after all (a redirect led there) takes no place of the others.
//! The gate in fetch has the last word on every single request; this keeps those who could only wait there
//! from costing more than a number. Pure: times come in as values.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::pace::Pace;

/// Waiting for a host, so many times the places may have begun: each costs some kilobytes.
const ASIDE: usize = 16;
/// Where all places are taken, it is looked this often whether somebody waits for a host.
const LOOK: Duration = Duration::from_secs(1);

/// The lines of all hosts.
pub(super) struct Queue {
    lines: FxHashMap<Arc<str>, Line>,
    /// Hosts whose first in line may go, and from when on. First come, first served.
    turns: BinaryHeap<Reverse<(Duration, u64, Arc<str>)>>,
    /// Hosts whose turn came, and whose first in line the pace holds back.
    held: VecDeque<Arc<str>>,
    pace: Pace,
    ticket: u64,
    running: usize,
    /// Of those who run, so many wait for a host.
    aside: usize,
    limits: Limits,
}

/// Of `[fetch]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) concurrency: usize,
    pub(super) per_host: usize,
    pub(super) gap: Duration,
}

/// How somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Goes with the pace.
    Paced,
    /// At a moment that people chose: the pace does not hold it back.
    Timed,
    /// Somebody waits for it: in front of all of its host for whom nobody does, and the pace does not hold it back.
    Urgent,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    /// The first so many are urgent: who was asked for first stands first.
    urgent: usize,
    running: usize,
    /// It stands in `turns` or in `held`.
    called: bool,
    /// It stands in `held`. What stands there of one that does not is left over.
    held: bool,
}

struct Waiting {
    errand: u32,
    paced: bool,
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Self {
        let (lines, turns, held) = (FxHashMap::default(), BinaryHeap::new(), VecDeque::new());
        Self { lines, turns, held, pace: Pace::default(), ticket: 0, running: 0, aside: 0, limits }
    }

    /// So many of those who run wait for a host.
    pub(super) fn stand_aside(&mut self, aside: usize) {
        self.aside = aside;
    }

    /// Every place is taken by somebody who does not stand aside.
    fn is_full(&self) -> bool {
        let places = self.limits.concurrency.max(1);
        self.running >= places.saturating_add(self.aside.min(places.saturating_mul(ASIDE)))
    }

    /// Nobody waits any more; who runs goes on running, under these limits.
    pub(super) fn clear(&mut self, limits: Limits) {
        self.limits = limits;
        self.turns.clear();
        self.held.clear();
        self.lines.retain(|_, line| {
            line.waiting.clear();
            (line.urgent, line.called, line.held) = (0, false, false);
            line.running > 0
        });
    }

    /// Stands in line.
    pub(super) fn push(
        &mut self,
        errand: u32,
        host: &Arc<str>,
        manner: Manner,
        ready_at: Duration,
        elapsed: Duration,
    ) {
        let line = self.lines.entry(host.clone()).or_default();
        let waiting = Waiting { errand, paced: manner == Manner::Paced };
        if waiting.paced {
            self.pace.fell_due(elapsed);
        }
        if manner == Manner::Urgent {
            line.waiting.insert(line.urgent, waiting);
            line.urgent += 1;
        } else {
            line.waiting.push_back(waiting);
        }
        self.let_go(host);
        // A host that was free long ago stands behind those who came before.
        self.call(host, ready_at.max(elapsed));
    }

    /// Somebody waits for one who stands in line already.
    pub(super) fn hasten(&mut self, errand: u32, host: &Arc<str>) {
        let Some(line) = self.lines.get_mut(host) else { return };
        let place = line.waiting.iter().position(|waiting| waiting.errand == errand);
        let Some(place) = place.filter(|place| *place >= line.urgent) else { return };
        if line.waiting.remove(place).is_some() {
            line.waiting.insert(line.urgent, Waiting { errand, paced: false });
            line.urgent += 1;
            self.let_go(host);
        }
    }

    /// The pace does not hold this host back any more, if it did and its first in line keeps none.
    fn let_go(&mut self, host: &Arc<str>) {
        let Some(line) = self.lines.get_mut(host) else { return };
        if line.held && line.waiting.front().is_some_and(|first| !first.paced) {
            (line.called, line.held) = (false, false);
            self.call(host, Duration::ZERO);
        }
    }

    fn call(&mut self, host: &Arc<str>, ready_at: Duration) {
        let Some(line) = self.lines.get_mut(host) else { return };
        if line.called || line.waiting.is_empty() || line.running >= self.limits.per_host.max(1) {
            return;
        }
        line.called = true;
        self.ticket += 1;
        self.turns.push(Reverse((ready_at, self.ticket, host.clone())));
    }

    /// The next that may go now, and the line it stood in: it counts as running there until [`Queue::done`].
    pub(super) fn next(&mut self, elapsed: Duration) -> Option<(u32, Arc<str>)> {
        if self.is_full() {
            return None;
        }
        let paced = !self.pace.pause(elapsed).is_zero();
        while !paced && let Some(host) = self.held.pop_front() {
            if self.lines.get(&host).is_some_and(|line| line.held) {
                return self.go(host, elapsed);
            }
        }
        while self.turns.peek().is_some_and(|Reverse((at, _, _))| *at <= elapsed) {
            let Reverse((_, _, host)) = self.turns.pop()?;
            let line = self.lines.get_mut(&host)?;
            if !paced || line.waiting.front().is_some_and(|first| !first.paced) {
                return self.go(host, elapsed);
            }
            line.held = true;
            self.held.push_back(host);
        }
        None
    }

    /// The first in this line goes.
    fn go(&mut self, host: Arc<str>, elapsed: Duration) -> Option<(u32, Arc<str>)> {
        let line = self.lines.get_mut(&host)?;
        (line.called, line.held) = (false, false);
        let Waiting { errand, paced } = line.waiting.pop_front()?;
        line.urgent = line.urgent.saturating_sub(1);
        line.running += 1;
        self.running += 1;
        if paced {
            self.pace.begins(elapsed);
        }
        self.call(&host, elapsed.saturating_add(self.limits.gap));
        Some((errand, host))
    }

    /// One of this host has ended; the next may go when the host is free.
    pub(super) fn done(&mut self, host: &Arc<str>, free_at: Duration) {
        let Some(line) = self.lines.get_mut(host) else { return };
        line.running = line.running.saturating_sub(1);
        self.running = self.running.saturating_sub(1);
        if line.running == 0 && line.waiting.is_empty() {
            self.lines.remove(host);
            return;
        }
        self.call(host, free_at);
    }

    /// How long until somebody may go.
    pub(super) fn pause(&mut self, elapsed: Duration) -> Duration {
        if self.is_full() {
            let nobody_waits = self.turns.is_empty() && self.held.is_empty();
            return if nobody_waits { Duration::MAX } else { LOOK };
        }
        let turn = self.turns.peek().map(|Reverse((at, _, _))| at.saturating_sub(elapsed));
        let held = (!self.held.is_empty()).then(|| self.pace.pause(elapsed));
        turn.into_iter().chain(held).min().unwrap_or(Duration::MAX)
    }
}
