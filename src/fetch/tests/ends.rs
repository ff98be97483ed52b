//! How answers end: whole, cut, late, refused; each in words.

use std::io::Write;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One answer, and the words it ends in.
async fn check(reply: fn() -> Reply, expected: &str) {
    check_within(Duration::from_secs(20), reply, expected).await;
}

async fn check_within(timeout: Duration, reply: fn() -> Reply, expected: &str) {
    let origin = Origin::start("127.0.0.1", move |_| reply()).await;
    let mut source = source(&origin.url("/feed?token=s3cret"));
    source.timeout = timeout;
    let error = words(ask(&source, &origin.url("/feed?token=s3cret"), None).await);
    assert!(error.contains(expected), "{error}\nexpected: {expected}");
    assert!(!error.contains("s3cret"), "{error}");
    assert_eq!(origin.heads().len(), 1, "one try, no retry: {error}");
}

fn raw(text: &str) -> Reply {
    Reply::Say(text.as_bytes().to_vec())
}

#[tokio::test]
async fn bodies_that_are_not_whole() {
    check(|| raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"), "was cut off after 5 bytes").await;
    check(
        || raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n"),
        "was cut off after 5 bytes",
    )
    .await;
    check(|| raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n"), "was cut off")
        .await;
    check(|| Reply::Reset(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_vec()), "was cut off")
        .await;
    check(
        || {
            let body = gzip(b"a whole body that is cut");
            Reply::Say(answer("200 OK", &["content-encoding: gzip"], &body[..body.len() - 9]))
        },
        "gzip body that is cut off",
    )
    .await;
    check(
        || {
            let body = [gzip(b"whole"), b"<!-- more -->".to_vec()].concat();
            Reply::Say(answer("200 OK", &["content-encoding: gzip"], &body))
        },
        "broken gzip body: bytes after its end",
    )
    .await;
    check(|| ok(&["content-encoding: deflate"], b"x"), "was not asked for").await;
    check(|| ok(&["content-encoding: gzip", "content-encoding: gzip"], b"x"), "was not asked for").await;
}

/// Every other reader takes these.
#[tokio::test]
async fn heads_that_are_written_badly() {
    for line in [
        "x-powered-by : PHP/4",
        "x-folded: one\r\n  two",
        "a line without colon",
        "x y: a blank in the name",
        ": no name",
        "content-encoding: UTF-8",
        "content-encoding: identity,",
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{line}\r\netag: \"1\"\r\ncontent-length: 1\r\n\r\nx");
        let origin = Origin::start("127.0.0.1", move |_| raw(&bytes)).await;
        let (answer, body) = body(get(&origin.url("/")).await);
        assert_eq!(
            (answer.validators.etag.as_deref(), body.bytes.as_ref()),
            (Some(b"\"1\"".as_slice()), b"x".as_slice()),
            "{line:?}"
        );
    }
    let changed =
        Origin::start("127.0.0.1", |_| Reply::Say(answer("203 Changed on the way", &[], b"x"))).await;
    assert_eq!(body(get(&changed.url("/")).await).0.status, 203);
}

#[tokio::test]
async fn bodies_beyond_the_limit() {
    check(|| ok(&[], &vec![b'x'; (1 << 20) + 1]), "is larger than max_body (1MiB)").await;
    check(
        || raw("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nx"),
        "is larger than max_body (1MiB)",
    )
    .await;
    check(|| ok(&["content-encoding: gzip"], &gzip(&vec![0; 9 << 20])), "is larger than max_body (1MiB)")
        .await;
    check(|| raw(&format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(70_000))), "head larger than 64KiB")
        .await;
    check(
        || raw(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(201))),
        "no answer that can be read",
    )
    .await;
}

#[tokio::test]
async fn servers_that_stall() {
    let short = Duration::from_millis(700);
    let silent = check_within(short, || Reply::Stall(Vec::new()), "took longer than its timeout");
    let head = || Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec());
    let half_a_head = check_within(short, head, "waiting for its answer");
    let body = || Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx".to_vec());
    let half_a_body = check_within(short, body, "reading its body");
    futures_util::join!(silent, half_a_head, half_a_body);
}

#[tokio::test]
async fn waiting_for_a_place_among_large_bodies_is_no_fault_of_their_servers() {
    let large = Origin::start("127.0.0.1", |_| ok(&[], &vec![b'x'; 300 << 10])).await;
    let silent = Origin::start("127.0.0.1", |_| Reply::Stall(Vec::new())).await;
    let http = http();
    let asker = |origin: &Origin, timeout| Source {
        timeout: Duration::from_millis(timeout),
        ..source(&origin.url("/"))
    };
    let (patient, brief, slow) = (asker(&large, 10_000), asker(&large, 400), asker(&silent, 1200));
    let ask = |source| http.fetch(request(source), now());
    let mut read = Vec::new();
    for _ in 0..6 {
        read.push(body(ask(&patient).await));
    }
    // As long as these are held, so are their places: until this one has failed, which is later than the next may take.
    let until_later = async {
        words(ask(&slow).await);
        drop(read);
    };
    let (waited, ()) = futures_util::join!(ask(&brief), until_later);
    assert_eq!(body(waited).1.bytes.len(), 300 << 10);
}

fn request(source: &Source) -> Request<'_> {
    Request { source, url: source.url.clone(), validators: None }
}

#[tokio::test]
async fn the_deadline_is_for_all_hops_together() {
    let origin = Origin::start("127.0.0.1", |target| match target {
        "/4" => Reply::Stall(Vec::new()),
        "/3" => origin::redirect(302, "/4"),
        "/2" => origin::redirect(302, "/3"),
        _ => origin::redirect(302, "/2"),
    })
    .await;
    let mut source = source(&origin.url("/0"));
    source.timeout = Duration::from_secs(1);
    let started = tokio::time::Instant::now();
    let error = ask(&source, &origin.url("/0"), None).await.unwrap_err();
    assert!(matches!(&error, FetchError::Broken { requests: 4, .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn statuses_that_are_no_document() {
    check(
        || raw("HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n"),
        "304 Not Modified though it was not asked",
    )
    .await;
    check(
        || raw("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"),
        "/feed?token=*** answered 204 No Content",
    )
    .await;
    check(|| Reply::Say(answer("206 Partial Content", &[], b"x")), "answered 206 Partial Content").await;
    check(|| Reply::Say(answer("226 IM Used", &[], b"x")), "answered 226 IM Used").await;
    check(|| Reply::Say(answer("404 Whatever", &[], b"x")), "answered 404 Not Found").await;
    check(|| Reply::Say(answer("599 Odd", &[], b"x")), "answered 599").await;
    check(|| Reply::Say(answer("301 Moved", &[], b"x")), "no Location").await;
    check(|| Reply::Say(answer("300 Choose", &["location: /x"], b"x")), "answered 300 Multiple Choices")
        .await;
    check(|| origin::redirect(302, "file:///etc/passwd"), "redirects to file:").await;
}

#[tokio::test]
async fn connections_that_fail() {
    check(|| Reply::Say(Vec::new()), "closed the connection before its answer was complete").await;
    check(|| Reply::Reset(Vec::new()), "reset the connection").await;
    check(|| raw("ICY 200 OK\r\n\r\n"), "no answer that can be read").await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = words(get(&Url::parse(&format!("http://{free}/")).unwrap()).await);
    assert_eq!(refused, format!("{free} refused the connection"));
    let unknown = words(get(&Url::parse("http://unknown.test/").unwrap()).await);
    assert_eq!(unknown, "the name unknown.test could not be resolved: no such name");
    let empty = words(get(&Url::parse("http://empty.test/").unwrap()).await);
    assert_eq!(empty, "the name empty.test could not be resolved: it has no address");
    let hangs = Url::parse("http://hangs.test/").unwrap();
    let mut source = source(&hangs);
    source.timeout = Duration::from_millis(100);
    assert!(words(ask(&source, &hangs, None).await).contains("took longer than its timeout"));
    // Plain text where TLS was to be.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let tls = words(get(&Url::parse(&format!("https://{address}/")).unwrap()).await);
    assert!(tls.starts_with(&format!("TLS with {address} failed")), "{tls}");
}

#[tokio::test]
async fn answers_that_are_well() {
    let origin = Origin::start("127.0.0.1", |target| match target {
        "/304" => Reply::Say(b"HTTP/1.1 304 Not Modified\r\nconnection: close\r\netag: \"2\"\r\ncache-control: max-age=60\r\n\r\n".to_vec()),
        "/226" => Reply::Say(answer("226 IM Used", &["im: feed", "etag: \"3\""], b"new")),
        "/gzip" => ok(&["content-encoding: gzip", "content-type: text/xml", "content-language: fr"], &gzip(b"<rss/>")),
        "/empty" => ok(&["content-encoding: gzip"], b""),
        _ => ok(&["link: </hub>; rel=hub", "content-location: /en/feed"], b"x"),
    })
    .await;
    let url = origin.url("/304");
    let validators = Validators { url: url.to_string(), etag: Some(b"\"1\"".to_vec()), last_modified: None };
    match ask(&source(&url), &url, Some(&validators)).await {
        Ok(Fetched::NotModified(answer)) => {
            assert_eq!((answer.status, answer.requests), (304, 1));
            assert_eq!(answer.validators.etag.as_deref(), Some(b"\"2\"".as_slice()));
            assert_eq!(answer.freshness.fresh_for, Some(Duration::from_mins(1)));
        }
        other => panic!("{other:?}"),
    }
    let (_, new) = body(get(&origin.url("/226")).await);
    assert_eq!((new.delta, new.bytes.as_ref()), (true, b"new".as_slice()));
    let (_, zipped) = body(get(&origin.url("/gzip")).await);
    assert_eq!(zipped.bytes.as_ref(), b"<rss/>");
    assert_eq!(
        (zipped.content_type.as_deref(), zipped.content_language.as_deref()),
        (Some("text/xml"), Some("fr"))
    );
    assert!(body(get(&origin.url("/empty")).await).1.bytes.is_empty());
    let (answer, plain) = body(get(&origin.url("/feed")).await);
    assert_eq!(answer.hubs.0, [origin.url("/hub").to_string()]);
    assert_eq!(plain.url, origin.url("/en/feed"));
}

#[tokio::test]
async fn a_proxy_is_asked_instead() {
    let proxy = Origin::start("127.0.0.1", |_| ok(&[], b"by proxy")).await;
    let url = Url::parse("http://far.example/feed").unwrap();
    let mut source = source(&url);
    source.proxy = Some(proxy.url("/"));
    assert_eq!(body(ask(&source, &url, None).await).1.bytes.as_ref(), b"by proxy");
    assert!(proxy.heads()[0].starts_with("GET http://far.example/feed HTTP/1.1\r\n"));
    // A literal inwards is not even asked of a proxy.
    let inward = Url::parse("http://10.0.0.1/").unwrap();
    assert!(words(ask(&source, &inward, None).await).contains("not a public address"));
}

/// With the system's resolver: `localhost` is in every hosts file.
#[tokio::test]
async fn names_are_looked_up_and_their_answers_checked() {
    let origin = Origin::start("127.0.0.1", |_| ok(&[], b"x")).await;
    let url = Url::parse(&format!("http://localhost:{}/", origin.address.port())).unwrap();
    let source = source(&url);
    for (open, permitted) in [(vec!["localhost"], true), (vec!["127.0.0.0/8", "::1"], true), (vec![], false)]
    {
        let options =
            Options { allow_private: open.iter().map(|entry| (*entry).to_owned()).collect(), ..options() };
        let gate = Arc::new(Gate::new(&options, Arc::new(System::new())));
        let http = Http::new(&options, gate).unwrap();
        let fetched =
            http.fetch(Request { source: &source, url: url.clone(), validators: None }, now()).await;
        if permitted {
            body(fetched);
        } else {
            assert!(words(fetched).contains("allow_private = [\"localhost\"] would open it"));
        }
    }
    assert_eq!(origin.connections(), 2);
}

#[tokio::test]
async fn addresses_that_are_not_asked() {
    let own = source(&Url::parse("https://example.org/feed").unwrap());
    let long = format!("https://example.org/{}", "x".repeat(9000));
    for (address, why) in [
        ("file:///etc/passwd", "only http and https"),
        ("data:text/xml,x", "only http and https"),
        ("https://u:s3cret@other.example/", "names a user"),
        (&long, "the limit is 8192"),
    ] {
        let error = words(ask(&own, &Url::parse(address).unwrap(), None).await);
        assert!(error.contains(why) && !error.contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn credentials_in_the_sources_own_address_are_sent_there() {
    let other = Origin::start("127.0.0.1", |_| ok(&[], b"x")).await;
    let away = other.url("/").to_string();
    let origin = Origin::start("127.0.0.1", move |target| match target {
        "/a" => origin::redirect(302, "/b"),
        _ => origin::redirect(302, &away),
    })
    .await;
    let url = Url::parse(&format!("http://Aladdin:open%20sesame@{}/a", origin.address)).unwrap();
    body(get(&url).await);
    for head in origin.heads() {
        assert_eq!(field(&head, "authorization").as_deref(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    }
    assert_eq!((origin.heads().len(), field(&other.heads()[0], "authorization")), (2, None));
}
