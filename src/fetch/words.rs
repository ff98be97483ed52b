//! Why a request failed, in words a user can act on. Never shows a secret of a URL.

use std::error::Error;
use std::io;

use url::Url;

use super::guard::{NoAddress, Refused};
use crate::link;

/// An address as it may be shown, without what is never sent.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    link::mask(url.as_str())
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

/// Whether a connection was closed before there was a head.
pub(super) fn is_hung_up(error: &reqwest::Error) -> bool {
    let closed = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
    };
    !error.is_connect()
        && (find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message)
            || find::<io::Error>(error).is_some_and(closed))
}

/// What went wrong before there was a head. A proxy takes the connections in the host's place.
pub(super) fn of_request(error: &reqwest::Error, url: &Url, proxy: Option<&str>) -> String {
    let (host, shown) = (host(url), shown(url));
    let peer = match proxy.filter(|_| error.is_connect()) {
        Some(proxy) => format!("the proxy {proxy}"),
        None => host.clone(),
    };
    if let Some(refused) = find::<Refused>(error) {
        return format!("{shown} was not asked: {refused}");
    }
    if let Some(missing) = find::<NoAddress>(error) {
        return missing.to_string();
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return format!("TLS with {host} failed: {}", of_tls(tls));
    }
    if error.is_connect() && error.is_timeout() {
        return format!("{peer} did not take a connection within 10s");
    }
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message) {
        return format!("{host} closed the connection before its answer was complete");
    }
    let detail = innermost(error);
    if let Some(io) = find::<io::Error>(error) {
        match io.kind() {
            io::ErrorKind::ConnectionRefused => return format!("{peer} refused the connection"),
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                return format!("{peer} reset the connection");
            }
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                return format!("{peer} cannot be reached: {io}");
            }
            io::ErrorKind::UnexpectedEof => return format!("{peer} closed the connection"),
            _ => {}
        }
    }
    if error.is_connect() {
        let by = proxy.map_or(String::new(), |proxy| format!(" by the proxy {proxy}"));
        return format!("no connection to {host}{by}: {detail}");
    }
    format!("{shown} gave no answer that can be read: {detail}")
}

/// What went wrong within a body.
pub(super) fn of_body(error: &reqwest::Error, url: &Url, raw: u64) -> String {
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

/// The deepest cause says most; reqwest's own words repeat the URL, secrets included.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let words = deepest.to_string();
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
