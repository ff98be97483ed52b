//! A text without one of its `[[source]]` tables, by the places that the TOML parser gives. Pure.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::Url;

use super::super::ids;

/// The places of a document.
#[derive(Default)]
struct Places {
    /// `[…]` and `[[…]]`, and whether the table is the one that goes.
    heads: Vec<(Range<usize>, bool)>,
    /// Where values end.
    ends: Vec<usize>,
}

/// The text without the source of this id; `None` where it does not stand as a table with a head of its own.
pub(super) fn without(text: &str, id: &str) -> Option<String> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return None;
    }
    let DeValue::Array(sources) = document.get_ref().get("source")?.get_ref() else { return None };
    let ours = sources.iter().find(|source| has_id(source, id)).map(Spanned::span)?;
    let mut places = Places::default();
    places.table(text, document.get_ref(), false, &ours);
    places.heads.sort_by_key(|(span, _)| span.start);
    if !places.heads.iter().any(|(_, goes)| *goes) {
        return None;
    }
    let mut out = text.to_owned();
    let mut end = places.heads.len();
    // Behind us all is as it was: this goes from the end to the beginning, and takes what stands together at once.
    for run in places.heads.chunk_by(|(_, one), (_, two)| one == two).rev() {
        let next = places.heads.get(end).map_or(text.len(), |(next, _)| next.start);
        end -= run.len();
        if let [(first, true), ..] = run {
            let last = run.last().map_or(first.end, |(last, _)| last.end);
            let ends = places.ends.iter().filter(|end| (first.start..=next).contains(*end)).max();
            cut(&mut out, text, first.start, ends.copied().unwrap_or_default().max(last), next);
        }
    }
    Some(out)
}

fn has_id(source: &Spanned<DeValue<'_>>, id: &str) -> bool {
    let DeValue::Table(table) = source.get_ref() else { return false };
    let text = |key: &str| match table.get(key).map(Spanned::get_ref) {
        Some(DeValue::String(text)) => Some(text.trim()),
        _ => None,
    };
    match text("id") {
        Some(own) => own == id,
        None => text("url").and_then(|url| Url::parse(url).ok()).is_some_and(|url| ids::from_url(&url) == id),
    }
}

impl Places {
    fn table(&mut self, text: &str, table: &DeTable<'_>, goes: bool, ours: &Range<usize>) {
        for value in table.values() {
            self.value(text, value, goes, ours);
        }
    }

    fn value(&mut self, text: &str, value: &Spanned<DeValue<'_>>, goes: bool, ours: &Range<usize>) {
        let span = value.span();
        match value.get_ref() {
            DeValue::Table(table) => {
                let goes = goes || span == *ours;
                let head = text.get(span.clone()).is_some_and(|written| written.starts_with('['));
                if head {
                    self.heads.push((span, goes));
                } else {
                    self.ends.push(span.end);
                }
                self.table(text, table, goes, ours);
            }
            DeValue::Array(list)
                if text.get(span.clone()).is_some_and(|written| {
                    written.starts_with("[[") && list.iter().any(|one| one.span().start == span.start)
                }) =>
            {
                list.iter().for_each(|one| self.value(text, one, goes, ours));
            }
            _ => self.ends.push(span.end),
        }
    }
}

/// Takes out of `out` what stands in `text` from the comments above `head` to the line of `last`, with the
/// comments that follow it at once; comments that stand directly above `next` stay.
fn cut(out: &mut String, text: &str, head: usize, last: usize, next: usize) {
    let start = comments_above(text, line_start(text, head));
    let kept = if next == text.len() { next } else { comments_above(text, line_start(text, next)) };
    let mut end = line_end(text, last);
    while end < kept && line(text, end).trim_start().starts_with('#') {
        end = line_end(text, end);
    }
    // One gap stands between what came before and what comes after, not two.
    let before = text.get(..start).unwrap_or_default();
    let gap = before.is_empty() || before.ends_with("\n\n") || before.ends_with("\n\r\n");
    while gap && end < text.len() && line(text, end).trim().is_empty() {
        end = line_end(text, end);
    }
    out.replace_range(start..end.max(start), "");
    if end == text.len() {
        // At the end of the file no gap is needed.
        while out.ends_with("\n\n") || out.ends_with("\n\r\n") {
            let gap = if out.ends_with("\r\n") { 2 } else { 1 };
            out.truncate(out.len() - gap);
        }
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
}

/// The beginning of the line after the one that `at` stands in.
fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |end| at + end + 1)
}

fn line(text: &str, start: usize) -> &str {
    text.get(start..line_end(text, start)).unwrap_or_default()
}

/// The beginning of the comment lines that end at `start`, which begins a line.
fn comments_above(text: &str, mut start: usize) -> usize {
    while start > 0 {
        let above = line_start(text, start - 1);
        if !line(text, above).trim_start().starts_with('#') {
            break;
        }
        start = above;
    }
    start
}
