//! Clean HTML, and the text in it: what identity, corrections and search go by is made once.

use std::ops::Deref;
use std::sync::OnceLock;

use crate::html;

/// Clean HTML that does not change any more.
#[derive(Clone, Default)]
pub struct Markup {
    html: String,
    text: OnceLock<String>,
}

impl Markup {
    /// The visible text, white space folded.
    pub fn text(&self) -> &str {
        self.text.get_or_init(|| html::to_text(&self.html))
    }
}

impl From<String> for Markup {
    fn from(html: String) -> Self {
        Self { html, text: OnceLock::new() }
    }
}

impl From<Markup> for String {
    fn from(markup: Markup) -> Self {
        markup.html
    }
}

impl Deref for Markup {
    type Target = str;

    fn deref(&self) -> &str {
        &self.html
    }
}

impl PartialEq for Markup {
    fn eq(&self, other: &Self) -> bool {
        self.html == other.html
    }
}

impl std::fmt::Debug for Markup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.html.fmt(f)
    }
}
