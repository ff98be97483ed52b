//! To whom a new file belongs: the service's user must still be at home after root was here.

use std::fs::{File, Metadata};
use std::path::Path;

/// A file that takes the place of another is for whom that one was.
///
/// # Errors
/// When there is none, or it belongs to others: who may not give a file away does not take one either.
pub fn keep(new: &File, old: &Path) -> std::io::Result<()> {
    let old = std::fs::metadata(old)?;
    give(new, &old)?;
    new.set_permissions(old.permissions())
}

/// A file in nobody's place belongs to whom its directory does, as far as we may give it away.
pub(super) fn settle_in(new: &File, path: &Path) {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(directory) = std::fs::metadata(directory) {
        // Who is not root makes files of his own: that is no failure.
        let _ = give(new, &directory);
    }
}

/// Whose a file is, in words; with its mode where it is our own.
pub(super) fn words(path: &Path) -> String {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let Ok(found) = std::fs::metadata(path) else { return "others".to_owned() };
    match user(found.uid()) {
        own if own == ours() => format!("{own}, with the mode {:03o}", found.permissions().mode() & 0o777),
        other => other,
    }
}

/// The user we run as, in words.
pub(super) fn ours() -> String {
    use std::os::unix::fs::MetadataExt as _;
    // The directory of a process belongs to whom it runs as.
    std::fs::metadata("/proc/self").map_or("somebody else".to_owned(), |own| user(own.uid()))
}

fn user(number: u32) -> String {
    if number == 0 { "root".to_owned() } else { format!("user {number}") }
}

fn give(new: &File, to: &Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let own = new.metadata()?;
    if (own.uid(), own.gid()) == (to.uid(), to.gid()) {
        return Ok(());
    }
    fchown(new, Some(to.uid()), Some(to.gid()))
}
