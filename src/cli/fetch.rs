//! `riverine fetch`: polls once, now.

use std::process::ExitCode;

use super::Global;

/// Arguments of `fetch`.
#[derive(Debug, clap::Args)]
#[allow(dead_code, reason = "read when the command is built")]
pub(super) struct Args {
    /// Ids of sources; none: all of them
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("fetch"))
}
