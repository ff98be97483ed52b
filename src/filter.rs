//! `keep` and `drop`. Pure: an entry and patterns in, a reason out.

use crate::model::{Category, Entry, Filter};

/// Why an entry is held back, in words ("drop title ^Sponsored"); `None`: it passes.
/// Any match of `drop` holds back; `keep` must match in every key that has a condition.
pub fn verdict(entry: &Entry, keep: &Filter, drop: &Filter) -> Option<String> {
    dropped(entry, drop).or_else(|| not_kept(entry, keep))
}

/// False where title and language alone say that an entry is held back: [`verdict`] does so too.
pub fn may_pass(title: &str, language: &str, keep: &Filter, drop: &Filter) -> bool {
    let any = |patterns: &[regex::Regex]| patterns.iter().any(|pattern| pattern.is_match(title));
    let spoken = |wanted: &[String]| wanted.iter().any(|wanted| speaks(language, wanted));
    !any(&drop.title)
        && !spoken(&drop.language)
        && (keep.title.is_empty() || any(&keep.title))
        && (keep.language.is_empty() || spoken(&keep.language))
}

/// True when a language code is the wanted one or one of its regions: `en-GB` speaks `en`.
pub fn speaks(language: &str, wanted: &str) -> bool {
    let Some(head) = language.get(..wanted.len()) else { return false };
    head.eq_ignore_ascii_case(wanted) && matches!(language.as_bytes().get(wanted.len()), None | Some(b'-'))
}

fn dropped(entry: &Entry, drop: &Filter) -> Option<String> {
    if let Some(pattern) = drop.title.iter().find(|pattern| pattern.is_match(&entry.title)) {
        return Some(format!("drop title {pattern}"));
    }
    if let Some(pattern) = drop.category.iter().find(|pattern| in_category(entry, pattern)) {
        return Some(format!("drop category {pattern}"));
    }
    let language = entry.language.as_deref().unwrap_or_default();
    let wanted = drop.language.iter().find(|wanted| speaks(language, wanted))?;
    Some(format!("drop language {wanted}"))
}

/// By either of its names: Atom has one for programs, which documents pass on, and one for people, which pages show.
fn in_category(entry: &Entry, pattern: &regex::Regex) -> bool {
    entry.categories.iter().flat_map(Category::names).any(|name| pattern.is_match(name))
}

fn not_kept(entry: &Entry, keep: &Filter) -> Option<String> {
    let any = |patterns: &[regex::Regex], text: &str| patterns.iter().any(|pattern| pattern.is_match(text));
    if !keep.title.is_empty() && !any(&keep.title, &entry.title) {
        return Some("keep title: no pattern matches".to_owned());
    }
    if !keep.category.is_empty() && !keep.category.iter().any(|pattern| in_category(entry, pattern)) {
        return Some("keep category: no pattern matches".to_owned());
    }
    let language = entry.language.as_deref().unwrap_or_default();
    if !keep.language.is_empty() && !keep.language.iter().any(|wanted| speaks(language, wanted)) {
        return Some("keep language: none of those".to_owned());
    }
    None
}
