//! A feed reader that is not ours, subscribed: newsboat, with a configuration and a cache of its own.

use std::fs;
use std::process::Command;

use crate::app::{App, Daemon, rss, source, tool};
use crate::origin::{Origin, Reply};

const RSS: &str = "application/rss+xml";
const FORMS: [&str; 2] = ["atom", "rss"];

/// An entry in newsboat's cache: guid, title, link, date, has text.
type Seen = (String, String, String, i64, bool);

/// Lets newsboat fetch the river in one format, and reads what it has afterwards, newest first.
fn reload(app: &App, daemon: &Daemon, form: &str) -> Vec<Seen> {
    // A cache for each format: newsboat knows a guid once, whatever feed it comes from.
    let home = app.path(&format!("newsboat-{form}"));
    fs::create_dir_all(&home).unwrap();
    let file = |name: &str| home.join(name);
    fs::write(file("urls"), format!("http://{}/feeds/all.{form}\n", daemon.address)).unwrap();
    fs::write(file("config"), "").unwrap();
    let output = Command::new("newsboat")
        .env("HOME", &home)
        .env("LANG", "C.UTF-8")
        .args(["-x", "reload"])
        .arg("-u")
        .arg(file("urls"))
        .arg("-C")
        .arg(file("config"))
        .arg("-c")
        .arg(file("cache.db"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let cache = rusqlite::Connection::open(file("cache.db")).unwrap();
    let columns = "guid, title, url, pubDate, length(content) > 0";
    let mut query = cache.prepare(&format!("SELECT {columns} FROM rss_item ORDER BY pubDate DESC")).unwrap();
    let rows = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_reader_sees_each_entry_once_and_nothing_new_after_a_restart() {
    if !tool("newsboat") {
        return;
    }
    let origin = Origin::start();
    let both = ("1", "Beavers return", "Mon, 16 Nov 2026 08:00:00 GMT", "A family &amp;amp; friends.");
    let undated = ("3", "Some time ago", "", "No date at all.");
    origin.on("/one", Reply::ok(RSS, rss("One", &[both, undated])).etag("\"1\""));
    let ferry = ("2", "Ferry &amp;amp; night line", "Mon, 16 Nov 2026 10:00:00 GMT", "Also at night.");
    let mut elsewhere = both;
    elsewhere.0 = "other";
    origin.on("/two", Reply::ok(RSS, rss("Two", &[ferry, elsewhere])).etag("\"1\""));
    let app = App::new(&(source("one", &origin, "") + &source("two", &origin, "")));
    // The port stays over a restart, or it would be another feed to the reader.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = fs::read_to_string(app.config()).unwrap();
    app.write("riverine.toml", &config.replacen("127.0.0.1:0", &format!("127.0.0.1:{port}"), 1));

    let daemon = app.serve();
    app.polled(&["one", "two"]);
    let before = FORMS.map(|form| reload(&app, &daemon, form));
    for (form, seen) in FORMS.iter().zip(&before) {
        let titles: Vec<&str> = seen.iter().map(|(_, title, ..)| title.as_str()).collect();
        assert_eq!(titles, ["Some time ago", "Ferry & night line", "Beavers return"], "{form}");
        for (guid, title, link, date, text) in seen {
            assert!(guid.starts_with("urn:uuid:"), "{form}: {guid}");
            assert!(link.starts_with("https://origin.example/"), "{form}: {title}: {link}");
            assert!(*date > 0 && *text, "{form}: {title}");
        }
    }

    assert_eq!(daemon.stop(), 0);
    let daemon = app.serve();
    assert_eq!(FORMS.map(|form| reload(&app, &daemon, form)), before, "after a restart");

    let mut edited = both;
    edited.3 = "A family of six.";
    origin.on("/one", Reply::ok(RSS, rss("One", &[edited, undated])).etag("\"2\""));
    app.poll_again("one");
    for (form, before) in FORMS.iter().zip(&before) {
        assert_eq!(&reload(&app, &daemon, form), before, "{form}: an edited entry is no new one");
    }
}
