//! Everything done to HTML: made inert, made plain, measured.

use url::Url;

/// Clean, balanced HTML with absolute links: what may be published (threats.md, "What we publish").
/// Input that is nested too deeply becomes escaped text.
pub fn sanitize(html: &str, base: Option<&Url>) -> String {
    let _ = base;
    html.to_owned()
}

/// The visible text: tags gone, entities resolved, white space folded.
pub fn to_text(html: &str) -> String {
    html.to_owned()
}

/// Text as HTML: `&`, `<`, `>`, `"`, `'` escaped.
pub fn escape(text: &str) -> String {
    text.to_owned()
}
