//! Documents for feed readers: outputs, sources alone, lists of subscriptions.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use axum::middleware::Next;
use percent_encoding::percent_decode_str;

use super::chain::Page;
use super::doc::Doc;
use super::plan::{self, Place, Plan};
use super::reply::{self, Answer, Policy};
use super::shelf::Slot;
use super::{Site, accept, access, archive, pages};
use crate::link;
use crate::model::{Format, HubChoice, Output, Source, SourceId};
use crate::render::Form;
use crate::render::html::with_key;
use crate::render::opml::{self, Outline};
use crate::store::SourceRow;

const TITLE: &str = "Sources of this river";
const OPML: &str = "text/x-opml; charset=utf-8";

/// `/feeds/{id}`, `/feeds/{id}.atom` and its like.
pub(super) async fn feed(
    State(site): State<Arc<Site>>,
    Path(file): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let plan = site.plan.load_full();
    let (id, form) = split(&file);
    let place = if id == "_health" { Place::Health } else { Place::Feed(id.to_owned()) };
    let Some(slot) = plan.slot(&place) else {
        return unknown(
            &plan,
            (&uri, &headers),
            "There is no such feed here. The front page names them all.",
        );
    };
    if !access::allowed(plan.token_of(slot), &uri, &headers) {
        return reply::locked(&plan, &uri, &headers);
    }
    let policy = policy(&plan, plan.token_of(slot).is_some());
    let Some(form) = form else { return negotiated(&site, &plan, slot, &uri, &headers).await };
    document(&site, &plan, slot, form, policy, &headers).await
}

/// `/sources/{id}`, `/sources/{id}.atom` and its like.
pub(super) async fn source(
    State(site): State<Arc<Site>>,
    Path(file): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    let plan = site.plan.load_full();
    if !access::allowed(plan.token_of_all(), &uri, &headers) {
        return reply::locked(&plan, &uri, &headers);
    }
    let (id, form) = split(&file);
    let rest = match (form, Page::of(&uri)) {
        (Some(form), _) => format!(".{}", form.extension()),
        (None, page) => page.query(),
    };
    match (plan.slot(&Place::Source(SourceId::new(id))), form) {
        (Some(slot), Some(form)) => {
            let policy = policy(&plan, plan.token_of(slot).is_some());
            document(&site, &plan, slot, form, policy, &headers).await
        }
        (Some(slot), None) if Page::of(&uri) != Page::Current(0) => {
            pages::keyed_river(&site, &plan, slot, &uri, &headers, Page::of(&uri)).await
        }
        (None, _) if form.is_some() || plan.renamed(id).is_some() => {
            no_source(&plan, id, Some(&rest), &uri, &headers)
        }
        _ => pages::source(&site, &plan, id, &uri, &headers).await,
    }
}

/// There is no source of that id now; what was called so formerly has moved, with what is below its address.
pub(super) fn no_source(plan: &Plan, id: &str, rest: Option<&str>, uri: &Uri, headers: &HeaderMap) -> Answer {
    match plan.renamed(id).zip(rest) {
        Some((now, rest)) => {
            let key = plan::opening(plan.token_of_all(), access::key(uri).as_deref());
            let address = format!("{}sources/{now}{rest}", plan.prefix);
            let mut answer = reply::moved(&with_key(&address, key.as_deref()));
            // Browsers follow a script to another address only where this one may be read.
            reply::share(answer.headers_mut());
            answer
        }
        None => unknown(plan, (uri, headers), "There is no such source here. /sources names them all."),
    }
}

/// An id and, behind its last dot, a form. Ids have no dots.
fn split(file: &str) -> (&str, Option<Form>) {
    let known = file.rsplit_once('.').and_then(|(id, ending)| Some((id, Form::from_extension(ending)?)));
    known.map_or((file, None), |(id, form)| (id, Some(form)))
}

pub(super) fn unknown(plan: &Plan, asked: (&Uri, &HeaderMap), words: &str) -> Answer {
    let mut answer = reply::message(plan, asked, StatusCode::NOT_FOUND, "Not found", words);
    reply::set(answer.headers_mut(), header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    answer
}

/// Refuses an address whose escapes are no text, and that so names nothing.
pub(super) async fn readable(State(site): State<Arc<Site>>, request: Request, next: Next) -> Answer {
    if is_text(request.uri().path()) {
        return next.run(request).await;
    }
    let words = "There is nothing at this address. The front page leads to everything there is.";
    unknown(&site.plan.load_full(), (request.uri(), request.headers()), words)
}

/// True when a path is UTF-8 with its escapes undone.
fn is_text(path: &str) -> bool {
    percent_decode_str(path).decode_utf8().is_ok()
}

async fn document(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Slot,
    form: Form,
    policy: Policy,
    headers: &HeaderMap,
) -> Answer {
    match slot.get(site, plan).await {
        Ok(finished) => {
            if let Some(delta) = archive::delta(site, plan, slot, &finished, form, headers).await {
                return delta;
            }
            named(plan, slot, form, reply::document(headers, finished.form(form), policy).await)
        }
        Err(_) => reply::unavailable(plan, headers),
    }
}

/// WebSub 4: who asks for a document with a hub learns of it from the head of the answer too.
pub(super) fn discovered(plan: &Plan, slot: &Slot, form: Form, mut fields: HeaderMap) -> HeaderMap {
    let hub = match &slot.output.hub {
        HubChoice::None => return fields,
        HubChoice::Own => plan.address("hub"),
        HubChoice::External(hub) => hub.to_string(),
    };
    let own = plan.address(&format!("{}.{}", slot.place.stem(), form.extension()));
    reply::set(&mut fields, header::LINK, &format!("<{hub}>; rel=\"hub\", <{own}>; rel=\"self\""));
    fields
}

fn named(plan: &Plan, slot: &Slot, form: Form, mut answer: Answer) -> Answer {
    let fields = std::mem::take(answer.headers_mut());
    *answer.headers_mut() = discovered(plan, slot, form, fields);
    answer
}

/// How documents that everybody may read are kept.
pub(super) fn open_policy(plan: &Plan) -> Policy {
    policy(plan, false)
}

fn policy(plan: &Plan, private: bool) -> Policy {
    Policy::of(plan, private).shared()
}

/// The page, or the form a reader likes best.
async fn negotiated(
    site: &Arc<Site>,
    plan: &Arc<Plan>,
    slot: &Slot,
    uri: &Uri,
    headers: &HeaderMap,
) -> Answer {
    let offered = [
        ("text/html", None),
        ("application/atom+xml", Some(Form::Atom)),
        ("application/rss+xml", Some(Form::Rss)),
        ("application/feed+json", Some(Form::Json)),
        ("application/json", Some(Form::Json)),
        ("application/xml", Some(Form::Atom)),
        ("text/xml", Some(Form::Atom)),
    ];
    let names: Vec<_> = offered.iter().map(|(name, _)| *name).collect();
    let chosen = accept::media_type(headers, &names).and_then(|at| offered.get(at));
    let private = access::is_private(plan.token_of(slot), uri, headers);
    let policy = Policy { negotiated: true, ..policy(plan, private) };
    if let Some((_, Some(form))) = chosen {
        let mut answer = document(site, plan, slot, *form, policy, headers).await;
        if answer.status() != StatusCode::SERVICE_UNAVAILABLE {
            let place = plan.address(&format!("{}.{}", slot.place.stem(), form.extension()));
            reply::set(answer.headers_mut(), header::CONTENT_LOCATION, &place);
        }
        return answer;
    }
    let page = Page::of(uri);
    let mut answer = if private || page != Page::Current(0) {
        pages::keyed_river(site, plan, slot, uri, headers, page).await
    } else {
        match slot.page(site, plan, false).await {
            Ok(page) => reply::document(headers, &page, Policy { shared: false, ..policy }).await,
            Err(_) => reply::unavailable(plan, headers),
        }
    };
    answer.headers_mut().insert(header::VARY, policy.vary());
    // Who subscribes by a page is told of the document that stands for it.
    named(plan, slot, Form::Atom, answer)
}

/// What scripts of other sites may do with a feed: read it, conditionally too.
pub(super) async fn preflight() -> Answer {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let fields = answer.headers_mut();
    for (name, value) in [
        (header::ALLOW, "GET, HEAD, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "A-IM, Authorization, If-None-Match, If-Modified-Since, Last-Event-ID",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        (header::VARY, "Accept-Encoding"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// `/opml`: what we poll.
pub(super) async fn opml_of_sources(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Answer {
    let plan = site.plan.load_full();
    if !access::allowed(plan.token_of_all(), &uri, &headers) {
        return reply::locked(&plan, &uri, &headers);
    }
    let Ok(rows) = site.store.read(|store| store.sources()).await else {
        return reply::unavailable(&plan, &headers);
    };
    let key = plan::opening(plan.token_of_all(), access::key(&uri).as_deref());
    let rows = by_id(&rows);
    let listed = |source: &Arc<Source>| {
        let row = rows.get(&source.id).copied();
        let (address, outline) = (link::mask(source.url.as_str()), outline(source, row));
        let format = row.and_then(|row| row.state.feed.as_ref()).map(|feed| feed.format);
        if !matches!(format, Some(Format::Page | Format::Text)) {
            return Outline { xml_url: address, ..outline };
        }
        // No other reader can subscribe to a page; here it is a feed.
        let ours = plan.address(&format!("sources/{}.atom", source.id));
        Outline { xml_url: with_key(&ours, key.as_deref()), html_url: Some(address), ..outline }
    };
    let outlines: Vec<_> = plan.settings.sources.iter().map(listed).collect();
    let private = access::is_private(plan.token_of_all(), &uri, &headers);
    list(&plan, &headers, TITLE, &outlines, private).await
}

fn by_id(rows: &[SourceRow]) -> HashMap<&SourceId, &SourceRow> {
    rows.iter().map(|row| (&row.id, row)).collect()
}

/// A source as a subscription, with what the store knows of it. Its address is whole.
fn outline(source: &Source, row: Option<&SourceRow>) -> Outline {
    let feed = row.and_then(|row| row.state.feed.as_ref());
    Outline {
        title: source.name.clone().or_else(|| row.map(|row| row.name.clone())).unwrap_or_default(),
        xml_url: source.url.to_string(),
        html_url: feed.and_then(|feed| feed.link.clone()),
        description: feed.map(|feed| feed.description.clone()).unwrap_or_default(),
        language: source.language.clone().or_else(|| feed.and_then(|feed| feed.language.clone())),
        groups: source.groups.clone(),
    }
}

/// The OPML of these sources with their whole addresses: for their owner, never for a request.
pub fn opml_of(sources: &[Arc<Source>], rows: &[SourceRow]) -> Vec<u8> {
    let rows = by_id(rows);
    let outlines: Vec<_> =
        sources.iter().map(|source| outline(source, rows.get(&source.id).copied())).collect();
    opml::write(TITLE, &outlines)
}

/// `/feeds.opml`: what we publish, as far as this reader may read it.
pub(super) async fn opml_of_feeds(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Answer {
    let plan = site.plan.load_full();
    let key = access::key(&uri);
    let allowed = |output: &&Arc<Output>| access::allowed(plan.token(output), &uri, &headers);
    let outputs: Vec<_> = plan.settings.outputs.iter().filter(allowed).collect();
    // The token of one feed opens the list that names this one.
    let server = plan.settings.token.as_ref();
    if !access::allowed(server, &uri, &headers) && !outputs.iter().any(|output| plan.token(output).is_some())
    {
        return reply::locked(&plan, &uri, &headers);
    }
    let outline = |output: &&Arc<Output>| {
        let place = Place::Feed(output.id.clone());
        let feed = plan.feed(&place, output, &output.title, key.as_deref());
        Outline {
            title: feed.title.clone(),
            xml_url: feed.main(),
            html_url: Some(feed.at(&plan.address(&place.stem()))),
            description: output.description.clone(),
            ..Default::default()
        }
    };
    let outlines: Vec<_> = outputs.iter().map(outline).collect();
    // Whoever shows another key, or none, is told of other feeds.
    let mut every = plan.settings.outputs.iter();
    let closed = every.find_map(|output| plan.token(output)).or(plan.settings.token.as_ref());
    let private = access::is_private(closed, &uri, &headers);
    list(&plan, &headers, "Feeds of this river", &outlines, private).await
}

async fn list(plan: &Plan, headers: &HeaderMap, title: &str, outlines: &[Outline], private: bool) -> Answer {
    let doc = Arc::new(Doc::new(OPML, opml::write(title, outlines)));
    reply::document(headers, &doc, policy(plan, private)).await
}
