//! From a config to a running river: the one place that chooses the real store, clock and fetcher.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::{mpsc, oneshot};
use url::Url;

use crate::clock::{self, Clock};
use crate::config::Config;
use crate::daemon::hubs::Hubs;
use crate::daemon::{Command, Daemon, Plan};
use crate::dedup::Rules;
use crate::fetch::{Gate, Http};
use crate::poll::Poller;
use crate::store::{Handle, Lock, Sqlite, Store, StoreError};

/// Readers beside the one writer: pages and documents are rendered from two at once.
const READERS: usize = 2;
/// Threads for work that blocks: the store's connections, four readers of documents, one more.
const BLOCKING: usize = READERS + 1 + 4 + 1;
/// For threads that still work when all else has ended.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// The store of a config, locked and open for writing.
///
/// # Errors
/// The store's, in words.
pub(super) fn open_store(config: &Config) -> Result<(Lock, Sqlite), StoreError> {
    let path = &config.store.path;
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        std::fs::create_dir_all(directory).map_err(|error| {
            StoreError::Refused(format!("{}: cannot make the directory: {error}", directory.display()))
        })?;
    }
    let lock = Lock::take(path)?;
    Ok((lock, Sqlite::open(path)?))
}

/// The same for all who work with it at once.
///
/// # Errors
/// The store's, in words.
pub(super) fn share(writer: Sqlite) -> Result<Handle, StoreError> {
    let readers = (0..READERS)
        .map(|_| Ok(Box::new(writer.reader()?) as Box<dyn Store>))
        .collect::<Result<_, StoreError>>()?;
    Ok(Handle::new(Box::new(writer), readers))
}

/// What the loop needs to know of a config. A reload hands over the gate of before, with its queues and holds.
///
/// # Errors
/// What the fetcher or the rules cannot be built from.
pub(super) fn plan(
    config: &Config,
    store: &Handle,
    clock: &Arc<dyn Clock>,
    gate: Option<Arc<Gate>>,
) -> anyhow::Result<Plan> {
    let gate = gate.unwrap_or_else(|| Arc::new(Gate::new(&config.fetch, clock.clone())));
    let fetch = http(config, gate.clone())?;
    let rules = Rules::new(&config.dedup).map_err(|words| anyhow!(words))?;
    let hubs = Hubs { http: fetch.clone(), base: public_address(config, &fetch) };
    let poller = Poller::new(
        fetch,
        gate,
        store.clone(),
        clock.clone(),
        rules,
        &config.fetch,
        config.store.keep_bodies.0,
    );
    Ok(Plan::new(poller, &config.fetch, config.store.clone(), config.sources.clone()).with_hubs(hubs))
}

/// Where hubs reach us: an address that the config says, and that is none of a private network.
fn public_address(config: &Config, http: &Http) -> Option<Url> {
    let base = config.server.base_url.clone().filter(|base| http.may_dial(base).is_ok())?;
    let name = base.host_str().unwrap_or_default();
    let is_private = ["localhost", "local", "internal", "home.arpa"]
        .iter()
        .any(|end| name == *end || name.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')));
    let is_opened = config.fetch.allow_private.iter().any(|open| open == name);
    (!is_private || is_opened).then_some(base)
}

/// The client that asks for everything.
///
/// # Errors
/// What it cannot be built from.
pub(super) fn http(config: &Config, gate: Arc<Gate>) -> anyhow::Result<Arc<Http>> {
    Ok(Arc::new(Http::new(&config.fetch, gate).map_err(|words| anyhow!(words))?))
}

/// The daemon's loop for one command, where no daemon runs. `each` hears what comes back.
///
/// # Errors
/// The store's, or a defect that ended the loop.
pub(super) async fn alone<T>(
    config: &Config,
    command: impl FnOnce(mpsc::UnboundedSender<T>) -> Command,
    mut each: impl FnMut(T),
) -> anyhow::Result<()> {
    let clock = clock::from_env().map_err(anyhow::Error::msg)?;
    let (_lock, store) = open_store(config)?;
    let handle = share(store)?;
    let plan = plan(config, &handle, &clock, None)?;
    let daemon = Daemon::new(plan, handle, clock, Arc::new(|_| {})).await?;
    let (commands, received) = mpsc::channel(1);
    let (stop, stopped) = oneshot::channel::<()>();
    let looping = tokio::spawn(daemon.round(received, async {
        let _ = stopped.await;
    }));
    let (reports, mut results) = mpsc::unbounded_channel();
    if commands.send(command(reports)).await.is_ok() {
        while let Some(report) = results.recv().await {
            each(report);
        }
    }
    let _ = stop.send(());
    Ok(looping.await?)
}

/// Runs work to its end on threads of its own. Blocking ones are few: a store with three connections and four
/// readers of documents have no use for more, and an allocator keeps room for each. One that hangs at the end, on a
/// disk or in a document, does not keep the process: what it was about to store it stores next time.
///
/// # Errors
/// What the work fails with, or the system that gives us no threads.
pub(super) fn run<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING).build()?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(LAST_WAIT);
    result
}
