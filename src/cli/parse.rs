//! `riverine parse`: a document in, the normalized result as JSON out. No store, no network.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::{Wrong, print};
use crate::link::Secrets;
use crate::model::{Entry, Feed, Kind, PageSelectors, Person};
use crate::normalize::{self, Normalized};
use crate::parse::{self, Input};

/// Arguments of `parse`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the document came from: the base of its links
    #[arg(long)]
    pub url: Option<url::Url>,
    /// Its Content-Type, as a server would send it
    #[arg(long, value_name = "CT")]
    pub content_type: Option<String>,
    /// For timestamps without a zone
    #[arg(long, value_name = "TZ")]
    pub timezone: Option<chrono_tz::Tz>,
    /// A key of [source.page] and its selector: --select item="li.news" --select title=h3
    #[arg(long, value_name = "KEY=SELECTOR")]
    pub select: Vec<String>,
    /// The document; - is stdin
    pub file: PathBuf,
}

/// Reads and prints.
///
/// # Errors
/// When the file cannot be read, or nothing in it is a feed, a list of news or a text with dates.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let selectors = selectors(&args.select)?;
    let bytes = bytes(&args.file)?;
    let input = Input {
        bytes: &bytes,
        content_type: args.content_type.as_deref(),
        content_language: None,
        url: args.url.as_ref(),
        kind: if args.select.is_empty() { Kind::Auto } else { Kind::Page },
        selectors: &selectors,
    };
    let parsed = parse::parse(&input).with_context(|| args.file.display().to_string())?;
    let learned = parsed.learned.clone();
    let context = normalize::Context {
        url: args.url.as_ref(),
        secrets: &Secrets::of(&args.url),
        timezone: args.timezone.unwrap_or_default(),
        language: None,
        stored: &HashSet::new(),
    };
    let normalized = normalize::normalize(parsed, &context);
    let printed = serde_json::to_string_pretty(&Printed::new(&normalized, learned.as_ref()))?;
    print::data(printed + "\n")?;
    Ok(ExitCode::SUCCESS)
}

fn bytes(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).context("reading stdin")?;
        return Ok(bytes);
    }
    std::fs::read(file).with_context(|| format!("reading {}", file.display()))
}

fn selectors(pairs: &[String]) -> Result<PageSelectors, Wrong> {
    let mut selectors = PageSelectors { pages: 1, ..PageSelectors::default() };
    for pair in pairs {
        let (key, selector) = pair
            .split_once('=')
            .ok_or_else(|| Wrong(format!("--select {pair}: it has the form KEY=SELECTOR")))?;
        let slot = match key.trim() {
            "item" => &mut selectors.item,
            "title" => &mut selectors.title,
            "link" => &mut selectors.link,
            "date" => &mut selectors.date,
            "date_format" => &mut selectors.date_format,
            "summary" => &mut selectors.summary,
            "content" => &mut selectors.content,
            "author" => &mut selectors.author,
            "image" => &mut selectors.image,
            "language" => &mut selectors.language,
            "next" => &mut selectors.next,
            other => {
                return Err(Wrong(format!(
                    "--select {other}: no such key; there are item, title, link, date, date_format, summary, \
                     content, author, image, language, next"
                )));
            }
        };
        let selector = selector.trim();
        if key.trim() != "date_format" {
            parse::check_selector(selector).map_err(|why| Wrong(format!("--select {key}: {why}")))?;
        }
        *slot = Some(selector.to_owned());
    }
    Ok(selectors)
}

/// What is printed; its names are those of the surface.
#[derive(Serialize)]
struct Printed<'a> {
    feed: PrintedFeed<'a>,
    entries: Vec<PrintedEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<PrintedPage<'a>>,
    warnings: Vec<&'a str>,
}

#[derive(Serialize)]
struct PrintedFeed<'a> {
    format: &'static str,
    title: Option<&'a str>,
    link: Option<&'a str>,
    description: Option<&'a str>,
    language: Option<&'a str>,
}

#[derive(Serialize)]
struct PrintedEntry<'a> {
    id: Option<&'a str>,
    title: Option<&'a str>,
    link: Option<&'a str>,
    published: Option<String>,
    updated: Option<String>,
    authors: Vec<String>,
    summary: Option<&'a str>,
    content: Option<&'a str>,
    categories: Vec<&'a str>,
    enclosures: Vec<PrintedFile<'a>>,
    language: Option<&'a str>,
}

#[derive(Serialize)]
struct PrintedFile<'a> {
    url: &'a str,
    r#type: Option<&'a str>,
    length: Option<u64>,
}

#[derive(Serialize)]
struct PrintedPage<'a> {
    item: Option<&'a str>,
    title: Option<&'a str>,
    link: Option<&'a str>,
    date: Option<&'a str>,
    date_format: Option<&'a str>,
    summary: Option<&'a str>,
    content: Option<&'a str>,
    author: Option<&'a str>,
    image: Option<&'a str>,
    language: Option<&'a str>,
    next: Option<&'a str>,
}

impl<'a> Printed<'a> {
    fn new(document: &'a Normalized, learned: Option<&'a PageSelectors>) -> Self {
        Self {
            feed: PrintedFeed::new(&document.feed),
            entries: document.entries.iter().map(PrintedEntry::new).collect(),
            page: learned.map(PrintedPage::new),
            warnings: document.warnings.iter().map(|warning| warning.0.as_str()).collect(),
        }
    }
}

impl<'a> PrintedFeed<'a> {
    fn new(feed: &'a Feed) -> Self {
        Self {
            format: feed.format.name(),
            title: some(&feed.title),
            link: feed.link.as_deref(),
            description: some(&feed.description),
            language: feed.language.as_deref(),
        }
    }
}

impl<'a> PrintedEntry<'a> {
    fn new(entry: &'a Entry) -> Self {
        let file = |file: &'a crate::model::Enclosure| PrintedFile {
            url: &file.url,
            r#type: some(&file.media_type),
            length: file.length,
        };
        Self {
            id: entry.guid.as_deref(),
            title: some(&entry.title),
            link: entry.link.as_deref(),
            published: entry.published.map(rfc3339),
            updated: entry.updated.map(rfc3339),
            authors: entry.authors.iter().map(named).collect(),
            summary: entry.summary.as_deref(),
            content: entry.content.as_deref(),
            categories: entry.categories.iter().map(|category| category.term.as_str()).collect(),
            enclosures: entry.enclosures.iter().map(file).collect(),
            language: entry.language.as_deref(),
        }
    }
}

impl<'a> PrintedPage<'a> {
    fn new(page: &'a PageSelectors) -> Self {
        Self {
            item: page.item.as_deref(),
            title: page.title.as_deref(),
            link: page.link.as_deref(),
            date: page.date.as_deref(),
            date_format: page.date_format.as_deref(),
            summary: page.summary.as_deref(),
            content: page.content.as_deref(),
            author: page.author.as_deref(),
            image: page.image.as_deref(),
            language: page.language.as_deref(),
            next: page.next.as_deref(),
        }
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// `Name <mail>`, or what there is of it.
fn named(person: &Person) -> String {
    match (&person.name, &person.email) {
        (Some(name), Some(email)) => format!("{name} <{email}>"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => person.uri.clone().unwrap_or_default(),
    }
}
