//! Stories that a page holds as JSON: schema.org's JSON-LD, and the data that its framework embeds. Never runs
//! a script, and reads JSON to a depth of 128 only.

mod embedded;
mod linked;

use serde_json::Value;

use super::dom::Dom;
use crate::html;
use crate::model::{Category, Enclosure, Person, RawDate, RawEntry, Text};
use crate::text;

/// Stories taken from one list.
const MOST: usize = 5000;
/// Values looked at in the data of one page.
const MOST_VALUES: usize = 2_000_000;

/// A story of the data.
#[derive(Clone, Debug, Default)]
pub(super) struct Story {
    pub(super) title: Option<String>,
    pub(super) link: Option<String>,
    pub(super) published: Option<String>,
    pub(super) updated: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) content: Option<String>,
    pub(super) authors: Vec<String>,
    pub(super) image: Option<String>,
    pub(super) categories: Vec<String>,
    pub(super) language: Option<String>,
    pub(super) file: Option<(String, String)>,
}

/// What the data of a page holds.
#[derive(Debug, Default)]
pub(super) struct Data {
    /// The page's list, if its data holds one.
    pub(super) list: Vec<Story>,
    /// True when it is schema.org's.
    pub(super) stated: bool,
    /// All stories, for what the page itself leaves out.
    pub(super) all: Vec<Story>,
}

/// Looks through the scripts of a page.
pub(super) fn read(dom: &Dom<'_>) -> Data {
    let mut linked = linked::Linked::default();
    let mut embedded = embedded::Embedded::default();
    let mut budget = MOST_VALUES;
    for id in (0..dom.len()).filter(|id| dom.name(*id) == "script") {
        let said: String = dom.el(id).element.text().collect();
        let kind = dom.attr(id, "type").unwrap_or_default().to_ascii_lowercase();
        if kind.contains("ld+json") {
            linked.read(&said, &mut budget);
        } else if kind.contains("json") {
            embedded.json(&said, &mut budget);
        } else if kind.is_empty() || kind.contains("javascript") || kind == "module" {
            embedded.script(&said, &mut budget);
        }
    }
    embedded.finish(&mut budget);
    let (mut list, stated) = match linked.list() {
        Some(list) => (list, true),
        None => (embedded.list(), false),
    };
    let mut all = linked.all;
    if stated {
        all.extend(embedded.list());
    } else {
        all.extend(list.iter().cloned());
    }
    list.truncate(MOST);
    Data { list, stated, all }
}

/// The list that most looks like news in a document of JSON.
pub(super) fn in_json(text: &str) -> Vec<Story> {
    let list = |mut embedded: embedded::Embedded| {
        embedded.json(text, &mut MOST_VALUES.clone());
        embedded.list()
    };
    // Where several stories stand together, a single one elsewhere is not the news.
    let several = list(embedded::Embedded::default());
    if several.is_empty() { list(embedded::Embedded::alone()) } else { several }
}

impl Story {
    /// The story as an entry.
    pub(super) fn entry(&self) -> RawEntry {
        let date = |said: &Option<String>| said.as_deref().map(RawDate::new);
        let rich = |said: &Option<String>| {
            said.as_deref()
                .map(|said| if is_markup(said) { Text::html(said) } else { Text::html(html::escape(said)) })
        };
        RawEntry {
            title: self.title.as_deref().map(|title| Text::plain(html::to_text_if_markup(title))),
            link: self.link.clone(),
            published: date(&self.published),
            updated: date(&self.updated),
            summary: rich(&self.summary),
            content: rich(&self.content),
            authors: self
                .authors
                .iter()
                .map(|name| Person { name: Some(name.clone()), ..Person::default() })
                .collect(),
            image: self.image.clone(),
            categories: self
                .categories
                .iter()
                .map(|term| Category { term: term.clone(), ..Category::default() })
                .collect(),
            language: self.language.clone(),
            enclosures: self
                .file
                .iter()
                .map(|(url, kind)| Enclosure {
                    url: url.clone(),
                    media_type: kind.clone(),
                    ..Enclosure::default()
                })
                .collect(),
            ..RawEntry::default()
        }
    }
}

fn is_markup(said: &str) -> bool {
    said.contains("</") || said.contains("<p") || said.contains("<br")
}

/// A text that is not empty; a number as its digits.
fn string(value: &Value) -> Option<String> {
    match value {
        Value::String(said) => Some(said.trim().to_owned()).filter(|said| !said.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A name, or the name of a thing, or of the first of several.
fn named(value: &Value, keys: &[&str]) -> Option<String> {
    let mut value = value;
    for _ in 0..4 {
        match value {
            Value::Object(object) => value = keys.iter().find_map(|key| object.get(*key))?,
            Value::Array(list) => value = list.first()?,
            _ => return string(value).map(|said| text::squeeze(&said)),
        }
    }
    None
}

/// Names of all things of a list, or of the one.
fn names(value: &Value, keys: &[&str]) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().take(64).filter_map(|one| named(one, keys)).collect(),
        one => named(one, keys).into_iter().collect(),
    }
}
