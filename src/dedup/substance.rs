//! What a reader would notice of an entry, as a hash: only a change here is a correction. Pure.
//!
//! Left out because servers rotate them without meaning: white space, tracking parameters, images, order of
//! attributes and of categories, hosts and query strings of files, and the link itself (a link that
//! moves is replaced without being news; so is what leads to other pages of the same site).

use std::borrow::Cow;

use url::Url;

use crate::model::{Digest, Entry, Markup};
use crate::{link, text};

/// The hash of what readers would notice.
pub fn substance(entry: &Entry) -> Digest {
    substance_since(entry, None)
}

/// The same for an entry whose link may have moved since: what leads to the former site counts as its own.
pub(super) fn substance_since(entry: &Entry, before: Option<&str>) -> Digest {
    let summary = entry.summary.as_ref();
    let content = entry.content.as_ref();
    let own: Vec<String> = [entry.link.as_deref(), before].into_iter().flatten().filter_map(site).collect();
    let mut people: Vec<&str> = entry.authors.iter().filter_map(|person| person.name.as_deref()).collect();
    people.sort_unstable();
    let mut subjects: Vec<&str> = entry.categories.iter().map(|category| category.term.as_str()).collect();
    subjects.sort_unstable();
    let files = entry.enclosures.iter().filter(|file| !file.media_type.starts_with("image/"));
    let mut files: Vec<String> = files.map(|file| path(&file.url)).collect();
    files.sort_unstable();
    let parts: [&str; 8] = [
        &text::squeeze(&entry.title),
        summary.map_or("", Markup::text),
        content.map_or("", Markup::text),
        &targets(summary, &own),
        &targets(content, &own),
        &people.join("\n"),
        &subjects.join("\n"),
        &files.join("\n"),
    ];
    let parts = parts.map(str::as_bytes);
    Digest::of("substance", &parts)
}

/// The host of a link, as it is compared.
fn site(link: &str) -> Option<String> {
    let canonical = link::canonical(link)?;
    canonical.split(['/', '?', '#']).next().map(str::to_owned)
}

fn path(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.path().to_owned())
}

/// What stands in each ` href="..."`. Signs of equality are found faster than the whole.
fn references(html: &str) -> impl Iterator<Item = &str> {
    html.match_indices('=').filter_map(|(place, _)| {
        let (before, after) = html.split_at_checked(place)?;
        let value = after.strip_prefix("=\"").filter(|_| before.ends_with(" href"))?;
        let value = value.split('"').next()?;
        Some(value.strip_suffix(" href=").unwrap_or(value))
    })
}

/// Where the links of clean HTML lead, a line each. The sanitizer writes every attribute in double quotes.
fn targets(markup: Option<&Markup>, own: &[String]) -> String {
    let mut all = String::new();
    for (place, target) in references(markup.map_or("", |markup| markup)).enumerate() {
        let target =
            if target.contains('&') { target.replace("&amp;", "&").into() } else { Cow::Borrowed(target) };
        let canonical = link::canonical_with_fragment(&target).map_or(target, Cow::Owned);
        let inside = own.iter().find_map(|own| {
            let inside = canonical.strip_prefix(own.as_str())?;
            (inside.is_empty() || inside.starts_with(['/', '?', '#'])).then_some(inside)
        });
        if place > 0 {
            all.push('\n');
        }
        all.push_str(inside.unwrap_or(&canonical));
    }
    all
}
