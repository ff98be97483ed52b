//! `riverine restore`: a backup in the place of the store. Never beside a running daemon.

use std::process::ExitCode;

use super::{Global, print};
use crate::store::{Lock, Sqlite};

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The backup
    file: std::path::PathBuf,
}

/// Runs the command.
///
/// # Errors
/// The config's and the store's, in words; then the store is as it was.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let store = &config.store.path;
    if let Some(directory) = store.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory)?;
    }
    let _lock = Lock::take(store)?;
    Sqlite::restore(&args.file, store)?;
    if !global.quiet {
        print::words(format_args!("{}: now holds what was in {}", store.display(), args.file.display()));
    }
    Ok(ExitCode::SUCCESS)
}
