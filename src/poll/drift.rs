//! Whether a page still is the list it was: gone, empty, far shorter than ever, or another list altogether.
//! What is known is told by links and titles, whatever the layout. Changes nothing in the store.

use std::collections::HashSet;
use std::sync::Arc;

use super::Poller;
use super::read::{Document, as_before};
use crate::fetch::Body;
use crate::link;
use crate::model::{Digest, Entry, Format, Kind, PageSelectors, Published, Source, SourceState};
use crate::normalize::Normalized;
use crate::parse::ParseError;
use crate::store::{Search, StoreError};
use crate::text;

/// So many stories of the source are compared with.
const COMPARED: usize = 300;
/// A list that had so many items at least can be far too short.
const LONG: u32 = 8;
/// Far fewer: less than one in so many.
const FEWER: u32 = 4;

/// A document that is not taken.
pub(super) struct Refused {
    /// Why, and what to do.
    pub(super) words: String,
    /// True when the page's layout has changed.
    pub(super) drifted: bool,
}

impl Poller {
    /// Reads a document and tells whether it still holds the list it was.
    pub(super) async fn same_list(
        &self,
        source: &Arc<Source>,
        state: &SourceState,
        body: &Body,
        digests: &Arc<HashSet<Digest>>,
    ) -> Result<Result<Document, Refused>, StoreError> {
        let read = self.document(source, body, digests).await;
        let read = read.and_then(|document| as_before(source, state, document));
        let place = state.learned_item.as_ref().filter(|_| is_worked_out(source));
        let at_place = |item: &String| PageSelectors { item: Some(item.clone()), ..source.page.clone() };
        match (read, place) {
            (Err(ParseError::Selector(words)), _) => {
                let without = PageSelectors { pages: source.page.pages, ..PageSelectors::default() };
                let found = self.with(source, without, body, digests).await.ok();
                let stored = self.stored(source).await?;
                let proposed =
                    found.and_then(|it| proposal(it.learned.as_ref(), &it.normalized.entries, &stored));
                let words = proposed.map_or(words.clone(), |proposed| format!("{words}. {proposed}"));
                Ok(Err(Refused { words, drifted: state.first_success.is_some() }))
            }
            (Ok(document), Some(item)) if document.learned.is_some() => {
                let stored = self.stored(source).await?;
                if !is_another(item, document.learned.as_ref(), &document.normalized.entries, &stored) {
                    return Ok(Ok(document));
                }
                let again = self.with(source, at_place(item), body, digests).await.ok();
                let words = another(document.learned.as_ref(), &document.normalized.entries);
                let some = again.filter(|again| !again.normalized.entries.is_empty());
                Ok(some.ok_or(Refused { words, drifted: true }))
            }
            (Err(ParseError::NoFeed(words)), Some(item)) => {
                let again = self.with(source, at_place(item), body, digests).await;
                Ok(again.map_err(|_| Refused { words: lost(&words), drifted: true }))
            }
            (Ok(document), _) => Ok(Ok(document)),
            (Err(error), _) => Ok(Err(Refused { words: error.to_string(), drifted: false })),
        }
    }

    /// The same document with other selectors.
    async fn with(
        &self,
        source: &Arc<Source>,
        page: PageSelectors,
        body: &Body,
        digests: &Arc<HashSet<Digest>>,
    ) -> Result<Document, ParseError> {
        let other = Arc::new(Source { page, kind: Kind::Page, ..Source::clone(source) });
        self.document(&other, body, digests).await
    }

    async fn stored(&self, source: &Source) -> Result<Stored, StoreError> {
        let (id, now) = (source.id.clone(), self.clock.now());
        let search = Search { sources: Some(vec![id]), limit: COMPARED, ..Search::default() };
        let stories = self.store.read(move |store| store.search(&search, now)).await?;
        Ok(Stored::new(&stories))
    }
}

/// Whether a page's list is there, and nothing in it.
pub(super) fn is_empty(document: &Normalized) -> bool {
    document.feed.format == Format::Page && document.entries.is_empty()
}

/// Links and titles of a source's stories.
#[derive(Debug, Default)]
struct Stored {
    links: HashSet<String>,
    titles: HashSet<String>,
}

impl Stored {
    /// From what the store has.
    fn new(stories: &[Published]) -> Self {
        let links =
            stories.iter().filter_map(|story| link::canonical_with_fragment(story.entry.link.as_ref()?));
        let titles = stories.iter().map(|story| text::fold_title(&story.entry.title));
        Self { links: links.collect(), titles: titles.filter(|title| !title.is_empty()).collect() }
    }

    /// How many of these entries are known.
    fn count(&self, entries: &[Entry]) -> usize {
        entries.iter().filter(|entry| self.has(entry)).count()
    }

    fn has(&self, entry: &Entry) -> bool {
        let link = entry.link.as_deref().and_then(link::canonical_with_fragment);
        link.is_some_and(|link| self.links.contains(&link))
            || self.titles.contains(&text::fold_title(&entry.title))
    }

    fn is_empty(&self) -> bool {
        self.links.is_empty() && self.titles.is_empty()
    }
}

/// Whether a list that was worked out may be another one than before: its place is new, and nothing in it is known.
fn is_another(place: &String, learned: Option<&PageSelectors>, entries: &[Entry], stored: &Stored) -> bool {
    let moved = learned.and_then(|learned| learned.item.as_ref()) != Some(place);
    moved && !stored.is_empty() && !entries.is_empty() && stored.count(entries) == 0
}

/// Whether a source's list is worked out at each reading.
fn is_worked_out(source: &Source) -> bool {
    source.page.item.is_none() && matches!(source.kind, Kind::Auto | Kind::Page)
}

/// What to say when a list has far fewer items than ever; keeps count of how many it has.
pub(super) fn count(state: &mut SourceState, format: Format, items: usize) -> Option<String> {
    if !matches!(format, Format::Page | Format::Text) {
        return None;
    }
    let items = u32::try_from(items).unwrap_or(u32::MAX);
    let most = state.most_items;
    // A list that stays short was cut by its site: what it once had is forgotten slowly.
    state.most_items = items.max(most - most.div_ceil(16));
    (most >= LONG && items > 0 && items < most / FEWER).then(|| {
        format!("{items} items, where there have been {most}: if this is not all of them, the page's layout has changed")
    })
}

/// What to say when the configured selectors match nothing, but the list is found without.
fn proposal(learned: Option<&PageSelectors>, entries: &[Entry], stored: &Stored) -> Option<String> {
    let learned = learned?;
    let known = stored.count(entries);
    let first = entries.first().map(|entry| text::visible(text::cut(&entry.title, 80).0)).unwrap_or_default();
    let said = if known * 2 >= entries.len() && known > 0 {
        format!(
            "the list is still found without selectors, {known} of its {} entries are known",
            entries.len()
        )
    } else if stored.is_empty() {
        format!("without selectors {} entries are found, the first is “{first}”", entries.len())
    } else {
        return None;
    };
    Some(format!(
        "{said}; instead of [source.page] write in its [[source]]: page = {}",
        learned.inline_toml()
    ))
}

/// What to say of a list that may be another one.
fn another(learned: Option<&PageSelectors>, entries: &[Entry]) -> String {
    let first = entries.first().map(|entry| text::visible(text::cut(&entry.title, 80).0)).unwrap_or_default();
    let accept = learned.map_or_else(
        || "give it selectors in [source.page]".to_owned(),
        |learned| format!("write in its [[source]]: page = {}", learned.inline_toml()),
    );
    format!(
        "the page's layout has changed: the list that is found now has {} entries, none of which is known (the first \
         is “{first}”); they were not taken. If this is the list, {accept}",
        entries.len()
    )
}

/// What to say of a page whose list is not found any more.
fn lost(words: &str) -> String {
    format!("the page's layout has changed: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_fewer_items_than_ever_are_noticed_and_forgotten_slowly() {
        let mut state = SourceState::default();
        assert_eq!(count(&mut state, Format::Page, 20), None);
        let said = count(&mut state, Format::Page, 2).unwrap();
        assert!(said.starts_with("2 items, where there have been 20"), "{said}");
        assert_eq!(count(&mut state, Format::Page, 15), None);
        let again = (0..200).filter(|_| count(&mut state, Format::Page, 2).is_some()).count();
        assert!((5..100).contains(&again), "{again}");
        assert_eq!(count(&mut state, Format::Rss2, 1), None);
    }

    #[test]
    fn selectors_are_proposed_in_a_form_to_be_pasted() {
        let learned = PageSelectors {
            item: Some("li.news".to_owned()),
            title: Some("a[title=\"x\"]".to_owned()),
            ..PageSelectors::default()
        };
        let toml = learned.inline_toml();
        let read: toml::Table = toml::from_str(&format!("page = {toml}")).unwrap();
        assert_eq!(read["page"]["title"].as_str(), Some("a[title=\"x\"]"));
    }
}
