//! Where the log goes: to the journal when systemd reads it, else to stderr.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::{Color, Global};

/// Starts logging, at `usual` unless the call says otherwise. A second start (a test in one process) keeps
/// the first.
pub(super) fn start(global: &Global, usual: LevelFilter) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => usual,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    // Only our own words at the levels below warnings: libraries talk about their insides there.
    let filter = tracing_subscriber::filter::Targets::new()
        .with_default(LevelFilter::WARN.min(level))
        .with_target("riverine", level);
    let registry = tracing_subscriber::registry().with(filter);
    let to_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let started = match tracing_journald::layer() {
        Ok(journal) if to_journal => registry.with(journal).try_init(),
        _ => {
            let terminal = std::io::stderr().is_terminal();
            let ansi = match global.color {
                Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none(),
                Color::Always => true,
                Color::Never => false,
            };
            let lines = tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(ansi)
                .with_target(false);
            registry.with(lines).try_init()
        }
    };
    drop(started);
}
