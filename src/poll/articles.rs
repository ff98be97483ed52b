//! `full_text`: the page of each new entry is fetched, and its article kept; that of a known one again where dedup says so.
//! One page at a time, through the same gate as every request. A page that fails costs nothing: the feed's text stays.

use std::sync::Arc;

use url::Url;

use super::Poller;
use super::read::{home_links, usual};
use crate::dedup::{self, Pages};
use crate::fetch::{Body, FetchError, Fetched, Request};
use crate::html::Cleaner;
use crate::link::{self, Secrets};
use crate::model::{Article, Source, SourceState, Warning};
use crate::normalize::Normalized;
use crate::parse;
use crate::store::{Store, StoreError};

/// Pages fetched in one poll; a backlog is no reason to take a site by storm.
const MOST: usize = 50;
/// After so many in a row that nobody answered, the others are not asked for: each may take as long as `timeout`, and the
/// other sources of the host wait meanwhile.
const SILENT: usize = 3;

/// A page that gave no article.
struct Missed {
    words: String,
    /// There was no answer at all.
    silent: bool,
}

impl From<String> for Missed {
    fn from(words: String) -> Self {
        Self { words, silent: false }
    }
}

impl Poller {
    /// Puts the article in the place of the feed's text, where there is more of it.
    pub(super) async fn full_texts(
        &self,
        source: &Arc<Source>,
        state: &mut SourceState,
        document: &mut Normalized,
    ) -> Result<(), StoreError> {
        let pages = self.wanted_pages(source, state, document).await?;
        let (mut asked, mut left, mut silent) = (0usize, 0usize, 0usize);
        let mut failed = None::<(usize, String)>;
        let read = document.entries.iter_mut().zip(pages.wanted).filter(|(entry, _)| !entry.unchanged);
        for (entry, wanted) in read {
            entry.article = if wanted { Article::Own } else { Article::Missing };
            if !wanted {
                continue;
            }
            let link = entry.whole_link.as_deref().or(entry.link.as_deref());
            let Some(url) = link.and_then(|link| Url::parse(link).ok()) else { continue };
            if asked == MOST || silent == SILENT {
                left += 1;
                entry.article = Article::Missing;
                continue;
            }
            asked += 1;
            match self.article(source, state, &url).await {
                Ok(article) => {
                    silent = 0;
                    dedup::take_article(entry, article);
                }
                Err(missed) => {
                    silent = if missed.silent { silent + 1 } else { 0 };
                    entry.article = Article::Missing;
                    let count = failed.as_ref().map_or(0, |(count, _)| *count);
                    let first = failed.map_or(missed.words, |(_, first)| first);
                    failed = Some((count + 1, first));
                }
            }
        }
        if left > 0 {
            let why = if silent == SILENT {
                format!("{SILENT} pages in a row were not answered")
            } else {
                format!("{MOST} pages are fetched in one poll")
            };
            let words = format!("full_text: {why}; {left} entries keep the text they have");
            document.warnings.push(Warning(words));
        }
        if let Some((count, first)) = failed {
            let words = format!(
                "full_text: {count} of {asked} pages gave no article, the feed's text stays; {first}"
            );
            document.warnings.push(Warning(words));
        }
        if pages.passed_over > 0 {
            let words = format!(
                "full_text: {} known entries differ at once, as if of a counter in them; their pages are not fetched again",
                pages.passed_over
            );
            document.warnings.push(Warning(words));
        }
        Ok(())
    }

    /// Whose page is asked for, by what the store knows.
    async fn wanted_pages(
        &self,
        source: &Arc<Source>,
        state: &SourceState,
        document: &mut Normalized,
    ) -> Result<Pages, StoreError> {
        let (of, rules, trust, now) = (source.clone(), self.rules.clone(), state.trust, self.clock.now());
        let asked_before = state.read_under == Some(self.rules_of(source));
        let home = home_links(source, document);
        if document.entries.iter().all(|entry| entry.unchanged) {
            return Ok(Pages::default());
        }
        let mut entries = std::mem::take(&mut document.entries);
        for entry in &mut entries {
            entry.article = Article::Missing;
        }
        let look = move |store: &mut dyn Store| {
            let context = usual(&of, trust, &rules, &home, now);
            let keys = dedup::document_keys(&context, &entries);
            let known = store.known(&context, &entries, &keys)?;
            let intake = dedup::decide(&context, &entries, keys, &known);
            let pages = dedup::pages(&context, &entries, (&known, &intake), asked_before);
            Ok((entries, pages))
        };
        let (entries, pages) = self.store.read(look).await?;
        document.entries = entries;
        Ok(pages)
    }

    async fn article(
        &self,
        source: &Arc<Source>,
        state: &mut SourceState,
        url: &Url,
    ) -> Result<String, Missed> {
        let request = Request { source, url: url.clone(), validators: None };
        match self.fetch.fetch(request, self.clock.now()).await {
            Ok(Fetched::Body(answer, body)) => {
                state.requests += u64::from(answer.requests);
                // Where it is asked as the document says, the address is the publisher's own word.
                let led_on = Some(&body.url).filter(|target| *target != url);
                let secrets = Secrets::of([&source.url].into_iter().chain(led_on));
                Ok(self.find_article(body, secrets).await?)
            }
            Ok(Fetched::NotModified(answer) | Fetched::Throttled(answer) | Fetched::Gone(answer)) => {
                state.requests += u64::from(answer.requests);
                self.spare_the_host(&answer);
                Err(format!("{} answered {}", link::mask(url.as_str()), answer.status).into())
            }
            Err(error) => {
                Err(Missed { silent: matches!(error, FetchError::Broken { .. }), words: error.to_string() })
            }
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
