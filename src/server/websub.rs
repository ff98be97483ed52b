//! Where sources' hubs reach us (WebSub 1.0, the subscriber's side): asked whether we meant it, and told of news.
//!
//! Whoever knows the token of a call-back is asked to prove by signature that it is the hub. Nothing is read from
//! anybody else, and nothing is said to it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use tokio::sync::{Semaphore, oneshot};

use super::Site;
use super::metrics::Heard;
use super::reply::{self, Answer};
use crate::daemon::{Command, hubs};
use crate::fetch;
use crate::model::{Source, SourceId};
use crate::poll::{Delivery, News};
use crate::store::StoreError;
use crate::store::websub::Subscription;

/// A token of ours, in hexadecimal digits.
const TOKEN: usize = 32;
/// Longest challenge that is repeated, in bytes.
const LONGEST_CHALLENGE: usize = 1 << 10;
/// Leases in seconds: no shorter, no longer.
const LEASES: (i64, i64) = (60, 90 * 86_400);
/// A hub that refused us is asked again after so many seconds.
const REFUSED: i64 = 86_400;
/// Deliveries whose bodies are held at once.
pub(super) const AT_ONCE: usize = 4;
/// A hub waits so long at most; what takes longer it sends again.
const PATIENCE: Duration = Duration::from_secs(8);
/// A body comes within this time.
const DEADLINE: Duration = Duration::from_secs(30);

/// What deliveries wait for.
pub(super) struct Inbox {
    places: Semaphore,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { places: Semaphore::new(AT_ONCE) }
    }
}

async fn known(site: &Arc<Site>, token: &str) -> Result<Option<Subscription>, StoreError> {
    // What cannot be one of ours costs nothing.
    if token.len() != TOKEN || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let token = token.to_owned();
    site.store.read(move |store| store.subscription(&token)).await
}

fn nobody() -> Answer {
    reply::text(StatusCode::NOT_FOUND, "Nobody waits for news here.")
}

fn later() -> Answer {
    reply::text(StatusCode::SERVICE_UNAVAILABLE, "Not now; try again.")
}

/// `GET`: a hub asks whether we meant it, or says that it refuses (WebSub 5.2, 5.3).
pub(super) async fn verify(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    request: Request,
) -> Answer {
    let found = match known(&site, &token).await {
        Ok(Some(found)) => found,
        Ok(None) => return nobody(),
        Err(_) => return later(),
    };
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let fields: HashMap<_, _> = url::form_urlencoded::parse(query).into_owned().collect();
    let field = |name: &str| fields.get(name).map(String::as_str);
    if field("hub.topic") != Some(found.hub.topic.as_str()) {
        return nobody();
    }
    let now = site.clock.now();
    match field("hub.mode") {
        Some("denied") => refused(&site, &found, field("hub.reason").unwrap_or_default(), now).await,
        Some(mode @ ("subscribe" | "unsubscribe")) => {
            let meant = found.asked.is_some() && found.leaving == (mode == "unsubscribe");
            let challenge = field("hub.challenge").filter(|text| text.len() <= LONGEST_CHALLENGE);
            let Some(challenge) = challenge.filter(|_| meant) else { return nobody() };
            let lease = field("hub.lease_seconds").and_then(|text| text.parse::<i64>().ok());
            // One of no length is none.
            let lease = lease.filter(|lease| *lease > 0);
            match agree(&site, &found, lease, now).await {
                Ok(true) => repeat(challenge),
                Ok(false) => nobody(),
                Err(_) => later(),
            }
        }
        _ => nobody(),
    }
}

/// A challenge goes back byte for byte.
fn repeat(challenge: &str) -> Answer {
    let mut answer = reply::text(StatusCode::OK, "");
    *answer.body_mut() = Body::from(challenge.to_owned());
    answer
}

/// The hub came back: the lease begins, or the subscription is over.
async fn agree(
    site: &Arc<Site>,
    found: &Subscription,
    lease: Option<i64>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (token, leaving) = (found.token.clone(), found.leaving);
    if leaving {
        site.store.write(move |store| store.drop_subscription(&token)).await?;
        tracing::info!(source.id = %found.source, "{}: no longer subscribed to its hub", found.source);
        return Ok(true);
    }
    let lease = lease.unwrap_or(hubs::usual_lease()).clamp(LEASES.0, LEASES.1);
    let change = move |known: &mut Subscription| {
        if known.asked.take().is_none() {
            return false;
        }
        if !known.in_force(now) {
            // What came under an earlier lease says nothing of this one.
            known.pushed = None;
        }
        known.expires = Some(now + TimeDelta::seconds(lease));
        // Before it ends: there is time for a hub that fails at first.
        known.next_try = now + TimeDelta::seconds(lease * 4 / 5);
        (known.failures, known.words) = (0, None);
        true
    };
    let agreed = site.store.amend_subscription(&token, change).await?;
    if agreed {
        tracing::info!(source.id = %found.source, lease, "{}: subscribed to its hub", found.source);
    }
    Ok(agreed)
}

async fn refused(site: &Arc<Site>, found: &Subscription, reason: &str, now: DateTime<Utc>) -> Answer {
    let reason: String = crate::text::visible(reason).chars().take(200).collect();
    let words = format!("it refused{}{reason}", if reason.is_empty() { "" } else { ": " });
    tracing::warn!(source.id = %found.source, "{}: its hub: {words}", found.source);
    let token = found.token.clone();
    let done = if found.leaving {
        site.store.write(move |store| store.drop_subscription(&token)).await
    } else {
        let change = move |known: &mut Subscription| {
            hubs::fail(known, words, now);
            (known.pushed, known.expires) = (None, None);
            known.next_try = known.next_try.max(now + TimeDelta::seconds(REFUSED));
            true
        };
        site.store.amend_subscription(&token, change).await.map(drop)
    };
    if done.is_err() {
        return later();
    }
    // What it may have kept from us until now is fetched.
    hand_over(site, found.source.clone(), News::Lost).await;
    reply::text(StatusCode::OK, "")
}

/// `POST`: a delivery (WebSub 7). A wrong signature is told nothing, and counted.
pub(super) async fn deliver(
    State(site): State<Arc<Site>>,
    Path(token): Path<String>,
    request: Request,
) -> Answer {
    let found = match known(&site, &token).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            site.metrics.heard(Heard::Unknown);
            return nobody();
        }
        Err(_) => return later(),
    };
    let plan = site.plan.load_full();
    let Some(source) = plan.source(found.source.as_str()).filter(|source| source.enabled && !found.leaving)
    else {
        return reply::text(StatusCode::GONE, "Nobody waits for news here any more.");
    };
    if !found.in_force(site.clock.now()) {
        return nobody();
    }
    let (head, body) = request.into_parts();
    // Whoever has no place now is heard later: bodies are held, and there is an end to that.
    let Ok(_place) = site.inbox.places.try_acquire() else { return later() };
    let body = match whole(source, &head.headers, body).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let signature = head.headers.get("x-hub-signature").and_then(|value| value.to_str().ok());
    if !signature.is_some_and(|signature| is_signed(signature, &found.secret, &body)) {
        site.metrics.heard(Heard::Forged);
        let counted = site.store.amend_subscription(&token, |known| {
            known.refused += 1;
            true
        });
        // To those who do not know the secret, all is well (WebSub 7.1).
        return if counted.await.is_ok() { reply::text(StatusCode::ACCEPTED, "") } else { later() };
    }
    let news = news(&found, &head.headers, body);
    site.metrics.heard(if matches!(news, News::Document(_)) { Heard::Document } else { Heard::Announced });
    if hand_over(&site, found.source, news).await { reply::text(StatusCode::OK, "") } else { later() }
}

/// The body, as far as a poll of the source would read one.
async fn whole(source: &Source, headers: &HeaderMap, body: Body) -> Result<Bytes, Answer> {
    let limit = usize::try_from(source.max_body).unwrap_or(usize::MAX);
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > source.max_body) {
        return Err(reply::too_large());
    }
    reply::whole(body, limit, DEADLINE).await
}

/// A document of the topic, or only the word that there is one.
fn news(found: &Subscription, headers: &HeaderMap, body: Bytes) -> News {
    let foreign = url::Url::parse(&found.hub.topic)
        .ok()
        .and_then(|base| fetch::named_in_links(headers, &base))
        .is_some_and(|own| own != found.hub.topic);
    if body.trim_ascii().is_empty() || foreign || headers.contains_key(header::CONTENT_ENCODING) {
        return News::Announced;
    }
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    News::Document(Delivery { bytes: body, content_type })
}

/// Gives it to the polling loop; true when it is remembered.
async fn hand_over(site: &Arc<Site>, source: SourceId, news: News) -> bool {
    let Some(commands) = site.commands.get() else { return false };
    let (taken, remembered) = oneshot::channel();
    if commands.send(Command::Push(source, news, taken)).await.is_err() {
        return false;
    }
    tokio::time::timeout(PATIENCE, remembered).await.is_ok_and(|answer| answer.unwrap_or(false))
}

/// `X-Hub-Signature: method=hex`, compared in constant time (WebSub 7.1).
fn is_signed(signature: &str, secret: &str, body: &[u8]) -> bool {
    let Some((method, digits)) = signature.trim().split_once('=') else { return false };
    let Some(given) = bytes_of(digits.trim()) else { return false };
    macro_rules! fits {
        ($hash:ty) => {
            Hmac::<$hash>::new_from_slice(secret.as_bytes())
                .is_ok_and(|hmac| hmac.chain_update(body).verify_slice(&given).is_ok())
        };
    }
    match method.trim().to_ascii_lowercase().as_str() {
        "sha1" => fits!(sha1::Sha1),
        "sha256" => fits!(sha2::Sha256),
        "sha384" => fits!(sha2::Sha384),
        "sha512" => fits!(sha2::Sha512),
        _ => false,
    }
}

fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || pairs.len() > 64 {
        return None;
    }
    pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::is_signed;

    #[test]
    fn signatures_of_rfc_2202_and_4231_and_no_others() {
        let text = b"what do ya want for nothing?";
        for right in [
            "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
            "SHA256=5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843",
            "sha384=af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            "sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ] {
            assert!(is_signed(right, "Jefe", text), "{right}");
            assert!(!is_signed(right, "Jefe", b"what do ya want"), "another text");
            assert!(!is_signed(right, "jefe", text), "another secret");
            assert!(!is_signed(&right[..right.len() - 2], "Jefe", text), "a part of it");
        }
        for wrong in ["", "sha1", "sha1=", "sha256=zz", "md5=750c783e6ab0b503eaa86e310a5db738", "sha1=+1+1"] {
            assert!(!is_signed(wrong, "Jefe", text), "{wrong}");
        }
    }
}
