//! The data that a page's framework embeds (Next.js, Nuxt, and `window.STATE = {…}`): the array whose objects most
//! look like stories. Values that are not JSON are left alone.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::super::fields::leads_anywhere;
use super::{Story, named, names, string};
use crate::date;
use crate::html;

/// Assignments of one script that are tried.
const MOST_TRIES: usize = 8;
/// Elements of an array that are read to judge it.
const SAMPLE: usize = 40;

const TITLES: [&str; 10] = [
    "title",
    "headline",
    "heading",
    "name",
    "posttitle",
    "shorttitle",
    "displaytitle",
    "hed",
    "subject",
    "label",
];
const LINKS: [&str; 15] = [
    "htmlurl",
    "url",
    "link",
    "href",
    "permalink",
    "canonicalurl",
    "canonical",
    "weburl",
    "fullurl",
    "uri",
    "path",
    "pathname",
    "slug",
    "fullslug",
    "to",
];
const DATES: [&str; 22] = [
    "publishedat",
    "datepublished",
    "publisheddate",
    "publishdate",
    "publicationdate",
    "publishedon",
    "published",
    "firstpublishedat",
    "pubdate",
    "date",
    "datetime",
    "displaydate",
    "releasedate",
    "postdate",
    "dategmt",
    "firstpublicationdate",
    "publishtime",
    "publishedtime",
    "createdat",
    "datecreated",
    "created",
    "timestamp",
];
const CHANGES: [&str; 7] =
    ["updatedat", "datemodified", "modified", "modifiedat", "lastmodified", "updated", "lastpublicationdate"];
const SUMMARIES: [&str; 12] = [
    "summary",
    "excerpt",
    "description",
    "teaser",
    "dek",
    "abstract",
    "standfirst",
    "lead",
    "intro",
    "subtitle",
    "subheadline",
    "shortdescription",
];
const BODIES: [&str; 5] = ["content", "body", "bodyhtml", "contenthtml", "html"];
/// Objects that only wrap the one with the values.
const WRAPPERS: [&str; 8] = ["attributes", "fields", "node", "data", "item", "story", "article", "post"];
const AUTHORS: [&str; 4] = ["author", "authors", "byline", "creator"];
const IMAGES: [&str; 6] = ["image", "thumbnail", "featuredimage", "cover", "imageurl", "thumbnailurl"];
/// Members of an object that are looked at.
const MOST_MEMBERS: usize = 100;
/// Things that are put together again from a flat form.
const MOST_THINGS: usize = 20_000;
const INNER: [&str; 12] =
    ["rendered", "text", "value", "current", "url", "src", "href", "name", "html", "plain", "raw", "title"];

/// What embedded data holds.
#[derive(Debug, Default)]
pub(super) struct Embedded {
    best: Option<(f64, Vec<Story>)>,
    /// Pieces of a React stream, joined at the end.
    stream: String,
    /// A list may have one story only, where that has all that stories have.
    alone: bool,
}

impl Embedded {
    /// For a document that is data altogether: its one list may have one story today.
    pub(super) fn alone() -> Self {
        Self { alone: true, ..Self::default() }
    }

    /// A script that is JSON as a whole.
    pub(super) fn json(&mut self, said: &str, budget: &mut usize) {
        if let Ok(root) = serde_json::from_str::<Value>(said.trim()) {
            match flattened(&root) {
                Some(whole) => self.search(&whole, budget),
                None => self.search(&root, budget),
            }
        }
    }

    /// A script that assigns JSON to something.
    pub(super) fn script(&mut self, said: &str, budget: &mut usize) {
        let mut rest = said;
        for _ in 0..MOST_TRIES * 8 {
            let Some(at) = rest.find("__next_f.push(") else { break };
            rest = rest.get(at + "__next_f.push(".len()..).unwrap_or_default();
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
            if let Some(Ok(Value::Array(parts))) = stream.next()
                && let Some(Value::String(piece)) = parts.get(1)
            {
                self.stream.push_str(piece);
            }
        }
        let mut rest = said;
        let mut tries = 0;
        while let Some(at) = rest.find(['=', '(']) {
            let (sign, after) = rest.get(at..).and_then(|rest| rest.split_at_checked(1)).unwrap_or(("", ""));
            rest = after;
            let value = after.trim_start();
            let data = value.starts_with("{\"") || value.starts_with("[{\"");
            let quoted = sign == "(" && value.starts_with('"') && value.len() > 200;
            if !(data || quoted) {
                continue;
            }
            tries += 1;
            let mut stream = serde_json::Deserializer::from_str(value).into_iter::<Value>();
            match stream.next() {
                Some(Ok(Value::String(inner))) => self.json(&inner, budget),
                Some(Ok(root)) => {
                    self.search(&root, budget);
                    rest = value.get(stream.byte_offset()..).unwrap_or_default();
                }
                _ => {}
            }
            if tries == MOST_TRIES {
                break;
            }
        }
    }

    /// Reads what came in pieces: lines of `number:JSON`.
    pub(super) fn finish(&mut self, budget: &mut usize) {
        for line in std::mem::take(&mut self.stream).lines() {
            let Some((number, value)) = line.split_once(':') else { continue };
            let plain = number.bytes().all(|b| b.is_ascii_hexdigit());
            if plain
                && value.starts_with(['[', '{'])
                && let Ok(root) = serde_json::from_str::<Value>(value)
            {
                self.search(&root, budget);
            }
        }
    }

    fn search(&mut self, root: &Value, budget: &mut usize) {
        let mut open: Vec<&Value> = vec![root];
        while let Some(value) = open.pop() {
            if *budget == 0 {
                return;
            }
            *budget -= 1;
            match value {
                Value::Array(list) => {
                    self.judge(list);
                    open.extend(list.iter().rev());
                }
                Value::Object(object) => open.extend(object.values()),
                _ => {}
            }
        }
    }

    /// Keeps a list that is better than what is kept.
    fn judge(&mut self, list: &[Value]) {
        let objects = list.iter().filter(|one| one.is_object()).count();
        let least = if self.alone { 1 } else { 2 };
        if objects < least || objects * 2 < list.len() {
            return;
        }
        let sample: Vec<Story> = list.iter().take(SAMPLE).filter_map(story).collect();
        if sample.len() < least || sample.len() * 2 < list.len().min(SAMPLE) {
            return;
        }
        let count = sample.len();
        let share = |is: &dyn Fn(&Story) -> bool| share(sample.iter().filter(|one| is(one)).count(), count);
        let dated = share(&|story| story.published.is_some());
        let linked = share(&|story| story.link.is_some());
        let worded = share(&|story| story.title.as_ref().is_some_and(|title| title.chars().count() >= 15));
        let texted = share(&|story| story.summary.is_some() || story.content.is_some());
        let worth = 0.4 * dated + 0.2 * linked + 0.25 * worded + 0.15 * texted;
        // Entries of a menu have a title and a link.
        if dated < 0.5 && (texted < 0.5 || worded < 0.5 || linked < 0.5) {
            return;
        }
        if count == 1 && dated + linked + texted < 3.0 {
            return;
        }
        let score = worth * worth * (1.0 + share_of(list.len())).ln();
        if self.best.as_ref().is_none_or(|(most, _)| score > *most) {
            self.best = Some((score, list.iter().filter_map(story).collect()));
        }
    }

    /// The list that most looks like news.
    pub(super) fn list(&self) -> Vec<Story> {
        self.best.as_ref().map(|(_, list)| list.clone()).unwrap_or_default()
    }
}

fn share(part: usize, whole: usize) -> f64 {
    share_of(part) / share_of(whole.max(1))
}

fn share_of(count: usize) -> f64 {
    super::super::groups::as_f64(count)
}

/// The members of an object by their names, whatever the case and signs: `published_at` is `publishedAt`.
struct Members<'v>(HashMap<String, &'v Value>);

impl<'v> Members<'v> {
    fn new(object: &'v Map<String, Value>) -> Self {
        let plain = |name: &str| -> String {
            name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
        };
        let some = object.iter().take(MOST_MEMBERS).filter(|(_, value)| !value.is_null());
        Self(some.map(|(name, value)| (plain(name), value)).collect())
    }

    fn get(&self, keys: &[&str]) -> Option<&'v Value> {
        keys.iter().find_map(|key| self.0.get(*key).copied())
    }

    fn said(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| named(self.0.get(*key)?, &INNER))
    }

    fn title(&self) -> Option<String> {
        self.said(&TITLES).filter(|title| title.len() >= 2)
    }
}

fn story(value: &Value) -> Option<Story> {
    let outer = Members::new(value.as_object()?);
    let inner = if outer.title().is_some() {
        None
    } else {
        Some(Members::new(outer.get(&WRAPPERS).and_then(Value::as_object)?))
    };
    let both: Vec<&Members<'_>> = inner.iter().chain([&outer]).collect();
    let get = |keys: &[&str]| both.iter().find_map(|members| members.get(keys));
    let said = |keys: &[&str]| both.iter().find_map(|members| members.said(keys));
    let instant = |keys: &[&str]| keys.iter().find_map(|key| when(get(&[key])?));
    let link = LINKS.iter().find_map(|key| {
        let link = named(get(&[key])?, &INNER)?;
        let address = link.contains('/') || matches!(*key, "url" | "href");
        (address && leads_anywhere(&link) && !link.contains(' ')).then_some(link)
    });
    Some(Story {
        title: both.first()?.title().map(|title| html::to_text_if_markup(&title)),
        link,
        published: instant(&DATES),
        updated: instant(&CHANGES),
        summary: said(&SUMMARIES).filter(|said| said.len() > 10),
        content: said(&BODIES).filter(|said| said.len() > 40),
        authors: get(&AUTHORS)
            .map(|one| names(one, &["name", "fullname", "title", "login"]))
            .unwrap_or_default(),
        image: get(&IMAGES)
            .and_then(|one| named(one, &["url", "src", "href"]))
            .filter(|said| said.contains('/')),
        language: get(&["lang", "language", "locale"]).and_then(string).filter(|said| said.len() <= 10),
        ..Story::default()
    })
    .filter(|story| story.title.is_some())
}

/// A date: a text that is one, or seconds or milliseconds since 1970.
fn when(value: &Value) -> Option<String> {
    let said = named(value, &["iso", "utc", "value", "date", "time", "raw"])?;
    date::parse(&said, chrono_tz::UTC).is_some().then_some(said)
}

/// Nuxt's flat form: an array whose objects and arrays hold places in it instead of values. One level of things in
/// things is put together again, enough for stories.
fn flattened(root: &Value) -> Option<Value> {
    let flat = root.as_array()?;
    let is_flat = |value: &Value| match value {
        Value::Object(object) => object.values().all(|one| one.as_i64().is_some_and(|at| at >= -7)),
        _ => false,
    };
    let objects = flat.iter().filter(|value| value.is_object()).count();
    if objects < 2 || !flat.iter().filter(|value| value.is_object()).all(is_flat) {
        return None;
    }
    let at = |place: &Value| flat.get(usize::try_from(place.as_u64()?).ok()?);
    let whole = |value: &Value| -> Value {
        let Some(object) = value.as_object() else { return Value::Null };
        let member = |(name, place): (&String, &Value)| -> Option<(String, Value)> {
            let inner = match at(place)? {
                Value::Object(inner) => {
                    let some = inner.iter().take(MOST_MEMBERS);
                    Value::Object(
                        some.filter_map(|(name, place)| Some((name.clone(), scalar(at(place)?)?))).collect(),
                    )
                }
                // `["Date", 12]` and `["ShallowReactive", 3]` name a kind first.
                Value::Array(pair) if pair.len() == 2 && pair.first().is_some_and(Value::is_string) => pair
                    .get(1)
                    .and_then(|one| if one.is_string() { Some(one) } else { at(one) })
                    .and_then(scalar)?,
                other => scalar(other)?,
            };
            Some((name.clone(), inner))
        };
        Value::Object(object.iter().take(MOST_MEMBERS).filter_map(member).collect())
    };
    // The same thing may be named a million times.
    let mut left = MOST_THINGS;
    let mut lists = Vec::new();
    for list in flat.iter().filter_map(Value::as_array).filter(|list| list.len() >= 2) {
        let things = list.iter().take(left).filter_map(at).filter(|thing| thing.is_object());
        let things: Vec<Value> = things.map(whole).collect();
        left = left.saturating_sub(list.len());
        lists.push(Value::Array(things));
    }
    Some(Value::Array(lists))
}

fn scalar(value: &Value) -> Option<Value> {
    matches!(value, Value::String(_) | Value::Number(_)).then(|| value.clone())
}
