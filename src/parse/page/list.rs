//! Items → what they say: with the selectors of `[source.page]` where there are any, else worked out, and with what
//! only the list as a whole tells (the day in a heading above, the order of day and month). Never chooses
//! which elements are items.

use super::super::ParseError;
use super::above::Headings;
use super::dom::{Dom, Id};
use super::fields::{self, Found, Picked};
use super::item::Item;
use super::select::{self, Field, Match};
use crate::date;
use crate::model::{PageSelectors, RawDate, Warning};

/// The selectors of fields, ready to use.
#[derive(Debug, Default)]
pub(super) struct Fields {
    title: Option<Field>,
    link: Option<Field>,
    date: Option<Field>,
    date_format: Option<String>,
    summary: Option<Field>,
    content: Option<Field>,
    author: Option<Field>,
    image: Option<Field>,
    language: Option<Field>,
}

impl Fields {
    /// Reads all of them.
    pub(super) fn new(selectors: &PageSelectors) -> Result<Self, ParseError> {
        let field = |key: &'static str, written: &Option<String>| {
            written
                .as_deref()
                .map(|written| Field::parse(key, written).map_err(|why| wrong(key, &why)))
                .transpose()
        };
        Ok(Self {
            title: field("title", &selectors.title)?,
            link: field("link", &selectors.link)?,
            date: field("date", &selectors.date)?,
            date_format: selectors.date_format.clone(),
            summary: field("summary", &selectors.summary)?,
            content: field("content", &selectors.content)?,
            author: field("author", &selectors.author)?,
            image: field("image", &selectors.image)?,
            language: field("language", &selectors.language)?,
        })
    }
}

/// A selector that cannot be used.
pub(super) fn wrong(key: &str, why: &str) -> ParseError {
    ParseError::Selector(format!("`{key}` of [source.page]: {why}"))
}

/// A list that was read.
#[derive(Debug)]
pub(super) struct List<'a> {
    /// Its items.
    pub(super) items: Vec<Item<'a>>,
    /// What each says.
    pub(super) found: Vec<Found>,
    /// Selectors that matched in no item.
    pub(super) warnings: Vec<Warning>,
}

/// Reads items.
pub(super) fn read<'a>(
    dom: &Dom<'a>,
    headings: &Headings,
    items: Vec<Item<'a>>,
    fields: &Fields,
) -> List<'a> {
    let found: Vec<Found> = items.iter().map(|item| fields::work_out(dom, item)).collect();
    let mut reading = Reading { dom, items: &items, found, warnings: Vec::new() };
    let format = fields.date_format.as_ref();
    let dated = reading.put(fields.date.as_ref(), |_, found, matches| {
        found.published = matches.first().and_then(|one| chosen_date(dom, *one, format));
        let published = found.published.as_ref().map(|date| &date.value.text);
        found.updated = found.updated.take().filter(|date| Some(&date.value.text) != published);
    });
    texts(&mut reading, fields);
    others(&mut reading, fields);
    let Reading { mut found, warnings, .. } = reading;
    if !dated {
        headings.date(dom, &items, &mut found);
    }
    List { items, found, warnings }
}

/// Items whose selectors are being read.
struct Reading<'l, 'a> {
    dom: &'l Dom<'a>,
    items: &'l [Item<'a>],
    found: Vec<Found>,
    warnings: Vec<Warning>,
}

impl Reading<'_, '_> {
    /// Puts what a selector says in place of what was worked out. False: there is none, or it matches in no item, and
    /// what was worked out stays.
    fn put(&mut self, field: Option<&Field>, mut put: impl FnMut(Id, &mut Found, &[Match<'_>])) -> bool {
        let Some(field) = field else { return false };
        let gives = |one: Match<'_>| one.attribute.is_none_or(|name| self.dom.attr(one.id, name).is_some());
        let matches: Vec<Vec<Match<'_>>> =
            self.items.iter().map(|item| field.matches(self.dom, item, gives)).collect();
        if matches.iter().all(Vec::is_empty) {
            self.warnings.push(Warning(format!(
                "`{}` of [source.page] matches in none of the {} items; it was worked out instead",
                field.key,
                self.items.len()
            )));
            return false;
        }
        for ((item, found), matches) in self.items.iter().zip(&mut self.found).zip(&matches) {
            put(item.root, found, matches);
        }
        true
    }
}

/// The value of an attribute that is asked for, else of the first of `names` that is there, else nothing.
fn asked<'a>(dom: &Dom<'a>, one: Match<'_>, names: &[&str], root: Id) -> Option<&'a str> {
    one.attribute.map_or_else(|| select::bearer(dom, one.id, names, root), |name| dom.attr(one.id, name))
}

/// The text of a match, or the attribute that is asked for.
fn said(dom: &Dom<'_>, one: Match<'_>) -> String {
    match one.attribute {
        Some(name) => dom.attr(one.id, name).unwrap_or_default().to_owned(),
        None => dom
            .attr(one.id, "content")
            .filter(|_| dom.name(one.id) == "meta")
            .map_or_else(|| dom.text(one.id), str::to_owned),
    }
}

fn texts(reading: &mut Reading<'_, '_>, fields: &Fields) {
    let dom = reading.dom;
    reading.put(fields.title.as_ref(), |_, found, matches| {
        let title = matches.iter().map(|one| (said(dom, *one), one.id));
        let first = title.into_iter().find(|(value, _)| !value.is_empty());
        found.title = first.map(|(value, id)| Picked { value, id: Some(id) });
    });
    let markup = |matches: &[Match<'_>]| {
        let html: String = matches
            .iter()
            .map(|one| match one.attribute {
                Some(_) => crate::html::escape(&said(dom, *one)),
                None => fields::markup(dom, one.id),
            })
            .collect();
        (!html.trim().is_empty()).then(|| (html, matches.iter().map(|one| one.id).collect()))
    };
    let summarized = reading.put(fields.summary.as_ref(), |_, found, matches| {
        found.summary = markup(&outermost(dom, matches));
    });
    reading.put(fields.content.as_ref(), |_, found, matches| {
        found.content = markup(&outermost(dom, matches));
        // The short text that was worked out is a part of it.
        if !summarized && found.content.is_some() {
            found.summary = None;
        }
    });
    if fields.content.is_none() && summarized {
        for found in reading.found.iter_mut().filter(|found| found.content.is_some()) {
            found.content = found.content.take().filter(|content| found.summary.as_ref() != Some(content));
        }
    }
    reading.put(fields.author.as_ref(), |_, found, matches| {
        let names = matches.iter().map(|one| (fields::author_name(&said(dom, *one)), one.id));
        let names = names.filter(|(value, _)| !value.is_empty());
        found.authors = names.map(|(value, id)| Picked { value, id: Some(id) }).collect();
    });
}

fn others(reading: &mut Reading<'_, '_>, fields: &Fields) {
    let dom = reading.dom;
    reading.put(fields.link.as_ref(), |root, found, matches| {
        let link = matches.iter().find_map(|one| Some((asked(dom, *one, &["href"], root)?, one.id)));
        found.link = link.map(|(value, id)| Picked { value: value.to_owned(), id: Some(id) });
    });
    reading.put(fields.image.as_ref(), |_, found, matches| {
        let image = matches.iter().find_map(|one| {
            let value = match one.attribute {
                Some(name) => dom.attr(one.id, name).map(str::to_owned),
                None => dom.within(one.id).find_map(|id| fields::picture_of(|name| dom.attr(id, name))),
            };
            Some(Picked { value: value?, id: Some(one.id) })
        });
        found.image = image;
    });
    reading.put(fields.language.as_ref(), |_, found, matches| {
        let value = |one: &Match<'_>| match one.attribute {
            None => dom.attr(one.id, "lang").map_or_else(|| dom.text(one.id), str::to_owned),
            Some(_) => said(dom, *one),
        };
        found.language = matches.iter().map(value).find(|value| !value.is_empty());
    });
}

/// Matches that are not within another one.
fn outermost<'f>(dom: &Dom<'_>, matches: &[Match<'f>]) -> Vec<Match<'f>> {
    let mut end = 0;
    let outer = matches.iter().filter(|one| {
        let fresh = one.id >= end;
        end = end.max(dom.el(one.id).end);
        fresh
    });
    outer.copied().collect()
}

/// The date that a selector chose: `datetime` of it or in it, else its text; without a form to read it by, only the
/// date in the text.
fn chosen_date(dom: &Dom<'_>, one: Match<'_>, format: Option<&String>) -> Option<Picked<RawDate>> {
    let stamp = || dom.within(one.id).find_map(|id| dom.attr(id, "datetime"));
    let text = match (one.attribute, format) {
        (None, None) => stamp().map_or_else(|| said(dom, one), str::to_owned),
        _ => said(dom, one),
    };
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let value = match format {
        Some(format) => RawDate { text: text.to_owned(), format: Some(format.clone()) },
        None if date::parse(text, chrono_tz::UTC).is_some_and(|moment| moment.doubt.is_none()) => {
            RawDate::new(text)
        }
        None => fields::in_text(text).unwrap_or_else(|| RawDate::new(text)),
    };
    Some(Picked { value, id: Some(one.id) })
}
