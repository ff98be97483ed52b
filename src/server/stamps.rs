//! When the bytes of documents last changed, on its way into the store: many at once, behind the readers'
//! backs. What a kill loses costs a reader one answer in full.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Site;
use crate::store::{Stamp, StoreError};

/// Stamps are gathered for so long.
const GATHER: Duration = Duration::from_millis(100);

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
                // Never earlier than before, whatever the wall clock did meanwhile.
                let modified = before.map_or(now, |(_, modified)| modified.max(now));
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
