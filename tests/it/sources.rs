//! The config written by commands: lists in and out.

use std::fs;

use crate::app::{App, corpus, rss, source};
use crate::origin::{Origin, Reply};

fn config(app: &App) -> String {
    fs::read_to_string(app.config()).unwrap()
}

fn words(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const LIST: &str = r#"<?xml version="1.0"?><opml version="1.1"><head><title>x</title></head><body>
<outline text="News"><outline text="World &amp; all" TITLE="">
<outline text="One" xmlUrl="https://one.example/feed" type="rss" category="/a/b,c"/>
<outline text="Two" XMLURL="http://one.example:8080/feed"></outline></outline>
<outline text="Same id" xmlurl="https://one.example/feed/?"/></outline>
<outline title="Mine" xmlUrl="https://mine.example/?a=1&b=2"/>
<outline text="Gopher" xmlUrl="gopher://old.example/"/>
<outline text="Again" xmlUrl="http://one.example/feed#x"/>
</body>"#;

#[test]
fn a_list_comes_in_with_its_folders_and_goes_out_again() {
    let app = App::new("# mine\n[[source]]\nurl = \"https://mine.example/?a=1&b=2\" # kept\n");
    let before = config(&app);
    app.write("list.opml", LIST);
    let output = app.run(&["import", "list.opml"]);
    assert!(output.status.success(), "{}", words(&output));
    assert!(words(&output).contains("gopher://old.example/"), "{}", words(&output));
    let text = config(&app);
    let added = text.strip_prefix(&before).unwrap();
    assert!(
        added.starts_with(
            "\n[[source]]\nurl = \"https://one.example/feed\"\nname = \"One\"\n\
             groups = [\"News/World & all\", \"a/b\", \"c\", \"News\"]\n\n[[source]]\n"
        ),
        "{added}"
    );
    app.ok(&["check"]);
    let out = app.ok(&["export"]);
    assert!(
        out.contains("<outline text=\"News\" title=\"News\">\n<outline text=\"World &amp; all\" title=\"World &amp; all\">\n<outline text=\"One\""),
        "{out}"
    );
    // The same list once more adds nothing, and neither does what came out.
    app.write("out.opml", &out);
    for list in ["list.opml", "out.opml"] {
        assert!(app.ok(&["import", list]).starts_with("0 sources added"));
        assert_eq!(config(&app), text);
    }
    // A whole river moves to another place.
    let other = App::new("");
    let mut child = other.command(&["import", "-"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), out.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(other.ok(&["export"]), out);
}

#[test]
fn a_list_makes_a_config_where_there_is_none() {
    let app = App::new("");
    fs::remove_file(app.config()).unwrap();
    app.write("list.opml", LIST);
    let named = app.run(&["import", "list.opml"]);
    assert_eq!(named.status.code(), Some(2), "a config that was named must be there");
    let output = app.command(&["import", "list.opml"]).env_remove("RIVERINE_CONFIG").output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    app.ok(&["check"]);
}

#[test]
fn a_source_is_taken_out_and_forgotten_only_when_asked() {
    let origin = Origin::start();
    for id in ["one", "two"] {
        origin.on(
            &format!("/{id}"),
            Reply::ok("application/rss+xml", rss(id, &[(id, &format!("News of {id}"), "", "Text.")])),
        );
    }
    let app = App::new(&format!("{}# Mine.\n{}", source("one", &origin, ""), source("two", &origin, "")));
    let before = config(&app);
    let wrong = app.run(&["remove", "ons"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(words(&wrong).contains("did you mean one?"), "{}", words(&wrong));
    let daemon = app.serve();
    app.polled(&["one", "two"]);
    let refused = app.run(&["remove", "one", "--purge"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(words(&refused).contains("another riverine (pid "), "{}", words(&refused));
    assert_eq!(config(&app), before, "what cannot be purged stays");
    drop(daemon);
    let removed = app.run(&["remove", "one"]);
    let told = "1 entry of it stays in the store: riverine remove one --purge forgets them";
    assert!(removed.status.success() && words(&removed).contains(told), "{}", words(&removed));
    assert!(!config(&app).contains("\"one\"") && config(&app).contains("# Mine."), "{}", config(&app));
    assert!(app.ok(&["search", "News"]).contains("News of one"));
    assert!(app.ok(&["remove", "two", "--purge"]).contains("1 entry forgotten"));
    assert!(!config(&app).contains("[[source]]") && !config(&app).contains("# Mine."), "{}", config(&app));
    assert!(before.starts_with(&config(&app)), "all else is as it was");
    assert!(!app.ok(&["search", "News"]).contains("News of two"));
    // What is only in the store is forgotten, too.
    assert!(app.ok(&["remove", "one", "--purge"]).contains("1 entry forgotten"));
    assert_eq!(app.ok(&["search", "News"]), "");
    let nowhere = app.run(&["remove", "one", "--purge"]);
    assert!(
        nowhere.status.code() == Some(2) && words(&nowhere).contains("nor in the store"),
        "{}",
        words(&nowhere)
    );
}

const PAGE: &str = "text/html; charset=utf-8";

#[test]
fn the_feed_behind_a_page_is_found_and_written() {
    let origin = Origin::start();
    origin.on("/old", Reply::status("301 Moved Permanently").header("Location", "/blog/"));
    let head = "<link rel='alternate' type='application/rss+xml' href='gone.xml'>\
         <link rel=ALTERNATE type='application/atom+xml' href='news.xml'>\
         <link rel=alternate type='application/rss+xml' href='talk.xml?token=s3cret'>";
    origin.on("/blog/", Reply::ok(PAGE, format!("<!doctype html><head>{head}</head><p>Hello.")));
    origin.on("/blog/gone.xml", Reply::status("404 Not Found"));
    origin.on("/blog/news.xml", Reply::ok("application/rss+xml", rss("One", &[("1", "News", "", "Text.")])));
    let app = App::new("# mine\n");
    let before = config(&app);
    let asked = app.run(&["add", &origin.url("/old")]);
    assert_eq!(asked.status.code(), Some(2), "without a terminal nobody can be asked");
    assert!(words(&asked).contains("--yes") && origin.asked("/old").is_empty(), "{}", words(&asked));
    let table = app.ok(&["add", &origin.url("/old"), "--dry-run"]);
    assert_eq!(config(&app), before);
    let arguments =
        ["--yes", "--id", "one", "--name", "The \"one\"", "--group", "x", "--schedule", "every 30m"];
    let old = origin.url("/old");
    let call = [&["add", &old], &arguments[..]].concat();
    let added = app.run(&call);
    assert!(words(&added).contains("News"), "{}", words(&added));
    // Others that the page names are told of, not asked for.
    let other = format!("the page names {}?token=***, too\n", origin.url("/blog/talk.xml"));
    assert!(words(&added).contains(&other), "{}", words(&added));
    assert!(origin.asked("/blog/talk.xml?token=s3cret").is_empty());
    let url = origin.url("/blog/news.xml");
    assert!(table.starts_with(&format!("[[source]]\nurl = \"{url}\"\n")), "{table}");
    assert_eq!(
        config(&app),
        format!(
            "{before}\n[[source]]\nurl = \"{url}\"\nid = \"one\"\nname = \"The \\\"one\\\"\"\n\
             schedule = \"every 30m\"\ngroups = [\"x\"]\n"
        )
    );
    app.ok(&["fetch", "one"]);
    for again in ["/blog/news.xml#x", "/old"] {
        let refused = app.run(&["add", &origin.url(again), "--yes"]);
        assert_eq!(refused.status.code(), Some(2), "{again}");
        assert!(words(&refused).contains("there already: the source one"), "{}", words(&refused));
    }
    // What could not be written is refused before anybody is asked: this address would answer 404.
    for (option, value, said) in [("--schedule", "garbage", "schedule"), ("--id", "BAD ID", "id")] {
        let refused = app.run(&["add", &origin.url("/blog/gone.xml"), "--yes", option, value]);
        assert_eq!(refused.status.code(), Some(2), "{option}: {}", words(&refused));
        assert!(words(&refused).contains(said), "{}", words(&refused));
    }
    for (status, said) in [
        ("404 Not Found", "answered 404 Not Found"),
        ("410 Gone", "is gone for good (410)"),
        ("503 Service Unavailable", "answered 503: it wants to be left alone for now"),
    ] {
        origin.on("/blog/gone.xml", Reply::status(status));
        let wrong = app.run(&["add", &origin.url("/blog/gone.xml"), "--yes"]);
        assert_eq!(wrong.status.code(), Some(1));
        assert!(words(&wrong).contains(said), "{}", words(&wrong));
    }
}

#[test]
fn what_is_found_is_shown_as_it_will_be_read() {
    let origin = Origin::start();
    let item = ("1", "News", "2026-11-10 08:00:00", "Text.");
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[item])));
    let app = App::new("[defaults]\ntimezone = \"Europe/Vienna\"\n");
    let added = app.run(&["add", &origin.url("/one"), "--yes", "--id", "one"]);
    assert!(words(&added).contains("\n  2026-11-10 07:00  News  "), "{}", words(&added));
    app.ok(&["fetch"]);
    assert!(app.ok(&["search", "News"]).starts_with("2026-11-10 07:00  News\n"));
}

#[test]
fn a_feed_is_found_where_feeds_are_wont_to_be_and_a_page_without_one_is_learned() {
    let origin = Origin::start();
    let items: String = (1..8)
        .map(|day| {
            format!(
                "<li class=news><time datetime=2026-11-0{day}>0{day}.11.2026</time> \
                 <a href=/n/{day}>The {day}. story that was told here</a><p>What is said of it.</p></li>"
            )
        })
        .collect();
    let list = format!("<!doctype html><title>Press</title><main><ul>{items}</ul></main>");
    origin.on("/press", Reply::ok(PAGE, list.clone()));
    origin.on("/press?x", Reply::ok(PAGE, list));
    let app = App::new("");
    app.ok(&["add", &origin.url("/press"), "--yes", "--id", "press"]);
    let text = config(&app);
    assert!(text.contains("\n[source.page]\nitem = "), "{text}");
    app.ok(&["fetch", "press"]);
    assert!(app.ok(&["search", "story"]).contains("The 3. story"), "{text}");
    // What is on the page is this page's; what is where feeds are wont to be may be somebody else's.
    origin.on("/feed.xml", Reply::ok("application/rss+xml", rss("One", &[("1", "News", "", "Text.")])));
    let table = app.ok(&["add", &origin.url("/press?x"), "--dry-run"]);
    assert!(table.contains(&origin.url("/press?x")) && table.contains("item = "), "{table}");
    assert!(origin.asked("/feed.xml").is_empty(), "nothing had to be guessed");
    // Where no list is on it, the guess is taken, and called one.
    origin.on("/about", Reply::ok(PAGE, "<!doctype html><title>About</title><p>Who we are."));
    let guess = app.run(&["add", &origin.url("/about"), "--dry-run"]);
    assert!(String::from_utf8_lossy(&guess.stdout).contains(&origin.url("/feed.xml")), "{guess:?}");
    assert!(words(&guess).contains("guessed: ") && words(&guess).contains("--page"), "{}", words(&guess));
    let page = app.run(&["add", &origin.url("/about"), "--dry-run", "--page"]);
    assert!(page.status.code() == Some(1) && words(&page).contains("no list of news"), "{}", words(&page));
    // What leads away from the host is no guess of this one.
    let other = Origin::start();
    other.on("/feed.xml", Reply::ok("application/rss+xml", rss("Two", &[("1", "Else", "", "Text.")])));
    let there = other.url("/feed.xml").replace("127.0.0.1", "localhost");
    origin.on("/feed.xml", Reply::status("302 Found").header("Location", &there));
    app.write(
        "riverine.toml",
        "[fetch]\nallow_private = [\"127.0.0.0/8\", \"::1/128\"]\nper_host_gap = \"0s\"\n",
    );
    let away = app.run(&["add", &origin.url("/about"), "--dry-run"]);
    assert!(
        away.status.code() == Some(1) && words(&away).contains("no feed that can be read is near it"),
        "{}",
        words(&away)
    );
    assert_eq!(other.asked("/feed.xml").len(), 1);
}

#[test]
fn the_page_itself_is_taken_where_somebody_wants_it() {
    let origin = Origin::start();
    let items: String = (1..8)
        .map(|n| format!("<li class=news><a href=/n/{n}>The {n}. story that was told here</a>"))
        .collect();
    let feed = "<link rel=alternate type=application/rss+xml href=/feed>";
    let list = format!("<!doctype html><head>{feed}</head><title>Press</title><ul>{items}</ul>");
    origin.on("/press", Reply::ok(PAGE, list));
    origin.on("/feed", Reply::ok("application/rss+xml", rss("One", &[("1", "News", "", "Text.")])));
    let app = App::new("");
    let feed = app.run(&["add", &origin.url("/press"), "--dry-run"]);
    assert!(String::from_utf8_lossy(&feed.stdout).contains(&origin.url("/feed")), "{feed:?}");
    assert!(words(&feed).contains("--page takes the page itself"), "{}", words(&feed));
    let page = app.ok(&["add", &origin.url("/press"), "--yes", "--page", "--id", "press"]);
    assert!(page.contains(&origin.url("/press")) && page.contains("item = "), "{page}");
    app.ok(&["fetch", "press"]);
    assert_eq!(app.status("press")["entries"], 7);
}

#[test]
fn what_a_list_has_in_two_folders_is_in_both_groups() {
    let app = App::new("");
    let one = |url: &str| format!("<outline text=\"One\" xmlUrl=\"{url}\"/>");
    let (plain, button) = (one("https://one.example/feed"), one("feed:https://one.example/feed"));
    let list = format!(
        "<opml version=\"2.0\"><body><outline text=\"A\">{plain}</outline><outline text=\"B\">{button}{plain}</outline>\
         {plain}{}</body></opml>",
        one("FEED://two.example/feed")
    );
    app.write("list.opml", &list);
    let said = app.ok(&["import", "list.opml"]);
    assert!(said.starts_with("2 sources added") && said.contains(" 0 there already, 0 left out"), "{said}");
    let text = config(&app);
    assert!(
        text.contains("url = \"https://one.example/feed\"\nname = \"One\"\ngroups = [\"A\", \"B\"]\n"),
        "{text}"
    );
    assert!(text.contains("url = \"http://two.example/feed\"\n"), "{text}");
}

#[test]
fn a_daemon_that_must_read_the_config_again_is_named() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[("1", "News", "", "Text.")])));
    let app = App::new("");
    let daemon = app.serve();
    let how = format!("it reads the config again: kill -HUP {}\n", daemon.pid());
    // An address may be copied from a button to subscribe.
    let added = app.run(&["add", &format!("feed:{}", origin.url("/one")), "--yes", "--id", "one"]);
    assert!(words(&added).ends_with(&format!("polls it as soon as {how}")), "{}", words(&added));
    assert!(config(&app).contains(&format!("url = \"{}\"\n", origin.url("/one"))));
    app.write("list.opml", LIST);
    let imported = app.run(&["import", "list.opml"]);
    assert!(words(&imported).ends_with(&format!("polls them as soon as {how}")), "{}", words(&imported));
    let again = app.run(&["import", "list.opml"]);
    assert!(!words(&again).contains("kill -HUP"), "{}", words(&again));
    let removed = app.run(&["remove", "one"]);
    assert!(words(&removed).ends_with(&format!("polls it until {how}")), "{}", words(&removed));
}

#[test]
fn what_is_wrong_with_one_of_a_list_costs_none_of_the_others() {
    let app = App::new("");
    let long = format!("https://long.example/{}", "x".repeat(9000));
    app.write(
        "list.opml",
        &format!(
            "<opml version=\"1.0\"><body><outline text=\"Old&#127; news\">\
             <outline text=\"One&#x9d;s\" xmlUrl=\"https://one.example/feed\"/>\
             <outline text=\"Long\" xmlUrl=\"{long}\"/></outline>\
             <outline text=\"Two\" xmlUrl=\"https://two.example/feed\"/></body></opml>"
        ),
    );
    let output = app.run(&["import", "list.opml"]);
    assert!(output.status.success(), "{}", words(&output));
    assert!(words(&output).contains("https://long.example/x") && words(&output).len() < 500);
    let text = config(&app);
    assert!(text.contains("name = \"Ones\"\ngroups = [\"Old news\"]"), "{text}");
    assert!(text.contains("two.example") && !text.contains("long.example"), "{text}");
}

#[test]
fn no_list_is_no_import() {
    let app = App::new("");
    let before = config(&app);
    app.write("feed.xml", &rss("One", &[("1", "News", "", "Text.")]));
    let output = app.run(&["import", "feed.xml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("OPML"), "{}", words(&output));
    assert_eq!(config(&app), before);
}

#[test]
fn a_config_that_is_no_file_is_refused_at_once() {
    use std::os::unix::fs::FileTypeExt as _;
    let app = App::new("");
    // Nobody ever writes into it: who waits for what it says waits for ever.
    let pipe = app.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    app.write("list.opml", LIST);
    for args in [&["import", "list.opml"][..], &["check"], &["serve"], &["fetch"]] {
        let output = app.run(&[args, &["--config", pipe.to_str().unwrap()]].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(words(&output).contains("pipe is no ordinary file"), "{}", words(&output));
    }
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
}

#[test]
fn a_config_that_may_not_be_written_stays() {
    let app = App::new("");
    app.write("list.opml", LIST);
    let before = config(&app);
    let mut permissions = fs::metadata(app.config()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(app.config(), permissions).unwrap();
    let output = app.run(&["import", "list.opml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("riverine.toml: it is read-only"), "{}", words(&output));
    assert_eq!(config(&app), before);
}

#[test]
fn what_a_source_calls_itself_goes_out_once_it_is_known() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok("application/rss+xml", rss("The one", &[("1", "News", "", "Text.")])));
    let app = App::new(&source("one", &origin, ""));
    app.ok(&["fetch"]);
    let out = app.ok(&["export"]);
    assert!(out.contains("text=\"The one\""), "{out}");
}

#[test]
fn every_list_of_others_is_read_as_they_meant_it() {
    let Some(corpus) = corpus() else { return };
    let expected: serde_json::Value =
        serde_json::from_slice(&fs::read(corpus.join("opml/expected.json")).unwrap()).unwrap();
    for (name, list) in expected.as_object().unwrap() {
        let bytes = fs::read(corpus.join("opml").join(name)).unwrap();
        let (found, _) = riverine::parse::opml::read(&bytes).unwrap_or_default();
        let found: Vec<&str> = found.iter().map(|one| one.url.as_str()).collect();
        let wanted: Vec<&str> = list["feeds"]
            .as_array()
            .unwrap()
            .iter()
            .map(|feed| feed["xmlurl"].as_str().unwrap().trim())
            .collect();
        // The reference loses outlines with a quote in a quote, and of addresses what stands behind a bare `&`.
        let lost: Vec<_> = wanted.iter().filter(|url| !found.contains(url)).collect();
        let longer = found.iter().filter(|url| url.contains('&') && !wanted.contains(url)).count();
        assert!(lost.len() <= longer, "{name}: {lost:?} are not found");
        let written = String::from_utf8_lossy(&bytes).to_lowercase().matches("xmlurl").count();
        assert!((wanted.len()..=written).contains(&found.len()), "{name}: {} are too many", found.len());
    }
}

#[test]
fn a_source_that_a_feed_names_is_not_removed_and_the_words_say_which() {
    let app = App::new(
        "[[source]]\nurl = \"https://a.example/one\"\nid = \"one\"\n\
         [[source]]\nurl = \"https://a.example/ones\"\nid = \"ones\"\n\
         [[feed]]\nid = \"some\"\nsources = [\"one\"]\n",
    );
    let refused = app.run(&["remove", "one"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        words(&refused).contains("one stands in a [[feed]] that cannot do without: some"),
        "{}",
        words(&refused)
    );
    app.ok(&["remove", "ones"]);
}

#[test]
fn a_group_with_a_comma_comes_back_as_it_was() {
    let table = "[[source]]\nurl = \"https://a.example/one\"\nid = \"one\"\nname = \"One\"\ngroups = [\"Arts, letters\", \"b\"]\n";
    let app = App::new(table);
    let other = App::new("");
    other.write("list.opml", &app.ok(&["export"]));
    other.ok(&["import", "list.opml"]);
    assert!(config(&other).contains("groups = [\"Arts, letters\", \"b\"]"), "{}", config(&other));
}
