//! What the size of the store costs: a start and a round of the real program over 10,000 sources with 2 million
//! entries, and the CPU time of a poll at 10 thousand, 1 million and 10 million.
//!
//! `cargo bench --bench scale` does both; `-- start` only the first (about 3 GB of room in the temporary directory),
//! `-- polls 10000 1000000` only the second, at these sizes (about 1 GB of room for each million), with `sources=1000`
//! over so many sources, with `wordy` where guids and links have no numbers, and with `pages` also what they write to
//! which tree.

#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench prints, and may end so"
)]
#![allow(clippy::disallowed_methods, reason = "a bench measures real time")]

#[allow(dead_code, reason = "one part of it is for another bench")]
#[path = "../polling/documents.rs"]
mod documents;
mod generate;
#[allow(dead_code, reason = "one part of it is for another bench")]
#[path = "../polling/origin.rs"]
mod origin;
mod pages;
mod polls;
mod start;

use std::path::Path;
use std::time::Duration;

/// The daemon's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How late answers are where that is measured: not here.
const LATE: Duration = Duration::ZERO;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "origin") {
        return origin::run(Path::new(&arguments[at + 1]));
    }
    let only = |part: &str| arguments.iter().any(|argument| argument == part);
    let mut sizes: Vec<i64> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![10_000, 1_000_000, 10_000_000];
    }
    if !only("polls") {
        start::run();
    }
    if !only("start") {
        let sources = arguments.iter().find_map(|argument| argument.strip_prefix("sources=")?.parse().ok());
        polls::run(&sizes, sources.unwrap_or(10_000), !only("wordy"), only("pages"));
    }
}
