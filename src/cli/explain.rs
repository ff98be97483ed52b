//! `riverine explain`: why an entry is as it is.

use std::process::ExitCode;

use super::Global;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[allow(dead_code, reason = "read when the command is built")]
pub(super) struct Args {
    /// Its id, its URL, or words of its title
    #[arg(required = true, num_args = 1..)]
    entry: Vec<String>,
}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("explain"))
}
