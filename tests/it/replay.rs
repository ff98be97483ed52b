//! `riverine replay`: the kept bodies read again under today's config and program, without the network. It says what
//! that changes; what did not change keeps its id, what was published stays, and no reader is told of it as news.

use chrono::TimeDelta;
use riverine::model::SourceState;
use riverine::store::{Commit, Sqlite, Store};
use serde_json::Value;

use crate::app::{App, Daemon, eventually, rss, source};
use crate::origin::{Origin, Reply};

const DROP: &str = "drop = { title = [\"^Old\"] }";

fn feed() -> Reply {
    let items = [
        ("1", "Beavers return", "Mon, 16 Nov 2026 08:00:00 GMT", "They do."),
        ("2", "Old bridge closed", "Mon, 16 Nov 2026 07:00:00 GMT", "For a year."),
        ("3", "Ferry late", "Mon, 16 Nov 2026 06:00:00 GMT", "Again."),
    ];
    Reply::ok("application/rss+xml", rss("One", &items)).etag("\"1\"")
}

/// (id, date, change) of an entry of the river.
fn dates(daemon: &Daemon, title: &str) -> (String, String, String) {
    let feed = daemon.json("/feeds/all.json");
    let items = feed["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["title"] == title).unwrap();
    let said = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
    (said("id"), said("date_published"), said("date_modified"))
}

#[test]
fn a_dry_run_lists_what_a_replay_then_does() {
    let origin = Origin::start();
    origin.on("/one", feed());
    let app = App::new(&source("one", &origin, DROP));
    app.ok(&["fetch"]);
    let before = app.ok(&["explain", "Beavers return"]);
    app.configure(&source("one", &origin, "drop = { title = [\"^Ferry\"] }"));
    let lines = "one: added: Old bridge closed\n\
                 one: stays: Ferry late (published; today it would be held back: drop title ^Ferry)\n\
                 one: 1 added, 1 stays, 1 as before\n\
                 1 read again, 0 with nothing kept, 0 failed";
    let expected = format!("{lines}; a dry run: nothing is stored\n");
    assert_eq!(app.ok(&["replay", "--dry-run"]), expected);
    assert_eq!(app.status("one")["entries"], 2);
    assert_eq!(app.ok(&["replay", "one"]), format!("{lines}\n"));
    assert_eq!(app.status("one")["entries"], 3);
    // Twice is once.
    let again = app.ok(&["replay"]);
    assert!(again.starts_with("one: stays: Ferry late"), "{again}");
    assert!(again.contains("one: 1 stays, 2 as before"), "{again}");
    assert_eq!(app.ok(&["explain", "Beavers return"]), before);
    assert_eq!(origin.asked("/one").len(), 1);
    // The next poll has nothing left to do.
    let fetched = app.ok(&["fetch"]);
    assert!(fetched.contains("nothing new"), "{fetched}");
}

#[test]
fn a_running_daemon_does_it_and_shows_it_at_once() {
    let origin = Origin::start();
    origin.on("/one", feed());
    let app = App::new(&source("one", &origin, DROP));
    let daemon = app.serve();
    app.polled(&["one"]);
    assert_eq!(daemon.titles("all"), ["Beavers return", "Ferry late"]);
    let before = dates(&daemon, "Ferry late");
    app.configure(&source("one", &origin, ""));
    daemon.signal("-HUP");
    eventually("the new config", || daemon.log().contains("the new config is in force").then_some(()));
    app.advance(TimeDelta::minutes(1));
    let said = app.ok(&["replay", "one"]);
    assert!(said.starts_with("one: added: Old bridge closed\none: 1 added, 2 as before\n"), "{said}");
    eventually("the entry in the river", || {
        (daemon.titles("all") == ["Beavers return", "Old bridge closed", "Ferry late"]).then_some(())
    });
    assert_eq!(dates(&daemon, "Ferry late"), before);
    assert_eq!(origin.asked("/one").len(), 1);
}

#[test]
fn other_selectors_change_texts_without_being_news() {
    let origin = Origin::start();
    let item = |n: u32| {
        format!(
            "<li><h3><a href=\"/n/{n}\">Notice {n}</a></h3><time datetime=\"2026-11-{n:02}\">then</time>\
             <p class=\"lead\">The lead of {n}.</p><div class=\"body\">The body of {n}.</div></li>"
        )
    };
    let page = |from: u32, more: &str| {
        let list = item(from) + &item(from + 1) + &item(from + 2);
        Reply::ok(
            "text/html",
            format!("<html lang=\"en\"><body><ul class=\"news\">{list}</ul>{more}</body></html>"),
        )
    };
    origin.on("/one", page(4, "<a class=\"next\" href=\"/two\">older</a>"));
    origin.on("/two", page(1, ""));
    let selectors = |content: &str| {
        let rest = "item = \"ul.news > li\"\ntitle = \"h3\"\nlink = \"a@href\"\ndate = \"time@datetime\"\n\
                    next = \"a.next@href\"\npages = 2";
        source("one", &origin, &format!("[source.page]\ncontent = \"{content}\"\n{rest}"))
    };
    let app = App::new(&selectors("p.lead"));
    let daemon = app.serve();
    app.polled(&["one"]);
    assert_eq!(daemon.titles("all").len(), 6);
    let before = dates(&daemon, "Notice 6");
    app.configure(&selectors(".body"));
    daemon.signal("-HUP");
    eventually("the new config", || daemon.log().contains("the new config is in force").then_some(()));
    app.advance(TimeDelta::minutes(1));
    // Only the first page is kept: entries of the second are not missed.
    let said = app.ok(&["replay"]);
    assert!(
        said.starts_with("one: changed: Notice 4\n") && said.contains("one: 3 changed, 0 as before\n"),
        "{said}"
    );
    let text = || daemon.json("/feeds/all.json")["items"][0]["content_html"].as_str().unwrap().to_owned();
    eventually("the other text", || text().contains("The body of 6.").then_some(()));
    assert_eq!(dates(&daemon, "Notice 6"), before);
    assert_eq!((origin.asked("/one").len(), origin.asked("/two").len()), (1, 1));
    // The rest comes with the next poll, as untold.
    app.poll_again("one");
    let content = |index: usize| daemon.json("/feeds/all.json")["items"][index]["content_html"].to_string();
    eventually("the rest", || content(5).contains("The body of 1.").then_some(()));
    assert_eq!(dates(&daemon, "Notice 6"), before);
}

#[test]
fn what_an_older_version_read_is_read_again_by_itself_and_without_asking() {
    let origin = Origin::start();
    origin.on("/one", feed());
    let app = App::new(&source("one", &origin, ""));
    app.ok(&["fetch"]);
    let read = |daemon: &Daemon| {
        let feed = daemon.json("/feeds/all.json");
        let items = feed["items"].as_array().unwrap().clone();
        items
            .into_iter()
            .map(|item| item["language"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let daemon = app.serve();
    let (good, before) = (read(&daemon), dates(&daemon, "Ferry late"));
    assert_eq!(daemon.stop(), 0);
    // As if an older one had read it, and had taken the language for another.
    let db = rusqlite::Connection::open(app.path("riverine.db")).unwrap();
    db.execute("UPDATE entries SET reading = 1, language = 'eo'", []).unwrap();
    drop(db);
    read_by_an_older_version(&app);
    let daemon = app.serve();
    eventually("the better reading", || (read(&daemon) == good).then_some(()));
    assert_eq!(dates(&daemon, "Ferry late"), before);
    assert_eq!(origin.asked("/one").len(), 1);
    eventually("the log", || daemon.log().contains("kept documents were read again").then_some(()));
}

/// As if an older version had read the last document of each source.
fn read_by_an_older_version(app: &App) {
    let mut store = Sqlite::open(&app.path("riverine.db")).unwrap();
    for row in store.sources().unwrap() {
        let (source, now) = (&row.id, row.state.last_poll.unwrap());
        let state = &SourceState { reading: 1, ..row.state };
        store.commit(&Commit { source, state, reading: None, ledger: &[], now }).unwrap();
    }
}

#[test]
fn what_was_not_kept_is_not_said_to_be_read_again() {
    let origin = Origin::start();
    origin.on("/one", feed());
    let app = App::new(&(source("one", &origin, "") + "[store]\nkeep_bodies = \"0\"\n"));
    app.ok(&["fetch"]);
    read_by_an_older_version(&app);
    let daemon = app.serve_with(&["-v"]);
    eventually("the look for it", || daemon.log().contains("one: not read again").then_some(()));
    daemon.signal("-TERM");
    eventually("the end", || daemon.log().contains("stopping").then_some(()));
    assert!(!daemon.log().contains("reads better"), "{}", daemon.log());
}

#[test]
fn articles_stay_although_their_pages_cannot_be_read() {
    let origin = Origin::start();
    let items = [("1", "Beavers return", "Mon, 16 Nov 2026 08:00:00 GMT", "A teaser.")];
    let here = |document: String| document.replace("https://origin.example/", &origin.url("/"));
    origin.on("/one", Reply::ok("application/rss+xml", here(rss("One", &items))).etag("\"1\""));
    let long = "<p>A family of five beavers has settled at the old mill, twelve years after the last was seen, and \
                the council, which had not been asked, is said to be pleased and a little worried.</p>";
    let page =
        format!("<html><body><article><h1>Beavers return</h1>{}</article></body></html>", long.repeat(6));
    origin.on("/1", Reply::ok("text/html", page));
    let app = App::new(&source("one", &origin, "full_text = true"));
    let daemon = app.serve();
    app.polled(&["one"]);
    let before = dates(&daemon, "Beavers return");
    let article = |daemon: &Daemon| {
        let feed = daemon.json("/feeds/all.json");
        feed["items"][0]["content_html"].as_str().unwrap_or_default().contains("twelve years after")
    };
    assert!(article(&daemon));
    origin.on("/1", Reply::status("500 No"));
    // Other rules say nothing of its page: nobody is asked, by hand or by the next poll.
    app.configure(&source("one", &origin, &format!("full_text = true\n{DROP}")));
    daemon.signal("-HUP");
    eventually("the new config", || daemon.log().contains("the new config is in force").then_some(()));
    let said = app.ok(&["replay"]);
    assert!(said.starts_with("one: 1 as before\n"), "{said}");
    assert_eq!(origin.asked("/1").len(), 1);
    app.poll_again("one");
    assert_eq!(origin.asked("/1").len(), 1);
    assert!(article(&daemon));
    assert_eq!(dates(&daemon, "Beavers return"), before);
    // It was corrected: its page is asked for, in vain.
    let items = [("1", "Beavers return", "Mon, 16 Nov 2026 08:00:00 GMT", "Another teaser.")];
    origin.on("/one", Reply::ok("application/rss+xml", here(rss("One", &items))).etag("\"2\""));
    app.poll_again("one");
    assert_eq!(origin.asked("/1").len(), 2);
    eventually("the correction", || article(&daemon).then_some(()));
}

#[test]
fn where_nothing_is_kept_it_says_why() {
    let origin = Origin::start();
    origin.on("/one", feed());
    origin.on("/two", Reply::status("500 No"));
    let tables = |more: &str| source("one", &origin, "") + &source("two", &origin, "") + more;
    let app = App::new(&tables("[store]\nkeep_bodies = \"0\"\n"));
    let words = |args: &[&str], code: i32| {
        let output = app.run(args);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    for args in [["replay", "--dry-run"].as_slice(), &["replay"]] {
        assert!(words(args, 1).contains("there is no store yet"));
        assert!(!app.path("riverine.db").exists());
    }
    words(&["fetch"], 1);
    for args in [["replay", "--dry-run"].as_slice(), &["replay"]] {
        let said = words(args, 0);
        assert!(said.contains("one: nothing kept: [store] keep_bodies is 0\n"), "{said}");
        assert!(said.contains("two: nothing kept: no document of it was read yet\n"), "{said}");
        assert!(said.contains("0 read again, 2 with nothing kept, 0 failed"), "{said}");
    }
    words(&["replay", "one"], 1);
    assert!(words(&["replay", "three"], 2).contains("no source \"three\" in"));
    // What cannot be read is not kept; the older body does not stand for it.
    app.configure(&tables(""));
    origin.on("/one", feed().etag("\"2\""));
    app.ok(&["fetch", "one"]);
    origin.on("/one", Reply::ok("text/plain", "under construction").etag("\"3\""));
    words(&["fetch", "one"], 1);
    let said = words(&["replay"], 0);
    assert!(
        said.contains("one: nothing kept: its last document could not be read and was not kept: "),
        "{said}"
    );
    assert_eq!(app.status("one")["state"], Value::from("failing"));
}
