//! `riverine replay`: reads the kept raw bodies again under today's config and program, and says what that changes.
//! Beside a running daemon it asks that daemon; a dry run only reads. Never asks the network.

use std::process::ExitCode;

use super::{FAILED, Global, assemble, fetch, print};
use crate::clock;
use crate::config::Config;
use crate::daemon::control::{self, Line, Request};
use crate::daemon::{Command, Reread};
use crate::model::SourceId;
use crate::store::{self, Handle, Sqlite};
use crate::text;

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The id of a source; none: all of them
    source: Option<String>,
    /// List what would change, change nothing
    #[arg(long)]
    dry_run: bool,
}

/// What was read, for the last line.
struct Tally<'a> {
    args: &'a Args,
    global: &'a Global,
    read: usize,
    none: usize,
    failed: usize,
}

impl<'a> Tally<'a> {
    fn new(args: &'a Args, global: &'a Global) -> Self {
        Self { args, global, read: 0, none: 0, failed: 0 }
    }

    fn line(&mut self, line: &Line) -> anyhow::Result<()> {
        let source = &line.source;
        for change in &line.changes {
            self.global.outcome(format_args!("{source}: {}\n", text::visible(change)))?;
        }
        let words = text::visible(&line.words);
        let (count, mark) = match (line.failed, line.none) {
            (true, _) => (&mut self.failed, "failed: "),
            (false, true) => (&mut self.none, "nothing kept: "),
            (false, false) => (&mut self.read, ""),
        };
        *count += 1;
        // For the one that was named, nothing kept is an error: the command ends so.
        if self.global.quiet && (line.failed || line.none && self.args.source.is_some()) {
            print::error(format_args!("{source}: {words}"));
        }
        self.global.outcome(format_args!("{source}: {mark}{words}\n"))
    }

    fn finish(&self) -> anyhow::Result<ExitCode> {
        let Self { args, global, read, none, failed } = self;
        let stored = if args.dry_run { "; a dry run: nothing is stored" } else { "" };
        global.outcome(format_args!(
            "{read} read again, {none} with nothing kept, {failed} failed{stored}\n"
        ))?;
        let in_vain = *failed > 0 || args.source.is_some() && *read == 0;
        Ok(if in_vain { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
    }
}

/// Runs the command.
///
/// # Errors
/// The config's and the store's, in words.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let ids: Vec<String> = match &args.source {
        Some(id) => vec![id.clone()],
        None => config.sources.iter().map(|source| source.id.to_string()).collect(),
    };
    fetch::named(&ids, &config)?;
    let path = config.store.path.clone();
    if args.dry_run || !path.exists() {
        // Says so where there is no store: this makes none.
        let reader = Sqlite::open_reader(&path)?;
        return assemble::run(dry((args, global), &config.complete()?, &ids, reader));
    }
    assemble::run(async {
        let mut tally = Tally::new(args, global);
        let mut printed = Ok(());
        if let Some(pid) = store::holder(&path) {
            let each = |line: Line| {
                if printed.is_ok() {
                    printed = tally.line(&line);
                }
            };
            let asked = control::ask(&path, Request::Replay(ids), each).await;
            asked.map_err(|error| fetch::busy(&path, pid, &error))?;
            printed?;
        } else {
            alone(&config.complete()?, ids, &mut tally).await?;
        }
        tally.finish()
    })
}

/// Reads, and stores nothing.
async fn dry(
    (args, global): (&Args, &Global),
    config: &Config,
    ids: &[String],
    reader: Sqlite,
) -> anyhow::Result<ExitCode> {
    let clock = clock::from_env().map_err(anyhow::Error::msg)?;
    let store = Handle::new(Box::new(reader), Vec::new());
    let plan = assemble::plan(config, &store, &clock, None)?;
    let mut tally = Tally::new(args, global);
    for source in plan.sources.iter().filter(|source| ids.iter().any(|id| source.id.as_str() == id)) {
        let again = Box::pin(plan.poller.replay(source, true)).await;
        tally.line(&Line::replayed(&Reread { source: source.id.clone(), again }))?;
    }
    tally.finish()
}

/// No daemon runs: the same loop, for this alone.
async fn alone(config: &Config, ids: Vec<String>, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let sources = ids.into_iter().map(SourceId::new).collect();
    let mut printed = Ok(());
    let replay = |reports| Command::Replay { sources, reports };
    let each = |reread: Reread| {
        // Whoever closed stdout does not want the lines; the work goes on.
        if printed.is_ok() {
            printed = tally.line(&Line::replayed(&reread));
        }
    };
    assemble::alone(config, replay, each).await?;
    printed
}
