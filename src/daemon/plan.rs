//! What a config means to the loop.

use std::sync::Arc;

use crate::model::{Schedule, Source};
use crate::poll::Poller;
use crate::store;

/// A whole config, as far as the loop goes. A reload hands over a new one.
pub struct Plan {
    /// How to poll.
    pub poller: Poller,
    /// What to keep.
    pub retention: store::Options,
    /// What to poll.
    pub sources: Vec<Arc<Source>>,
}

/// True for sources whose owner chose the minute.
pub(super) fn by_wall_clock(source: &Source) -> bool {
    matches!(source.schedule, Schedule::Cron(_))
}
