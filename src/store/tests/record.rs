//! What stays on record: after retention and purges, for those who ask why, and in a copy.

use chrono::TimeDelta;

use super::book::{Book, day, entry};
use super::*;

fn one(guid: &str, title: &str) -> Entry {
    entry(guid, &format!("https://x.example/{guid}"), title, Some(day(1)), "Text.")
}

fn explain(book: &mut Book, what: &str) -> Explained {
    book.store.explain(what).unwrap()
}

#[test]
fn what_became_one_with_an_older_story_goes_with_it() {
    let mut book = Book::new(&["a", "b", "c"]);
    book.poll("a", &[entry("1", "", "Story", Some(day(1)), "")]);
    book.now += TimeDelta::days(100);
    let younger = book.poll("b", &[entry("7", "", "Stroy", Some(day(1)), "")]).new[0];
    // Another became one with the younger before.
    let youngest = book.poll("c", &[entry("c", "", "Tsory", Some(day(1)), "")]).new[0];
    book.poll("c", &[entry("c", "", "Stroy", Some(day(1)), "")]);
    book.poll("b", &[entry("7", "", "Story", Some(day(1)), "")]);
    let told = explain(&mut book, &youngest.urn());
    assert_eq!(
        told.stories[0].merged.iter().copied().collect::<HashSet<_>>(),
        HashSet::from([younger, youngest])
    );
    // The older is past its time, the younger alone would not be.
    book.now = day(20) + TimeDelta::days(731);
    assert_eq!(book.prune(&Options::default(), book.now), 1);
    book.check(&[]);
    for gone in [younger, youngest] {
        assert!(book.store.entry(gone).unwrap().is_none());
        assert_eq!(explain(&mut book, &gone.urn()).pruned.len(), 1);
    }
    assert_eq!(book.poll("b", &[entry("7", "", "Story", Some(day(1)), "again")]).new, []);
}

#[test]
fn a_cap_on_one_source_leaves_what_became_one_with_anothers_story() {
    let mut book = Book::new(&["a", "b", "c"]);
    let older = book.poll("a", &[one("1", "Story")]).new[0];
    let younger = book.poll("b", &[entry("7", "", "Stroy", Some(day(1)), "")]).new[0];
    let rest = ["8", "9", "10"].map(|guid| one(guid, &format!("Other {guid}")));
    book.poll("b", &[&[entry("7", "", "Story", Some(day(1)), "")], rest.as_slice()].concat());
    let options = Options { max_entries_per_source: 2, ..Options::default() };
    assert_eq!(book.prune(&options, book.now), 1);
    assert_eq!(book.store.entry(younger).unwrap().unwrap().published.id, older);
    // Who tells it under the former title meets it, too.
    let met = book.poll("c", &[entry("c", "", "Stroy", Some(day(1)), "")]);
    assert_eq!((met.new.len(), met.met.len()), (0, 1));
}

#[test]
fn records_of_filtered_entries_go_with_retention_and_do_not_return() {
    let mut book = Book::new(&["a"]);
    book.sources[0].drop.title = vec![regex::Regex::new("^Ad").unwrap()];
    book.poll("a", &[one("1", "Ad: buy")]);
    let held = explain(&mut book, "https://x.example/1");
    assert_eq!(held.filtered[0].rule, "drop title ^Ad");
    assert_eq!(explain(&mut book, "buy").filtered, held.filtered);
    book.now += TimeDelta::days(800);
    book.prune(&Options::default(), book.now);
    assert_eq!(explain(&mut book, "buy"), Explained::default());
    assert_eq!(explain(&mut book, "https://x.example/1").pruned.len(), 1);
    book.sources[0].drop.title.clear();
    assert_eq!(book.poll("a", &[one("1", "Ad: buy")]).new, []);
}

#[test]
fn an_address_that_several_share_leads_to_each_of_them() {
    let mut book = Book::new(&["a"]);
    let page = "https://x.example/changes";
    let item = |n: u32, title: &str| entry(page, page, title, Some(day(n)), title);
    book.poll("a", &[item(3, "Ferry late"), item(2, "Bears seen"), item(1, "Bridge open")]);
    assert_eq!(explain(&mut book, page).stories.len(), 3);
}

#[test]
fn who_waits_for_the_store_waits_for_a_few_removals_only() {
    let mut book = Book::new(&["a"]);
    let document: Vec<Entry> = (0..600).map(|n| one(&n.to_string(), &format!("Story {n}"))).collect();
    book.poll("a", &document);
    book.now += TimeDelta::days(731);
    let mut step = || book.store.prune(&Options::default(), book.now).unwrap();
    assert_eq!([step(), step(), step()], [Some(500), Some(100), None]);
    book.check(&[]);
}

#[test]
fn a_cap_takes_the_oldest_and_raising_it_brings_none_back() {
    let mut book = Book::new(&["a"]);
    let document: Vec<Entry> =
        (1..9).map(|n| entry(&n.to_string(), "", &format!("Story {n}"), Some(day(n)), "")).collect();
    book.poll("a", &document);
    let options = Options { max_entries_per_source: 3, ..Options::default() };
    assert_eq!(book.prune(&options, book.now), 5);
    assert_eq!(book.prune(&Options::default(), book.now), 0);
    let edited: Vec<Entry> =
        (1..9).map(|n| entry(&n.to_string(), "", &format!("Story {n}"), Some(day(n)), "x")).collect();
    assert_eq!(book.poll("a", &edited).new, []);
    book.check(&["Story 8", "Story 7", "Story 6"]);
}

#[test]
fn a_purge_forgets_and_the_oldest_sighting_takes_over() {
    let mut book = Book::new(&["a", "b", "c"]);
    book.poll("a", &[one("1", "Shared"), one("2", "Alone")]);
    for id in ["b", "c"] {
        book.poll(id, &[entry(&format!("{id}1"), "", "SHARED", Some(day(1)), &format!("By {id}."))]);
    }
    let before = book.river(None);
    let shared = before.iter().find(|story| story.entry.title == "Shared").unwrap().clone();
    assert_eq!(book.store.purge(&SourceId::new("a"), book.now).unwrap(), 1);
    book.check(&["SHARED"]);
    let after = book.river(None).remove(0);
    assert_eq!((after.id, after.published, after.source.as_str()), (shared.id, shared.published, "b"));
    assert_eq!(after.entry.summary, None);
    // Its text comes with its next poll; the others have no say.
    book.poll("c", &[entry("c1", "", "SHARED", Some(day(1)), "By c.")]);
    let told = book.poll("b", &[entry("b1", "", "SHARED", Some(day(1)), "By b.")]);
    assert_eq!((told.new.len(), told.changed.len()), (0, 1));
    assert_eq!(book.river(None)[0].entry.summary.as_deref(), Some("By b."));
    // Forgotten is forgotten.
    book.sync();
    assert_eq!(book.poll("a", &[one("1", "Shared"), one("2", "Alone")]).new.len(), 1);
}

#[test]
fn a_purge_forgets_what_retention_removed_where_nobody_else_had_it() {
    let mut book = Book::new(&["a", "b"]);
    let document = [one("1", "Alone"), one("2", "Shared")];
    book.poll("a", &document);
    book.poll("b", &[entry("b2", "", "Shared", Some(day(1)), "")]);
    book.now += TimeDelta::days(731);
    assert_eq!(book.prune(&Options::default(), book.now), 2);
    assert_eq!(book.poll("a", &document).new, []);
    book.store.purge(&SourceId::new("a"), book.now).unwrap();
    book.sync();
    book.poll("a", &document);
    book.check(&["Alone"]);
}

#[test]
fn an_entry_is_explained_by_name_address_or_words() {
    let mut book = Book::new(&["a", "b"]);
    let id = book.poll("a", &[one("urn:x:1", "Beavers return")]).new[0];
    book.poll("b", &[entry("", "https://b.example/9", "BEAVERS  return", Some(day(1)), "")]);
    let told = explain(&mut book, &id.to_string());
    let rules: Vec<_> = told.stories[0].sightings.iter().map(|one| one.rule.as_str()).collect();
    assert_eq!(rules, ["first", "timestamp+title"]);
    for what in [
        id.urn().as_str(),
        &format!("https://river.example/entries/{id}"),
        "http://www.b.example/9?utm_source=x",
        "urn:x:1",
        "beavers",
        "Beavers return",
    ] {
        assert_eq!(explain(&mut book, what), told, "{what}");
    }
    assert_eq!(explain(&mut book, "otters"), Explained::default());
    assert_eq!(explain(&mut book, "https://c.example/"), Explained::default());
}

#[test]
fn a_copy_holds_everything_and_lets_nothing_return() {
    let mut book = Book::new(&["a"]);
    book.poll("a", &[one("1", "Old")]);
    book.now += TimeDelta::days(731);
    book.prune(&Options::default(), book.now);
    book.poll("a", &[one("1", "Old"), one("2", "New")]);
    let before = book.river(None);
    let copy = book.path.with_extension("copy");
    Sqlite::open_reader(&book.path).unwrap().backup(&copy).unwrap();
    let again = Sqlite::open_reader(&book.path).unwrap().backup(&copy).unwrap_err().to_string();
    assert!(again.contains("exists already"), "{again}");
    // Later news are not in the copy.
    book.poll("a", &[one("3", "Later")]);
    Sqlite::restore(&copy, &book.path).unwrap();
    book.store = Sqlite::open(&book.path).unwrap();
    assert_eq!(book.river(None), before);
    assert_eq!(book.poll("a", &[one("1", "Old, edited"), one("3", "Later")]).new.len(), 1);
}

#[test]
fn what_is_no_backup_is_refused_and_the_store_stays() {
    let mut book = Book::new(&["a"]);
    book.poll("a", &[one("1", "One")]);
    let dir = tempfile::tempdir().unwrap();
    let (text, foreign) = (dir.path().join("text"), dir.path().join("foreign"));
    std::fs::write(&text, "somebody's notes").unwrap();
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    for file in [&text, &foreign, &dir.path().join("none")] {
        let error = Sqlite::restore(file, &book.path).unwrap_err().to_string();
        assert!(error.contains(file.to_str().unwrap()) && !error.contains("[store]"), "{error}");
        book.check(&["One"]);
    }
    assert_eq!(std::fs::read_dir(book.path.parent().unwrap()).unwrap().count(), 3);
}

#[test]
fn a_backup_takes_no_devices_place() {
    let book = Book::new(&["a"]);
    let copy = book.path.with_extension("copy");
    Sqlite::open_reader(&book.path).unwrap().backup(&copy).unwrap();
    // Standing for a device, which a test had better not lose.
    let socket = book.path.with_extension("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let error = Sqlite::restore(&copy, &socket).unwrap_err().to_string();
    assert!(error.contains("no ordinary file"), "{error}");
    assert!(socket.exists() && !socket.is_file());
}

#[test]
fn the_order_of_polls_and_restarts_changes_neither_stories_nor_ids() {
    // Each source says its documents in their order; between sources any order may come.
    let release = |host: &str, n: u32| {
        entry(
            &format!("{host}{n}"),
            &format!("https://{host}.example/{n}"),
            "Press release",
            Some(day(3)),
            "",
        )
    };
    let plain = |title: &str, date, text: &str| entry("", "", title, date, text);
    let documents: [(&str, Vec<Vec<Entry>>); 3] = [
        (
            "a",
            vec![vec![release("a", 1), plain("Undated", None, "x")], vec![release("a", 2), release("a", 1)]],
        ),
        ("b", vec![vec![release("b", 1), release("b", 2), plain("", Some(day(2)), "Note")]]),
        (
            "c",
            vec![vec![release("a", 2), plain("undated", None, "x")], vec![plain("", Some(day(2)), "note")]],
        ),
    ];
    let orders: [[&str; 5]; 6] = [
        ["a", "a", "b", "c", "c"],
        ["b", "a", "a", "c", "c"],
        ["c", "c", "b", "a", "a"],
        ["a", "b", "c", "a", "c"],
        ["c", "a", "b", "c", "a"],
        ["b", "c", "a", "c", "a"],
    ];
    let mut outcomes = Vec::new();
    for order in orders {
        let mut book = Book::new(&["a", "b", "c"]);
        let mut told: HashSet<EntryId> = HashSet::new();
        let mut turn = std::collections::HashMap::new();
        for id in order {
            let next: &mut usize = turn.entry(id).or_default();
            let (_, list) = documents.iter().find(|(source, _)| *source == id).unwrap();
            let document = &list[*next];
            *next += 1;
            for new in book.poll(id, document).new {
                assert!(told.insert(new), "{new} twice");
            }
            book.store = Sqlite::open(&book.path).unwrap();
            assert_eq!(book.poll(id, document), Committed::default());
        }
        let mut ids: Vec<EntryId> = told.into_iter().collect();
        ids.sort();
        outcomes.push(ids);
    }
    for outcome in &outcomes {
        assert_eq!(*outcome, outcomes[0]);
    }
    assert_eq!(outcomes[0].len(), 5);
}
