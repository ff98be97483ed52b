//! Documents of `tests/fixtures/feeds`, and what `riverine parse` prints of each.
//! Drop one in: its first comment says what it shows.

use std::process::Command;

use riverine::model::{Kind, PageSelectors};
use riverine::parse::{self, Input};

use crate::app::root;

#[test]
fn every_document_is_read_as_before() {
    let directory = root().join("tests/fixtures/feeds");
    let mut files: Vec<_> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 20, "{} has only {} documents", directory.display(), files.len());
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let output = Command::new(env!("CARGO_BIN_EXE_riverine"))
            .args(["parse", "--url", "https://base.example/feeds/document", "--timezone", "Europe/Vienna"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        insta::with_settings!({ snapshot_path => "../fixtures/read", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, printed);
        });
    }
}

/// Every entry that feed-rs finds, we find too, in its order. (It leaves out what has no link, say.)
#[test]
fn what_another_reader_finds_is_found() {
    let words = |text: &str| riverine::html::to_text_if_markup(text);
    let mut compared = 0;
    for file in std::fs::read_dir(root().join("tests/fixtures/feeds")).unwrap() {
        let file = file.unwrap().path();
        // What was encoded twice it reads as it stands.
        if file.ends_with("encoded-twice.xml") {
            continue;
        }
        let bytes = std::fs::read(file).unwrap();
        let other = std::panic::catch_unwind(|| feed_rs::parser::parse(bytes.as_slice()));
        // It refuses what is damaged, and finds nothing in old formats.
        let Ok(Ok(other)) = other else { continue };
        if other.entries.is_empty() {
            continue;
        }
        let selectors = PageSelectors::default();
        let input = Input {
            bytes: &bytes,
            content_type: None,
            content_language: None,
            url: None,
            kind: Kind::Feed,
            selectors: &selectors,
        };
        let own = parse::parse(&input).unwrap().entries;
        let own = own.iter().map(|entry| entry.title.as_ref().map_or("", |title| title.value.as_str()));
        let other =
            other.entries.iter().map(|entry| entry.title.as_ref().map_or("", |title| title.content.as_str()));
        let (own, other): (Vec<_>, Vec<_>) = (own.map(words).collect(), other.map(words).collect());
        let mut rest = own.iter();
        assert!(other.iter().all(|title| rest.any(|found| found == title)), "{other:?} in {own:?}");
        compared += 1;
    }
    assert!(compared >= 5, "only {compared} documents were compared");
}
