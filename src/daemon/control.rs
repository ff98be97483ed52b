//! How another riverine process asks a running daemon to poll or to replay, or how its store is: a socket beside the store.
//! One request a connection: a line of JSON in, a line per source out (or one about the store), then the end of the stream.

use std::io::{BufRead as _, ErrorKind, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::WriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

use super::soundness::Soundness;
use super::{Command, Report, Reread};
use crate::model::SourceId;
use crate::poll::Again;

/// Longest request line in bytes: ten thousand ids fit.
const LONGEST: u64 = 1 << 20;
/// A daemon says how its store is at once, or is in no state to say it.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is said of a source that a daemon does not have.
pub(super) const UNKNOWN: &str = "the daemon does not know it; it reads its config again on SIGHUP";

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// Which sources; absent: all.
    poll: Option<Vec<String>>,
    /// Read the kept bodies of these again instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replay: Option<Vec<String>>,
    /// Say how the store is instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    soundness: bool,
}

/// One line of the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Which source.
    pub source: String,
    /// True when its poll failed.
    pub failed: bool,
    /// How it ended.
    pub words: String,
    /// A replay: nothing is kept of it to be read again.
    #[serde(default)]
    pub none: bool,
    /// A replay: what became of which entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
}

impl Line {
    /// How a poll ended.
    pub fn polled(report: &Report) -> Self {
        Self {
            source: report.source.to_string(),
            failed: report.outcome.is_failure(),
            words: report.outcome.words(),
            none: false,
            changes: Vec::new(),
        }
    }

    /// A daemon does not answer for it: its config is older than the one that names it.
    pub fn unknown(source: String) -> Self {
        let (words, changes) = (UNKNOWN.to_owned(), Vec::new());
        Self { source, failed: true, words, none: false, changes }
    }

    /// What reading a kept body again came to.
    pub fn replayed(reread: &Reread) -> Self {
        let line = |failed, none, words| Self {
            source: reread.source.to_string(),
            failed,
            words,
            none,
            changes: Vec::new(),
        };
        match &reread.again {
            Ok(Again::Read(replayed)) => {
                Self { changes: replayed.lines(), ..line(false, false, replayed.words()) }
            }
            Ok(Again::None(words)) => line(false, true, words.clone()),
            Ok(Again::Failed(words)) => line(true, false, words.clone()),
            Err(failure) => line(true, false, failure.to_string()),
        }
    }
}

/// What another process asks for.
#[derive(Clone, Debug)]
pub enum Request {
    /// Poll these now.
    Poll(Vec<String>),
    /// Read their kept bodies again.
    Replay(Vec<String>),
}

/// Where the socket of a store is.
pub fn path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".sock");
    PathBuf::from(name)
}

/// Whether a daemon takes requests for a store. A command that writes to it (`fetch`, `replay`) has its lock, too, but
/// no socket: a signal would end it.
pub fn is_there(store: &Path) -> bool {
    let connected = std::os::unix::net::UnixStream::connect(path(store));
    // Somebody else's daemon.
    connected.is_ok() || connected.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

/// Opens the socket at the [`path`] of a store. The caller holds the store's lock, so a socket that is there is a dead one.
///
/// # Errors
/// When the directory does not let us.
pub fn listen(path: &Path) -> std::io::Result<UnixListener> {
    // Anything else that has this name is somebody's, and binding says that it is in the way.
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        std::fs::remove_file(path)?;
    }
    UnixListener::bind(path)
}

/// Answers for as long as the daemon takes commands.
pub async fn answer(
    listener: UnixListener,
    commands: mpsc::Sender<Command>,
    soundness: watch::Receiver<Soundness>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (commands, known) = (commands.clone(), soundness.borrow().clone());
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, commands, known).await {
                        tracing::debug!("a request by hand ended early: {error}");
                    }
                });
            }
            Err(error) => {
                tracing::warn!("the control socket: {error}");
                return;
            }
        }
    }
}

async fn serve(
    mut stream: UnixStream,
    commands: mpsc::Sender<Command>,
    soundness: Soundness,
) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    BufReader::new(read.take(LONGEST)).read_line(&mut line).await?;
    let ask: Ask = serde_json::from_str(&line)?;
    if ask.soundness {
        return send(&mut write, &soundness).await;
    }
    let named = |ids: Vec<String>| ids.into_iter().map(SourceId::new).collect();
    if let Some(ids) = ask.replay {
        let (reports, mut results) = mpsc::unbounded_channel();
        let sent = commands.send(Command::Replay { sources: named(ids), reports }).await;
        while let Some(reread) = results.recv().await.filter(|_| sent.is_ok()) {
            send(&mut write, &Line::replayed(&reread)).await?;
        }
        return Ok(());
    }
    let (reports, mut results) = mpsc::unbounded_channel();
    if commands.send(Command::Poll { sources: ask.poll.map(named), reports }).await.is_err() {
        return Ok(());
    }
    while let Some(report) = results.recv().await {
        send(&mut write, &Line::polled(&report)).await?;
    }
    Ok(())
}

async fn send(write: &mut WriteHalf<'_>, line: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(line)?;
    line.push(b'\n');
    write.write_all(&line).await
}

/// Asks the daemon of a store, and hands on its lines as they come.
///
/// # Errors
/// When no daemon answers there.
pub async fn ask(store: &Path, request: Request, mut each: impl FnMut(Line)) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(path(store)).await?;
    let ask = match request {
        Request::Poll(ids) => Ask { poll: Some(ids), replay: None, soundness: false },
        Request::Replay(ids) => Ask { poll: None, replay: Some(ids), soundness: false },
    };
    let mut ask = serde_json::to_vec(&ask)?;
    ask.push(b'\n');
    stream.write_all(&ask).await?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        each(serde_json::from_str(&line)?);
    }
    Ok(())
}

/// What the daemon of a store knows of it; `None` where it does not say.
pub fn soundness(store: &Path) -> Option<Soundness> {
    let mut stream = std::os::unix::net::UnixStream::connect(path(store)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let ask = Ask { poll: None, replay: None, soundness: true };
    stream.write_all(format!("{}\n", serde_json::to_string(&ask).ok()?).as_bytes()).ok()?;
    let mut line = String::new();
    std::io::BufReader::new(stream).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}
