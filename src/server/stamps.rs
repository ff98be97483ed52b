//! When the bytes of documents last changed, on its way into the store: many at once, behind the readers'
//! backs. What a kill loses costs a reader one answer in full.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

use super::Site;
use crate::store::{Stamp, StoreError};

/// Stamps are gathered for so long.
const GATHER: Duration = Duration::from_millis(100);

/// Since when bytes stand that replace those of which somebody was told that they stand since `told`: in whole seconds, as
/// readers are told it, and never the same as before, whatever the wall clock did meanwhile. Who asks by date alone would
/// never hear of the second version of a second (RFC 9110, 8.8.2.2).
pub(super) fn renewed(told: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    let now = now.trunc_subsecs(0);
    told.map_or(now, |told| now.max(told.trunc_subsecs(0) + TimeDelta::seconds(1)))
}

/// Those not written yet.
#[derive(Default)]
pub(super) struct Stamps {
    waiting: Mutex<HashMap<String, Stamp>>,
}

impl Stamps {
    /// Remembers that these bytes stand there since then.
    pub(super) fn put(&self, site: &Arc<Site>, name: String, etag: String, modified: DateTime<Utc>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let first = waiting.is_empty();
        waiting.insert(name.clone(), Stamp { name, etag, modified });
        if first {
            let site = site.clone();
            tokio::spawn(async move {
                tokio::time::sleep(GATHER).await;
                site.stamps.flush(&site).await;
            });
        }
    }

    /// Since when these bytes stand there: as is remembered, else since now, which is remembered then.
    pub(super) async fn since(
        &self,
        site: &Arc<Site>,
        name: String,
        etag: &str,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, StoreError> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let before = if let Some(stamp) = waiting {
            Some((stamp.etag, stamp.modified))
        } else {
            let document = name.clone();
            site.store.read(move |store| store.stamped(&document)).await?
        };
        match before {
            Some((tag, modified)) if tag == etag => Ok(modified),
            before => {
                let modified = renewed(before.map(|(_, modified)| modified), now);
                self.put(site, name, etag.to_owned(), modified);
                Ok(modified)
            }
        }
    }

    /// Writes what waits.
    pub(super) async fn flush(&self, site: &Site) {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if waiting.is_empty() {
            return;
        }
        let stamps: Vec<_> = waiting.into_values().collect();
        if let Err(error) = site.store.write(move |store| store.stamp(&stamps)).await {
            tracing::debug!(%error, "the dates of documents were not written");
        }
    }
}
