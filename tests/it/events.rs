//! New entries are told as they come, once each, and to who comes back from where they were.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::app::{App, Daemon, Stopwatch, rss, source};
use crate::origin::{Origin, Reply};

fn document(numbers: std::ops::Range<usize>) -> Reply {
    let items: Vec<_> = numbers.map(|n| (format!("g{n}"), format!("Entry {n}"))).collect();
    let items: Vec<_> = items
        .iter()
        .map(|(g, t)| (g.as_str(), t.as_str(), "Mon, 16 Nov 2026 10:00:00 GMT", "Text"))
        .collect();
    Reply::ok("application/rss+xml", rss("One", &items))
}

/// A listener, and the place that it was greeted with.
struct Events(BufReader<TcpStream>, String);

impl Events {
    fn open(daemon: &Daemon, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(&daemon.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n").unwrap();
        let mut events = Self(BufReader::new(stream), String::new());
        assert!(events.line().starts_with("HTTP/1.1 200"));
        let head = events.until("");
        assert!(head.iter().any(|line| line == "content-type: text/event-stream; charset=utf-8"), "{head:?}");
        let hello = events.until("retry: 5000");
        events.1 =
            hello.iter().find_map(|line| line.strip_prefix("id: ")).map_or_else(String::new, str::to_owned);
        events
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the stream ended");
        line.trim_end().to_owned()
    }

    /// Lines up to that one.
    fn until(&mut self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line();
            if line == last {
                return lines;
            }
            lines.push(line);
        }
    }

    /// (id, title) of the next event.
    fn next(&mut self) -> (i64, String) {
        let mut id = 0;
        loop {
            let line = self.line();
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.parse().unwrap();
            } else if let Some(data) = line.strip_prefix("data: ") {
                let item: serde_json::Value = serde_json::from_str(data).unwrap();
                return (id, item["title"].as_str().unwrap().to_owned());
            }
        }
    }
}

#[test]
fn each_new_entry_is_one_event() {
    let origin = Origin::start();
    origin.on("/one", document(0..3));
    let app =
        App::new(&(source("one", &origin, "groups = [\"g\"]") + "[[feed]]\nid = \"g\"\ngroups = [\"g\"]\n"));
    let daemon = app.serve();
    app.polled(&["one"]);
    let mut all = Events::open(&daemon, "/feeds/all/events", "");
    let mut group = Events::open(&daemon, "/feeds/g/events", "");
    origin.on("/one", document(0..5));
    app.run(&["fetch", "one"]);
    let mut told: Vec<_> = (0..2).map(|_| all.next()).collect();
    let first = told[0].0;
    told.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(told.iter().map(|(_, title)| title.as_str()).collect::<Vec<_>>(), ["Entry 3", "Entry 4"]);
    assert!(group.next().1.starts_with("Entry"));
    // Who comes back misses nothing and hears nothing twice.
    let mut back = Events::open(&daemon, "/feeds/all/events", &format!("Last-Event-ID: {first}\r\n"));
    assert!(back.next().0 > first);
    origin.on("/one", document(0..6));
    app.run(&["fetch", "one"]);
    assert_eq!((all.next().1, back.next().1), ("Entry 5".to_owned(), "Entry 5".to_owned()));
    assert_eq!(daemon.get("/feeds/none/events").status, 404);
    // Listeners do not keep the daemon from stopping.
    let stopping = Stopwatch::start();
    assert_eq!(daemon.stop(), 0);
    assert!(stopping.elapsed() < Duration::from_secs(4));
}

#[test]
fn an_entry_that_waited_is_told_when_its_time_comes() {
    let origin = Origin::start();
    origin.on("/one", document(0..1));
    let tables = source("one", &origin, "future = \"hold\"\nschedule = \"every 10h\"");
    let app = App::new(&tables.replacen("schedule = \"every 10m\"\n", "", 1));
    let daemon = app.serve();
    app.polled(&["one"]);
    let mut events = Events::open(&daemon, "/feeds/all/events", "");
    let later = [
        ("g0", "Entry 0", "Mon, 16 Nov 2026 10:00:00 GMT", "Text"),
        ("g1", "Entry 1", "Mon, 16 Nov 2026 11:00:00 GMT", "Text"),
        ("h", "Embargoed", "Mon, 16 Nov 2026 14:00:00 GMT", "Text"),
    ];
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &later)));
    app.run(&["fetch", "one"]);
    assert_eq!(events.next().1, "Entry 1");
    assert!(!daemon.titles("all").contains(&"Embargoed".to_owned()));
    app.set_clock("2026-11-16T14:00:01Z");
    let (place, title) = events.next();
    assert_eq!(title, "Embargoed");
    assert!(daemon.titles("all").contains(&"Embargoed".to_owned()));
    // Who comes back with that place hears of what is newer, and nothing twice.
    let mut back = Events::open(&daemon, "/feeds/all/events", &format!("Last-Event-ID: {place}\r\n"));
    let mut more = later.to_vec();
    more.push(("g2", "Entry 2", "Mon, 16 Nov 2026 13:00:00 GMT", "Text"));
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &more)));
    app.run(&["fetch", "one"]);
    assert_eq!((events.next().1, back.next().1), ("Entry 2".to_owned(), "Entry 2".to_owned()));
}

#[test]
fn who_listens_during_a_reload_comes_back_and_misses_nothing() {
    let origin = Origin::start();
    origin.on("/one", document(0..2));
    let app = App::new(&source("one", &origin, ""));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let mut events = Events::open(&daemon, "/feeds/all/events", "");
    origin.on("/one", document(0..3));
    app.poll_again("one");
    let (id, title) = events.next();
    assert_eq!(title, "Entry 2");
    daemon.signal("-HUP");
    // The last chunk: the stream ends, so that the client asks again.
    events.until("0");
    origin.on("/one", document(0..4));
    app.poll_again("one");
    let mut events = Events::open(&daemon, "/feeds/all/events", &format!("Last-Event-ID: {id}\r\n"));
    assert_eq!(events.next().1, "Entry 3");
    origin.on("/one", document(0..5));
    app.poll_again("one");
    assert_eq!(events.next().1, "Entry 4");
}

#[test]
fn who_is_cut_off_before_the_first_event_comes_back_and_misses_nothing() {
    let origin = Origin::start();
    origin.on("/one", document(0..2));
    let app = App::new(&source("one", &origin, ""));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let mut events = Events::open(&daemon, "/feeds/all/events", "");
    daemon.signal("-HUP");
    events.until("0");
    origin.on("/one", document(0..3));
    app.poll_again("one");
    assert!(!events.1.is_empty(), "the greeting has no place");
    let place = format!("Last-Event-ID: {}\r\n", events.1);
    let mut events = Events::open(&daemon, "/feeds/all/events", &place);
    assert_eq!(events.next().1, "Entry 2");
}
