//! Finished documents, kept as shared bytes until their output changes.
//!
//! One flight at a time per output makes all its forms from one look into the store. Who asks gets
//! documents that are not older than the question; only what nobody asked for lately is given up.

mod unasked;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use tokio::sync::{Mutex, Notify, OnceCell};

use super::accept::Coding;
use super::beyond::{self, Beyond};
use super::chain::Page;
use super::doc::Doc;
use super::events::News;
use super::last_look::LastLook;
use super::pages;
use super::plan::{Place, Plan};
use super::quick::Prepared;
use super::{Site, archive, health, stamps};
use crate::model::{Digest, EntryId, Output, Published, SourceId};
use crate::render::{Form, Head, Sheet};
use crate::store::StoreError;
use crate::store::archive::Cuts;
pub(super) use unasked::Unasked;

/// Time alone changes a document too (entries that were held, entries a day old): after so
/// long the store is asked again. The same bytes stay the same document.
const LIFE: Duration = Duration::from_mins(1);
/// Documents of the past whose entries are remembered.
const REMEMBERED: usize = 16;
/// Places that are counted again after a restart rather than written down.
const LONG_WAY: i64 = 5_000;
/// Bytes of all finished documents together, before compression.
const BUDGET: usize = 96 << 20;

/// The place of one output's documents.
pub(super) struct Slot {
    pub(super) place: Place,
    pub(super) output: Arc<Output>,
    /// Counts changes; what was made under a lower number is out of date.
    wanted: AtomicU64,
    /// Asked for since it was last made.
    warm: AtomicBool,
    /// When it was last asked for, in milliseconds of the running process.
    asked: AtomicU64,
    finished: ArcSwapOption<Finished>,
    turn: Mutex<()>,
    /// Somebody makes it anew at the moment, unasked.
    refreshing: AtomicBool,
    /// Told when a making turns out to go a long way through the store.
    pub(super) goes_long: Notify,
    /// Its history is being counted.
    pub(super) counting: AtomicBool,
    /// Where its history is cut, as far as it was counted.
    cuts: Mutex<Option<Arc<Cuts>>>,
    /// Who listens for new entries.
    pub(super) news: News,
    /// The bytes that a hub elsewhere was told of.
    announced: std::sync::Mutex<[String; 3]>,
    /// What was found when it was last looked at.
    pub(super) last_look: LastLook,
    /// What stood in documents that readers may hold, the newest first: tags, and entries.
    past: std::sync::Mutex<VecDeque<([String; 3], Arc<Versions>)>>,
}

/// All documents of an output, from one look into the store.
pub(super) struct Finished {
    generation: u64,
    made: Duration,
    /// The time of that look.
    at: DateTime<Utc>,
    forms: [Arc<Doc>; 3],
    /// What stands in it, and in which version.
    pub(super) entries: Arc<Versions>,
    /// What lies behind it.
    pub(super) beyond: Beyond,
    /// The page for people as an open site shows it, and the front page; made when first wanted.
    pages: [OnceCell<Arc<Doc>>; 2],
    /// The fields of answers, for each form and coding.
    prepared: [[Prepared; 4]; 3],
    _share: Share,
}

impl Finished {
    pub(super) fn form(&self, form: Form) -> &Arc<Doc> {
        let [atom, rss, json] = &self.forms;
        match form {
            Form::Atom => atom,
            Form::Rss => rss,
            Form::Json => json,
        }
    }

    /// The fields that go with a form in a coding.
    pub(super) fn prepared(&self, form: usize, coding: Coding) -> &Prepared {
        let [atom, rss, json] = &self.prepared;
        let [plain, br, zstd, gzip] = match form {
            0 => atom,
            1 => rss,
            _ => json,
        };
        match coding {
            Coding::Identity => plain,
            Coding::Br => br,
            Coding::Zstd => zstd,
            Coding::Gzip => gzip,
        }
    }

    fn is_good(&self, wanted: u64, now: Duration) -> bool {
        self.generation >= wanted && now.saturating_sub(self.made) < LIFE
    }
}

/// Documents as they stand, looked at without counting who does.
pub(super) type Held = arc_swap::Guard<Option<Arc<Finished>>>;

/// Entries, each by the digest of its text.
pub(super) type Versions = HashMap<EntryId, Digest>;

/// Bytes of all finished documents together, so that they can be bounded.
#[derive(Default)]
pub(super) struct Weight(Arc<AtomicUsize>);

impl Weight {
    fn bytes(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    fn add(&self, bytes: usize) -> Share {
        self.0.fetch_add(bytes, Ordering::AcqRel);
        Share(self.0.clone(), bytes)
    }
}

/// What one output has of that, for as long as its documents are anywhere.
struct Share(Arc<AtomicUsize>, usize);

impl Drop for Share {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::AcqRel);
    }
}

impl Slot {
    pub(super) fn new(place: Place, output: Arc<Output>) -> Self {
        Self {
            place,
            output,
            wanted: AtomicU64::new(0),
            warm: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            finished: ArcSwapOption::empty(),
            turn: Mutex::new(()),
            refreshing: AtomicBool::new(false),
            goes_long: Notify::new(),
            counting: AtomicBool::new(false),
            cuts: Mutex::new(None),
            news: News::default(),
            announced: std::sync::Mutex::default(),
            last_look: LastLook::default(),
            past: std::sync::Mutex::default(),
        }
    }

    /// True when entries of one of these sources stand in it.
    pub(super) fn concerns(&self, touched: &[SourceId]) -> bool {
        let ours = self.output.sources.as_ref();
        !touched.is_empty()
            && ours.is_none_or(|sources| sources.iter().any(|source| touched.contains(source)))
    }

    /// What is finished is out of date.
    pub(super) fn soil(&self) {
        self.wanted.fetch_add(1, Ordering::AcqRel);
    }

    fn good(&self, wanted: u64, now: Duration) -> Option<Arc<Finished>> {
        self.finished.load_full().filter(|finished| finished.is_good(wanted, now))
    }

    fn is_made(&self, wanted: u64) -> bool {
        self.finished.load().as_ref().is_some_and(|finished| finished.generation >= wanted)
    }

    /// The documents, where they are finished and not older than this question.
    pub(super) fn at_hand(&self, site: &Site) -> Option<Held> {
        let now = site.clock.elapsed();
        let held = self.finished.load();
        let finished = held.as_ref()?;
        if !finished.is_good(self.wanted.load(Ordering::Acquire), now) {
            return None;
        }
        self.asked_for(now);
        Some(held)
    }

    /// Written only where it says something new: what every request writes to goes from core to core.
    fn asked_for(&self, now: Duration) {
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        if self.asked.load(Ordering::Relaxed) != now {
            self.asked.store(now, Ordering::Relaxed);
        }
        if !self.warm.load(Ordering::Relaxed) {
            self.warm.store(true, Ordering::Release);
        }
    }

    /// The documents, not older than this question. When the store fails, the last good ones.
    pub(super) async fn get(&self, site: &Arc<Site>, plan: &Arc<Plan>) -> Result<Arc<Finished>, StoreError> {
        self.asked_for(site.clock.elapsed());
        self.current(site, plan).await
    }

    /// The same for the house itself: nobody asked.
    pub(super) async fn current(
        &self,
        site: &Arc<Site>,
        plan: &Arc<Plan>,
    ) -> Result<Arc<Finished>, StoreError> {
        let wanted = self.wanted.load(Ordering::Acquire);
        if let Some(good) = self.good(wanted, site.clock.elapsed()) {
            return Ok(good);
        }
        let _turn = self.turn.lock().await;
        if let Some(good) = self.good(wanted, site.clock.elapsed()) {
            return Ok(good);
        }
        // Read before the store is: a change in between shows as out of date again.
        let generation = self.wanted.load(Ordering::Acquire);
        match self.make(site, plan, generation).await {
            Ok(finished) => Ok(finished),
            Err(error) => {
                tracing::warn!(document = self.place.stem(), %error, "a document could not be made");
                self.finished.load_full().ok_or(error)
            }
        }
    }

    async fn make(
        &self,
        site: &Arc<Site>,
        plan: &Arc<Plan>,
        generation: u64,
    ) -> Result<Arc<Finished>, StoreError> {
        let (now, made) = (site.clock.now(), site.clock.elapsed());
        let before = self.finished.load_full();
        let entries = self.look(site, plan, now).await?;
        let mut stamps = Vec::new();
        if before.is_none() {
            let names = self.names();
            let look = site.store.read(move |store| names.iter().map(|name| store.stamped(name)).collect());
            stamps = look.await?;
        }
        let shown: Arc<Versions> =
            Arc::new(entries.iter().map(|entry| (entry.id, entry.entry.digest)).collect());
        let beyond = beyond::beyond(site, plan, self, &shown, now).await?;
        self.last_look.keep(site, &self.output);
        let row = self.place.row(site).await?;
        let head = Head {
            older: beyond.newest.map(|n| archive::addresses(plan, &self.place, n)),
            complete: beyond.complete,
            ..plan.head(&self.place, &self.output, row.as_ref())
        };
        let written = tokio::task::spawn_blocking(move || write(&head, &entries)).await;
        let forms = written.map_err(|_| StoreError::Failed("rendering failed".to_owned()))?;
        site.metrics.rendered();
        let forms = self.dated(site, forms, before.as_deref(), &stamps, now);
        self.remember(&forms, &shown);
        let (pages, prepared) = Default::default();
        let share = site.weight.add(forms.iter().map(|doc| doc.plain.len()).sum());
        let finished = Arc::new(Finished {
            generation,
            made,
            at: now,
            forms,
            entries: shown,
            beyond,
            pages,
            prepared,
            _share: share,
        });
        self.finished.store(Some(finished.clone()));
        if site.weight.bytes() > BUDGET {
            trim(site, plan);
        }
        if let Some(before) = before {
            let after = finished.clone();
            tokio::spawn(async move {
                for (new, old) in after.forms.iter().zip(&before.forms) {
                    new.prepare(old).await;
                }
            });
        }
        Ok(finished)
    }

    /// The entries of finished documents with their texts. Not those of this moment: what stands beside them, as further
    /// pages and the archive, goes by these documents.
    pub(super) async fn entries(
        &self,
        site: &Site,
        plan: &Plan,
        finished: &Finished,
    ) -> Result<Vec<Published>, StoreError> {
        self.look(site, plan, finished.at).await
    }

    /// What stands in it at a time.
    async fn look(&self, site: &Site, plan: &Plan, now: DateTime<Utc>) -> Result<Vec<Published>, StoreError> {
        if self.place == Place::Health {
            let news = site.store.read(|store| store.health(None, health::LIMIT)).await?;
            return Ok(health::entries(plan, &news));
        }
        self.last_look.look(site, self, now).await
    }

    /// Keeps what stood in a document, for readers who come back and want only what is new.
    fn remember(&self, forms: &[Arc<Doc>; 3], shown: &Arc<Versions>) {
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let tags = forms.each_ref().map(|doc| doc.tag.clone());
        past.retain(|(known, _)| *known != tags);
        past.push_front((tags, shown.clone()));
        past.truncate(REMEMBERED);
    }

    /// What stood in the document of that form and one of these tags: who holds another form has nothing to add to.
    pub(super) fn stood(&self, form: Form, known: impl Fn(&str) -> bool) -> Option<Arc<Versions>> {
        let past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let of_form =
            |tags: &[String; 3]| Form::ALL.into_iter().zip(tags).any(|(one, tag)| one == form && known(tag));
        let found = past.iter().find(|(tags, _)| of_form(tags));
        found.map(|(_, shown)| shown.clone())
    }

    /// Where its history is cut, counted up to now.
    pub(super) async fn cuts(&self, site: &Site) -> Result<Arc<Cuts>, StoreError> {
        let mut held = self.cuts.lock().await;
        let output = self.output.clone();
        let mut cuts = match &*held {
            Some(cuts) => (**cuts).clone(),
            None => site.store.read(move |store| store.cuts(&output)).await?,
        };
        let before = (cuts.ends.len(), cuts.counted);
        loop {
            let output = self.output.clone();
            let (counted, done) = site
                .store
                .read(move |store| {
                    let done = store.count(&output, &mut cuts)?;
                    Ok((cuts, done))
                })
                .await?;
            cuts = counted;
            if done {
                break;
            }
        }
        // Written when there is something to lose: a cut, or a long way that would be gone again.
        if cuts.ends.len() > before.0 || cuts.counted.saturating_sub(before.1) > LONG_WAY {
            let (output, cuts) = (self.output.clone(), cuts.clone());
            site.store.write(move |store| store.keep_cuts(&output, &cuts)).await?;
        }
        let cuts = Arc::new(cuts);
        *held = Some(cuts.clone());
        Ok(cuts)
    }

    fn names(&self) -> [String; 3] {
        let stem = self.place.stem();
        Form::ALL.map(|form| format!("{stem}.{}", form.extension()))
    }

    /// Gives each form the date its bytes last changed, over restarts too. Unchanged forms stay
    /// the very same, with their codings.
    fn dated(
        &self,
        site: &Arc<Site>,
        forms: [Doc; 3],
        before: Option<&Finished>,
        stamps: &[Option<(String, DateTime<Utc>)>],
        now: DateTime<Utc>,
    ) -> [Arc<Doc>; 3] {
        let mut names = self.names().into_iter();
        let mut at = 0;
        forms.map(|mut doc| {
            let (name, old) =
                (names.next().unwrap_or_default(), before.and_then(|before| before.forms.get(at)));
            let stored = stamps.get(at).and_then(Option::as_ref);
            at += 1;
            let same = old.filter(|old| old.tag == doc.tag);
            if let Some(old) = same.filter(|old| old.modified.is_some()) {
                return old.clone();
            }
            let known = stored.filter(|(tag, _)| *tag == doc.tag).map(|(_, since)| *since);
            let since = same.and_then(|old| old.since).or(known).unwrap_or_else(|| {
                let told =
                    stored.map(|(_, since)| *since).max(old.and_then(|old| old.modified).map(DateTime::from));
                // A date that was still to come was nobody's: the next version may have that one, and none before.
                let fresh = stamps::renewed(told, now);
                let since = old.and_then(|old| old.since).map_or(fresh, |before| fresh.max(before));
                site.stamps.put(site, name, doc.tag.clone(), since);
                since
            });
            doc.stands(since, now);
            Arc::new(doc)
        })
    }

    /// The page for people: this output's, or the front page that shows it.
    pub(super) async fn page(
        &self,
        site: &Arc<Site>,
        plan: &Arc<Plan>,
        front: bool,
    ) -> Result<Arc<Doc>, StoreError> {
        let finished = self.get(site, plan).await?;
        let [own, fronting] = &finished.pages;
        let cell = if front { fronting } else { own };
        let made = cell.get_or_try_init(|| async {
            let page = if front { Page::Front } else { Page::Current(0) };
            let html = pages::river_now(site, plan, self, plan.anybody(), page).await?;
            Ok(Arc::new(Doc::new(pages::HTML, html.into_bytes())))
        });
        made.await.cloned()
    }
}

/// Gives up what nobody asked for lately, until a quarter is free.
fn trim(site: &Site, plan: &Plan) {
    let mut slots: Vec<_> = plan.slots().filter(|slot| slot.finished.load().is_some()).collect();
    slots.sort_by_key(|slot| slot.asked.load(Ordering::Relaxed));
    for slot in slots {
        if site.weight.bytes() <= BUDGET / 4 * 3 {
            break;
        }
        slot.finished.store(None);
    }
}

/// All forms of an output. Blocking: entries are cleaned and written three times over.
fn write(head: &Head, entries: &[Published]) -> [Doc; 3] {
    let sheet = Sheet::new(head, entries);
    Form::ALL.map(|form| Doc::new(form.content_type(), sheet.write(form)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_weigh_as_long_as_they_are_anywhere() {
        let weight = Weight::default();
        let (one, two) = (weight.add(100), weight.add(20));
        assert_eq!(weight.bytes(), 120);
        drop(one);
        assert_eq!(weight.bytes(), 20);
        drop(two);
        assert_eq!(weight.bytes(), 0);
    }
}
