//! What a reader would notice of an entry, as a hash: only a change here is a correction.
//!
//! Left out because servers rotate them without meaning: white space, tracking parameters,
//! images, order of attributes and of categories, query strings of enclosures.

use crate::model::{Digest, Entry};
use crate::{html, link, text};

/// The hash of what readers would notice.
pub fn substance(entry: &Entry) -> Digest {
    let summary = entry.summary.as_deref().unwrap_or_default();
    let content = entry.content.as_deref().unwrap_or_default();
    let mut people: Vec<&str> = entry.authors.iter().filter_map(|person| person.name.as_deref()).collect();
    people.sort_unstable();
    let mut subjects: Vec<&str> = entry.categories.iter().map(|category| category.term.as_str()).collect();
    subjects.sort_unstable();
    let mut files: Vec<&str> = entry
        .enclosures
        .iter()
        .map(|file| file.url.split(['?', '#']).next().unwrap_or_default())
        .map(|url| url.split_once("://").map_or(url, |(_, rest)| rest))
        .collect();
    files.sort_unstable();
    let parts = [
        text::squeeze(&entry.title),
        entry.link.as_deref().and_then(link::canonical).unwrap_or_default(),
        text::squeeze(&html::to_text(summary)),
        text::squeeze(&html::to_text(content)),
        targets(summary).join("\n"),
        targets(content).join("\n"),
        people.join("\n"),
        subjects.join("\n"),
        files.join("\n"),
    ];
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    Digest::of("substance", &parts)
}

/// Where the links of clean HTML lead. The sanitizer writes every attribute in double quotes.
fn targets(markup: &str) -> Vec<String> {
    markup
        .split(" href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(|target| {
            let target = target.replace("&amp;", "&");
            link::canonical_with_fragment(&target).unwrap_or(target)
        })
        .collect()
}
