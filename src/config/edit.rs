//! Sources written into a config and taken out of it, as text: comments, order and line ends of the file stay as
//! they are. Never writes what would not load.

mod cut;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::{Config, Problems, ids, whole};
use crate::model::{PageSelectors, Source, SourceId, toml_string};
use crate::store::owner;

/// A `[[source]]` to be written.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its address.
    pub url: Url,
    /// `None`: the one made from the address.
    pub id: Option<String>,
    /// Shown name.
    pub name: Option<String>,
    /// Its groups.
    pub groups: Vec<String>,
    /// When it is polled.
    pub schedule: Option<String>,
    /// Selectors, for a page.
    pub page: Option<PageSelectors>,
}

impl Draft {
    /// A source of which nothing is said but its address.
    pub fn new(url: Url) -> Self {
        Self { url, id: None, name: None, groups: Vec::new(), schedule: None, page: None }
    }

    /// Its id, given or made.
    pub fn id(&self) -> String {
        self.id.clone().unwrap_or_else(|| ids::from_url(&self.url))
    }

    /// Where another source has its id, it gets the next that is free; it is one of `ids` then.
    pub fn make_free(&mut self, ids: &mut HashSet<String>) {
        let made = self.id();
        let mut number = 1;
        while !ids.insert(self.id()) {
            number += 1;
            self.id = Some(format!("{made}-{number}"));
        }
    }

    /// The table as it will stand in the config.
    pub fn table(&self) -> String {
        let mut out = "[[source]]\n".to_owned();
        let mut line = |key: &str, value: String| out.push_str(&format!("{key} = {value}\n"));
        line("url", toml_string(self.url.as_str()));
        for (key, value) in [("id", &self.id), ("name", &self.name), ("schedule", &self.schedule)] {
            if let Some(value) = value {
                line(key, toml_string(value));
            }
        }
        if !self.groups.is_empty() {
            let groups: Vec<_> = self.groups.iter().map(|group| toml_string(group)).collect();
            line("groups", format!("[{}]", groups.join(", ")));
        }
        if let Some(page) = &self.page {
            out.push_str("\n[source.page]\n");
            for (key, value) in page.pairs() {
                out.push_str(&format!("{key} = {}\n", toml_string(value)));
            }
        }
        out
    }
}

/// Why nothing was written; the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The config would not load with the change.
    #[error("the config would not be valid: {}", .0.lines().collect::<Vec<_>>().join("; "))]
    Invalid(Problems),
    /// In words.
    #[error("{0}")]
    Refused(String),
}

/// Writes sources at the end of the config at `path`, which is made where there is none.
///
/// # Errors
/// See [`EditError`].
pub fn append(path: &Path, drafts: &[Draft]) -> Result<(), EditError> {
    let (before, after, _) = appended(path, drafts)?;
    write(path, before.as_deref(), &after)
}

/// Whether [`append`] would write it: the source that it would be, with all that it inherits.
///
/// # Errors
/// See [`EditError`].
pub fn may_append(path: &Path, draft: &Draft) -> Result<Arc<Source>, EditError> {
    let (_, _, config) = appended(path, std::slice::from_ref(draft))?;
    let id = draft.id();
    let there = config.sources.into_iter().find(|source| source.id.as_str() == id);
    there.ok_or_else(|| EditError::Refused(format!("{} would have no source {id}", path.display())))
}

/// The text of a config, and the same with sources at its end, and what that loads as.
fn appended(path: &Path, drafts: &[Draft]) -> Result<(Option<String>, String, Config), EditError> {
    let mut before = None;
    if !matches!(std::fs::exists(path), Ok(false)) {
        before = Some(whole::read(path).map_err(EditError::Refused)?);
        may_replace(path)?;
    }
    let mut after = before.clone().unwrap_or_default();
    let end = if after.contains("\r\n") { "\r\n" } else { "\n" };
    if !after.is_empty() && !after.ends_with('\n') {
        after.push_str(end);
    }
    for draft in drafts {
        if !after.is_empty() {
            after.push_str(end);
        }
        after.push_str(&draft.table().replace('\n', end));
    }
    let config = valid(path, path, &after)?;
    Ok((before, after, config))
}

/// Takes a source out of the file that it stands in, the config at `path` or one that it includes; hands back
/// which. The comments directly above it go with it.
///
/// # Errors
/// See [`EditError`]; [`EditError::Refused`] also when it stands in none.
pub fn remove(path: &Path, id: &SourceId) -> Result<PathBuf, EditError> {
    let config = super::load(path).map_err(EditError::Invalid)?;
    let included = config.files.iter().filter(|file| **file != config.path && file.is_file());
    for file in std::iter::once(path).chain(included.map(PathBuf::as_path)) {
        // Secrets are among the files: what is no table of sources is not ours to judge.
        let Ok(before) = whole::read(file) else { continue };
        if let Some(after) = cut::without(&before, id.as_str()) {
            may_replace(file)?;
            valid(path, file, &after)?;
            write(file, Some(&before), &after)?;
            return Ok(file.to_owned());
        }
    }
    let words =
        format!("{id} stands nowhere in {} as a [[source]] of its own; take it out by hand", path.display());
    Err(EditError::Refused(words))
}

/// The config must load with the new text. What was a warning before may be one after.
fn valid(config: &Path, file: &Path, text: &str) -> Result<Config, EditError> {
    let env = |name: &str| std::env::var_os(name);
    whole::load_as(config, &env, Some((file, text))).map_err(EditError::Invalid)
}

/// A file that may not be written is not replaced because its directory would let us; nor is one with several names, of
/// which the others would keep the old text.
fn may_replace(path: &Path) -> Result<(), EditError> {
    use std::os::unix::fs::MetadataExt as _;
    let refused = |why: String| {
        EditError::Refused(format!("cannot write {}: {why}; nothing was changed", path.display()))
    };
    let found = std::fs::metadata(path).map_err(|error| refused(error.to_string()))?;
    if found.permissions().readonly() {
        return Err(refused("it is read-only".to_owned()));
    }
    std::fs::OpenOptions::new().write(true).open(path).map_err(|error| refused(error.to_string()))?;
    if found.nlink() > 1 {
        return Err(refused(
            "it has another name (a hard link), under which it would stay as it is".to_owned(),
        ));
    }
    Ok(())
}

/// All or nothing: beside it, then in its place, with its owner and permissions. A link stays a link.
fn write(path: &Path, before: Option<&str>, after: &str) -> Result<(), EditError> {
    let failed = |error: std::io::Error| {
        EditError::Refused(format!("cannot write {}: {error}; nothing was changed", path.display()))
    };
    let real = match before {
        Some(_) => std::fs::canonicalize(path).map_err(failed)?,
        None => std::path::absolute(path).map_err(failed)?,
    };
    let directory = real.parent().unwrap_or(Path::new("/"));
    let mut temporary =
        tempfile::Builder::new().prefix(".riverine-").tempfile_in(directory).map_err(failed)?;
    temporary.write_all(after.as_bytes()).map_err(failed)?;
    if before.is_some() {
        owner::keep(temporary.as_file(), &real).map_err(failed)?;
    } else {
        let mode = std::fs::Permissions::from_mode(0o644);
        temporary.as_file().set_permissions(mode).map_err(failed)?;
    }
    temporary.as_file().sync_all().map_err(failed)?;
    if let Some(before) = before {
        if whole::read(&real).map_err(EditError::Refused)? != before {
            let words =
                format!("{} was changed by somebody else meanwhile; nothing was written", path.display());
            return Err(EditError::Refused(words));
        }
        temporary.persist(&real).map_err(|error| failed(error.error))?;
    } else {
        // A file that came to be meanwhile is somebody's.
        temporary.persist_noclobber(&real).map_err(|error| failed(error.error))?;
    }
    Ok(())
}
