//! `riverine serve`: the daemon. Opens what it needs in the order in which things can fail, then runs until
//! it is told to stop.

mod signals;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinError;
use tracing::level_filters::LevelFilter;
use tracing::{error, info, warn};
use url::Url;

use self::signals::Signals;
use super::{Global, assemble, logging, print};
use crate::clock::{self, Clock};
use crate::config::{self, Config, Listen};
use crate::daemon::soundness::{self, Soundness};
use crate::daemon::{Command, Daemon, Plan, control};
use crate::fetch::Gate;
use crate::notify;
use crate::server::{self, Listener, Settings, Site};
use crate::store::{Committed, Handle};

/// Polls and responses get five seconds to end; a loop or a server that has not noticed by then is left behind.
/// With what the threads get after it, under ten seconds in all.
const FAREWELL: Duration = Duration::from_secs(8);
/// Connections that may wait to be accepted; the kernel lowers it to net.core.somaxconn.
const BACKLOG: u32 = 4096;

/// `riverine serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Read the config again whenever its files change
    #[arg(long)]
    watch: bool,
}

/// Where the config comes from, and what is said when all is ready.
pub(super) enum Mode {
    /// A config file, read again on SIGHUP; with true also when it changes.
    Config(bool),
    /// The demo: polls at once and prints what to open.
    Demo,
}

/// Runs the command.
///
/// # Errors
/// The config's, the store's, the port's, in words.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?.complete()?;
    assemble::run(river(config, Mode::Config(args.watch), global))?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that a reload needs.
struct River {
    path: PathBuf,
    store: Handle,
    clock: Arc<dyn Clock>,
    gate: Arc<Gate>,
    site: Arc<Site>,
    commands: mpsc::Sender<Command>,
    /// Where we listen.
    address: String,
    /// What a reload cannot change: the store, and the address where systemd passed no socket.
    fixed: Fixed,
    /// Sets our feeds' ids apart from those of others.
    instance: String,
}

/// Settings that are obeyed at the start only.
struct Fixed {
    store: PathBuf,
    listen: Option<Listen>,
}

impl Fixed {
    /// Of a start, at which systemd may have passed a socket.
    fn of(config: &Config, passed: bool) -> Self {
        let listen = (!passed).then(|| config.server.listen.clone());
        Self { store: config.store.path.clone(), listen }
    }

    /// Says which of them a new config has otherwise.
    fn compare(&self, config: &Config) {
        if self.listen.as_ref().is_some_and(|listen| *listen != config.server.listen) {
            warn!("[server] listen has changed: it is obeyed after a restart");
        }
        if self.store != config.store.path {
            warn!("[store] path has changed: it is obeyed after a restart");
        }
    }
}

/// The river from its sources to its readers, until a signal ends it.
pub(super) async fn river(config: Config, mode: Mode, global: &Global) -> anyhow::Result<()> {
    let usual = match mode {
        Mode::Config(_) => LevelFilter::INFO,
        // The demo says in words what the log would say.
        Mode::Demo => LevelFilter::ERROR,
    };
    logging::start(global, usual);
    warned(&config);
    // Every connection and every database file needs a handle; the soft limit is for programs that use select(2).
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        warn!("the limit of open files stays as it is: {error}");
    }
    let clock = clock::from_env().map_err(anyhow::Error::msg)?;
    let (_lock, store) = assemble::open_store(&config)?;
    let looked_at = store.reader()?;
    let store = assemble::share(store)?;
    let gate = Arc::new(Gate::new(&config.fetch, clock.clone()));
    let plan = assemble::plan(&config, &store, &clock, Some(gate.clone()))?;
    let (listener, address, passed) = listen(&config).await?;
    let base_url = base_url(&config, &address)?;
    let instance = store.read(|store| store.installation()).await?;
    let instance = format!("{instance:?}");
    let site = Site::new(store.clone(), clock.clone(), settings(&config, &base_url, &instance));
    let daemon = daemon(plan, &store, &clock, &site).await?;
    let (commands, received) = mpsc::channel(16);
    site.command_through(commands.clone());
    site.tell_through(assemble::http(&config, gate.clone())?);
    let (stop, stopped) = watch::channel(false);
    let until = |mut stopped: watch::Receiver<bool>| async move {
        // An error means the sender is gone, which is an end as well.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let signals = Signals::listen(&config).context("listening to signals")?;
    let mut serving = tokio::spawn(server::serve(vec![listener], site.clone(), until(stopped.clone())));
    let (tell, soundness) = watch::channel(Soundness::default());
    site.hear_of(soundness.clone());
    let socket = control_socket(&config, &commands, soundness);
    site.set_ready(Ok(()));
    let mut looping = tokio::spawn(daemon.run(received, until(stopped.clone())));
    let path = config.store.path.clone();
    let looking = tokio::spawn(soundness::look(looked_at, path, clock.clone(), tell, stopped));
    info!(sources = config.sources.len(), feeds = config.outputs.len(), "listening on {address}");
    ready(&config);
    let (path, fixed) = (config.path.clone(), Fixed::of(&config, passed));
    let river = River { path, store, clock, gate, site, commands, address, fixed, instance };
    tokio::select! {
        ended = until_told(mode, signals, &river) => ended?,
        // Without one of them we would only look alive: whoever started us starts us again.
        ended = &mut looping => return Err(defect("the polling loop", ended)),
        ended = &mut serving => return Err(defect("the server", ended)),
    }
    notify::stopping();
    info!("stopping");
    let _ = stop.send(true);
    let ended = tokio::time::timeout(FAREWELL, async { tokio::join!(looping, serving, looking) }).await;
    if let Some(socket) = socket {
        let _ = std::fs::remove_file(socket);
    }
    let Ok(ended) = ended else {
        warn!("something did not end in time; whatever it was about to store is fetched again");
        return Ok(());
    };
    ended.0.map_err(|panic| defect("the polling loop", Err(panic)))?;
    ended.1.map_err(|panic| defect("the server", Err(panic)))?;
    Ok(())
}

/// Where other commands ask this daemon, if there can be such a place.
fn control_socket(
    config: &Config,
    commands: &mpsc::Sender<Command>,
    soundness: watch::Receiver<Soundness>,
) -> Option<PathBuf> {
    let socket = control::path(&config.store.path);
    match control::listen(&socket) {
        Ok(listener) => {
            tokio::spawn(control::answer(listener, commands.clone(), soundness));
            Some(socket)
        }
        Err(error) => {
            warn!("{}: {error}; `riverine fetch` cannot ask this daemon", socket.display());
            None
        }
    }
}

/// The polling loop; the site hears of what it does.
async fn daemon(
    plan: Plan,
    store: &Handle,
    clock: &Arc<dyn Clock>,
    site: &Arc<Site>,
) -> anyhow::Result<Daemon> {
    let (told, counting, readying) = (site.clone(), site.clone(), site.clone());
    let on_commit = Arc::new(move |committed: &Committed| told.touched(committed));
    Ok(Daemon::new(plan, store.clone(), clock.clone(), on_commit)
        .await?
        .on_poll(Arc::new(move |outcome| counting.polled(outcome)))
        .on_store(Arc::new(move |store| readying.set_ready(store))))
}

/// Goes on until a signal ends it.
async fn until_told(mode: Mode, mut signals: Signals, river: &River) -> anyhow::Result<()> {
    match mode {
        Mode::Config(watch) => signals::obey(signals, river, watch).await,
        Mode::Demo => {
            tokio::select! {
                () = signals.ends.end() => {}
                shown = demo(river) => shown?,
            }
        }
    }
    Ok(())
}

/// Something ended that goes on for ever.
fn defect(what: &str, ended: Result<(), JoinError>) -> anyhow::Error {
    match ended {
        Ok(()) => anyhow!("{what} ended by itself"),
        Err(panic) => anyhow!("{what} ended by a defect: {panic}"),
    }
}

/// What works, but perhaps not as meant.
fn warned(config: &Config) {
    for line in config.warnings.lines() {
        warn!("{line}");
    }
}

fn ready(config: &Config) {
    let enabled = config.sources.iter().filter(|source| source.enabled).count();
    let sources = print::count(enabled, "source", "sources");
    let feeds = print::count(config.outputs.len(), "feed", "feeds");
    notify::status(&format!("polling {sources}, publishing {feeds}"));
    notify::ready();
}

/// A socket passed by systemd wins over the config; then true.
async fn listen(config: &Config) -> anyhow::Result<(Listener, String, bool)> {
    let mut passed = listenfd::ListenFd::from_env();
    if passed.len() > 0 {
        if let Ok(Some(socket)) = passed.take_tcp_listener(0) {
            socket.set_nonblocking(true)?;
            let listener = TcpListener::from_std(socket)?;
            let address = format!("http://{}/", listener.local_addr()?);
            return Ok((Listener::Tcp(listener), address, true));
        }
        if let Ok(Some(socket)) = passed.take_unix_listener(0) {
            socket.set_nonblocking(true)?;
            return Ok((
                Listener::Unix(UnixListener::from_std(socket)?),
                "a unix socket passed by systemd".to_owned(),
                true,
            ));
        }
    }
    match &config.server.listen {
        Listen::Tcp(address) => {
            let listener = bind(address)
                .await
                .with_context(|| format!("cannot listen on {address}; another program may have this port"))?;
            let address = format!("http://{}/", listener.local_addr()?);
            Ok((Listener::Tcp(listener), address, false))
        }
        Listen::Unix(path) => {
            // Left from before, unless somebody answers there: another program, or a riverine with another store.
            if std::fs::metadata(path).is_ok_and(|found| is_socket(&found)) {
                if std::os::unix::net::UnixStream::connect(path).is_ok() {
                    bail!("cannot listen on {}; another program listens there", path.display());
                }
                std::fs::remove_file(path).with_context(|| format!("cannot replace {}", path.display()))?;
            }
            let listener =
                UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
            // As open as a port of the loopback: a proxy runs as another user. The directory is the door to close.
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))
                .with_context(|| format!("cannot open {} to other users", path.display()))?;
            Ok((Listener::Unix(listener), format!("unix:{}", path.display()), false))
        }
    }
}

/// With room for a crowd that comes at once: past the usual 128, a client would wait a second and try again.
async fn bind(address: &str) -> std::io::Result<TcpListener> {
    let mut refused = std::io::ErrorKind::AddrNotAvailable.into();
    for address in tokio::net::lookup_host(address).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        match socket.bind(address).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn is_socket(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    metadata.file_type().is_socket()
}

/// The public address: configured, else the address we listen on; never what a client says.
fn base_url(config: &Config, address: &str) -> anyhow::Result<Url> {
    if let Some(url) = &config.server.base_url {
        return Ok(url.clone());
    }
    let fallback = if address.starts_with("http://") { address } else { "http://localhost/" };
    Ok(Url::parse(fallback)?)
}

fn settings(config: &Config, base_url: &Url, instance: &str) -> Settings {
    let outputs = config.outputs.iter().cloned().map(Arc::new).collect();
    Settings {
        token: config.server.token.clone(),
        admin_token: config.server.admin_token.clone(),
        instance: instance.to_owned(),
        ..Settings::new(base_url.clone(), outputs, config.sources.clone())
    }
}

/// Reads the config again: all or nothing. What is in force now, where it is new.
async fn reload(river: &River) -> Option<Config> {
    notify::reloading();
    match reloaded(river).await {
        Ok(config) => {
            ready(&config);
            Some(config)
        }
        Err(failure) => {
            error!("the config stays as it was: {failure:#}");
            notify::ready();
            None
        }
    }
}

async fn reloaded(river: &River) -> anyhow::Result<Config> {
    let config = config::load(&river.path)?.complete()?;
    warned(&config);
    let plan = assemble::plan(&config, &river.store, &river.clock, Some(river.gate.clone()))?;
    let (done, loaded) = oneshot::channel();
    river.commands.send(Command::Reload(Box::new(plan), done)).await.context("the polling loop is gone")?;
    loaded.await.context("the polling loop is gone")??;
    river.gate.obey(&config.fetch);
    river.site.tell_through(assemble::http(&config, river.gate.clone())?);
    river.site.reload(settings(&config, &base_url(&config, &river.address)?, &river.instance)).await;
    river.fixed.compare(&config);
    Ok(config)
}

/// Polls the samples, says what to open, and goes on until it is ended.
async fn demo(river: &River) -> anyhow::Result<()> {
    let (reports, mut results) = mpsc::unbounded_channel();
    river.commands.send(Command::Poll { sources: None, reports }).await?;
    let mut polled = 0;
    while let Some(report) = results.recv().await {
        polled += 1;
        print::words(format_args!("  {:<14} {}", report.source, report.outcome.words()));
    }
    let base = &river.address;
    print::data(format_args!(
        "\n{polled} sources have become one river. Open it, or subscribe to it in a feed reader:\n\n  \
           the page              {base}\n  \
           all, as Atom          {base}feeds/all.atom\n  \
           all, as RSS           {base}feeds/all.rss\n  \
           all, as JSON Feed     {base}feeds/all.json\n  \
           one group             {base}feeds/nature.atom\n  \
           a web page as a feed  {base}sources/council.atom\n\n\
         Nothing of it is kept; Ctrl-C ends it. For sources of your own end it, write a\n\
         riverine.toml like this one, and run `riverine serve` in the same directory:\n\n  \
           [[source]]\n  \
           url = \"https://www.example.org/feed.xml\"\n\n"
    ))?;
    std::future::pending().await
}
