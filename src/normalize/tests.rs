//! What a reading becomes, and that it stays so.

use std::collections::HashSet;

use chrono_tz::Europe::Vienna;
use proptest::prelude::*;

use super::*;
use crate::link::Secrets;
use crate::model::Format;

fn document(entries: Vec<RawEntry>) -> Parsed {
    let feed = RawFeed {
        title: Some(Text::plain("Feed")),
        language: Some("en_us".to_owned()),
        ..RawFeed::default()
    };
    Parsed { format: Format::Rss2, feed, entries, warnings: Vec::new(), learned: None, next_page: None }
}

fn normal_with(raw: RawEntry, stored: &HashSet<Digest>) -> (Entry, Vec<Warning>) {
    let url = Url::parse("https://a.example/feeds/rss").unwrap();
    let context =
        Context { url: Some(&url), secrets: &Secrets::default(), timezone: Vienna, language: None, stored };
    let mut normalized = normalize(document(vec![raw]), &context);
    (normalized.entries.remove(0), normalized.warnings)
}

fn normal(raw: RawEntry) -> (Entry, Vec<Warning>) {
    normal_with(raw, &HashSet::new())
}

fn unknown(value: &str) -> Text {
    Text { kind: TextKind::Unknown, ..Text::plain(value) }
}

#[track_caller]
fn title(said: Text, plain: &str) {
    assert_eq!(normal(RawEntry { title: Some(said), ..RawEntry::default() }).0.title, plain);
}

#[track_caller]
fn content(said: Text, html: &str) {
    assert_eq!(
        normal(RawEntry { content: Some(said), ..RawEntry::default() }).0.content.as_deref(),
        Some(html)
    );
}

#[test]
fn titles_are_plain_text() {
    title(Text::plain("Vec<String>  &amp;\n more"), "Vec<String> &amp; more");
    title(Text::html("<b>Bold</b> &amp; <i>not</i>"), "Bold & not");
    title(unknown("AT&amp;T <em>grows</em>, A<B"), "AT&T grows, A<B");
    title(Text::html("AT&amp;amp;T"), "AT&T");
    title(Text::plain("\u{FEFF}Between \u{200B}marks \u{200B} "), "Between \u{200B}marks");
    title(unknown("How &amp;lt; is written"), "How &lt; is written");
    title(unknown(&"x".repeat(2000)), &"x".repeat(1000));
}

#[test]
fn texts_are_clean_html() {
    content(Text::plain("a < b\nc\n\nd & e"), "<p>a &lt; b<br>c</p><p>d &amp; e</p>");
    content(unknown("5 < 6 &amp; more"), "5 &lt; 6 &amp; more");
    content(unknown("<p onclick=x>a<script>b</script></p>"), "<p>a</p>");
    content(unknown("&lt;p&gt;escaped twice&lt;/p&gt;"), "<p>escaped twice</p>");
    content(Text::html("<a href=../x>x</a>"), "<a href=\"https://a.example/x\">x</a>");
    let based = Text { base: Some("https://b.example/".to_owned()), ..Text::html("<img src=y.png>") };
    content(based, "<img src=\"https://b.example/y.png\">");
}

#[test]
fn a_summary_that_repeats_the_content_is_none() {
    let raw =
        RawEntry { summary: Some(unknown("same")), content: Some(unknown("same")), ..RawEntry::default() };
    let (entry, _) = normal(raw);
    assert_eq!((entry.summary, entry.content.as_deref()), (None, Some("same")));
}

#[test]
fn dates_are_instants_in_the_sources_zone() {
    let dated = |text: &str| {
        let raw = RawEntry { published: Some(RawDate::new(text)), ..RawEntry::default() };
        let (entry, warnings) = normal(raw);
        (entry.published.map(|at| at.to_rfc3339()), warnings.len())
    };
    assert_eq!(dated("2013-04-26 15:41:29.0"), (Some("2013-04-26T13:41:29+00:00".to_owned()), 0));
    assert_eq!(dated("2013-01-05 09:00"), (Some("2013-01-05T08:00:00+00:00".to_owned()), 0));
    assert_eq!(dated("2013-10-27 02:30"), (Some("2013-10-27T00:30:00+00:00".to_owned()), 1));
    assert_eq!(dated("soon"), (None, 1));
    let formed = RawDate { text: "26|04|2013".to_owned(), format: Some("%d|%m|%Y".to_owned()) };
    let (entry, warnings) = normal(RawEntry { published: Some(formed), ..RawEntry::default() });
    assert_eq!(entry.published.unwrap().to_rfc3339(), "2013-04-25T22:00:00+00:00");
    assert!(warnings.is_empty());
}

#[test]
fn links_are_absolute_and_of_the_web() {
    let linked = |link: &str| normal(RawEntry { link: Some(link.to_owned()), ..RawEntry::default() }).0.link;
    assert_eq!(linked("../1").as_deref(), Some("https://a.example/1"));
    assert_eq!(linked(" //b.example/x ").as_deref(), Some("https://b.example/x"));
    assert_eq!(linked("javascript:alert(1)"), None);
    assert_eq!(linked(&format!("/{}", "x".repeat(9000))), None);
}

#[test]
fn language_is_the_entrys_then_a_guess_then_the_feeds() {
    let spoken = |title: &str, own: Option<&str>| {
        let raw = RawEntry {
            title: Some(Text::plain(title)),
            language: own.map(str::to_owned),
            ..RawEntry::default()
        };
        normal(raw).0.language
    };
    assert_eq!(spoken("Le rapport mondial sur la traite des personnes", Some("it")).as_deref(), Some("it"));
    assert_eq!(spoken("Le rapport mondial sur la traite des personnes", None).as_deref(), Some("fr"));
    assert_eq!(spoken("123", None).as_deref(), Some("en-US"));
}

#[test]
fn limits_hold_and_are_said() {
    let category = |number: usize| Category { term: format!("c{number}"), ..Category::default() };
    let file = |number: usize| Enclosure { url: format!("/{number}.mp3"), ..Enclosure::default() };
    let raw = RawEntry {
        guid: Some("g".repeat(5000)),
        categories: (0..100).map(category).collect(),
        enclosures: (0..100).map(file).collect(),
        content: Some(Text::plain("x".repeat(2 << 20))),
        ..RawEntry::default()
    };
    let (entry, warnings) = normal(raw);
    assert_eq!(entry.guid.map(|guid| guid.len()), Some(32));
    assert_eq!((entry.categories.len(), entry.enclosures.len()), (64, 64));
    assert_eq!(entry.content.unwrap().len(), (1 << 20) + "<p></p>".len());
    assert_eq!(warnings.len(), 3, "{warnings:?}");
}

#[test]
fn what_is_stored_is_not_cleaned_again() {
    let raw = RawEntry { content: Some(unknown("<b>x</b>")), ..RawEntry::default() };
    let (first, _) = normal(raw.clone());
    let (again, _) = normal_with(raw, &HashSet::from([first.digest]));
    assert!(again.unchanged && again.content.is_none() && again.digest == first.digest);
}

/// An entry said again in its own words.
fn said_again(entry: &Entry) -> RawEntry {
    let date = |at: DateTime<Utc>| RawDate::new(at.to_rfc3339());
    RawEntry {
        guid: entry.guid.clone(),
        title: Some(Text::plain(entry.title.clone())),
        link: entry.link.clone(),
        published: entry.published.map(date),
        updated: entry.updated.map(date),
        authors: entry.authors.clone(),
        summary: entry.summary.clone().map(Text::html),
        content: entry.content.clone().map(Text::html),
        categories: entry.categories.clone(),
        enclosures: entry.enclosures.clone(),
        image: entry.image.clone(),
        duration: entry.duration,
        episode: entry.episode.clone(),
        language: entry.language.clone(),
        base: None,
    }
}

fn text() -> impl Strategy<Value = Option<Text>> {
    let kind = prop_oneof![Just(TextKind::Plain), Just(TextKind::Html), Just(TextKind::Unknown)];
    let value = prop_oneof![
        "[a-zé<>/&;= \"'!\n-]{0,40}",
        "(<(p|b|div|a href=x|img src=y|script|x)>|</(p|b|div|a)>|&amp;|&lt;|&#x3c;|&nbsp;|[a-z ]{1,5}){0,12}",
        "\\PC{0,30}",
    ];
    proptest::option::of((value, kind).prop_map(|(value, kind)| Text { kind, ..Text::plain(value) }))
}

prop_compose! {
    fn raw()(
        title in text(), summary in text(), content in text(),
        guid in proptest::option::of("\\PC{0,20}"),
        link in proptest::option::of("(/|https?://|mailto:|)[a-z.?&=#%é ]{0,20}"),
        term in "\\PC{0,12}", name in "\\PC{0,12}",
        date in proptest::option::of("(20[0-9]{2}-0[1-9]-[12][0-9]( [01][0-9]:[0-5][0-9])?|\\PC{0,12})"),
        language in proptest::option::of("[a-zA-Z_-]{0,6}"),
    ) -> RawEntry {
        RawEntry {
            guid, title, link, summary, content, language,
            published: date.map(RawDate::new),
            authors: vec![Person { name: Some(name), ..Person::default() }],
            categories: vec![Category { term, ..Category::default() }],
            ..RawEntry::default()
        }
    }
}

proptest! {
    #[test]
    fn normalizing_twice_changes_nothing(raw in raw()) {
        let (once, _) = normal(raw);
        let (twice, _) = normal(said_again(&once));
        prop_assert_eq!(Entry { digest: once.digest, ..twice }, once);
    }
}

#[test]
fn the_order_of_days_is_that_of_the_whole_document() {
    let dated = |text: &str| RawEntry { published: Some(RawDate::new(text)), ..RawEntry::default() };
    let read = |texts: [&str; 3]| {
        let context = Context {
            url: None,
            secrets: &Secrets::default(),
            timezone: chrono_tz::UTC,
            language: None,
            stored: &HashSet::new(),
        };
        let normalized = normalize(document(texts.map(dated).to_vec()), &context);
        let first = normalized.entries[0].published.unwrap().format("%Y-%m-%d").to_string();
        (first, normalized.warnings.len())
    };
    assert_eq!(read(["03/04/2024", "25/03/2024", "1/2/24"]), ("2024-04-03".to_owned(), 0));
    assert_eq!(read(["03/04/2024", "3/25/2024", "1/2/24"]), ("2024-03-04".to_owned(), 0));
    assert_eq!(read(["03.04.2024", "3.25.2024", "1.2.24"]), ("2024-03-04".to_owned(), 0));
    // One against the other: as if neither were there.
    let (first, warnings) = read(["03/04/2024", "3/25/2024", "25/3/2024"]);
    assert_eq!((first.as_str(), warnings), ("2024-04-03", 1));
}
