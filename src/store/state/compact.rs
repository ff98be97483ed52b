//! Bytes and times of a state's JSON as short texts: a list of numbers takes ten times as long to read, and the state
//! is read at every poll. Reads the lists that older versions wrote.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Opaque bytes: each the character of its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Octets<'a>(pub(super) Cow<'a, [u8]>);

/// A digest: hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hash(pub(super) [u8; 16]);

/// Times: the first in full, then by how much each is later than the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Times(pub(super) Vec<i64>);

impl Serialize for Octets<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = std::str::from_utf8(&self.0).ok().filter(|text| text.is_ascii()) {
            return to.serialize_str(text);
        }
        to.serialize_str(&self.0.iter().copied().map(char::from).collect::<String>())
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:?}", crate::model::Digest(self.0)))
    }
}

impl Serialize for Times {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(8 * self.0.len());
        let mut before = 0;
        for time in &self.0 {
            let comma = if text.is_empty() { "" } else { "," };
            // Writing to a String cannot fail.
            let _ = write!(text, "{comma}{}", time.wrapping_sub(before));
            before = *time;
        }
        to.serialize_str(&text)
    }
}

/// What may stand for it: a text, or the list of an older version.
trait Told: Sized {
    type Item: for<'de> Deserialize<'de>;
    fn from_text(text: &str) -> Option<Self>;
    fn from_list(list: Vec<Self::Item>) -> Option<Self>;
}

impl Told for Octets<'_> {
    type Item = u8;

    fn from_text(text: &str) -> Option<Self> {
        text.chars()
            .map(|letter| u8::try_from(letter).ok())
            .collect::<Option<Vec<u8>>>()
            .map(|bytes| Self(bytes.into()))
    }

    fn from_list(list: Vec<u8>) -> Option<Self> {
        Some(Self(list.into()))
    }
}

impl Told for Hash {
    type Item = u8;

    fn from_text(text: &str) -> Option<Self> {
        let mut hash = [0; 16];
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
        if pairs.len() != hash.len() {
            return None;
        }
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            let digit =
                |letter: u8| char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(hash))
    }

    fn from_list(list: Vec<u8>) -> Option<Self> {
        list.try_into().ok().map(Self)
    }
}

impl Told for Times {
    type Item = i64;

    fn from_text(text: &str) -> Option<Self> {
        let mut last = 0_i64;
        let mut times = Vec::new();
        for step in text.split(',').filter(|step| !step.is_empty()) {
            last = last.wrapping_add(step.parse().ok()?);
            times.push(last);
        }
        Some(Self(times))
    }

    fn from_list(list: Vec<i64>) -> Option<Self> {
        Some(Self(list))
    }
}

struct Either<T>(std::marker::PhantomData<T>);

impl<'de, T: Told> Visitor<'de> for Either<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of numbers")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::custom("not what was written"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<T, A::Error> {
        let mut list = Vec::new();
        while let Some(number) = numbers.next_element()? {
            list.push(number);
        }
        T::from_list(list).ok_or_else(|| A::Error::custom("not what was written"))
    }
}

macro_rules! read {
    ($($what:ty),*) => {$(
        impl<'de> Deserialize<'de> for $what {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(Either(std::marker::PhantomData))
            }
        }
    )*};
}
read!(Octets<'_>, Hash, Times);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let tag = Octets(b"W/\"a\\b\xe4\xff\"".into());
        let text = serde_json::to_string(&tag).unwrap();
        assert_eq!(serde_json::from_str::<Octets<'_>>(&text).unwrap(), tag);
        let hash = Hash([0, 1, 15, 16, 159, 160, 255, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(text, "\"00010f109fa0ff0708090a0b0c0d0e0f\"");
        assert_eq!(serde_json::from_str::<Hash>(&text).unwrap(), hash);
        for times in [vec![], vec![5], vec![1_766_000_000, 1_765_999_940, -3, i64::MAX, i64::MIN]] {
            let times = Times(times);
            let text = serde_json::to_string(&times).unwrap();
            assert_eq!(serde_json::from_str::<Times>(&text).unwrap(), times, "{text}");
        }
    }

    #[test]
    fn what_older_versions_wrote_is_read() {
        assert_eq!(
            serde_json::from_str::<Octets<'_>>("[34, 228, 34]").unwrap(),
            Octets(vec![34, 228, 34].into())
        );
        let list = serde_json::to_string(&[7; 16]).unwrap();
        assert_eq!(serde_json::from_str::<Hash>(&list).unwrap(), Hash([7; 16]));
        assert_eq!(serde_json::from_str::<Times>("[3, 2]").unwrap(), Times(vec![3, 2]));
    }

    #[test]
    fn what_nobody_wrote_is_refused() {
        for text in ["\"0\"", "\"zz010f109fa0ff0708090a0b0c0d0e0f\"", "[1, 2]", "5"] {
            assert!(serde_json::from_str::<Hash>(text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Octets<'_>>("\"€\"").is_err());
        assert!(serde_json::from_str::<Times>("\"1,x\"").is_err());
    }
}
