//! An entry as every form shows it: characters clean, links valid, a title always there.
//!
//! The last gate before bytes: what passes here can stand in XML 1.0 and in JSON.
//! Never judges HTML; that was made inert when it came in.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, Datelike, TimeZone, Timelike, Utc};
use url::Url;

use super::{Head, permalink};
use crate::model::{Category, Enclosure, Episode, Person, Podcast, Published, TitlePrefix, Via};
use crate::{html, link, text};

/// Longest title made from a text that has none, in characters.
const MADE_TITLE: usize = 80;

/// One entry, cleaned once for all forms.
pub(super) struct Shown {
    /// `urn:uuid:…`.
    pub(super) id: String,
    /// Grows with every story; breaks ties.
    pub(super) number: i64,
    /// Plain, one line, never empty.
    pub(super) title: String,
    /// Absolute; the entry's own, else its permalink here.
    pub(super) link: String,
    pub(super) published: DateTime<Utc>,
    pub(super) updated: DateTime<Utc>,
    pub(super) first_seen: DateTime<Utc>,
    pub(super) summary: Option<String>,
    pub(super) content: Option<String>,
    pub(super) authors: Vec<Person>,
    pub(super) categories: Vec<Category>,
    pub(super) enclosures: Vec<Enclosure>,
    pub(super) image: Option<String>,
    pub(super) duration: Option<u32>,
    pub(super) episode: Option<Episode>,
    /// What its source says of itself as a podcast.
    pub(super) podcast: Option<Podcast>,
    pub(super) language: Option<String>,
    pub(super) source: Origin,
    /// Where else it is told.
    pub(super) via: Vec<Elsewhere>,
}

/// The same story in another source.
pub(super) struct Elsewhere {
    pub(super) id: String,
    pub(super) name: String,
    /// A valid absolute address, not the entry's own.
    pub(super) link: String,
}

/// Where an entry came from.
pub(super) struct Origin {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) home: Option<String>,
    /// Always a valid absolute address.
    pub(super) url: String,
}

impl Shown {
    pub(super) fn new(head: &Head, published: &Published) -> Self {
        let entry = &published.entry;
        let source = Origin::new(head, published);
        let summary = entry.summary.as_deref().map(many_lines).filter(|text| !text.is_empty());
        let content = entry.content.as_deref().map(many_lines).filter(|text| !text.is_empty());
        let mut title = seen(&entry.title);
        if title.is_empty() {
            let text = summary.as_deref().or(content.as_deref()).map(html::to_text).unwrap_or_default();
            title = seen(&cut(&text, MADE_TITLE));
        }
        if title.is_empty() {
            title.clone_from(&source.name);
        }
        if head.title_prefix == TitlePrefix::Source {
            title = format!("{}: {title}", source.name);
        }
        let link = entry.link.as_deref().and_then(web).unwrap_or_else(|| permalink(&head.base, published.id));
        let via = published.via.iter().filter_map(Elsewhere::new).filter(|via| via.link != link).collect();
        Self {
            via,
            id: published.id.urn(),
            number: published.number,
            title,
            link,
            published: plausible(published.published),
            updated: plausible(published.updated),
            first_seen: plausible(published.first_seen),
            summary,
            content,
            authors: entry.authors.iter().filter_map(person).collect(),
            categories: entry.categories.iter().filter_map(category).collect(),
            enclosures: entry.enclosures.iter().filter_map(enclosure).collect(),
            image: entry.image.as_deref().and_then(web),
            duration: entry.duration,
            episode: entry.episode.as_ref().and_then(episode),
            podcast: published.podcast.clone(),
            language: entry.language.as_deref().and_then(language),
            source,
        }
    }
}

impl Elsewhere {
    fn new(via: &Via) -> Option<Self> {
        let (id, name) = (one_line(via.source.as_str()), seen(&via.source_name));
        Some(Self { name: if name.is_empty() { id.clone() } else { name }, id, link: web(&via.link)? })
    }
}

impl Origin {
    fn new(head: &Head, published: &Published) -> Self {
        let id = one_line(published.source.as_str());
        let name = seen(&published.source_name);
        let home = published.source_link.as_deref().and_then(web);
        let url = web(&published.source_url)
            .or_else(|| home.clone())
            .unwrap_or_else(|| format!("{}sources/{id}", head.base));
        Self { name: if name.is_empty() { id.clone() } else { name }, id, home, url }
    }
}

/// True for what may stand in XML 1.0 and means something there. Noncharacters and
/// controls are legal in part, but no reader shows them, and validators warn.
fn allowed(c: char) -> bool {
    let nonchar = matches!(c, '\u{FDD0}'..='\u{FDEF}') || (u32::from(c) & 0xFFFE) == 0xFFFE;
    !nonchar && (!c.is_control() || matches!(c, '\t' | '\n'))
}

/// The stand-in for a character that was lost on the way; validators warn of the usual one.
fn known(c: char) -> char {
    if c == char::REPLACEMENT_CHARACTER { '?' } else { c }
}

/// A text of several lines. A parser turns `\r` into `\n`, so we do it first.
pub(super) fn many_lines(text: &str) -> String {
    let text: Cow<'_, str> =
        if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n").into() } else { text.into() };
    let kept: String = text.chars().filter(|c| allowed(*c)).map(known).collect();
    kept.trim().to_owned()
}

/// A text of one line: white space folded to single blanks.
pub(super) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
        } else if allowed(c) {
            out.push(known(c));
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// [`one_line`], empty where nobody would see anything of it.
fn seen(text: &str) -> String {
    if text::is_unseen(text) { String::new() } else { one_line(text) }
}

/// At most `limit` characters, cut at a word where there is one, with an ellipsis.
pub(super) fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(limit) else { return text.into() };
    let head = text.get(..end).unwrap_or(text);
    let at_word = head.rfind(char::is_whitespace).filter(|at| *at > end / 2).unwrap_or(end);
    format!("{}…", head.get(..at_word).unwrap_or(head).trim_end()).into()
}

/// An absolute http(s) address that also RFC 3986 accepts; browsers are laxer.
pub(super) fn web(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let text = url.as_str();
    let authority = text.find("://").map_or(0, |at| at + 3);
    let path = text.get(authority..).and_then(|rest| rest.find('/')).map_or(text.len(), |at| authority + at);
    let mut out = text.get(..path)?.to_owned();
    // No escape stands for a sign of a host's name.
    if out.contains(['"', '`', '{', '}']) {
        return None;
    }
    let (rest, mut in_fragment) = (link::with_sound_escapes(text.get(path..)?), false);
    for c in rest.chars() {
        match c {
            '#' if in_fragment => out.push_str("%23"),
            '#' => {
                in_fragment = true;
                out.push(c);
            }
            '|' | '^' | '`' | '[' | ']' | '{' | '}' | '\\' | '"' | '<' | '>' => {
                let _ = write!(out, "%{:02X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Some(out)
}

/// Dates as RFC 3339 and RFC 822 can write them: four digits of a year.
pub(super) fn plausible(date: DateTime<Utc>) -> DateTime<Utc> {
    let date = date.with_nanosecond(0).unwrap_or(date);
    match date.year() {
        1..=9999 => date,
        year => Utc.with_ymd_and_hms(if year < 1 { 1 } else { 9999 }, 1, 1, 0, 0, 0).single().unwrap_or(date),
    }
}

/// A language code as `xml:lang` takes it.
pub(super) fn language(code: &str) -> Option<String> {
    let fits = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let first = code.split('-').next()?;
    (first.bytes().all(|b| b.is_ascii_alphabetic()) && code.split('-').all(fits)).then(|| code.to_owned())
}

fn person(person: &Person) -> Option<Person> {
    let field = |text: &Option<String>| text.as_deref().map(seen).filter(|text| !text.is_empty());
    let email = field(&person.email).filter(|mail| is_mail(mail));
    let uri = person.uri.as_deref().and_then(web);
    let name = field(&person.name).or_else(|| email.clone()).or_else(|| uri.clone())?;
    Some(Person { name: Some(name), email, uri })
}

fn episode(said: &Episode) -> Option<Episode> {
    let episode = Episode {
        title: said.title.as_deref().map(seen).filter(|title| !title.is_empty()),
        image: said.image.as_deref().and_then(web),
        ..said.clone()
    };
    (episode != Episode::default()).then_some(episode)
}

pub(super) fn is_mail(text: &str) -> bool {
    let safe = |c: char| c.is_ascii_alphanumeric() || "._+-'".contains(c);
    text.split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && user.chars().all(safe) && is_host(host))
}

/// True for a name of labels, or four numbers (RFC 1123, 2.1): no single word, no brackets, no dot at the end.
pub(super) fn is_host(name: &str) -> bool {
    let label = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.contains('.') && name.split('.').all(label)
}

fn category(category: &Category) -> Option<Category> {
    let term = seen(&category.term);
    let label = category.label.as_deref().map(seen).filter(|label| !label.is_empty() && *label != term);
    (!term.is_empty()).then(|| Category { term, scheme: category.scheme.as_deref().and_then(web), label })
}

fn enclosure(file: &Enclosure) -> Option<Enclosure> {
    let url = web(&file.url)?;
    let stated = file.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let media_type = if is_media_type(&stated) { stated } else { media_type_of(&url).to_owned() };
    let title = file.title.as_deref().map(seen).filter(|title| !title.is_empty());
    // Nothing is what many write who do not know it.
    let length = file.length.filter(|bytes| *bytes > 0);
    Some(Enclosure { url, media_type, length, title, duration: file.duration })
}

fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

/// RSS and JSON Feed demand a type; the ending of the address is the best guess.
fn media_type_of(url: &str) -> &'static str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    match path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "wav" => "audio/wav",
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "pdf" => "application/pdf",
        "epub" => "application/epub+zip",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
