//! What stands in an output, taken from what stood there and what was told of since, is what a whole look finds.

use chrono::TimeDelta;
use proptest::prelude::*;
use regex::Regex;

use super::book::{Book, day, entry};
use super::*;
use crate::query::Query;
use crate::store::{Found, Look};
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

/// What is found by going on from what was found before.
fn on(book: &mut Book, output: &Output, look: &mut Look) -> Vec<Published> {
    while !book.store.look(output, book.now, look).unwrap() {}
    look.entries.clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_short_way_says_what_the_long_one_does(polls in polls()) {
        let mut book = Book::new(&SOURCES);
        book.sources[1].future = FuturePolicy::Hold;
        let outputs: Vec<_> = outputs().into_iter().map(Arc::new).collect();
        let mut looks = vec![Look::default(); outputs.len()];
        // These get on by one slice a round only: what happens comes in between.
        let mut slow = looks.clone();
        for (round, (source, stories, hours)) in polls.into_iter().enumerate() {
            // Some days are the last one, whose stories no limit cuts; some are not there yet.
            let entries: Vec<_> = stories
                .iter()
                .map(|(n, title)| {
                    let at = day(19) + TimeDelta::hours(i64::from(*n)) - TimeDelta::days(i64::from(n % 5));
                    // The time names the story in other sources, the guid in this one, whatever it is called.
                    entry(&format!("g{n}"), "", TITLES[*title], Some(at), &format!("text {n}"))
                })
                .collect();
            book.poll(SOURCES[source], &entries);
            book.now += TimeDelta::hours(i64::from(hours));
            match round % 6 {
                3 => {
                    let keep = Options { max_entries_per_source: 6, retention: Span::secs(9_000_000), ..Options::default() };
                    book.prune(&keep, book.now);
                }
                // A restart, which goes on from what was kept.
                5 => {
                    for (output, look) in outputs.iter().zip(&mut looks) {
                        let found = Found { look: Some(look.clone()), tail: None };
                        book.store.keep_found(&[(output.clone(), found)]).unwrap();
                        let kept = book.store.found(output).unwrap().look.unwrap();
                        prop_assert_eq!((kept.seen, &kept.stood), (look.seen, &look.stood));
                        *look = kept;
                    }
                }
                _ => {}
            }
            for ((output, look), slow) in outputs.iter().zip(&mut looks).zip(&mut slow) {
                let whole = book.store.select(output, book.now).unwrap().entries;
                prop_assert_eq!(&on(&mut book, output, look), &whole, "{:?}", output);
                if book.store.look(output, book.now, slow).unwrap() {
                    prop_assert_eq!(&slow.entries, &whole, "slowly: {:?}", output);
                }
            }
        }
    }
}

/// A hundred stories, of which two are of floods.
fn flooded() -> (Book, Output, Look) {
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
    (book, output, found)
}

/// True when what happened since says what stands there.
fn is_enough(book: &mut Book, output: &Output, look: &Look) -> bool {
    let mut look = look.clone();
    book.store.look(output, book.now, &mut look).unwrap();
    look.walked
}

fn again(book: &mut Book, output: &Output, look: &Look) -> Vec<String> {
    assert!(is_enough(book, output, look));
    on(book, output, &mut look.clone()).into_iter().map(|found| found.entry.title).collect()
}

#[test]
fn what_came_what_changed_and_what_went_is_seen() {
    let (mut book, output, look) = flooded();
    book.poll(
        "b",
        &[entry("x", "", "Flood in town", Some(day(2)), ""), entry("y", "", "Fair", Some(day(2)), "")],
    );
    assert_eq!(again(&mut book, &output, &look), ["Flood in town", "Flood 53", "Flood 3"]);
    let renamed = [
        entry("g3", "", "Fair", Some(day(1) + TimeDelta::minutes(3)), "text"),
        entry("g4", "", "Flood 4", Some(day(1) + TimeDelta::minutes(4)), "text"),
    ];
    assert_eq!(book.poll("a", &renamed).changed.len(), 2);
    assert_eq!(again(&mut book, &output, &look), ["Flood in town", "Flood 53", "Flood 4"]);
}

#[test]
fn a_full_document_that_lost_one_is_looked_for_again() {
    let (mut book, output, _) = flooded();
    let full = Output { limit: 1, ..output };
    let look = book.store.select(&full, book.now).unwrap();
    let look = Look { looked: 100, ..look };
    assert!(is_enough(&mut book, &full, &look));
    book.poll("a", &[entry("g53", "", "Fair", Some(day(1) + TimeDelta::minutes(53)), "text")]);
    assert!(!is_enough(&mut book, &full, &look));
    assert_eq!(on(&mut book, &full, &mut look.clone())[0].entry.title, "Flood 3");
}

#[test]
fn a_story_met_in_another_source_is_seen() {
    let (mut book, output, _) = flooded();
    let of_b = Output { sources: Some(vec![SourceId::new("b")]), ..output };
    let look = Look { looked: 100, ..book.store.select(&of_b, book.now).unwrap() };
    let told = book.poll("b", &[entry("z", "", "Flood 53", Some(day(1) + TimeDelta::minutes(53)), "text")]);
    assert_eq!((told.new.len(), told.met.len()), (0, 1));
    assert_eq!(again(&mut book, &of_b, &look), ["Flood 53"]);
}

#[test]
fn a_story_whose_time_came_is_seen() {
    let (mut book, output, _) = flooded();
    book.sources[1].future = FuturePolicy::Hold;
    book.poll("b", &[entry("x", "", "Flood at last", Some(day(25)), "")]);
    let look = book.store.select(&output, book.now).unwrap();
    assert_eq!(again(&mut book, &output, &look), ["Flood 53", "Flood 3"]);
    book.now = day(26);
    assert_eq!(again(&mut book, &output, &look), ["Flood at last", "Flood 53", "Flood 3"]);
    book.now = day(19);
    assert!(!is_enough(&mut book, &output, &look), "the clock was set back");
}

/// What changes whose stories are whose is no story's change.
#[test]
fn after_a_rename_or_a_purge_everything_is_looked_at() {
    let (mut book, output, look) = flooded();
    let of = |id: &str| Output { sources: Some(vec![SourceId::new(id)]), ..output.clone() };
    let of_b = Look { looked: 100, ..book.store.select(&of("b"), book.now).unwrap() };
    assert_eq!(again(&mut book, &of("b"), &of_b), [""; 0]);
    // What was the first source is the second's now, and then a third's.
    book.sources.remove(0);
    book.sources[0].was = vec![SourceId::new("a")];
    book.sync();
    assert!(!is_enough(&mut book, &of("b"), &of_b));
    assert_eq!(on(&mut book, &of("b"), &mut of_b.clone()).len(), 2);
    let of_c = Look { looked: 100, ..book.store.select(&of("c"), book.now).unwrap() };
    book.sources[0].id = SourceId::new("c");
    book.sources[0].was = vec![SourceId::new("b")];
    book.sync();
    assert_eq!(on(&mut book, &of("c"), &mut of_c.clone()).len(), 2);
    assert!(!is_enough(&mut book, &output, &look));
    let look = book.store.select(&output, book.now).unwrap();
    assert!(is_enough(&mut book, &output, &look));
    book.store.purge(&SourceId::new("c"), book.now).unwrap();
    assert!(!is_enough(&mut book, &output, &look));
}

#[test]
fn what_was_kept_is_used_as_long_as_the_rules_are_the_same() {
    let (mut book, output, mut look) = flooded();
    // A story less than there is: who finds two looked at everything.
    look.stood.truncate(1);
    let output = Arc::new(output);
    book.store.keep_found(&[(output.clone(), Found { look: Some(look), tail: None })]).unwrap();
    book.store = Sqlite::open(&book.path).unwrap();
    let kept = book.store.found(&output).unwrap().look.unwrap();
    assert_eq!(again(&mut book, &output, &kept), ["Flood 53"]);
    for other in [
        Output { limit: 99, ..(*output).clone() },
        Output { per_source: 3, ..(*output).clone() },
        Output { keep: Filter::default(), ..(*output).clone() },
        Output { languages: vec!["en".to_owned()], ..(*output).clone() },
        Output { sources: Some(vec![SourceId::new("a")]), ..(*output).clone() },
    ] {
        assert!(book.store.found(&other).unwrap().look.is_none(), "{other:?}");
    }
}

#[test]
fn who_saw_too_little_looks_at_everything() {
    let (mut book, output, look) = flooded();
    // More corrections than are kept.
    for round in 0..3 {
        let item = |n: u32| {
            let at = day(1) + TimeDelta::minutes(i64::from(n));
            entry(&format!("g{n}"), "", &format!("Market {n}, {round}"), Some(at), "text")
        };
        book.poll("a", &(4..24).map(item).collect::<Vec<_>>());
    }
    assert!(!is_enough(&mut book, &output, &look), "more than half of all were corrected");
    let patient = Look { looked: 1_000_000, ..look };
    assert!(is_enough(&mut book, &output, &patient));
    book.prune(&Options::default(), book.now);
    assert!(!is_enough(&mut book, &output, &patient));
    assert_eq!(on(&mut book, &output, &mut patient.clone()).len(), 2);
}

#[test]
fn of_some_entries_those_are_named_that_stand_in_the_history() {
    let (mut book, output, look) = flooded();
    let stood: Vec<_> = look.entries.iter().map(|entry| entry.id).collect();
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
