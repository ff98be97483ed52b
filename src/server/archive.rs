//! The whole history of a feed or a source (RFC 5005, 4): `/feeds/{id}/archive/{n}`, and deltas (RFC 3229).
//!
//! A story stands in the current document or in exactly one archive document. A document that is full,
//! with none of its stories still current, keeps its bytes until retention or a correction takes them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};

use super::chain::{Chain, Page};
use super::doc::Doc;
use super::plan::{Place, Plan};
use super::reply::{self, Answer, Policy};
use super::shelf::{Finished, Slot};
use super::{Site, access, conditional, feeds, pages};
use crate::model::{Published, SourceId};
use crate::render::{Addresses, Form, Head, Sheet};
use crate::store::StoreError;

/// How long a full document may be kept without asking.
const DAY: Duration = Duration::from_hours(24);
/// Documents without anything that the way from page to page leads past. Behind more of them it leads to one.
const LOOKED_THROUGH: usize = 10;

/// The addresses of an archive document.
pub(super) fn addresses(plan: &Plan, place: &Place, n: usize) -> Addresses {
    Addresses::below(&plan.address(&format!("{}/archive/{n}", place.stem())))
}

/// `/feeds/{id}/archive/{n}.atom` and its like.
pub(super) async fn of_feed(
    State(site): State<Arc<Site>>,
    Path((id, file)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let plan = site.plan.load_full();
    let Some(slot) = plan.slot(&Place::Feed(id)) else {
        return feeds::unknown(
            &plan,
            (&uri, &headers),
            "There is no such feed here. The front page names them all.",
        );
    };
    document(&site, &plan, slot, &file, &uri, &headers).await
}

/// `/sources/{id}/archive/{n}.atom` and its like.
pub(super) async fn of_source(
    State(site): State<Arc<Site>>,
    Path((id, file)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let plan = site.plan.load_full();
    if !access::allowed(plan.token_of_all(), &uri, &headers) {
        return reply::locked(&plan, &uri, &headers);
    }
    if let Some(slot) = plan.slot(&Place::Source(SourceId::new(id.as_str()))) {
        return document(&site, &plan, slot, &file, &uri, &headers).await;
    }
    let rest = match named(&file) {
        Some((n, form)) => Some(format!("/archive/{n}.{}", form.extension())),
        None => whole(&file).map(|n| format!("/archive/{n}")),
    };
    feeds::no_source(&plan, &id, rest.as_deref(), &uri, &headers)
}

async fn document(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Arc<Slot>,
    file: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Answer {
    let token = plan.token_of(slot);
    if !access::allowed(token, uri, headers) {
        return reply::locked(plan, uri, headers);
    }
    let unknown = |words: &str| feeds::unknown(plan, (uri, headers), words);
    let none = "The archive has no such document.";
    if let Some(n) = whole(file) {
        return match gather(site, plan, slot, n).await {
            Ok(Some(Gathered { entries, current, newest, older, .. })) => {
                let Ok(older) = shown_before(site, plan, slot, older).await else {
                    return reply::unavailable(plan, headers);
                };
                let chain = Chain { current, newest, older };
                let page = (Page::Archive(n), chain);
                pages::archived(site, plan, slot, entries, (uri, headers), page).await
            }
            Ok(None) => unknown(none),
            Err(_) => reply::unavailable(plan, headers),
        };
    }
    let Some((n, form)) = named(file) else {
        return unknown("Archive documents are numbered from 1 and end in .atom, .rss or .json.");
    };
    let policy = Policy::of(plan, token.is_some()).shared();
    match made(site, plan, slot, n, form).await {
        Ok(Some((doc, full))) => {
            let max_age = if full { DAY } else { policy.max_age };
            reply::document(headers, &doc, Policy { max_age, ..policy }).await
        }
        Ok(None) => unknown(none),
        Err(_) => reply::unavailable(plan, headers),
    }
}

/// The number, in its one spelling, and the form in the last part of an address.
fn named(file: &str) -> Option<(usize, Form)> {
    let (number, ending) = file.rsplit_once('.')?;
    Some((whole(number)?, Form::from_extension(ending)?))
}

/// A number in its one spelling.
fn whole(text: &str) -> Option<usize> {
    text.parse().ok().filter(|n: &usize| *n > 0 && n.to_string() == text)
}

/// What stands in an archive document.
struct Gathered {
    /// Newest first.
    entries: Vec<Published>,
    /// Nothing more comes in, and nothing of it is current.
    full: bool,
    /// The document before it.
    older: Option<usize>,
    /// The document behind it, in which there may be nothing yet.
    newer: Option<usize>,
    /// The newest that has anything in it.
    newest: Option<usize>,
    /// So many entries stand in the current document.
    current: usize,
}

async fn gather(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Arc<Slot>,
    n: usize,
) -> Result<Option<Gathered>, StoreError> {
    let now = site.clock.now();
    let current = slot.get(site, plan).await?;
    let cuts = slot.cuts(site).await?;
    // The one to come has its address already, and nothing in it.
    let coming = cuts.documents() + 1;
    let stretch = match cuts.range(n) {
        Some(stretch) => stretch,
        None if n > 1 && n == coming => (cuts.counted, cuts.counted),
        None => return Ok(None),
    };
    let output = slot.output.clone();
    let look = site.store.read(move |store| {
        let oldest = if n > 1 { store.oldest(&output)? } else { 0 };
        Ok((store.stories(&output, stretch, usize::MAX, now)?, oldest))
    });
    let (found, oldest) = look.await?;
    let all = found.stories.len();
    let mut entries: Vec<Published> = found.stories.into_iter().map(|(_, _, story)| story).collect();
    entries.retain(|story| !current.entries.contains_key(&story.id));
    let full = cuts.is_closed(n) && !found.waiting && entries.len() == all;
    // Said of the newest document, too: a link that came later would be another byte. The oldest needs it, having no
    // other neighbour (RFC 5005, 4).
    let newer = (n < coming).then_some(n + 1);
    entries.sort_by_key(|story| std::cmp::Reverse((story.published, story.number)));
    // The chain ends where retention has taken everything.
    let older = (n > 1 && stretch.0 > 0 && oldest > 0 && oldest <= stretch.0).then(|| n - 1);
    let (newest, current) = (current.beyond.newest, current.entries.len());
    Ok(Some(Gathered { entries, full, older, newer, newest, current }))
}

/// The newest archive document from this one down that shows something. For people alone: what is numbered early may be
/// young enough to be current, and a page with nothing on it leads nobody on.
async fn shown_before(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Arc<Slot>,
    mut at: Option<usize>,
) -> Result<Option<usize>, StoreError> {
    for _ in 0..LOOKED_THROUGH {
        let Some(n) = at else { return Ok(None) };
        match gather(site, plan, slot, n).await? {
            Some(found) if found.entries.is_empty() => at = found.older,
            _ => break,
        }
    }
    Ok(at)
}

/// One archive document, and whether it is full.
async fn made(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Arc<Slot>,
    n: usize,
    form: Form,
) -> Result<Option<(Arc<Doc>, bool)>, StoreError> {
    let at = addresses(plan, &slot.place, n);
    let (change, now, elapsed) = (site.lately.change(), site.clock.now(), site.clock.elapsed());
    let Some(Gathered { entries, full, older, newer, .. }) = gather(site, plan, slot, n).await? else {
        return Ok(None);
    };
    let row = slot.place.row(site).await?;
    let (plan, slot) = (plan.clone(), slot.clone());
    let name = format!("{}/archive/{n}.{}", slot.place.stem(), form.extension());
    let written = tokio::task::spawn_blocking(move || {
        let common = plan.head(&slot.place, &slot.output, row.as_ref());
        let head = Head {
            older: older.map(|n| addresses(&plan, &slot.place, n)),
            newer: newer.map(|n| addresses(&plan, &slot.place, n)),
            current: Some(common.selves.clone()),
            selves: at,
            // Whom a hub tells of the current document need not hear of this one.
            hub: None,
            ..common
        };
        Doc::new(form.content_type(), Sheet::new(&head, &entries).write(form))
    });
    let mut doc = written.await.map_err(|_| StoreError::Failed("rendering failed".to_owned()))?;
    let since = site.stamps.since(site, name.clone(), &doc.tag, now).await?;
    doc.stands(since, now);
    Ok(Some((site.lately.keep(name, doc, change, elapsed), full)))
}

/// 226: what is new since the document that the reader holds, where the reader asks so and we know that one.
pub(super) async fn delta(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Slot,
    finished: &Arc<Finished>,
    form: Form,
    headers: &HeaderMap,
) -> Option<Answer> {
    let asked = headers.get_all("a-im").iter().filter_map(|value| value.to_str().ok());
    let feed = |one: &str| {
        let (name, rest) = one.split_once(';').unwrap_or((one, ""));
        name.trim().eq_ignore_ascii_case("feed") && !matches!(rest.trim(), "q=0" | "q=0.0")
    };
    if !asked.flat_map(|value| value.split(',')).any(feed) || !headers.contains_key(header::IF_NONE_MATCH) {
        return None;
    }
    let current = finished.form(form);
    // Who holds the current document hears 304, not a delta of nothing; who wants another hears that.
    if conditional::not_modified(headers, |tag| current.owns(tag), None)
        || conditional::fails(headers, |tag| current.owns(tag), current.modified)
    {
        return None;
    }
    let held = |base: &str| conditional::not_modified(headers, |tag| Doc::is_of(tag, base), None);
    let stood = slot.stood(form, held)?;
    let mut entries = slot.entries(site, plan, finished).await.ok()?;
    entries.retain(|entry| stood.get(&entry.id) != Some(&entry.entry.digest));
    if entries.is_empty() {
        return None;
    }
    let row = slot.place.row(site).await.ok()?;
    let head = plan.head(&slot.place, &slot.output, row.as_ref());
    let written = tokio::task::spawn_blocking(move || Sheet::new(&head, &entries).write(form)).await;
    let mut answer = reply::text(StatusCode::IM_USED, "");
    *answer.body_mut() = written.ok()?.into();
    let fields = answer.headers_mut();
    reply::set(fields, header::CONTENT_TYPE, form.content_type());
    reply::set(fields, header::ETAG, &format!("\"{}\"", current.tag));
    reply::set(fields, header::HeaderName::from_static("im"), "feed");
    reply::set(fields, header::CACHE_CONTROL, "no-store, im");
    reply::share(fields);
    let fields = std::mem::take(answer.headers_mut());
    *answer.headers_mut() = feeds::discovered(plan, slot, form, fields);
    Some(answer)
}
