//! Each story once: across sources, across polls, whatever guids and links do meanwhile.

use crate::app::{App, eventually, rss, source};
use crate::origin::{Origin, Reply};

const RSS: &str = "application/rss+xml";
const TIME: &str = "Mon, 16 Nov 2026 08:00:00 GMT";

#[test]
fn the_same_time_and_title_in_two_sources_are_one_story() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[("1", "Beavers return", TIME, "By the agency.")])));
    // Another link, another zone, another way to write the title.
    let again = ("x9", "  BEAVERS\u{ad}   return ", "Mon, 16 Nov 2026 09:00:00 +0100", "By the paper.");
    let other = ("x8", "Beavers return", "Mon, 16 Nov 2026 08:00:01 GMT", "A second later.");
    origin.on("/two", Reply::ok(RSS, rss("Two", &[again, other])));
    let app = App::new(&(source("one", &origin, "") + &source("two", &origin, "")));
    let daemon = app.serve();
    app.polled(&["one", "two"]);
    assert_eq!(daemon.titles("all").len(), 2);
    let feed = daemon.json("/feeds/all.json");
    let kept = feed["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["date_published"] == "2026-11-16T08:00:00Z");
    let kept = kept.unwrap();
    // One text, one author of it: the first seen; its page names both.
    let uuid = kept["id"].as_str().unwrap().strip_prefix("urn:uuid:").unwrap();
    let page = daemon.get(&format!("/entries/{uuid}"));
    for name in ["One", "Two", "https://origin.example/x9"] {
        assert!(page.text().contains(name), "{name} not in {}", page.text());
    }
    // It is in an output of either source.
    assert_eq!(daemon.json("/sources/one.json")["items"].as_array().unwrap().len(), 1);
    assert_eq!(daemon.json("/sources/two.json")["items"].as_array().unwrap().len(), 2);
}

#[test]
fn guids_and_links_new_at_every_poll_add_nothing() {
    let origin = Origin::start();
    let app = App::new(&source("one", &origin, ""));
    origin.on("/one", Reply::ok(RSS, rss("One", &[("session-1", "Beavers return", TIME, "Text.")])));
    let daemon = app.serve();
    app.polled(&["one"]);
    let first = daemon.get("/feeds/all.atom");
    for guid in ["session-2", "session-3"] {
        origin.on("/one", Reply::ok(RSS, rss("One", &[(guid, "Beavers return", TIME, "Text.")])));
        app.poll_again("one");
        assert_eq!(daemon.titles("all"), ["Beavers return"]);
    }
    let warnings = app.status("one")["warnings"].to_string();
    assert!(warnings.contains("the ids of its entries are new at every poll"), "{warnings}");
    assert!(first.text().contains("<entry>"));
}

#[test]
fn two_in_one_document_stay_two_unless_strict() {
    let origin = Origin::start();
    let twins = [("1", "Weather", TIME, "North."), ("2", "Weather", TIME, "South.")];
    origin.on("/one", Reply::ok(RSS, rss("One", &twins)));
    for (more, expected) in [("", 2), ("[dedup]\nstrict = true\n", 1)] {
        let app = App::new(&(source("one", &origin, "") + more));
        let daemon = app.serve();
        app.polled(&["one"]);
        assert_eq!(daemon.titles("all").len(), expected, "{more}");
    }
}

#[test]
fn a_source_may_stand_apart() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[("1", "Beavers return", TIME, "By the agency.")])));
    origin.on("/two", Reply::ok(RSS, rss("Two", &[("2", "Beavers return", TIME, "By the paper.")])));
    let app = App::new(&(source("one", &origin, "") + &source("two", &origin, "dedup = \"none\"")));
    let daemon = app.serve();
    app.polled(&["one", "two"]);
    assert_eq!(daemon.titles("all"), ["Beavers return", "Beavers return"]);
}

#[test]
fn a_source_filtered_out_blocks_no_other() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[("1", "Beavers return", TIME, "By the agency.")])));
    origin.on("/two", Reply::ok(RSS, rss("Two", &[("2", "Beavers return", TIME, "By the paper.")])));
    let app =
        App::new(&(source("one", &origin, "drop = { title = [\"Beavers\"] }") + &source("two", &origin, "")));
    let daemon = app.serve();
    app.polled(&["one", "two"]);
    let feed = daemon.json("/feeds/all.json");
    assert_eq!(daemon.titles("all"), ["Beavers return"]);
    assert_eq!(feed["items"][0]["url"], "https://origin.example/2");
}

#[test]
fn an_atom_entry_edited_all_over_is_still_the_one_of_its_id() {
    let atom = |title: &str, updated: &str, text: &str| {
        format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>One</title><id>tag:one</id><updated>{updated}</updated>\
             <entry><id>tag:one,1</id><title>{title}</title><updated>{updated}</updated>\
             <content>{text}</content></entry></feed>"
        )
    };
    let origin = Origin::start();
    let app = App::new(&source("one", &origin, ""));
    let serve = |document: String| origin.on("/one", Reply::ok("application/atom+xml", document));
    serve(atom("Level 2", "2026-11-16T08:00:00Z", "Rising."));
    let daemon = app.serve();
    app.polled(&["one"]);
    serve(atom("Level 3", "2026-11-16T12:05:00Z", "Rising fast."));
    app.poll_again("one");
    assert_eq!(daemon.titles("all"), ["Level 3"]);
}

#[test]
fn an_entry_is_explained_and_the_store_copied_beside_the_daemon() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[("1", "Beavers return", TIME, "By the agency.")])));
    origin.on("/two", Reply::ok(RSS, rss("Two", &[("x9", "BEAVERS return", TIME, "By the paper.")])));
    let app = App::new(&(source("one", &origin, "") + &source("two", &origin, "")));
    let daemon = app.serve();
    app.polled(&["one", "two"]);
    let id = daemon.json("/feeds/all.json")["items"][0]["id"].as_str().unwrap().to_owned();
    for what in [&["beavers", "return"][..], &[&id], &["https://origin.example/x9"]] {
        let told = app.ok(&[&["explain"], what].concat());
        for said in [id.as_str(), "first", "timestamp+title", "one", "two", "x9"] {
            assert!(told.contains(said), "{said:?} not in {told}");
        }
    }
    assert_eq!(app.run(&["explain", "otters"]).status.code(), Some(1));
    app.ok(&["backup", "copy.db"]);
    assert_eq!(app.run(&["backup", "copy.db"]).status.code(), Some(1));
    // Not under a running daemon's feet.
    let refused = app.run(&["restore", "copy.db"]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(1) && words.contains("pid"), "{words}");
    assert_eq!(daemon.stop(), 0);
    std::fs::remove_file(app.path("riverine.db")).unwrap();
    app.ok(&["restore", "copy.db"]);
    let daemon = app.serve();
    assert_eq!(daemon.json("/feeds/all.json")["items"][0]["id"], id.as_str());
}

/// Owner, group and mode of all that stands under the store's name.
fn owners(app: &App) -> Vec<(String, u32, u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    let files = std::fs::read_dir(app.path(".")).unwrap().map(Result::unwrap);
    let mut found: Vec<_> = files
        .map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap()))
        .filter(|(name, _)| name.starts_with("riverine.db"))
        .map(|(name, file)| (name, file.uid(), file.gid(), file.mode() & 0o7777))
        .collect();
    found.sort();
    found
}

#[test]
fn a_restored_store_belongs_to_whom_the_old_one_did() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[("1", "Beavers", "", "Text.")])));
    let app = App::new(&source("one", &origin, ""));
    app.ok(&["fetch"]);
    app.ok(&["backup", "copy.db"]);
    // As root the store is another user's, as a service's is; else it is our own before and after.
    let given = (chown(app.path("."), Some(4711), Some(4712)).is_ok()).then_some((4711, 4712));
    for name in ["riverine.db", "riverine.db.lock"] {
        if let Some((user, group)) = given {
            chown(app.path(name), Some(user), Some(group)).unwrap();
        }
        std::fs::set_permissions(app.path(name), std::fs::Permissions::from_mode(0o640)).unwrap();
    }
    let before = owners(&app);
    app.ok(&["restore", "copy.db"]);
    assert_eq!(owners(&app), before);
    // Where none was there, they are for whom the directory is.
    for again in [&["restore", "copy.db"][..], &["fetch"]] {
        for name in ["riverine.db", "riverine.db.lock"] {
            std::fs::remove_file(app.path(name)).unwrap();
        }
        app.ok(again);
        let (now, before) = (owners(&app), before.iter());
        let whose = |(name, user, group, _): &(String, u32, u32, u32)| (name.clone(), *user, *group);
        assert!(now.iter().map(whose).eq(before.map(whose)), "{again:?}: {now:?}");
    }
}

#[test]
fn the_log_of_a_store_that_was_taken_away_is_none_of_the_restored_one() {
    let origin = Origin::start();
    let entries = |count: usize| {
        let titles: Vec<_> = (0..count).map(|n| format!("Story {n}")).collect();
        let items: Vec<_> =
            titles.iter().map(|title| (title.as_str(), title.as_str(), "", "Text.")).collect();
        Reply::ok(RSS, rss("One", &items))
    };
    origin.on("/one", entries(1));
    let app = App::new(&source("one", &origin, ""));
    app.ok(&["fetch"]);
    app.ok(&["backup", "copy.db"]);
    origin.on("/one", entries(200));
    let daemon = app.serve();
    app.poll_again("one");
    // Killed: what it read is in the log.
    drop(daemon);
    std::fs::remove_file(app.path("riverine.db")).unwrap();
    assert!(std::fs::metadata(app.path("riverine.db-wal")).unwrap().len() > 0);
    app.ok(&["restore", "copy.db"]);
    assert_eq!(app.status("one")["entries"], 1);
    let db = rusqlite::Connection::open(app.path("riverine.db")).unwrap();
    let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    // Nothing is thrown away.
    assert!(std::fs::metadata(app.path("riverine.db-wal.damaged")).unwrap().len() > 0);
}

#[test]
fn a_backlog_that_comes_late_is_a_backlog() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[])).etag("\"1\""));
    let app = App::new(&source("one", &origin, "backfill = 3"));
    app.ok(&["fetch"]);
    let titles: Vec<String> = (1..9).map(|n| format!("Story {n}")).collect();
    let date = |n: usize| format!("{n} Nov 2026 08:00:00 GMT");
    let dates: Vec<String> = (1..9).map(date).collect();
    let items: Vec<_> = titles
        .iter()
        .zip(&dates)
        .map(|(title, date)| (title.as_str(), title.as_str(), date.as_str(), "Text."))
        .collect();
    origin.on("/one", Reply::ok(RSS, rss("One", &items)).etag("\"2\""));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    assert_eq!(daemon.titles("all"), ["Story 8", "Story 7", "Story 6"]);
    assert_eq!(app.status("one")["entries"], 8);
}

#[test]
fn a_picture_of_the_day_under_one_address_is_another_every_day() {
    let origin = Origin::start();
    let app = App::new(&source("one", &origin, ""));
    let titles = ["Beavers at dawn", "An otter census", "Ferry in the fog"];
    for (n, title) in (13..).zip(titles) {
        let date = format!("{n} Nov 2026 06:00:00 GMT");
        let item = rss("One", &[("today", title, &date, &format!("The picture of {n}."))]);
        let item = item.replace("<guid>today</guid>", &format!("<guid isPermaLink=\"false\">{n}</guid>"));
        origin.on("/one", Reply::ok(RSS, item));
        app.ok(&["fetch"]);
    }
    let daemon = app.serve();
    assert_eq!(daemon.titles("all"), ["Ferry in the fog", "An otter census", "Beavers at dawn"]);
}

#[test]
fn a_time_zone_that_is_set_later_announces_nothing_again() {
    let notices = "2026-11-15 08:00 The bridge is closed.\n2026-11-14 08:00 The ferry is late.\n";
    let origin = Origin::start();
    origin.on("/one", Reply::ok("text/plain", notices).etag("\"1\""));
    let app = App::new(&source("one", &origin, "kind = \"text\""));
    app.ok(&["fetch"]);
    app.configure(&source("one", &origin, "kind = \"text\"\ntimezone = \"Europe/Vienna\""));
    let again = app.ok(&["replay", "--dry-run"]);
    assert!(again.contains("one: 2 as before\n"), "{again}");
    let later = format!("2026-11-16 08:00 The bridge is open.\n{notices}");
    origin.on("/one", Reply::ok("text/plain", later).etag("\"2\""));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let feed = daemon.json("/feeds/all.json");
    let dates: Vec<_> =
        feed["items"].as_array().unwrap().iter().map(|item| &item["date_published"]).collect();
    assert_eq!(dates, ["2026-11-16T07:00:00Z", "2026-11-15T08:00:00Z", "2026-11-14T08:00:00Z"]);
}

#[test]
fn a_renamed_source_is_found_under_its_former_address() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[("1", "Beavers return", TIME, "By the agency.")])));
    let app = App::new(&source("one", &origin, ""));
    app.ok(&["fetch"]);
    let renamed = source("one", &origin, "was = [\"one\"]").replace("id = \"one\"", "id = \"agency\"");
    app.configure(&renamed);
    let fetched = app.ok(&["fetch"]);
    assert!(fetched.starts_with("agency  nothing new"), "{fetched}");
    let daemon = app.serve();
    for (former, now) in [
        ("/sources/one.atom", "/sources/agency.atom"),
        ("/sources/one", "/sources/agency"),
        ("/sources/one?page=2", "/sources/agency?page=2"),
        // Everybody may read it: no key is needed.
        ("/sources/one.json?key=x", "/sources/agency.json"),
        ("/sources/one?page=2&key=x", "/sources/agency?page=2"),
        ("/sources/one/archive/1", "/sources/agency/archive/1"),
        ("/sources/one/archive/1.atom", "/sources/agency/archive/1.atom"),
    ] {
        let answer = daemon.get(former);
        assert_eq!((answer.status, answer.header("location")), (308, now), "{former}");
        assert_eq!(daemon.get(now).status, 200, "{now}");
    }
    let search = daemon.json("/search.json?source=one");
    assert_eq!(search["feed_url"], "https://river.example/search.json?source=agency");
    assert_eq!(search["items"].as_array().unwrap().len(), 1);
    assert!(daemon.get("/search?q=beavers&source=one").text().contains("Beavers return"));
    assert!(app.ok(&["search", "beavers", "--source", "one"]).contains("Beavers return"));
    assert_eq!(daemon.get("/sources/two.atom").status, 404);
    assert_eq!(daemon.get("/sources/one/archive/x%0d%0aa.atom").status, 404);
    // Where a key is needed, it comes along.
    daemon.stop();
    app.configure(&format!("[[feed]]\nid = \"all\"\ntoken = \"k\"\n{renamed}"));
    let daemon = app.serve();
    for (former, now) in [
        ("/sources/one.json?key=k", "/sources/agency.json?key=k"),
        ("/sources/one?page=2&key=k", "/sources/agency?page=2&key=k"),
    ] {
        let answer = daemon.get(former);
        assert_eq!((answer.status, answer.header("location")), (308, now), "{former}");
    }
}

#[test]
fn the_document_of_a_renamed_source_keeps_its_id_and_gives_it_to_no_other() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[("1", "Beavers return", TIME, "By the agency.")])));
    origin.on("/new", Reply::ok(RSS, rss("New", &[("1", "Otters return", TIME, "By another.")])));
    let app = App::new(&source("one", &origin, ""));
    let id_of = |name: &str| {
        let daemon = app.serve();
        let ids = ["", "archive/1"].map(|part| {
            let address = format!("/sources/{name}{}{part}.atom", if part.is_empty() { "" } else { "/" });
            let document = daemon.get(&address);
            let (_, rest) =
                document.text().split_once("<id>").unwrap_or_else(|| panic!("{address}: {document:?}"));
            rest.split_once("</id>").unwrap().0.to_owned()
        });
        assert_eq!(ids[0], ids[1]);
        ids[0].clone()
    };
    app.ok(&["fetch"]);
    let first = id_of("one");
    let called = |now: &str, was: &str| {
        source("one", &origin, &format!("was = [{was}]")).replace("id = \"one\"", &format!("id = \"{now}\""))
    };
    app.configure(&called("agency", "\"one\""));
    assert_eq!(id_of("agency"), first);
    app.ok(&["fetch"]);
    app.configure(&called("bureau", "\"agency\""));
    assert_eq!(id_of("bureau"), first);
    // Another source that gets its first id.
    app.configure(&(called("bureau", "") + &source("one", &origin, "").replace("/one\"", "/new\"")));
    app.ok(&["fetch"]);
    let other = id_of("one");
    assert_ne!(other, first);
    app.ok(&["fetch"]);
    assert_eq!((id_of("bureau"), id_of("one")), (first, other));
}

#[test]
fn the_page_of_an_entry_says_what_explain_says() {
    let origin = Origin::start();
    let serve = |path: &str, items: &[(&str, &str, &str, &str)]| {
        origin.on(path, Reply::ok(RSS, rss(path, items)));
    };
    serve("/one", &[("1", "Beavers return", TIME, "By the agency."), ("2", "Otters too", TIME, "Likewise.")]);
    serve("/two", &[("x9", "Beavers returned", TIME, "By the paper.")]);
    let ahead = ("4", "The fair", "Mon, 16 Nov 2026 18:00:00 GMT", "At noon.");
    serve("/three", &[ahead]);
    let app = App::new(
        &(source("one", &origin, "backfill = 0")
            + &source("two", &origin, "")
            + &source("three", &origin, "future = \"hold\"")),
    );
    for id in ["one", "two", "three"] {
        app.ok(&["fetch", id]);
    }
    let name = |what: &str| {
        let told = app.ok(&["explain", what]);
        let id = told.lines().find_map(|line| line.strip_prefix("urn:uuid:"));
        id.unwrap_or_else(|| panic!("{told}")).to_owned()
    };
    let (older, younger, held) = (name("beavers return"), name("beavers returned"), name("the fair"));
    // A correction makes the paper's story the agency's; its own time stays its own.
    serve("/two", &[("x9", "Beavers return", TIME, "By the paper.")]);
    app.ok(&["fetch", "two"]);
    let daemon = app.serve();
    let page = daemon.get(&format!("/entries/{older}"));
    for said in [
        &format!("{younger} leads here"),
        ": here first, then a correction made it this story",
        "id <span dir=\"auto\">x9</span>",
    ] {
        assert!(page.text().contains(said), "{said:?} not in {}", page.text());
    }
    let old = daemon.get(&format!("/entries/{}", name("otters too")));
    assert!(old.text().contains("Only in the archive"), "{}", old.text());
    // Nobody reads before its date what is held until then.
    let early = daemon.get(&format!("/entries/{held}"));
    assert!(
        early.status == 404 && early.text().contains("held until its date, 2026-11-16 18:00"),
        "{early:?}"
    );
    assert!(!early.text().contains("noon"));
    app.set_clock("2026-11-16T18:00:01Z");
    eventually("its page", || (daemon.get(&format!("/entries/{held}")).status == 200).then_some(()));
    assert!(app.ok(&["explain", &held]).contains("was held until its date"));
}

#[test]
fn what_no_feed_shows_is_explained_by_words_too() {
    let origin = Origin::start();
    let ahead = ("4", "Breaking:fair", "Mon, 16 Nov 2026 18:00:00 GMT", "At noon.");
    let advert = ("3", "Advert: \"buy\"", TIME, "Now.");
    let own = ("1", "Beavers return", TIME, "By the agency.");
    origin.on("/one", Reply::ok(RSS, rss("One", &[own, advert, ahead])));
    origin.on("/two", Reply::ok(RSS, rss("Two", &[("1", "Rodents are back", TIME, "By the paper.")])));
    let tables = |more: &str| {
        source("one", &origin, &format!("future = \"hold\"\n{more}"))
            + &source("two", &origin, "dedup = \"link\"")
    };
    let app = App::new(&tables("drop = { title = [\"^Advert\"] }"));
    app.ok(&["fetch", "one"]);
    app.ok(&["fetch", "two"]);
    let held = app.ok(&["explain", "Breaking:fair"]);
    assert!(held.contains("held until its date, 2026-11-16 18:00:00 UTC"), "{held}");
    let copy = app.ok(&["explain", "rodents"]);
    assert!(copy.starts_with("Beavers return\n") && copy.contains("Rodents are back"), "{copy}");
    // Signs in a title are no query.
    for what in ["advert \"buy", "-buy"] {
        let filtered = app.ok(&["explain", "--", what]);
        assert!(
            filtered.contains("held back by a filter") && filtered.contains("drop title ^Advert"),
            "{filtered}"
        );
    }
    assert_eq!(app.run(&["explain", ""]).status.code(), Some(1));
    app.configure(&tables(""));
    app.ok(&["fetch", "one"]);
    let told = app.ok(&["explain", "buy"]);
    assert!(told.contains("first") && !told.contains("held back"), "{told}");
}

#[test]
fn texts_that_are_nearly_the_same_are_one_story_where_somebody_asks_for_it() {
    let text = "Beavers have returned to the upper Alder for the first time in more than a century, the river trust \
        said. A walker found fresh dams above the old mill, and cameras set up by volunteers showed two adults and at \
        least one kit. The trust asked visitors to keep dogs on a lead and to leave fallen branches where they lie. \
        The council will decide in spring whether the path has to be moved.";
    let paper = format!("HARROW (Alder News) – {text}");
    let later = "Mon, 16 Nov 2026 09:30:00 GMT";
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, rss("One", &[("1", "Beavers return to the Alder", TIME, text)])));
    origin.on(
        "/two",
        Reply::ok(RSS, rss("Two", &[("x9", "River trust: beavers on the Alder", later, &paper)])),
    );
    let sources = source("one", &origin, "") + &source("two", &origin, "");
    let off = App::new(&sources);
    let daemon = off.serve();
    off.polled(&["one", "two"]);
    assert_eq!(daemon.titles("all").len(), 2);
    assert_eq!(daemon.stop(), 0);

    let app = App::new(&(sources + "[dedup]\nsimilar = 0.9\n"));
    // One after the other, so that it is known whose text is kept.
    app.ok(&["fetch", "one"]);
    app.ok(&["fetch", "two"]);
    let daemon = app.serve();
    assert_eq!(daemon.titles("all"), ["Beavers return to the Alder"]);
    let item = daemon.json("/feeds/all.json")["items"][0].clone();
    assert_eq!(item["url"], "https://origin.example/1");
    let via = serde_json::json!([{"id": "two", "title": "Two", "url": "https://origin.example/x9"}]);
    assert_eq!(item["_riverine"]["via"], via);
    let atom = daemon.get("/feeds/all.atom");
    let link = "<link href=\"https://origin.example/x9\" rel=\"via\" title=\"Two\"/>";
    assert!(atom.text().contains(link), "{}", atom.text());
    let rss = daemon.get("/feeds/all.rss");
    assert!(
        rss.text().contains("rel=\"via\"") && rss.text().contains("https://origin.example/x9"),
        "{}",
        rss.text()
    );
    // It is in an output of either source, and nothing that the second says changes it.
    for one in ["one", "two"] {
        let items = daemon.json(&format!("/sources/{one}.json"))["items"].clone();
        assert_eq!(items[0]["title"], "Beavers return to the Alder", "{one}");
    }
    let id = item["id"].as_str().unwrap();
    let told = app.ok(&["explain", id]);
    for said in ["first", "similar text", "River trust: beavers on the Alder", "one", "two"] {
        assert!(told.contains(said), "{said:?} not in {told}");
    }
    let page = daemon.get(&format!("/entries/{}", id.strip_prefix("urn:uuid:").unwrap()));
    for said in ["nearly the same text", "River trust: beavers on the Alder", "https://origin.example/x9"] {
        assert!(page.text().contains(said), "{said:?} not in {}", page.text());
    }
}
