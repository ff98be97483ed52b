//! `riverine add`: finds what is behind an address and writes it into the config.

mod find;

use std::collections::HashSet;
use std::io::{IsTerminal, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use url::Url;

use self::find::{Found, Way};
use super::{Global, Wrong, assemble, print};
use crate::config::Config;
use crate::config::edit::{self, Draft};
use crate::fetch::{self, Gate, Http};
use crate::model::Source;
use crate::{clock, link, text};

/// Entries that are shown.
const SHOWN: usize = 5;

/// Arguments of `add`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address of a feed or page
    url: String,
    /// Its id [default: made from the address]
    #[arg(long)]
    id: Option<String>,
    /// Its shown name [default: the feed's own title]
    #[arg(long)]
    name: Option<String>,
    /// A group it belongs to; may be given several times
    #[arg(long)]
    group: Vec<String>,
    /// When it is polled: adaptive, "every 30m" or cron
    #[arg(long)]
    schedule: Option<String>,
    /// Take the page itself, whatever feed it names
    #[arg(long)]
    page: bool,
    /// Show what would be written, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
///
/// # Errors
/// What keeps it from being found, or from being written.
pub(super) fn run(args: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !terminal && !args.yes && !args.dry_run {
        let words = "there is no terminal to ask on: say --yes to write it, or --dry-run to see it";
        return Err(Wrong(words.to_owned()).into());
    }
    let url = address(&args.url)?;
    let (path, config) = global.load_or_new()?;
    new(config.as_ref(), &url)?;
    // What would not be written is not looked for.
    let asked = draft(args, Draft::new(url.clone()), config.as_ref());
    let asked = edit::may_append(&path, &asked).map_err(|error| Wrong(error.to_string()))?;
    let options = config.as_ref().map(|config| config.fetch.clone()).unwrap_or_default();
    let found = assemble::run(search(asked, args.page, options))?;
    new(config.as_ref(), &found.url)?;
    let plain = Draft { page: found.page.clone(), ..Draft::new(found.url.clone()) };
    let draft = draft(args, plain, config.as_ref());
    let silent = global.quiet && args.yes && !args.dry_run;
    if !silent {
        show(&found);
        print::data(draft.table())?;
    }
    if args.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && !agreed(&path)? {
        print::words("nothing was written");
        return Ok(ExitCode::SUCCESS);
    }
    edit::append(&path, &[draft])?;
    if !silent {
        print::words(format_args!("written into {}", path.display()));
    }
    if let Some(config) = &config {
        global.until_reread(&config.store.path, "it as soon as");
    }
    Ok(ExitCode::SUCCESS)
}

/// An address as people write it: without its scheme, https is meant. Pages offer their feeds as `feed:…`.
fn address(written: &str) -> Result<Url, Wrong> {
    let written = &*link::of_feed(written.trim());
    let whole = if written.contains("://") { written.to_owned() } else { format!("https://{written}") };
    match Url::parse(&whole) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        _ => Err(Wrong(format!("{:?} is no http address", link::mask(written)))),
    }
}

/// Refuses what is there already, under whatever spelling.
fn new(config: Option<&Config>, url: &Url) -> Result<(), Wrong> {
    let same = link::canonical(url.as_str());
    let mut sources = config.iter().flat_map(|config| &config.sources);
    match sources.find(|source| same.is_some() && link::canonical(source.url.as_str()) == same) {
        Some(source) => {
            let shown = link::mask(url.as_str());
            Err(Wrong(format!("{shown} is there already: the source {}", source.id)))
        }
        None => Ok(()),
    }
}

async fn search(asked: Arc<Source>, page: bool, options: fetch::Options) -> anyhow::Result<Found> {
    let clock = clock::from_env().map_err(anyhow::Error::msg)?;
    let gate = Arc::new(Gate::new(&options, clock.clone()));
    let http = Http::new(&options, gate).map_err(anyhow::Error::msg)?;
    find::find(&http, &clock, &asked, page).await
}

fn draft(args: &Args, plain: Draft, config: Option<&Config>) -> Draft {
    let mut draft = Draft {
        id: args.id.clone(),
        name: args.name.clone(),
        groups: args.group.clone(),
        schedule: args.schedule.clone(),
        ..plain
    };
    if args.id.is_none() {
        let sources = config.iter().flat_map(|config| &config.sources);
        let ids = sources.flat_map(|source| std::iter::once(&source.id).chain(&source.was));
        draft.make_free(&mut ids.map(ToString::to_string).collect::<HashSet<_>>());
    }
    draft
}

/// The first entries as they will be.
fn show(found: &Found) {
    match found.way {
        Way::Itself => {}
        Way::Said => {
            print::words("the page leads to this feed; --page takes the page itself");
            for other in found.others.iter().take(SHOWN) {
                print::words(text::visible(&format!("the page names {}, too", link::mask(other.as_str()))));
            }
        }
        Way::Guessed => print::words(
            "guessed: the page names no feed, and this one is where sites are wont to have theirs; it may be another \
             publisher's. --page takes the page itself",
        ),
    }
    let feed = &found.document.feed;
    let count = print::count(found.document.entries.len(), "entry", "entries");
    print::words(text::visible(&format!("{}: {} ({count})", feed.format.name(), feed.title)));
    for entry in found.document.entries.iter().take(SHOWN) {
        let date = entry.published.map_or("no date".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string());
        let link = entry.link.as_deref().map(link::mask).unwrap_or_default();
        print::words(text::visible(&format!("  {date}  {}  {link}", entry.title)));
    }
    for warning in found.document.warnings.iter().take(SHOWN) {
        print::words(text::visible(&format!("warning: {warning}")));
    }
}

fn agreed(path: &Path) -> anyhow::Result<bool> {
    let mut err = std::io::stderr().lock();
    write!(err, "Write this into {}? [y/N] ", path.display())?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
