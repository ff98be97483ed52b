//! Who of those who are due may go: a line per host, a pause between two of one host, and a limit on all
//! together. A slow or forbidding host fills its own line and nobody else's.
//! The gate in fetch has the last word on every single request; this keeps those who could only wait there
//! from costing more than a number. Pure: times come in as values.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// The lines of all hosts.
pub(super) struct Queue {
    lines: HashMap<Arc<str>, Line>,
    /// Hosts whose first in line may go, and from when on. First come, first served.
    turns: BinaryHeap<Reverse<(Duration, u64, Arc<str>)>>,
    ticket: u64,
    running: usize,
    limits: Limits,
}

/// Of `[fetch]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) concurrency: usize,
    pub(super) per_host: usize,
    pub(super) gap: Duration,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<u32>,
    running: usize,
    /// It stands in `turns`.
    called: bool,
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Self {
        Self { lines: HashMap::new(), turns: BinaryHeap::new(), ticket: 0, running: 0, limits }
    }

    /// Nobody waits any more; who runs goes on running, under these limits.
    pub(super) fn clear(&mut self, limits: Limits) {
        self.limits = limits;
        self.turns.clear();
        self.lines.retain(|_, line| {
            line.waiting.clear();
            line.called = false;
            line.running > 0
        });
    }

    /// Stands in line. `urgent`: in front of all others of its host.
    pub(super) fn push(&mut self, errand: u32, host: &Arc<str>, urgent: bool, ready_at: Duration) {
        let line = self.lines.entry(host.clone()).or_default();
        if urgent {
            line.waiting.push_front(errand);
        } else {
            line.waiting.push_back(errand);
        }
        self.call(host, ready_at);
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
        if !self.pause(elapsed).is_zero() {
            return None;
        }
        let Reverse((_, _, host)) = self.turns.pop()?;
        let line = self.lines.get_mut(&host)?;
        line.called = false;
        let errand = line.waiting.pop_front()?;
        line.running += 1;
        self.running += 1;
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
    pub(super) fn pause(&self, elapsed: Duration) -> Duration {
        match self.turns.peek() {
            Some(Reverse((at, _, _))) if self.running < self.limits.concurrency.max(1) => {
                at.saturating_sub(elapsed)
            }
            _ => Duration::MAX,
        }
    }
}
