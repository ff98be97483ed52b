//! Entries that were held until their time: when it comes, nothing was polled and nothing committed, and still
//! readers, listeners and subscribers hear of them.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Site;
use crate::store::{Committed, StoreError};

/// The store is asked at least so often: a clock set back or forth is noticed.
const LOOK: Duration = Duration::from_mins(5);

/// Runs until the daemon stops.
pub(super) async fn run(site: Arc<Site>) {
    let mut closing = site.closing.subscribe();
    let mut since = site.clock.now();
    loop {
        let now = site.clock.now();
        // With the clock set back, what waits for that time once more is told of once more.
        since = since.min(now);
        let pause = match tell(&site, since, now).await {
            Ok(pause) => {
                since = now;
                pause
            }
            Err(error) => {
                tracing::warn!(%error, "entries whose time came could not be looked for");
                LOOK
            }
        };
        tokio::select! {
            () = site.new_held.notified() => {}
            () = site.clock.sleep(pause) => {}
            _ = closing.wait_for(|closing| *closing) => return,
        }
    }
}

/// Sees to it that all who are told of news hear of what became due; how long nothing more will.
async fn tell(site: &Arc<Site>, since: DateTime<Utc>, now: DateTime<Utc>) -> Result<Duration, StoreError> {
    let due = site.store.read(move |store| store.due(since, now)).await?;
    if !due.sources.is_empty() {
        site.touched(&Committed { touched: due.sources, ..Committed::default() });
    }
    // A moment longer: times are kept in whole seconds.
    let until =
        due.next.and_then(|next| (next - now).to_std().ok()).map(|wait| wait + Duration::from_millis(10));
    Ok(until.unwrap_or(LOOK).min(LOOK))
}
