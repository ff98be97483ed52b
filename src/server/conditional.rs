//! Does the client already have it? RFC 9110 13: `If-None-Match`, else `If-Modified-Since`.
//! Pure: field values in, yes or no out.

use std::time::SystemTime;

use axum::http::{HeaderMap, header};

/// True when the client's copy is still good. `known` says whether an opaque tag (between
/// its quotes) is one of this representation's; the comparison is weak, as for every read.
pub(super) fn not_modified(
    headers: &HeaderMap,
    known: impl Fn(&str) -> bool,
    last_modified: Option<SystemTime>,
) -> bool {
    let mut tags = headers.get_all(header::IF_NONE_MATCH).into_iter().peekable();
    if tags.peek().is_some() {
        return tags.filter_map(|value| value.to_str().ok()).any(|value| any_tag(value, &known));
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    match (since.and_then(|text| httpdate::parse_http_date(text.trim()).ok()), last_modified) {
        (Some(since), Some(modified)) => modified <= since,
        _ => false,
    }
}

/// Reads a list of tags. A comma inside quotes belongs to the tag.
fn any_tag(value: &str, known: &impl Fn(&str) -> bool) -> bool {
    if value.trim() == "*" {
        return true;
    }
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('"') {
        let Some((tag, behind)) = after.split_once('"') else { return false };
        if known(tag) {
            return true;
        }
        rest = behind;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Fri, 26 Apr 2013 13:41:29 GMT";

    fn check(fields: &[(header::HeaderName, &str)], wanted: bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value.parse().unwrap());
        }
        let modified = httpdate::parse_http_date(DATE).ok();
        assert_eq!(not_modified(&headers, |tag| tag == "a" || tag == "a,b", modified), wanted, "{fields:?}");
    }

    #[test]
    fn tags_decide_and_dates_only_without_them() {
        use header::{IF_MODIFIED_SINCE as SINCE, IF_NONE_MATCH as NONE};
        check(&[], false);
        check(&[(NONE, "\"a\"")], true);
        check(&[(NONE, "W/\"a\"")], true);
        check(&[(NONE, "\"x\", W/\"y\",\"a\"")], true);
        check(&[(NONE, "\"x\""), (NONE, "\"a\"")], true);
        check(&[(NONE, "\"a,b\"")], true);
        check(&[(NONE, "\"x,\\\"a\"")], false);
        check(&[(NONE, "*")], true);
        check(&[(NONE, "a")], false);
        check(&[(NONE, "\"a")], false);
        check(&[(NONE, "")], false);
        check(&[(SINCE, DATE)], true);
        check(&[(SINCE, "Fri, 26 Apr 2013 13:41:28 GMT")], false);
        check(&[(SINCE, "Sat, 27 Apr 2013 00:00:00 GMT")], true);
        check(&[(SINCE, "yesterday")], false);
        check(&[(NONE, "\"x\""), (SINCE, DATE)], false);
    }
}
