//! Whether the file is sound, a table at a time: beside a daemon that writes, and never for so long that its log grows.
//!
//! What SQLite's `quick_check` finds: pages that are torn, written over or lead to wrong places, keys out of order, rows that
//! do not fit their columns, indices with too few or too many. Not what a row says, nor whether an index says the same.

use std::path::Path;

use rusqlite::{Error, ErrorCode, ffi};

use super::Sqlite;
use crate::store::{Looked, StoreError};

/// Pages, then steps of SQLite's machine, between two looks at whether to go on: milliseconds, or seconds on a slow disk.
const STRIDE: i32 = 256;
/// This connection's page cache in KiB. A page is mostly seen once.
const CACHE: i64 = 512;
/// What is read keeps the log from being begun anew. It may grow to so many bytes meanwhile, which leaves room for what is
/// written at once before the 64 MiB that it never has.
const LOG: u64 = 40 << 20;

impl Sqlite {
    /// What there is to look at: the schema with the list of free pages, and every table with its indices. Of the index
    /// of words these are its tables: to check it by its own rules takes longer than all else.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the schema cannot be read.
    pub fn tables(&self) -> Result<Vec<String>, StoreError> {
        let mut names = vec!["sqlite_schema".to_owned()];
        let mut tables =
            self.db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")?;
        for name in tables.query_map([], |row| row.get(0))? {
            names.push(name?);
        }
        Ok(names)
    }

    /// Looks at one of the [`Sqlite::tables`], until it is told to end, or the log has grown too long meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when it cannot be looked at just now, which says nothing about it.
    pub fn look_at(
        &mut self,
        table: &str,
        ended: impl Fn() -> bool + Send + 'static,
    ) -> Result<Looked, StoreError> {
        self.db.pragma_update(None, "cache_size", -CACHE)?;
        let grows_too_long = growth_of_log(&self.path);
        self.db.progress_handler(STRIDE, Some(move || ended() || grows_too_long()))?;
        let name = table.replace('\'', "''");
        let found: Result<String, Error> =
            self.db.query_row(&format!("PRAGMA quick_check('{name}')"), [], |row| row.get(0));
        self.db.progress_handler(0, None::<fn() -> bool>)?;
        match found {
            Ok(words) if words == "ok" => Ok(Looked::Sound),
            Ok(words) => Ok(Looked::Damaged(first(&words))),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                Ok(Looked::Interrupted)
            }
            Err(error) if is_damage(&error) => Ok(Looked::Damaged(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

/// Tells of the log of a store whether it has grown too long since now. It lies beside the file itself, also where the
/// path is a link.
pub(super) fn growth_of_log(store: &Path) -> impl Fn() -> bool + Send + use<> {
    let mut log = store.canonicalize().unwrap_or_else(|_| store.to_owned()).into_os_string();
    log.push("-wal");
    // Asked of the directory: whoever opens one of the store's files himself takes its locks away when he closes it.
    let length = move || std::fs::metadata(&log).map_or(0, |log| log.len());
    // It may have been longer before, and be written from its beginning again.
    let most = LOG.max(length());
    move || length() > most
}

/// The first of the complaints, which stand in lines under a heading.
fn first(words: &str) -> String {
    let mut lines = words.lines().filter(|line| !line.starts_with("***"));
    lines.next().unwrap_or("not sound").to_owned()
}

/// SQLite gave up at a page that makes no sense, or that the disk does not give back.
fn is_damage(error: &Error) -> bool {
    let Error::SqliteFailure(failure, _) = error else { return false };
    let unread = [ffi::SQLITE_IOERR_READ, ffi::SQLITE_IOERR_SHORT_READ, ffi::SQLITE_IOERR_CORRUPTFS];
    matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        || unread.contains(&failure.extended_code)
}
