//! Where the history of an output goes on behind its current document: in the newest archive document that has
//! anything in it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Site;
use super::plan::{Place, Plan};
use super::shelf::{Slot, Versions};
use crate::model::{EntryId, Output};
use crate::store::archive::Cuts;
use crate::store::{StoreError, Stories};

/// How long a current document waits for its history to be counted.
const PATIENCE: Duration = Duration::from_millis(400);

/// What lies beyond a current document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beyond {
    /// The newest archive document that has anything in it.
    pub(super) newest: Option<usize>,
    /// Nothing does.
    pub(super) complete: bool,
}

/// The youngest archive documents as they were found. Where an output's stories are few among those of others, finding
/// them takes a long walk.
struct Known {
    /// In terms of the site's changes.
    upto: u64,
    /// Everything up to this place is among the stories, down to where these end.
    counted: i64,
    stories: Vec<Story>,
    /// They reach down to the first document.
    whole: bool,
    /// Places that were walked along to find them.
    walked: usize,
}

#[derive(Clone, Copy)]
struct Story {
    document: usize,
    place: i64,
    id: EntryId,
}

/// What was found last.
#[derive(Default)]
pub(super) struct Tail {
    last: Mutex<Option<Arc<Known>>>,
}

impl Tail {
    fn get(&self) -> Option<Arc<Known>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, known: Known) {
        let pays = known.walked / 4 > known.stories.len();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = pays.then(|| Arc::new(known));
    }
}

/// Where the history of an output goes on behind its current document.
pub(super) async fn beyond(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Slot,
    shown: &Versions,
    now: DateTime<Utc>,
) -> Result<Beyond, StoreError> {
    if !matches!(slot.place, Place::Feed(_)) {
        return Ok(Beyond::default());
    }
    let upto = site.changes.upto();
    // A long history that was never counted is counted behind the reader's back; until then nothing is said of it.
    let Some(cuts) = counted(site, plan, slot).await? else { return Ok(Beyond::default()) };
    let look = Look { site, output: &slot.output, cuts: &cuts, shown, upto, now };
    if let Some(known) = slot.tail.get()
        && let Some((beyond, known)) = look.again(&known).await?
    {
        slot.tail.keep(known);
        return Ok(beyond);
    }
    let (beyond, known) = look.walk().await?;
    if let Some(known) = known {
        slot.tail.keep(known);
    }
    Ok(beyond)
}

struct Look<'a> {
    site: &'a Site,
    output: &'a Arc<Output>,
    cuts: &'a Cuts,
    shown: &'a Versions,
    upto: u64,
    now: DateTime<Utc>,
}

impl Look<'_> {
    /// Through the documents, the newest first.
    async fn walk(&self) -> Result<(Beyond, Option<Known>), StoreError> {
        let (mut stories, mut walked, mut waiting, mut newest) = (Vec::new(), 0, false, None);
        let mut oldest = None;
        for n in (1..=self.cuts.documents()).rev() {
            let Some(stretch) = self.cuts.range(n) else { continue };
            let found = self.stories(stretch, usize::MAX).await?;
            walked += usize::try_from(stretch.1 - stretch.0).unwrap_or_default();
            waiting |= found.waiting;
            let nothing = found.stories.is_empty();
            stories.extend(self.told(&found));
            if found.stories.iter().any(|(_, _, story)| !self.shown.contains_key(&story.id)) {
                newest = Some(n);
                break;
            }
            // Below what retention left there is nothing; what went otherwise (a source's cap, a correction) leaves gaps.
            if nothing {
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
        let known = Known { upto: self.upto, counted: self.cuts.counted, stories, whole, walked };
        // What waits comes in without anything happening to it.
        Ok((Beyond { newest, complete: whole }, (!waiting).then_some(known)))
    }

    /// The same from what is known, as far as that says it.
    async fn again(&self, known: &Known) -> Result<Option<(Beyond, Known)>, StoreError> {
        let Some(told) = self.site.changes.since(known.upto, known.walked / 4) else { return Ok(None) };
        let fresh = self.stories((known.counted, self.cuts.counted), usize::MAX).await?;
        if fresh.waiting {
            return Ok(None);
        }
        let mut stories = known.stories.clone();
        stories.extend(self.told(&fresh));
        // A change may have brought some here, or taken them away. What is shown now may be not the next time.
        if !told.is_empty() {
            let (output, asked) = (self.output.clone(), told.clone());
            let fit: HashSet<EntryId> = self
                .site
                .store
                .read(move |store| store.of_history(&output, &asked))
                .await?
                .into_iter()
                .collect();
            let here: HashSet<EntryId> = stories.iter().map(|story| story.id).collect();
            if fit.iter().any(|id| !here.contains(id)) {
                return Ok(None);
            }
            let gone: HashSet<EntryId> = told.into_iter().filter(|id| !fit.contains(id)).collect();
            stories.retain(|story| !gone.contains(&story.id));
        }
        let unshown = stories.iter().filter(|story| !self.shown.contains_key(&story.id));
        let Some(newest) = unshown.max_by_key(|story| story.place).copied() else {
            let known = Known { upto: self.upto, counted: self.cuts.counted, stories, ..*known };
            return Ok(known.whole.then_some((Beyond { newest: None, complete: true }, known)));
        };
        // Retention says nothing of what it takes.
        let found = self.stories((newest.place - 1, newest.place), 1).await?;
        if found.stories.first().is_none_or(|(_, _, story)| story.id != newest.id) {
            return Ok(None);
        }
        let all = stories.len();
        stories.retain(|story| story.document >= newest.document);
        let whole = known.whole && stories.len() == all;
        let known = Known { upto: self.upto, counted: self.cuts.counted, stories, whole, ..*known };
        Ok(Some((Beyond { newest: Some(newest.document), complete: false }, known)))
    }

    /// The smallest place that is still taken by whatever story, past all when none is.
    async fn oldest(&self) -> Result<i64, StoreError> {
        let output = self.output.clone();
        let oldest = self.site.store.read(move |store| store.oldest(&output)).await?;
        Ok(if oldest == 0 { i64::MAX } else { oldest })
    }

    async fn stories(&self, stretch: (i64, i64), most: usize) -> Result<Stories, StoreError> {
        let (output, now) = (self.output.clone(), self.now);
        self.site.store.read(move |store| store.stories(&output, stretch, most, now)).await
    }

    /// Stories, with the documents they stand in.
    fn told(&self, found: &Stories) -> Vec<Story> {
        let story = |(place, _, story): &(i64, bool, crate::model::Published)| Story {
            document: self.cuts.document(*place),
            place: *place,
            id: story.id,
        };
        found.stories.iter().map(story).collect()
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
