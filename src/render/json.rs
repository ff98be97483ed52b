//! JSON Feed 1.1. Members of our own stand in `_riverine`.

use serde::Serialize;

use super::atom::stamp;
use super::shown::{Shown, one_line};
use super::{Form, Sheet};
use crate::html;

const VERSION: &str = "https://jsonfeed.org/version/1.1";

#[derive(Serialize)]
struct Feed<'a> {
    // The specification wants it first, so that readers can sniff it.
    version: &'static str,
    title: String,
    home_page_url: &'a str,
    #[serde(rename = "feed_url")]
    own_url: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<Hub<'a>>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Hub<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    url: &'a str,
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_html: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    date_published: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_modified: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment<'a>>,
    #[serde(rename = "_riverine")]
    riverine: Riverine<'a>,
}

#[derive(Serialize)]
struct Author<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Attachment<'a> {
    url: &'a str,
    mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_in_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_in_seconds: Option<u32>,
}

#[derive(Serialize)]
struct Riverine<'a> {
    source: Origin<'a>,
    first_seen: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    via: Vec<Via<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    episode: Option<Part<'a>>,
}

/// The same story in another source.
#[derive(Serialize)]
struct Via<'a> {
    id: &'a str,
    title: &'a str,
    url: &'a str,
}

/// An episode of a podcast.
#[derive(Serialize)]
struct Part<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    season: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explicit: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
}

#[derive(Serialize)]
struct Origin<'a> {
    id: &'a str,
    title: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_page_url: Option<&'a str>,
}

/// The bytes of the JSON form.
pub(super) fn write(sheet: &Sheet<'_>) -> Vec<u8> {
    let head = sheet.head;
    let feed = Feed {
        version: VERSION,
        title: one_line(&head.title),
        home_page_url: &head.home,
        own_url: head.selves.of(Form::Json),
        description: one_line(&head.description),
        next_url: head.older.as_ref().or(head.next.as_ref()).map(|older| older.of(Form::Json)),
        language: head.language.as_deref(),
        hubs: head.hub.iter().map(|url| Hub { kind: "WebSub", url }).collect(),
        items: sheet.entries.iter().map(item).collect(),
    };
    // Strings and numbers only: there is nothing serde_json could refuse.
    let mut bytes = serde_json::to_vec_pretty(&feed).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// One item on one line.
pub(super) fn line(shown: &Shown) -> String {
    // Strings and numbers only: there is nothing serde_json could refuse.
    serde_json::to_string(&item(shown)).unwrap_or_default()
}

fn item(shown: &Shown) -> Item<'_> {
    let body = shown.content.as_deref().or(shown.summary.as_deref());
    let summary =
        shown.content.as_ref().and(shown.summary.as_deref()).map(|text| one_line(&html::to_text(text)));
    Item {
        id: &shown.id,
        url: &shown.link,
        title: &shown.title,
        content_html: body,
        // One of the two must be there, even when all there is is a title.
        content_text: body.is_none().then_some(shown.title.as_str()),
        summary: summary.filter(|text| !text.is_empty()),
        image: shown.image.as_deref(),
        date_published: stamp(shown.published),
        date_modified: (shown.updated != shown.published).then(|| stamp(shown.updated)),
        authors: shown
            .authors
            .iter()
            .map(|person| Author {
                name: person.name.as_deref(),
                url: person
                    .uri
                    .clone()
                    .or_else(|| person.email.as_ref().map(|mail| format!("mailto:{mail}"))),
            })
            .collect(),
        tags: shown.categories.iter().map(|category| category.term.as_str()).collect(),
        language: shown.language.as_deref(),
        attachments: attachments(shown),
        riverine: Riverine {
            source: Origin {
                id: &shown.source.id,
                title: &shown.source.name,
                url: &shown.source.url,
                home_page_url: shown.source.home.as_deref(),
            },
            first_seen: stamp(shown.first_seen),
            via: shown.via.iter().map(|via| Via { id: &via.id, title: &via.name, url: &via.link }).collect(),
            episode: shown.episode.as_ref().map(|episode| Part {
                title: episode.title.as_deref(),
                season: episode.season,
                number: episode.number,
                kind: episode.kind.as_deref(),
                explicit: episode.explicit,
                image: episode.image.as_deref(),
            }),
        },
    }
}

fn attachments(shown: &Shown) -> Vec<Attachment<'_>> {
    shown
        .enclosures
        .iter()
        .enumerate()
        .map(|(index, file)| Attachment {
            url: &file.url,
            mime_type: &file.media_type,
            title: file.title.as_deref(),
            size_in_bytes: file.length,
            duration_in_seconds: file.duration.or(if index == 0 { shown.duration } else { None }),
        })
        .collect()
}
