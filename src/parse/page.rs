//! An HTML page that lists news → raw entries: with the selectors of `[source.page]` where there are any, else by
//! what the page states of itself and by its structure. Never runs scripts, never fetches.

mod above;
mod data;
mod dom;
mod fields;
mod groups;
mod item;
mod learn;
mod list;
mod name;
mod select;
mod there;
mod words;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use scraper::Html;
use url::Url;

use self::above::Headings;
use self::data::{Data, Story};
use self::dom::{Dom, Id};
use self::fields::Found;
use self::list::{Fields, List};
use self::there::Missing;
use self::words::Mark;
use super::discover;
use super::feed::MOST_ENTRIES;
use super::{Input, ParseError, Parsed};
use crate::html::measure::{self, Excess};
use crate::link;
use crate::model::{Category, Format, PageSelectors, Person, RawEntry, RawFeed, Text, Warning};

/// What a page may hold; the tree builder's time and memory follow from it.
const BOUNDS: measure::Bounds = measure::Bounds { deepest: 512, attributes: 256, nodes: 1_500_000 };

fn too_much(excess: Excess) -> ParseError {
    ParseError::Limit(match excess {
        Excess::Depth => format!("the page is nested more than {} elements deep", BOUNDS.deepest),
        Excess::Attributes(name) => {
            format!("a tag <{name}> of the page has more than {} attributes", BOUNDS.attributes)
        }
        Excess::Nodes => format!("the page has more than {} parts", BOUNDS.nodes),
    })
}

/// Reads a page: with the selectors of `[source.page]` where there are any, else by its own structure.
pub(super) fn read(text: &str, input: &Input<'_>) -> Result<Parsed, ParseError> {
    measure::check(text, &BOUNDS).map_err(too_much)?;
    let html = Html::parse_document(text);
    let dom = Dom::new(&html);
    let page = Page { html: &html, dom: &dom, input, headings: Headings::new(&dom), base: base(&dom) };
    let selectors = input.selectors;
    let fields = Fields::new(selectors)?;
    let mut parsed = match &selectors.item {
        Some(written) => page.configured(written, &fields)?,
        None => page.learned(&fields)?,
    };
    if parsed.entries.len() > MOST_ENTRIES {
        let words = format!("{} items: the first {MOST_ENTRIES} are kept", parsed.entries.len());
        parsed.warnings.push(Warning(words));
        parsed.entries.truncate(MOST_ENTRIES);
    }
    parsed.next_page = next_page(&dom, selectors.next.as_deref())?;
    Ok(parsed)
}

/// The stories of a document that is data altogether.
pub(super) fn in_json(text: &str) -> Vec<RawEntry> {
    data::in_json(text).iter().take(MOST_ENTRIES).map(Story::entry).collect()
}

/// Whether a selector can be used.
pub(super) fn check_selector(written: &str) -> Result<(), String> {
    select::Field::parse("", written).map(|_| ())
}

struct Page<'p, 'a> {
    html: &'a Html,
    dom: &'p Dom<'a>,
    input: &'p Input<'p>,
    headings: Headings,
    base: Option<String>,
}

impl<'a> Page<'_, 'a> {
    fn configured(&self, written: &str, fields: &Fields) -> Result<Parsed, ParseError> {
        let selector = select::css_selector(written).map_err(|why| list::wrong("item", &why))?;
        let roots = select::all(self.dom, &selector);
        if roots.is_empty() {
            return match there::missing(self.dom, written) {
                Missing::Empty(words) => Ok(self.parsed(Vec::new(), vec![Warning(words)], None)),
                Missing::Gone(error) => Err(error),
            };
        }
        let list = list::read(self.dom, &self.headings, item::items(self.dom, &roots), fields);
        let data = data::read(self.dom);
        let mut entries = self.entries(&list, &data);
        let mut warnings = list.warnings;
        let before = entries.len();
        entries.retain(|entry| entry.title.is_some() || entry.link.is_some() || entry.content.is_some());
        if entries.len() < before {
            let left = before - entries.len();
            warnings.push(Warning(format!(
                "{left} of {before} items have neither title nor link and were left out"
            )));
        }
        Ok(self.parsed(entries, warnings, None))
    }

    fn learned(&self, fields: &Fields) -> Result<Parsed, ParseError> {
        let data = data::read(self.dom);
        let known: HashSet<String> = data
            .list
            .iter()
            .filter_map(|story| story.link.clone())
            .flat_map(|link| self.spellings(&link))
            .collect();
        let learned = learn::learn(self.dom, &self.headings, &known);
        if self.prefers_data(&data, learned.as_ref()) {
            let entries: Vec<RawEntry> =
                data.list.iter().filter(|story| story.title.is_some()).map(Story::entry).collect();
            return Ok(self.parsed(entries, Vec::new(), None));
        }
        let Some(learned) = learned else {
            return Err(ParseError::NoFeed(self.no_list()));
        };
        let list = list::read(self.dom, &self.headings, item::items(self.dom, &learned.roots), fields);
        let entries = self.entries(&list, &data);
        let selectors = self.selectors(&learned, &entries, &data);
        let mut parsed = self.parsed(entries, list.warnings, selectors);
        if parsed.learned.is_none() {
            parsed
                .warnings
                .push(Warning("no selector was found that selects the items and nothing else".to_owned()));
        }
        Ok(parsed)
    }

    /// There is nothing on the page to be read; who gave its address may mean its feed.
    fn no_list(&self) -> String {
        let near = self.input.url.map(|url| discover::near(self.html, url));
        match near.and_then(|near| near.said.into_iter().next()) {
            Some(feed) => format!(
                "no list of news was found on the page, but it names a feed: {}",
                link::mask(feed.as_str())
            ),
            None => {
                "no list of news was found on the page; if there is one, name its items: item = \"…\" in \
                     [source.page]"
                    .to_owned()
            }
        }
    }

    /// Whether the page's data is its list: where its elements hold none, or another one.
    fn prefers_data(&self, data: &Data, learned: Option<&learn::Learned<'a>>) -> bool {
        let titled = data.list.iter().filter(|story| story.title.is_some()).count();
        if titled < 2 {
            return false;
        }
        let Some(learned) = learned else { return true };
        let keys: HashSet<String> = learned.list.found.iter().flat_map(|found| self.keys_of(found)).collect();
        let both = data
            .list
            .iter()
            .filter(|story| self.keys_of_story(story).iter().any(|key| keys.contains(key)))
            .count();
        if both * 2 >= titled.min(learned.roots.len()) {
            // The same list: the page's elements say more, unless they are only a part of it.
            return learned.roots.len() * 2 < titled;
        }
        data.stated || learned.worth < 0.6
    }

    /// Selectors that read the same entries, when they are configured.
    fn selectors(
        &self,
        learned: &learn::Learned<'a>,
        entries: &[RawEntry],
        data: &Data,
    ) -> Option<PageSelectors> {
        let item = name::item(self.dom, &learned.roots)?;
        let mut all = PageSelectors { item: Some(item.clone()), pages: 1, ..PageSelectors::default() };
        name::fields(self.dom, &learned.list, &mut all);
        let read = |selectors: &PageSelectors| -> Option<Vec<RawEntry>> {
            let fields = Fields::new(selectors).ok()?;
            let items = item::items(self.dom, &learned.roots);
            Some(self.entries(&list::read(self.dom, &self.headings, items, &fields), data))
        };
        if read(&all).is_some_and(|again| same(&again, entries)) {
            return Some(all);
        }
        // One by one: a field whose selector reads something else is left to be worked out.
        let mut kept = PageSelectors { item: Some(item), pages: 1, ..PageSelectors::default() };
        let put: [fn(&mut PageSelectors, &PageSelectors); 7] = [
            |kept, all| kept.title.clone_from(&all.title),
            |kept, all| kept.link.clone_from(&all.link),
            |kept, all| kept.date.clone_from(&all.date),
            |kept, all| kept.summary.clone_from(&all.summary),
            |kept, all| kept.content.clone_from(&all.content),
            |kept, all| kept.author.clone_from(&all.author),
            |kept, all| kept.image.clone_from(&all.image),
        ];
        for put in put {
            let mut tried = kept.clone();
            put(&mut tried, &all);
            if tried != kept && read(&tried).is_some_and(|again| same(&again, entries)) {
                kept = tried;
            }
        }
        Some(kept)
    }

    fn entries(&self, list: &List<'a>, data: &Data) -> Vec<RawEntry> {
        let mut known: HashMap<String, &Story> = HashMap::new();
        for story in &data.all {
            for key in self.keys_of_story(story) {
                known.entry(key).or_insert(story);
            }
        }
        let entry = |found: &Found| {
            let mut entry = entry(found);
            let story = self.keys_of(found).iter().find_map(|key| known.get(key).copied());
            if let Some(story) = story {
                complete(&mut entry, story.entry());
            }
            entry.base.clone_from(&self.base);
            entry
        };
        list.found.iter().map(entry).collect()
    }

    /// What a story is known by: its link and its title.
    fn keys_of(&self, found: &Found) -> Vec<String> {
        let link = found.link.as_ref().and_then(|link| self.canonical(&link.value));
        let title = found.title.as_ref().map(|title| title_key(&title.value));
        link.into_iter().chain(title).collect()
    }

    fn keys_of_story(&self, story: &Story) -> Vec<String> {
        let link = story.link.as_ref().and_then(|link| self.canonical(link));
        link.into_iter().chain(story.title.as_ref().map(|title| title_key(title))).collect()
    }

    fn canonical(&self, written: &str) -> Option<String> {
        let absolute = match self.address() {
            Some(base) => base.join(written).ok()?.to_string(),
            None => Url::parse(written).map_or_else(
                |_| format!("http://page.invalid/{}", written.trim_start_matches('/')),
                String::from,
            ),
        };
        link::canonical(&absolute).map(|key| format!("link {key}"))
    }

    /// The ways a link may be written on this page.
    fn spellings(&self, written: &str) -> Vec<String> {
        let absolute = self.address().and_then(|base| base.join(written).ok());
        let path = absolute.as_ref().map(|url| url.path().to_owned());
        [Some(written.to_owned()), absolute.map(String::from), path].into_iter().flatten().collect()
    }

    /// What relative links are relative to.
    fn address(&self) -> Option<Url> {
        let base = self.base.as_deref();
        match (self.input.url, base) {
            (Some(url), Some(base)) => url.join(base).ok(),
            (Some(url), None) => Some(url.clone()),
            (None, base) => base.and_then(|base| Url::parse(base).ok()),
        }
    }

    fn parsed(
        &self,
        entries: Vec<RawEntry>,
        warnings: Vec<Warning>,
        learned: Option<PageSelectors>,
    ) -> Parsed {
        let mut feed = head(self.dom, self.input);
        feed.base.clone_from(&self.base);
        Parsed { format: Format::Page, feed, entries, warnings, learned, next_page: None }
    }
}

fn title_key(title: &str) -> String {
    format!("title {}", crate::text::fold_title(title))
}

/// Fills what the page's elements leave out from its data.
fn complete(entry: &mut RawEntry, told: RawEntry) {
    if entry.published.is_none() {
        entry.published = told.published;
    }
    entry.updated = entry.updated.take().or(told.updated);
    entry.link = entry.link.take().or(told.link);
    entry.image = entry.image.take().or(told.image);
    entry.language = entry.language.take().or(told.language);
    if entry.summary.is_none() && entry.content.is_none() {
        entry.summary = told.summary;
        entry.content = told.content;
    }
    if entry.authors.is_empty() {
        entry.authors = told.authors;
    }
    if entry.categories.is_empty() {
        entry.categories = told.categories;
    }
    if entry.enclosures.is_empty() {
        entry.enclosures = told.enclosures;
    }
}

fn entry(found: &Found) -> RawEntry {
    let rich = |said: &Option<(String, Vec<Id>)>| said.as_ref().map(|(html, _)| Text::html(html.clone()));
    RawEntry {
        title: found
            .title
            .as_ref()
            .map(|title| Text::plain(title.value.clone()))
            .filter(|title| !title.value.is_empty()),
        link: found.link.as_ref().map(|link| link.value.clone()),
        published: found.published.as_ref().map(|date| date.value.clone()),
        updated: found.updated.as_ref().map(|date| date.value.clone()),
        authors: found
            .authors
            .iter()
            .map(|name| Person { name: Some(name.value.clone()), ..Person::default() })
            .collect(),
        summary: rich(&found.summary),
        content: rich(&found.content),
        image: found.image.as_ref().map(|image| image.value.clone()),
        language: found.language.clone(),
        categories: found
            .categories
            .iter()
            .map(|term| Category { term: term.clone(), ..Category::default() })
            .collect(),
        enclosures: found.enclosures.clone(),
        ..RawEntry::default()
    }
}

/// Whether two readings give the same entries to a reader.
fn same(left: &[RawEntry], right: &[RawEntry]) -> bool {
    let text = |said: &Option<Text>| said.as_ref().map(|said| crate::text::squeeze(&said.value));
    let equal = |(one, other): (&RawEntry, &RawEntry)| {
        text(&one.title) == text(&other.title)
            && one.link == other.link
            && one.published == other.published
            && one.updated == other.updated
            && text(&one.summary) == text(&other.summary)
            && text(&one.content) == text(&other.content)
            && one.authors == other.authors
            && one.image == other.image
    };
    left.len() == right.len() && left.iter().zip(right).all(equal)
}

/// `<base href>`, where it is http(s) or relative.
fn base(dom: &Dom<'_>) -> Option<String> {
    let base = (0..dom.len()).find(|id| dom.name(*id) == "base" && dom.attr(*id, "href").is_some())?;
    let href = dom.attr(base, "href")?;
    let fits = match Url::parse(href) {
        Ok(url) => matches!(url.scheme(), "http" | "https"),
        Err(_) => true,
    };
    fits.then(|| href.to_owned())
}

fn head(dom: &Dom<'_>, input: &Input<'_>) -> RawFeed {
    let meta = |names: &[&str]| {
        names.iter().find_map(|name| {
            let is = |id: &Id| {
                dom.name(*id) == "meta"
                    && (dom.attr(*id, "name") == Some(name) || dom.attr(*id, "property") == Some(name))
            };
            (0..dom.len()).find(is).and_then(|id| dom.attr(id, "content")).map(str::to_owned)
        })
    };
    let first = |name: &str| (0..dom.len()).find(|id| dom.name(*id) == name);
    let text = |id: Id| {
        Some(crate::text::squeeze(&dom.el(id).element.text().collect::<String>()))
            .filter(|text| !text.is_empty())
    };
    let title = first("title")
        .and_then(text)
        .or_else(|| meta(&["og:title", "og:site_name"]))
        .or_else(|| first("h1").and_then(text));
    let below = || {
        let heading = first("h1")?;
        let parent = dom.el(heading).parent?;
        let next = dom.children(parent).find(|id| *id > heading)?;
        (dom.name(next) == "p" || dom.is_marked(next, Mark::Summary))
            .then(|| dom.text(next))
            .filter(|text| text.len() < 400)
    };
    let link_of = |rel: &str| {
        let is = |id: &Id| {
            dom.name(*id) == "link" && dom.attr(*id, "rel").is_some_and(|said| said.eq_ignore_ascii_case(rel))
        };
        (0..dom.len()).find(is).and_then(|id| dom.attr(id, "href")).map(str::to_owned)
    };
    let html = first("html");
    let language =
        html.and_then(|id| dom.attr(id, "lang").or_else(|| dom.attr(id, "xml:lang"))).map(str::to_owned);
    RawFeed {
        title: title.map(Text::plain),
        link: link_of("canonical").or_else(|| input.url.map(Url::to_string)),
        description: meta(&["description", "og:description"])
            .or_else(below)
            .filter(|said| !said.is_empty())
            .map(Text::plain),
        language: language.or_else(|| input.content_language.map(str::to_owned)),
        image: meta(&["og:image"]),
        ..RawFeed::default()
    }
}

/// The next page of the list: by the selector, else what the page says is next.
fn next_page(dom: &Dom<'_>, written: Option<&str>) -> Result<Option<String>, ParseError> {
    if let Some(written) = written {
        let field = select::Field::parse("next", written).map_err(|why| list::wrong("next", &why))?;
        let href = |one: select::Match<'_>| match one.attribute {
            Some(name) => dom.attr(one.id, name),
            None => select::bearer(dom, one.id, &["href"], one.id),
        };
        return Ok(field.matches_in_page(dom).into_iter().find_map(href).map(str::to_owned));
    }
    let links = || {
        (0..dom.len()).filter(|id| matches!(dom.name(*id), "a" | "link") && dom.attr(*id, "href").is_some())
    };
    let says_next = |id: &Id| {
        dom.attr(*id, "rel")
            .is_some_and(|rel| rel.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case("next")))
    };
    let called_next = |id: &Id| {
        let named = dom.is_marked(*id, Mark::Next)
            || dom.el(*id).parent.is_some_and(|up| dom.is_marked(up, Mark::Next));
        let pages = dom.ancestors(*id).take(4).any(|up| dom.is_marked(up, Mark::Pages))
            || dom.is_marked(*id, Mark::Pages);
        named && pages
    };
    let next =
        links().find(says_next).or_else(|| links().find(called_next)).and_then(|id| dom.attr(id, "href"));
    Ok(next.filter(|href| fields::leads_anywhere(href)).map(str::to_owned))
}
