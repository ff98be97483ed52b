//! Kept bodies are read again beside the loop: when somebody asks, and by itself once this version reads better than
//! the one that read them. One at a time, without the network; polls go on meanwhile.

use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{Daemon, OnCommit, control};
use crate::model::{Source, SourceId};
use crate::poll::{Again, Poller};
use crate::store::StoreError;

/// What reading one source's kept body again came to.
#[derive(Debug)]
pub struct Reread {
    /// Which source.
    pub source: SourceId,
    /// What became of it.
    pub again: Result<Again, StoreError>,
}

impl Daemon {
    /// Reads again what is asked for; who asks about a source that is not in force is told so.
    pub(super) fn reread(&mut self, ids: Vec<SourceId>, reports: mpsc::UnboundedSender<Reread>) {
        let mut sources = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(source) = self.source(&id) {
                sources.push(source);
            } else {
                let words = control::UNKNOWN.to_owned();
                let _ = reports.send(Reread { source: id, again: Ok(Again::Failed(words)) });
            }
        }
        let (poller, on_commit) = (self.poller.clone(), self.on_commit.clone());
        self.rereading.spawn(async move {
            for source in sources {
                let again = one(&poller, &source, &on_commit).await;
                // Who asked may have gone; what was asked for is done all the same.
                let _ = reports.send(Reread { source: source.id.clone(), again });
            }
        });
    }

    /// What an older version of our reading read.
    pub(super) fn reread_what_is_behind(&mut self) {
        let behind: Vec<Arc<Source>> =
            std::mem::take(&mut self.behind).iter().filter_map(|id| self.source(id)).collect();
        if behind.is_empty() {
            return;
        }
        let (poller, on_commit) = (self.poller.clone(), self.on_commit.clone());
        self.rereading.spawn(async move {
            let (mut read, mut changed) = (0usize, 0usize);
            for source in behind {
                match one(&poller, &source, &on_commit).await {
                    Ok(Again::Read(replayed)) => {
                        read += 1;
                        changed += replayed.committed.changed.len();
                    }
                    Ok(Again::None(words) | Again::Failed(words)) => {
                        tracing::debug!(
                            source.id = source.id.as_str(),
                            "{}: not read again: {words}",
                            source.id
                        );
                    }
                    Err(failure) => {
                        warn!(source.id = source.id.as_str(), "{}: not read again: {failure}", source.id);
                    }
                }
            }
            // What was not kept stays behind until its source says something new, and is looked for at each start.
            if read > 0 {
                info!(
                    documents = read,
                    entries = changed,
                    "this version reads better: kept documents were read again"
                );
            }
        });
    }

    fn source(&self, id: &SourceId) -> Option<Arc<Source>> {
        let number = *self.numbers.get(id)?;
        let errand = self.errands.get(number as usize)?;
        errand.sources.iter().find(|source| source.id == *id).cloned()
    }
}

async fn one(poller: &Poller, source: &Arc<Source>, on_commit: &OnCommit) -> Result<Again, StoreError> {
    let again = Box::pin(poller.replay(source, false)).await?;
    if let Again::Read(replayed) = &again
        && !replayed.committed.touched.is_empty()
    {
        on_commit(&replayed.committed);
    }
    Ok(again)
}
