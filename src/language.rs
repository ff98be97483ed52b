//! Which language a text is in.
//!
//! `tag` reads what a document states; `detect` guesses where nothing is stated. A guess needs evidence of
//! its own (script, letters, small words) besides the detector's word, because the detector always names
//! one of its sixteen languages, whatever it is given. A language outside those is never named.
//! How often it is right: docs/notes/language.md.

mod evidence;
mod names;
mod small_words;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// The longest tag that is kept: RFC 5646, 4.4.1 asks for no less.
const LONGEST_TAG: usize = 35;

/// So much of a body is looked at.
const BODY: usize = 300;

/// A language statement in BCP 47 form (`en_us ` → `en-US`); `None` when it is none.
///
/// Takes POSIX names (`de_AT.UTF-8`), three-letter codes (`deu`), old codes (`iw`), names of the most common
/// languages (`English (US)`), and the first of a list. What is no known language (`null`, `language`) is `None`.
pub fn tag(statement: &str) -> Option<String> {
    let first = statement.trim().split([',', ';', '.', '@', '/', '(', ' ', '\t', '\n']).next()?;
    let mut subtags = first.split(['-', '_']).filter(|part| !part.is_empty());
    let mut tag = names::primary(&subtags.next()?.to_lowercase())?.to_owned();
    let mut after_singleton = false;
    for subtag in subtags {
        if subtag.len() > 8 || !subtag.bytes().all(|b| b.is_ascii_alphanumeric()) {
            break;
        }
        if tag.len() + 1 + subtag.len() > LONGEST_TAG {
            break;
        }
        tag.push('-');
        tag.push_str(&cased(subtag, after_singleton));
        after_singleton |= subtag.len() == 1;
    }
    // A singleton says what kind of subtags follow; alone at the end it says nothing.
    while let Some(cut) =
        tag.len().checked_sub(2).filter(|cut| tag.get(*cut..).is_some_and(|end| end.starts_with('-')))
    {
        tag.truncate(cut);
    }
    Some(tag)
}

/// True when the language of a tag is one that many know. Eight thousand have a code of three letters.
pub fn is_common(tag: &str) -> bool {
    names::is_common(tag.split('-').next().unwrap_or_default())
}

/// The codes of two letters.
pub fn short_codes() -> impl Iterator<Item = &'static str> {
    names::short()
}

/// RFC 5646, 2.1.1: scripts `Latn`, regions `US`, all else in lower case.
fn cased(subtag: &str, after_singleton: bool) -> String {
    let lower = subtag.to_ascii_lowercase();
    let letters = lower.bytes().all(|b| b.is_ascii_alphabetic());
    match lower.len() {
        // The country is GB; UK is written often and is no one else's.
        2 if letters && !after_singleton => {
            if lower == "uk" {
                "GB".to_owned()
            } else {
                lower.to_ascii_uppercase()
            }
        }
        4 if letters && !after_singleton => {
            let (head, tail) = lower.split_at(1);
            head.to_ascii_uppercase() + tail
        }
        _ => lower,
    }
}

/// The language of an entry, guessed from its title, with the body when the title is short.
/// `None` outside the detector's set or when it is not sure.
///
/// `body` may hold markup; only its first 300 characters are looked at.
pub fn detect(title: &str, body: &str) -> Option<&'static str> {
    let title = words_of(title);
    match evidence::judge(&title) {
        Verdict::Is(language) => Some(language),
        Verdict::Other => None,
        Verdict::Unsure => {
            let (body, _) = crate::text::cut(body, BODY);
            let both = format!("{title} {}", words_of(&without_tags(body)));
            match evidence::judge(&both) {
                Verdict::Is(language) => Some(language),
                Verdict::Other | Verdict::Unsure => None,
            }
        }
    }
}

/// What the evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Is(&'static str),
    /// A language that the detector does not know.
    Other,
    Unsure,
}

/// The text without what is in no language: addresses, names of accounts, hashtags, numbers.
fn words_of(text: &str) -> String {
    let foreign = |word: &str| {
        word.bytes().any(|b| b == b':') && word.contains("://")
            || word.starts_with(['@', '#', '&'])
            || word.starts_with("www.")
            || word.is_ascii() && word.contains(char::is_numeric)
    };
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace().filter(|word| !foreign(word)) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// A body without its tags, crudely: this is no reading of HTML, only of its words.
fn without_tags(body: &str) -> Cow<'_, str> {
    if !body.contains('<') {
        return Cow::Borrowed(body);
    }
    let mut out = String::with_capacity(body.len());
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    Cow::Owned(out)
}
