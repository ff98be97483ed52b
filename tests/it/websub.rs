//! Sources that name a hub (WebSub 1.0): subscribed to, believed by signature only, polled once a day while
//! it brings the news, and as before when it does not.

mod hub;

use std::net::TcpListener;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use self::hub::{Hub, Request, signature};
use crate::app::{App, Daemon, eventually, request_with, rss, source};
use crate::origin::{Origin, Reply};

fn document(titles: &[&str]) -> String {
    let items: Vec<_> =
        titles.iter().map(|title| (*title, *title, "Mon, 16 Nov 2026 10:00:00 GMT", "Text")).collect();
    rss("One", &items)
}

/// A document whose head names a hub, and itself by another name than its address.
fn reply(hub: &str, titles: &[&str]) -> Reply {
    let links = format!("<{hub}>; rel=hub, <https://origin.example/one>; rel=\"self\"");
    Reply::ok("application/rss+xml", document(titles)).header("Link", &links)
}

const TOPIC: &str = "https://origin.example/one";

struct River {
    origin: Origin,
    hub: Hub,
    app: App,
    daemon: Daemon,
}

/// A source that names a hub, polled once.
fn river() -> River {
    let (origin, hub) = (Origin::start(), Hub::start());
    origin.on("/one", reply(&hub.url(), &["one"]));
    let app = App::new(&source("one", &origin, "websub = true"));
    let daemon = app.serve();
    app.polled(&["one"]);
    River { origin, hub, app, daemon }
}

impl River {
    /// Subscribed for so long, and told once.
    fn told(&self, lease: u32) -> Request {
        let request = self.hub.asked(0);
        request.agree(&self.daemon, lease);
        assert_eq!(request.push(&self.daemon, &document(&["pushed", "one"])).status, 200);
        request
    }

    fn one(&self) -> Value {
        self.app.status("one")
    }
}

/// Between two times of a status, in minutes.
fn minutes(status: &Value, from: &str, to: &str) -> i64 {
    let time = |name: &str| status[name].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    (time(to) - time(from)).num_minutes()
}

#[test]
fn a_source_with_a_hub_is_subscribed_to_and_its_news_come_without_a_poll() {
    let river = river();
    let (daemon, request) = (&river.daemon, river.hub.asked(0));
    assert_eq!((request.mode.as_str(), request.topic.as_str()), ("subscribe", TOPIC));
    assert_eq!((request.path.len(), request.secret.len()), ("/websub/".len() + 32, 64));
    assert_eq!(request.lease, "864000");
    // Only what was asked for is agreed to.
    for (mode, topic) in [("unsubscribe", TOPIC), ("subscribe", "https://origin.example/two"), ("", TOPIC)] {
        assert_eq!(request.verify(daemon, mode, topic, "").status, 404, "{mode} {topic}");
    }
    assert_eq!(river.one()["websub"]["state"], "asked");
    request.agree(daemon, 864_000);
    assert_eq!(request.verify(daemon, "subscribe", TOPIC, "").status, 404, "it was not asked for again");
    assert_eq!(river.one()["websub"]["state"], "active");
    assert_eq!(river.one()["websub"]["lease_ends"], "2026-11-26T12:00:00Z");
    // Until the hub has shown that it works, the source is polled as before.
    assert_eq!(river.one()["next_poll_reason"], "schedule every 10m");
    assert_eq!(request.push(daemon, &document(&["pushed", "one"])).status, 200);
    assert_eq!(daemon.titles("all"), ["pushed", "one"]);
    let status = river.one();
    assert_eq!(status["next_poll_reason"], "its hub brings the news; a look once a day");
    assert_eq!(minutes(&status, "last_poll", "next_poll"), 1440, "{status}");
    assert_eq!((&status["websub"]["pushes"], &status["entries"]), (&1.into(), &2.into()));
    let words = river.app.ok(&["status"]);
    assert!(words.contains(&format!("subscribed to its hub {}", river.hub.url())), "{words}");
    river.app.advance(TimeDelta::hours(23));
    assert_eq!(request.push(daemon, &document(&["again", "pushed", "one"])).status, 200);
    assert_eq!(river.origin.asked("/one").len(), 1, "nobody was asked");
    // To the second: the clock stands between two.
    river.app.advance(TimeDelta::seconds(3601));
    river.app.until("one", |status| status["requests"] == 2);
    assert_eq!(river.one()["next_poll_reason"], "its hub brings the news; a look once a day");
}

#[test]
fn only_what_is_signed_is_read_and_nothing_else_is_told_why() {
    let river = river();
    let (daemon, request) = (&river.daemon, river.hub.asked(0));
    let body = document(&["forged"]);
    let right = signature(&request.secret, &body);
    assert_eq!(
        request.push(daemon, &body).status,
        404,
        "before the hub has come back nothing is expected from it"
    );
    request.agree(daemon, 864_000);
    let wrong = signature("another secret", &body);
    let short = &right[..62];
    for value in
        [format!("sha256={wrong}"), format!("sha256={short}"), format!("sha1={right}"), String::new()]
    {
        assert_eq!(request.push_as(daemon, &body, &[("X-Hub-Signature", &value)]).status, 202, "{value}");
    }
    assert_eq!(request.push_as(daemon, &body, &[]).status, 202);
    assert_eq!(daemon.titles("all"), ["one"]);
    assert_eq!(river.one()["websub"]["refused"], 5);
    assert_eq!(river.one()["next_poll_reason"], "schedule every 10m");
    let metrics = daemon.get("/metrics");
    assert!(metrics.text().contains("riverine_pushes_total{outcome=\"forged\"} 5"), "{}", metrics.text());
    // Whoever guesses learns nothing.
    for path in ["/websub/0123456789abcdef0123456789abcdef", "/websub/x", "/websub/"] {
        assert_eq!(request_with(&daemon.address, "POST", path, &[], b"x").status, 404, "{path}");
        assert_eq!(daemon.get(path).status, 404, "{path}");
    }
    // Larger than a poll would read.
    let mut text = body;
    text.push_str(&" ".repeat(17 << 20));
    assert_eq!(request_with(&daemon.address, "POST", &request.path, &[("X", "y")], b"").status, 202);
    let head = format!("sha256={}", signature(&request.secret, &text));
    let answer = std::panic::catch_unwind(|| request.push_as(daemon, &text, &[("X-Hub-Signature", &head)]));
    // The connection may be closed before all of it was sent.
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 413));
    assert_eq!(daemon.titles("all"), ["one"]);
}

#[test]
fn a_ping_without_a_document_of_its_own_brings_a_poll() {
    let river = river();
    let (daemon, request) = (&river.daemon, river.hub.asked(0));
    request.agree(daemon, 864_000);
    river.app.advance(TimeDelta::minutes(6));
    for (count, titles) in [(2, ["thin", "one"]), (3, ["foreign", "one"])] {
        river.origin.on("/one", reply(&river.hub.url(), &titles));
        if count == 2 {
            // Announced at least `min_interval` after the last poll: polled at once.
            assert_eq!(request.push(daemon, "").status, 200);
        } else {
            river.app.advance(TimeDelta::minutes(6));
            let body = document(&["never"]);
            let sign = format!("sha256={}", signature(&request.secret, &body));
            let other = "<https://other.example/feed>; rel=self";
            let headers = [("X-Hub-Signature", sign.as_str()), ("Link", other)];
            assert_eq!(request.push_as(daemon, &body, &headers).status, 200);
        }
        let status = river.app.until("one", |status| status["requests"] == count);
        assert_eq!(
            status["next_poll_reason"], "its hub brings the news; a look once a day",
            "{count} {status}"
        );
    }
    assert_eq!(daemon.titles("all"), ["foreign", "thin", "one"]);
    // Sooner than `min_interval` it waits, and says why it comes then.
    assert_eq!(request.push(daemon, "").status, 200);
    let status = river.one();
    assert_eq!(status["next_poll_reason"], "its hub said that there are news");
    assert_eq!(minutes(&status, "last_poll", "next_poll"), 5);
}

#[test]
fn polls_come_back_when_the_daily_look_finds_what_nobody_told() {
    let river = river();
    river.told(10 * 86_400);
    river.origin.on("/one", reply(&river.hub.url(), &["untold", "pushed", "one"]));
    river.app.advance(TimeDelta::days(1));
    let status = river.app.until("one", |status| status["requests"] == 2);
    assert_eq!(status["next_poll_reason"], "schedule every 10m", "{status}");
    assert_eq!(minutes(&status, "last_poll", "next_poll"), 10);
    river.app.poll_again("one");
    // And go when it tells again.
    let request = river.hub.asked(0);
    assert_eq!(request.push(&river.daemon, &document(&["told", "untold"])).status, 200);
    assert_eq!(river.one()["next_poll_reason"], "its hub brings the news; a look once a day");
}

#[test]
fn leases_are_renewed_in_time_over_a_kill_and_polls_come_back_when_they_end() {
    let River { origin, hub, app, daemon } = river();
    let first = hub.asked(0);
    first.agree(&daemon, 10_000);
    assert_eq!(first.push(&daemon, &document(&["pushed", "one"])).status, 200);
    assert_eq!(app.status("one")["next_poll_reason"], "its hub brings the news until the lease ends");
    // Dropped, the daemon is killed.
    drop(daemon);
    let daemon = app.serve();
    assert_eq!(first.push(&daemon, &document(&["again", "pushed", "one"])).status, 200, "the token holds");
    app.advance(TimeDelta::seconds(7900));
    assert_eq!(daemon.get("/healthz").status, 200);
    assert_eq!(hub.count(), 1);
    app.advance(TimeDelta::seconds(200));
    let second = hub.asked(1);
    assert_eq!(
        (&second.path, &second.secret, second.mode.as_str()),
        (&first.path, &first.secret, "subscribe")
    );
    second.agree(&daemon, 10_000);
    // The hub fails: asked again, at growing distances; the lease ends, and polls are what they were.
    hub.answers(500);
    app.advance(TimeDelta::seconds(8100));
    hub.asked(2);
    let failing = app.until("one", |status| status["websub"]["last_error"] != Value::Null);
    assert_eq!(failing["websub"]["last_error"], "it answered 500: no");
    app.advance(TimeDelta::seconds(400));
    hub.asked(3);
    app.advance(TimeDelta::seconds(1600));
    app.until("one", |status| status["websub"]["state"] == "failing" && status["requests"] == 3);
    // One more for what it may have kept from us, then as ever.
    app.advance(TimeDelta::minutes(10));
    let (alone, lost) = ("schedule every 10m", "its hub brings no more news");
    let planned = |status: &Value, reason: &str| status["next_poll_reason"] == reason;
    let mut status = app.until("one", |status| planned(status, alone) || planned(status, lost));
    if planned(&status, lost) {
        // That the hub is lost was noticed behind a poll: then another follows, after the least time between two.
        app.advance(TimeDelta::minutes(5));
        status = app.until("one", |status| planned(status, alone));
    }
    assert_eq!(status["websub"]["lease_ends"], Value::Null);
    assert!(hub.count() <= 6, "{}", hub.count());
    assert!(origin.asked("/one").len() >= 2);
    // Nothing is taken after the end.
    assert_eq!(first.push(&daemon, &document(&["late"])).status, 404);
}

#[test]
fn a_hub_that_refuses_is_left_alone_for_a_day_and_polls_go_on() {
    let river = river();
    let request = river.told(864_000);
    assert_eq!(request.verify(&river.daemon, "denied", "https://origin.example/two", "").status, 404);
    let answer = request.verify(&river.daemon, "denied", TOPIC, "&hub.reason=you+know+why");
    assert_eq!(answer.status, 200);
    let status = river.one();
    assert_eq!(status["websub"]["last_error"], "it refused: you know why");
    assert_eq!(status["next_poll_reason"], "its hub brings no more news");
    assert_eq!(request.push(&river.daemon, &document(&["late"])).status, 404);
    river.app.advance(TimeDelta::minutes(10));
    let status = river.app.until("one", |status| status["requests"] == 2);
    assert_eq!(status["next_poll_reason"], "schedule every 10m");
    assert_eq!(river.hub.count(), 1);
    river.app.advance(TimeDelta::days(1));
    assert_eq!(river.hub.asked(1).mode, "subscribe");
}

#[test]
fn a_hub_may_want_to_be_left_alone_and_may_name_another() {
    let (origin, hub, other) = (Origin::start(), Hub::start(), Hub::start());
    hub.answers_with(429, "Retry-After: 7200");
    let ids = ["one", "two", "three", "four"];
    for id in ids {
        origin.on(&format!("/{id}"), reply(&hub.url(), &[id]));
    }
    let tables: String = ids.iter().map(|id| source(id, &origin, "websub = true")).collect();
    let app = App::new(&tables);
    let daemon = app.serve();
    app.polled(&ids);
    for id in ids {
        app.until(id, |status| status["websub"]["last_error"] != Value::Null);
        app.advance(TimeDelta::minutes(15));
    }
    assert_eq!(hub.count(), 1, "nobody else asks it before its time");
    hub.answers_with(307, &format!("Location: {}", other.url()));
    app.advance(TimeDelta::days(1));
    // A lease of no length is one that is not said.
    other.asked(0).agree(&daemon, 0);
    let ends = |id: &str| app.status(id)["websub"]["lease_ends"].as_str().map(str::to_owned);
    let ends = ids.iter().find_map(|id| ends(id)).unwrap();
    assert!(ends > (app.now() + TimeDelta::days(9)).to_rfc3339(), "{ends}");
}

#[test]
fn who_is_no_longer_wanted_is_given_up() {
    let River { origin, hub, app, daemon } = river();
    let first = hub.asked(0);
    first.agree(&daemon, 864_000);
    assert_eq!(first.push(&daemon, &document(&["pushed", "one"])).status, 200);
    // The option is off.
    app.configure(&source("one", &origin, ""));
    daemon.signal("-HUP");
    let second = hub.asked(1);
    assert_eq!((second.mode.as_str(), &second.path), ("unsubscribe", &first.path));
    let gone = first.push(&daemon, &document(&["late"])).status;
    assert_eq!(gone, 410);
    assert_eq!(second.verify(&daemon, "subscribe", TOPIC, "").status, 404);
    second.agree(&daemon, 0);
    // It is polled by itself again, which the loop hears of behind the hub.
    app.until("one", |status| {
        status["websub"] == Value::Null && minutes(status, "last_poll", "next_poll") <= 10
    });
    // It is on for all, and then the source goes.
    app.configure(&format!("websub = true\n{}", source("one", &origin, "")));
    daemon.signal("-HUP");
    app.poll_again("one");
    let third = hub.asked(2);
    assert_ne!((&third.path, &third.secret), (&first.path, &first.secret));
    third.agree(&daemon, 864_000);
    app.configure("");
    daemon.signal("-HUP");
    let fourth = hub.asked(3);
    assert_eq!((fourth.mode.as_str(), &fourth.path), ("unsubscribe", &third.path));
    fourth.agree(&daemon, 0);
    assert_eq!(third.push(&daemon, &document(&["late"])).status, 404);
}

#[test]
fn nobody_is_asked_without_a_word_or_from_a_private_address() {
    let (origin, hub) = (Origin::start(), Hub::start());
    origin.on("/one", reply(&hub.url(), &["one"]));
    origin.on("/inwards", reply("http://10.0.0.1/hub", &["two"]));
    let app = App::new(&(source("one", &origin, "") + &source("inwards", &origin, "websub = true")));
    let daemon = app.serve();
    app.polled(&["one", "inwards"]);
    let status = app.until("inwards", |status| status["websub"]["last_error"] != Value::Null);
    let words = status["websub"]["last_error"].as_str().unwrap();
    assert!(words.contains("10.0.0.1"), "{words}");
    assert_eq!(status["next_poll_reason"], "schedule every 10m");
    assert_eq!((hub.count(), app.status("one")["websub"].clone()), (0, Value::Null));
    assert_eq!(daemon.stop(), 0);
    // No address that a hub could reach.
    let tables = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nbase_url = \"http://192.168.1.2/\"\n[fetch]\nper_host_gap = \"0s\"\n\
         allow_private = [\"127.0.0.1/32\"]\nwebsub = true\n{}",
        source("one", &origin, "")
    );
    app.write("riverine.toml", &tables);
    let _daemon = app.serve();
    app.poll_again("one");
    assert_eq!((hub.count(), app.status("one")["websub"].clone()), (0, Value::Null));
}

/// A port that was free a moment ago.
fn free() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn one_riverine_tells_another() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok("application/rss+xml", document(&["one"])));
    let head = |port: u16| {
        format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\nbase_url = \"http://127.0.0.1:{port}/\"\n\
             [fetch]\nallow_private = [\"127.0.0.1/32\"]\nper_host_gap = \"0s\"\n"
        )
    };
    let (here, there) = (free(), free());
    let publisher = App::new("");
    let feed = "[[feed]]\nid = \"all\"\nhub = \"self\"\n";
    publisher.write("riverine.toml", &format!("{}{}{feed}", head(here), source("one", &origin, "")));
    let _first = publisher.serve();
    publisher.polled(&["one"]);
    let reader = App::new("");
    let topic = format!("http://127.0.0.1:{here}/feeds/all.atom");
    let table =
        format!("[[source]]\nid = \"river\"\nurl = \"{topic}\"\nschedule = \"every 10m\"\njitter = 0.0\n");
    reader.write("riverine.toml", &format!("{}websub = true\n{table}", head(there)));
    let second = reader.serve();
    reader.polled(&["river"]);
    let status = reader.until("river", |status| status["websub"]["state"] == "active");
    assert_eq!(status["websub"]["topic"], topic);
    origin.on("/one", Reply::ok("application/rss+xml", document(&["two", "one"])));
    publisher.run(&["fetch", "one"]);
    let status = reader.until("river", |status| status["websub"]["pushes"] == 1);
    assert_eq!(second.titles("all"), ["two", "one"]);
    assert_eq!(status["requests"], 1, "the news came by themselves");
    assert_eq!(status["next_poll_reason"], "its hub brings the news; a look once a day");
}

#[test]
fn a_hub_is_asked_by_the_proxy_of_its_source_and_hears_none_of_its_secrets() {
    let proxy = Origin::start();
    let (address, hub) = ("http://origin.example/one", "http://hub.example/hub");
    proxy.on(address, reply(hub, &["one"]));
    proxy.on(hub, Reply::status("202 Accepted"));
    let app = App::new(&format!(
        "[[source]]\nid = \"one\"\nurl = \"{address}\"\nwebsub = true\nproxy = \"{}\"\n\
         headers = {{ X-Key = \"open-sesame\" }}\nauth = {{ user = \"u\", password = \"p\" }}\n",
        proxy.url("")
    ));
    let daemon = app.serve();
    app.polled(&["one"]);
    assert_eq!(proxy.asked(address)[0].header("x-key"), Some("open-sesame"));
    let asked = eventually("the request to the hub", || proxy.asked(hub).first().cloned());
    for header in ["x-key", "authorization", "cookie"] {
        assert_eq!(asked.header(header), None);
    }
    // The same way when it has left the config.
    Request::read(&url::form_urlencoded::parse(&asked.body).into_owned().collect()).agree(&daemon, 864_000);
    app.configure("");
    daemon.signal("-HUP");
    eventually("the farewell to the hub", || (proxy.asked(hub).len() == 2).then_some(()));
}
