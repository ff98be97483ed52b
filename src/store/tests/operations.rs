//! Whatever changes what an output shows is seen by who remembers what it showed: where a look goes on from what was kept,
//! it finds what one finds that looks at everything.

use chrono::TimeDelta;
use regex::Regex;

use super::book::{Book, day, entry, signed};
use super::*;
use crate::dedup::Tell;
use crate::query::Query;
use crate::store::{Found, Look};
use crate::units::Span;

/// Three sources, the documents they have now, and outputs.
struct River {
    book: Book,
    documents: [Vec<Entry>; 3],
    outputs: Vec<Arc<Output>>,
}

const A: usize = 0;
const B: usize = 1;
const OLD: usize = 2;

fn item(n: i64, title: &str) -> Entry {
    entry(&format!("g{n}"), "", title, Some(day(10) + TimeDelta::minutes(n)), &format!("text {n}"))
}

fn items(numbers: std::ops::Range<i64>) -> Vec<Entry> {
    let title = |n| if n % 20 == 3 { format!("Flood {n}") } else { format!("Market {n}") };
    numbers.map(|n| item(n, &title(n))).collect()
}

fn held(n: i64, title: &str, at: u32) -> Entry {
    entry(&format!("g{n}"), "", title, Some(day(at)), &format!("text {n}"))
}

impl River {
    fn new() -> Self {
        let mut book = Book::new(&["a", "b", "old"]);
        book.now = day(18);
        book.sources[A].backfill = 1000;
        book.sources[A].drop.title = vec![Regex::new("^Secret").unwrap()];
        book.sources[B].backfill = 1000;
        book.sources[B].future = FuturePolicy::Hold;
        book.sources[OLD].backfill = 1;
        let (mut a, mut b) = (items(0..60), items(100..130));
        // One story whose title another source writes otherwise, and one that a filter holds back.
        a.extend([item(61, "A FLOOD, AGAIN"), item(62, "Secret Flood")]);
        b.extend([item(61, "A Flood, again"), item(201, "Market 201")]);
        b.extend([held(131, "Flood to come", 25), held(132, "Flood that is late", 28)]);
        b.push(held(133, "Flood that came", 19));
        let old = (200..210).map(|n| item(n, &format!("Flood {n}"))).collect();
        let flood = || Filter { title: vec![Regex::new("Flood").unwrap()], ..Filter::default() };
        let of = |ids: &[&str]| Book::output(Some(ids));
        let query = Some(Query::new("flood").unwrap());
        let outputs = [
            Output { keep: flood(), ..Book::output(None) },
            Output { keep: flood(), limit: 2, ..Book::output(None) },
            Output { keep: flood(), limit: 4, per_source: 2, ..Book::output(None) },
            Output { keep: flood(), ..of(&["a"]) },
            Output { keep: flood(), ..of(&["b"]) },
            Output { keep: flood(), ..of(&["c"]) },
            Output { drop: flood(), limit: 3, ..of(&["a", "old"]) },
            Output { query, limit: 5, ..Book::output(None) },
        ];
        let outputs = outputs.into_iter().enumerate();
        let outputs = outputs.map(|(n, output)| Arc::new(Output { id: n.to_string(), ..output })).collect();
        let mut river = Self { book, documents: [a, b, old], outputs };
        for source in [OLD, A, B] {
            river.poll(source);
        }
        river.book.now = day(20);
        river
    }

    fn poll(&mut self, source: usize) -> Committed {
        let id = self.book.sources[source].id.clone();
        self.book.poll(id.as_str(), &self.documents[source])
    }

    /// A source has an entry, new or otherwise than before.
    fn says(&mut self, source: usize, entry: Entry) -> Committed {
        self.documents[source].retain(|known| known.guid != entry.guid);
        self.documents[source].push(entry);
        self.poll(source)
    }

    /// What an output shows to who remembers nothing.
    fn shown(&mut self) -> Vec<Vec<Published>> {
        let select = |output: &Arc<Output>| self.book.store.select(output, self.book.now).unwrap().entries;
        self.outputs.iter().map(select).collect()
    }

    /// Writes down what is found, as what a long way led to.
    fn keep(&mut self) {
        for output in &self.outputs {
            let look = Look { looked: 1_000_000, ..self.book.store.select(output, self.book.now).unwrap() };
            let found = Found { look: Some(look), tail: None };
            self.book.store.keep_found(&[(output.clone(), found)]).unwrap();
        }
    }

    fn kept(&mut self) -> Vec<Look> {
        let look = |output: &Arc<Output>| self.book.store.found(output).unwrap().look.unwrap_or_default();
        self.outputs.iter().map(look).collect()
    }

    /// What an output shows to who goes on from there.
    fn go_on(&mut self, looks: &mut [Look]) -> Vec<Vec<Published>> {
        let look = |(output, look): (&Arc<Output>, &mut Look)| {
            while !self.book.store.look(output, self.book.now, look).unwrap() {}
            look.entries.clone()
        };
        self.outputs.iter().zip(looks).map(look).collect()
    }

    fn prune(&mut self, most: usize, days: u64) -> usize {
        let retention = Span::secs(days * 86_400);
        let options = Options { max_entries_per_source: most, retention, ..Options::default() };
        self.book.prune(&options, self.book.now)
    }
}

/// What it is, and how it happens.
type Operation = (&'static str, fn(&mut River));

/// Everything that may change what an output shows. They can come one after the other in this order.
const OPERATIONS: [Operation; 17] = [
    ("a new story", |river| _ = river.says(A, item(63, "Flood 63"))),
    ("a correction", |river| _ = river.says(A, item(4, "Flood 4"))),
    ("a story met elsewhere", |river| _ = river.says(B, item(43, "Flood 43"))),
    ("a backlog that is another's news", |river| _ = river.says(A, item(202, "Flood 202"))),
    ("two that became one", |river| {
        river.says(B, item(201, "Flood 201"));
        let shown = river.shown().swap_remove(0);
        assert!(shown.iter().any(|story| story.entry.title == "Flood 201" && story.source.as_str() == "old"));
    }),
    ("another reading", |river| {
        (river.book.reading, river.book.tell) = (2, Tell::Nothing);
        river.says(A, item(5, "Flood 5"));
        river.book.tell = Tell::Changes;
    }),
    ("a filter that lets go", |river| {
        river.book.sources[A].drop = Filter::default();
        river.book.sync();
        assert_eq!(river.poll(A).new.len(), 1);
    }),
    ("another date of what is held", |river| _ = river.says(B, held(132, "Flood that is late", 20))),
    ("its time came", |river| river.book.now = day(26)),
    ("a clock set back", |river| river.book.now = day(18) + TimeDelta::hours(5)),
    ("too many stories of a source", |river| assert!(river.prune(30, 730) > 0)),
    ("more changes than are kept", |river| {
        river.says(B, item(105, "Flood 105"));
        for _ in 0..3 {
            for entry in river.documents[B].iter_mut().filter(|entry| entry.title.starts_with("Market")) {
                entry.title.push('!');
                *entry = signed(entry.clone());
            }
            assert!(river.poll(B).changed.len() > 20);
        }
        river.prune(1000, 730);
    }),
    ("a source that is called otherwise", |river| {
        river.book.sources[A].id = SourceId::new("c");
        river.book.sources[A].was = vec![SourceId::new("a")];
        river.book.sync();
    }),
    ("a source that takes over another", |river| {
        let gone = river.book.sources.remove(OLD);
        river.book.sources[B].was = vec![gone.id];
        river.book.sync();
    }),
    ("a purge", |river| {
        let id = river.book.sources.remove(A).id;
        assert!(river.book.store.purge(&id, river.book.now).unwrap() > 0);
    }),
    ("retention", |river| {
        river.book.now += TimeDelta::days(20);
        assert!(river.prune(1000, 10) > 0);
    }),
    ("a first poll after all that", |river| {
        let id = river.book.sources.last().unwrap().id.clone();
        assert!(!river.book.poll(id.as_str(), &[held(900, "Flood 900", 20)]).new.is_empty());
    }),
];

#[test]
fn who_remembers_sees_whatever_happens() {
    for (what, happens) in OPERATIONS {
        let mut river = River::new();
        river.keep();
        let before = river.shown();
        assert!(before[0].len() > 5 && before[1].len() == 2 && before[5].is_empty());
        happens(&mut river);
        let shown = river.shown();
        assert_ne!(shown, before, "{what} changes nothing");
        let mut kept = river.kept();
        assert_eq!(river.go_on(&mut kept), shown, "{what}");
    }
}

#[test]
fn who_goes_on_remembering_sees_all_of_it() {
    let mut river = River::new();
    river.keep();
    let (mut always, mut seldom) = (river.kept(), river.kept());
    for (turn, (what, happens)) in OPERATIONS.into_iter().enumerate() {
        happens(&mut river);
        let shown = river.shown();
        assert_eq!(river.go_on(&mut always), shown, "{what}");
        if turn % 3 == 2 {
            assert_eq!(river.go_on(&mut seldom), shown, "{what}, and two before");
        }
    }
}

/// What is kept comes along with a copy, and is of its moment.
#[test]
fn a_copy_that_takes_the_stores_place_remembers_what_it_knew() {
    let mut river = River::new();
    river.keep();
    let copy = river.book.path.with_extension("copy");
    Sqlite::open_reader(&river.book.path).unwrap().backup(&copy).unwrap();
    let before = river.shown();
    let news = |river: &mut River, number, title: &str| _ = river.says(A, item(number, title));
    news(&mut river, 63, "Flood 63");
    news(&mut river, 4, "Flood 4");
    river.keep();
    Sqlite::restore(&copy, &river.book.path).unwrap();
    river.book.store = Sqlite::open(&river.book.path).unwrap();
    let mut kept = river.kept();
    assert_eq!(river.go_on(&mut kept), before);
    // Numbers come twice, for other stories and other changes.
    river.documents[A].retain(|entry| entry.title.starts_with("Market"));
    news(&mut river, 64, "Flood 64");
    news(&mut river, 6, "Flood 6");
    let (shown, mut kept) = (river.shown(), river.kept());
    assert_ne!(shown, before);
    assert_eq!(river.go_on(&mut kept), shown);
}
