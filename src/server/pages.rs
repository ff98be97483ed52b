//! Pages for people, and the small answers for machines that watch us.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use chrono::{DateTime, Utc};

use super::chain::{Chain, ON_PAGE, Page};
use super::doc::Doc;
use super::plan::{self, Place, Plan, Reader, of_source};
use super::reply::{self, Answer, Policy};
use super::shelf::Slot;
use super::status::Outlook;
use super::{Site, access};
use crate::link;
use crate::model::{EntryId, Output, Published, SourceId};
use crate::render::html::{
    self, Bar, EntryPage, Feed, Frame, Happened, Mark, River, SourceLine, SourcePage, Sources,
};
use crate::store::{Health, Held, SourceRow, StoreError};

/// The type of pages.
pub(super) const HTML: &str = "text/html; charset=utf-8";
/// What happened to it, on the same page.
const NEWS_ON_SOURCE: usize = 10;

/// A page of a river. `row`: its source, as the store knows it.
fn river(
    plan: &Plan,
    (place, output, row): (&Place, &Output, Option<&SourceRow>),
    entries: &[Published],
    reader: &Reader,
    (page, chain): (Page, Chain),
) -> String {
    let head = plan.head(place, output, row);
    let (newer, older) = page.beside(chain);
    let frame = plan.frame(reader);
    let at = |page: Page| frame.keyed(&format!("{}{}", frame.prefix, page.path(place)));
    let shown = entries.get(page.skipped()..).unwrap_or_default();
    let is_newest = matches!(page, Page::Front | Page::Current(0));
    let lede = match place {
        Place::Feed(_) | Place::Health if is_newest => head.description.clone(),
        Place::Feed(_) | Place::Health => "Older entries, the newest of them first.".to_owned(),
        // Its newest stand on the page that tells of it.
        Place::Source(_) => format!("Older entries of {}.", head.title),
    };
    let page = River {
        feed: plan.feed(place, output, &head.title, reader.key.as_deref()),
        lede,
        front: page == Page::Front,
        // What is new belongs on top of what is newest.
        live: matches!(place, Place::Feed(_)) && is_newest,
        days: html::days(&head, shown, if let Page::Archive(_) = page { usize::MAX } else { ON_PAGE }),
        to_newest: newer == Some(Page::Current(0)),
        newer: newer.map(at),
        older: older.map(at),
        frame: frame.clone(),
    };
    printed(&page)
}

/// Templates fail only where memory does.
fn printed(page: &impl Template) -> String {
    page.render().unwrap_or_default()
}

/// A page for this one reader.
pub(super) async fn shown(
    plan: &Plan,
    headers: &HeaderMap,
    page: impl Template + Send + 'static,
    private: bool,
) -> Answer {
    let html = blocking(move || printed(&page)).await;
    answer(plan, headers, html, private).await
}

async fn answer(plan: &Plan, headers: &HeaderMap, html: String, private: bool) -> Answer {
    let policy = Policy::of(plan, private);
    reply::document(headers, &Arc::new(Doc::new(HTML, html.into_bytes())), policy).await
}

/// `/`.
pub(super) async fn front(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Answer {
    let plan = site.plan.load_full();
    if !access::allowed(plan.token_of_all(), &uri, &headers) {
        return reply::locked(&plan, &uri, &headers);
    }
    let Some(slot) = plan.slot(&Place::Feed("all".to_owned())) else {
        return not_found(State(site), uri, headers).await;
    };
    if access::is_private(plan.token_of_all(), &uri, &headers) {
        return keyed_river(&site, &plan, slot, &uri, &headers, Page::Front).await;
    }
    let Ok(page) = slot.page(&site, &plan, true).await else { return reply::unavailable(&plan, &headers) };
    let policy = Policy::of(&plan, false);
    reply::document(&headers, &page, policy).await
}

/// A page for this reader alone: with a token its links carry it along, and of further pages few are asked for. Not kept.
pub(super) async fn keyed_river(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Slot,
    uri: &Uri,
    headers: &HeaderMap,
    page: Page,
) -> Answer {
    let private = access::is_private(plan.token_of(slot), uri, headers);
    match river_now(site, plan, slot, plan.reader(uri, headers), page).await {
        Ok(html) => answer(plan, headers, html, private).await,
        Err(_) => reply::unavailable(plan, headers),
    }
}

/// The river as its finished documents have it: with what happened to it since, a page would not go on where the one
/// before it ended.
pub(super) async fn river_now(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Slot,
    reader: Reader,
    page: Page,
) -> Result<String, StoreError> {
    let finished = slot.current(site, plan).await?;
    let entries = slot.entries(site, plan, &finished).await?;
    let chain = Chain::of_current(&entries, finished.beyond.newest);
    written(site, plan, slot, entries, reader, (page, chain)).await
}

/// An archive document as a page.
pub(super) async fn archived(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Slot,
    entries: Vec<Published>,
    (uri, headers): (&Uri, &HeaderMap),
    page: (Page, Chain),
) -> Answer {
    match written(site, plan, slot, entries, plan.reader(uri, headers), page).await {
        Ok(html) => answer(plan, headers, html, access::is_private(plan.token_of(slot), uri, headers)).await,
        Err(_) => reply::unavailable(plan, headers),
    }
}

async fn written(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Slot,
    entries: Vec<Published>,
    reader: Reader,
    page: (Page, Chain),
) -> Result<String, StoreError> {
    let row = slot.place.row(site).await?;
    let (plan, place, output) = (plan.clone(), slot.place.clone(), slot.output.clone());
    let river = move || river(&plan, (&place, &output, row.as_ref()), &entries, &reader, page);
    Ok(blocking(river).await)
}

/// Rendering is work: not on the threads that serve. A defect there shows as one here.
async fn blocking(work: impl FnOnce() -> String + Send + 'static) -> String {
    match tokio::task::spawn_blocking(work).await {
        Ok(html) => html,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => String::new(),
    }
}

/// `/sources`.
pub(super) async fn sources(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Answer {
    let plan = site.plan.load_full();
    if !access::allowed(plan.token_of_all(), &uri, &headers) {
        return reply::locked(&plan, &uri, &headers);
    }
    let Ok(rows) = site.store.read(|store| store.sources()).await else {
        return reply::unavailable(&plan, &headers);
    };
    let key = access::key(&uri);
    let Some(slot) = plan.slot(&Place::Health) else { return reply::unavailable(&plan, &headers) };
    let page = Sources {
        frame: plan.frame(&plan.reader(&uri, &headers)),
        lines: html::sorted(rows.iter().filter(|row| row.configured).map(|row| line(&plan, row)).collect()),
        // Whoever may see this page may read that feed.
        news: plan.feed(&slot.place, &slot.output, &slot.output.title, key.as_deref()),
    };
    answer(&plan, &headers, printed(&page), access::is_private(plan.token_of_all(), &uri, &headers)).await
}

fn outlook(plan: &Plan, row: &SourceRow) -> Outlook {
    Outlook::of(plan.source(row.id.as_str()).map(Arc::as_ref), &row.state)
}

fn line(plan: &Plan, row: &SourceRow) -> SourceLine {
    let (state, outlook) = (&row.state, outlook(plan, row));
    SourceLine {
        mark: Mark::new(row.id.as_str(), &row.name),
        state: outlook.standing.name(),
        entries: row.entries,
        last_success: state.last_success.map(Into::into),
        next: outlook.next.map(Into::into),
        error: state.last_error.clone(),
    }
}

/// `/sources/{id}`.
pub(super) async fn source(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    id: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Answer {
    let (id, now) = (SourceId::new(id), site.clock.now());
    let wanted = id.clone();
    let found = site.store.read(move |store| {
        let Some(row) = store.source_row(&wanted)? else { return Ok(None) };
        let news = store.health(Some(&wanted), NEWS_ON_SOURCE)?;
        let days = store.per_day(&wanted, html::DAYS, now)?;
        let chart = days.map(|(last, counts)| html::chart(last, &counts)).unwrap_or_default();
        Ok(Some((row, news, chart)))
    });
    let (row, news, chart) = match found.await {
        Ok(Some(found)) => found,
        Ok(None) => {
            let words = "There is no such source here. /sources names them all.";
            return reply::message(plan, (uri, headers), StatusCode::NOT_FOUND, "Not found", words);
        }
        Err(_) => return reply::unavailable(plan, headers),
    };
    if plan.source(row.id.as_str()).is_none() && Page::of(uri) != Page::Current(0) {
        let search = plan.address(&format!("search?source={}", row.id));
        let words = format!(
            "This source is no longer in the config and has no further pages. {search} finds all its entries."
        );
        return reply::message(plan, (uri, headers), StatusCode::NOT_FOUND, "Not found", &words);
    }
    let Ok((entries, older)) = newest(site, plan, &row, now).await else {
        return reply::unavailable(plan, headers);
    };
    let (shared, reader) = (plan.clone(), plan.reader(uri, headers));
    let html =
        blocking(move || printed(&source_page(&shared, &row, &entries, &news, (chart, older), &reader)));
    answer(plan, headers, html.await, access::is_private(plan.token_of_all(), uri, headers)).await
}

/// The newest entries of a source, and where they go on behind its page; from there on its finished documents say what
/// stands where, so they do here, too. What is no longer in the config has none.
async fn newest(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    row: &SourceRow,
    now: DateTime<Utc>,
) -> Result<(Vec<Published>, Option<Page>), StoreError> {
    let slot = plan.slot(&Place::Source(row.id.clone()));
    let stored = usize::try_from(row.entries).unwrap_or(usize::MAX);
    if slot.is_none() || stored <= ON_PAGE {
        let output = of_source(&row.id, Some(&row.name));
        let entries = site.store.read(move |store| Ok(store.select(&output, now)?.entries)).await?;
        // No documents are made where the page has room for all there is.
        if slot.is_none() || entries.len() >= stored {
            return Ok((entries, None));
        }
    }
    let Some(slot) = slot else { return Ok(Default::default()) };
    let finished = slot.current(site, plan).await?;
    let entries = slot.entries(site, plan, &finished).await?;
    let older = Page::Current(0).beside(Chain::of_current(&entries, finished.beyond.newest)).1;
    Ok((entries, older))
}

fn source_page(
    plan: &Plan,
    row: &SourceRow,
    entries: &[Published],
    news: &[Health],
    (chart, older): (Vec<Bar>, Option<Page>),
    reader: &Reader,
) -> SourcePage {
    let place = Place::Source(row.id.clone());
    let output = of_source(&row.id, Some(&row.name));
    let head = plan.head(&place, &output, Some(row));
    let frame = plan.frame(reader);
    let state = &row.state;
    let feed = state.feed.as_ref();
    let (mut facts, mut told) = (Vec::new(), Vec::new());
    if let Some(feed) = feed {
        facts.push(("Kind", feed.format.name().to_owned()));
    }
    if let Some(ends) = &state.certificate_ends {
        facts.push(("Certificate", format!("until {}", ends.format("%-d %b %Y"))));
    }
    if state.consecutive_failures > 0 {
        facts.push(("Failures in a row", state.consecutive_failures.to_string()));
    }
    let outlook = outlook(plan, row);
    if !outlook.why.is_empty() {
        let what = if outlook.next.is_some() { "Why polled then" } else { "Not polled" };
        told.push((what, outlook.why));
    }
    told.push(("Requests", format!("{}, of which {} had nothing new", state.requests, state.not_modified)));
    if let Some(moved) = &state.moved_to {
        told.push(("Moved to", link::mask(moved.as_str())));
    }
    SourcePage {
        older: older.map(|page| frame.to(&page.path(&place))),
        line: line(plan, row),
        url: row.url.clone(),
        home: feed.and_then(|feed| feed.link.clone()),
        facts,
        told,
        warnings: state.warnings.clone(),
        news: news.iter().map(happened).collect(),
        feed: plan
            .source(row.id.as_str())
            .map(|_| plan.feed(&place, &output, &row.name, reader.key.as_deref())),
        search: frame.to(&format!("search?source={}", row.id)),
        frame,
        chart,
        polls: html::polls(&state.days),
        days: html::days(&head, entries, ON_PAGE),
    }
}

fn happened(news: &Health) -> Happened {
    Happened { when: news.at.into(), what: news.news.name(), words: news.words.clone() }
}

/// `/entries/{id}`.
pub(super) async fn entry(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let plan = site.plan.load_full();
    let reader = plan.reader(&uri, &headers);
    let frame = plan.frame(&reader);
    // Who may not see everything is not told either what there is not.
    let no_entry =
        || if reader.whole { no_entry(&plan, &uri, &headers) } else { reply::locked(&plan, &uri, &headers) };
    let Ok(wanted) = id.parse::<uuid::Uuid>().map(EntryId) else { return no_entry() };
    let told = match site.store.read(move |store| store.entry(wanted)).await {
        Ok(Some(told)) => told,
        Ok(None) => return no_entry(),
        Err(_) => return reply::unavailable(&plan, &headers),
    };
    let Ok(feeds) = feeds_with(&site, &plan, &frame, told.published.id).await else {
        return reply::unavailable(&plan, &headers);
    };
    // The key of a feed opens what stands in it: one without a link leads here.
    if !reader.whole && feeds.is_empty() {
        return reply::locked(&plan, &uri, &headers);
    }
    let now = site.clock.now();
    if let Held::Until(until) = told.held
        && until > now
    {
        let words = format!("This entry is held until its date, {}.", until.format("%Y-%m-%d %H:%M:%S UTC"));
        return reply::message(&plan, (&uri, &headers), StatusCode::NOT_FOUND, "Not yet", &words);
    }
    let published = told.published;
    // The canonical spelling has one address; a story that became one with an older one moved there.
    if published.id != wanted || id != published.id.to_string() {
        let key = reader.key.as_deref();
        let key = if reader.whole { plan::opening(plan.token_of_all(), key) } else { key.map(str::to_owned) };
        let address = format!("{}entries/{}", plan.prefix, published.id);
        return reply::moved(&html::with_key(&address, key.as_deref()));
    }
    let head = plan.head(&Place::Feed("all".to_owned()), &of_source(&published.source, None), None);
    let mut notes = Vec::new();
    if told.held == Held::Archived {
        notes.push("Only in the archive: it was backlog when it came.".to_owned());
    }
    let leads = |id: &EntryId| format!("{id} leads here: a correction made it the same story.");
    notes.extend(told.merged.iter().map(leads));
    let mut sightings = told.sightings;
    if !reader.whole {
        sightings.retain(|sighting| sighting.source == published.source);
    }
    let html =
        blocking(move || printed(&EntryPage::new(frame, &head, &published, &sightings, (notes, feeds))));
    answer(&plan, &headers, html.await, access::is_private(plan.token_of_all(), &uri, &headers)).await
}

/// Which of the feeds that this reader may read have an entry, in their documents or their archives.
async fn feeds_with(site: &Site, plan: &Plan, frame: &Frame, id: EntryId) -> Result<Vec<Feed>, StoreError> {
    let outputs = plan.settings.outputs.iter();
    let outputs = outputs.filter_map(|output| {
        Some((frame.feeds.iter().find(|feed| feed.id == output.id)?.clone(), output.clone()))
    });
    let outputs: Vec<_> = outputs.collect();
    let found = site.store.read(move |store| {
        let mut feeds = Vec::new();
        for (feed, output) in outputs {
            if !store.of_history(&output, &[id])?.is_empty() {
                feeds.push(feed);
            }
        }
        Ok(feeds)
    });
    found.await
}

fn no_entry(plan: &Plan, uri: &Uri, headers: &HeaderMap) -> Answer {
    let words = "There is no such entry. It may have gone with retention.";
    reply::message(plan, (uri, headers), StatusCode::NOT_FOUND, "Not found", words)
}

/// `/river.css`, named with its version by the pages: kept for a year.
pub(super) async fn style(headers: HeaderMap) -> Answer {
    fixed(&headers, "text/css; charset=utf-8", html::STYLE).await
}

/// `/river.js`, likewise.
pub(super) async fn script(headers: HeaderMap) -> Answer {
    fixed(&headers, "text/javascript; charset=utf-8", html::SCRIPT).await
}

/// `/icon.svg`.
pub(super) async fn icon(headers: HeaderMap) -> Answer {
    fixed(&headers, "image/svg+xml", html::ICON).await
}

async fn fixed(headers: &HeaderMap, kind: &'static str, text: &str) -> Answer {
    let policy =
        Policy { max_age: Duration::from_hours(24 * 365), private: false, shared: false, negotiated: false };
    reply::document(headers, &Arc::new(Doc::new(kind, text.as_bytes().to_vec())), policy).await
}

/// `/healthz`: the process answers.
pub(super) async fn healthz() -> Answer {
    reply::text(StatusCode::OK, "ok")
}

/// `/readyz`: the store is open, takes what is polled and is not known to be damaged, and the first load is done.
pub(super) async fn readyz(State(site): State<Arc<Site>>) -> Answer {
    match site.is_ready() {
        Ok(()) => reply::text(StatusCode::OK, "ready"),
        Err(why) => reply::text(StatusCode::SERVICE_UNAVAILABLE, &format!("not ready: {why}")),
    }
}

/// Everything else.
pub(super) async fn not_found(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Answer {
    let plan = site.plan.load_full();
    let words = "There is nothing at this address. The front page leads to everything there is.";
    reply::message(&plan, (&uri, &headers), StatusCode::NOT_FOUND, "Not found", words)
}

/// A method that is not for this address; `Allow` says which are.
pub(super) async fn method_not_allowed(
    State(site): State<Arc<Site>>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let plan = site.plan.load_full();
    let (title, words) = match uri.path() {
        "/hub" => (
            "Not a page",
            "This is the hub (WebSub), where programs subscribe to the feeds of this river, by POST. There is nothing to \
             read here; the front page leads to the feeds.",
        ),
        path if path.starts_with("/api/poll") => {
            ("Not a page", "This address takes the order to poll, by POST and with the admin token.")
        }
        _ => ("Method not allowed", "This address is for reading, by GET."),
    };
    reply::message(&plan, (&uri, &headers), StatusCode::METHOD_NOT_ALLOWED, title, words)
}
