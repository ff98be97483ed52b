//! Atom 1.0 (RFC 4287), with archive links of RFC 5005.

use std::collections::{BTreeMap, HashSet};

use atom_syndication as atom;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use quick_xml::escape::escape;

use super::shown::{Shown, one_line};
use super::{Form, Sheet};
use crate::{html, link as address};

const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
pub(super) const MEDIA: &str = "http://search.yahoo.com/mrss/";
const WORD_JOINER: char = '\u{2060}';
pub(super) const HISTORY: &str = "http://purl.org/syndication/history/1.0";

/// The bytes of the Atom form.
pub(super) fn write(sheet: &Sheet<'_>) -> Vec<u8> {
    let config = atom::WriteConfig { write_document_declaration: false, indent_size: Some(1) };
    // Writing to memory fails only when memory does, and then it does not return.
    feed(sheet).write_with_config(DECLARATION.to_vec(), config).unwrap_or_default()
}

fn feed(sheet: &Sheet<'_>) -> atom::Feed {
    let head = sheet.head;
    let mut taken = HashSet::new();
    let mut namespaces = BTreeMap::new();
    if sheet.entries.iter().any(|entry| entry.image.is_some()) {
        namespaces.insert("media".to_owned(), MEDIA.to_owned());
    }
    let mut extensions = atom::extension::ExtensionMap::default();
    for (name, holds) in [("archive", head.current.is_some()), ("complete", head.complete)] {
        if holds {
            namespaces.insert("fh".to_owned(), HISTORY.to_owned());
            add(&mut extensions, "fh", name, BTreeMap::new());
        }
    }
    let subtitle = one_line(&head.description);
    // The oldest first: who was there keeps its moment when others of the same second come.
    let mut entries: Vec<_> = sheet.entries.iter().rev().map(|shown| entry(shown, &mut taken)).collect();
    entries.reverse();
    let updated = entries.iter().map(|entry| entry.updated).fold(sheet.updated.into(), Ord::max);
    atom::Feed {
        title: text(&one_line(&head.title), None),
        id: head.id.clone(),
        updated,
        authors: vec![atom::Person {
            name: spelt(&one_line(&head.title)),
            uri: Some(head.home.clone()),
            ..Default::default()
        }],
        generator: Some(atom::Generator { value: "riverine".to_owned(), uri: None, version: None }),
        links: links(sheet),
        subtitle: (!subtitle.is_empty()).then(|| text(&subtitle, None)),
        entries,
        extensions,
        namespaces,
        lang: head.language.clone(),
        ..Default::default()
    }
}

fn links(sheet: &Sheet<'_>) -> Vec<atom::Link> {
    let head = sheet.head;
    let own = Some(Form::Atom.media_type());
    let mut links =
        vec![link("self", head.selves.of(Form::Atom), own), link("alternate", &head.home, Some("text/html"))];
    let rest = [
        ("hub", head.hub.as_deref(), None),
        ("prev-archive", head.older.as_ref().map(|older| older.of(Form::Atom)), own),
        ("next-archive", head.newer.as_ref().map(|newer| newer.of(Form::Atom)), own),
        ("next", head.next.as_ref().map(|next| next.of(Form::Atom)), own),
        ("current", head.current.as_ref().map(|current| current.of(Form::Atom)), own),
    ];
    links.extend(rest.into_iter().filter_map(|(rel, href, kind)| Some(link(rel, href?, kind))));
    links
}

fn link(rel: &str, href: &str, kind: Option<&str>) -> atom::Link {
    atom::Link {
        rel: rel.to_owned(),
        href: href.to_owned(),
        mime_type: kind.map(str::to_owned),
        ..Default::default()
    }
}

/// A plain text. What looks like markup is sent as HTML that spells it out, so that
/// nobody has to guess; everything else goes as it is.
fn text(value: &str, lang: Option<&str>) -> atom::Text {
    let reference = |rest: &str| rest.starts_with(|c: char| c == '#' || is_of_word(c));
    let doubtful = value.contains("</") || value.split('&').skip(1).any(reference);
    let mut text = if doubtful { atom::Text::html(escape(value)) } else { atom::Text::plain(value) };
    text.lang = lang.map(str::to_owned);
    text
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A plain text where Atom has no way to say that it is plain: what a reader might take for markup, or for an
/// e-mail in a name (RFC 4287 3.2.1), is kept from being such by a word joiner, which nobody sees.
pub(super) fn spelt(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find(['&', '<']) {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        rest = after;
        let seems = if before.ends_with('<') {
            rest.starts_with('/') || rest.split('>').next().is_some_and(|inner| inner.contains('@'))
        } else {
            let name = rest.split(|c: char| c != '#' && !is_of_word(c)).next().unwrap_or_default();
            let letters = name.chars().all(|c| c.is_alphabetic() && !c.is_numeric());
            !name.is_empty() && (!letters || html::reference(name).is_some())
        };
        if seems {
            out.push(WORD_JOINER);
        }
    }
    out + rest
}

fn entry(shown: &Shown, taken: &mut HashSet<DateTime<Utc>>) -> atom::Entry {
    let lang = shown.language.as_deref();
    let html = |value: &String| {
        let mut text = atom::Text::html(value.as_str());
        text.lang = lang.map(str::to_owned);
        text
    };
    let mut extensions = atom::extension::ExtensionMap::default();
    if let Some(image) = &shown.image {
        // The crate writes attributes of extensions as they are.
        let attrs = BTreeMap::from([("url".to_owned(), escape(image.as_str()).into_owned())]);
        add(&mut extensions, "media", "thumbnail", attrs);
    }
    let mut links = vec![link("alternate", &shown.link, None)];
    links.extend(shown.enclosures.iter().map(|file| atom::Link {
        rel: "enclosure".to_owned(),
        href: file.url.clone(),
        mime_type: Some(file.media_type.clone()),
        title: file.title.as_deref().map(spelt),
        length: file.length.map(|length| length.to_string()),
        ..Default::default()
    }));
    links.extend(
        shown
            .via
            .iter()
            .map(|via| atom::Link { title: Some(spelt(&via.name)), ..link("via", &via.link, None) }),
    );
    atom::Entry {
        title: text(&shown.title, lang),
        id: shown.id.clone(),
        updated: apart(shown, taken).into(),
        authors: authors(shown),
        categories: shown
            .categories
            .iter()
            .map(|category| atom::Category {
                term: spelt(&category.term),
                scheme: category.scheme.clone(),
                label: category.label.as_deref().map(spelt),
            })
            .collect(),
        links,
        published: Some(shown.published.into()),
        source: Some(source(shown)),
        // Some text must be there (RFC 4287 4.1.2 asks for it, validators warn), even when all there is is a title.
        summary: match (&shown.summary, &shown.content) {
            (None, None) => Some(text(&shown.title, lang)),
            (summary, _) => summary.as_ref().map(html),
        },
        content: shown.content.as_ref().map(|value| atom::Content {
            value: Some(value.clone()),
            lang: lang.map(str::to_owned),
            content_type: Some("html".to_owned()),
            ..Default::default()
        }),
        extensions,
        ..Default::default()
    }
}

/// Two entries of a feed should not share `updated`: readers sort by it and validators warn.
/// Where whole seconds meet, the later comers get a fraction, made of what never changes about them: thousandths,
/// and millionths where those do not suffice.
fn apart(shown: &Shown, taken: &mut HashSet<DateTime<Utc>>) -> DateTime<Utc> {
    if taken.insert(shown.updated) {
        return shown.updated;
    }
    let fractions = |parts: i64| (0..parts).map(move |n| (shown.number.rem_euclid(parts) + n) % parts + 1);
    let thousandths = fractions(999).map(TimeDelta::milliseconds);
    let millionths = fractions(999_999).map(TimeDelta::microseconds);
    let mut moments = thousandths.chain(millionths).map(|fraction| shown.updated + fraction);
    moments.find(|at| taken.insert(*at)).unwrap_or(shown.updated)
}

/// Every entry names somebody: its authors, else the source as a whole.
fn authors(shown: &Shown) -> Vec<atom::Person> {
    let named: Vec<_> = shown
        .authors
        .iter()
        .map(|person| atom::Person {
            name: person.name.as_deref().map(spelt).unwrap_or_default(),
            email: person.email.clone(),
            uri: person.uri.clone(),
            ..Default::default()
        })
        .collect();
    if !named.is_empty() {
        return named;
    }
    let source = &shown.source;
    vec![atom::Person { name: spelt(&source.name), uri: source.home.clone(), ..Default::default() }]
}

/// Where the entry came from (RFC 4287 4.2.11). Dated by the entry itself, so that its
/// bytes do not change when its neighbours do.
fn source(shown: &Shown) -> atom::Source {
    let origin = &shown.source;
    let mut links = vec![link("self", &origin.url, None)];
    links.extend(origin.home.as_deref().map(|home| link("alternate", home, None)));
    atom::Source {
        title: text(&origin.name, None),
        // Identifiers are compared letter by letter.
        id: address::normal_percent(&origin.url).into_owned(),
        updated: shown.updated.into(),
        links,
        ..Default::default()
    }
}

fn add(
    extensions: &mut atom::extension::ExtensionMap,
    prefix: &str,
    name: &str,
    attrs: BTreeMap<String, String>,
) {
    let element = atom::extension::Extension {
        name: format!("{prefix}:{name}"),
        // An empty text keeps the writer from breaking the line inside the element.
        value: Some(String::new()),
        attrs,
        ..Default::default()
    };
    extensions.entry(prefix.to_owned()).or_default().entry(name.to_owned()).or_default().push(element);
}

/// RFC 3339 in UTC, whole seconds.
pub(super) fn stamp(date: DateTime<Utc>) -> String {
    date.to_rfc3339_opts(SecondsFormat::Secs, true)
}
