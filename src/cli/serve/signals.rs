//! Signals, the watchdog and `--watch`: what happens to a running daemon from outside.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tracing::info;

use super::{River, reload};
use crate::config::Config;
use crate::daemon::Command;
use crate::notify;

/// `--watch` looks at the files so often.
const LOOK: Duration = Duration::from_secs(1);

/// The signals we obey. From the moment of listening none of them ends the program by itself.
pub(super) struct Signals {
    hangup: Signal,
    poll: Signal,
    /// What ends it.
    pub(super) ends: Ends,
    /// What `--watch` looks at.
    files: Files,
}

/// SIGTERM and SIGINT.
pub(super) struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// To be done before anybody is told that we are there: who knows of us may send one, or change a file, at once.
    ///
    /// # Errors
    /// When the system does not let us listen to signals.
    pub(super) fn listen(config: &Config) -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            poll: signal(SignalKind::user_defined1())?,
            ends: Ends {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            },
            files: Files::of(config),
        })
    }
}

impl Ends {
    /// Waits for one of them.
    pub(super) async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Obeys signals until one says stop.
pub(super) async fn obey(signals: Signals, river: &River, watch: bool) {
    let Signals { mut hangup, mut poll, mut ends, mut files } = signals;
    let mut look = ticker(watch.then_some(LOOK));
    let mut alive = ticker(notify::watchdog_interval());
    let end = ends.end();
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => return,
            _ = hangup.recv() => {
                info!("SIGHUP: reading the config again");
                tokio::select! {
                    () = &mut end => return,
                    config = reload(river) => files.follow(config),
                }
            }
            _ = poll.recv() => {
                info!("SIGUSR1: polling everything now");
                // Nobody waits for the reports of a signal.
                let (reports, _) = mpsc::unbounded_channel();
                let _ = river.commands.send(Command::Poll { sources: None, reports }).await;
            }
            () = tick(&mut look) => {
                if files.changed() {
                    info!("the config changed: reading it again");
                    tokio::select! {
                        () = &mut end => return,
                        config = reload(river) => files.follow(config),
                    }
                }
            }
            () = tick(&mut alive) => notify::alive(),
        }
    }
}

fn ticker(every: Option<Duration>) -> Option<tokio::time::Interval> {
    every.map(|every| {
        let mut ticker = interval(every);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticker
    })
}

async fn tick(ticker: &mut Option<tokio::time::Interval>) {
    match ticker {
        Some(ticker) => drop(ticker.tick().await),
        None => std::future::pending().await,
    }
}

/// The files of a config, by when they were last written.
struct Files {
    seen: HashMap<PathBuf, Option<SystemTime>>,
}

impl Files {
    fn of(config: &Config) -> Self {
        Self { seen: config.files.iter().map(|path| (path.clone(), written(path))).collect() }
    }

    /// A new config may be made of other files. One that was not looked at before is read once more: who writes it may
    /// have gone on since it was read.
    fn follow(&mut self, config: Option<Config>) {
        let Some(config) = config else { return };
        let before = std::mem::take(&mut self.seen);
        let seen = |path: PathBuf| {
            let then = before.get(&path).copied().flatten();
            (path, then)
        };
        self.seen = config.files.into_iter().map(seen).collect();
    }

    fn changed(&mut self) -> bool {
        let mut changed = false;
        for (path, seen) in &mut self.seen {
            let now = written(path);
            changed |= *seen != now;
            *seen = now;
        }
        changed
    }
}

fn written(path: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
