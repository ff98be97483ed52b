//! `riverine status`: how every source stands, for people and as JSON.

use std::fmt::Write as _;
use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::{Global, print};
use crate::config::Config;
use crate::model::{Source, SourceId, Standing};
use crate::store::{self, SourceRow, Sqlite, Store};

/// `riverine status [--json]`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    daemon: Option<Daemon>,
    sources: Vec<Line>,
}

#[derive(Serialize)]
struct Daemon {
    version: &'static str,
    started: Option<String>,
    pid: u32,
}

#[derive(Serialize)]
struct Line {
    id: String,
    url: String,
    name: String,
    kind: &'static str,
    groups: Vec<String>,
    state: &'static str,
    last_poll: Option<String>,
    last_success: Option<String>,
    next_poll: Option<String>,
    next_poll_reason: String,
    http_status: Option<u16>,
    last_error: Option<String>,
    warnings: Vec<String>,
    consecutive_failures: u32,
    entries: u64,
    requests: u64,
    not_modified: u64,
    #[serde(skip)]
    bytes_saved: u64,
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
    let report = Report { daemon: daemon(&config), sources: lines(&config, rows) };
    if args.json {
        print::data(format_args!("{}\n", serde_json::to_string_pretty(&report)?))?;
    } else {
        print::data(format_args!("{}\n", table(&report)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn daemon(config: &Config) -> Option<Daemon> {
    let pid = store::holder(&config.store.path)?;
    let started = store::held_since(&config.store.path).map(rfc3339);
    Some(Daemon { version: env!("CARGO_PKG_VERSION"), started, pid })
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The config's sources in its order, then those only the store still knows.
fn lines(config: &Config, mut rows: Vec<SourceRow>) -> Vec<Line> {
    let mut lines = Vec::new();
    for source in &config.sources {
        let row = rows.iter().position(|row| row.id == source.id).map(|place| rows.remove(place));
        lines.push(line(&source.id, Some(source), row));
    }
    lines.extend(rows.into_iter().map(|row| line(&row.id.clone(), None, Some(row))));
    lines
}

fn line(id: &SourceId, source: Option<&Source>, row: Option<SourceRow>) -> Line {
    let (url, name, entries, state) = match row {
        Some(row) => (row.url, row.name, row.entries, row.state),
        None => (String::new(), String::new(), 0, crate::model::SourceState::default()),
    };
    let url = source.map_or(url, |source| crate::link::mask(source.url.as_str()));
    let name = source.and_then(|source| source.name.clone()).unwrap_or(name);
    let mut warnings = state.warnings;
    if let Some(moved) = &state.moved_to {
        let moved = crate::link::mask(moved.as_str());
        warnings.push(format!("moved for good to {moved}, and polled there: change the url in the config"));
    }
    let standing =
        if source.is_some_and(|source| source.enabled) { state.standing } else { Standing::Disabled };
    Line {
        id: id.to_string(),
        url,
        name: if name.is_empty() { id.to_string() } else { name },
        kind: source.map_or("auto", |source| source.kind.name()),
        groups: source.map(|source| source.groups.clone()).unwrap_or_default(),
        state: standing.name(),
        last_poll: state.last_poll.map(rfc3339),
        last_success: state.last_success.map(rfc3339),
        next_poll: state.next_poll.filter(|_| standing != Standing::Disabled).map(rfc3339),
        next_poll_reason: state.next_poll_reason,
        http_status: state.http_status,
        last_error: state.last_error,
        warnings,
        consecutive_failures: state.consecutive_failures,
        entries,
        requests: state.requests,
        not_modified: state.not_modified,
        bytes_saved: state.bytes_saved,
    }
}

fn table(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
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
