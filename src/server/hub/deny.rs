//! Who subscribed, or had reason to think so, and is not told any more, hears that once (WebSub 5.2). Whether it heard is
//! not looked at.

use std::sync::Arc;

use axum::http::HeaderMap;
use url::Url;

use super::super::Site;
use super::deliver::host;
use crate::fetch::Message;

/// Tells a call-back that its subscription is over, in a turn of those of deliveries.
pub(super) fn deny(site: &Arc<Site>, callback: &str, topic: &str, reason: &str) {
    let (Ok(mut url), Some(http)) = (Url::parse(callback), site.http.load_full()) else { return };
    url.query_pairs_mut()
        .append_pair("hub.mode", "denied")
        .append_pair("hub.topic", topic)
        .append_pair("hub.reason", reason);
    let (site, host) = (site.clone(), host(callback));
    tokio::spawn(async move {
        let _turn = site.hub.lanes.turn(&host, false).await;
        if let Err(words) = http.send(Message { url, headers: HeaderMap::new(), body: None }).await {
            tracing::debug!("a subscriber was not told that it is dropped: {}", crate::text::visible(&words));
        }
    });
}
