//! Documents that were made because somebody asked, kept for a while in case somebody asks again:
//! searches, archives. Bounded by number and by bytes; the one asked for longest ago goes first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::doc::Doc;

/// Documents kept.
const MOST: usize = 512;
/// Bytes of them together, before compression.
const BYTES: usize = 32 << 20;
/// After so long a document is made anew whatever happened: time alone changes some.
const LIFE: Duration = Duration::from_mins(1);

/// The documents, by name.
#[derive(Default)]
pub(super) struct Lately {
    kept: Mutex<HashMap<String, Kept>>,
    /// Counts changes of the store; what was made under a lower number is out of date.
    changes: AtomicU64,
    asked: AtomicU64,
}

struct Kept {
    doc: Arc<Doc>,
    change: u64,
    made: Duration,
    asked: u64,
}

impl Lately {
    /// Something in the store changed.
    pub(super) fn soil(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Which change the store is at: take it before looking into the store.
    pub(super) fn change(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// The document of that name, if it is still good.
    pub(super) fn get(&self, name: &str, now: Duration) -> Option<Arc<Doc>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get_mut(name)?;
        if found.change < self.change() || now.saturating_sub(found.made) >= LIFE {
            return None;
        }
        found.asked = self.asked.fetch_add(1, Ordering::Relaxed);
        Some(found.doc.clone())
    }

    /// Keeps a document, made after that change. The same bytes as before stay the same document, with its
    /// codings.
    pub(super) fn keep(&self, name: String, doc: Doc, change: u64, made: Duration) -> Arc<Doc> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let doc = match kept.get(&name) {
            Some(before) if before.doc.tag == doc.tag && before.doc.modified == doc.modified => {
                before.doc.clone()
            }
            _ => Arc::new(doc),
        };
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        kept.insert(name, Kept { doc: doc.clone(), change, made, asked });
        let bytes =
            |kept: &HashMap<String, Kept>| kept.values().map(|kept| kept.doc.plain.len()).sum::<usize>();
        while kept.len() > 1 && (kept.len() > MOST || bytes(&kept) > BYTES) {
            let oldest = kept.iter().min_by_key(|(_, kept)| kept.asked).map(|(name, _)| name.clone());
            let Some(oldest) = oldest else { break };
            kept.remove(&oldest);
        }
        doc
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    fn doc(bytes: usize) -> Doc {
        Doc::new("text/plain", vec![b'x'; bytes])
    }

    #[test]
    fn a_document_is_good_until_a_change_or_a_minute() {
        let lately = Lately::default();
        lately.keep("a".into(), doc(1), lately.change(), NOW);
        assert!(lately.get("a", NOW).is_some());
        assert!(lately.get("a", NOW + LIFE).is_none());
        lately.soil();
        assert!(lately.get("a", NOW).is_none());
    }

    #[test]
    fn what_was_asked_for_longest_ago_goes_first() {
        let lately = Lately::default();
        for number in 0..MOST {
            lately.keep(number.to_string(), doc(1), 0, NOW);
        }
        assert!(lately.get("0", NOW).is_some());
        lately.keep("one more".into(), doc(1), 0, NOW);
        assert!(lately.get("0", NOW).is_some());
        assert!(lately.get("1", NOW).is_none());
        lately.keep("huge".into(), doc(BYTES + 1), 0, NOW);
        assert!(lately.get("huge", NOW).is_some(), "even what is too big for the shelf is served");
        assert!(lately.get("0", NOW).is_none());
    }
}
