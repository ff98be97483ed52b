//! `riverine export`: OPML out.

use std::process::ExitCode;

use super::Global;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("export"))
}
