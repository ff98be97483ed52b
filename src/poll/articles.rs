//! `full_text`: the page of each new or changed entry is fetched, and its article kept.
//! One page at a time, through the same gate as every request. A page that fails costs nothing: the feed's text stays.

use std::sync::Arc;

use url::Url;

use super::Poller;
use crate::dedup;
use crate::fetch::{Body, Fetched, Request};
use crate::html::Cleaner;
use crate::link::{self, Secrets};
use crate::model::{Article, Source, SourceState, Warning};
use crate::normalize::Normalized;
use crate::parse;

/// Pages fetched in one poll; a backlog is no reason to take a site by storm.
const MOST: usize = 50;

impl Poller {
    /// Puts the article in the place of the feed's text, where there is more of it.
    pub(super) async fn full_texts(
        &self,
        source: &Arc<Source>,
        state: &mut SourceState,
        document: &mut Normalized,
    ) {
        let (mut asked, mut left, mut failed) = (0usize, 0usize, None::<(usize, String)>);
        for entry in document.entries.iter_mut().filter(|entry| !entry.unchanged) {
            let link = entry.whole_link.as_deref().or(entry.link.as_deref());
            let Some(url) = link.and_then(|link| Url::parse(link).ok()) else { continue };
            if asked == MOST {
                left += 1;
                entry.article = Article::Missing;
                continue;
            }
            asked += 1;
            match self.article(source, state, &url).await {
                Ok(article) => {
                    dedup::take_article(entry, article);
                }
                Err(words) => {
                    entry.article = Article::Missing;
                    let count = failed.as_ref().map_or(0, |(count, _)| *count);
                    let first = failed.map_or(words, |(_, first)| first);
                    failed = Some((count + 1, first));
                }
            }
        }
        if left > 0 {
            let words = format!(
                "full_text: {MOST} pages are fetched in one poll; {left} entries keep the text they have"
            );
            document.warnings.push(Warning(words));
        }
        if let Some((count, first)) = failed {
            let words = format!(
                "full_text: {count} of {asked} pages gave no article, the feed's text stays; {first}"
            );
            document.warnings.push(Warning(words));
        }
    }

    async fn article(
        &self,
        source: &Arc<Source>,
        state: &mut SourceState,
        url: &Url,
    ) -> Result<String, String> {
        let request = Request { source, url: url.clone(), validators: None };
        match self.fetch.fetch(request, self.clock.now()).await {
            Ok(Fetched::Body(answer, body)) => {
                state.requests += u64::from(answer.requests);
                // Where it is asked as the document says, the address is the publisher's own word.
                let led_on = Some(&body.url).filter(|target| *target != url);
                let secrets = Secrets::of([&source.url].into_iter().chain(led_on));
                self.find_article(body, secrets).await
            }
            Ok(Fetched::NotModified(answer) | Fetched::Throttled(answer) | Fetched::Gone(answer)) => {
                state.requests += u64::from(answer.requests);
                Err(format!("{} answered {}", link::mask(url.as_str()), answer.status))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn find_article(&self, body: Body, secrets: Secrets) -> Result<String, String> {
        let _permit = self.readers.acquire().await;
        let job = tokio::task::spawn_blocking(move || {
            let found = parse::article(&body.bytes, body.content_type.as_deref(), &body.url);
            let where_ = link::mask(body.url.as_str());
            found
                .map(|html| secrets.hidden(Cleaner::new(Some(&secrets.base(&body.url))).clean(&html)))
                .map_err(|error| format!("{where_}: {error}"))
        });
        job.await
            .unwrap_or_else(|_| Err("reading a page failed inside riverine; please report it".to_owned()))
    }
}
