//! Arguments in, exit code out. A file per command under `cli/`.
//!
//! Data goes to stdout, words to stderr. Exit codes: 0 done, 1 the work failed (in part),
//! 2 the call or the config is wrong.

mod add;
mod assemble;
mod backup;
mod check;
mod completions;
mod demo;
mod explain;
mod export;
mod fetch;
mod fit;
mod import;
mod logging;
mod man;
pub mod parse;
pub mod print;
mod remove;
mod replay;
mod restore;
mod schema;
mod search;
mod serve;
mod status;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::{self, Config, Problems, Severity};
use crate::daemon::control;
use crate::store;

/// The call was wrong, or the config is.
pub const WRONG: u8 = 2;
/// The work failed, all of it or a part.
pub const FAILED: u8 = 1;

const CONFIG_HELP: &str =
    "The config [default: $RIVERINE_CONFIG, else ./riverine.toml, else /etc/riverine/riverine.toml]";

/// many feeds and pages in, one river out
#[derive(Debug, Parser)]
#[command(name = "riverine", version, arg_required_else_help = true, subcommand_required = true)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 the work failed (in part), 2 the call or the config is wrong.")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// The call is wrong: ends the program with exit code 2 when a command hands it up.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub String);

/// What every command takes: told of behind its own options.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The config.
    #[arg(long, value_name = "FILE", global = true, display_order = 900, help = CONFIG_HELP)]
    pub config: Option<PathBuf>,
    /// Say more; twice: say everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true, display_order = 901)]
    pub verbose: u8,
    /// Say errors only
    #[arg(short, long, global = true, display_order = 902, conflicts_with = "verbose")]
    pub quiet: bool,
    /// When to use colors
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto, global = true, display_order = 903)]
    pub color: Color,
}

/// When to use colors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Global {
    /// Finds and reads the config. What it warns of is said by `check` and in the daemon's log, not at every command.
    ///
    /// # Errors
    /// [`Problems`]: the program ends with exit code 2 when they are handed up.
    pub fn load(&self) -> anyhow::Result<Config> {
        let path = config::find(self.config.as_deref())?;
        Ok(config::load(&path)?)
    }

    /// The config to write to, and what stands in it: where none is named and none is there, `./riverine.toml`,
    /// still to be made.
    ///
    /// # Errors
    /// As [`Global::load`].
    pub fn load_or_new(&self) -> anyhow::Result<(PathBuf, Option<Config>)> {
        let named =
            self.config.is_some() || std::env::var_os("RIVERINE_CONFIG").is_some_and(|v| !v.is_empty());
        match config::find(self.config.as_deref()) {
            Err(_) if !named => Ok((PathBuf::from("riverine.toml"), None)),
            Err(problems) => Err(problems.into()),
            Ok(path) => Ok(config::load(&path).map(|config| (path, Some(config)))?),
        }
    }

    /// Says that a daemon on this store knows nothing yet of what was written into its config.
    fn until_reread(&self, store: &Path, polls: &str) {
        if !self.quiet
            && let Some(pid) = store::holder(store).filter(|_| control::is_there(store))
        {
            print::words(format_args!(
                "the daemon (pid {pid}) polls {polls} it reads the config again: kill -HUP {pid}"
            ));
        }
    }

    /// Prints how the work went, unless only errors are wanted.
    ///
    /// # Errors
    /// As [`print::data`].
    fn outcome(&self, text: impl std::fmt::Display) -> anyhow::Result<()> {
        if self.quiet { Ok(()) } else { print::data(text) }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The daemon: polls on schedule, stores, publishes. Stays in the foreground, logs to stderr
    Serve(serve::Args),
    /// Polls all (or the named) sources once, now
    Fetch(fetch::Args),
    /// Validates the config and says every problem at once
    Check(check::Args),
    /// Finds the feed behind an address, or works out how to read the page, and writes it into the config
    Add(add::Args),
    /// Takes a source out of the config
    Remove(remove::Args),
    /// Reads a feed or page from a file and prints the normalized result as JSON
    Parse(parse::Args),
    /// A table of sources: state, last and next poll, last error, entries
    Status(status::Args),
    /// Full-text search in the store
    Search(search::Args),
    /// Every sighting of an entry, and which rule merged, kept, filtered or pruned it
    Explain(explain::Args),
    /// Reads the kept raw bodies again under today's config
    Replay(replay::Args),
    /// Adds the feeds of an OPML file to the config; folders become groups
    Import(import::Args),
    /// Prints the sources as OPML
    Export(export::Args),
    /// A consistent, verified copy of the store, while the daemon runs
    Backup(backup::Args),
    /// Puts a backup in the place of the store
    Restore(restore::Args),
    /// Prints the JSON Schema of the config, for editors
    Schema(schema::Args),
    /// The whole thing with no network and no config
    Demo(demo::Args),
    /// Prints completions for a shell
    Completions(completions::Args),
    /// Prints the manual page
    Man(man::Args),
}

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the program with these arguments, the first of them its own name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(search::spelled_out(args, &definition())) {
        Ok(cli) => cli,
        Err(help) => {
            // A closed pipe is no reason to complain about a closed pipe.
            let _ = help.print();
            return ExitCode::from(u8::try_from(help.exit_code()).unwrap_or(WRONG));
        }
    };
    print::choose(cli.global.color);
    command(&cli.command, &cli.global).unwrap_or_else(|error| ended(&error))
}

fn command(command: &Command, global: &Global) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(args, global),
        Command::Fetch(args) => fetch::run(args, global),
        Command::Check(args) => check::run(args, global),
        Command::Add(args) => add::run(args, global),
        Command::Remove(args) => remove::run(args, global),
        Command::Parse(args) => parse::run(args),
        Command::Status(args) => status::run(args, global),
        Command::Search(args) => search::run(args, global),
        Command::Explain(args) => explain::run(args, global),
        Command::Replay(args) => replay::run(args, global),
        Command::Import(args) => import::run(args, global),
        Command::Export(args) => export::run(args, global),
        Command::Backup(args) => backup::run(args, global),
        Command::Restore(args) => restore::run(args, global),
        Command::Schema(args) => schema::run(args, global),
        Command::Demo(args) => demo::run(args, global),
        Command::Completions(args) => completions::run(args, global),
        Command::Man(args) => man::run(args, global),
    }
}

/// Says why a command ended, and with which code.
fn ended(error: &anyhow::Error) -> ExitCode {
    if let Some(problems) = error.downcast_ref::<Problems>() {
        print::words(problems.render(print::color()));
        if problems.len() > 1 {
            print::words(format_args!("\n{}", counted(problems)));
        }
        return ExitCode::from(WRONG);
    }
    let closed = |e: &(dyn std::error::Error + 'static)| {
        e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(closed) {
        // Who reads our output has enough of it (`riverine export | head`).
        return ExitCode::SUCCESS;
    }
    print::error(format_args!("{error:#}"));
    ExitCode::from(if error.is::<Wrong>() { WRONG } else { FAILED })
}

/// How many there are of each kind, under the names that stand before them.
fn counted(problems: &Problems) -> String {
    let of = |kinds: &[Severity]| problems.iter().filter(|problem| kinds.contains(&problem.severity)).count();
    let kinds = [
        (of(&[Severity::Error, Severity::Unset]), "error", "errors"),
        (of(&[Severity::Warning]), "warning", "warnings"),
        (of(&[Severity::Absent]), "note", "notes"),
    ];
    let said = kinds.into_iter().filter(|(number, ..)| *number > 0);
    said.map(|(number, one, many)| print::count(number, one, many)).collect::<Vec<_>>().join(", ")
}

/// The whole command line, for completions and the manual.
fn definition() -> clap::Command {
    Cli::command()
}
