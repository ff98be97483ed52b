//! One item or entry element → [`RawEntry`].

use super::{Child, Node, Ns, add_person, has_plain_lines, non_empty, people, podcast, resolved, text_of};
use crate::html;
use crate::model::{Category, Enclosure, RawDate, RawEntry, Text, TextKind};

/// What is found on the way and decided at the end.
#[derive(Default)]
struct Finds {
    entry: RawEntry,
    /// A guid that is also the entry's page.
    permalink: Option<String>,
    about: Option<String>,
    identifier: Option<String>,
    atom_link: Option<String>,
    /// Texts of extensions, for where the format's own are missing; best first.
    other_title: Option<Text>,
    other_summaries: Vec<(u8, Text)>,
    dc_date: Option<RawDate>,
    created: Option<RawDate>,
    /// The link that was found leads to a file rather than a page.
    no_page: bool,
    source_authors: Vec<crate::model::Person>,
    /// Of RSS: a text of any length.
    description: Option<Text>,
    /// Atom `content src=…`.
    out_of_line: Option<Enclosure>,
}

/// Reads one element.
pub(super) fn read(node: &Node, atom: bool) -> RawEntry {
    let mut finds = Finds::default();
    finds.entry.base = node.base.as_ref().map(ToString::to_string);
    finds.entry.language = node.language.as_deref().filter(|_| node.own_language).map(str::to_owned);
    finds.about = node
        .attributes
        .iter()
        .find(|(ns, name, _)| *ns == Ns::Rdf && name == "about")
        .map(|(_, _, v)| v.clone());
    // CDF: <item href="…" lastmod="…">.
    finds.entry.link = node.attribute("href").and_then(|href| resolved(node, href));
    finds.entry.updated = node.attribute("lastmod").map(RawDate::new);
    for child in node.nodes() {
        match child.ns {
            Ns::Rss | Ns::Atom | Ns::Other | Ns::Rdf | Ns::Xhtml => core(&mut finds, child, atom),
            _ => extension(&mut finds, child),
        }
    }
    finds.entry.link = finds.entry.link.take().or_else(|| beside_its_element(node));
    finish(finds, atom)
}

/// `<link/>http://…`: so it becomes where a feed is written by what knows HTML only, whose `link` is empty.
fn beside_its_element(node: &Node) -> Option<String> {
    node.children.iter().zip(node.children.iter().skip(1)).find_map(|pair| match pair {
        (Child::Node(before), Child::Text(text)) if before.name == "link" && before.attributes.is_empty() => {
            Some(text.trim()).filter(|text| text.starts_with("http")).and_then(|text| resolved(node, text))
        }
        _ => None,
    })
}

fn take(slot: &mut Option<Text>, node: &Node, atom: bool) {
    let text = text_of(node, atom);
    if slot.as_ref().is_none_or(|text| text.value.is_empty()) && !text.value.is_empty() {
        *slot = Some(text);
    }
}

/// Given twice, the last counts: so other readers do it.
fn date(slot: &mut Option<RawDate>, node: &Node) {
    let stated = || node.nodes().find_map(|child| child.attribute("datetime")).map(str::to_owned);
    let text = stated().unwrap_or_else(|| without_markup(node.text()));
    *slot = non_empty(text).map(RawDate::new).or(slot.take());
}

/// The date that stands in the markup of a page: what is stated there for programs, else its text.
fn without_markup(text: String) -> String {
    if !text.contains('<') {
        return text;
    }
    let for_programs = |said: &String| said.starts_with(|first: char| first.is_ascii_digit());
    let stated = ["datetime", "content"].iter().find_map(|name| html::attribute(&text, name));
    stated.filter(for_programs).unwrap_or_else(|| html::to_text(&text))
}

fn core(finds: &mut Finds, node: &Node, atom: bool) {
    let entry = &mut finds.entry;
    match node.name.as_str() {
        "title" => take(&mut entry.title, node, atom),
        "link" => link(finds, node, atom),
        "id" => {
            let id = non_empty(node.text());
            // In RSS it stands for a guid, which is a page's address unless it says otherwise.
            if let Some(address) = id.as_ref().filter(|id| id.starts_with("http")) {
                finds.permalink.get_or_insert_with(|| address.clone());
            }
            entry.guid = entry.guid.take().or(id);
        }
        "guid" => {
            let text = if node.has_nodes() { node.markup(false) } else { node.text() };
            let named =
                node.attribute("ispermalink").is_none_or(|value| !value.trim().eq_ignore_ascii_case("false"));
            if named && (text.starts_with("http://") || text.starts_with("https://")) {
                finds.permalink = Some(text.clone());
            } else if named && node.attribute("ispermalink").is_some() && !text.is_empty() {
                finds.permalink = resolved(node, &text);
            }
            entry.guid = non_empty(text).or(entry.guid.take());
        }
        "description" if node.ns != Ns::Rdf => take(&mut finds.description, node, atom),
        "summary" | "abstract" | "tagline" if node.ns != Ns::Rdf => take(&mut entry.summary, node, atom),
        "content" | "body" | "fullitem" => content(finds, node, atom),
        "author" | "managingeditor" | "creator" => add_person(&mut entry.authors, people::construct(node)),
        "contributor" => {}
        "pubdate" | "published" | "issued" => date(&mut entry.published, node),
        "updated" | "modified" | "lastbuilddate" => date(&mut entry.updated, node),
        "created" => date(&mut finds.created, node),
        "date" if node.ns != Ns::Xhtml => date(&mut finds.dc_date, node),
        "category" => category(finds, node),
        "enclosure" => enclosure(finds, node),
        "source" => source(finds, node),
        "image" | "thumbnail" => image(finds, node),
        "a" => finds.atom_link = finds.atom_link.take().or_else(|| resolved(node, node.attribute("href")?)),
        "language" => entry.language = entry.language.take().or_else(|| non_empty(node.text())),
        "keywords" => keywords(finds, &node.text()),
        "group" => media_group(finds, node),
        _ => {}
    }
}

fn extension(finds: &mut Finds, node: &Node) {
    match (node.ns, node.name.as_str()) {
        (Ns::Content, "encoded") => take(&mut finds.entry.content, node, false),
        (Ns::Dc | Ns::Media, "title") => take(&mut finds.other_title, node, false),
        (Ns::Dc, "creator" | "author" | "publisher") if node.name != "publisher" => {
            add_person(&mut finds.entry.authors, people::construct(node));
        }
        (Ns::Itunes, "author") => add_person(&mut finds.entry.authors, people::construct(node)),
        (Ns::Dc, "date") => date(&mut finds.dc_date, node),
        (Ns::DcTerms, "issued" | "dateissued") => date(&mut finds.entry.published, node),
        (Ns::DcTerms, "modified") => date(&mut finds.entry.updated, node),
        (Ns::DcTerms, "created" | "available") => date(&mut finds.created, node),
        (Ns::Dc | Ns::DcTerms, "subject") => category(finds, node),
        (Ns::Dc, "identifier") => {
            finds.identifier = finds.identifier.take().or_else(|| non_empty(node.text()));
        }
        (Ns::Dc, "language") => {
            finds.entry.language = finds.entry.language.take().or_else(|| non_empty(node.text()));
        }
        (Ns::Dc | Ns::DcTerms, "description" | "abstract") => other_summary(finds, node, 0),
        (Ns::Itunes, "summary" | "description") => other_summary(finds, node, 1),
        (Ns::Media, "description" | "text") => other_summary(finds, node, 2),
        (Ns::Itunes, "subtitle") => other_summary(finds, node, 3),
        (Ns::Itunes | Ns::Media, "keywords") => keywords(finds, &node.text()),
        (Ns::Itunes | Ns::Media, "category") => category(finds, node),
        (Ns::Itunes, "duration") => finds.entry.duration = finds.entry.duration.or(seconds(&node.text())),
        (Ns::Itunes, _) => {
            podcast::episode(&mut finds.entry.episode, node);
            if node.name == "image" {
                image(finds, node);
            }
        }
        // Of journals (PRISM).
        (Ns::Foreign, "publicationdate" | "coverdate") => date(&mut finds.created, node),
        // Yandex: the whole text.
        (Ns::Foreign, "full-text") => take(&mut finds.entry.content, node, false),
        (Ns::Media, "thumbnail") => image(finds, node),
        (Ns::Media, "group") => media_group(finds, node),
        (Ns::Media, "content") => media(finds, node),
        _ => {}
    }
}

fn other_summary(finds: &mut Finds, node: &Node, rank: u8) {
    let mut text = text_of(node, false);
    // These are plain unless they say otherwise (Media RSS, "media:description"), and then their lines are meant.
    let plain = text.kind == TextKind::Unknown && matches!(node.ns, Ns::Media | Ns::Itunes);
    if plain && has_plain_lines(&text.value) {
        text.kind = TextKind::Plain;
    }
    if !text.value.is_empty() {
        finds.other_summaries.push((rank, text));
    }
}

fn link(finds: &mut Finds, node: &Node, atom: bool) {
    let href = node.attribute("href").or_else(|| node.attribute("url"));
    let Some(href) = href.map(str::trim).filter(|href| !href.is_empty()) else {
        if finds.entry.link.is_none() || node.ns == Ns::Rss {
            finds.entry.link = resolved(node, &node.text()).or(finds.entry.link.take());
        }
        return;
    };
    let rel = node.attribute("rel").unwrap_or("alternate").trim().to_ascii_lowercase();
    let rel = rel.rsplit('/').next().unwrap_or_default();
    match rel {
        "alternate" | "" => {
            let slot = if atom || node.ns != Ns::Atom { &mut finds.entry.link } else { &mut finds.atom_link };
            let web = |link: &String| link.starts_with("http");
            let page =
                node.attribute("type").is_none_or(|said| said.trim().is_empty() || said.contains("html"));
            let worse = |known: &String| !web(known) || finds.no_page && page;
            let better = node.ns == Ns::Rss || slot.as_ref().is_none_or(worse);
            if let Some(link) = resolved(node, href).filter(|link| better && (slot.is_none() || web(link))) {
                *slot = Some(link);
                finds.no_page = !page;
            }
        }
        "enclosure" => enclosure(finds, node),
        _ => {}
    }
}

fn content(finds: &mut Finds, node: &Node, atom: bool) {
    if let Some(src) = node.attribute("src").and_then(|src| resolved(node, src)) {
        let media_type = node.attribute("type").unwrap_or_default().to_owned();
        finds.out_of_line.get_or_insert(Enclosure { url: src, media_type, ..Enclosure::default() });
        return;
    }
    // Of several versions the readable one.
    let text = text_of(node, atom);
    let better = match &finds.entry.content {
        None => true,
        Some(before) => before.kind == TextKind::Plain && text.kind == TextKind::Html,
    };
    if !text.value.is_empty() && better {
        finds.entry.content = Some(text);
    }
}

fn category(finds: &mut Finds, node: &Node) {
    let scheme = ["scheme", "domain"].iter().find_map(|name| node.attribute(name)).map(str::to_owned);
    let label = node.attribute("label").map(str::to_owned);
    let term = ["term", "text"].iter().find_map(|name| node.attribute(name)).map(str::to_owned);
    let text = if node.has_nodes() && node.ns == Ns::Itunes { String::new() } else { node.text() };
    let term =
        term.filter(|term| !term.trim().is_empty()).or_else(|| non_empty(text)).or_else(|| label.clone());
    if let Some(term) = term {
        push_category(finds, Category { term: crate::text::squeeze(&term), scheme, label });
    }
    for inner in node.nodes().filter(|inner| inner.name == "category") {
        category(finds, inner);
    }
}

fn keywords(finds: &mut Finds, text: &str) {
    for term in text.split(',').map(crate::text::squeeze).filter(|term| !term.is_empty()) {
        push_category(finds, Category { term, ..Category::default() });
    }
}

fn push_category(finds: &mut Finds, category: Category) {
    if !finds
        .entry
        .categories
        .iter()
        .any(|known| known.term == category.term && known.scheme == category.scheme)
    {
        finds.entry.categories.push(category);
    }
}

fn enclosure(finds: &mut Finds, node: &Node) {
    let url = ["url", "href", "src"].iter().find_map(|name| node.attribute(name)).map(str::to_owned);
    let Some(url) = url.or_else(|| non_empty(node.text())).and_then(|url| resolved(node, &url)) else {
        return;
    };
    let length =
        node.attribute("length").or_else(|| node.attribute("filesize")).and_then(|n| n.trim().parse().ok());
    let media_type = node.attribute("type").unwrap_or_default().trim().to_owned();
    let title = node.attribute("title").map(str::to_owned);
    let duration = node.attribute("duration").and_then(seconds);
    push_file(finds, Enclosure { url, media_type, length, title, duration });
}

fn push_file(finds: &mut Finds, file: Enclosure) {
    match finds.entry.enclosures.iter_mut().find(|known| known.url == file.url) {
        Some(known) => {
            if known.media_type.is_empty() {
                known.media_type = file.media_type;
            }
            known.length = known.length.or(file.length);
            known.title = known.title.take().or(file.title);
            known.duration = known.duration.or(file.duration);
        }
        None => finds.entry.enclosures.push(file),
    }
}

fn image(finds: &mut Finds, node: &Node) {
    let address = ["href", "url"].iter().find_map(|name| node.attribute(name)).map(str::to_owned);
    let address = address
        .or_else(|| node.nodes().find(|child| child.name == "url").map(Node::text))
        .or_else(|| Some(node.text()).filter(|_| !node.has_nodes()));
    if finds.entry.image.is_none() {
        finds.entry.image = address.and_then(|address| resolved(node, &address));
    }
}

fn media_group(finds: &mut Finds, node: &Node) {
    node.nodes().filter(|child| child.ns == Ns::Media).for_each(|child| extension(finds, child));
}

fn media(finds: &mut Finds, node: &Node) {
    let is_image = node.attribute("medium") == Some("image")
        || node.attribute("type").is_some_and(|media_type| media_type.starts_with("image/"));
    if is_image && finds.entry.image.is_none() {
        finds.entry.image = node.attribute("url").and_then(|url| resolved(node, url));
    }
    if node.attribute("url").is_some() {
        enclosure(finds, node);
    }
    // Title, text and thumbnail may stand inside.
    media_group(finds, node);
}

fn source(finds: &mut Finds, node: &Node) {
    for person in node.nodes().filter(|child| child.name == "author") {
        add_person(&mut finds.source_authors, people::construct(person));
    }
}

/// `3725`, `1:02:05`, `62:05`.
fn seconds(text: &str) -> Option<u32> {
    let mut total: u32 = 0;
    for part in text.trim().split(':') {
        let whole = part.split('.').next()?.trim();
        total = total.checked_mul(60)?.checked_add(whole.parse().ok()?)?;
    }
    Some(total)
}

fn finish(mut finds: Finds, atom: bool) -> RawEntry {
    let mut entry = std::mem::take(&mut finds.entry);
    entry.title = entry.title.or(finds.other_title);
    entry.guid = entry.guid.or_else(|| finds.about.clone()).or(finds.identifier);
    entry.link = entry.link.or(finds.atom_link);
    if !atom {
        entry.link =
            entry.link.or(finds.permalink.take()).or(finds.about.filter(|about| about.starts_with("http")));
    }
    if entry.summary.is_some() && entry.content.is_none() {
        // Beside a summary, the description is the whole text.
        entry.content = finds.description;
    } else {
        entry.summary = finds.description.or(entry.summary);
    }
    let mut others = finds.other_summaries;
    others.sort_by_key(|(rank, _)| *rank);
    let mut others = others.into_iter().map(|(_, text)| text);
    if entry.summary.is_none() {
        entry.summary = others.next();
    }
    match (&entry.published, finds.dc_date) {
        (None, date) => entry.published = date,
        (Some(_), date) => entry.updated = entry.updated.or(date),
    }
    entry.published = entry.published.or(finds.created);
    if entry.authors.is_empty() {
        entry.authors = finds.source_authors;
    }
    if let Some(file) = finds.out_of_line {
        // Text elsewhere is the entry's page; anything else is a file.
        let page =
            file.media_type.is_empty() || file.media_type.contains("html") || file.media_type == "text";
        if !page && !entry.enclosures.iter().any(|known| known.url == file.url) {
            entry.enclosures.push(file);
        } else if entry.link.is_none() {
            entry.link = Some(file.url);
        }
    }
    // An id that is an address mostly leads to the entry; better than nowhere.
    entry.link = entry.link.or(finds.permalink);
    if let Some(title) = &entry.title
        && entry.language.is_none()
    {
        entry.language.clone_from(&title.language);
    }
    entry
}
