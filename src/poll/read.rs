//! The second half of a poll: a body is read, decided and committed.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::drift::{self, Refused};
use super::{Notes, Polled, Poller, READERS, aftermath, kept, push};
use crate::dedup::{self, Context, DocumentKeys, Rules, Tell};
use crate::fetch::{Answer, Body};
use crate::link::{self, Secrets};
use crate::model::{
    Digest, Format, Hints, HostDay, Kind, Outcome, PageSelectors, RawFeed, Source, SourceState, Trust,
};
use crate::normalize::{self, Normalized};
use crate::parse::{self, Input, ParseError};
use crate::store::{Commit, Committed, Keep, KeptBody, Reading, Store, StoreError};

/// From so many bytes on a document is read alone.
const LARGE: usize = 1 << 20;
/// How often a poll decides again when another was first.
pub(super) const ATTEMPTS: usize = 3;
/// Warnings of one reading that are kept.
const WARNINGS: usize = 20;

/// A document as read, and what it says of its schedule.
#[derive(Clone)]
pub(super) struct Document {
    pub(super) normalized: Normalized,
    hints: Hints,
    pub(super) next_page: Option<String>,
    /// Selectors of a page that was read without.
    pub(super) learned: Option<PageSelectors>,
}

/// What becomes of the body that is kept.
pub(super) enum Kept {
    AsItIs,
    This(KeptBody),
    Nothing,
}

/// A reading on its way into the store.
pub(super) struct Arrived {
    pub(super) normalized: Normalized,
    pub(super) rules: Digest,
    pub(super) kept: Kept,
    /// The source's first.
    pub(super) first: bool,
    /// A page became a feed, or the other way round.
    pub(super) reshaped: bool,
    pub(super) tell: Tell,
    /// When the next poll would be if the hub were not relied on; `None`: it is not, or it told of this.
    pub(super) alone: Option<(DateTime<Utc>, String)>,
    pub(super) now: DateTime<Utc>,
}

impl Poller {
    /// Reads a body; what an older version of our reading has read before, first.
    pub(super) async fn read(
        &self,
        source: &Arc<Source>,
        mut state: Box<SourceState>,
        answer: Answer,
        body: Body,
    ) -> Result<Polled, StoreError> {
        if state.read_under.is_none() || state.reading >= normalize::READING {
            return self.read_this(source, state, answer, body).await;
        }
        let before = Box::pin(self.catch_up(source, &mut state)).await?;
        let polled = self.read_this(source, state, answer, body).await?;
        Ok(Polled { committed: before.and(polled.committed), ..polled })
    }

    /// Reads a body; the same body under the same rules is not read again.
    async fn read_this(
        &self,
        source: &Arc<Source>,
        mut state: Box<SourceState>,
        answer: Answer,
        body: Body,
    ) -> Result<Polled, StoreError> {
        let now = self.clock.now();
        let rules = self.rules_of(source);
        let hash = hash_of(rules, &body);
        if state.body_hash == Some(hash) && !body.delta {
            aftermath::whole(&mut state, &answer, rules, now, self.redirect_confirmations);
            return self.settle(source, state, Outcome::NotModified, now).await;
        }
        let never = state.first_success.is_none();
        let stored = if never { Arc::default() } else { self.digests(source, rules).await? };
        let mut document = match self.same_list(source, &state, &body, &stored).await? {
            Ok(document) => document,
            Err(Refused { words, drifted }) => {
                let outcome = if body.bytes.trim_ascii().is_empty() {
                    aftermath::empty(&mut state, &answer, words)
                } else {
                    aftermath::unreadable(&mut state, &answer, rules, words, drifted)
                };
                return self.settle(source, state, outcome, now).await;
            }
        };
        let tell = match state.read_under {
            Some(before) if state.body_hash == Some(hash_of(before, &body)) => Tell::Nothing,
            Some(before) if before != rules => Tell::Stated,
            _ => Tell::Changes,
        };
        let (delta, size) = (body.delta, body.bytes.len() as u64);
        let (body, kept) = if source.full_text || source.page.pages > 1 {
            // Other pages are asked for now, and may be large too: who waits for a place among the large ones has none.
            let url = body.url.clone();
            let kept = self.packed(body, now).await?;
            self.further_pages(source, &mut state, &mut document, url, &stored).await;
            if source.full_text {
                self.full_texts(source, &mut state, &mut document.normalized).await?;
            }
            (None, kept)
        } else {
            (Some(body), Kept::Nothing)
        };
        let first = never || is_late_backlog(source, &state, &document);
        let reshaped = is_reshaped(&state, &document);
        let looked = state.last_success;
        aftermath::whole(&mut state, &answer, rules, now, self.redirect_confirmations);
        state.body_hash = (!delta).then_some(hash);
        state.body_bytes = size;
        note(&mut state, &document, looked, now);
        push::look_for_hub(&mut state, &answer, &document.normalized);
        self.plan_next(source, &mut state, now);
        let alone = self.without_hub(source, &state, now);
        let empty = drift::is_empty(&document.normalized);
        let normalized = document.normalized;
        let arrived = Arrived { normalized, rules, kept, first, reshaped, tell, alone, now };
        let polled = self.intake(source, state, arrived, body).await?;
        Ok(if empty { Polled { outcome: Outcome::Empty, ..polled } } else { polled })
    }

    /// What need not be cleaned again.
    async fn digests(&self, source: &Source, rules: Digest) -> Result<Arc<HashSet<Digest>>, StoreError> {
        let id = source.id.clone();
        Ok(Arc::new(self.store.look(move |store| store.digests(&id, rules)).await?))
    }

    async fn settle(
        &self,
        source: &Arc<Source>,
        mut state: Box<SourceState>,
        outcome: Outcome,
        now: DateTime<Utc>,
    ) -> Result<Polled, StoreError> {
        self.plan_next(source, &mut state, now);
        let (committed, state) = self.remember(source, state, now).await?;
        Ok(Polled { outcome, committed, state })
    }

    /// Parses and normalizes on a blocking thread. A panic there is this source's failure.
    pub(super) async fn document(
        &self,
        source: &Arc<Source>,
        body: &Body,
        stored: &Arc<HashSet<Digest>>,
    ) -> Result<Document, ParseError> {
        // A tree is many times its document: a large one is read alone.
        let share = if body.bytes.len() > LARGE { READERS } else { 1 };
        let _permit = self.readers.acquire_many(share).await;
        let (source, body, stored) = (source.clone(), body.clone(), stored.clone());
        let job = tokio::task::spawn_blocking(move || read_document(&source, &body, &stored));
        job.await.unwrap_or_else(|_| {
            Err(ParseError::NoFeed(
                "reading this document failed inside riverine; that is a defect: please report it with the \
                 document"
                    .to_owned(),
            ))
        })
    }

    /// Known, decided, committed; again when another poll was first. `body`: is to be kept.
    pub(super) async fn intake(
        &self,
        source: &Arc<Source>,
        before: Box<SourceState>,
        mut arrived: Arrived,
        body: Option<Body>,
    ) -> Result<Polled, StoreError> {
        let (of, common, limit) = (source.clone(), self.rules.clone(), self.keep_bodies);
        // Whatever needs no look into the store is done before the writer is asked: there is one for all.
        // Not more at once than documents are read: pages and the store's readers use the same threads.
        let permit = self.readers.acquire().await;
        let prepared = tokio::task::spawn_blocking(move || {
            let home = home_links(&of, &arrived.normalized);
            let keys = keys(&of, &before, &common, &home, &arrived);
            if let Some(body) = body {
                arrived.kept = kept::pack(&body, limit, arrived.now)?.map_or(Kept::Nothing, Kept::This);
            }
            Ok::<_, StoreError>((before, arrived, home, keys))
        });
        // A panic is this poll's, as it would be without the other thread.
        let prepared = prepared.await.map_err(|ended| match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(ended) => StoreError::Failed(format!("a document's keys: {ended}")),
        });
        drop(permit);
        let (before, arrived, home, keys) = prepared??;
        let (source, common, mut notes) = (source.clone(), self.rules.clone(), Notes::of(&self.gate));
        self.store
            .remember(move |store| {
                let mut state = before.clone();
                let context = context(&source, &state, &common, &home, &arrived);
                for _ in 0..ATTEMPTS {
                    let decided = notes.write(|ledger| {
                        decide(store, &context, (&arrived, keys.clone()), &mut state, ledger)
                    });
                    match decided {
                        Err(StoreError::Conflict) => {}
                        Ok((outcome, committed)) => return Ok(Polled { outcome, committed, state }),
                        Err(error) => return Err(error),
                    }
                }
                Err(StoreError::Conflict)
            })
            .await
    }
}

pub(super) fn context<'a>(
    source: &'a Source,
    state: &SourceState,
    rules: &'a Rules,
    home_links: &'a [String],
    arrived: &Arrived,
) -> Context<'a> {
    Context {
        backfill: arrived.first.then_some(source.backfill as usize),
        reshaped: arrived.reshaped,
        tell: arrived.tell,
        ..usual(source, state.trust, rules, home_links, arrived.now)
    }
}

/// The context of a document that is like those before it.
pub(super) fn usual<'a>(
    source: &'a Source,
    trust: Trust,
    rules: &'a Rules,
    home_links: &'a [String],
    now: DateTime<Utc>,
) -> Context<'a> {
    Context {
        source: source.id.as_str(),
        rule: source.dedup,
        future: source.future,
        backfill: None,
        home_links,
        trust,
        timezone: source.timezone,
        reshaped: false,
        reading: normalize::READING,
        tell: Tell::Changes,
        rules,
        keep: &source.keep,
        drop: &source.drop,
        now,
    }
}

/// The keys of a document; the texts that they, and later its words, are made of are taken out of its HTML.
fn keys(
    source: &Source,
    state: &SourceState,
    rules: &Rules,
    home: &[String],
    arrived: &Arrived,
) -> DocumentKeys {
    let entries = &arrived.normalized.entries;
    for text in entries.iter().flat_map(|entry| [&entry.summary, &entry.content]).flatten() {
        text.text();
    }
    dedup::document_keys(&context(source, state, rules, home, arrived), entries)
}

fn decide(
    store: &mut dyn Store,
    context: &Context<'_>,
    (arrived, keys): (&Arrived, DocumentKeys),
    state: &mut SourceState,
    ledger: &[HostDay],
) -> Result<(Outcome, Committed), StoreError> {
    let entries = &arrived.normalized.entries;
    let known = store.known(context, entries, &keys)?;
    let intake = dedup::decide(context, entries, keys, &known);
    // The same bytes say nothing more of guids and links than they did.
    if context.tell != Tell::Nothing {
        state.trust = intake.trust(context.trust);
    }
    aftermath::undated(state, &intake, entries, context.now);
    warn_of_keys(state);
    if let Some(rebuilt) = intake.rebuilt {
        warn_of_rebuild(state, rebuilt);
    }
    push::untold(state, &intake, arrived.alone.as_ref());
    let reading = Reading {
        entries,
        intake: &intake,
        rules: arrived.rules,
        body: match &arrived.kept {
            Kept::AsItIs => Keep::AsItIs,
            Kept::This(body) => Keep::This(body),
            Kept::Nothing => Keep::Nothing,
        },
    };
    let source = crate::model::SourceId::new(context.source);
    let commit = Commit { source: &source, state, reading: Some(reading), ledger, now: context.now };
    let committed = store.commit(&commit)?;
    let outcome = Outcome::Read {
        new: committed.new.len(),
        changed: committed.changed.len(),
        met: committed.met.len(),
        filtered: committed.filtered,
        unchanged: entries.iter().filter(|entry| entry.unchanged).count(),
    };
    Ok((outcome, committed))
}

/// A page became a feed, or the other way round.
pub(super) fn is_reshaped(state: &SourceState, document: &Document) -> bool {
    let listed = |format: Format| matches!(format, Format::Page | Format::Text);
    let before = state.feed.as_ref();
    before.is_some_and(|before| listed(before.format) != listed(document.normalized.feed.format))
}

/// A source that had nothing dated at its first poll, and has a backlog now: more than could be news, from before.
fn is_late_backlog(source: &Source, state: &SourceState, document: &Document) -> bool {
    let Some(first) = state.first_success.filter(|_| state.rhythm.is_empty()) else { return false };
    let dates = document.normalized.entries.iter().filter_map(dedup::stated);
    dates.filter(|at| *at < first).count() > source.backfill as usize
}

/// Keys that nobody can rely on, on record for who wonders.
fn warn_of_keys(state: &mut SourceState) {
    for (unreliable, words) in [
        (
            state.trust.guids_unreliable(),
            "the ids of its entries are new at every poll, or stand on several: they are not relied on",
        ),
        (
            state.trust.links_unreliable(),
            "the links of its entries are new at every poll: they are not relied on",
        ),
    ] {
        if unreliable && !state.warnings.iter().any(|warning| warning == words) {
            state.warnings.push(words.to_owned());
        }
    }
}

/// Said once, however often the decision is made.
pub(super) fn warn_of_rebuild(state: &mut SourceState, rebuilt: DateTime<Utc>) {
    let words = format!(
        "most entries say one time, {}: the site was rebuilt, and this time is not taken for news",
        rebuilt.format("%Y-%m-%d %H:%M:%S UTC")
    );
    if !state.warnings.contains(&words) {
        state.warnings.push(words);
    }
}

/// Hash of a body and of the rules it is read under.
pub(super) fn hash_of(rules: Digest, body: &Body) -> Digest {
    Digest::of("body", &[&rules.0, &body.bytes])
}

/// Links that stand for the whole source and so identify no entry of it, as they are and as they are shown.
pub(super) fn home_links(source: &Source, normalized: &Normalized) -> Vec<String> {
    let (feed, secrets) = (&normalized.feed, Secrets::of([&source.url]));
    [Some(source.url.as_str()), feed.link.as_deref(), feed.self_link.as_deref()]
        .into_iter()
        .flatten()
        .flat_map(|link| [link::canonical(link), link::canonical(&secrets.hide(link))])
        .flatten()
        .collect()
}

fn read_document(source: &Source, body: &Body, stored: &HashSet<Digest>) -> Result<Document, ParseError> {
    let parsed = parse::parse(&Input {
        bytes: &body.bytes,
        content_type: body.content_type.as_deref(),
        content_language: body.content_language.as_deref(),
        url: Some(&body.url),
        kind: source.kind,
        selectors: &source.page,
    })?;
    let hints = hints(&parsed.feed);
    let next_page = parsed.next_page.clone();
    let context = normalize::Context {
        url: Some(&body.url),
        secrets: &Secrets::of([&source.url, &body.url]),
        timezone: source.timezone,
        language: source.language.as_deref(),
        stored,
    };
    Ok(Document {
        learned: parsed.learned.clone(),
        normalized: normalize::normalize(parsed, &context),
        hints,
        next_page,
    })
}

/// A feed that is a page all of a sudden is a page about an error, a login or a shop: its links are no entries.
/// Only where the config leaves open what the source is, and only for the address that gave the feed.
pub(super) fn as_before(
    source: &Source,
    state: &SourceState,
    document: Document,
) -> Result<Document, ParseError> {
    let was = state.feed.as_ref().filter(|_| state.read_under.is_some()).map(|feed| feed.format);
    let open = source.kind == Kind::Auto && source.page.item.is_none();
    let (what, kind) = match (was, document.normalized.feed.format) {
        (Some(Format::Page) | None, _) => return Ok(document),
        (Some(_), Format::Page) => ("an HTML page", "page"),
        (Some(was), Format::Text) if was != Format::Text => ("plain text", "text"),
        _ => return Ok(document),
    };
    if !open {
        return Ok(document);
    }
    let was = if was == Some(Format::Text) { "plain text" } else { "a feed" };
    Err(ParseError::NoFeed(format!(
        "it was {was} and is {what} now, maybe about an error; if it is to be read as that, say kind = \"{kind}\""
    )))
}

fn hints(feed: &RawFeed) -> Hints {
    use std::time::Duration;
    Hints {
        fresh_for: None,
        ttl: feed.ttl_minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60)),
        skip_hours: feed.skip_hours.clone(),
        skip_days: feed.skip_days.clone(),
        update_gap: feed.update_seconds.map(Duration::from_secs),
    }
}

/// What a reading leaves in the state besides validators. `looked` is when its address gave the document before.
pub(super) fn note(
    state: &mut SourceState,
    document: &Document,
    looked: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) {
    state.hints = Hints { fresh_for: state.hints.fresh_for, ..document.hints.clone() };
    let warnings = &document.normalized.warnings;
    state.warnings = warnings.iter().take(WARNINGS).map(ToString::to_string).collect();
    if warnings.len() > WARNINGS {
        state.warnings.push(format!("and {} more warnings", warnings.len() - WARNINGS));
    }
    let dates = document.normalized.entries.iter().filter_map(dedup::stated).filter(|at| *at <= now);
    state.published(dates, looked, now);
    let items = document.normalized.entries.len();
    let few = drift::count(state, document.normalized.feed.format, items);
    state.warnings.extend(few);
    if let Some(learned) = &document.learned {
        state.learned_item.clone_from(&learned.item);
    }
    state.feed = Some(document.normalized.feed.clone());
}
