//! What is told apart, what is kept of damaged documents, and that limits hold. Whole documents and what is read
//! of them are in `tests/fixtures/feeds`.

use rstest::rstest;

use super::*;

fn read_as(kind: Kind, content_type: Option<&str>, bytes: &[u8]) -> Result<Parsed, ParseError> {
    let selectors = PageSelectors { pages: 1, ..PageSelectors::default() };
    parse(&Input { bytes, content_type, content_language: None, url: None, kind, selectors: &selectors })
}

fn read(text: &str) -> Result<Parsed, ParseError> {
    read_as(Kind::Auto, None, text.as_bytes())
}

fn titles(parsed: &Parsed) -> Vec<&str> {
    parsed.entries.iter().map(|entry| entry.title.as_ref().map_or("", |title| title.value.as_str())).collect()
}

fn items(inside: &str) -> String {
    format!("<rss version='2.0'><channel><title>t</title>{inside}</channel></rss>")
}

#[rstest]
#[case("<rss version='2.0'/>", Format::Rss2)]
#[case("<RSS version='0.91'></RSS>", Format::Rss0)]
#[case("<?xml version='1.0'?><!-- c --><!DOCTYPE rss [<!ENTITY a 'b'>]>\n<rss></rss>", Format::Rss2)]
#[case("<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>", Format::Rss1)]
#[case("<feed xmlns='http://www.w3.org/2005/Atom'/>", Format::Atom)]
#[case("<feed version='0.3' xmlns='http://purl.org/atom/ns#'/>", Format::Atom03)]
#[case(
    "<atom:entry xmlns:atom='http://www.w3.org/2005/Atom'><atom:title>x</atom:title></atom:entry>",
    Format::Atom
)]
#[case("{\"version\": \"https://jsonfeed.org/version/1\", \"items\": []}", Format::Json)]
fn feeds_are_told_by_their_root(#[case] text: &str, #[case] format: Format) {
    // A server's word does not matter.
    for content_type in [None, Some("text/html"), Some("text/plain")] {
        assert_eq!(read_as(Kind::Auto, content_type, text.as_bytes()).unwrap().format, format);
    }
}

#[rstest]
#[case("", "empty")]
#[case(" \n\u{FEFF}", "empty")]
#[case("<opml version='2.0'><body/></opml>", "OPML")]
#[case("<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG")]
#[case("<urlset/>", "sitemap")]
#[case("{\"error\": 1}", "no \"items\"")]
#[case("[1, 2]", "no object")]
#[case("{\"version\": \"x\", ", "broken")]
#[case("\u{89}PNG", "")]
fn what_is_no_feed_is_said(#[case] text: &str, #[case] word: &str) {
    let error = read(text).unwrap_err();
    assert!(matches!(&error, ParseError::NoFeed(words) if words.contains(word)), "{error:?}");
}

#[test]
fn files_are_known_by_their_first_bytes() {
    for bytes in [b"\x89PNG\r\n".as_slice(), b"%PDF-1.7", b"\x1F\x8B\x08", b"PK\x03\x04"] {
        assert!(read_as(Kind::Auto, None, bytes).unwrap_err().to_string().contains("no text"));
    }
}

#[test]
fn entries_before_and_behind_damage_are_kept() {
    let parsed = read(&items(
        "<item><title>One & only</title></item><item><title>A < B</title></item>\
         <item><title>Two</titel></item><item><title>Three</title><description><![CDATA[never ends]]></description></item>",
    ))
    .unwrap();
    assert_eq!(titles(&parsed), ["One & only", "A < B", "Two", "Three"]);
    let cut = read(&items("<item><title>One</title></item><item><title>Tw").replace("</channel></rss>", ""))
        .unwrap();
    assert_eq!(titles(&cut), ["One"]);
    assert!(cut.warnings.iter().any(|warning| warning.0.contains("cut off")));
}

#[test]
fn depth_and_attributes_have_limits() {
    let deep = |levels: usize| {
        items(&format!("<item><a>{}x{}</a></item>", "<b>".repeat(levels), "</b>".repeat(levels)))
    };
    assert!(read(&deep(200)).is_ok());
    assert!(matches!(read(&deep(300)), Err(ParseError::Limit(words)) if words.contains("256")));
    let attributes: String = (0..300).map(|number| format!(" a{number}='x'")).collect();
    assert!(matches!(read(&items(&format!("<item{attributes}/>"))), Err(ParseError::Limit(_))));
    let json = |levels: usize| {
        format!(
            "{{\"version\": \"jsonfeed.org\", \"x\": {}1{}, \"items\": []}}",
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    assert!(read(&json(200)).is_ok());
    assert!(matches!(read(&json(300)), Err(ParseError::Limit(words)) if words.contains("256")));
}

#[test]
fn a_million_items_are_five_thousand_and_a_word() {
    let parsed = read(&items(&"<item/>".repeat(1_000_000))).unwrap();
    assert_eq!(parsed.entries.len(), 5000);
    assert!(
        parsed.warnings.iter().any(|warning| warning.0.contains("995000 were left")),
        "{:?}",
        parsed.warnings
    );
}

/// Work is linear: each of these would take minutes if any step looked back.
#[rstest]
#[case("<item><title>", "x", "</title></item>", 10_000_000)]
#[case("<item><title>", "&amp;", "</title></item>", 1_000_000)]
#[case("<item><description>", "<b", "</description></item>", 1_000_000)]
#[case("<item><description><![CDATA[", "<p <!-- ", "]]></description></item>", 500_000)]
#[case("<item><description>", "< ", "</description></item>", 1_000_000)]
#[case("<item><description>", "</b>", "</description></item>", 500_000)]
#[case("<item><description>", "<![CDATA[", "</description></item>", 500_000)]
#[case("<item><description>", "<!--", "</description></item>", 500_000)]
#[case("<item><category>", "a'\"<", "</category></item>", 500_000)]
fn long_texts_cost_time_in_proportion(
    #[case] before: &str,
    #[case] piece: &str,
    #[case] after: &str,
    #[case] times: usize,
) {
    // Whether anything can be read of it does not matter here.
    let _ = read(&items(&format!("{before}{}{after}", piece.repeat(times))));
}

#[test]
fn character_sets_in_order() {
    let title = |content_type: Option<&str>, bytes: &[u8]| {
        let parsed = read_as(Kind::Auto, content_type, bytes).unwrap();
        parsed.feed.title.unwrap().value
    };
    let document = |encoding: &str, bytes: &[u8]| {
        [
            b"<?xml version='1.0' encoding='",
            encoding.as_bytes(),
            b"'?><rss><channel><title>",
            bytes,
            b"</title></channel></rss>",
        ]
        .concat()
    };
    // A mark beats everything, valid UTF-8 what is said of it, the server the document.
    assert_eq!(
        title(
            Some("text/xml; charset=koi8-r"),
            &[b"\xEF\xBB\xBF".as_slice(), &document("x", "é".as_bytes())].concat()
        ),
        "é"
    );
    assert_eq!(title(Some("text/xml; charset=iso-8859-1"), &document("iso-8859-1", "é".as_bytes())), "é");
    assert_eq!(title(Some("text/xml; charset=koi8-r"), &document("iso-8859-1", b"\xC1")), "а");
    assert_eq!(title(None, &document("iso-8859-1", b"\xC1")), "Á");
    assert_eq!(title(Some("text/xml; charset=utf-7"), &document("utf-8", b"+AOk-")), "+AOk-");
    assert_eq!(title(None, &document("iso-2022-jp", b"\x1B$B@n\x1B(B")), "川");
}

#[test]
fn careless_json_is_mended_and_cut_json_kept() {
    let items = |rest: &str| {
        let text = format!("{{\"version\": \"https://jsonfeed.org/version/1\", \"items\": [{rest}");
        let parsed = read(&text).unwrap();
        assert_eq!(parsed.warnings.len(), 1, "{:?}", parsed.warnings);
        titles(&parsed).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(items("{\"title\": \"a\tb\"}, {\"title\": \"c\\\\\",},]}"), ["a\tb", "c\\"]);
    assert_eq!(items("{\"title\": \"\\ud83dx\"}]}"), ["\u{FFFD}x"]);
    assert_eq!(items("{\"title\": \"\\ud83d\\ude00,]\",}]}"), ["\u{1F600},]"]);
    // Mended, and cut all the same.
    assert_eq!(items("{\"title\": \"a\nb\"}, {\"title\": \"c"), ["a\nb"]);
    assert_eq!(items("{\"title\": \"a\nb\"}, {\"title\": \"c\\"), ["a\nb"]);
}

#[rstest]
#[case("<item><title>a</title><link href='x/>\n<guid>1</guid></item>", "a", Some("1"))]
#[case("<item><title a</title><guid>1</guid></item>", "a", Some("1"))]
#[case("<item><titlea</title><guid>1</guid></item>", "a", Some("1"))]
#[case("<item><title>a</title\n<guid>1</guid></item>", "a", Some("1"))]
#[case("<item><title>a<guid>1</guid></item>", "a", Some("1"))]
#[case("<item><title><title>a</title><guid>1</guid></item>", "a", Some("1"))]
#[case("<item><guid foo=\"1 > 0\">1</guid><title>a</title></item>", "a", Some("1"))]
#[case("<item><guid foo=\"1 < 2\">1</guid><title>a</title></item>", "a", Some("1"))]
#[case("<item><guid foo='<p>x > y</p><p>%</p>' >1</guid><title>a</title></item>", "a", Some("1"))]
#[case("<item><guid foo='1 > 0 <b>%</b>'>1</guid><title>a</title></item>", "a", Some("1"))]
#[case("<item><guid foo=bar\">1</guid><title>a</title></item>", "a", Some("1"))]
#[case("<item><x:title>no</x:title><title>a</title><x:guid>2</x:guid></item>", "a", None)]
fn torn_tags_cost_nothing(#[case] item: &str, #[case] title: &str, #[case] guid: Option<&str>) {
    let item = item.replace('%', &"<i>words</i> ".repeat(100));
    // What follows is whole in any case.
    let parsed = read(&items(&format!("{item}<item><title>next</title></item>"))).unwrap();
    assert_eq!(titles(&parsed), [title, "next"]);
    assert_eq!(parsed.entries.first().unwrap().guid.as_deref(), guid);
}

#[test]
fn escape_sequences_tell_their_character_set() {
    for declaration in ["", "<?xml version='1.0' encoding='iso2022_jp'?>"] {
        let text = format!("{declaration}{}", items("<item><title>\u{1B}$B?7\u{1B}(B!</title></item>"));
        assert_eq!(titles(&read(&text).unwrap()), ["新!"]);
    }
}
