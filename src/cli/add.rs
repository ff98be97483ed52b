//! `riverine add`: finds what is behind an address and writes it into the config.

use std::process::ExitCode;

use super::Global;

/// Arguments of `add`.
#[derive(Debug, clap::Args)]
#[allow(dead_code, reason = "read when the command is built")]
pub(super) struct Args {
    /// The address of a feed or page
    url: String,
    /// Its id [default: made from the address]
    #[arg(long)]
    id: Option<String>,
    /// Its shown name [default: the feed's own title]
    #[arg(long)]
    name: Option<String>,
    /// A group it belongs to; may be given several times
    #[arg(long)]
    group: Vec<String>,
    /// When it is polled: adaptive, "every 30m" or cron
    #[arg(long)]
    schedule: Option<String>,
    /// Show what would be written, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Not in this version.
pub(super) fn run(_: &Args, _: &Global) -> anyhow::Result<ExitCode> {
    Err(super::not_yet("add"))
}
