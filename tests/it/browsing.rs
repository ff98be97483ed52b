//! What people see who open riverine in a browser: that it is whole, true, and leads on.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::{App, Daemon, eventually, rss, source};
use crate::origin::{Origin, Reply};

/// An entry for each of these moments, the newest first: "One 0" and so on.
fn entries(moments: impl IntoIterator<Item = DateTime<Utc>>) -> Reply {
    entries_called("One", moments)
}

fn entries_called(name: &str, moments: impl IntoIterator<Item = DateTime<Utc>>) -> Reply {
    let items: Vec<_> = moments
        .into_iter()
        .zip(0..)
        .map(|(at, n)| {
            (format!("{name}{n}"), format!("{name} {n}"), at.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        })
        .collect();
    let items: Vec<_> = items.iter().map(|(g, t, d)| (g.as_str(), t.as_str(), d.as_str(), "Text.")).collect();
    Reply::ok("application/rss+xml", rss("One", &items))
}

fn at(moment: &str) -> DateTime<Utc> {
    moment.parse().unwrap()
}

#[test]
fn the_chart_of_a_source_counts_all_that_is_stored() {
    let origin = Origin::start();
    // Seven a day for fifty days, the newest at 11:00; and one that has to wait until the evening of the last day.
    let past =
        (0..350).map(|n| at("2026-11-16T11:00:00Z") - TimeDelta::days(n / 7) - TimeDelta::hours(n % 7));
    origin.on("/one", entries([at("2026-11-16T18:00:00Z")].into_iter().chain(past)));
    let app = App::new(&source("one", &origin, "future = \"hold\""));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let bars = || {
        let page = daemon.get("/sources/one");
        let bar = regex::Regex::new("<rect[^>]*><title>([^<]*)</title>").unwrap();
        bar.captures_iter(page.text()).map(|found| found[1].to_owned()).collect::<Vec<_>>()
    };
    let before = bars();
    assert_eq!(before.len(), 30);
    assert_eq!((before[0].as_str(), before[29].as_str()), ("18 October 2026: 7", "16 November 2026: 7"));
    assert!(before.iter().all(|bar| bar.ends_with(": 7")), "{before:?}");
    app.set_clock("2026-11-16T18:00:01Z");
    eventually("the entry of the evening", || (bars()[29] == "16 November 2026: 8").then_some(()));
}

/// Where a page leads, by the relation of its links.
fn link(rel: &str, page: &str) -> Option<String> {
    let link = regex::Regex::new(&format!("<a rel=\"{rel}\" href=\"([^\"]*)\"")).unwrap();
    link.captures(page).map(|found| found[1].to_owned())
}

#[test]
fn the_page_of_a_source_leads_back_to_its_first_entry() {
    let origin = Origin::start();
    let hours = |count: i64| (0..count).map(|n| at("2026-11-16T11:00:00Z") - TimeDelta::hours(n));
    origin.on("/one", entries(hours(330)));
    // All of these stand on the page, so it leads nowhere.
    origin.on("/few", entries(hours(60)));
    let app =
        App::new(&(source("one", &origin, "backfill = 1000") + &source("few", &origin, "backfill = 1000")));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let title = regex::Regex::new("One ([0-9]+)</a>").unwrap();
    let (mut seen, mut pages, mut next) =
        (std::collections::BTreeSet::new(), Vec::new(), Some("/sources/one".to_owned()));
    while let Some(path) = next {
        let page = daemon.get(&path);
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        for found in title.captures_iter(page.text()) {
            assert!(seen.insert(found[1].to_owned()), "{path}: {} twice", &found[1]);
        }
        assert_eq!(link("prev", page.text()), pages.last().cloned(), "{path}");
        next = link("next", page.text());
        pages.push(path);
    }
    assert_eq!(seen.len(), 330, "{pages:?}");
    let archive = |n| format!("/sources/one/archive/{n}");
    assert_eq!(
        pages,
        ["/sources/one".to_owned(), "/sources/one?page=2".to_owned(), archive(3), archive(2), archive(1)]
    );
    let few = daemon.get("/sources/few");
    assert_eq!((title.captures_iter(few.text()).count(), link("next", few.text())), (60, None));
}

/// The pages from one on to the last, each with the entries it shows.
fn turned(daemon: &Daemon, start: &str) -> Vec<(String, Vec<String>)> {
    let title = regex::Regex::new("(?:One|Two) ([0-9]+)</a>").unwrap();
    let (mut pages, mut next) = (Vec::new(), Some(start.to_owned()));
    while let Some(path) = next {
        let page = daemon.get(&path);
        assert_eq!(page.status, 200, "{path}");
        let shown = title.captures_iter(page.text()).map(|found| found[1].to_owned()).collect();
        next = link("next", page.text()).map(|path| path.replace("&#38;", "&"));
        pages.push((path, shown));
    }
    pages
}

#[test]
fn pages_go_on_where_the_one_before_ended_while_entries_turn_a_day_old() {
    let origin = Origin::start();
    let app = App::new(&source("one", &origin, "backfill = 1000"));
    // A hundred stand in the document anyway; these thirty only while they are younger than a day.
    let young = (0..100).map(|n| app.now() - TimeDelta::minutes(10 + n));
    let old = (0..30).map(|n| app.now() - TimeDelta::days(1) + TimeDelta::seconds(60 - n));
    origin.on("/one", entries(young.chain(old)));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let whole = |when: &str| {
        for start in ["/sources/one", "/feeds/all"] {
            let pages = turned(&daemon, start);
            let seen: Vec<_> = pages.iter().flat_map(|(_, shown)| shown).collect();
            let once: std::collections::BTreeSet<_> = seen.iter().collect();
            assert_eq!((seen.len(), once.len()), (130, 130), "{when}: {pages:?}");
        }
    };
    let shown = || daemon.json("/sources/one.json")["items"].as_array().unwrap().len();
    // A search goes by the time at which it is asked.
    let last_is_young = |wanted: bool| {
        let young = || daemon.get("/search?q=%22one+129%22&since=24h").text().contains("One 129</a>");
        eventually("the clock to be read", || (young() == wanted).then_some(()));
    };
    assert_eq!(shown(), 130);
    whole("new");
    app.advance(TimeDelta::seconds(50));
    last_is_young(false);
    assert_eq!(shown(), 130, "a document is kept for a while");
    whole("as it was kept");
    app.advance(TimeDelta::seconds(50));
    eventually("the document to be made anew", || (shown() == 100).then_some(()));
    whole("made anew");
    app.advance(TimeDelta::seconds(-90));
    last_is_young(true);
    whole("with the clock set back");
}

#[test]
fn pages_lead_past_what_is_numbered_early_and_still_current() {
    let origin = Origin::start();
    let app = App::new(&source("one", &origin, "backfill = 1000"));
    // First seen long ago, these hundred are dated today: they fill the first archive document, and are current.
    let today = |count: i64| (0..count).map(|n| app.now() - TimeDelta::seconds(10 + n)).collect::<Vec<_>>();
    origin.on("/one", entries(today(100)));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let old = (0..250).map(|n| app.now() - TimeDelta::days(3) - TimeDelta::minutes(n));
    origin.on("/one", entries_called("Two", old));
    app.poll_again("one");
    for start in ["/sources/one", "/feeds/all"] {
        let pages = turned(&daemon, start);
        assert!(pages.iter().all(|(_, shown)| !shown.is_empty()), "{pages:?}");
        assert_eq!(pages.iter().map(|(_, shown)| shown.len()).sum::<usize>(), 350, "{pages:?}");
        assert!(pages.last().unwrap().0.ends_with("/archive/2"), "{pages:?}");
    }
}

#[test]
fn pages_end_where_retention_took_what_was_older() {
    let origin = Origin::start();
    let one = source("one", &origin, "backfill = 1000");
    let app = App::new(&format!("[store]\nretention = \"30d\"\n{one}\n[[feed]]\nid = \"few\"\nlimit = 10\n"));
    let begin = app.now();
    origin.on("/one", entries((0..450).map(|n| begin - TimeDelta::hours(n + 1))));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    assert_eq!(turned(&daemon, "/feeds/few").last().unwrap().0, "/feeds/few/archive/1");
    // What the source tells no more goes thirty days later; what it told since stays.
    app.set_clock(&(begin + TimeDelta::days(20)).to_rfc3339());
    let later = app.now();
    origin.on("/one", entries_called("Two", (0..150).map(|n| later - TimeDelta::hours(n))));
    app.poll_again("one");
    app.set_clock(&(begin + TimeDelta::days(33)).to_rfc3339());
    let document = |path: &str| daemon.json(path)["items"].as_array().unwrap().len();
    eventually("the oldest to go", || (document("/feeds/few/archive/1.json") == 0).then_some(()));
    let pages = turned(&daemon, "/feeds/few");
    assert!(pages.iter().all(|(_, shown)| !shown.is_empty()), "{pages:?}");
    assert!(pages.len() > 2, "{pages:?}");
}

#[test]
fn where_all_is_backlog_the_pages_lead_to_it_and_the_chart_counts_it() {
    let origin = Origin::start();
    origin.on("/one", entries((0..250).map(|n| at("2026-11-15T11:00:00Z") - TimeDelta::hours(n))));
    let app = App::new(&source("one", &origin, "backfill = 0"));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let older = daemon.get("/feeds/all/archive/3");
    for said in [
        "<title>All entries, older entries · riverine</title>",
        ">Older entries, the newest of them first.</p>",
    ] {
        assert!(older.text().contains(said), "{said}: {}", older.text());
    }
    for path in ["/", "/feeds/all"] {
        let page = daemon.get(path);
        assert!(page.text().contains("the newest entries first.</p>"), "{path}");
        assert!(page.text().contains("Nothing new yet; older entries are in the archive."), "{path}");
        assert!(!page.text().contains("Nothing has come"), "{path}");
        assert_eq!(link("next", page.text()).as_deref(), Some("/feeds/all/archive/3"), "{path}");
    }
    let page = daemon.get("/sources/one");
    assert_eq!(link("next", page.text()).as_deref(), Some("/sources/one/archive/3"));
    let bar = regex::Regex::new("<rect[^>]*><title>([^<]*): ([0-9]+)</title>").unwrap();
    let bars: Vec<_> = bar
        .captures_iter(page.text())
        .map(|bar| (bar[1].to_owned(), bar[2].parse::<u32>().unwrap()))
        .collect();
    assert_eq!(bars.last(), Some(&("15 November 2026".to_owned(), 12)));
    // It ends with the newest entry, not today: which days it shows is told.
    for told in
        ["17 October 2026 to 15 November 2026; 24 at most", "18 October 2026 to 16 November 2026: <span"]
    {
        assert!(page.text().contains(told), "{told}: {}", page.text());
    }
    assert_eq!(bars.iter().map(|(_, count)| count).sum::<u32>(), 250);
    // Where there is nothing at all, nothing is said of an archive.
    let app = App::new("");
    let daemon = app.serve();
    let page = daemon.get("/");
    assert!(page.text().contains("Nothing has come down the river yet."), "{}", page.text());
}

#[test]
fn a_source_that_left_the_config_has_a_page_without_dead_ends() {
    let origin = Origin::start();
    let two = source("two", &origin, "");
    origin.on("/one", entries((0..250).map(|n| at("2026-11-16T11:00:00Z") - TimeDelta::hours(n))));
    let app = App::new(&(source("one", &origin, "backfill = 1000") + &two));
    app.ok(&["fetch", "one"]);
    app.configure(&two);
    let daemon = app.serve();
    let page = daemon.get("/sources/one");
    assert!(page.text().contains("No longer in the config") && page.text().contains("<dd>250</dd>"));
    assert!(!page.text().contains("Subscribe"), "{}", page.text());
    let address = regex::Regex::new("href=\"(?:feed:)?(?:https://river.example)?(/[^\"]*)\"").unwrap();
    let mut led: std::collections::BTreeSet<_> =
        address.captures_iter(page.text()).map(|found| found[1].to_owned()).collect();
    assert!(led.remove("/search?source=one"), "{led:?}");
    for path in led {
        assert_eq!(daemon.get(&path).status, 200, "{path}");
    }
    let seen: std::collections::BTreeSet<_> =
        turned(&daemon, "/search?source=one").into_iter().flat_map(|(_, shown)| shown).collect();
    assert_eq!(seen.len(), 250);
    assert_eq!(daemon.json("/search.json?source=one&q=one")["items"].as_array().unwrap().len(), 100);
    let further = daemon.get("/sources/one?page=2");
    assert!(further.status == 404 && further.text().contains("/search?source=one"), "{}", further.text());
    assert_eq!(daemon.get("/search?source=nobody").status, 400);
}

#[test]
fn what_takes_only_orders_says_so_to_who_opens_it() {
    let app = App::new("");
    let daemon = app.serve();
    let browser = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for (path, words) in [("/hub", "This is the hub (WebSub)"), ("/api/poll", "the order to poll")] {
        let plain = daemon.get(path);
        assert_eq!((plain.status, plain.header("allow")), (405, "POST"), "{path}");
        assert!(plain.header("content-type").starts_with("text/plain"), "{path}: {plain:?}");
        let page = daemon.request("GET", path, &browser);
        assert_eq!((page.status, page.header("allow")), (405, "POST"), "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        for answer in [&plain, &page] {
            assert!(answer.text().contains(words) && answer.text().contains("by POST"), "{}", answer.text());
        }
    }
    for path in ["/feeds/all.atom", "/api/status"] {
        let answer = daemon.request("POST", path, &[]);
        assert_eq!(answer.status, 405, "{path}");
        assert!(answer.text().contains("for reading, by GET"), "{}", answer.text());
    }
}

#[test]
fn the_list_of_sources_leads_to_the_feed_of_what_happens_to_them() {
    let app = App::new("[[feed]]\nid = \"all\"\ntoken = \"k\"\n");
    let daemon = app.serve();
    assert_eq!(daemon.get("/sources").status, 401);
    let page = daemon.get("/sources?key=k");
    for form in ["atom", "rss", "json"] {
        let address = format!("https://river.example/feeds/_health.{form}?key=k");
        let offered =
            regex::Regex::new(&format!("<link rel=\"alternate\" [^>]*href=\"{}\"", regex::escape(&address)));
        assert!(offered.unwrap().is_match(page.text()), "{form}: {}", page.text());
        assert_eq!(daemon.get(&format!("/feeds/_health.{form}")).status, 401);
        assert_eq!(daemon.get(&format!("/feeds/_health.{form}?key=k")).status, 200);
    }
    assert!(page.text().contains("<a href=\"/feeds/_health?key=k\">"), "{}", page.text());
}

#[test]
fn a_page_beyond_the_end_leads_to_the_newest_and_nowhere_else() {
    let origin = Origin::start();
    origin.on("/one", entries((0..200).map(|n| at("2026-11-16T11:00:00Z") - TimeDelta::hours(n))));
    let app = App::new(&source("one", &origin, ""));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    for stem in ["/feeds/all", "/sources/one"] {
        for number in ["3", "9999", "18446744073709551615"] {
            let page = daemon.get(&format!("{stem}?page={number}"));
            assert!(page.text().contains("There is nothing on this page."), "{stem} {number}");
            assert_eq!(
                (link("prev", page.text()).as_deref(), link("next", page.text())),
                (Some(stem), None),
                "{stem} {number}"
            );
            assert!(page.text().contains(">The newest entries</a>"), "{stem} {number}");
        }
    }
}

#[test]
fn a_search_that_cannot_be_made_is_called_so() {
    let app = App::new("");
    let daemon = app.serve();
    let title = |path: &str| {
        let page = daemon.get(path);
        let (_, rest) = page.text().split_once("<title>").unwrap();
        rest.split_once("</title>").unwrap().0.to_owned()
    };
    assert_eq!(title("/search?q=*ood"), "Not a search: *ood · riverine");
    assert_eq!(title("/search?lang=!"), "Not a search · riverine");
    assert_eq!(title("/search?q=flood"), "flood · Search · riverine");
    assert_eq!(title("/search"), "Search · riverine");
}

#[test]
fn a_search_in_one_source_shows_that_it_is_and_can_be_widened() {
    let origin = Origin::start();
    let app = App::new(&source("one", &origin, ""));
    let daemon = app.serve();
    let field = |path: &str| {
        daemon.get(path).text().lines().find(|line| line.contains("name=\"source\"")).map(str::to_owned)
    };
    let shown = field("/search?q=flood&source=one").unwrap();
    assert!(shown.contains("<span>Source</span>") && shown.contains("value=\"one\""), "{shown}");
    assert!(!shown.contains("hidden"), "{shown}");
    // Emptied, it is no condition.
    assert_eq!(field("/search?q=flood&source="), None);
    assert_eq!(daemon.get("/search?q=flood&source=").status, 200);
}

#[test]
fn what_is_not_polled_is_not_announced() {
    let origin = Origin::start();
    for id in ["one", "off", "out"] {
        origin.on(&format!("/{id}"), Reply::ok("application/rss+xml", rss(id, &[(id, id, "", "Text.")])));
    }
    let (one, out) = (source("one", &origin, ""), source("out", &origin, ""));
    let admin = "[server]\nadmin_token = \"adm1n\"\n";
    let app = App::new("");
    let configure = |tables: &str| {
        app.configure(tables);
        let text = std::fs::read_to_string(app.config()).unwrap().replacen("[server]\n", admin, 1);
        app.write("riverine.toml", &text);
    };
    configure(&(one.clone() + &source("off", &origin, "") + &out));
    app.ok(&["fetch"]);
    configure(&(one + &source("off", &origin, "enabled = false")));
    let daemon = app.serve();
    app.polled(&["one"]);
    let list = daemon.get("/sources");
    assert!(list.text().contains("state disabled\">disabled"), "{}", list.text());
    assert_eq!(list.text().matches("\"when\">next").count(), 1, "{}", list.text());
    let report = daemon.request("GET", "/api/status", &[("Authorization", "Bearer adm1n")]);
    let report: serde_json::Value = serde_json::from_slice(&report.body).unwrap();
    for (id, why) in [("off", "disabled in the config"), ("out", "no longer configured")] {
        let page = daemon.get(&format!("/sources/{id}"));
        assert_eq!(page.status, 200, "{id}");
        assert!(
            page.text().contains("state disabled\">disabled") && page.text().contains(why),
            "{}",
            page.text()
        );
        assert!(!page.text().contains("Next poll"), "{}", page.text());
        let status = app.status(id);
        assert!(report["sources"].as_array().unwrap().contains(&status), "{report}");
        assert_eq!((&status["state"], &status["next_poll"]), (&"disabled".into(), &serde_json::Value::Null));
        assert_eq!(status["next_poll_reason"], why);
    }
    assert!(daemon.get("/metrics").text().contains("riverine_sources{state=\"disabled\"} 2"));
}

#[test]
fn sources_stand_by_their_names_and_those_that_fail_first() {
    let origin = Origin::start();
    for id in ["a", "b", "c", "f"] {
        origin.on(&format!("/{id}"), entries([at("2026-11-16T11:00:00Z")]));
    }
    origin.on("/held", Reply::status("503 Service Unavailable").header("Retry-After", "7200"));
    let named = |id: &str, name: &str| source(id, &origin, &format!("name = \"{name}\""));
    let app = App::new(
        &(named("a", "zebra news")
            + &named("b", "Éclair")
            + &named("c", "apple news")
            + &named("f", "Banana news")
            + &named("held", "Held news")
            + &named("x", "Yonder")
            + &named("y", "beyond")),
    );
    app.run(&["fetch"]);
    let daemon = app.serve();
    let names = || {
        let page = daemon.get("/sources");
        let name = regex::Regex::new("<h2 dir=\"auto\"><a [^>]*>([^<]*)</a>").unwrap();
        let names = name.captures_iter(page.text()).map(|found| found[1].to_owned()).collect::<Vec<_>>();
        (names, page.text().to_owned())
    };
    let (found, page) = names();
    assert_eq!(
        found,
        ["beyond", "Yonder", "apple news", "Banana news", "Éclair", "Held news", "zebra news"],
        "{page}"
    );
    assert!(page.contains("2 of them fail, and stand first."), "{page}");
    app.configure(&named("a", "zebra news"));
    daemon.signal("-HUP");
    eventually("the new list", || (names().0 == ["zebra news"]).then_some(()));
    assert!(!names().1.contains("stand first"));
}
