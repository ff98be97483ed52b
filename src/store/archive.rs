//! How an output's whole history is cut into documents (RFC 5005, 4).
//!
//! A story's *place* in an output is its order of publication there: for an output of everything its number,
//! for one of some sources the number of its first sighting in one of them. Places only grow, so that a
//! document once full keeps its stories.

/// Stories in one archive document.
pub const STORIES: usize = 100;

/// Where an output's history is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    /// Place of the last story of each full document, the oldest document first.
    pub ends: Vec<i64>,
    /// Everything up to this place was counted.
    pub counted: i64,
    /// Stories counted after the last end.
    pub open: usize,
}

impl Cuts {
    /// Counts one more story.
    pub fn push(&mut self, place: i64) {
        self.open += 1;
        if self.open >= STORIES {
            self.ends.push(place);
            self.open = 0;
        }
    }

    /// How many documents there are. The last may have room, or nothing in it yet: a correction can bring a story to a
    /// place that was counted without it.
    pub fn documents(&self) -> usize {
        self.ends.len() + usize::from(self.counted > self.ends.last().copied().unwrap_or(0))
    }

    /// The document that holds the story of a place.
    pub fn document(&self, place: i64) -> usize {
        self.ends.partition_point(|end| *end < place) + 1
    }

    /// True when nothing more comes into that document.
    pub fn is_closed(&self, n: usize) -> bool {
        (1..=self.ends.len()).contains(&n)
    }

    /// Document `n` holds what lies after the first place, up to the second. 1 is the oldest.
    pub fn range(&self, n: usize) -> Option<(i64, i64)> {
        if n == 0 || n > self.documents() {
            return None;
        }
        let end = |n: usize| self.ends.get(n).copied();
        Some((n.checked_sub(2).and_then(end).unwrap_or(0), end(n - 1).unwrap_or(self.counted)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_last_has_a_document_though_nothing_stands_in_it() {
        let mut cuts = Cuts { counted: 40, ..Cuts::default() };
        assert_eq!((cuts.documents(), cuts.range(1)), (1, Some((0, 40))));
        (41..=140).for_each(|place| cuts.push(place));
        cuts.counted = 140;
        assert_eq!((cuts.documents(), cuts.range(2)), (1, None));
        cuts.counted = 141;
        assert_eq!(cuts.range(2), Some((140, 141)));
    }

    #[test]
    fn documents_follow_each_other_without_gap_or_overlap() {
        let mut cuts = Cuts::default();
        assert_eq!((cuts.documents(), cuts.range(1)), (0, None));
        for place in 1..=250 {
            cuts.push(place * 2);
            cuts.counted = place * 2;
        }
        assert_eq!(cuts.documents(), 3);
        assert_eq!([1, 2, 3].map(|n| cuts.range(n)), [Some((0, 200)), Some((200, 400)), Some((400, 500))]);
        assert_eq!((cuts.range(0), cuts.range(4)), (None, None));
        assert_eq!([2, 200, 202, 400, 500].map(|place| cuts.document(place)), [1, 1, 2, 2, 3]);
        assert!(cuts.is_closed(2) && !cuts.is_closed(3) && !cuts.is_closed(0));
    }
}
