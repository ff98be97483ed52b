//! `riverine fetch`: polls now, once. Beside a running daemon it asks that daemon.

use std::io::{ErrorKind, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use tracing::level_filters::LevelFilter;

use super::{Global, Wrong, assemble, logging, print};
use crate::config::{self, Config};
use crate::daemon::Command;
use crate::daemon::control::{self, Line, Request};
use crate::link;
use crate::model::{Source, SourceId, SourceState};
use crate::store::{self, Sqlite, Store as _};
use crate::text;

/// `riverine fetch [SOURCE…]`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Ids of the sources to poll; none: all.
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
}

/// One line per source and a total; on a terminal with a bar.
struct Progress<'g> {
    global: &'g Global,
    bar: ProgressBar,
    width: usize,
    done: usize,
    failed: usize,
}

impl<'g> Progress<'g> {
    fn new(ids: &[String], global: &'g Global) -> Self {
        // It would be drawn into the log.
        let logs = global.verbose > 1;
        let bar = if std::io::stderr().is_terminal() && !global.quiet && !logs {
            ProgressBar::new(ids.len() as u64)
        } else {
            ProgressBar::hidden()
        };
        // The template is ours and complete; should it ever not be, the default bar does.
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        let width = ids.iter().map(String::len).max().unwrap_or_default();
        Self { global, bar, width, done: 0, failed: 0 }
    }

    fn line(&mut self, line: &Line) {
        self.done += 1;
        self.failed += usize::from(line.failed);
        let mark = if line.failed { "failed: " } else { "" };
        let words = text::visible(&line.words);
        if self.global.quiet {
            if line.failed {
                print::error(format_args!("{}: {words}", line.source));
            }
            return;
        }
        let width = self.width;
        let printed =
            self.bar.suspend(|| print::data(format_args!("{:width$}  {mark}{words}\n", line.source)));
        // Whoever closed stdout does not want the lines; the work goes on.
        drop(printed);
        self.bar.inc(1);
    }

    fn finish(self) -> anyhow::Result<ExitCode> {
        self.bar.finish_and_clear();
        let code = if self.failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        self.global.outcome(format_args!("{} polled, {} failed\n", self.done, self.failed)).map(|()| code)
    }
}

/// Runs the command.
///
/// # Errors
/// The config's and the store's, in words.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let ids = wanted(args, &config)?;
    let path = config.store.path.clone();
    let holder = store::holder(&path);
    if holder.is_none() && global.verbose > 1 {
        logging::start(global, LevelFilter::OFF);
    }
    assemble::run(async {
        let mut progress = Progress::new(&ids, global);
        if let Some(pid) = holder {
            let mut silent = ids.clone();
            let asked = control::ask(&path, Request::Poll(ids.clone()), |line| {
                silent.retain(|id| *id != line.source);
                progress.line(&line);
            });
            asked.await.map_err(|error| busy(&path, pid, &error))?;
            for id in silent {
                progress.line(&Line::unknown(id));
            }
        } else {
            alone(&config.complete()?, ids.clone(), &mut progress).await?;
        }
        let code = progress.finish()?;
        // The log says so of each as it ends.
        if global.verbose == 1 || holder.is_some() && global.verbose > 1 {
            say_when_next(&path, &ids)?;
        }
        Ok(code)
    })
}

/// Says of each source when it is polled next, and why then.
fn say_when_next(store: &Path, ids: &[String]) -> anyhow::Result<()> {
    let rows = Sqlite::open_reader(store)?.sources()?;
    for id in ids {
        let state = rows.iter().find(|row| row.id.as_str() == id).map(|row| &row.state);
        if let Some(words) = state.and_then(SourceState::next_in_words) {
            print::words(format_args!("{id}: {}", text::visible(&words)));
        }
    }
    Ok(())
}

/// Who writes to the store cannot be asked: another command, mostly, which a signal would end.
pub(super) fn busy(store: &Path, pid: u32, error: &std::io::Error) -> anyhow::Error {
    let why = match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => String::new(),
        _ => format!(" ({error})"),
    };
    anyhow::anyhow!(
        "{}: another riverine (pid {pid}) is at work on this store, and takes no requests{why}; wait for it to end",
        store.display()
    )
}

/// The ids asked for, checked; all enabled ones if none was named.
fn wanted(args: &Args, config: &Config) -> anyhow::Result<Vec<String>> {
    if args.sources.is_empty() {
        let enabled = config.sources.iter().filter(|source| source.enabled);
        return Ok(enabled.map(|source| source.id.to_string()).collect());
    }
    named(&args.sources, config)?;
    Ok(args.sources.clone())
}

/// Refuses ids that no source has.
pub(super) fn named(ids: &[String], config: &Config) -> anyhow::Result<()> {
    for id in ids {
        if !config.sources.iter().any(|source| source.id.as_str() == id) {
            let hint = meant(id, config).map_or(String::new(), |id| format!("; did you mean {id}?"));
            let shown = link::mask(id);
            return Err(Wrong(format!("no source {shown:?} in {}{hint}", config.path.display())).into());
        }
    }
    Ok(())
}

/// The source somebody may mean who gives its address, or nearly its id.
pub(super) fn meant<'a>(id: &str, config: &'a Config) -> Option<&'a str> {
    let same = link::canonical(id);
    let at = |source: &&Arc<Source>| same.is_some() && link::canonical(source.url.as_str()) == same;
    let ids = || config.sources.iter().map(|source| source.id.as_str());
    config.sources.iter().find(at).map(|source| source.id.as_str()).or_else(|| config::nearest(id, ids()))
}

/// No daemon runs: the same loop, for one round.
async fn alone(config: &Config, ids: Vec<String>, progress: &mut Progress<'_>) -> anyhow::Result<()> {
    let sources = Some(ids.into_iter().map(SourceId::new).collect());
    let poll = |reports| Command::Poll { sources, reports };
    assemble::alone(config, poll, |report| progress.line(&Line::polled(&report))).await
}
