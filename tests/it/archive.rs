//! The whole history of a feed: every stored entry once, documents that stay as they are, and only what is
//! new for who asks so.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::{App, Daemon, rss, source};
use crate::origin::{Origin, Reply};

/// Entries `from..to`, one an hour.
fn entries(from: usize, to: usize) -> Reply {
    entries_in("One", from, to)
}

/// The same in a document of that title.
fn entries_in(title: &str, from: usize, to: usize) -> Reply {
    let start = "2026-10-20T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let items: Vec<_> = (from..to)
        .rev()
        .map(|n| {
            let at = start + chrono::TimeDelta::hours(i64::try_from(n).unwrap());
            (format!("g{n}"), format!("Entry {n}"), at.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        })
        .collect();
    let items: Vec<_> = items.iter().map(|(g, t, d)| (g.as_str(), t.as_str(), d.as_str(), "Text.")).collect();
    Reply::ok("application/rss+xml", rss(title, &items))
}

/// The path of the document that an Atom or RSS document names as the one before it.
pub fn older(document: &str) -> Option<String> {
    let link = regex::Regex::new(r#"<(?:atom:)?link [^>]*rel="prev-archive"[^>]*>"#).unwrap();
    let href = regex::Regex::new(r#"href="([^"]*)""#).unwrap();
    link.find(document).map(|link| below(&href.captures(link.as_str()).unwrap()[1]))
}

fn below(address: &str) -> String {
    address.strip_prefix("https://river.example").unwrap().to_owned()
}

/// Follows a feed's chain from the current document: the ids of each document, by its address.
fn chain(daemon: &Daemon, feed: &str, form: &str) -> BTreeMap<String, Vec<String>> {
    chain_from(daemon, format!("/feeds/{feed}.{form}"))
}

fn chain_from(daemon: &Daemon, current: String) -> BTreeMap<String, Vec<String>> {
    let form = current.rsplit('.').next().unwrap().to_owned();
    let mut documents = BTreeMap::new();
    let mut next = Some(current);
    while let Some(path) = next {
        let answer = daemon.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        let feed = feed_rs::parser::parse(answer.body.as_slice()).unwrap();
        next = if form == "json" {
            let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            json["next_url"].as_str().map(below)
        } else {
            older(answer.text())
        };
        let ids = feed.entries.into_iter().map(|entry| entry.id).collect();
        assert!(documents.insert(path.clone(), ids).is_none(), "{path} twice: a loop");
    }
    documents
}

fn once(documents: &BTreeMap<String, Vec<String>>, stored: usize) -> BTreeSet<String> {
    let all: Vec<_> = documents.values().flatten().cloned().collect();
    let different: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!((all.len(), different.len()), (stored, stored), "{:?}", documents.keys());
    different
}

#[test]
fn the_chain_reaches_every_stored_entry_once() {
    let origin = Origin::start();
    origin.on("/one", entries(0, 330));
    origin.on("/two", entries(300, 420));
    let tables = source("one", &origin, "")
        + &source("two", &origin, "groups = [\"g\"]")
        + "[[feed]]\nid = \"g\"\ngroups = [\"g\"]\nlimit = 10\n"
        + "[[feed]]\nid = \"words\"\nquery = \"entry -7\"\nlimit = 10\nper_source = 3\n";
    let app = App::new(&tables);
    let daemon = app.serve();
    app.polled(&["one", "two"]);
    let before: Vec<_> = ["atom", "rss", "json"].map(|form| once(&chain(&daemon, "all", form), 420)).into();
    assert!(before.iter().all(|ids| *ids == before[0]), "the forms differ");
    once(&chain(&daemon, "g", "atom"), 120);
    once(&chain(&daemon, "words", "json"), 419);
    // What is full stays as it is while new entries come, and over a restart.
    let first = daemon.get("/feeds/all/archive/1.atom");
    assert_eq!(first.header("cache-control"), "public, max-age=86400");
    assert!(
        first.text().contains("<fh:archive>") && first.text().contains("rel=\"current\""),
        "{}",
        first.text()
    );
    origin.on("/one", entries(420, 640));
    app.poll_again("one");
    once(&chain(&daemon, "all", "atom"), 640);
    once(&chain(&daemon, "g", "atom"), 120);
    assert_eq!(daemon.stop(), 0);
    let daemon = app.serve();
    let again = daemon.get("/feeds/all/archive/1.atom");
    assert_eq!((again.text(), again.header("etag")), (first.text(), first.header("etag")));
    assert_eq!(again.header("last-modified"), first.header("last-modified"));
    once(&chain(&daemon, "all", "rss"), 640);
    for path in [
        "/feeds/all/archive/0.atom",
        "/feeds/all/archive/01.atom",
        "/feeds/all/archive/99.atom",
        "/feeds/none/archive/1.atom",
        "/feeds/all/archive/x.atom",
    ] {
        assert_eq!(daemon.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_source_has_its_whole_history_too() {
    let origin = Origin::start();
    origin.on("/one", entries(0, 330));
    origin.on("/two", entries(300, 420));
    // A feed may be called as a source is.
    let tables = source("one", &origin, "")
        + &source("two", &origin, "")
        + "[[feed]]\nid = \"one\"\nsources = [\"two\"]\nlimit = 10\n";
    let app = App::new(&tables);
    let mut daemon = app.serve();
    app.polled(&["one", "two"]);
    let chains = |daemon: &Daemon, id: &str| {
        ["atom", "rss", "json"].map(|form| chain_from(daemon, format!("/sources/{id}.{form}")))
    };
    let sources = chains(&daemon, "one").map(|chain| once(&chain, 330));
    assert!(sources.iter().all(|ids| *ids == sources[0]), "the forms differ");
    once(&chain_from(&daemon, "/sources/two.atom".to_owned()), 120);
    once(&chain(&daemon, "one", "atom"), 120);
    origin.on("/one", entries(420, 640));
    app.poll_again("one");
    once(&chain_from(&daemon, "/sources/one.atom".to_owned()), 550);
    let first = daemon.get("/sources/one/archive/1.atom");
    assert_eq!(first.header("cache-control"), "public, max-age=86400");
    assert!(first.text().contains("<fh:archive>"), "{}", first.text());
    for oldest in [0, 99] {
        // Although the document had the newest on top.
        assert!(first.text().contains(&format!(">Entry {oldest}<")), "{oldest}: {}", first.text());
    }
    assert!(first.text().contains("https://river.example/sources/one.atom"), "{}", first.text());
    let before = chains(&daemon, "one");
    assert_eq!(daemon.stop(), 0);
    daemon = app.serve();
    let again = daemon.get("/sources/one/archive/1.atom");
    assert_eq!((again.text(), again.header("etag")), (first.text(), first.header("etag")));
    assert_eq!(again.header("last-modified"), first.header("last-modified"));
    assert_eq!(chains(&daemon, "one"), before);
    for path in
        ["/sources/one/archive/0.atom", "/sources/one/archive/99.atom", "/sources/none/archive/1.atom"]
    {
        assert_eq!(daemon.get(path).status, 404, "{path}");
    }
}

#[test]
fn every_document_of_a_source_is_called_as_the_source_is() {
    let origin = Origin::start();
    origin.on("/one", entries(0, 330));
    // It tells only what the other told before, and the last has nothing at all.
    origin.on("/two", entries_in("The Copyist", 0, 330));
    origin.on("/three", Reply::ok("application/rss+xml", rss("Quiet News", &[])));
    let app =
        App::new(&(source("one", &origin, "") + &source("two", &origin, "") + &source("three", &origin, "")));
    for id in ["one", "two", "three"] {
        app.ok(&["fetch", id]);
    }
    let daemon = app.serve();
    // The fifth is still to come.
    for document in ["", "/archive/1", "/archive/4", "/archive/5"] {
        let atom = daemon.get(&format!("/sources/two{document}.atom"));
        assert!(atom.text().contains("<title>The Copyist</title>"), "{document}: {}", atom.text());
    }
    assert_eq!(daemon.get("/sources/two/archive/6.atom").status, 404);
    assert!(daemon.get("/sources/two/archive/2").text().contains("Older entries of The Copyist."));
    assert_eq!(daemon.json("/sources/three.json")["title"], "Quiet News");
}

#[test]
fn people_can_turn_the_pages_back_to_the_first_entry() {
    let origin = Origin::start();
    origin.on("/one", entries(0, 330));
    let app = App::new(
        &source("one", &origin, "").replace("[[source]]", "[defaults]\nbackfill = 1000\n[[source]]"),
    );
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let link = |rel: &str, text: &str| {
        let link = regex::Regex::new(&format!("<a rel=\"{rel}\" href=\"([^\"]*)\"")).unwrap();
        link.captures(text).map(|found| found[1].to_owned())
    };
    let title = regex::Regex::new("Entry ([0-9]+)<").unwrap();
    for start in ["/", "/feeds/all"] {
        let (mut seen, mut pages, mut next) = (BTreeSet::new(), Vec::new(), Some(start.to_owned()));
        while let Some(path) = next {
            let page = daemon.get(&path);
            assert_eq!(
                (page.status, page.header("content-type")),
                (200, "text/html; charset=utf-8"),
                "{path}"
            );
            for found in title.captures_iter(page.text()) {
                assert!(seen.insert(found[1].to_owned()), "{path}: {} twice", &found[1]);
            }
            assert_eq!(link("prev", page.text()).is_some(), path != start, "{path}");
            next = link("next", page.text());
            pages.push(path);
        }
        assert_eq!(seen.len(), 330, "{pages:?}");
        assert_eq!(
            pages[1..3],
            ["/feeds/all?page=2", "/feeds/all/archive/3"].map(str::to_owned),
            "{pages:?}"
        );
    }
    assert_eq!(
        link("prev", daemon.get("/feeds/all/archive/2").text()).as_deref(),
        Some("/feeds/all/archive/3")
    );
    let newest = daemon.get("/feeds/all/archive/3");
    assert_eq!(link("prev", newest.text()).as_deref(), Some("/feeds/all?page=2"));
    assert_eq!(daemon.get("/feeds/all/archive/9").status, 404);
}

#[test]
fn a_source_that_holds_everything_says_so() {
    let origin = Origin::start();
    origin.on("/one", entries(0, 5));
    let app = App::new(&source("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    let atom = daemon.get("/sources/one.atom");
    assert!(atom.text().contains("<fh:complete>"), "{}", atom.text());
}

#[test]
fn a_feed_that_holds_everything_says_so() {
    let origin = Origin::start();
    origin.on("/one", entries(0, 5));
    let app = App::new(&source("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    let atom = daemon.get("/feeds/all.atom");
    assert!(
        atom.text().contains("<fh:complete>") && !atom.text().contains("prev-archive"),
        "{}",
        atom.text()
    );
    origin.on("/one", entries(0, 150));
    app.poll_again("one");
    let atom = daemon.get("/feeds/all.atom");
    assert!(
        !atom.text().contains("<fh:complete>") && atom.text().contains("prev-archive"),
        "{}",
        atom.text()
    );
}

#[test]
fn who_asks_for_what_is_new_gets_only_that() {
    let origin = Origin::start();
    origin.on("/one", entries(0, 5));
    let app = App::new(&source("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    for form in ["atom", "rss", "json"] {
        let path = format!("/feeds/all.{form}");
        let held = daemon.get(&path).header("etag").to_owned();
        let ask = |tag: &str| daemon.request("GET", &path, &[("A-IM", "feed, gzip"), ("If-None-Match", tag)]);
        assert_eq!(ask(&held).status, 304);
        let known = daemon.json("/feeds/all.json")["items"].as_array().unwrap().len();
        origin.on("/one", entries(0, known + 2));
        app.poll_again("one");
        let delta = ask(&held);
        assert_eq!((delta.status, delta.header("im")), (226, "feed"), "{delta:?}");
        assert!(delta.header("access-control-expose-headers").contains("IM"), "scripts may read it");
        assert_eq!(delta.header("cache-control"), "no-store, im");
        let feed = feed_rs::parser::parse(delta.body.as_slice()).unwrap();
        assert_eq!(feed.entries.len(), 2);
        // Its tag is that of the whole document; who does not know ours, or does not ask, gets all.
        assert_eq!(ask(delta.header("etag")).status, 304);
        assert_eq!(ask("\"unknown\"").status, 200);
        assert_eq!(daemon.request("GET", &path, &[("If-None-Match", &held)]).status, 200);
        assert_eq!(daemon.request("GET", &path, &[("A-IM", "feed")]).status, 200);
        // Where the form is chosen by `Accept`, the same; who holds another form has nothing to add to.
        for (other, media) in
            [("atom", "application/atom+xml"), ("rss", "application/rss+xml"), ("json", "application/json")]
        {
            let fields = [("A-IM", "feed"), ("If-None-Match", held.as_str()), ("Accept", media)];
            let chosen = daemon.request("GET", "/feeds/all", &fields);
            let named = daemon.request("GET", &format!("/feeds/all.{other}"), &fields[..2]);
            let wanted = if form == other { 226 } else { 200 };
            assert_eq!((chosen.status, named.status), (wanted, wanted), "{form} {other}");
            assert_eq!((&chosen.body, chosen.header("etag")), (&named.body, named.header("etag")));
        }
    }
}

#[test]
fn a_source_that_breaks_is_news_once() {
    let origin = Origin::start();
    origin.on("/one", entries(0, 2));
    let app = App::new(&source("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    assert_eq!(daemon.titles("_health"), [""; 0]);
    let entries_before = daemon.get("/feeds/all.atom");
    origin.on("/one", Reply::status("500 Internal Server Error"));
    for _ in 0..3 {
        app.run(&["fetch", "one"]);
    }
    assert_eq!(daemon.titles("_health"), ["One cannot be read"]);
    assert_eq!(daemon.get("/feeds/all.atom").text(), entries_before.text(), "errors are no entries");
    origin.on("/one", entries(0, 2));
    app.run(&["fetch", "one"]);
    origin.on("/one", Reply::status("410 Gone"));
    app.run(&["fetch", "one"]);
    assert_eq!(
        daemon.titles("_health"),
        ["One is gone for good", "One reads well again", "One cannot be read"]
    );
    let (atom, rss) = (daemon.get("/feeds/_health.atom"), daemon.get("/feeds/_health.rss"));
    assert!(rss.text().contains("500"), "{}", rss.text());
    let page = daemon.get("/feeds/_health");
    let links = crate::access::led_to(page.text());
    assert!(links.iter().any(|link| link == "/sources/one"), "{links:?}");
    for link in links.iter().filter(|link| !link.contains("/events")) {
        assert_eq!(daemon.get(link).status, 200, "{link}");
    }
    assert_eq!(daemon.stop(), 0);
    let daemon = app.serve();
    assert_eq!(daemon.get("/feeds/_health.atom").text(), atom.text());
}

/// So many entries, an hour apart from a day on, the titles numbered.
fn told(source: &str, title: &str, from: &str, count: i64) -> Reply {
    let start = from.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let items: Vec<_> = (0..count)
        .rev()
        .map(|n| {
            let at = start + chrono::TimeDelta::hours(n);
            (
                format!("{source}{n}"),
                format!("{title} {n}"),
                at.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            )
        })
        .collect();
    let items: Vec<_> = items.iter().map(|(g, t, d)| (g.as_str(), t.as_str(), d.as_str(), "Text.")).collect();
    Reply::ok("application/rss+xml", rss("One", &items))
}

#[test]
fn a_gap_in_the_history_does_not_end_the_chain() {
    let origin = Origin::start();
    let tables = "[defaults]\nbackfill = 1000\n".to_owned()
        + &source("one", &origin, "")
        + &source("two", &origin, "")
        + &source("three", &origin, "")
        + "[[feed]]\nid = \"news\"\nkeep = { title = [\"News\"] }\nlimit = 10\n";
    let app = App::new(&tables);
    origin.on("/one", told("a", "News", "2026-09-01T00:00:00Z", 100));
    origin.on("/two", told("b", "News of two", "2026-10-01T00:00:00Z", 100));
    origin.on("/three", told("c", "News of three", "2026-11-01T00:00:00Z", 9));
    for id in ["one", "two", "three"] {
        app.ok(&["fetch", id]);
    }
    let daemon = app.serve();
    once(&chain(&daemon, "news", "atom"), 209);
    // All of a document in the middle is called otherwise now.
    origin.on("/two", told("b", "Weather", "2026-10-01T00:00:00Z", 100));
    app.poll_again("two");
    let documents = chain(&daemon, "news", "atom");
    once(&documents, 109);
    assert!(!daemon.get("/feeds/news.atom").text().contains("<fh:complete>"));
    daemon.stop();
    assert_eq!(chain(&app.serve(), "news", "atom"), documents);
}

#[test]
fn a_correction_can_bring_a_story_to_where_none_was_counted() {
    let origin = Origin::start();
    let tables =
        source("one", &origin, "backfill = 2") + "[[feed]]\nid = \"news\"\nkeep = { title = [\"News\"] }\n";
    let app = App::new(&tables);
    origin.on("/one", told("a", "Weather", "2026-11-01T00:00:00Z", 20));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    once(&chain(&daemon, "news", "atom"), 0);
    // Backlog stands in no current document, so it must be found behind it.
    origin.on("/one", told("a", "News", "2026-11-01T00:00:00Z", 20));
    app.poll_again("one");
    let documents = chain(&daemon, "news", "atom");
    once(&documents, 20);
    daemon.stop();
    assert_eq!(chain(&app.serve(), "news", "atom"), documents);
}

#[test]
fn an_archive_document_is_dated_by_its_last_change() {
    let origin = Origin::start();
    origin.on("/one", entries(0, 6));
    let app = App::new(&(source("one", &origin, "") + "[[feed]]\nid = \"few\"\nlimit = 2\n"));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let first = daemon.get("/feeds/few/archive/1.atom");
    app.advance(chrono::TimeDelta::hours(1));
    origin.on("/one", entries(0, 8));
    app.poll_again("one");
    // Two more have left the current document; nothing happened to them.
    let since =
        |date: &str| daemon.request("GET", "/feeds/few/archive/1.atom", &[("If-Modified-Since", date)]);
    let second = since(first.header("last-modified"));
    assert_eq!(second.status, 200);
    assert_ne!(second.header("last-modified"), first.header("last-modified"));
    assert_eq!(since(second.header("last-modified")).status, 304);
}
