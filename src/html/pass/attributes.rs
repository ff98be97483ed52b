//! The attributes of a start tag (HTML Standard 13.2.5.32 ff.): those that are allowed are written in their order,
//! links made absolute. Never decides what is allowed.

use std::borrow::Cow;

use url::{ParseError, Url};

use super::super::clean::resolve;
use super::references::reference;
use super::rules::{Attribute, Element, rules};
use super::{ATTRIBUTES, Pass, push_escaped};
use crate::link::is_plain_host;

/// What becomes of a link.
enum Link {
    Stays,
    Becomes(String),
    Refused,
    /// Relative to nothing.
    Lost,
}

impl Pass<'_> {
    /// Reads to behind the `>` of the tag.
    pub(super) fn attributes(&mut self, element: &Element) -> Option<()> {
        let (mut seen, mut lost) = (0_u64, false);
        let mut count = 0;
        loop {
            self.skip_blanks();
            match self.rest() {
                [b'>', ..] => {
                    self.at += 1;
                    return Some(());
                }
                [b'/', b'>', ..] => {
                    self.at += 2;
                    return Some(());
                }
                _ => {}
            }
            let name = self.attribute_name()?;
            let value = self.attribute_value(&mut count)?;
            count += 1;
            if count > ATTRIBUTES {
                return None;
            }
            let Some((name, attribute)) = known(name) else { continue };
            // Of two with one name the first counts, even if it is refused then.
            let is_first = seen & attribute.bit == 0;
            seen |= attribute.bit;
            if is_first && element.attributes & attribute.bit != 0 {
                // The sanitizer puts the last one in the place of a link that is lost.
                if lost {
                    return None;
                }
                lost = !self.write_attribute(name, attribute, value)?;
            }
        }
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n')).count();
    }
}

/// An attribute that some element may have.
fn known(name: &str) -> Option<(&'static str, Attribute)> {
    let attributes = &rules().attributes;
    let found = attributes.get_key_value(name).or_else(|| {
        // Names in capitals are rare.
        let small = name.bytes().any(|byte| byte.is_ascii_uppercase()).then(|| name.to_ascii_lowercase())?;
        attributes.get_key_value(small.as_str())
    });
    found.map(|(name, attribute)| (*name, *attribute))
}

impl<'a> Pass<'a> {
    fn attribute_name(&mut self) -> Option<&'a str> {
        let is_part = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'<=>/".contains(byte);
        let length = self.rest().iter().take_while(is_part).count();
        let start = self.at;
        self.at += length;
        if length == 0 { None } else { self.html.get(start..self.at) }
    }

    /// The value as it stands there; empty when there is none.
    fn attribute_value(&mut self, count: &mut usize) -> Option<&'a str> {
        self.skip_blanks();
        if self.peek()? != b'=' {
            return Some("");
        }
        self.at += 1;
        self.skip_blanks();
        let value = match self.peek()? {
            b'"' | b'\'' => self.quoted_value()?,
            _ => self.bare_value(count)?,
        };
        // Whoever only counts tags must not find one here; the others are not read as they stand.
        if value.bytes().any(|byte| matches!(byte, b'<' | b'\r' | 0)) { None } else { Some(value) }
    }

    fn quoted_value(&mut self) -> Option<&'a str> {
        let quote = self.peek()?;
        let start = self.at + 1;
        let end = start + self.rest().get(1..)?.iter().position(|byte| *byte == quote)?;
        self.at = end + 1;
        self.html.get(start..end)
    }

    /// A value without quotes. Whoever only counts takes each `/` in it for the end of an attribute.
    fn bare_value(&mut self, count: &mut usize) -> Option<&'a str> {
        let is_end = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'>');
        let start = self.at;
        self.at += self.rest().iter().position(is_end)?;
        let value = self.html.get(start..self.at)?;
        *count += value.bytes().filter(|byte| *byte == b'/').count();
        let odd = value.bytes().any(|byte| matches!(byte, b'"' | b'\'' | b'`' | b'\x0C'));
        if odd { None } else { Some(value) }
    }

    /// `false` for a link that is lost.
    fn write_attribute(&mut self, name: &str, attribute: Attribute, value: &str) -> Option<bool> {
        let mut value = decoded(value)?;
        if attribute.is_link {
            match link(self.base, &value) {
                Link::Stays => {}
                Link::Becomes(absolute) => value = Cow::Owned(absolute),
                Link::Refused => return Some(true),
                Link::Lost => return Some(false),
            }
        }
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        if value.bytes().any(|byte| matches!(byte, b'&' | b'"' | b'<' | b'>' | 0xC2)) {
            value.chars().for_each(|letter| push_escaped(&mut self.out, letter, true));
        } else {
            self.out.push_str(&value);
        }
        self.out.push('"');
        Some(true)
    }
}

/// A value with its references resolved.
fn decoded(value: &str) -> Option<Cow<'_, str>> {
    if !value.contains('&') {
        return Some(Cow::Borrowed(value));
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(place) = rest.find('&') {
        let (plain, special) = rest.split_at(place);
        out.push_str(plain);
        // Behind the value stands what ends it, and no name goes on with that.
        let (letters, length) = reference(special.as_bytes(), true)?;
        out.extend(letters.iter());
        rest = special.get(length..)?;
    }
    out.push_str(rest);
    Some(Cow::Owned(out))
}

fn link(base: Option<&Url>, link: &str) -> Link {
    if is_plainly_absolute(link) {
        return Link::Stays;
    }
    match Url::parse(link) {
        Ok(url) if rules().schemes.contains(url.scheme()) => Link::Stays,
        Err(ParseError::RelativeUrlWithoutBase) => match resolve(base, link) {
            Some(absolute) => Link::Becomes(absolute),
            None => Link::Lost,
        },
        _ => Link::Refused,
    }
}

/// True only for links to http(s) that parse: nothing but the host and the port of these can be wrong (URL Standard
/// 4.4), and here is no port, and the host is of small letters, digits and single dots, its end no number.
pub(super) fn is_plainly_absolute(link: &str) -> bool {
    let Some(rest) = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://")) else {
        return false;
    };
    let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    is_plain_host(rest.get(..end).unwrap_or_default())
}
