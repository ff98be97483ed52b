use chrono::SecondsFormat;
use chrono_tz::Tz;

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    check_in(text, Tz::UTC, expected);
}

/// `expected`: RFC 3339, with a `?` behind it when there must be a doubt; "" for no date.
#[track_caller]
fn check_in(text: &str, zone: Tz, expected: &str) {
    assert_eq!(shown(parse(text, zone)), expected, "{text:?}");
}

fn shown(moment: Option<Moment>) -> String {
    moment.map_or(String::new(), |moment| {
        let at = moment.instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        if moment.doubt.is_some() { at + "?" } else { at }
    })
}

/// The dates of the corpus that peers assert, through this module alone.
#[test]
fn the_corpus_agrees() {
    let Some(corpus) = std::env::var_os("RIVERINE_CORPUS").map(std::path::PathBuf::from) else {
        eprintln!("RIVERINE_CORPUS is not set: the corpus' dates are left out");
        return;
    };
    let expected = std::fs::read_to_string(corpus.join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, entry) in expected.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("dates/")) {
        let feed = std::fs::read_to_string(corpus.join("feeds").join(name)).unwrap();
        let (_, rest) = feed.split_once("<pubDate>").unwrap();
        let (text, _) = rest.split_once("</pubDate>").unwrap();
        let value = entry["checks"].as_array().unwrap().iter().find(|c| c["field"] == "published").unwrap();
        let value = value["value"].as_str().unwrap();
        let read =
            parse(text, Tz::UTC).map(|moment| moment.instant.to_rfc3339_opts(SecondsFormat::Secs, true));
        count += 1;
        if read.is_none() || value != "any" && read.as_deref() != Some(value) {
            wrong.push(format!("{text:?} gave {read:?}, not {value}"));
        }
    }
    assert!(wrong.is_empty() && count > 0, "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_common_forms() {
    check("Thu, 01 Jan 2004 19:48:21 GMT", "2004-01-01T19:48:21Z");
    check("Thu, 01 Jan 04 19:48:21 +0200", "2004-01-01T17:48:21Z");
    check("Friday, 05-Nov-94 13:15:30 GMT", "1994-11-05T13:15:30Z?");
    check("Fri Nov  4 13:15:30 1994", "1994-11-04T13:15:30Z");
    check("Thu Nov 12 2020 17:00:00 GMT+0100 (Central European Standard Time)", "2020-11-12T16:00:00Z");
    check("2003-12-31T10:14:55Z", "2003-12-31T10:14:55Z");
    check("2003-12-31t10:14:55z", "2003-12-31T10:14:55Z");
    check("2013-04-26 15:41:29.0", "2013-04-26T15:41:29Z");
    check("2013-04-26T15:41:29,125", "2013-04-26T15:41:29.125Z");
}

#[test]
fn days_that_do_not_exist_are_none() {
    for text in [
        "2023-02-29",
        "2023-02-30T10:00:00Z",
        "Thu, 31 Jun 2012 10:00:00 GMT",
        "32 Jan 2012",
        "2012-13-01",
        "2012-00-10",
        "Mon, 01 Jan 2012 25:00:00 GMT",
        "2012-01-01T24:00:01Z",
        "2012-01-01T10:60:00Z",
        "2012-01-01T10:00:61Z",
        "2003-W54-1",
        "2003-366",
        "20030230",
        "",
        " ",
        "tomorrow",
        "2 days ago",
        "null",
        "12:00",
        "42",
        "-",
        "Mon, 2 Jan 15:04:05 MST",
    ] {
        check(text, "");
    }
}

#[test]
fn inside_a_text() {
    let found =
        |text: &str| find(text, Tz::UTC).map(|(m, at)| (shown(Some(m)), text.get(at).unwrap().to_owned()));
    let is = |text: &str, at: &str, part: &str| {
        assert_eq!(found(text), Some((at.to_owned(), part.to_owned())), "{text:?}");
    };
    is("Published on 12 March 2024 by X", "2024-03-12T00:00:00Z", "12 March 2024");
    is("2013-04-26 15:41:29.0 Title of 3 things", "2013-04-26T15:41:29Z", "2013-04-26 15:41:29.0");
    is("News | Mar 5, 2024 | 12 comments", "2024-03-05T00:00:00Z", "Mar 5, 2024");
    for none in [
        "",
        "March 2024",
        "In 2024, 12 people",
        "May 12 24 people",
        "1.2.2003.4",
        "call 2024-12",
        "1/2 of 2024",
    ] {
        assert_eq!(found(none), None, "{none:?}");
    }
}
