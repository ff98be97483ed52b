//! Pages of `tests/fixtures/pages`, read without any selector: beside each lies what a person sees in it
//! (`NAME.json`). The selectors that were learned are then configured, and must give the same entries.

use std::path::Path;
use std::process::{Command, Output};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

use crate::app::root;

fn parse(url: &str, page: &Path, select: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_riverine"));
    command.args(["parse", "--url", url]);
    for one in select {
        command.args(["--select", one]);
    }
    command.arg(page).output().unwrap()
}

/// Days may stand for the midnight they begin with.
fn instant(said: &Value) -> Option<DateTime<Utc>> {
    let said = said.as_str()?;
    let day = || Some(said.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc());
    said.parse().ok().or_else(day)
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What of the printed document is not as expected.
fn differences(printed: &Value, expected: &Value) -> Vec<String> {
    let (entries, wanted) = (list(printed, "entries"), list(expected, "entries"));
    let mut differences = Vec::new();
    if entries.len() != wanted.len() {
        differences.push(format!("{} entries, not {}", entries.len(), wanted.len()));
    }
    for (entry, wanted) in entries.iter().zip(wanted) {
        for key in ["title", "link"] {
            if wanted[key].is_string() && entry[key] != wanted[key] {
                differences.push(format!("{key} {} is not {}", entry[key], wanted[key]));
            }
        }
        if instant(&entry["published"]) != instant(&wanted["published"]) {
            differences.push(format!("published {} is not {}", entry["published"], wanted["published"]));
        }
    }
    for (entry, part) in entries.iter().zip(list(expected, "contains")) {
        let text = format!("{}{}", entry["summary"], entry["content"]);
        if !text.contains(part.as_str().unwrap()) {
            differences.push(format!("{part} is not in {text}"));
        }
    }
    for (entry, language) in entries.iter().zip(list(expected, "languages")) {
        if entry["language"] != *language {
            differences.push(format!("language {} is not {language}", entry["language"]));
        }
    }
    for entry in entries.iter().filter(|_| expected["authors"].is_array()) {
        if entry["authors"] != expected["authors"] {
            differences.push(format!("authors {} are not {}", entry["authors"], expected["authors"]));
        }
    }
    differences
}

#[test]
fn lists_are_found_without_selectors_and_again_with_those_learned() {
    let directory = root().join("tests/fixtures/pages");
    let mut failures = Vec::new();
    let mut count = 0;
    for page in std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()) {
        if page.extension().is_none_or(|extension| extension != "html") {
            continue;
        }
        count += 1;
        let name = page.file_stem().unwrap().to_str().unwrap();
        let expected: Value =
            serde_json::from_slice(&std::fs::read(page.with_extension("json")).unwrap()).unwrap();
        let url = expected["url"].as_str().unwrap();
        let output = parse(url, &page, &[]);
        if expected["nothing"] == true {
            if output.status.code() != Some(1) {
                failures.push(format!("{name}: a list was found where none is"));
            }
            continue;
        }
        if !output.status.success() {
            failures.push(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
            continue;
        }
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        failures.extend(differences(&printed, &expected).into_iter().map(|one| format!("{name}: {one}")));
        let Some(learned) = printed["page"].as_object() else { continue };
        let select: Vec<String> =
            learned.iter().filter_map(|(key, css)| Some(format!("{key}={}", css.as_str()?))).collect();
        let again: Value = serde_json::from_slice(&parse(url, &page, &select).stdout).unwrap();
        if again["entries"] != printed["entries"] {
            failures.push(format!("{name}: with {select:?} the entries are others"));
        }
    }
    assert!(count >= 20, "{} has only {count} pages", directory.display());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
