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

fn give(new: &File, to: &Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let own = new.metadata()?;
    if (own.uid(), own.gid()) == (to.uid(), to.gid()) {
        return Ok(());
    }
    fchown(new, Some(to.uid()), Some(to.gid()))
}
