//! Who may read: `?key=` or `Authorization: Bearer`. Compared in constant time; never logged.

use axum::http::{HeaderMap, Uri, header};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::model::Secret;

/// The token in the address.
pub(super) fn key(uri: &Uri) -> Option<String> {
    let query = uri.query()?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "key")
        .map(|(_, key)| key.into_owned())
}

/// The token in a field (RFC 6750, 2.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = std::str::from_utf8(headers.get(header::AUTHORIZATION)?.as_bytes()).ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// True when a key came along, right or wrong.
pub(super) fn shown(uri: &Uri, headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION) || key(uri).is_some_and(|key| !key.is_empty())
}

/// True when nothing is asked, or what is asked was presented.
pub(super) fn allowed(wanted: Option<&Secret>, uri: &Uri, headers: &HeaderMap) -> bool {
    let Some(wanted) = wanted else { return true };
    bearer(headers).is_some_and(|given| same(given, wanted))
        || key(uri).is_some_and(|given| same(&given, wanted))
}

/// True when what is shown must not be kept for others: it was opened by a token, or a key stands in its links, or it
/// leads to what the token in a field opens.
pub(super) fn is_private(wanted: Option<&Secret>, uri: &Uri, headers: &HeaderMap) -> bool {
    wanted.is_some() || key(uri).is_some() || bearer(headers).is_some()
}

/// Compares hashes, so that not even the length shows in the time it takes.
pub(super) fn same(given: &str, wanted: &Secret) -> bool {
    let (given, wanted) = (Sha256::digest(given.as_bytes()), Sha256::digest(wanted.expose().as_bytes()));
    given.as_slice().ct_eq(wanted.as_slice()).into()
}

/// What is kept of a key that was shown, to be compared later.
pub(super) fn digest(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    super::plan::hex(&digest, digest.len())
}

/// True when nothing is asked, or the key of that digest is what is asked.
pub(super) fn still_allowed(wanted: Option<&Secret>, kept: Option<&str>) -> bool {
    let Some(wanted) = wanted else { return true };
    kept.is_some_and(|kept| kept.as_bytes().ct_eq(digest(wanted.expose()).as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_by_key_or_bearer() {
        let secret = Secret::new("s3cret/ä");
        for (uri, bearer, wanted) in [
            ("/x", None, false),
            ("/x?key=wrong", None, false),
            ("/x?key=", None, false),
            ("/x?a=b&key=s3cret%2F%C3%A4", None, true),
            ("/x", Some("Bearer s3cret/ä"), true),
            ("/x", Some("bearer  s3cret/ä"), true),
            ("/x", Some("Basic s3cret/ä"), false),
            ("/x?key=wrong", Some("Bearer s3cret/ä"), true),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = bearer {
                headers.insert(
                    header::AUTHORIZATION,
                    header::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                );
            }
            assert_eq!(allowed(Some(&secret), &uri.parse().unwrap(), &headers), wanted, "{uri} {bearer:?}");
            assert!(allowed(None, &uri.parse().unwrap(), &headers));
        }
    }
}
