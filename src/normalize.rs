//! A document as it said itself → a document as we promise it.
//! Pure; normalizing twice changes nothing.

mod links;
#[cfg(test)]
mod tests;
mod words;

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use url::Url;

use self::links::Links;
use self::words::Words;
use crate::html::Cleaner;
use crate::link::Secrets;
use crate::model::{
    Article, Category, Digest, Enclosure, Entry, Episode, Feed, Format, Markup, Person, Podcast, RawDate,
    RawEntry, RawFeed, Text, TextKind, Warning,
};
use crate::parse::Parsed;
use crate::{date, html, language, text};

/// Part of every entry's digest: counted up when reading or cleaning changes, so that stored texts are made anew.
pub const READING: u32 = 6;

/// Characters of a title.
const LONGEST_TITLE: usize = 1000;
/// Characters of a person's name.
const LONGEST_NAME: usize = 200;
/// Characters of a subject.
const LONGEST_CATEGORY: usize = 100;
/// Bytes of a guid; a longer one is known by its hash.
const LONGEST_GUID: usize = 4096;
/// Bytes of a text, before it is cleaned.
const LONGEST_TEXT: usize = 1 << 20;
/// Categories, authors and enclosures of an entry, each.
const MOST: usize = 64;

/// What normalizing needs to know besides the document.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Where the document came from: the base of relative links.
    pub url: Option<&'a Url>,
    /// What must not be told of that address, nor of others that lead to it.
    pub secrets: &'a Secrets,
    /// For timestamps without a zone.
    pub timezone: Tz,
    /// The source's `language`: for entries that state none.
    pub language: Option<&'a str>,
    /// Digests already stored for this source: their texts are not cleaned again.
    pub stored: &'a HashSet<Digest>,
}

/// A document as we promise it.
#[derive(Clone, Debug)]
pub struct Normalized {
    /// Its head.
    pub feed: Feed,
    /// Its entries, in document order.
    pub entries: Vec<Entry>,
    /// The parser's warnings and our own.
    pub warnings: Vec<Warning>,
}

/// Dates to UTC, links made absolute, HTML cleaned, language found.
pub fn normalize(parsed: Parsed, context: &Context<'_>) -> Normalized {
    let mut words = Words::default();
    let links = Links::new(context.url, parsed.feed.base.as_deref(), context.secrets);
    let feed = head(&parsed, &links);
    let inherited = Inherited {
        context,
        links: &links,
        authors: &people(&parsed.feed.authors, &links, &mut words),
        language: feed.language.as_deref(),
        cleaner: Cleaner::new(links.shown_base(None).as_ref()),
        salt: salt(&parsed.feed, context),
        order: order(&parsed.entries),
        is_page: parsed.format == Format::Page,
    };
    let entries = parsed.entries.iter().map(|raw| inherited.entry(raw, &mut words)).collect();
    let mut warnings = parsed.warnings;
    warnings.extend(words.into_warnings());
    for Warning(words) in &mut warnings {
        *words = context.secrets.hidden(std::mem::take(words));
    }
    Normalized { feed, entries, warnings }
}

fn head(parsed: &Parsed, links: &Links<'_>) -> Feed {
    let raw = &parsed.feed;
    let plain = |said: &Option<Text>| {
        let text = said.as_ref().map(plain).unwrap_or_default();
        links.hide(&text).into_owned()
    };
    let absolute = |link: &Option<String>| link.as_deref().and_then(|link| links.absolute(link, None));
    Feed {
        format: parsed.format,
        title: cut(&plain(&raw.title), LONGEST_TITLE),
        link: absolute(&raw.link),
        description: cut(&plain(&raw.description), LONGEST_TITLE),
        language: raw.language.as_deref().and_then(language::tag),
        image: absolute(&raw.image),
        // These two are for asking, and are shown to nobody as they are.
        hubs: raw.hubs.iter().filter_map(|hub| links.whole(hub, None)).take(MOST).collect(),
        self_link: raw.self_link.as_deref().and_then(|link| links.whole(link, None)),
        podcast: raw.podcast.as_ref().map(|said| Podcast { image: absolute(&raw.image), ..podcast(said) }),
    }
}

fn podcast(said: &Podcast) -> Podcast {
    let short = |text: &String| cut(&text::squeeze(text), LONGEST_NAME);
    let categories = said.categories.iter().map(|(one, narrower)| (short(one), narrower.as_ref().map(short)));
    Podcast {
        categories: categories.collect(),
        owner: said.owner.as_ref().map(short),
        email: said.email.as_ref().map(short),
        ..said.clone()
    }
}

/// What an entry takes from its document and its source.
struct Inherited<'a> {
    context: &'a Context<'a>,
    links: &'a Links<'a>,
    authors: &'a [Person],
    language: Option<&'a str>,
    /// For texts whose base is the document's.
    cleaner: Cleaner,
    /// Everything outside the entry that shapes it.
    salt: Digest,
    /// How its dates write day and month, where one of them shows it.
    order: Option<date::Order>,
    is_page: bool,
}

impl Inherited<'_> {
    fn entry(&self, raw: &RawEntry, words: &mut Words) -> Entry {
        let digest = digest(raw, self.salt);
        let unchanged = self.context.stored.contains(&digest);
        let base = raw.base.as_deref();
        let title = cut(&raw.title.as_ref().map(plain).unwrap_or_default(), LONGEST_TITLE);
        let title = self.links.hide(&title).into_owned();
        let authors = people(&raw.authors, self.links, words);
        let whole = raw.link.as_deref().and_then(|link| self.link(link, base, words));
        let link = whole.as_deref().map(|whole| self.links.hide(whole).into_owned());
        let mut entry = Entry {
            guid: raw.guid.as_deref().and_then(guid),
            whole_link: whole.filter(|whole| Some(whole) != link.as_ref()),
            link,
            published: raw.published.as_ref().and_then(|date| self.date(date, words)),
            updated: raw.updated.as_ref().and_then(|date| self.date(date, words)),
            authors: if authors.is_empty() { self.authors.to_vec() } else { authors },
            summary: None,
            content: None,
            categories: categories(&raw.categories, self.links, words),
            enclosures: self.files(&raw.enclosures, base, words),
            image: raw.image.as_deref().and_then(|image| self.links.absolute(image, base)),
            duration: raw.duration,
            episode: raw.episode.as_ref().map(|said| self.episode(said, base)),
            language: None,
            digest,
            unchanged,
            article: Article::Own,
            title,
        };
        if !unchanged {
            self.texts(&mut entry, raw, words);
            entry.language = self.language(&entry, raw);
        }
        entry
    }

    /// The costly part: HTML is cleaned.
    fn texts(&self, entry: &mut Entry, raw: &RawEntry, words: &mut Words) {
        let page = entry.link.clone().filter(|_| !self.is_page);
        let clean = |said: &Text, words: &mut Words| {
            let clean = match said.base.as_deref().or(raw.base.as_deref()) {
                Some(own) if !self.links.is_base(own) => {
                    rich(said, &Cleaner::new(self.links.shown_base(Some(own)).as_ref()), words)
                }
                _ => rich(said, &self.cleaner, words).map(|clean| self.links.places(clean, page.as_deref())),
            };
            clean.map(|clean| self.context.secrets.hidden(clean))
        };
        entry.content = raw.content.as_ref().and_then(|said| clean(said, words)).map(Markup::from);
        let same =
            raw.content.as_ref().map(|said| &said.value) == raw.summary.as_ref().map(|said| &said.value);
        if !same {
            let summary = raw.summary.as_ref().and_then(|said| clean(said, words)).map(Markup::from);
            entry.summary = summary.filter(|summary| entry.content.as_ref() != Some(summary));
        }
    }

    /// With all that is in it.
    fn link(&self, link: &str, base: Option<&str>, words: &mut Words) -> Option<String> {
        let whole = self.links.whole(link, base);
        if whole.is_none() {
            words.add("a link is no http(s) address and was left out", link);
        }
        whole
    }

    fn episode(&self, said: &Episode, base: Option<&str>) -> Episode {
        Episode {
            title: said.title.as_deref().map(|title| cut(&text::squeeze(title), LONGEST_TITLE)),
            image: said.image.as_deref().and_then(|image| self.links.absolute(image, base)),
            ..said.clone()
        }
    }

    fn date(&self, said: &RawDate, words: &mut Words) -> Option<DateTime<Utc>> {
        let zone = self.context.timezone;
        let moment = match &said.format {
            Some(format) => date::parse_as(&said.text, format, zone).or_else(|| {
                words.add(&format!("a date is not in the form {format:?} and was read freely"), &said.text);
                date::parse_in(&said.text, zone, self.order)
            }),
            None => date::parse_in(&said.text, zone, self.order),
        };
        let Some(moment) = moment else {
            words.add("a date could not be read", &said.text);
            return None;
        };
        if let Some(doubt) = moment.doubt {
            words.add(&format!("a date may mean another time: {doubt}"), &said.text);
        }
        Some(moment.instant)
    }

    fn files(&self, raw: &[Enclosure], base: Option<&str>, words: &mut Words) -> Vec<Enclosure> {
        let mut files: Vec<Enclosure> = Vec::with_capacity(raw.len().min(MOST));
        for file in raw {
            let Some(url) = self.links.absolute(&file.url, base) else {
                words.add("a file's address is no http(s) address and was left out", &file.url);
                continue;
            };
            if files.iter().any(|known| known.url == url) {
                continue;
            }
            if files.len() == MOST {
                words.add(&format!("an entry has more than {MOST} files; the first were kept"), &url);
                break;
            }
            files.push(Enclosure {
                url,
                media_type: media_type(&file.media_type),
                length: file.length.filter(|length| *length > 0),
                title: file.title.as_deref().map(|title| cut(&text::squeeze(title), LONGEST_TITLE)),
                duration: file.duration,
            });
        }
        files
    }

    /// The entry's own statement, the source's, a guess, the document's: in this order.
    fn language(&self, entry: &Entry, raw: &RawEntry) -> Option<String> {
        let own = raw.language.as_deref().and_then(language::tag);
        let set = || self.context.language.and_then(language::tag);
        let guess = || {
            let body = entry.content.as_deref().or(entry.summary.as_deref()).unwrap_or_default();
            language::detect(&entry.title, body).map(str::to_owned)
        };
        own.or_else(set).or_else(guess).or_else(|| self.language.map(str::to_owned))
    }
}

/// The order of day and month, where dates of the document show one and none shows the other.
fn order(entries: &[RawEntry]) -> Option<date::Order> {
    let dates = entries.iter().flat_map(|raw| raw.published.iter().chain(&raw.updated));
    let mut seen = dates.filter_map(|said| date::order(&said.text));
    let first = seen.next()?;
    seen.all(|other| other == first).then_some(first)
}

/// Hash of what shapes the entries of a document besides themselves.
fn salt(feed: &RawFeed, context: &Context<'_>) -> Digest {
    let said = format!(
        "{READING} {:?} {:?} {:?} {:?} {:?} {}",
        context.url.map(|url| context.secrets.hide(url.as_str())),
        feed.base,
        feed.language,
        feed.authors,
        context.language,
        context.timezone
    );
    Digest::of("document", &[said.as_bytes()])
}

fn digest(raw: &RawEntry, salt: Digest) -> Digest {
    let said = |text: &Option<Text>| {
        text.as_ref().map_or(String::new(), |text| format!("{:?}{:?}", text.kind, text.base))
    };
    let texts = [&raw.title, &raw.summary, &raw.content];
    let kinds = texts.map(said).join("\0");
    let rest = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        raw.link,
        raw.published,
        raw.updated,
        raw.authors,
        raw.categories,
        raw.enclosures,
        raw.image,
        raw.duration,
        raw.episode,
        raw.language,
        raw.base
    );
    let [title, summary, content] = texts.map(|text| text.as_ref().map_or("", |text| text.value.as_str()));
    let guid = raw.guid.as_deref().unwrap_or_default();
    let parts = [
        salt.0.as_slice(),
        guid.as_bytes(),
        kinds.as_bytes(),
        title.as_bytes(),
        summary.as_bytes(),
        content.as_bytes(),
        rest.as_bytes(),
    ];
    Digest::of("raw entry", &parts)
}

/// A guid as it is compared: byte for byte; a very long one by its hash. An empty one is none.
fn guid(raw: &str) -> Option<String> {
    let raw = raw.trim();
    if raw.len() > LONGEST_GUID {
        return Some(format!("{:?}", Digest::of("long guid", &[raw.as_bytes()])));
    }
    (!raw.is_empty()).then(|| raw.to_owned())
}

/// A text without markup, on one line.
fn plain(said: &Text) -> String {
    let value = match said.kind {
        TextKind::Plain => text::squeeze(&said.value),
        TextKind::Html => html::to_text(&said.value),
        TextKind::Unknown => html::to_text_if_markup(&said.value),
    };
    let value = if said.kind == TextKind::Plain { value } else { html::decode_again(value) };
    text::squeeze(text::clean(&value).trim_matches(is_unseen))
}

/// Blanks, and what takes no room: editors and databases leave such marks around a title.
fn is_unseen(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{FEFF}' | '\u{200B}' | '\u{2060}')
}

/// A text as clean HTML; `None` when nothing is left.
fn rich(said: &Text, cleaner: &Cleaner, words: &mut Words) -> Option<String> {
    let value = text::clean(&said.value);
    let end = value.floor_char_boundary(LONGEST_TEXT);
    if end < value.len() {
        words.add("a text is longer than 1 MiB and was cut", text::cut(&value, 80).0);
    }
    let value = value.get(..end).unwrap_or(&value);
    let clean = match said.kind {
        TextKind::Plain => html::paragraphs(value),
        TextKind::Html => cleaner.clean(value),
        TextKind::Unknown => cleaner.clean_if_markup(&html::with_its_tags(value)),
    };
    (!clean.is_empty()).then_some(clean)
}

fn people(raw: &[Person], links: &Links<'_>, words: &mut Words) -> Vec<Person> {
    if raw.len() > MOST {
        words.add(&format!("more than {MOST} people are named; the first were kept"), "");
    }
    let short = |text: &Option<String>| {
        let text = cut(&text::squeeze(&text::clean(text.as_deref()?)), LONGEST_NAME);
        (!text.is_empty()).then_some(text)
    };
    raw.iter()
        .take(MOST)
        .map(|person| Person {
            name: short(&person.name),
            email: short(&person.email),
            uri: person.uri.as_deref().and_then(|uri| links.absolute(uri, None)),
        })
        .filter(|person| *person != Person::default())
        .collect()
}

fn categories(raw: &[Category], links: &Links<'_>, words: &mut Words) -> Vec<Category> {
    let mut kept: Vec<Category> = Vec::with_capacity(raw.len().min(MOST));
    for one in raw {
        let short = |text: &str| cut(&html::to_text_if_markup(&text::clean(text)), LONGEST_CATEGORY);
        let term = short(&one.term);
        let scheme = one.scheme.as_deref().map(|scheme| links.hide(scheme).into_owned());
        if term.is_empty() || kept.iter().any(|known| known.term == term && known.scheme == scheme) {
            continue;
        }
        if kept.len() == MOST {
            words.add(&format!("an entry has more than {MOST} categories; the first were kept"), &term);
            break;
        }
        let label = one.label.as_deref().map(short).filter(|label| !label.is_empty());
        kept.push(Category { term, scheme, label });
    }
    kept
}

/// `type/subtype` in lower case without parameters; else empty.
fn media_type(said: &str) -> String {
    let bare = said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let sound =
        bare.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub)) && bare.len() <= 127;
    if sound { bare } else { String::new() }
}

fn cut(value: &str, most: usize) -> String {
    text::cut(value, most).0.trim_end().to_owned()
}
