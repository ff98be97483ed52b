//! What opens a source's address is told nobody: not by links that begin with that address, and not by any document,
//! page, list, command or log.

use std::fmt::Write;

use crate::app::{App, rss};
use crate::origin::{Origin, Reply};

const SECRETS: [&str; 7] =
    ["u:pw", "TOPSECRET", "KEY2", "SEKRET", "pw%40", "long-enough-to-be-known-anywhere", "N3STED"];

/// A document that is asked for at this address, which holds this value.
fn feed(address: &str, value: &str) -> String {
    let address = address.replace('&', "&amp;");
    let text = format!(
        "<p>a note <a href=\"#fn1\">1</a>, <a href=\"\">here</a>, <a href=\"more/1\">more</a>, <img src=\"/i.png\">, \
         <a href=\"https://cdn.example/a?token=PUBLIC&amp;sig=Xy\">kept</a>, \
         <a href=\"https://other.example/?session={value}&amp;p=1\">ours</a></p> See {address}."
    );
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let mut document = format!(
        "<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\"><channel><title>F</title><link>home</link>\
         <description>Read {address} often</description><atom:link rel=\"self\" href=\"{address}\"/>\
         <image><url>logo.png</url></image>"
    );
    let items = [
        ("#one", format!("<guid>http://own.example/1?token={value}</guid>")),
        ("two", "<enclosure url=\"a.mp3\" type=\"audio/mpeg\" length=\"1\"/>".to_owned()),
        (
            "https://public.example/3?token=THEIRS",
            "<enclosure url=\"https://cdn.example/b.mp3?token=PUBLIC\" type=\"audio/mpeg\" length=\"1\"/>"
                .to_owned(),
        ),
        (&format!("?token={value}&amp;entry=4"), "<category domain=\"#tags\">t</category>".to_owned()),
    ];
    for (n, (link, more)) in items.iter().enumerate() {
        let title = format!("Entry {n} of {}", value.len());
        write!(
            document,
            "<item><title>{title}</title><link>{link}</link>{more}<description>{text}</description></item>"
        )
        .unwrap();
    }
    document + "</channel></rss>"
}

fn set_up() -> (Origin, App) {
    let origin = Origin::start();
    let host = origin.url("").replace("http://", "");
    let mut tables = "[[feed]]\nid = \"some\"\nquery = \"note\"\n".to_owned();
    let mut source = |id: &str, url: &str| {
        write!(tables, "[[source]]\nid = \"{id}\"\nurl = \"{url}\"\n").unwrap();
    };
    for (id, user, path, value) in [
        ("feed", "u:pw@", "/f.rss?token=TOPSECRET&key=KEY2", "TOPSECRET"),
        ("long", "", "/g.rss?secret=long-enough-to-be-known-anywhere", "long-enough-to-be-known-anywhere"),
    ] {
        let url = format!("http://{user}{host}{path}");
        origin.on(path, Reply::ok("application/rss+xml", feed(&url, value)));
        source(id, &url);
    }
    let moved = "/moved.rss?access_token=SEKRET";
    origin.on(moved, Reply::ok("application/rss+xml", feed(&origin.url(moved), "SEKRET")));
    origin.on("/mv?api_key=KEY2", Reply::status("302 Found").header("Location", moved));
    source("moved", &origin.url("/mv?api_key=KEY2"));
    let through = "/through?url=https%3A%2F%2Ffar.example%2Ff%3Fid%3D1%26token%3DN3STED";
    let items = [("5", "Entry through another", "", "a note")];
    origin.on(through, Reply::ok("application/rss+xml", rss("Through", &items)));
    source("through", &origin.url(through));
    let page: String =
        (1..9).map(|n| format!("<li><a href=\"n/{n}\">News item number {n} on the page</a></li>")).collect();
    origin.on("/page.html", Reply::ok("text/html", format!("<title>P</title><ul>{page}</ul>")));
    source("page", &format!("http://u:pw%40@{host}/page.html"));
    (origin, App::new(&tables))
}

#[track_caller]
fn check(what: &str, text: &str) {
    for secret in SECRETS {
        let line = text.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{what} tells {secret}: {}", line.unwrap_or_default());
    }
}

#[test]
fn nothing_that_goes_out_holds_what_opens_an_address() {
    let (_origin, app) = set_up();
    let daemon = app.serve();
    let sources = ["feed", "moved", "page", "long", "through"];
    app.polled(&sources);
    let mut paths: Vec<String> = ["all", "some"].map(|id| format!("/feeds/{id}")).into();
    paths.extend(sources.map(|id| format!("/sources/{id}")));
    let documents =
        paths.iter().flat_map(|path| ["", ".atom", ".rss", ".json"].map(|form| format!("{path}{form}")));
    let mut paths: Vec<String> = documents.collect();
    for path in
        ["/", "/sources", "/opml", "/search?q=note", "/search.json?q=note", "/feeds/_health.atom", "/metrics"]
    {
        paths.push(path.to_owned());
    }
    let all = daemon.json("/feeds/all.json");
    for item in all["items"].as_array().unwrap() {
        let id = item["id"].as_str().unwrap().replace("urn:uuid:", "");
        paths.push(format!("/entries/{id}"));
    }
    for path in &paths {
        let answer = daemon.get(path);
        assert_eq!(answer.status, 200, "{path}");
        check(path, answer.text());
    }
    for args in [
        &["search", "note"][..],
        &["explain", "Entry"],
        &["explain", "News"],
        &["status"],
        &["status", "--json"],
    ] {
        check(&args.join(" "), &app.ok(args));
    }
    check("the log", &daemon.log());

    // What a document states of its own stays as it is.
    let feed = daemon.get("/sources/feed.json");
    for kept in [
        "https://public.example/3?token=THEIRS",
        "https://cdn.example/b.mp3?token=PUBLIC",
        "https://cdn.example/a?token=PUBLIC&amp;sig=Xy",
    ] {
        assert!(feed.text().contains(kept), "{kept}: {}", feed.text());
    }
}
