//! Links that need no parsing: it would change nothing in them. Nearly all links are such, and to take one apart costs a
//! tenth of what parsing it does. Never guesses: what is not plain is parsed.

use std::net::Ipv4Addr;

/// What a canonical link is made of, as the URL Standard has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) host: &'a str,
    /// Without those that are the default of some scheme.
    pub(super) port: Option<u16>,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) fragment: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// Of an http(s) link in which nothing is dropped, folded or encoded (URL Standard 4.4); `None` for all others.
    pub(super) fn of_plain(link: &'a str) -> Option<Self> {
        let rest = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"))?;
        let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(plain_port(port)?)),
            None => (authority, None),
        };
        let (rest, fragment) = match rest.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment)),
            None => (rest, None),
        };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let plain = is_plain_host(host) || host.parse::<Ipv4Addr>().is_ok();
        if !plain
            || ![path, query, fragment.unwrap_or_default()].into_iter().all(stays)
            || path.contains("/.")
        {
            return None;
        }
        Some(Self { host, port: port.filter(|port| !matches!(port, 80 | 443)), path, query, fragment })
    }
}

/// True when all of it stands for itself, in a path, a query and a fragment.
fn stays(part: &str) -> bool {
    let stays = |byte: u8| {
        matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b'?' | b'=' | b'&'
            | b'!' | b'$' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b':' | b'@')
    };
    // To the end without leaving early: this way the compiler looks at many bytes at once.
    part.bytes().fold(true, |all, byte| all & stays(byte))
}

fn plain_port(port: &str) -> Option<u16> {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    port.parse().ok().filter(|_| digits)
}

/// True only for a host that parses and stays as it is: of small letters, digits and single dots, its end no number.
pub(crate) fn is_plain_host(host: &str) -> bool {
    let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_part = |part: &str| {
        let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=63).contains(&part.len()) && part.bytes().all(fine) && !part.starts_with("xn--")
    };
    host.len() <= 253 && host.split('.').all(is_part) && host.rsplit('.').next().is_some_and(letters)
}
