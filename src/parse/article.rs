//! The article of an entry's own page, for `full_text`. Finds it; never fetches, never cleans.

use dom_smoothie::{Config, Readability};
use url::Url;

use super::{ParseError, decode};
use crate::html;

/// Elements open at once in a page; a tree is quadratic in it.
const DEEPEST: usize = 512;
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
    if html::depth(&text) > DEEPEST {
        return Err(ParseError::Limit(format!("elements are nested more than {DEEPEST} deep")));
    }
    let config = Config { max_elements_to_parse: MOST_ELEMENTS, ..Config::default() };
    let found = Readability::new(text.as_ref(), Some(url.as_str()), Some(config))
        .and_then(|mut page| page.parse())
        .map_err(|error| ParseError::NoFeed(format!("no article was found: {error}")))?;
    Ok(found.content.to_string())
}
