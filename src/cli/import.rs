//! `riverine import`: OPML in.

use std::process::ExitCode;

use super::Global;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
#[allow(dead_code, reason = "read when the command is built")]
pub(super) struct Args {
    /// An OPML file; - is stdin
    file: std::path::PathBuf,
}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("import"))
}
