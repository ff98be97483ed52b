//! What stands between a source's words and every document: names that can be read, addresses that can be followed.

use std::fmt::Write;

use crate::app::{App, source};
use crate::origin::{Origin, Reply};

fn feed(items: &str) -> Reply {
    let head = "<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><title>F</title>\
                <link>http://e.example/</link><description>d</description>";
    Reply::ok("application/rss+xml; charset=utf-8", format!("{head}{items}</channel></rss>"))
}

const UNSEEN: [&str; 8] = [
    "\u{200B}",
    "\u{AD}\u{AD}",
    "\u{2060}",
    "\u{FEFF}",
    "\u{301}",
    "\u{A0}",
    "\u{202E}\u{202C}",
    " \u{200B} ",
];

#[test]
fn signs_that_nobody_sees_are_no_name() {
    let origin = Origin::start();
    let mut items = String::new();
    for (n, sign) in UNSEEN.iter().enumerate() {
        write!(
            items,
            "<item><title>{sign}</title><link>http://e.example/{n}</link><dc:creator>{sign}</dc:creator>\
             <category>{sign}</category><category>c{n}</category><description>Text number {n}.</description></item>"
        )
        .unwrap();
    }
    origin.on("/a", feed(&items));
    let app = App::new(&source("a", &origin, &format!("name = \"{}\"", "\u{200B}")));
    let daemon = app.serve();
    app.polled(&["a"]);
    let all = daemon.json("/feeds/all.json");
    for item in all["items"].as_array().unwrap() {
        let n = item["url"].as_str().unwrap().replace("http://e.example/", "");
        assert_eq!(item["title"], format!("Text number {n}."), "{item}");
        assert_eq!(item["tags"], serde_json::json!([format!("c{n}")]), "{item}");
        assert!(item["authors"].as_array().is_none_or(Vec::is_empty), "{item}");
    }
    for path in ["/feeds/all.atom", "/feeds/all.rss", "/", "/sources"] {
        let answer = daemon.get(path);
        for sign in ["\u{200B}", "\u{AD}", "\u{2060}", "\u{301}", "\u{202E}"] {
            assert!(!answer.text().contains(sign), "{path} has {sign:?}");
        }
    }
}

#[test]
fn addresses_go_out_as_the_standard_writes_them() {
    let origin = Origin::start();
    let items = "<item><title>one</title><link>http://e.example/%E9%zz%?a=%4#x%#y#z</link>\
                 <enclosure url=\"http://e.example/100%.mp3\" type=\"audio/mpeg\" length=\"1\"/></item>";
    origin.on("/a", feed(items));
    let app = App::new(&source("a", &origin, ""));
    let daemon = app.serve();
    app.polled(&["a"]);
    for form in ["atom", "rss", "json"] {
        let answer = daemon.get(&format!("/feeds/all.{form}"));
        for address in ["http://e.example/%E9%25zz%25?a=%254#x%25%23y%23z", "http://e.example/100%25.mp3"] {
            assert!(answer.text().contains(address), "{address}: {}", answer.text());
        }
    }
}
