//! A store made by an older version knows after its upgrade what it knew before.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::dedup::Stood;
use crate::model::{Digest, Entry, SourceId};
use crate::store::sqlite::last;
use crate::store::tests::book::{Book, day, entry};
use crate::store::{Sqlite, Store};

/// Makes the store what version 3 would have made of it; the digests of rules stay.
fn back_to_3(book: &Book) {
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
    db.execute_batch("DROP TABLE last_documents").unwrap();
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
fn what_became_one_story_is_one_in_the_last_documents() {
    let mut book = Book::new(&["a", "b"]);
    let shared = item(7, "Stroy");
    book.poll("a", &[item(1, "Story")]);
    book.poll("b", &[shared.clone(), item(8, "Eight")]);
    book.sources.push(crate::store::tests::book::source("c"));
    book.sync();
    book.poll("c", &[shared]);
    // A correction in b makes the second story the first; c's document is not read again.
    let mut corrected = item(7, "Story");
    corrected.published = Some(day(1));
    book.poll("b", &[crate::store::tests::book::signed(corrected), item(8, "Eight")]);
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
