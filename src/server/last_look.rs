//! What stood in an output, remembered: where few entries pass an output's filters, finding them takes a walk along very
//! many others, and this spares all but the first. It is kept in the store, over restarts.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::Site;
use super::shelf::Slot;
use crate::model::{Output, Published};
use crate::store::{Found, Handle, Look, Seen, StoreError, Tail};

/// Entries that are looked at again after a restart rather than what was found among them is written down.
const LONG_WAY: usize = 1_000;

/// Sightings and changes after which it is written down again: so many a start looks at.
const MUCH: usize = 5_000;

/// What was found of an output.
#[derive(Default)]
pub(super) struct LastLook {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What was kept was asked for.
    asked: bool,
    /// What stood in it; without texts.
    look: Option<Look>,
    /// The youngest documents of its history.
    tail: Option<Arc<Tail>>,
    /// Up to where that was true which is in the store.
    kept: [Option<Seen>; 2],
}

impl LastLook {
    /// What stands in the output of its slot now, by the shorter way.
    pub(super) async fn look(
        &self,
        site: &Site,
        slot: &Slot,
        now: DateTime<Utc>,
    ) -> Result<Vec<Published>, StoreError> {
        let known = self.with(|known| known.asked.then(|| known.look.clone()));
        let look = match known {
            Some(look) => look.unwrap_or_default(),
            None => self.recall(site, &slot.output).await?,
        };
        let (output, long) = (slot.output.clone(), || slot.goes_long.notify_waiters());
        let mut look = site.in_slices(look, move |store, look| store.look(&output, now, look), long).await?;
        let entries = std::mem::take(&mut look.entries);
        self.with(|known| known.look = look.pays().then_some(look));
        Ok(entries)
    }

    /// What the store has of it.
    async fn recall(&self, site: &Site, output: &Arc<Output>) -> Result<Look, StoreError> {
        let output = output.clone();
        let Found { look, tail } = site.store.read(move |store| store.found(&output)).await?;
        self.with(|known| {
            (known.asked, known.look, known.tail) = (true, look.clone(), tail.map(Arc::new));
            known.kept = [look.as_ref().map(Look::seen), known.tail.as_ref().map(|tail| tail.seen)];
        });
        Ok(look.unwrap_or_default())
    }

    pub(super) fn tail(&self) -> Option<Arc<Tail>> {
        self.with(|known| known.tail.clone())
    }

    pub(super) fn keep_tail(&self, tail: Tail) {
        let pays = tail.walked / 4 > tail.stories.len();
        self.with(|known| known.tail = pays.then(|| Arc::new(tail)));
    }

    /// Writes down what was found by a long way, behind the readers' backs: at first, and when much happened since.
    pub(super) fn keep(&self, site: &Site, output: &Arc<Output>) {
        let Some(found) = self.to_keep(output, MUCH) else { return };
        let (output, store) = (output.clone(), site.store.clone());
        tokio::spawn(async move { write(&store, vec![(output, found)]).await });
    }

    /// What is to be written down, where the store has nothing of it, or only what is so much older.
    fn to_keep(&self, output: &Output, older: usize) -> Option<Found> {
        self.with(|known| {
            let look = known.look.clone().filter(|look| look.looked > LONG_WAY);
            // Of sources alone the store looks at their own stories only, however many places lie between.
            let is_long =
                |tail: &&Tail| tail.walked > LONG_WAY && (look.is_some() || output.sources.is_none());
            let tail = known.tail.as_deref().filter(is_long).cloned();
            let seen = [look.as_ref().map(Look::seen), tail.as_ref().map(|tail| tail.seen)];
            let is_worth = |(seen, kept): (&Option<Seen>, &Option<Seen>)| match (seen, kept) {
                (Some(seen), Some(kept)) => kept.behind(*seen) > older,
                (seen, _) => seen.is_some(),
            };
            if !seen.iter().zip(&known.kept).any(is_worth) {
                return None;
            }
            known.kept = seen;
            Some(Found { look, tail })
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes down what was found of all outputs, at the end.
pub(super) async fn keep_all(site: &Site) {
    let plan = site.plan.load_full();
    let found = plan.slots().filter_map(|slot| {
        let output = &slot.output;
        Some((output.clone(), slot.last_look.to_keep(output, 0)?))
    });
    write(&site.store, found.collect()).await;
}

/// Takes what was found of outputs that are in the config no more out of the store.
pub(super) async fn forget_others(site: &Site) {
    let plan = site.plan.load_full();
    let outputs: Vec<_> = plan.settings.outputs.iter().map(|output| output.id.clone()).collect();
    if let Err(error) = site.store.write(move |store| store.forget_found(&outputs)).await {
        tracing::debug!(%error, "what was found of outputs that went stays in the store");
    }
}

async fn write(store: &Handle, found: Vec<(Arc<Output>, Found)>) {
    if found.is_empty() {
        return;
    }
    if let Err(error) = store.write(move |store| store.keep_found(&found)).await {
        tracing::debug!(%error, "what was found of outputs was not written down");
    }
}
