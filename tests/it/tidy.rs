//! The house rules, read from the files themselves. A rule that fails says why it is one.
//! ARCHITECTURE.md tells the same in sentences; a change of the walls changes both.

mod scan;

use std::fmt::Write as _;

use regex::Regex;

use crate::app::root;
use scan::{File, bare, mentions};

/// The rooms, lowest first. A room knows the rows above its own, and nobody in its own row.
const WALLS: [&[&str]; 13] = [
    &["clock", "date", "link", "text", "units"],
    &["html", "language", "query"],
    &["model"],
    &["parse", "filter", "schedule", "render"],
    &["normalize", "dedup"],
    &["fetch", "notify", "store"],
    &["poll"],
    &["daemon"],
    &["server"],
    &["config"],
    &["cli"],
    &["lib"],
    &["main"],
];

/// Up to here rooms are pure: bytes and values in, values out. The clock alone may ask for the time.
const PURE: [&str; 14] = [
    "date",
    "link",
    "text",
    "units",
    "html",
    "language",
    "query",
    "model",
    "parse",
    "filter",
    "dedup",
    "schedule",
    "render",
    "normalize",
];

/// What a pure room does not speak of.
const IMPURE: [&str; 16] = [
    "tokio",
    "reqwest",
    "rusqlite",
    "axum",
    "hyper",
    "futures_util",
    "sd_notify",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::net::TcpStream",
    "SystemTime",
    "Instant",
    "Utc::now",
    "Local::now",
];

/// Crates that only some rooms speak to: their types do not travel.
const HOMES: [(&str, &[&str]); 28] = [
    ("ammonia", &["html"]),
    ("annotate_snippets", &["config"]),
    ("anyhow", &["cli", "main"]),
    ("askama", &["render", "server"]),
    ("atom_syndication", &["render"]),
    ("axum", &["server", "cli"]), // the demo serves its samples with it
    ("chardetng", &["parse"]),
    ("clap", &["cli"]),
    ("comfy_table", &["cli"]),
    ("unicode_width", &["cli"]),
    ("cron", &["schedule"]),
    ("encoding_rs", &["parse"]),
    ("hyper_util", &["server"]),
    ("indicatif", &["cli"]),
    ("prometheus_client", &["server"]),
    ("quick_xml", &["html", "parse", "render"]),
    ("reqwest", &["fetch"]),
    ("rss", &["render"]),
    ("rusqlite", &["store"]),
    ("rustls", &["fetch"]),
    ("scraper", &["parse", "config"]), // the config checks that selectors are selectors
    ("sd_notify", &["notify"]),
    ("toml", &["config"]),
    ("toml_edit", &["config"]),
    ("tower", &["server"]),
    ("tower_http", &["server"]),
    ("whichlang", &["language"]),
    ("x509_cert", &["fetch"]),
];

/// Lines of a file that can still be read in one sitting.
const LONGEST: usize = 500;

/// Fails with every breach, each with its place and the reason of the rule.
fn check(reason: &str, breaches: impl IntoIterator<Item = String>) {
    let mut list = String::new();
    for breach in breaches {
        let _ = write!(list, "\n  {breach}");
    }
    assert!(list.is_empty(), "{reason}{list}");
}

fn tree() -> Vec<File> {
    scan::files(root())
}

/// The texts of the program's sources.
pub fn sources() -> Vec<String> {
    let sources = tree().into_iter().filter(|file| file.path.starts_with("src/") && rust(&file.path));
    sources.map(|file| file.text).collect()
}

fn rust(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// Unit tests may look over any wall: what is rendered is read back by the parser there.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

/// The code of the program: path, room, text without comments and literals.
fn rooms() -> Vec<(String, String, String)> {
    let sources = tree().into_iter().filter(|file| file.path.starts_with("src/") && rust(&file.path));
    sources
        .filter(|file| !is_test(&file.path))
        .map(|file| {
            let room = file.path["src/".len()..].split(['/', '.']).next().unwrap().to_owned();
            // Inline test modules come last in a file.
            let code = bare(&file.text);
            let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            (file.path, room, code)
        })
        .collect()
}

fn row(room: &str) -> Option<usize> {
    WALLS.iter().position(|row| row.contains(&room))
}

#[test]
fn rooms_know_only_the_rows_above_their_own() {
    let mut breaches = Vec::new();
    for (path, room, code) in rooms() {
        let Some(own) = row(&room) else {
            breaches.push(format!("{path}: the room {room} stands in no row of WALLS"));
            continue;
        };
        for mention in mentions(&code) {
            let Some(other) = mention.room().filter(|other| *other != room) else { continue };
            // A name that is no room is something lib.rs itself offers: a macro, say.
            if row(other).is_some_and(|other| other >= own) {
                breaches.push(format!("{path}:{}: {room} uses {other}", mention.line));
            }
        }
    }
    check(
        "A room may use only the rows above its own (WALLS), so that each can be read, tested and changed \
         knowing only what lies under it. Move what is shared down, or hand it in as a value.",
        breaches,
    );
}

#[test]
fn other_rooms_are_named_from_the_top() {
    let climb = Regex::new(r"\b(?:super\s*::\s*)+").unwrap();
    let breaches = rooms().into_iter().flat_map(|(path, _, code)| {
        // src/a.rs is one step under the top, src/a/b.rs two.
        let depth = path.matches('/').count();
        let climbs: Vec<String> = climb
            .find_iter(&code)
            .filter(|found| found.as_str().matches("super").count() >= depth && path != "src/lib.rs")
            .map(|found| format!("{path}: {}…", found.as_str()))
            .collect();
        climbs
    });
    check(
        "Another room is `crate::room`, never `super::room`: the walls are read from those paths.",
        breaches,
    );
}

#[test]
fn pure_rooms_do_no_io_and_know_no_now() {
    let waits = Regex::new(r"\basync\b|\.await\b").unwrap();
    let mut breaches = Vec::new();
    for (path, room, code) in rooms() {
        if !PURE.contains(&room.as_str()) {
            continue;
        }
        for found in waits.find_iter(&code) {
            breaches.push(format!("{path}: {}", found.as_str()));
        }
        for mention in mentions(&code) {
            let said = mention.path.join("::");
            if IMPURE.iter().any(|word| mention.starts_with(word) || said.contains(&format!("::{word}"))) {
                breaches.push(format!("{path}:{}: {said}", mention.line));
            }
        }
    }
    check(
        "Up to render there is no async, no I/O and no \"now\": time comes in as a value, bytes come in as bytes, \
         and every test is data in, data out.",
        breaches,
    );
}

#[test]
fn foreign_types_stay_at_home() {
    let mut breaches = Vec::new();
    for (path, room, code) in rooms() {
        for mention in mentions(&code) {
            let Some((name, homes)) = HOMES.iter().find(|(name, _)| *name == mention.path[0]) else {
                continue;
            };
            if !homes.contains(&room.as_str()) {
                breaches.push(format!("{path}:{}: {name} belongs to {}", mention.line, homes.join(", ")));
            }
        }
    }
    check(
        "A crate that reads, writes or shows one thing is spoken to in one place, so that it can be replaced there.",
        breaches,
    );
}

#[test]
fn nouns_are_not_serialized() {
    let breaches = rooms()
        .into_iter()
        .filter(|(_, room, _)| room == "model")
        .flat_map(|(path, _, code)| mentions(&code).into_iter().map(move |mention| (path.clone(), mention)))
        .filter(|(_, mention)| mention.starts_with("serde"))
        .map(|(path, mention)| format!("{path}:{}", mention.line));
    check(
        "What leaves the process gets a struct of its own at the edge, so that a noun can change without a format.",
        breaches,
    );
}

#[test]
fn files_fit_in_one_sitting() {
    let breaches = tree().into_iter().filter(|file| rust(&file.path)).filter_map(|file| {
        let lines = file.text.lines().count();
        (lines > LONGEST).then(|| format!("{}: {lines} lines", file.path))
    });
    check(&format!("Over {LONGEST} lines a second idea has moved in: give it a file of its own."), breaches);
}

#[test]
fn files_are_named_for_what_they_hold() {
    const VAGUE: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "manager", "misc", "mod"];
    let breaches = tree().into_iter().filter(|file| rust(&file.path)).filter_map(|file| {
        let vague = file.path.split(['/', '.']).any(|part| VAGUE.contains(&part));
        vague.then_some(file.path)
    });
    check("A name says what lives there. (No mod.rs either: foo.rs beside foo/.)", breaches);
}

#[test]
fn files_open_with_what_they_do() {
    let breaches = tree()
        .into_iter()
        .filter(|file| rust(&file.path) && !file.path.ends_with("/tests.rs"))
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| file.path);
    check("Each file opens with what it does and what it never does.", breaches);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = Regex::new(concat!("todo!", r"\(|#\[ig", "nore|FIX", r"ME|\bX", r"XX\b")).unwrap();
    let breaches = tree().into_iter().filter(|file| rust(&file.path)).flat_map(|file| {
        let marked: Vec<String> = marks
            .find_iter(&file.text)
            .map(|found| {
                let line = file.text[..found.start()].matches('\n').count() + 1;
                format!("{}:{line}: {}", file.path, found.as_str())
            })
            .collect();
        marked
    });
    check(
        "What is merged is finished; what is not built is refused in words (\"not in this version\").",
        breaches,
    );
}

#[test]
fn the_tree_speaks_of_no_particular_machine() {
    // Written in halves, so that this file does not speak of one either.
    let places =
        [r"/wo", r"rk/|/fa", r"rm/|/ho", r"me/[a-z]|/ro", r"ot/|/tm", r"p/[a-z]|\.lib", r"rary\b"].concat();
    let places = Regex::new(&places).unwrap();
    let breaches = tree().into_iter().flat_map(|file| {
        let found: Vec<String> = file
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| places.is_match(line))
            .map(|(number, line)| format!("{}:{}: {}", file.path, number + 1, line.trim()))
            .collect();
        found
    });
    check("The project speaks of itself alone: no paths of the machine it was written on.", breaches);
}

#[test]
fn tests_wait_for_things_and_not_for_time() {
    let breaches = tree()
        .into_iter()
        // `eventually` asks again and again, with an end.
        .filter(|file| file.path.starts_with("tests/it/") && file.path != "tests/it/app.rs")
        .flat_map(|file| {
            mentions(&bare(&file.text)).into_iter().map(move |mention| (file.path.clone(), mention))
        })
        .filter(|(_, mention)| mention.path.last().is_some_and(|name| name == "sleep"))
        .map(|(path, mention)| format!("{path}:{}: {}", mention.line, mention.path.join("::")));
    check(
        "A sleep is too long on a fast machine and too short on a slow one: wait with app::eventually.",
        breaches,
    );
}
