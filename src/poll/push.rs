//! What a source's hub brings: a document nobody asked for, read and committed like the body of a poll, or the word
//! that there is something to be read. Never asks anybody; never trusts what was not signed: that is the server's part.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::read::{Arrived, Kept, note};
use super::{Polled, Poller, aftermath, roll};
use crate::dedup::{Intake, Tell};
use crate::fetch::{Answer, Body};
use crate::model::{Format, Hub, PushChange, Source, SourceState};
use crate::normalize::Normalized;
use crate::schedule;
use crate::store::StoreError;

/// A document that a hub sent.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// As it came.
    pub bytes: Bytes,
    /// As it came.
    pub content_type: Option<String>,
}

/// What a hub has to say of a source.
#[derive(Clone, Debug)]
pub enum News {
    /// A document.
    Document(Delivery),
    /// Something is to be read.
    Announced,
    /// There will be no more from this hub.
    Lost,
}

/// What came of it.
#[derive(Debug)]
pub enum Delivered {
    /// The document was read.
    Read(Box<Polled>),
    /// The source is to be polled by then.
    Soon(DateTime<Utc>),
    /// It is polled when it is due, as before: it fails, or it is not ours any more.
    Nothing,
}

impl Poller {
    /// Takes what a hub has to say. Never at the same time as a poll of this source: the caller sees to that.
    ///
    /// # Errors
    /// The store's; then nothing of it is remembered.
    pub async fn pushed(&self, source: &Arc<Source>, news: News) -> Result<Delivered, StoreError> {
        match news {
            News::Document(delivery) => {
                if let Some(polled) = self.delivered(source, delivery).await? {
                    return Ok(Delivered::Read(Box::new(polled)));
                }
                self.announced(source).await
            }
            News::Announced => self.announced(source).await,
            News::Lost => self.soon(source, "its hub brings no more news").await,
        }
    }

    /// Reads a document that came by itself. `None`: it is not this source's, or cannot be read.
    async fn delivered(
        &self,
        source: &Arc<Source>,
        delivery: Delivery,
    ) -> Result<Option<Polled>, StoreError> {
        let (id, now) = (source.id.clone(), self.clock.now());
        let mut state = self.store.read(move |store| store.state(&id)).await?;
        let known = state.first_success.is_some() && aftermath::is_same_request(&state, source);
        let Some(push) = state.push.as_mut().filter(|_| known) else { return Ok(None) };
        (push.pushed, push.change) = (Some(now), Some(PushChange::Brought));
        let topic = push.hub.topic.clone();
        let rules = self.rules_of(source);
        let url = state.validators.as_ref().and_then(|validators| validators.url.parse().ok());
        let body = Body {
            bytes: delivery.bytes,
            content_type: delivery.content_type,
            content_language: None,
            url: url.unwrap_or_else(|| aftermath::address(&state, source)),
            delta: true,
            place: None,
        };
        let id = source.id.clone();
        let stored = Arc::new(self.store.read(move |store| store.digests(&id, rules)).await?);
        let Ok(mut document) = self.document(source, &body, &stored).await else { return Ok(None) };
        let feed = &document.normalized.feed;
        let own = [Some(&topic), state.feed.as_ref().and_then(|feed| feed.self_link.as_ref())];
        let is_ours = feed.self_link.is_none() || own.contains(&feed.self_link.as_ref());
        if matches!(feed.format, Format::Page | Format::Text) || !is_ours {
            return Ok(None);
        }
        if source.full_text {
            self.full_texts(source, &mut state, &mut document.normalized).await?;
        }
        self.plan_pushed(source, &mut state, now);
        note(&mut state, &document, None, now);
        // It says nothing of what the address answers: the kept body stays.
        let arrived = Arrived {
            normalized: document.normalized,
            rules,
            kept: Kept::AsItIs,
            first: false,
            reshaped: false,
            tell: Tell::Changes,
            alone: None,
            now,
        };
        self.intake(source, Box::new(state), arrived, None).await.map(Some)
    }

    /// The daily look is counted from the last poll, not from what came since.
    fn plan_pushed(&self, source: &Source, state: &mut SourceState, now: DateTime<Utc>) {
        let last = state.last_poll.unwrap_or(now);
        let (next, reason) = schedule::next(source, state, &self.limits, last, roll());
        state.next_poll = Some(next);
        state.next_poll_reason = reason;
        state.planned_under = Some(self.timing(source));
    }

    async fn announced(&self, source: &Arc<Source>) -> Result<Delivered, StoreError> {
        let (id, now) = (source.id.clone(), self.clock.now());
        let known = self
            .store
            .write(move |store| {
                let found = store.subscriptions()?.into_iter().find(|found| found.source == id);
                let Some(mut found) = found.filter(|found| !found.leaving) else { return Ok(false) };
                (found.pushed, found.announced) = (Some(now), Some(now));
                found.pushes += 1;
                store.keep_subscription(&found)?;
                Ok(true)
            })
            .await?;
        if !known {
            return Ok(Delivered::Nothing);
        }
        self.soon(source, "its hub said that there are news").await
    }

    /// Makes the next poll come as soon as manners allow. Who fails or is held is asked when that is over.
    ///
    /// # Errors
    /// The store's.
    pub async fn soon(&self, source: &Arc<Source>, reason: &'static str) -> Result<Delivered, StoreError> {
        let (id, now) = (source.id.clone(), self.clock.now());
        let floor = TimeDelta::from_std(self.limits.min_interval).unwrap_or(TimeDelta::MAX);
        self.store
            .write(move |store| {
                let state = store.state(&id)?;
                let Some(last) = state.last_poll.filter(|_| state.consecutive_failures == 0) else {
                    return Ok(Delivered::Nothing);
                };
                // A clock that was set back since makes it no later.
                let last = last.min(now);
                let by = last.checked_add_signed(floor).unwrap_or(now).max(now);
                let by = state.held_until.map_or(by, |until| until.max(by));
                if state.next_poll.is_some_and(|next| next <= by) {
                    return Ok(Delivered::Nothing);
                }
                store.hasten(&id, by, reason)?;
                Ok(Delivered::Soon(by))
            })
            .await
    }
}

/// Notes the hub that a document names. Whom it no longer names, it no longer tells.
pub(super) fn look_for_hub(state: &mut SourceState, answer: &Answer, document: &Normalized) {
    state.hub = hub_of(answer, document);
    if let Some(push) = state.push.as_mut().filter(|push| Some(&push.hub) != state.hub.as_ref()) {
        push.pushed = None;
    }
}

/// A poll found what its hub never told of: it is relied on no more, and the next poll is when it would be without.
pub(super) fn untold(state: &mut SourceState, intake: &Intake, alone: Option<&(DateTime<Utc>, String)>) {
    if let (Some((next, reason)), Some(push)) = (alone, &mut state.push)
        && aftermath::has_news(intake)
    {
        push.change = Some(PushChange::Missed);
        state.next_poll = Some(*next);
        state.next_poll_reason.clone_from(reason);
    }
}

/// The hub that a document or its head names. The head has the first word (WebSub 4).
fn hub_of(answer: &Answer, document: &Normalized) -> Option<Hub> {
    let (hubs, own) = &answer.hubs;
    let named = if hubs.is_empty() { &document.feed.hubs } else { hubs };
    let of_web = |url: &&String| {
        Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.username().is_empty())
    };
    let topic = own.as_ref().or(document.feed.self_link.as_ref()).filter(of_web);
    let topic = topic.cloned().unwrap_or_else(|| answer.url.to_string());
    let url = named.iter().find(of_web)?.clone();
    of_web(&&topic).then_some(Hub { url, topic })
}
