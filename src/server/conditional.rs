//! Does the client already have it (`If-None-Match`, else `If-Modified-Since`), and is it still what the client will have
//! alone (`If-Match`, else `If-Unmodified-Since`)? RFC 9110 13. Pure: field values in, yes or no out.

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
        return any_of(tags, |tag, _| known(tag));
    }
    let since = date(headers, header::IF_MODIFIED_SINCE);
    since.zip(last_modified).is_some_and(|(since, modified)| modified <= since)
}

/// True when the client wants none but a representation that is not here any more. `known` as above; the comparison is
/// strong.
pub(super) fn fails(
    headers: &HeaderMap,
    known: impl Fn(&str) -> bool,
    last_modified: Option<SystemTime>,
) -> bool {
    let mut tags = headers.get_all(header::IF_MATCH).into_iter().peekable();
    if tags.peek().is_some() {
        return !any_of(tags, |tag, is_weak| !is_weak && known(tag));
    }
    let since = date(headers, header::IF_UNMODIFIED_SINCE);
    since.zip(last_modified).is_some_and(|(since, modified)| modified > since)
}

/// True when the client sets a condition of that kind.
pub(super) fn may_fail(headers: &HeaderMap) -> bool {
    headers.contains_key(header::IF_MATCH) || headers.contains_key(header::IF_UNMODIFIED_SINCE)
}

fn date(headers: &HeaderMap, name: header::HeaderName) -> Option<SystemTime> {
    let text = headers.get(name)?.to_str().ok()?;
    httpdate::parse_http_date(text.trim()).ok()
}

fn any_of<'v>(
    values: impl Iterator<Item = &'v header::HeaderValue>,
    known: impl Fn(&str, bool) -> bool,
) -> bool {
    values.filter_map(|value| value.to_str().ok()).any(|value| any_tag(value, &known))
}

/// Reads a list of tags, each weak or not. A comma inside quotes belongs to the tag.
fn any_tag(value: &str, known: &impl Fn(&str, bool) -> bool) -> bool {
    if value.trim() == "*" {
        return true;
    }
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('"') {
        let Some((tag, behind)) = after.split_once('"') else { return false };
        if known(tag, before.ends_with("W/")) {
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

    fn headers(fields: &[(header::HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    fn is_known(tag: &str) -> bool {
        tag == "a" || tag == "a,b"
    }

    fn check(fields: &[(header::HeaderName, &str)], wanted: bool) {
        let modified = httpdate::parse_http_date(DATE).ok();
        assert_eq!(not_modified(&headers(fields), is_known, modified), wanted, "{fields:?}");
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

    #[test]
    fn what_is_wanted_alone_must_be_here() {
        use header::{IF_MATCH as MATCH, IF_UNMODIFIED_SINCE as SINCE};
        let modified = httpdate::parse_http_date(DATE).ok();
        for (fields, failed) in [
            (&[][..], false),
            (&[(MATCH, "\"a\"")], false),
            (&[(MATCH, "\"x\", \"a\"")], false),
            (&[(MATCH, "\"x\""), (MATCH, "\"a,b\"")], false),
            (&[(MATCH, "*")], false),
            (&[(MATCH, "\"x\"")], true),
            // Weak ones never are the same here.
            (&[(MATCH, "W/\"a\"")], true),
            (&[(MATCH, "W/\"a\", \"a\"")], false),
            (&[(MATCH, "a")], true),
            (&[(MATCH, "")], true),
            (&[(SINCE, DATE)], false),
            (&[(SINCE, "Sat, 27 Apr 2013 00:00:00 GMT")], false),
            (&[(SINCE, "Fri, 26 Apr 2013 13:41:28 GMT")], true),
            // No date is no condition, and beside a tag a date is none.
            (&[(SINCE, "yesterday")], false),
            (&[(MATCH, "\"a\""), (SINCE, "Fri, 26 Apr 2013 13:41:28 GMT")], false),
            (&[(MATCH, "\"x\""), (SINCE, DATE)], true),
        ] {
            let headers = headers(fields);
            assert_eq!(fails(&headers, is_known, modified), failed, "{fields:?}");
            assert_eq!(may_fail(&headers), !fields.is_empty(), "{fields:?}");
        }
        // What has no date is not asked for one.
        assert!(!fails(&headers(&[(SINCE, DATE)]), is_known, None));
    }
}
