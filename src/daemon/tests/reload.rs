//! Reloads that come while sources are polled, or pushed to.

use super::faults::subscription;
use super::*;
use crate::poll::tests::bed::{document, status};
use crate::poll::{Delivery, News};

#[tokio::test(start_paused = true)]
async fn a_source_that_is_renamed_while_it_is_polled_is_not_asked_again() {
    let bed = Bed::new(|_| feed(&["a"]).etag("\"1\"").after(60));
    let renamed = |id: &str, was: &str| Source {
        url: source("one").url,
        was: vec![SourceId::new(was)],
        ..every(id, HOUR)
    };
    let daemon = start(&bed, &[every("one", HOUR), every("other", HOUR)]).await;
    bed.pass(20).await;
    daemon.reload(&bed, &[renamed("two", "one"), every("other", HOUR)]).await;
    bed.pass(20).await;
    // And once more; somebody asks for it meanwhile.
    let sources = [renamed("three", "two"), every("other", HOUR)];
    let (reports, ()) = tokio::join!(daemon.by_hand(&["two"]), async {
        bed.pass(1).await;
        daemon.reload(&bed, &sources).await;
    });
    assert_eq!(reports.len(), 1, "the poll under way is the answer");
    assert_eq!(reports[0].source.as_str(), "three");
    bed.pass(30 * MINUTE).await;
    let asked = bed.asked();
    assert_eq!((times(&asked, "one").len(), asked.len()), (1, 2), "{asked:?}");
    let state = bed.state("three").await;
    assert_eq!((bed.stories("three").await, state.requests), (1, 1));
    assert_eq!(state.first_id.as_deref(), Some("one"), "what was noted when it was renamed stays");
    assert!(daemon.outcomes.lock().unwrap().iter().all(|outcome| !outcome.is_failure()));
    bed.pass(HOUR).await;
    let asked = bed.asked();
    assert_eq!(times(&asked, "three").len(), 1, "{asked:?}");
    assert_eq!(asked[0].etag.as_deref(), Some("\"1\""), "what it learnt is remembered");
    daemon.stop().await;
}

/// Renamed in the middle of it, and while something that its hub sent waits for the poll to end.
#[tokio::test(start_paused = true)]
async fn what_a_hub_sent_of_a_source_is_read_though_it_is_renamed_meanwhile() {
    let bed = Bed::new(|asked| feed(&["a"]).after(if asked.at.as_secs() > MINUTE { 20 } else { 0 }));
    let daemon = start(&bed, &[every("one", HOUR)]).await;
    bed.pass(MINUTE).await;
    let known = subscription("one", bed.clock.now());
    bed.store.write(move |store| store.keep_subscription(&known)).await.unwrap();
    bed.pass(HOUR - MINUTE + 5).await;
    let bytes = document("", &["b", "a"]).into_bytes().into();
    let remembered = push(&daemon, "one", News::Document(Delivery { bytes, content_type: None })).await;
    let two = Source { url: source("one").url, was: vec![SourceId::new("one")], ..every("two", HOUR) };
    daemon.reload(&bed, &[two]).await;
    bed.pass(20).await;
    assert_eq!(remembered.await, Ok(true));
    assert_eq!(bed.stories("two").await, 2);
    bed.asked();
    bed.pass(23 * HOUR).await;
    assert_eq!(bed.asked(), [], "its hub brings the news");
    daemon.stop().await;
}

async fn push(daemon: &Running, source: &str, news: News) -> oneshot::Receiver<bool> {
    let (taken, remembered) = oneshot::channel();
    daemon.commands.send(Command::Push(SourceId::new(source), news, taken)).await.ok().unwrap();
    remembered
}

/// Two sources of one address.
fn twins(second: Source) -> [Source; 2] {
    [every("one", 12 * HOUR), Source { url: source("one").url, ..second }]
}

#[tokio::test(start_paused = true)]
async fn a_twin_that_comes_while_its_document_is_asked_for_is_not_put_off_to_the_next_time() {
    let bed = Bed::new(|_| feed(&["a"]).after(60));
    let [one, two] = twins(every("two", 12 * HOUR));
    let daemon = start(&bed, std::slice::from_ref(&one)).await;
    bed.pass(20).await;
    daemon.reload(&bed, &[one, two]).await;
    bed.pass(10 * MINUTE).await;
    assert_eq!(bed.stories("two").await, 1);
    bed.pass(11 * HOUR).await;
    assert_eq!(bed.asked().len(), 2);
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_waited_for_a_delivery_is_made_once() {
    let bed = Bed::new(|asked| match asked.url.as_str() {
        "https://one.example/feed" => feed(&["a"]),
        _ => status(404).after(120),
    });
    let [one, two] = twins(every("two", HOUR));
    let one = Source { full_text: true, schedule: Schedule::Every(Duration::from_hours(1)), ..one };
    let daemon = start(&bed, &[one, two]).await;
    bed.pass(10 * MINUTE).await;
    let known = subscription("one", bed.clock.now());
    bed.store.write(move |store| store.keep_subscription(&known)).await.unwrap();
    bed.pass(49 * MINUTE).await;
    // Its article takes two minutes, and the poll falls due meanwhile.
    let bytes = document("", &["b", "a"]).into_bytes().into();
    push(&daemon, "one", News::Document(Delivery { bytes, content_type: None })).await.await.unwrap();
    bed.pass(MINUTE).await;
    let polls = |asked: Vec<Asked>| asked.iter().filter(|asked| asked.url.ends_with("/feed")).count();
    assert_eq!(polls(bed.asked()), 2);
    bed.pass(10 * MINUTE).await;
    push(&daemon, "two", News::Announced).await.await.unwrap();
    bed.pass(MINUTE).await;
    assert_eq!(polls(bed.asked()), 0, "two has no hub, and its time has not come");
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_clock_was_set_back_a_hold_is_as_long_as_it_was() {
    let mut bed = Bed::new(|asked| match asked.source.as_str() {
        "held" if asked.at.as_secs() < MINUTE => throttled(429, Some(2 * HOUR)),
        _ => feed(&["a"]),
    });
    let at = |id: &str| Source { url: format!("https://h.example/{id}").parse().unwrap(), ..every(id, HOUR) };
    let sources = [at("held"), at("new")];
    let daemon = start(&bed, &sources).await;
    bed.pass(MINUTE).await;
    daemon.stop().await;
    assert_eq!(times(&bed.asked(), "new").len(), 0, "its neighbour was told to wait");
    bed.clock.jump(TimeDelta::days(-365));
    bed.restart();
    let daemon = start(&bed, &sources).await;
    bed.pass(HOUR).await;
    assert_eq!(bed.asked(), []);
    bed.pass(3 * HOUR).await;
    let asked = bed.asked();
    assert!(!times(&asked, "held").is_empty(), "{asked:?}");
    bed.pass(7 * DAY).await;
    let asked = bed.asked();
    assert!(!times(&asked, "new").is_empty(), "no longer than a server may ask to wait");
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_clock_was_set_back_what_a_hub_announces_is_read() {
    let mut bed = Bed::new(|_| feed(&["a"]));
    let sources = [every("told", HOUR)];
    let daemon = start(&bed, &sources).await;
    bed.pass(MINUTE).await;
    daemon.stop().await;
    let known = subscription("told", bed.clock.now());
    bed.store.write(move |store| store.keep_subscription(&known)).await.unwrap();
    bed.clock.jump(TimeDelta::days(-365));
    bed.restart();
    let daemon = start(&bed, &sources).await;
    bed.pass(10).await;
    push(&daemon, "told", News::Announced).await.await.unwrap();
    bed.pass(6 * MINUTE).await;
    assert_eq!(bed.asked().len(), 1);
    daemon.stop().await;
}
