//! `riverine demo`: the whole thing with no network and no config.

use std::process::ExitCode;

use super::Global;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("demo"))
}
