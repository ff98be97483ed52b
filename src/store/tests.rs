//! The contract of a store, told as polls of small documents.

mod again;
pub(crate) mod book;
mod health;
mod keys;
mod operations;
mod record;
mod search;
mod secrets;
mod shares;

use chrono::{TimeDelta, TimeZone};

use super::*;
use crate::model::*;
use book::{Book, day, entry, source};

#[test]
fn a_story_stands_once_and_polling_twice_is_polling_once() {
    let mut book = Book::new(&["a"]);
    let document = [
        entry("1", "https://x.example/1", "One", Some(day(1)), "text"),
        entry("2", "", "Two", Some(day(2)), ""),
    ];
    assert_eq!(book.poll("a", &document).new.len(), 2);
    book.check(&["Two", "One"]);
    assert_eq!(book.poll("a", &document), Committed::default());
    book.check(&["Two", "One"]);
}

#[test]
fn the_same_story_in_two_sources_is_a_sighting() {
    let mut book = Book::new(&["a", "b"]);
    let first =
        book.poll("a", &[entry("1", "https://a.example/1", "The  Story", Some(day(1)), "long")]).new[0];
    let met = book.poll("b", &[entry("x9", "https://b.example/9", "the story", Some(day(1)), "short")]);
    assert_eq!((met.new.len(), met.met.len()), (0, 1));
    book.check(&["The  Story"]);
    let sightings = book.store.entry(first).unwrap().unwrap().sightings;
    let rules: Vec<&str> = sightings.iter().map(|one| one.rule.as_str()).collect();
    assert_eq!(rules, ["first", "timestamp+title"]);
    // In an output of either source.
    assert_eq!(book.river(Some(&["b"])).len(), 1);
    assert_eq!(book.river(Some(&["a", "b"])).len(), 1);
}

#[test]
fn the_order_of_polls_does_not_change_ids() {
    let documents = |book: &mut Book, order: [&str; 2]| {
        for id in order {
            let host = format!("https://{id}.example/");
            let twin =
                |n: u32| entry(&format!("{id}{n}"), &format!("{host}{n}"), "Press release", Some(day(3)), "");
            let (one, two) = (twin(1), twin(2));
            if id == "a" {
                book.poll("a", &[one, two])
            } else {
                book.poll("b", &[one])
            };
        }
        let mut ids: Vec<EntryId> = book.river(None).iter().map(|one| one.id).collect();
        ids.sort();
        ids
    };
    let one = documents(&mut Book::new(&["a", "b"]), ["a", "b"]);
    let two = documents(&mut Book::new(&["a", "b"]), ["b", "a"]);
    assert_eq!(one.len(), 2);
    assert_eq!(one, two);
}

#[test]
fn a_page_of_equal_titles_and_days_loses_none() {
    let mut book = Book::new(&["a"]);
    let item = |n: u32| entry("", &format!("https://a.example/{n}"), "Press release", Some(day(3)), "");
    assert_eq!(book.poll("a", &[item(1), item(2), item(3)]).new.len(), 3);
    // One rolls off, one comes: the others are known by their links.
    assert_eq!(book.poll("a", &[item(4), item(2), item(3)]).new.len(), 1);
    assert_eq!(book.river(None).len(), 4);
    book.rules.strict = true;
    let mut strict = Book::new(&["a"]);
    strict.rules.strict = true;
    assert_eq!(strict.poll("a", &[item(1), item(2), item(3)]).new.len(), 1);
}

#[test]
fn a_correction_goes_through_once_under_the_same_id_and_date() {
    let mut book = Book::new(&["a"]);
    book.poll("a", &[entry("1", "https://a.example/1", "Teh story", Some(day(1)), "text")]);
    let before = book.river(None).remove(0);
    let corrected = entry("1", "https://a.example/1", "The story", Some(day(2)), "text");
    assert_eq!(book.poll("a", std::slice::from_ref(&corrected)).changed, [before.id]);
    let after = book.river(None).remove(0);
    assert_eq!((after.id, after.published, after.entry.title.as_str()), (before.id, day(1), "The story"));
    assert!(after.updated > before.updated);
    assert_eq!(book.poll("a", &[corrected]), Committed::default());
    // White space, tracking and rotating images are no change.
    let noise = entry(
        "1",
        "http://www.a.example/1?utm_source=x",
        "The  story",
        Some(day(2)),
        " <p>text <img src=\"https://a.example/i?7\" /></p>",
    );
    assert_eq!(book.poll("a", &[noise]).changed, []);
}

#[test]
fn guids_or_links_new_at_every_poll_add_nothing() {
    let mut book = Book::new(&["a"]);
    for turn in 0..4 {
        let new = book
            .poll(
                "a",
                &[
                    entry(&format!("guid-{turn}"), "https://a.example/1", "One", Some(day(1)), "text"),
                    entry(
                        "steady",
                        &format!("https://a.example/2?session={turn}"),
                        "Two",
                        Some(day(2)),
                        "text",
                    ),
                    entry("", "", &format!("Three, edit {turn}"), Some(day(3)), "a text that stays"),
                ],
            )
            .new;
        assert_eq!(new.len(), if turn == 0 { 3 } else { 0 }, "turn {turn}");
    }
}

#[test]
fn a_guid_and_a_link_on_several_stories_identify_none() {
    // A page of changes, written by hand: all its entries name the page.
    let mut book = Book::new(&["a"]);
    let item = |n: u32, title: &str| {
        let page = "https://a.example/changes";
        entry(page, page, title, Some(day(n)), &format!("What there is to say of {title}."))
    };
    let (one, two, three) = (item(1, "Ferry late"), item(2, "Bears seen"), item(3, "Bridge open again"));
    assert_eq!(book.poll("a", &[two.clone(), one.clone()]).new.len(), 2);
    assert_eq!(book.poll("a", &[three, two.clone(), one]).new.len(), 1);
    book.check(&["Bridge open again", "Bears seen", "Ferry late"]);
    // What keeps its title, its time or its text is one that is told twice.
    let mut book = Book::new(&["a"]);
    let renamed = entry("7", "https://a.example/7", "Ferries late", Some(day(2)), "one");
    let delayed = entry("7", "https://a.example/7", "Ferries late again", Some(day(4)), "other");
    assert_eq!(book.poll("a", &[delayed, renamed]).new.len(), 1);
}

#[test]
fn two_versions_in_one_document_do_not_make_every_later_one_news() {
    // A report that goes on, under one guid and link, told anew in everything.
    let mut book = Book::new(&["a"]);
    let step = |n: u32| {
        let words = ["Ferry late", "Bears seen", "Bridge open", "School closed", "Market full"][n as usize];
        let page = "https://a.example/live";
        entry(page, page, words, Some(day(n + 1)), &format!("What there is to say of {words}."))
    };
    book.poll("a", &[step(0)]);
    assert_eq!(book.poll("a", &[step(1), step(0)]).new.len(), 1);
    for n in 2..5 {
        assert_eq!(book.poll("a", &[step(n)]).new, [], "{n}");
    }
}

#[test]
fn what_was_taken_for_an_edit_and_stands_there_again_is_a_story() {
    let mut book = Book::new(&["a"]);
    let item = |n: u32| {
        let words = ["Ferry late", "Bears seen", "Bridge open", "School closed"][n as usize];
        let page = "https://a.example/changes";
        entry(page, page, words, Some(day(n + 1)), &format!("What there is to say of {words}."))
    };
    book.poll("a", &[item(0)]);
    assert_eq!(book.poll("a", &[item(1)]).changed.len(), 1);
    book.poll("a", &[item(3), item(2), item(1), item(0)]);
    // The one that was edited keeps the date it was first seen with.
    book.check(&["School closed", "Bridge open", "Ferry late", "Bears seen"]);
}

#[test]
fn entries_without_dates_under_one_guid_and_link_are_not_news_at_every_edit() {
    let mut book = Book::new(&["a"]);
    let item = |title: &str, text: &str| entry("q", "https://a.example/q", title, None, text);
    book.poll("a", &[item("Ferry late", "one"), item("Bears seen", "two")]);
    for edit in ["three", "four"] {
        assert_eq!(book.poll("a", &[item("Ferry late", edit), item("Bears seen", "two")]).new, []);
    }
}

#[test]
fn a_guid_and_link_that_a_slip_left_and_a_correction_changes_lose_no_story() {
    let mut book = Book::new(&["a"]);
    let old = entry("100", "https://a.example/100", "Old story", Some(day(1)), "What was said of old.");
    let breaking = |number: u32| {
        let link = format!("https://a.example/{number}");
        entry(&number.to_string(), &link, "Breaking news", Some(day(9)), "Something happened.")
    };
    book.poll("a", std::slice::from_ref(&old));
    let first = book.river(None).remove(0).id;
    let slip = book.poll("a", &[breaking(100), old.clone()]);
    assert_eq!((slip.new.len(), slip.changed.len()), (1, 0));
    // The same entry, by its time and title, under its own guid and link.
    let right = book.poll("a", &[breaking(900), old.clone()]);
    assert_eq!((right.new.len(), right.met.len()), (0, 0));
    book.check(&["Breaking news", "Old story"]);
    assert_eq!(book.river(None)[1].id, first);
    // And they go on as before.
    assert_eq!(book.poll("a", &[breaking(900), old]), Committed::default());
}

#[test]
fn an_entry_that_is_told_twice_keeps_its_story_when_one_telling_leaves() {
    // Atom (RFC 4287, 4.1.2): the same id twice, under other times of change.
    let mut book = Book::new(&["a"]);
    let tell = |guid: &str, n: u32, title: &str| {
        let mut entry = entry(guid, &format!("https://a.example/{guid}"), title, Some(day(1)), "");
        entry.updated = Some(day(n));
        book::signed(entry)
    };
    let (early, late) = (tell("1", 1, "Ferry late"), tell("1", 2, "Bears seen"));
    book.poll("a", std::slice::from_ref(&early));
    assert_eq!(book.poll("a", &[late, early.clone()]).new, []);
    let id = book.river(None).remove(0).id;
    assert_eq!(book.poll("a", &[tell("2", 2, "Bears seen"), early]).new.len(), 1);
    assert_eq!(book.river(None).len(), 2);
    assert!(book.river(None).iter().any(|one| one.id == id));
}

#[test]
fn a_guid_on_several_stories_identifies_none() {
    let mut book = Book::new(&["a"]);
    let item =
        |n: u32| entry("same", &format!("https://a.example/{n}"), &format!("Story {n}"), Some(day(n)), "");
    assert_eq!(book.poll("a", &[item(1), item(2)]).new.len(), 2);
    assert_eq!(book.poll("a", &[item(3), item(2), item(1)]).new.len(), 1);
    assert_eq!(book.river(None).len(), 3);
}

#[test]
fn all_entries_linking_to_one_page_stay_apart() {
    let mut book = Book::new(&["a"]);
    let item =
        |n: u32| entry(&format!("g{n}"), "https://a.example/news", &format!("Story {n}"), Some(day(n)), "");
    assert_eq!(book.poll("a", &[item(1), item(2)]).new.len(), 2);
    assert_eq!(book.poll("a", &[item(3), item(2)]).new.len(), 1);
    assert_eq!(book.river(None).len(), 3);
}

#[test]
fn undated_entries_are_dated_once_and_keep_their_order() {
    let mut book = Book::new(&["a"]);
    let document = [
        entry("", "https://a.example/2", "Top", None, ""),
        entry("", "https://a.example/1", "Below", None, ""),
    ];
    let seen = book.now;
    book.poll("a", &document);
    book.poll("a", &document);
    book.check(&["Top", "Below"]);
    assert!(book.river(None).iter().all(|one| one.published == seen));
}

#[test]
fn dates_ahead_or_long_ago_are_shown_as_first_seen() {
    let mut book = Book::new(&["a"]);
    let seen = book.now;
    let long_ago = Utc.with_ymd_and_hms(1753, 1, 1, 0, 0, 0).unwrap();
    book.poll(
        "a",
        &[entry("1", "", "Ahead", Some(day(25)), ""), entry("2", "", "Long ago", Some(long_ago), "")],
    );
    assert!(book.river(None).iter().all(|one| one.published == seen));
    let mut hold = Book::new(&["a"]);
    hold.sources[0].future = FuturePolicy::Hold;
    hold.poll("a", &[entry("1", "", "Ahead", Some(day(25)), "")]);
    hold.check(&[]);
    hold.now = day(26);
    hold.check(&["Ahead"]);
}

#[test]
fn a_backlog_enters_the_archive_not_the_current_document() {
    let mut book = Book::new(&["a"]);
    book.sources[0].backfill = 2;
    let item = |n: u32| entry(&n.to_string(), "", &format!("Story {n}"), Some(day(n)), "");
    assert_eq!(book.poll("a", &[item(1), item(2), item(3), item(4)]).new.len(), 4);
    book.check(&["Story 4", "Story 3"]);
    book.poll("a", &[item(5), item(4)]);
    book.check(&["Story 5", "Story 4", "Story 3"]);
}

#[test]
fn a_filtered_entry_holds_no_story_and_blocks_no_other() {
    let mut book = Book::new(&["a", "b"]);
    book.sources[0].drop.title = vec![regex::Regex::new("^Ad").unwrap()];
    let one = entry("1", "https://a.example/1", "Ad: buy", Some(day(1)), "");
    assert_eq!(book.poll("a", std::slice::from_ref(&one)).filtered, 1);
    assert_eq!(book.poll("a", std::slice::from_ref(&one)).filtered, 0);
    book.check(&[]);
    assert_eq!(book.poll("b", std::slice::from_ref(&one)).new.len(), 1);
    book.check(&["Ad: buy"]);
    assert_eq!(book.river(Some(&["a"])).len(), 0);
}

#[test]
fn what_retention_removed_never_returns() {
    let mut book = Book::new(&["a", "b"]);
    let one = entry("1", "https://a.example/1", "Old", Some(day(1)), "");
    book.poll("a", std::slice::from_ref(&one));
    book.now += TimeDelta::days(800);
    let options = Options::default();
    assert_eq!(book.prune(&options, book.now), 1);
    let fresh = entry("2", "https://a.example/2", "New", Some(book.now), "");
    assert_eq!(book.poll("a", &[fresh, one.clone()]).new.len(), 1);
    let corrected = entry("1", "https://a.example/1", "Old, corrected", Some(day(1)), "x");
    assert_eq!(book.poll("a", &[corrected]).new.len(), 0);
    assert_eq!(book.poll("b", &[one]).new.len(), 0);
    book.check(&["New"]);
}

#[test]
fn a_renamed_source_keeps_its_history() {
    let mut book = Book::new(&["old"]);
    let one = entry("1", "https://a.example/1", "One", Some(day(1)), "");
    book.poll("old", std::slice::from_ref(&one));
    book.sources = vec![Source { was: vec![SourceId::new("old")], ..source("new") }];
    book.sync();
    assert_eq!(book.poll("new", &[one]).new.len(), 0);
    assert_eq!(book.river(Some(&["new"])).len(), 1);
}

#[test]
fn a_correction_that_makes_two_stories_one_keeps_the_older_id() {
    let mut book = Book::new(&["a", "b"]);
    let older = book.poll("a", &[entry("1", "https://a.example/1", "Story", Some(day(1)), "")]).new[0];
    let younger = book.poll("b", &[entry("7", "https://b.example/7", "Stroy", Some(day(1)), "")]).new[0];
    book.poll("b", &[entry("7", "https://b.example/7", "Story", Some(day(1)), "")]);
    book.check(&["Story"]);
    assert_eq!(book.store.entry(younger).unwrap().unwrap().published.id, older);
}

#[test]
fn a_window_joins_near_times_without_chains() {
    let mut book = Book::new(&["a", "b", "c"]);
    book.rules.window = 600;
    let at = |minutes: i64| Some(day(1) + TimeDelta::minutes(minutes));
    book.poll("a", &[entry("1", "", "Story", at(0), "")]);
    assert_eq!(book.poll("b", &[entry("2", "", "Story", at(8), "")]).new.len(), 0);
    assert_eq!(book.poll("c", &[entry("3", "", "Story", at(16), "")]).new.len(), 1);
}

#[test]
fn a_restart_finds_everything_as_it_was() {
    let mut book = Book::new(&["a"]);
    let one = entry("1", "https://a.example/1", "One", Some(day(1)), "text");
    book.poll("a", std::slice::from_ref(&one));
    let before = book.river(None);
    book.store = Sqlite::open(&book.path).unwrap();
    assert_eq!(book.river(None), before);
    assert_eq!(book.poll("a", &[one]), Committed::default());
}

#[test]
fn the_dates_of_documents_are_kept() {
    let mut book = Book::new(&["a"]);
    assert_eq!(book.store.stamped("all.atom").unwrap(), None);
    let stamp = |etag: &str, modified| Stamp { name: "all.atom".into(), etag: etag.into(), modified };
    book.store.stamp(&[stamp("x", day(5)), Stamp { name: "all.rss".into(), ..stamp("r", day(4)) }]).unwrap();
    book.store.stamp(&[stamp("y", day(7))]).unwrap();
    assert_eq!(book.store.stamped("all.atom").unwrap(), Some(("y".to_owned(), day(7))));
    assert_eq!(book.store.stamped("all.rss").unwrap(), Some(("r".to_owned(), day(4))));
}

#[test]
fn files_that_are_not_ours_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |path: &std::path::Path, words: &str| {
        let before = std::fs::read(path).unwrap();
        let error = Sqlite::open(path).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains(path.to_str().unwrap()), "{error}");
        assert_eq!(std::fs::read(path).unwrap(), before);
    };
    let text = dir.path().join("text.db");
    std::fs::write(&text, "not a database, but somebody's notes").unwrap();
    refused(&text, "is no SQLite database");
    let foreign = dir.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    refused(&foreign, "belongs to another program");
    let newer = dir.path().join("newer.db");
    drop(Sqlite::open(&newer).unwrap());
    let db = rusqlite::Connection::open(&newer).unwrap();
    db.execute_batch("PRAGMA user_version = 999; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(db);
    refused(&newer, "written by a newer riverine");
}

#[test]
fn an_older_store_is_brought_up_to_date_by_the_writer_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("riverine.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(include_str!("migrations/1.sql")).unwrap();
    db.execute_batch(
        "PRAGMA application_id = 1919514226; PRAGMA user_version = 1;
         INSERT INTO sources (id, url, rule, configured, state) VALUES ('a', 'http://a.example/', 'guid', 1, '{}')",
    )
    .unwrap();
    drop(db);
    let error = Sqlite::open_reader(&path).unwrap_err().to_string();
    assert!(error.contains("written by an older riverine"), "{error}");
    drop(Sqlite::open(&path).unwrap());
    let db = rusqlite::Connection::open(&path).unwrap();
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 5);
    assert_eq!(db.query_row("SELECT count(*) FROM sources", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    drop(db);
    drop(Sqlite::open_reader(&path).unwrap());
}

#[test]
fn a_second_writer_is_refused_with_the_pid_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("riverine.db");
    let lock = Lock::take(&path).unwrap();
    let error = Lock::take(&path).unwrap_err().to_string();
    assert!(error.contains(&format!("pid {}", std::process::id())), "{error}");
    assert_eq!(holder(&path), Some(std::process::id()));
    drop(lock);
    assert_eq!(holder(&path), None);
    Lock::take(&path).unwrap();
}

#[test]
fn what_a_correction_makes_one_is_counted_once() {
    let mut book = Book::new(&["a"]);
    book.poll(
        "a",
        &[
            entry("1", "https://x.example/1", "One", Some(day(1)), "text"),
            entry("2", "https://x.example/2", "Two", Some(day(2)), "other"),
        ],
    );
    // The second turns out to be the first, and two more come.
    let merged = book.poll(
        "a",
        &[
            entry("2", "https://x.example/2", "One", Some(day(1)), "other"),
            entry("3", "https://x.example/3", "Three", Some(day(3)), ""),
            entry("4", "https://x.example/4", "Four", Some(day(4)), ""),
        ],
    );
    assert_eq!(merged.new.len(), 2);
    book.check(&["Four", "Three", "One"]);
    assert_eq!(book.store.sources().unwrap()[0].entries, 3);
}
