//! Polls that wait for the writer at the same time are committed in one transaction, each as a whole or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};

use super::super::*;
use crate::dedup::{Rules, Tell};
use crate::store::tests::book::{self, Book, Under, day, entry};
use crate::store::{Handle, Outputs};

const SOURCES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A poll of one entry, as poll.rs makes it.
fn poll(store: &mut dyn Store, id: &str) -> Result<Committed, StoreError> {
    let link = format!("https://{id}.example/1");
    let one = entry(id, &link, &format!("Of {id}"), Some(day(1)), "text");
    let rules = Rules::default();
    let under =
        Under { rules: &rules, home: &[], reading: 1, tell: Tell::Changes, reshaped: false, now: day(20) };
    Ok(book::poll(store, &book::source(id), &[one], &under)?.1)
}

/// How polls ended, one a source, that all wait for a writer who is busy; a transaction was made so often.
async fn all_at_once(
    mut store: Sqlite,
    each: fn(&mut dyn Store, &str) -> Result<Committed, StoreError>,
) -> (Vec<Result<bool, StoreError>>, usize) {
    let commits = Arc::new(AtomicUsize::new(0));
    let counting = commits.clone();
    let counted = move || {
        counting.fetch_add(1, Ordering::Relaxed);
        false
    };
    store.db.commit_hook(Some(counted)).unwrap();
    let handle = Handle::new(Box::new(store), Vec::new());
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let busy = handle.write(move |_| gone.recv().map_err(|_| StoreError::Conflict));
    let mut all: Vec<BoxFuture<'_, Option<Result<bool, StoreError>>>> = vec![busy.map(|_| None).boxed()];
    for id in SOURCES {
        let one = handle.remember(move |store| Ok(each(store, id)?.new.len() == 1));
        let caught = std::panic::AssertUnwindSafe(one).catch_unwind();
        let words = |_| Err(StoreError::Failed("it panicked".to_owned()));
        all.push(caught.map(move |ended| Some(ended.unwrap_or_else(words))).boxed());
    }
    // Only when all of them stand in line.
    all.push(
        async move {
            go.send(()).unwrap();
            None
        }
        .boxed(),
    );
    let ended = join_all(all).await.into_iter().flatten().collect();
    (ended, commits.load(Ordering::Relaxed))
}

fn titles(book: &Book) -> Vec<String> {
    let mut store = Sqlite::open(&book.path).unwrap();
    let river = store.select(&Book::output(None), day(21)).unwrap().entries;
    let mut titles: Vec<String> = river.into_iter().map(|one| one.entry.title).collect();
    titles.sort();
    titles
}

/// The book, and its store for somebody else.
fn given_away() -> (Book, Sqlite) {
    let mut book = Book::new(&SOURCES);
    let other = Sqlite::open(&book.path.with_extension("other")).unwrap();
    let store = std::mem::replace(&mut book.store, other);
    (book, store)
}

/// The poll of b breaks in the middle: its entry is stored by then.
fn breaks(how: &str) -> String {
    format!(
        "CREATE TEMP TRIGGER breaks BEFORE INSERT ON sightings WHEN new.title = 'Of b'
         BEGIN SELECT RAISE({how}, 'no'); END"
    )
}

#[tokio::test]
async fn polls_that_wait_are_one_transaction() {
    let (book, store) = given_away();
    let (ended, commits) = all_at_once(store, |store, id| poll(store, id)).await;
    assert!(ended.iter().all(|one| *one.as_ref().unwrap()), "{ended:?}");
    assert_eq!(commits, 1);
    assert_eq!(titles(&book), SOURCES.map(|id| format!("Of {id}")));
}

#[tokio::test]
async fn one_that_fails_in_it_takes_nobody_along() {
    let (book, store) = given_away();
    store.db.execute_batch(&breaks("ABORT")).unwrap();
    let (ended, commits) = all_at_once(store, |store, id| match id {
        "c" => panic!("a defect"),
        "d" => Err(StoreError::Conflict),
        _ => poll(store, id),
    })
    .await;
    let well: Vec<bool> = ended.iter().map(|one| *one.as_ref().unwrap_or(&false)).collect();
    assert_eq!(well, [true, false, false, false, true, true], "{ended:?}");
    assert!(matches!(ended[3], Err(StoreError::Conflict)));
    // What b left half-way was taken back with all the others, and these were made again, each alone.
    assert_eq!(commits, 3);
    assert_eq!(titles(&book), ["Of a", "Of e", "Of f"]);
}

#[tokio::test]
async fn what_ends_the_transaction_is_everybodys_failure_and_leaves_nothing() {
    let (book, store) = given_away();
    store.db.execute_batch(&breaks("ROLLBACK")).unwrap();
    let (ended, commits) = all_at_once(store, |store, id| poll(store, id)).await;
    assert!(ended.iter().all(Result::is_err), "{ended:?}");
    assert_eq!(commits, 0);
    assert_eq!(titles(&book), [""; 0]);
}

#[test]
fn looks_of_one_moment_see_nothing_that_comes_between() {
    let mut book = Book::new(&SOURCES);
    let mut reader = Sqlite::open_reader(&book.path).unwrap();
    let look =
        |store: &mut dyn Store| store.select(&Book::output(None), day(21)).map(|river| river.entries.len());
    let mut seen = Vec::new();
    reader
        .at_one_moment(&mut |store| {
            seen.push(look(store).unwrap());
            poll(&mut book.store, "a").unwrap();
            seen.push(look(store).unwrap());
        })
        .unwrap();
    seen.push(look(&mut reader).unwrap());
    assert_eq!(seen, [0, 0, 1]);
    // One that panics leaves no transaction behind.
    let panics = AssertUnwindSafe(|| reader.at_one_moment(&mut |_| panic!("a defect")));
    assert!(catch_unwind(panics).is_err());
    poll(&mut book.store, "b").unwrap();
    assert_eq!(look(&mut reader).unwrap(), 2);
}
