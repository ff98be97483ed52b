//! How every source stands, as `riverine status --json` and `GET /api/status` say it.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::link;
use crate::model::{Source, SourceId, Standing};
use crate::store::SourceRow;

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The daemon on this store, if one runs.
    pub daemon: Option<Running>,
    /// The config's sources in its order, then those only the store still knows.
    pub sources: Vec<Line>,
}

/// A daemon that runs.
#[derive(Debug, Serialize)]
pub struct Running {
    version: &'static str,
    started: Option<String>,
    /// Its process.
    pub pid: u32,
}

/// One source.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names are those of the report")]
pub struct Line {
    pub id: String,
    pub url: String,
    pub name: String,
    pub kind: &'static str,
    pub groups: Vec<String>,
    pub state: &'static str,
    pub last_poll: Option<String>,
    pub last_success: Option<String>,
    pub next_poll: Option<String>,
    pub next_poll_reason: String,
    pub http_status: Option<u16>,
    pub last_error: Option<String>,
    pub warnings: Vec<String>,
    pub consecutive_failures: u32,
    pub entries: u64,
    pub requests: u64,
    pub not_modified: u64,
    #[serde(skip)]
    pub bytes_saved: u64,
}

impl Running {
    /// This version of the program.
    pub fn new(started: Option<DateTime<Utc>>, pid: u32) -> Self {
        Self { version: env!("CARGO_PKG_VERSION"), started: started.map(rfc3339), pid }
    }
}

impl Report {
    /// Brings together what the config and the store know.
    pub fn new(daemon: Option<Running>, sources: &[Arc<Source>], rows: Vec<SourceRow>) -> Self {
        Self { daemon, sources: lines(sources, rows) }
    }

    /// As JSON, with a line end.
    pub fn print(&self) -> String {
        // Strings and numbers only: there is nothing serde_json could refuse.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn lines(sources: &[Arc<Source>], mut rows: Vec<SourceRow>) -> Vec<Line> {
    let mut lines = Vec::new();
    for source in sources {
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
    let url = source.map_or(url, |source| link::mask(source.url.as_str()));
    let name = source.and_then(|source| source.name.clone()).unwrap_or(name);
    let mut warnings = state.warnings;
    if let Some(moved) = &state.moved_to {
        let moved = link::mask(moved.as_str());
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
        next_poll: state
            .next_poll
            .filter(|_| !matches!(standing, Standing::Disabled | Standing::Gone))
            .map(rfc3339),
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
