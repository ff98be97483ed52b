//! Any query is a feed, a page and a command; a bad one is said so in words.

use crate::app::{App, Daemon, rss};
use crate::origin::{Origin, Reply};

/// An origin with one feed of six entries, and a daemon that has read it.
fn river(tables: &str) -> (Origin, App, Daemon) {
    let origin = Origin::start();
    let items = [
        ("g1", "Café in Łódź opens", "Mon, 02 Nov 2026 10:00:00 GMT", "A place to sit"),
        ("g2", "東京で新聞を読む", "Tue, 03 Nov 2026 10:00:00 GMT", "本日の天気"),
        ("g3", "Flooding in the valley", "Wed, 04 Nov 2026 10:00:00 GMT", "The river rose"),
        (
            "g4",
            "River cleaned & <b>bold</b>",
            "Thu, 05 Nov 2026 10:00:00 GMT",
            "Volunteers &lt;i&gt;met&lt;/i&gt;",
        ),
    ];
    let items: Vec<_> = items
        .iter()
        .map(|(guid, title, date, text)| {
            (*guid, title.replace('&', "&amp;").replace('<', "&lt;"), *date, *text)
        })
        .collect();
    let items: Vec<_> =
        items.iter().map(|(guid, title, date, text)| (*guid, title.as_str(), *date, *text)).collect();
    origin.on("/feed", Reply::ok("application/rss+xml", rss("Origin", &items)).etag("\"1\""));
    let app = App::new(&format!("[[source]]\nid = \"one\"\nurl = \"{}\"\n{tables}", origin.url("/feed")));
    let daemon = app.serve();
    app.until("one", |status| status["state"] == "ok");
    (origin, app, daemon)
}

#[test]
fn any_query_is_a_feed() {
    let (_origin, app, daemon) = river("[[feed]]\nid = \"wet\"\nquery = \"river -cleaned\"\n");
    let titles = |path: &str| -> Vec<String> {
        let items = daemon.json(path)["items"].clone();
        items.as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles("/search.json?q=cafe+lodz"), ["Café in Łódź opens"]);
    assert_eq!(titles("/search.json?q=%E6%96%B0%E8%81%9E"), ["東京で新聞を読む"]);
    assert_eq!(titles("/search.json?q=river&since=2026-11-05").len(), 1);
    assert_eq!(titles("/search.json?source=one").len(), 4);
    // What finds something else is called otherwise.
    for (asked, title) in [
        ("q=river", "river"),
        ("q=river&lang=fr,en&since=2026-11-05", "river lang=en lang=fr since=2026-11-05"),
        ("source=one&key=abc", "source=one"),
    ] {
        assert_eq!(daemon.json(&format!("/search.json?{asked}"))["title"], format!("Search: {title}"));
    }
    assert_eq!(titles("/feeds/wet.json"), ["Flooding in the valley"]);
    let answer = daemon.get("/search.atom?q=river&key=abc");
    assert_eq!(answer.status, 200);
    assert!(
        answer.text().contains("href=\"https://river.example/search.atom?q=river\" rel=\"self\""),
        "{}",
        answer.text()
    );
    let again = daemon.request("GET", "/search.atom?q=river", &[("If-None-Match", answer.header("etag"))]);
    assert_eq!(again.status, 304);
    assert!(app.ok(&["search", "valley"]).contains("Flooding in the valley"));
}

#[test]
fn a_bad_query_is_refused_in_words_in_the_form_asked_for() {
    let (_origin, app, daemon) = river("");
    for (path, kind) in [
        ("/search.atom?q=%22open", "application/atom+xml; charset=utf-8"),
        ("/search.rss?q=a+OR", "application/rss+xml; charset=utf-8"),
        ("/search.json?q=%28", "application/feed+json; charset=utf-8"),
        ("/search.atom", "application/atom+xml; charset=utf-8"),
        ("/search.json?q=a&since=soon", "application/feed+json; charset=utf-8"),
        ("/search.json?lang=!", "application/feed+json; charset=utf-8"),
        ("/search.json?source=nobody", "application/feed+json; charset=utf-8"),
        ("/search?q=%22open", "text/html; charset=utf-8"),
        ("/search.json?q=lang%3Afr", "application/feed+json; charset=utf-8"),
        ("/search.atom?q=NEAR(a+b)", "application/atom+xml; charset=utf-8"),
        ("/search.atom?q=a&before=yesterday", "application/atom+xml; charset=utf-8"),
        ("/search.rss?q=*iver", "application/rss+xml; charset=utf-8"),
        ("/search.json?q=river%5E2", "application/feed+json; charset=utf-8"),
        ("/search.json?q=title:+river", "application/feed+json; charset=utf-8"),
        ("/search.json?q=ri*er", "application/feed+json; charset=utf-8"),
        ("/search.atom?q=ri%3Fer", "application/atom+xml; charset=utf-8"),
        ("/search?q=river~2", "text/html; charset=utf-8"),
        ("/search.atom?q=valley+%21river", "application/atom+xml; charset=utf-8"),
        ("/search.rss?q=%22the+valley%22~5", "application/rss+xml; charset=utf-8"),
        ("/search.json?q=%5Briver+TO+valley%5D", "application/feed+json; charset=utf-8"),
        ("/search?q=river+%7C%7C", "text/html; charset=utf-8"),
    ] {
        let answer = daemon.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (400, kind), "{path}");
    }
    assert_eq!(daemon.get("/search").status, 200);
    assert_eq!(app.run(&["search", "\"open"]).status.code(), Some(2));
    app.configure("[[feed]]\nid = \"wet\"\nquery = \"title: river\"\n");
    let check = app.run(&["check"]);
    let words = String::from_utf8_lossy(&check.stderr).into_owned();
    assert!(check.status.code() == Some(2) && words.contains("title: needs one word"), "{words}");
}

#[test]
fn what_is_nested_as_deep_as_may_be_is_found() {
    let (_origin, _app, daemon) = river("");
    for level in ["-(a", "(a OR b -(c", "(a OR b c -d (e", "(a OR -b -c -("] {
        let open = level.matches('(').count();
        let levels = 10 / open;
        let rest = 64 - (levels * level.matches(char::is_lowercase).count()).min(63);
        let rest: String = (0..rest).map(|n| format!(" -x{n}")).collect();
        let query = format!("{}{rest}{}", format!("{level} ").repeat(levels), ")".repeat(levels * open));
        let asked: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let answer = daemon.get(&format!("/search.atom?q={asked}"));
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    }
}

#[test]
fn signs_that_mean_nothing_here_do_no_harm() {
    let (_origin, app, daemon) = river("");
    let found =
        |query: &str| daemon.json(&format!("/search.json?q={query}"))["items"].as_array().unwrap().len();
    for (query, wanted) in [
        ("cafe+%7C%7C+river", 3),
        ("cafe%7Criver", 3),
        ("%2Briver+%2Brose", 1),
        ("river%3F", 2),
        ("river+%26+bold", 1),
        // In small letters these are words, and stand in none of them.
        ("cafe+or+river", 0),
        ("river+not+rose", 0),
    ] {
        assert_eq!(found(query), wanted, "{query}");
    }
    assert!(app.ok(&["search", "+valley | nowhere"]).contains("Flooding in the valley"));
    assert_eq!(app.run(&["search", "*alley"]).status.code(), Some(2));
}

#[test]
fn titles_are_searched_alone_where_that_is_asked() {
    let (_origin, app, daemon) = river("");
    assert_eq!(daemon.json("/search.json?q=title:river")["items"].as_array().unwrap().len(), 1);
    assert_eq!(daemon.json("/search.json?q=river")["items"].as_array().unwrap().len(), 2);
    let found = app.ok(&["search", "river -title:river"]);
    assert!(found.contains("Flooding") && !found.contains("River cleaned"), "{found}");
}

#[test]
fn what_does_not_fit_on_a_page_is_on_the_next() {
    let origin = Origin::start();
    let items: Vec<_> = (0..201)
        .map(|n| {
            // Some at the same moment.
            let date = format!("Mon, 02 Nov 2026 10:{:02}:00 GMT", n / 7);
            (format!("g{n}"), format!("Ferry {n}"), date)
        })
        .collect();
    let items: Vec<_> = items.iter().map(|(g, t, d)| (g.as_str(), t.as_str(), d.as_str(), "Text.")).collect();
    origin.on("/feed", Reply::ok("application/rss+xml", rss("Origin", &items)));
    let app = App::new(&format!("[[source]]\nid = \"one\"\nurl = \"{}\"\n", origin.url("/feed")));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let link = regex::Regex::new(r#"href="([^"]*)"[^>]*rel="next"|rel="next" href="([^"]*)""#).unwrap();
    let ferries = regex::Regex::new("Ferry [0-9]+").unwrap();
    for form in ["json", "atom", "rss", "page"] {
        let mut next = Some(match form {
            "page" => "/search?q=ferry".to_owned(),
            form => format!("/search.{form}?q=ferry"),
        });
        let (mut titles, mut pages) = (std::collections::BTreeSet::new(), 0);
        while let Some(path) = next {
            let answer = daemon.get(&path);
            assert_eq!(answer.status, 200, "{path}");
            titles.extend(ferries.find_iter(answer.text()).map(|found| found.as_str().to_owned()));
            pages += 1;
            assert_eq!(titles.len(), 201.min(pages * 100), "{path}");
            next = if form == "json" {
                let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
                json["next_url"].as_str().map(str::to_owned)
            } else {
                let found = link.captures(answer.text());
                found.map(|found| {
                    found
                        .iter()
                        .skip(1)
                        .flatten()
                        .next()
                        .unwrap()
                        .as_str()
                        .replace("&#38;", "&")
                        .replace("&amp;", "&")
                })
            };
            next = next.map(|next| next.replace("https://river.example", ""));
            let is_last_page = form == "page" && next.is_none();
            assert_eq!(answer.text().contains(">One older entry that matches.<"), is_last_page, "{path}");
        }
        assert_eq!(pages, 3, "{form}");
    }
    let few = app.run(&["search", "--limit", "2", "ferry"]);
    assert_eq!(String::from_utf8_lossy(&few.stdout).matches("Ferry").count(), 2);
    assert!(String::from_utf8_lossy(&few.stderr).contains("there are more"));
    assert!(app.run(&["search", "--limit", "201", "ferry"]).stderr.is_empty());
}

#[test]
fn a_word_to_do_without_needs_no_quotation_marks() {
    let (_origin, app, _daemon) = river("");
    let found = app.ok(&["search", "river", "-cleaned"]);
    assert!(found.contains("Flooding") && !found.contains("River cleaned"), "{found}");
    for call in [
        &["search", "river", "-cleaned", "--lang", "en", "--source=one", "--since", "30d"][..],
        &["-v", "search", "--limit", "5", "-cleaned", "river", "-v"],
        &["--config", "riverine.toml", "search", "-title:cleaned", "river"],
        &["search", "-q", "--", "river", "-cleaned"],
    ] {
        assert_eq!(app.ok(call), found, "{call:?}");
    }
    // Neither a value nor what no search has is taken for a word.
    for call in
        [&["search", "river", "--since", "-7d"][..], &["search", "river", "--title"], &["search", "-vq", "x"]]
    {
        assert_eq!(app.run(call).status.code(), Some(2), "{call:?}");
    }
    let none = app.run(&["search", "--limit", "0", "river"]);
    let words = String::from_utf8(none.stderr).unwrap();
    assert!(none.status.code() == Some(2) && words.contains("--limit 0"), "{words}");
    // What was written into the config since.
    let config = std::fs::read_to_string(app.config()).unwrap();
    app.write(
        "riverine.toml",
        &format!("{config}\n[[source]]\nid = \"two\"\nurl = \"https://two.example/\"\n"),
    );
    assert_eq!(app.ok(&["search", "--source", "two", "river"]), "");
    for (source, hint) in [("onne", "did you mean one?"), ("nobody", "riverine status names all")] {
        let unknown = app.run(&["search", "--source", source, "river"]);
        let words = String::from_utf8(unknown.stderr).unwrap();
        assert!(unknown.status.code() == Some(2) && words.ends_with(&format!("; {hint}\n")), "{words}");
    }
    let told = app.run(&["explain", "nothing"]);
    assert!(String::from_utf8(told.stderr).unwrap().contains("about \"nothing\""));
}

/// Pages show the one for people, documents pass on the one for programs: both are what a reader may have seen.
#[test]
fn a_subject_is_found_and_filtered_by_either_of_its_names() {
    let origin = Origin::start();
    let entry = |id: &str, title: &str, category: &str| {
        format!(
            "<entry><id>urn:x:{id}</id><title>{title}</title><updated>2026-11-0{id}T00:00:00Z</updated>\
             <category {category}/></entry>"
        )
    };
    let entries = [
        entry("1", "A vote", "term=\"t17\" label=\"Politics\""),
        entry("2", "A match", "term=\"sports\" label=\"Matches &amp; more\""),
        entry("3", "An advert", "term=\"t99\" label=\"Sponsored\""),
        entry("4", "A cloud", "term=\"weather\""),
    ];
    let feed = format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>One</title><id>urn:x</id>{}</feed>",
        entries.concat()
    );
    origin.on("/feed", Reply::ok("application/atom+xml", feed));
    let app = App::new(&format!(
        "[[source]]\nid = \"one\"\nurl = \"{}\"\nkeep = {{ category = [\"^Politics$\", \"^sports$\", \"^Spons\"] }}\n\
         drop = {{ category = [\"^Sponsored$\"] }}\n",
        origin.url("/feed")
    ));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    assert_eq!(daemon.titles("all"), ["A match", "A vote"]);
    for (query, title) in
        [("t17", "A vote"), ("politics", "A vote"), ("sports", "A match"), ("matches", "A match")]
    {
        let found = app.ok(&["search", query]);
        assert!(found.contains(title) && found.lines().count() == 2, "{query}: {found}");
    }
}
