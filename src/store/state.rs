//! A source's state as a row: numbered fields in bytes, since it is read and written at every poll. Numbers last. What
//! is missing is the default, and what is not known is passed over, so that a newer version can add fields without a
//! migration.

mod fields;
mod older;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use self::fields::{Value, Writer, each, folded, packed, unfolded, unpacked};
use crate::model::{Feed, Format, Hints, Hub, Podcast, PollDay, Redirect, SourceState, Standing, Validators};

mod field {
    pub(super) const STANDING: u8 = 1;
    pub(super) const FIRST_SUCCESS: u8 = 2;
    pub(super) const LAST_POLL: u8 = 3;
    pub(super) const LAST_SUCCESS: u8 = 4;
    pub(super) const NEXT_POLL: u8 = 5;
    pub(super) const NEXT_POLL_REASON: u8 = 6;
    pub(super) const PLANNED_UNDER: u8 = 7;
    pub(super) const HTTP_STATUS: u8 = 8;
    pub(super) const LAST_ERROR: u8 = 9;
    /// One for each.
    pub(super) const WARNING: u8 = 10;
    pub(super) const CONSECUTIVE_FAILURES: u8 = 11;
    pub(super) const REQUESTS: u8 = 12;
    pub(super) const NOT_MODIFIED: u8 = 13;
    pub(super) const BYTES_SAVED: u8 = 14;
    /// Fields of its own; so have the redirect, the feed and the hub.
    pub(super) const VALIDATORS: u8 = 15;
    pub(super) const BODY_HASH: u8 = 16;
    pub(super) const READ_UNDER: u8 = 17;
    pub(super) const READING: u8 = 18;
    pub(super) const UNREAD: u8 = 19;
    pub(super) const BODY_BYTES: u8 = 20;
    pub(super) const REDIRECT: u8 = 21;
    pub(super) const MOVED_TO: u8 = 23;
    pub(super) const HELD_UNTIL: u8 = 24;
    pub(super) const FRESH_FOR: u8 = 25;
    pub(super) const TTL: u8 = 26;
    pub(super) const SKIP_HOURS: u8 = 27;
    pub(super) const SKIP_DAYS: u8 = 28;
    pub(super) const UPDATE_GAP: u8 = 29;
    /// The first in full, then by how much each is later than the one before.
    pub(super) const RHYTHM: u8 = 30;
    pub(super) const LATE: u8 = 31;
    pub(super) const FEED: u8 = 32;
    pub(super) const REQUEST_HASH: u8 = 33;
    pub(super) const MOST_ITEMS: u8 = 34;
    pub(super) const LEARNED_ITEM: u8 = 35;
    pub(super) const GUID_DOUBTS: u8 = 36;
    pub(super) const LINK_DOUBTS: u8 = 37;
    pub(super) const CERTIFICATE_ENDS: u8 = 38;
    /// Day, read, unchanged, failed; of each.
    pub(super) const DAYS: u8 = 39;
    pub(super) const HUB: u8 = 40;
    pub(super) const FAILED_UNDER: u8 = 41;
    pub(super) const HELD_BY: u8 = 42;
    pub(super) const FIRST_ID: u8 = 43;
}

mod of_validators {
    pub(super) const URL: u8 = 1;
    pub(super) const ETAG: u8 = 2;
    pub(super) const LAST_MODIFIED: u8 = 3;
}

mod of_redirect {
    pub(super) const TARGET: u8 = 1;
    pub(super) const SEEN: u8 = 2;
}

mod of_hub {
    pub(super) const URL: u8 = 1;
    pub(super) const TOPIC: u8 = 2;
}

mod of_feed {
    pub(super) const FORMAT: u8 = 1;
    pub(super) const TITLE: u8 = 2;
    pub(super) const LINK: u8 = 3;
    pub(super) const DESCRIPTION: u8 = 4;
    pub(super) const LANGUAGE: u8 = 5;
    pub(super) const IMAGE: u8 = 6;
    /// One for each.
    pub(super) const HUB: u8 = 7;
    pub(super) const SELF_LINK: u8 = 8;
    /// JSON.
    pub(super) const PODCAST: u8 = 9;
}

/// By their numbers.
const STANDINGS: [Standing; 7] = [
    Standing::New,
    Standing::Ok,
    Standing::Failing,
    Standing::Held,
    Standing::Gone,
    Standing::Drifted,
    Standing::Disabled,
];

/// By their numbers.
const FORMATS: [Format; 9] = [
    Format::Rss2,
    Format::Rss1,
    Format::Rss0,
    Format::Atom,
    Format::Atom03,
    Format::Cdf,
    Format::Json,
    Format::Page,
    Format::Text,
];

/// What a source says of itself as a podcast.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PodcastRow {
    categories: Vec<(String, Option<String>)>,
    explicit: Option<bool>,
    owner: Option<String>,
    email: Option<String>,
    kind: Option<String>,
    image: Option<String>,
}

impl From<&Podcast> for PodcastRow {
    fn from(podcast: &Podcast) -> Self {
        let Podcast { categories, explicit, owner, email, kind, image } = podcast.clone();
        Self { categories, explicit, owner, email, kind, image }
    }
}

impl From<PodcastRow> for Podcast {
    fn from(row: PodcastRow) -> Self {
        let PodcastRow { categories, explicit, owner, email, kind, image } = row;
        Self { categories, explicit, owner, email, kind, image }
    }
}

pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

/// The number of one of these.
fn number<T: PartialEq>(all: &[T], one: &T) -> u64 {
    all.iter().position(|other| other == one).unwrap_or_default() as u64
}

/// What stands in a row for what is known of a source.
pub(super) fn write(state: &SourceState) -> Vec<u8> {
    let seconds = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp());
    // Rounded up, so that a restart makes no wait shorter.
    let not_before = |time: Option<DateTime<Utc>>| {
        time.map(|time| time.timestamp() + i64::from(time.timestamp_subsec_nanos() > 0))
    };
    let span = |span: Option<Duration>| span.map(|span| span.as_secs());
    let mut to = Writer::with_capacity(1024);
    to.number(field::STANDING, number(&STANDINGS, &state.standing));
    to.signed(field::FIRST_SUCCESS, seconds(state.first_success));
    to.signed(field::LAST_POLL, not_before(state.last_poll));
    to.signed(field::LAST_SUCCESS, not_before(state.last_success));
    to.signed(field::NEXT_POLL, not_before(state.next_poll));
    to.filled(field::NEXT_POLL_REASON, state.next_poll_reason.as_bytes());
    to.digest(field::PLANNED_UNDER, state.planned_under);
    to.some(field::HTTP_STATUS, state.http_status.map(u64::from));
    to.text(field::LAST_ERROR, state.last_error.as_deref());
    for warning in &state.warnings {
        to.text(field::WARNING, Some(warning));
    }
    to.number(field::CONSECUTIVE_FAILURES, state.consecutive_failures);
    to.number(field::REQUESTS, state.requests);
    to.number(field::NOT_MODIFIED, state.not_modified);
    to.number(field::BYTES_SAVED, state.bytes_saved);
    to.fields(field::VALIDATORS, state.validators.as_ref(), |to, validators| {
        to.filled(of_validators::URL, validators.url.as_bytes());
        to.bytes(of_validators::ETAG, validators.etag.as_deref());
        to.bytes(of_validators::LAST_MODIFIED, validators.last_modified.as_deref());
    });
    to.digest(field::BODY_HASH, state.body_hash);
    to.digest(field::READ_UNDER, state.read_under);
    to.number(field::READING, state.reading);
    to.number(field::UNREAD, state.unread);
    to.number(field::BODY_BYTES, state.body_bytes);
    to.fields(field::REDIRECT, state.redirect.as_ref(), |to, Redirect { target, seen }| {
        to.text(of_redirect::TARGET, Some(target.as_str()));
        to.number(of_redirect::SEEN, *seen);
    });
    to.text(field::MOVED_TO, state.moved_to.as_ref().map(Url::as_str));
    to.signed(field::HELD_UNTIL, not_before(state.held_until));
    let Hints { fresh_for, ttl, skip_hours, skip_days, update_gap } = &state.hints;
    to.some(field::FRESH_FOR, span(*fresh_for));
    to.some(field::TTL, span(*ttl));
    to.filled(field::SKIP_HOURS, skip_hours);
    to.filled(field::SKIP_DAYS, skip_days);
    to.some(field::UPDATE_GAP, span(*update_gap));
    let mut before = 0;
    let steps = state.rhythm.iter().map(|time| {
        let (time, before) = (time.timestamp(), std::mem::replace(&mut before, time.timestamp()));
        folded(time.wrapping_sub(before))
    });
    to.filled(field::RHYTHM, &packed(steps));
    to.number(field::LATE, state.late.as_secs());
    to.fields(field::FEED, state.feed.as_ref(), write_feed);
    to.digest(field::REQUEST_HASH, state.request_hash);
    to.number(field::MOST_ITEMS, state.most_items);
    to.text(field::LEARNED_ITEM, state.learned_item.as_deref());
    to.number(field::GUID_DOUBTS, state.trust.guid_doubts);
    to.number(field::LINK_DOUBTS, state.trust.link_doubts);
    to.signed(field::CERTIFICATE_ENDS, seconds(state.certificate_ends));
    let days = state.days.iter().flat_map(|PollDay { day, read, unchanged, failed }| {
        [folded(*day), u64::from(*read), u64::from(*unchanged), u64::from(*failed)]
    });
    to.filled(field::DAYS, &packed(days));
    to.fields(field::HUB, state.hub.as_ref(), |to, Hub { url, topic }| {
        to.filled(of_hub::URL, url.as_bytes());
        to.filled(of_hub::TOPIC, topic.as_bytes());
    });
    to.digest(field::FAILED_UNDER, state.failed_under);
    to.text(field::HELD_BY, state.held_by.as_ref().map(Url::as_str));
    to.text(field::FIRST_ID, state.first_id.as_deref());
    to.0
}

fn write_feed(to: &mut Writer, feed: &Feed) {
    to.number(of_feed::FORMAT, number(&FORMATS, &feed.format));
    to.filled(of_feed::TITLE, feed.title.as_bytes());
    to.text(of_feed::LINK, feed.link.as_deref());
    to.filled(of_feed::DESCRIPTION, feed.description.as_bytes());
    to.text(of_feed::LANGUAGE, feed.language.as_deref());
    to.text(of_feed::IMAGE, feed.image.as_deref());
    for hub in &feed.hubs {
        to.text(of_feed::HUB, Some(hub));
    }
    to.text(of_feed::SELF_LINK, feed.self_link.as_deref());
    // Texts and lists always have a JSON form.
    let podcast = |podcast: &Podcast| serde_json::to_string(&PodcastRow::from(podcast)).ok();
    to.text(of_feed::PODCAST, feed.podcast.as_ref().and_then(podcast).as_deref());
}

/// The state that stands in a row. One that cannot be read is forgotten, not fatal: the next poll makes it anew.
pub(super) fn read(row: &[u8]) -> SourceState {
    let mut state = SourceState::default();
    let read = each(row, |field, value| take(&mut state, field, value));
    if read.is_some() { state } else { SourceState::default() }
}

/// What stands in a row for a state as it was up to migration 4.
pub(super) fn from_json(json: &str) -> Vec<u8> {
    write(&older::read(json))
}

/// `None`: that is no such field.
fn take(state: &mut SourceState, field: u8, value: Value<'_>) -> Option<()> {
    match field {
        field::STANDING => state.standing = *STANDINGS.get(value.number::<usize>()?)?,
        field::FIRST_SUCCESS => state.first_success = Some(at(value.signed()?)),
        field::LAST_POLL => state.last_poll = Some(at(value.signed()?)),
        field::LAST_SUCCESS => state.last_success = Some(at(value.signed()?)),
        field::NEXT_POLL => state.next_poll = Some(at(value.signed()?)),
        field::NEXT_POLL_REASON => state.next_poll_reason = value.text()?,
        field::PLANNED_UNDER => state.planned_under = Some(value.digest()?),
        field::HTTP_STATUS => state.http_status = Some(value.number()?),
        field::LAST_ERROR => state.last_error = Some(value.text()?),
        field::WARNING => state.warnings.push(value.text()?),
        field::CONSECUTIVE_FAILURES => state.consecutive_failures = value.number()?,
        field::REQUESTS => state.requests = value.number()?,
        field::NOT_MODIFIED => state.not_modified = value.number()?,
        field::BYTES_SAVED => state.bytes_saved = value.number()?,
        field::VALIDATORS => state.validators = Some(validators(value.bytes()?)?),
        field::BODY_HASH => state.body_hash = Some(value.digest()?),
        field::READ_UNDER => state.read_under = Some(value.digest()?),
        field::READING => state.reading = value.number()?,
        field::UNREAD => state.unread = value.number::<u64>()? > 0,
        field::BODY_BYTES => state.body_bytes = value.number()?,
        field::REDIRECT => state.redirect = redirect(value.bytes()?),
        field::MOVED_TO => state.moved_to = value.text()?.parse().ok(),
        field::HELD_UNTIL => state.held_until = Some(at(value.signed()?)),
        field::FRESH_FOR => state.hints.fresh_for = Some(span(value)?),
        field::TTL => state.hints.ttl = Some(span(value)?),
        field::SKIP_HOURS => state.hints.skip_hours = value.bytes()?.to_vec(),
        field::SKIP_DAYS => state.hints.skip_days = value.bytes()?.to_vec(),
        field::UPDATE_GAP => state.hints.update_gap = Some(span(value)?),
        field::RHYTHM => state.rhythm = rhythm(value.bytes()?)?,
        field::LATE => state.late = span(value)?,
        field::FEED => state.feed = Some(feed(value.bytes()?)?),
        field::REQUEST_HASH => state.request_hash = Some(value.digest()?),
        field::MOST_ITEMS => state.most_items = value.number()?,
        field::LEARNED_ITEM => state.learned_item = Some(value.text()?),
        field::GUID_DOUBTS => state.trust.guid_doubts = value.number()?,
        field::LINK_DOUBTS => state.trust.link_doubts = value.number()?,
        field::CERTIFICATE_ENDS => state.certificate_ends = Some(at(value.signed()?)),
        field::DAYS => state.days = days(value.bytes()?)?,
        field::HUB => state.hub = hub(value.bytes()?),
        field::FAILED_UNDER => state.failed_under = Some(value.digest()?),
        field::HELD_BY => state.held_by = value.text()?.parse().ok(),
        field::FIRST_ID => state.first_id = Some(value.text()?),
        _ => {}
    }
    Some(())
}

fn span(value: Value<'_>) -> Option<Duration> {
    value.number().map(Duration::from_secs)
}

fn validators(fields: &[u8]) -> Option<Validators> {
    let mut validators = Validators { url: String::new(), etag: None, last_modified: None };
    each(fields, |field, value| {
        match field {
            of_validators::URL => validators.url = value.text()?,
            of_validators::ETAG => validators.etag = Some(value.bytes()?.to_vec()),
            of_validators::LAST_MODIFIED => validators.last_modified = Some(value.bytes()?.to_vec()),
            _ => {}
        }
        Some(())
    })?;
    Some(validators)
}

/// An address that cannot be read is none.
fn redirect(fields: &[u8]) -> Option<Redirect> {
    let (mut target, mut seen) = (None, 0);
    each(fields, |field, value| {
        match field {
            of_redirect::TARGET => target = value.text()?.parse().ok(),
            of_redirect::SEEN => seen = value.number()?,
            _ => {}
        }
        Some(())
    })?;
    Some(Redirect { target: target?, seen })
}

fn hub(fields: &[u8]) -> Option<Hub> {
    let mut hub = Hub { url: String::new(), topic: String::new() };
    each(fields, |field, value| {
        match field {
            of_hub::URL => hub.url = value.text()?,
            of_hub::TOPIC => hub.topic = value.text()?,
            _ => {}
        }
        Some(())
    })?;
    Some(hub)
}

fn feed(fields: &[u8]) -> Option<Feed> {
    let (title, description, hubs) = (String::new(), String::new(), Vec::new());
    let (link, language, image, self_link, podcast) = (None, None, None, None, None);
    let format = FORMATS[0];
    let mut feed = Feed { format, title, link, description, language, image, hubs, self_link, podcast };
    each(fields, |field, value| {
        match field {
            of_feed::FORMAT => feed.format = *FORMATS.get(value.number::<usize>()?)?,
            of_feed::TITLE => feed.title = value.text()?,
            of_feed::LINK => feed.link = Some(value.text()?),
            of_feed::DESCRIPTION => feed.description = value.text()?,
            of_feed::LANGUAGE => feed.language = Some(value.text()?),
            of_feed::IMAGE => feed.image = Some(value.text()?),
            of_feed::HUB => feed.hubs.push(value.text()?),
            of_feed::SELF_LINK => feed.self_link = Some(value.text()?),
            of_feed::PODCAST => {
                feed.podcast = serde_json::from_slice::<PodcastRow>(value.bytes()?).ok().map(Podcast::from);
            }
            _ => {}
        }
        Some(())
    })?;
    Some(feed)
}

fn rhythm(packed: &[u8]) -> Option<Vec<DateTime<Utc>>> {
    let mut last = 0_i64;
    let later = |step: u64| {
        last = last.wrapping_add(unfolded(step));
        at(last)
    };
    Some(unpacked(packed)?.into_iter().map(later).collect())
}

fn days(packed: &[u8]) -> Option<Vec<PollDay>> {
    let numbers = unpacked(packed)?;
    let (days, []) = numbers.as_chunks::<4>() else { return None };
    let count = |number: u64| u32::try_from(number).ok();
    let day = |[day, read, unchanged, failed]: &[u64; 4]| {
        Some(PollDay {
            day: unfolded(*day),
            read: count(*read)?,
            unchanged: count(*unchanged)?,
            failed: count(*failed)?,
        })
    };
    days.iter().map(day).collect()
}
