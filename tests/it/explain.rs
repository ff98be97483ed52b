//! Why an entry is where it is, feed by feed.

use crate::app::{App, rss, source};
use crate::origin::{Origin, Reply};

const OLDER: &str = "Tue, 10 Nov 2026 08:00:00 GMT";
const NEWER: &str = "Wed, 11 Nov 2026 08:00:00 GMT";

#[test]
fn of_each_feed_is_said_whether_it_has_an_entry_and_why_not() {
    let origin = Origin::start();
    let ahead = ("3", "The fair", "Mon, 16 Nov 2026 18:00:00 GMT", "At noon.");
    let items =
        [("1", "Beavers return", OLDER, "By the agency."), ("2", "Otters too", NEWER, "Likewise."), ahead];
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &items)));
    origin.on("/two", Reply::ok("application/rss+xml", rss("Two", &[("4", "Moles dig", OLDER, "Deep.")])));
    let more = "groups = [\"beasts\"]\nlanguage = \"en\"\nfuture = \"hold\"";
    let feeds = [
        "id = \"beasts\"\ntitle = \"Beasts <all>\"\ngroups = [\"beasts\"]",
        "id = \"others\"\nsources = [\"two\"]\nlanguages = [\"fr\", \"de\"]",
        "id = \"kept\"\nkeep = { title = [\"^Otters\"] }",
        "id = \"dropped\"\ndrop = { title = [\"(?i)beavers\"] }",
        "id = \"asked\"\nquery = \"walrus OR otters\"",
        "id = \"capped\"\nper_source = 1",
        "id = \"short\"\nsources = [\"one\"]\nlimit = 1",
        "id = \"secret\"\ntoken = \"hush\"",
    ];
    let feeds: String = feeds.iter().map(|feed| format!("[[feed]]\n{feed}\n")).collect();
    let app = App::new(&(source("one", &origin, more) + &source("two", &origin, "backfill = 0") + &feeds));
    app.ok(&["fetch"]);
    let told = app.ok(&["explain", "beavers"]);
    for said in [
        "\nfeed all: has it\n",
        "\nfeed beasts: has it\n",
        "\nfeed others: no: none of its sources has it; its language is \"en\", not fr or de\n",
        "\nfeed kept: no: keep title: no pattern matches\n",
        "\nfeed dropped: no: drop title (?i)beavers\n",
        "\nfeed asked: no: query \"walrus OR otters\" does not find it\n",
        "\nfeed capped: only in its archive: it has newer ones of this source, and takes 1 (per_source)\n",
        "\nfeed short: only in its archive: it has newer ones, and takes 1 (limit)\n",
    ] {
        assert!(told.contains(said), "{said:?} not in {told}");
    }
    let id = told.lines().find_map(|line| line.strip_prefix("urn:uuid:")).unwrap().to_owned();
    let told = app.ok(&["explain", "otters"]);
    for feed in ["kept", "asked", "capped", "short", "dropped"] {
        assert!(told.contains(&format!("\nfeed {feed}: has it\n")), "{feed} in {told}");
    }
    assert!(app.ok(&["explain", "fair"]).contains("\nfeed all: not yet: it is held until its date\n"));
    assert!(app.ok(&["explain", "moles"]).contains("\nfeed all: only in its archive: it was backlog"));
    // Its page leads to the feeds that have it, and keeps quiet about those the reader may not read.
    let daemon = app.serve();
    let page = daemon.get(&format!("/entries/{id}"));
    let said = "In the feeds <a dir=\"auto\" href=\"/feeds/beasts\">Beasts &#60;all&#62;</a>, ";
    assert!(page.text().contains(said), "{}", page.text());
    let start = page.text().find("In the feeds").unwrap();
    let line = page.text()[start..].lines().next().unwrap();
    for (feed, stands) in [
        ("all", true),
        ("capped", true),
        ("short", true),
        ("kept", false),
        ("others", false),
        ("secret", false),
    ] {
        assert_eq!(line.contains(&format!("/feeds/{feed}\"")), stands, "{feed} in {line}");
    }
}

#[test]
fn words_are_those_of_a_title_and_more_stories_than_are_told_are_not_passed_over() {
    let origin = Origin::start();
    let numbers: Vec<String> = (0..12).map(|n| n.to_string()).collect();
    let titles: Vec<String> = numbers.iter().map(|n| format!("Weir {n} is mended")).collect();
    let mut items: Vec<_> = numbers
        .iter()
        .zip(&titles)
        .map(|(n, title)| (n.as_str(), title.as_str(), NEWER, "The ferry waits."))
        .collect();
    items.push(("old", "The ferry is late", OLDER, "By an hour."));
    items.push(("none", "", OLDER, "An otter."));
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &items)));
    let app = App::new(&source("one", &origin, ""));
    app.ok(&["fetch"]);
    let explain = |words: &[&str]| {
        let ended = app.run(&[&["explain"], words].concat());
        (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap())
    };
    let (told, said) = explain(&["ferry"]);
    assert_eq!(told.matches("urn:uuid:").count(), 1, "{told}");
    assert!(told.starts_with("The ferry is late\n") && said.is_empty(), "{told}{said}");
    // What has no title is found by its text.
    assert!(explain(&["otter"]).0.starts_with("(no title)\n"));
    let (told, said) = explain(&["weir"]);
    assert_eq!(told.matches("urn:uuid:").count(), 10);
    assert!(said.starts_with("there are more than these 10;"), "{said}");
    assert_eq!(explain(&["weir", "-q"]).1, "");
}
