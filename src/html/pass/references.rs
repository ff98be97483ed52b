//! Character references as the HTML parser reads them (HTML Standard 13.2.5.72 ff.), as far as they are plain.
//! Never resolves what [`super::super::decode`] is for: titles and other plain texts.

use markup5ever::data::{C1_REPLACEMENTS, NAMED_ENTITIES};

/// No name is longer.
const LONGEST: usize = 40;

/// The letters that stand for the reference at the begin of `text`, and how many bytes it takes. A `&` that begins
/// none stands for itself.
pub(super) fn reference(text: &[u8], in_attribute: bool) -> Option<(Letters, usize)> {
    let inner = text.get(1..)?;
    if inner.first() == Some(&b'#') {
        return numeric(inner.get(1..)?).map(|(letter, length)| (Letters::one(letter), length + "&#;".len()));
    }
    let length = inner.iter().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let and = Some((Letters::one('&'), 1));
    if length == 0 {
        return and;
    }
    if length == LONGEST {
        return None;
    }
    let ended = inner.get(length) == Some(&b';');
    let name = std::str::from_utf8(inner.get(..length + usize::from(ended))?).ok()?;
    match (ended, NAMED_ENTITIES.get(name)) {
        (true, Some((first, second))) if *first != 0 => {
            let letters = Letters([char::from_u32(*first)?, char::from_u32(*second)?]);
            Some((letters, length + "&;".len()))
        }
        // In an attribute, a name that goes on is none: `?a=1&copy=2`.
        (true, _) if in_attribute => and,
        (false, _) if in_attribute && inner.get(length) == Some(&b'=') => and,
        (false, found) if in_attribute && found.is_none_or(|(first, _)| *first == 0) => and,
        // In text, names count that begin the word: `&copyright`.
        _ if !in_attribute && (2..=length).all(|some| !is_name(inner, some)) => and,
        _ => None,
    }
}

fn is_name(text: &[u8], length: usize) -> bool {
    let name = text.get(..length).and_then(|name| std::str::from_utf8(name).ok());
    name.and_then(|name| NAMED_ENTITIES.get(name)).is_some_and(|(first, _)| *first != 0)
}

/// One or two letters; the second is `\0` when there is none.
#[derive(Clone, Copy)]
pub(super) struct Letters([char; 2]);

impl Letters {
    fn one(letter: char) -> Self {
        Self([letter, '\0'])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &char> {
        let Self([first, second]) = self;
        std::iter::once(first).chain(Some(second).filter(|second| **second != '\0'))
    }
}

/// The letter of a number with its semicolon, and the bytes of the number.
fn numeric(text: &[u8]) -> Option<(char, usize)> {
    let (base, start) = if matches!(text.first()?, b'x' | b'X') { (16, 1) } else { (10, 0) };
    let digits = text.get(start..)?;
    let length = digits.iter().take(8).take_while(|byte| char::from(**byte).is_digit(base)).count();
    if digits.get(length) != Some(&b';') {
        return None;
    }
    let code = u32::from_str_radix(std::str::from_utf8(digits.get(..length)?).ok()?, base).ok()?;
    let letter = match code {
        0 => None,
        0x80..=0x9F => C1_REPLACEMENTS.get(code as usize - 0x80).copied()?.or(char::from_u32(code)),
        code => char::from_u32(code),
    };
    Some((letter?, start + length))
}
