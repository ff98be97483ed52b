//! How every source stands, as `riverine status --json` and `GET /api/status` say it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::daemon::soundness::Soundness;
use crate::link;
use crate::model::{HostDay, Source, SourceId, SourceState, Standing};
use crate::store::SourceRow;
use crate::store::websub::Subscription;

/// Days of the ledger that stand in a report that is not asked for more.
pub const DAYS: u32 = 2;

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The daemon on this store, if one runs.
    pub daemon: Option<Running>,
    /// What that daemon knows of the store's file.
    pub store: Option<File>,
    /// The config's sources in its order, then those only the store still knows.
    pub sources: Vec<Line>,
    /// What was asked of all hosts, ever.
    pub totals: Totals,
    /// What was asked of each host in the last days, by day.
    pub hosts: Vec<Host>,
}

/// Sums over all sources.
#[derive(Debug, Default, Serialize)]
#[allow(missing_docs, reason = "the names are those of the report")]
pub struct Totals {
    pub requests: u64,
    pub not_modified: u64,
    pub bytes_saved: u64,
}

/// A day of one host.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names are those of the report")]
pub struct Host {
    pub day: String,
    pub host: String,
    pub requests: u64,
    pub not_modified: u64,
    pub documents: u64,
    pub throttled: u64,
    pub failed: u64,
    pub bytes: u64,
    pub bytes_saved: u64,
}

/// A source's subscription to its hub.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names are those of the report")]
pub struct Websub {
    pub hub: String,
    pub topic: String,
    /// `wanted`, `asked`, `active`, `failing`, `leaving`.
    pub state: &'static str,
    pub lease_ends: Option<String>,
    pub last_push: Option<String>,
    pub pushes: u64,
    /// Deliveries with a wrong signature.
    pub refused: u64,
    pub last_error: Option<String>,
}

/// A daemon that runs.
#[derive(Debug, Serialize)]
pub struct Running {
    version: &'static str,
    started: Option<String>,
    /// Its process.
    pub pid: u32,
}

/// The store's file.
#[derive(Debug, Serialize)]
pub struct File {
    /// `checking`, `sound`, `damaged`.
    pub state: &'static str,
    /// Since when that is known.
    pub checked: Option<String>,
    /// Which table, and how.
    pub damage: Option<String>,
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
    pub bytes_saved: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websub: Option<Websub>,
}

/// What is to be expected of a source.
pub(super) struct Outlook {
    /// What the config does not poll is disabled, however its last poll ended.
    pub(super) standing: Standing,
    /// Not before then; none where it is not polled.
    pub(super) next: Option<DateTime<Utc>>,
    /// Why then, or why never.
    pub(super) why: String,
}

impl Outlook {
    /// Of a source as the config has it, if it has it.
    pub(super) fn of(source: Option<&Source>, state: &SourceState) -> Self {
        let never = match source {
            Some(source) if source.enabled => None,
            Some(_) => Some("disabled in the config"),
            None => Some("no longer configured"),
        };
        if let Some(why) = never {
            return Self { standing: Standing::Disabled, next: None, why: why.to_owned() };
        }
        let standing = state.standing;
        let next = state.next_poll.filter(|_| !matches!(standing, Standing::Disabled | Standing::Gone));
        Self { standing, next, why: state.next_poll_reason.clone() }
    }
}

impl Running {
    /// This version of the program.
    pub fn new(started: Option<DateTime<Utc>>, pid: u32) -> Self {
        Self { version: env!("CARGO_PKG_VERSION"), started: started.map(rfc3339), pid }
    }
}

impl Report {
    /// Brings together what the config and the store know.
    pub fn new(
        daemon: Option<Running>,
        sources: &[Arc<Source>],
        rows: Vec<SourceRow>,
        ledger: Vec<HostDay>,
        now: DateTime<Utc>,
    ) -> Self {
        let sources = lines(sources, rows, now);
        let mut totals = Totals::default();
        for line in &sources {
            totals.requests += line.requests;
            totals.not_modified += line.not_modified;
            totals.bytes_saved += line.bytes_saved;
        }
        Self { daemon, store: None, sources, totals, hosts: ledger.into_iter().map(host).collect() }
    }

    /// With what is known of the store's file.
    #[must_use]
    pub fn with(self, soundness: Option<Soundness>) -> Self {
        Self { store: soundness.map(File::from), ..self }
    }

    /// As JSON, with a line end.
    pub fn print(&self) -> String {
        // Strings and numbers only: there is nothing serde_json could refuse.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

impl From<Soundness> for File {
    fn from(known: Soundness) -> Self {
        match known {
            Soundness::Checking => Self { state: "checking", checked: None, damage: None },
            Soundness::Sound { checked } => {
                Self { state: "sound", checked: Some(rfc3339(checked)), damage: None }
            }
            Soundness::Damaged { checked, damage } => {
                Self { state: "damaged", checked: Some(rfc3339(checked)), damage: Some(damage) }
            }
        }
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The first day of a ledger of so many, today's the last.
pub fn first_day(now: DateTime<Utc>, days: u32) -> i64 {
    now.timestamp().div_euclid(86_400) + 1 - i64::from(days.max(1))
}

fn host(known: HostDay) -> Host {
    let HostDay { day, host, tally } = known;
    let day = DateTime::from_timestamp(day.saturating_mul(86_400), 0).unwrap_or_default();
    Host {
        day: day.format("%Y-%m-%d").to_string(),
        host,
        requests: tally.requests,
        not_modified: tally.not_modified,
        documents: tally.documents,
        throttled: tally.throttled,
        failed: tally.failed,
        bytes: tally.bytes,
        bytes_saved: tally.saved,
    }
}

fn websub(known: &Subscription, now: DateTime<Utc>) -> Websub {
    let state = match known {
        _ if known.leaving => "leaving",
        _ if known.in_force(now) => "active",
        _ if known.failures > 0 => "failing",
        _ if known.asked.is_some() => "asked",
        _ => "wanted",
    };
    Websub {
        hub: link::mask(&known.hub.url),
        topic: link::mask(&known.hub.topic),
        state,
        lease_ends: known.expires.filter(|_| known.in_force(now)).map(rfc3339),
        last_push: known.pushed.map(rfc3339),
        pushes: known.pushes,
        refused: known.refused,
        last_error: known.words.clone(),
    }
}

fn lines(sources: &[Arc<Source>], rows: Vec<SourceRow>, now: DateTime<Utc>) -> Vec<Line> {
    let mut rows: BTreeMap<SourceId, SourceRow> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut lines = Vec::with_capacity(sources.len());
    for source in sources {
        let row = rows.remove(&source.id);
        lines.push(line(&source.id, Some(source), row, now));
    }
    lines.extend(rows.into_iter().map(|(id, row)| line(&id, None, Some(row), now)));
    lines
}

fn line(id: &SourceId, source: Option<&Source>, row: Option<SourceRow>, now: DateTime<Utc>) -> Line {
    let websub = row.as_ref().and_then(|row| row.subscription.as_ref()).map(|known| websub(known, now));
    let (url, name, entries, state) = match row {
        Some(row) => (row.url, row.name, row.entries, row.state),
        None => (String::new(), String::new(), 0, SourceState::default()),
    };
    let url = source.map_or(url, |source| link::mask(source.url.as_str()));
    let name = source.and_then(|source| source.name.clone()).unwrap_or(name);
    let Outlook { standing, next, why } = Outlook::of(source, &state);
    let mut warnings = state.warnings;
    if let Some(moved) = &state.moved_to {
        let moved = link::mask(moved.as_str());
        warnings.push(format!("moved for good to {moved}, and polled there: change the url in the config"));
    }
    Line {
        id: id.to_string(),
        url,
        name: if name.is_empty() { id.to_string() } else { name },
        kind: source.map_or("auto", |source| source.kind.name()),
        groups: source.map(|source| source.groups.clone()).unwrap_or_default(),
        state: standing.name(),
        last_poll: state.last_poll.map(rfc3339),
        last_success: state.last_success.map(rfc3339),
        next_poll: next.map(rfc3339),
        next_poll_reason: why,
        http_status: state.http_status,
        last_error: state.last_error,
        warnings,
        consecutive_failures: state.consecutive_failures,
        entries,
        requests: state.requests,
        not_modified: state.not_modified,
        bytes_saved: state.bytes_saved,
        websub,
    }
}
