//! What an answer changes in a source's state. Pure.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use crate::dedup::{self, Decision, Intake};
use crate::fetch::{Answer, FetchError, host_and_port};
use crate::link;
use crate::model::{Digest, Entry, Outcome, Redirect, Source, SourceState, Standing, Validators};
use crate::normalize;

/// A learnt address that fails so often is in doubt.
const LEARNT_FAILURES: u32 = 3;
/// A configured one that is gone (410) is believed at once; where another was learnt, when that has failed so often: until
/// then it is asked every other time, three times in all.
const GONE_FAILURES: u32 = 7;

/// Hash of the parts of the config that validators depend on.
pub(super) fn request_hash(source: &Source) -> Digest {
    let names: Vec<String> = source.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    let mut parts = vec![source.url.as_str().as_bytes()];
    for (name, (_, value)) in names.iter().zip(&source.headers) {
        parts.extend([name.as_bytes(), value.expose().as_bytes()]);
    }
    if let Some(auth) = &source.auth {
        parts.extend([auth.user.as_bytes(), auth.password.expose().as_bytes()]);
    }
    Digest::of("request", &parts)
}

/// What was learnt of another address, or under other credentials, says nothing of this one.
pub(super) fn forget_if_other(state: &mut SourceState, source: &Source) {
    let hash = Some(request_hash(source));
    if state.request_hash == hash {
        return;
    }
    if state.request_hash.is_some() {
        state.validators = None;
        state.body_hash = None;
        state.read_under = None;
        state.unread = false;
        state.redirect = None;
        state.moved_to = None;
        if !is_held(state, source) {
            (state.held_until, state.held_by) = (None, None);
        }
        state.consecutive_failures = 0;
        if state.standing == Standing::Gone {
            state.standing = Standing::New;
        }
    }
    state.request_hash = hash;
}

/// True when what is remembered was learnt of the address, headers and credentials that are configured.
pub(super) fn is_same_request(state: &SourceState, source: &Source) -> bool {
    state.request_hash.is_none_or(|hash| hash == request_hash(source))
}

/// True when a wait that was asked for still counts: a 429 is about the host, a 503 about one address; other
/// credentials are no way around.
pub(super) fn is_held(state: &SourceState, source: &Source) -> bool {
    let about = |by: &Url| match state.http_status {
        Some(429) => host_and_port(by) == host_and_port(&source.url),
        _ => *by == source.url,
    };
    is_same_request(state, source) || state.held_by.as_ref().is_some_and(about)
}

/// Where to ask: the learnt address; while that fails, every other time the configured one.
pub(super) fn address(state: &SourceState, source: &Source) -> Url {
    let doubtful = state.consecutive_failures >= LEARNT_FAILURES && state.consecutive_failures % 2 == 1;
    state.moved_to.clone().filter(|_| !doubtful).unwrap_or_else(|| source.url.clone())
}

/// What is left of a hold. Never more than the whole of it, counted from the poll that brought it, so that
/// a wall clock set back makes no week of an hour.
pub(crate) fn hold_left(state: &SourceState, now: DateTime<Utc>) -> Option<TimeDelta> {
    let (until, since) = (state.held_until?, state.last_poll?);
    let left = (until - now).min(until - since);
    (left > TimeDelta::zero()).then_some(left)
}

/// Counts an answer, whatever it was. `requests` is 0 where a twin of this source made them.
fn count(state: &mut SourceState, answer: &Answer) {
    state.requests += u64::from(answer.requests);
    state.http_status = Some(answer.status);
    state.certificate_ends = answer.certificate_ends;
    if answer.status == 304 && answer.requests > 0 {
        state.not_modified += 1;
        state.bytes_saved += state.body_bytes;
    }
}

/// The source is well: the same for a document and a 304.
fn well(state: &mut SourceState, answer: &Answer, now: DateTime<Utc>, confirmations: u32) {
    count(state, answer);
    state.standing = Standing::Ok;
    state.last_success = Some(now);
    state.first_success = state.first_success.or(Some(now));
    state.last_error = None;
    state.consecutive_failures = 0;
    (state.held_until, state.held_by) = (None, None);
    if answer.status != 304 || answer.freshness.stated {
        state.hints.fresh_for = answer.freshness.fresh_for;
    }
    confirm(state, answer, confirmations);
}

/// A 301 or 308 is believed once it was seen on several polls in a row that ended well. A learnt address
/// is forgotten when the configured one is well and does not lead there.
fn confirm(state: &mut SourceState, answer: &Answer, confirmations: u32) {
    if state.moved_to.as_ref().is_some_and(|learnt| *learnt == answer.asked) && answer.permanent.is_none()
        || state.moved_to.is_some() && state.moved_to == answer.permanent
    {
        state.redirect = None;
        return;
    }
    if state.moved_to.as_ref().is_some_and(|learnt| *learnt != answer.asked) {
        state.moved_to = None;
    }
    let Some(target) = &answer.permanent else {
        state.redirect = None;
        return;
    };
    let seen = match &state.redirect {
        Some(redirect) if redirect.target == *target => redirect.seen + 1,
        _ => 1,
    };
    if seen >= confirmations.max(1) {
        state.moved_to = Some(target.clone());
        state.redirect = None;
    } else {
        state.redirect = Some(Redirect { target: target.clone(), seen });
    }
}

/// A 304 updates what it carries and keeps the rest (RFC 9111, 4.3.4).
pub(super) fn renew(validators: &mut Validators, carried: &Validators) {
    let Validators { etag, last_modified, .. } = carried;
    if etag.is_some() {
        validators.etag.clone_from(etag);
    }
    if last_modified.is_some() {
        validators.last_modified.clone_from(last_modified);
    }
}

/// 304. Where the document it stands for could not be read, it still cannot.
pub(super) fn not_modified(
    state: &mut SourceState,
    answer: &Answer,
    now: DateTime<Utc>,
    confirmations: u32,
) -> Outcome {
    if let Some(validators) = &mut state.validators {
        renew(validators, &answer.validators);
    }
    if state.unread {
        let words = state.last_error.clone().unwrap_or_else(|| "its document cannot be read".to_owned());
        let standing = state.standing;
        // The tag may not be of the bytes, and the document mended under it: next time all of it is asked for.
        state.validators = None;
        count(state, answer);
        fail(state, &words);
        if standing == Standing::Drifted {
            state.standing = standing;
        }
        return Outcome::Failed(words);
    }
    well(state, answer, now, confirmations);
    Outcome::NotModified
}

/// A whole document: its validators replace the pair.
fn replace(state: &mut SourceState, answer: &Answer, rules: Digest) {
    let given = answer.validators.etag.is_some() || answer.validators.last_modified.is_some();
    state.validators = given.then(|| answer.validators.clone());
    state.read_under = Some(rules);
    // The version of our reading is part of them.
    state.reading = normalize::READING;
}

/// A whole document that was read under these rules.
pub(super) fn whole(
    state: &mut SourceState,
    answer: &Answer,
    rules: Digest,
    now: DateTime<Utc>,
    confirmations: u32,
) {
    well(state, answer, now, confirmations);
    replace(state, answer, rules);
    state.unread = false;
}

/// A whole document that could not be read under these rules: while it stays the same there is no need to
/// send it again; under other rules there is. What bears the validators of one that was read is a bad copy of that one,
/// and a 304 stands for that one still.
pub(super) fn unreadable(
    state: &mut SourceState,
    answer: &Answer,
    rules: Digest,
    words: String,
    drifted: bool,
) -> Outcome {
    count(state, answer);
    let was_read = !state.unread && state.read_under == Some(rules);
    if !was_read || state.validators.as_ref() != Some(&answer.validators) {
        replace(state, answer, rules);
        state.unread = true;
        state.body_hash = None;
    }
    fail(state, &words);
    if drifted {
        state.standing = Standing::Drifted;
    }
    Outcome::Failed(words)
}

/// An empty document is none: what was known of the last one stays, and is asked for as before.
pub(super) fn empty(state: &mut SourceState, answer: &Answer, words: String) -> Outcome {
    count(state, answer);
    fail(state, &words);
    Outcome::Failed(words)
}

/// 429 and 503.
pub(super) fn throttled(
    state: &mut SourceState,
    answer: &Answer,
    now: DateTime<Utc>,
    max_hold: Duration,
) -> Outcome {
    count(state, answer);
    let asked = answer.freshness.retry_after.filter(|wait| !wait.is_zero()).map(|wait| wait.min(max_hold));
    let until = asked.and_then(|wait| now.checked_add_signed(TimeDelta::from_std(wait).ok()?));
    let words = match until {
        Some(until) => {
            format!(
                "{} answered {}: wait until {}",
                answer.url.host_str().unwrap_or_default(),
                answer.status,
                until.format("%Y-%m-%d %H:%M:%S UTC")
            )
        }
        None => format!(
            "{} answered {} without saying how long to wait",
            answer.url.host_str().unwrap_or_default(),
            answer.status
        ),
    };
    fail(state, &words);
    state.held_until = until;
    if until.is_some() {
        state.held_by = Some(answer.url.clone());
        state.standing = Standing::Held;
    }
    Outcome::Held(words)
}

/// Gone (410). A learnt address that is gone is forgotten first: the configured one may lead elsewhere by now. It may have
/// been learnt by another source that asks for the same.
pub(super) fn gone(state: &mut SourceState, answer: &Answer, source: &Source) -> Outcome {
    count(state, answer);
    let mut own = source.url.clone();
    own.set_fragment(None);
    let words = if answer.asked == own {
        let learnt = state.moved_to.as_ref().filter(|_| state.consecutive_failures < GONE_FAILURES);
        learnt.map(|learnt| {
            let learnt = link::mask(learnt.as_str());
            format!("its own address is gone (410); the one it moved to, {learnt}, is asked again")
        })
    } else {
        state.moved_to.take_if(|learnt| *learnt == answer.asked);
        let learnt = link::mask(answer.asked.as_str());
        Some(format!("the address it moved to, {learnt}, is gone (410); its own is asked next"))
    };
    if let Some(words) = words {
        fail(state, &words);
        return Outcome::Failed(words);
    }
    fail(
        state,
        "the server says it is gone for good (410); it is not asked again by itself. Remove it, or give it another url",
    );
    state.standing = Standing::Gone;
    Outcome::Gone
}

/// No answer that helps.
pub(super) fn failed(state: &mut SourceState, error: &FetchError) -> Outcome {
    let words = error.to_string();
    match error {
        FetchError::Status { status, requests, .. } => {
            state.http_status = Some(*status);
            state.requests += u64::from(*requests);
        }
        FetchError::Broken { requests, .. } => {
            state.http_status = None;
            state.requests += u64::from(*requests);
        }
    }
    fail(state, &words);
    Outcome::Failed(words)
}

fn fail(state: &mut SourceState, words: &str) {
    state.standing = Standing::Failing;
    state.last_error = Some(words.to_owned());
    state.consecutive_failures = state.consecutive_failures.saturating_add(1);
    (state.held_until, state.held_by) = (None, None);
    state.redirect = None;
}

/// True when a document brought something that was not known, whatever becomes of it.
pub(super) fn has_news(intake: &Intake) -> bool {
    let is_news = |decision: &Decision| {
        matches!(decision, Decision::New(_) | Decision::Meets(..) | Decision::Filtered(_))
    };
    intake.decisions.iter().any(is_news)
}

/// News that nobody dated, or the future: the source's rhythm is learned from when they came in sight.
pub(super) fn undated(state: &mut SourceState, intake: &Intake, entries: &[Entry], now: DateTime<Utc>) {
    let dated = entries.iter().filter_map(dedup::stated).any(|at| at <= now);
    if !dated && !intake.backlog && has_news(intake) {
        state.published(std::iter::once(now), None, now);
    }
}
