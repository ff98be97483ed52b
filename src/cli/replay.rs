//! `riverine replay`: reads the kept raw bodies again under today's config.

use std::process::ExitCode;

use super::Global;

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[allow(dead_code, reason = "read when the command is built")]
pub(super) struct Args {
    /// The id of a source; none: all of them
    source: Option<String>,
    /// List what would change, change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("replay"))
}
