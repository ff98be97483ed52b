//! A hub elsewhere is told which of our documents changed; it comes and fetches them.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;

use super::super::Site;
use super::super::plan::Plan;
use super::super::shelf::Slot;
use crate::fetch::Message;
use crate::model::HubChoice;
use crate::render::Form;

/// A hub that does not hear it is told again after these pauses: else its subscribers would wait for the next news.
const AGAIN: [Duration; 3] = [Duration::from_secs(10), Duration::from_mins(2), Duration::from_mins(15)];

/// Tells the hub of an output, where it has one elsewhere, that these forms have new bytes; again where it does not hear
/// it, until there are newer ones than those of these tags.
pub(in super::super) fn ping(
    site: &Arc<Site>,
    plan: &Plan,
    slot: &Arc<Slot>,
    (changed, tags): (&[Form], [String; 3]),
) {
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
    let (site, slot, shown) = (site.clone(), slot.clone(), crate::link::mask(hub.as_str()));
    tokio::spawn(async move {
        for pause in AGAIN.into_iter().map(Some).chain([None]) {
            let words = match http.send(message.clone()).await {
                Ok((200..=299, _)) => return,
                Ok((status, _)) => format!("it answered {status}"),
                Err(words) => words,
            };
            tracing::warn!(
                hub = shown,
                "the hub could not be told of news: {}",
                crate::text::visible(&words)
            );
            let Some(pause) = pause else { return };
            site.clock.sleep(pause).await;
            if !slot.is_announced(&tags) {
                return;
            }
        }
    });
}
