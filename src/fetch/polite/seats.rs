//! A number of places that can change while some are taken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many at once. First come, first served.
pub(super) struct Seats {
    semaphore: Arc<Semaphore>,
    count: Mutex<Count>,
}

struct Count {
    seats: usize,
    /// Places that went while they were taken: whoever leaves one takes it along.
    owed: usize,
}

/// A place. Free again when it is dropped.
pub(super) struct Seat {
    permit: Option<OwnedSemaphorePermit>,
    seats: Arc<Seats>,
}

impl Seats {
    pub(super) fn new(seats: usize) -> Arc<Self> {
        let seats = seats.clamp(1, Semaphore::MAX_PERMITS);
        let count = Mutex::new(Count { seats, owed: 0 });
        Arc::new(Self { semaphore: Arc::new(Semaphore::new(seats)), count })
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        // Two numbers, never half changed.
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place. May be dropped at any time.
    pub(super) async fn take(self: &Arc<Self>) -> Seat {
        let permit = self.semaphore.clone().acquire_owned().await.ok();
        Seat { permit, seats: self.clone() }
    }

    /// From now on there are so many. Who has a place keeps it.
    pub(super) fn resize(&self, seats: usize) {
        let seats = seats.clamp(1, Semaphore::MAX_PERMITS);
        let mut count = self.count();
        if let Some(more) = seats.checked_sub(count.seats) {
            let forgiven = more.min(count.owed);
            count.owed -= forgiven;
            self.semaphore.add_permits(more - forgiven);
        } else {
            let fewer = count.seats - seats;
            count.owed += fewer - self.semaphore.forget_permits(fewer);
        }
        count.seats = seats;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut count = self.seats.count();
        if count.owed > 0
            && let Some(permit) = self.permit.take()
        {
            count.owed -= 1;
            permit.forget();
        }
    }
}
