//! `riverine status`: how every source stands, for people and as JSON.

use std::fmt::Write as _;
use std::process::ExitCode;

use comfy_table::{ContentArrangement, Table, presets};

use super::{Global, print};
use crate::config::Config;
use crate::server::status::{Report, Running};
use crate::store::{self, Sqlite, Store};

/// `riverine status [--json]`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// The config's and the store's, in words.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let rows = if config.store.path.exists() {
        Sqlite::open_reader(&config.store.path)?.sources()?
    } else {
        Vec::new()
    };
    let report = Report::new(daemon(&config), &config.sources, rows);
    if args.json {
        print::data(report.print())?;
    } else {
        print::data(format_args!("{}\n", table(&report)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn daemon(config: &Config) -> Option<Running> {
    let pid = store::holder(&config.store.path)?;
    Some(Running::new(store::held_since(&config.store.path), pid))
}

fn table(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["source", "state", "last poll", "next poll", "entries", "requests", "unchanged"]);
    let short =
        |time: &Option<String>| time.as_deref().map_or("–".to_owned(), |time| time.replace('T', " "));
    for line in &report.sources {
        table.add_row([
            line.id.clone(),
            line.state.to_owned(),
            short(&line.last_poll),
            short(&line.next_poll),
            line.entries.to_string(),
            line.requests.to_string(),
            line.not_modified.to_string(),
        ]);
    }
    let mut text = table.to_string();
    for line in &report.sources {
        let id = crate::text::visible(&line.id);
        if let Some(error) = &line.last_error {
            let _ = write!(text, "\n{id}: {}", crate::text::visible(error));
        }
        if !line.next_poll_reason.is_empty() && line.state != "disabled" {
            let _ = write!(text, "\n{id}: next poll: {}", line.next_poll_reason);
        }
        for warning in &line.warnings {
            let _ = write!(text, "\n{id}: warning: {}", crate::text::visible(warning));
        }
    }
    let saved: u64 = report.sources.iter().map(|line| line.bytes_saved).sum();
    let _ = write!(text, "\n{saved} bytes saved by asking whether anything changed");
    let _ = match &report.daemon {
        Some(daemon) => write!(text, "\nthe daemon runs (pid {})", daemon.pid),
        None => write!(text, "\nno daemon is running on this store"),
    };
    text
}
