//! A hub elsewhere is told which of our documents changed; it comes and fetches them.

use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;

use super::super::Site;
use super::super::plan::Plan;
use super::super::shelf::Slot;
use crate::fetch::Message;
use crate::model::HubChoice;
use crate::render::Form;

/// Tells the hub of an output, where it has one elsewhere, that these forms have new bytes.
pub(in super::super) fn ping(site: &Arc<Site>, plan: &Plan, slot: &Slot, changed: &[Form]) {
    let HubChoice::External(hub) = &slot.output.hub else { return };
    let Some(http) = site.http.load_full().filter(|_| !changed.is_empty()) else { return };
    let mut form = url::form_urlencoded::Serializer::new("hub.mode=publish".to_owned());
    for changed in changed {
        let topic = plan.address(&format!("{}.{}", slot.place.stem(), changed.extension()));
        // Older hubs know the one name, newer ones the other.
        form.append_pair("hub.topic", &topic).append_pair("hub.url", &topic);
    }
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let message = Message { url: hub.clone(), headers, body: Some(Bytes::from(form.finish())) };
    let shown = crate::link::mask(hub.as_str());
    tokio::spawn(async move {
        match http.send(message).await {
            Ok((200..=299, _)) => {}
            Ok((status, _)) => tracing::warn!(hub = shown, "the hub was told of news and answered {status}"),
            Err(words) => tracing::warn!(hub = shown, "the hub could not be told of news: {words}"),
        }
    });
}
