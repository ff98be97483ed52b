//! Character references: `&amp;`, `&#8217;`, `&#x27;`, `&eacute;`.

use std::borrow::Cow;

/// What windows-1252 has where Unicode has controls: many pages mean these (HTML Standard, 13.2.5.80).
const C1: [char; 32] = [
    '\u{20AC}', '\u{81}', '\u{201A}', '\u{192}', '\u{201E}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2C6}',
    '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8D}', '\u{17D}', '\u{8F}', '\u{90}', '\u{2018}',
    '\u{2019}', '\u{201C}', '\u{201D}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2DC}', '\u{2122}', '\u{161}',
    '\u{203A}', '\u{153}', '\u{9D}', '\u{17E}', '\u{178}',
];

/// Longest name that is looked up: `&CounterClockwiseContourIntegral;`.
const LONGEST: usize = 40;

/// The text of one reference, without `&` and `;`; empty for a number that is no character.
/// `None`: no such reference.
pub fn reference(name: &str) -> Option<Cow<'static, str>> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        let letter = match code {
            0x80..=0x9F => C1.get(code as usize - 0x80).copied(),
            code => char::from_u32(code).filter(|letter| crate::text::may_stand_in_xml(*letter)),
        };
        // What no text may hold (controls, half a surrogate pair) is dropped.
        return Some(letter.map_or(Cow::Borrowed(""), |letter| Cow::Owned(letter.to_string())));
    }
    let known = match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        "nbsp" => "\u{A0}",
        _ => return named(name),
    };
    Some(Cow::Borrowed(known))
}

/// One of HTML's two thousand names (HTML Standard, 13.5): one or two characters.
fn named(name: &str) -> Option<Cow<'static, str>> {
    if name.is_empty() || name.len() > LONGEST {
        return None;
    }
    let (first, second) = *markup5ever::data::NAMED_ENTITIES.get(&format!("{name};"))?;
    let letters: String =
        [first, second].into_iter().filter(|code| *code != 0).filter_map(char::from_u32).collect();
    (!letters.is_empty()).then_some(Cow::Owned(letters))
}

/// Every reference in a text resolved, once; what is none stays.
pub fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let length = after
            .bytes()
            .take(LONGEST)
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#')
            .count();
        let name = after.get(..length).unwrap_or_default();
        let ended = after.as_bytes().get(length) == Some(&b';');
        // Without its semicolon only a number is surely meant as a reference.
        let found = (ended || name.starts_with('#')).then(|| reference(name)).flatten();
        match found {
            Some(found) if ended || !found.is_empty() => {
                out.push_str(&found);
                rest = after.get(length + usize::from(ended)..).unwrap_or_default();
            }
            _ => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}
