//! The settings in force, with one slot per document: of every output, and of those sources whose document
//! somebody asked for.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, Uri};
use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::shelf::Slot;
use super::{Settings, Site, access};
use crate::model::{Access, HubChoice, Output, Secret, Source, SourceId, TitlePrefix};
use crate::render::html::{Feed, Frame, SCRIPT, STYLE};
use crate::render::{Addresses, Form, Head};
use crate::store::{SourceRow, StoreError};

/// Entries of a source shown in its document.
const SOURCE_LIMIT: usize = 100;
/// Dates a document without entries, as Atom wants a date. Any moment will do that is always the same: with the time of
/// the making the document would have other bytes whenever it is made.
const NEVER: DateTime<Utc> = DateTime::from_timestamp(946_684_800, 0).unwrap();
/// What a path may begin with, so that a prefix is told from a route of the same name.
const ROUTES: [&str; 15] = [
    "feeds",
    "sources",
    "entries",
    "opml",
    "feeds.opml",
    "river.css",
    "river.js",
    "icon.svg",
    "healthz",
    "readyz",
    "metrics",
    "search",
    "hub",
    "websub",
    "api",
];

/// Which document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// `/feeds/{id}`.
    Feed(String),
    /// `/sources/{id}`.
    Source(SourceId),
    /// `/feeds/_health`.
    Health,
}

impl Place {
    /// Its address below the base, without an ending.
    pub(super) fn stem(&self) -> String {
        match self {
            Self::Feed(id) => format!("feeds/{id}"),
            Self::Source(id) => format!("sources/{id}"),
            Self::Health => "feeds/_health".to_owned(),
        }
    }

    /// What the store knows of its source, where it is one: the config may leave its name to the source's own document.
    pub(super) async fn row(&self, site: &Site) -> Result<Option<SourceRow>, StoreError> {
        let Self::Source(id) = self else { return Ok(None) };
        let id = id.clone();
        site.store.read(move |store| store.source_row(&id)).await
    }
}

/// A config in force.
pub(super) struct Plan {
    pub(super) settings: Settings,
    /// Ends in `/`.
    base: String,
    /// Begins and ends in `/`.
    pub(super) prefix: String,
    style: String,
    /// Of the outputs, and of the daemon's own news.
    slots: HashMap<Place, Arc<Slot>>,
    /// Theirs are made for the first who asks: of ten thousand sources few are read alone.
    sources: HashMap<SourceId, (Arc<Source>, OnceLock<Arc<Slot>>)>,
    /// The outputs' documents that everybody may read, by their paths.
    open: HashMap<String, (Arc<Slot>, Form)>,
    /// Everybody may read the sources' documents.
    sources_are_open: bool,
}

impl Plan {
    pub(super) fn new(mut settings: Settings) -> Self {
        if !settings.outputs.iter().any(|output| output.id == "all") {
            settings.outputs.push(Arc::new(Output::all()));
        }
        let mut base = settings.base_url.clone();
        base.set_query(None);
        base.set_fragment(None);
        let mut base = base.to_string();
        if !base.ends_with('/') {
            base.push('/');
        }
        let mut prefix = settings.base_url.path().to_owned();
        if !prefix.ends_with('/') {
            prefix.push('/');
        }
        let feeds = settings.outputs.iter().map(|output| (Place::Feed(output.id.clone()), output.clone()));
        let health = [(Place::Health, Arc::new(health_output()))];
        let slots =
            feeds.chain(health).map(|(place, output)| (place.clone(), Arc::new(Slot::new(place, output))));
        let slots = slots.collect();
        let sources = settings.sources.iter();
        let sources = sources.map(|source| (source.id.clone(), (source.clone(), OnceLock::new()))).collect();
        let style = hex(&Sha256::digest([STYLE, SCRIPT].concat().as_bytes()), 4);
        let (open, sources_are_open) = (HashMap::new(), false);
        let mut plan = Self { settings, base, prefix, style, slots, sources, open, sources_are_open };
        plan.open = plan.open_documents();
        plan.sources_are_open = plan.token_of_all().is_none();
        plan
    }

    /// Every output's without a token, below the prefix and without it: fronts pass it on or take it off.
    fn open_documents(&self) -> HashMap<String, (Arc<Slot>, Form)> {
        let open = self.slots.values().filter(|slot| self.token_of(slot).is_none());
        let paths = open.flat_map(|slot| {
            let stem = slot.place.stem();
            let prefixes = ["/", self.prefix.as_str()];
            let paths = prefixes.map(|prefix| {
                Form::ALL.map(|form| (format!("{prefix}{stem}.{}", form.extension()), (slot.clone(), form)))
            });
            paths.into_iter().flatten()
        });
        paths.collect()
    }

    /// The document at a path, where everybody may read it. A source's, where it was asked for before.
    pub(super) fn open_document(&self, path: &str) -> Option<(&Arc<Slot>, Form)> {
        if let Some((slot, form)) = self.open.get(path) {
            return Some((slot, *form));
        }
        let rest = path.strip_prefix(&self.prefix).or_else(|| path.strip_prefix('/'))?;
        let (id, ending) = rest.strip_prefix("sources/")?.rsplit_once('.')?;
        let (_, slot) = self.sources.get(id).filter(|_| self.sources_are_open)?;
        Some((slot.get()?, Form::from_extension(ending)?))
    }

    /// Every document that may have been made.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.slots.values().chain(self.sources.values().filter_map(|(_, slot)| slot.get()))
    }

    /// Those of them in which entries of these sources stand.
    pub(super) fn slots_of<'a>(&'a self, touched: &'a [SourceId]) -> impl Iterator<Item = &'a Arc<Slot>> {
        let outputs = self.slots.values().filter(|slot| slot.concerns(touched));
        let alone = touched.iter().filter_map(|id| self.sources.get(id)?.1.get());
        outputs.chain(alone)
    }

    pub(super) fn slot(&self, place: &Place) -> Option<&Arc<Slot>> {
        let Place::Source(id) = place else { return self.slots.get(place) };
        let (source, slot) = self.sources.get(id)?;
        Some(slot.get_or_init(|| {
            let output = of_source(&source.id, source.name.as_deref());
            Arc::new(Slot::new(Place::Source(source.id.clone()), Arc::new(output)))
        }))
    }

    pub(super) fn source(&self, id: &str) -> Option<&Arc<Source>> {
        self.sources.get(id).map(|(source, _)| source)
    }

    /// What a source is called now that was called so formerly.
    pub(super) fn renamed(&self, id: &str) -> Option<&SourceId> {
        let was = |source: &&Arc<Source>| source.was.iter().any(|was| was.as_str() == id);
        self.settings.sources.iter().find(was).map(|source| &source.id)
    }

    /// The token a reader must present for an output; its own, else everybody's.
    pub(super) fn token<'a>(&'a self, output: &'a Output) -> Option<&'a Secret> {
        match &output.access {
            Access::Token(token) => Some(token),
            Access::Open => self.settings.token.as_ref(),
        }
    }

    /// The token for a document.
    pub(super) fn token_of<'a>(&'a self, slot: &'a Slot) -> Option<&'a Secret> {
        self.token_at(&slot.place, &slot.output)
    }

    /// The token for a place. Errors of all sources are for those who may see all of them.
    fn token_at<'a>(&'a self, place: &Place, output: &'a Output) -> Option<&'a Secret> {
        match place {
            Place::Feed(_) => self.token(output),
            Place::Source(_) | Place::Health => self.token_of_all(),
        }
    }

    /// The token for what shows everything: the front page, entries, sources.
    pub(super) fn token_of_all(&self) -> Option<&Secret> {
        let all = self.settings.outputs.iter().find(|output| output.id == "all");
        all.map_or(self.settings.token.as_ref(), |all| self.token(all))
    }

    /// An absolute address.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Everything in a document but its entries. `row`: its source, as the store knows it.
    pub(super) fn head(&self, place: &Place, output: &Output, row: Option<&SourceRow>) -> Head {
        let stem = place.stem();
        let first_id = row.and_then(|row| row.state.first_id.as_deref());
        let (title, description) = match place {
            Place::Feed(_) | Place::Health => (output.title.clone(), output.description.clone()),
            Place::Source(_) => {
                let title = row.map_or(&output.title, |row| &row.name).clone();
                let description = format!("The newest entries of {title}.");
                (title, description)
            }
        };
        Head {
            id: self.urn(&first_id.map_or_else(|| stem.clone(), |first| format!("sources/{first}"))),
            title,
            description,
            home: self.page(place),
            language: match output.languages.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            },
            title_prefix: output.title_prefix,
            hub: match &output.hub {
                HubChoice::External(hub) => Some(hub.to_string()),
                HubChoice::Own => Some(self.address("hub")),
                HubChoice::None => None,
            },
            ..self.bare_head(&stem)
        }
    }

    /// A head with nothing in it but what follows from its address.
    pub(super) fn bare_head(&self, stem: &str) -> Head {
        Head {
            id: self.urn(stem),
            title: String::new(),
            description: String::new(),
            base: self.base.clone(),
            home: self.address(stem),
            selves: Addresses::below(&self.address(stem)),
            language: None,
            updated: NEVER,
            title_prefix: TitlePrefix::None,
            hub: None,
            older: None,
            newer: None,
            next: None,
            current: None,
            complete: false,
        }
    }

    fn page(&self, place: &Place) -> String {
        self.address(&place.stem())
    }

    /// A feed's lasting id. Not its address: that may change (RFC 4287 4.2.6).
    fn urn(&self, stem: &str) -> String {
        let mut hash = Sha256::new();
        for part in ["riverine output", &self.settings.instance, stem] {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        uuid::Builder::from_custom_bytes(bytes).into_uuid().urn().to_string()
    }

    /// Who asks, and what is open to that reader.
    pub(super) fn reader(&self, uri: &Uri, headers: &HeaderMap) -> Reader {
        Reader {
            key: access::key(uri),
            bearer: access::bearer(headers).map(str::to_owned),
            whole: access::allowed(self.token_of_all(), uri, headers),
        }
    }

    /// Whoever reads a page that is kept for all.
    pub(super) fn anybody(&self) -> Reader {
        Reader { key: None, bearer: None, whole: self.token_of_all().is_none() }
    }

    /// What a page has around it for a reader.
    pub(super) fn frame(&self, reader: &Reader) -> Frame {
        let key = reader.key.as_deref();
        let shown = [key, reader.bearer.as_deref()];
        let open = |output: &&Arc<Output>| {
            let token = self.token(output);
            token.is_none() || shown.iter().any(|shown| opening(token, *shown).is_some())
        };
        Frame {
            prefix: self.prefix.clone(),
            key: key.map(str::to_owned),
            whole: reader.whole,
            style: self.style.clone(),
            feeds: self
                .settings
                .outputs
                .iter()
                .filter(open)
                .map(|output| self.feed(&Place::Feed(output.id.clone()), output, &output.title, key))
                .collect(),
        }
    }

    /// What one can subscribe to at a place, for a reader who came with this token.
    pub(super) fn feed(&self, place: &Place, output: &Output, title: &str, key: Option<&str>) -> Feed {
        let id = match place {
            Place::Feed(id) => id.clone(),
            Place::Source(id) => id.to_string(),
            Place::Health => output.id.clone(),
        };
        Feed {
            id,
            title: title.to_owned(),
            addresses: Addresses::below(&self.page(place)),
            key: opening(self.token_at(place, output), key),
        }
    }

    /// The address as the routes know it, where it came with our prefix.
    pub(super) fn strip(&self, uri: &Uri) -> Option<Uri> {
        let bare = self.prefix.trim_end_matches('/');
        if bare.is_empty() {
            return None;
        }
        let rest = uri.path().strip_prefix(bare)?;
        let first = rest.strip_prefix('/').unwrap_or(rest).split('/').next().unwrap_or_default();
        let ours = (rest.is_empty() || rest.starts_with('/'))
            && (first.is_empty() || ROUTES.contains(&first) || first.starts_with("search."));
        let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
        let path = if rest.is_empty() { "/" } else { rest };
        ours.then(|| format!("{path}{query}").parse().ok()).flatten()
    }
}

/// Who reads a page.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    /// The token in the address, which links carry along.
    pub(super) key: Option<String>,
    /// The one in a field, which comes with every request of theirs.
    pub(super) bearer: Option<String>,
    /// May see every page: everybody may, or that token opens them, or the one in a field, as all requests will have it.
    pub(super) whole: bool,
}

/// The token a reader came with, where it is the one that is asked for. Where none is, it stands in no address: what
/// everybody may read has one address for all.
pub(super) fn opening(wanted: Option<&Secret>, key: Option<&str>) -> Option<String> {
    key.filter(|key| wanted.is_some_and(|wanted| super::access::same(key, wanted))).map(str::to_owned)
}

/// The daemon's own news: of no source's entries.
fn health_output() -> Output {
    Output {
        id: "_health".to_owned(),
        title: "How the sources are".to_owned(),
        description: "What happened to the sources: which broke, recovered, moved or went.".to_owned(),
        sources: Some(Vec::new()),
        languages: vec!["en".to_owned()],
        ..Output::all()
    }
}

/// A source alone, as an output. A feed may have the same id, so the store knows them apart.
pub(super) fn of_source(id: &SourceId, name: Option<&str>) -> Output {
    Output {
        id: format!("sources/{id}"),
        title: name.unwrap_or(id.as_str()).to_owned(),
        sources: Some(vec![id.clone()]),
        limit: SOURCE_LIMIT,
        ..Output::all()
    }
}

/// The first bytes of a hash in hexadecimal.
pub(super) fn hex(bytes: &[u8], count: usize) -> String {
    use std::fmt::Write as _;
    bytes.iter().take(count).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
