//! Names for what the config does not name. The rules never change: ids are lasting.

use sha2::{Digest, Sha256};
use url::Url;

/// A longer name is cut, and told apart by a hash.
const LONGEST: usize = 64;

/// The id of a source without one, made from host, path and query:
///
/// - the host in small letters, without a leading `www.`; the port only where it is not the
///   scheme's own; neither scheme nor credentials nor fragment;
/// - then the path, then the query, without the values of keys that sound like secrets;
/// - each run of anything but letters and digits becomes one `-`, none at the ends;
/// - past 64 characters it is cut and ends with eight digits of its SHA-256.
///
/// `https://www.example.org/news/?lang=en` is `example-org-news-lang-en`.
pub(super) fn from_url(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|p| p.to_string()).unwrap_or_default();
    let mut parts = vec![host.strip_prefix("www.").unwrap_or(host), &port, url.path()];
    for pair in url.query().unwrap_or_default().split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let hidden = super::secret::sounds_like(key) || matches!(key, "key" | "sig" | "signature");
        parts.extend([key, if hidden { "" } else { value }]);
    }
    slug(&parts.join("-")).unwrap_or_else(|| "source".to_owned())
}

/// Small letters, digits and single hyphens out of any text; `None` when nothing is left.
pub(super) fn slug(text: &str) -> Option<String> {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('-');
    if out.len() <= LONGEST {
        return if out.is_empty() { None } else { Some(out.to_owned()) };
    }
    let hash = Sha256::digest(out.as_bytes());
    let number = hash.iter().take(4).fold(0u32, |n, b| n << 8 | u32::from(*b));
    let head = out.get(..LONGEST - 9).unwrap_or_default().trim_end_matches('-');
    Some(format!("{head}-{number:08x}"))
}
