//! For whoever runs the daemon: `POST /api/poll`, `GET /api/status`. Closed without an `admin_token`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode, Uri, header};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::sync::mpsc;

use super::plan::Plan;
use super::reply::{self, Answer};
use super::status::{self, Running};
use super::{Site, access};
use crate::daemon::{Command, Report};
use crate::model::SourceId;

/// Nobody but the owner; says what is missing.
fn refused(plan: &Plan, uri: &Uri, headers: &HeaderMap) -> Option<Answer> {
    if plan.settings.admin_token.is_none() {
        return Some(words(StatusCode::FORBIDDEN, "closed: [server] admin_token is not set"));
    }
    if access::allowed(plan.settings.admin_token.as_ref(), uri, headers) {
        return None;
    }
    let mut answer = words(StatusCode::UNAUTHORIZED, "present admin_token as a Bearer token");
    reply::set(answer.headers_mut(), header::WWW_AUTHENTICATE, "Bearer realm=\"riverine admin\"");
    Some(answer)
}

fn words(status: StatusCode, words: &str) -> Answer {
    let mut answer = json_text(format!("{}\n", json!({ "error": words })));
    *answer.status_mut() = status;
    answer
}

fn json_text(text: String) -> Answer {
    let mut answer = reply::text(StatusCode::OK, "");
    *answer.body_mut() = Body::from(text);
    reply::set(answer.headers_mut(), header::CONTENT_TYPE, "application/json");
    answer
}

/// `GET /api/status`: what `riverine status --json` prints.
pub(super) async fn status(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Answer {
    let plan = site.plan.load_full();
    if let Some(refusal) = refused(&plan, &uri, &headers) {
        return refusal;
    }
    let now = site.clock.now();
    let first = status::first_day(now, days(&uri));
    let known = site.store.read(move |store| Ok((store.sources()?, store.ledger(first)?))).await;
    let Ok((rows, ledger)) = known else {
        return words(StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read at the moment");
    };
    let running = Running::new(Some(site.started), std::process::id());
    let report = status::Report::new(Some(running), &plan.settings.sources, rows, ledger, now);
    let report = report.with(site.soundness());
    json_text(report.print())
}

/// `?hosts=30`: so many days of the ledger of hosts.
fn days(uri: &Uri) -> u32 {
    let query = uri.query().unwrap_or_default().as_bytes();
    let asked = url::form_urlencoded::parse(query).find(|(name, _)| name == "hosts");
    asked.and_then(|(_, days)| days.parse().ok()).unwrap_or(status::DAYS)
}

/// `POST /api/poll`: every enabled source, now.
pub(super) async fn poll_all(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Answer {
    poll(&site, None, &uri, &headers).await
}

/// `POST /api/poll/{source}`.
pub(super) async fn poll_one(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    poll(&site, Some(id), &uri, &headers).await
}

/// A line of JSON for each source as its poll ends; the answer is over when all are.
async fn poll(site: &Arc<Site>, id: Option<String>, uri: &Uri, headers: &HeaderMap) -> Answer {
    let plan = site.plan.load_full();
    if let Some(refusal) = refused(&plan, uri, headers) {
        return refusal;
    }
    if id.as_ref().is_some_and(|id| plan.source(id).is_none()) {
        return words(StatusCode::NOT_FOUND, "there is no such source");
    }
    let (reports, results) = mpsc::unbounded_channel();
    let sources = id.map(|id| vec![SourceId::new(id)]);
    let Some(commands) = site.commands.get() else {
        return words(StatusCode::SERVICE_UNAVAILABLE, "nothing is polled here");
    };
    if commands.send(Command::Poll { sources, reports }).await.is_err() {
        return words(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping");
    }
    let lines = stream::unfold(results, |mut results| async move {
        let report: Report = results.recv().await?;
        let line = json!({
            "source": report.source.as_str(),
            "failed": report.outcome.is_failure(),
            "words": report.outcome.words(),
        });
        Some((Bytes::from(format!("{line}\n")), results))
    });
    let mut answer = Response::new(Body::from_stream(lines.map(Ok::<_, Infallible>)));
    let fields = answer.headers_mut();
    reply::set(fields, header::CONTENT_TYPE, "application/x-ndjson");
    reply::set(fields, header::CACHE_CONTROL, "no-store");
    reply::set(fields, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    answer
}
