//! `full_text`: the article of an entry's own page, politely; where there is none, the feed's text.

use serde_json::Value;

use crate::app::{App, rss};
use crate::origin::{Origin, Reply};

const RSS: &str = "application/rss+xml";

fn page(text: &str) -> Reply {
    let paragraphs = format!("<p>{text}</p>").repeat(8);
    Reply::ok(
        "text/html; charset=utf-8",
        format!(
            "<!DOCTYPE html><html><head><title>Beavers return</title></head><body><nav><ul><li><a href='/'>Home</a></li>\
             <li><a href='/about'>About</a></li></ul></nav><article><h1>Beavers return</h1>{paragraphs}\
             <script>track()</script><p>See <a href='map'>the map</a>.</p></article><footer>Imprint</footer></body></html>"
        ),
    )
}

#[test]
fn the_article_takes_the_place_of_the_teaser_and_is_fetched_once() {
    let origin = Origin::start();
    let feed = rss(
        "One",
        &[
            ("1", "Beavers return", "Mon, 16 Nov 2026 08:00:00 GMT", "A teaser."),
            ("2", "No page", "Mon, 16 Nov 2026 07:00:00 GMT", "All there is."),
        ],
    );
    origin.on("/one", Reply::ok(RSS, feed.replace("https://origin.example/", &origin.url("/"))));
    let long = "A family of five beavers has settled at the old mill, twelve years after the last was seen, and the \
                council, which had not been asked, is said to be pleased, surprised and a little worried.";
    origin.on("/1", page(long));
    let app =
        App::new(&format!("[[source]]\nid = \"one\"\nurl = \"{}\"\nfull_text = true\n", origin.url("/one")));
    let daemon = app.serve();
    let status = app.until("one", |status| status["last_poll"] != Value::Null);
    let feed = daemon.json("/feeds/all.json");
    let content = |index: usize| feed["items"][index]["content_html"].as_str().unwrap();
    assert!(content(0).contains("twelve years after"), "{feed:#}");
    assert!(content(0).contains(&format!("href=\"{}\"", origin.url("/map"))), "{feed:#}");
    for part in ["track()", "Home", "Imprint"] {
        assert!(!content(0).contains(part), "{feed:#}");
    }
    assert_eq!(feed["items"][0]["summary"], "A teaser.");
    assert!(content(1).contains("All there is."), "{feed:#}");
    let warnings = status["warnings"].to_string();
    assert!(warnings.contains("1 of 2 pages gave no article") && warnings.contains("404"), "{warnings}");

    let before = status["last_poll"].clone();
    app.advance(chrono::TimeDelta::hours(13));
    app.until("one", |status| status["last_poll"] != before);
    assert_eq!(origin.asked("/one").len(), 2);
    assert_eq!((origin.asked("/1").len(), origin.asked("/2").len()), (1, 1));
}
