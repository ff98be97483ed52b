//! A source's state as a row: JSON with short, lasting names. What is missing is the default,
//! so that a newer version can add fields without a migration.

mod compact;

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use self::compact::{Hash, Octets, Times};
use crate::model::{
    Digest, Feed, Format, Hints, Hub, Podcast, PollDay, Redirect, SourceState, Standing, Trust, Validators,
};

/// Borrows what it writes; what it reads is its own.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StateRow<'a> {
    standing: Cow<'a, str>,
    first_success: Option<i64>,
    last_poll: Option<i64>,
    last_success: Option<i64>,
    next_poll: Option<i64>,
    next_poll_reason: Cow<'a, str>,
    planned_under: Cow<'a, str>,
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "is_empty")]
    warnings: Cow<'a, [String]>,
    consecutive_failures: u32,
    requests: u64,
    not_modified: u64,
    bytes_saved: u64,
    validators: Option<ValidatorsRow<'a>>,
    body_hash: Option<Hash>,
    body_bytes: u64,
    read_under: Option<Hash>,
    reading: u32,
    unread: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<(Cow<'a, str>, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_to: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_until: Option<i64>,
    hints: HintsRow<'a>,
    rhythm: Times,
    #[serde(skip_serializing_if = "is_zero")]
    late: u64,
    feed: Option<FeedRow<'a>>,
    request_hash: Option<Hash>,
    guid_doubts: u32,
    link_doubts: u32,
    most_items: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    learned_item: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_ends: Option<i64>,
    /// Day, read, unchanged, failed.
    days: Vec<(i64, u32, u32, u32)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hub: Option<(Cow<'a, str>, Cow<'a, str>)>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_empty<T>(list: &[T]) -> bool {
    list.is_empty()
}

#[derive(Serialize, Deserialize)]
struct ValidatorsRow<'a> {
    url: Cow<'a, str>,
    etag: Option<Octets<'a>>,
    last_modified: Option<Octets<'a>>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct HintsRow<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    fresh_for: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
    #[serde(skip_serializing_if = "is_empty")]
    skip_hours: Cow<'a, [u8]>,
    #[serde(skip_serializing_if = "is_empty")]
    skip_days: Cow<'a, [u8]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_gap: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct FeedRow<'a> {
    format: Cow<'a, str>,
    title: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Cow<'a, str>>,
    description: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Cow<'a, str>>,
    hubs: Cow<'a, [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_link: Option<Cow<'a, str>>,
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

fn borrowed(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(Cow::Borrowed)
}

impl<'a> From<&'a SourceState> for StateRow<'a> {
    fn from(state: &'a SourceState) -> Self {
        let seconds = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp());
        // Rounded up, so that a restart makes no wait shorter.
        let not_before = |time: Option<DateTime<Utc>>| {
            time.map(|time| time.timestamp() + i64::from(time.timestamp_subsec_nanos() > 0))
        };
        Self {
            standing: state.standing.name().into(),
            first_success: seconds(state.first_success),
            last_poll: not_before(state.last_poll),
            last_success: not_before(state.last_success),
            next_poll: not_before(state.next_poll),
            next_poll_reason: state.next_poll_reason.as_str().into(),
            planned_under: state.planned_under.as_str().into(),
            http_status: state.http_status,
            last_error: borrowed(state.last_error.as_deref()),
            warnings: state.warnings.as_slice().into(),
            consecutive_failures: state.consecutive_failures,
            requests: state.requests,
            not_modified: state.not_modified,
            bytes_saved: state.bytes_saved,
            validators: state.validators.as_ref().map(|validators| ValidatorsRow {
                url: validators.url.as_str().into(),
                etag: validators.etag.as_deref().map(|tag| Octets(tag.into())),
                last_modified: validators.last_modified.as_deref().map(|date| Octets(date.into())),
            }),
            body_hash: state.body_hash.map(|hash| Hash(hash.0)),
            body_bytes: state.body_bytes,
            read_under: state.read_under.map(|rules| Hash(rules.0)),
            reading: state.reading,
            unread: state.unread,
            redirect: state
                .redirect
                .as_ref()
                .map(|redirect| (redirect.target.as_str().into(), redirect.seen)),
            moved_to: borrowed(state.moved_to.as_ref().map(Url::as_str)),
            held_until: not_before(state.held_until),
            hints: HintsRow {
                fresh_for: state.hints.fresh_for.map(|span| span.as_secs()),
                ttl: state.hints.ttl.map(|span| span.as_secs()),
                skip_hours: state.hints.skip_hours.as_slice().into(),
                skip_days: state.hints.skip_days.as_slice().into(),
                update_gap: state.hints.update_gap.map(|span| span.as_secs()),
            },
            rhythm: Times(state.rhythm.iter().map(DateTime::timestamp).collect()),
            late: state.late.as_secs(),
            feed: state.feed.as_ref().map(|feed| FeedRow {
                format: feed.format.name().into(),
                title: feed.title.as_str().into(),
                link: borrowed(feed.link.as_deref()),
                description: feed.description.as_str().into(),
                language: borrowed(feed.language.as_deref()),
                image: borrowed(feed.image.as_deref()),
                hubs: feed.hubs.as_slice().into(),
                self_link: borrowed(feed.self_link.as_deref()),
                podcast: feed.podcast.as_ref().map(PodcastRow::from),
            }),
            request_hash: state.request_hash.map(|hash| Hash(hash.0)),
            guid_doubts: state.trust.guid_doubts,
            link_doubts: state.trust.link_doubts,
            most_items: state.most_items,
            learned_item: borrowed(state.learned_item.as_deref()),
            certificate_ends: seconds(state.certificate_ends),
            days: state.days.iter().map(|one| (one.day, one.read, one.unchanged, one.failed)).collect(),
            hub: state.hub.as_ref().map(|hub| (hub.url.as_str().into(), hub.topic.as_str().into())),
        }
    }
}

impl From<StateRow<'_>> for SourceState {
    fn from(row: StateRow<'_>) -> Self {
        let span = |seconds: Option<u64>| seconds.map(Duration::from_secs);
        Self {
            standing: Standing::from_name(&row.standing).unwrap_or_default(),
            first_success: row.first_success.map(at),
            last_poll: row.last_poll.map(at),
            last_success: row.last_success.map(at),
            next_poll: row.next_poll.map(at),
            next_poll_reason: row.next_poll_reason.into_owned(),
            planned_under: row.planned_under.into_owned(),
            http_status: row.http_status,
            last_error: row.last_error.map(Cow::into_owned),
            warnings: row.warnings.into_owned(),
            consecutive_failures: row.consecutive_failures,
            requests: row.requests,
            not_modified: row.not_modified,
            bytes_saved: row.bytes_saved,
            // Validators without a readable URL are none: the next poll asks for the whole.
            validators: row.validators.and_then(|validators| {
                Some(Validators {
                    url: validators.url.parse().ok()?,
                    etag: validators.etag.map(|etag| etag.0.into_owned()),
                    last_modified: validators.last_modified.map(|date| date.0.into_owned()),
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
                skip_hours: row.hints.skip_hours.into_owned(),
                skip_days: row.hints.skip_days.into_owned(),
                update_gap: span(row.hints.update_gap),
            },
            rhythm: row.rhythm.0.into_iter().map(at).collect(),
            late: Duration::from_secs(row.late),
            feed: row.feed.map(|feed| Feed {
                format: FORMATS
                    .into_iter()
                    .find(|format| format.name() == feed.format)
                    .unwrap_or(Format::Rss2),
                title: feed.title.into_owned(),
                link: feed.link.map(Cow::into_owned),
                description: feed.description.into_owned(),
                language: feed.language.map(Cow::into_owned),
                image: feed.image.map(Cow::into_owned),
                hubs: feed.hubs.into_owned(),
                self_link: feed.self_link.map(Cow::into_owned),
                podcast: feed.podcast.map(Podcast::from),
            }),
            request_hash: row.request_hash.map(|hash| Digest(hash.0)),
            trust: Trust { guid_doubts: row.guid_doubts, link_doubts: row.link_doubts },
            most_items: row.most_items,
            learned_item: row.learned_item.map(Cow::into_owned),
            certificate_ends: row.certificate_ends.map(at),
            days: row
                .days
                .into_iter()
                .map(|(day, read, unchanged, failed)| PollDay { day, read, unchanged, failed })
                .collect(),
            hub: row.hub.map(|(url, topic)| Hub { url: url.into_owned(), topic: topic.into_owned() }),
            push: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(state: &SourceState) -> String {
        serde_json::to_string(&StateRow::from(state)).unwrap()
    }

    fn read(json: &str) -> SourceState {
        serde_json::from_str::<StateRow<'_>>(json).unwrap().into()
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let some = |text: &str| Some(text.to_owned());
        let feed = Feed {
            format: Format::Json,
            title: "\"Ä\"\n".to_owned(),
            link: some("https://a.example/"),
            description: "All of it".to_owned(),
            language: some("de"),
            image: some("https://a.example/i"),
            hubs: vec!["https://hub.example/".to_owned()],
            self_link: some("https://a.example/f"),
            podcast: Some(Podcast { owner: some("Who"), ..Podcast::default() }),
        };
        let state = SourceState {
            standing: Standing::Drifted,
            first_success: Some(at(1)),
            last_poll: Some(at(2)),
            last_success: Some(at(3)),
            next_poll: Some(at(4)),
            next_poll_reason: "schedule every 1h".to_owned(),
            planned_under: "ab".to_owned(),
            http_status: Some(304),
            last_error: some("\\ no"),
            warnings: vec!["one".to_owned(), "two".to_owned()],
            consecutive_failures: 5,
            requests: 6,
            not_modified: 7,
            bytes_saved: 8,
            validators: Some(Validators {
                url: url("https://a.example/f?x"),
                etag: Some(b"W/\"1\xe4\"".to_vec()),
                last_modified: Some(b"yesterday".to_vec()),
            }),
            body_hash: Some(Digest([9; 16])),
            read_under: Some(Digest([10; 16])),
            reading: 11,
            unread: true,
            body_bytes: 12,
            redirect: Some(Redirect { target: url("https://b.example/"), seen: 2 }),
            moved_to: Some(url("https://c.example/")),
            held_until: Some(at(13)),
            hints: Hints {
                fresh_for: Some(Duration::from_secs(14)),
                ttl: Some(Duration::from_secs(15)),
                skip_hours: vec![1, 2],
                skip_days: vec![6],
                update_gap: Some(Duration::from_secs(16)),
            },
            rhythm: vec![at(18), at(17)],
            late: Duration::from_secs(19),
            feed: Some(feed),
            request_hash: Some(Digest([20; 16])),
            most_items: 21,
            learned_item: some("li"),
            trust: Trust { guid_doubts: 1, link_doubts: 2 },
            certificate_ends: Some(at(22)),
            days: vec![PollDay { day: 1, read: 2, unchanged: 3, failed: 4 }],
            hub: Some(Hub { url: "https://hub.example/".to_owned(), topic: "t".to_owned() }),
            push: None,
        };
        assert_eq!(read(&json(&state)), state);
        assert_eq!(read(&json(&SourceState::default())), SourceState::default());
    }

    #[test]
    fn what_is_empty_is_not_written_and_was_written_once() {
        let written = json(&SourceState::default());
        for name in ["last_error", "warnings", "redirect", "fresh_for", "skip_hours"] {
            assert!(!written.contains(name), "{written}");
        }
        let older = r#"{"standing":"ok","last_error":null,"warnings":[],"redirect":null,"moved_to":null,
            "held_until":null,"hints":{"fresh_for":null,"ttl":null,"skip_hours":[],"skip_days":[],"update_gap":null},
            "feed":{"format":"rss2","title":"A","link":null,"description":"","language":null,"image":null,"hubs":[],
            "self_link":null},"learned_item":null,"certificate_ends":null}"#;
        let state = read(older);
        let title = state.feed.as_ref().map(|feed| feed.title.as_str());
        assert_eq!((state.standing, title, state.hints), (Standing::Ok, Some("A"), Hints::default()));
    }
}
