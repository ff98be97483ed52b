//! Memory for bodies on their way: however many come at once, and however large, they fit into one amount.
//! Whoever finds no room waits and does not fail. Never looks into a body.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[cfg(test)]
mod tests;

/// Most feeds fit into the first, nearly all into the second; the third is for `max_body`.
/// Together 120 MiB. A body that outgrows one keeps it and waits for the next; nobody in the last ever waits, so
/// everybody comes to an end.
const SHELVES: [Shelf; 3] = [
    Shelf { bytes: 128 << 10, places: 384 },
    Shelf { bytes: 1 << 20, places: 24 },
    Shelf { bytes: 16 << 20, places: 3 },
];
/// Bodies unpacked at once, with windows of up to 16 MiB.
const UNPACKING: usize = 2;

struct Shelf {
    bytes: u64,
    places: u32,
}

/// All the room there is. One for the whole process.
#[derive(Debug)]
pub(super) struct Rooms {
    shelves: [Arc<Semaphore>; 3],
    pub(super) unpacking: Semaphore,
}

/// Room for one body. Free again when it is dropped.
#[derive(Debug)]
pub struct Room {
    rooms: Arc<Rooms>,
    taken: Vec<OwnedSemaphorePermit>,
    next: usize,
    bytes: u64,
}

impl Rooms {
    pub(super) fn new() -> Arc<Self> {
        let shelves = SHELVES.map(|shelf| Arc::new(Semaphore::new(shelf.places as usize)));
        Arc::new(Self { shelves, unpacking: Semaphore::new(UNPACKING) })
    }

    /// For a body that has not begun.
    pub(super) fn room(self: &Arc<Self>) -> Room {
        Room { rooms: self.clone(), taken: Vec::new(), next: 0, bytes: 0 }
    }
}

impl Room {
    /// How many bytes it holds.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Waits until so many bytes fit.
    pub(super) async fn make(&mut self, bytes: u64) {
        while self.bytes < bytes {
            let Some((shelf, semaphore)) = SHELVES.iter().zip(&self.rooms.shelves).nth(self.next) else {
                // Whoever allows bodies beyond the last shelf has them.
                self.bytes = u64::MAX;
                return;
            };
            self.next += 1;
            let last = self.next == SHELVES.len();
            // What is known to be larger goes on at once.
            if shelf.bytes >= bytes || last {
                let places = bytes.div_ceil(shelf.bytes).min(u64::from(shelf.places));
                let places = u32::try_from(places).unwrap_or(1);
                if let Ok(permit) = semaphore.clone().acquire_many_owned(places).await {
                    self.taken.push(permit);
                }
                self.bytes = shelf.bytes * u64::from(places);
            }
        }
    }
}
