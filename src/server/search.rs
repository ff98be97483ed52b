//! `/search` and its feeds: any query is a document one can subscribe to.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use chrono::{DateTime, Utc};

use super::doc::Doc;
use super::plan::{self, Plan};
use super::reply::{self, Answer, Policy};
use super::{Site, access, pages};
use crate::language;
use crate::model::{Published, SourceId};
use crate::query::{self, Query};
use crate::render::html::{self, Feed, SearchPage};
use crate::render::{Addresses, Form, Head, Sheet};
use crate::store::{Matches, Search, Store, StoreError};
use crate::text;

/// Entries on a page, or in a document.
const LIMIT: usize = 100;
/// Languages or sources in one search.
const MOST: usize = 100;

/// What was asked, as it was written: fit to be shown again, and to stand in an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    q: String,
    languages: BTreeSet<String>,
    sources: BTreeSet<String>,
    since: String,
    /// Behind which entry a further page goes on.
    before: String,
}

/// What was found, and the search that goes on behind it, where there is more.
struct FoundHere {
    entries: Vec<Published>,
    next: Option<Asked>,
}

impl Asked {
    fn new(uri: &Uri) -> Self {
        let mut asked = Self::default();
        let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        for (name, value) in pairs {
            // It is shown again: what no document may have is not looked for either.
            let value = text::clean(&value);
            let value = value.trim();
            let list = || value.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned);
            match &*name {
                "q" => asked.q = value.split_whitespace().collect::<Vec<_>>().join(" "),
                "lang" => asked.languages.extend(list()),
                "source" => asked.sources.extend(list()),
                "since" => value.clone_into(&mut asked.since),
                "before" => value.clone_into(&mut asked.before),
                _ => {}
            }
        }
        asked
    }

    /// The same search with sources as they are called now.
    fn renamed(mut self, plan: &Plan) -> Self {
        let now = |id: String| match plan.renamed(&id) {
            Some(now) if plan.source(&id).is_none() => now.to_string(),
            _ => id,
        };
        self.sources = self.sources.into_iter().map(now).collect();
        self
    }

    fn is_empty(&self) -> bool {
        self.first_page() == Self::default()
    }

    fn first_page(&self) -> Self {
        Self { before: String::new(), ..self.clone() }
    }

    /// The same search has the same address, however it was written; no key in it.
    fn canonical(&self) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        let lists = self.languages.iter().map(|one| ("lang", one));
        let lists = lists.chain(self.sources.iter().map(|one| ("source", one)));
        let once = [("q", &self.q), ("since", &self.since), ("before", &self.before)];
        out.extend_pairs(once.into_iter().filter(|(_, value)| !value.is_empty()));
        out.extend_pairs(lists);
        out.finish()
    }

    /// Those of the sources that the config has no more, as far as there is anything of them in the store.
    async fn gone(&self, site: &Site, plan: &Plan) -> Result<BTreeSet<SourceId>, StoreError> {
        let others = self.sources.iter().take(MOST).filter(|id| plan.source(id).is_none());
        let others: Vec<SourceId> = others.map(|id| SourceId::new(id.as_str())).collect();
        if others.is_empty() {
            return Ok(BTreeSet::new());
        }
        let rows = move |store: &mut dyn Store| {
            let mut gone = BTreeSet::new();
            for id in others {
                gone.extend(store.source_row(&id)?.map(|row| row.id));
            }
            Ok(gone)
        };
        site.store.read(rows).await
    }

    /// `gone`: see [`Self::gone`].
    fn search(&self, plan: &Plan, gone: &BTreeSet<SourceId>, now: DateTime<Utc>) -> Result<Search, String> {
        if self.is_empty() {
            return Err("say what to look for: q=words, lang=en, source=id or since=7d".to_owned());
        }
        if self.languages.len() > MOST || self.sources.len() > MOST {
            return Err(format!("more than {MOST} languages or sources"));
        }
        let speaks = |code: &String| {
            language::tag(code).ok_or_else(|| format!("{code:?} is not a language code, like en or pt-BR"))
        };
        let source = |id: &String| {
            let found = plan.source(id).map(|source| &source.id);
            found
                .or_else(|| gone.get(id.as_str()))
                .cloned()
                .ok_or_else(|| format!("there is no source {id:?}: /sources names them all"))
        };
        let sources: Vec<SourceId> = self.sources.iter().map(source).collect::<Result<_, _>>()?;
        Ok(Search {
            query: if self.q.is_empty() { None } else { Some(Query::new(&self.q)?) },
            languages: self.languages.iter().map(speaks).collect::<Result<_, _>>()?,
            sources: (!sources.is_empty()).then_some(sources),
            since: if self.since.is_empty() { None } else { Some(query::since(&self.since, now)?) },
            before: if self.before.is_empty() { None } else { Some(self.place()?) },
            // One more than is shown tells whether there are more.
            limit: LIMIT + 1,
        })
    }

    /// Date and number of the entry behind which it goes on.
    fn place(&self) -> Result<(DateTime<Utc>, i64), String> {
        let parts = self.before.split_once('.');
        let place = parts.and_then(|(date, number)| Some((date.parse().ok()?, number.parse().ok()?)));
        let place = place.and_then(|(date, number)| Some((DateTime::from_timestamp(date, 0)?, number)));
        place.ok_or_else(|| {
            format!("before comes from the link to older entries, and {:?} does not", self.before)
        })
    }

    /// The search that goes on behind an entry.
    fn behind(&self, last: &Published) -> Self {
        Self { before: format!("{}.{}", last.published.timestamp(), last.number), ..self.clone() }
    }

    /// All that is asked for, on one line: two searches that find other things have other titles.
    fn words(&self) -> String {
        let mut words = Vec::new();
        if !self.q.is_empty() {
            words.push(self.q.clone());
        }
        words.extend(self.languages.iter().map(|one| format!("lang={one}")));
        words.extend(self.sources.iter().map(|one| format!("source={one}")));
        if !self.since.is_empty() {
            words.push(format!("since={}", self.since));
        }
        words.join(" ")
    }

    fn addresses(&self, plan: &Plan) -> Addresses {
        let query = self.canonical();
        let at = |form: Form| plan.address(&format!("search.{}?{query}", form.extension()));
        Addresses { atom: at(Form::Atom), rss: at(Form::Rss), json: at(Form::Json) }
    }

    /// All pages are one feed.
    fn head(&self, plan: &Plan, next: Option<&Self>) -> Head {
        let query = self.first_page().canonical();
        let words = self.words();
        Head {
            selves: self.addresses(plan),
            home: plan.address(&format!("search?{}", self.canonical())),
            title: format!("Search: {words}"),
            description: format!("What matches {words}, newest first."),
            next: next.map(|next| next.addresses(plan)),
            ..plan.bare_head(&format!("search?{query}"))
        }
    }
}

/// `/search.atom`.
pub(super) async fn atom(site: State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Answer {
    document(site.0, &uri, &headers, Form::Atom).await
}

/// `/search.rss`.
pub(super) async fn rss(site: State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Answer {
    document(site.0, &uri, &headers, Form::Rss).await
}

/// `/search.json`.
pub(super) async fn json(site: State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Answer {
    document(site.0, &uri, &headers, Form::Json).await
}

async fn document(site: Arc<Site>, uri: &Uri, headers: &HeaderMap, form: Form) -> Answer {
    let plan = site.plan.load_full();
    if !access::allowed(plan.token_of_all(), uri, headers) {
        return reply::locked(&plan, uri, headers);
    }
    let asked = Asked::new(uri).renamed(&plan);
    let Ok(gone) = asked.gone(&site, &plan).await else { return reply::unavailable(&plan, headers) };
    let search = match asked.search(&plan, &gone, site.clock.now()) {
        Ok(search) => search,
        Err(words) => return bad(&plan, &asked, form, &words),
    };
    let policy = Policy::of(&plan, plan.token_of_all().is_some()).shared();
    let name = format!("search.{}?{}", form.extension(), asked.canonical());
    let (change, made) = (site.lately.change(), site.clock.elapsed());
    if let Some(doc) = site.lately.get(&name, made) {
        return reply::document(headers, &doc, policy).await;
    }
    let Ok(found) = find(&site, &asked, search).await else { return reply::unavailable(&plan, headers) };
    let written = tokio::task::spawn_blocking(move || {
        let head = asked.head(&plan, found.next.as_ref());
        // Without a date: nothing says when the last entry left, and readers have the tag.
        Doc::new(form.content_type(), Sheet::new(&head, &found.entries).write(form))
    });
    match written.await {
        Ok(doc) => reply::document(headers, &site.lately.keep(name, doc, change, made), policy).await,
        Err(_) => reply::unavailable(&site.plan.load(), headers),
    }
}

async fn find(site: &Site, asked: &Asked, search: Search) -> Result<FoundHere, StoreError> {
    let now = site.clock.now();
    let on = move |store: &mut dyn Store, found: &mut Matches| store.search_on(&search, now, found);
    let matches = site.in_slices(Matches::default(), on, || {}).await?;
    let mut entries = matches.entries;
    let more = entries.len() > LIMIT;
    entries.truncate(LIMIT);
    let next = entries.last().filter(|_| more).map(|last| asked.behind(last));
    Ok(FoundHere { entries, next })
}

/// What is wrong, in the form that was asked for: a document without entries whose title says it.
fn bad(plan: &Plan, asked: &Asked, form: Form, words: &str) -> Answer {
    let head = Head {
        title: format!("Not a search: {words}"),
        description: words.to_owned(),
        ..asked.head(plan, None)
    };
    let mut answer = reply::text(StatusCode::BAD_REQUEST, "");
    *answer.body_mut() = Sheet::new(&head, &[]).write(form).into();
    reply::set(answer.headers_mut(), header::CONTENT_TYPE, form.content_type());
    reply::set(answer.headers_mut(), header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    answer
}

/// `/search`.
pub(super) async fn page(State(site): State<Arc<Site>>, uri: Uri, headers: HeaderMap) -> Answer {
    let plan = site.plan.load_full();
    if !access::allowed(plan.token_of_all(), &uri, &headers) {
        return reply::locked(&plan, &uri, &headers);
    }
    let asked = Asked::new(&uri).renamed(&plan);
    let frame = plan.frame(&plan.reader(&uri, &headers));
    let mut page = SearchPage {
        frame,
        q: asked.q.clone(),
        lang: asked.languages.iter().cloned().collect::<Vec<_>>().join(","),
        source: asked.sources.iter().cloned().collect::<Vec<_>>().join(","),
        since: asked.since.clone(),
        ..SearchPage::default()
    };
    if !asked.is_empty() {
        let Ok(gone) = asked.gone(&site, &plan).await else { return reply::unavailable(&plan, &headers) };
        match asked.search(&plan, &gone, site.clock.now()) {
            Err(words) => page.wrong = Some(words),
            Ok(search) => {
                let Ok(FoundHere { entries, next }) = find(&site, &asked, search).await else {
                    return reply::unavailable(&plan, &headers);
                };
                let head = asked.first_page().head(&plan, None);
                page.found = Some(entries.len());
                page.paged = !asked.before.is_empty();
                page.older = next.map(|next| {
                    page.frame.keyed(&format!("{}search?{}", page.frame.prefix, next.canonical()))
                });
                page.feed = Some(Feed {
                    id: "search".to_owned(),
                    title: head.title.clone(),
                    addresses: head.selves.clone(),
                    key: plan::opening(plan.token_of_all(), page.frame.key.as_deref()),
                });
                page.days = html::days(&head, &entries, LIMIT);
            }
        }
    }
    let wrong = page.wrong.is_some();
    let mut answer =
        pages::shown(&plan, &headers, page, access::is_private(plan.token_of_all(), &uri, &headers)).await;
    if wrong {
        *answer.status_mut() = StatusCode::BAD_REQUEST;
        reply::set(answer.headers_mut(), header::CACHE_CONTROL, "no-store");
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_search_has_one_address() {
        for (given, wanted) in [
            ("/search?q=a+b", "q=a+b"),
            ("/search?q=%20a%20%20b&key=secret&utm=x", "q=a+b"),
            ("/search?source=z,a&lang=fr&lang=en&q=x", "q=x&lang=en&lang=fr&source=a&source=z"),
            ("/search?q=", ""),
            ("/search?since=7d&q=%C3%A9%26%22", "q=%C3%A9%26%22&since=7d"),
            ("/search?before=12.3&q=a", "q=a&before=12.3"),
        ] {
            let asked = Asked::new(&given.parse().unwrap());
            assert_eq!(asked.canonical(), wanted, "{given}");
            let again = Asked::new(&format!("/search?{wanted}").parse().unwrap());
            assert_eq!(again, asked, "{given}");
        }
    }
}
