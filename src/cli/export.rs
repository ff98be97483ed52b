//! `riverine export`: OPML out, also beside a running daemon. Writes nothing but stdout.

use std::process::ExitCode;

use super::{Global, print};
use crate::link;
use crate::server::opml_of;
use crate::store::{Sqlite, Store};

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs the command.
///
/// # Errors
/// The config's and the store's, in words.
pub(super) fn run(_: &Args, global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load()?;
    // What sources call themselves is known once they were polled.
    let rows = if config.store.path.exists() {
        Sqlite::open_reader(&config.store.path)?.sources()?
    } else {
        Vec::new()
    };
    let list = opml_of(&config.sources, &rows);
    print::data(String::from_utf8_lossy(&list))?;
    let secret = |source: &&std::sync::Arc<crate::model::Source>| {
        link::mask(source.url.as_str()) != source.url.as_str()
    };
    for source in config.sources.iter().filter(secret).filter(|_| !global.quiet) {
        print::words(format_args!(
            "warning: the address of {} holds a secret, and so does this list",
            source.id
        ));
    }
    Ok(ExitCode::SUCCESS)
}
