//! `/feeds/{id}/events`: one Server-Sent Event for each new entry of a feed, in order of publication; one that was held
//! until its time comes then.
//!
//! An event's id says how far its listener has heard, so that who comes back with `Last-Event-ID` misses nothing. A
//! listener is a place and no queue: a slow one costs what it has not read, and that is in the store.

mod log;
mod look;

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
use futures_util::{StreamExt, stream};
use tokio::sync::watch;

use super::plan::{Place, Plan};
use super::reply::{self, Answer};
use super::shelf::Slot;
use super::{Site, access, feeds};
use crate::store::StoreError;
use crate::store::held::Came;
use log::{Log, Next, Telling};
use look::{Behind, Past};

/// Listeners at once.
const MOST: usize = 1024;
/// Bytes of events kept for those who listen, of all feeds that are listened to.
const KEPT_BYTES: usize = 32 << 20;
/// What the ids of events of a feed of everything begin with.
const OF_ALL: &str = "e";
/// A sign of life for proxies and for clients that wait.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// What all who listen share.
#[derive(Default)]
pub(super) struct Listeners {
    seats: Arc<AtomicUsize>,
    behind: Behind,
}

/// How far somebody has heard of a feed: of all entries up to a place whose time had come. What was held then, at those
/// places, is still to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Heard {
    /// Of a feed of everything: places in one of some sources are others (store/archive.rs).
    of_all: bool,
    place: i64,
    came: Came,
}

impl Display for Heard {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let Self { of_all, place, came } = self;
        write!(to, "{}{place}-{}", if *of_all { OF_ALL } else { "" }, came.second)?;
        if came.place == i64::MAX { Ok(()) } else { write!(to, ".{}", came.place) }
    }
}

/// The id of an event. Older ones were a place alone, and said not in which kind of feed.
struct Id {
    of_all: bool,
    place: i64,
    came: Option<Came>,
}

impl FromStr for Id {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.trim().strip_prefix(OF_ALL);
        let (of_all, text) = (rest.is_some(), rest.unwrap_or(text.trim()));
        let Some((place, came)) = text.split_once('-') else {
            return Ok(Self { of_all, place: text.parse()?, came: None });
        };
        let came = match came.split_once('.') {
            Some((second, place)) => Came { second: second.parse()?, place: place.parse()? },
            None => Came::all_of(came.parse()?),
        };
        Ok(Self { of_all, place: place.parse()?, came: Some(came) })
    }
}

impl Id {
    /// How far who comes back with it has heard, of what there is.
    fn heard(&self, all: Heard) -> Option<Heard> {
        let came = self.came.map_or(all.came, |came| came.min(all.came));
        // Another config may have made a feed of some sources of one of everything.
        let is_place = self.place <= all.place && (all.of_all || !self.of_all);
        is_place.then_some(Heard { place: self.place, came, ..all })
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
    /// What is told to those who are behind.
    past: Past,
}

impl Default for Told {
    fn default() -> Self {
        let (turn, log, past) = Default::default();
        Self { turn, log, wake: watch::Sender::new(()), past }
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
    async fn enter(
        &self,
        site: &Site,
        plan: &Arc<Plan>,
        slot: &Arc<Slot>,
    ) -> Result<watch::Receiver<()>, StoreError> {
        let _turn = self.turn.lock().await;
        let is_first = !self.is_watched();
        // Before the store is looked at, so that whatever comes later is told.
        let woken = self.wake.subscribe();
        if is_first {
            let heard = look::now(site, slot, Heard::default()).await?;
            *self.log() = Log::starting_at(heard);
        } else {
            self.go_on(site, plan, slot).await?;
        }
        Ok(woken)
    }

    /// Tells everybody what has come. By one who has the turn.
    async fn go_on(&self, site: &Site, plan: &Arc<Plan>, slot: &Arc<Slot>) -> Result<(), StoreError> {
        let mut heard = self.log().heard;
        let all = look::now(site, slot, heard).await?;
        while heard != all {
            let (events, reached) = look::for_all(site, plan, slot, (heard, all)).await?;
            let feeds = plan.slots().filter(|slot| slot.news.is_watched()).count();
            self.log().add(events, reached, KEPT_BYTES / feeds.max(1));
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
pub(super) async fn tell(site: &Site, plan: &Arc<Plan>, slot: &Arc<Slot>) {
    let Some(told) = slot.news.told.get().filter(|told| told.is_watched()) else { return };
    let _turn = told.turn.lock().await;
    if let Err(error) = told.go_on(site, plan, slot).await {
        tracing::warn!(document = slot.place.stem(), %error, "events could not be made");
    }
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
    let (telling, count) = (None, None);
    let listener = Listener { woken, closing, heard, telling, count, site, plan, slot, _seat: seat };
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
        let seats = site.listeners.seats.clone();
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
    /// What is on its way to it.
    telling: Option<Telling>,
    /// It goes along with all others and has so many of their events. `None`: it asks the store until it has caught up.
    count: Option<u64>,
    _seat: Seat,
}

impl Listener {
    /// The next bytes; `None` when the daemon stops, has another config, or the store fails: the client comes back by
    /// itself.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            // What began is told to its end, unless it stood still for so long that the rest is gone: of an event that is
            // cut a client keeps nothing, and comes back for it.
            if let Some(telling) = &mut self.telling {
                match telling.next().ok()? {
                    Some(piece) => return Some(piece),
                    None => self.telling = None,
                }
            }
            // Marked as seen before looking, so that what comes in between wakes us again.
            self.woken.borrow_and_update();
            if self.slot.news.ended.load(Ordering::Acquire) || *self.closing.borrow() {
                return None;
            }
            let slot = self.slot.clone();
            let told = slot.news.told.get()?;
            let ahead = self.ahead(told);
            let Self { site, plan, woken, closing, heard, .. } = self;
            let next = async {
                match ahead {
                    Ahead::Kept => Some(None),
                    Ahead::Nothing => woken.changed().await.ok().map(|()| None),
                    Ahead::Past(all) => {
                        look::for_one(site, plan, &slot, told, (*heard, all)).await.ok().map(Some)
                    }
                }
            };
            let past = tokio::select! {
                past = next => past?,
                _ = closing.wait_for(|closing| *closing) => return None,
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b":\n\n")),
            };
            if let Some(event) = past {
                self.heard = event.heard;
                self.telling = Some(Telling::of_own(event));
            }
        }
    }

    /// Where what comes next is.
    fn ahead(&mut self, told: &Told) -> Ahead {
        let log = told.log();
        if let Some(count) = self.count {
            match log.after(count) {
                Next::Event(event) => {
                    (self.count, self.heard) = (Some(count + 1), event.heard);
                    self.telling = Some(Telling::of_kept(&event));
                    return Ahead::Kept;
                }
                Next::Nothing => self.heard = log.heard,
                Next::Gone => self.count = None,
            }
        }
        if self.heard != log.heard {
            return Ahead::Past(log.heard);
        }
        self.count = Some(log.count);
        Ahead::Nothing
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Who comes in between finds nothing kept, and asks the store.
        if let Some(told) = self.slot.news.told.get().filter(|told| told.wake.receiver_count() <= 1) {
            told.log().forget();
        }
    }
}

/// What comes next for a listener.
enum Ahead {
    /// An event that is kept for all.
    Kept,
    /// What the store has, up to there.
    Past(Heard),
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Heard = Heard { of_all: false, place: 40, came: Came { second: 900, place: i64::MAX } };

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
        for id in ["41", "41-800", "", "-", "12-", "-800", "12-800.", "12-x", "x", "e12-800", "e"] {
            assert_eq!(heard(id), None, "{id}");
        }
        let all = Heard { of_all: true, ..ALL };
        for id in ["e12-800", "12-800"] {
            assert_eq!(id.parse::<Id>().unwrap().heard(all).unwrap().to_string(), "e12-800", "{id}");
        }
    }
}
