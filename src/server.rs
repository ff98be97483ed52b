//! What leaves riverine over HTTP: documents, pages, liveness.
//!
//! Documents are rendered once per change and kept as shared bytes: a request is a look-up.
//! Never polls, never decides what is published: that is asked of the store. What came from a
//! source never stands in a header.

mod accept;
mod access;
mod api;
mod archive;
mod beyond;
mod chain;
mod conditional;
mod crowd;
mod doc;
mod events;
mod feeds;
mod health;
mod held;
mod hub;
mod last_look;
mod lately;
mod listen;
mod metrics;
mod pages;
mod plan;
mod quick;
mod reply;
mod search;
mod shelf;
mod stamps;
pub mod status;
mod websub;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Request, Response, Uri};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use hyper::body::Incoming;
use serde::Deserialize;
use tower_http::catch_panic::CatchPanicLayer;
use url::Url;

use crate::clock::Clock;
use crate::daemon::Command;
use crate::daemon::soundness::Soundness;
use crate::fetch::Http;
use crate::model::{Outcome, Output, Secret, Source};
use crate::store::{Committed, Handle, Store, StoreError};
pub use feeds::opml_of;
use hub::Hub;
use lately::Lately;
pub use listen::Listener;
use metrics::Metrics;
use plan::{Place, Plan};
use shelf::{Unasked, Weight};
use stamps::Stamps;
use tokio::sync::{Notify, Semaphore, mpsc, watch};

/// `[server]`, as written. Secrets are resolved by config.rs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// `host:port`, or `unix:/path`.
    pub listen: String,
    /// Public address for links; default: the listen address, never the Host header.
    pub base_url: Option<Url>,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: "127.0.0.1:7878".to_owned(), base_url: None }
    }
}

/// What a config says about serving, complete. A reload brings a whole new one.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Public address; a path in it is the prefix below which we are reached.
    pub base_url: Url,
    /// Every `[[feed]]`; `all` is added where it is missing.
    pub outputs: Vec<Arc<Output>>,
    /// Every source of the config.
    pub sources: Vec<Arc<Source>>,
    /// What readers must present, if anything.
    pub token: Option<Secret>,
    /// What opens `/metrics` from afar, and `/api/…`.
    pub admin_token: Option<Secret>,
    /// Sets this installation's feed ids apart from others'. Made once and kept; may be empty.
    pub instance: String,
    /// How long readers and caches may keep a document without asking.
    pub max_age: Duration,
}

impl Settings {
    /// Open to everybody, a minute of `max-age`.
    pub fn new(base_url: Url, outputs: Vec<Arc<Output>>, sources: Vec<Arc<Source>>) -> Self {
        Self {
            base_url,
            outputs,
            sources,
            token: None,
            admin_token: None,
            instance: String::new(),
            max_age: Duration::from_mins(1),
        }
    }
}

/// Everything the server knows. One for the life of the process; shared.
pub struct Site {
    store: Handle,
    clock: Arc<dyn Clock>,
    plan: ArcSwap<Plan>,
    ready: ArcSwap<Result<(), String>>,
    /// What is known of the store's file, where somebody looks at it.
    soundness: OnceLock<watch::Receiver<Soundness>>,
    metrics: Metrics,
    lately: Lately,
    stamps: Stamps,
    weight: Weight,
    started: DateTime<Utc>,
    /// Who listens for events.
    listeners: events::Listeners,
    /// Set when the daemon stops, so that endless answers end.
    closing: watch::Sender<bool>,
    hub: Hub,
    /// What sources' hubs deliver.
    inbox: websub::Inbox,
    /// Something was committed that may have to wait for its time.
    new_held: Notify,
    /// How call-backs and hubs are reached.
    http: ArcSwapOption<Http>,
    /// The way to the polling loop.
    commands: OnceLock<mpsc::Sender<Command>>,
    unasked: Unasked,
    /// Whoever goes a long way through the store takes turns, slice by slice, and leaves a connection to the others.
    long_way: Semaphore,
}

impl Site {
    /// A site that is not ready yet: call [`Site::set_ready`] after the first load.
    pub fn new(store: Handle, clock: Arc<dyn Clock>, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            started: clock.now(),
            listeners: events::Listeners::default(),
            closing: watch::Sender::new(false),
            commands: OnceLock::new(),
            hub: Hub::new(),
            inbox: websub::Inbox::new(),
            new_held: Notify::new(),
            http: ArcSwapOption::empty(),
            store,
            clock,
            plan: ArcSwap::from_pointee(Plan::new(settings)),
            ready: ArcSwap::from_pointee(Err("starting".to_owned())),
            soundness: OnceLock::new(),
            metrics: Metrics::new(),
            lately: Lately::default(),
            stamps: Stamps::default(),
            weight: Weight::default(),
            unasked: Unasked::default(),
            long_way: Semaphore::new(1),
        })
    }

    /// The way to the polling loop, for `POST /api/poll`.
    pub fn command_through(&self, commands: mpsc::Sender<Command>) {
        // There is one loop in the life of a process.
        let _ = self.commands.set(commands);
    }

    /// How subscribers and hubs are told of news.
    pub fn tell_through(&self, http: Arc<Http>) {
        self.http.store(Some(http));
    }

    /// Goes a long way through the store, a slice at a time, until `step` says that it is done; between two slices others
    /// have their turn, and `long` is told that there is more than one. Fails when the daemon stops: nobody waits for the
    /// end then.
    async fn in_slices<T: Send + 'static>(
        &self,
        mut way: T,
        step: impl Fn(&mut dyn Store, &mut T) -> Result<bool, StoreError> + Clone + Send + 'static,
        long: impl Fn(),
    ) -> Result<T, StoreError> {
        let stopping = || StoreError::Failed("riverine is stopping".to_owned());
        let mut turn = None;
        loop {
            let step = step.clone();
            let slice = self.store.read(move |store| step(store, &mut way).map(|done| (way, done))).await?;
            let (so_far, done) = slice;
            drop(turn.take());
            if done {
                return Ok(so_far);
            }
            way = so_far;
            long();
            turn = Some(self.long_way.acquire().await.map_err(|_| stopping())?);
            if *self.closing.borrow() {
                return Err(stopping());
            }
        }
    }

    /// A new config is in force. Requests under way end under the old one.
    pub async fn reload(&self, settings: Settings) {
        let before = self.plan.swap(Arc::new(Plan::new(settings)));
        self.lately.soil();
        // Who listens comes back by itself, to what is in force now.
        before.slots().for_each(|slot| slot.news.end());
        self.hub.wake();
        last_look::forget_others(self).await;
    }

    /// A commit was made: the documents of the outputs it touches are out of date. Those that
    /// were asked for lately are made anew at once, the others when somebody asks.
    /// Call it within a tokio runtime.
    pub fn touched(self: &Arc<Self>, committed: &Committed) {
        let plan = self.plan.load_full();
        if !committed.touched.is_empty() {
            self.lately.soil();
        }
        if !committed.new.is_empty() || !committed.changed.is_empty() {
            self.new_held.notify_one();
        }
        let health = plan.slot(&Place::Health).filter(|_| committed.news);
        let mut slots: Vec<_> = plan.slots_of(&committed.touched).chain(health).collect();
        // Who waits to be told comes first.
        slots.sort_by_key(|slot| !slot.is_pushed());
        for slot in slots {
            slot.soil();
            slot.refresh(self, &plan);
        }
    }

    /// What `/readyz` says: ready, or why not, in words.
    pub fn set_ready(&self, ready: Result<(), String>) {
        self.ready.store(Arc::new(ready));
    }

    /// Where to hear how sound the store is.
    pub fn hear_of(&self, soundness: watch::Receiver<Soundness>) {
        // There is one store in the life of a process.
        let _ = self.soundness.set(soundness);
    }

    /// Ready, or why not: what is damaged is not mended by a poll that was stored.
    fn is_ready(&self) -> Result<(), String> {
        let trouble = self.soundness().and_then(|soundness| soundness.trouble());
        trouble.map_or_else(|| self.ready.load().as_ref().clone(), Err)
    }

    fn soundness(&self) -> Option<Soundness> {
        Some(self.soundness.get()?.borrow().clone())
    }

    /// Counts a poll for `/metrics`.
    pub fn polled(&self, outcome: &Outcome) {
        self.metrics.polled(outcome);
    }
}

/// Serves until `shutdown` is done; open responses then get at most five seconds.
pub async fn serve(listeners: Vec<Listener>, site: Arc<Site>, shutdown: impl Future<Output = ()>) {
    let router = router(site.clone());
    let (before, after) = (site.clone(), site.clone());
    tokio::spawn(async move { last_look::forget_others(&before).await });
    let delivering = tokio::spawn(hub::run(after.clone()));
    let waiting = tokio::spawn(held::run(after.clone()));
    let closing = after.clone();
    let shutdown = async move {
        shutdown.await;
        closing.closing.send_replace(true);
    };
    listen::serve(listeners, router, Arc::new(site), shutdown).await;
    after.stamps.flush(&after).await;
    last_look::keep_all(&after).await;
    delivering.abort();
    waiting.abort();
}

impl listen::Answerer for Arc<Site> {
    fn at_hand(&self, request: &Request<Incoming>) -> Option<Response<quick::Out>> {
        quick::answer(self, request)
    }

    fn prepare(&self, uri: &mut Uri) {
        if let Some(stripped) = self.plan.load().strip(uri) {
            *uri = stripped;
        }
    }
}

fn router(site: Arc<Site>) -> Router {
    let feed = || get(feeds::feed).options(feeds::preflight);
    let source = || get(feeds::source).options(feeds::preflight);
    Router::new()
        .route("/", get(pages::front))
        .route("/feeds/{file}", feed())
        .route("/sources", get(pages::sources))
        .route("/sources/{file}", source())
        .route("/entries/{id}", get(pages::entry))
        .route("/opml", get(feeds::opml_of_sources).options(feeds::preflight))
        .route("/feeds.opml", get(feeds::opml_of_feeds).options(feeds::preflight))
        .route("/river.css", get(pages::style))
        .route("/river.js", get(pages::script))
        .route("/icon.svg", get(pages::icon))
        .route("/healthz", get(pages::healthz))
        .route("/readyz", get(pages::readyz))
        .route("/metrics", get(metrics::page))
        .route("/feeds/{id}/archive/{file}", get(archive::of_feed).options(feeds::preflight))
        .route("/sources/{id}/archive/{file}", get(archive::of_source).options(feeds::preflight))
        .route("/feeds/{id}/events", get(events::listen).options(feeds::preflight))
        .route("/search", get(search::page).options(feeds::preflight))
        .route("/search.atom", get(search::atom).options(feeds::preflight))
        .route("/search.rss", get(search::rss).options(feeds::preflight))
        .route("/search.json", get(search::json).options(feeds::preflight))
        .route("/hub", post(hub::request))
        .route(
            "/websub/{token}",
            get(websub::verify).post(websub::deliver).layer(DefaultBodyLimit::disable()),
        )
        .route("/api/poll", post(api::poll_all))
        .route("/api/poll/{source}", post(api::poll_one))
        .route("/api/status", get(api::status))
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(axum::middleware::from_fn_with_state(site.clone(), feeds::readable))
        .layer(axum::middleware::from_fn(reply::bounded))
        .layer(axum::middleware::from_fn_with_state(site.clone(), metrics::count))
        .layer(CatchPanicLayer::custom(reply::panicked))
        .with_state(site)
}
