//! Numbers for Prometheus. Labels are words of ours, never text of a source or a client.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::listen::Peer;
use super::plan::Plan;
use super::reply::{self, Answer};
use super::status::Outlook;
use super::{Site, access};
use crate::model::Outcome;
use crate::store::SourceRow;

type Labels = Vec<(&'static str, String)>;

/// The counters, and how to print them.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    polls: Family<Labels, Counter>,
    renders: Counter,
    /// Documents that took the short way, feeds and sources: whole, and not modified.
    short: [[Counter; 2]; 2],
    sources: Family<Labels, Gauge>,
    entries: Gauge,
    pushes: Family<Labels, Counter>,
}

/// What came to the call-backs of our subscriptions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heard {
    /// A signed document.
    Document,
    /// The signed word that there is one.
    Announced,
    /// A wrong signature.
    Forged,
    /// For nobody.
    Unknown,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("riverine"),
            requests: Family::default(),
            polls: Family::default(),
            renders: Counter::default(),
            short: Default::default(),
            sources: Family::default(),
            entries: Gauge::default(),
            pushes: Family::default(),
        };
        metrics.short = ["/feeds/{file}", "/sources/{file}"].map(|route| {
            ["200", "304"].map(|status| {
                let labels = vec![("route", route.to_owned()), ("status", status.to_owned())];
                metrics.requests.get_or_create(&labels).clone()
            })
        });
        let registry = &mut metrics.registry;
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        registry.register("polls", "Polls ended", metrics.polls.clone());
        registry.register("pushes", "Deliveries by sources' hubs", metrics.pushes.clone());
        registry.register("renders", "Outputs rendered", metrics.renders.clone());
        registry.register("sources", "Sources by state", metrics.sources.clone());
        registry.register("sightings", "Stories counted once per source", metrics.entries.clone());
        metrics
    }

    /// Counts a document that went out without routing.
    pub(super) fn short_way(&self, source: bool, unchanged: bool) {
        let [feeds, sources] = &self.short;
        let [whole, not_modified] = if source { sources } else { feeds };
        if unchanged { not_modified } else { whole }.inc();
    }

    pub(super) fn heard(&self, what: Heard) {
        let word = match what {
            Heard::Document => "document",
            Heard::Announced => "announced",
            Heard::Forged => "forged",
            Heard::Unknown => "unknown",
        };
        self.pushes.get_or_create(&vec![("outcome", word.to_owned())]).inc();
    }

    pub(super) fn rendered(&self) {
        self.renders.inc();
    }

    pub(super) fn polled(&self, outcome: &Outcome) {
        let word = match outcome {
            Outcome::Read { .. } => "read",
            Outcome::Empty => "empty",
            Outcome::NotModified => "not_modified",
            Outcome::Failed(_) => "failed",
            Outcome::Held(_) => "held",
            Outcome::Gone => "gone",
        };
        self.polls.get_or_create(&vec![("outcome", word.to_owned())]).inc();
    }

    /// The exposition text, with the sources as they stand now.
    pub(super) fn print(&self, plan: &Plan, rows: &[SourceRow]) -> String {
        self.sources.clear();
        for row in rows {
            let outlook = Outlook::of(plan.source(row.id.as_str()).map(Arc::as_ref), &row.state);
            self.sources.get_or_create(&vec![("state", outlook.standing.name().to_owned())]).inc();
        }
        self.entries.set(rows.iter().map(|row| i64::try_from(row.entries).unwrap_or(i64::MAX)).sum());
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// `/metrics`: for this machine, or with the admin token. What came through a proxy is not from here.
pub(super) async fn page(
    State(site): State<Arc<Site>>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let plan = site.plan.load_full();
    let forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED);
    let local = peer.is_some_and(|Extension(peer)| peer.local) && !forwarded;
    let admin = plan.settings.admin_token.as_ref();
    if !local && (admin.is_none() || !access::allowed(admin, &uri, &headers)) {
        let words = "Numbers are for this machine; from elsewhere, or through a proxy, [server] admin_token opens them: \
                     send it as a Bearer token.";
        return reply::locked_by(&plan, (&uri, &headers), words);
    }
    let rows = site.store.read(|store| store.sources()).await.unwrap_or_default();
    let mut answer = reply::text(StatusCode::OK, "");
    *answer.body_mut() = site.metrics.print(&plan, &rows).into();
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    reply::set(answer.headers_mut(), header::CONTENT_TYPE, kind);
    answer
}

/// Counts every answer by route and status.
pub(super) async fn count(State(site): State<Arc<Site>>, request: Request, next: Next) -> Answer {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let answer = next.run(request).await;
    let labels = vec![("route", route), ("status", answer.status().as_u16().to_string())];
    site.metrics.requests.get_or_create(&labels).inc();
    answer
}
