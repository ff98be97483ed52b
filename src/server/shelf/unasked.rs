//! Documents that are made anew because something changed, before anybody asks: those who wait come first.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::super::plan::{Place, Plan};
use super::super::{Site, events, hub};
use super::{Finished, Slot};
use crate::model::HubChoice;
use crate::render::Form;

/// Documents made at once that nobody waits for.
const AT_ONCE: usize = 2;
/// Between two makings of one output that nobody waits for, so that a storm of commits costs little.
const PAUSE: Duration = Duration::from_millis(200);

/// The turns of such makings.
pub(in super::super) struct Unasked {
    turns: Semaphore,
    /// Of those that go a long way through the store, one after the other: none of the others waits for them.
    long: Semaphore,
}

impl Default for Unasked {
    fn default() -> Self {
        Self { turns: Semaphore::new(AT_ONCE), long: Semaphore::new(1) }
    }
}

impl Slot {
    /// True when others wait to be told of its news.
    pub(in super::super) fn is_pushed(&self) -> bool {
        matches!(self.place, Place::Feed(_)) && self.output.hub != HubChoice::None || self.news.is_watched()
    }

    /// Makes the documents anew soon, where anybody is likely to want them.
    pub(in super::super) fn refresh(self: &Arc<Self>, site: &Arc<Site>, plan: &Arc<Plan>) {
        let wanted = self.warm.swap(false, Ordering::AcqRel) || self.is_pushed();
        if !wanted || self.refreshing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (slot, site, plan) = (self.clone(), site.clone(), plan.clone());
        tokio::spawn(async move {
            loop {
                slot.renew_in_turn(&site, &plan).await;
                tokio::time::sleep(PAUSE).await;
                // A change that comes after this line finds nobody refreshing; one before it is seen below.
                slot.refreshing.store(false, Ordering::Release);
                let wanted = slot.wanted.load(Ordering::Acquire);
                if slot.is_made(wanted) || slot.refreshing.swap(true, Ordering::AcqRel) {
                    break;
                }
            }
        });
    }

    /// Where it turns out to go a long way it begins again, in a turn of those that do.
    async fn renew_in_turn(self: &Arc<Self>, site: &Arc<Site>, plan: &Arc<Plan>) {
        if let Ok(_turn) = site.unasked.turns.acquire().await {
            let long = self.goes_long.notified();
            tokio::select! {
                () = self.renew(site, plan) => return,
                () = long => {}
            }
        }
        if let Ok(_turn) = site.unasked.long.acquire().await {
            self.renew(site, plan).await;
        }
    }

    async fn renew(self: &Arc<Self>, site: &Arc<Site>, plan: &Arc<Plan>) {
        // A failure is logged there and shows again when somebody asks.
        if let Ok(finished) = self.current(site, plan).await {
            self.announce(site, plan, &finished);
        }
        events::tell(site, plan, self).await;
    }

    /// Tells the hubs, once for each change.
    fn announce(self: &Arc<Self>, site: &Arc<Site>, plan: &Plan, finished: &Finished) {
        if self.output.hub == HubChoice::Own {
            site.hub.wake();
        }
        let tags = finished.forms.each_ref().map(|doc| doc.tag.clone());
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        let changed =
            Form::ALL.into_iter().zip(tags.iter().zip(&*announced)).filter(|(_, (new, old))| new != old);
        let changed: Vec<_> = changed.map(|(form, _)| form).collect();
        hub::ping(site, plan, self, (&changed, tags.clone()));
        *announced = tags;
    }

    /// True while these are the tags of the newest bytes that hubs elsewhere are told of.
    pub(in super::super) fn is_announced(&self, tags: &[String; 3]) -> bool {
        *self.announced.lock().unwrap_or_else(PoisonError::into_inner) == *tags
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::clock::Manual;
    use crate::model::{Filter, Output};
    use crate::server::Settings;
    use crate::store::tests::book::{Book, day, entry};
    use crate::store::{Committed, Handle};

    /// Waits for what is made by other threads.
    async fn until(made: impl Fn() -> bool) {
        let waiting = async {
            while !made() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), waiting).await.unwrap();
    }

    #[tokio::test]
    async fn who_goes_a_long_way_keeps_nobody_waiting() {
        let mut book = Book::new(&["a"]);
        book.sources[0].backfill = 1000;
        let item = |n: u32| {
            let at = day(1) + TimeDelta::minutes(i64::from(n));
            entry(&format!("g{n}"), "", &format!("Market {n}"), Some(at), "text")
        };
        book.poll("a", &(0..100).map(item).collect::<Vec<_>>());
        let flood = regex::Regex::new("Flood").unwrap();
        let pushed = |id: &str, title: Vec<regex::Regex>| {
            let keep = Filter { title, ..Filter::default() };
            Arc::new(Output { id: id.to_owned(), hub: HubChoice::Own, keep, limit: 3, ..Book::output(None) })
        };
        let rare = ["rare", "rarer", "rarest"].map(|id| pushed(id, vec![flood.clone()]));
        let outputs: Vec<_> = rare.into_iter().chain([pushed("quick", Vec::new())]).collect();
        let sources = book.sources.iter().cloned().map(Arc::new).collect();
        let settings = Settings::new("http://river.example/".parse().unwrap(), outputs, sources);
        let reader = book.store.reader().unwrap();
        let clock = Arc::new(Manual::new(book.now));
        let handle = Handle::new(Box::new(book.store), vec![Box::new(reader)]);
        let site = Site::new(handle, clock, settings);
        let plan = site.plan.load_full();
        let slot = |id: &str| plan.slot(&Place::Feed(id.to_owned())).unwrap().clone();
        let is_made = |id: &str| slot(id).is_made(1);
        // Nobody gets on along the long way for now.
        let way = site.long_way.acquire().await.unwrap();
        let touched = vec![book.sources[0].id.clone()];
        for id in ["rare", "rarer", "rarest", "quick"] {
            slot(id).soil();
            slot(id).refresh(&site, &plan);
        }
        until(|| is_made("quick")).await;
        assert_eq!(["rare", "rarer", "rarest"].map(is_made), [false; 3]);
        drop(way);
        until(|| ["rare", "rarer", "rarest"].iter().all(|id| is_made(id))).await;
        // What was found is remembered: the next time none of them goes a long way.
        let _way = site.long_way.acquire().await.unwrap();
        site.touched(&Committed { touched, ..Committed::default() });
        until(|| ["rare", "rarer", "rarest"].iter().all(|id| slot(id).is_made(2))).await;
    }
}
