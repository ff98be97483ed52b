//! The article of an entry's own page, for `full_text`. Finds it; never fetches, never cleans.

use dom_smoothie::{Config, Readability};
use url::Url;

use super::{ParseError, decode};
use crate::html::{self, measure};

/// What a page may hold before a tree is built of it. Depth is counted more strictly: the work is quadratic in it.
const BOUNDS: measure::Bounds = measure::Bounds { deepest: 512, attributes: 256, nodes: 500_000 };
/// Elements of a page.
const MOST_ELEMENTS: usize = 100_000;

/// The HTML of the article, as the page has it: uncleaned, its links as written or absolute.
///
/// # Errors
/// When the page is no HTML, breaks a limit, or has nothing that reads like an article.
pub fn article(bytes: &[u8], content_type: Option<&str>, url: &Url) -> Result<String, ParseError> {
    if content_type.is_some_and(|said| !said.contains("html") && !said.contains("xml")) {
        let words = format!("it is no page, but {}", content_type.unwrap_or_default());
        return Err(ParseError::NoFeed(words));
    }
    let (text, _) = decode::decode(bytes, content_type);
    if html::depth(&text) > BOUNDS.deepest {
        return Err(ParseError::Limit(format!("elements are nested more than {} deep", BOUNDS.deepest)));
    }
    if measure::check(&text, &BOUNDS).is_err() {
        return Err(ParseError::Limit("its tree would be too large".to_owned()));
    }
    let config = Config { max_elements_to_parse: MOST_ELEMENTS, ..Config::default() };
    let found = Readability::new(text.as_ref(), Some(url.as_str()), Some(config))
        .and_then(|mut page| page.parse())
        .map_err(|error| ParseError::NoFeed(format!("no article was found: {error}")))?;
    Ok(found.content.to_string())
}
