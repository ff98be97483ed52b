//! When a source is due by what is stored, and whether the config it was stored under is still in force.
//! Never polls; how long to wait is schedule.rs.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Poller, aftermath, roll};
use crate::model::{Digest, Schedule, Source, SourceState, Standing};
use crate::schedule;

impl Poller {
    /// The last step of every poll, before it is remembered.
    pub(super) fn plan_next(&self, source: &Source, state: &mut SourceState, now: DateTime<Utc>) {
        state.tally(now);
        let (next, reason) = schedule::next(source, state, &self.limits, now, roll());
        state.next_poll = Some(next);
        state.next_poll_reason = reason;
        state.planned_under = Some(self.timing(source));
        state.failed_under = (state.consecutive_failures > 0).then(|| self.attempt(source, state));
    }

    /// Everything in the config that may be why a source fails: where and how it is asked, and, as long as it is
    /// there at all, how long, how much, by which ways, and how it is read.
    fn attempt(&self, source: &Source, state: &SourceState) -> Digest {
        let request = aftermath::request_hash(source);
        let proxy = source.proxy.as_ref().map_or("", url::Url::as_str);
        let mut parts: Vec<&[u8]> = vec![&request.0, proxy.as_bytes()];
        let limits;
        if state.standing != Standing::Gone {
            let Source { timeout, max_body, kind, page, .. } = source;
            limits = format!("{timeout:?} {max_body} {kind:?} {page:?}");
            parts.extend([limits.as_bytes(), &self.ways.0]);
        }
        Digest::of("attempt", &parts)
    }

    /// True when a source fails, and what it fails under was changed in the config since: whoever did that wants to
    /// see whether it helped.
    fn is_mended(&self, source: &Source, state: &SourceState) -> bool {
        state.failed_under.is_some_and(|under| under != self.attempt(source, state))
    }

    /// Failures under other options are none of these: a mended source begins anew.
    pub(super) fn forget_if_mended(&self, source: &Source, state: &mut SourceState) {
        if self.is_mended(source, state) {
            state.consecutive_failures = 0;
            if state.standing == Standing::Gone {
                state.standing = Standing::New;
            }
            state.failed_under = None;
        }
    }

    /// The part of the config that says when: a stored due time counts only under the same.
    pub(super) fn timing(&self, source: &Source) -> Digest {
        let (kind, spans, text) = match &source.schedule {
            Schedule::Adaptive { min, max } => ("adaptive", [*min, *max], ""),
            Schedule::Every(gap) => ("every", [*gap; 2], ""),
            Schedule::Cron(text) => ("cron", [Duration::ZERO; 2], text.as_str()),
        };
        let [first, second] = spans.map(|span| span.as_nanos().to_le_bytes());
        let (jitter, enabled) = (source.jitter.to_bits().to_le_bytes(), [u8::from(source.enabled)]);
        let [kind, text, timezone] = [kind, text, source.timezone.name()].map(str::as_bytes);
        let limits = &self.limits_hash.0;
        Digest::of("timing", &[kind, &first, &second, text, timezone, &enabled, &jitter, limits])
    }

    /// When a source is due: as stored. Under another schedule than the stored time was made for, when the new
    /// schedule would have had it. `None`: not by itself.
    ///
    /// What was learnt, or failed, under other options says nothing of these: it is due as soon as the server lets
    /// us. Never sooner than the floor between two polls, whatever was changed in the config; and a stored wait
    /// is never longer than it was when it was made, whatever the wall clock did meanwhile.
    pub fn due(&self, source: &Source, state: &SourceState, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let last = state.last_poll.filter(|_| source.enabled && state.next_poll.is_some());
        let Some(last) = last else { return self.planned(source, state, now) };
        if !aftermath::is_same_request(state, source) || self.is_mended(source, state) {
            let hold = state.held_until.filter(|_| aftermath::is_held(state, source));
            self.wait(last, hold.map_or(last, |until| until.max(last)), now)
        } else if state.planned_under == Some(self.timing(source)) {
            self.planned(source, state, now)
        } else {
            self.wait(last, schedule::next(source, state, &self.limits, last, roll()).0, now)
        }
    }

    /// The same where this poller has just planned it, for this very source.
    pub(crate) fn planned(
        &self,
        source: &Source,
        state: &SourceState,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if !source.enabled {
            return None;
        }
        let (Some(last), Some(stored)) = (state.last_poll, state.next_poll) else {
            // One that was never polled may have been told to wait, by a neighbour's 429: no longer than anybody may.
            let longest = now.checked_add_signed(TimeDelta::from_std(self.limits.max_hold).ok()?)?;
            return Some(state.next_poll.map_or(now, |next| next.min(longest)));
        };
        self.wait(last, stored, now)
    }

    /// Due then, and not sooner than the floor allows.
    fn wait(&self, last: DateTime<Utc>, due: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let floor = last.checked_add_signed(TimeDelta::from_std(self.limits.min_interval).ok()?)?;
        now.min(last).checked_add_signed(due.max(floor) - last)
    }
}
