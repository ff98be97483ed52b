//! No poll and no document walks a table: SQLite is asked how it would run every statement it was given.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use crate::model::SourceId;
use crate::store::tests::book::{Book, day, entry};
use crate::store::{Found, Outputs, Seen};

/// How SQLite would run a statement, line by line.
fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let values = vec![rusqlite::types::Null; statement.parameter_count()];
    let lines = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(3)).unwrap();
    lines.map(Result::unwrap).collect()
}

/// True for a line that reads a table from end to end. The river is walked along its index, newest first, and left
/// when the document is full.
fn is_scan(line: &str) -> bool {
    let harmless = [
        "SCAN CONSTANT ROW",
        "SCAN e USING INDEX entries_river",
        "SCAN words VIRTUAL TABLE",
        // A list of sources' numbers.
        "SCAN json_each VIRTUAL TABLE",
        "SCAN days",
        // What a part of the statement gave; how that was found has lines of its own.
        "SCAN (subquery",
        "SCAN installation",
    ];
    line.starts_with("SCAN") && !harmless.iter().any(|harmless| line.starts_with(harmless))
}

/// Polls that meet, correct, merge, filter, hold, list again, and look about; then documents of every kind.
fn everything(book: &mut Book) {
    let item = |n: u32, title: &str| {
        let mut item = entry(&n.to_string(), &format!("https://a.example/{n}"), title, Some(day(n)), "text");
        item.language = Some("en".to_owned());
        item
    };
    book.rules.window = 600;
    book.rules.similar = Some(0.9);
    book.sources[0].backfill = 0;
    book.sources[0].drop.title = vec![regex::Regex::new("^Ad").unwrap()];
    let mut ahead = item(4, "Ahead");
    ahead.published = Some(day(25));
    book.sources[1].future = crate::model::FuturePolicy::Hold;
    book.poll("a", &[item(1, "One"), item(2, "Two"), item(3, "Ad: buy")]);
    book.poll("b", &[ahead.clone()]);
    book.poll("b", &[ahead.clone(), item(2, "Two"), item(7, "Seven")]);
    ahead.published = Some(day(26));
    book.poll("b", &[ahead]);
    // A correction makes a story another source's.
    let mut corrected = item(7, "One");
    corrected.published = Some(day(1));
    book.poll("b", &[corrected]);
    book.poll("a", &[item(1, "One"), item(2, "Two, corrected")]);
    book.reshaped = true;
    let moved = entry("x", "https://a.example/x", "One", Some(day(1) + TimeDelta::hours(3)), "other");
    book.poll("a", &[moved]);
    let rebuilt = |n: u32| entry("", &format!("https://a.example/new/{n}"), "Rebuilt", Some(day(9)), "");
    book.poll("a", &[rebuilt(1), rebuilt(2), rebuilt(3)]);
    let long =
        "Some words that many have, and then some more of them, until it is enough to compare. ".repeat(5);
    for (id, title) in [("a", "Alike"), ("b", "Alike, says another")] {
        let link = format!("https://{id}.example/alike");
        book.poll(id, &[entry("", &link, title, Some(day(20)), &long)]);
    }
    crate::store::sqlite::found::forget(&book.store.db).unwrap();
    crate::store::sqlite::likeness::forget(&book.store.db, book.now + TimeDelta::days(3)).unwrap();
    let mut output = Book::output(None);
    output.languages = vec!["en".into()];
    let mut picky = Book::output(Some(&["a"]));
    picky.keep.title = vec![regex::Regex::new("^One").unwrap()];
    for output in [Book::output(None), Book::output(Some(&["a", "b"])), output, picky] {
        let mut look = book.store.select(&output, book.now).unwrap();
        let ids: Vec<_> = look.entries.iter().map(|entry| entry.id).collect();
        book.store.look(&output, book.now, &mut look).unwrap();
        book.store.since(Seen::default(), usize::MAX).unwrap();
        let found = Found { look: Some(look), tail: None };
        book.store.keep_found(&[(Arc::new(output.clone()), found)]).unwrap();
        book.store.found(&output).unwrap();
        book.store.of_history(&output, &ids).unwrap();
        book.store.per_day(&SourceId::new("a"), 30, book.now).unwrap();
        for stretch in [(0, 1), (0, i64::MAX)] {
            book.store.stories(&output, stretch, 10, book.now).unwrap();
        }
    }
}

#[test]
fn no_statement_of_a_poll_or_a_document_scans_a_table() {
    let mut book = Book::new(&["a", "b"]);
    let statements = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&statements);
    let note = move |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            seen.lock().unwrap().insert(statement.sql().into_owned());
        }
    };
    book.store.db.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note)).unwrap();
    everything(&mut book);
    book.store.db.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, None::<fn(TraceEvent<'_>)>).unwrap();
    let statements: Vec<String> = statements.lock().unwrap().iter().cloned().collect();
    let is_query = |sql: &&String| {
        let first = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        // The index of words reads its own tables as it likes, and what checks look-ups in tests walks on purpose.
        let ours = !sql.contains("'main'.'words_") && !sql.contains("sightings walked");
        ours && ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&first.as_str())
    };
    let queries: Vec<&String> = statements.iter().filter(is_query).collect();
    // What is rarely asked was asked.
    for rare in [
        "x.stated / 86400 = day AND x.title_key = ?1",
        "INDEXED BY sightings_title",
        "INDEXED BY sightings_digest",
        "stated / 86400 = day",
        "SET merged_into",
        "e.language LIKE",
        "sightings x NOT INDEXED",
        "octet_length",
    ] {
        assert!(queries.iter().any(|sql| sql.contains(rare)), "{rare} was not run: {queries:#?}");
    }
    let plans = queries.iter().map(|sql| (sql, plan(&book.store.db, sql)));
    let scans: Vec<_> = plans.filter(|(_, plan)| plan.iter().any(|line| is_scan(line))).collect();
    assert!(scans.is_empty(), "{scans:#?}");
    // It would be noticed.
    for sql in [
        "SELECT number FROM sightings WHERE title = ?1",
        "SELECT target FROM keys WHERE key = ?1",
        "SELECT e.number FROM entries e WHERE e.guid = ?1",
    ] {
        assert!(plan(&book.store.db, sql).iter().any(|line| is_scan(line)), "{sql}");
    }
}
