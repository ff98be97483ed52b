//! What the values of the config mean: texts, numbers, times, addresses, patterns.
//! Each reader says what is wrong with a value, and never stops at the first of a list.

use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;

use chrono_tz::Tz;
use regex::Regex;
use toml::de::DeValue;
use url::Url;

use super::diagnose::nearest;
use super::keys::Shape;
use super::walk::{Read, Spot, Wrong};
use super::{Listen, secret};
use crate::model::{Secret, SourceId};
use crate::parse;
use crate::query::Query;
use crate::units::{Size, Span};

/// threats.md: no address is longer.
pub const LONGEST_URL: usize = 8 << 10;
/// The widest `window`.
const WIDEST: Span = Span::secs(31 * 86_400);
/// Texts less alike than this speak of the same things; they need not say the same.
const LEAST_ALIKE: f64 = 0.8;

/// `true` or `false`.
pub(super) fn flag(spot: &Spot<'_, '_>) -> Read<bool> {
    spot.value.get_ref().as_bool().map_or_else(|| spot.wrong_shape(), Ok)
}

/// How alike texts must be: 0 for off, else so much that they say the same.
pub(super) fn likeness(spot: &Spot<'_, '_>) -> Read<f64> {
    let share = share(spot)?;
    if share > 0.0 && share < LEAST_ALIKE {
        return spot.wrong(format!("{} is 0 (off), or from {LEAST_ALIKE} to 1", spot.key.name));
    }
    Ok(share)
}

/// A whole number within the limits of its key.
pub(super) fn whole<T: TryFrom<u64>>(spot: &Spot<'_, '_>) -> Read<T> {
    let Shape::Whole(min, max) = spot.key.shape else { return spot.wrong_shape() };
    let Some(integer) = spot.value.get_ref().as_integer() else { return spot.wrong_shape() };
    let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
    match number.filter(|n| (min..=max).contains(n)).and_then(|n| T::try_from(n).ok()) {
        Some(number) => Ok(number),
        None => spot.wrong(format!("{} must be from {min} to {max}", spot.key.name)),
    }
}

/// A number from 0.0 to 1.0.
pub(super) fn share(spot: &Spot<'_, '_>) -> Read<f64> {
    let number: Option<f64> = match spot.value.get_ref() {
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::Integer(integer) => integer.as_str().parse().ok(),
        _ => return spot.wrong_shape(),
    };
    match number {
        Some(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => spot.wrong(format!("{} must be from 0.0 to 1.0", spot.key.name)),
    }
}

/// A full-text query.
pub(super) fn query(spot: &Spot<'_, '_>) -> Read<Query> {
    Query::new(spot.text()?).or_else(|why| spot.wrong(why))
}

/// A duration; 0 is one.
pub(super) fn span(spot: &Spot<'_, '_>) -> Read<Span> {
    spot.text()?.parse().or_else(|why: String| spot.wrong(why))
}

/// A duration that is not 0.
pub(super) fn some_span(spot: &Spot<'_, '_>) -> Read<Span> {
    match span(spot)? {
        Span(d) if d.is_zero() => spot.wrong(format!("{} must be longer than 0s", spot.key.name)),
        other => Ok(other),
    }
}

/// How far apart the same title may be the same story.
pub(super) fn window(spot: &Spot<'_, '_>) -> Read<Span> {
    match span(spot)? {
        window if window.0 > WIDEST.0 => spot.wrong(format!(
            "{} is at most 31d: a title that comes again after a month is another story",
            spot.key.name
        )),
        window => Ok(window),
    }
}

/// An amount of bytes, in words or as a plain number.
pub(super) fn size(spot: &Spot<'_, '_>) -> Read<Size> {
    if let Some(integer) = spot.value.get_ref().as_integer() {
        return match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(bytes) => Ok(Size(bytes)),
            Err(_) => spot.wrong(format!("{} must not be negative", spot.key.name)),
        };
    }
    spot.text()?.parse().or_else(|why: String| spot.wrong(why))
}

/// The size of one document: something, and no more than all documents together may have.
pub(super) fn max_body(spot: &Spot<'_, '_>) -> Read<Size> {
    match size(spot)? {
        Size(0) => spot.wrong("max_body must be more than 0"),
        Size(n) if n > 128 << 20 => {
            spot.wrong("max_body must be at most 128MiB: that is for all polls in flight together")
        }
        other => Ok(other),
    }
}

/// A text of one line with something in it.
pub(super) fn line(spot: &Spot<'_, '_>) -> Read<String> {
    let text = spot.text()?;
    one_line(text).map(str::to_owned).or_else(|why| spot.wrong(format!("{} {why}", spot.key.name)))
}

fn one_line(text: &str) -> Result<&str, &'static str> {
    if text.trim().is_empty() {
        Err("is empty")
    } else if text.chars().any(char::is_control) {
        Err("has control characters in it")
    } else {
        Ok(text.trim())
    }
}

/// Each text of a list through `read`; every wrong one is reported.
fn each<'d, T>(
    spot: &Spot<'d, '_>,
    read: impl Fn(&'d str, Range<usize>) -> Result<T, Wrong>,
) -> Read<Vec<T>> {
    let (mut values, mut wrongs) = (Vec::new(), Vec::new());
    for (text, span) in spot.texts()? {
        match read(text, span) {
            Ok(value) => values.push(value),
            Err(wrong) => wrongs.push(wrong),
        }
    }
    if wrongs.is_empty() { Ok(values) } else { Err(wrongs) }
}

/// One of the words of its key, as its number in the list.
fn choice(spot: &Spot<'_, '_>) -> Read<usize> {
    let Shape::Choice(words) = spot.key.shape else { return spot.wrong_shape() };
    let text = spot.text()?;
    if let Some(index) = words.iter().position(|w| *w == text) {
        return Ok(index);
    }
    let said = format!("{text:?} is none of {}", words.join(", "));
    match nearest(text, words.iter().copied()) {
        Some(near) => spot.wrong_with(said, format!("did you mean {near:?}?")),
        None => spot.wrong(said),
    }
}

/// One of the words of its key, as the value in the same place of `values`.
pub(super) fn one_of<T: Copy>(values: &[T]) -> impl Fn(&Spot<'_, '_>) -> Read<T> {
    move |spot| match values.get(choice(spot)?) {
        Some(value) => Ok(*value),
        None => spot.wrong_shape(),
    }
}

/// What is wrong with an id, if anything.
fn id_form(text: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if text.starts_with(plain) && text.len() <= 128 && text.chars().all(|c| plain(c) || c == '_' || c == '-')
    {
        return Ok(());
    }
    Err(format!("{text:?} is not an id: small letters, digits, - and _, the first a letter or digit"))
}

/// An id: `[a-z0-9][a-z0-9_-]*`.
pub(super) fn id(spot: &Spot<'_, '_>) -> Read<String> {
    let text = spot.text()?;
    match id_form(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(why) => match super::ids::slug(text) {
            Some(slug) => spot.wrong_with(why, format!("write it like {} = {slug:?}", spot.key.name)),
            None => spot.wrong(why),
        },
    }
}

/// Ids, each with its place.
pub(super) fn ids(spot: &Spot<'_, '_>) -> Read<Vec<(SourceId, Range<usize>)>> {
    each(spot, |text, span| match id_form(text) {
        Ok(()) => Ok((SourceId::new(text), span)),
        Err(why) => Err(spot.wrong_at(span, why)),
    })
}

/// Names of groups, each with its place.
pub(super) fn groups(spot: &Spot<'_, '_>) -> Read<Vec<(String, Range<usize>)>> {
    each(spot, |text, span| match one_line(text) {
        Ok(text) => Ok((text.to_owned(), span)),
        Err(why) => Err(spot.wrong_at(span, format!("the name of a group {why}"))),
    })
}

/// An address of one of these schemes.
fn address(spot: &Spot<'_, '_>, schemes: &[&str]) -> Read<Url> {
    let text = spot.text()?.trim();
    if text.len() > LONGEST_URL {
        return spot.wrong(format!("{} is longer than {LONGEST_URL} bytes", spot.key.name));
    }
    if text.chars().any(|c| c.is_control() || c == '\\') {
        return spot.wrong("an address has no control characters and no backslash");
    }
    let wanted = schemes.join(" or ");
    match Url::parse(text) {
        Ok(url) if schemes.contains(&url.scheme()) && url.has_host() => Ok(url),
        Ok(url) if text.contains("://") => {
            spot.wrong(format!("{}: is not an address we can use; it must begin with {wanted}", url.scheme()))
        }
        Err(why) if text.contains("://") => spot.wrong(format!("this is not an address: {why}")),
        _ if text.is_empty() => spot.wrong(format!("{} is empty", spot.key.name)),
        _ => {
            let said = format!("an address must begin with {wanted}");
            let scheme = schemes.first().copied().unwrap_or("https");
            let guess = format!("{scheme}://{}", text.trim_start_matches('/'));
            match Url::parse(&guess) {
                Ok(_) if !text.contains(char::is_whitespace) => {
                    spot.wrong_with(said, format!("write it like {} = {guess:?}", spot.key.name))
                }
                _ => spot.wrong(said),
            }
        }
    }
}

/// An address we can poll.
pub(super) fn url(spot: &Spot<'_, '_>) -> Read<Url> {
    address(spot, &["https", "http"])
}

/// A proxy's address.
pub(super) fn proxy(spot: &Spot<'_, '_>) -> Read<Url> {
    address(spot, &["http", "https", "socks5", "socks5h"])
}

/// The public address: ends with a slash, so that links can be joined to it.
pub(super) fn base_url(spot: &Spot<'_, '_>) -> Read<Url> {
    let mut url = url(spot)?;
    if url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
    {
        return spot.wrong("base_url is scheme, host and a path, nothing more");
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// `host:port` or `unix:/path`.
pub(super) fn listen(spot: &Spot<'_, '_>) -> Read<Listen> {
    let text = spot.text()?.trim();
    if let Some(path) = text.strip_prefix("unix:") {
        return if path.is_empty() {
            spot.wrong("unix: what path?")
        } else {
            Ok(Listen::Unix(spot.dir.join(path)))
        };
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return spot.wrong(format!("{text:?} has no port; listen is host:port or unix:/path"));
    };
    if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) || port.parse::<u16>().is_err() {
        return spot.wrong(format!("{port:?} is not a port: a number from 0 to 65535"));
    }
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let good = match bare {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.contains(':') && url::Host::parse(host).is_ok(),
    };
    if good {
        Ok(Listen::Tcp(text.to_owned()))
    } else if host.contains(':') && bare.is_none() {
        spot.wrong_with(
            "an IPv6 address stands in brackets",
            format!("write it like listen = \"[{host}]:{port}\""),
        )
    } else {
        spot.wrong(format!("{host:?} is not a host; for every address write 0.0.0.0 or [::]"))
    }
}

/// A file, from the directory of the config.
pub(super) fn file(spot: &Spot<'_, '_>) -> Read<PathBuf> {
    let text = spot.text()?;
    if text.is_empty() || text.contains('\0') {
        return spot.wrong(format!("{} is not the name of a file", spot.key.name));
    }
    Ok(spot.dir.join(text))
}

/// A file that can be read now.
pub(super) fn readable_file(spot: &Spot<'_, '_>) -> Read<PathBuf> {
    let path = file(spot)?;
    spot.report.also_read.borrow_mut().push(path.clone());
    match std::fs::File::open(&path) {
        Ok(_) => Ok(path),
        Err(why) => spot.wrong(format!("cannot read {}: {why}", path.display())),
    }
}

/// A zone of the IANA database.
pub(super) fn zone(spot: &Spot<'_, '_>) -> Read<Tz> {
    let text = spot.text()?;
    let Err(_) = text.parse::<Tz>() else { return text.parse().or_else(|_| spot.wrong_shape()) };
    let said = format!("{text:?} is not a time zone");
    let names = || chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name());
    // "Vienna" is meant as Europe/Vienna, "vienna" too.
    let by_city = names().find(|n| {
        n.eq_ignore_ascii_case(text)
            || n.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(text))
    });
    match by_city.or_else(|| nearest(text, names())) {
        Some(near) => spot.wrong_with(said, format!("did you mean {near:?}?")),
        None => spot.wrong(said),
    }
}

/// A language tag, in its usual form.
pub(super) fn language(spot: &Spot<'_, '_>) -> Read<String> {
    let text = spot.text()?;
    tag(text).or_else(|why| spot.wrong(why))
}

/// Language tags.
pub(super) fn languages(spot: &Spot<'_, '_>) -> Read<Vec<String>> {
    each(spot, |text, span| tag(text).map_err(|why| spot.wrong_at(span, why)))
}

fn tag(text: &str) -> Result<String, String> {
    let mut parts = text.split(['-', '_']);
    let first = parts.next().unwrap_or_default();
    let good = (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()));
    let wrong = || format!("{text:?} is not a language code, like en, fr or pt-BR");
    if good { crate::language::tag(text).ok_or_else(wrong) } else { Err(wrong()) }
}

/// Regular expressions.
pub(super) fn patterns(spot: &Spot<'_, '_>) -> Read<Vec<Regex>> {
    each(spot, |text, span| {
        if text.is_empty() {
            return Err(spot.wrong_at(span, "an empty pattern matches everything"));
        }
        Regex::new(text)
            .map_err(|why| spot.wrong_at(span, format!("this is not a regular expression: {}", brief(&why))))
    })
}

/// The last line of a regex error: the others draw the pattern once more.
fn brief(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}

/// The CIDRs and host names of `allow_private`.
pub(super) fn hosts(spot: &Spot<'_, '_>) -> Read<Vec<String>> {
    each(spot, |text, span| {
        let text = text.trim();
        let good = if text.contains('/') {
            text.parse::<ipnet::IpNet>().is_ok()
        } else {
            let bare = text.trim_start_matches('[').trim_end_matches(']');
            bare.parse::<std::net::IpAddr>().is_ok()
                || (url::Host::parse(text).is_ok() && !text.contains(':'))
        };
        if good {
            return Ok(text.to_owned());
        }
        Err(spot.wrong_at(span, format!("{text:?} is neither a network like 10.0.0.0/8 nor a host name")))
    })
}

/// A strftime form.
pub(super) fn date_format(spot: &Spot<'_, '_>) -> Read<String> {
    let text = line(spot)?;
    let broken = chrono::format::StrftimeItems::new(&text).any(|i| matches!(i, chrono::format::Item::Error));
    if broken { spot.wrong("this is not a strftime form") } else { Ok(text) }
}

/// CSS selectors with an optional `@attribute`, separated by commas.
pub(super) fn selector(spot: &Spot<'_, '_>) -> Read<String> {
    let text = line(spot)?;
    match parse::check_selector(&text) {
        Ok(()) => Ok(text),
        Err(why) => spot.wrong(why),
    }
}

/// Headers that riverine writes itself: a second one would break the request or the answer.
const OURS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Request headers: names, and a secret each.
pub(super) fn headers(spot: &Spot<'_, '_>) -> Read<Vec<(String, Secret)>> {
    let Some(table) = spot.value.get_ref().as_table() else { return spot.wrong_shape() };
    let (mut values, mut wrongs, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (name, value) in table {
        let (span, name) = (name.span(), name.get_ref().to_string());
        let lower = name.to_ascii_lowercase();
        if name.is_empty()
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
        {
            wrongs.push(spot.wrong_at(span, format!("{name:?} is not the name of a header")));
        } else if OURS.contains(&lower.as_str()) {
            wrongs.push(spot.wrong_at(span, format!("{name} is set by riverine itself")));
        } else if !seen.insert(lower) {
            wrongs.push(spot.wrong_at(span, format!("{name} stands here twice")));
        }
        match secret::read_value(spot, value) {
            Ok(value) => values.push((name, value)),
            Err(more) => wrongs.extend(more),
        }
    }
    if wrongs.is_empty() { Ok(values) } else { Err(wrongs) }
}
