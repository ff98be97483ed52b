use super::*;
use crate::model::{Digest, Trust};

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
        planned_under: Some(Digest([6; 16])),
        failed_under: Some(Digest([7; 16])),
        http_status: Some(304),
        last_error: some("\\ no"),
        warnings: vec!["one".to_owned(), "two".to_owned()],
        consecutive_failures: 5,
        requests: 6,
        not_modified: 7,
        bytes_saved: 8,
        validators: Some(Validators {
            url: "https://a.example/f?x".to_owned(),
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
        held_by: Some(url("https://d.example/")),
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
        first_id: some("first"),
        push: None,
    };
    assert_eq!(read(&write(&state)), state);
    assert_eq!(read(&write(&SourceState::default())), SourceState::default());
    assert!(write(&SourceState::default()).is_empty());
}

#[test]
fn what_a_newer_version_wrote_is_passed_over() {
    let mut written = write(&SourceState { requests: 6, ..SourceState::default() });
    let mut newer = Writer::default();
    newer.number(126, 5_u64);
    newer.text(127, Some("more"));
    written.extend(newer.0);
    assert_eq!(read(&written), SourceState { requests: 6, ..SourceState::default() });
}

#[test]
fn what_cannot_be_read_is_forgotten() {
    let written = write(&SourceState { requests: 6, most_items: 300, ..SourceState::default() });
    assert_eq!(read(&written[..written.len() - 1]), SourceState::default());
    let mut other = Writer::default();
    other.text(field::REQUESTS, Some("many"));
    assert_eq!(read(&other.0), SourceState::default());
}

#[test]
fn numbers_of_standings_and_formats_last() {
    let named = STANDINGS.map(Standing::name);
    assert_eq!(named, ["new", "ok", "failing", "held", "gone", "drifted", "disabled"]);
    let named = FORMATS.map(Format::name);
    let names = ["rss2", "rss1", "rss0", "atom", "atom03", "cdf", "json", "page", "text"];
    assert_eq!(named, names);
}
