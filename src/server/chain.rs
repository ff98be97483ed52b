//! The pages of a river, from its newest entries back to the first, and which leads to which.

use axum::http::Uri;

use super::plan::Place;
use crate::model::Published;

/// Entries on a page.
pub(super) const ON_PAGE: usize = 60;

/// Which page of a river.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// Everything that is new, with all feeds.
    Front,
    /// So many pages behind the first one of the current document.
    Current(usize),
    /// An archive document.
    Archive(usize),
}

/// What lies beside a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    /// So many entries stand in the current document.
    pub(super) current: usize,
    /// The newest archive document behind it that has anything in it.
    pub(super) newest: Option<usize>,
    /// The archive document before this page's own, where it has one.
    pub(super) older: Option<usize>,
}

impl Chain {
    pub(super) fn of_current(entries: &[Published], newest: Option<usize>) -> Self {
        Self { current: entries.len(), newest, older: None }
    }
}

impl Page {
    /// The page that an address asks for.
    pub(super) fn of(uri: &Uri) -> Self {
        let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let page = pairs.filter(|(name, _)| name == "page").find_map(|(_, value)| value.parse().ok());
        Self::Current(page.unwrap_or(1usize).saturating_sub(1))
    }

    /// The pages of newer and of older entries beside it.
    pub(super) fn beside(self, chain: Chain) -> (Option<Self>, Option<Self>) {
        let Chain { current, newest, older } = chain;
        match self {
            Self::Front => Self::Current(0).beside(chain),
            // Whoever went too far is shown the way back, and not one still farther.
            Self::Current(n) if n > 0 && self.skipped() >= current => (Some(Self::Current(0)), None),
            Self::Current(n) => {
                let more = current > self.skipped().saturating_add(ON_PAGE);
                let older = if more { Some(Self::Current(n + 1)) } else { newest.map(Self::Archive) };
                (n.checked_sub(1).map(Self::Current), older)
            }
            Self::Archive(n) => {
                let is_newest = newest.is_none_or(|newest| n >= newest);
                let last = Self::Current(current.saturating_sub(1) / ON_PAGE);
                let newer = if is_newest { last } else { Self::Archive(n + 1) };
                (Some(newer), older.map(Self::Archive))
            }
        }
    }

    /// So many entries of the current document stand on the pages before it.
    pub(super) fn skipped(self) -> usize {
        if let Self::Current(n) = self { n.saturating_mul(ON_PAGE) } else { 0 }
    }

    /// What an address says of the page behind a question mark, with it.
    pub(super) fn query(self) -> String {
        match self {
            Self::Current(n) if n > 0 => format!("?page={}", n.saturating_add(1)),
            _ => String::new(),
        }
    }

    pub(super) fn path(self, place: &Place) -> String {
        let stem = place.stem();
        match self {
            Self::Front => String::new(),
            Self::Current(_) => stem + &self.query(),
            Self::Archive(n) => format!("{stem}/archive/{n}"),
        }
    }
}
