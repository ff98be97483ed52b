//! Events as they come from the store: for all who listen, once, and for each who is behind.
//!
//! Those behind take turns, and what they are told has a room of its own: who does not read keeps the others behind
//! waiting, not the memory of the house.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use chrono::DateTime;
use tokio::sync::Semaphore;

use super::super::Site;
use super::super::plan::Plan;
use super::super::shelf::Slot;
use super::log::Event;
use super::{Heard, Told};
use crate::model::Published;
use crate::render::{self, Head};
use crate::store::held::Came;
use crate::store::{Store, StoreError};

/// Stories taken from the store at once: each may be a megabyte.
const BATCH: usize = 16;
/// Places walked along in one go: a look into the store must not keep others waiting.
const SLICE: i64 = 20_000;
/// Those walked along at first: news lies close together.
const NEAR: i64 = 256;
/// What one who is behind is told at once ends behind the event that exceeds so many bytes.
const AT_ONCE: usize = 512 << 10;
/// Looks at once for those behind.
const LOOKS: usize = 2;
/// Kilobytes of all that is being told to those behind.
const ROOM: u32 = 32 << 10;
/// Nothing is held for less, in seconds: a clock set back by no more than this leaves out no entry that came since.
const HELD_FOR: i64 = 600;

/// What those who are behind share, whatever they listen to.
pub(super) struct Behind {
    turns: Semaphore,
    room: Arc<Semaphore>,
}

impl Default for Behind {
    fn default() -> Self {
        Self { turns: Semaphore::new(LOOKS), room: Arc::new(Semaphore::new(ROOM as usize)) }
    }
}

/// What is being told to those behind: who was cut off at the same place hears the same.
#[derive(Default)]
pub(super) struct Past(Mutex<Vec<Known>>);

/// From where, up to where there was anything, and what.
type Known = (Heard, Heard, Weak<Event>);

impl Past {
    fn find(&self, from: Heard, all: Heard) -> Option<Arc<Event>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|known| (known.0, known.1) == (from, all)).and_then(|known| known.2.upgrade())
    }

    fn keep(&self, from: Heard, all: Heard, event: &Arc<Event>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|known| known.2.strong_count() > 0);
        known.push((from, all, Arc::downgrade(event)));
    }
}

/// Up to where there is anything to hear, for who has heard so far.
pub(super) async fn now(site: &Site, slot: &Slot, heard: Heard) -> Result<Heard, StoreError> {
    let place = slot.cuts(site).await?.counted.max(heard.place);
    let (now, before) = (site.clock.now().timestamp(), heard.came.second);
    // Where the clock was set back further, what comes before that time again is told again, rather than never.
    let second = if before.saturating_sub(now) > HELD_FOR { now } else { now.max(before) };
    Ok(Heard { of_all: slot.output.sources.is_none(), place, came: Came::all_of(second) })
}

/// What comes next for all who have heard so far, and how far that leads.
pub(super) async fn for_all(
    site: &Site,
    plan: &Arc<Plan>,
    slot: &Arc<Slot>,
    (heard, all): (Heard, Heard),
) -> Result<(Vec<Arc<Event>>, Heard), StoreError> {
    let (found, reached) = look(site, slot, heard, all).await?;
    let (plan, slot) = (plan.clone(), slot.clone());
    let events = aside(move || {
        let head = plan.head(&slot.place, &slot.output, None);
        found.into_iter().map(|(heard, story)| Event::new(&text(&head, heard, &story), heard)).collect()
    });
    Ok((events.await?, reached))
}

/// The same for one who is behind, in its turn.
pub(super) async fn for_one(
    site: &Site,
    plan: &Arc<Plan>,
    slot: &Arc<Slot>,
    told: &Told,
    (heard, all): (Heard, Heard),
) -> Result<Arc<Event>, StoreError> {
    let behind = &site.listeners.behind;
    let _turn = behind.turns.acquire().await.map_err(|_| stopping())?;
    if let Some(event) = told.past.find(heard, all) {
        return Ok(event);
    }
    let (found, mut reached) = look(site, slot, heard, all).await?;
    let (plan, slot) = (plan.clone(), slot.clone());
    let (told_now, reached) = aside(move || {
        let head = plan.head(&slot.place, &slot.output, None);
        let (mut whole, mut found) = (String::new(), found.into_iter().peekable());
        while let Some((heard, story)) = found.next() {
            whole += &text(&head, heard, &story);
            if whole.len() > AT_ONCE && found.peek().is_some() {
                reached = heard;
                break;
            }
        }
        (whole, reached)
    })
    .await?;
    // With the turn in hand: who waits for room is one of few.
    let kilobytes = u32::try_from(told_now.len() >> 10).unwrap_or(ROOM).min(ROOM);
    let room = behind.room.clone().acquire_many_owned(kilobytes).await.map_err(|_| stopping())?;
    let event = Event::in_room(&told_now, reached, Some(room));
    told.past.keep(heard, all, &event);
    Ok(event)
}

fn stopping() -> StoreError {
    StoreError::Failed("riverine is stopping".to_owned())
}

/// Entries are written where that keeps no connection waiting.
async fn aside<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(make).await.map_err(|_| StoreError::Failed("rendering failed".to_owned()))
}

fn text(head: &Head, heard: Heard, story: &Published) -> String {
    format!("id: {heard}\ndata: {}\n\n", render::item(head, story))
}

/// What comes next for who has heard so far, each with how far that leads: first what was held, then what is new.
async fn look(
    site: &Site,
    slot: &Slot,
    heard: Heard,
    all: Heard,
) -> Result<(Vec<(Heard, Published)>, Heard), StoreError> {
    let (output, place, second) = (slot.output.clone(), heard.place, all.came.second);
    if heard.came < all.came {
        let due = move |store: &mut dyn Store| store.due_in(&output, place, (heard.came, second), BATCH);
        let (due, came) = site.store.read(due).await?;
        let due = due.into_iter().map(|(came, story)| (Heard { came, ..heard }, story));
        return Ok((due.collect(), Heard { came, ..heard }));
    }
    let upto = |way: i64| all.place.min(place.saturating_add(way));
    let (near, far) = (upto(NEAR), upto(SLICE));
    let at = DateTime::from_timestamp(second, 0).unwrap_or_default();
    let stories = move |store: &mut dyn Store| {
        let found = store.stories(&output, (place, near), BATCH, at)?.stories;
        if !found.is_empty() || near == far {
            return Ok((found, near));
        }
        Ok((store.stories(&output, (near, far), BATCH, at)?.stories, far))
    };
    let (found, upto) = site.store.read(stories).await?;
    let reached = found.get(BATCH - 1).map_or(upto, |(place, ..)| *place);
    // A backlog is for the archive: it is no news.
    let news = found.into_iter().filter(|(_, listed, _)| *listed);
    let news = news.map(|(place, _, story)| (Heard { place, ..all }, story));
    Ok((news.collect(), Heard { place: reached, ..all }))
}
