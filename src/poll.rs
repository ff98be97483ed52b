//! One source, once: fetch → read → normalize → decide → commit.
//! The only file that knows this order. Never decides when: that is schedule.rs and daemon.rs.

mod aftermath;
mod read;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::dedup::Rules;
use crate::fetch::{self, Fetch, FetchError, Fetched, Gate, Request};
use crate::model::{Digest, Outcome, Source, SourceState, Standing};
use crate::schedule::{self, Limits};
use crate::store::{Commit, Committed, Handle, StoreError};

/// Documents being read at once: reading is work for a core, and holds a whole body in memory.
const READERS: usize = 4;

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
    /// A permanent redirect seen this often is believed.
    pub redirect_confirmations: u32,
    /// Compressed bodies up to this size are kept; 0: none.
    pub keep_bodies: u64,
    readers: Arc<Semaphore>,
}

/// How a poll ended.
#[derive(Clone, Debug)]
pub struct Polled {
    /// In short.
    pub outcome: Outcome,
    /// What the commit did.
    pub committed: Committed,
    /// The state as stored.
    pub state: SourceState,
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
            redirect_confirmations: options.redirect_confirmations,
            keep_bodies,
            readers: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// Polls a source once and remembers how it ended. A server's request to wait is obeyed
    /// also when the poll was asked for by hand.
    ///
    /// # Errors
    /// Only the store's: then nothing of this poll is remembered.
    pub async fn poll(&self, source: &Arc<Source>) -> Result<Polled, StoreError> {
        let id = source.id.clone();
        let mut state = self.store.read(move |store| store.state(&id)).await?;
        aftermath::forget_if_other(&mut state, source);
        let url = state.moved_to.clone().unwrap_or_else(|| source.url.clone());
        let now = self.clock.now();
        if let Some(until) = state.held_until.filter(|until| *until > now) {
            return self.still_held(source, state, until).await;
        }
        let request = Request { source, url: url.clone(), validators: state.validators.as_ref() };
        let fetched = self.fetch.fetch(request, now).await;
        self.finish(source, state, fetched).await
    }

    async fn still_held(
        &self,
        source: &Arc<Source>,
        mut state: SourceState,
        until: DateTime<Utc>,
    ) -> Result<Polled, StoreError> {
        let now = self.clock.now();
        state.held_until = Some(until);
        state.standing = Standing::Held;
        state.next_poll = Some(until);
        "server asked to wait (Retry-After)".clone_into(&mut state.next_poll_reason);
        let words = format!("server asked to wait until {}", until.format("%Y-%m-%d %H:%M:%S UTC"));
        let committed = self.remember(source, &state, now).await?;
        Ok(Polled { outcome: Outcome::Held(words), committed, state })
    }

    async fn finish(
        &self,
        source: &Arc<Source>,
        mut state: SourceState,
        fetched: Result<Fetched, FetchError>,
    ) -> Result<Polled, StoreError> {
        let now = self.clock.now();
        state.last_poll = Some(now);
        let outcome = match fetched {
            Ok(Fetched::Body(answer, body)) => return self.read(source, state, answer, body).await,
            Ok(Fetched::NotModified(answer)) => {
                aftermath::not_modified(&mut state, &answer, now, self.redirect_confirmations);
                Outcome::NotModified
            }
            // A neighbour was told to leave the whole host alone: nobody was asked.
            Ok(Fetched::Throttled(answer)) if answer.requests == 0 => {
                let wait = answer.freshness.retry_after.unwrap_or_default();
                let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
                return self.still_held(source, state, now.checked_add_signed(wait).unwrap_or(now)).await;
            }
            Ok(Fetched::Throttled(answer)) => {
                aftermath::throttled(&mut state, &answer, now, self.limits.max_hold)
            }
            Ok(Fetched::Gone(answer)) => aftermath::gone(&mut state, &answer),
            Err(error) => aftermath::failed(&mut state, &error),
        };
        self.plan_next(source, &mut state, now);
        let committed = self.remember(source, &state, now).await?;
        Ok(Polled { outcome, committed, state })
    }

    async fn remember(
        &self,
        source: &Arc<Source>,
        state: &SourceState,
        now: DateTime<Utc>,
    ) -> Result<Committed, StoreError> {
        let (id, state) = (source.id.clone(), state.clone());
        self.store
            .write(move |store| store.commit(&Commit { source: &id, state: &state, reading: None, now }))
            .await
    }

    fn plan_next(&self, source: &Source, state: &mut SourceState, now: DateTime<Utc>) {
        let (next, reason) = schedule::next(source, state, &self.limits, now, roll());
        state.next_poll = Some(next);
        state.next_poll_reason = reason;
        state.planned_under = timing(source);
    }
}

/// The part of a source's config that says when: a stored due time counts only under the same.
pub fn timing(source: &Source) -> String {
    format!("{:?} {}", source.schedule, source.timezone)
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

/// A random number from 0.0 up to 1.0, for jitter. Without randomness there is none, which harms nobody.
fn roll() -> f64 {
    let bits = getrandom::u32().unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

/// Hash of everything in the config that bears on how a source's document is read and decided:
/// when it changes, the same bytes are read anew.
fn rules_in_force(source: &Source, rules: &Rules) -> Digest {
    let patterns =
        |patterns: &[regex::Regex]| patterns.iter().map(regex::Regex::as_str).collect::<Vec<_>>().join("\n");
    let filter = |filter: &crate::model::Filter| {
        [patterns(&filter.title), patterns(&filter.category), filter.language.join("\n")].join("\0")
    };
    let parts = [
        env!("CARGO_PKG_VERSION").to_owned(),
        filter(&source.keep),
        filter(&source.drop),
        patterns(&rules.suffixes),
        format!(
            "{:?} {} {} {:?} {} {:?} {:?}",
            source.dedup,
            rules.strict,
            rules.window,
            source.kind,
            source.timezone,
            source.language,
            source.page
        ),
    ];
    Digest::of("rules", &parts.each_ref().map(String::as_bytes))
}
