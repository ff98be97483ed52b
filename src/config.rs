//! TOML in; the options of every room, the sources and the outputs out, or every problem at once.
//! Reads the config, what it includes and the secrets it names. Never writes,
//! never asks the network.

mod diagnose;
pub mod edit;
mod ids;
mod keys;
mod output;
mod rooms;
mod schema;
mod secret;
mod source;
mod values;
mod walk;
mod whole;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

pub use diagnose::{Problem, Problems, Severity, nearest};
pub use schema::schema;
pub use values::LONGEST_URL;
pub use walk::Env;

use crate::model::{Output, Secret, Source};
use crate::{dedup, fetch, store};

/// Where we listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// `host:port`; the host may be a name.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// `[server]`, complete.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where we listen, unless systemd passes a socket.
    pub listen: Listen,
    /// Public address, ending with `/`. `None`: the address we listen on.
    pub base_url: Option<Url>,
    /// What readers must present.
    pub token: Option<Secret>,
    /// What opens `POST /api/…`; `None`: nothing does.
    pub admin_token: Option<Secret>,
}

/// A whole config, good to run with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from, absolute.
    pub path: PathBuf,
    /// `[server]`.
    pub server: ServerSettings,
    /// `[store]`; the path is absolute.
    pub store: store::Options,
    /// `[fetch]`; `ca_file` is absolute.
    pub fetch: fetch::Options,
    /// `[dedup]`.
    pub dedup: dedup::Options,
    /// In the order of the files, disabled ones too.
    pub sources: Vec<Arc<Source>>,
    /// In the order of the files; `all` is always there. An output's access is its own token,
    /// else the server's.
    pub outputs: Vec<Output>,
    /// Every file that was read (config, includes, secrets) and the directories that `include`
    /// looks into: what `--watch` watches.
    pub files: Vec<PathBuf>,
    /// What works, but perhaps not as meant.
    pub warnings: Problems,
    /// Secrets that are not here. Who only reads the store does without; who polls or publishes asks
    /// [`Config::complete`] first.
    pub absent: Problems,
}

impl Config {
    /// True when nothing says at which address others reach us: a Unix socket has none.
    pub fn base_is_a_guess(&self) -> bool {
        matches!(self.server.listen, Listen::Unix(_)) && self.server.base_url.is_none()
    }

    /// Every secret is there but credentials, which systemd hands to its services only.
    ///
    /// # Errors
    /// The secrets that are not.
    pub fn sound(mut self) -> Result<Self, Problems> {
        let unset = self.absent.split_off(&[Severity::Unset]);
        if unset.is_empty() { Ok(self) } else { Err(unset.fatal()) }
    }

    /// Every secret is there.
    ///
    /// # Errors
    /// The secrets that are not.
    pub fn complete(self) -> Result<Self, Problems> {
        if self.absent.is_empty() { Ok(self) } else { Err(self.absent.fatal()) }
    }
}

/// Reads the config at `path`, with the environment of this process.
///
/// # Errors
/// Everything that is wrong with it, with places and hints.
pub fn load(path: &Path) -> Result<Config, Problems> {
    // On a thread of its own: the tree of a large file is gone with it, which an allocator would keep for the next one.
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| load_with(path, &|name| std::env::var_os(name)));
        reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Reads the config at `path`; `env` looks up environment variables.
///
/// # Errors
/// Everything that is wrong with it, with places and hints.
pub fn load_with(path: &Path, env: Env<'_>) -> Result<Config, Problems> {
    whole::load(path, env)
}

/// The id of a source that is given none.
pub fn id_of(url: &Url) -> String {
    ids::from_url(url)
}

/// The config to use: the one asked for, else `$RIVERINE_CONFIG`, else `./riverine.toml`,
/// else `/etc/riverine/riverine.toml`.
///
/// # Errors
/// When there is none: the places tried, and how to begin.
pub fn find(asked: Option<&Path>) -> Result<PathBuf, Problems> {
    find_with(asked, &|name| std::env::var_os(name))
}

/// [`find`] with another environment.
///
/// # Errors
/// As [`find`].
pub fn find_with(asked: Option<&Path>, env: Env<'_>) -> Result<PathBuf, Problems> {
    // What was named must be there: falling back to another file would be a surprise.
    let named = match asked {
        Some(path) => Some((path.to_owned(), "--config")),
        None => {
            env("RIVERINE_CONFIG").filter(|v| !v.is_empty()).map(|v| (PathBuf::from(v), "$RIVERINE_CONFIG"))
        }
    };
    if let Some((path, by)) = named {
        if path.exists() {
            return Ok(path);
        }
        let words = format!("there is no config {} (named by {by})", path.display());
        return Err(Problems::without_file(words, Some(begin(&path))));
    }
    let places = [PathBuf::from("riverine.toml"), PathBuf::from("/etc/riverine/riverine.toml")];
    if let Some(path) = places.iter().find(|p| p.exists()) {
        return Ok(path.clone());
    }
    let words = "there is no config: tried --config, $RIVERINE_CONFIG (neither is given), ./riverine.toml and \
                 /etc/riverine/riverine.toml";
    Err(Problems::without_file(words.to_owned(), Some(begin(Path::new("riverine.toml")))))
}

fn begin(path: &Path) -> String {
    format!(
        "to begin, write into {}:\n\n    [[source]]\n    url = \"https://www.example.org/feed.xml\"\n\n\
         or try \"riverine demo\", which needs no config",
        path.display()
    )
}
