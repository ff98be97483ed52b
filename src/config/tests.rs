//! Configs in; settings, or problems with their places, out.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::model::{DedupRule, FuturePolicy, Kind, Schedule};

const FILE: &str = "riverine.toml";

/// A directory with these files in it, the first of them the config.
fn dir(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

fn load_in(dir: &Path, env: &[(&str, &str)]) -> Result<Config, Problems> {
    let env: HashMap<&str, &str> = env.iter().copied().collect();
    load_with(&dir.join(FILE), &|name| env.get(name).map(OsString::from))
}

fn good(text: &str) -> Config {
    let dir = dir(&[(FILE, text)]);
    load_in(dir.path(), &[]).unwrap_or_else(|p| panic!("{p}"))
}

/// What is said about a config, one line each, without the directory.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let dir = dir(files);
    let problems = match load_in(dir.path(), &[]) {
        Ok(config) => config.warnings,
        Err(problems) => problems,
    };
    let prefix = format!("{}/", dir.path().display());
    problems.lines().map(|l| l.replace(&prefix, "")).collect()
}

/// Checks that all that is said about `text` is these lines, each by its beginning.
fn check(text: &str, expected: &[&str]) {
    let lines = said(&[(FILE, text)]);
    let same = lines.len() == expected.len() && lines.iter().zip(expected).all(|(l, e)| l.starts_with(e));
    assert!(same, "{text}\n--- said\n{}\n--- expected\n{}", lines.join("\n"), expected.join("\n"));
}

#[test]
fn one_url_is_enough() {
    let config = good("[[source]]\nurl = \"https://www.example.org/news/?lang=en\"\n");
    let source = &config.sources[0];
    assert_eq!(source.id.as_str(), "example-org-news-lang-en");
    assert_eq!(source.timeout, Duration::from_secs(30));
    assert_eq!(source.max_body, 16 << 20);
    assert_eq!(
        source.schedule,
        Schedule::Adaptive { min: Duration::from_mins(5), max: Duration::from_hours(12) }
    );
    assert!(source.enabled && !source.websub);
    assert_eq!(config.outputs.len(), 1);
    assert_eq!((config.outputs[0].id.as_str(), &config.outputs[0].sources), ("all", &None));
    assert_eq!(config.server.listen, Listen::Tcp("127.0.0.1:7878".to_owned()));
    assert_eq!(config.store.path, config.path.parent().unwrap().join("riverine.db"));
    assert!(config.warnings.is_empty());
    assert_eq!(config.files, std::slice::from_ref(&config.path));
}

#[test]
fn a_source_with_everything() {
    let config = good(
        r#"
        [fetch]
        timeout = "10s"
        [defaults]
        schedule = "every 1h"
        timezone = "Europe/Vienna"
        future = "hold"
        backfill = 5
        [[source]]
        url = "https://example.org/"
        [[source]]
        url = "https://example.org/news"
        id = "news_1"
        was = ["old"]
        name = "News"
        kind = "page"
        groups = ["a", "b"]
        schedule = "0 7-19 * * mon-fri"
        timezone = "UTC"
        language = "fr"
        enabled = false
        dedup = "link"
        headers = { "X-Key" = "k" }
        auth = { user = "u", password = "p" }
        full_text = true
        keep = { title = ["(?i)x"], language = ["en"] }
        drop = { category = ["^y$"] }
        timeout = "1m"
        max_body = 1000
        proxy = "socks5://127.0.0.1:9050"
        websub = false
        future = "keep"
        backfill = 0
        jitter = 1
        [source.page]
        item = "li, ul > li:is(.a, .b)"
        link = "a@href, @data-x"
        pages = 3
        "#,
    );
    let first = &config.sources[0];
    assert_eq!(first.schedule, Schedule::Every(Duration::from_hours(1)));
    assert_eq!(
        (first.timezone, first.future, first.backfill),
        (chrono_tz::Europe::Vienna, FuturePolicy::Hold, 5)
    );
    assert_eq!(first.timeout, Duration::from_secs(10));
    let s = &config.sources[1];
    assert_eq!(
        (s.id.as_str(), s.was[0].as_str(), s.kind, s.dedup),
        ("news_1", "old", Kind::Page, DedupRule::Link)
    );
    assert!(matches!(s.schedule, Schedule::Cron(_)));
    assert_eq!((s.timezone, s.language.as_deref(), s.enabled), (chrono_tz::UTC, Some("fr"), false));
    assert_eq!(s.headers[0].1.expose(), "k");
    assert_eq!(s.auth.as_ref().unwrap().password.expose(), "p");
    assert_eq!((s.keep.title[0].as_str(), s.keep.language[0].as_str()), ("(?i)x", "en"));
    assert_eq!(
        (s.timeout, s.max_body, s.websub, s.future),
        (Duration::from_mins(1), 1000, false, FuturePolicy::Keep)
    );
    assert_eq!((s.backfill, s.page.pages, s.page.link.as_deref()), (0, 3, Some("a@href, @data-x")));
    assert!((s.jitter - 1.0).abs() < f64::EPSILON);
}

#[test]
fn every_problem_at_once_with_its_place() {
    check(
        r#"
[server]
listen = "7878"
[fetch]
timeout = 30
conection = 3
per_host = -1
[[source]]
name = "no url"
[[source]]
url = "ftp://example.org/"
kind = "feeed"
timezone = "Vienna"
jitter = 1.5
keep = { title = ["("] }
[source.page]
pages = 0
item = "li["
"#,
        &[
            "riverine.toml:3:10: \"7878\" has no port",
            "riverine.toml:5:11: timeout must be a duration in quotes, this is a whole number; write it like timeout = \"30s\"",
            "riverine.toml:6:1: unknown key \"conection\" in [fetch]; ",
            "riverine.toml:7:12: per_host must be from 1 to 64",
            "riverine.toml:8:1: this [[source]] has no url",
            "riverine.toml:11:7: ftp: is not an address we can use",
            "riverine.toml:12:8: \"feeed\" is none of auto, feed, page, text; did you mean \"feed\"?",
            "riverine.toml:13:12: \"Vienna\" is not a time zone; did you mean \"Europe/Vienna\"?",
            "riverine.toml:14:10: jitter must be from 0.0 to 1.0",
            "riverine.toml:15:19: this is not a regular expression: unclosed group",
            "riverine.toml:17:9: pages must be from 1 to 100",
            "riverine.toml:18:8: \"li[\" is not a CSS selector",
        ],
    );
}

mod example;
mod parts;
