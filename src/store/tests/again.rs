//! What stands in an output, taken from what stood there and what was told of since, is what a whole look finds.

use chrono::TimeDelta;
use proptest::prelude::*;
use regex::Regex;

use super::book::{Book, day, entry};
use super::*;
use crate::query::Query;
use crate::units::Span;

/// What a poll brings: a source, and for some numbers a story with one of a few titles.
type Poll = (usize, Vec<(u32, usize)>, u32);

const TITLES: [&str; 4] = ["Flood warning", "Market day", "A lock is mended", "Flood over"];
const SOURCES: [&str; 3] = ["a", "b", "c"];

fn polls() -> impl Strategy<Value = Vec<Poll>> {
    let stories = prop::collection::vec((0..40u32, 0..TITLES.len()), 0..12);
    prop::collection::vec((0..SOURCES.len(), stories, 0..30u32), 1..14)
}

fn output(sources: Option<&[&str]>, limit: usize, per_source: usize) -> Output {
    Output { limit, per_source, ..Book::output(sources) }
}

fn outputs() -> Vec<Output> {
    let flood = || Filter { title: vec![Regex::new("Flood").unwrap()], ..Filter::default() };
    let query = Some(Query::new("flood OR lock").unwrap());
    vec![
        Output { keep: flood(), ..output(None, 100, 0) },
        Output { keep: flood(), ..output(None, 2, 0) },
        Output { drop: flood(), ..output(Some(&["a", "c"]), 3, 0) },
        Output { keep: flood(), ..output(Some(&["b"]), 3, 0) },
        Output { keep: flood(), ..output(None, 4, 1) },
        Output { query, ..output(Some(&["a", "b"]), 3, 2) },
        output(None, 5, 0),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_short_way_says_what_the_long_one_does(polls in polls()) {
        let mut book = Book::new(&SOURCES);
        let outputs = outputs();
        let mut stood: Vec<Vec<EntryId>> = vec![Vec::new(); outputs.len()];
        for (round, (source, stories, hours)) in polls.into_iter().enumerate() {
            // Some days are the last one, whose stories no limit cuts.
            let entries: Vec<_> = stories
                .iter()
                .map(|(n, title)| {
                    let at = day(19) + TimeDelta::hours(i64::from(*n)) - TimeDelta::days(i64::from(n % 5));
                    // The time names the story in other sources, the guid in this one, whatever it is called.
                    entry(&format!("g{n}"), "", TITLES[*title], Some(at), &format!("text {n}"))
                })
                .collect();
            let committed = book.poll(SOURCES[source], &entries);
            let mut told = committed.new.clone();
            told.extend(committed.changed.iter().chain(&committed.met));
            book.now += TimeDelta::hours(i64::from(hours));
            if round % 5 == 4 {
                let keep = Options { max_entries_per_source: 6, retention: Span::secs(9_000_000), ..Options::default() };
                book.prune(&keep, book.now);
            }
            for (output, stood) in outputs.iter().zip(&mut stood) {
                let whole = book.store.select(output, book.now).unwrap().entries;
                if let Some(again) = book.store.select_again(output, stood, &told, book.now).unwrap() {
                    prop_assert_eq!(&again, &whole, "{:?}", output);
                }
                *stood = whole.iter().map(|entry| entry.id).collect();
            }
        }
    }
}

/// A hundred stories, of which two are of floods.
fn flooded() -> (Book, Output, Vec<EntryId>) {
    let mut book = Book::new(&["a", "b"]);
    book.sources.iter_mut().for_each(|source| source.backfill = 1000);
    let item = |n: u32| {
        let title = if n % 50 == 3 { format!("Flood {n}") } else { format!("Market {n}") };
        entry(&format!("g{n}"), "", &title, Some(day(1) + TimeDelta::minutes(i64::from(n))), "text")
    };
    book.poll("a", &(0..100).map(item).collect::<Vec<_>>());
    let output = outputs().swap_remove(0);
    let found = book.store.select(&output, book.now).unwrap();
    assert_eq!((found.entries.len(), found.looked), (2, 100));
    (book, output, found.entries.into_iter().map(|entry| entry.id).collect())
}

fn again(book: &mut Book, output: &Output, stood: &[EntryId], told: &[EntryId]) -> Option<Vec<String>> {
    let found = book.store.select_again(output, stood, told, book.now).unwrap()?;
    Some(found.into_iter().map(|entry| entry.entry.title).collect())
}

#[test]
fn what_came_what_changed_and_what_went_is_seen() {
    let (mut book, output, stood) = flooded();
    let told = book.poll(
        "b",
        &[entry("x", "", "Flood in town", Some(day(2)), ""), entry("y", "", "Fair", Some(day(2)), "")],
    );
    assert_eq!(
        again(&mut book, &output, &stood, &told.new).unwrap(),
        ["Flood in town", "Flood 53", "Flood 3"]
    );
    let renamed = [
        entry("g3", "", "Fair", Some(day(1) + TimeDelta::minutes(3)), "text"),
        entry("g4", "", "Flood 4", Some(day(1) + TimeDelta::minutes(4)), "text"),
    ];
    let told = book.poll("a", &renamed);
    assert_eq!(told.changed.len(), 2);
    assert_eq!(again(&mut book, &output, &stood, &told.changed).unwrap(), ["Flood 53", "Flood 4"]);
}

#[test]
fn a_full_document_that_lost_one_is_looked_for_again() {
    let (mut book, output, stood) = flooded();
    let full = Output { limit: 1, ..output };
    let told = book.poll("a", &[entry("g53", "", "Fair", Some(day(1) + TimeDelta::minutes(53)), "text")]);
    let newest: Vec<_> = stood[..1].to_vec();
    assert_eq!(again(&mut book, &full, &newest, &told.changed), None);
    assert_eq!(again(&mut book, &full, &newest, &[]), None);
}

#[test]
fn a_story_met_in_another_source_is_told_of() {
    let (mut book, output, _) = flooded();
    let of_b = Output { sources: Some(vec![SourceId::new("b")]), ..output };
    let told = book.poll("b", &[entry("z", "", "Flood 53", Some(day(1) + TimeDelta::minutes(53)), "text")]);
    assert_eq!((told.new.len(), told.met.len()), (0, 1));
    assert_eq!(again(&mut book, &of_b, &[], &told.met).unwrap(), ["Flood 53"]);
}

#[test]
fn of_some_entries_those_are_named_that_stand_in_the_history() {
    let (mut book, output, stood) = flooded();
    book.sources.iter_mut().for_each(|source| source.backfill = 1);
    book.sync();
    let backlog =
        [entry("x", "", "Flood of 1926", Some(day(2)), ""), entry("y", "", "Fair", Some(day(1)), "")];
    let told = book.poll("b", &backlog);
    let mut asked = told.new.clone();
    asked.extend(&stood);
    let mut found = book.store.of_history(&output, &asked).unwrap();
    found.sort_unstable();
    let mut wanted = [&told.new[1..], &stood[..]].concat();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}
