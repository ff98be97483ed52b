//! A plan comes into force: at the start, and with every reload.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use url::Url;

use super::errand::{self, Errand};
use super::{Daemon, Plan};
use crate::fetch;
use crate::model::{Source, SourceId, SourceState};
use crate::normalize;
use crate::poll::{Poller, hold_left};
use crate::store::{Handle, Store, StoreError};

/// What is overdue at the start is spread by so much per errand.
const SPREAD: Duration = Duration::from_millis(20);

/// What the loop wants to know of a source: the rest of its state stays in the store.
struct Known {
    due: Option<DateTime<Utc>>,
    moved_to: Option<Url>,
    /// An older version of our reading read its last document.
    behind: bool,
}

impl Daemon {
    /// Puts a plan in force: its sources are made known and put on the timetable. When the store fails, nothing
    /// changes.
    pub(super) async fn load(&mut self, plan: Plan) -> Result<(), StoreError> {
        let Plan { poller, limits, retention, sources, hubs } = plan;
        let (known, renamed) = look_up(&self.store, &poller, &sources, self.clock.now()).await?;
        for (former, id) in &renamed {
            self.rename(former, id);
        }
        self.poller = poller;
        self.retention = retention;
        self.queue.clear(limits);
        self.errands = errand::errands(sources);
        self.numbers = self
            .errands
            .iter()
            .zip(0..)
            .flat_map(|(errand, number)| errand.sources.iter().map(move |source| (source.id.clone(), number)))
            .collect();
        self.waiting.clear();
        let going: Vec<&SourceId> = self.running.values().flat_map(|going| &going.sources).collect();
        let busy = going.into_iter().chain(self.pushes.reading());
        self.busy = busy.filter_map(|id| self.numbers.get(id).copied()).collect();
        self.timetable.clear(self.errands.len());
        self.timetabled(&known);
        self.behind = known.iter().filter(|(_, known)| known.behind).map(|(id, _)| id.clone()).collect();
        self.behind.sort_unstable();
        self.still_asked();
        self.renumber();
        self.hubs_from(hubs);
        Ok(())
    }

    /// What is under way of a source goes on by its new id.
    fn rename(&mut self, former: &SourceId, id: &SourceId) {
        let going = self.running.values_mut().flat_map(|going| &mut going.sources);
        going.filter(|source| *source == former).for_each(|source| source.clone_from(id));
        if let Some(reports) = self.asked.remove(former) {
            self.asked.entry(id.clone()).or_default().extend(reports);
        }
        if let Some(until) = self.not_before.remove(former) {
            self.not_before.insert(id.clone(), until);
        }
        self.pushes.rename(former, id);
    }

    fn timetabled(&mut self, known: &HashMap<SourceId, Known>) {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        // Their end puts them on the timetable.
        let going: HashSet<&SourceId> = self.running.values().flat_map(|going| &going.sources).collect();
        self.not_before.retain(|_, until| *until > elapsed);
        let mut overdue = Vec::new();
        for (errand, number) in self.errands.iter_mut().zip(0u32..) {
            let of = |source: &Arc<Source>| known.get(&source.id);
            let moved_to = errand.sources.first().and_then(of).and_then(|known| known.moved_to.clone());
            rename_host(errand, moved_to.as_ref());
            // One never seen is due.
            let due = |source: &Arc<Source>| match of(source) {
                _ if going.contains(&source.id) => None,
                Some(known) => known.due,
                None => source.enabled.then_some(now),
            };
            let Some(due) = errand.sources.iter().filter_map(due).min() else { continue };
            let later = errand.sources.iter().filter_map(|source| self.not_before.get(&source.id)).max();
            match later {
                Some(until) if due <= now => {
                    self.timetable.put_in(number, until.saturating_sub(elapsed), now, elapsed);
                }
                _ if due <= now => overdue.push((due, number)),
                _ => self.timetable.put(number, due, now, elapsed),
            }
        }
        // What waited longest goes first, and not all at once.
        overdue.sort_unstable();
        let mut wait = Duration::ZERO;
        for (_, number) in overdue {
            self.timetable.put_in(number, wait, now, elapsed);
            wait += SPREAD;
        }
    }

    /// What was asked for by hand before and has not begun is still asked for.
    fn still_asked(&mut self) {
        let going: HashSet<SourceId> =
            self.running.values().flat_map(|going| going.sources.iter().cloned()).collect();
        self.asked.retain(|id, _| self.numbers.contains_key(id) || going.contains(id));
        let again: Vec<u32> = self
            .asked
            .keys()
            .filter(|id| !going.contains(*id))
            .filter_map(|id| self.numbers.get(id).copied())
            .collect();
        for number in again {
            self.line_up(number, true);
        }
    }
}

/// Reads due times row by row: the states of ten thousand sources are not held at once. And which ids became which.
async fn look_up(
    store: &Handle,
    poller: &Arc<Poller>,
    sources: &[Arc<Source>],
    now: DateTime<Utc>,
) -> Result<(HashMap<SourceId, Known>, Vec<(SourceId, SourceId)>), StoreError> {
    let (list, poller) = (sources.to_vec(), poller.clone());
    let known_to_it = list.clone();
    let renamed = store.write(move |store| store.sync(&known_to_it)).await?;
    let work = move |store: &mut dyn Store| {
        let by_id: HashMap<&str, &Arc<Source>> =
            list.iter().map(|source| (source.id.as_str(), source)).collect();
        let mut known = HashMap::with_capacity(list.len());
        store.each_source(&mut |row| {
            if let Some(source) = by_id.get(row.id.as_str()) {
                remember_hold(&poller, source, &row.state, now);
                let due = poller.due(source, &row.state, now);
                let behind = row.state.read_under.is_some() && row.state.reading < normalize::READING;
                known.insert(source.id.clone(), Known { due, moved_to: row.state.moved_to, behind });
            }
        })?;
        Ok(known)
    };
    Ok((store.read(work).await?, renamed))
}

/// A 429 holds the whole host, also over a restart: for what is left of it, whatever the wall clock did since.
fn remember_hold(poller: &Poller, source: &Source, state: &SourceState, now: DateTime<Utc>) {
    let left = hold_left(state, now).and_then(|left| left.to_std().ok());
    if let (Some(429), Some(left)) = (state.http_status, left) {
        let by = state.held_by.as_ref().or(state.moved_to.as_ref());
        poller.gate.hold_for(by.unwrap_or(&source.url), left);
    }
}

/// A learnt address is another host's line.
pub(super) fn rename_host(errand: &mut Errand, moved_to: Option<&Url>) {
    let Some(source) = errand.sources.first() else { return };
    let name = fetch::host_and_port(moved_to.unwrap_or(&source.url));
    if *errand.host != *name {
        errand.host = name.into();
    }
}
