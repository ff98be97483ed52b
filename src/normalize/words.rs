//! What had to be left out or doubted, said once per kind with the first example and a count.

use crate::model::Warning;
use crate::text;

/// Kinds of warnings of one document.
const MOST_KINDS: usize = 32;
/// Characters of an example.
const LONGEST_EXAMPLE: usize = 80;

/// Warnings in the making.
#[derive(Default)]
pub(super) struct Words {
    kinds: Vec<(String, String, usize)>,
}

impl Words {
    /// One more of a kind.
    pub(super) fn add(&mut self, kind: &str, example: &str) {
        if let Some((.., count)) = self.kinds.iter_mut().find(|(known, ..)| known == kind) {
            *count += 1;
        } else if self.kinds.len() < MOST_KINDS {
            let (short, was_cut) = text::cut(example, LONGEST_EXAMPLE);
            let mut example = text::visible(short);
            if was_cut {
                example.push('…');
            }
            self.kinds.push((kind.to_owned(), example, 1));
        }
    }

    /// The sentences.
    pub(super) fn into_warnings(self) -> impl Iterator<Item = Warning> {
        self.kinds.into_iter().map(|(kind, example, count)| {
            let example = if example.is_empty() { String::new() } else { format!(": \"{example}\"") };
            Warning(match count {
                1 => format!("{kind}{example}"),
                _ => format!("{kind}{example} ({count} times in all)"),
            })
        })
    }
}
