//! Where the history of an output goes on behind its current document: in the newest archive document that has
//! anything in it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Site;
use super::plan::{Place, Plan};
use super::shelf::{Slot, Versions};
use crate::model::EntryId;
use crate::store::archive::Cuts;
use crate::store::{Seen, Store, StoreError, Tail};

/// How long a current document waits for its history to be counted.
const PATIENCE: Duration = Duration::from_millis(400);
/// Places walked along in one go: a look into the store must not keep others waiting.
const SLICE: i64 = 20_000;

/// What lies beyond a current document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beyond {
    /// The newest archive document that has anything in it.
    pub(super) newest: Option<usize>,
    /// Nothing does.
    pub(super) complete: bool,
}

/// Where the history of an output goes on behind its current document.
pub(super) async fn beyond(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Slot,
    shown: &Versions,
    now: DateTime<Utc>,
) -> Result<Beyond, StoreError> {
    if slot.place == Place::Health {
        return Ok(Beyond::default());
    }
    let seen = site.store.read(|store| store.seen()).await?;
    // A long history that was never counted is counted behind the reader's back; until then nothing is said of it.
    let Some(cuts) = counted(site, plan, slot).await? else { return Ok(Beyond::default()) };
    let look = Look { site, slot, cuts: &cuts, shown, seen, now };
    if let Some(known) = slot.last_look.tail()
        && let Some((beyond, known)) = look.again(&known).await?
    {
        slot.last_look.keep_tail(known);
        return Ok(beyond);
    }
    let (beyond, known) = look.walk().await?;
    // A source's stories are found again as fast, and there may be thousands of sources.
    if let Some(known) = known.filter(|_| matches!(slot.place, Place::Feed(_))) {
        slot.last_look.keep_tail(known);
    }
    Ok(beyond)
}

struct Look<'a> {
    site: &'a Site,
    slot: &'a Slot,
    cuts: &'a Cuts,
    shown: &'a Versions,
    seen: Seen,
    now: DateTime<Utc>,
}

impl Look<'_> {
    /// Through the documents, the newest first.
    async fn walk(&self) -> Result<(Beyond, Option<Tail>), StoreError> {
        let (mut stories, mut walked, mut waiting, mut newest) = (Vec::new(), 0, false, None);
        let mut oldest = None;
        for n in (1..=self.cuts.documents()).rev() {
            let Some(stretch) = self.cuts.range(n) else { continue };
            let before = stories.len();
            waiting |= self.stories(stretch, &mut stories).await?;
            walked += usize::try_from(stretch.1 - stretch.0).unwrap_or_default();
            let mut found = stories.iter().skip(before);
            if found.any(|(_, id)| !self.shown.contains_key(id)) {
                newest = Some(n);
                break;
            }
            if walked > usize::try_from(SLICE).unwrap_or_default() {
                self.slot.goes_long.notify_waiters();
            }
            // Below what retention left there is nothing; what went otherwise (a source's cap, a correction) leaves gaps.
            if stories.len() == before {
                let taken = match oldest {
                    Some(taken) => taken,
                    None => *oldest.insert(self.oldest().await?),
                };
                if taken > stretch.0 {
                    break;
                }
            }
        }
        let whole = newest.is_none();
        let known = Tail { seen: self.seen, counted: self.cuts.counted, stories, whole, walked };
        // What waits comes in without anything happening to it.
        Ok((Beyond { newest, complete: whole }, (!waiting).then_some(known)))
    }

    /// The same from what is known, as far as that says it.
    async fn again(&self, known: &Tail) -> Result<Option<(Beyond, Tail)>, StoreError> {
        let mut stories = known.stories.clone();
        if self.stories((known.counted, self.cuts.counted), &mut stories).await? {
            return Ok(None);
        }
        // A change may have brought some here, or taken them away. What is shown now may be not the next time.
        let mut seen = known.seen;
        loop {
            let most = known.walked / 4;
            let Some(since) = self.site.store.read(move |store| store.since(seen, most)).await? else {
                return Ok(None);
            };
            let (output, asked) = (self.slot.output.clone(), since.entries.clone());
            let fit = self.site.store.read(move |store| store.of_history(&output, &asked)).await?;
            let fit: HashSet<EntryId> = fit.into_iter().collect();
            let here: HashSet<EntryId> = stories.iter().map(|(_, id)| *id).collect();
            if fit.iter().any(|id| !here.contains(id)) {
                return Ok(None);
            }
            let gone: HashSet<EntryId> = since.entries.into_iter().filter(|id| !fit.contains(id)).collect();
            stories.retain(|(_, id)| !gone.contains(id));
            seen = since.upto;
            if !since.more {
                break;
            }
        }
        let known = Tail { seen, counted: self.cuts.counted, stories, ..*known };
        let unshown = known.stories.iter().filter(|(_, id)| !self.shown.contains_key(id));
        let Some(&(place, id)) = unshown.max_by_key(|(place, _)| *place) else {
            return Ok(known.whole.then_some((Beyond { newest: None, complete: true }, known)));
        };
        // Retention says nothing of what it takes.
        let mut found = Vec::new();
        self.stories((place - 1, place), &mut found).await?;
        if found != [(place, id)] {
            return Ok(None);
        }
        let (newest, all) = (self.cuts.document(place), known.stories.len());
        let mut stories = known.stories;
        stories.retain(|(place, _)| self.cuts.document(*place) >= newest);
        let whole = known.whole && stories.len() == all;
        let known = Tail { stories, whole, ..known };
        Ok(Some((Beyond { newest: Some(newest), complete: false }, known)))
    }

    /// The smallest place that is still taken by whatever story, past all when none is.
    async fn oldest(&self) -> Result<i64, StoreError> {
        let output = self.slot.output.clone();
        let oldest = self.site.store.read(move |store| store.oldest(&output)).await?;
        Ok(if oldest == 0 { i64::MAX } else { oldest })
    }

    /// The stories of a stretch, each with its place, a slice at a time. True: some wait for their time.
    async fn stories(
        &self,
        (after, upto): (i64, i64),
        stories: &mut Vec<(i64, EntryId)>,
    ) -> Result<bool, StoreError> {
        let (mut at, mut waiting) = (after, false);
        while at < upto {
            let slice = (at, upto.min(at.saturating_add(SLICE)));
            let (output, now) = (self.slot.output.clone(), self.now);
            let look = move |store: &mut dyn Store| store.stories(&output, slice, usize::MAX, now);
            let found = self.site.store.read(look).await?;
            waiting |= found.waiting;
            stories.extend(found.stories.iter().map(|(place, _, story)| (*place, story.id)));
            at = slice.1;
            if at < upto {
                self.slot.goes_long.notify_waiters();
            }
        }
        Ok(waiting)
    }
}

/// Where a history is cut, if that is known soon; else it is counted on, and the document made anew then.
async fn counted(site: &Arc<Site>, plan: &Arc<Plan>, slot: &Slot) -> Result<Option<Arc<Cuts>>, StoreError> {
    let Some(slot) = plan.slot(&slot.place).cloned() else { return slot.cuts(site).await.map(Some) };
    if slot.counting.swap(true, Ordering::AcqRel) {
        return Ok(None);
    }
    let (site, plan, late) = (site.clone(), plan.clone(), Arc::new(AtomicBool::new(false)));
    let given_up = late.clone();
    let counting = tokio::spawn(async move {
        let cuts = slot.cuts(&site).await;
        slot.counting.store(false, Ordering::Release);
        if given_up.load(Ordering::Acquire) {
            slot.soil();
            slot.refresh(&site, &plan);
        }
        cuts
    });
    match tokio::time::timeout(PATIENCE, counting).await {
        Ok(Ok(cuts)) => cuts.map(Some),
        Ok(Err(_)) => Err(StoreError::Failed("a history could not be counted".to_owned())),
        Err(_) => {
            late.store(true, Ordering::Release);
            Ok(None)
        }
    }
}
