use super::*;
use crate::model::Kind;

fn check(html: &str, selectors: &PageSelectors) -> Result<Parsed, ParseError> {
    let url = Url::parse("https://example.org/news/").unwrap();
    let input = Input {
        bytes: html.as_bytes(),
        content_type: None,
        content_language: None,
        url: Some(&url),
        kind: Kind::Page,
        selectors,
    };
    read(html, &input)
}

fn selectors(pairs: &[(&str, &str)]) -> PageSelectors {
    let mut selectors = PageSelectors { pages: 1, ..PageSelectors::default() };
    for (key, selector) in pairs {
        let slot = match *key {
            "item" => &mut selectors.item,
            "title" => &mut selectors.title,
            "link" => &mut selectors.link,
            "date" => &mut selectors.date,
            "date_format" => &mut selectors.date_format,
            "summary" => &mut selectors.summary,
            "content" => &mut selectors.content,
            "author" => &mut selectors.author,
            "image" => &mut selectors.image,
            "language" => &mut selectors.language,
            "next" => &mut selectors.next,
            other => panic!("{other}"),
        };
        *slot = Some((*selector).to_owned());
    }
    selectors
}

fn configured(html: &str, pairs: &[(&str, &str)]) -> Parsed {
    check(html, &selectors(pairs)).expect("a list")
}

fn words(html: &str, pairs: &[(&str, &str)]) -> String {
    check(html, &selectors(pairs)).unwrap_err().to_string()
}

fn titles(parsed: &Parsed) -> Vec<&str> {
    parsed.entries.iter().filter_map(|entry| entry.title.as_ref()).map(|title| title.value.as_str()).collect()
}

fn value(text: Option<&Text>) -> &str {
    text.map(|text| text.value.as_str()).unwrap_or_default()
}

const LIST: &str = r#"<html lang=en><title>Port</title><body>
<ul class=menu><li><a href=/>Home</a><li><a href=/about>About us</a></ul>
<ul class="news big">
 <li class=card lang=fr><a class=more href="/m1">mehr</a><h3><a href="a1">Le premier titre</a></h3>
  <time datetime="2024-03-01">hier</time><p>One.</p><p>Two <b>bold</b>.</p><em class=by>Von Ada Berg</em><img data-src=x.jpg src=blank.gif></li>
 <li class=card><h3><a href="a2">The second title</a></h3><span class=d>2. März 2024, 10:30 Uhr</span><p>Three.</p></li>
</ul><a class=older href="?p=2">Older</a></body></html>"#;

#[test]
fn selectors_with_attributes_candidates_and_defaults() {
    let pairs = [
        ("item", "ul.news > li"),
        ("title", "h3"),
        ("link", "a.more@href, h3 a"),
        ("date", "time@datetime, .d"),
        ("summary", "p"),
        ("author", ".by"),
        ("image", "img"),
        ("next", "a.older@href"),
    ];
    let parsed = configured(LIST, &pairs);
    assert_eq!(titles(&parsed), ["Le premier titre", "The second title"]);
    let [first, second] = parsed.entries.as_slice() else { panic!("two entries") };
    assert_eq!(first.link.as_deref(), Some("/m1"));
    assert_eq!(second.link.as_deref(), Some("a2"));
    assert_eq!(first.published.as_ref().unwrap().text, "2024-03-01");
    assert_eq!(second.published.as_ref().unwrap().text, "2. März 2024, 10:30 Uhr");
    assert_eq!(value(first.summary.as_ref()), "<p>One.</p><p>Two <b>bold</b>.</p>");
    assert_eq!(first.authors[0].name.as_deref(), Some("Ada Berg"));
    assert_eq!(first.image.as_deref(), Some("x.jpg"));
    assert_eq!(first.language.as_deref(), Some("fr"));
    assert_eq!(second.language, None);
    assert_eq!(parsed.feed.language.as_deref(), Some("en"));
    assert_eq!(parsed.next_page.as_deref(), Some("?p=2"));
    assert_eq!(parsed.warnings, []);
}

#[test]
fn what_is_not_configured_is_worked_out() {
    let parsed = configured(LIST, &[("item", "li.card")]);
    assert_eq!(titles(&parsed), ["Le premier titre", "The second title"]);
    assert_eq!(parsed.entries[0].link.as_deref(), Some("a1"));
    assert_eq!(parsed.entries[1].published.as_ref().unwrap().text, "2. März 2024, 10:30 Uhr");
}

#[test]
fn a_form_of_dates_goes_along() {
    let parsed =
        configured(LIST, &[("item", "li.card"), ("date", "time@datetime"), ("date_format", "%Y-%m-%d")]);
    let date = parsed.entries[0].published.as_ref().unwrap();
    assert_eq!((date.text.as_str(), date.format.as_deref()), ("2024-03-01", Some("%Y-%m-%d")));
    assert_eq!(parsed.entries[1].published, None);
}

#[test]
fn a_field_that_matches_nowhere_is_named_and_worked_out() {
    let parsed = configured(LIST, &[("item", "li.card"), ("title", "h2.head")]);
    assert_eq!(titles(&parsed), ["Le premier titre", "The second title"]);
    let warning = &parsed.warnings[0].0;
    assert!(warning.contains("`title`") && warning.contains("2 items"), "{warning}");
}

#[test]
fn items_that_match_nothing_are_named_with_what_is_there() {
    let said = words(LIST, &[("item", "ul.news > div.item")]);
    assert!(said.contains("`ul.news > div.item` matches nothing"), "{said}");
    assert!(said.contains("`ul.news` is there with 2 `li.card`"), "{said}");
    let said = words(LIST, &[("item", "table.list tr")]);
    assert!(said.contains("no part of it is there") && said.contains("2 `li.card`"), "{said}");
    let said = words(LIST, &[("item", "li[")]);
    assert!(said.contains("`item`") && said.contains("not a CSS selector"), "{said}");
}

#[test]
fn an_empty_list_is_no_missing_list() {
    let html = "<h1>News</h1><ul class=news><!-- none --></ul><ul class=menu><li><a href=/>Home</a><li><a href=/x>X</a></ul>";
    let parsed = configured(html, &[("item", "ul.news > li")]);
    assert_eq!(parsed.entries.len(), 0);
    assert!(parsed.warnings[0].0.contains("the list is empty"), "{:?}", parsed.warnings);
    let html = html.replace("<!-- none -->", "<p>There is no news today.</p>");
    assert_eq!(configured(&html, &[("item", "ul.news > li")]).entries.len(), 0);
}

#[test]
fn definitions_reach_up_to_the_next_term() {
    let html = "<dl><dt>1 March 2024<dd><a href=a>First decision of the board</a><dd>Text one.\
                <dt>2 March 2024<dd><a href=b>Second decision of the board</a></dl>";
    let parsed = configured(html, &[("item", "dt"), ("title", "+ dd"), ("summary", "~ dd:nth-of-type(2)")]);
    assert_eq!(titles(&parsed), ["First decision of the board", "Second decision of the board"]);
    assert_eq!(parsed.entries[0].published.as_ref().unwrap().text, "1 March 2024");
    assert_eq!(value(parsed.entries[0].summary.as_ref()), "Text one.");
}

#[test]
fn deep_pages_are_refused() {
    let error = check(&"<div>".repeat(600), &PageSelectors::default()).unwrap_err();
    assert!(matches!(error, ParseError::Limit(_)));
}

#[test]
fn a_page_without_news_is_no_feed() {
    let html = "<nav><ul><li><a href=/a>Products</a><li><a href=/b>About</a><li><a href=/c>Contact</a></ul></nav><p>Welcome!</p>";
    assert!(matches!(check(html, &PageSelectors::default()), Err(ParseError::NoFeed(_))));
    assert!(matches!(check("", &PageSelectors::default()), Err(ParseError::NoFeed(_))));
}

#[test]
fn a_title_once_more_is_no_text() {
    let row = |n: u8| {
        format!(
            "<div class=views-row><div class=views-field><span class=field-content>{n} November 2026</span></div>\
             <div class=views-field-title><span class=field-content><a href=/node/{n}>A bridge number {n} opens \
             over the river</a></span></div></div>"
        )
    };
    let parsed = configured(&(1..5).map(row).collect::<String>(), &[("item", "div.views-row")]);
    assert_eq!(titles(&parsed)[0], "A bridge number 1 opens over the river");
    assert!(parsed.entries.iter().all(|entry| entry.summary.is_none() && entry.content.is_none()));
}
