//! `riverine status`: how every source stands, for people and as JSON.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use super::{Global, fit, print};
use crate::clock;
use crate::config::Config;
use crate::daemon::{control, soundness};
use crate::server::status::{self, File, Report, Running, Totals, Websub};
use crate::store::{self, Sqlite, Store};

/// `riverine status [--json] [--hosts]`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Show what was asked of each host in the last DAYS (7), at most 90
    #[arg(long, value_name = "DAYS", num_args = 0..=1, require_equals = true, default_missing_value = "7")]
    hosts: Option<u32>,
}

/// Runs the command.
///
/// # Errors
/// The config's and the store's, in words.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let now = clock::from_env().map_err(anyhow::Error::msg)?.now();
    let first = status::first_day(now, args.hosts.unwrap_or(status::DAYS));
    let (rows, ledger) = if config.store.path.exists() {
        let mut store = Sqlite::open_reader(&config.store.path)?;
        (store.sources()?, store.ledger(first)?)
    } else {
        (Vec::new(), Vec::new())
    };
    let path = &config.store.path;
    let report = Report::new(daemon(&config), &config.sources, rows, ledger, now);
    let report = report.with(control::soundness(path));
    if args.json {
        print::data(report.print())?;
    } else if args.hosts.is_some() {
        print::data(format_args!("{}\n", hosts(&report)))?;
    } else {
        print::data(format_args!("{}\n", table(&report, path)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn daemon(config: &Config) -> Option<Running> {
    let pid = store::holder(&config.store.path).filter(|_| control::is_there(&config.store.path))?;
    Some(Running::new(store::held_since(&config.store.path), pid))
}

/// What was asked of each host, by day.
fn hosts(report: &Report) -> String {
    let header =
        ["day", "host", "requests", "unchanged", "documents", "throttled", "failed", "bytes", "saved"];
    let mut rows = Vec::with_capacity(report.hosts.len());
    for line in &report.hosts {
        let numbers = [
            line.requests,
            line.not_modified,
            line.documents,
            line.throttled,
            line.failed,
            line.bytes,
            line.bytes_saved,
        ];
        let names = [line.day.clone(), crate::text::visible(&line.host)];
        rows.push(names.into_iter().chain(numbers.map(|number| number.to_string())).collect());
    }
    fitted(&header, &rows, &["saved", "documents", "bytes", "throttled"])
}

/// As wide as the terminal; what had no room is named.
fn fitted(header: &[&'static str], rows: &[Vec<String>], spare: &[&'static str]) -> String {
    let (table, left_out) = fit::table(header, rows, spare, fit::width());
    let mut text = table.trim_fmt();
    if !left_out.is_empty() {
        let _ = write!(text, "\n(no room for {}; --json has all)", left_out.join(", "));
    }
    text
}

fn table(report: &Report, store: &Path) -> String {
    let header =
        ["source", "state", "last poll", "next poll", "why then", "entries", "requests", "unchanged"];
    let mut rows = Vec::with_capacity(report.sources.len());
    let short =
        |time: &Option<String>| time.as_deref().map_or("–".to_owned(), |time| time.replace('T', " "));
    for line in &report.sources {
        rows.push(vec![
            line.id.clone(),
            line.state.to_owned(),
            short(&line.last_poll),
            short(&line.next_poll),
            crate::text::visible(&line.next_poll_reason),
            line.entries.to_string(),
            line.requests.to_string(),
            line.not_modified.to_string(),
        ]);
    }
    let mut text = String::new();
    for line in &report.sources {
        let id = crate::text::visible(&line.id);
        if let Some(error) = &line.last_error {
            let _ = write!(text, "\n{id}: {}", crate::text::visible(error));
        }
        for warning in &line.warnings {
            let _ = write!(text, "\n{id}: warning: {}", crate::text::visible(warning));
        }
        if let Some(websub) = &line.websub {
            let _ = write!(text, "\n{id}: {}", crate::text::visible(&pushed(websub)));
        }
    }
    let Totals { requests, not_modified, bytes_saved } = &report.totals;
    let _ = write!(
        text,
        "\n{} made, {not_modified} answered 304 (nothing new), {} saved by that",
        print::count(*requests, "request", "requests"),
        print::count(*bytes_saved, "byte", "bytes")
    );
    let _ = match (&report.daemon, store::holder(store)) {
        (Some(daemon), _) => write!(text, "\nthe daemon runs (pid {})", daemon.pid),
        (None, Some(pid)) => {
            write!(text, "\nanother riverine (pid {pid}) is at work on this store, and takes no requests")
        }
        (None, None) => write!(text, "\nno daemon is running on this store"),
    };
    if let Some(file) = &report.store {
        let _ = write!(text, "\n{}", how_it_is(file, store));
    }
    fitted(&header, &rows, &["unchanged", "requests", "last poll", "entries"])
        + &fit::wrapped(&text, fit::width())
}

/// What is known of the store's file, in words.
fn how_it_is(file: &File, store: &Path) -> String {
    match (&file.damage, &file.checked) {
        (Some(damage), _) => crate::text::visible(&soundness::remedy(store, damage)),
        (None, Some(checked)) => format!("the store is sound (checked {})", checked.replace('T', " ")),
        (None, None) => "the store is being checked".to_owned(),
    }
}

/// A subscription to a hub, in words.
fn pushed(websub: &Websub) -> String {
    let hub = &websub.hub;
    let mut words = match (websub.state, &websub.lease_ends) {
        ("active", Some(ends)) => {
            let pushes = print::count(websub.pushes, "push", "pushes");
            format!("subscribed to its hub {hub} until {ends}, {pushes}")
        }
        ("leaving", _) => format!("its hub {hub} is being told that nobody listens any more"),
        ("failing", _) => format!("its hub {hub} does not work"),
        ("asked", _) => format!("its hub {hub} was asked and has not come back yet"),
        _ => format!("its hub {hub} is asked next"),
    };
    if websub.refused > 0 {
        let _ = write!(words, ", {} refused for a wrong signature", websub.refused);
    }
    if let Some(error) = &websub.last_error {
        let _ = write!(words, ": {error}");
    }
    words
}
