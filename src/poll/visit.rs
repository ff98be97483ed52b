//! Before a poll: what is remembered of the sources that ask for one document, and what may be sent along.
//! Never asks.

use std::sync::Arc;

use url::Url;

use super::{Poller, aftermath};
use crate::fetch::{Answer, Body, Request};
use crate::model::{Source, SourceState, Validators};
use crate::store::StoreError;

/// One source and its part in a poll.
pub(super) struct Visit {
    pub(super) source: Arc<Source>,
    /// Boxed, as it goes through many hands.
    pub(super) state: Box<SourceState>,
    /// A 304 is not enough: this source has not read that document, or not under today's rules.
    pub(super) wants_body: bool,
}

/// One document to ask for.
pub(super) struct Errand {
    url: Url,
    /// In whose name is asked: its headers and limits are everybody's.
    lead: Arc<Source>,
    validators: Option<Validators>,
    /// What a 304 stands for, where somebody wants it.
    kept: Option<Body>,
}

impl Errand {
    pub(super) fn request(&self) -> Request<'_> {
        Request { source: &self.lead, url: self.url.clone(), validators: self.validators.as_ref() }
    }

    /// The document that a 304 stands for, as if it had come with it.
    pub(super) fn unchanged(&self, answer: &Answer) -> Option<(Answer, Body)> {
        let body = self.kept.clone()?;
        let mut answer = answer.clone();
        if let Some(mut validators) = self.validators.clone() {
            aftermath::renew(&mut validators, &answer.validators);
            answer.validators = validators;
        }
        Some((answer, body))
    }
}

impl Poller {
    /// Looks up what is remembered, and decides what is sent along.
    ///
    /// Validators are sent where a 304 would do for everybody: who has not read what they stand for (a
    /// source new to the document, other rules than then) reads the kept body. Without one the whole
    /// document is asked for.
    pub(super) async fn set_out(&self, sources: &[Arc<Source>]) -> Result<(Errand, Vec<Visit>), StoreError> {
        let ids: Vec<_> = sources.iter().map(|source| source.id.clone()).collect();
        let states = self
            .store
            .look(move |store| {
                ids.iter().map(|id| store.state(id).map(Box::new)).collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let mut visits: Vec<Visit> = sources
            .iter()
            .zip(states)
            .map(|(source, mut state)| {
                self.forget_if_mended(source, &mut state);
                aftermath::forget_if_other(&mut state, source);
                Visit { source: source.clone(), state, wants_body: false }
            })
            .collect();
        let leads = |visit: &&Visit| visit.state.validators.is_some();
        let lead = visits.iter().find(leads).or(visits.first());
        let Some(lead) = lead else { return Err(StoreError::Failed("a poll of nobody".to_owned())) };
        let (mut validators, unread) = (lead.state.validators.clone(), lead.state.unread);
        let (url, lead) = (aftermath::address(&lead.state, &lead.source), lead.source.clone());
        for visit in &mut visits {
            let rules = self.rules_of(&visit.source);
            visit.wants_body = visit.state.validators != validators || visit.state.read_under != Some(rules);
        }
        let mut kept = None;
        if validators.is_some() && visits.iter().any(|visit| visit.wants_body) {
            // What could not be read was not kept either: the kept body is an older one.
            kept = if unread { None } else { self.kept_body(&lead.id).await? };
            validators = validators.filter(|_| kept.is_some());
        }
        Ok((Errand { url, lead, validators, kept }, visits))
    }
}
