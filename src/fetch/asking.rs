//! The head of a request: the same for everybody, but for validators, and for headers and credentials
//! that go to a source's own origin alone. Never sends anything.

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, USER_AGENT,
};
use url::Url;

use super::{Request, body};

const ACCEPT_TYPES: &str = "application/atom+xml, application/rss+xml, application/feed+json, \
     application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, text/html;q=0.5, */*;q=0.3";

/// The User-Agent of every request (RFC 9110 10.1.5).
pub(super) fn agent(contact: Option<&str>) -> Result<HeaderValue, String> {
    let version = env!("CARGO_PKG_VERSION");
    let text = match contact {
        Some(contact) => format!("riverine/{version} (+{contact})"),
        None => format!("riverine/{version}"),
    };
    HeaderValue::from_str(&text)
        .map_err(|_| format!("contact {contact:?} has characters no header can carry"))
}

/// Validators go to exactly the URL that gave them, query included; a fragment is never sent.
fn belongs(given: &str, asked: &Url) -> bool {
    let bare = |url| str::split(url, '#').next();
    bare(given) == bare(asked.as_str())
}

/// The head of a request.
///
/// # Errors
/// A header of the source that cannot be sent, without its value.
pub(super) fn head(agent: &HeaderValue, request: &Request<'_>, url: &Url) -> Result<HeaderMap, String> {
    let source = request.source;
    let validators = request.validators.filter(|validators| belongs(&validators.url, url));
    let mut head = HeaderMap::new();
    head.insert(USER_AGENT, agent.clone());
    head.insert(ACCEPT, HeaderValue::from_static(ACCEPT_TYPES));
    head.insert(ACCEPT_ENCODING, HeaderValue::from_static(body::ACCEPT_ENCODING));
    let stored =
        |bytes: &Option<Vec<u8>>| bytes.as_ref().and_then(|bytes| HeaderValue::from_bytes(bytes).ok());
    if let Some(etag) = validators.and_then(|validators| stored(&validators.etag)) {
        head.insert(IF_NONE_MATCH, etag);
        // RFC 3229 10.5.3: only the new entries will do, measured from what the tag names.
        head.insert(HeaderName::from_static("a-im"), HeaderValue::from_static("feed"));
    }
    if let Some(date) = validators.and_then(|validators| stored(&validators.last_modified)) {
        head.insert(IF_MODIFIED_SINCE, date);
    }
    if source.url != *url && source.url.origin() != url.origin() {
        return Ok(head);
    }
    if let Some(auth) = &source.auth {
        head.insert(AUTHORIZATION, basic(&auth.user, auth.password.expose())?);
    }
    for (name, value) in &source.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("headers of {}: {name:?} is no header name", source.id))?;
        let mut value = HeaderValue::from_str(value.expose())
            .map_err(|_| format!("headers of {}: the value of {name} cannot be sent", source.id))?;
        value.set_sensitive(true);
        head.insert(name, value);
    }
    Ok(head)
}

/// RFC 7617.
fn basic(user: &str, password: &str) -> Result<HeaderValue, String> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = "Basic ".to_owned();
    for triple in format!("{user}:{password}").as_bytes().chunks(3) {
        let word =
            triple.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - triple.len()));
        for place in 0..4usize {
            let digit = word >> (18 - 6 * place) & 63;
            let digit = DIGITS.get(digit as usize).copied().unwrap_or(b'=');
            text.push(if place <= triple.len() { char::from(digit) } else { '=' });
        }
    }
    let mut value = HeaderValue::from_str(&text).map_err(|_| "auth cannot be sent".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}
