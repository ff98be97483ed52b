//! From an address to a feed, or to a page that can be read as one. Asks one after the other, politely.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use url::Url;

use crate::clock::Clock;
use crate::fetch::{self, Body, Fetch, Fetched, Request};
use crate::link;
use crate::model::{Format, PageSelectors, Source, SourceId};
use crate::normalize::{self, Normalized};
use crate::parse::{self, Input, ParseError, Parsed};

/// What is behind an address.
pub(super) struct Found {
    /// The address to poll: a permanent redirect is followed, a temporary one is not taken for it.
    pub(super) url: Url,
    /// Selectors that were learned, for a page.
    pub(super) page: Option<PageSelectors>,
    /// As it will be read.
    pub(super) document: Normalized,
}

/// Finds it.
///
/// # Errors
/// Why the address cannot be read, and that no feed is near it.
pub(super) async fn find(
    http: &dyn Fetch,
    clock: &Arc<dyn Clock>,
    url: Url,
    options: &fetch::Options,
) -> anyhow::Result<Found> {
    let (address, body) = ask(http, clock, url, options).await?;
    let parsed = read(&body);
    if let Ok(parsed) = &parsed
        && parsed.format != Format::Page
    {
        return Ok(found(address, &body, parsed.clone()));
    }
    for candidate in parse::discover(&body.bytes, body.content_type.as_deref(), &body.url) {
        // What is not there is no failure: it was a guess, or the page is out of date.
        let Ok((address, body)) = ask(http, clock, candidate, options).await else { continue };
        if let Ok(parsed) = read(&body)
            && !matches!(parsed.format, Format::Page | Format::Text)
        {
            return Ok(found(address, &body, parsed));
        }
    }
    let shown = link::mask(address.as_str());
    let parsed =
        parsed.with_context(|| format!("{shown}: no feed is near it, and it cannot be read itself"))?;
    if parsed.entries.is_empty() {
        bail!("{shown}: no feed is near it, and no list of news is on it");
    }
    Ok(found(address, &body, parsed))
}

fn found(url: Url, body: &Body, parsed: Parsed) -> Found {
    let page = parsed.learned.clone().filter(|page| page.item.is_some());
    let context = normalize::Context {
        url: Some(&body.url),
        timezone: chrono_tz::UTC,
        language: None,
        stored: &HashSet::new(),
    };
    Found { url, page, document: normalize::normalize(parsed, &context) }
}

/// The body, and the address under which to ask for it again.
async fn ask(
    http: &dyn Fetch,
    clock: &Arc<dyn Clock>,
    url: Url,
    options: &fetch::Options,
) -> anyhow::Result<(Url, Body)> {
    let mut source = Source::new(SourceId::new("new"), url.clone());
    (source.timeout, source.max_body) = (options.timeout.0, options.max_body.0);
    let request = Request { source: &source, url: url.clone(), validators: None };
    match http.fetch(request, clock.now()).await? {
        Fetched::Body(answer, body) => Ok((answer.permanent.unwrap_or(url), body)),
        Fetched::NotModified(answer) | Fetched::Throttled(answer) | Fetched::Gone(answer) => {
            bail!("{} answered {}", link::mask(answer.url.as_str()), answer.status)
        }
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
