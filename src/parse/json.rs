//! JSON Feed 1.x → raw entries, leniently: a member of the wrong type costs that member, not the entry.

use serde_json::de::StrRead;
use serde_json::{Deserializer, Map, StreamDeserializer, Value};

use super::feed::MOST_ENTRIES;
use super::{Input, ParseError, Parsed, page};
use crate::html;
use crate::model::{Category, Enclosure, Format, Person, RawDate, RawEntry, RawFeed, Text, Warning};

/// Objects and lists open at once.
const DEEPEST: usize = 256;

/// Reads a document (<https://www.jsonfeed.org/version/1.1/>).
pub(super) fn read(text: &str, input: &Input<'_>) -> Result<Parsed, ParseError> {
    let text = text.trim_start_matches('\u{FEFF}');
    let mut warnings = Vec::new();
    if too_deep(text) {
        return Err(ParseError::Limit(format!("the JSON is nested more than {DEEPEST} deep")));
    }
    let mut stream = values(text);
    let root = match stream.next() {
        Some(Ok(root)) => root,
        Some(Err(error)) => {
            let mended = mend(text);
            if let Some(Ok(root)) = values(&mended).next() {
                warnings.push(Warning(format!("the JSON is broken ({error}); it was mended")));
                root
            } else {
                salvage(&mended, &error, &mut warnings)?
            }
        }
        None => return Err(ParseError::NoFeed("the document is empty".to_owned())),
    };
    if warnings.is_empty() && text.get(stream.byte_offset()..).is_some_and(|rest| !rest.trim().is_empty()) {
        warnings.push(Warning("there is something after the end of the JSON; it was not read".to_owned()));
    }
    if let Some(entries) = other_list(&root, text) {
        warnings.push(Warning("it is no JSON Feed; what looks like a list of news was read".to_owned()));
        let mut feed = root.as_object().map(head).unwrap_or_default();
        feed.language = feed.language.or_else(|| input.content_language.map(str::to_owned));
        return Ok(Parsed { format: Format::Json, feed, entries, warnings, learned: None, next_page: None });
    }
    let Value::Object(root) = root else {
        return Err(ParseError::NoFeed("it is JSON, but no JSON Feed: its root is no object".to_owned()));
    };
    let is_feed = is_json_feed(&root);
    let items = match root.get("items") {
        Some(Value::Array(items)) => items.as_slice(),
        _ if is_feed => &[],
        _ => {
            let names: Vec<&str> = root.keys().take(6).map(String::as_str).collect();
            return Err(ParseError::NoFeed(format!(
                "it is JSON, but no JSON Feed: no \"items\"; it has {}",
                names.join(", ")
            )));
        }
    };
    if items.len() > MOST_ENTRIES {
        let left = items.len() - MOST_ENTRIES;
        warnings.push(Warning(format!("only the first {MOST_ENTRIES} entries were taken, {left} were left")));
    }
    let items = items.get(..MOST_ENTRIES).unwrap_or(items);
    let entries: Vec<RawEntry> = items.iter().filter_map(Value::as_object).map(entry).collect();
    if entries.len() < items.len() {
        let odd = items.len() - entries.len();
        warnings.push(Warning(format!("{odd} of the items are no objects and were left out")));
    }
    let mut feed = head(&root);
    feed.language = feed.language.or_else(|| input.content_language.map(str::to_owned));
    Ok(Parsed { format: Format::Json, feed, entries, warnings, learned: None, next_page: None })
}

fn is_json_feed(root: &Map<String, Value>) -> bool {
    string(root, "version").is_some_and(|version| version.contains("jsonfeed.org"))
}

/// The news in a document that is no JSON Feed, nor like one: what programs of a site ask its server for.
fn other_list(root: &Value, text: &str) -> Option<Vec<RawEntry>> {
    let told = |item: &Map<String, Value>| {
        ["url", "external_url", "content_html", "content_text"].iter().any(|name| item.contains_key(*name))
    };
    let like_one = |root: &Map<String, Value>| {
        is_json_feed(root) || objects(root, "items").any(told) || root.get("items").is_some_and(is_empty_list)
    };
    if root.as_object().is_some_and(like_one) {
        return None;
    }
    let entries = page::in_json(text);
    (!entries.is_empty()).then_some(entries)
}

fn is_empty_list(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// A document without a recursion limit of `serde_json`'s own: [`too_deep`] was asked before.
fn values(text: &str) -> StreamDeserializer<'_, StrRead<'_>, Value> {
    let mut deserializer = Deserializer::from_str(text);
    deserializer.disable_recursion_limit();
    deserializer.into_iter()
}

/// One pass over the brackets outside strings.
fn too_deep(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

/// What templates and careless programs write, as JSON has it: line ends and controls in strings, halves of
/// characters, commas before an end. One pass.
fn mend(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut in_string = false;
    // Where a comma stands that may be one too many.
    let mut comma = None;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let mut length = letter.len_utf8();
        match letter {
            '\\' if in_string => {
                length = escape(rest, &mut out);
            }
            '"' => {
                in_string = !in_string;
                out.push('"');
            }
            '\n' if in_string => out.push_str("\\n"),
            '\t' if in_string => out.push_str("\\t"),
            control if in_string && control.is_control() => {}
            ']' | '}' if !in_string => {
                if let Some(at) = comma {
                    out.truncate(at);
                }
                out.push(letter);
            }
            letter => out.push(letter),
        }
        match letter {
            ',' if !in_string => comma = Some(out.len() - 1),
            blank if blank.is_whitespace() && !in_string => {}
            _ => comma = None,
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// Copies what `\` begins, and says how many bytes that was. Half of a pair of surrogates becomes U+FFFD.
fn escape(text: &str, out: &mut String) -> usize {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let (length, lone) = match (unit(0), unit(6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, false),
        (Some(0xD800..=0xDFFF), _) => (6, true),
        (Some(_), _) => (6, false),
        _ => (1 + text.chars().nth(1).map_or(0, char::len_utf8), false),
    };
    out.push_str(if lone { "\\ufffd" } else { text.get(..length).unwrap_or_default() });
    length
}

/// A document that breaks off: its complete items.
fn salvage(text: &str, error: &serde_json::Error, warnings: &mut Vec<Warning>) -> Result<Value, ParseError> {
    let broken = || ParseError::NoFeed(format!("the JSON is broken: {error}"));
    let (head, list) = text.split_once("\"items\"").ok_or_else(broken)?;
    let list = list.trim_start().strip_prefix(':').map(str::trim_start).ok_or_else(broken)?;
    let mut rest = list.strip_prefix('[').ok_or_else(broken)?;
    let mut items = Vec::new();
    while items.len() <= MOST_ENTRIES {
        let mut stream = values(rest);
        let Some(Ok(item)) = stream.next() else { break };
        let end = stream.byte_offset();
        items.push(item);
        rest = rest.get(end..).unwrap_or_default().trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    let mut root: Map<String, Value> =
        serde_json::from_str(&format!("{}}}", head.trim_end().trim_end_matches(','))).unwrap_or_default();
    if items.is_empty() && !root.contains_key("version") {
        return Err(broken());
    }
    warnings
        .push(Warning(format!("the JSON is broken ({error}); items kept from before that: {}", items.len())));
    root.insert("items".to_owned(), Value::Array(items));
    Ok(Value::Object(root))
}

fn head(root: &Map<String, Value>) -> RawFeed {
    RawFeed {
        title: string(root, "title").map(Text::plain),
        link: string(root, "home_page_url"),
        description: string(root, "description").map(Text::plain),
        language: string(root, "language"),
        authors: people(root),
        image: string(root, "icon").or_else(|| string(root, "favicon")),
        self_link: string(root, "feed_url"),
        hubs: objects(root, "hubs").filter_map(|hub| string(hub, "url")).collect(),
        next: string(root, "next_url"),
        ..RawFeed::default()
    }
}

fn entry(item: &Map<String, Value>) -> RawEntry {
    let date = |name: &str| string(item, name).map(RawDate::new);
    let html = string(item, "content_html").map(Text::html);
    let guid = string(item, "id");
    // "Ideally, the id is the full URL of the resource".
    let page = guid.clone().filter(|id| id.starts_with("https://") || id.starts_with("http://"));
    RawEntry {
        guid,
        // Plain by its own word, but many escape it as for a page.
        title: string(item, "title").map(html::decode_again).map(Text::plain),
        link: string(item, "url").or_else(|| string(item, "external_url")).or(page),
        published: date("date_published"),
        updated: date("date_modified"),
        authors: people(item),
        summary: string(item, "summary").map(Text::plain),
        content: html.or_else(|| string(item, "content_text").map(Text::plain)),
        categories: strings(item, "tags").map(|term| Category { term, ..Category::default() }).collect(),
        enclosures: objects(item, "attachments").filter_map(attachment).collect(),
        image: string(item, "image").or_else(|| string(item, "banner_image")),
        language: string(item, "language"),
        ..RawEntry::default()
    }
}

fn attachment(file: &Map<String, Value>) -> Option<Enclosure> {
    let seconds = file.get("duration_in_seconds").and_then(Value::as_f64).filter(|s| (0.0..=4e9).contains(s));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "its range was looked at")]
    let duration = seconds.map(|seconds| seconds as u32);
    Some(Enclosure {
        url: string(file, "url")?,
        media_type: string(file, "mime_type").unwrap_or_default(),
        length: file.get("size_in_bytes").and_then(Value::as_u64),
        title: string(file, "title"),
        duration,
    })
}

/// `authors` of version 1.1, else `author` of version 1.
fn people(object: &Map<String, Value>) -> Vec<Person> {
    let one = object.get("author").and_then(Value::as_object);
    let mut many: Vec<&Map<String, Value>> = objects(object, "authors").collect();
    if many.is_empty() {
        many.extend(one);
    }
    let person = |author: &Map<String, Value>| Person {
        name: string(author, "name"),
        email: None,
        uri: string(author, "url"),
    };
    let named = object.get("author").and_then(Value::as_str).map(str::to_owned);
    let mut people: Vec<Person> =
        many.into_iter().map(person).filter(|person| *person != Person::default()).collect();
    if people.is_empty() {
        people.extend(named.map(|name| Person { name: Some(name), ..Person::default() }));
    }
    people
}

/// A string, or a number as one (ids are often numbers). Blank ones count as missing.
fn string(object: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match object.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn list<'a>(object: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    object.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn objects<'a>(object: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    list(object, name).filter_map(Value::as_object)
}

/// The strings of a list; of one string, what commas part.
fn strings(object: &Map<String, Value>, name: &str) -> impl Iterator<Item = String> {
    let one = object.get(name).and_then(Value::as_str).into_iter().flat_map(|said| said.split(','));
    let many = list(object, name).filter_map(Value::as_str);
    one.chain(many).map(str::trim).filter(|said| !said.is_empty()).map(str::to_owned)
}
