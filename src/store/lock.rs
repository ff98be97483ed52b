//! One writer per store: a lock that the kernel drops with its process, so that none is ever stale.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::{StoreError, owner};

/// Held as long as this process writes to the store.
#[derive(Debug)]
pub struct Lock {
    // Dropping the file drops the lock.
    _file: File,
}

fn lock_path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

impl Lock {
    /// Takes the lock of a store.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with the holder's pid when another process has it.
    pub fn take(store: &Path) -> Result<Self, StoreError> {
        let path = lock_path(store);
        let failed = |error: std::io::Error| {
            StoreError::Refused(format!(
                "{}: cannot make the lock file: {error}; the directory must exist and be writable",
                path.display()
            ))
        };
        let closed = |error: std::io::Error| match error.kind() {
            ErrorKind::PermissionDenied => StoreError::Refused(barred(&path, store)),
            _ => failed(error),
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        // Only what we made ourselves is given away: what is there already may be anybody's.
        let mut file = match options.clone().create_new(true).open(&path) {
            Ok(made) => {
                owner::settle_in(&made, &path);
                made
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => options.open(&path).map_err(closed)?,
            Err(error) => return Err(failed(error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = read_pid(&mut file).map_or_else(String::new, |pid| format!(" (pid {pid})"));
                return Err(StoreError::Refused(format!(
                    "{}: another riverine{pid} is writing to this store; stop it first",
                    store.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// What to do about a lock that is there and that we may not write: somebody else ran a command here.
fn barred(lock: &Path, store: &Path) -> String {
    let (shown, whose) = (lock.display(), owner::words(lock));
    let owner = if store.exists() { store } else { store.parent().unwrap_or(store) };
    format!(
        "{shown}: this lock file belongs to {whose}, and we are {}, who may not write it; give it to whom the store \
         belongs (chown --reference={} {shown}), or remove it while no riverine runs",
        owner::ours(),
        owner.display(),
    )
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// Since when the lock of a store has been held: when its file was last written.
pub fn held_since(store: &Path) -> Option<DateTime<Utc>> {
    let modified = std::fs::metadata(lock_path(store)).ok()?.modified().ok()?;
    Some(modified.into())
}

/// The pid of the process that writes to a store now, if there is one.
pub fn holder(store: &Path) -> Option<u32> {
    let mut file = File::open(lock_path(store)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read_pid(&mut file),
        _ => None,
    }
}
