//! What is asked for beside a document: pages and articles; and documents that are bad copies.

use tokio::sync::Semaphore;

use super::*;

fn articles(id: &str) -> Arc<Source> {
    Arc::new(Source { full_text: true, ..source(id) })
}

/// Who waited for a place among the large bodies while others waited for his would keep all of them waiting.
#[tokio::test(start_paused = true)]
async fn whoever_asks_for_more_has_no_place_among_the_large_bodies() {
    let places = Arc::new(Semaphore::new(1));
    let seen = Arc::<Mutex<Vec<usize>>>::default();
    let (given, told) = (places.clone(), seen.clone());
    let bed = Bed::new(move |asked| {
        if asked.url.ends_with("/a") {
            told.lock().unwrap().push(given.available_permits());
            return status(404);
        }
        feed(&["a"]).at(given.clone().try_acquire_owned().ok())
    });
    let source = articles("s");
    bed.sync(std::slice::from_ref(&source)).await;
    let polled = bed.poll(&source).await;
    assert!(!polled.outcome.is_failure(), "{:?}", polled.outcome);
    assert_eq!(*seen.lock().unwrap(), [1], "its place is free while an article is asked for");
    let kept = bed.store.read(|store| store.body(&SourceId::new("s"))).await.unwrap();
    assert!(kept.is_some(), "and its body is kept all the same");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_refuses_an_article_is_asked_for_no_other() {
    let titles = ["a", "b", "c", "d"];
    let bed = Bed::new(move |asked| match asked.url.as_str() {
        "https://s.example/feed" => feed(&titles),
        _ => throttled(429, None),
    });
    let source = articles("s");
    bed.sync(std::slice::from_ref(&source)).await;
    let polled = bed.poll(&source).await;
    assert!(matches!(polled.outcome, Outcome::Read { new: 4, .. }), "{:?}", polled.outcome);
    assert_eq!(bed.asked().len(), 2, "the document, and one article");
}

#[tokio::test(start_paused = true)]
async fn articles_that_nobody_answers_for_are_not_all_waited_for() {
    let titles = ["a", "b", "c", "d", "e", "f"];
    let bed = Bed::new(move |asked| match asked.url.as_str() {
        "https://s.example/feed" => feed(&titles),
        url if url.ends_with("/b") => status(404),
        _ => broken("took longer than its timeout").after(30),
    });
    let source = articles("s");
    bed.sync(std::slice::from_ref(&source)).await;
    let polled = bed.poll(&source).await;
    assert!(matches!(polled.outcome, Outcome::Read { new: 6, .. }), "{:?}", polled.outcome);
    assert_eq!(bed.asked().len(), 6, "the document, a, b, and three after b");
    let words = polled.state.warnings.join(", ");
    assert!(words.contains("3 pages in a row were not answered; 1 entries keep"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn a_bad_copy_of_a_document_that_was_read_makes_nothing_of_the_next_304() {
    let (bed, source) = one().await;
    bed.polled(&source, || feed(&["a"]).etag("\"1\"")).await;
    let polled = bed.polled(&source, || body("").etag("\"1\"")).await;
    assert!(polled.outcome.is_failure());
    bed.asked();
    let polled = bed.polled(&source, unchanged).await;
    assert_eq!(bed.asked()[0].etag.as_deref(), Some("\"1\""));
    assert_eq!((polled.outcome, polled.state.last_error), (Outcome::NotModified, None));
    // What has a tag of its own is no copy.
    bed.polled(&source, || body("").etag("\"2\"")).await;
    assert!(bed.polled(&source, unchanged).await.outcome.is_failure());
}
