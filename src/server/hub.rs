//! The hub inside (WebSub 1.0): who subscribes to our documents is asked back whether it meant it, and then
//! told of every change.
//!
//! A call-back is an address that a stranger names: it passes the check of every address that is dialled, is
//! asked once, and what it answers is believed only where it repeats a challenge.

mod deliver;
mod deny;
mod lanes;
mod ping;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::TimeDelta;

use tokio::sync::Notify;
use url::Url;

use super::plan::{Place, Plan, hex};
use super::reply::{self, Answer};
use super::shelf::Slot;
use super::{Site, access};
use crate::fetch::{Http, Message};
use crate::model::HubChoice;
use crate::render::Form;
use crate::store::hub::{Standing, Subscriber};
use lanes::Lanes;

pub(super) use deliver::run;
pub(super) use ping::ping;

/// Longest request, in bytes.
const LONGEST: usize = 16 << 10;
/// A request comes within this time.
const DEADLINE: Duration = Duration::from_secs(10);
/// Longest call-back, in bytes.
const LONGEST_CALLBACK: usize = 2 << 10;
/// WebSub 5.1: a secret must be less than 200 bytes.
const LONGEST_SECRET: usize = 199;
/// Leases in seconds: the shortest, the usual and the longest.
const LEASES: (i64, i64, i64) = (60, 10 * 86_400, 30 * 86_400);
/// Subscriptions, all together.
const MOST: usize = 10_000;
/// Those of one host.
const MOST_HOST: usize = MOST / 10;
/// Call-backs being asked whether they meant it; beyond it nobody new is taken.
const ASKING: usize = 64;
/// The same for one host, so that nobody is flooded through us.
const ASKING_HOST: usize = 4;

/// What the hub holds in memory; everything that lasts is in the store.
pub(super) struct Hub {
    asking: Mutex<HashMap<String, usize>>,
    lanes: Lanes,
    /// (topic, call-back) of those being made.
    under_way: Mutex<HashSet<(String, String)>>,
    wake: Notify,
}

impl Hub {
    pub(super) fn new() -> Self {
        Self {
            asking: Mutex::default(),
            lanes: Lanes::new(),
            under_way: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Documents changed, or a subscriber came.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    fn begin_asking(&self, host: &str) -> bool {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let here = asking.get(host).copied().unwrap_or_default();
        if here >= ASKING_HOST || asking.values().sum::<usize>() >= ASKING {
            return false;
        }
        asking.insert(host.to_owned(), here + 1);
        true
    }

    fn end_asking(&self, host: &str) {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        match asking.get_mut(host) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(asking.remove(host)),
        }
    }
}

/// A document that one may subscribe to.
pub(super) struct Topic<'a> {
    pub(super) slot: &'a Arc<Slot>,
    pub(super) form: Form,
}

impl Topic<'_> {
    /// Its name in the store: lasts when our address changes.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.slot.place.stem(), self.form.extension())
    }
}

/// Every document of an output that has the hub inside.
pub(super) fn topics(plan: &Plan) -> impl Iterator<Item = Topic<'_>> {
    let slots = plan.slots().filter(|slot| slot.output.hub == HubChoice::Own);
    let slots = slots.filter(|slot| matches!(slot.place, Place::Feed(_)));
    slots.flat_map(|slot| Form::ALL.map(|form| Topic { slot, form }))
}

/// What was sent to `/hub`.
struct Asked {
    subscribes: bool,
    topic: String,
    /// Digest of the key named with it.
    key: Option<String>,
    /// As the subscriber names it, key and all: it knows it by no other name.
    topic_as_named: String,
    callback: Url,
    seconds: i64,
    secret: Option<String>,
}

/// `POST /hub`.
pub(super) async fn request(State(site): State<Arc<Site>>, body: Body) -> Answer {
    let body = match reply::whole(body, LONGEST, DEADLINE).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let plan = site.plan.load_full();
    let Some(http) = site.http.load_full() else {
        return reply::text(StatusCode::SERVICE_UNAVAILABLE, "Nobody can be told from here.");
    };
    let asked = match read(&plan, &http, &body) {
        Ok(asked) => asked,
        Err((status, words)) => return reply::text(status, &words),
    };
    let host = asked.callback.host_str().unwrap_or_default().to_owned();
    if asked.subscribes {
        let (topic, callback) = (asked.topic.clone(), asked.callback.to_string());
        let Ok(standing) = site.store.read(move |store| store.standing(&topic, &callback)).await else {
            return reply::text(StatusCode::SERVICE_UNAVAILABLE, "The store cannot be read at the moment.");
        };
        if let Err(words) = has_room(&standing) {
            return reply::text(StatusCode::SERVICE_UNAVAILABLE, words);
        }
    }
    if !site.hub.begin_asking(&host) {
        return reply::text(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many are being asked at the moment; try again.",
        );
    }
    tokio::spawn(async move {
        let what = if asked.subscribes { "subscribed" } else { "unsubscribed" };
        match confirm(&site, &http, &asked).await {
            Ok(()) => tracing::info!(host, topic = asked.topic, "{what}"),
            Err(words) => tracing::info!(host, "not {what}: {}", crate::text::visible(&words)),
        }
        site.hub.end_asking(&host);
    });
    reply::text(StatusCode::ACCEPTED, "You will be asked whether you meant it.")
}

/// Who renews takes nobody's place.
fn has_room(standing: &Standing) -> Result<(), &'static str> {
    match standing {
        Standing { is_known: true, .. } => Ok(()),
        Standing { all: MOST.., .. } => Err("There are too many subscribers."),
        Standing { of_host: MOST_HOST.., .. } => Err("There are too many subscribers of that host."),
        _ => Ok(()),
    }
}

fn read(plan: &Plan, http: &Http, body: &[u8]) -> Result<Asked, (StatusCode, String)> {
    let bad = |words: &str| (StatusCode::BAD_REQUEST, words.to_owned());
    let fields: HashMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let subscribes = match field("hub.mode") {
        Some("subscribe") => true,
        Some("unsubscribe") => false,
        _ => return Err(bad("hub.mode must be subscribe or unsubscribe.")),
    };
    let named = field("hub.topic").ok_or_else(|| bad("hub.topic is missing."))?;
    let (topic, key) = find(plan, named)?;
    let callback = field("hub.callback").filter(|text| text.len() <= LONGEST_CALLBACK);
    let callback = callback.and_then(|text| Url::parse(text).ok());
    let callback = callback.ok_or_else(|| bad("hub.callback must be an http or https address."))?;
    http.may_dial(&callback).map_err(|words| bad(&format!("hub.callback: {words}.")))?;
    // To sign with, byte for byte.
    let secret = fields.get("hub.secret").filter(|secret| !secret.is_empty()).cloned();
    if secret.as_ref().is_some_and(|secret| secret.len() > LONGEST_SECRET) {
        return Err(bad("hub.secret must be shorter than 200 bytes."));
    }
    let (shortest, usual, longest) = LEASES;
    let seconds = match field("hub.lease_seconds") {
        None => usual,
        Some(text) => text
            .parse::<i64>()
            .map_err(|_| bad("hub.lease_seconds must be a number."))?
            .clamp(shortest, longest),
    };
    Ok(Asked { subscribes, topic, key, topic_as_named: named.to_owned(), callback, seconds, secret })
}

/// The document of that address, if one may subscribe to it, and the digest of the key in the address: a closed
/// one needs it.
fn find(plan: &Plan, named: &str) -> Result<(String, Option<String>), (StatusCode, String)> {
    let (address, query) = named.split_once('?').unwrap_or((named, ""));
    let topic = topics(plan).find(|topic| plan.address(&topic.name()) == address);
    let topic = topic.ok_or_else(|| {
        (
            StatusCode::NOT_FOUND,
            "hub.topic is no document of this hub; each names its hub in its links.".to_owned(),
        )
    })?;
    let uri = format!("/?{query}").parse().unwrap_or_default();
    if !access::allowed(plan.token_of(topic.slot), &uri, &HeaderMap::new()) {
        return Err((StatusCode::FORBIDDEN, "hub.topic needs its key: add ?key=… to it.".to_owned()));
    }
    Ok((topic.name(), access::key(&uri).map(|key| access::digest(&key))))
}

/// Asks a call-back whether it meant it (WebSub 5.3), and believes it.
async fn confirm(site: &Arc<Site>, http: &Http, asked: &Asked) -> Result<(), String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    let challenge = hex(&random, random.len());
    let mut url = asked.callback.clone();
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("hub.mode", if asked.subscribes { "subscribe" } else { "unsubscribe" });
        query.append_pair("hub.topic", &asked.topic_as_named).append_pair("hub.challenge", &challenge);
        if asked.subscribes {
            query.append_pair("hub.lease_seconds", &asked.seconds.to_string());
        }
    }
    let (status, answer) = http.send(Message { url, headers: HeaderMap::new(), body: None }).await?;
    if !(200..300).contains(&status) {
        return Err(format!("it answered {status}"));
    }
    if answer.trim_ascii() != challenge.as_bytes() {
        return Err("it did not repeat the challenge".to_owned());
    }
    let (topic, key, callback) = (asked.topic.clone(), asked.key.clone(), asked.callback.to_string());
    let denied = |reason: &str| deny::deny(site, asked.callback.as_str(), &asked.topic_as_named, reason);
    // Another config may be in force by now.
    if asked.subscribes
        && let Err((_, words)) = find(&site.plan.load(), &asked.topic_as_named)
    {
        denied(&words);
        return Err(words);
    }
    let done = if asked.subscribes {
        let delivered = current_tag(site, &topic).await;
        let expires = site.clock.now() + TimeDelta::seconds(asked.seconds);
        let subscriber = Subscriber {
            topic,
            key,
            callback,
            secret: asked.secret.clone(),
            expires,
            delivered,
            failures: 0,
        };
        site.store.write(move |store| store.subscribe(&subscriber)).await
    } else {
        site.store.write(move |store| store.unsubscribe(&topic, &callback)).await
    };
    if let Err(error) = done {
        if asked.subscribes {
            denied("The subscription could not be stored; ask again later.");
        }
        return Err(error.to_string());
    }
    site.hub.wake();
    Ok(())
}

/// The tag of what a reader of the document has now: who subscribes has read it.
async fn current_tag(site: &Arc<Site>, topic: &str) -> String {
    let plan = site.plan.load_full();
    let Some(found) = topics(&plan).find(|found| found.name() == topic) else { return String::new() };
    match found.slot.get(site, &plan).await {
        Ok(finished) => finished.form(found.form).tag.clone(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_a_share_and_who_renews_has_room() {
        let has_room = |all, of_host, is_known| has_room(&Standing { all, of_host, is_known }).is_ok();
        assert!(has_room(MOST - 1, MOST_HOST - 1, false));
        assert!(!has_room(MOST, 0, false));
        assert!(!has_room(MOST_HOST, MOST_HOST, false));
        assert!(has_room(MOST, MOST_HOST, true));
    }
}
