//! `/feeds/{id}/events`: one Server-Sent Event for each new entry of a feed, in order of publication.
//!
//! An event's id is the entry's place in the feed's history, so that who comes back with `Last-Event-ID` misses
//! nothing. A listener is a place and no queue: a slow one costs what it has not read, and that is in the store.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, Uri, header};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use tokio::sync::{broadcast, watch};

use super::plan::{Place, Plan};
use super::reply::{self, Answer};
use super::shelf::Slot;
use super::{Site, access, feeds};
use crate::render;
use crate::store::StoreError;

/// Listeners at once.
const MOST: usize = 1024;
/// Events kept per feed for those who listen; who is further behind asks the store.
const KEPT: usize = 128;
/// Entries whose time came, kept for those who listen at that moment.
const LATE: usize = 64;
/// Events taken from the store at once.
const BATCH: usize = 64;
/// A sign of life for proxies and for clients that wait.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// The newest events of a feed, and who waits for more.
#[derive(Default)]
pub(super) struct News {
    kept: Mutex<Kept>,
    /// Made for the first who listens: every source has a document, and kilobytes for each are too many.
    ways: OnceLock<Box<Ways>>,
    /// Nothing more will be told here: another config is in force.
    ended: AtomicBool,
}

/// How listeners are reached.
struct Ways {
    told: watch::Sender<i64>,
    /// Entries that were held until their time: they have places that others have passed.
    late: broadcast::Sender<Bytes>,
}

#[derive(Default)]
struct Kept {
    /// Everything after this place is among the events.
    since: i64,
    /// Everything up to this place was looked at.
    upto: i64,
    events: VecDeque<(i64, Bytes)>,
}

impl Default for Ways {
    fn default() -> Self {
        Self { told: watch::Sender::new(0), late: broadcast::Sender::new(LATE) }
    }
}

impl News {
    /// True while somebody listens.
    pub(super) fn is_watched(&self) -> bool {
        self.ways.get().is_some_and(|ways| ways.told.receiver_count() > 0)
    }

    /// Where the history stood when the first listener came.
    fn begin(&self, place: i64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.upto < place {
            *kept = Kept { since: place, upto: place, events: VecDeque::new() };
        }
    }

    /// Lets all who listen go.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        if let Some(ways) = self.ways.get() {
            ways.told.send_modify(|_| {});
        }
    }

    fn upto(&self) -> i64 {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).upto
    }

    fn add(&self, events: Vec<(i64, Bytes)>, upto: i64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.upto;
        kept.events.extend(events.into_iter().filter(|(place, _)| *place > known));
        kept.upto = kept.upto.max(upto);
        while kept.events.len() > KEPT {
            if let Some((gone, _)) = kept.events.pop_front() {
                kept.since = gone;
            }
        }
        if let Some(ways) = self.ways.get() {
            ways.told.send_replace(kept.upto);
        }
    }

    /// What came after a place; `None`: too long ago to be kept here.
    fn after(&self, place: i64) -> Option<(Vec<(i64, Bytes)>, i64)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let events = || kept.events.iter().filter(|(at, _)| *at > place).cloned().collect();
        (place >= kept.since).then(|| (events(), kept.upto.max(place)))
    }
}

/// Looks for what is new in a feed that somebody listens to, and tells them.
pub(super) async fn tell(site: &Site, plan: &Plan, slot: &Slot) {
    if !slot.news.is_watched() {
        return;
    }
    match look(site, plan, slot, slot.news.upto(), usize::MAX).await {
        Ok((events, upto)) => slot.news.add(events, upto),
        Err(error) => tracing::warn!(document = slot.place.stem(), %error, "events could not be made"),
    }
}

/// Tells those who listen of entries whose time came between two moments. Their events carry the place that
/// listeners are at, so that who comes back goes on from there.
pub(super) async fn tell_late(
    site: &Site,
    plan: &Plan,
    slot: &Slot,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if !slot.news.is_watched() {
        return Ok(());
    }
    let output = slot.output.clone();
    let due = site.store.read(move |store| store.due_in(&output, since, now)).await?;
    let head = plan.head(&slot.place, &slot.output, &[]);
    let Some(ways) = slot.news.ways.get() else { return Ok(()) };
    for story in due {
        let (place, item) = (slot.news.upto(), render::item(&head, &story));
        // Nobody listens any more: nobody need be told.
        let _ = ways.late.send(Bytes::from(format!("id: {place}\ndata: {item}\n\n")));
    }
    Ok(())
}

/// Events after a place, and up to where everything was looked at.
async fn look(
    site: &Site,
    plan: &Plan,
    slot: &Slot,
    after: i64,
    limit: usize,
) -> Result<(Vec<(i64, Bytes)>, i64), StoreError> {
    let upto = slot.cuts(site).await?.counted;
    let (output, now) = (slot.output.clone(), site.clock.now());
    let found = site.store.read(move |store| store.stories(&output, (after, upto), limit, now)).await?;
    let reached =
        if found.stories.len() < limit { upto } else { found.stories.last().map_or(upto, |last| last.0) };
    let head = plan.head(&slot.place, &slot.output, &[]);
    // A backlog is for the archive: it is no news.
    let news = found.stories.iter().filter(|(_, listed, _)| *listed);
    let events = news.map(|(place, _, story)| {
        let item = render::item(&head, story);
        (*place, Bytes::from(format!("id: {place}\ndata: {item}\n\n")))
    });
    Ok((events.collect(), reached))
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
        return feeds::unknown(&plan, &headers, words);
    };
    if !access::allowed(plan.token(&slot.output), &uri, &headers) {
        return reply::locked(&plan, &headers);
    }
    let Some(seat) = Seat::take(&site) else {
        return reply::busy(&plan, &headers, "Too many listen already.");
    };
    let Ok(cuts) = slot.cuts(&site).await else { return reply::unavailable(&plan, &headers) };
    slot.news.begin(cuts.counted);
    let asked = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let last = asked.and_then(|text| text.trim().parse().ok()).filter(|place| *place <= cuts.counted);
    let ways = slot.news.ways.get_or_init(Box::default);
    let listener = Listener {
        told: ways.told.subscribe(),
        late: ways.late.subscribe(),
        closing: site.closing.subscribe(),
        last: last.unwrap_or(cuts.counted),
        begun: false,
        site,
        plan,
        slot,
        _seat: seat,
    };
    // Who is cut off before the first event comes back to where it began to listen.
    let hello = stream::iter([Bytes::from(format!("id: {}\nretry: 5000\n\n", listener.last))]);
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
    told: watch::Receiver<i64>,
    late: broadcast::Receiver<Bytes>,
    closing: watch::Receiver<bool>,
    /// It has everything up to this place.
    last: i64,
    /// What was stored before it listened is asked of the store once.
    begun: bool,
    _seat: Seat,
}

impl Listener {
    /// The next bytes; `None` when the daemon stops, has another config, or the store fails: the client comes back by
    /// itself.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            // Marked as seen before looking, so that what comes in between wakes us again.
            self.told.borrow_and_update();
            if self.slot.news.ended.load(Ordering::Acquire) {
                return None;
            }
            let kept = self.slot.news.after(self.last).filter(|_| self.begun);
            let (events, upto) = match kept {
                Some(found) => found,
                None => look(&self.site, &self.plan, &self.slot, self.last, BATCH).await.ok()?,
            };
            self.begun = self.begun || upto <= self.last;
            self.last = upto;
            if !events.is_empty() {
                return Some(events.into_iter().flat_map(|(_, bytes)| bytes).collect());
            }
            tokio::select! {
                changed = self.told.changed() => changed.ok()?,
                // Who is so slow that some were dropped finds them in the documents.
                late = self.late.recv() => if let Ok(event) = late { return Some(event) },
                _ = self.closing.wait_for(|closing| *closing) => return None,
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(events: &[(i64, Bytes)]) -> Vec<i64> {
        events.iter().map(|(place, _)| *place).collect()
    }

    #[test]
    fn who_is_too_far_behind_is_sent_to_the_store() {
        let news = News::default();
        news.begin(10);
        assert_eq!(news.after(10).unwrap(), (Vec::new(), 10));
        assert!(news.after(9).is_none());
        news.add(vec![(11, Bytes::new()), (13, Bytes::new())], 14);
        news.add(vec![(13, Bytes::new())], 14);
        let (events, upto) = news.after(11).unwrap();
        assert_eq!((places(&events), upto), (vec![13], 14));
        let many = (15..400).map(|place| (place, Bytes::new())).collect();
        news.add(many, 400);
        assert!(news.after(14).is_none());
        assert_eq!(places(&news.after(300).unwrap().0), (301..400).collect::<Vec<_>>());
    }
}
