use super::*;
use crate::model::{Kind, PageSelectors};

fn check(text: &str) -> Result<Parsed, ParseError> {
    let selectors = PageSelectors::default();
    let input = Input {
        bytes: text.as_bytes(),
        content_type: None,
        content_language: None,
        url: None,
        kind: Kind::Text,
        selectors: &selectors,
    };
    read(text, &input)
}

/// Date, title and body of each item.
fn items(text: &str) -> Vec<(String, String, String)> {
    let parsed = check(text).expect("a list");
    let plain = |text: Option<Text>| text.map(|text| text.value).unwrap_or_default();
    let item = |entry: RawEntry| {
        let date = entry.published.map(|date| date.text).unwrap_or_default();
        (date, plain(entry.title), plain(entry.content))
    };
    parsed.entries.into_iter().map(item).collect()
}

fn said(date: &str, title: &str, body: &str) -> (String, String, String) {
    (date.to_owned(), title.to_owned(), body.to_owned())
}

const AGENCY: &str = "Harbour Office

Notices and events
  • 2013-04-26 15:41:29.0
    Dredging of the east basin - second phase

    The works begin in May & end in June.

    Read more here.

  • 2013-03-15 11:45:00.0
    Cadre d’action pour le port
    The framework is a tool.
";

#[test]
fn items_led_by_a_timestamp() {
    assert_eq!(
        items(AGENCY),
        [
            said(
                "2013-04-26 15:41:29.0",
                "Dredging of the east basin - second phase",
                "<p>The works begin in May &amp; end in June.</p><p>Read more here.</p>"
            ),
            said("2013-03-15 11:45:00.0", "Cadre d’action pour le port", "<p>The framework is a tool.</p>"),
        ]
    );
    let feed = check(AGENCY).unwrap().feed;
    assert_eq!(feed.title, Some(Text::plain("Harbour Office")));
    assert_eq!(feed.description, Some(Text::html("Notices and events")));
    assert!(looks_like(AGENCY));
}

#[test]
fn title_on_the_line_of_the_date() {
    let text = "NEWS\n====\n\n[12 March 2024] New pier opened\nhttps://port.example/pier\nA ribbon was cut.\n\n\
                [1 March 2024] - Tariffs for 2024\n";
    assert_eq!(
        items(text),
        [
            said("12 March 2024", "New pier opened", "<p>A ribbon was cut.</p>"),
            said("1 March 2024", "Tariffs for 2024", ""),
        ]
    );
    assert_eq!(check(text).unwrap().entries[0].link.as_deref(), Some("https://port.example/pier"));
}

#[test]
fn a_paragraph_may_begin_with_a_date() {
    let text = "2024-01-02\nFirst\n\n1 January 2024: a day of rest.\n\n2024-01-01\nSecond\n";
    let titles: Vec<String> = items(text).into_iter().map(|item| item.1).collect();
    assert_eq!(titles, ["First", "Second"]);
}

#[test]
fn lines_broken_to_a_width_are_joined() {
    let text = "2024-02-03 10:00\nThe committee of the harbour has met and has decided upon\n\
                the order of business\n\nIn its session the committee heard a report about the state of\n\
                the works.\n\n2024-02-01 09:00\nShort\n";
    assert_eq!(
        items(text)[0],
        said(
            "2024-02-03 10:00",
            "The committee of the harbour has met and has decided upon the order of business",
            "<p>In its session the committee heard a report about the state of the works.</p>"
        )
    );
}

#[test]
fn other_languages_and_forms() {
    let text =
        "26 апреля 2013 г.\nНовости порта\n\n8 avril 2013\nL'office poursuit\n\n2013年4月5日\n新しい桟橋\n";
    let titles: Vec<String> = items(text).into_iter().map(|item| item.1).collect();
    assert_eq!(titles, ["Новости порта", "L'office poursuit", "新しい桟橋"]);
}

#[test]
fn what_has_no_dates_is_no_list() {
    let error = check("Dear reader,\n\nthe meeting on 26 April 2013 was short.\n").unwrap_err();
    assert!(matches!(error, ParseError::NoFeed(words) if words.contains("begins with a date")));
    assert!(!looks_like("26 April 2013 was a day.\n2 May 2013 was another.\n"));
    assert!(!looks_like(""));
}
