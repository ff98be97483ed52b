//! The hub inside: who meant it is told of every change, once, signed, and again until it took it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use hmac::{Hmac, KeyInit as _, Mac as _};

use crate::app::{Answer, App, Daemon, Stopwatch, eventually, request_with, rss, source};
use crate::origin::{Origin, Reply};

/// A subscriber's end: repeats challenges, records deliveries.
#[derive(Clone)]
struct Subscriber {
    address: String,
    kept: Arc<Mutex<Kept>>,
}

struct Kept {
    /// What deliveries are answered; 0: nothing.
    status: u16,
    unanswered: Vec<TcpStream>,
    /// Whether challenges are repeated.
    means_it: bool,
    asked: Vec<String>,
    delivered: Vec<(HashMap<String, String>, Vec<u8>)>,
}

impl Subscriber {
    fn start() -> Self {
        Self::at("127.0.0.1")
    }

    fn at(host: &str) -> Self {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let (unanswered, asked, delivered) = Default::default();
        let kept = Kept { status: 200, means_it: true, unanswered, asked, delivered };
        let subscriber =
            Self { address: listener.local_addr().unwrap().to_string(), kept: Arc::new(Mutex::new(kept)) };
        let kept = subscriber.kept.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
                let mut headers = HashMap::new();
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    let Some((name, value)) = line.trim_end().split_once(':') else { break };
                    headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
                }
                let mut kept = kept.lock().unwrap();
                let (status, answer) = if line.starts_with("GET") {
                    kept.asked.push(target.clone());
                    let challenge = target.split("hub.challenge=").nth(1).unwrap_or_default();
                    let challenge = challenge.split('&').next().unwrap_or_default();
                    (200, if kept.means_it { challenge.to_owned() } else { "what?".to_owned() })
                } else {
                    let length = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body).unwrap();
                    kept.delivered.push((headers, body));
                    (kept.status, String::new())
                };
                if status == 0 {
                    kept.unanswered.push(stream);
                    continue;
                }
                drop(kept);
                let length = answer.len();
                // The hub may have hung up.
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{answer}"
                );
            }
        });
        subscriber
    }

    fn asks(&self, daemon: &Daemon, mode: &str, topic: &str, more: &[(&str, &str)]) -> Answer {
        self.asks_at(daemon, "/cb?id=7", mode, topic, more)
    }

    fn asks_at(&self, daemon: &Daemon, path: &str, mode: &str, topic: &str, more: &[(&str, &str)]) -> Answer {
        let callback = format!("http://{}{path}", self.address);
        let fields = [("hub.mode", mode), ("hub.topic", topic), ("hub.callback", callback.as_str())];
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields.iter().chain(more))
            .finish();
        let head = [("Content-Type", "application/x-www-form-urlencoded")];
        request_with(&daemon.address, "POST", "/hub", &head, form.as_bytes())
    }

    fn asked(&self) -> usize {
        self.kept.lock().unwrap().asked.len()
    }

    /// Topic and reason of each denial.
    fn denials(&self) -> Vec<(String, String)> {
        let asked = self.kept.lock().unwrap().asked.clone();
        let fields = asked.iter().map(|target| {
            let query = target.split_once('?').unwrap().1;
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect::<HashMap<_, _>>()
        });
        let denied = fields.filter(|fields| fields["hub.mode"] == "denied");
        denied.map(|fields| (fields["hub.topic"].clone(), fields["hub.reason"].clone())).collect()
    }

    /// Waits for so many denials.
    fn denied(&self, count: usize) -> Vec<(String, String)> {
        eventually("a denial", || Some(self.denials()).filter(|denials| denials.len() >= count))
    }

    fn delivered(&self, count: usize) -> Vec<(HashMap<String, String>, Vec<u8>)> {
        eventually("a delivery", || {
            let kept = self.kept.lock().unwrap();
            (kept.delivered.len() >= count).then(|| kept.delivered.clone())
        })
    }
}

const TOPIC: &str = "https://river.example/feeds/all.atom";

fn document(count: usize) -> Reply {
    let items: Vec<_> = (0..count).map(|n| (format!("g{n}"), format!("Entry {n}"))).collect();
    let items: Vec<_> = items
        .iter()
        .map(|(g, t)| (g.as_str(), t.as_str(), "Mon, 16 Nov 2026 10:00:00 GMT", "Text"))
        .collect();
    Reply::ok("application/rss+xml", rss("One", &items))
}

fn river() -> (Origin, App, Daemon) {
    river_of("schedule = \"every 10m\"")
}

/// The same with a source that says so of its schedule.
fn river_of(schedule: &str) -> (Origin, App, Daemon) {
    let origin = Origin::start();
    origin.on("/one", document(1));
    let tables = source("one", &origin, "").replacen("schedule = \"every 10m\"", schedule, 1)
        + "[[feed]]\nid = \"all\"\nhub = \"self\"\n[[feed]]\nid = \"closed\"\nhub = \"self\"\ntoken = \"k3y\"\n\
           [[feed]]\nid = \"quiet\"\n";
    let app = App::new(&tables);
    let daemon = app.serve();
    app.polled(&["one"]);
    (origin, app, daemon)
}

/// Subscribes, and waits until it holds.
fn subscribed(daemon: &Daemon, more: &[(&str, &str)]) -> Subscriber {
    let subscriber = Subscriber::start();
    assert_eq!(subscriber.asks(daemon, "subscribe", TOPIC, more).status, 202);
    eventually("the subscription", || daemon.log().contains("subscribed").then_some(()));
    subscriber
}

#[test]
fn a_change_is_delivered_once_signed_and_within_a_second() {
    let (origin, app, daemon) = river();
    let links = daemon.get("/feeds/all.atom").header("link").to_owned();
    assert_eq!(links, format!("<https://river.example/hub>; rel=\"hub\", <{TOPIC}>; rel=\"self\""));
    // The same where a reader chooses by `Accept`; a page names the document that stands for it.
    let page = "text/html,application/xhtml+xml";
    for (accept, form) in [("application/atom+xml", "atom"), ("application/json", "json"), (page, "atom")] {
        let answer = daemon.request("GET", "/feeds/all", &[("Accept", accept)]);
        assert_eq!(
            (answer.status, answer.header("link")),
            (200, &*links.replacen(".atom", &format!(".{form}"), 1))
        );
        let again = [("Accept", accept), ("If-None-Match", answer.header("etag"))];
        assert_eq!(daemon.request("GET", "/feeds/all", &again).header("link"), answer.header("link"));
    }
    assert_eq!(daemon.request("GET", "/feeds/quiet", &[("Accept", page)]).header("link"), "");
    let subscriber = subscribed(&daemon, &[("hub.secret", " s3cret "), ("hub.lease_seconds", "86400")]);
    let question = subscriber.kept.lock().unwrap().asked[0].clone();
    assert!(question.starts_with("/cb?id=7&hub.mode=subscribe&hub.topic=https%3A%2F%2Friver"), "{question}");
    assert!(question.contains("hub.lease_seconds=86400"), "{question}");
    origin.on("/one", document(2));
    app.run(&["fetch", "one"]);
    let committed = Stopwatch::start();
    let delivered = subscriber.delivered(1);
    assert!(committed.elapsed() < Duration::from_secs(1), "late: {:?}", committed.elapsed());
    let (headers, body) = delivered.last().unwrap();
    assert_eq!(body, &daemon.get("/feeds/all.atom").body);
    assert_eq!(headers["content-type"], "application/atom+xml; charset=utf-8");
    assert_eq!(headers["link"], links);
    let mut hmac = Hmac::<sha2::Sha256>::new_from_slice(b" s3cret ").unwrap();
    hmac.update(body);
    let hex: String = hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(headers["x-hub-signature"], format!("sha256={hex}"));
    // Nothing after an accepted one, also not over a restart or after hours.
    assert_eq!(daemon.stop(), 0);
    let daemon = app.serve();
    app.advance(TimeDelta::hours(8));
    app.run(&["fetch", "one"]);
    assert_eq!(subscriber.delivered(1).len(), delivered.len());
    assert_eq!(subscriber.asks(&daemon, "unsubscribe", TOPIC, &[]).status, 202);
    eventually("the question back", || (subscriber.asked() == 2).then_some(()));
}

#[test]
fn who_does_not_take_it_is_asked_again_with_the_newest_bytes() {
    let (origin, app, daemon) = river();
    let subscriber = subscribed(&daemon, &[]);
    subscriber.kept.lock().unwrap().status = 503;
    origin.on("/one", document(2));
    app.run(&["fetch", "one"]);
    let first = subscriber.delivered(1)[0].1.clone();
    origin.on("/one", document(5));
    app.run(&["fetch", "one"]);
    subscriber.kept.lock().unwrap().status = 204;
    let before = subscriber.delivered(1).len();
    app.advance(TimeDelta::seconds(60));
    let delivered = subscriber.delivered(before + 1);
    let newest = daemon.get("/feeds/all.atom").body;
    assert_eq!(delivered.last().unwrap().1, newest);
    assert_ne!(first, newest);
}

#[test]
fn who_did_not_mean_it_hears_nothing() {
    let (_origin, _app, daemon) = river();
    let subscriber = Subscriber::start();
    subscriber.kept.lock().unwrap().means_it = false;
    assert_eq!(subscriber.asks(&daemon, "subscribe", TOPIC, &[]).status, 202);
    eventually("the words in the log", || {
        daemon.log().contains("did not repeat the challenge").then_some(())
    });
    for (mode, topic, more, status) in [
        ("publish", TOPIC, vec![], 400),
        ("subscribe", "https://river.example/feeds/quiet.atom", vec![], 404),
        ("subscribe", "https://elsewhere.example/feed", vec![], 404),
        ("subscribe", "https://river.example/feeds/closed.atom", vec![], 403),
        ("subscribe", "https://river.example/feeds/closed.atom?key=wrong", vec![], 403),
        ("subscribe", "https://river.example/feeds/closed.atom?key=k3y", vec![], 202),
        ("subscribe", TOPIC, vec![("hub.lease_seconds", "soon")], 400),
    ] {
        assert_eq!(subscriber.asks(&daemon, mode, topic, &more).status, status, "{mode} {topic}");
    }
    let long = "x".repeat(200);
    assert_eq!(subscriber.asks(&daemon, "subscribe", TOPIC, &[("hub.secret", &long)]).status, 400);
}

#[test]
fn call_backs_pass_the_check_of_addresses() {
    let origin = Origin::start();
    let app = App::new(&(source("one", &origin, "") + "[[feed]]\nid = \"all\"\nhub = \"self\"\n"));
    let daemon = app.serve();
    for callback in [
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest",
        "ftp://a.example/",
        "http://user:pass@a.example/",
        "not an address",
        "",
    ] {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("hub.mode", "subscribe"), ("hub.topic", TOPIC), ("hub.callback", callback)])
            .finish();
        let answer = request_with(&daemon.address, "POST", "/hub", &[], form.as_bytes());
        assert_eq!(answer.status, 400, "{callback}: {}", answer.text());
    }
    let huge = vec![b'a'; 20 << 10];
    assert_eq!(request_with(&daemon.address, "POST", "/hub", &[], &huge).status, 413);
    assert_eq!(daemon.get("/hub").status, 405);
}

#[test]
fn a_hub_elsewhere_is_told() {
    let origin = Origin::start();
    origin.on("/one", document(1));
    let hub = Subscriber::start();
    let feed = format!("[[feed]]\nid = \"all\"\nhub = \"http://{}/publish\"\n", hub.address);
    let app = App::new(&(source("one", &origin, "") + &feed));
    hub.kept.lock().unwrap().status = 503;
    let daemon = app.serve();
    app.polled(&["one"]);
    let (_, body) = hub.delivered(1)[0].clone();
    let body = String::from_utf8(body).unwrap();
    assert!(
        body.starts_with("hub.mode=publish&")
            && body.contains("hub.url=https%3A%2F%2Friver.example%2Ffeeds%2Fall.atom"),
        "{body}"
    );
    // It did not hear it, and is told again.
    hub.kept.lock().unwrap().status = 204;
    let told = eventually("another try", || {
        app.advance(TimeDelta::seconds(10));
        hub.kept.lock().unwrap().delivered.get(1).cloned()
    });
    assert_eq!(told.1, body.as_bytes());
    assert!(
        daemon.get("/feeds/all.rss").text().contains(&format!("href=\"http://{}/publish\"", hub.address))
    );
}

#[test]
fn an_entry_that_waited_is_delivered_when_its_time_comes() {
    let (origin, app, daemon) = river_of("schedule = \"every 10h\"\nfuture = \"hold\"");
    let subscriber = subscribed(&daemon, &[]);
    let later = ("h", "Embargoed", "Mon, 16 Nov 2026 14:00:00 GMT", "Text");
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[later])));
    app.run(&["fetch", "one"]);
    assert_eq!(subscriber.delivered(0).len(), 0, "it is not its time");
    app.set_clock("2026-11-16T14:00:01Z");
    let delivered = subscriber.delivered(1);
    assert!(String::from_utf8_lossy(&delivered[0].1).contains("Embargoed"));
}

#[test]
fn who_subscribed_is_told_only_what_its_key_opens_today() {
    let (origin, app, daemon) = river();
    let open = subscribed(&daemon, &[]);
    let keyed = Subscriber::start();
    let topic = "https://river.example/feeds/closed.atom?key=k3y";
    assert_eq!(keyed.asks(&daemon, "subscribe", topic, &[]).status, 202);
    let taken =
        |count| eventually("it", || (daemon.log().matches(" subscribed").count() >= count).then_some(()));
    taken(2);
    let under = |all: &str, closed: &str| {
        app.configure(&format!(
            "{}[[feed]]\nid = \"all\"\nhub = \"self\"\n{all}[[feed]]\nid = \"closed\"\nhub = \"self\"\n{closed}",
            source("one", &origin, "")
        ));
        daemon.signal("-HUP");
        let status = |token: &str| if token.is_empty() { 200 } else { 401 };
        let is = |feed: &str, token| daemon.get(&format!("/feeds/{feed}.atom")).status == status(token);
        eventually("the config", || (is("all", all) && is("closed", closed)).then_some(()));
    };
    let dropped = |count| {
        eventually("the words", || (daemon.log().matches("are dropped").count() >= count).then_some(()));
    };
    // It was open and is closed: who subscribed without a key has none.
    under("token = \"n3w\"\n", "token = \"k3y\"\n");
    origin.on("/one", document(2));
    app.run(&["fetch", "one"]);
    assert_eq!(keyed.delivered(1)[0].1, daemon.get("/feeds/closed.atom?key=k3y").body);
    dropped(1);
    // It is opened: a key too many does no harm, and who renews without it hears once.
    under("", "");
    keyed.asks(&daemon, "subscribe", "https://river.example/feeds/closed.atom", &[]);
    taken(3);
    keyed.asks(&daemon, "subscribe", topic, &[]);
    taken(4);
    origin.on("/one", document(3));
    app.run(&["fetch", "one"]);
    assert_eq!(keyed.delivered(2)[1].1, daemon.get("/feeds/closed.atom").body);
    // Another key: the old one opens nothing any more.
    under("", "token = \"0ther\"\n");
    origin.on("/one", document(4));
    app.run(&["fetch", "one"]);
    dropped(2);
    assert_eq!(keyed.delivered(2).len(), 2);
    assert!(open.kept.lock().unwrap().delivered.is_empty());
    // Each hears once that it is over, of the document without any key.
    let reason = "This feed needs a key now, or another one.".to_owned();
    let closed = "https://river.example/feeds/closed.atom".to_owned();
    assert_eq!(open.denied(1), [(TOPIC.to_owned(), reason.clone())]);
    assert_eq!(keyed.denied(1), [(closed, reason)]);
    origin.on("/one", document(5));
    app.run(&["fetch", "one"]);
    assert_eq!(daemon.stop(), 0);
    assert_eq!((open.denials().len(), keyed.denials().len()), (1, 1));
}

#[test]
fn who_subscribed_to_a_feed_that_goes_hears_that_once() {
    let (origin, app, daemon) = river();
    let goes = Subscriber::start();
    let topic = "https://river.example/feeds/closed.rss?key=k3y";
    assert_eq!(goes.asks(&daemon, "subscribe", topic, &[]).status, 202);
    let lapses = Subscriber::start();
    let short = [("hub.lease_seconds", "60")];
    assert_eq!(lapses.asks(&daemon, "subscribe", topic, &short).status, 202);
    let stays = Subscriber::start();
    assert_eq!(stays.asks(&daemon, "subscribe", TOPIC, &[]).status, 202);
    eventually("all three", || (daemon.log().matches(" subscribed").count() == 3).then_some(()));
    // Whose lease is over knows that.
    assert_eq!(daemon.stop(), 0);
    app.advance(TimeDelta::minutes(2));
    let daemon = app.serve();
    app.configure(&(source("one", &origin, "") + "[[feed]]\nid = \"all\"\nhub = \"self\"\n"));
    daemon.signal("-HUP");
    let reason = "This feed has no hub here any more.".to_owned();
    assert_eq!(goes.denied(1), [("https://river.example/feeds/closed.rss".to_owned(), reason.clone())]);
    // One that is taken out while nothing runs, and a feed that stays without a hub.
    assert_eq!(daemon.stop(), 0);
    app.configure(&source("one", &origin, ""));
    let daemon = app.serve();
    assert_eq!(stays.denied(1), [(TOPIC.to_owned(), reason)]);
    assert_eq!(daemon.stop(), 0);
    let daemon = app.serve();
    app.advance(TimeDelta::hours(8));
    assert_eq!(daemon.stop(), 0);
    assert_eq!((goes.denials().len(), stays.denials().len(), lapses.denials().len()), (1, 1, 0));
}

#[test]
fn who_is_confirmed_when_its_topic_has_gone_hears_that() {
    let (origin, app, daemon) = river();
    let subscriber = Subscriber::start();
    // Its answer to the question comes when another config is in force.
    let answer = subscriber.kept.clone();
    let held = answer.lock().unwrap();
    assert_eq!(subscriber.asks(&daemon, "subscribe", TOPIC, &[]).status, 202);
    app.configure(&source("one", &origin, ""));
    daemon.signal("-HUP");
    let links = || daemon.get("/feeds/all.atom").header("link").contains("rel=\"hub\"");
    eventually("the config", || (!links()).then_some(()));
    drop(held);
    let (topic, reason) = subscriber.denied(1).remove(0);
    assert_eq!((topic.as_str(), reason.starts_with("hub.topic is no document")), (TOPIC, true), "{reason}");
}

/// A river whose subscribers may be at any address of this machine.
fn river_for_many_hosts() -> (Origin, App, Daemon) {
    let origin = Origin::start();
    origin.on("/one", document(1));
    let app = App::new(&(source("one", &origin, "") + "[[feed]]\nid = \"all\"\nhub = \"self\"\n"));
    let config = std::fs::read_to_string(app.config()).unwrap();
    app.write("riverine.toml", &config.replacen("127.0.0.1/32", "127.0.0.0/8", 1));
    let daemon = app.serve();
    app.polled(&["one"]);
    (origin, app, daemon)
}

#[test]
fn who_does_not_answer_keeps_only_its_own_host_waiting() {
    let (origin, app, daemon) = river_for_many_hosts();
    let slow = [Subscriber::at("127.0.0.2"), Subscriber::at("127.0.0.4")];
    for n in 0..80 {
        slow[n % 2].asks_at(&daemon, &format!("/{n}?"), "subscribe", TOPIC, &[]);
        let taken = || daemon.log().matches(" subscribed").count() > n;
        eventually("the subscription", || taken().then_some(()));
    }
    // Neither the first nor the last in any order.
    let prompt = Subscriber::at("127.0.0.3");
    prompt.asks(&daemon, "subscribe", TOPIC, &[]);
    eventually("the last", || (daemon.log().matches(" subscribed").count() > 80).then_some(()));
    for slow in &slow {
        slow.kept.lock().unwrap().status = 0;
    }
    origin.on("/one", document(2));
    app.run(&["fetch", "one"]);
    let committed = Stopwatch::start();
    prompt.delivered(1);
    assert!(committed.elapsed() < Duration::from_secs(4), "late: {:?}", committed.elapsed());
    for slow in slow {
        slow.delivered(1);
        assert!(slow.kept.lock().unwrap().unanswered.len() <= 4, "too many at once of one host");
    }
}

#[test]
fn one_host_has_a_share_of_the_subscriptions_and_who_has_one_may_renew_it() {
    let (_origin, app, daemon) = river_for_many_hosts();
    assert_eq!(daemon.stop(), 0);
    let db = rusqlite::Connection::open(app.path("riverine.db")).unwrap();
    let fill = |host: &str, many: i64| {
        let sql = "INSERT INTO subscribers (topic, callback, expires, delivered, next_try)
                   WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
                   SELECT 'feeds/all.atom', ?1 || i, 9e9, '', 9e9 FROM n";
        db.execute(sql, rusqlite::params![format!("http://{host}/"), many]).unwrap();
    };
    let (here, there) = (Subscriber::start(), Subscriber::at("127.0.0.2"));
    fill(&here.address, 1000);
    let daemon = app.serve();
    // The hub has asked the subscriber back before it knows of it for good.
    let asks = |who: &Subscriber, path: &str| {
        let status = who.asks_at(&daemon, path, "subscribe", TOPIC, &[]).status;
        let sql = "SELECT 1 FROM subscribers WHERE callback = ?1";
        let callback = format!("http://{}{path}", who.address);
        let is_known = || db.query_row(sql, [&callback], |_| Ok(())).is_ok();
        eventually("the subscription", || (status != 202 || is_known()).then_some(()));
        status
    };
    assert_eq!((asks(&here, "/new"), asks(&here, "/7"), asks(&there, "/new")), (503, 202, 202));
    fill("elsewhere.example", 9000);
    assert_eq!((asks(&there, "/newer"), asks(&here, "/7"), asks(&there, "/new")), (503, 202, 202));
    assert_eq!(there.asks_at(&daemon, "/none", "unsubscribe", TOPIC, &[]).status, 202);
}
