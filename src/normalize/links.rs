//! Relative links made absolute, without the secrets of the address that they stand at. Never follows one.

use std::borrow::Cow;

use url::Url;

use crate::link::Secrets;

/// Bytes of a link; longer ones are dropped.
const LONGEST_LINK: usize = 8192;

/// The bases of one document.
pub(super) struct Links<'a> {
    document: Option<Url>,
    secrets: &'a Secrets,
}

impl<'a> Links<'a> {
    /// `own`: the base that the document's root sets; it counts only if it is http(s).
    pub(super) fn new(url: Option<&Url>, own: Option<&str>, secrets: &'a Secrets) -> Self {
        let document = own.and_then(|own| join(url, own)).filter(is_web).or_else(|| url.cloned());
        Self { document, secrets }
    }

    /// The base in force where `own` is set, as what is written down may begin with it.
    pub(super) fn shown_base(&self, own: Option<&str>) -> Option<Url> {
        self.base(own).map(|base| self.secrets.base(&base))
    }

    /// The base in force where `own` is set.
    fn base(&self, own: Option<&str>) -> Option<Url> {
        own.and_then(|own| join(self.document.as_ref(), own)).filter(is_web).or_else(|| self.document.clone())
    }

    /// True when `own` is the base of the document itself.
    pub(super) fn is_base(&self, own: &str) -> bool {
        self.document.as_ref().is_some_and(|document| document.as_str() == own)
    }

    /// Clean HTML of a document's own base, whose links to places in the text (footnotes) lead to the entry's page: the
    /// address of a feed has no such places.
    pub(super) fn places(&self, html: String, page: Option<&str>) -> String {
        let Some(page) = page.filter(|_| html.contains('#')) else { return html };
        let Some(mut base) = self.shown_base(None) else { return html };
        base.set_fragment(None);
        let written = |address: &str| format!("href=\"{}#", address.replace('&', "&amp;"));
        let (ours, theirs) = (written(base.as_str()), written(page.split('#').next().unwrap_or(page)));
        if html.contains(&ours) { html.replace(&ours, &theirs) } else { html }
    }

    /// A text without the secrets of the address that it stands at.
    pub(super) fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.secrets.hide(text)
    }

    /// An absolute http(s) address without these, at most 8 KiB; `None` for all else.
    pub(super) fn absolute(&self, link: &str, own: Option<&str>) -> Option<String> {
        self.whole(link, own).map(|whole| self.secrets.hidden(whole))
    }

    /// The same with all that is in it: never to be shown.
    pub(super) fn whole(&self, link: &str, own: Option<&str>) -> Option<String> {
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
