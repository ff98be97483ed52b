//! One source, once: fetch → read → normalize → decide → commit.
//! The only file that knows this order. Never decides when: that is schedule.rs and daemon.rs.

mod aftermath;
mod articles;
mod drift;
mod due;
mod kept;
mod pages;
mod push;
mod read;
mod replay;
#[cfg(test)]
pub(crate) mod tests;
mod visit;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use futures_util::FutureExt;
use rustc_hash::FxHashMap;
use tokio::sync::Semaphore;
use url::Url;

use crate::clock::Clock;
use crate::dedup::Rules;
use crate::fetch::{self, Answer, Fetch, FetchError, Fetched, Gate};
use crate::link;
use crate::model::{
    DedupRule, Digest, HostDay, Kind, Outcome, PageSelectors, Push, Source, SourceId, SourceState, Standing,
};
use crate::normalize;
use crate::schedule::{self, Limits};
use crate::store::{Commit, Committed, Handle, StoreError};
pub(crate) use aftermath::hold_left;
pub use push::{Delivered, Delivery, News};
pub use replay::{Again, Change, Replayed};
use visit::{Errand, Visit};

/// Documents being read at once: reading is work for a core, and holds a whole body in memory.
const READERS: u32 = 4;
const DEFECT: &str = "the poll ended by a defect in riverine; please report it";

/// What [`rules_under`] takes from a source that has no filters and no selectors.
type Usual = (DedupRule, bool, Kind, Tz, Option<String>);

/// Everything a poll needs besides its source.
pub struct Poller {
    /// HTTP, or a script.
    pub fetch: Arc<dyn Fetch>,
    /// Whose turn it is, per host.
    pub gate: Arc<Gate>,
    /// Where things are remembered.
    pub store: Handle,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// `[dedup]`, compiled.
    pub rules: Arc<Rules>,
    /// `[fetch]`, as far as it says when.
    pub limits: Limits,
    /// Their digest, for [`Poller::timing`].
    limits_hash: Digest,
    /// Digest of what else in `[fetch]` decides whether an answer comes at all.
    ways: Digest,
    /// What sources without filters and selectors are read under, by what else may differ among them: nearly all are
    /// read under the same.
    usual: Mutex<FxHashMap<Usual, Digest>>,
    /// A permanent redirect seen this often is believed.
    pub redirect_confirmations: u32,
    /// Compressed bodies up to this size are kept; 0: none.
    pub keep_bodies: u64,
    readers: Arc<Semaphore>,
}

/// How a poll ended for one source.
#[derive(Debug)]
pub struct Ended {
    /// Which.
    pub source: SourceId,
    /// An error is the store's: nothing of the poll is remembered.
    pub result: Result<Polled, StoreError>,
}

/// What a poll came to.
#[derive(Clone, Debug)]
pub struct Polled {
    /// In short.
    pub outcome: Outcome,
    /// What the commit did.
    pub committed: Committed,
    /// The state as stored.
    pub state: Box<SourceState>,
}

impl Poller {
    /// Puts the parts together.
    pub fn new(
        fetch: Arc<dyn Fetch>,
        gate: Arc<Gate>,
        store: Handle,
        clock: Arc<dyn Clock>,
        rules: Rules,
        options: &fetch::Options,
        keep_bodies: u64,
    ) -> Self {
        Self {
            fetch,
            gate,
            store,
            clock,
            rules: Arc::new(rules),
            limits: limits(options),
            limits_hash: Digest::of("limits", &[format!("{:?}", limits(options)).as_bytes()]),
            ways: Digest::of(
                "ways",
                &[format!("{:?} {:?}", options.allow_private, options.ca_file).as_bytes()],
            ),
            usual: Mutex::default(),
            redirect_confirmations: options.redirect_confirmations,
            keep_bodies,
            readers: Arc::new(Semaphore::new(READERS as usize)),
        }
    }

    /// Polls sources that ask for the same document, with one request, and remembers how it ended for
    /// each, in their order. `by_hand` overrides schedule, back-off and parking; a server's request to
    /// wait is obeyed all the same.
    pub async fn poll(&self, sources: &[Arc<Source>], by_hand: bool) -> Vec<Ended> {
        let (errand, visits) = match self.set_out(sources).await {
            Ok(set_out) => set_out,
            Err(failure) => {
                let words = failure.to_string();
                let failed = || Err(StoreError::Failed(words.clone()));
                return sources
                    .iter()
                    .map(|source| Ended { source: source.id.clone(), result: failed() })
                    .collect();
            }
        };
        let now = self.clock.now();
        let holds = || visits.iter().map(|visit| aftermath::hold_left(&visit.state, now));
        // By schedule nobody comes before its hold ends; but one that has none may have come to one that has.
        let heeds = by_hand || holds().any(|left| left.is_none());
        if let (true, Some(left)) = (heeds, holds().flatten().max()) {
            let mut ended = Vec::with_capacity(visits.len());
            for visit in visits {
                let source = visit.source.id.clone();
                ended.push(Ended { source, result: Box::pin(self.still_held(visit, left, None)).await });
            }
            return ended;
        }
        let mut fetched = self.ask(&errand, now).await;
        let turned_away = held_by_a_neighbour(&fetched);
        let mut ended = Vec::with_capacity(visits.len());
        let mut left = visits.len();
        for visit in visits {
            let source = visit.source.clone();
            left -= 1;
            // Mostly there is one, and so no need for a copy.
            let given = if left > 0 { fetched.clone() } else { std::mem::replace(&mut fetched, nothing()) };
            // Boxed: what reading needs is not what waiting for an answer should cost.
            let end = Box::pin(async {
                match turned_away {
                    Some((left, ref by)) => Box::pin(self.still_held(visit, left, by.as_ref())).await,
                    None => self.finish(visit, &errand, given).await,
                }
            });
            let result = match AssertUnwindSafe(end).catch_unwind().await {
                Ok(result) => result,
                Err(_) => Box::pin(self.defect(&source)).await,
            };
            ended.push(Ended { source: source.id.clone(), result });
            *requests(&mut fetched) = 0;
        }
        ended
    }

    /// A panic on the way is this source's failure and nobody else's.
    async fn ask(&self, errand: &Errand, now: DateTime<Utc>) -> Result<Fetched, FetchError> {
        let asking = AssertUnwindSafe(async { self.fetch.fetch(errand.request(), now).await });
        asking
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(FetchError::Broken { words: DEFECT.to_owned(), requests: 0 }))
    }

    async fn still_held(
        &self,
        visit: Visit,
        left: TimeDelta,
        by: Option<&Url>,
    ) -> Result<Polled, StoreError> {
        let now = self.clock.now();
        let Visit { source, mut state, .. } = visit;
        let until = now.checked_add_signed(left).unwrap_or(now);
        state.standing = Standing::Held;
        state.next_poll = Some(until);
        state.next_poll_reason = match by {
            Some(by) => format!("server asked to wait (429 for {}, Retry-After)", link::mask(by.as_str())),
            None => "server asked to wait (Retry-After)".to_owned(),
        };
        state.planned_under = Some(self.timing(&source));
        let words = format!("server asked to wait until {}", until.format("%Y-%m-%d %H:%M:%S UTC"));
        let (committed, state) = self.remember(&source, state, now).await?;
        Ok(Polled { outcome: Outcome::Held(words), committed, state })
    }

    async fn finish(
        &self,
        visit: Visit,
        errand: &Errand,
        fetched: Result<Fetched, FetchError>,
    ) -> Result<Polled, StoreError> {
        let now = self.clock.now();
        let Visit { source, mut state, wants_body } = visit;
        if let Some(push) = &mut state.push {
            // What was announced before the last poll is no excuse for this one. Both are kept in whole seconds, not
            // rounded alike.
            let last = state.last_poll.and_then(|at| at.checked_sub_signed(TimeDelta::seconds(1)));
            push.announced = push.announced.filter(|at| Some(*at) >= last);
        }
        state.last_poll = Some(now);
        let outcome = match fetched {
            Ok(Fetched::Body(answer, body)) => {
                return Box::pin(self.read(&source, state, answer, body)).await;
            }
            Ok(Fetched::NotModified(answer)) => {
                if let Some((answer, body)) = errand.unchanged(&answer).filter(|_| wants_body) {
                    return Box::pin(self.read(&source, state, answer, body)).await;
                }
                if answer.requests > 0 {
                    self.gate.note(&answer.url, |tally| tally.saved += state.body_bytes);
                }
                aftermath::not_modified(&mut state, &answer, now, self.redirect_confirmations)
            }
            Ok(Fetched::Throttled(answer)) => {
                self.spare_the_host(&answer);
                aftermath::throttled(&mut state, &answer, now, self.limits.max_hold)
            }
            Ok(Fetched::Gone(answer)) => aftermath::gone(&mut state, &answer, &source),
            Err(error) => aftermath::failed(&mut state, &error),
        };
        self.plan_next(&source, &mut state, now);
        let (committed, state) = self.remember(&source, state, now).await?;
        Ok(Polled { outcome, committed, state })
    }

    /// A 429 is about whoever asks, so all sources of the host wait for a while even where it does not say for how
    /// long. (Where it does, who asked has seen to it.)
    fn spare_the_host(&self, answer: &Answer) {
        if let (429, None) = (answer.status, answer.freshness.retry_after) {
            self.gate.hold_for(&answer.url, self.limits.min_interval);
        }
    }

    /// Something in us broke. The source backs off like any that fails, so that the defect does not
    /// become a hammer.
    async fn defect(&self, source: &Arc<Source>) -> Result<Polled, StoreError> {
        let now = self.clock.now();
        let id = source.id.clone();
        let mut state = Box::new(self.store.read(move |store| store.state(&id)).await?);
        state.last_poll = Some(now);
        let error = FetchError::Broken { words: DEFECT.to_owned(), requests: 0 };
        let outcome = aftermath::failed(&mut state, &error);
        self.plan_next(source, &mut state, now);
        let (committed, state) = self.remember(source, state, now).await?;
        Ok(Polled { outcome, committed, state })
    }

    async fn remember(
        &self,
        source: &Arc<Source>,
        state: Box<SourceState>,
        now: DateTime<Utc>,
    ) -> Result<(Committed, Box<SourceState>), StoreError> {
        let state = Arc::new(state);
        let (id, lent, mut notes) = (source.id.clone(), state.clone(), Notes::of(&self.gate));
        let committed = self.store.remember(move |store| {
            notes.write(|ledger| {
                let commit = Commit { source: &id, state: &lent, reading: None, ledger, now };
                store.commit(&commit)
            })
        });
        Ok((committed.await?, Arc::unwrap_or_clone(state)))
    }

    /// When the next poll would be, and why, if the hub were not relied on. `None`: it is not, or it told us to come.
    fn without_hub(
        &self,
        source: &Source,
        state: &SourceState,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, String)> {
        let push = state.push.as_ref().filter(|push| push.pushed.is_some() && push.announced.is_none())?;
        let alone = Push { pushed: None, ..push.clone() };
        let alone = SourceState { push: Some(alone), ..state.clone() };
        Some(schedule::next(source, &alone, &self.limits, now, roll()))
    }

    /// [`rules_in_force`], which mostly is known already.
    fn rules_of(&self, source: &Source) -> Digest {
        let Source { dedup, full_text, kind, timezone, language, .. } = source;
        if !source.keep.is_empty() || !source.drop.is_empty() || source.page != without_selectors() {
            return rules_in_force(source, &self.rules);
        }
        let usual = (*dedup, *full_text, *kind, *timezone, language.clone());
        // Digests, never half changed.
        let mut known = self.usual.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(usual).or_insert_with(|| rules_in_force(source, &self.rules))
    }
}

/// The ledger on its way into the store, along with a poll; what is not written stands to be written with the next.
struct Notes {
    gate: Arc<Gate>,
    /// Taken when it was written first: it may have to be written again.
    taken: Option<Vec<HostDay>>,
}

impl Notes {
    fn of(gate: &Arc<Gate>) -> Self {
        Self { gate: gate.clone(), taken: None }
    }

    fn write<T>(
        &mut self,
        commit: impl FnOnce(&[HostDay]) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let committed = commit(self.taken.get_or_insert_with(|| self.gate.take_notes()));
        if committed.is_err() {
            self.gate.give_back(self.taken.take().unwrap_or_default());
        }
        committed
    }
}

/// A host that an earlier 429 still holds was not asked at all: what is left of its wait.
fn held_by_a_neighbour(fetched: &Result<Fetched, FetchError>) -> Option<(TimeDelta, Option<Url>)> {
    match fetched {
        Ok(Fetched::Throttled(answer)) if answer.requests == 0 => {
            let left = answer.freshness.retry_after.and_then(|left| TimeDelta::from_std(left).ok())?;
            Some((left, answer.held_by.clone()))
        }
        _ => None,
    }
}

/// What is left of an answer that was given away.
fn nothing() -> Result<Fetched, FetchError> {
    Err(FetchError::Broken { words: String::new(), requests: 0 })
}

/// How many requests were made.
fn requests(fetched: &mut Result<Fetched, FetchError>) -> &mut u32 {
    match fetched {
        Ok(
            Fetched::Body(answer, _)
            | Fetched::NotModified(answer)
            | Fetched::Throttled(answer)
            | Fetched::Gone(answer),
        ) => &mut answer.requests,
        Err(FetchError::Status { requests, .. } | FetchError::Broken { requests, .. }) => requests,
    }
}

/// The limits of `[fetch]` that say when.
pub fn limits(options: &fetch::Options) -> Limits {
    Limits {
        min_interval: options.min_interval.0,
        backoff_base: options.backoff_base.0,
        backoff_max: options.backoff_max.0,
        max_hold: options.max_hold.0,
    }
}

/// A number from 0.0 up to 1.0 that nobody can foresee, for jitter. Each hasher is keyed otherwise, and the system is asked
/// for random keys once a thread.
fn roll() -> f64 {
    let bits = RandomState::new().hash_one(()) >> 32;
    f64::from(u32::try_from(bits).unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
}

/// Hash of everything in the config that bears on how a source's document is read and decided:
/// when it changes, the same bytes are read anew.
fn rules_in_force(source: &Source, rules: &Rules) -> Digest {
    rules_under(source, rules, normalize::READING)
}

/// How [`rules_under`] says that a page is read without selectors: nearly all are.
static ALL_IS_WORKED_OUT: LazyLock<String> = LazyLock::new(|| format!("{:?}", without_selectors()));

/// As a source has them whose config says nothing of it.
fn without_selectors() -> PageSelectors {
    PageSelectors { pages: 1, ..PageSelectors::default() }
}

/// The same under some version of our reading.
fn rules_under(source: &Source, rules: &Rules, reading: u32) -> Digest {
    let patterns =
        |patterns: &[regex::Regex]| patterns.iter().map(regex::Regex::as_str).collect::<Vec<_>>().join("\n");
    let filter = |filter: &crate::model::Filter| {
        if filter.is_empty() {
            return Cow::Borrowed("\0\0");
        }
        Cow::Owned(
            [patterns(&filter.title), patterns(&filter.category), filter.language.join("\n")].join("\0"),
        )
    };
    let page = if source.page == without_selectors() {
        Cow::Borrowed(ALL_IS_WORKED_OUT.as_str())
    } else {
        Cow::Owned(format!("{:?}", source.page))
    };
    let mut rest = String::with_capacity(512);
    // Writing to a String cannot fail.
    let _ = write!(
        rest,
        "{:?} {} {} {} {:?} {} {:?} {page}",
        source.dedup,
        source.full_text,
        rules.strict,
        rules.window,
        source.kind,
        source.timezone,
        source.language,
    );
    let (keep, drop) = (filter(&source.keep), filter(&source.drop));
    let (reading, suffixes) = (format!("reading {reading}"), patterns(&rules.suffixes));
    let parts = [&reading, &*keep, &*drop, &suffixes, &rest];
    Digest::of("rules", &parts.map(str::as_bytes))
}
