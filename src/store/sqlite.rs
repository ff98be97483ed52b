//! The store in one SQLite file: opened with suspicion, migrated, in WAL mode.
//!
//! A file that is no database, another program's, damaged or from a newer version is named and
//! left as it is.

mod again;
mod archive;
mod commit;
mod copy;
mod explain;
mod found;
mod health;
mod held;
mod hidden;
mod hub;
mod keyring;
mod known;
mod last;
mod ledger;
mod likeness;
mod outputs;
mod prune;
mod rivers;
mod rows;
mod search;
mod select;
mod sound;
mod stands;
mod sync;
#[cfg(test)]
mod tests;
mod websub;
mod words;

use std::collections::HashSet;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use rusqlite::config::DbConfig;
use rusqlite::functions::{self, FunctionFlags};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::{
    Commit, Committed, Explained, Health, KeptBody, Matches, Options, Search, SourceRow, Stamp, Store,
    StoreError, Told, owner, state,
};
use crate::dedup::{Context, DocumentKeys, Known};
use crate::model::{Digest, Entry, EntryId, HostDay, Source, SourceId, SourceState};
use sync::Former;
use words::Words;

/// The writer's page cache in KiB. With SQLite's 2 MB a transaction of many polls does not fit: its pages are
/// written, read again and written again.
const WRITER_CACHE: i64 = 16 << 10;
/// Pages of the log after which they are written to where they belong: so many as the log keeps anyway. What polls
/// change again and again is then written once.
const CHECKPOINT: i64 = 4096;
/// "rivr": what SQLite's `application_id` says of our files.
const APPLICATION_ID: i64 = 0x7269_7672;

/// Each migration brings a file from version n to n + 1. Never changed once released.
const MIGRATIONS: [&str; 5] = [
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
    include_str!("migrations/3.sql"),
    include_str!("migrations/4.sql"),
    include_str!("migrations/5.sql"),
];

/// The store in one SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    db: Connection,
    path: PathBuf,
    former: Former,
    /// While several commits are being made one transaction.
    together: Option<Together>,
}

/// Several commits on their way to being one transaction.
#[derive(Debug, Default)]
struct Together {
    /// What it ends with.
    words: Words,
    /// One of them has begun to write and not come to its end: then the transaction is taken back. (A savepoint for
    /// each would keep a copy of every page it changes, for what hardly ever happens.)
    half: bool,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(format!("the store: {error}"))
    }
}

impl Sqlite {
    /// Opens the store for writing; makes it when there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in words when the file is not ours to write.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        inspect(path)?;
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            std::fs::create_dir_all(directory).map_err(|error| {
                StoreError::Refused(format!("{}: cannot make the directory: {error}", directory.display()))
            })?;
        }
        // An empty file is a new store. (Its log and all else beside it SQLite gives to whom it belongs.)
        match std::fs::File::create_new(path) {
            Ok(made) => owner::settle_in(&made, path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(StoreError::Refused(format!("{}: cannot be made: {error}", path.display())));
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Self::connect(path, flags)?;
        store.claim().map_err(|error| store.named(error))?;
        Ok(store)
    }

    /// Opens an existing store for reading, beside a running daemon; in a process that has it open, [`Sqlite::reader`]
    /// does.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in words when there is none, or none we can read.
    pub fn open_reader(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Refused(format!(
                "{}: there is no store yet; `riverine serve` or `riverine fetch` makes it",
                path.display()
            )));
        }
        inspect(path)?;
        Self::reading(path)
    }

    /// One more connection to this store, for reading. The file is opened by SQLite alone: when a process closes a file
    /// that it opened otherwise, all its locks on it are gone (POSIX, `fcntl`), and whoever else closes the store takes the
    /// log away from under us.
    ///
    /// # Errors
    /// See [`Sqlite::open_reader`].
    pub fn reader(&self) -> Result<Self, StoreError> {
        Ok(Self { former: self.former.clone(), ..Self::reading(&self.path)? })
    }

    fn reading(path: &Path) -> Result<Self, StoreError> {
        let store = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .or_else(|_| {
                Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            })?;
        store.check_version().map_err(|error| store.named(error))?;
        if store.version().map_err(|error| store.named(error))? < MIGRATIONS.len() {
            return Err(StoreError::Refused(format!(
                "{}: written by an older riverine; `riverine serve` brings it up to date when it starts",
                path.display()
            )));
        }
        store.db.pragma_update(None, "query_only", true).map_err(|error| store.named(error.into()))?;
        Ok(store)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let refused = |error: rusqlite::Error| StoreError::Refused(format!("{}: {error}", path.display()));
        let db = Connection::open_with_flags(path, flags).map_err(refused)?;
        db.busy_timeout(std::time::Duration::from_secs(10)).map_err(refused)?;
        db.set_prepared_statement_cache_capacity(64);
        // Else a statement with `column = ?` is compiled anew whenever it is given back and used again: SQLite wants
        // to see whether another plan suits the new value.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(refused)?;
        search::install(&db).map_err(refused)?;
        Ok(Self { db, path: path.to_owned(), former: Former::default(), together: None })
    }

    fn named(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Failed(words) => StoreError::Refused(format!("{}: {words}", self.path.display())),
            other => other,
        }
    }

    fn version(&self) -> Result<usize, StoreError> {
        let version: i64 = self.db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok(usize::try_from(version).unwrap_or(usize::MAX))
    }

    /// True when riverine made the file.
    fn is_ours(&self) -> Result<bool, StoreError> {
        let application: i64 = self.db.pragma_query_value(None, "application_id", |row| row.get(0))?;
        Ok(application == APPLICATION_ID)
    }

    fn check_version(&self) -> Result<(), StoreError> {
        if !self.is_ours()? {
            return Err(StoreError::Refused(format!(
                "{}: this SQLite file belongs to another program; name another file in [store] path",
                self.path.display()
            )));
        }
        let version = self.version()?;
        if version > MIGRATIONS.len() {
            return Err(StoreError::Refused(format!(
                "{}: written by a newer riverine (schema {version}, this one knows {}); \
                 install that version, or restore a backup made before the upgrade",
                self.path.display(),
                MIGRATIONS.len()
            )));
        }
        Ok(())
    }

    /// Makes a new file ours, or brings ours up to date; proves that it can be written.
    fn claim(&self) -> Result<(), StoreError> {
        let tables: i64 = self.db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let application: i64 = self.db.pragma_query_value(None, "application_id", |row| row.get(0))?;
        if tables > 0 || application != 0 {
            self.check_version()?;
        }
        self.db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        self.db.pragma_update(None, "synchronous", "FULL")?;
        self.db.pragma_update(None, "foreign_keys", true)?;
        self.db.pragma_update(None, "cache_size", -WRITER_CACHE)?;
        // Bytes; the log is cut back to this after a checkpoint. What a full round of polls makes of it fits: cut at each, it
        // would grow again by so much, and the disk has more to write for a file that grows.
        self.db.pragma_update(None, "journal_size_limit", 32 << 20)?;
        self.db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        let migrated = self.migrate();
        self.db.execute_batch(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        migrated
    }

    fn migrate(&self) -> Result<(), StoreError> {
        let version = self.version()?;
        if version < MIGRATIONS.len() {
            let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
            let fields = |json: &mut functions::Context<'_>| Ok(state::from_json(json.get_raw(0).as_str()?));
            self.db.create_scalar_function("fields_of_json", 1, flags, fields)?;
        }
        for sql in MIGRATIONS.iter().skip(version) {
            self.db.execute_batch(sql)?;
        }
        if version < MIGRATIONS.len() {
            self.db.pragma_update(None, "application_id", APPLICATION_ID)?;
            let version = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
            self.db.pragma_update(None, "user_version", version)?;
        }
        Ok(())
    }
}

/// Looks at a file's first bytes before SQLite does, so that a foreign file is never touched.
fn inspect(path: &Path) -> Result<(), StoreError> {
    let Some(words) = foreign(path) else { return Ok(()) };
    Err(StoreError::Refused(format!(
        "{}: {words}; it was left as it is. Name another file in [store] path",
        path.display()
    )))
}

/// Why a file cannot be a store. One that is not there, or has nothing in it, may become one.
fn foreign(path: &Path) -> Option<String> {
    let unreadable = |error: std::io::Error| Some(format!("cannot be read: {error}"));
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => return unreadable(error),
    };
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Some("is a directory".to_owned());
    }
    let mut head = Vec::new();
    match file.by_ref().take(16).read_to_end(&mut head) {
        Ok(0) => None,
        Ok(_) if head == b"SQLite format 3\0" => None,
        Ok(_) => Some("is no SQLite database".to_owned()),
        Err(error) => unreadable(error),
    }
}

impl Store for Sqlite {
    fn sync(&mut self, sources: &[Arc<Source>]) -> Result<Vec<(SourceId, SourceId)>, StoreError> {
        let transaction = self.db.transaction()?;
        let renamed = sync::sync(&transaction, sources)?;
        // First: a reader that finds the former id no more asks here.
        self.former.note(&renamed);
        transaction.commit()?;
        // It has looked at every source, and its cache holds them all, for nobody.
        self.db.execute_batch("PRAGMA shrink_memory")?;
        Ok(renamed)
    }

    fn each_source(&mut self, visit: &mut dyn FnMut(SourceRow)) -> Result<(), StoreError> {
        let mut statement = self.db.prepare_cached(&format!("{} ORDER BY s.id", rows::SOURCES.as_str()))?;
        for row in statement.query_map([], rows::source)? {
            visit(row?);
        }
        Ok(())
    }

    fn source_row(&mut self, source: &SourceId) -> Result<Option<SourceRow>, StoreError> {
        let sql = format!("{} WHERE s.id = ?1", rows::SOURCES.as_str());
        Ok(self.db.prepare_cached(&sql)?.query_row([source.as_str()], rows::source).optional()?)
    }

    fn state(&mut self, source: &SourceId) -> Result<SourceState, StoreError> {
        static SQL: LazyLock<String> = LazyLock::new(|| {
            let columns = websub::COLUMNS;
            format!(
                "SELECT s.remembered, {columns} FROM sources s LEFT JOIN subscriptions p ON p.source = s.number
                 WHERE s.id = ?1"
            )
        });
        let read = |row: &rusqlite::Row<'_>| {
            let push = websub::read(row, 1, source)?.and_then(|known| known.push());
            Ok(SourceState { push, ..state::read(row.get_ref(0)?.as_blob()?) })
        };
        let mut statement = self.db.prepare_cached(&SQL)?;
        let found = self.former.or_later(source, |id| statement.query_row([id], read).optional())?;
        Ok(found.unwrap_or_default())
    }

    fn digests(&mut self, source: &SourceId, rules: Digest) -> Result<HashSet<Digest>, StoreError> {
        last::digests(&self.db, source, rules)
    }

    fn known(
        &mut self,
        context: &Context<'_>,
        entries: &[Entry],
        keys: &DocumentKeys,
    ) -> Result<Known, StoreError> {
        let number = self.source_number(&SourceId::new(context.source))?;
        known::known(&self.db, number, context, entries, keys)
    }

    fn commit(&mut self, commit: &Commit<'_>) -> Result<Committed, StoreError> {
        let (number, id, said) = self.source(commit.source)?;
        let kept = if id == *commit.source { None } else { Some(self.renamed(number, commit.state)?) };
        let state = kept.as_ref().unwrap_or(commit.state);
        let (source, commit) = ((number, said.as_deref()), &Commit { source: &id, state, ..*commit });
        let mut new = Words::default();
        let Some(together) = &mut self.together else {
            let transaction = self.db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let committed = commit::commit(&transaction, source, commit, &mut new)?;
            new.write(&transaction)?;
            transaction.commit()?;
            return Ok(committed);
        };
        // Some failures end the transaction of all: what came before is gone, and this must not stand alone.
        if self.db.is_autocommit() {
            return Err(StoreError::Failed("the store: the transaction has ended".to_owned()));
        }
        if together.half {
            return Err(StoreError::Conflict);
        }
        together.half = true;
        // A correction writes over the words of what it corrects: they have to be there.
        if commit.reading.is_some_and(|reading| !reading.intake.corrections.is_empty()) {
            together.words.write(&self.db)?;
        }
        let committed = commit::commit(&self.db, source, commit, &mut new)?;
        together.words.append(new);
        together.half = false;
        Ok(committed)
    }

    fn together(&mut self, work: &mut dyn FnMut(&mut dyn Store)) -> Result<(), StoreError> {
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.together = Some(Together::default());
        let worked = catch_unwind(AssertUnwindSafe(|| work(self)));
        let mut together = self.together.take().unwrap_or_default();
        let ended = match &worked {
            Ok(()) if self.db.is_autocommit() => {
                Err(StoreError::Failed("the store: the transaction has ended".to_owned()))
            }
            Ok(()) if together.half => Err(StoreError::Conflict),
            Ok(()) => together.words.write(&self.db).and_then(|()| {
                self.db.prepare_cached("COMMIT")?.execute([])?;
                Ok(())
            }),
            Err(_) => Ok(()),
        };
        if !self.db.is_autocommit() {
            self.db.execute_batch("ROLLBACK")?;
        }
        worked.unwrap_or_else(|panic| resume_unwind(panic));
        ended
    }

    fn at_one_moment(&mut self, work: &mut dyn FnMut(&mut dyn Store)) -> Result<(), StoreError> {
        self.db.prepare_cached("BEGIN")?.execute([])?;
        let worked = catch_unwind(AssertUnwindSafe(|| work(self)));
        if !self.db.is_autocommit() {
            self.db.prepare_cached("COMMIT")?.execute([])?;
        }
        worked.unwrap_or_else(|panic| resume_unwind(panic));
        Ok(())
    }

    fn search_on(
        &mut self,
        search: &Search,
        now: DateTime<Utc>,
        matches: &mut Matches,
    ) -> Result<bool, StoreError> {
        select::search(&self.db, search, now, matches)
    }

    fn installation(&mut self) -> Result<Digest, StoreError> {
        Ok(self.db.query_row("SELECT id FROM installation", [], |row| rows::digest(row, 0))?)
    }

    fn health(&mut self, source: Option<&SourceId>, limit: usize) -> Result<Vec<Health>, StoreError> {
        health::latest(&self.db, source, limit)
    }

    fn entry(&mut self, id: EntryId) -> Result<Option<Told>, StoreError> {
        explain::told(&self.db, id)
    }

    fn stamped(&mut self, document: &str) -> Result<Option<(String, DateTime<Utc>)>, StoreError> {
        let row = self
            .db
            .prepare_cached("SELECT etag, modified FROM documents WHERE name = ?1")?
            .query_row([document], |row| Ok((row.get(0)?, state::at(row.get(1)?))))
            .optional()?;
        Ok(row)
    }

    fn stamp(&mut self, stamps: &[Stamp]) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        for Stamp { name, etag, modified } in stamps {
            transaction
                .prepare_cached(
                    "INSERT INTO documents (name, etag, modified) VALUES (?1, ?2, ?3)
                     ON CONFLICT (name) DO UPDATE SET etag = excluded.etag, modified = excluded.modified",
                )?
                .execute(params![name, etag, modified.timestamp()])?;
        }
        Ok(transaction.commit()?)
    }

    fn differs(&mut self, story: i64, entry: &Entry) -> Result<bool, StoreError> {
        again::differs(&self.db, story, entry)
    }

    fn last_document(&mut self, source: &SourceId) -> Result<Vec<(i64, i64, String)>, StoreError> {
        let number = self.source_number(source)?;
        again::last_document(&self.db, number)
    }

    fn body(&mut self, source: &SourceId) -> Result<Option<KeptBody>, StoreError> {
        let row = self
            .db
            .prepare_cached(
                "SELECT body, url, content_type, content_language, fetched FROM bodies
                 WHERE source = (SELECT number FROM sources WHERE id = ?1)",
            )?
            .query_row([source.as_str()], |row| {
                Ok(KeptBody {
                    packed: row.get(0)?,
                    url: row.get(1)?,
                    content_type: row.get(2)?,
                    content_language: row.get(3)?,
                    fetched: state::at(row.get(4)?),
                })
            })
            .optional()?;
        Ok(row)
    }

    fn explain(&mut self, what: &str) -> Result<Explained, StoreError> {
        explain::explain(&self.db, what)
    }

    fn purge(&mut self, source: &SourceId, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let number = self.source_number(source)?;
        prune::purge(&mut self.db, number, now)
    }

    fn ledger(&mut self, since: i64) -> Result<Vec<HostDay>, StoreError> {
        ledger::since(&self.db, since)
    }

    fn prune(&mut self, options: &Options, now: DateTime<Utc>) -> Result<Option<usize>, StoreError> {
        prune::prune(&mut self.db, options, now)
    }
}
