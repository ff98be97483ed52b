//! What the head of an answer says: validators, freshness, where to go, hubs. Every value is hostile.
//! Never asks what time it is.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{
    AGE, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_LOCATION, DATE, ETAG, EXPIRES, HeaderMap,
    HeaderName, LAST_MODIFIED, LINK, LOCATION, RETRY_AFTER, TRANSFER_ENCODING,
};
use reqwest::{StatusCode, Version};
use url::Url;

use super::Freshness;
use crate::model::Validators;

#[cfg(test)]
mod tests;

/// An `ETag` or `Last-Modified` beyond this is not kept.
const MAX_VALIDATOR: usize = 1 << 10;
/// An address beyond this is not followed.
pub(super) const MAX_URL: usize = 8 << 10;
const MAX_HUBS: usize = 8;
/// All names and values together; hyper limits the number of lines.
pub(super) const MAX_HEAD: usize = 64 << 10;
pub(super) const MAX_LINES: usize = 200;

/// The head as a whole, refused when it is too large.
pub(super) fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// Opaque validators that came with an answer of `url`.
pub(super) fn validators(headers: &HeaderMap, url: &Url) -> Validators {
    let keep = |name: HeaderName| {
        let value = headers.get(name)?.as_bytes();
        let sound =
            !value.is_empty() && value.len() <= MAX_VALIDATOR && !value.iter().any(u8::is_ascii_control);
        sound.then(|| value.to_vec())
    };
    Validators { url: url.as_str().to_owned(), etag: keep(ETAG), last_modified: keep(LAST_MODIFIED) }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<DateTime<Utc>> {
    httpdate::parse_http_date(text(headers, name)?).ok().map(DateTime::from)
}

/// When to come again, as this answer says. `now` stands in for a missing `Date`.
pub(super) fn freshness(headers: &HeaderMap, now: DateTime<Utc>) -> Freshness {
    let answered = date(headers, DATE).unwrap_or(now);
    Freshness {
        fresh_for: fresh_for(headers, answered),
        stated: headers.contains_key(CACHE_CONTROL) || headers.contains_key(EXPIRES),
        retry_after: retry_after(headers, answered),
    }
}

/// RFC 9111 4.2.1, less `Age`. As a private cache we pass over `s-maxage`.
fn fresh_for(headers: &HeaderMap, answered: DateTime<Utc>) -> Option<Duration> {
    let mut max_age = None;
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    // Some part them as the parameters of other fields are.
    for directive in lines.flat_map(|line| line.split([',', ';'])) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" => return None,
            // With names of fields it is about these alone (5.2.2.4).
            "no-cache" if value.is_empty() => return None,
            "max-age" if max_age.is_none() => max_age = Some(seconds(value.trim().trim_matches('"'))?),
            _ => {}
        }
    }
    let lifetime = match max_age {
        Some(max_age) => max_age,
        None => (date(headers, EXPIRES)? - answered).to_std().ok()?,
    };
    let age = text(headers, AGE).and_then(seconds).unwrap_or_default();
    Some(lifetime.saturating_sub(age)).filter(|span| !span.is_zero())
}

/// RFC 9110 10.2.3. Zero, the past and what cannot be read count as missing.
fn retry_after(headers: &HeaderMap, answered: DateTime<Utc>) -> Option<Duration> {
    let span = match text(headers, RETRY_AFTER).and_then(seconds) {
        Some(span) => span,
        None => (date(headers, RETRY_AFTER)? - answered).to_std().ok()?,
    };
    (!span.is_zero()).then_some(span)
}

/// Delta-seconds; beyond what we can count they mean "very long" (RFC 9111 1.2.2).
fn seconds(text: &str) -> Option<Duration> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = text.parse().unwrap_or(u64::from(u32::MAX)).min(u64::from(u32::MAX));
    Some(Duration::from_secs(number))
}

/// Whether a connection ends with its answer (RFC 9112 6.3, 9.3).
pub(super) fn closes(version: Version, status: StatusCode, head: &HeaderMap) -> bool {
    let said = head.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let says_so = said.flat_map(|line| line.split(',')).any(|word| word.trim().eq_ignore_ascii_case("close"));
    let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let bounded = bodiless || head.contains_key(CONTENT_LENGTH) || head.contains_key(TRANSFER_ENCODING);
    says_so || version < Version::HTTP_11 || version == Version::HTTP_11 && !bounded
}

/// Whether a 226 is one of feeds (RFC 3229 10.5.3).
pub(super) fn manipulated_as_feed(head: &HeaderMap) -> bool {
    let lines = head.get_all("im").iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|im| im.trim().eq_ignore_ascii_case("feed"))
}

/// Where a redirect leads, without fragment.
///
/// # Errors
/// Words that follow the name of who answered.
pub(super) fn location(headers: &HeaderMap, from: &Url) -> Result<Url, String> {
    let Some(value) = headers.get(LOCATION) else {
        return Err("redirects without saying where to (no Location)".to_owned());
    };
    let bytes = value.as_bytes();
    if bytes.len() > MAX_URL {
        return Err(format!("redirects to an address of {} bytes (the limit is {MAX_URL})", bytes.len()));
    }
    if bytes.iter().any(|byte| byte.is_ascii_control() || *byte == b'\\') {
        return Err("redirects to an address with control characters or backslashes".to_owned());
    }
    let mut bare = from.clone();
    // Else a relative address would inherit them, and look as if the redirect had named them.
    credentials(&mut bare, "", None);
    let mut target = bare
        .join(&ascii(bytes))
        .map_err(|error| format!("redirects to something that is no address ({error})"))?;
    if !matches!(target.scheme(), "http" | "https") {
        return Err(format!("redirects to {}:, and only http and https are followed", target.scheme()));
    }
    if !target.username().is_empty() || target.password().is_some() {
        return Err("redirects to an address with a user name in it, which is not followed".to_owned());
    }
    if target.as_str().len() > MAX_URL {
        return Err(format!("redirects to an address longer than {MAX_URL} bytes"));
    }
    target.set_fragment(None);
    if target.origin() == from.origin() {
        credentials(&mut target, from.username(), from.password());
    }
    Ok(target)
}

fn credentials(url: &mut Url, user: &str, password: Option<&str>) {
    // Only a URL without host refuses them, and none such is asked.
    let _ = url.set_username(user);
    let _ = url.set_password(password);
}

/// Raw bytes in an address are percent-encoded as they are, whatever charset they were meant in.
fn ascii(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii() {
            text.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// `Content-Location`, where it names a document of the same origin; else `url`.
pub(super) fn base(headers: &HeaderMap, url: &Url) -> Url {
    headers
        .get(CONTENT_LOCATION)
        .filter(|value| value.len() <= MAX_URL)
        .and_then(|value| url.join(&ascii(value.as_bytes())).ok())
        .filter(|target| target.origin() == url.origin())
        .unwrap_or_else(|| url.clone())
}

/// What `Link` headers say for WebSub: hubs, and the document's own name (`rel=self`). At most eight hubs.
pub(super) fn hubs(headers: &HeaderMap, url: &Url) -> (Vec<String>, Option<String>) {
    let (mut hubs, mut own) = (Vec::new(), None);
    for line in headers.get_all(LINK).iter().filter_map(|line| line.to_str().ok()) {
        let mut rest = line;
        while let Some((target, parameters, next)) = link(rest) {
            rest = next;
            let is = |wanted: &str| parameters.split(';').any(|parameter| is_rel(parameter, wanted));
            let (hub, itself) = (is("hub"), is("self"));
            let Some(target) = url.join(target).ok().filter(|_| hub || itself) else { continue };
            if !matches!(target.scheme(), "http" | "https") || target.as_str().len() > MAX_URL {
                continue;
            }
            let target = String::from(target);
            if itself {
                own.get_or_insert_with(|| target.clone());
            }
            if hub && !hubs.contains(&target) && hubs.len() < MAX_HUBS {
                hubs.push(target);
            }
        }
    }
    (hubs, own)
}

/// The name that a document's `Link` headers give it (`rel=self`).
pub fn named_in_links(headers: &HeaderMap, url: &Url) -> Option<String> {
    hubs(headers, url).1
}

/// Whether a parameter of a link says that it is of this kind.
fn is_rel(parameter: &str, wanted: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        let mut rels = value.trim().trim_matches('"').split_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && rels.any(|rel| rel.eq_ignore_ascii_case(wanted))
    })
}

/// The first link of a line: target, parameters, and the rest of the line.
fn link(line: &str) -> Option<(&str, &str, &str)> {
    let (_, line) = line.split_once('<')?;
    let (target, line) = line.split_once('>')?;
    let mut quoted = false;
    let end = line.find(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    let (parameters, rest) = line.split_at(end.unwrap_or(line.len()));
    Some((target.trim(), parameters, rest))
}
