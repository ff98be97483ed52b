use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(link: &str, key: &str) {
    assert_eq!(canonical(link).as_deref(), Some(key), "{link}");
}

#[test]
fn one_page_has_one_key() {
    for link in [
        "https://example.org/story",
        "http://example.org/story",
        "https://www.example.org/story/",
        "HTTPS://WWW.EXAMPLE.ORG:443/story",
        "http://example.org:80/story#comments",
        "https://user:secret@example.org/story?",
        "https://example.org./story?utm_source=rss&UTM_Medium=feed&fbclid=1",
        "https://example.org/%73tory",
        "https://example.org/a/../story",
        "https://example.org/story/amp/",
        "https://example.org/story/amp",
        "https://example.org/amp/story",
        "https://example.org/story.amp",
        "https://example.org/story?amp",
        "https://example.org/story?amp=1&amp;utm_source=x",
        "https://amp.example.org/story?outputType=amp",
        "https://www-example-org.cdn.ampproject.org/c/s/www.example.org/story?amp=1",
        "https://www.google.com/amp/s/www.example.org/story/amp",
        "https://example.org/story?ref=rss&xtor=RSS-1&at_custom1=x",
        " https://example.org/story\n",
    ] {
        check(link, "example.org/story");
    }
}

#[test]
fn what_differs_stays_apart() {
    check("https://example.org/", "example.org");
    check("https://example.org/Story", "example.org/Story");
    check("https://example.org/story?id=2&b=1&id=1", "example.org/story?b=1&id=2&id=1");
    check("https://example.org/story?b=1&id=2&id=1", "example.org/story?b=1&id=2&id=1");
    check("https://example.org:8080/story", "example.org:8080/story");
    check("https://example.org/story?ref=main", "example.org/story?ref=main");
    check("https://example.org/story?source=agency", "example.org/story?source=agency");
    check("https://example.org/search?q=a+b", "example.org/search?q=a%20b");
    check("https://example.org/a%2fb%2Db", "example.org/a%2Fb-b");
    check("https://example.org/100%", "example.org/100%25");
    check("https://example.org/story.amp.html", "example.org/story.html");
    check("https://example.org/amp", "example.org/amp");
    check("https://example.org/?=&=", "example.org");
    check("https://example.org/amp/amp/", "example.org/amp");
    check("https://www.org/", "www.org");
    check("https://amp.dev/", "amp.dev");
    check("https://example.org/c/s/www.example.com/x", "example.org/c/s/www.example.com/x");
    check("https://bücher.example/é", "xn--bcher-kva.example/%C3%A9");
    for none in [
        "",
        "story",
        "/story",
        "mailto:a@example.org",
        "ftp://example.org/x",
        "urn:uuid:1",
        "https://",
        "data:,x",
    ] {
        assert_eq!(canonical(none), None, "{none}");
    }
}

#[test]
fn fragments_when_they_matter() {
    let with = |link: &str| canonical_with_fragment(link).unwrap();
    assert_eq!(with("https://example.org/log#2024-03-12"), "example.org/log#2024-03-12");
    for none in ["#", "#xtor=RSS-1", "#utm_source=rss", "#:~:text=word", "#ref=rss", ""] {
        assert_eq!(with(&format!("https://example.org/log{none}")), "example.org/log", "{none}");
    }
}

#[test]
fn secrets_are_hidden() {
    for (text, masked) in [
        ("https://u:p@example.org/feed", "https://***@example.org/feed"),
        ("https://u:p@ss@example.org", "https://***@example.org"),
        ("https://example.org/feed?id=1&token=abc&x=2#t", "https://example.org/feed?id=1&token=***&x=2#t"),
        (
            "https://example.org/?api_key=1&API-Key=2&sig=3&X-Amz-Signature=4",
            "https://example.org/?api_key=***&API-Key=***&sig=***&X-Amz-Signature=***",
        ),
        ("https://example.org/a;jsessionid=1?%74oken=2", "https://example.org/a;jsessionid=***?%74oken=***"),
        ("https://example.org/#access_token=1", "https://example.org/#access_token=***"),
        ("https://example.org/?url=https%3A%2F%2Fu%3Ap%40h.example", "https://example.org/?url=***"),
        (
            "https://example.org/?url=https%3A%2F%2Fh.example%2F%3fid%3D1%26token%3D2&x=1",
            "https://example.org/?url=***&x=1",
        ),
        (
            "https://example.org/?url=https%3A%2F%2Fh.example%3Fid%3D1",
            "https://example.org/?url=https%3A%2F%2Fh.example%3Fid%3D1",
        ),
        (
            "error for url (https://u@example.org/?key=1), then http://b.example/?pwd=2 end",
            "error for url (https://***@example.org/?key=*** then http://b.example/?pwd=*** end",
        ),
        ("https://example.org/?token=&q=a@b", "https://example.org/?token=&q=a@b"),
        ("postgresql://u:p@db.example/r", "postgresql://***@db.example/r"),
        ("no link at all, key=1", "no link at all, key=1"),
    ] {
        assert_eq!(mask(text), masked, "{text}");
    }
}

proptest! {
    #[test]
    fn a_key_is_stable(path in "[a-zA-Z0-9/%._~-]{0,20}", query in "[a-z0-9=&%+;]{0,20}", fragment in "[a-z0-9=]{0,8}") {
        let link = format!("https://www.example.org/{path}?{query}#{fragment}");
        for key in [canonical, canonical_with_fragment] {
            let once = key(&link).unwrap();
            prop_assert_eq!(key(&format!("http://{once}")).unwrap(), once);
        }
    }

    #[test]
    fn a_link_that_is_not_parsed_has_the_parts_of_the_parsed(
        link in "(http|https)://(a|www\\.a-b)[a-z0-9.x-]{0,6}(127\\.0\\.0\\.[0-9]{1,3})?(:[0-9]{0,5})?[/?#]?[ -~\u{A0}-\u{FF}]{0,8}",
        address in "http://[0-9]{1,3}(\\.[0-9x]{1,3}){1,4}(:[0-9]{1,5})?(/[a-c./?#~:@-]{0,6})?",
    ) {
        for link in [link, address] {
            if let Some(parts) = Parts::of_plain(&link) {
                let url = Url::parse(&link).unwrap();
                let parsed = parts_of(&url).unwrap();
                // A parsed link always has a path.
                let path = if parts.path.is_empty() { "/" } else { parts.path };
                prop_assert_eq!(Parts { path, ..parts }, parsed, "{}", link);
            }
        }
    }

    #[test]
    fn any_text_is_taken(text in any::<String>()) {
        let _ = canonical(&text);
        let _ = mask(&text);
    }

    #[test]
    fn a_password_never_shows(user in "[a-z]{1,8}", password in "[A-Z]{6,12}", path in "[a-z/?&=#]{0,20}") {
        let masked = mask(&format!("https://{user}:{password}@example.org/{path}&token={password}"));
        prop_assert!(!masked.contains(&password), "{}", masked);
    }
}

#[track_caller]
fn hides(address: &str, text: &str, hidden: &str) {
    let secrets = Secrets::of([&address.parse().unwrap()]);
    assert_eq!(secrets.hide(text), hidden, "{address}: {text}");
    assert_eq!(secrets.hide(hidden), hidden, "{address}: {hidden}");
}

#[test]
fn only_what_opens_the_address_is_hidden() {
    let address = "http://u:pw@example.org/feed;sid=9/x?token=T1&p=2&apikey=a-long-one-of-its-kind";
    for (text, hidden) in [
        ("http://u:pw@example.org/feed/1", "http://example.org/feed/1"),
        ("http://other@example.org:80/", "http://example.org:80/"),
        ("http://u:pw@example.com/", "http://u:pw@example.com/"),
        ("http://example.org/1?token=T1&p=2#x", "http://example.org/1?token=***&p=2#x"),
        ("https://cdn.example/?sig=T1&t=T1", "https://cdn.example/?sig=***&t=T1"),
        ("https://cdn.example/?t=a-long-one-of-its-kind", "https://cdn.example/?t=***"),
        ("https://cdn.example/a-long-one-of-its-kind/1.mp3", "https://cdn.example/***/1.mp3"),
        ("https://cdn.example/?token=T2&sid=8", "https://cdn.example/?token=T2&sid=8"),
        (
            "as http://u:pw@example.org/ (http://x.example/?token=T1), a",
            "as http://example.org/ (http://x.example/?token=*** a",
        ),
        (
            "<a href=\"http://x.example/?a=1&amp;token=T1\">T1</a>",
            "<a href=\"http://x.example/?a=1&amp;token=***\">T1</a>",
        ),
        // The address itself, under whatever secrets it was read before.
        (
            "http://example.org/feed;sid=1/x?token=old&amp;p=2&amp;apikey=old#top",
            "http://example.org/feed;sid=***/x?token=***&amp;p=2&amp;apikey=***#top",
        ),
        ("http://example.org/feed;sid=1/x?token=T2", "http://example.org/feed;sid=1/x?token=T2"),
        ("no link: T1 u:pw", "no link: T1 u:pw"),
    ] {
        hides(address, text, hidden);
    }
    let masked = mask(address);
    hides(&masked, "http://u:pw@example.org/feed/1", "http://example.org/feed/1");
    hides(&masked, "http://example.org/feed/1?token=T1", "http://example.org/feed/1?token=T1");
    assert!(Secrets::of([&"https://example.org/feed?p=2".parse().unwrap()]).is_empty());
}

#[test]
fn a_secret_in_a_path_ends_with_its_part() {
    assert_eq!(
        mask("https://example.org/a;sid=1/b/c;token=2"),
        "https://example.org/a;sid=***/b/c;token=***"
    );
    assert_eq!(mask("https://example.org/?token=1/2"), "https://example.org/?token=***");
}
