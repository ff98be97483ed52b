//! Without corrections and without a window, which stories there are and what they are called does not depend on
//! when which source is polled, how often, and how often the daemon starts.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::store::Sqlite;

const TITLES: [&str; 5] = ["Press release", "Weather", "Bridge closed", "Мост закрыт", ""];
const SOURCES: [&str; 3] = ["a", "b", "c"];

/// A document of some source: titles and times that others have too, guids and links of its own, or of all.
fn document(source: &'static str) -> impl Strategy<Value = Vec<Draft>> {
    let item = (0..TITLES.len(), 0u32..4, any::<bool>(), any::<bool>(), prop::bool::weighted(0.3));
    prop::collection::vec(item, 0..6).prop_map(move |items| {
        let draft = |(n, (title, date, guid, dated, shared)): (usize, &(usize, u32, bool, bool, bool))| {
            let host = if *shared { "all" } else { source };
            let mut draft = titled(TITLES[*title]).link(&format!("https://{host}.example/{n}"));
            if *guid {
                draft = draft.guid(&format!("tag:{host},{n}"));
            }
            if *dated || *date > 0 { draft.at(day(1 + date)) } else { draft }
        };
        items.iter().enumerate().map(draft).collect()
    })
}

/// A rule that all sources have: among several kinds, who comes first does matter (docs/notes/same-story.md).
fn rules() -> impl Strategy<Value = DedupRule> {
    prop::sample::select(vec![
        DedupRule::TimestampTitle,
        DedupRule::TimestampTitle,
        DedupRule::Guid,
        DedupRule::Link,
        DedupRule::None,
    ])
}

/// One step of a daemon's life: a poll of a source, or a restart.
fn steps() -> impl Strategy<Value = Vec<usize>> {
    let all = Just(vec![0, 1, 2]).prop_shuffle();
    (all, prop::collection::vec(0..=SOURCES.len(), 0..6))
        .prop_map(|(all, more)| [all, more].concat())
        .prop_shuffle()
}

fn stories_after(rule: DedupRule, documents: &[Vec<Draft>], steps: &[usize]) -> BTreeSet<EntryId> {
    let mut book = Book::new(&SOURCES);
    book.sources.iter_mut().for_each(|source| source.dedup = rule);
    book.sync();
    for step in steps {
        match (SOURCES.get(*step), documents.get(*step)) {
            (Some(id), Some(document)) => _ = poll(&mut book, id, document),
            _ => book.store = Sqlite::open(&book.path).unwrap(),
        }
    }
    book.river(None).iter().map(|one| one.id).collect()
}

/// What a source says over time: a list that grows at its top, and forgets at its end.
fn growing(source: &'static str) -> impl Strategy<Value = Vec<Vec<Draft>>> {
    (document(source), prop::collection::vec((0usize..3, 0usize..2), 2)).prop_map(|(items, steps)| {
        // The oldest come last; the first document has some of them.
        let mut top = items.len() / 2;
        let mut end = items.len();
        let mut versions = vec![items[top..end].to_vec()];
        for (more, fewer) in steps {
            top -= more.min(top);
            end -= fewer.min(end - top);
            versions.push(items[top..end].to_vec());
        }
        versions.push(items[..end].to_vec());
        versions
    })
}

/// Polls every version of every source, each source's in their order, as the steps say whose turn it is.
fn stories_of_growing(lists: &[Vec<Vec<Draft>>; 3], steps: &[usize]) -> BTreeSet<EntryId> {
    let mut book = Book::new(&SOURCES);
    let mut at = [0usize; 3];
    let rest = (0..SOURCES.len()).flat_map(|source| [source; 8]);
    for step in steps.iter().copied().chain(rest) {
        let (Some(id), Some(place)) = (SOURCES.get(step), at.get_mut(step)) else {
            book.store = Sqlite::open(&book.path).unwrap();
            continue;
        };
        let Some(document) = lists[step].get(*place) else { continue };
        *place += 1;
        poll(&mut book, id, document);
        // Twice is once.
        poll(&mut book, id, document);
    }
    let everything = crate::store::Search { limit: 1000, ..Default::default() };
    book.store.search(&everything, book.now).unwrap().iter().map(|one| one.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lists_that_grow_between_polls_come_to_the_same_in_any_order(
        a in growing("a"), b in growing("b"), c in growing("c"),
        steps in prop::collection::vec(0..=SOURCES.len(), 12),
    ) {
        let lists = [a, b, c];
        let one_after_the_other = stories_of_growing(&lists, &[]);
        prop_assert_eq!(&one_after_the_other, &stories_of_growing(&lists, &steps), "{:?}", steps);
        prop_assert_eq!(&one_after_the_other, &stories_of_growing(&lists, &[2, 1, 0, 3, 2, 1, 0, 2, 1, 0]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_polls_sources_and_restarts_changes_nothing(
        rule in rules(), a in document("a"), b in document("b"), c in document("c"), steps in steps()
    ) {
        let documents = [a, b, c];
        let once = stories_after(rule, &documents, &[0, 1, 2]);
        prop_assert_eq!(&once, &stories_after(rule, &documents, &[0, 0, 1, 1, 2, 2]));
        prop_assert_eq!(&once, &stories_after(rule, &documents, &steps), "{:?}", steps);
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

/// What one entry says: title, link, time, text, as numbers of what may be said.
type Said = [usize; 4];

fn said(n: usize, [title, link, time, text]: Said, guids: bool) -> Draft {
    let draft = titled(TITLES[title]);
    let draft = if guids { draft.guid(&format!("g{n}")) } else { draft };
    draft
        .link(&format!("https://a.example/{n}/{link}"))
        .at(day(1) + hours(i64::try_from(time).unwrap()))
        .text(["", "Read more.", "Some words of its own."][text])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Edits of everything but the guids, or without guids the links, one of an entry at a time: no story comes, goes, or
    /// takes another's name.
    #[test]
    fn under_guids_or_links_that_stay_no_edit_makes_or_loses_a_story(
        start in prop::collection::vec((0..TITLES.len(), 0usize..3, 0usize..3, 0usize..3), 1..6),
        edits in prop::collection::vec((0usize..6, 0usize..4, 0usize..3, any::<bool>()), 0..12),
        guids in any::<bool>(),
    ) {
        let mut book = Book::new(&["a"]);
        let mut list: Vec<Said> = start.iter().map(|(title, link, time, text)| [*title, *link, *time, *text]).collect();
        let names = |book: &mut Book, list: &[Said]| -> Vec<EntryId> {
            let document: Vec<Draft> = list.iter().enumerate().map(|(n, it)| said(n, *it, guids)).collect();
            poll(book, "a", &document);
            let explained = (0..list.len()).map(|n| {
                let sightings = book.store.explain(&format!("https://a.example/{n}/{}", list[n][1])).unwrap().stories;
                sightings.first().map(|told| told.published.id).unwrap()
            });
            explained.collect()
        };
        let first = names(&mut book, &list);
        for (entry, field, value, twice) in edits {
            let entry = entry % list.len();
            if guids || field != 1 { list[entry][field] = value; }
            if twice && list.len() > 1 {
                let (other, field) = ((entry + 1) % list.len(), (field + 1) % 4);
                if guids || field != 1 { list[other][field] = value; }
            }
            prop_assert_eq!(&names(&mut book, &list), &first, "{:?}", list);
            prop_assert_eq!(book.river(None).len(), list.len());
        }
    }
}
