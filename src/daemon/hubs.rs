//! Our subscriptions to sources' hubs (WebSub): asked for, renewed before they end, given up when nobody wants
//! them. What a hub sends comes in through the server. Never polls.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use url::Url;

use crate::clock::Clock;
use crate::fetch::Http;
use crate::link;
use crate::model::{Hub, SourceId};
use crate::store::websub::Subscription;
use crate::store::{Handle, Store, StoreError};

/// The lease that is asked for, in seconds; a hub may grant another.
const LEASE: i64 = 10 * 86_400;
/// A hub that was asked comes back within so many seconds, or has failed.
const PATIENCE: i64 = 3600;
/// Seconds until a hub that failed is asked again; doubles with each failure.
const FIRST_PAUSE: i64 = 300;
/// The longest such pause, in seconds.
const LONGEST_PAUSE: i64 = 86_400;
/// After so many failures in a row a hub is relied on no more, and who is to be given up is.
const DOUBTED: u32 = 3;
/// Hubs asked at once.
const AT_ONCE: usize = 8;
/// Hubs asked in one round.
const A_ROUND: usize = 64;

/// How hubs are spoken to.
#[derive(Clone)]
pub struct Hubs {
    /// The client.
    pub http: Arc<Http>,
    /// Our public address, where there is one: hubs deliver below it. `None`: nothing is subscribed to.
    pub base: Option<Url>,
}

/// Proxies of sources that have their own: their hubs are asked by them, too.
pub(super) type Proxies = HashMap<SourceId, Url>;

/// What a round has to do beside asking those who are due.
#[derive(Default)]
pub(super) struct Wishes {
    /// A source names another hub than it is subscribed to, or none any more.
    pub(super) named: Vec<(SourceId, Option<Hub>)>,
    /// A new config: who may be subscribed to at all.
    pub(super) wanted: Option<HashSet<SourceId>>,
}

/// One round: wishes are written down, hubs that are due are asked. Hands back the sources whose hub is
/// relied on no more: they are polled by themselves again.
pub(super) async fn round(
    hubs: Hubs,
    store: Handle,
    clock: Arc<dyn Clock>,
    wishes: Wishes,
    proxies: Arc<Proxies>,
) -> Result<Vec<SourceId>, StoreError> {
    let (now, base) = (clock.now(), hubs.base.clone());
    let mut lost = Vec::new();
    if wishes.wanted.is_some() || !wishes.named.is_empty() {
        let work = move |store: &mut dyn Store| write_down(store, base.as_ref(), wishes, now);
        lost = store.write(work).await?;
    }
    let due = store.read(move |store| store.due_subscriptions(now, A_ROUND)).await?;
    let asked = due.into_iter().map(|known| ask(&hubs, &store, &clock, known, &proxies));
    let ended: Vec<Result<Option<SourceId>, StoreError>> =
        stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    for ended in ended {
        lost.extend(ended?);
    }
    Ok(lost)
}

fn write_down(
    store: &mut dyn Store,
    base: Option<&Url>,
    wishes: Wishes,
    now: DateTime<Utc>,
) -> Result<Vec<SourceId>, StoreError> {
    let mut lost = Vec::new();
    let known = store.subscriptions()?;
    if let Some(wanted) = &wishes.wanted {
        for one in &known {
            if !wanted.contains(&one.source) {
                leave(store, one, now)?;
                if one.pushed.is_some() {
                    lost.push(one.source.clone());
                }
            } else if base.is_some_and(|base| !one.callback.starts_with(base.as_str())) {
                // The hub would deliver where we no longer are. The next poll subscribes anew.
                store.drop_subscription(&one.token)?;
                lost.push(one.source.clone());
            }
        }
    }
    for (source, hub) in wishes.named {
        let before = known.iter().find(|known| known.source == source);
        match (hub, base) {
            (Some(hub), Some(base)) => {
                if before.is_some_and(|before| !before.leaving && before.hub == hub) {
                    continue;
                }
                // Where there was another, its hub hears that its call-back is gone when it delivers.
                store.keep_subscription(&new(source, hub, base, now)?)?;
            }
            _ => before.map_or(Ok(()), |before| leave(store, before, now))?,
        }
    }
    Ok(lost)
}

fn leave(store: &mut dyn Store, one: &Subscription, now: DateTime<Utc>) -> Result<(), StoreError> {
    if one.leaving {
        return Ok(());
    }
    if !one.in_force(now) && one.asked.is_none() {
        return store.drop_subscription(&one.token);
    }
    let left = Subscription { leaving: true, asked: None, next_try: now, failures: 0, ..one.clone() };
    store.keep_subscription(&left)
}

fn new(source: SourceId, hub: Hub, base: &Url, now: DateTime<Utc>) -> Result<Subscription, StoreError> {
    let token = random::<16>()?;
    Ok(Subscription {
        source,
        callback: format!("{base}websub/{token}"),
        token,
        secret: random::<32>()?,
        hub,
        asked: None,
        expires: None,
        next_try: now,
        failures: 0,
        words: None,
        pushed: None,
        announced: None,
        pushes: 0,
        refused: 0,
        leaving: false,
    })
}

fn random<const N: usize>() -> Result<String, StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Failed(format!("no random numbers for a subscription: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Asks one hub, or counts that it did not come back. The source, when its hub is relied on no more.
async fn ask(
    hubs: &Hubs,
    store: &Handle,
    clock: &Arc<dyn Clock>,
    known: Subscription,
    proxies: &Proxies,
) -> Result<Option<SourceId>, StoreError> {
    let now = clock.now();
    if known.leaving && (known.failures >= DOUBTED || !known.in_force(now) && known.asked.is_none()) {
        // Nobody answers for it: the lease ends by itself, and what comes until then finds nobody.
        let token = known.token.clone();
        store.write(move |store| store.drop_subscription(&token)).await?;
        return Ok(None);
    }
    let shown = link::mask(&known.hub.url);
    let failed = if known.asked.is_some() {
        Some("it took our request, and did not come back to ask whether we meant it".to_owned())
    } else {
        let marked = store.amend_subscription(&known.token, move |known| {
            known.asked = Some(now);
            known.next_try = now + TimeDelta::seconds(PATIENCE);
            true
        });
        marked.await?;
        request(hubs, &known, proxies.get(&known.source), now).await.err()
    };
    let Some(words) = failed else {
        tracing::info!(source.id = %known.source, "{}: asked its hub {shown}", known.source);
        return Ok(None);
    };
    tracing::warn!(source.id = %known.source, "{}: its hub {shown}: {}", known.source, crate::text::visible(&words));
    let doubted = known.pushed.is_some() && known.failures + 1 >= DOUBTED;
    let changed = store.amend_subscription(&known.token, move |known| {
        if known.asked.is_none() {
            return false;
        }
        fail(known, words, now);
        true
    });
    let changed = changed.await?;
    Ok((changed && doubted).then_some(known.source))
}

/// A request came to nothing: later again, and after a few the hub is relied on no more.
pub fn fail(known: &mut Subscription, words: String, now: DateTime<Utc>) {
    let pause = FIRST_PAUSE.saturating_mul(1 << known.failures.min(16)).min(LONGEST_PAUSE);
    known.failures = known.failures.saturating_add(1);
    known.next_try = now + TimeDelta::seconds(pause);
    (known.asked, known.words) = (None, Some(words));
    if known.failures >= DOUBTED {
        known.pushed = None;
    }
}

async fn request(
    hubs: &Hubs,
    known: &Subscription,
    proxy: Option<&Url>,
    now: DateTime<Utc>,
) -> Result<(), String> {
    let url = Url::parse(&known.hub.url).map_err(|error| error.to_string())?;
    let (status, answer) = hubs.http.post_form(url, Bytes::from(form(known)), proxy, now).await?;
    if (200..300).contains(&status) {
        return Ok(());
    }
    let words: String = String::from_utf8_lossy(&answer).trim().chars().take(200).collect();
    Err(format!("it answered {status}{}{words}", if words.is_empty() { "" } else { ": " }))
}

/// What a hub is asked (WebSub 5.1).
fn form(known: &Subscription) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("hub.mode", if known.leaving { "unsubscribe" } else { "subscribe" })
        .append_pair("hub.topic", &known.hub.topic)
        .append_pair("hub.callback", &known.callback)
        // Hubs of before WebSub want to be told how they may ask back.
        .append_pair("hub.verify", "async");
    if !known.leaving {
        form.append_pair("hub.secret", &known.secret).append_pair("hub.lease_seconds", &LEASE.to_string());
    }
    form.finish()
}

/// The lease that counts where a hub names none.
pub const fn usual_lease() -> i64 {
    LEASE
}
