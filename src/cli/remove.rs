//! `riverine remove`: takes a source out of the config, and with `--purge` its entries out of the store.

use std::process::ExitCode;

use anyhow::Context as _;

use super::{Global, Wrong, print};
use crate::clock;
use crate::config::edit::EditError;
use crate::config::{self, edit};
use crate::model::Output;
use crate::store::{self, Lock, Sqlite, Store};

/// Arguments of `remove`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The id of the source
    source: String,
    /// Forget its entries too
    #[arg(long)]
    purge: bool,
}

/// Runs the command.
///
/// # Errors
/// The config's and the store's, in words.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let path = config::find(global.config.as_deref())?;
    let config = global.load()?;
    let Some(source) = config.sources.iter().find(|source| source.id.as_str() == args.source) else {
        let near = config::nearest(&args.source, config.sources.iter().map(|source| source.id.as_str()));
        let hint = near.map(|id| format!("; did you mean {id}?")).unwrap_or_default();
        return Err(Wrong(format!("no source {:?} in {}{hint}", args.source, path.display())).into());
    };
    let now = clock::from_env().map_err(anyhow::Error::msg)?.now();
    // What cannot be purged is not removed either: the lock comes first.
    let store = if args.purge && config.store.path.exists() {
        Some((Lock::take(&config.store.path)?, Sqlite::open(&config.store.path)?))
    } else {
        None
    };
    let file = edit::remove(&path, &source.id).map_err(|error| {
        let shows = |output: &&Output| output.sources.iter().flatten().any(|id| *id == source.id);
        let feeds: Vec<&str> = config.outputs.iter().filter(shows).map(|output| output.id.as_str()).collect();
        match error {
            EditError::Invalid(_) if !feeds.is_empty() => {
                let (id, feeds) = (&source.id, feeds.join(", "));
                anyhow::anyhow!(
                    "{id} stands in a [[feed]] that cannot do without: {feeds}; change that first ({error})"
                )
            }
            other => other.into(),
        }
    })?;
    print::data(format_args!("{} removed from {}\n", source.id, file.display()))?;
    if let Some((_lock, mut store)) = store {
        let known = store.sources()?.iter().any(|row| row.id == source.id);
        let gone =
            if known { store.purge(&source.id, now).context("its entries are still there")? } else { 0 };
        print::data(format_args!("{} forgotten\n", print::count(gone, "entry", "entries")))?;
    } else if let Some(pid) = store::holder(&config.store.path).filter(|_| !global.quiet) {
        print::words(format_args!(
            "the daemon (pid {pid}) polls it until it reads the config again: kill -HUP {pid}"
        ));
    }
    Ok(ExitCode::SUCCESS)
}
