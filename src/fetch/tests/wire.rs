//! Connections: kept while they are good, by way of proxies, over HTTP/2.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls");

/// The same client for several requests of one address.
async fn several(url: &Url, count: usize) -> Vec<Result<Fetched, FetchError>> {
    let (http, source) = (http(), source(url));
    let mut list = Vec::new();
    for _ in 0..count {
        list.push(http.fetch(Request { source: &source, url: url.clone(), validators: None }, now()).await);
    }
    list
}

#[tokio::test]
async fn a_connection_serves_the_next_request_too() {
    let origin = Origin::start("127.0.0.1", |target| match target {
        "/moved" => Reply::Keep(answer("302 Found", &["location: /there"], b"moved")),
        _ => Reply::Keep(answer("200 OK", &[], b"x")),
    })
    .await;
    let url = origin.url("/moved");
    assert!(several(&url, 5).await.iter().all(Result::is_ok));
    assert_eq!((origin.heads().len(), origin.connections()), (10, 1));
}

/// Servers close connections that stand idle, and a request may be on its way by then.
#[tokio::test]
async fn a_connection_that_is_closed_while_it_is_used_again_costs_no_poll() {
    let calls = AtomicUsize::new(0);
    let origin = Origin::start("127.0.0.1", move |target| match target {
        // The script is asked twice for each request.
        "/second" if calls.fetch_add(1, Ordering::Relaxed) < 2 => Reply::Say(Vec::new()),
        "/never" => Reply::Say(Vec::new()),
        _ => Reply::Keep(answer("200 OK", &[], b"x")),
    })
    .await;
    let (http, source) = (http(), source(&origin.url("/")));
    let ask =
        |path: &str| http.fetch(Request { source: &source, url: origin.url(path), validators: None }, now());
    // Until one is used again.
    while origin.heads().len() == origin.connections() {
        body(ask("/first").await);
    }
    let (asked, before) = (origin.heads().len(), origin.connections());
    let (answer, _) = body(ask("/second").await);
    assert_eq!((answer.requests, origin.heads().len(), origin.connections()), (2, asked + 2, before + 1));
    // Over a new one nothing is asked twice.
    let requests = async || match ask("/never").await {
        Err(FetchError::Broken { requests, .. }) => requests,
        other => panic!("{other:?}"),
    };
    assert_eq!((requests().await, requests().await), (1, 1));
}

/// Who closes with every answer is asked over a new one each time: nothing that fails there was unheard.
#[tokio::test]
async fn nothing_is_asked_twice_where_no_connection_stays_open() {
    for first in [
        "HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 1\r\n\r\nx",
        "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\n\r\nx",
    ] {
        let origin = Origin::start("127.0.0.1", move |target| match target {
            "/never" => Reply::Say(Vec::new()),
            _ => Reply::Say(first.as_bytes().to_vec()),
        })
        .await;
        let (http, source) = (http(), source(&origin.url("/")));
        for path in ["/first", "/second", "/never"] {
            let request = Request { source: &source, url: origin.url(path), validators: None };
            let fetched = http.fetch(request, now()).await;
            assert_eq!(fetched.is_ok(), path != "/never");
        }
        assert_eq!(origin.heads().len(), 3, "{first:?}");
    }
}

/// While one connection is in use, another request of its host takes a new one, and is not made again either.
#[tokio::test]
async fn nothing_is_asked_twice_beside_a_connection_in_use() {
    let origin = Origin::start("127.0.0.1", |target| match target {
        "/never" => Reply::Say(Vec::new()),
        _ => Reply::Stall(Vec::new()),
    })
    .await;
    let options = Options { per_host: 2, ..options() };
    let http = http_at(&options, Arc::new(System::new()));
    let source = Source { timeout: Duration::from_millis(700), ..source(&origin.url("/")) };
    let ask = |path| http.fetch(Request { source: &source, url: origin.url(path), validators: None }, now());
    let later = async {
        while origin.heads().is_empty() {
            tokio::task::yield_now().await;
        }
        ask("/never").await
    };
    let (slow, never) = futures_util::join!(ask("/slow"), later);
    assert!(slow.is_err() && never.is_err());
    assert_eq!(origin.heads().len(), 2);
}

#[tokio::test]
async fn a_connection_that_was_cut_or_closed_is_not_used_again() {
    // More than announced, and less, and a close without a word.
    for bytes in [
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
    ] {
        let origin = Origin::start("127.0.0.1", |_| Reply::Say(bytes.as_bytes().to_vec())).await;
        for fetched in several(&origin.url("/"), 20).await {
            assert_eq!(body(fetched).1.bytes.as_ref(), b"x");
        }
    }
    let origin = Origin::start("127.0.0.1", |_| {
        Reply::Keep(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n".to_vec())
    })
    .await;
    let ended = several(&origin.url("/"), 3).await;
    assert!(ended.iter().all(Result::is_err));
    assert_eq!((origin.heads().len(), origin.connections()), (3, 3));
}

/// A name that leads elsewhere the second time: each attempt looks once, and dials what it has checked.
#[tokio::test]
async fn what_is_dialled_is_what_was_checked() {
    let canary = Origin::start("127.0.0.2", |_| ok(&[], b"secret")).await;
    let origin = TcpListener::bind(("127.0.0.1", canary.address.port())).await.unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = origin.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            stream.write_all(&answer("200 OK", &["connection: close"], b"public")).await.unwrap();
        }
    });
    let looked = Arc::new(AtomicUsize::new(0));
    let count = looked.clone();
    let lookup: Lookup = Arc::new(move |_| {
        let inward = count.fetch_add(1, Ordering::SeqCst) % 2 == 1;
        Box::pin(std::future::ready(Ok(vec![if inward { [127, 0, 0, 2] } else { [127, 0, 0, 1] }.into()])))
    });
    let options = options();
    let http =
        Http::with_lookup(&options, Arc::new(Gate::new(&options, Arc::new(System::new()))), lookup).unwrap();
    let url = Url::parse(&format!("http://rebound.test:{}/", canary.address.port())).unwrap();
    let source = source(&url);
    for attempt in 0..6 {
        let fetched =
            http.fetch(Request { source: &source, url: url.clone(), validators: None }, now()).await;
        assert_eq!(looked.load(Ordering::SeqCst), attempt + 1, "one look for one attempt");
        if attempt % 2 == 0 {
            assert_eq!(body(fetched).1.bytes.as_ref(), b"public");
        } else {
            assert!(words(fetched).contains("rebound.test is 127.0.0.2, not a public address"));
        }
    }
    assert_eq!(canary.connections(), 0);
}

/// Answers HTTP/2 over TLS on one address; counts connections.
async fn http2_server() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let chain = vec![CertificateDer::from_pem_file(format!("{FOLDER}/leaf.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(format!("{FOLDER}/leaf.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = connections.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let serve =
                hyper::service::service_fn(|request: ::http::Request<hyper::body::Incoming>| async move {
                    assert_eq!(request.headers().get("host"), None, "HTTP/2 has :authority");
                    let body = format!("{} {:?}", request.uri(), request.version());
                    let tag = request.headers().get("if-none-match").is_some();
                    let mut response =
                        ::http::Response::new(http_body_util::Full::<bytes::Bytes>::from(body));
                    response.headers_mut().insert("etag", "\"1\"".parse().unwrap());
                    if tag {
                        *response.status_mut() = ::http::StatusCode::NOT_MODIFIED;
                        *response.body_mut() = http_body_util::Full::default();
                    }
                    Ok::<_, std::convert::Infallible>(response)
                });
            let executor = hyper_util::rt::TokioExecutor::new();
            let stream = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http2::Builder::new(executor).serve_connection(stream, serve));
        }
    });
    (address, connections)
}

#[tokio::test]
async fn http2_where_it_is_offered() {
    let (address, connections) = http2_server().await;
    let url = Url::parse(&format!("https://outer.test:{}/feed?a=b", address.port())).unwrap();
    let options = Options { ca_file: Some(format!("{FOLDER}/ca.pem").into()), ..options() };
    let http = http_at(&options, Arc::new(System::new()));
    let source = source(&url);
    let request = |validators| Request { source: &source, url: url.clone(), validators };
    let (answer, first) = body(http.fetch(request(None), now()).await);
    assert_eq!(first.bytes.as_ref(), format!("{url} HTTP/2.0").as_bytes());
    assert!(matches!(
        http.fetch(request(Some(&answer.validators)), now()).await,
        Ok(Fetched::NotModified(_))
    ));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// A SOCKS 5 proxy that wants `user` and `pass word`; whom it was asked for.
async fn socks_proxy() -> (std::net::SocketAddr, Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::<std::sync::Mutex<Vec<String>>>::default());
    let log = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let log = log.clone();
            tokio::spawn(async move {
                let mut greeting = [0; 3];
                stream.read_exact(&mut greeting).await.unwrap();
                assert_eq!(greeting, [5, 1, 2]);
                stream.write_all(&[5, 2]).await.unwrap();
                let mut login = [0; 16];
                stream.read_exact(&mut login).await.unwrap();
                assert_eq!(&login, b"\x01\x04user\x09pass word");
                stream.write_all(&[1, 0]).await.unwrap();
                let mut head = [0; 4];
                stream.read_exact(&mut head).await.unwrap();
                let host = if head[3] == 1 {
                    let mut v4 = [0; 4];
                    stream.read_exact(&mut v4).await.unwrap();
                    std::net::Ipv4Addr::from(v4).to_string()
                } else {
                    let mut name = vec![0; usize::from(stream.read_u8().await.unwrap())];
                    stream.read_exact(&mut name).await.unwrap();
                    String::from_utf8(name).unwrap()
                };
                let port = stream.read_u16().await.unwrap();
                log.lock().unwrap().push(host.clone());
                if host == "refused.test" {
                    return stream.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
                }
                let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    (address, asked)
}

#[tokio::test]
async fn socks_proxies_are_spoken_to() {
    let (proxy, asked) = socks_proxy().await;
    let origin = Origin::start("127.0.0.1", |_| ok(&[], b"by proxy")).await;
    let ask_by = async |scheme: &str, host: &str| {
        let url = Url::parse(&format!("http://{host}:{}/feed", origin.address.port())).unwrap();
        let proxy = Url::parse(&format!("{scheme}://user:pass%20word@{proxy}")).unwrap();
        ask(&Source { proxy: Some(proxy), ..source(&url) }, &url, None).await
    };
    // We look the name up and check the answer; or the proxy does, where it says so.
    assert_eq!(body(ask_by("socks5", "outer.test").await).1.bytes.as_ref(), b"by proxy");
    assert_eq!(body(ask_by("socks5h", "far.test").await).1.bytes.as_ref(), b"by proxy");
    assert!(words(ask_by("socks5", "inner.test").await).contains("not a public address"));
    assert!(words(ask_by("socks5h", "10.0.0.1").await).contains("not a public address"));
    let refused = words(ask_by("socks5h", "refused.test").await);
    assert!(refused.contains("SOCKS error: connection refused") && !refused.contains("pass"), "{refused}");
    assert_eq!(*asked.lock().unwrap(), ["127.0.0.1", "far.test", "refused.test"]);
    assert!(origin.heads()[0].starts_with("GET /feed HTTP/1.1\r\n"));
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let (server, _) = http2_server().await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = proxy.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = proxy.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            if field(&head, "proxy-authorization").as_deref() != Some("Basic dTpw") {
                stream.write_all(b"HTTP/1.1 407 Who are you\r\n\r\n").await.unwrap();
                continue;
            }
            assert!(
                head.starts_with(&format!("CONNECT outer.test:{} HTTP/1.1\r\n", server.port())),
                "{head}"
            );
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            let mut server = TcpStream::connect(server).await.unwrap();
            tokio::spawn(async move { drop(tokio::io::copy_bidirectional(&mut stream, &mut server).await) });
        }
    });
    let url = Url::parse(&format!("https://outer.test:{}/", server.port())).unwrap();
    let options = Options { ca_file: Some(format!("{FOLDER}/ca.pem").into()), ..options() };
    let by = async |credentials: &str| {
        let proxy = Some(Url::parse(&format!("http://{credentials}{address}")).unwrap());
        let source = Source { proxy, ..source(&url) };
        let request = Request { source: &source, url: url.clone(), validators: None };
        http_at(&options, Arc::new(System::new())).fetch(request, now()).await
    };
    assert!(body(by("u:p@").await).1.bytes.starts_with(b"https://outer.test"));
    let refused = words(by("").await);
    assert!(refused.ends_with("tunnel error: proxy authorization required"), "{refused}");
}
