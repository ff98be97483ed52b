//! Relative links made absolute. Never follows one.

use url::Url;

/// Bytes of a link; longer ones are dropped.
const LONGEST_LINK: usize = 8192;

/// The bases of one document.
pub(super) struct Links {
    document: Option<Url>,
}

impl Links {
    /// `own`: the base that the document's root sets; it counts only if it is http(s).
    pub(super) fn new(url: Option<&Url>, own: Option<&str>) -> Self {
        let document = own.and_then(|own| join(url, own)).filter(is_web).or_else(|| url.cloned());
        Self { document }
    }

    /// The base in force where `own` is set.
    pub(super) fn base(&self, own: Option<&str>) -> Option<Url> {
        own.and_then(|own| join(self.document.as_ref(), own)).filter(is_web).or_else(|| self.document.clone())
    }

    /// True when `own` is the base of the document itself.
    pub(super) fn is_base(&self, own: &str) -> bool {
        self.document.as_ref().is_some_and(|document| document.as_str() == own)
    }

    /// An absolute http(s) address, at most 8 KiB; `None` for all else.
    pub(super) fn absolute(&self, link: &str, own: Option<&str>) -> Option<String> {
        let link = link.trim();
        if link.is_empty() || link.len() > LONGEST_LINK {
            return None;
        }
        let url = match Url::parse(link) {
            Ok(url) => url,
            Err(_) => join(self.base(own).as_ref(), link)?,
        };
        (is_web(&url) && url.as_str().len() <= LONGEST_LINK).then(|| url.into())
    }
}

fn join(base: Option<&Url>, link: &str) -> Option<Url> {
    match base {
        Some(base) => base.join(link).ok(),
        None => Url::parse(link).ok(),
    }
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}
