//! Deliveries: the newest bytes of a changed document, signed, to everybody who does not have them. Whoever
//! does not take them is asked again, later each time, until its lease ends.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, LINK};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use url::Url;

use super::super::doc::Doc;
use super::super::plan::{Plan, hex};
use super::super::{Site, access};
use super::deny::deny;
use super::topics;
use crate::fetch::Message;
use crate::store::StoreError;
use crate::store::hub::{Dropped, Subscriber};

/// Seconds until the second try; doubles with each.
const FIRST_PAUSE: i64 = 5;
/// The longest pause between two tries, in seconds.
const LONGEST_PAUSE: i64 = 6 * 3600;
/// The hub looks at least so often.
const LOOK: Duration = Duration::from_mins(10);

/// Runs until the daemon stops.
pub(in super::super) async fn run(site: Arc<Site>) {
    let mut closing = site.closing.subscribe();
    let mut in_force = Weak::new();
    loop {
        let pause = match round(&site, &mut in_force).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::warn!(%error, "subscribers could not be told");
                LOOK
            }
        };
        tokio::select! {
            () = site.hub.wake.notified() => {}
            () = site.clock.sleep(pause) => {}
            _ = closing.wait_for(|closing| *closing) => return,
        }
    }
}

/// Starts every delivery that is due; when to look again. Under a config that is not yet known here, the subscribers of
/// what it does not have any more are dropped first.
async fn round(site: &Arc<Site>, in_force: &mut Weak<Plan>) -> Result<Duration, StoreError> {
    let plan = site.plan.load_full();
    if site.store.read(|store| store.subscribers()).await? == 0 {
        return Ok(LOOK);
    }
    let now = site.clock.now();
    site.store.write(move |store| store.expire(now)).await?;
    if in_force.as_ptr() != Arc::as_ptr(&plan) {
        let names: Vec<_> = topics(&plan).map(|topic| topic.name()).collect();
        let dropped = site.store.write(move |store| store.drop_others(&names)).await?;
        if !dropped.is_empty() {
            let subscriptions = dropped.len();
            tracing::info!(
                subscriptions,
                "subscriptions to documents that have no hub here any more are dropped"
            );
        }
        for Dropped { topic, callback } in dropped {
            deny(site, &callback, &plan.address(&topic), "This feed has no hub here any more.");
        }
        *in_force = Arc::downgrade(&plan);
    }
    for topic in topics(&plan) {
        let finished = topic.slot.current(site, &plan).await?;
        let doc = finished.form(topic.form).clone();
        let (name, tag) = (topic.name(), doc.tag.clone());
        let waiting = site.store.read(move |store| store.waiting(&name, &tag, now)).await?;
        let wanted = plan.token_of(topic.slot);
        let (told, refused): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|subscriber| access::still_allowed(wanted, subscriber.key.as_deref()));
        if !refused.is_empty() {
            tracing::info!(
                topic = topic.name(),
                subscriptions = refused.len(),
                "subscriptions without the key that this document needs now are dropped"
            );
        }
        for Subscriber { topic, callback, .. } in refused {
            let (address, known_as) = (callback.clone(), plan.address(&topic));
            site.store.write(move |store| store.unsubscribe(&topic, &callback)).await?;
            deny(site, &address, &known_as, "This feed needs a key now, or another one.");
        }
        for subscriber in told {
            start(site, &plan, subscriber, doc.clone());
        }
    }
    let next = site.store.read(move |store| store.next_try(now)).await?;
    let until = next.and_then(|next| (next - now).to_std().ok());
    Ok(until.unwrap_or(LOOK).min(LOOK))
}

/// One delivery at a time to each; the next round sends what has become newer meanwhile.
fn start(site: &Arc<Site>, plan: &Arc<Plan>, subscriber: Subscriber, doc: Arc<Doc>) {
    let key = (subscriber.topic.clone(), subscriber.callback.clone());
    if !site.hub.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
        return;
    }
    let (site, plan) = (site.clone(), plan.clone());
    tokio::spawn(async move {
        let host = host(&subscriber.callback);
        let turn = site.hub.lanes.turn(&host, subscriber.failures > 0).await;
        // Under another config it may have no right to it any more: the next round looks.
        let ended = if Arc::ptr_eq(&plan, &site.plan.load()) {
            let start = site.clock.elapsed();
            let sent = send(&site, &plan, &subscriber, &doc).await;
            let time = site.clock.elapsed().saturating_sub(start);
            turn.took(sent.is_ok().then_some(time));
            remember(&site, &subscriber, &doc, sent).await
        } else {
            Ok(())
        };
        drop(turn);
        site.hub.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        if let Err(error) = ended {
            tracing::warn!(%error, "a delivery could not be remembered");
            return;
        }
        site.hub.wake();
    });
}

/// The host of a call-back.
pub(super) fn host(callback: &str) -> String {
    Url::parse(callback).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

async fn send(site: &Site, plan: &Plan, subscriber: &Subscriber, doc: &Doc) -> Result<u16, String> {
    let http = site.http.load_full().ok_or("nobody can be told from here")?;
    let url = Url::parse(&subscriber.callback).map_err(|error| error.to_string())?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(doc.content_type));
    let links = format!(
        "<{}>; rel=\"hub\", <{}>; rel=\"self\"",
        plan.address("hub"),
        plan.address(&subscriber.topic)
    );
    headers.extend(HeaderValue::from_str(&links).map(|links| (LINK, links)));
    if let Some(secret) = &subscriber.secret {
        let signature =
            HeaderValue::from_str(&signature(secret, &doc.plain)).map_err(|error| error.to_string())?;
        headers.insert(HeaderName::from_static("x-hub-signature"), signature);
    }
    let body: Bytes = doc.plain.clone();
    http.send(Message { url, headers, body: Some(body) }).await.map(|(status, _)| status)
}

/// WebSub 7.1: the method, and the HMAC of the body.
fn signature(secret: &str, body: &[u8]) -> String {
    match Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        Ok(mut hmac) => {
            hmac.update(body);
            let bytes = hmac.finalize().into_bytes();
            format!("sha256={}", hex(&bytes, bytes.len()))
        }
        // HMAC takes keys of any length.
        Err(_) => String::new(),
    }
}

async fn remember(
    site: &Site,
    subscriber: &Subscriber,
    doc: &Doc,
    sent: Result<u16, String>,
) -> Result<(), StoreError> {
    let Subscriber { topic, callback, failures, .. } = subscriber.clone();
    match sent {
        Ok(200..=299) => {
            let tag = doc.tag.clone();
            site.store.write(move |store| store.delivered(&topic, &callback, &tag)).await
        }
        // It is gone and says so.
        Ok(410) => site.store.write(move |store| store.unsubscribe(&topic, &callback)).await,
        other => {
            let words = other.map_or_else(|words| words, |status| format!("it answered {status}"));
            tracing::debug!(
                callback = crate::link::mask(&subscriber.callback),
                "not delivered: {}",
                crate::text::visible(&words)
            );
            let pause = FIRST_PAUSE.saturating_mul(1 << failures.min(20)).min(LONGEST_PAUSE);
            let again = site.clock.now() + TimeDelta::seconds(pause);
            site.store.write(move |store| store.refused(&topic, &callback, again)).await
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn signatures_are_those_of_rfc_4231() {
        let wanted = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(super::signature("Jefe", b"what do ya want for nothing?"), wanted);
    }
}
