//! Room: never more than there is, and everybody comes to an end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;

#[tokio::test(start_paused = true)]
async fn however_many_come_they_fit_and_all_come_to_an_end() {
    let rooms = Rooms::new();
    let (held, most) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..600u64 {
        let (rooms, held, most) = (rooms.clone(), held.clone(), most.clone());
        tasks.spawn(async move {
            let mut room = rooms.room();
            // Every tenth is large and grows; one is larger than everything.
            let steps: &[u64] = match number {
                77 => &[100 << 20],
                n if n % 10 == 0 => &[1000, 200 << 10, 3 << 20, 16 << 20],
                _ => &[1000, 90 << 10],
            };
            let mut mine = 0;
            for bytes in steps {
                room.make(*bytes).await;
                // Whoever allows more than there is has it, and is not counted.
                if number != 77 {
                    let here = held.fetch_add(*bytes - mine, Ordering::SeqCst) + *bytes - mine;
                    most.fetch_max(here, Ordering::SeqCst);
                    mine = *bytes;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            held.fetch_sub(mine, Ordering::SeqCst);
        });
    }
    let all = async { while tasks.join_next().await.is_some() {} };
    tokio::time::timeout(Duration::from_mins(10), all).await.expect("somebody waits for ever");
    assert!(most.load(Ordering::SeqCst) <= 128 << 20, "{}", most.load(Ordering::SeqCst));
    // Again free for the next.
    let mut room = rooms.room();
    tokio::time::timeout(Duration::from_secs(1), room.make(16 << 20)).await.unwrap();
}
