//! `riverine schema`: the JSON Schema of the config.

use std::process::ExitCode;

use super::{Global, print};

/// `schema` has no arguments of its own.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Prints the schema.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    print::data(format_args!("{:#}\n", crate::config::schema()))?;
    Ok(ExitCode::SUCCESS)
}
