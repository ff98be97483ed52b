//! `riverine search`: full-text search in the store.

use std::process::ExitCode;

use super::Global;

/// Arguments of `search`.
#[derive(Debug, clap::Args)]
#[allow(dead_code, reason = "read when the command is built")]
pub(super) struct Args {
    /// Words; OR, NOT, "a phrase" and begin* work
    #[arg(required = true, num_args = 1..)]
    query: Vec<String>,
}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("search"))
}
