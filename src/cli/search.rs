//! `riverine search`: full-text search in the store, beside a running daemon.

use std::process::ExitCode;

use super::{Global, Wrong, print};
use crate::model::Published;
use crate::query::{self, Query};
use crate::store::{Search, Sqlite, Store};
use crate::{clock, language, text};

/// Arguments of `search`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Words; OR, -not, "a phrase", begin* and title:word work
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

/// Runs the command.
///
/// # Errors
/// The query's, the config's and the store's, in words.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    let now = clock::from_env().map_err(anyhow::Error::msg)?.now();
    let mut store = Sqlite::open_reader(&config.store.path)?;
    let known = store.sources()?;
    let source = |id: &String| {
        let row = known.iter().find(|row| row.id.as_str() == id);
        row.map(|row| row.id.clone()).ok_or_else(|| Wrong(format!("there is no source {id:?}")))
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
        print::data(line(entry))?;
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
fn line(entry: &Published) -> String {
    let title = if entry.entry.title.is_empty() { "(no title)" } else { &entry.entry.title };
    let at = entry.published.format("%Y-%m-%d %H:%M");
    let link = entry.entry.link.clone().unwrap_or_else(|| entry.id.urn());
    format!(
        "{at}  {}\n                  {} · {}\n",
        text::visible(title),
        text::visible(&entry.source_name),
        text::visible(&link)
    )
}
