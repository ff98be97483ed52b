//! What the servers of others see of us, over kills and restarts; and what nobody can keep us from: ending.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::app::{App, eventually, rss, source};
use crate::origin::{Origin, Reply};

fn feed(titles: &[&str]) -> String {
    let items: Vec<(&str, &str, &str, &str)> =
        titles.iter().map(|title| (*title, *title, "Mon, 16 Nov 2026 10:00:00 GMT", "text")).collect();
    rss("Origin", &items)
}

#[test]
fn a_kill_costs_no_server_a_request() {
    let origin = Origin::start();
    origin.on("/s", Reply::ok("application/rss+xml", feed(&["one"])).etag("W/\"1\""));
    let app = App::new(&source("s", &origin, ""));
    for _ in 0..3 {
        // Dropped, the daemon is killed.
        let daemon = app.serve();
        app.polled(&["s"]);
        drop(daemon);
        app.advance(TimeDelta::minutes(3));
    }
    assert_eq!(origin.asked("/s").len(), 1);
    let daemon = app.serve();
    app.advance(TimeDelta::minutes(2));
    app.until("s", |status| status["requests"] == 2);
    let asked = origin.asked("/s");
    assert_eq!(asked[1].header("if-none-match"), Some("W/\"1\""));
    assert_eq!(app.status("s")["not_modified"], 1);
    assert_eq!(app.status("s")["next_poll_reason"], "schedule every 10m");
    let metrics = daemon.get("/metrics");
    assert!(
        metrics.text().contains("riverine_polls_total{outcome=\"not_modified\"} 1"),
        "{}",
        metrics.text()
    );
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn the_log_says_as_much_as_is_asked_for() {
    let origin = Origin::start();
    origin.on("/s", Reply::ok("application/rss+xml", feed(&["one"])).etag("\"1\""));
    let app = App::new(&source("s", &origin, ""));
    let daemon = app.serve_with(&["-vv"]);
    app.polled(&["s"]);
    eventually("the next poll", || daemon.log().contains("s: next poll 20").then_some(()));
    let why = app.status("s")["next_poll_reason"].as_str().unwrap_or_default().to_owned();
    assert!(!why.is_empty() && daemon.log().contains(&why), "{why}: {}", daemon.log());
    let all = format!("{}, asked for all of it, answered 200 OK", origin.url("/s"));
    assert!(daemon.log().contains(&all), "{}", daemon.log());
    app.poll_again("s");
    let whether = format!("{}, asked whether it changed, answered 304", origin.url("/s"));
    eventually("the second", || daemon.log().contains(&whether).then_some(()));
    daemon.stop();
    let daemon = app.serve();
    app.poll_again("s");
    assert!(!daemon.log().contains("next poll") && !daemon.log().contains("asked"), "{}", daemon.log());
}

#[test]
fn what_was_asked_of_each_host_is_written_down() {
    let (origin, busy) = (Origin::start(), Origin::start());
    let document = feed(&["one"]);
    origin.on("/s", Reply::ok("application/rss+xml", document.clone()).etag("\"1\""));
    busy.on("/b", Reply::status("429 Too Many Requests").header("Retry-After", "7200"));
    let tables = source("s", &origin, "") + &source("missing", &origin, "") + &source("b", &busy, "");
    let app = App::new(&tables);
    let daemon = app.serve();
    app.polled(&["s", "missing", "b"]);
    app.poll_again("s");
    // Dropped, the daemon is killed.
    drop(daemon);
    app.set_clock("2026-11-17T00:10:00Z");
    let daemon = app.serve();
    app.until("s", |status| status["requests"] == 3);
    let report: serde_json::Value = serde_json::from_str(&app.ok(&["status", "--json"])).unwrap();
    let host = |origin: &Origin| origin.url("").replace("http://", "");
    let of = |day: &str, origin: &Origin| {
        let hosts = report["hosts"].as_array().unwrap();
        let found = hosts.iter().find(|line| line["day"] == day && line["host"] == host(origin).as_str());
        let line = found.unwrap_or_else(|| panic!("{day} in {report}")).clone();
        ["requests", "documents", "not_modified", "throttled", "failed", "bytes", "bytes_saved"]
            .map(|name| line[name].as_u64().unwrap())
    };
    let size = document.len() as u64;
    let [requests, documents, unchanged, throttled, failed, bytes, saved] = of("2026-11-16", &origin);
    assert_eq!((documents, unchanged, throttled, bytes, saved), (1, 1, 0, size, size));
    assert_eq!(requests, documents + unchanged + failed, "one of each request, and nothing twice");
    assert!((1..=2).contains(&failed), "{failed}");
    assert_eq!(of("2026-11-16", &busy), [1, 0, 0, 1, 0, 0, 0]);
    assert_eq!(of("2026-11-17", &origin)[2], 1);
    assert_eq!(report["totals"]["not_modified"], 2);
    assert_eq!(report["totals"]["bytes_saved"], size * 2);
    let table = app.ok(&["status", "--hosts=1"]);
    assert!(table.contains("2026-11-17") && !table.contains("2026-11-16"), "{table}");
    assert!(app.ok(&["status", "--hosts"]).contains("2026-11-16"));
    let words = app.ok(&["status"]);
    assert!(words.contains("2 answered 304") && words.contains("server asked to wait"), "{words}");
    assert_eq!(daemon.stop(), 0);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "what is measured is real time")]
fn the_end_comes_within_ten_seconds_whatever_hangs() {
    let origin = Origin::start();
    origin.on("/hangs", Reply::silence());
    let app = App::new(&source("hangs", &origin, ""));
    let daemon = app.serve();
    eventually("the request that hangs", || (origin.asked("/hangs").len() == 1).then_some(()));
    // A reader that says half a request and no more.
    let mut reader = TcpStream::connect(&daemon.address).unwrap();
    reader.write_all(b"GET / HTTP/1.1\r\nHost: x").unwrap();
    let start = Instant::now();
    daemon.signal("-TERM");
    // The test's clock stands still: not even the grace for running polls passes by itself.
    assert_eq!(daemon.end(), 0);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(app.status("hangs")["last_poll"], serde_json::Value::Null);
}

#[test]
fn serve_watch_follows_its_files() {
    let origin = Origin::start();
    let app = App::new("");
    std::fs::create_dir(app.path("more.d")).unwrap();
    app.configure_under("include = [\"more.d/*.toml\"]\n", "");
    let daemon = app.serve_with(&["--watch"]);
    let served = |path: &str, status: u16| {
        eventually(path, || (daemon.get(path).status == status).then_some(()));
    };
    // A file that appears, one that changes, one that goes.
    app.write("more.d/one.toml", &source("one", &origin, "enabled = false\n"));
    served("/sources/one.atom", 200);
    app.write("more.d/one.toml", &source("two", &origin, "enabled = false\n"));
    served("/sources/two.atom", 200);
    served("/sources/one.atom", 404);
    app.write("more.d/one.toml", "[[source]]\nurl = 5\n");
    eventually("the refusal", || daemon.log().contains("the config stays as it was").then_some(()));
    served("/sources/two.atom", 200);
    std::fs::remove_file(app.path("more.d/one.toml")).unwrap();
    served("/sources/two.atom", 404);
    assert_eq!(daemon.stop(), 0);
}
