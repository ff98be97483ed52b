//! Where keys stand in the store, and what becomes of those that an older version made.

use chrono::TimeDelta;
use rusqlite::Connection;

use super::book::{Book, day, entry};
use crate::model::{DedupRule, Entry};
use crate::store::Options;
use crate::units::Span;

fn keys(book: &Book, scope: &str) -> Vec<Vec<u8>> {
    let db = Connection::open(&book.path).unwrap();
    let mut statement = db.prepare(&format!("SELECT key FROM keys WHERE {scope} ORDER BY key")).unwrap();
    let keys = statement.query_map([], |row| row.get(0)).unwrap();
    keys.map(Result::unwrap).collect()
}

/// Makes every key what it was before its day stood in front, as far as that can be known.
fn age(book: &Book) {
    let db = Connection::open(&book.path).unwrap();
    let aged = "UPDATE keys SET key = unhex(hex(substr(key, 3)) || 'abcd') WHERE scope >= 0;
        UPDATE installation SET older_keys = 1";
    db.execute_batch(aged).unwrap();
}

/// Known by nothing but its time and title.
fn plain(title: &str, text: &str) -> Entry {
    entry("", "", title, Some(day(1)), text)
}

#[test]
fn keys_of_one_day_stand_together() {
    let mut book = Book::new(&["a"]);
    let titles: Vec<String> = (0..40).map(|number| format!("Story {number}")).collect();
    let entries: Vec<Entry> = titles.iter().map(|title| plain(title, title)).collect();
    book.poll("a", &entries);
    let days = u16::try_from(day(1).timestamp() / 86_400).unwrap().to_be_bytes();
    let across = keys(&book, "scope = 0");
    assert_eq!(across.len(), 40);
    assert!(across.iter().all(|key| key.starts_with(&days)), "{across:?}");
    // Story and text of each.
    assert_eq!(keys(&book, "scope = 1").iter().filter(|key| key.starts_with(&days)).count(), 80);
    let names: Vec<Vec<u8>> = {
        let db = Connection::open(&book.path).unwrap();
        let mut statement = db.prepare("SELECT id FROM entries").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert!(names.iter().all(|name| name.starts_with(&days)), "{names:?}");
}

#[test]
fn guids_and_links_of_near_numbers_stand_together() {
    // (guid, link, the place of both)
    let numbered = [
        ("https://a.example/?p=70001", "https://a.example/70001.html", 70_001),
        ("tag:a.example,2026-11-29:x", "https://a.example/2026/11/29/10-things", 20_261_129),
        ("1764425602123", "https://a.example/1764425602123?w=12", 17_644_256),
        ("no number", "https://a.example/words", 0),
    ];
    for (guid, link, number) in numbered {
        let mut book = Book::new(&["a"]);
        book.poll("a", &[entry(guid, link, "Story", Some(day(1)), "")]);
        let [.., high, low] = u32::to_be_bytes(number);
        let there = keys(&book, "scope = 1").iter().filter(|key| key.starts_with(&[high, low])).count();
        assert_eq!(there, 2, "{guid} {link}");
        assert_eq!(book.poll("a", &[entry(guid, "", "Edited", Some(day(2)), "")]).changed.len(), 1);
    }
}

#[test]
fn a_story_known_by_older_keys_is_known() {
    let mut book = Book::new(&["a", "b"]);
    book.poll("a", &[plain("One", "text"), plain("Two", "text of two")]);
    age(&book);
    // By time and title, from elsewhere; by time and text, from where it was.
    assert_eq!(book.poll("b", &[plain("One", "told otherwise")]).new.len(), 0);
    let again = book.poll("a", &[plain("One", "text"), plain("Two, corrected", "text of two")]);
    assert_eq!((again.new.len(), again.changed.len()), (0, 1));
    book.check(&["One", "Two, corrected"]);
}

#[test]
fn what_was_removed_under_older_keys_does_not_return() {
    let mut book = Book::new(&["a"]);
    book.poll("a", &[plain("One", "text")]);
    book.now += TimeDelta::days(400);
    let kept = Options { retention: Span::secs(30 * 86_400), ..Options::default() };
    assert_eq!(book.prune(&kept, book.now), 1);
    age(&book);
    assert_eq!(book.poll("a", &[plain("One", "another text")]).new.len(), 0);
}

#[test]
fn a_window_reaches_over_midnight() {
    let mut book = Book::new(&["a", "b", "c"]);
    book.rules.window = 600;
    let at = |minutes: i64| Some(day(1) + TimeDelta::hours(12) + TimeDelta::minutes(minutes));
    book.poll("a", &[entry("1", "", "Story", at(-5), "")]);
    assert_eq!(book.poll("b", &[entry("2", "", "Story", at(3), "")]).new.len(), 0);
    assert_eq!(book.poll("c", &[entry("3", "", "Story", at(9), "")]).new.len(), 1);
}

#[test]
fn links_and_guids_meet_what_was_stored_before_a_source_went_by_them() {
    for (rule, other) in [(DedupRule::Link, DedupRule::Guid), (DedupRule::Guid, DedupRule::Link)] {
        let mut book = Book::new(&["a", "b"]);
        let story = |title: &str, number: u32| {
            let link = format!("https://a.example/{number}");
            entry(&format!("tag:a.example,2026:{number}"), &link, title, Some(day(number)), "")
        };
        book.poll("a", &[story("One", 1), story("Two", 2)]);
        assert_eq!(keys(&book, "scope = 0").len(), 2, "nobody goes by links or guids");
        book.sources[1].dedup = rule;
        book.sync();
        assert_eq!(keys(&book, "scope = 0").len(), 4, "nobody goes by {other:?}");
        assert_eq!(book.poll("b", &[story("One, elsewhere", 1)]).new.len(), 0);
        // And what comes from now on.
        book.poll("a", &[story("One", 1), story("Two", 2), story("Three", 3)]);
        assert_eq!(book.poll("b", &[story("Three, elsewhere", 3)]).new.len(), 0);
        assert_eq!(book.poll("b", &[story("Four", 4)]).new.len(), 1);
    }
}
