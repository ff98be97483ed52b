//! `riverine completions`: for packagers and shells.

use std::process::ExitCode;

use super::{Global, print};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// For which shell
    shell: clap_complete::Shell,
}

/// Prints the completions.
pub(super) fn run(args: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::definition(), "riverine", &mut script);
    print::data(String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}
