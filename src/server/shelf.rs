//! Finished documents, kept as shared bytes until their output changes.
//!
//! One flight at a time per output makes all its forms from one look into the store.
//! Compressed variants are made once, on a blocking thread, when first wanted.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, OnceCell};

use super::Site;
use super::accept::Coding;
use super::pages;
use super::plan::{Place, Plan, hex};
use crate::model::{Output, Published, SourceId};
use crate::render::{Form, Sheet};
use crate::store::StoreError;

/// Time alone changes a document too (entries that were held, entries a day old): after so
/// long the store is asked again. The same bytes stay the same document.
const LIFE: Duration = Duration::from_mins(1);
/// Below so many bytes a coding costs more than it saves.
const WORTH_CODING: usize = 512;

/// The place of one output's documents.
pub(super) struct Slot {
    pub(super) place: Place,
    pub(super) output: Arc<Output>,
    /// Counts changes; what was made under a lower number is out of date.
    wanted: AtomicU64,
    /// Asked for since it was last made.
    warm: AtomicBool,
    finished: ArcSwapOption<Finished>,
    turn: Mutex<()>,
}

/// All documents of an output, from one look into the store.
pub(super) struct Finished {
    generation: u64,
    made: Duration,
    forms: [Arc<Doc>; 3],
    /// The page for people, as an open site shows it.
    pub(super) page: Arc<Doc>,
    /// The front page, where this is `all`.
    pub(super) front: Arc<Doc>,
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
}

/// One document: its bytes, what they are, and their codings.
pub(super) struct Doc {
    pub(super) content_type: &'static str,
    pub(super) plain: Bytes,
    /// Opaque tag of the plain bytes; codings add their name.
    pub(super) tag: String,
    pub(super) modified: Option<SystemTime>,
    coded: [OnceCell<Option<Bytes>>; 3],
}

impl Doc {
    pub(super) fn new(content_type: &'static str, bytes: Vec<u8>) -> Self {
        let tag = hex(&Sha256::digest(&bytes), 16);
        Self { content_type, plain: bytes.into(), tag, modified: None, coded: Default::default() }
    }

    /// The tag of a variant.
    pub(super) fn tag_of(&self, coding: Coding) -> String {
        match coding {
            Coding::Identity => self.tag.clone(),
            coding => format!("{}-{}", self.tag, coding.name()),
        }
    }

    /// True for the tag of any variant.
    pub(super) fn owns(&self, tag: &str) -> bool {
        tag.strip_prefix(&self.tag).is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .strip_prefix('-')
                    .is_some_and(|name| Coding::COMPRESSED.iter().any(|c| c.name() == name))
        })
    }

    fn cell(&self, coding: Coding) -> Option<&OnceCell<Option<Bytes>>> {
        let at = Coding::COMPRESSED.iter().position(|known| *known == coding)?;
        self.coded.get(at)
    }

    /// The bytes in that coding; `None` where plain ones are as good.
    pub(super) async fn coded(&self, coding: Coding) -> Option<Bytes> {
        if self.plain.len() < WORTH_CODING {
            return None;
        }
        let make = || async {
            let plain = self.plain.clone();
            let coded = tokio::task::spawn_blocking(move || compress(&plain, coding)).await.ok().flatten()?;
            (coded.len() < self.plain.len()).then(|| Bytes::from(coded))
        };
        self.cell(coding)?.get_or_init(make).await.clone()
    }

    /// Makes the codings that were wanted of the document before this one.
    async fn prepare(&self, before: &Self) {
        for coding in Coding::COMPRESSED {
            if before.cell(coding).is_some_and(OnceCell::initialized) {
                self.coded(coding).await;
            }
        }
    }
}

fn compress(plain: &[u8], coding: Coding) -> Option<Vec<u8>> {
    match coding {
        Coding::Identity => None,
        Coding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            encoder.write_all(plain).ok()?;
            encoder.finish().ok()
        }
        Coding::Zstd => zstd::bulk::compress(plain, 6).ok(),
        Coding::Br => {
            let params =
                brotli::enc::BrotliEncoderParams { quality: 6, size_hint: plain.len(), ..Default::default() };
            let mut out = Vec::new();
            brotli::BrotliCompress(&mut &plain[..], &mut out, &params).ok()?;
            Some(out)
        }
    }
}

impl Slot {
    pub(super) fn new(place: Place, output: Arc<Output>) -> Self {
        Self {
            place,
            output,
            wanted: AtomicU64::new(0),
            warm: AtomicBool::new(false),
            finished: ArcSwapOption::empty(),
            turn: Mutex::new(()),
        }
    }

    /// True when entries of one of these sources stand in it.
    pub(super) fn concerns(&self, touched: &[SourceId]) -> bool {
        self.output
            .sources
            .as_ref()
            .is_none_or(|sources| sources.iter().any(|source| touched.contains(source)))
    }

    /// What is finished is out of date.
    pub(super) fn soil(&self) {
        self.wanted.fetch_add(1, Ordering::AcqRel);
    }

    /// True when somebody asked since it was last made.
    pub(super) fn is_warm(&self) -> bool {
        self.warm.swap(false, Ordering::AcqRel)
    }

    fn good(&self, now: Duration) -> Option<Arc<Finished>> {
        let finished = self.finished.load_full()?;
        let current = finished.generation >= self.wanted.load(Ordering::Acquire);
        (current && now.saturating_sub(finished.made) < LIFE).then_some(finished)
    }

    /// The documents as of now. When the store fails, the last good ones.
    pub(super) async fn get(&self, site: &Arc<Site>, plan: &Arc<Plan>) -> Result<Arc<Finished>, StoreError> {
        self.warm.store(true, Ordering::Release);
        if let Some(good) = self.good(site.clock.elapsed()) {
            return Ok(good);
        }
        let _turn = self.turn.lock().await;
        if let Some(good) = self.good(site.clock.elapsed()) {
            return Ok(good);
        }
        // Read before the store is: a change in between shows as out of date again.
        let generation = self.wanted.load(Ordering::Acquire);
        match self.make(site, plan, generation).await {
            Ok(finished) => {
                self.finished.store(Some(finished.clone()));
                Ok(finished)
            }
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
        let output = self.output.clone();
        let entries = site.store.read(move |store| store.select(&output, now)).await?;
        let (plan, output, place) = (plan.clone(), self.output.clone(), self.place.clone());
        let written = tokio::task::spawn_blocking(move || write(&plan, &place, &output, &entries)).await;
        let (forms, page, front) = written.map_err(|_| StoreError::Failed("rendering failed".to_owned()))?;
        site.metrics.rendered();
        let before = self.finished.load_full();
        let forms = self.dated(site, forms, before.as_deref(), now).await;
        let keep = |new: Doc, old: Option<&Arc<Doc>>| match old {
            Some(old) if old.tag == new.tag => old.clone(),
            _ => Arc::new(new),
        };
        let finished = Arc::new(Finished {
            generation,
            made,
            page: keep(page, before.as_ref().map(|before| &before.page)),
            front: keep(front, before.as_ref().map(|before| &before.front)),
            forms,
        });
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

    /// Gives each form the date its bytes last changed, over restarts too. Unchanged forms stay
    /// the very same, with their codings.
    async fn dated(
        &self,
        site: &Arc<Site>,
        forms: [Doc; 3],
        before: Option<&Finished>,
        now: DateTime<Utc>,
    ) -> [Arc<Doc>; 3] {
        let stem = self.place.stem();
        let names: Vec<_> = Form::ALL
            .into_iter()
            .zip(&forms)
            .map(|(form, doc)| (format!("{stem}.{}", form.extension()), doc.tag.clone()))
            .collect();
        let same = |at: usize, doc: &Doc| {
            before.and_then(|before| before.forms.get(at)).filter(|old| old.tag == doc.tag).cloned()
        };
        let stamps = if forms.iter().enumerate().all(|(at, doc)| same(at, doc).is_some()) {
            Vec::new()
        } else {
            let stamp = site.store.write(move |store| {
                names.iter().map(|(name, tag)| store.stamp(name, tag, now)).collect::<Result<Vec<_>, _>>()
            });
            // A full disk must not keep readers from reading: the date is then this process's own.
            stamp.await.unwrap_or_else(|_| vec![now; 3])
        };
        let mut at = 0;
        forms.map(|mut doc| {
            let old = same(at, &doc);
            let stamp = stamps.get(at).copied().unwrap_or(now);
            at += 1;
            old.unwrap_or_else(|| {
                // Never the future, whatever a clock said when it was stored.
                doc.modified = Some(SystemTime::from(stamp.min(now)));
                Arc::new(doc)
            })
        })
    }
}

/// All documents of an output. Blocking: entries are cleaned and written three times over.
fn write(plan: &Plan, place: &Place, output: &Output, entries: &[Published]) -> ([Doc; 3], Doc, Doc) {
    let head = plan.head(place, output, entries);
    let sheet = Sheet::new(&head, entries);
    let forms = Form::ALL.map(|form| Doc::new(form.content_type(), sheet.write(form)));
    let page =
        |front| Doc::new(pages::HTML, pages::river(plan, &head, place, entries, None, front).into_bytes());
    (forms, page(false), page(true))
}
