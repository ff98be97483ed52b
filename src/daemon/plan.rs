//! What a config means to the loop.

use std::sync::Arc;

use super::hubs::Hubs;
pub(super) use super::queue::Limits;
use crate::fetch;
use crate::model::Source;
use crate::poll::Poller;
use crate::store;

/// A whole config, as far as the loop goes. A reload hands over a new one.
pub struct Plan {
    /// How to poll.
    pub poller: Arc<Poller>,
    pub(super) limits: Limits,
    /// What to keep.
    pub retention: store::Options,
    /// What to poll.
    pub sources: Vec<Arc<Source>>,
    /// How to be told of news; `None`: not at all.
    pub(super) hubs: Option<Hubs>,
}

impl Plan {
    /// Puts the parts together.
    pub fn new(
        poller: Poller,
        options: &fetch::Options,
        retention: store::Options,
        sources: Vec<Arc<Source>>,
    ) -> Self {
        let limits = Limits {
            concurrency: options.concurrency,
            per_host: options.per_host,
            gap: options.per_host_gap.0,
        };
        Self { poller: Arc::new(poller), limits, retention, sources, hubs: None }
    }

    /// The same, with subscriptions to sources' hubs.
    #[must_use]
    pub fn with_hubs(mut self, hubs: Hubs) -> Self {
        self.hubs = Some(hubs);
        self
    }
}
