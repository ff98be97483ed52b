//! A copy of a store that is written to meanwhile.

use super::super::copy::copy_into;
use super::super::*;

/// A store of some thousand pages, and another connection to it.
fn store(dir: &tempfile::TempDir) -> (Sqlite, Connection) {
    let store = Sqlite::open(&dir.path().join("river.db")).unwrap();
    let other = Connection::open(&store.path).unwrap();
    other.execute_batch("CREATE TABLE bulk (x); INSERT INTO bulk VALUES (zeroblob(20000000))").unwrap();
    (store, other)
}

#[test]
fn whoever_writes_between_its_steps_does_not_make_it_begin_again() {
    let dir = tempfile::tempdir().unwrap();
    let (store, other) = store(&dir);
    let mut steps = 0;
    let made = copy_into((&store.db, &store.path), &dir.path().join("copy.db"), &mut || {
        steps += 1;
        assert!(steps < 100, "it begins again and again");
        other.execute("INSERT INTO bulk VALUES ('later')", []).unwrap();
    });
    let copy = Connection::open(made.unwrap().path()).unwrap();
    let rows: i64 = copy.query_row("SELECT count(*) FROM bulk", [], |row| row.get(0)).unwrap();
    assert!(steps > 1 && rows == 1, "{steps} steps, {rows} rows");
    let busy: i64 = store.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0, "nobody keeps the log from being begun anew");
}

#[test]
fn it_is_given_up_before_the_log_grows_too_long() {
    let dir = tempfile::tempdir().unwrap();
    let (store, other) = store(&dir);
    let target = dir.path().join("copy.db");
    let mut much = || {
        other.execute("INSERT INTO bulk VALUES (zeroblob(50000000))", []).unwrap();
    };
    let error = copy_into((&store.db, &store.path), &target, &mut much).unwrap_err().to_string();
    assert!(error.contains("copy.db: so much is written just now"), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "the store, its log and its index");
    // A log that is as long already, of before, is no reason.
    assert!(copy_into((&store.db, &store.path), &target, &mut || ()).is_ok());
}
