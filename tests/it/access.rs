//! Who may read, and who may give orders.

use crate::app::{App, Daemon, eventually, request_with, rss, source};
use crate::origin::{Origin, Reply};

fn river() -> (Origin, App, Daemon) {
    let origin = Origin::start();
    let date = "Mon, 02 Nov 2026 10:00:00 GMT";
    let items = [("g1", "Entry", date, "Text"), ("", "Without a link", date, "More text")];
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &items)));
    let app = App::new("");
    app.write(
        "riverine.toml",
        &("[server]\nlisten = \"127.0.0.1:0\"\nbase_url = \"https://river.example/\"\ntoken = \"t0ken\"\n\
           admin_token = \"b0ss\"\n[fetch]\nallow_private = [\"127.0.0.1/32\"]\nper_host_gap = \"0s\"\n"
            .to_owned()
            + &source("one", &origin, "")
            + "[[feed]]\nid = \"own\"\ntoken = \"0ther\"\n"),
    );
    let daemon = app.serve();
    app.polled(&["one"]);
    (origin, app, daemon)
}

#[test]
fn a_token_opens_by_key_or_bearer_and_stands_nowhere() {
    let (_origin, _app, daemon) = river();
    let paths = [
        "/",
        "/feeds/all.atom",
        "/feeds/all",
        "/sources",
        "/sources/one",
        "/sources/one.rss",
        "/sources/one/archive/1.rss",
        "/opml",
        "/feeds.opml",
        "/search?q=entry",
        "/search.json?q=entry",
        "/feeds/_health.json",
        "/feeds/all/archive/1.atom",
    ];
    for path in paths {
        let joint = if path.contains('?') { '&' } else { '?' };
        let closed = daemon.get(path);
        assert_eq!(closed.status, 401, "{path}");
        assert!(!closed.header("www-authenticate").is_empty());
        assert!(closed.text().starts_with("This needs a key."), "{}", closed.text());
        let other = if path == "/feeds.opml" { "n0ne" } else { "0ther" };
        let wrong = daemon.get(&format!("{path}{joint}key={other}"));
        assert_eq!(wrong.status, 401, "{path}");
        assert!(wrong.text().starts_with("This key opens nothing here."), "{}", wrong.text());
        let keyed = daemon.get(&format!("{path}{joint}key=t0ken"));
        if keyed.status == 404 {
            continue; // No archive yet: even that is told only with the token.
        }
        assert_eq!(keyed.status, 200, "{path}");
        assert!(keyed.header("cache-control").starts_with("private"), "{path}");
        assert!(keyed.header("vary").contains("Authorization"), "{path}");
        let bearer = daemon.request("GET", path, &[("Authorization", "Bearer t0ken")]);
        assert_eq!(bearer.status, 200, "{path}");
        assert!(!bearer.text().contains("t0ken"), "{path}");
        if keyed.header("content-type").starts_with("application/") {
            assert_eq!(keyed.body, bearer.body, "{path}: no key in a document");
        }
    }
    assert_eq!(daemon.get("/feeds/own.atom?key=t0ken").status, 401);
    assert_eq!(daemon.get("/feeds/own.atom?key=0ther").status, 200);
    // What every reader may know, and machines that watch.
    for path in ["/healthz", "/readyz", "/river.css", "/icon.svg"] {
        assert_eq!(daemon.get(path).status, 200, "{path}");
    }
    assert!(!daemon.log().contains("t0ken"), "{}", daemon.log());
}

/// (xmlUrl, htmlUrl) of a list of feeds.
fn addresses(opml: &str) -> Vec<(String, String)> {
    let outline = regex::Regex::new("xmlUrl=\"([^\"]*)\"[^>]*htmlUrl=\"([^\"]*)\"").unwrap();
    outline.captures_iter(opml).map(|found| (found[1].to_owned(), found[2].to_owned())).collect()
}

#[test]
fn a_key_stands_in_the_addresses_that_need_it_and_in_no_others() {
    let app =
        App::new("[[feed]]\nid = \"own\"\ntoken = \"0ther\"\n[[feed]]\nid = \"third\"\ntoken = \"3\"\n");
    let daemon = app.serve();
    let page = |id: &str, key: &str| {
        let stem = format!("https://river.example/feeds/{id}");
        (format!("{stem}.atom{key}"), format!("{stem}{key}"))
    };
    let open = daemon.get("/feeds.opml");
    assert_eq!(addresses(open.text()), [page("all", "")]);
    let keyed = daemon.get("/feeds.opml?key=0ther");
    assert_eq!(addresses(keyed.text()), [page("own", "?key=0ther"), page("all", "")]);
    // Who sends it along with every request needs it in no address.
    let bearer = daemon.request("GET", "/feeds.opml", &[("Authorization", "Bearer 0ther")]);
    assert_eq!(addresses(bearer.text()), [page("own", ""), page("all", "")]);
    // Without a key, too: a cache must not give that list to others.
    for answer in [&open, &keyed, &bearer] {
        assert!(answer.header("cache-control").starts_with("private"), "{answer:?}");
    }
    // Nor in what a page offers to subscribe to.
    let front = daemon.get("/?key=0ther");
    let offered = regex::Regex::new("rel=\"alternate\" [^>]*href=\"([^\"]*)\"").unwrap();
    for found in offered.captures_iter(front.text()) {
        assert_eq!(found[1].contains("key="), found[1].contains("/own"), "{}", &found[1]);
    }
    assert!(front.text().contains("href=\"feed:https://river.example/feeds/all.atom\""), "{}", front.text());
}

#[test]
fn a_server_key_stands_in_the_addresses_of_all_it_opens() {
    let (_origin, _app, daemon) = river();
    let all = "https://river.example/feeds/all";
    let opml = daemon.get("/feeds.opml?key=t0ken");
    assert_eq!(addresses(opml.text()), [(format!("{all}.atom?key=t0ken"), format!("{all}?key=t0ken"))]);
    let source = daemon.get("/sources/one?key=t0ken");
    assert!(source.text().contains("https://river.example/sources/one.atom?key=t0ken"), "{}", source.text());
}

/// Every page of ours that a page leads to.
pub fn led_to(page: &str) -> Vec<String> {
    let link = regex::Regex::new("(?:href|action|data-events)=\"(?:feed:)?([^\"]*)\"").unwrap();
    let links = link.captures_iter(page).map(|found| found[1].replace("&#38;", "&"));
    let ours =
        links.map(|link| link.strip_prefix("https://river.example").map_or(link.clone(), str::to_owned));
    ours.filter(|link| link.starts_with('/')).collect()
}

#[test]
fn the_key_of_one_feed_leads_to_no_closed_door() {
    let (_origin, _app, daemon) = river();
    let board = daemon.get("/feeds/own?key=0ther");
    assert!(board.text().contains("Entry"), "{}", board.text());
    let links = led_to(board.text());
    for link in links.iter().filter(|link| !link.contains("/events")) {
        assert_eq!(daemon.get(link).status, 200, "{link}");
    }
    assert!(links.iter().any(|link| link == "/feeds/own.atom?key=0ther"), "{links:?}");
    assert!(links.iter().any(|link| link == "/feeds.opml?key=0ther"), "{links:?}");
    let opml = daemon.get("/feeds.opml?key=0ther");
    let own = "https://river.example/feeds/own";
    assert_eq!(addresses(opml.text()), [(format!("{own}.atom?key=0ther"), format!("{own}?key=0ther"))]);
    // Who may see everything is led everywhere, and by header without a key in any address.
    let whole = daemon.get("/?key=t0ken");
    let links = led_to(whole.text());
    for wanted in ["/sources?key=t0ken", "/search?key=t0ken", "/sources/one?key=t0ken", "/opml?key=t0ken"] {
        assert!(links.iter().any(|link| link == wanted), "{wanted}: {links:?}");
    }
    let title = regex::Regex::new("<h3[^>]*><a href=\"(/entries/[^\"]*)\">Without a link</a>").unwrap();
    let entry = title.captures(whole.text()).expect("an entry without a link leads to its own page");
    assert_eq!(daemon.get(&entry[1]).status, 200);
    let bearer =
        daemon.request("GET", "/feeds/all", &[("Authorization", "Bearer t0ken"), ("Accept", "text/html")]);
    assert!(led_to(bearer.text()).iter().any(|link| link == "/sources"), "{}", bearer.text());
}

/// What has no link of its own leads to its page here: that opens for whoever may read a feed that has the entry.
#[test]
fn the_key_of_a_feed_opens_the_pages_of_its_entries_and_of_no_others() {
    let origin = Origin::start();
    let date = "Mon, 02 Nov 2026 10:00:00 GMT";
    let told = ("", "Told by both", date, "The same text.");
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[told, ("", "Of one", date, "Text")])));
    origin.on("/two", Reply::ok("application/rss+xml", rss("Two", &[told, ("", "Of two", date, "Text")])));
    let feeds = "[[feed]]\nid = \"all\"\ntoken = \"wh0le\"\n[[feed]]\nid = \"own\"\ntoken = \"0wn\"\nsources = [\"one\"]\n";
    let app = App::new(&(source("one", &origin, "") + &source("two", &origin, "") + feeds));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let entry = |page: &str, title: &str| {
        let link = format!("<h3[^>]*><a href=\"(/entries/[^\"?]*)[^\"]*\">{title}</a>");
        regex::Regex::new(&link).unwrap().captures(page).expect(title)[1].to_owned()
    };
    let (own, all) = (daemon.get("/feeds/own?key=0wn"), daemon.get("/feeds/all?key=wh0le"));
    let page = entry(own.text(), "Told by both");
    assert_eq!(page, entry(all.text(), "Told by both"));
    let opened = daemon.get(&format!("{page}?key=0wn"));
    assert_eq!(opened.status, 200);
    assert!(opened.header("cache-control").starts_with("private"), "{opened:?}");
    assert!(opened.text().contains("href=\"/feeds/own?key=0wn\""), "{}", opened.text());
    assert!(!opened.text().contains("Seen 2 times"), "{}", opened.text());
    assert!(daemon.get(&format!("{page}?key=wh0le")).text().contains("Seen 2 times"));
    for link in led_to(opened.text()) {
        assert_eq!(daemon.get(&link).status, 200, "{link}");
    }
    let bearer = |path: &str| daemon.request("GET", path, &[("Authorization", "Bearer 0wn")]);
    assert_eq!(bearer(&page).status, 200);
    // Another spelling leads there with the key.
    let shouted = daemon.get(&format!("{}?key=0wn", page.to_uppercase().replace("/ENTRIES/", "/entries/")));
    assert_eq!((shouted.status, shouted.header("location")), (308, format!("{page}?key=0wn").as_str()));
    // Of all others that key does not even tell whether there are any.
    for path in [&entry(all.text(), "Of two"), "/entries/14e3a6e5-c720-8b38-b205-8ba779fee693", "/entries/x"]
    {
        assert_eq!(daemon.get(&format!("{path}?key=0wn")).status, 401, "{path}");
        assert_eq!(bearer(path).status, 401, "{path}");
        assert_eq!(daemon.get(path).status, 401, "{path}");
    }
    assert_eq!(daemon.get(&page).status, 401);
}

/// The `all` feed is closed, another is open: nobody is led from this to that.
#[test]
fn an_open_feed_beside_a_closed_river_leads_to_no_closed_door() {
    let origin = Origin::start();
    let item = ("g1", "Entry", "Mon, 02 Nov 2026 10:00:00 GMT", "Text");
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[item])));
    let feeds = "[[feed]]\nid = \"all\"\ntoken = \"cl0sed\"\n[[feed]]\nid = \"open\"\n";
    let app = App::new(&(source("one", &origin, "") + feeds));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let page = daemon.get("/feeds/open");
    assert!(page.text().contains("Entry"), "{}", page.text());
    let links = led_to(page.text());
    assert!(links.iter().any(|link| link == "/feeds/open.atom"), "{links:?}");
    for link in links.iter().filter(|link| !link.contains("/events")) {
        assert_eq!(daemon.get(link).status, 200, "{link}");
    }
    assert!(
        led_to(daemon.get("/feeds/all?key=cl0sed").text()).iter().any(|link| link == "/sources?key=cl0sed")
    );
}

#[test]
fn what_only_a_token_in_a_field_shows_is_kept_for_nobody_else() {
    let origin = Origin::start();
    let item = ("g1", "Entry", "Mon, 02 Nov 2026 10:00:00 GMT", "Text");
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[item])));
    let feed = "[[feed]]\nid = \"board\"\ntitle = \"Board\"\ntoken = \"b0ard\"\n";
    let app = App::new(&(source("one", &origin, "") + feed));
    app.ok(&["fetch"]);
    let daemon = app.serve();
    let id = daemon.json("/feeds/all.json")["items"][0]["id"].as_str().unwrap().replace("urn:uuid:", "");
    let entry = format!("/entries/{id}");
    for path in ["/", "/sources", "/sources/one", "/search?q=text", "/feeds/all?page=2", &entry] {
        let open = daemon.get(path);
        assert!(open.header("cache-control").starts_with("public"), "{path}: {open:?}");
        assert!(!open.text().contains("Board"), "{path}");
        let own = daemon.request("GET", path, &[("Authorization", "Bearer b0ard")]);
        assert!(own.text().contains("Board"), "{path}");
        assert!(own.header("cache-control").starts_with("private"), "{path}: {own:?}");
        assert!(own.header("vary").contains("Authorization"), "{path}: {own:?}");
    }
    // Where another form is chosen by `Accept`, that stays so.
    for path in ["/feeds/all", "/feeds/all?page=2", "/feeds/board?key=b0ard"] {
        for accept in ["text/html", "application/rss+xml"] {
            let answer = daemon.request("GET", path, &[("Accept", accept)]);
            assert!(answer.header("content-type").starts_with(accept), "{path}: {answer:?}");
            assert!(answer.header("vary").starts_with("Accept, Accept-Encoding"), "{path}: {answer:?}");
        }
    }
}

#[test]
fn pages_of_what_is_not_there_keep_the_key_and_lead_to_no_closed_door() {
    let (_origin, _app, daemon) = river();
    let ask = |path: &str| daemon.request("GET", path, &[("Accept", "text/html")]);
    let entry = "/entries/14e3a6e5-c720-8b38-b205-8ba779fee693";
    for path in [entry, "/nothere", "/feeds/nothere", "/feeds/all/archive/99", "/sources/nothere", "/hub"] {
        let page = ask(&format!("{path}?key=t0ken"));
        assert!([404, 405].contains(&page.status), "{path}: {}", page.status);
        let links = led_to(page.text());
        for wanted in ["/?key=t0ken", "/sources?key=t0ken", "/opml?key=t0ken"] {
            assert!(links.iter().any(|link| link == wanted), "{path}: {links:?}");
        }
    }
    for path in ["/nothere", "/nothere?key=0ther", "/feeds/own/archive/99?key=0ther"] {
        for link in led_to(ask(path).text()) {
            assert_eq!(daemon.get(&link).status, 200, "{path}: {link}");
        }
    }
}

#[test]
fn a_browser_is_asked_for_the_key() {
    let (_origin, _app, daemon) = river();
    let ask = |path: &str| daemon.request("GET", path, &[("Accept", "text/html")]);
    let page = ask("/search?q=%3Centry&key=wr0ng&lang=en");
    assert_eq!(page.status, 401);
    for part in [
        "<form class=\"search\" method=\"get\" action=\"/search\">",
        "<input type=\"hidden\" name=\"q\" value=\"&#60;entry\">",
        "<input type=\"hidden\" name=\"lang\" value=\"en\">",
        "name=\"key\" required",
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    assert!(!page.text().contains("wr0ng"), "{}", page.text());
    // Who has a form is not told how to make addresses.
    assert!(page.text().contains("<p class=\"lede\">Give it here."), "{}", page.text());
    assert_eq!(led_to(ask("//evil.example/x").text()).iter().filter(|link| link.contains("evil")).count(), 0);
    // Nothing on that page is another closed door, but for the way that the form opens.
    for link in led_to(ask("/sources").text()).iter().filter(|link| *link != "/sources") {
        assert_eq!(daemon.get(link).status, 200, "{link}");
    }
    // The administrator's token belongs into a header.
    assert!(!daemon.request("GET", "/api/status", &[("Accept", "text/html")]).text().contains("<form"));
}

#[test]
fn scripts_of_other_sites_may_read_feeds_and_nothing_else() {
    let origin = Origin::start();
    let closed = "[[feed]]\nid = \"closed\"\ntoken = \"k3y\"\n";
    let app = App::new(&(source("one", &origin, "") + closed));
    let daemon = app.serve();
    // Also that there is none, or that it needs a key.
    for (path, status) in [
        ("/feeds/closed.atom", 401),
        ("/feeds/closed/archive/1.atom", 401),
        ("/feeds/closed/events", 401),
        ("/feeds/none.atom", 404),
        ("/feeds/none/events", 404),
        ("/feeds/all/archive/9.atom", 404),
        ("/sources/none.rss", 404),
    ] {
        let answer = daemon.get(path);
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (status, "*"), "{path}");
    }
    for path in ["/feeds/all.atom", "/feeds/all.json", "/sources/one.rss", "/search.json?q=a"] {
        assert_eq!(daemon.get(path).header("access-control-allow-origin"), "*", "{path}");
        let preflight = daemon.request("OPTIONS", path, &[("Origin", "https://a.example")]);
        assert_eq!((preflight.status, preflight.header("access-control-allow-methods")), (204, "GET, HEAD"));
    }
    for path in ["/", "/sources", "/api/status"] {
        assert_eq!(daemon.get(path).header("access-control-allow-origin"), "", "{path}");
    }
}

#[test]
fn a_key_that_somebody_subscribes_with_is_not_logged() {
    let app = App::new("[[feed]]\nid = \"closed\"\ntoken = \"k3y\"\nhub = \"self\"\n");
    let daemon = app.serve();
    // Nobody is there to be asked.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let topic = "https%3A%2F%2Friver.example%2Ffeeds%2Fclosed.atom%3Fkey%3Dk3y";
    let form =
        format!("hub.mode=subscribe&hub.topic={topic}&hub.callback=http%3A%2F%2F{nobody}%2Fcb%3Fid%3D7");
    assert_eq!(request_with(&daemon.address, "POST", "/hub", &[], form.as_bytes()).status, 202);
    eventually("why not", || daemon.log().contains("not subscribed").then_some(()));
    let log = daemon.log();
    assert!(log.contains(&format!("http://{nobody}/cb")) && !log.contains("k3y"), "{log}");
}

#[test]
fn orders_need_the_admin_token() {
    let (origin, app, daemon) = river();
    assert_eq!(daemon.request("POST", "/api/poll", &[]).status, 401);
    assert_eq!(daemon.request("POST", "/api/poll", &[("Authorization", "Bearer t0ken")]).status, 401);
    assert_eq!(daemon.get("/api/status?key=t0ken").status, 401);
    let boss = [("Authorization", "Bearer b0ss")];
    let before = origin.asked("/one").len();
    let polled = daemon.request("POST", "/api/poll/one", &boss);
    assert_eq!(polled.status, 200);
    assert!(
        polled.text().contains("\"source\":\"one\"") && polled.text().contains("\"failed\":false"),
        "{polled:?}"
    );
    assert_eq!(daemon.request("POST", "/api/poll", &boss).status, 200);
    assert_eq!(origin.asked("/one").len(), before + 2);
    assert_eq!(daemon.request("POST", "/api/poll/none", &boss).status, 404);
    assert_eq!(daemon.request("GET", "/api/poll", &boss).status, 405);
    let status: serde_json::Value =
        serde_json::from_str(daemon.request("GET", "/api/status", &boss).text()).unwrap();
    assert_eq!(status["sources"][0]["id"], "one");
    assert_eq!(status["daemon"]["pid"], daemon.pid());
    let printed: serde_json::Value = serde_json::from_str(&app.ok(&["status", "--json"])).unwrap();
    assert_eq!(printed["sources"], status["sources"]);
}

#[test]
fn without_an_admin_token_nobody_gives_orders() {
    let app = App::new("");
    let daemon = app.serve();
    assert_eq!(daemon.request("POST", "/api/poll", &[("Authorization", "Bearer ")]).status, 403);
    assert_eq!(daemon.get("/api/status?key=").status, 403);
    // Metrics are for this machine, not for whom a proxy brought.
    assert_eq!(daemon.get("/metrics").status, 200);
    let afar = daemon.request("GET", "/metrics", &[("X-Forwarded-For", "192.0.2.1")]);
    assert_eq!(afar.status, 401);
    assert!(afar.text().contains("admin_token") && !afar.text().contains("?key="), "{}", afar.text());
}

#[test]
fn who_only_reads_the_store_needs_no_secrets() {
    let origin = Origin::start();
    let document = rss("One", &[("1", "Beavers return", "Mon, 16 Nov 2026 08:00:00 GMT", "Text.")]);
    origin.on("/one", Reply::ok("application/rss+xml", document));
    let app = App::new(&source("one", &origin, ""));
    app.ok(&["fetch"]);
    let feed = "[[feed]]\nid = \"own\"\ntoken = { file = \"not/here\" }\n";
    app.configure(
        &(source("one", &origin, "headers = { \"X-Key\" = { env = \"NOBODY_SETS_THIS\" } }") + feed),
    );
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["search", "beavers"],
        &["explain", "beavers"],
        &["export"],
        &["backup", "copy.db"],
        &["restore", "copy.db"],
    ] {
        app.ok(args);
    }
    for args in [&["check"][..], &["fetch"], &["serve"], &["replay"]] {
        let output = app.run(args);
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {words}");
        for said in ["the environment has no variable NOBODY_SETS_THIS", "cannot read the secret in "] {
            assert!(words.contains(said), "{args:?}: {words}");
        }
    }
    assert_eq!(origin.asked("/one").len(), 1);
    // What is set, and wrong, is wrong for all.
    app.write("not/here", "two\nlines\n");
    assert_eq!(app.run(&["status"]).status.code(), Some(2));
}
