//! Texts as they are searched: folded words with a blank between them.
//!
//! The same fold is laid over entries and queries, so what it does matters less than that it does it to
//! both. Case, accents and widths go; scripts that put no blanks between words become one word a character.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::text::push_squeezed;

/// The words of a text.
pub fn folded(text: &str) -> Vec<String> {
    let mut out = String::new();
    fold_into(&mut out, text);
    out.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Appends the words of a text, a blank before each but the first.
pub fn fold_into(out: &mut String, text: &str) {
    if text.is_ascii() {
        if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
        // Small letters and digits; all else parts words. Each byte for itself, so that many are done at once.
        let folded = text.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'0'..=b'9' => byte,
            b'A'..=b'Z' => byte | 0x20,
            _ => b' ',
        });
        push_squeezed(out, &String::from_utf8(folded.collect()).unwrap_or_default());
    } else {
        // Apart, without the marks, and together again: syllables of Hangul and kana stay whole.
        let bare = text.nfkd().filter(|c| !is_accent(*c));
        for c in
            caseless::default_case_fold_str(&bare.collect::<String>()).nfkd().filter(|c| !is_accent(*c)).nfc()
        {
            match plain(c) {
                Some(letters) => letters.chars().for_each(|c| push(out, c)),
                None => push(out, c),
            }
        }
    }
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

fn push(out: &mut String, c: char) {
    if !(c.is_alphanumeric() || is_combining_mark(c)) {
        // An apostrophe and its like do not part a word in two in any language's eyes but ours;
        // as both sides part it alike, a phrase finds it.
        if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
        return;
    }
    let alone = stands_alone(c);
    if alone && !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
    out.push(c);
    if alone {
        out.push(' ');
    }
}

/// Marks that people leave out when they type: accents, vowel points of Hebrew and Arabic. The vowel signs
/// of Indic scripts are letters in all but name and stay.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5BD}' | '\u{5BF}' | '\u{5C1}' | '\u{5C2}'
        | '\u{5C4}' | '\u{5C5}' | '\u{5C7}' | '\u{610}'..='\u{61A}' | '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}'
        | '\u{6D6}'..='\u{6DC}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{200B}'..='\u{200F}'
        | '\u{20D0}'..='\u{20FF}' | '\u{AD}' | '\u{2060}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}' | '\u{FEFF}')
}

/// Letters with a stroke or a ligature, which no decomposition takes apart.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ŧ' => "t",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

/// Scripts written without blanks between words, and Hangul, whose particles cling to the word.
pub fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{E00}'..='\u{EFF}'          // Thai, Lao
        | '\u{1000}'..='\u{109F}'      // Myanmar
        | '\u{1100}'..='\u{11FF}'      // Hangul letters
        | '\u{1780}'..='\u{17FF}'      // Khmer
        | '\u{2E80}'..='\u{2FDF}'      // radicals
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{312F}' | '\u{31A0}'..='\u{31FF}' // kana, bopomofo
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' // Han
        | '\u{AC00}'..='\u{D7FF}'      // Hangul syllables
        | '\u{1B000}'..='\u{1B16F}' | '\u{20000}'..='\u{323AF}')
}
