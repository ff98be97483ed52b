//! A store made by an older version knows after its upgrade what it knew before.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta};
use rusqlite::{Connection, params};

use crate::dedup::{Stood, keys_of_address, mark};
use crate::model::{Digest, Entry, PollDay, SourceId, SourceState, Standing};
use crate::store::sqlite::last;
use crate::store::tests::book::{Book, day, entry, signed, source};
use crate::store::{Commit, News, Options, Sqlite, Store};
use crate::units::Span;

/// Makes the store what version 4 would have made of it, with this remembered of every source.
fn back_to_4(book: &Book, state: &str) {
    let db = Connection::open(&book.path).unwrap();
    db.execute_batch(
        "ALTER TABLE sources ADD COLUMN state TEXT NOT NULL DEFAULT '{}';
         ALTER TABLE sources DROP COLUMN remembered;
         ALTER TABLE sources DROP COLUMN said;
         DROP TABLE changes;
         DROP TABLE found;
         PRAGMA user_version = 4",
    )
    .unwrap();
    db.execute("UPDATE sources SET state = ?1", [state]).unwrap();
}

/// Makes the store what version 3 would have made of it; the digests of rules stay.
fn back_to_3(book: &Book) {
    back_to_4(book, "{}");
    let db = Connection::open(&book.path).unwrap();
    db.execute_batch(
        "ALTER TABLE sources ADD COLUMN seen BLOB;
         DROP INDEX sightings_digest;
         DROP INDEX sightings_title;
         ALTER TABLE sightings DROP COLUMN reached;
         CREATE INDEX sightings_digest ON sightings (source, digest);
         CREATE INDEX sightings_title ON sightings (source, title_key) WHERE title_key IS NOT NULL;
         PRAGMA user_version = 3",
    )
    .unwrap();
    let mut documents = db.prepare("SELECT source, rules, entries FROM last_documents").unwrap();
    let mut rows = documents.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (source, mut seen, entries): (i64, Vec<u8>, Vec<u8>) =
            (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
        last::split(&entries).for_each(|(digest, _)| seen.extend_from_slice(&digest.0));
        db.execute("UPDATE sources SET seen = ?2 WHERE number = ?1", params![source, seen]).unwrap();
    }
    drop(rows);
    drop(documents);
    db.execute_batch("DROP TABLE last_documents; ALTER TABLE installation DROP COLUMN unplaced_keys")
        .unwrap();
    // Guids and links, and their marks, where they stood.
    let mut texts = db.prepare("SELECT guid FROM sightings UNION SELECT link FROM sightings").unwrap();
    let texts = texts.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap);
    for text in texts.collect::<Vec<Option<String>>>().into_iter().flatten() {
        let keys = keys_of_address(&text);
        let (forms, _): (&[[Digest; 2]], _) = keys.as_chunks();
        for [placed, plain] in forms {
            for (from, to) in [(*placed, *plain), (mark(*plain).at(placed.place()), mark(*plain))] {
                let moved = "UPDATE keys SET key = ?2 WHERE key = ?1";
                db.execute(moved, params![from.0, to.0]).unwrap();
            }
        }
    }
}

fn last_documents(book: &Book) -> Vec<HashMap<Digest, Stood>> {
    let mut sources = book.store.db.prepare("SELECT source FROM last_documents ORDER BY source").unwrap();
    let rows = sources.query_map([], |row| row.get(0)).unwrap();
    rows.map(|source| last::by_digest(&book.store.db, source.unwrap()).unwrap()).collect()
}

fn item(n: u32, title: &str) -> Entry {
    entry(&n.to_string(), &format!("https://a.example/{n}"), title, Some(day(n)), &format!("Text {n}."))
}

#[test]
fn the_last_documents_of_version_3_are_still_known() {
    let mut book = Book::new(&["a", "b", "c"]);
    book.sources[0].drop.title = vec![regex::Regex::new("^Ad").unwrap()];
    let twice = entry("", "https://a.example/twice", "Twice", None, "");
    let document = [item(1, "One"), item(2, "Ad: two"), item(3, ""), twice.clone(), twice, item(5, "Five")];
    book.poll("a", &document);
    book.poll("b", &[item(1, "One"), entry("9", "", "", None, "Text of nine.")]);
    book.poll("b", &[]);
    let before = last_documents(&book);
    assert_eq!(before.iter().map(HashMap::len).collect::<Vec<_>>(), [5, 0]);
    back_to_3(&book);
    book.store = Sqlite::open(&book.path).unwrap();
    assert_eq!(last_documents(&book), before);
    // All of it is as it was, and so it is after it was away.
    assert_eq!(book.poll("a", &document), crate::store::Committed::default());
    assert_eq!(book.poll("a", &document[..1]).new.len(), 0);
    let again = book.poll("a", &document);
    assert_eq!((again.new.len(), again.changed.len(), again.filtered), (0, 0, 0));
    assert_eq!(book.poll("b", &[item(1, "One")]).new.len(), 0);
}

#[test]
fn guids_and_links_of_version_3_are_still_known() {
    let mut book = Book::new(&["a", "b"]);
    let on_all =
        |n: u32| entry("all", &format!("https://a.example/{n}"), &format!("Story {n}"), Some(day(n)), "");
    book.poll("a", &[item(1, "One"), item(2, "Two"), item(10, "Gone")]);
    book.poll("b", &[on_all(1), on_all(2)]);
    book.now += TimeDelta::days(40);
    let options = Options { retention: Span::secs(30 * 86_400), ..Options::default() };
    book.prune(&options, book.now);
    book.poll("a", &[item(3, "Three"), item(4, "Four")]);
    book.poll("b", &[on_all(5), on_all(6)]);
    back_to_3(&book);
    book.store = Sqlite::open(&book.path).unwrap();
    let edited = |n: u32, guid: &str, link: &str| {
        let mut edited = item(n, &format!("Edited {n}"));
        edited.published = Some(day(n + 1));
        edited.guid = Some(guid.to_owned());
        edited.link = Some(link.to_owned());
        signed(edited)
    };
    // By guid, by link; what was removed does not return; what is new is new.
    let by_guid = edited(3, "3", "https://a.example/moved/3");
    let by_link = edited(4, "urn:other:4", "https://a.example/4");
    let removed = edited(10, "10", "https://a.example/elsewhere");
    let polled = book.poll("a", &[by_guid.clone(), by_link.clone(), removed.clone(), item(11, "Eleven")]);
    assert_eq!((polled.new.len(), polled.changed.len()), (1, 2));
    let again = book.poll("a", &[item(12, "Twelve"), by_guid, by_link, removed, item(11, "Eleven")]);
    assert_eq!((again.new.len(), again.changed.len()), (1, 0));
    // A guid that stood on several stories tells none.
    assert_eq!(book.poll("b", &[on_all(7)]).new.len(), 1);
}

#[test]
fn what_became_one_story_is_one_in_the_last_documents() {
    let mut book = Book::new(&["a", "b"]);
    let shared = item(7, "Stroy");
    book.poll("a", &[item(1, "Story")]);
    book.poll("b", &[shared.clone(), item(8, "Eight")]);
    book.sources.push(source("c"));
    book.sync();
    book.poll("c", &[shared]);
    // A correction in b makes the second story the first; c's document is not read again.
    let mut corrected = item(7, "Story");
    corrected.published = Some(day(1));
    book.poll("b", &[signed(corrected), item(8, "Eight")]);
    for id in ["b", "c"] {
        let number = book.store.source_number(&SourceId::new(id)).unwrap();
        let stories: Vec<Option<i64>> =
            last::entries(&book.store.db, number).unwrap().iter().map(|(_, stood)| stood.entry).collect();
        assert_eq!(stories.first(), Some(&Some(1)), "{id}: {stories:?}");
    }
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let book = Book::new(&["a"]);
    let stood = Stood { sighting: i64::MAX, entry: None, story: Digest([7; 16]), text: Some(i64::MIN) };
    let all = [(Digest([1; 16]), Some(stood)), (Digest([2; 16]), None)];
    last::write(&book.store.db, 1, Digest([3; 16]), all.into_iter()).unwrap();
    assert_eq!(last::entries(&book.store.db, 1).unwrap(), [(Digest([1; 16]), stood)]);
    let mut store = book.store;
    let digests = store.digests(&SourceId::new("a"), Digest([3; 16])).unwrap();
    assert!(digests.len() == 2 && store.digests(&SourceId::new("a"), Digest([4; 16])).unwrap().is_empty());
}

#[test]
fn what_version_4_remembered_of_sources_is_still_known() {
    let mut book = Book::new(&["a", "b"]);
    let (a, b) = (SourceId::new("a"), SourceId::new("b"));
    let ended = |book: &mut Book, source: &SourceId, standing| {
        let state = SourceState { standing, ..book.store.state(source).unwrap() };
        let commit = Commit { source, state: &state, reading: None, ledger: &[], now: book.now };
        assert_eq!(book.store.commit(&commit).unwrap().news, standing != Standing::Ok || source == &a);
    };
    ended(&mut book, &a, Standing::Failing);
    back_to_4(
        &book,
        r#"{"standing":"failing","first_success":1766000000,"last_poll":1766000600,"last_success":1766000000,
            "next_poll":1766004200,"next_poll_reason":"the last poll failed: waiting 1h",
            "planned_under":"00010f109fa0ff0708090a0b0c0d0e0f","http_status":503,"last_error":"no",
            "consecutive_failures":1,"requests":6,"not_modified":4,"bytes_saved":800,
            "validators":{"url":"https://a.example/f","etag":"\"\u00e4\"","last_modified":null},
            "body_hash":"00010f109fa0ff0708090a0b0c0d0e0f","body_bytes":200,"read_under":null,"reading":3,"unread":false,
            "moved_to":"https://b.example/f","hints":{"ttl":3600},"rhythm":"1765990000,-86400","feed":null,
            "request_hash":null,"guid_doubts":1,"link_doubts":0,"most_items":20,"days":[[20439,1,4,1]]}"#,
    );
    book.store = Sqlite::open(&book.path).unwrap();
    let state = book.store.state(&a).unwrap();
    assert_eq!(state, book.store.state(&b).unwrap());
    assert_eq!((state.standing, state.http_status, state.requests), (Standing::Failing, Some(503), 6));
    assert_eq!(state.last_poll.unwrap().timestamp(), 1_766_000_600);
    assert_eq!(state.planned_under, state.body_hash);
    assert_eq!(state.validators.unwrap().etag.unwrap(), b"\"\xe4\"");
    assert_eq!(state.moved_to.unwrap().as_str(), "https://b.example/f");
    assert_eq!(
        state.rhythm.iter().map(DateTime::timestamp).collect::<Vec<_>>(),
        [1_765_990_000, 1_765_903_600]
    );
    assert_eq!(state.days, [PollDay { day: 20_439, read: 1, unchanged: 4, failed: 1 }]);
    // Of one it was said that it cannot be read; of the other nothing.
    ended(&mut book, &a, Standing::Ok);
    ended(&mut book, &b, Standing::Ok);
    let said: Vec<News> = book.store.health(None, 10).unwrap().into_iter().map(|one| one.news).collect();
    assert_eq!(said, [News::Recovered, News::Broken]);
}
