//! The tables that belong to one room each: `[server]`, `[store]`, `[fetch]`, `[dedup]`.

use std::path::{Path, PathBuf};

use super::walk::{Env, Section};
use super::{Listen, ServerSettings, secret, values};
use crate::{dedup, fetch, server, store};

pub(super) fn server(section: &Section<'_, '_>) -> ServerSettings {
    ServerSettings {
        listen: section
            .get("listen", values::listen)
            .unwrap_or_else(|| Listen::Tcp(server::Options::default().listen)),
        base_url: section.get("base_url", values::base_url),
        token: section.get("token", secret::read),
        admin_token: section.get("admin_token", secret::read),
    }
}

/// `dir` is that of the config.
pub(super) fn store(section: &Section<'_, '_>, dir: &Path, env: Env<'_>) -> store::Options {
    let default = store::Options::default();
    let name = section
        .get("path", |spot| {
            values::file(spot)?;
            spot.text().map(PathBuf::from)
        })
        .unwrap_or(default.path);
    store::Options {
        path: place(&name, dir, env),
        retention: section.get("retention", values::some_span).unwrap_or(default.retention),
        keep_bodies: section.get("keep_bodies", values::size).unwrap_or(default.keep_bodies),
        max_entries_per_source: section
            .get("max_entries_per_source", values::whole)
            .unwrap_or(default.max_entries_per_source),
    }
}

/// Where a store is: under systemd in its state directory; for a config in `/etc/riverine`
/// where that directory would be, so that commands at a shell find the daemon's store.
pub(super) fn place(name: &Path, dir: &Path, env: Env<'_>) -> PathBuf {
    let state = env("STATE_DIRECTORY")
        .and_then(|dirs| std::env::split_paths(&dirs).next())
        .filter(|dir| dir.is_absolute());
    match state {
        Some(state) => state.join(name),
        None if dir == Path::new("/etc/riverine") => Path::new("/var/lib/riverine").join(name),
        None => dir.join(name),
    }
}

pub(super) fn fetch(section: &Section<'_, '_>) -> fetch::Options {
    let default = fetch::Options::default();
    fetch::Options {
        timeout: section.get("timeout", values::some_span).unwrap_or(default.timeout),
        max_body: section.get("max_body", values::max_body).unwrap_or(default.max_body),
        concurrency: section.get("concurrency", values::whole).unwrap_or(default.concurrency),
        per_host: section.get("per_host", values::whole).unwrap_or(default.per_host),
        per_host_gap: section.get("per_host_gap", values::span).unwrap_or(default.per_host_gap),
        min_interval: section.get("min_interval", values::span).unwrap_or(default.min_interval),
        backoff_base: section.get("backoff_base", values::span).unwrap_or(default.backoff_base),
        backoff_max: section.get("backoff_max", values::some_span).unwrap_or(default.backoff_max),
        max_hold: section.get("max_hold", values::span).unwrap_or(default.max_hold),
        redirect_confirmations: section
            .get("redirect_confirmations", values::whole)
            .unwrap_or(default.redirect_confirmations),
        contact: section.get("contact", values::line),
        allow_private: section.get("allow_private", values::hosts).unwrap_or_default(),
        proxy: section.get("proxy", values::proxy).map(|url| url.to_string()),
        ca_file: section.get("ca_file", values::readable_file),
        websub: section.get("websub", values::flag).unwrap_or(default.websub),
    }
}

pub(super) fn dedup(section: &Section<'_, '_>) -> dedup::Options {
    let default = dedup::Options::default();
    dedup::Options {
        window: section.get("window", values::window).unwrap_or(default.window),
        ignore_title_suffix: section
            .get("ignore_title_suffix", values::patterns)
            .map_or(default.ignore_title_suffix, |all| all.iter().map(|p| p.as_str().to_owned()).collect()),
        strict: section.get("strict", values::flag).unwrap_or(default.strict),
        similar: section.get("similar", values::likeness).unwrap_or(default.similar),
    }
}
