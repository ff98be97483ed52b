//! A year of polls in which the store dies, again and again, at any step of a poll: SQLite is stopped in the middle
//! of its work, the store dropped and opened again.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::*;
use crate::dedup::Tell;
use crate::store::Outputs;
use crate::store::tests::book::{self, Book, Under, day, entry};

/// The stories as they stand: name, title, link.
fn standing(book: &mut Book) -> BTreeSet<(EntryId, String, Option<String>)> {
    let mut output = Book::output(None);
    output.limit = 1000;
    let river = book.store.select(&output, book.now).unwrap().entries;
    river.into_iter().map(|one| (one.id, one.entry.title, one.entry.link)).collect()
}

/// What a source lists in a week: its latest stories, of which every second stands in both sources.
fn document(source: &str, week: i64) -> Vec<Entry> {
    let item = |n: i64| {
        let title = if n % 2 == 0 { format!("Story {n}") } else { format!("Story {n} of {source}") };
        let link = format!("https://{source}.example/{n}");
        let at = day(1) + chrono::TimeDelta::days(7 * n - 364);
        entry(&format!("{source}{n}"), &link, &title, Some(at), &format!("Text {n}."))
    };
    (0.max(week - 4)..=week).rev().map(item).collect()
}

/// Polls every week of a year; before each poll that succeeds, crashes after so many steps of the store.
fn year(crashes: &[u16]) -> (BTreeSet<(EntryId, String, Option<String>)>, usize) {
    let mut book = Book::new(&["a", "b"]);
    let (mut turn, mut died) = (crashes.iter(), 0);
    for week in 0..52 {
        for id in ["a", "b"] {
            let entries = document(id, week);
            if let Some(steps) = turn.next() {
                died += usize::from(crash(&mut book, id, &entries, *steps));
            }
            book.poll(id, &entries);
        }
    }
    (standing(&mut book), died)
}

/// Begins a poll and stops SQLite on the way; true when it did not get to the end.
fn crash(book: &mut Book, id: &str, entries: &[Entry], steps: u16) -> bool {
    let mut left = steps;
    let stop = move || {
        left = left.saturating_sub(1);
        left == 0
    };
    book.store.db.progress_handler(5, Some(stop)).unwrap();
    let source = book.sources.iter().find(|source| source.id.as_str() == id).unwrap().clone();
    let under = Under {
        rules: &book.rules,
        home: &book.home,
        reading: 1,
        tell: Tell::Changes,
        reshaped: false,
        now: book.now,
    };
    let died = book::poll(&mut book.store, &source, entries, &under).is_err();
    // What died lets go of the file before it is opened again.
    book.store = Sqlite::open(&book.path.with_extension("other")).unwrap();
    book.store = Sqlite::open(&book.path).unwrap();
    died
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn a_year_with_crashes_loses_nothing_and_doubles_nothing(
        crashes in prop::collection::vec(prop_oneof![1u16..40, 1u16..1500], 104)
    ) {
        let (quiet, _) = year(&[]);
        let (stormy, died) = year(&crashes);
        // 26 stories stand in both sources, 26 in each alone.
        prop_assert_eq!(quiet.len(), 78);
        prop_assert_eq!(quiet, stormy);
        prop_assert!(died > 20, "only {} polls died", died);
    }
}
