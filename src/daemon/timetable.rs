//! Who is due next: a heap on the monotonic clock, with the wall time each due time came from.
//! Nothing is done for whoever is not due. Pure: times come in as values.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// A difference of the two clocks beyond this is a jump, not a drift.
const JUMP: TimeDelta = TimeDelta::seconds(90);

/// One errand's place: monotonic due time and the wall time it stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    due: Duration,
    wall: DateTime<Utc>,
}

/// The timetable of errands, by number. Each stands on it at most once.
pub(super) struct Timetable {
    heap: BinaryHeap<Reverse<(Duration, u32)>>,
    places: Vec<Option<Place>>,
    standing: usize,
    /// Where the two clocks were when last seen together.
    seen: (DateTime<Utc>, Duration),
    closed: bool,
}

impl Timetable {
    pub(super) fn new(now: DateTime<Utc>, elapsed: Duration) -> Self {
        let (heap, places) = (BinaryHeap::new(), Vec::new());
        Self { heap, places, standing: 0, seen: (now, elapsed), closed: false }
    }

    /// From now on nobody is put on it.
    pub(super) fn close(&mut self) {
        self.clear(0);
        self.closed = true;
    }

    /// Empties it, with room for so many.
    pub(super) fn clear(&mut self, count: usize) {
        self.heap.clear();
        self.places.clear();
        self.places.resize(count, None);
        self.standing = 0;
    }

    /// Due at a wall time.
    pub(super) fn put(&mut self, errand: u32, wall: DateTime<Utc>, now: DateTime<Utc>, elapsed: Duration) {
        let wait = (wall - now).to_std().unwrap_or_default();
        self.place(errand, Place { due: elapsed.saturating_add(wait), wall });
    }

    /// Due at a wall time, or when it was already due, whichever is sooner.
    pub(super) fn put_sooner(
        &mut self,
        errand: u32,
        wall: DateTime<Utc>,
        now: DateTime<Utc>,
        elapsed: Duration,
    ) {
        let standing = self.places.get(errand as usize).and_then(Option::as_ref);
        if standing.is_none_or(|place| place.wall > wall) {
            self.put(errand, wall, now, elapsed);
        }
    }

    /// Due after a wait.
    pub(super) fn put_in(&mut self, errand: u32, wait: Duration, now: DateTime<Utc>, elapsed: Duration) {
        let wall =
            TimeDelta::from_std(wait).ok().and_then(|wait| now.checked_add_signed(wait)).unwrap_or(now);
        self.place(errand, Place { due: elapsed.saturating_add(wait), wall });
    }

    fn place(&mut self, errand: u32, place: Place) {
        if self.closed {
            return;
        }
        let Some(standing) = self.places.get_mut(errand as usize) else { return };
        self.standing += usize::from(standing.is_none());
        *standing = Some(place);
        self.heap.push(Reverse((place.due, errand)));
        // Places that were taken back leave their heap entry behind; it must not pile up.
        if self.heap.len() > 64 + 2 * self.standing {
            let places = self.places.iter().zip(0u32..);
            self.heap =
                places.filter_map(|(place, errand)| Some(Reverse((place.as_ref()?.due, errand)))).collect();
        }
    }

    pub(super) fn remove(&mut self, errand: u32) {
        if self.places.get_mut(errand as usize).and_then(Option::take).is_some() {
            self.standing -= 1;
        }
    }

    /// How long until somebody is due.
    pub(super) fn pause(&mut self, elapsed: Duration) -> Duration {
        while let Some(Reverse((due, errand))) = self.heap.peek() {
            let place = self.places.get(*errand as usize).and_then(Option::as_ref);
            if place.is_some_and(|place| place.due == *due) {
                return due.saturating_sub(elapsed);
            }
            self.heap.pop();
        }
        Duration::MAX
    }

    /// Takes the next that is due off the timetable.
    pub(super) fn take_due(&mut self, elapsed: Duration) -> Option<u32> {
        if !self.pause(elapsed).is_zero() {
            return None;
        }
        let Reverse((_, errand)) = self.heap.pop()?;
        self.remove(errand);
        Some(errand)
    }

    /// By how much the wall clock jumped, if it did not go along with the monotonic one since it was last asked.
    pub(super) fn jumped(&mut self, now: DateTime<Utc>, elapsed: Duration) -> Option<TimeDelta> {
        let (then, before) = std::mem::replace(&mut self.seen, (now, elapsed));
        let passed = TimeDelta::from_std(elapsed.saturating_sub(before)).unwrap_or(TimeDelta::MAX);
        let jump = (now - then) - passed;
        (jump.abs() > JUMP).then_some(jump)
    }

    /// After a jump: whoever goes by the wall clock is due when it says, once. `again` is handed an errand, the
    /// wall time of before and what is left of the wait; it says the wall time of now, or `None` where the
    /// wall clock does not matter.
    pub(super) fn realign(
        &mut self,
        now: DateTime<Utc>,
        elapsed: Duration,
        again: impl Fn(u32, DateTime<Utc>, Duration) -> Option<DateTime<Utc>>,
    ) {
        let moved: Vec<(u32, DateTime<Utc>)> = self
            .places
            .iter()
            .zip(0u32..)
            .filter_map(|(place, errand)| {
                let place = place.as_ref()?;
                Some((errand, again(errand, place.wall, place.due.saturating_sub(elapsed))?))
            })
            .collect();
        for (errand, wall) in moved {
            self.put(errand, wall, now, elapsed);
        }
    }
}
