//! Plain text: folding, cutting, and what must never be in it.
//!
//! Everything here is about characters alone; markup and entities are gone before. Nothing changes words.

use std::borrow::Cow;
use std::fmt::Write;

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

/// A title as it counts for identity: NFKC, full case fold, white space to one blank, and without the
/// characters that nobody sees (soft hyphens, zero-widths, bidi controls, variation selectors).
///
/// Folding twice changes nothing. Entities are resolved before.
pub fn fold_title(title: &str) -> String {
    if title.is_ascii() {
        let mut folded = squeeze(title);
        // To the end without leaving early: this way the compiler looks at many bytes at once.
        if folded.bytes().fold(false, |any, byte| any | byte.is_ascii_control()) {
            // What stood between blanks and is gone leaves two of them.
            folded = squeeze(&folded.replace(|c: char| c.is_control(), ""));
        }
        folded.make_ascii_lowercase();
        return folded;
    }
    let mut folded = fold_once(title);
    // One pass may make what the next one folds (a ligature becomes letters that compose): few texts need a second,
    // none is known to need a third.
    for _ in 0..4 {
        let again = fold_once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

fn fold_once(title: &str) -> String {
    let plain: String = title
        .nfkc()
        .default_case_fold()
        .nfkc()
        .filter(|c| !is_ignorable(*c) && (c.is_whitespace() || !c.is_control()))
        .collect();
    squeeze(&plain)
}

/// White space to one blank each, none at the ends.
pub fn squeeze(text: &str) -> String {
    if is_squeezed(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    push_squeezed(&mut out, text);
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

/// Appends a piece of a text so that no two blanks follow each other, and none is the first; one may be the last.
pub fn push_squeezed(out: &mut String, piece: &str) {
    let mut after_blank = out.is_empty() || out.ends_with(' ');
    if !piece.is_ascii() {
        for c in piece.chars() {
            let blank = c.is_whitespace();
            if !(blank && after_blank) {
                out.push(if blank { ' ' } else { c });
            }
            after_blank = blank;
        }
        return;
    }
    // Most texts by far, and every text passes here several times: what needs nothing done is copied whole.
    if has_single_blanks(piece.as_bytes()) && !(after_blank && piece.starts_with(' ')) {
        return out.push_str(piece);
    }
    let mut start = 0;
    for (at, byte) in piece.bytes().enumerate() {
        if byte > b' ' || !matches!(byte, b' ' | b'\t'..=b'\r') {
            after_blank = false;
        } else if after_blank {
            // One more than is wanted: it is left out.
            out.push_str(piece.get(start..at).unwrap_or_default());
            start = at + 1;
        } else if byte != b' ' {
            out.push_str(piece.get(start..at).unwrap_or_default());
            out.push(' ');
            (start, after_blank) = (at + 1, true);
        } else {
            after_blank = true;
        }
    }
    out.push_str(piece.get(start..).unwrap_or_default());
}

/// True when squeezing changes nothing, as far as one quick look tells: most texts were squeezed before.
fn is_squeezed(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()].into_iter().flatten();
    text.is_ascii() && ends.into_iter().all(|end| *end > b' ') && has_single_blanks(bytes)
}

/// True when no two blanks stand side by side, nor anything that is to become one.
fn has_single_blanks(bytes: &[u8]) -> bool {
    let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    let is_wrong = |one: u8, two: u8| u8::from(one < b' ') | u8::from(one == b' ') & u8::from(two == b' ');
    // To the end without leaving early: this way the compiler looks at many bytes at once.
    let wrong = pairs.fold(0, |any, (one, two)| any | is_wrong(*one, *two));
    wrong == 0 && bytes.last().is_none_or(|last| *last >= b' ')
}

/// At most `max_chars` characters of `text`, and whether something was cut off.
///
/// An accent or a joined emoji stays with the letter before it: then the text gets shorter, never longer.
pub fn cut(text: &str, max_chars: usize) -> (&str, bool) {
    let Some((mut end, mut next)) = text.char_indices().nth(max_chars) else { return (text, false) };
    let before = |end| text.get(..end).unwrap_or_default();
    // No letter carries so many marks; without a limit a text of marks alone would be walked through.
    for _ in 0..16 {
        let Some(last) = before(end).chars().next_back() else { break };
        if !sticks(next) && last != '\u{200D}' {
            break;
        }
        end -= last.len_utf8();
        next = last;
    }
    (before(end), true)
}

/// Marks that belong to the character before them.
fn sticks(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
        || matches!(c, '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}')
}

/// Without what XML 1.0, 2.2 forbids: most controls, U+FFFE and U+FFFF.
pub fn clean(text: &str) -> Cow<'_, str> {
    // Byte by byte first: nearly every text passes, and U+FFFE and U+FFFF begin with 0xEF.
    let suspect = |byte: &u8| (*byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte == 0xEF;
    // In blocks, without leaving one early: this way the compiler looks at many bytes at once.
    let mut blocks = text.as_bytes().chunks(64);
    if !blocks.any(|block| block.iter().fold(false, |any, byte| any | suspect(byte)))
        || text.chars().all(may_stand_in_xml)
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| may_stand_in_xml(*c)).collect())
}

/// XML 1.0, 2.2, as far as Rust's characters go.
pub(crate) fn may_stand_in_xml(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// With controls, line breaks and direction marks spelled out (`\n`, `\u{1b}`), so that a text from outside
/// keeps to its line in a log and cannot disguise itself on a terminal.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = c.is_control() || is_ignorable(c) || matches!(c, '\u{2028}' | '\u{2029}');
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a String cannot fail.
            _ if hidden => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

/// True when there is nothing in it that anybody sees: blanks, what has no width, and marks without a letter.
pub fn is_unseen(text: &str) -> bool {
    let unseen = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || is_ignorable(c)
            || matches!(c, '\u{2800}' | '\u{FFF9}'..='\u{FFFB}')
            || unicode_normalization::char::is_combining_mark(c)
    };
    text.chars().all(unseen)
}

/// Characters without width or meaning of their own (Unicode's `Default_Ignorable_Code_Point`).
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests;
