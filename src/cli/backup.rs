//! `riverine backup`: a verified copy of the store.

use std::process::ExitCode;

use super::Global;

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
#[allow(dead_code, reason = "read when the command is built")]
pub(super) struct Args {
    /// Where to write it; must not exist
    file: std::path::PathBuf,
}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("backup"))
}
