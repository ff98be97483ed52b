//! A look at a table ends when it has to, and leaves nothing behind.

use std::sync::atomic::{AtomicU32, Ordering};

use super::super::*;
use crate::store::Looked;

/// A store with a table of many pages.
fn store(dir: &tempfile::TempDir) -> Sqlite {
    let store = Sqlite::open(&dir.path().join("river.db")).unwrap();
    let rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
        INSERT INTO changes (number, entry) SELECT i, i FROM n";
    store.db.execute_batch(rows).unwrap();
    store
}

/// True when nobody keeps the log from being begun anew.
fn log_is_free(store: &Sqlite) -> bool {
    let busy: i64 = store.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    busy == 0
}

#[test]
fn every_table_of_a_new_store_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let mut reader = store(&dir).reader().unwrap();
    let tables = reader.tables().unwrap();
    for name in ["sqlite_schema", "entries", "keys", "words_data", "sqlite_sequence"] {
        assert!(tables.iter().any(|table| table == name), "{name} of {tables:?}");
    }
    assert!(!tables.iter().any(|table| table == "words"), "the index of words is its tables");
    for table in tables {
        assert_eq!(reader.look_at(&table, || false).unwrap(), Looked::Sound, "{table}");
    }
}

#[test]
fn a_look_ends_when_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let mut reader = store.reader().unwrap();
    assert_eq!(reader.look_at("changes", || true).unwrap(), Looked::Interrupted);
    assert!(log_is_free(&store));
    assert_eq!(reader.look_at("changes", || false).unwrap(), Looked::Sound);
    assert!(log_is_free(&store));
    assert!(reader.look_at("nothing", || false).is_err());
}

#[test]
fn a_look_gives_way_to_a_log_that_grows() {
    let dir = tempfile::tempdir().unwrap();
    // SQLite has the log beside what a link leads to.
    let (log, link) = (dir.path().join("disk.db-wal"), dir.path().join("river.db"));
    std::os::unix::fs::symlink("disk.db", &link).unwrap();
    drop(Sqlite::open(&dir.path().join("disk.db")).unwrap());
    let store = store(&dir);
    let mut reader = store.reader().unwrap();
    let grows = |to: u64| {
        let (log, asked) = (log.clone(), AtomicU32::new(0));
        move || {
            if asked.fetch_add(1, Ordering::Relaxed) == 0 {
                std::fs::File::options().write(true).open(&log).unwrap().set_len(to).unwrap();
            }
            false
        }
    };
    assert_eq!(reader.look_at("changes", grows(30 << 20)).unwrap(), Looked::Sound);
    assert_eq!(reader.look_at("changes", grows(41 << 20)).unwrap(), Looked::Interrupted);
    // So long it was before.
    assert_eq!(reader.look_at("changes", grows(41 << 20)).unwrap(), Looked::Sound);
    assert_eq!(reader.look_at("changes", grows(42 << 20)).unwrap(), Looked::Interrupted);
    assert!(log_is_free(&store));
}
