//! What hubs send, between the polls: never while the same source is polled, one after the other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::task::{Id, JoinSet};
use tracing::{error, info};

use super::hubs::{self, Hubs, Proxies, Wishes};
use super::{Daemon, Taken};
use crate::model::{Hub, Source, SourceId, SourceState};
use crate::poll::{Delivered, News};
use crate::store::StoreError;

/// So many deliveries of one source wait for its poll to end; what comes beyond, or is larger than this many bytes, is
/// refused, and sent again.
const WAITING: usize = 4;
const LARGEST: usize = 1 << 18;
/// Hubs are looked after so often.
const ROUND: Duration = Duration::from_mins(1);

/// What hubs send, on its way.
#[derive(Default)]
pub(super) struct Pushes {
    hubs: Option<Hubs>,
    waiting: HashMap<u32, VecDeque<(SourceId, News, Taken)>>,
    /// Sources of which something is being read.
    reading: HashMap<Id, SourceId>,
    /// Errands that fell due while they were busy.
    pub(super) due: HashSet<u32>,
    pub(super) running: JoinSet<Ended>,
    pub(super) rounds: JoinSet<Result<Vec<SourceId>, StoreError>>,
    next_round: Duration,
    wishes: Wishes,
    /// Also of sources that have left the config since the start: their hubs are told so.
    proxies: Arc<Proxies>,
}

/// How one delivery ended.
pub(super) struct Ended {
    result: Option<Result<Delivered, StoreError>>,
    taken: Taken,
}

impl Pushes {
    /// True while something of one of these is being read; then they are polled when that has ended.
    pub(super) fn keeps_waiting(&mut self, number: u32, sources: &[Arc<Source>]) -> bool {
        let reads = sources.iter().any(|source| self.reading().any(|reading| *reading == source.id));
        if reads {
            self.due.insert(number);
        }
        reads
    }

    pub(super) fn reading(&self) -> impl Iterator<Item = &SourceId> {
        self.reading.values()
    }

    /// A source has another id now.
    pub(super) fn rename(&mut self, former: &SourceId, id: &SourceId) {
        let waiting = self.waiting.values_mut().flatten().map(|(source, ..)| source);
        let named = self.wishes.named.iter_mut().map(|(source, _)| source);
        let all = self.reading.values_mut().chain(waiting).chain(named);
        all.filter(|source| *source == former).for_each(|source| source.clone_from(id));
    }

    /// How long until hubs are looked after.
    pub(super) fn pause(&self, elapsed: Duration) -> Duration {
        if self.hubs.is_none() || !self.rounds.is_empty() {
            return Duration::MAX;
        }
        self.next_round.saturating_sub(elapsed)
    }

    fn wants(&self, source: &Source) -> bool {
        source.enabled && source.websub && self.hubs.as_ref().is_some_and(|hubs| hubs.base.is_some())
    }
}

impl Daemon {
    /// A new config is in force: who is no longer wanted is given up.
    pub(super) fn hubs_from(&mut self, hubs: Option<Hubs>) {
        self.pushes.hubs = hubs;
        let proxies = Arc::make_mut(&mut self.pushes.proxies);
        for source in self.errands.iter().flat_map(|errand| &errand.sources) {
            match &source.proxy {
                Some(proxy) => drop(proxies.insert(source.id.clone(), proxy.clone())),
                None => drop(proxies.remove(&source.id)),
            }
        }
        let sources = self.errands.iter().flat_map(|errand| &errand.sources);
        let wanted = sources.filter(|source| self.pushes.wants(source)).map(|source| source.id.clone());
        self.pushes.wishes.wanted = Some(wanted.collect());
        self.pushes.next_round = Duration::ZERO;
    }

    /// After a poll: does the source name another hub than it is subscribed to?
    pub(super) fn look_for_hub(&mut self, source: &Source, state: &SourceState) {
        let subscribed = state.push.as_ref().map(|push| &push.hub);
        let named: Option<&Hub> = state.hub.as_ref();
        if self.pushes.wants(source) && subscribed != named {
            self.pushes.wishes.named.push((source.id.clone(), named.cloned()));
            self.pushes.next_round = Duration::ZERO;
        }
    }

    /// Starts a round when it is time for one.
    pub(super) fn start_round(&mut self, elapsed: Duration) {
        if !self.pushes.pause(elapsed).is_zero() {
            return;
        }
        let Some(hubs) = self.pushes.hubs.clone() else { return };
        self.pushes.next_round = elapsed.saturating_add(ROUND);
        let wishes = std::mem::take(&mut self.pushes.wishes);
        let (store, clock, proxies) = (self.store.clone(), self.clock.clone(), self.pushes.proxies.clone());
        self.pushes.rounds.spawn(hubs::round(hubs, store, clock, wishes, proxies));
    }

    /// A round has ended: those whose hub failed are polled by themselves again.
    pub(super) fn round_ended(&mut self, lost: Result<Vec<SourceId>, StoreError>) {
        match lost {
            Ok(lost) => {
                for source in lost {
                    let (taken, _) = oneshot::channel();
                    self.take(source, News::Lost, taken);
                }
            }
            Err(failure) => error!("subscriptions to hubs: {failure}"),
        }
    }

    /// A hub has sent something: it is read at once, or when the poll of its source has ended.
    pub(super) fn take(&mut self, source: SourceId, news: News, taken: Taken) {
        let Some(number) = self.numbers.get(&source).copied() else { return answer(taken, true) };
        if !self.busy.contains(&number) {
            return self.read_pushed(number, source, news, taken);
        }
        let waiting = self.pushes.waiting.entry(number).or_default();
        let is_large = matches!(&news, News::Document(delivery) if delivery.bytes.len() > LARGEST);
        if waiting.len() >= WAITING || is_large {
            return answer(taken, false);
        }
        waiting.push_back((source, news, taken));
    }

    fn read_pushed(&mut self, number: u32, id: SourceId, news: News, taken: Taken) {
        let errand = self.errands.get(number as usize);
        let source = errand.and_then(|errand| errand.sources.iter().find(|source| source.id == id)).cloned();
        let Some(source) = source.filter(|source| source.enabled) else { return answer(taken, true) };
        self.busy.insert(number);
        let poller = self.poller.clone();
        let handle = self.pushes.running.spawn(async move {
            let result = AssertUnwindSafe(poller.pushed(&source, news)).catch_unwind().await.ok();
            Ended { result, taken }
        });
        self.pushes.reading.insert(handle.id(), id);
    }

    /// A delivery was read.
    pub(super) fn delivered(&mut self, (task, ended): (Id, Ended)) {
        let Ended { result, taken } = ended;
        let Some(source) = self.pushes.reading.remove(&task) else { return };
        let number = self.numbers.get(&source).copied();
        if let Some(number) = number {
            self.busy.remove(&number);
        }
        let remembered = !matches!(&result, Some(Err(_)));
        match result {
            Some(Ok(Delivered::Read(polled))) => {
                info!(source.id = %source, "{source}: from its hub: {}", polled.outcome.words());
                self.sooner_or_later(&source, &polled.state);
                self.settled(&source, *polled, false);
            }
            Some(Ok(Delivered::Soon(by))) => self.sooner(&source, by),
            Some(Ok(Delivered::Nothing)) => {}
            Some(Err(failure)) => error!(source.id = %source, "{source}: what its hub sent: {failure}"),
            None => {
                error!(source.id = %source, "{source}: reading what its hub sent ended by a defect in riverine; please report it");
            }
        }
        answer(taken, remembered);
        if let Some(number) = number {
            self.after_busy(number);
        }
    }

    /// An errand is free again: what waited for that comes now.
    pub(super) fn after_busy(&mut self, number: u32) {
        while !self.busy.contains(&number) {
            let Some(next) = self.pushes.waiting.get_mut(&number).and_then(VecDeque::pop_front) else {
                break;
            };
            let (source, news, taken) = next;
            self.read_pushed(number, source, news, taken);
        }
        if self.pushes.waiting.get(&number).is_some_and(VecDeque::is_empty) {
            self.pushes.waiting.remove(&number);
        }
        if self.pushes.due.remove(&number) {
            self.line_up(number, false);
        }
    }

    fn sooner(&mut self, source: &SourceId, by: DateTime<Utc>) {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        if let Some(number) = self.numbers.get(source) {
            self.timetable.put_sooner(*number, by, now, elapsed);
        }
    }

    /// A hub that brings the news puts off the next poll, where nobody else waits for the same document.
    fn sooner_or_later(&mut self, id: &SourceId, state: &SourceState) {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        let Some(number) = self.numbers.get(id).copied() else { return };
        let Some(errand) = self.errands.get(number as usize) else { return };
        if let [source] = errand.sources.as_slice()
            && let Some(due) = self.poller.due(source, state, now)
        {
            self.timetable.put(number, due, now, elapsed);
        }
    }

    /// Numbers are given anew: what waits finds its own.
    pub(super) fn renumber(&mut self) {
        self.pushes.due.clear();
        let waiting: Vec<_> = std::mem::take(&mut self.pushes.waiting).into_values().flatten().collect();
        for (source, news, taken) in waiting {
            self.take(source, news, taken);
        }
    }
}

fn answer(taken: Taken, remembered: bool) {
    // The hub may have hung up.
    let _ = taken.send(remembered);
}
