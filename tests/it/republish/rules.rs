//! What a published document must keep: RFC 4287, RFC 5005, RSS 2.0 with its Best Practices Profile, iTunes tags,
//! JSON Feed 1.1, and what the W3C feed validator warns of. Each check words a fault; none ends the test.
//!
//! One warning is not taken: the validator doubts every date before 1990, and an entry that states 1983 keeps it.

use std::collections::HashSet;

use atom_syndication as atom;
use chrono::{DateTime, Datelike, Utc};
use quick_xml::escape::unescape;
use regex::Regex;
use rss::extension::itunes::{ITunesChannelExtension, ITunesItemExtension};
use serde_json::Value;

/// Id, title, link, time of publication, of each entry in order.
pub type Seen = Vec<(String, String, String, i64)>;

/// The moment of the test's clock, with the ten minutes that a clock may be off.
const NOW: &str = "2026-11-16T12:10:00Z";
const RECORDED_ENDINGS: [&str; 7] = ["m4a", "mp3", "mov", "mp4", "m4v", "pdf", "epub"];

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).unwrap().is_match(text)
}

/// An absolute address or name in the characters of RFC 3986.
fn uri(what: &str, text: &str, faults: &mut Vec<String>) {
    if !matches(r"^[a-zA-Z][0-9a-zA-Z+.-]*:(//)?[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,#]+$", text) {
        faults.push(format!("{what} is no address: {text}"));
    }
}

fn id(text: &str, known: &mut HashSet<String>, faults: &mut Vec<String>) {
    if !matches("^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", text) {
        faults.push(format!("an id is no UUID: {text}"));
    }
    if !known.insert(text.to_owned()) {
        faults.push(format!("an id stands twice: {text}"));
    }
}

/// An addr-spec of RFC 2822 with a host of labels (RFC 1123, 2.1).
fn mail(text: &str, faults: &mut Vec<String>) {
    if !matches(r"(?i)^[a-z0-9_+.'-]+@([a-z0-9-]+\.)+[a-z0-9][a-z0-9-]*$", text) {
        faults.push(format!("no e-mail: {text}"));
    }
}

/// Characters that a text was spoilt by.
fn characters(what: &str, text: &str, faults: &mut Vec<String>) {
    if text.contains(|c: char| matches!(c, '\u{80}'..='\u{9f}' | '\u{fffd}')) {
        faults.push(format!("{what} holds bad characters: {text:?}"));
    }
}

/// A text that is no markup: neither an end tag nor a reference may seem to stand in it. `marked`: what looks like
/// one is written as a hexadecimal reference (the Profile's way of saying that it is meant so).
fn words(what: &str, text: &str, marked: bool, faults: &mut Vec<String>) {
    characters(what, text, faults);
    let name = |name: &str| {
        let known = ["amp", "lt", "gt", "quot", "apos", "nbsp", "copy", "eacute", "mdash", "hellip"];
        known.contains(&name) || !name.chars().all(char::is_alphabetic)
    };
    let references = Regex::new(r"&(#?\w+)").unwrap();
    let seems = references.captures_iter(text).any(|found| name(&found[1]));
    if matches(r"</(a|b|i|p|em|strong|script|style|title|div|span|h1|code|li|ul)>", text) || seems && !marked
    {
        faults.push(format!("{what} looks like markup: {text}"));
    }
}

/// Every tag of a markup, in order.
fn tags(markup: &str) -> Vec<String> {
    let tag = Regex::new("</?[a-zA-Z][a-zA-Z0-9]*").unwrap();
    tag.find_iter(markup).map(|found| found.as_str().to_owned()).collect()
}

/// A text of markup: a browser sees the very tags that stand there (none opened, closed or moved by itself); only
/// what is inert; no relative address.
fn markup(what: &str, text: &str, faults: &mut Vec<String>) {
    characters(what, text, faults);
    let tree = scraper::Html::parse_fragment(text);
    if tags(&tree.root_element().inner_html()) != tags(text) {
        faults.push(format!("{what} has other tags for a browser: {text}"));
    }
    for element in tree.tree.nodes().filter_map(|node| node.value().as_element()) {
        let name = element.name();
        if matches!(
            name,
            "script"
                | "style"
                | "iframe"
                | "object"
                | "embed"
                | "form"
                | "svg"
                | "math"
                | "base"
                | "rb"
                | "rtc"
        ) {
            faults.push(format!("{what} holds <{name}>"));
        }
        for (attribute, value) in element.attrs() {
            if attribute.starts_with("on") || matches!(attribute, "style" | "id" | "name" | "srcdoc") {
                faults.push(format!("{what}: <{name} {attribute}>"));
            }
            if matches!(attribute, "href" | "src") && !matches(r"^(https?|mailto):", value.trim()) {
                faults.push(format!("{what}: <{name} {attribute}={value}>"));
            }
            let stray =
                |link: &str| link.contains('%') && matches("%($|[^0-9a-fA-F]|.$|.[^0-9a-fA-F])", link);
            if matches!(attribute, "href" | "src") && stray(value) {
                faults.push(format!("{what}: a % escapes nothing in {value}"));
            }
        }
    }
}

fn plausible(what: &str, date: DateTime<Utc>, faults: &mut Vec<String>) {
    if date.year() < 1900 || date > NOW.parse::<DateTime<Utc>>().unwrap() {
        faults.push(format!("{what} is dated {date}"));
    }
}

fn language(code: &str, faults: &mut Vec<String>) {
    if !matches("^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$", code) {
        faults.push(format!("no language: {code}"));
    }
}

/// Links of a head: one to itself, none twice.
fn own<'a>(links: impl Iterator<Item = (&'a str, &'a str)>, wanted: &str, faults: &mut Vec<String>) {
    let links: Vec<_> = links.collect();
    let selves: Vec<_> = links.iter().filter(|(rel, _)| *rel == "self").collect();
    if selves.len() != 1 || selves[0].1 != wanted {
        faults.push(format!("rel=self is {selves:?}, not {wanted}"));
    }
    let has = |wanted: &str| links.iter().any(|(rel, _)| *rel == wanted);
    if wanted.contains("/archive/") != has("current") {
        faults.push("rel=current belongs to archives".to_owned());
    }
    // RFC 5005, 4: who comes to any archive document finds the others.
    if wanted.contains("/archive/") && !has("next-archive") && !has("prev-archive") {
        faults.push("an archive document without its neighbours".to_owned());
    }
}

fn atom_text(what: &str, text: &atom::Text, faults: &mut Vec<String>) -> String {
    if text.value.trim().is_empty() {
        faults.push(format!("{what} is empty"));
    }
    if text.r#type == atom::TextType::Html {
        markup(what, &text.value, faults);
        return unescape(&text.value).map_or_else(|_| text.value.clone(), std::borrow::Cow::into_owned);
    }
    words(what, &text.value, false, faults);
    text.value.clone()
}

/// An Atom document; its entries.
pub fn atom(text: &str, stem: &str, faults: &mut Vec<String>) -> Seen {
    if !text.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed") {
        faults.push("no declaration".to_owned());
    }
    let Ok(feed) = atom::Feed::read_from(text.as_bytes()) else {
        faults.push("no Atom document".to_owned());
        return Seen::new();
    };
    own(feed.links.iter().map(|l| (l.rel.as_str(), l.href.as_str())), &format!("{stem}.atom"), faults);
    atom_text("the feed's title", &feed.title, faults);
    let mut ids = HashSet::new();
    id(&feed.id, &mut ids, faults);
    if feed.extensions().get("fh").is_some_and(|fh| fh.contains_key("complete"))
        && feed.links.iter().any(|link| link.rel == "prev-archive")
    {
        faults.push("complete, and there is more".to_owned());
    }
    let mut updates = HashSet::new();
    let mut seen = Seen::new();
    for entry in &feed.entries {
        id(&entry.id, &mut ids, faults);
        if !updates.insert(entry.updated) {
            faults.push(format!("two entries were updated at {}", entry.updated));
        }
        if entry.updated.timestamp() > feed.updated.timestamp() {
            faults.push("an entry is newer than its feed".to_owned());
        }
        seen.push(atom_entry(entry, faults));
    }
    seen
}

fn atom_entry(entry: &atom::Entry, faults: &mut Vec<String>) -> (String, String, String, i64) {
    let title = atom_text("a title", &entry.title, faults);
    if entry.authors.is_empty() {
        faults.push(format!("nobody wrote {title}"));
    }
    for person in &entry.authors {
        words("a name", &person.name, false, faults);
        if person.name.is_empty() {
            faults.push("a person without a name".to_owned());
        }
        // RFC 4287 3.2: the e-mail has a place of its own.
        if matches("<[^<> ]+@[^<> ]+>", &person.name.replace('\u{2060}', " ")) {
            faults.push(format!("a name holds an e-mail: {}", person.name));
        }
        person.email.iter().for_each(|address| mail(address, faults));
        person.uri.iter().for_each(|address| uri("a person", address, faults));
    }
    for category in &entry.categories {
        words("a category", &category.term, false, faults);
        category.scheme.iter().for_each(|scheme| uri("a scheme", scheme, faults));
    }
    let pages: Vec<_> = entry.links.iter().filter(|link| link.rel == "alternate").collect();
    if pages.len() != 1 {
        faults.push(format!("{title} has {} pages", pages.len()));
    }
    for link in &entry.links {
        uri("a link", &link.href, faults);
        link.title.iter().for_each(|title| words("a link's title", title, false, faults));
    }
    match (&entry.summary, &entry.content) {
        (None, None) => faults.push(format!("{title} has no text")),
        (summary, content) => {
            if let Some(text) = summary {
                atom_text("a summary", text, faults);
            }
            content.iter().filter_map(|c| c.value.as_deref()).for_each(|c| markup("a content", c, faults));
        }
    }
    match &entry.source {
        None => faults.push(format!("{title} comes from nowhere")),
        Some(source) => {
            atom_text("a source's title", &source.title, faults);
            uri("a source's id", &source.id, faults);
            if matches("%[0-9A-F]?[a-f]|%(2D|2E|5F|7E|4[1-9A-F]|6[1-9A-F])", &source.id) {
                faults.push(format!("{} is not in its canonical form", source.id));
            }
            if !source.links.iter().any(|link| link.rel == "self") {
                faults.push("a source without rel=self".to_owned());
            }
        }
    }
    let published = entry.published.map_or(0, |at| {
        plausible("an entry", at.to_utc(), faults);
        at.timestamp()
    });
    plausible("an update", entry.updated.to_utc(), faults);
    let link = pages.first().map(|link| link.href.clone()).unwrap_or_default();
    (entry.id.clone(), title, link, published)
}

/// An RSS document; its entries.
pub fn rss(text: &str, stem: &str, faults: &mut Vec<String>) -> Seen {
    let channel = match rss::Channel::read_from(text.as_bytes()) {
        Ok(channel) => channel,
        Err(error) => {
            faults.push(format!("no RSS document: {error}"));
            return Seen::new();
        }
    };
    let empty = Vec::new();
    let links = channel.extensions.get("atom").and_then(|atom| atom.get("link")).unwrap_or(&empty);
    let attribute = |link: &'_ rss::extension::Extension, name: &str| link.attrs.get(name).cloned();
    let links: Vec<_> =
        links.iter().filter_map(|l| Some((attribute(l, "rel")?, attribute(l, "href")?))).collect();
    own(links.iter().map(|(rel, href)| (rel.as_str(), href.as_str())), &format!("{stem}.rss"), faults);
    let marked = text.contains("&#x");
    character_data(text, faults);
    words("the channel's title", channel.title(), marked, faults);
    if channel.title().is_empty() || channel.description().is_empty() || channel.generator().is_none() {
        faults.push("the channel lacks something".to_owned());
    }
    if text.find("<item>").is_some_and(|first| {
        text.rfind("</item>").is_some_and(|last| {
            let between = &text[first..last];
            between.matches("<item>").count() != channel.items.len() || text[last..].contains("<atom:link")
        })
    }) {
        faults.push("something stands behind the items".to_owned());
    }
    if channel.items.iter().any(|item| item.itunes_ext.is_some()) {
        podcast(channel.language(), channel.itunes_ext(), faults);
    }
    channel.language().iter().for_each(|code| language(code, faults));
    let mut ids = HashSet::new();
    channel.items.iter().map(|item| rss_item(item, &mut ids, marked, faults)).collect()
}

/// Best Practices Profile, "Character data" and "content:encoded": in plain texts `&` and `<` are hexadecimal
/// references, and the description comes before the content.
fn character_data(text: &str, faults: &mut Vec<String>) {
    let plain = Regex::new(
        "<(title|category|source|itunes:author|itunes:name|itunes:title)( [^>]*)?>[^<]*&(amp|lt|#[0-9]+);",
    );
    let (plain, whole) = (plain.unwrap(), Regex::new(r"(?s)<!\[CDATA\[.*?\]\]>").unwrap());
    let text = whole.replace_all(text, "");
    faults.extend(plain.find_iter(&text).map(|found| format!("not hexadecimal: {}", found.as_str())));
    for item in text.split("<item>").skip(1) {
        let content = item.find("<content:encoded>");
        if content.is_some_and(|content| item.find("<description>").is_none_or(|at| at > content)) {
            faults.push("a content before its description".to_owned());
        }
    }
    for via in Regex::new("<atom:link [^>]*title=\"([^\"]*)\"").unwrap().captures_iter(&text) {
        if let Ok(title) = unescape(&via[1]) {
            words("a link's title", &title, false, faults);
        }
    }
}

fn rss_item(
    item: &rss::Item,
    ids: &mut HashSet<String>,
    marked: bool,
    faults: &mut Vec<String>,
) -> (String, String, String, i64) {
    let title = item.title().unwrap_or_default();
    words("a title", title, marked, faults);
    let guid = item.guid().cloned().unwrap_or_default();
    id(&guid.value, ids, faults);
    if guid.permalink || item.author().is_some() || title.is_empty() {
        faults.push(format!("{title}: a title, a guid that is no address, and no author are wanted"));
    }
    uri("a link", item.link().unwrap_or_default(), faults);
    match item.source() {
        None => faults.push(format!("{title} comes from nowhere")),
        Some(source) => uri("a source", source.url(), faults),
    }
    if item.content().is_some() && item.description().is_none() {
        faults.push(format!("{title} has a content and no description"));
    }
    item.description().into_iter().chain(item.content()).for_each(|text| markup("a text", text, faults));
    let stated = item.pub_date().unwrap_or_default();
    let date = DateTime::parse_from_rfc2822(stated);
    if !matches(r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$", stated) || date.is_err() {
        faults.push(format!("no date: {stated}"));
    }
    if let Some(file) = item.enclosure() {
        uri("a file", file.url(), faults);
        if file.length().parse::<u64>().is_err() || !matches("^[^/ ;]+/[^/ ;]+$", file.mime_type()) {
            faults.push(format!("a file of {:?} and {:?}", file.length(), file.mime_type()));
        }
        if !matches(r"(?i)^https?://([a-z0-9-]+\.)+[a-z0-9][a-z0-9-]*(:\d+)?/", file.url()) {
            faults.push(format!("no place for a file: {}", file.url()));
        }
    }
    item.itunes_ext().iter().for_each(|said| episode(item, said, faults));
    let languages = item.dublin_core_ext().map(|dc| dc.languages.clone()).unwrap_or_default();
    for code in &languages {
        language(code, faults);
    }
    (
        guid.value,
        title.replace('\u{2060}', ""),
        item.link().unwrap_or_default().to_owned(),
        date.map_or(0, |date| date.timestamp()),
    )
}

fn episode(item: &rss::Item, said: &ITunesItemExtension, faults: &mut Vec<String>) {
    let playable = |url: &str| RECORDED_ENDINGS.contains(&url.rsplit('.').next().unwrap_or_default());
    if item.enclosure().is_some_and(|file| !playable(file.url())) {
        faults.push("an episode that players do not take".to_owned());
    }
    let number = |text: &str| text.parse::<u32>().is_ok_and(|number| number > 0);
    if !said.episode().is_none_or(number) || !said.season().is_none_or(number) {
        faults.push("an episode's number is none".to_owned());
    }
    if said.duration().is_some_and(|seconds| seconds.parse::<u32>().is_err())
        || !said.explicit().is_none_or(|said| ["true", "false"].contains(&said))
        || !said.episode_type().is_none_or(|kind| ["full", "trailer", "bonus"].contains(&kind))
        || said.author().is_some_and(|author| author.chars().count() > 255)
    {
        faults.push(format!("an episode says {said:?}"));
    }
    said.image().iter().for_each(|image| uri("a picture", image, faults));
}

/// A channel with iTunes tags needs all of them.
fn podcast(language: Option<&str>, said: Option<&ITunesChannelExtension>, faults: &mut Vec<String>) {
    let complete = said.is_some_and(|said| {
        let mail = said.owner().and_then(|owner| owner.email()).unwrap_or_default();
        let explicit = said.explicit().is_some_and(|explicit| ["true", "false"].contains(&explicit));
        explicit
            && !said.categories().is_empty()
            && matches(r"(?i)^[a-z0-9_+.'-]+@([a-z0-9-]+\.)+[a-z0-9][a-z0-9-]*$", mail)
    });
    if language.is_none() || !complete {
        faults.push(format!("a podcast without what one needs: {said:?}"));
    }
}

/// A JSON Feed; its entries.
pub fn json(text: &str, stem: &str, faults: &mut Vec<String>) -> Seen {
    let feed: Value = serde_json::from_str(text).unwrap();
    if !text.starts_with("{\n  \"version\": \"https://jsonfeed.org/version/1.1\"") {
        faults.push("the version does not come first".to_owned());
    }
    if feed["feed_url"] != format!("{stem}.json") || feed["title"].as_str().is_none_or(str::is_empty) {
        faults.push(format!("feed_url is {}", feed["feed_url"]));
    }
    let mut ids = HashSet::new();
    let mut item = |item: &Value| {
        let word = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        id(&word("id"), &mut ids, faults);
        uri("url", &word("url"), faults);
        if item.get("content_html").or(item.get("content_text")).is_none() {
            faults.push(format!("{} has no content", word("title")));
        }
        for file in item["attachments"].as_array().into_iter().flatten() {
            uri("a file", file["url"].as_str().unwrap_or_default(), faults);
            if file["mime_type"].as_str().is_none_or(str::is_empty) {
                faults.push("a file of no type".to_owned());
            }
        }
        let at = DateTime::parse_from_rfc3339(&word("date_published"));
        if at.is_err() {
            faults.push(format!("no date: {}", word("date_published")));
        }
        (word("id"), word("title"), word("url"), at.map_or(0, |at| at.timestamp()))
    };
    feed["items"].as_array().unwrap().iter().map(&mut item).collect()
}
