//! What was remembered of a source up to migration 4: JSON with short names. Only read, and only once, by migration 5.
//! Bytes, digests and times are short texts there; before, they were lists of numbers.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{FORMATS, PodcastRow, at};
use crate::model::{
    Digest, Feed, Format, Hints, Hub, Podcast, PollDay, Redirect, SourceState, Standing, Trust, Validators,
};

/// A state that cannot be read is forgotten, not fatal: the next poll makes it anew.
pub(super) fn read(json: &str) -> SourceState {
    serde_json::from_str::<StateRow>(json).unwrap_or_default().into()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StateRow {
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
    hub: Option<(String, String)>,
}

#[derive(Deserialize)]
struct ValidatorsRow {
    url: String,
    etag: Option<Octets>,
    last_modified: Option<Octets>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HintsRow {
    fresh_for: Option<u64>,
    ttl: Option<u64>,
    skip_hours: Vec<u8>,
    skip_days: Vec<u8>,
    update_gap: Option<u64>,
}

#[derive(Deserialize)]
struct FeedRow {
    format: String,
    title: String,
    link: Option<String>,
    description: String,
    language: Option<String>,
    image: Option<String>,
    hubs: Vec<String>,
    self_link: Option<String>,
    podcast: Option<PodcastRow>,
}

fn format(name: &str) -> Format {
    FORMATS.into_iter().find(|format| format.name() == name).unwrap_or(Format::Rss2)
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
            planned_under: Hash::from_text(&row.planned_under).map(|plan| Digest(plan.0)),
            failed_under: None,
            http_status: row.http_status,
            last_error: row.last_error,
            warnings: row.warnings,
            consecutive_failures: row.consecutive_failures,
            requests: row.requests,
            not_modified: row.not_modified,
            bytes_saved: row.bytes_saved,
            validators: row.validators.map(|validators| Validators {
                url: validators.url,
                etag: validators.etag.map(|etag| etag.0),
                last_modified: validators.last_modified.map(|date| date.0),
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
            held_by: None,
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
                format: format(&feed.format),
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
            first_id: None,
            push: None,
        }
    }
}

/// Opaque bytes: each the character of its number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Octets(Vec<u8>);

/// A digest: hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hash([u8; 16]);

/// Times: the first in full, then by how much each is later than the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Times(Vec<i64>);

/// What may stand for it: a text, or the list of an older version.
trait Told: Sized {
    type Item: for<'de> Deserialize<'de>;
    fn from_text(text: &str) -> Option<Self>;
    fn from_list(list: Vec<Self::Item>) -> Option<Self>;
}

impl Told for Octets {
    type Item = u8;

    fn from_text(text: &str) -> Option<Self> {
        text.chars().map(|letter| u8::try_from(letter).ok()).collect::<Option<Vec<u8>>>().map(Self)
    }

    fn from_list(list: Vec<u8>) -> Option<Self> {
        Some(Self(list))
    }
}

impl Told for Hash {
    type Item = u8;

    fn from_text(text: &str) -> Option<Self> {
        let mut hash = [0; 16];
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
        if pairs.len() != hash.len() {
            return None;
        }
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            let digit =
                |letter: u8| char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(hash))
    }

    fn from_list(list: Vec<u8>) -> Option<Self> {
        list.try_into().ok().map(Self)
    }
}

impl Told for Times {
    type Item = i64;

    fn from_text(text: &str) -> Option<Self> {
        let mut last = 0_i64;
        let mut times = Vec::new();
        for step in text.split(',').filter(|step| !step.is_empty()) {
            last = last.wrapping_add(step.parse().ok()?);
            times.push(last);
        }
        Some(Self(times))
    }

    fn from_list(list: Vec<i64>) -> Option<Self> {
        Some(Self(list))
    }
}

struct Either<T>(std::marker::PhantomData<T>);

impl<'de, T: Told> Visitor<'de> for Either<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of numbers")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::custom("not what was written"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<T, A::Error> {
        let mut list = Vec::new();
        while let Some(number) = numbers.next_element()? {
            list.push(number);
        }
        T::from_list(list).ok_or_else(|| A::Error::custom("not what was written"))
    }
}

macro_rules! read {
    ($($what:ty),*) => {$(
        impl<'de> Deserialize<'de> for $what {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(Either(std::marker::PhantomData))
            }
        }
    )*};
}
read!(Octets, Hash, Times);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let state = read(
            r#"{"standing":"ok","planned_under":"00010f109fa0ff0708090a0b0c0d0e0f","rhythm":"1766000000,-60",
                "validators":{"url":"https://a.example/f","etag":"W/\"1\u00e4\"","last_modified":null},
                "body_hash":"00010f109fa0ff0708090a0b0c0d0e0f","days":[[1,2,3,4]],"hub":["https://h.example/","t"],
                "feed":{"format":"json","title":"A","description":"","hubs":[]}}"#,
        );
        let hash = Digest([0, 1, 15, 16, 159, 160, 255, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!((state.planned_under, state.body_hash), (Some(hash), Some(hash)));
        assert_eq!(state.rhythm, [at(1_766_000_000), at(1_765_999_940)]);
        assert_eq!(state.validators.unwrap().etag.unwrap(), b"W/\"1\xe4\"");
        assert_eq!(state.days, [PollDay { day: 1, read: 2, unchanged: 3, failed: 4 }]);
        let feed = state.feed.unwrap();
        assert_eq!((feed.format, feed.title.as_str()), (Format::Json, "A"));
        assert_eq!(state.hub.unwrap().topic, "t");
    }

    #[test]
    fn lists_of_numbers_are_read() {
        let list = serde_json::to_string(&[7; 16]).unwrap();
        let state = read(&format!(
            r#"{{"body_hash":{list},"rhythm":[3,2],"planned_under":"","validators":
                {{"url":"https://a.example/f","etag":[34,228,34],"last_modified":null}},"last_error":null}}"#
        ));
        assert_eq!((state.planned_under, state.body_hash), (None, Some(Digest([7; 16]))));
        assert_eq!(state.rhythm, [at(3), at(2)]);
        assert_eq!(state.validators.unwrap().etag.unwrap(), [34, 228, 34]);
    }

    #[test]
    fn what_nobody_wrote_is_forgotten() {
        for value in ["\"0\"", "\"zz010f109fa0ff0708090a0b0c0d0e0f\"", "[1, 2]", "5"] {
            let json = format!(r#"{{"standing":"ok","body_hash":{value}}}"#);
            assert_eq!(read(&json), SourceState::default(), "{value}");
        }
        assert_eq!(read(r#"{"standing":"ok","rhythm":"1,x"}"#), SourceState::default());
    }
}
