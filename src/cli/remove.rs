//! `riverine remove`: takes a source out of the config, and with `--purge` its entries out of the store.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

use super::{Global, Wrong, fetch, print};
use crate::clock;
use crate::config::edit::EditError;
use crate::config::{self, Config, edit};
use crate::link;
use crate::model::{Output, SourceId};
use crate::store::{Lock, Sqlite, Store};

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
    let id = SourceId::new(args.source.as_str());
    let configured = config.sources.iter().any(|source| source.id == id);
    let now = clock::from_env().map_err(anyhow::Error::msg)?.now();
    // What cannot be purged is not removed either: the lock comes first.
    let mut store = if args.purge && config.store.path.exists() {
        Some((Lock::take(&config.store.path)?, Sqlite::open(&config.store.path)?))
    } else {
        None
    };
    let known = match &mut store {
        Some((_, store)) => store.source_row(&id)?.is_some(),
        None => false,
    };
    if configured {
        let file = edit::remove(&path, &id).map_err(|error| not_removed(error, &id, &config))?;
        global.outcome(format_args!("{id} removed from {}\n", file.display()))?;
    } else if !known {
        return Err(unknown(args, &path, &config).into());
    }
    if let Some((_lock, mut store)) = store {
        let gone = if known { store.purge(&id, now).context("its entries are still there")? } else { 0 };
        global.outcome(format_args!("{} forgotten\n", print::count(gone, "entry", "entries")))?;
    } else if !global.quiet {
        if let Some(stay) = kept(&config, &id) {
            print::words(format_args!(
                "{} in the store: riverine remove {id} --purge forgets them",
                print::count(stay, "entry of it stays", "entries of it stay")
            ));
        }
        global.until_reread(&config.store.path, "it until");
    }
    Ok(ExitCode::SUCCESS)
}

/// How many of its entries the store has, where it has any and can be asked.
fn kept(config: &Config, id: &SourceId) -> Option<usize> {
    let mut store = Sqlite::open_reader(&config.store.path).ok()?;
    let stay = store.source_row(id).ok()??.entries;
    usize::try_from(stay).ok().filter(|stay| *stay > 0)
}

/// There is no such source: not in the config, and with `--purge` not in the store either.
fn unknown(args: &Args, path: &Path, config: &Config) -> Wrong {
    let hint = match fetch::meant(&args.source, config) {
        Some(id) => format!("; did you mean {id}?"),
        None if args.purge => String::new(),
        None => "; with --purge the store forgets what is only there".to_owned(),
    };
    let where_else = if args.purge { ", nor in the store" } else { "" };
    let shown = link::mask(&args.source);
    Wrong(format!("no source {shown:?} in {}{where_else}{hint}", path.display()))
}

/// Why it could not be taken out; names the feeds that need it.
fn not_removed(error: EditError, id: &SourceId, config: &Config) -> anyhow::Error {
    let shows = |output: &&Output| output.sources.iter().flatten().any(|other| other == id);
    let feeds: Vec<&str> = config.outputs.iter().filter(shows).map(|output| output.id.as_str()).collect();
    match error {
        EditError::Invalid(_) if !feeds.is_empty() => {
            let feeds = feeds.join(", ");
            anyhow::anyhow!(
                "{id} stands in a [[feed]] that cannot do without: {feeds}; change that first ({error})"
            )
        }
        other => other.into(),
    }
}
