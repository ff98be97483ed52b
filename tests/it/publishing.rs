//! What readers get: the same entries in three formats, well-formed whatever came in, and nothing twice
//! over the wire.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::app::{App, Daemon, eventually, rss, source, tool};
use crate::origin::{Origin, Reply};

const RSS: &str = "application/rss+xml";
const FORMS: [(&str, &str); 3] = [
    ("atom", "application/atom+xml; charset=utf-8"),
    ("rss", "application/rss+xml; charset=utf-8"),
    ("json", "application/feed+json; charset=utf-8"),
];

/// Everything that makes documents break: markup in titles, controls, half surrogates, right-to-left, CDATA ends.
const NASTY: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>Fish &amp; chips &lt;b&gt;daily&lt;/b&gt; ]]&gt;</title><link>https://origin.example/?a=1&amp;b=2</link>
<description>d</description>
<item><title>1 &lt; 2 &amp;amp; 3 ]]&gt; &#x202e;evil&#xFFFE;&#x1;</title><link>https://origin.example/1?a=1&amp;b=2</link>
<guid>1</guid><pubDate>Mon, 16 Nov 2026 08:00:00 GMT</pubDate><category>R&amp;D &lt;i&gt;</category>
<description>&lt;p onclick="x()"&gt;A &lt;script&gt;alert(1)&lt;/script&gt;&amp;amp; B ]]&amp;gt; &lt;img src="/p.png"&gt;&lt;/p&gt;</description></item>
<item><title>עברית 🐟 русский</title><guid>2</guid><pubDate>Mon, 16 Nov 2026 09:00:00 GMT</pubDate>
<content:encoded><![CDATA[<p>Unclosed <b>bold <a href="javascript:x()">x</a><svg><script>y</script></svg>]]></content:encoded></item>
<item><guid>3</guid><pubDate>Mon, 16 Nov 2026 10:00:00 GMT</pubDate><description>Only a text.</description>
<enclosure url="https://origin.example/a.mp3?x=1&amp;y=2" type="audio/mpeg" length="7"/></item>
</channel></rss>"#;

fn nasty() -> (App, Daemon) {
    let origin = Origin::start();
    origin.on("/one", Reply::ok(RSS, NASTY));
    let app = App::new(&source("one", &origin, "groups = [\"g\"]"));
    let daemon = app.serve();
    app.polled(&["one"]);
    (app, daemon)
}

/// The documents of a daemon, with the origin's port taken out: the only thing that changes between two runs.
fn steady(text: &str) -> String {
    let port = regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap();
    let text = port.replace_all(text, "origin.test");
    // A feed's own id is this installation's alone.
    let id = regex::Regex::new("<id>urn:uuid:[0-9a-f-]+</id>").unwrap();
    id.replace(&text, "<id>ours</id>").into_owned()
}

#[test]
fn documents_are_as_they_were() {
    let (_app, daemon) = nasty();
    for (form, _) in FORMS {
        let document = daemon.get(&format!("/feeds/all.{form}"));
        insta::assert_snapshot!(format!("all.{form}"), steady(document.text()));
    }
    insta::assert_snapshot!("opml", steady(daemon.get("/opml").text()));
}

#[test]
fn a_page_is_listed_as_the_feed_it_becomes_here() {
    let origin = Origin::start();
    let items: String = (1..6)
        .map(|n| format!("<li><h3><a href=\"/n/{n}\">News number {n}</a></h3><time datetime=\"2026-11-0{n}\"></time></li>"))
        .collect();
    origin.on("/one", Reply::ok("text/html", format!("<html><body><ul>{items}</ul></body></html>")));
    origin.on("/two", Reply::ok(RSS, NASTY));
    let app = App::new(&(source("one", &origin, "") + &source("two", &origin, "")));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let opml = daemon.get("/opml");
    let line = |id: &str| {
        let path = format!("/{id}\"");
        opml.text()
            .lines()
            .find(|line| line.contains(&path))
            .unwrap_or_else(|| panic!("{}", opml.text()))
            .to_owned()
    };
    assert!(line("one").contains("xmlUrl=\"https://river.example/sources/one.atom\""), "{}", line("one"));
    assert!(line("one").contains(&format!("htmlUrl=\"{}\"", origin.url("/one"))), "{}", line("one"));
    assert!(line("two").contains(&format!("xmlUrl=\"{}\"", origin.url("/two"))), "{}", line("two"));
    // What is to be read by another riverine names the page.
    assert!(app.ok(&["export"]).contains(&format!("xmlUrl=\"{}\"", origin.url("/one"))));
}

#[test]
fn documents_are_well_formed() {
    if !tool("xmllint") {
        return;
    }
    let (_app, daemon) = nasty();
    for path in
        ["/feeds/all.atom", "/feeds/all.rss", "/sources/one.atom", "/sources/one.rss", "/opml", "/feeds.opml"]
    {
        let document = daemon.get(path);
        assert_eq!(document.status, 200, "{path}");
        let mut xmllint = Command::new("xmllint")
            .args(["--noout", "--nonet", "--pedantic", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        xmllint.stdin.take().unwrap().write_all(&document.body).unwrap();
        let output = xmllint.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && words.is_empty(), "{path}: {words}");
    }
}

#[test]
fn another_parser_reads_the_same_entries_from_every_format() {
    let (_app, daemon) = nasty();
    let mut read = Vec::new();
    for (form, content_type) in FORMS {
        let document = daemon.get(&format!("/feeds/all.{form}"));
        assert_eq!(document.header("content-type"), content_type);
        let feed = feed_rs::parser::parse(document.body.as_slice()).unwrap();
        let entries: Vec<_> = feed
            .entries
            .into_iter()
            .map(|entry| {
                let link = entry.links.iter().find(|link| link.rel.as_deref() != Some("enclosure"));
                (entry.id, link.map(|link| link.href.clone()), entry.published)
            })
            .collect();
        read.push(entries);
    }
    assert_eq!(read[0].len(), 3);
    assert_eq!(read[0], read[1]);
    assert_eq!(read[0], read[2]);
    let dates: Vec<_> = read[0].iter().map(|(_, _, published)| published.unwrap()).collect();
    assert!(dates.is_sorted_by(|a, b| a >= b), "newest first: {dates:?}");
}

#[test]
fn nothing_that_runs_comes_out() {
    let (_app, daemon) = nasty();
    for path in ["/feeds/all.atom", "/feeds/all.rss", "/feeds/all.json", "/", "/feeds/all", "/sources/one"] {
        let answer = daemon.request("GET", path, &[("Accept", "text/html;q=0.9, */*;q=0.1")]);
        assert_eq!(answer.status, 200, "{path}");
        let text = answer.text().to_lowercase();
        // The one script of ours is a file of its own.
        let text = text.replace("<script src=\"/river.js?v=", "");
        for word in ["alert(1)", "javascript:", "onclick", "<script", "&lt;script"] {
            assert!(!text.contains(word), "{path}: {word}");
        }
    }
}

#[test]
fn who_has_it_already_is_told_so() {
    let (_app, daemon) = nasty();
    for (form, _) in FORMS {
        let path = format!("/feeds/all.{form}");
        let whole = daemon.get(&path);
        let tag = whole.header("etag");
        assert!(tag.starts_with('"') && tag.len() > 10, "a strong tag: {tag:?}");
        for (name, value) in [
            ("If-None-Match", tag),
            ("If-None-Match", &format!("\"other\", W/{tag}")),
            ("If-None-Match", "*"),
            ("If-Modified-Since", whole.header("last-modified")),
        ] {
            let again = daemon.request("GET", &path, &[(name, value)]);
            assert_eq!(again.status, 304, "{path} {name}: {value}");
            assert!(again.body.is_empty());
            for kept in ["etag", "last-modified", "cache-control", "vary"] {
                assert_eq!(again.header(kept), whole.header(kept), "{path}: {kept}");
            }
        }
        assert_eq!(daemon.request("GET", &path, &[("If-None-Match", "\"other\"")]).status, 200);
        let head = daemon.request("HEAD", &path, &[]);
        assert!(head.status == 200 && head.body.is_empty(), "{path}: {head:?}");
        for same in ["etag", "last-modified", "content-type", "content-length"] {
            assert_eq!(head.header(same), whole.header(same), "{path}: {same}");
        }
        let packed = daemon.request("GET", &path, &[("Accept-Encoding", "gzip")]);
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert_ne!(packed.header("etag"), tag, "other bytes, another tag");
        assert!(packed.body.starts_with(&[0x1f, 0x8b]));
    }
}

#[test]
fn new_content_means_a_new_tag_and_a_later_date() {
    let origin = Origin::start();
    let entry = ("1", "One", "Mon, 16 Nov 2026 08:00:00 GMT", "Text.");
    origin.on("/one", Reply::ok(RSS, rss("One", &[entry])));
    let app = App::new(&source("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    let before = daemon.get("/feeds/all.atom");
    let mut edited = entry;
    edited.3 = "Other text.";
    origin.on("/one", Reply::ok(RSS, rss("One", &[edited])));
    app.poll_again("one");
    let after = daemon.get("/feeds/all.atom");
    assert_ne!(after.header("etag"), before.header("etag"));
    let date =
        |answer: &crate::app::Answer| httpdate::parse_http_date(answer.header("last-modified")).unwrap();
    assert!(
        date(&after) > date(&before),
        "{} then {}",
        before.header("last-modified"),
        after.header("last-modified")
    );
    assert_eq!(
        daemon.request("GET", "/feeds/all.atom", &[("If-None-Match", before.header("etag"))]).status,
        200
    );
}

#[test]
fn who_asks_by_date_alone_hears_of_both_versions_of_a_second() {
    let origin = Origin::start();
    let entry = ("1", "One", "Mon, 16 Nov 2026 08:00:00 GMT", "Text.");
    origin.on("/one", Reply::ok(RSS, rss("One", &[entry])));
    let app = App::new(&source("one", &origin, ""));
    let daemon = app.serve();
    app.polled(&["one"]);
    let get = |fields: &[(&str, &str)]| daemon.request("GET", "/feeds/all.rss", fields);
    let first = get(&[]);
    let since = [("If-Modified-Since", first.header("last-modified"))];
    assert_eq!(get(&since).status, 304);
    for text in ["Other text.", "And another."] {
        let mut edited = entry;
        edited.3 = text;
        origin.on("/one", Reply::ok(RSS, rss("One", &[edited])));
        app.ok(&["fetch", "one"]);
        let next = get(&since);
        assert_eq!((next.status, next.text().contains(text)), (200, true));
        // No date that is still to come.
        assert_eq!(next.header("last-modified"), "");
    }
    app.advance(chrono::TimeDelta::minutes(2));
    let date = |answer: &crate::app::Answer| httpdate::parse_http_date(answer.header("last-modified")).ok();
    app.until("one", |_| get(&since).headers.contains_key("last-modified"));
    let last = get(&since);
    assert_eq!(last.status, 200);
    assert!(date(&last) > date(&first), "{:?}", last.headers);
    assert_eq!(get(&[("If-Modified-Since", last.header("last-modified"))]).status, 304);
}

#[test]
fn a_feed_without_a_form_is_what_the_client_likes() {
    let (_app, daemon) = nasty();
    for (accept, content_type) in [
        ("application/rss+xml", "application/rss+xml"),
        ("application/feed+json", "application/feed+json"),
        ("application/atom+xml, */*;q=0.1", "application/atom+xml"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
    ] {
        let answer = daemon.request("GET", "/feeds/all", &[("Accept", accept)]);
        assert!(answer.header("content-type").starts_with(content_type), "{accept}: {answer:?}");
        assert!(answer.header("vary").to_lowercase().contains("accept"), "{accept}");
    }
}

#[test]
fn the_front_page_leads_to_every_feed() {
    let (_app, daemon) = nasty();
    let front = daemon.get("/");
    let page = scraper::Html::parse_document(front.text());
    let links = scraper::Selector::parse("link[rel=alternate][type][href]").unwrap();
    let mut found = 0;
    for link in page.select(&links) {
        let (href, kind) = (link.attr("href").unwrap(), link.attr("type").unwrap());
        let path = href.strip_prefix("https://river.example").unwrap_or(href);
        let answer = daemon.get(path);
        assert_eq!(answer.status, 200, "{href}");
        assert!(answer.header("content-type").starts_with(kind), "{href} is no {kind}");
        found += 1;
    }
    assert!(found >= 3, "{}", front.text());
    assert!(front.text().contains("עברית 🐟 русский"));
    assert!(front.header("content-security-policy").contains("default-src 'none'"));
}

#[test]
fn what_is_not_there_is_refused_in_words() {
    let (_app, daemon) = nasty();
    for (method, path, status) in [
        ("GET", "/feeds/none.atom", 404),
        ("GET", "/feeds/all.pdf", 404),
        ("GET", "/entries/none", 404),
        ("GET", "/entries/00000000-0000-8000-8000-000000000003", 404),
        ("POST", "/feeds/all.atom", 405),
        ("DELETE", "/", 405),
        ("GET", "/../../etc/passwd", 404),
    ] {
        let answer = daemon.request(method, path, &[]);
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(status == 405, !answer.header("allow").is_empty(), "{method} {path}");
    }
    assert_eq!(daemon.get("/healthz").status, 200);
}

#[test]
fn a_feed_says_what_stands_in_it_and_says_no_more_for_another_source() {
    let origin = Origin::start();
    for id in ["one", "two"] {
        origin.on(&format!("/{id}"), Reply::ok(RSS, rss(id, &[])));
    }
    let feeds = "[[feed]]\nid = \"all\"\ntitle = \"Everything\"\n\
        [[feed]]\nid = \"g\"\ngroups = [\"g\"]\n\
        [[feed]]\nid = \"both\"\ngroups = [\"g\", \"h\"]\nsources = [\"two\"]\nlanguages = [\"en\", \"fr\", \"de\"]\n\
        [[feed]]\nid = \"wet\"\nquery = \"river OR <rain>\"\ndrop = { title = [\"^Ad\"] }\n";
    let one = source("one", &origin, "groups = [\"g\", \"h\"]");
    let app = App::new(&format!("{feeds}{one}{}", source("two", &origin, "")));
    let daemon = app.serve();
    for (id, wanted) in [
        ("all", "Many sources, one river: the newest entries first."),
        ("g", "Entries of the group g, the newest first."),
        ("both", "Entries of the groups g and h and of two, in en, fr and de, the newest first."),
        (
            "wet",
            "Entries of all sources, that match “river OR <rain>”, as its filters let them through, the newest first.",
        ),
    ] {
        assert_eq!(daemon.json(&format!("/feeds/{id}.json"))["description"], wanted);
        let plain = wanted.replace('<', "&lt;").replace('>', "&gt;");
        let atom = daemon.get(&format!("/feeds/{id}.atom"));
        assert!(atom.text().contains(&format!("<subtitle>{plain}</subtitle>")), "{}", atom.text());
        assert!(
            daemon
                .get(&format!("/feeds/{id}"))
                .text()
                .contains(&wanted.replace('<', "&#60;").replace('>', "&#62;")),
            "{id}"
        );
    }
    let list = daemon.get("/feeds.opml");
    assert!(
        list.text().contains("description=\"Entries of the group g, the newest first.\""),
        "{}",
        list.text()
    );
    // One more in the group.
    let before = daemon.get("/feeds/g.atom").body;
    app.configure(&format!("{feeds}{one}{}", source("two", &origin, "groups = [\"g\"]")));
    daemon.signal("-HUP");
    let joined = || daemon.get("/opml").text().contains("category=\"g\"").then_some(());
    eventually("the source in the group", joined);
    assert_eq!(daemon.get("/feeds/g.atom").body, before);
}
