//! The fields of an item, worked out: what the page states by microformats, microdata and `RDFa` first, then what headings,
//! `<time>`, class names and the places of things say. Never looks outside the item, but for links and
//! languages around it.

pub(super) use body::markup;
pub(super) use when::in_text;
pub(super) use where_to::{leads_anywhere, leads_elsewhere, picture_of};

mod body;
mod when;
mod where_to;

use super::dom::{Dom, Id};
use super::item::{self, Item};
use super::words::{self, Mark};
use crate::model::{Enclosure, RawDate};
use crate::text;

/// Characters of a title that is no heading.
const LONGEST_LINE: usize = 300;
/// Characters of a name.
const LONGEST_NAME: usize = 80;
/// Authors, subjects and files of one item, each.
const MOST: usize = 64;

/// A value and the element that it was taken from.
#[derive(Clone, Debug)]
pub(super) struct Picked<T> {
    /// The value.
    pub(super) value: T,
    /// The element, where one holds it.
    pub(super) id: Option<Id>,
}

/// What an item says. A field that is `None` was not looked for, or not found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Plain text.
    pub(super) title: Option<Picked<String>>,
    /// As written.
    pub(super) link: Option<Picked<String>>,
    /// When it came out.
    pub(super) published: Option<Picked<RawDate>>,
    /// When it changed.
    pub(super) updated: Option<Picked<RawDate>>,
    /// Names.
    pub(super) authors: Vec<Picked<String>>,
    /// HTML of a short text, and the elements it is made of.
    pub(super) summary: Option<(String, Vec<Id>)>,
    /// HTML of the whole text.
    pub(super) content: Option<(String, Vec<Id>)>,
    /// As written.
    pub(super) image: Option<Picked<String>>,
    /// As written.
    pub(super) language: Option<String>,
    /// Subjects.
    pub(super) categories: Vec<String>,
    /// Sound and film.
    pub(super) enclosures: Vec<Enclosure>,
}

/// Works all fields out.
pub(super) fn work_out(dom: &Dom<'_>, item: &Item<'_>) -> Found {
    let reader = Reader::new(dom, item);
    let mut found = Found::default();
    let dates = reader.dates();
    found.title = reader.title(&dates);
    found.link = reader.link(found.title.as_ref().and_then(|title| title.id));
    found.title = found.title.or_else(|| reader.title_of_link(found.link.as_ref()));
    found.authors = reader.authors();
    when::settle(dates, &mut found);
    reader.body(&mut found);
    found.image = reader.image();
    found.language = reader.language(found.title.as_ref().and_then(|title| title.id));
    found.categories = reader.categories();
    found.enclosures = reader.enclosures();
    found
}

/// An item with what is asked of it again and again.
struct Reader<'d, 'a> {
    dom: &'d Dom<'a>,
    item: &'d Item<'a>,
    /// All its elements.
    ids: Vec<Id>,
}

impl<'d, 'a> Reader<'d, 'a> {
    fn new(dom: &'d Dom<'a>, item: &'d Item<'a>) -> Self {
        Self { dom, item, ids: item.ids(dom).collect() }
    }

    fn has_class(&self, id: Id, class: &str) -> bool {
        self.dom.classes(id).any(|one| one == class)
    }

    /// An element of the item itself, not of a thing within it (a card of its author, a quoted entry).
    fn is_own(&self, id: Id) -> bool {
        let inner = |around: Id| {
            around != self.item.root
                && (self.dom.el(around).element.attr("itemscope").is_some()
                    || self.dom.classes(around).any(|class| class.starts_with("h-")))
        };
        !self.up(id).any(inner)
    }

    /// The elements around one, within the item.
    fn up(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        let root = self.item.root;
        let first = self.ids.first().copied().unwrap_or(root).min(root);
        self.dom.ancestors(id).take_while(move |around| *around >= first)
    }

    fn by_class<'s>(&'s self, class: &'s str) -> impl Iterator<Item = Id> + 's {
        self.ids.iter().copied().filter(move |id| self.has_class(*id, class) && self.is_own(*id))
    }

    /// Elements with a property of microdata or `RDFa`.
    fn by_property<'s>(&'s self, names: &'s [&'s str]) -> impl Iterator<Item = Id> + 's {
        let said = move |id: Id| {
            let properties =
                ["itemprop", "property"].into_iter().filter_map(move |name| self.dom.attr(id, name));
            properties.flat_map(str::split_ascii_whitespace).any(|one| {
                let one = one.rsplit_once([':', '/', '#']).map_or(one, |(_, name)| name);
                names.contains(&one)
            })
        };
        self.ids.iter().copied().filter(move |id| said(*id) && self.is_own(*id))
    }

    fn text(&self, id: Id) -> String {
        self.dom.text(id)
    }

    /// `content` of a `<meta>`, else the text.
    fn value(&self, id: Id) -> String {
        self.dom.attr(id, "content").map_or_else(|| self.text(id), str::to_owned)
    }

    fn title(&self, dates: &when::Dates) -> Option<Picked<String>> {
        let stated = || {
            self.by_class("p-name")
                .chain(self.by_class("entry-title"))
                .chain(self.by_property(&["headline", "name", "title"]))
        };
        let fits = |text: &str| !text.is_empty() && !item::is_date_text(text);
        let picked = |id: Id| Picked { value: self.title_text(id), id: Some(id) };
        let stated = stated().map(picked).find(|title| fits(&title.value));
        stated
            .or_else(|| self.heading().map(picked))
            .or_else(|| self.closed().map(picked))
            .or_else(|| self.title_by_class().map(|id| picked(self.main_link(id))))
            .or_else(|| self.title_by_link(dates))
            .or_else(|| self.first_line(dates))
            .map(|title| self.uncut(title))
            .map(|title| Picked { value: when::without_date(&title.value, dates), id: title.id })
    }

    /// [`Self::value`] without the mark that leads to the heading itself (`#`, `¶`), and without a date in an element
    /// of its own.
    fn title_text(&self, id: Id) -> String {
        let is_mark = |inner: Id| {
            self.dom.name(inner) == "a"
                && self.dom.sums(inner).chars <= 1
                && self.dom.attr(inner, "href").is_some_and(|href| href.starts_with('#'))
        };
        let skip = |inner: Id| is_mark(inner) || inner != id && item::is_date(self.dom, inner);
        self.dom.attr(id, "content").map_or_else(|| self.dom.text_without(id, &skip), str::to_owned)
    }

    /// What is seen of an item that opens when it is clicked.
    fn closed(&self) -> Option<Id> {
        let inside = self.ids.iter().copied().find(|id| self.dom.name(*id) == "summary")?;
        (self.dom.sums(inside).chars <= LONGEST_LINE).then_some(inside)
    }

    /// A title that was cut to fit, as the `title` of its link has it whole.
    fn uncut(&self, title: Picked<String>) -> Picked<String> {
        let start =
            title.value.strip_suffix("...").or_else(|| title.value.strip_suffix('…')).map(str::trim_end);
        let (Some(start), Some(id)) = (start.filter(|start| !start.is_empty()), title.id) else {
            return title;
        };
        let around = self.dom.within(id).chain(self.dom.ancestors(id).take(3));
        let whole = around
            .filter_map(|id| self.dom.attr(id, "title").or_else(|| self.dom.attr(id, "aria-label")))
            .map(text::squeeze)
            .find(|whole| whole.starts_with(start));
        Picked { value: whole.unwrap_or(title.value), id: title.id }
    }

    /// The heading that most looks like a title.
    fn heading(&self) -> Option<Id> {
        let mut best: Option<(i32, Id)> = None;
        for id in self.ids.iter().copied() {
            let [b'h', level @ b'1'..=b'6'] = self.dom.name(id).as_bytes() else { continue };
            let text = self.text(id);
            if text.is_empty() || item::is_date_text(&text) || words::is_more(&text) {
                continue;
            }
            let linked =
                self.dom.sums(id).links > 0 || self.up(id).any(|around| self.dom.name(around) == "a");
            let long = text.split(' ').count() >= 3 || text.chars().count() >= 15;
            let score = i32::from(b'7' - level) + 4 * i32::from(linked) + 4 * i32::from(long);
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, id));
            }
        }
        best.map(|(_, id)| id)
    }

    fn title_by_class(&self) -> Option<Id> {
        let candidates = self.ids.iter().copied().filter(|id| {
            let sums = self.dom.sums(*id);
            sums.chars > 3
                && sums.chars <= LONGEST_LINE
                && *id != self.item.root
                && self.dom.is_marked(*id, Mark::Title)
                && !self.dom.is_marked(*id, Mark::Summary)
        });
        let fits = |id: &Id| {
            let text = self.text(*id);
            !item::is_date_text(&text) && !words::is_more(&text)
        };
        candidates.take(8).find(fits)
    }

    /// The one link of an element that is called a title, where it is most of it.
    fn main_link(&self, id: Id) -> Id {
        let inside = self.links().filter(|link| *link != id && self.dom.within(id).contains(link));
        let main = inside.take(8).find(|link| self.dom.sums(*link).chars * 2 > self.dom.sums(id).chars);
        main.unwrap_or(id)
    }

    /// The link whose text most looks like a title.
    fn title_by_link(&self, dates: &when::Dates) -> Option<Picked<String>> {
        let mut best: Option<(usize, Id, String)> = None;
        for id in self.links().take(MOST) {
            if self.leads_elsewhere(id) || self.dom.sums(id).chars > LONGEST_LINE {
                continue;
            }
            let text = self.text(id);
            if words::is_more(&text) || item::is_date_text(&when::without_date(&text, dates)) {
                continue;
            }
            let count = text.chars().count();
            if best.as_ref().is_none_or(|(most, ..)| count > *most) {
                best = Some((count, id, text));
            }
        }
        // A card that is a link as a whole: its first line, not all it says.
        let (_, id, value) = best?;
        let whole = self.item.tops(self.dom).all(|top| self.dom.sums(top).chars == self.dom.sums(id).chars);
        let blocks =
            self.dom.within(id).skip(1).any(|inner| matches!(self.dom.name(inner), "div" | "p" | "span"));
        let one = !whole || !blocks;
        one.then_some(Picked { value, id: Some(id) })
    }

    /// A strong word at the beginning, else the first line with words that is no date.
    fn first_line(&self, dates: &when::Dates) -> Option<Picked<String>> {
        let strong = self.ids.iter().copied().find(|id| {
            matches!(self.dom.name(*id), "strong" | "b" | "dt" | "th" | "summary" | "figcaption")
                && self.dom.sums(*id).chars > 3
                && !item::is_date_text(&self.text(*id))
        });
        if let Some(id) = strong.filter(|id| self.dom.sums(*id).chars <= LONGEST_LINE) {
            return Some(Picked { value: self.text(id), id: Some(id) });
        }
        let leaf = |id: &Id| {
            let inner = self.dom.children(*id).all(|child| !is_block(self.dom.name(child)));
            inner && is_block(self.dom.name(*id)) && self.dom.sums(*id).chars > 0
        };
        let lines = || self.ids.iter().copied().filter(leaf).take(MOST);
        let fits = |id: Id| {
            let id = self.part_of_line(id).unwrap_or(id);
            let rest = when::without_date(&self.text(id), dates);
            let fits = !rest.is_empty() && !item::is_date_text(&rest) && rest.chars().count() > 3;
            fits.then(|| Picked { value: text::cut(&rest, LONGEST_LINE).0.to_owned(), id: Some(id) })
        };
        let has_words = |title: &Picked<String>| is_wording(&title.value);
        if let Some(title) = lines().filter_map(fits).find(has_words).or_else(|| lines().find_map(fits)) {
            return Some(title);
        }
        let more = |id: Id| self.dom.name(id) == "a" && words::is_more(&self.text(id));
        let text = when::without_date(&self.item.text(self.dom, &more), dates);
        let (cut, _) = text::cut(&text, LONGEST_LINE);
        (!cut.is_empty()).then(|| Picked { value: cut.to_owned(), id: None })
    }

    /// The first part with some words, where a line is made of nothing but parts: day, month, title.
    fn part_of_line(&self, line: Id) -> Option<Id> {
        let bare = |id: &Id| self.dom.children(*id).next().is_none() && self.dom.sums(*id).chars > 0;
        let parts: Vec<Id> = self.dom.within(line).skip(1).filter(bare).take(8).collect();
        let chars: usize = parts.iter().map(|id| self.dom.sums(*id).chars).sum();
        if parts.len() < 2 || chars != self.dom.sums(line).chars {
            return None;
        }
        parts.into_iter().find(|id| self.dom.sums(*id).chars >= 12 && !item::is_date(self.dom, *id))
    }

    fn title_of_link(&self, link: Option<&Picked<String>>) -> Option<Picked<String>> {
        let id = link?.id?;
        let said = ["title", "aria-label"].into_iter().find_map(|name| self.dom.attr(id, name));
        let alt = || self.dom.within(id).find_map(|inner| self.dom.attr(inner, "alt"));
        let value = text::squeeze(said.or_else(alt)?);
        (!words::is_more(&value)).then_some(Picked { value, id: None })
    }

    fn authors(&self) -> Vec<Picked<String>> {
        let card = |id: Id| {
            let named = self.dom.within(id).find(|inner| self.has_class(*inner, "p-name"));
            let property = || {
                self.dom.within(id).skip(1).find(|inner| self.dom.attr(*inner, "itemprop") == Some("name"))
            };
            named.or_else(property).unwrap_or(id)
        };
        let stated: Vec<Id> = self
            .ids
            .iter()
            .copied()
            .filter(|id| {
                let rel =
                    self.dom.attr(*id, "rel").is_some_and(|rel| rel.split(' ').any(|one| one == "author"));
                let property = self.dom.attr(*id, "itemprop").or_else(|| self.dom.attr(*id, "property"));
                rel || self.has_class(*id, "p-author") || property.is_some_and(|one| one.ends_with("author"))
            })
            .map(card)
            .collect();
        let marked = || {
            let ids = self.ids.iter().copied().filter(|id| self.dom.is_marked(*id, Mark::Author));
            ids.filter(|id| *id != self.item.root).take(1).collect()
        };
        let ids: Vec<Id> = if stated.is_empty() { marked() } else { stated };
        let mut names: Vec<Picked<String>> = Vec::new();
        for id in ids.into_iter().take(MOST) {
            let value = author_name(&self.value(id));
            let fits =
                !value.is_empty() && value.chars().count() <= LONGEST_NAME && !item::is_date_text(&value);
            if fits && names.iter().all(|name| name.value != value) {
                names.push(Picked { value, id: Some(id) });
            }
        }
        names
    }

    fn language(&self, title: Option<Id>) -> Option<String> {
        let said = |id: Id| self.dom.attr(id, "lang").or_else(|| self.dom.attr(id, "xml:lang"));
        let own = title.and_then(|title| {
            let inner = self.dom.children(title).filter(|_| true).find_map(said);
            said(title).or(inner).or_else(|| self.up(title).find_map(said))
        });
        // The page's own language is not the item's statement.
        let around = || {
            let up = std::iter::once(self.item.root).chain(self.dom.ancestors(self.item.root));
            up.filter(|id| !matches!(self.dom.name(*id), "html" | "body")).find_map(said)
        };
        let target =
            || title.and_then(|title| self.dom.within(title).find_map(|id| self.dom.attr(id, "hreflang")));
        own.or_else(around).or_else(target).map(str::to_owned)
    }

    fn categories(&self) -> Vec<String> {
        let stated = self.ids.iter().copied().filter(|id| {
            let rel = self.dom.attr(*id, "rel").unwrap_or_default();
            rel.split_ascii_whitespace().any(|one| one == "tag" || one == "category")
                || self.has_class(*id, "p-category")
        });
        let mut terms: Vec<String> = Vec::new();
        for term in stated.take(MOST).map(|id| self.text(id)) {
            if !term.is_empty() && !terms.contains(&term) {
                terms.push(term);
            }
        }
        terms
    }

    fn enclosures(&self) -> Vec<Enclosure> {
        let is_media = |id: &Id| matches!(self.dom.name(*id), "audio" | "video" | "source");
        let mut files: Vec<Enclosure> = Vec::new();
        for id in self.ids.iter().copied().filter(is_media).take(MOST) {
            let picture = self.dom.ancestors(id).take(1).any(|around| self.dom.name(around) == "picture");
            let Some(url) = self.dom.attr(id, "src").filter(|_| !picture) else { continue };
            let media_type = self.dom.attr(id, "type").unwrap_or(match self.dom.name(id) {
                "audio" => "audio/mpeg",
                "video" => "video/mp4",
                _ => "",
            });
            files.push(Enclosure {
                url: url.to_owned(),
                media_type: media_type.to_owned(),
                ..Enclosure::default()
            });
        }
        files
    }
}

/// More letters than digits: no number of a document or a case.
fn is_wording(text: &str) -> bool {
    let count = |is: fn(char) -> bool| text.chars().filter(|letter| is(*letter)).count();
    count(char::is_alphabetic) > count(char::is_numeric)
}

/// Elements that begin a line of their own.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "li"
            | "dd"
            | "dt"
            | "td"
            | "th"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "ul"
            | "ol"
            | "table"
            | "tr"
            | "blockquote"
            | "figure"
            | "figcaption"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "main"
            | "pre"
    )
}

/// A name without what leads it ("By").
pub(super) fn author_name(said: &str) -> String {
    let said = text::squeeze(said);
    let lower = said.to_lowercase();
    let lead = words::BY.iter().filter(|by| {
        let rest = lower.strip_prefix(**by);
        rest.is_some_and(|rest| rest.starts_with([' ', ':']) || by.ends_with([':', '：', '/']))
    });
    // Lower case may have other lengths; then the text stays as it is.
    let cut = lead.map(|by| by.len()).max().filter(|_| lower.len() == said.len()).unwrap_or(0);
    said.get(cut..).unwrap_or(&said).trim_matches([' ', ':', ',', '|', '-', '–', '—', '·']).to_owned()
}
