//! One poll after the other: what is sent along, what is remembered, and when the next is due.

pub(crate) mod bed;
mod kept;
mod mended;
mod moved;
mod pages;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::model::{Auth, Filter, Schedule, Secret};
use bed::{Bed, Reply, body, broken, document, feed, gone, panics, source, status, throttled, unchanged};

/// A bed with one source, `s`.
async fn one() -> (Bed, Arc<Source>) {
    let (bed, source) = (Bed::new(|_| unreachable!()), Arc::new(source("s")));
    bed.sync(std::slice::from_ref(&source)).await;
    (bed, source)
}

/// What a source sends along after these answers.
async fn sent_after(replies: Vec<fn() -> Reply>) -> (Option<String>, Option<String>) {
    let (bed, source) = one().await;
    for reply in replies {
        bed.polled(&source, reply).await;
        bed.clock.sleep(bed.options.min_interval.0).await;
    }
    bed.asked();
    bed.polled(&source, unchanged).await;
    let asked = bed.asked().remove(0);
    (asked.etag, asked.modified)
}

#[tokio::test(start_paused = true)]
async fn validators_are_replaced_by_whole_answers_and_renewed_by_304s() {
    let both = || feed(&["a"]).etag("W/\"1\"").modified("yesterday");
    let sent = |etag: &str, modified: &str| {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (some(etag), some(modified))
    };
    let first = sent_after(vec![]).await;
    assert_eq!(first, sent("", ""), "the first time there is nothing to send");
    assert_eq!(sent_after(vec![both]).await, sent("W/\"1\"", "yesterday"));
    // What is missing in a whole answer is forgotten.
    assert_eq!(sent_after(vec![both, || feed(&["a", "b"]).etag("\"2\"")]).await, sent("\"2\"", ""));
    assert_eq!(sent_after(vec![both, || feed(&["a", "b"])]).await, sent("", ""));
    // Also when the body was the same.
    assert_eq!(sent_after(vec![both, || feed(&["a"]).modified("today")]).await, sent("", "today"));
    // A 226 is a success like any other.
    assert_eq!(sent_after(vec![both, || feed(&["b"]).etag("\"2\"").delta()]).await, sent("\"2\"", ""));
    // A 304 updates what it carries.
    assert_eq!(sent_after(vec![both, unchanged]).await, sent("W/\"1\"", "yesterday"));
    assert_eq!(sent_after(vec![both, || unchanged().modified("today")]).await, sent("W/\"1\"", "today"));
    assert_eq!(
        sent_after(vec![|| feed(&["a"]).modified("x"), || unchanged().etag("\"new\"")]).await,
        sent("\"new\"", "x")
    );
    // Nothing else changes them.
    for other in [
        || status(404),
        || status(500),
        || throttled(503, Some(60)).etag("\"503\""),
        || throttled(429, None).etag("\"429\""),
        || broken("cut off"),
        panics,
    ] as [fn() -> Reply; 6]
    {
        assert_eq!(sent_after(vec![both, other]).await, sent("W/\"1\"", "yesterday"));
    }
}

#[tokio::test(start_paused = true)]
async fn validators_survive_the_process_and_are_stored_with_their_entries_or_not_at_all() {
    let (mut bed, source) = one().await;
    bed.polled(&source, || feed(&["a"]).etag("\"1\"")).await;
    bed.restart();
    bed.store_fails(true);
    bed.answer(|_| feed(&["a", "b"]).etag("\"2\""));
    let ended = bed.poller().poll(std::slice::from_ref(&source), false).await;
    assert!(matches!(&ended[0].result, Err(StoreError::Failed(words)) if words.contains("disk is full")));
    assert_eq!(bed.asked()[0].etag.as_deref(), Some("\"1\""));
    bed.store_fails(false);
    bed.polled(&source, || feed(&["a", "b"]).etag("\"2\"")).await;
    assert_eq!(bed.asked()[0].etag.as_deref(), Some("\"1\""), "the lost poll left no validator behind");
    assert_eq!(bed.stories("s").await, 2);
}

#[tokio::test(start_paused = true)]
async fn another_address_or_other_credentials_start_anew() {
    let (bed, source) = one().await;
    let sent = async |source: Source| {
        let source = Arc::new(source);
        bed.polled(&source, || {
            feed(&["a"]).etag("\"1\"").by_way_of(Some("https://to.example/"), "https://to.example/")
        })
        .await;
        bed.asked().remove(0).etag
    };
    assert_eq!(sent((*source).clone()).await, None);
    assert_eq!(sent((*source).clone()).await.as_deref(), Some("\"1\""));
    let header = vec![("X-Key".to_owned(), Secret::new("k"))];
    let with_key = Source { headers: header, ..(*source).clone() };
    assert_eq!(sent(with_key.clone()).await, None);
    assert_eq!(sent(with_key.clone()).await.as_deref(), Some("\"1\""));
    let auth = Some(Auth { user: "u".to_owned(), password: Secret::new("p") });
    assert_eq!(sent(Source { auth, ..with_key.clone() }).await, None);
    let elsewhere = Source { url: "https://s.example/feed?other".parse().unwrap(), ..with_key };
    assert_eq!(sent(elsewhere).await, None);
    assert_eq!(
        bed.state("s").await.redirect.unwrap().seen,
        1,
        "a redirect of the old address counts no more"
    );
}

#[tokio::test(start_paused = true)]
async fn a_delta_takes_nothing_away() {
    let (bed, source) = one().await;
    bed.polled(&source, || feed(&["a", "b"]).etag("\"1\"")).await;
    let polled = bed.polled(&source, || feed(&["c"]).etag("\"2\"").delta()).await;
    assert_eq!(polled.committed.new.len(), 1);
    assert_eq!(bed.stories("s").await, 3);
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_again_are_not_read_again() {
    let (bed, source) = one().await;
    bed.polled(&source, || feed(&["a"])).await;
    let polled = bed.polled(&source, || feed(&["a"])).await;
    assert_eq!(polled.outcome, Outcome::NotModified);
    assert_eq!((polled.state.requests, polled.state.not_modified), (2, 0), "no 304 was answered");
    // Under other rules they are.
    let drop = Filter { title: vec![regex::Regex::new("^a$").unwrap()], ..Filter::default() };
    let stricter = Arc::new(Source { drop, ..(*source).clone() });
    assert!(matches!(bed.polled(&stricter, || feed(&["a"])).await.outcome, Outcome::Read { .. }));
}

#[tokio::test(start_paused = true)]
async fn other_rules_read_the_kept_body_and_ask_for_no_other() {
    let (bed, source) = one().await;
    bed.polled(&source, || feed(&["a", "b"]).etag("\"1\"")).await;
    let drop = Filter { title: vec![regex::Regex::new("^c$").unwrap()], ..Filter::default() };
    let stricter = Arc::new(Source { drop, ..(*source).clone() });
    bed.asked();
    let polled = bed.polled(&stricter, unchanged).await;
    assert_eq!(bed.asked()[0].etag.as_deref(), Some("\"1\""));
    assert!(matches!(polled.outcome, Outcome::Read { new: 0, .. }), "{:?}", polled.outcome);
    assert_eq!((polled.state.not_modified, polled.state.http_status), (1, Some(304)));
    assert_eq!(bed.polled(&stricter, unchanged).await.outcome, Outcome::NotModified);
    assert_eq!(bed.asked()[0].etag.as_deref(), Some("\"1\""));
    // Without a kept body the whole document is asked for.
    bed.polled(&source, || feed(&["a", "b"]).etag("\"1\"")).await;
    let mut forgetful = bed.poller();
    forgetful.keep_bodies = 0;
    bed.answer(|_| feed(&["a", "b", "d"]).etag("\"2\""));
    forgetful.poll(std::slice::from_ref(&source), false).await;
    bed.asked();
    bed.polled(&stricter, || feed(&["a", "b", "d"]).etag("\"2\"")).await;
    assert_eq!(bed.asked()[0].etag, None);
}

#[tokio::test(start_paused = true)]
async fn a_document_that_cannot_be_read_is_not_sent_again_and_not_forgotten() {
    let (bed, source) = one().await;
    let polled = bed.polled(&source, || body("what is this?").etag("\"bad\"")).await;
    let words = polled.outcome.words();
    assert!(polled.outcome.is_failure());
    // No older version has read it: the next start need not try.
    assert_eq!(polled.state.reading, crate::normalize::READING);
    bed.asked();
    let polled = bed.polled(&source, unchanged).await;
    assert_eq!(bed.asked()[0].etag.as_deref(), Some("\"bad\""), "no unconditional request for it");
    assert_eq!((polled.outcome, polled.state.consecutive_failures), (Outcome::Failed(words), 2));
    // Under other rules it may well be readable.
    let french = Arc::new(Source { language: Some("fr".to_owned()), ..(*source).clone() });
    bed.polled(&french, || feed(&["a"]).etag("\"good\"")).await;
    assert_eq!(bed.asked()[0].etag, None);
    let polled = bed.polled(&french, unchanged).await;
    assert_eq!((polled.outcome, polled.state.consecutive_failures), (Outcome::NotModified, 0));
}

/// The wait until the next poll after these answers, in minutes, and why.
async fn next_after(change: impl FnOnce(&mut Source), replies: Vec<fn() -> Reply>) -> (i64, String) {
    let bed = Bed::new(|_| unreachable!());
    let mut source = source("s");
    change(&mut source);
    let source = Arc::new(source);
    bed.sync(std::slice::from_ref(&source)).await;
    let mut last = None;
    for reply in replies {
        if last.is_some() {
            bed.clock.sleep(bed.options.min_interval.0).await;
        }
        last = Some(bed.polled(&source, reply).await.state);
    }
    let state = last.unwrap();
    assert_eq!(*state, bed.state("s").await, "what is returned is what is stored");
    ((state.next_poll.unwrap() - bed.now()).num_minutes(), state.next_poll_reason)
}

#[tokio::test(start_paused = true)]
async fn the_next_poll_is_the_latest_of_all_wishes_and_says_why() {
    let check = async |replies: Vec<fn() -> Reply>, minutes: i64, words: &str| {
        let (wait, why) = next_after(|_| {}, replies).await;
        assert_eq!((wait, why.as_str()), (minutes, words));
    };
    check(vec![|| feed(&["a"])], 60, "schedule every 1h").await;
    let fresh = "server says it is fresh for 2h (Cache-Control or Expires)";
    check(vec![|| feed(&["a"]).max_age(Some(7200))], 120, fresh).await;
    check(vec![|| feed(&["a"]).max_age(Some(60))], 60, "schedule every 1h").await;
    // A 304 that says nothing of it leaves what was said; one that does replaces it.
    check(vec![|| feed(&["a"]).max_age(Some(7200)), unchanged], 120, fresh).await;
    check(vec![|| feed(&["a"]).max_age(Some(7200)), || unchanged().max_age(None)], 60, "schedule every 1h")
        .await;
    check(vec![|| feed(&["a"]).max_age(Some(7200)), || feed(&["a", "b"])], 60, "schedule every 1h").await;
    check(vec![|| body(&document("<ttl>90</ttl>", &["a"]))], 90, "feed says ttl 90 minutes").await;
    let sy = "<u:updatePeriod xmlns:u=\"http://purl.org/rss/1.0/modules/syndication/\">daily</u:updatePeriod>\
              <u:updateFrequency xmlns:u=\"http://purl.org/rss/1.0/modules/syndication/\">4</u:updateFrequency>";
    let (wait, why) = {
        let bed = Bed::new(move |_| body(&document(sy, &["a"])));
        let source = Arc::new(source("s"));
        bed.sync(std::slice::from_ref(&source)).await;
        let state = bed.poll(&source).await.state;
        ((state.next_poll.unwrap() - bed.now()).num_minutes(), state.next_poll_reason)
    };
    assert_eq!((wait, why.as_str()), (360, "feed says it is updated every 6h (sy:updatePeriod)"));
    let skip = || body(&document("<skipHours><hour>13</hour><hour>14</hour></skipHours>", &["a"]));
    check(vec![skip], 180, "feed asks not to be polled earlier (skipHours)").await;
    let skip = || body(&document("<skipDays><day>Sunday</day></skipDays>", &["a"]));
    check(vec![skip], 12 * 60, "feed asks not to be polled earlier (skipDays)").await;
    check(vec![|| throttled(503, Some(7200))], 120, "server asked to wait 2h (Retry-After)").await;
    check(vec![|| throttled(429, Some(60))], 60, "the last poll failed: waiting 1h").await;
    check(vec![|| throttled(429, Some(400 * 86_400))], 7 * 1440, "server asked to wait 7d (Retry-After)")
        .await;
    check(
        vec![|| feed(&["a"]).max_age(Some(400 * 86_400))],
        7 * 1440,
        "server says it is fresh for 400d (Cache-Control or Expires); no wait is longer than 7d (max_hold)",
    )
    .await;
    check(
        vec![gone],
        (crate::schedule::parked() - "2026-03-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap()).num_minutes(),
        "gone (410): parked until it is asked for by hand",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn failures_double_the_interval_up_to_a_cap_and_one_success_ends_them() {
    let waits = async |reply: fn() -> Reply| {
        let mut waits = Vec::new();
        for count in 1..=5 {
            waits.push(next_after(|_| {}, vec![reply; count]).await.0);
        }
        waits
    };
    for reply in [
        || status(500),
        || status(404),
        || status(403),
        || throttled(429, None),
        || throttled(503, None),
        || broken("no such name"),
        || body("nothing that can be read"),
        panics,
    ] as [fn() -> Reply; 8]
    {
        assert_eq!(waits(reply).await, [60, 120, 240, 360, 360]);
    }
    let rare = |source: &mut Source| source.schedule = Schedule::Every(Duration::from_hours(24));
    assert_eq!(
        next_after(rare, vec![|| status(500); 4]).await.0,
        24 * 60,
        "never less than the interval itself"
    );
    let (wait, why) = next_after(|_| {}, vec![|| status(500), || status(500), || feed(&["a"])]).await;
    assert_eq!((wait, why.as_str()), (60, "schedule every 1h"));
    let (wait, why) =
        next_after(|_| {}, vec![|| feed(&["a"]), || status(500), || status(500), unchanged]).await;
    assert_eq!((wait, why.as_str()), (60, "schedule every 1h"));
}

#[tokio::test(start_paused = true)]
async fn a_permanent_redirect_is_remembered_after_three_good_documents_in_a_row() {
    let to = "https://new.example/feed";
    let moved =
        || feed(&["a"]).etag("\"1\"").by_way_of(Some("https://new.example/feed"), "https://new.example/feed");
    let (mut bed, source) = one().await;
    let asked = |bed: &Bed| bed.asked().pop().unwrap().url;
    let own = source.url.to_string();
    bed.polled(&source, moved).await;
    bed.polled(&source, moved).await;
    // A failure in between starts the count anew, whatever it was.
    bed.polled(&source, || status(500)).await;
    bed.polled(&source, moved).await;
    bed.polled(&source, || {
        body("not a feed").by_way_of(Some("https://new.example/feed"), "https://new.example/feed")
    })
    .await;
    for _ in 0..3 {
        bed.polled(&source, moved).await;
        assert_eq!(asked(&bed), own);
    }
    bed.restart();
    bed.polled(&source, unchanged).await;
    let last = bed.asked().pop().unwrap();
    assert_eq!((last.url.as_str(), last.etag.as_deref()), (to, Some("\"1\"")));
    assert_eq!(bed.state("s").await.moved_to.unwrap().as_str(), to);

    // While it fails, the configured address has its chance every other time; a network that is gone for a
    // while takes nothing away.
    let mut urls = Vec::new();
    for _ in 0..7 {
        bed.polled(&source, || broken("no network")).await;
        urls.push(asked(&bed) == to);
    }
    assert_eq!(urls, [true, true, true, false, true, false, true]);
    bed.polled(&source, moved).await;
    assert_eq!(asked(&bed), own);
    bed.polled(&source, || feed(&["a"])).await;
    assert_eq!(asked(&bed), to);

    // The configured address is well again by itself: the learnt one is forgotten.
    for _ in 0..3 {
        bed.polled(&source, || status(404)).await;
    }
    bed.polled(&source, || feed(&["a"])).await;
    bed.polled(&source, || feed(&["a"])).await;
    assert_eq!(asked(&bed), own);
    assert_eq!(bed.state("s").await.moved_to, None);
}

#[tokio::test(start_paused = true)]
async fn temporary_redirects_are_asked_for_anew_every_time() {
    let (bed, source) = one().await;
    for _ in 0..5 {
        bed.polled(&source, || feed(&["a"]).by_way_of(None, "https://other.example/")).await;
        assert_eq!(bed.asked().pop().unwrap().url, source.url.as_str());
    }
    // Another target every time is never believed.
    for target in ["https://one.example/", "https://two.example/"].iter().cycle().take(6) {
        bed.answer(|_| feed(&["a"]).by_way_of(Some(target), target));
        bed.poll(&source).await;
        assert_eq!(bed.asked().pop().unwrap().url, source.url.as_str());
    }
}

#[tokio::test(start_paused = true)]
async fn gone_is_parked_and_a_learnt_address_that_is_gone_is_doubted_first() {
    let (mut bed, source) = one().await;
    let polled = bed.polled(&source, gone).await;
    assert_eq!((polled.outcome, polled.state.standing), (Outcome::Gone, Standing::Gone));
    bed.restart();
    let due = bed.poller().due(&source, &bed.state("s").await, bed.now()).unwrap();
    assert!(due > bed.now() + TimeDelta::days(3650));
    // Asked for by hand it comes back.
    let polled = bed.polled(&source, || feed(&["a"])).await;
    assert_eq!(polled.state.standing, Standing::Ok);

    let moved = || feed(&["a"]).by_way_of(Some("https://new.example/"), "https://new.example/");
    for _ in 0..3 {
        bed.polled(&source, moved).await;
    }
    let polled = bed.polled(&source, gone).await;
    assert_eq!((polled.state.standing, polled.state.moved_to), (Standing::Failing, None));
    bed.asked();
    assert_eq!(bed.polled(&source, gone).await.outcome, Outcome::Gone);
    assert_eq!(bed.asked()[0].url, source.url.as_str());
    // A new address in the config is asked at once.
    let renamed = Source { url: "https://s.example/again".parse().unwrap(), ..(*source).clone() };
    let due = bed.poller().due(&renamed, &bed.state("s").await, bed.now()).unwrap();
    assert_eq!(due, bed.now() + TimeDelta::minutes(5));
}

#[tokio::test(start_paused = true)]
async fn a_hold_outlives_wishes_and_clocks() {
    let (bed, source) = one().await;
    let by_hand =
        async || bed.poller().poll(std::slice::from_ref(&source), true).await.remove(0).result.unwrap();
    bed.polled(&source, || throttled(503, Some(7200))).await;
    bed.asked();
    assert!(matches!(by_hand().await.outcome, Outcome::Held(_)), "also by hand");
    assert_eq!(bed.asked(), []);
    // A clock set back by a day makes no day of two hours.
    bed.clock.jump(TimeDelta::days(-1));
    let state = by_hand().await.state;
    assert_eq!((state.next_poll.unwrap() - bed.now()).num_minutes(), 120);
    bed.clock.jump(TimeDelta::days(1));
    bed.clock.sleep(Duration::from_hours(2)).await;
    bed.answer(|_| feed(&["a"]));
    assert!(matches!(by_hand().await.outcome, Outcome::Read { .. }));
    assert_eq!(bed.state("s").await.held_until, None);
}

#[tokio::test(start_paused = true)]
async fn stored_waits_survive_a_restart_and_a_wall_clock_that_jumped() {
    let (mut bed, source) = one().await;
    bed.clock.sleep(Duration::from_millis(300)).await;
    bed.polled(&source, || feed(&["a"])).await;
    let polled_at = bed.now();
    bed.restart();
    let state = bed.state("s").await;
    let due = |bed: &Bed, source: &Source| bed.poller().due(source, &state, bed.now()).unwrap();
    let early = due(&bed, &source) - polled_at - TimeDelta::hours(1);
    assert!(early >= TimeDelta::zero() && early < TimeDelta::seconds(1), "{early}");
    // Set back while nobody looked: the wait is what it was, not a year more.
    bed.clock.jump(TimeDelta::days(-365));
    assert_eq!((due(&bed, &source) - bed.now()).num_minutes(), 60);
    bed.clock.jump(TimeDelta::days(366));
    assert!(due(&bed, &source) <= bed.now(), "a day too late is due");
    bed.clock.jump(TimeDelta::days(-1));
    // Another schedule counts from the last poll, but not below the floor.
    let often = Source { schedule: Schedule::Every(Duration::from_mins(10)), ..(*source).clone() };
    assert_eq!((due(&bed, &often) - polled_at).num_minutes(), 10);
    let limits = Limits { min_interval: Duration::from_hours(2), ..bed.poller().limits };
    let mut poller = bed.poller();
    poller.limits = limits;
    assert_eq!((poller.due(&often, &state, bed.now()).unwrap() - polled_at).num_minutes(), 120);
    assert_eq!(poller.due(&Source { enabled: false, ..often }, &state, bed.now()), None);
}

#[tokio::test(start_paused = true)]
async fn twins_are_asked_for_once_and_read_by_each() {
    let bed = Bed::new(|asked| match asked.etag.as_deref() {
        Some("\"1\"") => unchanged(),
        _ => feed(&["a", "b"]).etag("\"1\""),
    });
    let url: url::Url = "https://o.example/feed".parse().unwrap();
    let one = Arc::new(Source { url: url.clone(), ..source("one") });
    let drop = Filter { title: vec![regex::Regex::new("^a$").unwrap()], ..Filter::default() };
    let two = Arc::new(Source { url: url.clone(), drop, ..source("two") });
    let three = Arc::new(Source { url, ..source("three") });
    let all = [one, two, three];
    bed.sync(&all).await;
    let asker = bed.poller();
    let ended = asker.poll(&all[..2], false).await;
    assert!(ended.iter().all(|ended| matches!(&ended.result, Ok(polled) if !polled.outcome.is_failure())));
    assert_eq!(bed.asked().len(), 1);
    assert_eq!((bed.stories("one").await, bed.stories("two").await), (2, 1));
    // A third reads what the first two have read: the kept body.
    asker.poll(&all, false).await;
    assert_eq!(bed.asked().iter().map(|asked| asked.etag.as_deref()).collect::<Vec<_>>(), [Some("\"1\"")]);
    assert_eq!(bed.stories("three").await, 2);
    let counts: Vec<_> = [bed.state("one").await, bed.state("two").await, bed.state("three").await]
        .iter()
        .map(|state| (state.requests, state.not_modified))
        .collect();
    assert_eq!(counts, [(2, 1), (0, 0), (0, 0)], "requests are counted once");
    asker.poll(&all, false).await;
    assert!(bed.asked().iter().all(|asked| asked.etag.is_some()));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_the_sources_own_failure() {
    let (bed, source) = one().await;
    let polled = bed.polled(&source, panics).await;
    assert!(polled.outcome.words().contains("defect in riverine"), "{:?}", polled.outcome);
    let state = bed.state("s").await;
    assert_eq!((state.standing, state.consecutive_failures), (Standing::Failing, 1));
    assert!(matches!(bed.polled(&source, || feed(&["a"])).await.outcome, Outcome::Read { .. }));
}

#[tokio::test(start_paused = true)]
async fn what_conditional_requests_saved_is_counted() {
    let (bed, source) = one().await;
    bed.polled(&source, || feed(&["a"]).etag("\"1\"")).await;
    let size = bed.state("s").await.body_bytes;
    bed.polled(&source, unchanged).await;
    bed.polled(&source, || unchanged().by_way_of(None, "https://other.example/")).await;
    let state = bed.state("s").await;
    assert!(size > 100);
    assert_eq!((state.requests, state.not_modified, state.bytes_saved), (4, 2, 2 * size));
}

/// A poll waits for answers most of its time, and there are many.
#[tokio::test(start_paused = true)]
async fn a_poll_that_waits_is_small() {
    let (bed, source) = one().await;
    let (poller, sources) = (bed.poller(), [source]);
    let size = std::mem::size_of_val(&poller.poll(&sources, true));
    assert!(size <= 3000, "{size} bytes");
}
