//! `riverine backup`: a verified copy of the store, beside a running daemon.

use std::process::ExitCode;

use super::{Global, print};
use crate::store::Sqlite;

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to write it; must not exist
    file: std::path::PathBuf,
}

/// Runs the command.
///
/// # Errors
/// The config's and the store's, in words.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    Sqlite::open_reader(&config.store.path)?.backup(&args.file)?;
    if !global.quiet {
        print::words(format_args!("{}: copied and verified", args.file.display()));
    }
    Ok(ExitCode::SUCCESS)
}
