//! `next` of `[source.page]`: the list goes on, on other pages. A page that fails costs only itself.

use std::collections::HashSet;
use std::sync::Arc;

use url::Url;

use super::Poller;
use super::read::Document;
use crate::fetch::{Fetched, Request};
use crate::link;
use crate::model::{Digest, Source, SourceState, Warning};

impl Poller {
    /// Up to `pages`, the first of which was at `from`.
    pub(super) async fn further_pages(
        &self,
        source: &Arc<Source>,
        state: &mut SourceState,
        document: &mut Document,
        mut from: Url,
        stored: &Arc<HashSet<Digest>>,
    ) {
        let mut seen = HashSet::from([from.clone()]);
        let mut next = document.next_page.take();
        for _ in 1..source.page.pages.max(1) {
            let Some(url) = next.take().and_then(|next| from.join(&next).ok()) else { return };
            if !seen.insert(url.clone()) {
                return;
            }
            let page = self.page(source, state, &url, stored).await;
            match page {
                Ok(page) => {
                    document.normalized.entries.extend(page.normalized.entries);
                    document.normalized.warnings.extend(page.normalized.warnings);
                    next = page.next_page;
                    from = url;
                }
                Err(words) => {
                    let words = format!("page {}: {words}", link::mask(url.as_str()));
                    document.normalized.warnings.push(Warning(words));
                    return;
                }
            }
        }
    }

    async fn page(
        &self,
        source: &Arc<Source>,
        state: &mut SourceState,
        url: &Url,
        stored: &Arc<HashSet<Digest>>,
    ) -> Result<Document, String> {
        let request = Request { source, url: url.clone(), validators: None };
        let fetched = self.fetch.fetch(request, self.clock.now()).await;
        match fetched {
            Ok(Fetched::Body(answer, body)) => {
                state.requests += u64::from(answer.requests);
                self.document(source, &body, stored).await.map_err(|error| error.to_string())
            }
            Ok(Fetched::NotModified(answer) | Fetched::Throttled(answer) | Fetched::Gone(answer)) => {
                state.requests += u64::from(answer.requests);
                self.spare_the_host(&answer);
                Err(format!("answered {}", answer.status))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
