//! `per_source`: no source has more than its share of a document, and what it has more is not read.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::book::{Book, day, entry};
use super::*;
use crate::store::archive::Cuts;

/// The same as the store should say, from everything there is.
fn by_hand(book: &mut Book, output: &Output) -> Vec<EntryId> {
    let everything = Output { limit: 100_000, per_source: 0, ..output.clone() };
    let mut shown: HashMap<SourceId, usize> = HashMap::new();
    let mut river = book.store.select(&everything, book.now).unwrap().entries;
    river.retain(|story| {
        let count = shown.entry(story.source.clone()).or_default();
        *count += 1;
        *count <= output.per_source
    });
    river.iter().take(output.limit).map(|story| story.id).collect()
}

#[test]
fn each_source_has_its_share_and_a_loud_one_no_more() {
    let mut book = Book::new(&["loud", "mirror", "quiet"]);
    for source in &mut book.sources {
        source.backfill = 1000;
    }
    let item = |id: &str, n: u32, minutes: i64| {
        let at = day(1) + TimeDelta::minutes(minutes);
        entry(&format!("{id}{n}"), &format!("https://{id}.example/{n}"), &format!("{id} {n}"), Some(at), "")
    };
    // The mirror says most of what the loud one says, and a little of its own, long ago.
    let loud: Vec<Entry> = (0..400).map(|n| item("loud", n, 1000 + i64::from(n))).collect();
    let copies = loud.iter().cloned().map(|mut copy| {
        (copy.guid, copy.link) = (copy.guid.map(|guid| guid + "-copy"), None);
        super::book::signed(copy)
    });
    let mirror: Vec<Entry> = copies.chain((0..5).map(|n| item("mirror", n, i64::from(n)))).collect();
    let quiet: Vec<Entry> = (0..3).map(|n| item("quiet", n, 10 + i64::from(n))).collect();
    for (id, document) in [("loud", loud), ("mirror", mirror), ("quiet", quiet)] {
        book.poll(id, &document);
    }
    for (per_source, limit) in [(1, 100), (2, 3), (4, 100), (500, 10)] {
        for sources in [None, Some(&["loud", "quiet"][..]), Some(&["mirror"][..])] {
            let output = Output { limit, per_source, ..Book::output(sources) };
            let shown: Vec<EntryId> =
                book.store.select(&output, book.now).unwrap().entries.iter().map(|story| story.id).collect();
            assert_eq!(shown, by_hand(&mut book, &output), "{per_source} of {limit} in {sources:?}");
        }
    }
    let output = Output { per_source: 2, ..Book::output(None) };
    let titles: Vec<_> = book
        .store
        .select(&output, book.now)
        .unwrap()
        .entries
        .into_iter()
        .map(|story| story.entry.title)
        .collect();
    assert_eq!(titles, ["loud 399", "loud 398", "quiet 2", "quiet 1", "mirror 4", "mirror 3"]);
}

#[test]
fn a_source_of_few_stories_among_many_is_counted_in_one_go() {
    let mut book = Book::new(&["few", "many"]);
    let item = |id: &str, n: u32| entry(&format!("{id}{n}"), "", &format!("{id} {n}"), Some(day(n)), "");
    book.poll("few", &[item("few", 1)]);
    book.poll("many", &[item("many", 1)]);
    // As if the others had come a million times since.
    let db = rusqlite::Connection::open(&book.path).unwrap();
    db.execute("UPDATE sqlite_sequence SET seq = 1000000 WHERE name IN ('entries', 'sightings')", [])
        .unwrap();
    book.poll("many", &[item("many", 2)]);
    book.poll("few", &[item("few", 2)]);
    let count = |book: &mut Book, sources: Option<&[&str]>| {
        let (output, mut cuts) = (Book::output(sources), Cuts::default());
        let done = book.store.count(&output, &mut cuts).unwrap();
        (done, cuts.open)
    };
    assert_eq!(count(&mut book, Some(&["few"])), (true, 2));
    assert_eq!(count(&mut book, None), (false, 2), "of all sources a slice");
}
