//! The last body of a source: what is kept of it, and what is not.

use super::*;
use crate::store::KeptBody;

async fn kept(bed: &Bed) -> Option<KeptBody> {
    bed.store.read(|store| store.body(&SourceId::new("s"))).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_on_what_is_stored() {
    let (bed, source) = one().await;
    let long = || document(&format!("<description>{}</description>", "a ".repeat(1 << 16)), &["a"]);
    let mut poller = bed.poller();
    poller.keep_bodies = 1 << 10;
    bed.answer(move |_| body(&long()));
    poller.poll(std::slice::from_ref(&source), false).await;
    let stored = kept(&bed).await.unwrap();
    assert!(stored.packed.len() <= 1 << 10, "{}", stored.packed.len());
    assert_eq!(stored.unpack().unwrap(), long().into_bytes());
    // Letters in no order do not pack: this one stays out, and takes the older one with it.
    let noise: String = (0..128u8).map(|n| format!("{:?}", Digest::of("noise", &[&[n]]))).collect();
    bed.answer(move |_| body(&document(&format!("<description>{noise}</description>"), &["a", "b"])));
    poller.poll(std::slice::from_ref(&source), false).await;
    assert!(kept(&bed).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_delta_stands_for_no_document() {
    let (bed, source) = one().await;
    bed.polled(&source, || feed(&["a", "b"]).etag("\"1\"")).await;
    assert!(kept(&bed).await.is_some());
    bed.polled(&source, || feed(&["c"]).etag("\"2\"").delta()).await;
    assert!(kept(&bed).await.is_none());
    // So under other rules the whole is asked for.
    let french = Arc::new(Source { language: Some("fr".to_owned()), ..(*source).clone() });
    bed.asked();
    bed.polled(&french, || feed(&["a", "b", "c"]).etag("\"2\"")).await;
    assert_eq!(bed.asked()[0].etag, None);
}

#[tokio::test(start_paused = true)]
async fn what_the_answer_said_of_its_language_is_kept_with_it() {
    let (bed, source) = one().await;
    bed.polled(&source, || feed(&["a"]).etag("\"1\"").language("fi")).await;
    let language = async || bed.state("s").await.feed.unwrap().language;
    assert_eq!(language().await.as_deref(), Some("fi"));
    let drop = Filter { title: vec![regex::Regex::new("^c$").unwrap()], ..Filter::default() };
    let stricter = Arc::new(Source { drop, ..(*source).clone() });
    let polled = bed.polled(&stricter, unchanged).await;
    assert!(matches!(polled.outcome, Outcome::Read { .. }), "{:?}", polled.outcome);
    assert_eq!(language().await.as_deref(), Some("fi"));
}

#[tokio::test(start_paused = true)]
async fn what_an_older_version_read_is_read_again_before_what_is_new() {
    let item = |n: u32, title: &str| {
        format!(
            "<item><guid>{n}</guid><title>{title}</title><pubDate>Sun, 01 Mar 2026 11:0{n}:00 GMT</pubDate></item>"
        )
    };
    let document = |second: &str| {
        let items = item(1, "The bridge is closed") + &item(2, second);
        format!(
            "<rss version=\"2.0\"><channel><title>t</title><language>en</language>{items}</channel></rss>"
        )
    };
    let (bed, source) = one().await;
    let (old, new) = (document("The ferry is late"), document("The ferry is on time"));
    bed.polled(&source, move || body(&old)).await;
    let stories = async || {
        let search = crate::store::Search { limit: 10, ..Default::default() };
        let now = bed.now();
        bed.store.read(move |store| store.search(&search, now)).await.unwrap()
    };
    let before = stories().await;
    bed.read_by_an_older_version();
    bed.clock.sleep(Duration::from_hours(1)).await;
    let told = bed.now();
    let polled = bed.polled(&source, move || body(&new)).await;
    // The correction is told; what only we read otherwise is not.
    let after = stories().await;
    assert_eq!((after[0].id, after[0].updated), (before[0].id, told));
    assert_eq!(after[1], crate::model::Published { modified: told, ..before[1].clone() });
    assert_eq!(polled.committed.changed.len(), 3, "one twice, in two commits");
    assert_eq!(polled.state.reading, normalize::READING);
    // The same by a 304: there is nothing left to read.
    let (bed, source) = one().await;
    bed.polled(&source, || feed(&["a", "b"]).etag("\"1\"")).await;
    bed.read_by_an_older_version();
    // (With our reading the rules in force change.)
    let drop = Filter { title: vec![regex::Regex::new("^c$").unwrap()], ..Filter::default() };
    let polled = bed.polled(&Arc::new(Source { drop, ..(*source).clone() }), unchanged).await;
    assert_eq!((polled.outcome, polled.committed.changed.len()), (Outcome::NotModified, 2));
}
