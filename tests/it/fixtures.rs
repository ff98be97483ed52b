//! Documents of `tests/fixtures/feeds`, and what `riverine parse` prints of each.
//! Drop one in: its first comment says what it shows.

use std::process::Command;

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
