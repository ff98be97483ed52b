//! Without corrections and without a window, which stories there are and what they are called does not depend on
//! when which source is polled, how often, and how often the daemon starts.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::store::Sqlite;

const TITLES: [&str; 5] = ["Press release", "Weather", "Bridge closed", "Мост закрыт", ""];
const SOURCES: [&str; 3] = ["a", "b", "c"];

/// A document of some source: titles and times that others have too, guids and links of its own.
fn document(source: &'static str) -> impl Strategy<Value = Vec<Draft>> {
    let item = (0..TITLES.len(), 0u32..4, any::<bool>(), any::<bool>());
    prop::collection::vec(item, 0..6).prop_map(move |items| {
        let draft = |(n, (title, date, guid, dated)): (usize, &(usize, u32, bool, bool))| {
            let mut draft = titled(TITLES[*title]).link(&format!("https://{source}.example/{n}"));
            if *guid {
                draft = draft.guid(&format!("{source}-{n}"));
            }
            if *dated || *date > 0 { draft.at(day(1 + date)) } else { draft }
        };
        items.iter().enumerate().map(draft).collect()
    })
}

/// One step of a daemon's life: a poll of a source, or a restart.
fn steps() -> impl Strategy<Value = Vec<usize>> {
    let all = Just(vec![0, 1, 2]).prop_shuffle();
    (all, prop::collection::vec(0..=SOURCES.len(), 0..6))
        .prop_map(|(all, more)| [all, more].concat())
        .prop_shuffle()
}

fn stories_after(documents: &[Vec<Draft>], steps: &[usize]) -> BTreeSet<EntryId> {
    let mut book = Book::new(&SOURCES);
    for step in steps {
        match (SOURCES.get(*step), documents.get(*step)) {
            (Some(id), Some(document)) => _ = poll(&mut book, id, document),
            _ => book.store = Sqlite::open(&book.path).unwrap(),
        }
    }
    book.river(None).iter().map(|one| one.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_polls_sources_and_restarts_changes_nothing(
        a in document("a"), b in document("b"), c in document("c"), steps in steps()
    ) {
        let documents = [a, b, c];
        let once = stories_after(&documents, &[0, 1, 2]);
        prop_assert_eq!(&once, &stories_after(&documents, &[0, 0, 1, 1, 2, 2]));
        prop_assert_eq!(&once, &stories_after(&documents, &steps), "{:?}", steps);
    }

    #[test]
    fn polling_twice_is_polling_once(a in document("a"), b in document("b")) {
        let mut book = Book::new(&SOURCES);
        poll(&mut book, "a", &a);
        poll(&mut book, "b", &b);
        let river = book.river(None);
        prop_assert_eq!(poll(&mut book, "a", &a), (0, 0));
        prop_assert_eq!(poll(&mut book, "b", &b), (0, 0));
        prop_assert_eq!(river, book.river(None));
    }
}
