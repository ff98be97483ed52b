//! `riverine restore`: a backup in the place of the store.

use std::process::ExitCode;

use super::Global;

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
#[allow(dead_code, reason = "read when the command is built")]
pub(super) struct Args {
    /// The backup
    file: std::path::PathBuf,
}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("restore"))
}
