//! Why a request failed, in words a user can act on. Never shows a secret of a URL.

use std::error::Error;
use std::io;

use url::Url;

use super::dial::DialError;
use super::headers;
use super::wire::WireError;
use crate::link;

/// An address as it may be shown, without what is never sent.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    link::mask(url.as_str())
}

/// An address as it is asked: without fragment and credentials.
pub(super) fn bare(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    // Only an address without host refuses these, and none such is asked.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

/// Host and port of an address, for words about connections.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // An io::Error hides what it wraps from source().
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|wrapped| find::<T>(wrapped)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// What went wrong before there was a head.
pub(super) fn of_wire(error: &WireError, url: &Url) -> String {
    match error {
        WireError::Dial(error) => of_dial(error, url),
        WireError::Http(error) => of_http(error, url),
        WireError::Interim => format!("{} sends interim answers (1xx) without end", shown(url)),
    }
}

fn of_dial(error: &DialError, url: &Url) -> String {
    let host = host(url);
    match error {
        DialError::Refused(refused) => format!("{} was not asked: {refused}", shown(url)),
        DialError::NoAddress(missing) => missing.to_string(),
        DialError::Late => format!("{host} did not take a connection within 10s"),
        DialError::Connect(error) => {
            of_io(error, &host).unwrap_or_else(|| format!("no connection to {host}: {error}"))
        }
        DialError::Tls(error) => match find::<rustls::Error>(error) {
            Some(tls) => format!("TLS with {host} failed: {}", of_tls(tls)),
            None => of_io(error, &host).unwrap_or_else(|| format!("TLS with {host} failed: {error}")),
        },
        DialError::Proxy(words) => words.clone(),
    }
}

fn of_http(error: &hyper::Error, url: &Url) -> String {
    let (host, shown) = (host(url), shown(url));
    if error.is_incomplete_message() {
        return format!("{host} closed the connection before its answer was complete");
    }
    if error.is_parse_too_large() {
        return head_too_large(&shown);
    }
    if let Some(words) = find::<io::Error>(error).and_then(|io| of_io(io, &host)) {
        return words;
    }
    format!("{shown} gave no answer that can be read: {}", innermost(error))
}

/// The head of an answer, by size or by lines.
pub(super) fn head_too_large(shown: &str) -> String {
    format!(
        "{shown} answered with a head larger than {} KiB or of more than {} lines",
        headers::MAX_HEAD >> 10,
        headers::MAX_LINES
    )
}

fn of_io(error: &io::Error, host: &str) -> Option<String> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("{host} refused the connection"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            format!("{host} reset the connection")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            format!("{host} cannot be reached: {error}")
        }
        io::ErrorKind::UnexpectedEof => format!("{host} closed the connection"),
        _ => return None,
    })
}

/// What went wrong within a body.
pub(super) fn of_body(error: &hyper::Error, url: &Url, raw: u64) -> String {
    format!("the body of {} was cut off after {raw} bytes: {}", shown(url), innermost(error))
}

fn of_tls(error: &rustls::Error) -> String {
    use rustls::CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => "its certificate has expired".to_owned(),
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "its certificate is not valid yet".to_owned()
            }
            Bad::UnknownIssuer => {
                "its certificate's issuer is not known ([fetch] ca_file adds roots)".to_owned()
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                "its certificate is for another name".to_owned()
            }
            other => format!("bad certificate: {other}"),
        },
        other => other.to_string(),
    }
}

/// The deepest cause says most.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let words = deepest.to_string();
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
