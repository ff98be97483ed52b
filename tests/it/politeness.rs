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
