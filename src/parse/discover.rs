//! Where a page says its feed is, and where one could be. Pure: the addresses, nothing asked.

use scraper::{Html, Selector};
use url::Url;

use super::decode;

/// Where sites keep their feeds when they do not say.
const WELL_KNOWN: [&str; 7] = ["feed", "rss", "atom.xml", "feed.xml", "index.xml", "rss.xml", "feed.json"];
/// Links of a page that are tried.
const MOST_LINKS: usize = 3;
/// Feeds that a page names are tried up to here.
const MOST_NAMED: usize = 5;

/// Where a feed of a page may be: no address twice, none the page itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Nearby {
    /// The page says so: those it names as its feeds, then those on its host that it links to and that look like one.
    pub said: Vec<Url>,
    /// It says nothing of them: where sites are wont to have one. It may be somebody else's, on a host of many.
    pub guessed: Vec<Url>,
}

/// Addresses worth asking, the likeliest first.
pub fn discover(bytes: &[u8], content_type: Option<&str>, page: &Url) -> Nearby {
    let (text, _) = decode::decode(bytes, content_type);
    near(&Html::parse_document(&text), page)
}

/// The same of a page that was parsed already.
pub(super) fn near(document: &Html, page: &Url) -> Nearby {
    let base = first(document, "base[href]", "href").and_then(|href| page.join(&href).ok());
    let base = base.unwrap_or_else(|| page.clone());
    let named = hrefs(document, "link[rel~=alternate i][href]", |link| {
        let kind = link.attr("type").unwrap_or_default().to_ascii_lowercase();
        ["rss", "atom", "feed+json", "rdf"].iter().any(|word| kind.contains(word))
    });
    let linked = hrefs(document, "a[href]", |link| looks_like_feed(link.attr("href").unwrap_or_default()));
    let join = |href: String| base.join(href.trim()).ok();
    let named = named.into_iter().filter_map(join).take(MOST_NAMED);
    let linked = linked.into_iter().filter_map(join).filter(|url| url.host() == page.host()).take(MOST_LINKS);
    let usual = WELL_KNOWN.iter().filter_map(|path| page.join(&format!("/{path}")).ok());
    let mut near = Nearby::default();
    let is_new = |near: &Nearby, url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url != page
            && !near.said.contains(url)
            && !near.guessed.contains(url)
    };
    for url in named.chain(linked) {
        if is_new(&near, &url) {
            near.said.push(url);
        }
    }
    for url in usual {
        if is_new(&near, &url) {
            near.guessed.push(url);
        }
    }
    near
}

fn first(document: &Html, selector: &str, attribute: &str) -> Option<String> {
    let selector = Selector::parse(selector).ok()?;
    document.select(&selector).next()?.attr(attribute).map(str::to_owned)
}

fn hrefs(document: &Html, selector: &str, wanted: impl Fn(&scraper::node::Element) -> bool) -> Vec<String> {
    let Ok(selector) = Selector::parse(selector) else { return Vec::new() };
    let found = document.select(&selector).filter(|element| wanted(element.value()));
    found.filter_map(|element| element.attr("href").map(str::to_owned)).collect()
}

/// `/blog/feed/`, `/news.rss`, `/atom.xml`; not `/feedback`.
fn looks_like_feed(href: &str) -> bool {
    let path = href.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or_default();
    let (name, ending) = last.rsplit_once('.').unwrap_or((last, ""));
    matches!(ending, "rss" | "atom" | "rdf")
        || (matches!(ending, "" | "xml" | "json")
            && matches!(name, "feed" | "feeds" | "rss" | "atom" | "rss2"))
}
