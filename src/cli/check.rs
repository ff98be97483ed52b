//! `riverine check`: every problem of the config at once.

use std::process::ExitCode;

use super::{Global, print};

/// `check` has no arguments of its own.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Prints `ok: 12 sources, 3 feeds` to stdout (nothing with `--quiet`), or all problems to stderr.
pub(super) fn run(_: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?.sound()?;
    for problems in [&config.warnings, &config.absent] {
        if !global.quiet && !problems.is_empty() {
            print::words(problems.render(print::color()));
        }
    }
    if !global.quiet && config.base_is_a_guess() {
        print::words(
            "warning: [server] listens on a Unix socket and has no base_url: links to itself begin with http://localhost/.\n         Give base_url the public address of the web server in front.",
        );
    }
    let disabled = config.sources.iter().filter(|s| !s.enabled).count();
    let sources = print::count(config.sources.len(), "source", "sources");
    let feeds = print::count(config.outputs.len(), "feed", "feeds");
    let disabled = if disabled > 0 { format!(" ({disabled} disabled)") } else { String::new() };
    global.outcome(format_args!("ok: {sources}, {feeds}{disabled}\n"))?;
    if global.verbose > 0 {
        print::words(format_args!("read {}", config.path.display()));
        print::words(format_args!("the store is {}", config.store.path.display()));
        for source in &config.sources {
            print::words(format_args!("source {}", source.id));
        }
        for output in &config.outputs {
            print::words(format_args!("feed {}", output.id));
        }
    }
    Ok(ExitCode::SUCCESS)
}
