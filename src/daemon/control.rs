//! How another riverine process asks a running daemon to poll: a socket beside the store.
//! One request a connection: a line of JSON in, a line per source out, then the end of the stream.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use super::Command;
use crate::model::SourceId;

/// Longest request line in bytes: ten thousand ids fit.
const LONGEST: u64 = 1 << 20;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// Which sources; absent: all.
    poll: Option<Vec<String>>,
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
}

/// Where the socket of a store is.
pub fn path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".sock");
    PathBuf::from(name)
}

/// Opens the socket of a store. The caller holds the store's lock, so a socket that is there is a dead one.
///
/// # Errors
/// When the directory does not let us.
pub fn listen(store: &Path) -> std::io::Result<UnixListener> {
    let path = path(store);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(path)
}

/// Answers for as long as the daemon takes commands.
pub async fn answer(listener: UnixListener, commands: mpsc::Sender<Command>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let commands = commands.clone();
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, commands).await {
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

async fn serve(mut stream: UnixStream, commands: mpsc::Sender<Command>) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    BufReader::new(read.take(LONGEST)).read_line(&mut line).await?;
    let ask: Ask = serde_json::from_str(&line)?;
    let sources = ask.poll.map(|ids| ids.into_iter().map(SourceId::new).collect());
    let (reports, mut results) = mpsc::unbounded_channel();
    if commands.send(Command::Poll { sources, reports }).await.is_err() {
        return Ok(());
    }
    while let Some(report) = results.recv().await {
        let line = Line {
            source: report.source.as_str().to_owned(),
            failed: report.outcome.is_failure(),
            words: report.outcome.words(),
        };
        let mut line = serde_json::to_vec(&line)?;
        line.push(b'\n');
        write.write_all(&line).await?;
    }
    Ok(())
}

/// Asks the daemon of a store to poll, and hands on its lines as they come.
///
/// # Errors
/// When no daemon answers there.
pub async fn ask(
    store: &Path,
    sources: Option<Vec<String>>,
    mut each: impl FnMut(Line),
) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(path(store)).await?;
    let mut ask = serde_json::to_vec(&Ask { poll: sources })?;
    ask.push(b'\n');
    stream.write_all(&ask).await?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        each(serde_json::from_str(&line)?);
    }
    Ok(())
}
