//! `riverine search`: full-text search in the store, beside a running daemon.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use super::{Global, Wrong, fetch, print};
use crate::link::Secrets;
use crate::model::{Published, Source};
use crate::query::{self, Query};
use crate::store::{Search, Sqlite, Store};
use crate::{clock, language, text};

/// Arguments of `search`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Words; OR, -word, "a phrase", begin* and title:word work; behind -- nothing is an option
    #[arg(required = true, num_args = 1..)]
    query: Vec<String>,
    /// Only entries in this language; may be given again
    #[arg(long, value_name = "CODE")]
    lang: Vec<String>,
    /// Only entries of this source; may be given again
    #[arg(long, value_name = "SOURCE")]
    source: Vec<String>,
    /// Only entries dated since: 2026-01-31, or 7d
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// At most so many, newest first
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// `riverine search ferry -tide`: a word behind a hyphen is no bundle of short options, but a word to do without. It
/// is spelled `NOT tide`, which has the same meaning and no hyphen; what options there are is asked of `definition`.
pub(super) fn spelled_out(
    args: impl IntoIterator<Item = OsString>,
    definition: &clap::Command,
) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let options = || {
        let own = definition.find_subcommand("search").into_iter().flat_map(clap::Command::get_arguments);
        definition.get_arguments().chain(own)
    };
    let takes_value = |arg: &str| {
        let named = |option: &clap::Arg| option.get_long().is_some_and(|long| arg == format!("--{long}"));
        options().any(|option| option.get_action().takes_values() && named(option))
    };
    let is_short =
        |c: char| c == 'h' || options().any(|option| option.get_short().is_some_and(|short| short == c));
    let (mut searching, mut is_value) = (false, false);
    for arg in args.iter_mut().skip(1) {
        let Some(text) = arg.to_str() else { continue };
        if std::mem::take(&mut is_value) {
            continue;
        }
        match text.strip_prefix('-') {
            Some("-") => break,
            Some(_) if takes_value(text) => is_value = true,
            Some(word) if searching && !word.starts_with('-') && !word.chars().all(is_short) => {
                *arg = format!("NOT {word}").into();
            }
            Some(_) => {}
            None if searching => {}
            None if text == "search" => searching = true,
            None => break,
        }
    }
    args
}

/// Runs the command.
///
/// # Errors
/// The query's, the config's and the store's, in words.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    if args.limit == 0 {
        return Err(Wrong("--limit 0 would show nothing: give it 1 or more".to_owned()).into());
    }
    let config = global.load()?;
    let now = clock::from_env().map_err(anyhow::Error::msg)?.now();
    let mut store = Sqlite::open_reader(&config.store.path)?;
    let known = store.sources()?;
    let source = |id: &String| {
        // What was called so formerly is in the store under today's name.
        let was = config.sources.iter().find(|source| source.was.iter().any(|was| was.as_str() == id));
        let id = was.map_or(id.as_str(), |source| source.id.as_str());
        // One that was never polled has nothing, and is no mistake.
        let mut ids = known.iter().map(|row| &row.id).chain(config.sources.iter().map(|source| &source.id));
        ids.find(|known| known.as_str() == id).cloned().ok_or_else(|| {
            let hint = match fetch::meant(id, &config) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "riverine status names all".to_owned(),
            };
            Wrong(format!("there is no source {id:?}; {hint}"))
        })
    };
    let speaks = |code: &String| {
        language::tag(code).ok_or_else(|| Wrong(format!("{code:?} is not a language code, like en or pt-BR")))
    };
    let since = args.since.as_deref().map(|text| query::since(text, now)).transpose().map_err(Wrong)?;
    let sources = args.source.iter().map(source).collect::<Result<Vec<_>, _>>()?;
    let search = Search {
        query: Some(Query::new(&args.query.join(" ")).map_err(Wrong)?),
        languages: args.lang.iter().map(speaks).collect::<Result<_, _>>()?,
        sources: (!sources.is_empty()).then_some(sources),
        since,
        before: None,
        // One more than is printed tells whether there are more.
        limit: args.limit.saturating_add(1),
    };
    let found = store.search(&search, now)?;
    for entry in found.iter().take(args.limit) {
        print::data(line(entry, &config.sources))?;
    }
    if !global.quiet {
        if found.is_empty() {
            print::words("nothing matches");
        } else if found.len() > args.limit {
            print::words(format_args!("these are the newest {}; there are more: --limit N", args.limit));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Two lines an entry: what and when, then whose and where.
fn line(entry: &Published, sources: &[Arc<Source>]) -> String {
    let title = if entry.entry.title.is_empty() { "(no title)" } else { &entry.entry.title };
    let at = entry.published.format("%Y-%m-%d %H:%M");
    let link = entry.entry.link.clone().unwrap_or_else(|| entry.id.urn());
    let own = sources.iter().find(|source| source.id == entry.source);
    let link = own.map_or(link.clone(), |own| Secrets::of([&own.url]).hidden(link));
    format!(
        "{at}  {}\n                  {} · {}\n",
        text::visible(title),
        text::visible(&entry.source_name),
        text::visible(&link)
    )
}
