//! Who is due next: a heap on the monotonic clock, with the wall time each due time came from.
//! Pure: times come in as values.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::SourceId;

/// A difference of the two clocks beyond this is a jump, not a drift.
const JUMP: TimeDelta = TimeDelta::seconds(90);

/// One source's place: monotonic due time and the wall time it stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    due: Duration,
    wall: DateTime<Utc>,
}

/// The timetable. A source stands on it at most once.
pub(super) struct Timetable {
    heap: BinaryHeap<Reverse<(Duration, SourceId)>>,
    places: HashMap<SourceId, Place>,
    /// Where the two clocks were when last seen together.
    seen: (DateTime<Utc>, Duration),
    closed: bool,
}

impl Timetable {
    pub(super) fn new(now: DateTime<Utc>, elapsed: Duration) -> Self {
        Self { heap: BinaryHeap::new(), places: HashMap::new(), seen: (now, elapsed), closed: false }
    }

    /// From now on nobody is put on it.
    pub(super) fn close(&mut self) {
        self.clear();
        self.closed = true;
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
        self.places.clear();
    }

    /// Due at a wall time.
    pub(super) fn put(&mut self, id: SourceId, wall: DateTime<Utc>, now: DateTime<Utc>, elapsed: Duration) {
        let wait = (wall - now).to_std().unwrap_or_default();
        self.place(id, Place { due: elapsed.saturating_add(wait), wall });
    }

    /// Due after a wait.
    pub(super) fn put_in(&mut self, id: SourceId, wait: Duration, now: DateTime<Utc>, elapsed: Duration) {
        let wall =
            TimeDelta::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait)).unwrap_or(now);
        self.place(id, Place { due: elapsed.saturating_add(wait), wall });
    }

    fn place(&mut self, id: SourceId, place: Place) {
        if self.closed {
            return;
        }
        self.heap.push(Reverse((place.due, id.clone())));
        self.places.insert(id, place);
        // Places that were taken back leave their heap entry behind; it must not pile up.
        if self.heap.len() > 64 + 2 * self.places.len() {
            self.heap = self.places.iter().map(|(id, place)| Reverse((place.due, id.clone()))).collect();
        }
    }

    pub(super) fn remove(&mut self, id: &SourceId) {
        self.places.remove(id);
    }

    /// How long until somebody is due.
    pub(super) fn pause(&mut self, elapsed: Duration) -> Duration {
        while let Some(Reverse((due, id))) = self.heap.peek() {
            if self.places.get(id).is_some_and(|place| place.due == *due) {
                return due.saturating_sub(elapsed);
            }
            self.heap.pop();
        }
        Duration::MAX
    }

    /// Takes everybody who is due off the timetable.
    pub(super) fn take_due(&mut self, elapsed: Duration) -> Vec<SourceId> {
        let mut due = Vec::new();
        while self.pause(elapsed).is_zero() {
            let Some(Reverse((_, id))) = self.heap.pop() else { break };
            self.places.remove(&id);
            due.push(id);
        }
        due
    }

    /// True when the wall clock did not go along with the monotonic one since it was last asked.
    pub(super) fn jumped(&mut self, now: DateTime<Utc>, elapsed: Duration) -> bool {
        let (then, before) = std::mem::replace(&mut self.seen, (now, elapsed));
        let passed = TimeDelta::from_std(elapsed.saturating_sub(before)).unwrap_or(TimeDelta::MAX);
        ((now - then) - passed).abs() > JUMP
    }

    /// After a jump: sources that go by the wall clock are due when it says, once.
    pub(super) fn realign(
        &mut self,
        now: DateTime<Utc>,
        elapsed: Duration,
        by_wall_clock: impl Fn(&SourceId) -> bool,
    ) {
        let moved: Vec<(SourceId, DateTime<Utc>)> = self
            .places
            .iter()
            .filter(|(id, _)| by_wall_clock(id))
            .map(|(id, place)| (id.clone(), place.wall))
            .collect();
        for (id, wall) in moved {
            self.put(id, wall, now, elapsed);
        }
    }
}
