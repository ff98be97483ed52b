//! The last body of a source: packed on its way into the store, and as a body again on its way out.

use chrono::{DateTime, Utc};
use url::Url;

use super::Poller;
use super::read::Kept;
use crate::fetch::Body;
use crate::model::SourceId;
use crate::store::{KeptBody, StoreError};

/// A body as it is to be kept, compressed no larger than this; `None`: not at all. One that brings only what is new since
/// another (226) stands for no document.
pub(super) fn pack(body: &Body, limit: u64, now: DateTime<Utc>) -> Result<Option<KeptBody>, StoreError> {
    if limit == 0 || body.delta {
        return Ok(None);
    }
    Ok(KeptBody::pack(&body.bytes, limit)?.map(|packed| KeptBody {
        packed,
        url: body.url.to_string(),
        content_type: body.content_type.clone(),
        content_language: body.content_language.clone(),
        fetched: now,
    }))
}

impl Poller {
    /// What is to be kept of a body, which ends here: so does its place among the large ones.
    pub(super) async fn packed(&self, body: Body, now: DateTime<Utc>) -> Result<Kept, StoreError> {
        let (_permit, limit) = (self.readers.acquire().await, self.keep_bodies);
        let packed = tokio::task::spawn_blocking(move || pack(&body, limit, now));
        let packed =
            packed.await.map_err(|ended| StoreError::Failed(format!("packing a body: {ended}")))??;
        Ok(packed.map_or(Kept::Nothing, Kept::This))
    }

    /// The kept body of a source, as if it had just come.
    pub(super) async fn kept_body(&self, source: &SourceId) -> Result<Option<Body>, StoreError> {
        let id = source.clone();
        let unpacked = self.store.read(move |store| {
            let Some(kept) = store.body(&id)? else { return Ok(None) };
            // Without the address it came from its links lead nowhere: as good as none.
            let Ok(url) = Url::parse(&kept.url) else { return Ok(None) };
            Ok(Some(Body {
                bytes: kept.unpack()?.into(),
                content_type: kept.content_type,
                content_language: kept.content_language,
                url,
                delta: false,
                place: None,
            }))
        });
        unpacked.await
    }
}
