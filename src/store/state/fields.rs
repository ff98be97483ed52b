//! Numbered fields in bytes: each is a number or bytes, and says which, so that who does not know it passes it over.

use crate::model::Digest;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(super) fn number<N: TryFrom<u64>>(self) -> Option<N> {
        match self {
            Self::Number(number) => N::try_from(number).ok(),
            Self::Bytes(_) => None,
        }
    }

    /// A number that may be negative.
    pub(super) fn signed(self) -> Option<i64> {
        self.number().map(unfolded)
    }

    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Number(_) => None,
        }
    }

    pub(super) fn text(self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    pub(super) fn digest(self) -> Option<Digest> {
        self.bytes()?.try_into().ok().map(Digest)
    }
}

/// Fields on their way into a row.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Nothing for zero, which is what a missing number is read as.
    pub(super) fn number(&mut self, field: u8, number: impl Into<u64>) {
        let number = number.into();
        if number > 0 {
            self.some(field, Some(number));
        }
    }

    pub(super) fn some(&mut self, field: u8, number: Option<u64>) {
        let Some(number) = number else { return };
        self.0.push(field << 1);
        push(&mut self.0, number);
    }

    pub(super) fn signed(&mut self, field: u8, number: Option<i64>) {
        self.some(field, number.map(folded));
    }

    pub(super) fn bytes(&mut self, field: u8, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else { return };
        self.0.push(field << 1 | 1);
        push(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Nothing for an empty list or text, which is what a missing one is read as.
    pub(super) fn filled(&mut self, field: u8, bytes: &[u8]) {
        self.bytes(field, Some(bytes).filter(|bytes| !bytes.is_empty()));
    }

    pub(super) fn text(&mut self, field: u8, text: Option<&str>) {
        self.bytes(field, text.map(str::as_bytes));
    }

    pub(super) fn digest(&mut self, field: u8, digest: Option<Digest>) {
        self.bytes(field, digest.as_ref().map(|digest| digest.0.as_slice()));
    }

    /// What has fields of its own.
    pub(super) fn fields<T>(&mut self, field: u8, what: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        let Some(what) = what else { return };
        let mut inner = Self::default();
        write(&mut inner, what);
        self.bytes(field, Some(&inner.0));
    }
}

/// Hands out every field in the order in which it was written. `None` where the bytes are no fields, or `take` can
/// make nothing of one.
pub(super) fn each<'a>(mut bytes: &'a [u8], mut take: impl FnMut(u8, Value<'a>) -> Option<()>) -> Option<()> {
    while let Some((key, rest)) = bytes.split_first() {
        bytes = rest;
        let number = pull(&mut bytes)?;
        let value = if key & 1 == 0 {
            Value::Number(number)
        } else {
            let (value, rest) = bytes.split_at_checked(usize::try_from(number).ok()?)?;
            bytes = rest;
            Value::Bytes(value)
        };
        take(key >> 1, value)?;
    }
    Some(())
}

/// Numbers one behind the other.
pub(super) fn packed(numbers: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    numbers.for_each(|number| push(&mut bytes, number));
    bytes
}

/// The same numbers again.
pub(super) fn unpacked(mut bytes: &[u8]) -> Option<Vec<u64>> {
    let mut numbers = Vec::with_capacity(bytes.len());
    while !bytes.is_empty() {
        numbers.push(pull(&mut bytes)?);
    }
    Some(numbers)
}

/// So that a small number is small, whatever its sign.
pub(super) fn folded(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

pub(super) fn unfolded(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Seven bits a byte, the lowest first; the last byte has none above them.
fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 127 {
        bytes.push(u8::try_from(number & 127).unwrap_or_default() | 128);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or_default());
}

fn pull(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 127) << shift;
        if *byte < 128 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_were_written() {
        let mut writer = Writer::default();
        writer.number(1, 0_u64);
        writer.number(2, u64::MAX);
        writer.some(3, Some(0));
        writer.signed(4, Some(i64::MIN));
        writer.text(5, Some(""));
        writer.filled(6, b"");
        writer.bytes(127, Some(&[255; 200]));
        let mut read = Vec::new();
        each(&writer.0, |field, value| {
            read.push((field, value));
            Some(())
        })
        .unwrap();
        let numbers = [(2, Value::Number(u64::MAX)), (3, Value::Number(0)), (4, Value::Number(u64::MAX))];
        assert_eq!(read[..3], numbers);
        assert_eq!(read[2].1.signed(), Some(i64::MIN));
        assert_eq!(read[3..], [(5, Value::Bytes(b"")), (127, Value::Bytes(&[255; 200]))]);
    }

    #[test]
    fn numbers_are_read_as_they_were_packed() {
        let numbers = [0, 1, 127, 128, 300, u64::MAX];
        assert_eq!(unpacked(&packed(numbers.into_iter())).unwrap(), numbers);
        for number in [0, 1, -1, 64, -64, i64::MAX, i64::MIN] {
            assert_eq!(unfolded(folded(number)), number);
        }
        assert_eq!(packed([folded(-64)].into_iter()).len(), 1);
    }

    #[test]
    fn what_nobody_wrote_is_refused() {
        let read = |bytes: &[u8]| each(bytes, |_, _| Some(()));
        let endless = [2, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1];
        for bytes in [&[2][..], &[2, 128], &[3, 2, 0], &endless, b"{\"standing\":\"ok\"}"] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
        assert_eq!(unpacked(&[128]), None);
    }
}
