//! `/feeds/{id}/events`: one Server-Sent Event for each new entry of a feed, in order of publication; one that was held
//! until its time comes then.
//!
//! An event's id says how far its listener has heard, so that who comes back with `Last-Event-ID` misses nothing. A
//! listener is a place and no queue: a slow one costs what it has not read, and that is in the store.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, Uri, header};
use bytes::Bytes;
use chrono::DateTime;
use futures_util::{StreamExt, stream};
use tokio::sync::watch;

use super::plan::{Place, Plan};
use super::reply::{self, Answer};
use super::shelf::Slot;
use super::{Site, access, feeds};
use crate::render;
use crate::store::held::Came;
use crate::store::{Store, StoreError};

/// Listeners at once.
const MOST: usize = 1024;
/// Events kept per feed for those who listen; who is further behind asks the store.
const KEPT: usize = 128;
/// Events taken from the store at once.
const BATCH: usize = 64;
/// Places walked along in one go: a look into the store must not keep others waiting.
const SLICE: i64 = 20_000;
/// A sign of life for proxies and for clients that wait.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Nothing is held for less, in seconds: a clock set back by no more than this leaves out no entry that came since.
const HELD_FOR: i64 = 600;

/// How far somebody has heard of a feed: of all entries up to a place whose time had come. What was held then, at those
/// places, is still to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Heard {
    place: i64,
    came: Came,
}

impl Display for Heard {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let Self { place, came } = self;
        write!(to, "{place}-{}", came.second)?;
        if came.place == i64::MAX { Ok(()) } else { write!(to, ".{}", came.place) }
    }
}

/// The id of an event. Older ones were a place alone.
struct Id {
    place: i64,
    came: Option<Came>,
}

impl FromStr for Id {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((place, came)) = text.trim().split_once('-') else {
            return Ok(Self { place: text.trim().parse()?, came: None });
        };
        let came = match came.split_once('.') {
            Some((second, place)) => Came { second: second.parse()?, place: place.parse()? },
            None => Came::all_of(came.parse()?),
        };
        Ok(Self { place: place.parse()?, came: Some(came) })
    }
}

impl Id {
    /// How far who comes back with it has heard, of what there is.
    fn heard(&self, all: Heard) -> Option<Heard> {
        let came = self.came.map_or(all.came, |came| came.min(all.came));
        (self.place <= all.place).then_some(Heard { place: self.place, came })
    }
}

/// The newest events of a feed, and who waits for more.
#[derive(Default)]
pub(super) struct News {
    /// Made for the first who listens: every source has a document, and kilobytes for each are too many.
    told: OnceLock<Box<Told>>,
    /// Nothing more will be told here: another config is in force.
    ended: AtomicBool,
}

/// What was told to all who listen.
struct Told {
    /// One at a time adds to it.
    turn: tokio::sync::Mutex<()>,
    log: Mutex<Log>,
    wake: watch::Sender<()>,
}

#[derive(Default)]
struct Log {
    /// Everybody has heard so far.
    heard: Heard,
    /// Events so far, of which the last are kept.
    count: u64,
    events: VecDeque<Bytes>,
}

impl Log {
    fn add(&mut self, events: Vec<Bytes>, heard: Heard) {
        self.count += events.len() as u64;
        self.events.extend(events);
        self.events.drain(..self.events.len().saturating_sub(KEPT));
        self.heard = heard;
    }

    /// The events after so many; `None`: these are too long ago to be kept here.
    fn after(&self, count: u64) -> Option<Bytes> {
        let behind = usize::try_from(self.count.checked_sub(count)?).ok()?;
        let from = self.events.len().checked_sub(behind)?;
        Some(self.events.iter().skip(from).flatten().copied().collect())
    }
}

impl Default for Told {
    fn default() -> Self {
        Self { turn: tokio::sync::Mutex::default(), log: Mutex::default(), wake: watch::Sender::new(()) }
    }
}

impl Told {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_watched(&self) -> bool {
        self.wake.receiver_count() > 0
    }

    /// Takes a place among those who wait. For the first one the past is not told.
    async fn enter(&self, site: &Site, plan: &Plan, slot: &Slot) -> Result<watch::Receiver<()>, StoreError> {
        let _turn = self.turn.lock().await;
        let is_first = !self.is_watched();
        // Before the store is looked at, so that whatever comes later is told.
        let woken = self.wake.subscribe();
        if is_first {
            let heard = now(site, slot, Heard::default()).await?;
            *self.log() = Log { heard, ..Log::default() };
        } else {
            self.go_on(site, plan, slot).await?;
        }
        Ok(woken)
    }

    /// Tells everybody what has come. By one who has the turn.
    async fn go_on(&self, site: &Site, plan: &Plan, slot: &Slot) -> Result<(), StoreError> {
        let mut heard = self.log().heard;
        let all = now(site, slot, heard).await?;
        while heard != all {
            let (events, reached) = look(site, plan, slot, heard, all).await?;
            self.log().add(events, reached);
            self.wake.send_replace(());
            heard = reached;
        }
        Ok(())
    }
}

impl News {
    /// True while somebody listens.
    pub(super) fn is_watched(&self) -> bool {
        self.told.get().is_some_and(|told| told.is_watched())
    }

    /// Lets all who listen go.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        if let Some(told) = self.told.get() {
            told.wake.send_replace(());
        }
    }
}

/// Looks for what is new in a feed that somebody listens to, and what was held until now, and tells them.
pub(super) async fn tell(site: &Site, plan: &Plan, slot: &Slot) {
    let Some(told) = slot.news.told.get().filter(|told| told.is_watched()) else { return };
    let _turn = told.turn.lock().await;
    if let Err(error) = told.go_on(site, plan, slot).await {
        tracing::warn!(document = slot.place.stem(), %error, "events could not be made");
    }
}

/// Up to where there is anything to hear, for who has heard so far.
async fn now(site: &Site, slot: &Slot, heard: Heard) -> Result<Heard, StoreError> {
    let place = slot.cuts(site).await?.counted.max(heard.place);
    let (now, before) = (site.clock.now().timestamp(), heard.came.second);
    // Where the clock was set back further, what comes before that time again is told again, rather than never.
    let second = if before.saturating_sub(now) > HELD_FOR { now } else { now.max(before) };
    Ok(Heard { place, came: Came::all_of(second) })
}

/// What comes next for who has heard so far, and how far that leads: first what was held, then what is new.
async fn look(
    site: &Site,
    plan: &Plan,
    slot: &Slot,
    heard: Heard,
    all: Heard,
) -> Result<(Vec<Bytes>, Heard), StoreError> {
    let head = plan.head(&slot.place, &slot.output, None);
    let event =
        |heard: Heard, story| Bytes::from(format!("id: {heard}\ndata: {}\n\n", render::item(&head, story)));
    let (output, place, second) = (slot.output.clone(), heard.place, all.came.second);
    if heard.came < all.came {
        let due = move |store: &mut dyn Store| store.due_in(&output, place, (heard.came, second), BATCH);
        let (due, came) = site.store.read(due).await?;
        let events = due.iter().map(|(came, story)| event(Heard { place, came: *came }, story));
        return Ok((events.collect(), Heard { place, came }));
    }
    let upto = all.place.min(place.saturating_add(SLICE));
    let at = DateTime::from_timestamp(second, 0).unwrap_or_default();
    let stories = move |store: &mut dyn Store| store.stories(&output, (place, upto), BATCH, at);
    let found = site.store.read(stories).await?.stories;
    let reached = found.get(BATCH - 1).map_or(upto, |(place, ..)| *place);
    // A backlog is for the archive: it is no news.
    let news = found.iter().filter(|(_, listed, _)| *listed);
    let events = news.map(|(place, _, story)| event(Heard { place: *place, came: all.came }, story));
    Ok((events.collect(), Heard { place: reached, came: all.came }))
}

/// `/feeds/{id}/events`.
pub(super) async fn listen(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let plan = site.plan.load_full();
    let Some(slot) = plan.slot(&Place::Feed(id)).cloned() else {
        let words = "There is no such feed here. The front page names them all.";
        return feeds::unknown(&plan, (&uri, &headers), words);
    };
    if !access::allowed(plan.token(&slot.output), &uri, &headers) {
        return reply::locked(&plan, &uri, &headers);
    }
    let Some(seat) = Seat::take(&site) else {
        return reply::busy(&plan, &headers, "Too many listen already.");
    };
    let told = slot.news.told.get_or_init(Box::default);
    let Ok(woken) = told.enter(&site, &plan, &slot).await else { return reply::unavailable(&plan, &headers) };
    let all = told.log().heard;
    let asked = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let heard = asked.and_then(|text| text.parse::<Id>().ok()).and_then(|id| id.heard(all)).unwrap_or(all);
    let closing = site.closing.subscribe();
    let listener = Listener { woken, closing, heard, count: None, site, plan, slot, _seat: seat };
    // Who is cut off before the first event comes back to where it began to listen.
    let hello = stream::iter([Bytes::from(format!("id: {}\nretry: 5000\n\n", listener.heard))]);
    let events = stream::unfold(listener, |mut listener| async move {
        let bytes = listener.next().await?;
        Some((bytes, listener))
    });
    let mut answer = Response::new(Body::from_stream(hello.chain(events).map(Ok::<_, Infallible>)));
    let fields = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A proxy that gathers bytes would hold back the news.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        reply::set(fields, name, value);
    }
    answer
}

/// A place among the listeners, given up when dropped.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(site: &Site) -> Option<Self> {
        let seats = site.listeners.clone();
        if seats.fetch_add(1, Ordering::AcqRel) >= MOST {
            seats.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        Some(Self(seats))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

struct Listener {
    site: Arc<Site>,
    plan: Arc<Plan>,
    slot: Arc<Slot>,
    woken: watch::Receiver<()>,
    closing: watch::Receiver<bool>,
    heard: Heard,
    /// It goes along with all others and has so many of their events. `None`: it asks the store until it has caught up.
    count: Option<u64>,
    _seat: Seat,
}

impl Listener {
    /// The next bytes; `None` when the daemon stops, has another config, or the store fails: the client comes back by
    /// itself.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            // Marked as seen before looking, so that what comes in between wakes us again.
            self.woken.borrow_and_update();
            if self.slot.news.ended.load(Ordering::Acquire) || *self.closing.borrow() {
                return None;
            }
            let events = match self.count {
                Some(count) => self.go_along(count),
                None => Some(self.catch_up().await?),
            };
            match events {
                Some(events) if !events.is_empty() => return Some(events),
                Some(_) if self.count.is_some() => {}
                _ => continue,
            }
            tokio::select! {
                changed = self.woken.changed() => changed.ok()?,
                _ = self.closing.wait_for(|closing| *closing) => return None,
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }

    /// What was told since to all; `None`: that is not kept any more.
    fn go_along(&mut self, count: u64) -> Option<Bytes> {
        let log = self.slot.news.told.get()?.log();
        let events = log.after(count);
        self.count = events.is_some().then_some(log.count);
        if events.is_some() {
            self.heard = log.heard;
        }
        events
    }

    /// What comes next of what was told before it listened.
    async fn catch_up(&mut self) -> Option<Bytes> {
        let (all, count) = {
            let log = self.slot.news.told.get()?.log();
            (log.heard, log.count)
        };
        let (mut events, mut reached) = (Vec::new(), self.heard);
        if reached != all {
            (events, reached) = look(&self.site, &self.plan, &self.slot, reached, all).await.ok()?;
        }
        self.heard = reached;
        self.count = (reached == all).then_some(count);
        Some(events.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Heard = Heard { place: 40, came: Came { second: 900, place: i64::MAX } };

    fn heard(id: &str) -> Option<String> {
        id.parse::<Id>().ok()?.heard(ALL).map(|heard| heard.to_string())
    }

    #[test]
    fn ids_say_how_far_somebody_has_heard() {
        assert_eq!(heard("12-800").as_deref(), Some("12-800"));
        assert_eq!(heard("12-800.7").as_deref(), Some("12-800.7"));
        assert_eq!(heard(" 12-900 ").as_deref(), Some("12-900"));
        assert_eq!(heard("12").as_deref(), Some("12-900"), "an older one");
        assert_eq!(heard("12-901").as_deref(), Some("12-900"), "of a clock that was set back");
        for id in ["41", "41-800", "", "-", "12-", "-800", "12-800.", "12-x", "x"] {
            assert_eq!(heard(id), None, "{id}");
        }
    }

    #[test]
    fn who_is_too_far_behind_is_sent_to_the_store() {
        let mut log = Log::default();
        assert_eq!(log.after(0), Some(Bytes::new()));
        assert_eq!(log.after(1), None);
        log.add(vec!["a".into(), "b".into()], ALL);
        assert_eq!((log.after(0), log.after(1)), (Some("ab".into()), Some("b".into())));
        log.add(vec![Bytes::new(); KEPT], ALL);
        assert_eq!((log.after(1), log.after(2)), (None, Some(Bytes::new())));
        assert_eq!(log.heard, ALL);
    }
}
