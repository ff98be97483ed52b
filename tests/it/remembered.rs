//! What a daemon remembers of an output, so that it need not look at everything again, is what one finds that
//! remembers nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::{App, Daemon, rss, source};
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

const OUTPUTS: [(&str, &str); 8] = [
    ("few", "keep = { title = [\"^Flood\"] }\nsources = [\"two\"]"),
    ("many", "keep = { title = [\"^Flood\"] }\nlimit = 10"),
    ("most", "keep = { title = [\"^Flood\"] }\nlimit = 60"),
    ("capped", "keep = { title = [\"^Flood\"] }\nlimit = 10\nper_source = 3"),
    ("dropped", "drop = { title = [\"^Market\"] }\nlimit = 20\nsources = [\"one\"]"),
    ("none", "keep = { title = [\"^Drought\"] }"),
    ("words", "query = \"flood\"\nlimit = 5\nsources = [\"one\", \"two\"]"),
    ("three", "sources = [\"three\"]\nlimit = 3"),
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

#[test]
fn a_daemon_that_remembers_says_what_a_new_one_finds() {
    let origin = Origin::start();
    let (mut one, mut two, three) = (stories(12, 0..1500), stories(40, 200..500), stories(7, 900..905));
    let mut tables = String::from("[defaults]\nbackfill = 5000\n");
    for id in ["one", "two", "three"] {
        tables.push_str(&source(id, &origin, ""));
    }
    for (id, keys) in OUTPUTS {
        write!(tables, "[[feed]]\nid = \"{id}\"\n{keys}\n").unwrap();
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
    for round in 0..7 {
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
            _ => _ = one.insert(-500, "A fair long ago".to_owned()),
        }
        publish(&one, &two, &three);
        let remembered = documents(&daemon);
        assert_ne!(remembered, before, "round {round}");
        if round % 2 == 1 {
            app.advance(TimeDelta::days(1));
        }
        before = documents(&daemon);
        daemon.stop();
        // Who begins anew counts no history in the time that a document waits for it, perhaps; this one has to.
        daemon = app.serve();
        let found = documents(&daemon);
        for (path, text) in &before {
            assert_eq!(found.get(path), Some(text), "round {round}, {path}");
        }
        assert_eq!(found.len(), before.len(), "round {round}");
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
