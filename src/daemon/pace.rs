//! How many may begin in one second: whatever fell due together, where ten minutes bring a hundred requests a second or
//! more, no second of them brings more than one and a half times their mean. Pure: times come in as values.
//!
//! In any stretch of one second, wherever it begins, at most [`ALWAYS`] begin; or, where that is more, the lesser of 1.05
//! times what fell due and 1.4 times what began, both a second, in the ten minutes before. Why that is enough:
//!
//! - 125 are 1.25 times a mean of 100, and of a lower mean nothing is asked. So few never wait.
//! - Beyond that, a second has at most 1.4 times the mean of the ten minutes that end with it.
//! - In ten minutes that go on after it, what falls due then counts too. A second has at most 1.05 times what fell due before,
//!   so that demand may sink by three tenths in ten minutes. It sinks so far after a restart: what was overdue then is
//!   due together again an hour and two later, and with a million sources 130 requests a second became 84 within two minutes.
//!   Where it ends at once, no rule that does not know the future could have foreseen it.
//!
//! Both means count a little less than ten minutes, so they are too low, never too high. Where demand rises by more than a
//! tenth in ten minutes, some wait: less than a minute where it doubles in an hour, or grows by a third in ten minutes.
//! What has waited is made good by what is allowed above demand, and the rate falls back no further than to demand.
//!
//! Why not rather seek the emptier second when the next poll is planned? That makes a herd less likely and rules none out:
//! between plan and start stand the lines of hosts and the limit on all together, and what was held up together begins
//! together.

use std::collections::VecDeque;
use std::time::Duration;

/// Begun in one second, these are no herd, whatever came before.
const ALWAYS: usize = 125;
const SECOND: Duration = Duration::from_secs(1);
/// What is remembered together, in seconds.
const SPELL: usize = 10;
/// So many spells are remembered, the one under way counted: ten minutes at most.
const SPELLS: usize = 60;
/// That time in seconds.
const MEMORY: usize = SPELLS * SPELL;

/// What fell due and what was begun, of those who keep pace.
#[derive(Default)]
pub(super) struct Pace {
    /// When the last ones began: those of the last second, and some before.
    begun: VecDeque<Duration>,
    /// The newest last.
    spells: VecDeque<Spell>,
    all: Spell,
    /// The number of the newest spell.
    newest: u64,
}

#[derive(Clone, Copy, Default)]
struct Spell {
    due: usize,
    begun: usize,
}

impl Pace {
    /// One fell due.
    pub(super) fn fell_due(&mut self, elapsed: Duration) {
        self.move_on(elapsed);
        self.all.due += 1;
        if let Some(spell) = self.spells.back_mut() {
            spell.due += 1;
        }
    }

    /// One begins.
    pub(super) fn begins(&mut self, elapsed: Duration) {
        self.move_on(elapsed);
        self.all.begun += 1;
        if let Some(spell) = self.spells.back_mut() {
            spell.begun += 1;
        }
        while self.begun.front().is_some_and(|at| *at + SECOND <= elapsed) {
            self.begun.pop_front();
        }
        self.begun.push_back(elapsed);
    }

    /// How long until one more may begin.
    pub(super) fn pause(&mut self, elapsed: Duration) -> Duration {
        self.move_on(elapsed);
        let before = self.begun.len().checked_sub(self.most());
        // The last but so many: once it is a second ago, there are fewer than that in this second.
        let at = before.and_then(|place| self.begun.get(place));
        at.map_or(Duration::ZERO, |at| at.saturating_add(SECOND).saturating_sub(elapsed))
    }

    fn most(&self) -> usize {
        // 21/20 and 7/5 of the means.
        let due = self.all.due * 21 / (20 * MEMORY);
        let begun = self.all.begun * 7 / (5 * MEMORY);
        ALWAYS.max(due.min(begun))
    }

    fn move_on(&mut self, elapsed: Duration) {
        let now = elapsed.as_secs() / SPELL as u64;
        if self.spells.is_empty() || now >= self.newest + SPELLS as u64 {
            self.spells.clear();
            (self.all, self.newest) = (Spell::default(), now);
            self.spells.push_back(Spell::default());
        }
        while self.newest < now {
            self.newest += 1;
            self.spells.push_back(Spell::default());
            if self.spells.len() > SPELLS
                && let Some(oldest) = self.spells.pop_front()
            {
                self.all.due -= oldest.due;
                self.all.begun -= oldest.begun;
            }
        }
    }
}
