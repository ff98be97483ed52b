//! Bytes to text: BOM, then valid UTF-8, then the HTTP charset, then the document's own declaration,
//! then a guess. Never UTF-7.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

/// The text of a body, and what was doubtful about its characters.
pub(super) fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> (Cow<'a, str>, Option<String>) {
    if let Some(text) = utf32(bytes) {
        return (Cow::Owned(text), None);
    }
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        let body = bytes.get(length..).unwrap_or_default();
        if encoding != UTF_8 {
            return lossy(body, encoding);
        }
        return match std::str::from_utf8(body) {
            Ok(text) => once(text),
            Err(_) => patched(body),
        };
    }
    match bytes {
        [0, b'<', 0, _, ..] => return lossy(bytes, UTF_16BE),
        [b'<', 0, _, 0, ..] => return lossy(bytes, UTF_16LE),
        _ => {}
    }
    // Nearly every document; what it states about its bytes changes nothing then. ESC and `~` shift between alphabets.
    if let Ok(text) = std::str::from_utf8(bytes) {
        if !text.is_ascii() {
            return once(text);
        }
        if !bytes.contains(&0x1B) && !bytes.contains(&b'~') {
            return (Cow::Borrowed(text), None);
        }
    }
    if let Some(joined) = with_joined_halves(bytes) {
        let (text, doubt) = once(&joined);
        return (Cow::Owned(text.into_owned()), doubt);
    }
    let stated = [content_type.and_then(charset_of_header), charset_of_document(bytes)];
    let stated: Vec<&'static Encoding> =
        stated.into_iter().flatten().filter_map(|label| by_label(&label)).collect();
    let ascii = bytes.is_ascii();
    // These are written in ASCII only, escape sequences included.
    if let (true, Some(escaped)) = (ascii, stated.iter().find(|one| !one.is_ascii_compatible())) {
        return lossy(bytes, escaped);
    }
    // Nothing else shifts to Japanese letters so.
    if ascii && bytes.windows(3).any(|three| matches!(three, b"\x1B$B" | b"\x1B$@")) {
        return lossy(bytes, ISO_2022_JP);
    }
    if let (true, Ok(text)) = (ascii, std::str::from_utf8(bytes)) {
        return (Cow::Borrowed(text), None);
    }
    for encoding in &stated {
        if *encoding != UTF_8
            && let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes)
        {
            return (text, None);
        }
    }
    let (_, broken, sound) = mostly_utf8(bytes);
    // In no other alphabet do bytes look like UTF-8 as often as this; where it is stated, a few wrong bytes are an accident.
    let likely = if stated.contains(&UTF_8) { sound.saturating_mul(4) } else { sound };
    if likely > broken {
        return patched(bytes);
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guess = detector.guess(None, chardetng::Utf8Detection::Allow);
    let (text, _) = lossy(bytes, guess);
    (text, Some(format!("the character set was guessed: {}", guess.name())))
}

/// UTF-8 that its publisher took for windows-1252 and encoded again (`Ã©` for `é`), encoded once.
/// Only where every character beyond ASCII is part of such a pair: one honest letter, and all stays as it is.
fn once(text: &str) -> (Cow<'_, str>, Option<String>) {
    let as_is = (Cow::Borrowed(text), None);
    if !text.contains(['Ã', 'Â', 'â', 'Ð', 'Ñ', 'ð']) {
        return as_is;
    }
    let mut out = String::with_capacity(text.len());
    let mut runs = 0usize;
    let mut rest = text;
    while let Some(place) = rest.find(|c: char| !c.is_ascii()) {
        let (plain, after) = rest.split_at(place);
        let end = after.find(|c: char| c.is_ascii()).unwrap_or(after.len());
        let (run, next) = after.split_at(end);
        let Some(repaired) = single_bytes(run).and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return as_is;
        };
        out.push_str(plain);
        out.push_str(&repaired);
        runs += 1;
        rest = next;
    }
    out.push_str(rest);
    // One pair alone may be meant.
    if runs < 2 {
        return as_is;
    }
    (Cow::Owned(out), Some("its UTF-8 was encoded twice and was read as what it was before".to_owned()))
}

/// UTF-8 whose letters beyond the first 65536 were written as two halves of UTF-16 (CESU-8, as some databases do), with
/// whole ones. `None`: it has none, or is no UTF-8 even so.
fn with_joined_halves(bytes: &[u8]) -> Option<String> {
    let half = |unit: &[u8], range: RangeInclusive<u8>| match unit {
        [0xED, second, third @ 0x80..=0xBF] if range.contains(second) => {
            Some(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F))
        }
        _ => None,
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(place) = rest.iter().position(|byte| *byte == 0xED) {
        let (before, after) = rest.split_at(place);
        out.extend_from_slice(before);
        let high = after.get(..3).and_then(|unit| half(unit, 0xA0..=0xAF));
        let low = after.get(3..6).and_then(|unit| half(unit, 0xB0..=0xBF));
        let length = if let (Some(high), Some(low)) = (high, low) {
            let whole = String::from_utf16(&[high, low]).ok()?;
            out.extend_from_slice(whole.as_bytes());
            6
        } else {
            out.push(0xED);
            1
        };
        rest = after.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    (out.len() < bytes.len()).then(|| String::from_utf8(out).ok()).flatten()
}

/// The windows-1252 bytes of a text, where it has them; the five that are undefined there stand for themselves.
fn single_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for letter in text.chars() {
        if let Ok(byte @ 0x80..=0x9F) = u8::try_from(u32::from(letter)) {
            bytes.push(byte);
            continue;
        }
        let (encoded, _, lost) = encoding_rs::WINDOWS_1252.encode(letter.encode_utf8(&mut buffer));
        match (lost, encoded.as_ref()) {
            (false, [byte]) => bytes.push(*byte),
            _ => return None,
        }
    }
    Some(bytes)
}

fn patched(bytes: &[u8]) -> (Cow<'_, str>, Option<String>) {
    let (text, broken, _) = mostly_utf8(bytes);
    (Cow::Owned(text), Some(format!("{broken} bytes are not valid UTF-8 and were read as windows-1252")))
}

fn lossy<'a>(bytes: &'a [u8], encoding: &'static Encoding) -> (Cow<'a, str>, Option<String>) {
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    (text, damaged.then(|| format!("some bytes are not valid {}", encoding.name())))
}

/// The encoding of a label; names that XML files use and browsers do not know are taken too.
fn by_label(label: &str) -> Option<&'static Encoding> {
    let label = match label.trim() {
        "mac-roman" | "macroman" | "mac" => "macintosh",
        "mac-cyrillic" | "maccyrillic" => "x-mac-cyrillic",
        "iso2022jp" | "iso2022_jp" | "iso2022-jp" | "jis" => "iso-2022-jp",
        "utf8" | "utf_8" | "unicode" | "utf8mb4" => "utf-8",
        other => other,
    };
    let known = Encoding::for_label(label.as_bytes());
    known.or_else(|| Encoding::for_label(label.replace('_', "-").as_bytes()))
}

fn utf32(bytes: &[u8]) -> Option<String> {
    let (big, skip) = match bytes {
        [0, 0, 0xFE, 0xFF, ..] => (true, 4),
        [0xFF, 0xFE, 0, 0, ..] => (false, 4),
        [0, 0, 0, b'<', ..] => (true, 0),
        [b'<', 0, 0, 0, ..] => (false, 0),
        _ => return None,
    };
    let (chunks, _) = bytes.get(skip..)?.as_chunks::<4>();
    let code = |four: &[u8; 4]| if big { u32::from_be_bytes(*four) } else { u32::from_le_bytes(*four) };
    Some(chunks.iter().map(|four| char::from_u32(code(four)).unwrap_or('\u{FFFD}')).collect())
}

/// Sound stretches as UTF-8, the rest byte by byte as windows-1252; with how many of each there were.
fn mostly_utf8(bytes: &[u8]) -> (String, usize, usize) {
    let mut text = String::with_capacity(bytes.len());
    let (mut broken, mut sound) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        sound += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
        text.push_str(chunk.valid());
        broken += chunk.invalid().len();
        text.push_str(&encoding_rs::WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    (text, broken, sound)
}

fn charset_of_header(content_type: &str) -> Option<String> {
    let lower = content_type.to_ascii_lowercase();
    let (_, rest) = lower.split_once("charset")?;
    let value = rest.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = value.find(['"', '\'', ';', ' ', ',']).unwrap_or(value.len());
    value.get(..end).filter(|label| !label.is_empty()).map(str::to_owned)
}

/// The XML declaration's `encoding`, or `charset` of an HTML `<meta>`; looked for in the first 1024 bytes.
fn charset_of_document(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(1024))?;
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let declared = head.split_once("<?xml").and_then(|(_, rest)| {
        let declaration = rest.split_once("?>").map_or(rest, |(inside, _)| inside);
        let (_, value) = declaration.split_once("encoding")?;
        quoted(value)
    });
    declared.or_else(|| {
        let (_, rest) = head.split_once("<meta")?;
        let (_, value) = rest.split_once("charset")?;
        let value = value.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
        let end = value.find(['"', '\'', ';', ' ', '>', '/']).unwrap_or(value.len());
        value.get(..end).map(str::to_owned)
    })
}

fn quoted(text: &str) -> Option<String> {
    let value = text.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value.get(1..)?.split_once(quote).map(|(label, _)| label.trim().to_owned())
}
