//! Text that is no XML made readable as XML. Never drops what could be an entry.

use crate::html;

/// Makes every `<` that begins no tag a character, and ends what never ends. One pass.
pub(super) fn mend(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    // The last ends of their kinds: behind them nothing is looked for in vain, again and again.
    let last = |end: &str| text.rfind(end).unwrap_or_default();
    let (last_data, last_comment) = (last("]]>"), last("-->"));
    while let Some(place) = rest.find('<') {
        let (before, tag) = rest.split_at(place);
        out.push_str(before);
        let at = text.len() - tag.len();
        let inner = tag.get(1..).unwrap_or_default();
        let (end, keep) = if let Some(data) = tag.strip_prefix("<![CDATA[") {
            if let Some(end) = (last_data > at).then(|| data.find("]]>")).flatten() {
                (9 + end + 3, true)
            } else {
                // Without its end it was meant to end with the element.
                let end = data.find("</").unwrap_or(data.len());
                out.push_str(&html::escape(data.get(..end).unwrap_or_default()));
                (9 + end, false)
            }
        } else if tag.starts_with("<!--") {
            let end = (last_comment > at).then(|| tag.find("-->")).flatten();
            end.map_or((4, false), |end| (end + 3, false))
        } else if inner.starts_with(['!', '?']) {
            tag.find('>').map_or((tag.len(), false), |end| (end + 1, false))
        } else if inner.starts_with(|first: char| first.is_alphabetic() || matches!(first, '/' | '_' | ':')) {
            if let Some(end) = tag_span(inner) {
                (end + 1, true)
            } else {
                out.push_str("&lt;");
                (1, false)
            }
        } else {
            out.push_str("&lt;");
            (1, false)
        };
        let (piece, after) = tag.split_at_checked(end).unwrap_or((tag, ""));
        if keep {
            out.push_str(piece);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Bytes of a tag without its `<`, with its `>`; `None` when the next tag begins first.
fn tag_span(inner: &str) -> Option<usize> {
    let next = inner.find('<').unwrap_or(inner.len());
    let mut quote = None;
    for (place, byte) in inner.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(place + 1),
            (None, b'<') => return None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if byte == open => quote = None,
            // A quote that is never closed must not swallow the document.
            (Some(_), b'<') if place > next + 512 => break,
            _ => {}
        }
    }
    inner.get(..next)?.find('>').map(|end| end + 1)
}
