//! Documents, looked at whole (snapshots) and read back with other people's readers.

use chrono::{TimeZone, Utc};
use proptest::prelude::*;

use super::*;
use crate::model::{Category, Digest, Enclosure, Entry, EntryId, Person, SourceId};

fn head() -> Head {
    Head {
        id: "urn:uuid:00000000-0000-8000-8000-0000000000aa".to_owned(),
        title: "All & sundry".to_owned(),
        description: "Everything, newest first".to_owned(),
        base: "https://river.example/".to_owned(),
        home: "https://river.example/feeds/all".to_owned(),
        selves: Addresses::below("https://river.example/feeds/all"),
        language: None,
        updated: Utc.with_ymd_and_hms(2013, 4, 26, 0, 0, 0).unwrap(),
        title_prefix: TitlePrefix::None,
        hub: None,
        older: None,
        newer: None,
        next: None,
        current: None,
        complete: false,
    }
}

fn published(number: u32, title: &str) -> Published {
    let at = Utc.with_ymd_and_hms(2013, 4, 26, 13, 41, 29).unwrap();
    Published {
        id: EntryId(uuid::Uuid::from_u128(0x8000_8000_0000_0000_0000 + u128::from(number))),
        number: i64::from(number),
        entry: Entry {
            guid: None,
            title: title.to_owned(),
            link: Some(format!("https://news.example/{number}?a=1&b=2")),
            whole_link: None,
            published: Some(at),
            updated: None,
            authors: Vec::new(),
            summary: None,
            content: None,
            categories: Vec::new(),
            enclosures: Vec::new(),
            image: None,
            duration: None,
            episode: None,
            language: None,
            digest: Digest([0; 16]),
            unchanged: false,
            article: crate::model::Article::Own,
        },
        published: at,
        updated: at,
        first_seen: at,
        modified: at,
        source: SourceId::new("example-news"),
        source_name: "Example <News>".to_owned(),
        source_link: Some("https://news.example/".to_owned()),
        source_url: "https://news.example/feed?x=1&y=2".to_owned(),
        podcast: None,
        via: Vec::new(),
    }
}

/// One entry with everything, one with nothing, one that shares its second.
fn sample() -> Vec<Published> {
    let mut full = published(3, "Fish & chips <b>now</b> ]]> \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{1F41F}");
    full.entry.summary = Some("<p>Short &amp; sweet</p>".to_owned().into());
    full.entry.content = Some(
        "<p>Long &lt;text&gt; ]]&gt; <a href=\"https://a.example/?x=1&amp;y=2\">a</a></p>".to_owned().into(),
    );
    full.entry.authors = vec![
        Person {
            name: Some("Ann O\u{2019}Nym".to_owned()),
            email: Some("ann@news.example".to_owned()),
            uri: None,
        },
        Person { name: None, email: None, uri: Some("https://bob.example/".to_owned()) },
    ];
    full.entry.categories = vec![
        Category {
            term: "food".to_owned(),
            scheme: Some("https://news.example/tags".to_owned()),
            label: Some("Food & drink".to_owned()),
        },
        Category { term: "R&D".to_owned(), scheme: None, label: None },
    ];
    full.entry.enclosures = vec![
        Enclosure {
            url: "https://cdn.example/a.mp3?t=1&u=2".to_owned(),
            media_type: "audio/mpeg".to_owned(),
            length: Some(12_345),
            title: Some("Listen".to_owned()),
            duration: None,
        },
        Enclosure { url: "https://cdn.example/b.pdf".to_owned(), ..Default::default() },
    ];
    full.entry.image = Some("https://cdn.example/i.png?w=1&h=2".to_owned());
    full.entry.duration = Some(754);
    full.entry.language = Some("he".to_owned());
    full.updated = Utc.with_ymd_and_hms(2013, 4, 27, 8, 0, 0).unwrap();
    full.modified = Utc.with_ymd_and_hms(2013, 4, 27, 8, 5, 0).unwrap();
    let mut bare = published(2, "");
    bare.entry.link = None;
    bare.source_link = None;
    bare.source_name = String::new();
    vec![full, bare, published(1, "AT&T &amp; others")]
}

fn text(form: Form, head: &Head, entries: &[Published]) -> String {
    String::from_utf8(document(form, head, entries)).unwrap()
}

/// What any reader must find: (id, title, link, seconds), in order.
type Seen = Vec<(String, String, String, i64)>;

fn expected(head: &Head, entries: &[Published]) -> Seen {
    Sheet::new(head, entries)
        .entries
        .iter()
        .map(|shown| (shown.id.clone(), shown.title.clone(), shown.link.clone(), shown.published.timestamp()))
        .collect()
}

/// Reads a document back with a reader of its own form.
fn read(form: Form, text: &str) -> Seen {
    match form {
        Form::Atom => {
            let feed = atom_syndication::Feed::read_from(text.as_bytes()).unwrap();
            let title = |title: &atom_syndication::Text| match title.r#type {
                atom_syndication::TextType::Html => {
                    quick_xml::escape::unescape(&title.value).unwrap().into_owned()
                }
                _ => title.value.clone(),
            };
            feed.entries
                .iter()
                .map(|entry| {
                    let link = entry.links.iter().find(|link| link.rel == "alternate").unwrap();
                    let at = entry.published.unwrap().timestamp();
                    (entry.id.clone(), title(&entry.title), link.href.clone(), at)
                })
                .collect()
        }
        Form::Rss => {
            let channel = ::rss::Channel::read_from(text.as_bytes()).unwrap();
            channel
                .items
                .iter()
                .map(|item| {
                    let at = chrono::DateTime::parse_from_rfc2822(item.pub_date().unwrap()).unwrap();
                    (
                        item.guid().unwrap().value.clone(),
                        item.title().unwrap_or_default().to_owned(),
                        item.link().unwrap().to_owned(),
                        at.timestamp(),
                    )
                })
                .collect()
        }
        Form::Json => {
            let feed: serde_json::Value = serde_json::from_str(text).unwrap();
            let word = |item: &serde_json::Value, key: &str| item[key].as_str().unwrap().to_owned();
            feed["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| {
                    let at = chrono::DateTime::parse_from_rfc3339(&word(item, "date_published")).unwrap();
                    (word(item, "id"), word(item, "title"), word(item, "url"), at.timestamp())
                })
                .collect()
        }
    }
}

/// An RSS title without what keeps its tags from being tags, and what nobody sees.
fn unspelt(title: &str) -> String {
    title.replace('\u{2060}', "")
}

fn check(head: &Head, entries: &[Published]) {
    let wanted = expected(head, entries);
    for form in Form::ALL {
        let text = text(form, head, entries);
        let mut seen = read(form, &text);
        let mut wanted = wanted.clone();
        if form == Form::Rss {
            for (_, title, ..) in seen.iter_mut().chain(&mut wanted) {
                *title = unspelt(title);
            }
        }
        assert_eq!(seen, wanted, "{form:?}");
        let feed = feed_rs::parser::parse(text.as_bytes()).unwrap();
        assert_eq!(feed.entries.len(), entries.len(), "{form:?}");
        for (entry, (id, _, link, at)) in feed.entries.iter().zip(&wanted) {
            let name = entry.links.first().map(|link| link.href.clone());
            assert_eq!(
                (&entry.id, entry.published.unwrap().timestamp(), name.as_deref()),
                (id, *at, Some(link.as_str())),
                "{form:?}"
            );
        }
    }
}

#[test]
fn the_whole_document_in_each_form() {
    let head = Head {
        hub: Some("https://river.example/hub".to_owned()),
        older: Some(Addresses::below("https://river.example/feeds/all/archive/7")),
        ..head()
    };
    check(&head, &sample());
    for form in Form::ALL {
        insta::assert_snapshot!(form.extension(), text(form, &head, &sample()));
    }
}

#[test]
fn an_empty_river_is_a_document_too() {
    check(&head(), &[]);
    let atom = text(Form::Atom, &head(), &[]);
    assert!(atom.contains("<updated>2013-04-26T00:00:00+00:00</updated>"), "{atom}");
}

#[test]
fn an_archive_says_so_and_where_the_current_document_is() {
    let newer = Some(Addresses::below("https://river.example/feeds/all/archive/2"));
    let head = Head { current: Some(head().selves), newer, ..head() };
    for (form, needle) in [
        (Form::Atom, "<fh:archive>"),
        (Form::Rss, "<fh:archive>"),
        (Form::Rss, "rel=\"current\""),
        (Form::Atom, "href=\"https://river.example/feeds/all/archive/2.atom\" rel=\"next-archive\""),
        (Form::Rss, "rel=\"next-archive\""),
    ] {
        let text = text(form, &head, &sample());
        assert!(text.contains(needle), "{form:?} {text}");
    }
}

#[test]
fn a_document_that_is_all_there_is_says_so() {
    let head = Head { complete: true, ..head() };
    for form in [Form::Atom, Form::Rss] {
        assert!(text(form, &head, &sample()).contains("<fh:complete>"), "{form:?}");
    }
}

#[test]
fn titles_say_their_source_where_asked() {
    let head = Head { title_prefix: TitlePrefix::Source, ..head() };
    let seen = read(Form::Json, &text(Form::Json, &head, &[published(1, "Rain")]));
    assert_eq!(seen.first().unwrap().1, "Example <News>: Rain");
}

#[test]
fn rss_titles_are_words_even_for_who_takes_them_for_html() {
    let rss = text(Form::Rss, &head(), &[published(1, "1 < 2 & <script>alert(1)</script>")]);
    assert!(
        rss.contains(
            "<title>1 &#x3C; 2 &#x26; &#x3C;\u{2060}script&gt;alert(1)&#x3C;\u{2060}/script&gt;</title>"
        ),
        "{rss}"
    );
}

#[test]
fn the_newest_change_dates_the_document() {
    let rss = text(Form::Rss, &head(), &sample());
    assert!(rss.contains("<lastBuildDate>Sat, 27 Apr 2013 08:05:00 GMT</lastBuildDate>"), "{rss}");
}

#[test]
fn links_that_are_none_of_the_web_never_leave() {
    for bad in ["javascript:alert(1)", "data:text/html,x", "/relative", "", "ftp://a.example/"] {
        let mut entry = published(1, "t");
        entry.entry.link = Some(bad.to_owned());
        entry.entry.image = Some(bad.to_owned());
        entry.source_url = bad.to_owned();
        for form in Form::ALL {
            let seen = read(form, &text(form, &head(), std::slice::from_ref(&entry)));
            assert!(seen.first().unwrap().2.starts_with("https://river.example/entries/"), "{bad}");
        }
    }
}

#[test]
fn addresses_are_valid_beyond_what_browsers_ask() {
    for (given, wanted) in [
        ("https://a.example/x|y?q=[1]", Some("https://a.example/x%7Cy?q=%5B1%5D")),
        ("https://ä.example/ö", Some("https://xn--4ca.example/%C3%B6")),
        ("https://[2001:db8::1]/a", Some("https://[2001:db8::1]/a")),
        ("https://a{b}.example/", None),
        ("mailto:a@b.example", None),
    ] {
        assert_eq!(shown::web(given).as_deref(), wanted, "{given}");
    }
}

/// A first poll of a long list without dates dates all of them alike.
#[test]
fn a_thousand_entries_of_one_second_are_told_apart() {
    let entries: Vec<_> = (1..=1300).map(|n| published(n, "t")).collect();
    let text = text(Form::Atom, &head(), &entries);
    let feed = atom_syndication::Feed::read_from(text.as_bytes()).unwrap();
    let moments: std::collections::HashSet<_> = feed.entries.iter().map(|entry| entry.updated).collect();
    assert_eq!(moments.len(), entries.len());
    let first = entries.first().unwrap().updated;
    assert!(moments.iter().all(|moment| moment.timestamp() == first.timestamp()));
}

/// Whoever is there already keeps its moment when others of the same second come.
#[test]
fn a_newcomer_changes_no_other_entry() {
    let entries: Vec<_> = (1..=20).rev().map(|n| published(n, "t")).collect();
    let moments = |count: usize| -> std::collections::HashMap<String, _> {
        let text = text(Form::Atom, &head(), entries.get(entries.len() - count..).unwrap());
        let feed = atom_syndication::Feed::read_from(text.as_bytes()).unwrap();
        assert!(feed.entries.iter().all(|entry| entry.updated <= feed.updated), "{text}");
        feed.entries.into_iter().map(|entry| (entry.id, entry.updated)).collect()
    };
    for count in 1..entries.len() {
        let (before, after) = (moments(count), moments(count + 1));
        assert!(before.iter().all(|(id, moment)| after[id] == *moment), "{count}: {before:?} {after:?}");
    }
}

/// The name of a source stands in an attribute, which has no type that says that it is plain.
#[test]
fn names_of_sources_are_no_markup_in_links() {
    let mut one = published(1, "t");
    one.via = vec![crate::model::Via {
        source: SourceId::new("two"),
        source_name: "R&copy;D </b> &_x".to_owned(),
        link: "https://two.example/".to_owned(),
    }];
    for form in [Form::Atom, Form::Rss] {
        let text = text(form, &head(), std::slice::from_ref(&one));
        let title = "title=\"R&amp;\u{2060}copy;D &lt;\u{2060}/b&gt; &amp;\u{2060}_x\"";
        assert!(text.contains(title), "{text}");
    }
}

#[test]
fn a_list_of_subscriptions() {
    let outline = |title: &str, groups: &[&str]| opml::Outline {
        title: title.to_owned(),
        xml_url: format!("https://news.example/{}", title.len()),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..Default::default()
    };
    let list = [outline("A & \"B\"", &["news", "un"]), outline("C", &[]), outline("D\u{0}", &["news"])];
    insta::assert_snapshot!("opml", String::from_utf8(opml::write("Sources", &list)).unwrap());
}

/// Characters chosen to hurt, among any others.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "]]>",
            "<![CDATA[",
            "&",
            "&amp;",
            "&#0;",
            "<",
            "<b>",
            "</title>",
            "\u{0}",
            "\u{1b}",
            "\r\n",
            "\r",
            "\u{FFFE}",
            "\u{FFFF}",
            "\u{FDD0}",
            "\u{202E}",
            "\u{5d0}",
            "\u{1F468}\u{200D}\u{1F469}",
            "\u{85}",
            "\u{2028}",
            "\"",
            "'",
            "-->",
            "<?xml?>",
            "<!DOCTYPE a>",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn any_entry() -> impl Strategy<Value = Published> {
    let texts = prop::collection::vec(prop::option::of(hostile()), 12);
    (any::<u32>(), texts, -100_000_000_000i64..300_000_000_000).prop_map(|(number, texts, at)| {
        let text = |index: usize| texts[index].clone();
        let mut one = published(number, &text(0).unwrap_or_default());
        one.entry.summary = text(1).map(Into::into);
        one.entry.content = text(2).map(Into::into);
        one.entry.link = text(3).map(|path| format!("https://a.example/{path}"));
        one.entry.authors = vec![Person { name: text(4), email: text(5), uri: text(6) }];
        one.entry.categories =
            vec![Category { term: text(7).unwrap_or_default(), scheme: text(8), label: text(9) }];
        one.entry.enclosures = vec![Enclosure {
            url: format!("https://a.example/{}", text(10).unwrap_or_default()),
            media_type: text(11).unwrap_or_default(),
            length: Some(7),
            title: text(9),
            duration: Some(3),
        }];
        one.entry.image = one.entry.link.clone();
        one.entry.language = text(8);
        one.source_name = text(9).unwrap_or_default();
        one.source_url = text(10).unwrap_or_default();
        one.published = chrono::DateTime::from_timestamp(at, 0).unwrap();
        one.updated = one.published;
        one
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_is_rendered_parses_back(mut entries in prop::collection::vec(any_entry(), 0..4)) {
        for (number, entry) in entries.iter_mut().enumerate() {
            entry.id = published(u32::try_from(number).unwrap(), "").id;
        }
        check(&head(), &entries);
    }

    #[test]
    fn texts_come_back_as_they_went(content in hostile()) {
        let mut entry = published(1, "t");
        entry.entry.content = Some(content.clone().into());
        let wanted = shown::many_lines(&content);
        let entries = [entry];
        let rss = ::rss::Channel::read_from(text(Form::Rss, &head(), &entries).as_bytes()).unwrap();
        prop_assert_eq!(rss.items[0].content.clone().unwrap_or_default(), wanted.clone());
        let atom =
            atom_syndication::Feed::read_from(text(Form::Atom, &head(), &entries).as_bytes()).unwrap();
        let value = atom.entries[0].content.clone().and_then(|content| content.value).unwrap_or_default();
        prop_assert_eq!(value, wanted);
    }
}

#[test]
fn the_same_story_elsewhere_is_linked_in_every_form() {
    let mut one = published(1, "Beavers return");
    let via = |name: &str, link: &str| crate::model::Via {
        source: SourceId::new("paper"),
        source_name: name.to_owned(),
        link: link.to_owned(),
    };
    let own = one.entry.link.clone().unwrap();
    let bad = via("Paper", "javascript:alert(1)");
    one.via = vec![via("A & <B> \"C\"", "https://paper.example/7?a=1&b=2"), bad, via("Paper", &own)];
    let told = [one];
    let atom = text(Form::Atom, &head(), &told);
    let parsed = feed_rs::parser::parse(atom.as_bytes()).unwrap();
    let links = |rel: &str| -> Vec<(String, Option<String>)> {
        let of_rel = parsed.entries[0].links.iter().filter(|link| link.rel.as_deref() == Some(rel));
        of_rel.map(|link| (link.href.clone(), link.title.clone())).collect()
    };
    assert_eq!(
        links("via"),
        [("https://paper.example/7?a=1&b=2".to_owned(), Some("A & <B> \"C\"".to_owned()))]
    );
    let rss = text(Form::Rss, &head(), &told);
    let channel = ::rss::Channel::read_from(rss.as_bytes()).unwrap();
    let link = &channel.items()[0].extensions()["atom"]["link"];
    assert_eq!(link.len(), 1);
    assert_eq!(link[0].attrs()["rel"], "via");
    assert_eq!(link[0].attrs()["href"], "https://paper.example/7?a=1&b=2");
    assert_eq!(channel.items()[0].link(), Some(own.as_str()));
    let json: serde_json::Value = serde_json::from_str(&text(Form::Json, &head(), &told)).unwrap();
    let expected = serde_json::json!([
        {"id": "paper", "title": "A & <B> \"C\"", "url": "https://paper.example/7?a=1&b=2"}
    ]);
    assert_eq!(json["items"][0]["_riverine"]["via"], expected);
}
