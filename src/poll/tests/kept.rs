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
