//! A plain text whose items are led by a timestamp → raw entries.
//!
//! An item begins with a line that is a date, or that begins with one; what follows is its title, the rest
//! its paragraphs. Blank lines help, but are not needed. Never guesses an item where no date leads it.

use std::ops::Range;

use super::feed::MOST_ENTRIES;
use super::{Input, ParseError, Parsed};
use crate::model::{Format, RawDate, RawEntry, RawFeed, Text, Warning};
use crate::{date, html, text};

#[cfg(test)]
mod tests;

/// A date stands within so many bytes of the beginning of its line.
const LEAD: usize = 80;
/// So many lines are looked at to tell a list from other texts.
const LOOK: usize = 2000;
/// A text with no longer line than this was broken by hand or by a mail program.
const WRAPPED: usize = 84;

/// True when a text has at least two items led by a date. Looks at its first 2000 lines only.
pub(super) fn looks_like(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().take(LOOK).collect();
    starts(&lines).len() >= 2
}

/// Reads a text.
pub(super) fn read(text: &str, _input: &Input<'_>) -> Result<Parsed, ParseError> {
    let lines: Vec<&str> = text.lines().collect();
    let starts = starts(&lines);
    let Some(first) = starts.first() else {
        let words = "the text has no line that begins with a date: an item is led by one, as in \
                     \"2013-04-26 15:41:29\"";
        return Err(ParseError::NoFeed(words.to_owned()));
    };
    let wrapped = lines.iter().all(|line| line.trim().chars().count() <= WRAPPED);
    let mut warnings = Vec::new();
    if starts.len() > MOST_ENTRIES {
        warnings.push(Warning(format!("{} items: the first {MOST_ENTRIES} are kept", starts.len())));
    }
    let ends = starts.iter().skip(1).map(|start| start.line).chain([lines.len()]);
    let mut entries = Vec::new();
    for (start, end) in starts.iter().zip(ends).take(MOST_ENTRIES) {
        let entry = item(start, lines.get(start.line..end).unwrap_or_default(), wrapped);
        match entry {
            Some(entry) => entries.push(entry),
            None => warnings.push(Warning(format!("nothing follows the date in line {}", start.line + 1))),
        }
    }
    let feed = head(lines.get(..first.line).unwrap_or_default(), wrapped);
    Ok(Parsed { format: Format::Text, feed, entries, warnings, learned: None, next_page: None })
}

/// A line that leads an item.
struct Start {
    line: usize,
    /// The date, in bytes of the line.
    date: Range<usize>,
    /// What follows the date on its line, maybe nothing.
    rest: usize,
}

/// Lines that lead items. Where lines hold a date and nothing else, only those lead: a paragraph may well begin
/// with a date.
fn starts(lines: &[&str]) -> Vec<Start> {
    let all: Vec<Start> = lines.iter().enumerate().filter_map(|(at, line)| start(at, line)).collect();
    let alone = |start: &Start| lines.get(start.line).is_some_and(|line| line.len() == start.rest);
    let count = all.iter().filter(|start| alone(start)).count();
    if count >= 2 || count == 1 && all.len() <= 2 {
        return all.into_iter().filter(alone).collect();
    }
    all
}

fn start(at: usize, line: &str) -> Option<Start> {
    let body = line.trim_start_matches(is_bullet);
    let from = line.len() - body.len();
    let (window, _) = text::cut(body, LEAD);
    if !window.contains(|c: char| c.is_numeric()) {
        return None;
    }
    let (_, range) = date::find(window, chrono_tz::UTC)?;
    if window.get(..range.start)?.contains(|c: char| c.is_alphanumeric())
        && !named_before(window, range.start)
    {
        return None;
    }
    let after = body.get(range.end..)?;
    // A number or word that hangs on the date means that it was none ("2013-04-26th", "1.2.2013b").
    if after.starts_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let rest = after.trim_start_matches(is_separator);
    // A date in the course of a sentence ("26 April 2013 was …") has no sign after it, and small letters.
    let sentence = after.starts_with([' ', ',']) && rest.starts_with(char::is_lowercase);
    let rest = if rest.trim().is_empty() { line.len() } else { line.len() - rest.len() };
    (!sentence).then_some(Start { line: at, date: from + range.start..from + range.end, rest })
}

/// "Date: 2013-04-26" and "Published on 26 April 2013" lead an item as well.
fn named_before(line: &str, end: usize) -> bool {
    let before = line.get(..end).unwrap_or_default().trim().trim_end_matches(':').to_lowercase();
    let named =
        ["date", "published", "posted", "published on", "posted on", "datum", "le", "am", "el", "дата"];
    named.contains(&before.as_str())
}

/// What stands before a date that leads an item: blanks, list marks, brackets, marks of headings.
fn is_bullet(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '*' | '-' | '+' | '>' | '#' | '=' | '[' | '(' | '<' | '|' | '~' | '_' | '\u{FEFF}')
        || matches!(
            c,
            '•' | '◦'
                | '‣'
                | '·'
                | '▪'
                | '■'
                | '●'
                | '○'
                | '–'
                | '—'
                | '»'
                | '→'
                | '►'
                | '▶'
                | '※'
        )
}

/// What stands between a date and a title on one line.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            ':' | '-' | '–' | '—' | '|' | ']' | ')' | '>' | ',' | ';' | '*' | '·' | '•' | '.' | '_' | '/'
        )
}

fn item(start: &Start, lines: &[&str], wrapped: bool) -> Option<RawEntry> {
    let (first, following) = lines.split_first()?;
    let published = first.get(start.date.clone()).map(RawDate::new);
    let mut title = text::squeeze(first.get(start.rest..)?);
    let mut rest = following;
    if title.is_empty() {
        let skipped = following.iter().take_while(|line| is_blank(line)).count();
        rest = following.get(skipped..)?;
        let taken = title_lines(rest, wrapped);
        title = text::squeeze(&rest.get(..taken)?.join(" "));
        rest = rest.get(taken..)?;
    }
    let title = title.trim_start_matches(is_bullet).to_owned();
    if title.is_empty() {
        return None;
    }
    let (link, paragraphs) = paragraphs(rest, wrapped);
    let body = paragraphs.iter().fold(String::new(), |body, one| body + "<p>" + one + "</p>");
    Some(RawEntry {
        title: Some(Text::plain(title)),
        link,
        published,
        content: (!body.is_empty()).then(|| Text::html(body)),
        ..RawEntry::default()
    })
}

/// One line; in a text that was broken to a width, also what it was broken into, up to a blank line.
fn title_lines(lines: &[&str], wrapped: bool) -> usize {
    let block = lines.iter().take_while(|line| !is_blank(line)).count();
    let full = |line: &&str| line.trim().chars().count() > WRAPPED * 2 / 3;
    let broken =
        wrapped && (2..=3).contains(&block) && lines.len() > block && lines.iter().take(block - 1).all(full);
    if broken { block } else { block.min(1) }
}

/// The paragraphs as HTML, and the first address that has a line of its own.
fn paragraphs(lines: &[&str], wrapped: bool) -> (Option<String>, Vec<String>) {
    let mut link = None;
    let mut paragraphs: Vec<String> = Vec::new();
    for block in lines.split(|line| is_blank(line)).filter(|block| !block.is_empty()) {
        let mut kept: Vec<String> = Vec::new();
        let mut fresh = true;
        for line in block {
            match address(line) {
                Some(url) if link.is_none() => link = Some(url),
                _ => kept.push(html::escape(&text::squeeze(line))),
            }
        }
        for line in kept {
            match paragraphs.last_mut().filter(|_| !fresh) {
                Some(before) if wrapped || goes_on(before, &line) => {
                    before.push(' ');
                    before.push_str(&line);
                }
                _ => paragraphs.push(line),
            }
            fresh = false;
        }
    }
    paragraphs.retain(|one| !one.is_empty());
    (link, paragraphs)
}

/// Whether a line carries on the one before it: that one ends in the middle of a sentence, and this is no list mark.
fn goes_on(before: &str, line: &str) -> bool {
    before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ',' | '-' | '–' | '—' | '&' | '('))
        && line.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '(' | '"' | '«' | '“' | '„'))
}

/// A line that is an address and nothing else, maybe after a word and a colon.
fn address(line: &str) -> Option<String> {
    let line = line.trim();
    let (before, rest) = line.find("http").map(|at| line.split_at(at))?;
    let named = before.trim_end().trim_end_matches(['<', '(']).trim_end();
    let lead = named.is_empty() || named.ends_with(':') && named.split_whitespace().count() <= 2;
    let url = rest.trim_end_matches(['>', ')', '.']);
    let plain = url.starts_with("http://") || url.starts_with("https://");
    (lead && plain && !url.contains(char::is_whitespace)).then(|| url.to_owned())
}

/// Title and description stand before the first item.
fn head(lines: &[&str], wrapped: bool) -> RawFeed {
    let mut lines = lines.iter().skip_while(|line| is_ruler(line)).copied();
    let title = lines.next().map(|line| text::squeeze(line.trim_start_matches(['#', '=', ' '])));
    let rest: Vec<&str> = lines.filter(|line| is_blank(line) || !is_ruler(line)).collect();
    let (link, paragraphs) = paragraphs(&rest, wrapped);
    let description = paragraphs.into_iter().next().map(Text::html);
    RawFeed { title: title.map(Text::plain), link, description, ..RawFeed::default() }
}

fn is_blank(line: &str) -> bool {
    line.trim_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}').is_empty()
}

/// A line of signs that only parts or underlines.
fn is_ruler(line: &str) -> bool {
    !line.contains(|c: char| c.is_alphanumeric())
}
