//! RSS 2.0 with the Best Practices Profile; Atom links, Media RSS and Dublin Core beside it.
//!
//! Playing times and pictures go out as Media RSS; what a podcast said of its episodes also as
//! iTunes tags (podcast.rs).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rss::extension::dublincore::DublinCoreExtension;
use rss::extension::{Extension, ExtensionMap};

use super::atom::{HISTORY, MEDIA, spelt};
use super::shown::{Shown, cut, one_line};
use super::{Form, Sheet, podcast};
use crate::html;
use crate::model::Enclosure;

/// Characters of text shown as `description` of an entry that has only its whole content.
const EXCERPT: usize = 300;

/// Bytes of a content without words that stand as `description` whole.
const PICTURES: usize = 2000;

/// Stand-ins while the crate writes: noncharacters that no cleaned text holds.
const AMPERSAND: char = '\u{FDD0}';
const LESS_THAN: char = '\u{FDD1}';
const WORD_JOINER: char = '\u{2060}';

/// The bytes of the RSS form.
pub(super) fn write(sheet: &Sheet<'_>) -> Vec<u8> {
    // Writing to memory fails only when memory does, and then it does not return.
    let bytes = channel(sheet).pretty_write_to(Vec::new(), b' ', 1).unwrap_or_default();
    String::from_utf8(bytes)
        .unwrap_or_default()
        .replace(AMPERSAND, "&#x26;")
        .replace(LESS_THAN, "&#x3C;")
        .into_bytes()
}

/// A plain text for `title` and its like: `&` and `<` as hexadecimal references (Best
/// Practices Profile, "Character data"). Behind a `<` that would open a tag stands a word joiner, which
/// nobody sees: some readers take a title for HTML, others for text, and it must be the same words in both.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '&' => out.push(AMPERSAND),
            '<' if rest.peek().is_some_and(|next| next.is_ascii_alphabetic() || "/!?".contains(*next)) => {
                out.push(LESS_THAN);
                out.push(WORD_JOINER);
            }
            '<' => out.push(LESS_THAN),
            c => out.push(c),
        }
    }
    out
}

fn channel(sheet: &Sheet<'_>) -> rss::Channel {
    let head = sheet.head;
    let mut namespaces = BTreeMap::from([("atom".to_owned(), "http://www.w3.org/2005/Atom".to_owned())]);
    let items: Vec<_> = sheet.entries.iter().map(item).collect();
    if items.iter().any(|item| item.extensions.contains_key("media")) {
        namespaces.insert("media".to_owned(), MEDIA.to_owned());
    }
    let mut extensions = ExtensionMap::default();
    let links = [
        ("self", Some(head.selves.of(Form::Rss)), true),
        ("hub", head.hub.as_deref(), false),
        ("prev-archive", head.older.as_ref().map(|older| older.of(Form::Rss)), true),
        ("next-archive", head.newer.as_ref().map(|newer| newer.of(Form::Rss)), true),
        ("next", head.next.as_ref().map(|next| next.of(Form::Rss)), true),
        ("current", head.current.as_ref().map(|current| current.of(Form::Rss)), true),
    ];
    for (rel, href, typed) in links {
        let Some(href) = href else { continue };
        let mut attrs = vec![("rel", rel.to_owned()), ("href", href.to_owned())];
        if typed {
            attrs.push(("type", Form::Rss.media_type().to_owned()));
        }
        add(&mut extensions, "atom", "link", String::new(), attrs);
    }
    for (name, holds) in [("archive", head.current.is_some()), ("complete", head.complete)] {
        if holds {
            namespaces.insert("fh".to_owned(), HISTORY.to_owned());
            add(&mut extensions, "fh", name, String::new(), Vec::new());
        }
    }
    let mut language = head.language.as_ref().map(|code| code.to_ascii_lowercase());
    let mut itunes_ext = None;
    if items.iter().any(|item| item.itunes_ext.is_some()) {
        let (spoken, said) = podcast::channel(sheet);
        language.get_or_insert(spoken);
        itunes_ext = Some(said);
    }
    let title = one_line(&head.title);
    let description = one_line(&head.description);
    rss::Channel {
        description: plain(if description.is_empty() { &title } else { &description }),
        title: plain(&title),
        link: head.home.clone(),
        language,
        itunes_ext,
        last_build_date: Some(rfc822(sheet.updated)),
        generator: Some("riverine".to_owned()),
        docs: Some("https://www.rssboard.org/rss-specification".to_owned()),
        items,
        extensions,
        namespaces,
        ..Default::default()
    }
}

fn item(shown: &Shown) -> rss::Item {
    let description = shown.summary.clone().or_else(|| {
        let content = shown.content.as_deref()?;
        let text = html::to_text(content);
        // A content of pictures alone is its own excerpt, while it is short.
        Some(match text.is_empty() {
            false => html::escape(&cut(&text, EXCERPT)),
            true if content.len() <= PICTURES => content.to_owned(),
            true => html::escape(&shown.title),
        })
    });
    let creators = shown.authors.iter().filter_map(|person| person.name.clone()).collect();
    let dublin_core = DublinCoreExtension {
        creators,
        languages: shown.language.clone().into_iter().collect(),
        ..Default::default()
    };
    let has_dublin_core = !(dublin_core.creators.is_empty() && dublin_core.languages.is_empty());
    let itunes_ext = podcast::item(shown);
    rss::Item {
        title: Some(plain(&shown.title)),
        link: Some(shown.link.clone()),
        description,
        categories: shown
            .categories
            .iter()
            .map(|category| rss::Category { name: plain(&category.term), domain: category.scheme.clone() })
            .collect(),
        enclosure: attached(shown).map(|file| rss::Enclosure {
            url: file.url.clone(),
            // Best Practices Profile: 0 where the size is not known.
            length: file.length.unwrap_or(0).to_string(),
            mime_type: file.media_type.clone(),
        }),
        guid: Some(rss::Guid { value: shown.id.clone(), permalink: false }),
        pub_date: Some(rfc822(shown.published)),
        source: Some(rss::Source { url: shown.source.url.clone(), title: Some(plain(&shown.source.name)) }),
        content: shown.content.clone(),
        extensions: extensions(shown, itunes_ext.is_some()),
        itunes_ext,
        dublin_core_ext: has_dublin_core.then_some(dublin_core),
        ..Default::default()
    }
}

/// The one file that RSS has room for: the first, where its address is one that RSS readers take.
fn attached(shown: &Shown) -> Option<&Enclosure> {
    shown.enclosures.first().filter(|file| podcast::is_plain_web(&file.url))
}

/// What RSS itself has no room for.
fn extensions(shown: &Shown, episode: bool) -> ExtensionMap {
    let mut extensions = media(shown, episode);
    for via in &shown.via {
        let attrs = vec![("rel", "via".to_owned()), ("href", via.link.clone()), ("title", spelt(&via.name))];
        add(&mut extensions, "atom", "link", String::new(), attrs);
    }
    extensions
}

/// RSS has room for one enclosure without a playing time; Media RSS says the rest.
fn media(shown: &Shown, episode: bool) -> ExtensionMap {
    let mut extensions = ExtensionMap::default();
    if let Some(title) = podcast::title(shown).filter(|_| episode) {
        add(&mut extensions, "itunes", "title", plain(title), Vec::new());
    }
    for (index, file) in shown.enclosures.iter().enumerate() {
        let duration = file.duration.or(if index == 0 { shown.duration } else { None });
        if index == 0 && duration.is_none() && attached(shown).is_some() {
            continue;
        }
        let mut attrs = vec![("url", file.url.clone()), ("type", file.media_type.clone())];
        attrs.extend(file.length.map(|length| ("fileSize", length.to_string())));
        attrs.extend(duration.map(|seconds| ("duration", seconds.to_string())));
        add(&mut extensions, "media", "content", String::new(), attrs);
    }
    if let Some(image) = &shown.image {
        add(&mut extensions, "media", "thumbnail", String::new(), vec![("url", image.clone())]);
    }
    extensions
}

fn add(extensions: &mut ExtensionMap, prefix: &str, name: &str, text: String, attrs: Vec<(&str, String)>) {
    let attrs = attrs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    // Even an empty text keeps the writer from breaking the line inside the element.
    let value = Some(text);
    let element = Extension { name: format!("{prefix}:{name}"), value, attrs, ..Default::default() };
    extensions.entry(prefix.to_owned()).or_default().entry(name.to_owned()).or_default().push(element);
}

/// RFC 822 with four digits of a year, in GMT.
pub(super) fn rfc822(date: DateTime<Utc>) -> String {
    date.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
