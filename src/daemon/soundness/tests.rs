use rusqlite::Connection;

use super::*;
use crate::clock::Manual;

/// A store, a clock that stands, and the way to stop.
fn bed() -> (tempfile::TempDir, PathBuf, Sqlite, Arc<Manual>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("river.db");
    let store = Sqlite::open(&path).unwrap();
    (dir, path, store, Arc::new(Manual::new("2026-11-16T12:00:00Z".parse().unwrap())))
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_looked_at_again_later() {
    let (_dir, path, store, clock) = bed();
    let tables = Some(VecDeque::from(["entries".to_owned(), "not_yet".to_owned(), "keys".to_owned()]));
    let rest = Rest { store: store.reader().unwrap(), tables };
    let (tell, mut known) = watch::channel(Soundness::default());
    let (_stop, stopped) = watch::channel(false);
    let looking = tokio::spawn(look_at(rest, path.clone(), clock.clone(), tell, stopped));
    for wait in [AGAIN, AGAIN * 2, AGAIN * 4] {
        while clock.until_next().is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(clock.until_next(), Some(wait));
        assert_eq!(*known.borrow_and_update(), Soundness::Checking);
        if wait > AGAIN * 2 {
            Connection::open(&path).unwrap().execute_batch("CREATE TABLE not_yet (n)").unwrap();
        }
        clock.advance(wait);
        tokio::task::yield_now().await;
    }
    known.changed().await.unwrap();
    assert_eq!(*known.borrow(), Soundness::Sound { checked: clock.now() });
    looking.await.unwrap();
}

#[tokio::test]
async fn whoever_waits_for_the_next_look_can_be_stopped() {
    let (_dir, path, store, clock) = bed();
    let rest = Rest { store: store.reader().unwrap(), tables: Some(VecDeque::from(["nothing".to_owned()])) };
    let (tell, known) = watch::channel(Soundness::default());
    let (stop, stopped) = watch::channel(false);
    let looking = tokio::spawn(look_at(rest, path, clock.clone(), tell, stopped));
    while clock.until_next().is_none() {
        tokio::task::yield_now().await;
    }
    stop.send(true).unwrap();
    looking.await.unwrap();
    assert_eq!(*known.borrow(), Soundness::Checking);
}
