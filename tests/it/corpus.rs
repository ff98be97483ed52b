//! Real documents, and references nobody of the project wrote. The corpus is handed in by `RIVERINE_CORPUS`;
//! without it these tests say that they are left out.

use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::app::{App, corpus, source, tool};
use crate::origin::{Origin, Reply};

/// The project's first source: an agency's news as text, as feed (with and without links) and as page.
const SEEDS: [(&str, &str); 4] = [
    ("seed.txt", "text/plain; charset=utf-8"),
    ("seed.rss", "application/rss+xml"),
    ("seed-no-links.rss", "application/rss+xml"),
    ("seed.html", "text/html; charset=utf-8"),
];

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A text without tags, entities and differences of white space.
fn plain(html: &str) -> String {
    let text: String = scraper::Html::parse_fragment(html).root_element().text().collect();
    text.split_whitespace().collect()
}

/// The entries of an output that are expected to be exactly those of the seed, `hours` earlier.
fn check_seed(items: &[Value], expected: &[Value], hours: impl Fn(DateTime<Utc>) -> i64, what: &str) {
    assert_eq!(items.len(), expected.len(), "{what}");
    for (item, expected) in items.iter().zip(expected) {
        let title = expected["title"].as_str().unwrap();
        assert_eq!(item["title"], title, "{what}");
        let stated: DateTime<Utc> = expected["published"].as_str().unwrap().parse().unwrap();
        let published: DateTime<Utc> = item["date_published"].as_str().unwrap().parse().unwrap();
        assert_eq!(published, stated - TimeDelta::hours(hours(stated)), "{what}: {title}");
        assert_eq!(item["language"], expected["language"], "{what}: {title}");
        let body = plain(item["content_html"].as_str().unwrap());
        for paragraph in expected["paragraphs"].as_array().unwrap() {
            let paragraph = plain(paragraph.as_str().unwrap());
            assert!(body.contains(&paragraph), "{what}: {title}: {paragraph} is not in {body}");
        }
        let link = expected["link"].as_str().unwrap().rsplit('/').next().unwrap();
        let url = item["url"].as_str().unwrap();
        let linked = !["seed.txt", "seed-no-links.rss"].contains(&what);
        assert_eq!(url.ends_with(link), linked, "{what}: {title}: {url}");
        assert_eq!(url.starts_with("https://river.example/entries/"), !linked, "{what}: {title}: {url}");
    }
}

#[test]
fn each_form_of_the_seed_yields_exactly_its_entries() {
    let Some(corpus) = corpus() else { return };
    let expected = json(&corpus.join("seed/expected.json"));
    let expected = expected["entries"].as_array().unwrap();
    for (file, content_type) in SEEDS {
        let origin = Origin::start();
        origin.on("/one", Reply::ok(content_type, fs::read(corpus.join("seed").join(file)).unwrap()));
        for zone in ["UTC", "Europe/Vienna"] {
            let app = App::new(&source("one", &origin, &format!("timezone = \"{zone}\"")));
            let daemon = app.serve();
            app.polled(&["one"]);
            let feed = daemon.json("/sources/one.json");
            let vienna: chrono_tz::Tz = zone.parse().unwrap();
            let hours = |stated: DateTime<Utc>| {
                use chrono::{Offset as _, TimeZone as _};
                let offset = vienna.offset_from_local_datetime(&stated.naive_utc()).unwrap();
                i64::from(offset.fix().local_minus_utc()) / 3600
            };
            assert!(!app.status("one")["last_error"].is_string(), "{file}: {}", app.status("one"));
            check_seed(feed["items"].as_array().unwrap(), expected, hours, file);
        }
    }
}

#[test]
fn all_forms_of_the_seed_at_once_are_each_story_once() {
    let Some(corpus) = corpus() else { return };
    let expected = json(&corpus.join("seed/expected.json"));
    let expected = expected["entries"].as_array().unwrap();
    let origin = Origin::start();
    let mut tables = String::new();
    let mut ids = Vec::new();
    for (file, content_type) in SEEDS {
        let id = file.replace('.', "-");
        origin.on(
            &format!("/{id}"),
            Reply::ok(content_type, fs::read(corpus.join("seed").join(file)).unwrap()),
        );
        tables.push_str(&source(&id, &origin, "timezone = \"Europe/Vienna\""));
        ids.push(id);
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let app = App::new(&tables);
    let daemon = app.serve();
    app.polled(&ids);
    let titles: Vec<&str> = expected.iter().map(|entry| entry["title"].as_str().unwrap()).collect();
    assert_eq!(daemon.titles("all"), titles);
    for id in &ids {
        assert_eq!(
            daemon.json(&format!("/sources/{id}.json"))["items"].as_array().unwrap().len(),
            titles.len()
        );
    }
    // And so it stays.
    let before = daemon.get("/feeds/all.atom");
    app.poll_again(ids[0]);
    assert_eq!(daemon.get("/feeds/all.atom").text(), before.text());
}

/// Runs a judge that lies beside the corpus, and hands back the share it found, in percent.
fn judge(corpus: &Path, script: &str, arguments: &[&str]) -> (f64, Value) {
    let script = corpus.join("../tools").join(script);
    let directory = tempfile::tempdir().unwrap();
    let result = directory.path().join("result.json");
    let output =
        Command::new("python3").arg(script).args(arguments).arg("--out").arg(&result).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    eprintln!("{printed}");
    let result = json(&result);
    (result["overall"].as_f64().unwrap(), result)
}

#[test]
fn feeds_are_read_as_others_read_them() {
    let Some(corpus) = corpus().filter(|_| tool("python3")) else { return };
    let call =
        format!("{} parse [--url {{url}}] [--content-type {{ct}}] {{file}}", env!("CARGO_BIN_EXE_riverine"));
    let corpus_path = corpus.to_str().unwrap();
    let expected = corpus.join("expected.json");
    let (overall, result) = judge(
        &corpus,
        "parse_agreement.py",
        &["--cmd", &call, "--corpus", corpus_path, "--expected", expected.to_str().unwrap()],
    );
    // What is lost, and why: docs/notes/agreement.md.
    assert!(overall >= 98.3, "{overall} % overall");
    for (group, found) in result["groups"].as_object().unwrap() {
        let Some(score) = found["score"].as_f64() else { continue };
        // What is cleaned is judged elsewhere and differs on purpose.
        let least = if group == "assert" { 0.95 } else { 0.97 };
        assert!(group == "sanitize" || score >= least, "{group}: {score}");
        for end in ["crash", "timeout", "badjson"] {
            assert_eq!(found["status"].get(end), None, "{group}: {end}");
        }
    }
}

#[test]
fn pages_are_read_as_people_see_them() {
    let Some(corpus) = corpus().filter(|_| tool("python3")) else { return };
    let pages = corpus.join("pages");
    let bare = format!("{} parse --url {{url}}", env!("CARGO_BIN_EXE_riverine"));
    let selectors =
        ["item", "title", "link", "date"].map(|key| format!("[--select {key}={{{key}}}]")).join(" ");
    for (call, least) in [(format!("{bare} {selectors} {{file}}"), 95.0), (format!("{bare} {{file}}"), 90.0)]
    {
        let (overall, _) =
            judge(&corpus, "page_agreement.py", &["--cmd", &call, "--pages", pages.to_str().unwrap()]);
        assert!(overall >= least, "{overall} % with {call}");
    }
}
