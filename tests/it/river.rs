//! The main job: what a source publishes comes out in every format, once, and stays.

use serde_json::Value;

use crate::app::{App, Daemon, eventually, rss, source};
use crate::origin::{Origin, Reply};

const RSS: &str = "application/rss+xml";
const BEAVERS: (&str, &str, &str, &str) =
    ("1", "Beavers return", "Mon, 16 Nov 2026 08:00:00 GMT", "A family of five.");
const FERRY: (&str, &str, &str, &str) =
    ("2", "Ferry line extended", "Mon, 16 Nov 2026 10:00:00 GMT", "Also at night.");

/// A daemon with one source, polled once.
fn one(origin: &Origin) -> (App, Daemon) {
    let app = App::new(&source("one", origin, ""));
    let daemon = app.serve();
    app.until("one", |status| status["last_poll"] != Value::Null);
    (app, daemon)
}

fn item<'a>(feed: &'a Value, title: &str) -> &'a Value {
    let items = feed["items"].as_array().unwrap();
    items.iter().find(|item| item["title"] == title).unwrap_or_else(|| panic!("no {title:?} in {feed:#}"))
}

#[test]
fn the_first_poll_publishes_newest_first() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS, FERRY])));
    let (app, daemon) = one(&origin);
    assert_eq!(daemon.titles("all"), ["Ferry line extended", "Beavers return"]);
    let status = app.status("one");
    assert_eq!(status["state"], "ok");
    assert_eq!(status["entries"], 2);
    assert_eq!(status["name"], "One");
    let feed = daemon.json("/feeds/all.json");
    let beavers = item(&feed, "Beavers return");
    assert_eq!(beavers["url"], "https://origin.example/1");
    assert_eq!(beavers["date_published"], "2026-11-16T08:00:00Z");
    assert_eq!(beavers["language"], "en");
    assert!(beavers["content_html"].as_str().unwrap().contains("A family of five."), "{beavers}");
    assert!(beavers["id"].as_str().unwrap().starts_with("urn:uuid:"), "{beavers}");
}

#[test]
fn nobody_is_asked_early_and_nothing_is_sent_twice() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS])).etag("W/\"first, \\odd\""));
    let (app, daemon) = one(&origin);
    let first = daemon.get("/feeds/all.atom");
    let asked = origin.asked("/one");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("if-none-match"), None);
    app.advance(chrono::TimeDelta::minutes(9));
    let status = app.poll_again("one");
    assert_eq!(status["not_modified"], 1);
    assert_eq!(status["state"], "ok");
    let asked = origin.asked("/one");
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].header("if-none-match"), Some("W/\"first, \\odd\""), "byte for byte");
    assert_eq!(daemon.get("/feeds/all.atom").body, first.body, "byte for byte");
}

#[test]
fn a_changed_entry_is_changed_and_a_new_one_comes_first() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS])).etag("\"1\""));
    let (app, daemon) = one(&origin);
    let before = daemon.json("/feeds/all.json");
    let edited = ("1", "Beavers return at last", "Mon, 16 Nov 2026 08:00:00 GMT", "A family of six.");
    origin.on("/one", Reply::ok(RSS, rss("One", &[FERRY, edited])).etag("\"2\""));
    app.poll_again("one");
    assert_eq!(daemon.titles("all"), ["Ferry line extended", "Beavers return at last"]);
    let after = daemon.json("/feeds/all.json");
    let (old, new) = (item(&before, "Beavers return"), item(&after, "Beavers return at last"));
    assert_eq!(old["id"], new["id"], "an edited entry is the same entry");
    assert_eq!(old["date_published"], new["date_published"]);
    assert!(new["content_html"].as_str().unwrap().contains("A family of six."), "{new}");
    // What the source no longer lists stays.
    origin.on("/one", Reply::ok(RSS, rss("One", &[FERRY])).etag("\"3\""));
    app.poll_again("one");
    assert_eq!(daemon.titles("all").len(), 2);
}

#[test]
fn an_entry_without_a_date_gets_the_time_it_was_first_seen_and_keeps_it() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[("1", "Some time ago", "", "Text.")])));
    let (app, daemon) = one(&origin);
    let first = daemon.json("/feeds/all.json");
    assert_eq!(item(&first, "Some time ago")["date_published"], "2026-11-16T12:00:00Z");
    origin.on("/one", Reply::ok(RSS, rss("One", &[FERRY, ("1", "Some time ago", "", "Other text.")])));
    app.poll_again("one");
    let second = daemon.json("/feeds/all.json");
    assert_eq!(item(&second, "Some time ago")["date_published"], "2026-11-16T12:00:00Z");
    assert_eq!(item(&second, "Some time ago")["id"], item(&first, "Some time ago")["id"]);
}

#[test]
fn a_restart_polls_nothing_early_and_changes_no_byte() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS, FERRY])).etag("\"1\""));
    let (app, daemon) = one(&origin);
    let paths = ["/feeds/all.atom", "/feeds/all.rss", "/feeds/all.json", "/sources/one.atom"];
    let documents: Vec<_> = paths.iter().map(|path| daemon.get(path)).collect();
    assert_eq!(daemon.stop(), 0);
    app.advance(chrono::TimeDelta::minutes(5));
    let daemon = app.serve();
    for (path, before) in paths.iter().zip(documents) {
        let after = daemon.get(path);
        assert_eq!(after.status, 200, "{path}");
        assert_eq!(after.text(), before.text(), "{path}");
        for name in ["etag", "last-modified", "content-type"] {
            assert!(!after.header(name).is_empty(), "{path}: {name}");
            assert_eq!(after.header(name), before.header(name), "{path}: {name}");
        }
    }
    assert_eq!(origin.asked("/one").len(), 1, "not due yet");
    // To the second: the clock stands between two.
    app.advance(chrono::TimeDelta::seconds(301));
    app.until("one", |status| status["not_modified"] == 1);
    assert_eq!(origin.asked("/one")[1].header("if-none-match"), Some("\"1\""), "validators are kept");
}

#[test]
fn what_became_due_while_down_is_asked_once() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS])).etag("\"1\""));
    let (app, daemon) = one(&origin);
    assert_eq!(daemon.stop(), 0);
    app.advance(chrono::TimeDelta::days(3));
    let _daemon = app.serve();
    app.until("one", |status| status["not_modified"] == 1);
    assert_eq!(origin.asked("/one").len(), 2);
}

#[test]
fn a_failing_source_keeps_its_entries_and_delays_nobody() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS])));
    origin.on("/two", Reply::ok(RSS, rss("Two", &[FERRY])));
    let app = App::new(&(source("one", &origin, "") + &source("two", &origin, "")));
    let daemon = app.serve();
    app.polled(&["one", "two"]);
    origin.on("/one", Reply::status("500 Internal Server Error"));
    let edited = ("2", "Ferry line cut", "Mon, 16 Nov 2026 10:00:00 GMT", "For good.");
    origin.on("/two", Reply::ok(RSS, rss("Two", &[edited])));
    let status = app.poll_again("one");
    assert_eq!(status["state"], "failing");
    assert_eq!(status["http_status"], 500);
    assert_eq!(status["consecutive_failures"], 1);
    assert!(status["last_error"].as_str().unwrap().contains("500"), "{status}");
    eventually("the other source's news", || {
        (daemon.titles("all") == ["Ferry line cut", "Beavers return"]).then_some(())
    });
    // And it recovers by itself.
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS])));
    app.advance(chrono::TimeDelta::hours(6));
    let status = app.until("one", |status| status["state"] == "ok");
    assert_eq!(status["consecutive_failures"], 0);
    assert_eq!(status["last_error"], Value::Null);
    assert_eq!(daemon.titles("all").len(), 2);
}

#[test]
fn a_broken_document_keeps_what_could_be_read_and_says_so() {
    let origin = Origin::start();
    let whole = rss("One", &[BEAVERS, FERRY]);
    let cut = &whole[..whole.find("Also at night").unwrap()];
    origin.on("/one", Reply::ok(RSS, cut));
    let (app, daemon) = one(&origin);
    assert_eq!(daemon.titles("all"), ["Beavers return"]);
    let status = app.status("one");
    assert_eq!(status["state"], "ok");
    assert!(!status["warnings"].as_array().unwrap().is_empty(), "{status}");
}

#[test]
fn a_login_page_is_no_feed_and_takes_nothing_away() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS])));
    let app = App::new(&source("one", &origin, "kind = \"feed\""));
    let daemon = app.serve();
    app.until("one", |status| status["entries"] == 1);
    origin.on("/one", Reply::ok("text/html", "<!doctype html><title>Sign in</title><form><input></form>"));
    let status = app.poll_again("one");
    assert_eq!(status["state"], "failing");
    assert!(status["last_error"].is_string(), "{status}");
    assert_eq!(daemon.titles("all"), ["Beavers return"]);
}

#[test]
fn sigusr1_polls_everything_now() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS])).etag("\"1\""));
    let (app, daemon) = one(&origin);
    daemon.signal("-USR1");
    app.until("one", |status| status["requests"] == 2);
    assert_eq!(origin.asked("/one").len(), 2);
}

#[test]
fn included_files_bring_sources_and_feeds() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS])));
    origin.on("/two", Reply::ok(RSS, rss("Two", &[FERRY])));
    let app = App::new("");
    let more = source("two", &origin, "groups = [\"g\"]") + "[[feed]]\nid = \"some\"\ngroups = [\"g\"]\n";
    app.write("sources.d/two.toml", &more);
    app.configure_under("include = [\"sources.d/*.toml\"]\n", &source("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one", "two"]);
    assert_eq!(daemon.titles("all").len(), 2);
    assert_eq!(daemon.titles("some"), ["Ferry line extended"]);
}

#[test]
fn keep_and_drop_choose_and_drop_wins() {
    let origin = Origin::start();
    let sponsored = ("3", "Sponsored: ferry tickets", "Mon, 16 Nov 2026 11:00:00 GMT", "Buy.");
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS, FERRY, sponsored])));
    let filters = "keep = { title = [\"(?i)ferry\"] }\ndrop = { title = [\"^Sponsored\"] }";
    let app = App::new(&source("one", &origin, filters));
    let daemon = app.serve();
    app.until("one", |status| status["last_success"] != Value::Null);
    assert_eq!(daemon.titles("all"), ["Ferry line extended"]);
}

#[test]
fn a_plain_text_led_by_timestamps_is_a_source() {
    let origin = Origin::start();
    let text = "River station\n\n  • 2026-11-14 15:41:29.0\n    Ice watch begins\n\n    The first frost was \
                measured.\n\n  • 2026-11-10 11:45:00.0\n    La station change d’heure\n\n    À six heures.\n";
    origin.on("/one", Reply::ok("text/plain; charset=utf-8", text));
    let app = App::new(&source("one", &origin, "timezone = \"Europe/Vienna\""));
    let daemon = app.serve();
    app.until("one", |status| status["last_poll"] != Value::Null);
    assert_eq!(
        daemon.titles("all"),
        ["Ice watch begins", "La station change d’heure"],
        "{}",
        app.status("one")
    );
    let feed = daemon.json("/feeds/all.json");
    let ice = item(&feed, "Ice watch begins");
    assert_eq!(ice["date_published"], "2026-11-14T14:41:29Z", "an hour west of Vienna");
    assert_eq!(item(&feed, "La station change d’heure")["language"], "fr");
    // Without a link of its own, an entry is a page here.
    let uuid = ice["id"].as_str().unwrap().strip_prefix("urn:uuid:").unwrap();
    let page = daemon.get(&format!("/entries/{uuid}"));
    assert_eq!(page.status, 200);
    assert!(page.text().contains("The first frost was measured."), "{}", page.text());
}

#[test]
fn a_page_is_a_source_with_selectors_and_without() {
    let page = "<!doctype html><html lang=\"en\"><head><title>Council</title></head><body><ul class=\"notices\">\
        <li><time datetime=\"2026-11-16T08:30:00Z\">16 November</time> <h3><a href=\"/n/88\">Ferry licence granted</a></h3>\
        <p>The council has granted it.</p></li>\
        <li><time datetime=\"2026-11-11T09:00:00Z\">11 November</time> <h3><a href=\"/n/87\">Towpath closed</a></h3>\
        <p>Between the weir and the boathouse.</p></li>\
        <li><time datetime=\"2026-11-09T14:00:00Z\">9 November</time> <h3><a href=\"/n/86\">Hearing on the flood wall</a></h3>\
        <p>Town hall, large room.</p></li></ul></body></html>";
    for selectors in ["[source.page]\nitem = \"ul.notices > li\"\ntitle = \"h3\"\n", ""] {
        let origin = Origin::start();
        origin.on("/one", Reply::ok("text/html; charset=utf-8", page));
        let app = App::new(&source("one", &origin, selectors));
        let daemon = app.serve();
        app.until("one", |status| status["last_poll"] != Value::Null);
        let expected = ["Ferry licence granted", "Towpath closed", "Hearing on the flood wall"];
        assert_eq!(daemon.titles("all"), expected, "{selectors:?} {}", app.status("one"));
        let feed = daemon.json("/sources/one.json");
        let towpath = item(&feed, "Towpath closed");
        assert_eq!(towpath["url"], origin.url("/n/87"));
        assert_eq!(towpath["date_published"], "2026-11-11T09:00:00Z");
    }
}

#[test]
fn a_feed_that_answers_with_a_page_keeps_its_entries_and_takes_none_of_the_page() {
    let page = "<!doctype html><html lang=\"en\"><title>Sorry</title><h1>We will be back</h1><ul>\
        <li><a href=\"/s/1\">Our services are down for maintenance today</a> 16 Nov 2026</li>\
        <li><a href=\"/s/2\">Follow us on our other channels meanwhile</a> 15 Nov 2026</li>\
        <li><a href=\"/s/3\">Read about the planned maintenance windows</a> 14 Nov 2026</li></ul></html>";
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[BEAVERS, FERRY])));
    origin.on("/news", Reply::ok("text/html", page));
    let (app, daemon) = one(&origin);
    origin.on("/one", Reply::ok("text/html", page));
    let status = app.poll_again("one");
    assert_eq!(status["state"], "failing");
    assert!(status["last_error"].as_str().unwrap().contains("was a feed"), "{status}");
    assert_eq!(daemon.titles("all"), ["Ferry line extended", "Beavers return"]);
    // Another address may well be a page.
    app.configure(&source("one", &origin, "").replace("/one", "/news"));
    daemon.signal("-HUP");
    eventually("the new config", || daemon.log().contains("new config is in force").then_some(()));
    let status = app.poll_again("one");
    assert_eq!(status["state"], "ok", "{status}");
    assert_eq!(status["entries"], 5);
}

#[test]
fn what_is_gone_is_not_polled_next_at_the_end_of_time() {
    let origin = Origin::start();
    origin.on("/one", Reply::status("410 Gone"));
    let (app, daemon) = one(&origin);
    let status = app.status("one");
    assert_eq!(status["state"], "gone");
    assert_eq!(status["next_poll"], Value::Null);
    assert!(!daemon.get("/sources").text().contains("9999"));
    assert!(!daemon.get("/sources/one").text().contains("9999"));
}
