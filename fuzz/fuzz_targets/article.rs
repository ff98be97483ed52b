//! What is read beside documents: the article of a page, the feeds a page names, lists of subscriptions.

#![no_main]

use libfuzzer_sys::fuzz_target;
use riverine::html;
use riverine::parse;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let Ok(page) = Url::parse("https://base.example/news/1") else { return };
    if let Ok(article) = parse::article(bytes, Some("text/html; charset=utf-8"), &page) {
        let clean = html::sanitize(&article, Some(&page));
        assert_eq!(html::sanitize(&clean, Some(&page)), clean);
    }
    let near = parse::discover(bytes, None, &page);
    for feed in near.said.into_iter().chain(near.guessed) {
        assert!(matches!(feed.scheme(), "http" | "https"), "{feed}");
    }
    let _ = parse::opml::read(bytes);
});
