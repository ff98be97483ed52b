//! What commands print, and how they end: data on stdout, words on stderr, 0 done, 1 failed, 2 wrong.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::app::{App, eventually, get, rss, source};
use crate::origin::{Origin, Reply};

fn words(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts how a command ended, and hands back its words.
fn ended(output: &Output, code: i32) -> String {
    let words = words(output);
    assert_eq!(output.status.code(), Some(code), "{words}");
    words
}

/// Every problem, in order: what is wrong, where, the line itself, what to write instead.
const PROBLEMS: &str = r#"error: unknown key "listn" in [server]
 --> riverine.toml:2:1
  |
2 | listn = "127.0.0.1:7878"
  | ^^^^^
  |
  = help: did you mean listen?

error: "30 parsecs" is not a duration; write it like 30s, 5m, 1h 30m or 7d
 --> riverine.toml:4:11
  |
4 | timeout = "30 parsecs"
  |           ^^^^^^^^^^^^
  |
  = help: write it like timeout = "30s"

error: two sources have the id "a"
  --> riverine.toml:10:6
   |
10 | id = "a"
   |      ^^^
   |
  ::: riverine.toml:7:6
   |
 7 | id = "a"
   |      --- the other one
   |
   = help: give one of them another id = "…"

3 errors
"#;

/// `cite` of a quotation, too, which no reader shows.
#[test]
fn parse_lets_no_address_through_that_was_not_looked_at() {
    let app = App::new("");
    let texts = ["q", "blockquote", "del", "ins"].map(|name| {
        let text = ["javascript:alert(1)", "data:,x", "file:///x", "relative"];
        text.map(|address| format!("&lt;{name} cite=\"{address}\"&gt;quoted&lt;/{name}&gt;")).concat()
    });
    app.write(
        "quotes.rss",
        &format!(
            "<rss version=\"2.0\"><channel><title>t</title><item><title>a</title><description>{}</description></item>\
             </channel></rss>",
            texts.concat()
        ),
    );
    let printed = app.ok(&["parse", "--url", "http://e.example/f.rss", "quotes.rss"]);
    assert_eq!(printed.matches("quoted").count(), 16, "{printed}");
    assert!(!printed.contains("cite"), "{printed}");
}

#[test]
fn a_broken_config_says_every_problem_at_once_and_starts_nothing() {
    let app = App::new("");
    app.write(
        "riverine.toml",
        "[server]\nlistn = \"127.0.0.1:7878\"\n[fetch]\ntimeout = \"30 parsecs\"\n[[source]]\n\
         url = \"https://one.example/feed\"\nid = \"a\"\n[[source]]\nurl = \"https://two.example/feed\"\nid = \"a\"\n",
    );
    for command in ["check", "serve", "fetch", "status"] {
        let output = app.command(&[command]).env("RIVERINE_CONFIG", "riverine.toml").output().unwrap();
        assert_eq!(ended(&output, 2), PROBLEMS, "{command}");
        assert!(output.stdout.is_empty(), "{command} printed data");
    }
    assert!(!app.path("riverine.db").exists(), "nothing may be started");
}

#[test]
fn what_is_wrong_is_counted_apart_from_what_is_warned_of() {
    let app = App::new("");
    let same = "[[source]]\nurl = \"https://one.example/feed\"\n";
    app.write("riverine.toml", &format!("colour = 1\n{same}id = \"a\"\n{same}id = \"b\"\n"));
    let words = ended(&app.run(&["check"]), 2);
    assert!(words.contains("warning: this address stands here twice"), "{words}");
    assert!(words.ends_with("\n\n1 error, 1 warning\n"), "{words}");
}

#[test]
fn a_sound_config_is_counted() {
    let app = App::new(
        "[[source]]\nurl = \"https://one.example/feed\"\n[[source]]\nurl = \"https://two.example/feed\"\n\
         enabled = false\n[[feed]]\nid = \"x\"\n",
    );
    assert_eq!(app.ok(&["check"]), "ok: 2 sources, 2 feeds (1 disabled)\n");
    assert!(!app.path("riverine.db").exists(), "check needs no store");
}

#[test]
fn a_problem_in_an_included_file_is_shown_there() {
    let app = App::new("");
    app.write("riverine.toml", "include = [\"sources.d/*.toml\"]\n");
    app.write(
        "sources.d/one.toml",
        "[[source]]\nurl = \"https://one.example/feed\"\nscedule = \"@hourly\"\n",
    );
    let words = ended(&app.run(&["check"]), 2);
    assert!(words.contains("unknown key \"scedule\""), "{words}");
    assert!(words.contains("sources.d/one.toml:3:1"), "{words}");
    assert!(words.contains("did you mean schedule?"), "{words}");
}

#[test]
fn without_a_config_one_is_told_how_to_begin() {
    let app = App::new("");
    let output = app.run(&["serve", "--config", "none.toml"]);
    let words = ended(&output, 2);
    assert!(words.contains("there is no config none.toml (named by --config)"), "{words}");
    assert!(words.contains("[[source]]") && words.contains("riverine demo"), "{words}");
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    let app = App::new("");
    app.write("riverine.toml", "[store]\nurl = \"postgresql://store.example/river\"");
    let words = ended(&app.run(&["check"]), 2);
    assert!(words.contains("not in this version"), "{words}");
    app.write("riverine.toml", "[fetch]\nwebsub = true\n[dedup]\nsimilar = 0.9\n");
    ended(&app.run(&["check"]), 0);
}

#[test]
fn who_only_looks_needs_no_credentials() {
    let app = App::new("[[feed]]\nid = \"x\"\ntoken = { credential = \"reader\" }\n");
    let output = app.run(&["check"]);
    assert!(ended(&output, 0).contains("LoadCredential=reader"));
    app.ok(&["status"]);
    for command in ["serve", "fetch"] {
        let words = ended(&app.run(&[command]), 2);
        assert!(
            words.contains("error: there are no credentials") && words.contains("LoadCredential=reader"),
            "{command}: {words}"
        );
    }
    assert!(!app.path("riverine.db").exists(), "nothing may be started");
}

#[test]
fn a_wrong_call_ends_with_two() {
    let app = App::new("[[source]]\nurl = \"https://one.example/feed\"\nid = \"one\"\n");
    ended(&app.run(&["flush"]), 2);
    ended(&app.run(&["parse"]), 2);
    let words = ended(&app.run(&["fetch", "two"]), 2);
    assert!(words.contains("no source \"two\"") && !words.contains("did you mean"), "{words}");
    for meant in ["onne", "http://www.one.example/feed/"] {
        for command in ["fetch", "replay", "remove"] {
            let words = ended(&app.run(&[command, meant]), 2);
            assert!(words.ends_with("; did you mean one?\n"), "{words}");
        }
    }
}

#[test]
fn a_command_tells_of_its_own_options_first() {
    let app = App::new("");
    for (command, own) in [("add", "--yes"), ("search", "--limit"), ("parse", "--select")] {
        let help = app.ok(&[command, "-h"]);
        let at =
            |option: &str| help.find(&format!("{option} ")).unwrap_or_else(|| panic!("{option}: {help}"));
        assert!(at(own) < at("--config") && at("--config") < at("--color"), "{help}");
    }
}

const DOCUMENT: &str = r#"<?xml version="1.0"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>One &amp;amp; only</title>
<link>/</link><description>About it.</description><language>en-GB</language>
<item><title>Beavers &lt;em&gt;return&lt;/em&gt;</title><link>/1</link><guid isPermaLink="false">b-1</guid>
<pubDate>2013-04-26 15:41:29.0</pubDate><dc:creator>Ada</dc:creator><category>Nature</category>
<enclosure url="/b.mp3" type="audio/mpeg" length="42"/>
<description>&lt;p onclick="x()"&gt;See &lt;a href="map"&gt;the map&lt;/a&gt;.&lt;/p&gt;</description></item>
<item><title>No date</title></item>
</channel></rss>"#;

/// Runs `parse` on stdin.
fn parse(app: &App, args: &[&str], document: &str) -> Output {
    let mut child = app
        .command(&[&["parse"], args].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A wrong call ends before it reads.
    let _ = child.stdin.take().unwrap().write_all(document.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn parse_prints_one_object_as_documented() {
    let app = App::new("");
    let call = ["--url", "https://origin.example/feed", "--timezone", "Europe/Vienna", "-"];
    let output = parse(&app, &call, DOCUMENT);
    ended(&output, 0);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        printed,
        json!({
            "feed": {"format": "rss2", "title": "One & only", "link": "https://origin.example/",
                "description": "About it.", "language": "en-GB"},
            "entries": [
                {"id": "b-1", "title": "Beavers return", "link": "https://origin.example/1",
                    "published": "2013-04-26T13:41:29Z", "updated": null, "authors": ["Ada"],
                    "summary": "<p>See <a href=\"https://origin.example/map\">the map</a>.</p>", "content": null,
                    "categories": ["Nature"],
                    "enclosures": [{"url": "https://origin.example/b.mp3", "type": "audio/mpeg", "length": 42}],
                    "language": "en"},
                {"id": null, "title": "No date", "link": null, "published": null, "updated": null, "authors": [],
                    "summary": null, "content": null, "categories": [], "enclosures": [], "language": "en-GB"}
            ],
            "warnings": []
        })
    );
    assert!(!app.path("riverine.db").exists(), "no store");
}

#[test]
fn parse_says_why_it_could_not() {
    let app = App::new("");
    let words = ended(&parse(&app, &["-"], "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), 1);
    assert!(words.starts_with("error: -: "), "{words}");
    let words = ended(&app.run(&["parse", "none.xml"]), 1);
    assert!(words.contains("none.xml"), "{words}");
    ended(&parse(&app, &["--select", "title", "-"], DOCUMENT), 2);
    for (selector, why) in [
        ("li[[", "a bracket or a quotation mark is not closed"),
        ("ul >", "nothing stands behind its last sign"),
        ("> li", "nothing stands before its first sign"),
        ("li:wide", "what stands behind a colon is not known here"),
        ("li..a", "a sign stands where none is expected"),
    ] {
        let words = ended(&parse(&app, &["--select", &format!("item={selector}"), "-"], DOCUMENT), 2);
        let wanted =
            format!("error: --select item: {selector:?} is not a CSS selector: {why}; write it like ");
        assert!(words.starts_with(&wanted), "{words}");
    }
    ended(&parse(&app, &["--timezone", "Mars/Olympus", "-"], DOCUMENT), 2);
    // Whose address was given for that of its feed is told where that is.
    let page =
        "<!doctype html><link rel=alternate type=application/atom+xml href=/news.xml?token=s3cret><p>Hello.";
    let words = ended(&parse(&app, &["--url", "https://a.example/blog/", "-"], page), 1);
    assert!(words.ends_with(", but it names a feed: https://a.example/news.xml?token=***\n"), "{words}");
}

#[test]
fn fetch_prints_a_line_per_source_and_a_total() {
    let origin = Origin::start();
    origin.on(
        "/one",
        Reply::ok("application/rss+xml", rss("One", &[("1", "Beavers", "", "Text.")])).etag("\"1\""),
    );
    let app = App::new(&(source("one", &origin, "") + &source("missing", &origin, "")));
    let output = app.run(&["fetch"]);
    ended(&output, 1);
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.pop(), Some("2 polled, 1 failed"));
    lines.sort_unstable();
    assert!(lines[0].starts_with("missing  failed: ") && lines[0].contains("404"), "{printed}");
    assert_eq!(lines[1], "one      1 new");
    // Named, and asked whether anything changed.
    assert_eq!(app.ok(&["fetch", "one"]), "one  nothing new\n1 polled, 0 failed\n");
    assert_eq!(origin.asked("/one").len(), 2);
    assert_eq!(origin.asked("/missing").len(), 1);
}

/// Of those that tell one story, the first listed is to be the first seen.
#[test]
fn sources_of_one_host_are_fetched_as_they_stand_in_the_config() {
    let origin = Origin::start();
    let ids = ["one", "two", "three", "four"];
    for id in ids {
        let path = format!("/{id}");
        origin.on(&path, Reply::ok("application/rss+xml", rss(id, &[("1", "Beavers", "", "Text.")])));
    }
    let app = App::new(&ids.map(|id| source(id, &origin, "")).concat());
    let fetched = || {
        let printed = app.ok(&["fetch"]);
        let lines = printed.lines().map(|line| line.split(' ').next().unwrap().to_owned());
        lines.take(ids.len()).collect::<Vec<_>>()
    };
    assert_eq!(fetched(), ids);
    let _daemon = app.serve();
    assert_eq!(fetched(), ids);
}

#[test]
fn quiet_says_errors_only_and_ends_the_same() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[("1", "Beavers", "", "Text.")])));
    let app = App::new(&(source("one", &origin, "") + &source("missing", &origin, "")));
    for (call, code) in [
        (&["check"][..], 0),
        (&["fetch", "one"], 0),
        (&["fetch"], 1),
        (&["replay", "one"], 0),
        (&["replay", "missing"], 1),
        (&["remove", "one"], 0),
        (&["remove", "one", "--purge"], 0),
    ] {
        let output = app.run(&[&["-q"], call].concat());
        let words = ended(&output, code);
        assert!(output.stdout.is_empty(), "{call:?}: {}", String::from_utf8_lossy(&output.stdout));
        assert!(words.lines().all(|line| line.starts_with("error: missing: ")), "{call:?}: {words}");
        assert_eq!(words.is_empty(), code == 0, "{call:?}: {words}");
    }
}

#[test]
fn fetch_beside_a_daemon_asks_it() {
    let origin = Origin::start();
    origin.on(
        "/one",
        Reply::ok("application/rss+xml", rss("One", &[("1", "Beavers", "", "Text.")])).etag("\"1\""),
    );
    let app = App::new(&source("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    assert_eq!(app.ok(&["fetch"]), "one  nothing new\n1 polled, 0 failed\n");
    assert_eq!(daemon.titles("all"), ["Beavers"]);
    assert_eq!(origin.asked("/one").len(), 2);
}

#[test]
fn fetch_says_which_sources_the_daemon_does_not_know_yet() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[("1", "Beavers", "", "Text.")])));
    let app = App::new(&source("one", &origin, ""));
    let _daemon = app.serve();
    app.configure(&(source("one", &origin, "") + &source("two", &origin, "")));
    let output = app.run(&["fetch", "two"]);
    ended(&output, 1);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.starts_with("two  failed: the daemon does not know it"), "{printed}");
    assert!(printed.ends_with("\n1 polled, 1 failed\n"), "{printed}");
}

/// A signal would end it, and with it what it polls.
#[test]
fn a_command_at_work_is_no_daemon_and_nobody_is_told_to_send_it_signals() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[("1", "Beavers", "", "Text.")])));
    origin.on("/slow", Reply::silence());
    let app = App::new(&(source("one", &origin, "") + &source("slow", &origin, "")));
    let mut working = app.command(&["fetch", "slow"]).stdout(Stdio::null()).spawn().unwrap();
    eventually("the request", || (!origin.asked("/slow").is_empty()).then_some(()));
    let at_work =
        format!("another riverine (pid {}) is at work on this store, and takes no requests", working.id());
    assert!(app.ok(&["status"]).ends_with(&format!("\n{at_work}\n")));
    let report: Value = serde_json::from_str(&app.ok(&["status", "--json"])).unwrap();
    assert_eq!(report["daemon"], Value::Null);
    for command in ["fetch", "replay"] {
        let words = ended(&app.run(&[command, "one"]), 1);
        assert!(words.ends_with(&format!("{at_work}; wait for it to end\n")), "{words}");
    }
    for call in [&["remove", "one"][..], &["add", &origin.url("/one"), "--yes"]] {
        let words = ended(&app.run(call), 0);
        assert!(!words.contains("kill"), "{words}");
    }
    working.kill().unwrap();
    working.wait().unwrap();
    assert!(app.ok(&["status"]).ends_with("\nno daemon is running on this store\n"));
}

#[test]
fn status_is_documented_json_and_a_table() {
    let origin = Origin::start();
    origin.on(
        "/one",
        Reply::ok("application/rss+xml", rss("One", &[("1", "Beavers", "", "Text.")])).etag("\"1\""),
    );
    let secret = origin.url("/missing?key=open-sesame").replace("http://", "http://user:sesame@");
    let app = App::new(&format!(
        "{}[[source]]\nid = \"missing\"\nurl = \"{secret}\"\n{}",
        source("one", &origin, "groups = [\"news\"]"),
        source("off", &origin, "enabled = false")
    ));
    let daemon = app.serve();
    app.polled(&["one", "missing"]);
    let printed = app.ok(&["status", "--json"]);
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(report["daemon"]["pid"], daemon.pid());
    assert_eq!(report["daemon"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(report["daemon"]["started"].is_string());
    assert_eq!(
        app.status("one"),
        json!({"id": "one", "url": origin.url("/one"), "name": "One", "kind": "auto", "groups": ["news"],
            "state": "ok", "last_poll": app.status("one")["last_poll"], "last_success": app.status("one")["last_poll"],
            "next_poll": app.status("one")["next_poll"], "next_poll_reason": app.status("one")["next_poll_reason"],
            "http_status": 200, "last_error": null, "warnings": [], "consecutive_failures": 0, "entries": 1,
            "requests": 1, "not_modified": 0, "bytes_saved": 0})
    );
    for time in ["last_poll", "next_poll"] {
        let time = app.status("one")[time].as_str().unwrap().to_owned();
        assert!(time.ends_with('Z') && time.parse::<chrono::DateTime<chrono::Utc>>().is_ok(), "{time}");
    }
    assert_eq!(app.status("off")["state"], "disabled");
    assert_eq!(app.status("off")["next_poll"], Value::Null);
    let failing = app.status("missing");
    assert_eq!(failing["state"], "failing");
    assert!(failing["last_error"].as_str().unwrap().contains("404"), "{failing}");
    let table = app.ok(&["status"]);
    for text in [&printed, &table, &daemon.log()] {
        assert!(!text.contains("sesame"), "a secret in {text}");
    }
    for word in ["one", "missing", "off", "failing", "disabled", "404", &format!("pid {}", daemon.pid())] {
        assert!(table.contains(word), "{word} is not in {table}");
    }
    assert_eq!(daemon.stop(), 0);
    let report: Value = serde_json::from_str(&app.ok(&["status", "--json"])).unwrap();
    assert_eq!(report["daemon"], Value::Null);
}

#[test]
fn demo_shows_the_main_job_with_no_network_and_no_config() {
    let app = App::new("");
    std::fs::remove_file(app.config()).unwrap();
    let mut child = app
        .command(&["demo", "--listen", "127.0.0.1:0"])
        .env_remove("RIVERINE_CONFIG")
        .env_remove("RIVERINE_CLOCK")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while !printed.contains("Ctrl-C") {
        printed.push_str(&(lines.next().expect("the demo goes on").unwrap() + "\n"));
    }
    assert!(printed.contains("5 sources have become one river"), "{printed}");
    let addresses: Vec<&str> =
        printed.split_whitespace().filter(|word| word.starts_with("http://127")).collect();
    assert_eq!(addresses.len(), 6, "{printed}");
    for address in &addresses {
        let (host, path) = address["http://".len()..].split_once('/').unwrap();
        assert_eq!(get(host, &format!("/{path}")).status, 200, "{address}");
    }
    let host = addresses[0]["http://".len()..].trim_end_matches('/');
    let read: Vec<Vec<(String, String)>> = ["atom", "rss", "json"]
        .iter()
        .map(|form| {
            let document = get(host, &format!("/feeds/all.{form}"));
            let feed = feed_rs::parser::parse(document.body.as_slice()).unwrap();
            feed.entries.into_iter().map(|entry| (entry.id, entry.title.unwrap().content)).collect()
        })
        .collect();
    // Thirteen reports, of which one stands in two sources.
    assert_eq!(read[0].len(), 12, "{:#?}", read[0]);
    assert_eq!(read[0], read[1]);
    assert_eq!(read[0], read[2]);
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut words = String::new();
    child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
    assert_eq!(words.lines().count(), 5, "a line per source: {words}");
    assert!(
        std::fs::read_dir(app.path(".")).unwrap().all(|file| file.unwrap().file_name() == "clock"),
        "leaves nothing"
    );
}
