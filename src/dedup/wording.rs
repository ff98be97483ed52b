//! The words of a text as likeness compares them, and the bands by which texts of nearly the same words are found
//! (`MinHash`). Pure.
//!
//! A band only leads to a candidate: what is the same is said by likeness.rs, from the words themselves.

use std::collections::HashSet;

use unicode_normalization::char::is_combining_mark;

use crate::query::words::stands_alone;
use crate::text;

/// Words in a row that are compared as one.
const SHINGLE: usize = 3;
/// Bands of a text: of texts nine tenths alike, one pair in nine thousand shares none.
const BANDS: u64 = 12;
/// Least hashes in a band.
const ROWS: u64 = 6;
/// A text of fewer words than this says too little of its own. A character of a script without blanks between
/// words counts for a third of one.
const LEAST: usize = 50;
/// A longer text is not compared.
const MOST: usize = 20_000;

/// One word.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// Folded.
    pub(super) text: String,
    /// Anything but a word in small letters: what may be a name, in scripts that show it and in those that do not.
    pub(super) names: bool,
    /// With a digit.
    pub(super) number: bool,
}

/// The words of a text.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        let alone = stands_alone(c);
        let inside =
            c.is_alphanumeric() || is_combining_mark(c) || matches!(c, '\u{AD}' | '\u{200B}'..='\u{200D}');
        if alone || !inside {
            push(&mut words, &word);
            word.clear();
        }
        if alone {
            push(&mut words, c.encode_utf8(&mut [0; 4]));
        } else if inside {
            word.push(c);
        }
    }
    push(&mut words, &word);
    words
}

fn push(words: &mut Vec<Word>, word: &str) {
    let Some(first) = word.chars().find(|c| c.is_alphanumeric()) else { return };
    words.push(Word {
        text: text::fold_title(word),
        names: !first.is_lowercase(),
        number: word.contains(char::is_numeric),
    });
}

/// True for a text that is neither too short to be compared nor too long.
pub(super) fn comparable(words: &[Word]) -> bool {
    let thirds = |word: &Word| if word.text.chars().all(stands_alone) { 1 } else { 3 };
    words.len() <= MOST && words.iter().map(thirds).sum::<usize>() >= 3 * LEAST
}

/// Every three words in a row, as numbers that are the same on every machine.
pub(super) fn shingles(words: &[Word]) -> HashSet<u64> {
    let number = |row: &[Word]| {
        let bytes = row.iter().flat_map(|word| word.text.bytes().chain([0]));
        // FNV-1a: an offset and a prime.
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    words.windows(SHINGLE).map(number).collect()
}

/// The bands of a text; none where it is not comparable.
pub(super) fn bands(words: &[Word]) -> Vec<i64> {
    if !comparable(words) {
        return Vec::new();
    }
    let shingles = shingles(words);
    let least = |seed: u64| shingles.iter().map(|shingle| mix(shingle ^ mix(seed))).min().unwrap_or_default();
    let band = |band: u64| (0..ROWS).fold(mix(band), |sum, row| mix(sum ^ least(band * ROWS + row)));
    (0..BANDS).map(|number| band(number).cast_signed()).collect()
}

/// `SplitMix64`, its last step: one number to one number, every bit to every bit.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The share of shingles that two texts have in common.
#[allow(clippy::cast_precision_loss, reason = "at most a few ten thousand shingles")]
pub(super) fn share(one: &HashSet<u64>, two: &HashSet<u64>) -> f64 {
    let common = one.intersection(two).count();
    let all = one.len() + two.len() - common;
    if all == 0 { 0.0 } else { common as f64 / all as f64 }
}
