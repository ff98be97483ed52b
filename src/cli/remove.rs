//! `riverine remove`: takes a source out of the config.

use std::process::ExitCode;

use super::Global;

/// Arguments of `remove`.
#[derive(Debug, clap::Args)]
#[allow(dead_code, reason = "read when the command is built")]
pub(super) struct Args {
    /// The id of the source
    source: String,
    /// Forget its entries too
    #[arg(long)]
    purge: bool,
}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("remove"))
}
