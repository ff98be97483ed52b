//! The HTTP client against scripted origins on loopback: what it sends, and how each end is told.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::{Clock, Manual, System};
use crate::model::{Auth, Secret, SourceId};

mod ends;
pub(crate) mod origin;
mod redirects;
mod tls;
mod wire;

use origin::{Origin, Reply, answer, ok};

fn now() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn source(url: &Url) -> Source {
    Source {
        timeout: Duration::from_secs(10),
        max_body: 1 << 20,
        ..Source::new(SourceId::new("s"), url.clone())
    }
}

fn options() -> Options {
    Options {
        allow_private: vec!["127.0.0.1".to_owned()],
        per_host_gap: Span::secs(0),
        contact: Some("https://example.org/bot".to_owned()),
        ..Options::default()
    }
}

fn http_at(options: &Options, clock: Arc<dyn Clock>) -> Http {
    // `inner.test` is the canary's; `both.test` also has an address that may be dialled.
    let lookup: Lookup = Arc::new(|name| {
        let addresses: std::io::Result<Vec<IpAddr>> = match name.as_str() {
            "inner.test" => Ok(vec![[127, 0, 0, 2].into()]),
            "both.test" => Ok(vec![[127, 0, 0, 2].into(), [127, 0, 0, 1].into()]),
            "outer.test" => Ok(vec![[127, 0, 0, 1].into()]),
            "empty.test" => Ok(Vec::new()),
            "hangs.test" => return Box::pin(std::future::pending()),
            _ => Err(std::io::Error::other("no such name")),
        };
        Box::pin(std::future::ready(addresses))
    });
    Http::with_lookup(options, Arc::new(Gate::new(options, clock)), lookup).unwrap()
}

fn http() -> Http {
    http_at(&options(), Arc::new(System::new()))
}

async fn get(url: &Url) -> Result<Fetched, FetchError> {
    ask(&source(url), url, None).await
}

async fn ask(source: &Source, url: &Url, validators: Option<&Validators>) -> Result<Fetched, FetchError> {
    http().fetch(Request { source, url: url.clone(), validators }, now()).await
}

fn body(fetched: Result<Fetched, FetchError>) -> (Answer, Body) {
    match fetched {
        Ok(Fetched::Body(answer, body)) => (answer, body),
        other => panic!("{other:?}"),
    }
}

fn words(fetched: Result<Fetched, FetchError>) -> String {
    fetched.unwrap_err().to_string()
}

/// The value of a field of a request head.
fn field(head: &str, name: &str) -> Option<String> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
}

#[tokio::test]
async fn what_a_request_looks_like() {
    let origin = Origin::start("127.0.0.1", |_| ok(&["set-cookie: a=b", "etag: \"1\""], b"<rss/>")).await;
    let (answer, body) = body(get(&origin.url("/feed?b=2&a=1#part")).await);
    assert_eq!(
        (answer.status, answer.requests, body.bytes.as_ref(), body.delta),
        (200, 1, b"<rss/>".as_slice(), false)
    );
    assert_eq!(answer.url, origin.url("/feed?b=2&a=1"));
    let heads = origin.heads();
    let head = &heads[0];
    assert!(head.starts_with("GET /feed?b=2&a=1 HTTP/1.1\r\n"), "{head}");
    let agent = format!("riverine/{} (+https://example.org/bot)", env!("CARGO_PKG_VERSION"));
    assert_eq!(field(head, "user-agent"), Some(agent));
    assert_eq!(field(head, "accept-encoding").as_deref(), Some("gzip, br, zstd"));
    assert!(field(head, "accept").unwrap().starts_with("application/atom+xml, application/rss+xml, "));
    let names: Vec<&str> = head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0)).collect();
    assert_eq!(names, ["user-agent", "accept", "accept-encoding", "host"], "nothing else");
}

#[tokio::test]
async fn no_cookie_comes_back() {
    let origin =
        Origin::start("127.0.0.1", |_| Reply::Keep(answer("200 OK", &["set-cookie: a=b; path=/"], b"x")))
            .await;
    let (http, url) = (http(), origin.url("/"));
    for _ in 0..8 {
        let source = source(&url);
        body(http.fetch(Request { source: &source, url: url.clone(), validators: None }, now()).await);
    }
    assert_eq!(origin.heads().len(), 8);
    assert!(origin.heads().iter().all(|head| field(head, "cookie").is_none()));
    assert!(origin.connections() < 8, "connections are used again");
}

#[tokio::test]
async fn validators_go_back_byte_for_byte() {
    let origin = Origin::start("127.0.0.1", |_| Reply::Say(b"HTTP/1.1 200 OK\r\nconnection: close\r\nETag: W/\"\xe9 x\",odd\r\nLast-Modified: yesterday, I think\r\n\r\nx".to_vec())).await;
    let url = origin.url("/feed?a");
    let (answer, _) = body(get(&url).await);
    let given = answer.validators;
    assert_eq!(given.etag.as_deref(), Some(b"W/\"\xe9 x\",odd".as_slice()));
    assert_eq!(given.last_modified.as_deref(), Some(b"yesterday, I think".as_slice()));
    body(ask(&source(&url), &url, Some(&given)).await);
    body(ask(&source(&url), &origin.url("/feed?b"), Some(&given)).await);
    let heads = origin.heads();
    assert_eq!(field(&heads[0], "if-none-match"), None);
    assert_eq!(field(&heads[1], "if-none-match").unwrap(), "W/\"\u{fffd} x\",odd");
    assert_eq!(field(&heads[1], "if-modified-since").unwrap(), "yesterday, I think");
    assert_eq!(field(&heads[1], "a-im").unwrap(), "feed");
    for name in ["if-none-match", "if-modified-since", "a-im"] {
        assert_eq!(field(&heads[2], name), None, "another query is another URL");
    }
}

#[tokio::test]
async fn headers_and_auth_stay_at_home() {
    let other = Origin::start("127.0.0.1", |_| ok(&[], b"there")).await;
    let to = other.url("/there").to_string();
    let origin = Origin::start("127.0.0.1", move |target| match target {
        "/away" => origin::redirect(302, &to),
        "/here" => origin::redirect(302, "/end"),
        _ => ok(&[], b"here"),
    })
    .await;
    let mut source = source(&origin.url("/feed"));
    source.headers = vec![("X-Key".to_owned(), Secret::new("s3cret"))];
    source.auth = Some(Auth { user: "Aladdin".to_owned(), password: Secret::new("open sesame") });
    body(ask(&source, &origin.url("/here"), None).await);
    body(ask(&source, &origin.url("/away"), None).await);
    for head in origin.heads() {
        // RFC 7617's own example.
        assert_eq!(field(&head, "authorization").unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(field(&head, "x-key").unwrap(), "s3cret");
    }
    let heads = other.heads();
    assert_eq!(heads.len(), 1);
    assert_eq!((field(&heads[0], "authorization"), field(&heads[0], "x-key")), (None, None));
    assert_eq!(field(&heads[0], "referer"), None);
    source.headers = vec![("X Key".to_owned(), Secret::new("s3cret"))];
    let error = words(ask(&source, &origin.url("/feed"), None).await);
    assert!(error.contains("\"X Key\" is no header name") && !error.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn a_429_holds_its_host_and_a_503_does_not() {
    let origin = Origin::start("127.0.0.1", |target| match target {
        "/503" => Reply::Say(answer("503 Busy", &["retry-after: 60"], b"")),
        "/429" => Reply::Say(answer("429 Slow down", &["retry-after: 7200"], b"")),
        _ => ok(&[], b"x"),
    })
    .await;
    let clock = Manual::new(now());
    let http = http_at(&options(), Arc::new(clock.clone()));
    let source = source(&origin.url("/"));
    let ask = |path: &str| {
        http.fetch(Request { source: &source, url: origin.url(path), validators: None }, clock.now())
    };
    let throttled = |fetched| match fetched {
        Ok(Fetched::Throttled(answer)) => {
            (answer.status, answer.requests, answer.freshness.retry_after.unwrap().as_secs())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(throttled(ask("/503").await), (503, 1, 60));
    body(ask("/").await);
    assert_eq!(throttled(ask("/429").await), (429, 1, 7200));
    assert_eq!(throttled(ask("/").await), (429, 0, 7200), "nothing was asked");
    clock.advance(Duration::from_hours(2));
    body(ask("/").await);
    assert_eq!(origin.heads().len(), 4);
    // Who began a minute ago, and waited for a turn, heard of it now.
    let (url, began) = (origin.url("/429"), clock.now() - chrono::TimeDelta::minutes(1));
    let late = http.fetch(Request { source: &source, url, validators: None }, began).await;
    assert_eq!(throttled(late), (429, 1, 7200));
    assert_eq!(throttled(ask("/").await), (429, 0, 7200));
}

#[test]
fn options_that_cannot_work_are_refused() {
    let refused = |change: fn(&mut Options)| {
        let mut options = options();
        change(&mut options);
        let gate = Arc::new(Gate::new(&options, Arc::new(Manual::new(now()))));
        Http::new(&options, gate).err().unwrap_or_default()
    };
    assert_eq!(refused(|_| {}), "");
    assert!(refused(|o| o.allow_private = vec!["10.0.0.0/99".to_owned()]).contains("10.0.0.0/99"));
    assert!(refused(|o| o.ca_file = Some("/nowhere.pem".into())).contains("/nowhere.pem"));
    assert!(refused(|o| o.ca_file = Some("/dev/null".into())).contains("no certificate"));
    assert!(refused(|o| o.proxy = Some("not a url".to_owned())).contains("proxy"));
    assert!(refused(|o| o.proxy = Some("gopher://u:pw@p/".to_owned())).contains("gopher"));
    assert!(refused(|o| o.contact = Some("a\nb".to_owned())).contains("contact"));
}
