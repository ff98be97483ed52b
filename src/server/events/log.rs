//! The newest events of a feed, each made once for all who listen.
//!
//! An event goes out in pieces. A connection holds the few that its socket has not taken yet, and shares these with all
//! others: who reads slowly costs kilobytes, however much there is to tell.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::Heard;

/// Bytes of a piece. What is written beside it is little, and it comes free as soon as it is.
const PIECE: usize = 16 << 10;
/// Events kept per feed for those who listen; who is further behind asks the store.
const KEPT: usize = 128;

/// What is told in one go: an event, or several that come from the store.
pub(super) struct Event {
    pieces: Vec<Bytes>,
    /// Who has it whole has heard so far.
    pub(super) heard: Heard,
    /// What it has of the room for what is told to those behind.
    _room: Option<OwnedSemaphorePermit>,
}

impl Event {
    pub(super) fn new(text: &str, heard: Heard) -> Arc<Self> {
        Self::in_room(text, heard, None)
    }

    pub(super) fn in_room(text: &str, heard: Heard, room: Option<OwnedSemaphorePermit>) -> Arc<Self> {
        let pieces = text.as_bytes().chunks(PIECE).map(Bytes::copy_from_slice).collect();
        Arc::new(Self { pieces, heard, _room: room })
    }

    fn bytes(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}

/// How far a listener is in what it is being told.
pub(super) struct Telling {
    event: Held,
    at: usize,
}

/// What is kept for all is held by nobody alone: a listener that stands still would keep it for itself.
enum Held {
    Kept(Weak<Event>),
    Own(Arc<Event>),
}

impl Telling {
    pub(super) fn of_kept(event: &Arc<Event>) -> Self {
        Self { event: Held::Kept(Arc::downgrade(event)), at: 0 }
    }

    pub(super) fn of_own(event: Arc<Event>) -> Self {
        Self { event: Held::Own(event), at: 0 }
    }

    /// The next piece, or `None` behind the last; an error where the event is not kept any more.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, Lost> {
        let piece = match &self.event {
            Held::Own(event) => event.pieces.get(self.at).cloned(),
            Held::Kept(event) => event.upgrade().ok_or(Lost)?.pieces.get(self.at).cloned(),
        };
        self.at += 1;
        Ok(piece)
    }
}

/// An event is gone of which a part was told.
pub(super) struct Lost;

/// What comes next for one who has had so many.
pub(super) enum Next {
    Event(Arc<Event>),
    /// Everything was told.
    Nothing,
    /// It is too long ago to be kept here.
    Gone,
}

#[derive(Default)]
pub(super) struct Log {
    /// Everybody has heard so far.
    pub(super) heard: Heard,
    /// Events so far, of which the last are kept.
    pub(super) count: u64,
    events: VecDeque<Arc<Event>>,
    bytes: usize,
}

impl Log {
    pub(super) fn starting_at(heard: Heard) -> Self {
        Self { heard, ..Self::default() }
    }

    /// Adds these, and keeps so many bytes at most.
    pub(super) fn add(&mut self, events: Vec<Arc<Event>>, heard: Heard, most: usize) {
        for event in events {
            self.count += 1;
            self.bytes += event.bytes();
            self.events.push_back(event);
            while self.events.len() > KEPT || self.bytes > most {
                let Some(gone) = self.events.pop_front() else { break };
                self.bytes -= gone.bytes();
            }
        }
        self.heard = heard;
    }

    pub(super) fn after(&self, count: u64) -> Next {
        let behind = self.count.checked_sub(count).and_then(|behind| usize::try_from(behind).ok());
        match behind.and_then(|behind| self.events.len().checked_sub(behind)) {
            Some(at) => self.events.get(at).map_or(Next::Nothing, |event| Next::Event(event.clone())),
            None => Next::Gone,
        }
    }

    /// Nobody listens: nothing need be kept.
    pub(super) fn forget(&mut self) {
        self.events = VecDeque::new();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Arc<Event> {
        Event::new(text, Heard::default())
    }

    /// The event after so many: its text, nothing (""), or `None` where it is gone.
    fn after(log: &Log, count: u64) -> Option<String> {
        match log.after(count) {
            Next::Event(event) => Some(String::from_utf8(event.pieces.concat()).unwrap()),
            Next::Nothing => Some(String::new()),
            Next::Gone => None,
        }
    }

    #[test]
    fn who_is_too_far_behind_is_sent_to_the_store() {
        let mut log = Log::default();
        assert_eq!((after(&log, 0).as_deref(), after(&log, 1)), (Some(""), None));
        log.add(vec![event("a"), event("b")], Heard::default(), 100);
        let texts = [0, 1, 2].map(|count| after(&log, count));
        assert_eq!(texts.each_ref().map(Option::as_deref), [Some("a"), Some("b"), Some("")]);
        log.add(vec![event(""); KEPT], Heard::default(), 100);
        assert_eq!((after(&log, 1), after(&log, 2).as_deref()), (None, Some("")));
        log.forget();
        let last = u64::try_from(KEPT).unwrap() + 2;
        assert_eq!((after(&log, last - 1), after(&log, last).as_deref()), (None, Some("")));
    }

    #[test]
    fn what_is_kept_is_bounded_by_its_bytes() {
        let mut log = Log::default();
        log.add(vec![event("aaaa"), event("bbbb"), event("cccc")], Heard::default(), 9);
        assert_eq!((after(&log, 0), after(&log, 1).as_deref(), log.bytes), (None, Some("bbbb"), 8));
        // One that is too large for all of it is told from the store.
        log.add(vec![event(&"d".repeat(10))], Heard::default(), 9);
        assert_eq!((after(&log, 3), after(&log, 4).as_deref(), log.bytes), (None, Some(""), 0));
    }

    #[test]
    fn an_event_comes_in_pieces_for_as_long_as_it_is_kept() {
        let text = "x".repeat(PIECE + 1);
        let mut log = Log::default();
        log.add(vec![event(&text)], Heard::default(), text.len());
        let Next::Event(kept) = log.after(0) else { panic!("it is not kept") };
        let (mut whole, mut cut) = (Telling::of_kept(&kept), Telling::of_kept(&kept));
        let mut own = Telling::of_own(event(&text));
        drop(kept);
        let length = |telling: &mut Telling| telling.next().ok().map(|piece| piece.map(|piece| piece.len()));
        assert_eq!([(); 3].map(|()| length(&mut whole)), [Some(Some(PIECE)), Some(Some(1)), Some(None)]);
        assert_eq!(length(&mut cut), Some(Some(PIECE)));
        log.add(vec![event("y")], Heard::default(), text.len());
        assert_eq!(length(&mut cut), None, "the rest of it is gone");
        assert_eq!([(); 3].map(|()| length(&mut own)), [Some(Some(PIECE)), Some(Some(1)), Some(None)]);
    }
}
