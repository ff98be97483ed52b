//! Heads of answers: what is believed of them.

use reqwest::header::HeaderValue;

use super::*;

fn head(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut head = HeaderMap::new();
    for (name, value) in lines {
        head.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    head
}

fn url() -> Url {
    Url::parse("https://example.org/a/feed?x=1").unwrap()
}

fn check(lines: &[(&'static str, &str)], fresh_for: Option<u64>, retry_after: Option<u64>) {
    let now = "2026-03-01T12:00:00Z".parse().unwrap();
    let stated = lines.iter().any(|(name, _)| ["cache-control", "expires"].contains(name));
    let expected = Freshness {
        fresh_for: fresh_for.map(Duration::from_secs),
        stated,
        retry_after: retry_after.map(Duration::from_secs),
    };
    assert_eq!(freshness(&head(lines), now), expected, "{lines:?}");
}

#[test]
fn when_to_come_again() {
    let noon = ("date", "Sun, 01 Mar 2026 12:00:00 GMT");
    check(&[], None, None);
    check(&[("cache-control", "public, max-age=3600")], Some(3600), None);
    check(&[("cache-control", "public"), ("cache-control", "MAX-AGE=\"60\"")], Some(60), None);
    check(&[("cache-control", "max-age=3600"), ("age", "600")], Some(3000), None);
    check(&[("cache-control", "max-age=3600"), ("age", "9999")], None, None);
    check(&[("cache-control", "max-age=3600"), ("age", "old")], Some(3600), None);
    check(&[("cache-control", "max-age=3600, no-cache")], None, None);
    check(&[("cache-control", "no-cache=\"Set-Cookie\", max-age=3600")], Some(3600), None);
    check(&[("cache-control", "no-store, max-age=3600")], None, None);
    check(&[("cache-control", "max-age=60, max-age=3600")], Some(60), None);
    check(&[("cache-control", "s-maxage=60")], None, None);
    check(&[("cache-control", "public; max-age=60")], Some(60), None);
    check(&[("cache-control", "max-age=-1")], None, None);
    check(&[("cache-control", "max-age=99999999999999999999999")], Some(4_294_967_295), None);
    check(&[("expires", "Sun, 01 Mar 2026 13:00:00 GMT"), noon], Some(3600), None);
    check(&[("expires", "Sun, 01 Mar 2026 13:00:00 GMT"), noon, ("age", "600")], Some(3000), None);
    check(&[("expires", "Sun, 01 Mar 2026 13:00:00 GMT"), noon, ("age", "3600")], None, None);
    // Its own Date counts, not our clock.
    let (early, late) = ("Sat, 01 Feb 2020 10:00:00 GMT", "Sat, 01 Feb 2020 10:00:30 GMT");
    check(&[("expires", late), ("date", early)], Some(30), None);
    check(&[("expires", "0"), noon], None, None);
    check(&[("expires", "Sun, 01 Mar 2026 11:00:00 GMT"), noon], None, None);
    check(
        &[("expires", "Sun, 01 Mar 2026 13:00:00 GMT"), ("cache-control", "max-age=5"), noon],
        Some(5),
        None,
    );
    check(&[("retry-after", "120")], None, Some(120));
    check(&[("retry-after", "Sun, 01 Mar 2026 12:02:00 GMT")], None, Some(120));
    check(&[("retry-after", late), ("date", early)], None, Some(30));
    for useless in
        ["0", "-5", "soon", "", "1.5", "Sun, 01 Mar 2026 11:00:00 GMT", "Sun, 99 Mar 2026 12:00:00 GMT"]
    {
        check(&[("retry-after", useless), noon], None, None);
    }
}

#[test]
fn validators_are_opaque_and_bounded() {
    let long = "x".repeat(MAX_VALIDATOR);
    for tag in ["\"a\"", "W/\"a\"", "unquoted", "\"\u{e9}\"", "\"a", &long] {
        let validators = validators(&head(&[("etag", tag)]), &url());
        assert_eq!(validators.etag.as_deref(), Some(tag.as_bytes()));
        assert_eq!((validators.url, validators.last_modified), (url().to_string(), None));
    }
    let longer = format!("{long}x");
    for tag in ["", "a\tb", &longer] {
        assert_eq!(validators(&head(&[("etag", tag)]), &url()).etag, None, "{tag:?}");
    }
}

#[test]
fn where_a_redirect_may_lead() {
    for (to, expected) in [
        ("/b", "https://example.org/b"),
        ("b?c#d", "https://example.org/a/b?c"),
        ("//other.example/", "https://other.example/"),
        ("http://other.example", "http://other.example/"),
        ("/caf\u{e9}", "https://example.org/caf%C3%A9"),
    ] {
        assert_eq!(location(&head(&[("location", to)]), &url()).unwrap().as_str(), expected);
    }
    let own = Url::parse("https://u:p@example.org/a").unwrap();
    for (to, expected) in
        [("/b", "https://u:p@example.org/b"), ("//other.example/", "https://other.example/")]
    {
        assert_eq!(location(&head(&[("location", to)]), &own).unwrap().as_str(), expected);
    }
    let long = "x".repeat(MAX_URL + 1);
    for (to, words) in [
        ("file:///etc/passwd", "file:"),
        ("ftp://example.org/", "ftp:"),
        ("gopher://example.org/", "gopher:"),
        ("javascript:alert(1)", "javascript:"),
        ("data:text/xml,<rss/>", "data:"),
        ("http://user@other.example/", "user name"),
        ("http://:pass@other.example/", "user name"),
        ("\\\\other.example\\", "backslash"),
        ("/a\tb", "control"),
        ("http://", "no address"),
        (&long, "8193 bytes"),
    ] {
        let error = location(&head(&[("location", to)]), &url()).unwrap_err();
        assert!(error.contains(words), "{to}: {error}");
    }
    assert!(location(&HeaderMap::new(), &url()).unwrap_err().contains("no Location"));
}

#[test]
fn hubs_and_base() {
    let lines = [
        (
            "link",
            "<https://hub.example/>; rel=\"hub\", </self>; rel=self, </h,2>; title=\"a, <b>\"; REL=\"other HUB\"",
        ),
        ("link", "<ftp://hub.example/>; rel=hub, <https://hub.example/>; rel=hub, broken"),
    ];
    let (hubs, own) = hubs(&head(&lines), &url());
    assert_eq!(hubs, ["https://hub.example/", "https://example.org/h,2"]);
    assert_eq!(own.as_deref(), Some("https://example.org/self"));
    for (to, expected) in [
        ("feed.en", "https://example.org/a/feed.en"),
        ("https://evil.example/", "https://example.org/a/feed?x=1"),
        ("http://example.org/", "https://example.org/a/feed?x=1"),
    ] {
        assert_eq!(base(&head(&[("content-location", to)]), &url()).as_str(), expected);
    }
}
