//! What a daemon remembers of an output, so that it need not look at everything again, is what one finds that
//! remembers nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::{App, Daemon, eventually, rss, source};
use crate::archive::older;
use crate::origin::{Origin, Reply};

/// A source's document: numbers of stories, with their titles.
type Page = BTreeMap<i64, String>;

fn reply(page: &Page) -> Reply {
    let start: DateTime<Utc> = "2026-09-01T00:00:00Z".parse().unwrap();
    let items: Vec<_> = page
        .iter()
        .rev()
        .map(|(n, title)| {
            let at = start + TimeDelta::hours(*n);
            (format!("g{n}"), title.clone(), at.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        })
        .collect();
    let items: Vec<_> = items.iter().map(|(g, t, d)| (g.as_str(), t.as_str(), d.as_str(), "Text.")).collect();
    Reply::ok("application/rss+xml", rss("One", &items))
}

/// One story in so many is of a flood.
fn stories(every: i64, numbers: std::ops::Range<i64>) -> Page {
    numbers
        .map(|n| (n, if n % every == 0 { format!("Flood {n}") } else { format!("Market day {n}") }))
        .collect()
}

/// Few stories pass these: all of them have to be looked at to find those, so that what was found is kept.
const RARE: &str = "keep = { title = [\"^Flood( .*00$|, not| of| long)\"] }";

const OUTPUTS: [(&str, &str); 11] = [
    ("few", "keep = { title = [\"^Flood\"] }\nsources = [\"two\"]"),
    ("many", "keep = { title = [\"^Flood\"] }\nlimit = 10"),
    ("most", "keep = { title = [\"^Flood\"] }\nlimit = 60"),
    ("capped", "keep = { title = [\"^Flood\"] }\nlimit = 10\nper_source = 3"),
    ("dropped", "drop = { title = [\"^Market\"] }\nlimit = 20\nsources = [\"one\"]"),
    ("none", "keep = { title = [\"^Drought\"] }"),
    ("words", "query = \"flood\"\nlimit = 5\nsources = [\"one\", \"two\"]"),
    ("three", "sources = [\"three\"]\nlimit = 3"),
    ("rare", ""),
    ("rare-one", "sources = [\"one\"]"),
    ("rare-capped", "per_source = 3"),
];

/// Every document of every output, with the chain of those before it.
fn documents(daemon: &Daemon) -> BTreeMap<String, String> {
    let mut documents = BTreeMap::new();
    for (id, _) in OUTPUTS {
        let mut next = Some(format!("/feeds/{id}.atom"));
        while let Some(path) = next {
            let answer = daemon.get(&path);
            assert_eq!(answer.status, 200, "{path}");
            next = older(answer.text());
            assert!(documents.insert(path, answer.text().to_owned()).is_none(), "a chain that bites itself");
        }
        for form in ["rss", "json"] {
            let path = format!("/feeds/{id}.{form}");
            documents.insert(path.clone(), daemon.get(&path).text().to_owned());
        }
    }
    documents
}

/// Takes away what was kept of outputs; who starts then looks at everything. Of how many something was kept.
fn forget(app: &App) -> usize {
    let db = rusqlite::Connection::open(app.path("riverine.db")).unwrap();
    db.execute("DELETE FROM found", []).unwrap()
}

/// What a daemon finds that remembers what one before it found is what one finds that knows nothing.
fn compare(app: &App, when: &str) -> BTreeMap<String, String> {
    let daemon = app.serve();
    let recalled = documents(&daemon);
    assert_eq!(daemon.stop(), 0);
    assert!(forget(app) > 2, "{when}: nothing was kept");
    let daemon = app.serve();
    let found = documents(&daemon);
    same(&found, &recalled, when);
    daemon.stop();
    found
}

fn same(found: &BTreeMap<String, String>, recalled: &BTreeMap<String, String>, when: &str) {
    for (path, text) in recalled {
        assert_eq!(found.get(path), Some(text), "{when}, {path}");
    }
    assert!(found.keys().eq(recalled.keys()), "{when}: {:?}", found.keys());
}

/// What the sources say otherwise in a round.
fn happens(round: usize, one: &mut Page, two: &mut Page) {
    match round {
        // New ones, of which some are of floods, and one that another source has.
        0 => {
            one.extend(stories(12, 1500..1530));
            two.extend(stories(12, 1500..1502));
        }
        // Titles that come to match, or no more, in documents and in the history.
        1 => {
            one.insert(1488, "Market day after all".to_owned());
            one.insert(36, "Market day, too".to_owned());
            one.insert(1499, "Flood, not market".to_owned());
            one.insert(50, "Flood of old".to_owned());
        }
        // Nothing that stands in any of them.
        2 => _ = one.insert(1531, "A fair".to_owned()),
        // A story that only the third had is met by the second.
        3 => _ = two.insert(903, "Flood 903".to_owned()),
        // One that nobody was of before; and one that stands last in the history and far down in the river.
        4 => one.extend([(1532, "Drought".to_owned()), (-500, "Market day long ago".to_owned())]),
        // That one enters the history of floods, not their current document, and leaves it again.
        5 => _ = one.insert(-500, "Flood long ago".to_owned()),
        6 => _ = one.insert(-500, "A fair long ago".to_owned()),
        7 => _ = one.insert(1536, "Flood 1536".to_owned()),
        _ => {}
    }
}

#[test]
fn a_daemon_that_remembers_says_what_a_new_one_finds() {
    let origin = Origin::start();
    let (mut one, mut two, three) = (stories(12, 0..1500), stories(40, 200..500), stories(7, 900..905));
    let mut tables = String::from("[defaults]\nbackfill = 5000\n");
    for id in ["one", "two", "three"] {
        tables.push_str(&source(id, &origin, ""));
    }
    for (id, keys) in OUTPUTS {
        let rare = if id.starts_with("rare") { RARE } else { "" };
        write!(tables, "[[feed]]\nid = \"{id}\"\n{keys}\n{rare}\n").unwrap();
    }
    let app = App::new(&tables);
    let publish = |one: &Page, two: &Page, three: &Page| {
        for (path, page) in [("/one", one), ("/two", two), ("/three", three)] {
            origin.on(path, reply(page));
        }
        app.ok(&["fetch"]);
    };
    publish(&one, &two, &three);
    let mut daemon = app.serve();
    let first = documents(&daemon);
    assert_eq!(
        first.keys().filter(|path| path.starts_with("/feeds/many/archive/")).count(),
        2,
        "{:?}",
        first.keys()
    );
    let mut before = first;
    for round in 0..8 {
        happens(round, &mut one, &mut two);
        if round == 7 {
            // A copy made two rounds ago takes the store's place.
            daemon.stop();
            app.ok(&["restore", "copy.db"]);
            // What is due by now would be polled at some moment between two looks.
            publish(&one, &two, &three);
            daemon = app.serve();
        }
        if round == 5 {
            app.ok(&["backup", "copy.db"]);
        }
        // What happens while it runs, while it does not, and shortly before it is killed.
        match round % 3 {
            _ if round == 7 => {}
            0 => publish(&one, &two, &three),
            1 => {
                daemon.stop();
                publish(&one, &two, &three);
                daemon = app.serve();
            }
            _ => {
                documents(&daemon);
                publish(&one, &two, &three);
                drop(daemon);
                daemon = app.serve();
            }
        }
        let remembered = documents(&daemon);
        assert_ne!(remembered, before, "round {round}");
        if round % 2 == 1 {
            app.advance(TimeDelta::days(1));
        }
        before = documents(&daemon);
        daemon.stop();
        let found = compare(&app, &format!("round {round}"));
        same(&found, &before, &format!("round {round}"));
        daemon = app.serve();
    }
}

#[test]
fn what_was_shown_when_it_changed_is_found_when_it_is_shown_no_more() {
    let origin = Origin::start();
    let mut page = stories(1000, 1..201);
    page.insert(900, "Flood 900".to_owned());
    let keys = "[[feed]]\nid = \"floods\"\nkeep = { title = [\"^Flood\"] }\nlimit = 3\n";
    let app = App::new(&("[defaults]\nbackfill = 5000\n".to_owned() + &source("one", &origin, "") + keys));
    origin.on("/one", reply(&page));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    assert_eq!(daemon.titles("floods"), ["Flood 900"]);
    page.insert(100, "Flood 100".to_owned());
    origin.on("/one", reply(&page));
    app.poll_again("one");
    assert_eq!(daemon.titles("floods"), ["Flood 900", "Flood 100"]);
    page.extend([(901, "Flood 901".to_owned()), (902, "Flood 902".to_owned())]);
    origin.on("/one", reply(&page));
    app.poll_again("one");
    assert_eq!(daemon.titles("floods"), ["Flood 902", "Flood 901", "Flood 900"]);
    let before = older(daemon.get("/feeds/floods.atom").text()).unwrap();
    assert!(daemon.get(&before).text().contains("Flood 100"));
}

/// The config of three sources, with these ids and further keys, and the outputs of these.
fn river(origin: &Origin, options: &str, sources: &[(&str, &str, &str)]) -> String {
    let mut tables = format!("[defaults]\nbackfill = 5000\n{options}");
    for (path, id, more) in sources {
        let table = source(path, origin, more);
        tables.push_str(&table.replacen(&format!("id = \"{path}\""), &format!("id = \"{id}\""), 1));
    }
    for (id, keys) in OUTPUTS {
        let rare = if id.starts_with("rare") { RARE } else { "" };
        let keys = sources.iter().fold(keys.to_owned(), |keys, (path, id, _)| {
            keys.replace(&format!("\"{path}\""), &format!("\"{id}\""))
        });
        // Of a source that is gone there is no output.
        let known = |id: &str| sources.iter().any(|(path, ..)| *path == id);
        let keys = if known("two") { keys } else { keys.replace("\"two\"", "\"three\"") };
        write!(tables, "[[feed]]\nid = \"{id}\"\n{keys}\n{rare}\n").unwrap();
    }
    tables
}

#[test]
fn what_happens_to_sources_and_by_hand_is_seen_too() {
    let origin = Origin::start();
    // A story that two have, which one writes otherwise; and some that a filter holds back.
    let (one, mut two, three) = (stories(12, 0..1500), stories(40, 200..500), stories(7, 900..905));
    two.insert(1488, "FLOOD 1488".to_owned());
    two.insert(1000, "Secret market".to_owned());
    two.insert(1001, "Flood of secrets, not market".to_owned());
    for (path, page) in [("/one", &one), ("/two", &two), ("/three", &three)] {
        origin.on(path, reply(page));
    }
    let secret = "drop = { title = [\"(?i)secret\"] }";
    let app =
        App::new(&river(&origin, "", &[("two", "two", secret), ("one", "one", ""), ("three", "three", "")]));
    app.ok(&["fetch", "two"]);
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let mut before = documents(&daemon);
    daemon.stop();
    let mut happened = |what: &str, shown: &BTreeMap<String, String>| {
        assert_ne!(shown, &before, "{what} changes nothing");
        before = compare(&app, what);
        same(shown, &before, what);
    };
    // Under the daemon: the kept documents are read again under other filters.
    let sources = [("two", "two", ""), ("one", "one", ""), ("three", "three", "")];
    let daemon = app.serve();
    documents(&daemon);
    app.configure(&river(&origin, "", &sources));
    daemon.signal("-HUP");
    eventually("the config", || daemon.log().contains("the new config is in force").then_some(()));
    let said = app.ok(&["replay"]);
    assert!(said.contains("two: added: Secret market"), "{said}");
    let shown = documents(&daemon);
    daemon.stop();
    happened("a replay", &shown);
    // A source under another id.
    let renamed = [("two", "two", ""), ("one", "first", "was = [\"one\"]"), ("three", "three", "")];
    app.configure(&river(&origin, "", &renamed));
    let daemon = app.serve();
    let shown = documents(&daemon);
    daemon.stop();
    happened("a rename", &shown);
    // A source with all that it told: one of its stories is another's now, under the title that this one gave it.
    let rest = [renamed[1], renamed[2]];
    app.configure(&(river(&origin, "", &rest) + &source("two", &origin, "")));
    app.ok(&["remove", "two", "--purge"]);
    let daemon = app.serve();
    let shown = documents(&daemon);
    daemon.stop();
    assert!(shown["/feeds/many.atom"].contains("Flood 1488"));
    happened("a purge", &shown);
    // More than may be kept.
    app.configure(&river(&origin, "[store]\nmax_entries_per_source = 700\n", &rest));
    let daemon = app.serve();
    app.until("first", |status| status["entries"].as_u64().unwrap() < 800);
    let shown = documents(&daemon);
    daemon.stop();
    happened("retention", &shown);
}

/// Of which outputs a table says something.
fn named(app: &App, table: &str) -> Vec<String> {
    let db = rusqlite::Connection::open(app.path("riverine.db")).unwrap();
    let mut outputs = db.prepare(&format!("SELECT DISTINCT output FROM {table} ORDER BY output")).unwrap();
    outputs.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_was_found_of_an_output_goes_with_it_and_its_cuts_stay() {
    let origin = Origin::start();
    origin.on("/one", reply(&stories(12, 0..1500)));
    let under = |outputs: &[&str]| {
        let mut tables = "[defaults]\nbackfill = 5000\n".to_owned() + &source("one", &origin, "");
        for id in outputs {
            write!(tables, "[[feed]]\nid = \"{id}\"\nkeep = {{ title = [\"^Flood\"] }}\n").unwrap();
        }
        tables
    };
    let app = App::new(&under(&["stays", "goes", "went"]));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    for feed in ["stays", "goes", "went"] {
        assert_eq!(daemon.get(&format!("/feeds/{feed}.atom")).status, 200);
    }
    assert_eq!(daemon.stop(), 0);
    assert_eq!(named(&app, "found"), ["goes", "stays", "went"]);
    let cut = named(&app, "archive_ends");
    // At a start, and by a reload.
    app.configure(&under(&["stays", "goes"]));
    let daemon = app.serve();
    assert_eq!(daemon.get("/feeds/went.atom").status, 404);
    app.configure(&under(&["stays"]));
    daemon.signal("-HUP");
    eventually("the config", || (daemon.get("/feeds/goes.atom").status == 404).then_some(()));
    assert_eq!(daemon.stop(), 0);
    assert_eq!(named(&app, "found"), ["stays"]);
    assert_eq!(named(&app, "archive_ends"), cut);
    assert_eq!(cut, ["goes", "stays", "went"]);
}
