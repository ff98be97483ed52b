//! `riverine man`: the manual page, or all of them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use super::{Global, print};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write a page for every command into this directory instead
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints `riverine(1)`, or writes it and `riverine-*(1)`.
pub(super) fn run(args: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    if let Some(dir) = &args.dir {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let written = clap_mangen::generate_to(super::definition(), dir);
        written.with_context(|| format!("cannot write the pages into {}", dir.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(super::definition()).render(&mut page)?;
    print::data(String::from_utf8(page)?)?;
    Ok(ExitCode::SUCCESS)
}
