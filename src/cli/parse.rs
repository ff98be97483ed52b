//! `riverine parse`: a document in, the normalized result as JSON out. No store, no network.

use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `parse`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the document came from: the base of its links
    #[arg(long)]
    pub url: Option<url::Url>,
    /// Its Content-Type, as a server would send it
    #[arg(long, value_name = "CT")]
    pub content_type: Option<String>,
    /// For timestamps without a zone
    #[arg(long, value_name = "TZ")]
    pub timezone: Option<chrono_tz::Tz>,
    /// A key of [source.page] and its selector: --select item="li.news" --select title=h3
    #[arg(long, value_name = "KEY=SELECTOR")]
    pub select: Vec<String>,
    /// The document; - is stdin
    pub file: PathBuf,
}

/// Reads and prints.
pub fn run(args: &Args) -> ExitCode {
    let _ = args;
    super::ended(&super::not_yet("parse"))
}
