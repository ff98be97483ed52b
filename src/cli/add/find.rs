//! From an address to a feed, or to a page that can be read as one. Asks one after the other, politely.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use url::Url;

use crate::clock::Clock;
use crate::fetch::{Body, Fetch, Fetched, Request};
use crate::link::{self, Secrets};
use crate::model::{Format, PageSelectors, Source};
use crate::normalize::{self, Normalized};
use crate::parse::{self, Input, ParseError, Parsed};

/// How an address led to what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is what was asked for.
    Itself,
    /// The page that was asked for says so.
    Said,
    /// The page says nothing of it; it is where sites are wont to have a feed.
    Guessed,
}

/// What is behind an address.
pub(super) struct Found {
    /// The address to poll: a permanent redirect is followed, a temporary one is not taken for it.
    pub(super) url: Url,
    /// Selectors that were learned, for a page.
    pub(super) page: Option<PageSelectors>,
    /// As it will be read.
    pub(super) document: Normalized,
    /// How it was found.
    pub(super) way: Way,
    /// Other feeds that the page says are its own, not looked at.
    pub(super) others: Vec<Url>,
}

/// Finds what is at or near the address of `asked`, which is as its source would be. `page`: what is at the address
/// itself, whatever feed it names.
///
/// A feed that the page says is its own goes before the list of news on it, and that before a feed that was only
/// guessed: on a host of many that may be another publisher's.
///
/// # Errors
/// Why the address cannot be read, and that no feed is near it.
pub(super) async fn find(
    http: &dyn Fetch,
    clock: &Arc<dyn Clock>,
    asked: &Source,
    page: bool,
) -> anyhow::Result<Found> {
    let found = |address, body: &Body, parsed, way| found(asked, address, body, parsed, way);
    let (address, body) = ask(http, clock, asked, asked.url.clone()).await?;
    let parsed = read(&body);
    let is_feed = parsed.as_ref().is_ok_and(|parsed| parsed.format != Format::Page);
    let shown = link::mask(address.as_str());
    if is_feed || page {
        let parsed = parsed.with_context(|| format!("{shown} cannot be read"))?;
        if parsed.format == Format::Page && parsed.entries.is_empty() {
            bail!("{shown}: no list of news is on it");
        }
        return Ok(found(address, &body, parsed, Way::Itself));
    }
    let near = parse::discover(&body.bytes, body.content_type.as_deref(), &body.url);
    let mut said = near.said.into_iter();
    while let Some(candidate) = said.next() {
        if let Some((address, body, parsed)) = feed_at(http, clock, asked, candidate).await {
            return Ok(Found { others: said.collect(), ..found(address, &body, parsed, Way::Said) });
        }
    }
    if let Ok(parsed) = &parsed
        && !parsed.entries.is_empty()
    {
        return Ok(found(address, &body, parsed.clone(), Way::Itself));
    }
    for candidate in near.guessed {
        if let Some((address, theirs, parsed)) = feed_at(http, clock, asked, candidate).await
            && [&theirs.url, &address].iter().all(|url| url.host() == body.url.host())
        {
            return Ok(found(address, &theirs, parsed, Way::Guessed));
        }
    }
    parsed.with_context(|| {
        format!("{shown}: no feed that can be read is near it, and it cannot be read itself")
    })?;
    bail!("{shown}: no feed that can be read is near it, and no list of news is on it")
}

/// The feed at an address. What is not there is no failure: it was a guess, or the page is out of date.
async fn feed_at(
    http: &dyn Fetch,
    clock: &Arc<dyn Clock>,
    asked: &Source,
    url: Url,
) -> Option<(Url, Body, Parsed)> {
    let (address, body) = ask(http, clock, asked, url).await.ok()?;
    let parsed = read(&body).ok()?;
    (!matches!(parsed.format, Format::Page | Format::Text)).then_some((address, body, parsed))
}

fn found(asked: &Source, url: Url, body: &Body, parsed: Parsed, way: Way) -> Found {
    let page = parsed.learned.clone().filter(|page| page.item.is_some());
    let context = normalize::Context {
        url: Some(&body.url),
        secrets: &Secrets::of([&url, &body.url]),
        timezone: asked.timezone,
        language: None,
        stored: &HashSet::new(),
    };
    Found { url, page, document: normalize::normalize(parsed, &context), way, others: Vec::new() }
}

/// The body, and the address under which to ask for it again.
async fn ask(
    http: &dyn Fetch,
    clock: &Arc<dyn Clock>,
    asked: &Source,
    url: Url,
) -> anyhow::Result<(Url, Body)> {
    let source = Source { url: url.clone(), ..asked.clone() };
    let request = Request { source: &source, url: url.clone(), validators: None };
    match http.fetch(request, clock.now()).await? {
        Fetched::Body(answer, body) => Ok((answer.permanent.unwrap_or(url), body)),
        Fetched::Gone(answer) => bail!("{} is gone for good (410)", link::mask(answer.url.as_str())),
        Fetched::NotModified(answer) | Fetched::Throttled(answer) => bail!(
            "{} answered {}: it wants to be left alone for now; try again later",
            link::mask(answer.url.as_str()),
            answer.status
        ),
    }
}

fn read(body: &Body) -> Result<Parsed, ParseError> {
    parse::parse(&Input {
        bytes: &body.bytes,
        content_type: body.content_type.as_deref(),
        content_language: body.content_language.as_deref(),
        url: Some(&body.url),
        kind: crate::model::Kind::Auto,
        selectors: &PageSelectors { pages: 1, ..PageSelectors::default() },
    })
}
