//! Our subscriptions to sources' hubs, as far as they are remembered. Never speaks to a hub.

use chrono::{DateTime, Utc};

use super::{Handle, StoreError};
use crate::model::{Hub, Push, SourceId};

/// One subscription, from the wish for it to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Whose news it brings.
    pub source: SourceId,
    /// The part of its call-back that nobody can guess.
    pub token: String,
    /// Where the hub delivers.
    pub callback: String,
    /// What deliveries are signed with.
    pub secret: String,
    /// What is subscribed to, and where.
    pub hub: Hub,
    /// When the hub was asked, as long as it has not come back.
    pub asked: Option<DateTime<Utc>>,
    /// End of the lease.
    pub expires: Option<DateTime<Utc>>,
    /// When the hub is asked next.
    pub next_try: DateTime<Utc>,
    /// Requests that came to nothing, in a row.
    pub failures: u32,
    /// Why the last of them did.
    pub words: Option<String>,
    /// Last delivery, while the hub is relied on.
    pub pushed: Option<DateTime<Utc>>,
    /// Last delivery that only said that there are news.
    pub announced: Option<DateTime<Utc>>,
    /// Deliveries, ever.
    pub pushes: u64,
    /// Deliveries with a wrong signature, ever.
    pub refused: u64,
    /// It is to be given up.
    pub leaving: bool,
}

impl Subscription {
    /// What polls need to know of it.
    pub fn push(&self) -> Option<Push> {
        (!self.leaving).then(|| Push {
            hub: self.hub.clone(),
            expires: self.expires,
            pushed: self.pushed,
            announced: self.announced,
            change: None,
        })
    }

    /// True while its lease lasts.
    pub fn in_force(&self, now: DateTime<Utc>) -> bool {
        self.expires.is_some_and(|expires| expires > now)
    }
}

/// The part of a store that is about our subscriptions. Every method fails when the disk does.
pub trait Subscriptions {
    /// The one whose call-back ends so.
    ///
    /// # Errors
    /// See [`Subscriptions`].
    fn subscription(&mut self, token: &str) -> Result<Option<Subscription>, StoreError>;

    /// All of them, by source.
    ///
    /// # Errors
    /// See [`Subscriptions`].
    fn subscriptions(&mut self) -> Result<Vec<Subscription>, StoreError>;

    /// Those whose hub is to be asked by then, at most so many, who waited longest first.
    ///
    /// # Errors
    /// See [`Subscriptions`].
    fn due_subscriptions(
        &mut self,
        now: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Subscription>, StoreError>;

    /// Remembers one, in the place of another of the same source.
    ///
    /// # Errors
    /// See [`Subscriptions`].
    fn keep_subscription(&mut self, subscription: &Subscription) -> Result<(), StoreError>;

    /// Forgets one.
    ///
    /// # Errors
    /// See [`Subscriptions`].
    fn drop_subscription(&mut self, token: &str) -> Result<(), StoreError>;

    /// Makes the next poll of a source come by then, if it would have come later.
    ///
    /// # Errors
    /// See [`Subscriptions`].
    fn hasten(&mut self, source: &SourceId, by: DateTime<Utc>, reason: &str) -> Result<(), StoreError>;
}

impl Handle {
    /// Changes a subscription as it stands by then: hub and daemon may both be at it. `change` says whether there is
    /// anything to remember, and so is the answer.
    ///
    /// # Errors
    /// See [`Subscriptions`].
    pub async fn amend_subscription(
        &self,
        token: &str,
        change: impl FnOnce(&mut Subscription) -> bool + Send + 'static,
    ) -> Result<bool, StoreError> {
        let token = token.to_owned();
        self.write(move |store| {
            let Some(mut known) = store.subscription(&token)? else { return Ok(false) };
            let changed = change(&mut known);
            if changed {
                store.keep_subscription(&known)?;
            }
            Ok(changed)
        })
        .await
    }
}
