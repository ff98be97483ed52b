//! A copy of a store in one file, made beside a running daemon, and back. Checked before it counts.

use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::sound::growth_of_log;
use super::{Sqlite, foreign};
use crate::store::{StoreError, owner};

/// Pages copied between two looks at how long the log has grown.
const PAGES: i32 = 1000;
/// Links that are followed, as the kernel does.
const LINKS: usize = 40;

impl Sqlite {
    /// Copies the store into a new file, checked. The daemon may go on writing meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in words when the file exists or cannot be written, so much is written to the store
    /// meanwhile that its log would grow too long, or the copy is not sound.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let refused = |words: &str| StoreError::Refused(format!("{}: {words}", to.display()));
        if to.exists() {
            return Err(refused("exists already; a backup never replaces a file"));
        }
        let made = copy_into((&self.db, &self.path), to, &mut || ())?;
        made.persist_noclobber(to).map_err(|error| refused(&format!("cannot be written: {error}")))?;
        Ok(())
    }

    /// Puts a backup in the place of a store. The caller holds the store's lock.
    ///
    /// # Errors
    /// [`StoreError::Refused`] in words when the backup is none; then the store is as it was.
    pub fn restore(from: &Path, store: &Path) -> Result<(), StoreError> {
        // A link stays one: what it leads to is replaced, where SQLite has the log beside it, too.
        let store = &led_to(store).map_err(|error| {
            StoreError::Refused(format!("{}: cannot be followed: {error}", store.display()))
        })?;
        let none = |words: &str| {
            StoreError::Refused(format!(
                "{}: {words}, and so no backup of a store; nothing was restored",
                from.display()
            ))
        };
        if let Some(words) = foreign(from) {
            return Err(none(&words));
        }
        if store.exists() && !store.is_file() {
            let words = format!("{}: is no ordinary file and is not replaced", store.display());
            return Err(StoreError::Refused(words));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if !from.exists() {
            return Err(StoreError::Refused(format!("{}: there is no such file", from.display())));
        }
        let backup = Self::connect(from, flags)?;
        if !backup.is_ours().map_err(|error| backup.named(error))? {
            return Err(none("was not written by riverine"));
        }
        backup.check_version().map_err(|error| backup.named(error))?;
        let made = copy_into((&backup.db, from), store, &mut || ())?;
        let failed = |error: std::io::Error| {
            StoreError::Refused(format!("{}: cannot be written: {error}", store.display()))
        };
        // What the old store has in its log must not be taken for a log of the new one.
        if store.exists() {
            owner::keep(made.as_file(), store).map_err(failed)?;
            settle(store).map_err(failed)?;
        } else {
            owner::settle_in(made.as_file(), store);
            put_logs_aside(store).map_err(failed)?;
        }
        made.persist(store).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// The file that a link leads to, by however many others; it need not be there. Any other path is its own.
fn led_to(path: &Path) -> std::io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // It is no link, or nothing at all.
            Err(_) => return Ok(path),
        }
    }
    Err(std::io::Error::other("too many links lead to each other"))
}

/// Copies a database, which stands at `path`, into a temporary file beside `target`, in one file without a log, and
/// checks it. `between` is for tests: what happens while it is copied.
pub(super) fn copy_into(
    (from, path): (&Connection, &Path),
    target: &Path,
    between: &mut dyn FnMut(),
) -> Result<tempfile::NamedTempFile, StoreError> {
    let failed = |error: std::io::Error| {
        StoreError::Refused(format!("{}: cannot be written: {error}", target.display()))
    };
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let made = tempfile::Builder::new().prefix(".riverine-").tempfile_in(directory).map_err(failed)?;
    let mut copy = Connection::open(made.path())?;
    {
        // One state of the store is read to its end: a copy whose source changes between two steps begins again, and
        // would never end beside a daemon that commits more often than a large file is copied.
        let state = from.unchecked_transaction()?;
        state.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))?;
        let grows_too_long = growth_of_log(path);
        let backup = Backup::new(&state, &mut copy)?;
        while backup.step(PAGES)? != StepResult::Done {
            between();
            if grows_too_long() {
                return Err(StoreError::Refused(format!(
                    "{}: so much is written just now that the store's log would grow too long before it is copied; \
                     nothing was written. Try again when less is polled",
                    target.display()
                )));
            }
        }
    }
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    let verdict: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Refused(format!(
            "{}: the copy is not sound ({verdict}); nothing was written",
            target.display()
        )));
    }
    copy.close().map_err(|(_, error)| error)?;
    made.as_file().sync_all().map_err(failed)?;
    Ok(made)
}

/// Empties the log of a store that is to be replaced; where it cannot be opened, moves its log aside.
fn settle(store: &Path) -> std::io::Result<()> {
    let closed = Connection::open(store).and_then(|db| {
        db.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        db.close().map_err(|(_, error)| error)
    });
    if closed.is_ok() { Ok(()) } else { put_logs_aside(store) }
}

/// Also what is left of a store that somebody took away: SQLite would write it into the one that comes.
fn put_logs_aside(store: &Path) -> std::io::Result<()> {
    for end in ["-wal", "-shm", "-journal"] {
        let mut log = store.as_os_str().to_owned();
        log.push(end);
        let mut aside = log.clone();
        aside.push(".damaged");
        match std::fs::rename(PathBuf::from(log), PathBuf::from(aside)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
