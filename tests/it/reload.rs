//! A config that is read again: all of it or nothing, and what is stored stays.

use chrono::TimeDelta;

use crate::app::{App, Daemon, eventually, rss, source as polled};
use crate::origin::{Origin, Reply};

fn source(id: &str) -> String {
    format!("[[source]]\nid = \"{id}\"\nurl = \"https://{id}.example/feed\"\nenabled = false\n")
}

fn feed(id: &str) -> String {
    format!("[[feed]]\nid = \"{id}\"\n")
}

/// SIGHUP; waits until the log says how it ended.
fn reload(daemon: &Daemon) -> String {
    let before = daemon.log().len();
    daemon.signal("-HUP");
    eventually("the end of the reload", || {
        let news = daemon.log()[before..].to_owned();
        let over = news.contains("the new config is in force") || news.contains("stays as it was");
        over.then_some(news)
    })
}

#[test]
fn sighup_puts_an_edited_config_in_force() {
    let app = App::new(&(source("one") + &feed("first")));
    let daemon = app.serve();
    assert_eq!(daemon.get("/feeds/first.atom").status, 200);
    assert_eq!(daemon.get("/feeds/second.atom").status, 404);
    app.configure(&(source("one") + &source("two") + &feed("second")));
    reload(&daemon);
    eventually("the new feed", || (daemon.get("/feeds/second.atom").status == 200).then_some(()));
    assert_eq!(daemon.get("/feeds/first.atom").status, 404);
    assert_eq!(app.status("two")["state"], "disabled");
}

#[test]
fn a_broken_config_is_refused_and_the_old_one_stays() {
    let app = App::new(&(source("one") + &feed("first")));
    let daemon = app.serve();
    app.configure(&(source("one") + "scedule = \"@hourly\"\n" + &feed("second") + "limt = 5\n"));
    let log = reload(&daemon);
    assert!(log.contains("unknown key \"scedule\"") && log.contains("unknown key \"limt\""), "{log}");
    assert_eq!(daemon.get("/feeds/first.atom").status, 200);
    assert_eq!(daemon.get("/feeds/second.atom").status, 404);
    // Mended, it is taken.
    app.configure(&(source("one") + &feed("second")));
    reload(&daemon);
    eventually("the new feed", || (daemon.get("/feeds/second.atom").status == 200).then_some(()));
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_source_that_comes_by_a_reload_is_polled_and_nobody_else_is() {
    let origin = Origin::start();
    for (path, title) in [("/one", "First"), ("/two", "Second")] {
        let date = "Mon, 16 Nov 2026 08:00:00 GMT";
        origin.on(path, Reply::ok("application/rss+xml", rss("Feed", &[("1", title, date, "Text.")])));
    }
    let app = App::new(&polled("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    app.configure(&(polled("one", &origin, "") + &polled("two", &origin, "")));
    reload(&daemon);
    app.polled(&["two"]);
    eventually("both", || (daemon.titles("all").len() == 2).then_some(()));
    assert_eq!(origin.asked("/one").len(), 1, "its time has not come");
}

#[test]
fn a_source_that_is_renamed_or_moved_keeps_its_history() {
    let origin = Origin::start();
    let document = |title| rss("Feed", &[("1", title, "Mon, 16 Nov 2026 08:00:00 GMT", "Text.")]);
    origin.on("/one", Reply::ok("application/rss+xml", document("A story")));
    origin.on("/two", Reply::ok("application/rss+xml", document("A story")));
    let app = App::new(&polled("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    let before = daemon.json("/feeds/all.json")["items"][0].clone();
    // Another id and another address, for the same thing.
    app.configure(&polled("two", &origin, "was = [\"one\"]"));
    reload(&daemon);
    app.until("two", |status| status["requests"].as_u64() > Some(0) && status["entries"] == 1);
    eventually("its stories under the new id", || {
        let items = daemon.json("/sources/two.json")["items"].as_array()?.clone();
        (items.len() == 1 && items[0]["id"] == before["id"]).then_some(())
    });
    assert_eq!(daemon.titles("all"), ["A story"]);
    // Its readers are led on, scripts of other sites as well.
    let former = daemon.get("/sources/one.json");
    assert_eq!((former.status, former.header("location")), (308, "/sources/two.json"));
    assert_eq!(former.header("access-control-allow-origin"), "*");
}

#[test]
fn what_happened_to_a_source_is_not_news_again_when_it_is_renamed() {
    let origin = Origin::start();
    origin.on("/one", Reply::status("500 Internal Server Error"));
    let app = App::new(&polled("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    let news = |daemon: &Daemon| daemon.json("/feeds/_health.json")["items"].as_array().unwrap().clone();
    let before = news(&daemon);
    assert_eq!(before.len(), 1);
    app.configure(&polled("two", &origin, "was = [\"one\"]").replace("/two\"", "/one\""));
    reload(&daemon);
    let after = eventually("its news under the new id", || {
        let after = news(&daemon);
        after[0]["url"].as_str()?.ends_with("/sources/two").then_some(after)
    });
    assert_eq!((after.len(), &after[0]["id"]), (1, &before[0]["id"]));
}

#[test]
fn a_source_that_is_taken_out_and_comes_back_is_not_news() {
    let origin = Origin::start();
    let date = "Mon, 16 Nov 2026 08:00:00 GMT";
    origin.on(
        "/one",
        Reply::ok("application/rss+xml", rss("Feed", &[("1", "A story", date, "Text.")])).etag("\"1\""),
    );
    let app = App::new(&polled("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    let before = daemon.json("/feeds/all.json")["items"].clone();
    app.configure("");
    reload(&daemon);
    app.configure(&polled("one", &origin, ""));
    reload(&daemon);
    eventually("its stories again", || (daemon.json("/feeds/all.json")["items"] == before).then_some(()));
    assert_eq!(origin.asked("/one").len(), 1, "its time has not come");
}

#[test]
fn a_search_shows_what_is_in_force() {
    let origin = Origin::start();
    let document = rss("Feed", &[("1", "A story", "Mon, 16 Nov 2026 08:00:00 GMT", "Text.")]);
    origin.on("/one", Reply::ok("application/rss+xml", document));
    let app = App::new(&polled("one", &origin, "name = \"Before\""));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let shown = |daemon: &Daemon| daemon.get("/search.atom?q=story").text().to_owned();
    assert!(shown(&daemon).contains("Before"));
    app.configure(&polled("one", &origin, "name = \"After\""));
    reload(&daemon);
    // Asked for before, and nothing was committed since: it is not kept as it was.
    eventually("the new name", || shown(&daemon).contains("After").then_some(()));
}

#[test]
fn what_needs_a_restart_is_said_at_a_reload() {
    let app = App::new(&source("one"));
    let daemon = app.serve();
    let config = std::fs::read_to_string(app.config()).unwrap();
    assert!(config.contains("listen = \"127.0.0.1:0\""), "{config}");
    let restart = |what: &str| format!("{what} has changed: it is obeyed after a restart");
    app.write("riverine.toml", &(config.clone() + &source("two")));
    assert!(!reload(&daemon).contains("restart"));
    let other = config.replace("127.0.0.1:0", "127.0.0.1:1") + "[store]\npath = \"other.db\"\n";
    app.write("riverine.toml", &other);
    reload(&daemon);
    for what in ["[server] listen", "[store] path"] {
        eventually(what, || daemon.log().contains(&restart(what)).then_some(()));
    }
    assert_eq!(daemon.get("/healthz").status, 200, "the old address is served");
    assert!(!app.path("other.db").exists());
}

#[test]
fn a_public_address_can_be_taken_back() {
    let origin = Origin::start();
    let app = App::new(&polled("one", &origin, ""));
    let daemon = app.serve();
    assert!(daemon.get("/feeds/all.atom").text().contains("https://river.example/feeds/all.atom"));
    let config = std::fs::read_to_string(app.config()).unwrap();
    let base = config.lines().find(|line| line.starts_with("base_url")).unwrap();
    app.write("riverine.toml", &config.replace(base, ""));
    reload(&daemon);
    let own = format!("http://{}/feeds/all.atom", daemon.address);
    eventually("the address it listens on", || {
        daemon.get("/feeds/all.atom").text().contains(&own).then_some(())
    });
}

#[test]
fn a_failing_source_whose_options_were_mended_is_asked_soon() {
    let origin = Origin::start();
    let items: String = (1..8)
        .map(|n| format!("<li class=news><a href=/n/{n}>The {n}. story that was told here</a>"))
        .collect();
    let page = format!("<!doctype html><title>Press</title><ul>{items}</ul>");
    origin.on("/page", Reply::ok("text/html; charset=utf-8", page).etag("\"1\""));
    origin.on("/held", Reply::status("503 Service Unavailable").header("Retry-After", "86400"));
    let tables = |item: &str| {
        let more = format!("kind = \"page\"\npage = {{ item = \"{item}\" }}");
        polled("page", &origin, &more) + &polled("held", &origin, &more)
    };
    let app = App::new(&tables("li.old"));
    let daemon = app.serve();
    app.polled(&["page", "held"]);
    // Now it backs off for hours.
    for failures in 2..6 {
        app.advance(TimeDelta::hours(3));
        app.until("page", |status| status["consecutive_failures"] == failures);
    }
    app.advance(TimeDelta::minutes(6));
    app.configure(&tables("li.news"));
    reload(&daemon);
    app.until("page", |status| status["state"] == "ok" && status["entries"] == 7);
    assert_eq!(origin.asked("/held").len(), 1, "its server asked for a day");
    // The same over a restart, and the wait is not forgotten with it.
    drop(daemon);
    app.configure(&tables("li.older"));
    let daemon = app.serve();
    app.advance(TimeDelta::minutes(10));
    app.until("page", |status| status["consecutive_failures"] == 1);
    drop(daemon);
    app.configure(&tables("li"));
    app.advance(TimeDelta::minutes(6));
    let daemon = app.serve();
    app.until("page", |status| status["state"] == "ok");
    assert_eq!(origin.asked("/held").len(), 1);
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn the_config_is_warned_of_by_check_and_in_the_log_and_by_no_other_command() {
    let app = App::new(&source("one"));
    app.ok(&["fetch"]);
    let often = source("one") + "schedule = \"every 1m\"\n";
    app.configure(&often);
    for (args, told) in [
        (&["check"][..], true),
        (&["check", "-q"], false),
        (&["status"], false),
        (&["search", "x"], false),
        (&["export"], false),
        (&["fetch"], false),
    ] {
        let output = app.run(args);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(words.contains("min_interval"), told, "{args:?}: {words}");
    }
    let daemon = app.serve();
    let told = || daemon.log().matches("is sooner than min_interval").count();
    assert_eq!(told(), 1, "{}", daemon.log());
    let log = reload(&daemon);
    assert!(log.contains(" WARN ") && log.contains("riverine.toml:"), "{log}");
    assert_eq!(told(), 2);
}
