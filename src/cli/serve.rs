//! `riverine serve`: the daemon.

use std::process::ExitCode;

use super::Global;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[allow(dead_code, reason = "read when the command is built")]
pub(super) struct Args {
    /// Read the config again whenever its files change
    #[arg(long)]
    watch: bool,
}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("serve"))
}
