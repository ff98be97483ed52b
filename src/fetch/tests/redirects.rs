//! Redirects: followed with care, and never inwards.

use super::origin::redirect;
use super::*;

async fn hops(steps: &'static [(&'static str, u16, &'static str)]) -> Origin {
    Origin::start("127.0.0.1", move |target| match steps.iter().find(|(from, ..)| *from == target) {
        Some((_, status, to)) => redirect(*status, to),
        None if target == "/gone" => Reply::Say(answer("410 Gone", &[], b"")),
        None => ok(&["etag: \"end\""], b"end"),
    })
    .await
}

#[tokio::test]
async fn only_the_leading_permanent_run_counts() {
    let origin = hops(&[
        ("/a", 301, "/b"),
        ("/b", 308, "/c#x"),
        ("/t", 302, "/a"),
        ("/m", 301, "/n"),
        ("/n", 307, "/o"),
        ("/o", 301, "/p"),
        ("/s", 303, "/end"),
    ])
    .await;
    for (from, permanent, end, requests) in [
        ("/a", Some("/c"), "/c", 3),
        ("/t", None, "/c", 4),
        ("/m", Some("/n"), "/p", 4),
        ("/s", None, "/end", 2),
        ("/end", None, "/end", 1),
    ] {
        let (answer, body) = body(get(&origin.url(from)).await);
        assert_eq!(answer.permanent, permanent.map(|path| origin.url(path)), "{from}");
        assert_eq!((answer.url.clone(), answer.requests), (origin.url(end), requests), "{from}");
        assert_eq!((body.url, answer.validators.url), (origin.url(end), origin.url(end).to_string()));
    }
}

#[tokio::test]
async fn validators_belong_to_the_url_that_gave_them_along_a_chain() {
    let origin = hops(&[("/a", 302, "/b")]).await;
    let url = origin.url("/a");
    let (answer, _) = body(get(&url).await);
    body(ask(&source(&url), &url, Some(&answer.validators)).await);
    let heads = origin.heads();
    let asked: Vec<_> = heads.iter().map(|head| field(head, "if-none-match").unwrap_or_default()).collect();
    assert_eq!(asked, ["", "", "", "\"end\""]);
}

#[tokio::test]
async fn circles_and_long_chains_end() {
    let origin = Origin::start("127.0.0.1", |target| match target {
        "/a" => redirect(302, "/b"),
        "/b" => redirect(302, "/a"),
        "/self" => redirect(301, "/self"),
        _ => {
            let number: u32 = target.trim_start_matches('/').parse().unwrap();
            if number == 0 { ok(&[], b"end") } else { redirect(302, &format!("/{}", number - 1)) }
        }
    })
    .await;
    assert!(words(get(&origin.url("/a")).await).contains("in a circle"));
    assert!(words(get(&origin.url("/self")).await).contains("in a circle"));
    let (answer, _) = body(get(&origin.url("/10")).await);
    assert_eq!(answer.requests, 11);
    let before = origin.heads().len();
    assert!(words(get(&origin.url("/11")).await).contains("after 10 redirects"));
    assert_eq!(origin.heads().len() - before, 11);
}

#[tokio::test]
async fn a_temporary_redirect_to_what_is_gone_parks_nobody() {
    let origin = hops(&[("/moved", 301, "/gone"), ("/maybe", 302, "/gone")]).await;
    assert!(matches!(get(&origin.url("/gone")).await, Ok(Fetched::Gone(_))));
    assert!(matches!(get(&origin.url("/moved")).await, Ok(Fetched::Gone(_))));
    assert!(words(get(&origin.url("/maybe")).await).ends_with("/gone answered 410 Gone"));
}

/// Nobody ever reaches 127.0.0.2, which is not allowed: not by literal, not by name, not by hop.
#[tokio::test]
async fn never_inwards() {
    let canary = Origin::start("127.0.0.2", |_| ok(&[], b"secret")).await;
    let port = canary.address.port();
    let origin = Origin::start("127.0.0.1", move |target| {
        redirect(301, &format!("http://{}:{port}/", target.trim_start_matches('/')))
    })
    .await;
    for host in [
        "127.0.0.2",
        "127.2",
        "2130706434",
        "0177.0.0.2",
        "0x7f.0.0.2",
        "[::ffff:127.0.0.2]",
        "[::127.0.0.2]",
        "[64:ff9b::7f00:2]",
        "inner.test",
        "INNER.test",
        "[::1]",
        "0.0.0.0",
        "169.254.169.254",
    ] {
        let direct = Url::parse(&format!("http://{host}:{port}/")).unwrap();
        for url in [&direct, &origin.url(&format!("/{host}"))] {
            let error = words(get(url).await);
            assert!(
                error.contains("not a public address") && error.contains("allow_private"),
                "{url}: {error}"
            );
        }
    }
    assert_eq!(canary.connections(), 0);
    // Of a name with several addresses only the permitted one is dialled; nobody listens there.
    let both = Url::parse(&format!("http://both.test:{port}/")).unwrap();
    assert!(words(get(&both).await).contains("refused the connection"));
    assert_eq!(canary.connections(), 0);
    let outer = Url::parse(&format!("http://outer.test:{}/inner.test", origin.address.port())).unwrap();
    assert!(words(get(&outer).await).contains("inner.test is 127.0.0.2"));
    assert_eq!(canary.connections(), 0);
    // The canary does sing when it may.
    let open = Options { allow_private: vec!["inner.test".to_owned()], ..options() };
    let inner = Url::parse(&format!("http://inner.test:{port}/")).unwrap();
    let request = Request { source: &source(&inner), url: inner.clone(), validators: None };
    body(http_at(&open, Arc::new(System::new())).fetch(request, now()).await);
    assert_eq!(canary.connections(), 1);
}

#[tokio::test]
async fn hops_wait_their_turn_at_the_next_host() {
    let end = Origin::start("127.0.0.1", |_| ok(&[], b"end")).await;
    let to = end.url("/").to_string();
    let origin = Origin::start("127.0.0.1", move |_| redirect(302, &to)).await;
    let clock = Manual::new(now());
    let options = Options { per_host_gap: Span::secs(1), ..options() };
    let gate = Arc::new(Gate::new(&options, Arc::new(clock.clone())));
    let http = Http::new(&options, Arc::clone(&gate)).unwrap();
    let busy = gate.enter(&end.url("/")).await.ok().unwrap();
    let url = origin.url("/");
    let source = source(&url);
    let mut fetch = http.fetch(Request { source: &source, url, validators: None }, now());
    // It asked the first host and gave its place there back, and waits for the second.
    loop {
        tokio::select! {
            biased;
            _ = &mut fetch => panic!("it did not wait"),
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
        if origin.heads().len() == 1 {
            break;
        }
    }
    drop(busy);
    tokio::select! {
        fetched = &mut fetch => { body(fetched); }
        () = async { loop { tokio::task::yield_now().await; clock.advance(Duration::from_millis(1)); } } => {}
    }
    assert_eq!(end.heads().len(), 1);
    assert!(clock.elapsed() >= Duration::from_secs(1));
}
