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

    /// The same for one who comes back, with the id of the last event it had.
    fn back(daemon: &Daemon, path: &str, id: &str) -> Self {
        Self::open(daemon, path, &format!("Last-Event-ID: {id}\r\n"))
    }

    /// Titles of so many events, and the last one's id.
    fn take(&mut self, count: usize) -> (Vec<String>, String) {
        let mut events: Vec<_> = (0..count).map(|_| self.next()).collect();
        let last = events.last_mut().map(|(id, _)| std::mem::take(id)).unwrap_or_default();
        (events.into_iter().map(|(_, title)| title).collect(), last)
    }

    /// (id, title) of the next event.
    fn next(&mut self) -> (String, String) {
        let mut id = String::new();
        loop {
            let line = self.line();
            if let Some(text) = line.strip_prefix("id: ") {
                text.clone_into(&mut id);
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
    let first = told[0].0.clone();
    let second = told[1].clone();
    told.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(told.iter().map(|(_, title)| title.as_str()).collect::<Vec<_>>(), ["Entry 3", "Entry 4"]);
    assert!(group.next().1.starts_with("Entry"));
    // Who comes back misses nothing and hears nothing twice.
    let mut back = Events::back(&daemon, "/feeds/all/events", &first);
    assert_eq!(back.next(), second);
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
    let mut back = Events::back(&daemon, "/feeds/all/events", &place);
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
    let mut events = Events::back(&daemon, "/feeds/all/events", &id);
    assert_eq!(events.next().1, "Entry 3");
    origin.on("/one", document(0..5));
    app.poll_again("one");
    assert_eq!(events.next().1, "Entry 4");
}

#[test]
fn who_comes_back_to_a_feed_of_fewer_sources_hears_nothing_again() {
    let origin = Origin::start();
    for path in ["/one", "/two"] {
        origin.on(path, document(0..5));
    }
    let sources = source("one", &origin, "groups = [\"g\"]") + &source("two", &origin, "groups = [\"g\"]");
    let app = App::new(&(sources.clone() + "[[feed]]\nid = \"some\"\n"));
    app.ok(&["fetch"]);
    // More was seen by now than there are entries.
    origin.on("/one", document(0..8));
    app.ok(&["fetch", "one"]);
    let daemon = app.serve();
    let mut events = Events::open(&daemon, "/feeds/some/events", "");
    app.configure(&(sources + "[[feed]]\nid = \"some\"\ngroups = [\"g\"]\n"));
    daemon.signal("-HUP");
    events.until("0");
    let mut back = Events::back(&daemon, "/feeds/some/events", &events.1);
    origin.on("/one", document(0..9));
    app.poll_again("one");
    assert_eq!(back.next().1, "Entry 8");
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
    let mut events = Events::back(&daemon, "/feeds/all/events", &events.1);
    assert_eq!(events.next().1, "Entry 2");
}

/// Entries by title and hour of the sixteenth, as a source's document.
fn timed(items: &[(&str, &str)]) -> Reply {
    let dates: Vec<_> = items.iter().map(|(_, hour)| format!("Mon, 16 Nov 2026 {hour}:00 GMT")).collect();
    let items: Vec<_> =
        items.iter().zip(&dates).map(|((title, _), date)| (*title, *title, date.as_str(), "Text")).collect();
    Reply::ok("application/rss+xml", rss("One", &items))
}

/// A river whose entries wait for their time, with a daemon; polled by hand only.
fn embargoed() -> (Origin, App) {
    let origin = Origin::start();
    origin.on("/one", timed(&[("old", "10:00")]));
    let tables = source("one", &origin, "future = \"hold\"\nschedule = \"every 90d\"\ngroups = [\"g\"]");
    let tables = tables.replacen("schedule = \"every 10m\"\n", "", 1);
    (origin, App::new(&(tables + "[[feed]]\nid = \"g\"\ngroups = [\"g\"]\n")))
}

#[test]
fn who_was_away_when_its_time_came_hears_of_it_once() {
    for feed in ["/feeds/all/events", "/feeds/g/events"] {
        let (origin, app) = embargoed();
        let daemon = app.serve();
        app.polled(&["one"]);
        let id = Events::open(&daemon, feed, "").1;
        let waiting = [("old", "10:00"), ("a", "14:00"), ("b", "14:00"), ("c", "15:00"), ("d", "20:00")];
        origin.on("/one", timed(&waiting));
        app.run(&["fetch", "one"]);
        // It came back in between, and passed the places of those that wait.
        let mut listener = Events::back(&daemon, feed, &id);
        origin.on("/one", timed(&[&waiting[..], &[("new", "11:00")]].concat()));
        app.run(&["fetch", "one"]);
        let (titles, id) = listener.take(1);
        assert_eq!(titles, ["new"]);
        drop(listener);
        app.set_clock("2026-11-16T15:00:00Z");
        origin.on("/one", timed(&[&waiting[..], &[("new", "11:00"), ("newer", "12:00")]].concat()));
        app.run(&["fetch", "one"]);
        // What waited comes in the order of its time (of one second: the last of a document first), then what is new.
        let whole = ["b", "a", "c", "newer"];
        assert_eq!(Events::back(&daemon, feed, &id).take(4).0, whole);
        // Cut off behind any of these, also between two of one second and over a restart, nothing is told twice.
        daemon.stop();
        let daemon = app.serve();
        let mut last = id;
        for (n, title) in whole.iter().enumerate() {
            let mut listener = Events::back(&daemon, feed, &last);
            let (titles, id) = listener.take(1);
            assert_eq!(titles, [*title], "{n}");
            last = id;
        }
        let mut listener = Events::back(&daemon, feed, &last);
        app.set_clock("2026-11-16T20:00:01Z");
        assert_eq!(listener.take(1).0, ["d"]);
        assert_eq!(Events::back(&daemon, feed, &last).take(1).0, ["d"]);
    }
}

#[test]
fn an_id_of_an_older_version_is_a_place() {
    let (origin, app) = embargoed();
    let daemon = app.serve();
    app.polled(&["one"]);
    let place = Events::open(&daemon, "/feeds/all/events", "").1;
    let place = place.split('-').next().unwrap().trim_start_matches('e');
    origin.on("/one", timed(&[("old", "10:00"), ("a", "11:00"), ("later", "14:00")]));
    app.run(&["fetch", "one"]);
    let mut back = Events::back(&daemon, "/feeds/all/events", place);
    assert_eq!(back.take(1).0, ["a"]);
    app.set_clock("2026-11-16T14:00:01Z");
    assert_eq!(back.take(1).0, ["later"]);
    // What no daemon of this river can have said: it hears of what comes from now on.
    let mut lost = Events::back(&daemon, "/feeds/all/events", "99999-5");
    origin.on("/one", timed(&[("old", "10:00"), ("a", "11:00"), ("later", "14:00"), ("b", "12:00")]));
    app.run(&["fetch", "one"]);
    assert_eq!(lost.take(1).0, ["b"]);
}

#[test]
fn what_turns_out_to_be_due_before_its_time_is_told() {
    let (origin, app) = embargoed();
    let daemon = app.serve();
    app.polled(&["one"]);
    let mut events = Events::open(&daemon, "/feeds/all/events", "");
    let fetch = |items: &[(&str, &str)]| {
        origin.on("/one", timed(items));
        app.run(&["fetch", "one"]);
    };
    fetch(&[("old", "10:00"), ("late", "20:00"), ("new", "11:00")]);
    let (titles, id) = events.take(1);
    assert_eq!(titles, ["new"]);
    fetch(&[("old", "10:00"), ("late", "12:00"), ("new", "11:00")]);
    app.advance(chrono::TimeDelta::minutes(1));
    assert_eq!(events.take(1).0, ["late"]);
    assert_eq!(Events::back(&daemon, "/feeds/all/events", &id).take(1).0, ["late"]);
    assert_eq!(daemon.titles("all"), ["late", "new", "old"]);
}

#[test]
fn a_clock_that_was_set_back_leaves_out_nothing() {
    let (origin, app) = embargoed();
    let daemon = app.serve();
    app.polled(&["one"]);
    app.set_clock("2026-11-16T18:00:00Z");
    let mut events = Events::open(&daemon, "/feeds/all/events", "");
    app.set_clock("2026-11-16T12:30:00Z");
    origin.on("/one", timed(&[("old", "10:00"), ("held", "14:00"), ("new", "11:00")]));
    app.run(&["fetch", "one"]);
    let (titles, id) = events.take(1);
    assert_eq!(titles, ["new"]);
    app.set_clock("2026-11-16T14:00:01Z");
    assert_eq!(Events::back(&daemon, "/feeds/all/events", &id).take(1).0, ["held"]);
}

/// One who asks as HTTP/1.0 does, so that nothing stands between the bytes of events.
fn listens(daemon: &Daemon, id: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(&daemon.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    write!(stream, "GET /feeds/all/events HTTP/1.0\r\nLast-Event-ID: {id}\r\n\r\n").unwrap();
    let mut events = BufReader::new(stream);
    let mut line = String::new();
    while !line.starts_with("retry:") {
        line.clear();
        assert!(events.read_line(&mut line).unwrap() > 0, "no greeting");
    }
    events
}

/// Titles of what is told from here on, until so many are known; coming back where the stream ends.
fn hears(mut events: BufReader<TcpStream>, daemon: &Daemon, count: usize) -> Vec<String> {
    let (mut titles, mut last, mut id) = (Vec::new(), String::new(), String::new());
    while titles.len() < count {
        let mut line = String::new();
        // What ends within an event was not told.
        if events.read_line(&mut line).unwrap() == 0 || !line.ends_with('\n') {
            events = listens(daemon, &last);
        } else if let Some(text) = line.strip_prefix("id: ") {
            text.trim().clone_into(&mut id);
        } else if let Some(data) = line.strip_prefix("data: ") {
            let item: serde_json::Value = serde_json::from_str(data).unwrap();
            titles.push(item["title"].as_str().unwrap().to_owned());
            last.clone_from(&id);
        }
    }
    titles
}

/// Kilobytes that a process had in memory at most.
fn most_resident(daemon: &Daemon) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Bytes that the system holds back for those who are connected to a daemon.
fn held_back(daemon: &Daemon) -> u64 {
    let port: u16 = daemon.address.rsplit_once(':').unwrap().1.parse().unwrap();
    let connections = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let lines = connections.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = lines.filter(|fields| fields[1].ends_with(&format!(":{port:04X}")));
    ours.map(|fields| u64::from_str_radix(fields[4].split(':').next().unwrap(), 16).unwrap()).sum()
}

#[test]
fn who_does_not_read_costs_little_and_misses_nothing() {
    let origin = Origin::start();
    origin.on("/one", document(0..1));
    let app = App::new(&source("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    let text = "lorem ipsum ".repeat(2000);
    let items: Vec<_> = (0..250).map(|n| format!("Entry {n:03}")).collect();
    let date = "Mon, 16 Nov 2026 10:00:00 GMT";
    let items: Vec<_> =
        items.iter().map(|title| (title.as_str(), title.as_str(), date, text.as_str())).collect();
    let prompt = listens(&daemon, "");
    let mut slow: Vec<_> = (0..400).map(|_| listens(&daemon, "")).collect();
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &items)));
    app.run(&["fetch", "one"]);
    let mut told = hears(prompt, &daemon, 250);
    // Far too much is told to be held for each of them.
    assert!(most_resident(&daemon) < 300 << 10, "{} kB", most_resident(&daemon));
    // The system is not to hold it in our place.
    assert!(held_back(&daemon) < 400 * (256 << 10), "{} bytes", held_back(&daemon));
    let late = hears(slow.remove(0), &daemon, 250);
    assert_eq!(late, told, "in the same order");
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 250);
    assert!(most_resident(&daemon) < 300 << 10, "{} kB", most_resident(&daemon));
}
