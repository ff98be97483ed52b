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
            match span(inner) {
                Span::Whole(end) => (end + 1, true),
                Span::Unquoted { open, end } => {
                    push_quoted(&mut out, inner.get(..end).unwrap_or_default(), open);
                    (1 + end + 1, false)
                }
                Span::Open(end) => {
                    let (piece, after) = inner.split_at_checked(end).unwrap_or((inner, ""));
                    push_ended(&mut out, piece, after);
                    (1 + end, false)
                }
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

/// A tag without its `<`; places are bytes.
enum Span {
    /// With its `>`.
    Whole(usize),
    /// The quote at `open` is never closed, or closes nothing; the tag was meant to end with the `>` at `end`.
    Unquoted { open: usize, end: usize },
    /// The next tag, or the end, comes before any `>`.
    Open(usize),
}

fn span(inner: &str) -> Span {
    // The open quote, and the first `>` behind it; once markup follows the quote, it is a value with markup in it.
    let mut quote: Option<(u8, usize)> = None;
    let mut suspect = None;
    let mut next = None;
    // Up to here a value is one, whatever stands in it.
    let mut certain = 0;
    for (place, byte) in inner.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Span::Whole(place + 1),
            (None, b'<') => return Span::Open(place),
            (None, b'"' | b'\'') => (quote, suspect, next) = (Some((byte, place)), None, None),
            (Some((open, _)), byte) if byte == open => quote = None,
            (Some(_), b'>') if next.is_none() && suspect.is_none() => suspect = Some(place),
            (Some(_), b'<') if place < certain => {}
            (Some((byte, open)), b'<') if next.is_none() => {
                if let Some(length) = value_length(inner, open, byte) {
                    certain = open + length;
                } else if let Some(end) = suspect {
                    return Span::Unquoted { open, end };
                } else {
                    next = Some(place);
                }
            }
            // A quote that is never closed must not swallow the document.
            (Some(_), b'<') if next.is_some_and(|next| place > next + 512) => break,
            _ => {}
        }
    }
    match (quote, suspect) {
        (Some((_, open)), Some(end)) => Span::Unquoted { open, end },
        _ => Span::Open(next.unwrap_or(inner.len())),
    }
}

/// Longest value that is searched for its end.
const LONGEST_VALUE: usize = 64 << 10;

/// From a quote to the next one, where that ends a value: it begins none, and the tag goes on or ends behind it.
fn value_length(inner: &str, open: usize, quote: u8) -> Option<usize> {
    let value = inner.as_bytes().get(open + 1..)?;
    let length = value.iter().take(LONGEST_VALUE).position(|byte| *byte == quote)?;
    let begins = length > 0 && value.get(length - 1) == Some(&b'=');
    let goes_on =
        value.get(length + 1).is_some_and(|byte| matches!(byte, b'/' | b'>') || byte.is_ascii_whitespace());
    (!begins && goes_on).then_some(length + 1)
}

/// Whether a `<` in what was taken for one tag (without its own) shows that a quote or a `>` is missing.
pub(super) fn is_torn(tag: &str) -> bool {
    tag.contains('<') && !matches!(span(&format!("{tag}>")), Span::Whole(_))
}

/// A tag with one quote too few or too many.
fn push_quoted(out: &mut String, tag: &str, open: usize) {
    let (before, value) = tag.split_at_checked(open).unwrap_or((tag, ""));
    out.push('<');
    out.push_str(before);
    if before.ends_with('=') {
        let (value, end) = value.strip_suffix('/').map_or((value, ""), |value| (value, "/"));
        let quote = value.get(..1).unwrap_or("\"");
        out.push_str(value);
        out.push_str(quote);
        out.push_str(end);
    } else {
        out.push_str(value.get(1..).unwrap_or_default());
    }
    out.push('>');
}

/// A tag without its `>`, where what follows says that it is one; else its `<` was a character.
fn push_ended(out: &mut String, piece: &str, after: &str) {
    if piece.starts_with('/') {
        let end = piece.find(char::is_whitespace).unwrap_or(piece.len());
        let (name, rest) = piece.split_at_checked(end).unwrap_or((piece, ""));
        out.extend(["<", name, ">", rest]);
        return;
    }
    // `<titleHeadline</title>`
    let own_end = after.strip_prefix("</").and_then(|end| Some(end.split_once('>')?.0.trim_end()));
    if let Some((name, rest)) = own_end.and_then(|name| Some((name, piece.strip_prefix(name)?))) {
        out.extend(["<", name, ">", rest]);
    } else if piece.contains('=') || !piece.trim_end().contains(char::is_whitespace) && !after.is_empty() {
        out.extend(["<", piece, ">"]);
    } else {
        out.extend(["&lt;", piece]);
    }
}
