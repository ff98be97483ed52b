//! A source's state as a row: JSON with short, lasting names. What is missing is the default,
//! so that a newer version can add fields without a migration.

mod compact;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::compact::{Hash, Octets, Times};
use crate::model::{
    Digest, Feed, Format, Hints, Hub, Podcast, PollDay, Redirect, SourceState, Standing, Trust, Validators,
};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StateRow {
    standing: String,
    first_success: Option<i64>,
    last_poll: Option<i64>,
    last_success: Option<i64>,
    next_poll: Option<i64>,
    next_poll_reason: String,
    planned_under: String,
    http_status: Option<u16>,
    last_error: Option<String>,
    warnings: Vec<String>,
    consecutive_failures: u32,
    requests: u64,
    not_modified: u64,
    bytes_saved: u64,
    validators: Option<ValidatorsRow>,
    body_hash: Option<Hash>,
    body_bytes: u64,
    read_under: Option<Hash>,
    reading: u32,
    unread: bool,
    redirect: Option<(String, u32)>,
    moved_to: Option<String>,
    held_until: Option<i64>,
    hints: HintsRow,
    rhythm: Times,
    #[serde(skip_serializing_if = "is_zero")]
    late: u64,
    feed: Option<FeedRow>,
    request_hash: Option<Hash>,
    guid_doubts: u32,
    link_doubts: u32,
    most_items: u32,
    learned_item: Option<String>,
    certificate_ends: Option<i64>,
    /// Day, read, unchanged, failed.
    days: Vec<(i64, u32, u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<(String, String)>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Serialize, Deserialize)]
struct ValidatorsRow {
    url: String,
    etag: Option<Octets>,
    last_modified: Option<Octets>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct HintsRow {
    fresh_for: Option<u64>,
    ttl: Option<u64>,
    skip_hours: Vec<u8>,
    skip_days: Vec<u8>,
    update_gap: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct FeedRow {
    format: String,
    title: String,
    link: Option<String>,
    description: String,
    language: Option<String>,
    image: Option<String>,
    hubs: Vec<String>,
    self_link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    podcast: Option<PodcastRow>,
}

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

pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

impl From<&SourceState> for StateRow {
    fn from(state: &SourceState) -> Self {
        let seconds = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp());
        // Rounded up, so that a restart makes no wait shorter.
        let not_before = |time: Option<DateTime<Utc>>| {
            time.map(|time| time.timestamp() + i64::from(time.timestamp_subsec_nanos() > 0))
        };
        Self {
            standing: state.standing.name().to_owned(),
            first_success: seconds(state.first_success),
            last_poll: not_before(state.last_poll),
            last_success: not_before(state.last_success),
            next_poll: not_before(state.next_poll),
            next_poll_reason: state.next_poll_reason.clone(),
            planned_under: state.planned_under.clone(),
            http_status: state.http_status,
            last_error: state.last_error.clone(),
            warnings: state.warnings.clone(),
            consecutive_failures: state.consecutive_failures,
            requests: state.requests,
            not_modified: state.not_modified,
            bytes_saved: state.bytes_saved,
            validators: state.validators.as_ref().map(|validators| ValidatorsRow {
                url: validators.url.to_string(),
                etag: validators.etag.clone().map(Octets),
                last_modified: validators.last_modified.clone().map(Octets),
            }),
            body_hash: state.body_hash.map(|hash| Hash(hash.0)),
            body_bytes: state.body_bytes,
            read_under: state.read_under.map(|rules| Hash(rules.0)),
            reading: state.reading,
            unread: state.unread,
            redirect: state.redirect.as_ref().map(|redirect| (redirect.target.to_string(), redirect.seen)),
            moved_to: state.moved_to.as_ref().map(ToString::to_string),
            held_until: not_before(state.held_until),
            hints: HintsRow {
                fresh_for: state.hints.fresh_for.map(|span| span.as_secs()),
                ttl: state.hints.ttl.map(|span| span.as_secs()),
                skip_hours: state.hints.skip_hours.clone(),
                skip_days: state.hints.skip_days.clone(),
                update_gap: state.hints.update_gap.map(|span| span.as_secs()),
            },
            rhythm: Times(state.rhythm.iter().map(DateTime::timestamp).collect()),
            late: state.late.as_secs(),
            feed: state.feed.as_ref().map(|feed| FeedRow {
                format: feed.format.name().to_owned(),
                title: feed.title.clone(),
                link: feed.link.clone(),
                description: feed.description.clone(),
                language: feed.language.clone(),
                image: feed.image.clone(),
                hubs: feed.hubs.clone(),
                self_link: feed.self_link.clone(),
                podcast: feed.podcast.as_ref().map(PodcastRow::from),
            }),
            request_hash: state.request_hash.map(|hash| Hash(hash.0)),
            guid_doubts: state.trust.guid_doubts,
            link_doubts: state.trust.link_doubts,
            most_items: state.most_items,
            learned_item: state.learned_item.clone(),
            certificate_ends: seconds(state.certificate_ends),
            days: state.days.iter().map(|one| (one.day, one.read, one.unchanged, one.failed)).collect(),
            hub: state.hub.as_ref().map(|hub| (hub.url.clone(), hub.topic.clone())),
        }
    }
}

impl From<StateRow> for SourceState {
    fn from(row: StateRow) -> Self {
        let span = |seconds: Option<u64>| seconds.map(Duration::from_secs);
        Self {
            standing: Standing::from_name(&row.standing).unwrap_or_default(),
            first_success: row.first_success.map(at),
            last_poll: row.last_poll.map(at),
            last_success: row.last_success.map(at),
            next_poll: row.next_poll.map(at),
            next_poll_reason: row.next_poll_reason,
            planned_under: row.planned_under,
            http_status: row.http_status,
            last_error: row.last_error,
            warnings: row.warnings,
            consecutive_failures: row.consecutive_failures,
            requests: row.requests,
            not_modified: row.not_modified,
            bytes_saved: row.bytes_saved,
            // Validators without a readable URL are none: the next poll asks for the whole.
            validators: row.validators.and_then(|validators| {
                Some(Validators {
                    url: validators.url.parse().ok()?,
                    etag: validators.etag.map(|etag| etag.0),
                    last_modified: validators.last_modified.map(|date| date.0),
                })
            }),
            body_hash: row.body_hash.map(|hash| Digest(hash.0)),
            body_bytes: row.body_bytes,
            read_under: row.read_under.map(|rules| Digest(rules.0)),
            reading: row.reading,
            unread: row.unread,
            redirect: row
                .redirect
                .and_then(|(target, seen)| Some(Redirect { target: target.parse().ok()?, seen })),
            moved_to: row.moved_to.and_then(|url| url.parse().ok()),
            held_until: row.held_until.map(at),
            hints: Hints {
                fresh_for: span(row.hints.fresh_for),
                ttl: span(row.hints.ttl),
                skip_hours: row.hints.skip_hours,
                skip_days: row.hints.skip_days,
                update_gap: span(row.hints.update_gap),
            },
            rhythm: row.rhythm.0.into_iter().map(at).collect(),
            late: Duration::from_secs(row.late),
            feed: row.feed.map(|feed| Feed {
                format: FORMATS
                    .into_iter()
                    .find(|format| format.name() == feed.format)
                    .unwrap_or(Format::Rss2),
                title: feed.title,
                link: feed.link,
                description: feed.description,
                language: feed.language,
                image: feed.image,
                hubs: feed.hubs,
                self_link: feed.self_link,
                podcast: feed.podcast.map(Podcast::from),
            }),
            request_hash: row.request_hash.map(|hash| Digest(hash.0)),
            trust: Trust { guid_doubts: row.guid_doubts, link_doubts: row.link_doubts },
            most_items: row.most_items,
            learned_item: row.learned_item,
            certificate_ends: row.certificate_ends.map(at),
            days: row
                .days
                .into_iter()
                .map(|(day, read, unchanged, failed)| PollDay { day, read, unchanged, failed })
                .collect(),
            hub: row.hub.map(|(url, topic)| Hub { url, topic }),
            push: None,
        }
    }
}
