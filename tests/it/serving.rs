//! The port against its clients: heads that are too long or never end, many connections at once.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::app::{App, Daemon, Stopwatch, rss, source};
use crate::origin::{Origin, Reply};

fn answer(daemon: &Daemon, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(&daemon.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The daemon may have hung up before it read everything.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_request_head_has_limits() {
    let app = App::new("");
    let daemon = app.serve();
    let with = |more: &str| format!("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{more}\r\n");
    let long = format!("X: {}\r\n", "a".repeat(33 << 10));
    let many: String = (0..120).map(|n| format!("X{n}: a\r\n")).collect();
    for (more, wanted) in [("", "200"), (long.as_str(), "431"), (many.as_str(), "431")] {
        let line = answer(&daemon, with(more).as_bytes());
        assert!(line.contains(wanted), "{line}");
    }
    let lines: String = (0..90).map(|n| format!("X{n}: {}\r\n", "a".repeat(300))).collect();
    assert!(answer(&daemon, with(&lines).as_bytes()).contains("200"));
    assert!(answer(&daemon, b"nonsense\r\n\r\n").contains("400"));
}

#[test]
fn a_request_names_one_host() {
    let app = App::new("");
    let daemon = app.serve();
    for path in ["/healthz", "/feeds/all.atom"] {
        for (version, fields, wanted) in [
            ("1.1", "", "400"),
            ("1.1", "Host: a\r\nHost: b\r\n", "400"),
            ("1.1", "Host: a\r\n", "200"),
            ("1.1", "Host:\r\n", "200"),
            ("1.0", "", "200"),
        ] {
            let request = format!("GET {path} HTTP/{version}\r\n{fields}Connection: close\r\n\r\n");
            let line = answer(&daemon, request.as_bytes());
            assert!(line.contains(wanted), "{path} {version} {fields:?}: {line}");
        }
    }
}

#[test]
fn an_answer_without_a_body_does_not_say_how_long_that_is() {
    let app = App::new("");
    let daemon = app.serve();
    let whole = daemon.get("/feeds/all.atom");
    let tag = whole.header("etag").to_owned();
    for method in ["GET", "HEAD"] {
        let held = daemon.request(method, "/feeds/all.atom", &[("If-None-Match", &tag)]);
        assert_eq!(held.status, 304);
        assert!(held.headers.iter().all(|(name, _)| name != "content-length"), "{method}: {held:?}");
    }
    let head = daemon.request("HEAD", "/feeds/all.atom", &[]);
    assert_eq!(head.header("content-length"), whole.body.len().to_string());
}

#[test]
fn who_wants_none_but_another_document_is_told_that() {
    let origin = Origin::start();
    let news = rss("One", &[("1", "News", "Mon, 16 Nov 2026 10:00:00 GMT", "Text")]);
    origin.on("/one", Reply::ok("application/rss+xml", news));
    let app = App::new(&source("one", &origin, ""));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let whole = daemon.get("/feeds/all.atom");
    let (tag, modified) = (whole.header("etag"), whole.header("last-modified"));
    let (weak, before) = (format!("W/{tag}"), "Mon, 16 Nov 2026 09:00:00 GMT");
    // By the short way and by the routes, before and after the document was made.
    for path in ["/feeds/all.atom", "/feeds/all.atom?x", "/feeds/all.rss", "/feeds/one/archive/1.atom", "/"] {
        let own = daemon.get(path);
        for (fields, wanted) in [
            (&[("If-Match", own.header("etag"))][..], 200),
            (&[("If-Match", "*")], 200),
            (&[("If-Match", "\"other\"")], 412),
            (&[("If-Match", "\"other\""), ("If-None-Match", own.header("etag"))], 412),
            (&[("If-Match", own.header("etag")), ("If-None-Match", own.header("etag"))], 304),
            (&[("If-Unmodified-Since", "now")], 200),
        ] {
            // An address that leads nowhere has no conditions.
            let wanted = if own.status == 200 { wanted } else { own.status };
            for method in ["GET", "HEAD"] {
                let answer = daemon.request(method, path, fields);
                assert_eq!(answer.status, wanted, "{method} {path} {fields:?}");
            }
        }
    }
    for (name, value, wanted) in [
        ("If-Match", weak.as_str(), 412),
        ("If-Unmodified-Since", modified, 200),
        ("If-Unmodified-Since", before, 412),
    ] {
        let answer = daemon.request("GET", "/feeds/all.atom", &[(name, value)]);
        assert_eq!(answer.status, wanted, "{name}: {value}");
        let delta = [(name, value), ("A-IM", "feed"), ("If-None-Match", "\"old\"")];
        assert_eq!(daemon.request("GET", "/feeds/all.atom", &delta).status, wanted, "{name}: {value}");
    }
}

#[test]
fn what_is_no_text_in_an_address_is_answered_in_our_words() {
    let app = App::new("");
    let daemon = app.serve();
    for path in [
        "/feeds/%ff.atom",
        "/feeds/%FF/archive/1.atom",
        "/feeds/%c3/events",
        "/sources/%80",
        "/entries/a%ffb",
        "/websub/%ff",
        "/%ff",
    ] {
        let answer = daemon.get(path);
        assert_eq!(answer.status, 404, "{path}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("vary", "Accept, Accept-Encoding"),
            ("x-content-type-options", "nosniff"),
            ("access-control-allow-origin", "*"),
        ] {
            assert_eq!(answer.header(name), value, "{path} {name}");
        }
        assert!(answer.text().contains("There is nothing at this address."), "{path}");
    }
    for path in ["/feeds/%61ll.atom", "/sources/%C3%A4", "/feeds/100%", "/feeds/%zz"] {
        assert!(!daemon.get(path).text().contains("at this address"), "{path}");
    }
    // What no document may have stands in none, also where it is asked for.
    for path in ["/search?q=a%00b%01", "/search.atom?q=a%00b", "/search?q=%00", "/search?since=%00&lang=%00"]
    {
        let answer = daemon.request("GET", path, &[("Accept", "text/html")]);
        assert!(!answer.body.iter().any(|byte| *byte < b'\t'), "{path}");
        assert!(!answer.text().contains("%00"), "{path}");
    }
}

#[test]
fn who_says_nothing_or_never_ends_is_let_go_and_keeps_nobody_waiting() {
    let app = App::new("");
    let daemon = app.serve();
    let mut silent: Vec<_> = (0..200).map(|_| TcpStream::connect(&daemon.address).unwrap()).collect();
    for (number, stream) in silent.iter_mut().enumerate() {
        let half = match number % 3 {
            0 => "GET / HTTP/1.1\r\nHost: a\r\nX-Half",
            1 => "POST /hub HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhub.mode=",
            _ => continue,
        };
        stream.write_all(half.as_bytes()).unwrap();
    }
    let waiting = Stopwatch::start();
    assert_eq!(daemon.get("/healthz").status, 200);
    assert!(waiting.elapsed() < Duration::from_millis(500), "{:?}", waiting.elapsed());
    for stream in &mut silent {
        stream.set_read_timeout(Some(Duration::from_secs(14))).unwrap();
        let mut rest = Vec::new();
        // Closed with or without a word, but closed.
        let closed = stream.read_to_end(&mut rest);
        assert!(
            closed.is_ok() || closed.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
        );
    }
    assert!(waiting.elapsed() < Duration::from_secs(14), "{:?}", waiting.elapsed());
}

#[test]
fn a_commit_renders_the_outputs_it_touches_and_no_others() {
    let origin = Origin::start();
    let document = |n: usize, entries: usize| {
        let items: Vec<_> =
            (0..entries).map(|e| (format!("g{n}-{e}"), format!("Entry {e} of {n}"))).collect();
        let items: Vec<_> = items
            .iter()
            .map(|(guid, title)| (guid.as_str(), title.as_str(), "Mon, 16 Nov 2026 10:00:00 GMT", "Text"))
            .collect();
        Reply::ok("application/rss+xml", rss("One", &items))
    };
    let mut tables = String::new();
    for n in 0..60 {
        origin.on(&format!("/s{n}"), document(n, 1));
        tables.push_str(&source(&format!("s{n}"), &origin, ""));
        tables.push_str(&format!("[[feed]]\nid = \"f{n}\"\nsources = [\"s{n}\"]\n"));
    }
    let app = App::new(&tables);
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let renders = || -> usize {
        let metrics = daemon.get("/metrics");
        let line = metrics.text().lines().find_map(|line| line.strip_prefix("riverine_renders_total "));
        line.unwrap().parse().unwrap()
    };
    // Everybody reads everything, so that everything is kept fresh.
    for n in 0..60 {
        assert_eq!(daemon.get(&format!("/feeds/f{n}.atom")).status, 200);
    }
    let before = renders();
    assert_eq!(before, 60);
    origin.on("/s7", document(7, 2));
    app.ok(&["fetch", "s7"]);
    assert_eq!(daemon.titles("f7").len(), 2);
    for n in 0..60 {
        assert_eq!(daemon.get(&format!("/feeds/f{n}.rss")).status, 200);
    }
    assert_eq!(renders() - before, 1, "f7, once");
}
