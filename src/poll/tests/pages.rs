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
    bed.polled(&source, || body("what is this?").etag("\"2\"")).await;
    assert!(bed.polled(&source, unchanged).await.outcome.is_failure());
}

/// An empty document is no document: nothing that came with it is kept.
#[tokio::test(start_paused = true)]
async fn an_empty_document_leaves_no_validators_behind() {
    let (bed, source) = one().await;
    let polled = bed.polled(&source, || body(" \n").etag("\"1\"").modified("today")).await;
    assert_eq!(polled.outcome, Outcome::Failed("the document is empty".to_owned()));
    bed.asked();
    // Its tag is not of its bytes: now there is more under the same.
    bed.answer(|asked| if asked.etag.is_some() { unchanged() } else { feed(&["a"]).etag("\"1\"") });
    let polled = bed.poll(&source).await;
    assert_eq!(bed.asked()[0].etag, None);
    assert!(matches!(polled.outcome, Outcome::Read { new: 1, .. }), "{:?}", polled.outcome);
    // What was read is not forgotten for it.
    bed.polled(&source, || body("").etag("\"2\"")).await;
    bed.asked();
    assert_eq!(bed.polled(&source, unchanged).await.outcome, Outcome::NotModified);
    assert_eq!(bed.asked()[0].etag.as_deref(), Some("\"1\""));
}

/// Where the server's tag is of something else than the bytes (the newest article's time, say), a document that was mended
/// would be unchanged for ever.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_and_is_said_to_be_unchanged_is_asked_for_whole_the_next_time() {
    let (bed, source) = one().await;
    bed.polled(&source, || body("Notice: something is wrong").etag("\"1\"")).await;
    bed.asked();
    let mut tags = Vec::new();
    for _ in 0..4 {
        bed.answer(|asked| match asked.etag {
            Some(_) => unchanged(),
            None => body("Notice: something is wrong").etag("\"1\""),
        });
        assert!(bed.poll(&source).await.outcome.is_failure());
        tags.push(bed.asked()[0].etag.is_some());
    }
    assert_eq!(tags, [true, false, true, false]);
    bed.answer(|asked| if asked.etag.is_some() { unchanged() } else { feed(&["a"]).etag("\"1\"") });
    assert!(bed.poll(&source).await.outcome.is_failure());
    assert!(matches!(bed.poll(&source).await.outcome, Outcome::Read { new: 1, .. }));
}

/// The items of a feed: (title, more of the item, text).
type Items = Vec<(String, String, String)>;

fn items(texts: &[&str]) -> Items {
    texts
        .iter()
        .enumerate()
        .map(|(number, text)| (format!("Story {number}"), String::new(), (*text).to_owned()))
        .collect()
}

fn written(items: &Items) -> String {
    let items = items.iter().enumerate().fold(String::new(), |items, (number, (title, more, text))| {
        items
            + &format!(
                "<item><title>{title}</title><guid isPermaLink=\"false\">{number}</guid>{more}\
                 <link>https://s.example/{number}</link><pubDate>Sun, 01 Mar 2026 0{number}:00:00 GMT</pubDate>\
                 <description><![CDATA[<p>{text}</p>]]></description></item>"
            )
    });
    format!(
        "<rss version=\"2.0\" xmlns:a=\"http://www.w3.org/2005/Atom\"><channel><title>t</title>{items}</channel></rss>"
    )
}

/// A source of these items whose pages have articles; which pages a poll of it asks for.
async fn pages_asked_for(bed: &Bed, source: &Arc<Source>, items: &Items) -> Vec<String> {
    let document = written(items);
    bed.answer(move |asked| {
        if asked.url.ends_with("/feed") {
            return body(&document);
        }
        let paragraph = "<p>A family of five beavers has settled at the old mill, twelve years after the last was seen.</p>";
        body(&format!(
            "<!DOCTYPE html><html><head><title>t</title></head><body><article><h1>t</h1>{}</article></body></html>",
            paragraph.repeat(8)
        ))
    });
    let polled = bed.poll(source).await;
    assert!(matches!(polled.outcome, Outcome::Read { .. }), "{:?}", polled.outcome);
    let pages = bed.asked().into_iter().filter_map(|asked| {
        Some(asked.url.strip_prefix("https://s.example/")?.to_owned()).filter(|page| page != "feed")
    });
    pages.collect()
}

async fn with_articles(texts: &[&str]) -> (Bed, Arc<Source>, Items) {
    let (bed, source) = (Bed::new(|_| unreachable!()), articles("s"));
    bed.sync(std::slice::from_ref(&source)).await;
    let items = items(texts);
    assert_eq!(pages_asked_for(&bed, &source, &items).await.len(), texts.len());
    (bed, source, items)
}

#[tokio::test(start_paused = true)]
async fn no_page_is_asked_for_again_because_of_a_counter_or_a_token() {
    let (bed, source, mut news) = with_articles(&["One.", "Two.", "Three.", "Four."]).await;
    for poll in 0..3 {
        for (_, _, text) in &mut news {
            *text = format!("A teaser. {poll} comments");
        }
        assert_eq!(pages_asked_for(&bed, &source, &news).await, Vec::<String>::new());
        let warnings = bed.state("s").await.warnings;
        assert!(warnings[0].contains("4 known entries differ at once"), "{warnings:?}");
    }
    // What no reader sees is nothing at all, and of one alone neither.
    let (bed, source, mut news) = with_articles(&["One.", "Two.", "Three.", "Four."]).await;
    for poll in 0..2 {
        news[1].2 = format!("Two.<img src=\"https://t.example/{poll}.gif\" width=300 height=200>");
        assert_eq!(pages_asked_for(&bed, &source, &news).await, Vec::<String>::new());
        assert_eq!(bed.state("s").await.warnings, Vec::<String>::new());
    }
    // Some put the time of the request on everything.
    for (poll, hour) in [10, 11].iter().enumerate() {
        for (_, more, _) in &mut news {
            *more = format!("<a:updated>2026-03-01T{hour}:00:00Z</a:updated>");
        }
        assert_eq!(pages_asked_for(&bed, &source, &news).await, Vec::<String>::new(), "{poll}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_page_of_an_entry_that_was_corrected_is_asked_for_again() {
    let (bed, source, mut news) = with_articles(&["One.", "Two.", "Three.", "Four."]).await;
    let article = async |bed: &Bed| {
        let search = crate::store::Search { limit: 10, ..crate::store::Search::default() };
        let now = bed.now();
        let found = bed.store.read(move |store| store.search(&search, now)).await.unwrap();
        found
            .iter()
            .filter(|found| found.entry.content.as_ref().is_some_and(|text| text.contains("beavers")))
            .count()
    };
    assert_eq!(article(&bed).await, 4);
    news[1].2 = "Two, and more of it.".to_owned();
    assert_eq!(pages_asked_for(&bed, &source, &news).await, ["1"]);
    news[2].0 = "Another title".to_owned();
    assert_eq!(pages_asked_for(&bed, &source, &news).await, ["2"]);
    news[3].1 = "<a:updated>2026-03-01T11:00:00Z</a:updated>".to_owned();
    assert_eq!(
        pages_asked_for(&bed, &source, &news).await,
        ["3"],
        "its words are the same, its page may not be"
    );
    assert_eq!(article(&bed).await, 4);
    // Other rules are no news of its page.
    let drop = Filter { title: vec![regex::Regex::new("^Story 9$").unwrap()], ..Filter::default() };
    let stricter = Arc::new(Source { drop, ..(*source).clone() });
    news[0].2 = "One, corrected.".to_owned();
    assert_eq!(pages_asked_for(&bed, &stricter, &news).await, ["0"]);
    assert_eq!(article(&bed).await, 4);
}

#[tokio::test(start_paused = true)]
async fn no_page_is_asked_for_whose_article_nobody_would_read() {
    let (bed, drop) = (Bed::new(|_| unreachable!()), vec![regex::Regex::new("^Story 1$").unwrap()]);
    let drop = Filter { title: drop, ..Filter::default() };
    let source = Arc::new(Source { drop, ..(*articles("s")).clone() });
    let twin =
        Arc::new(Source { url: "https://s.example/other/feed".parse().unwrap(), ..(*articles("t")).clone() });
    bed.sync(&[source.clone(), twin.clone()]).await;
    let news = items(&["One.", "Two.", "Three."]);
    assert_eq!(pages_asked_for(&bed, &source, &news).await, ["0", "2"], "one is dropped");
    let asked = pages_asked_for(&bed, &twin, &news).await;
    assert_eq!(asked, ["other/feed", "1"], "two are stories that the first source told");
    // Articles are wanted all of a sudden.
    let (bed, plain) = (Bed::new(|_| unreachable!()), Arc::new(super::source("s")));
    bed.sync(std::slice::from_ref(&plain)).await;
    assert_eq!(pages_asked_for(&bed, &plain, &news).await, Vec::<String>::new());
    assert_eq!(pages_asked_for(&bed, &articles("s"), &news).await, ["0", "1", "2"]);
}
