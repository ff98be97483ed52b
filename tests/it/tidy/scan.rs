//! What the tidy rules look at: the files of the tree, and the paths a Rust file speaks of.
//! Reads Rust only as far as that needs: comments and literals are blanked, `use` trees are unfolded.

use std::fs;
use std::path::Path;

use regex::Regex;

/// A file of the tree.
pub struct File {
    /// Relative to the root, with slashes.
    pub path: String,
    /// As it stands.
    pub text: String,
}

/// A path in the code: `crate::model::Entry`, `tokio::spawn`.
#[derive(Debug, PartialEq, Eq)]
pub struct Mention {
    /// Counted from 1.
    pub line: usize,
    /// Its segments.
    pub path: Vec<String>,
}

impl Mention {
    /// The room of ours that is meant, if one is.
    pub fn room(&self) -> Option<&str> {
        match self.path.first()?.as_str() {
            "crate" | "riverine" => self.path.get(1).map(String::as_str),
            _ => None,
        }
    }

    /// `std::fs`, from `std::fs::read`.
    pub fn starts_with(&self, path: &str) -> bool {
        let mut segments = self.path.iter();
        path.split("::").all(|segment| segments.next().is_some_and(|own| own == segment))
    }
}

/// Everything under the root that belongs to the project and is text.
pub fn files(root: &Path) -> Vec<File> {
    let mut found = Vec::new();
    collect(root, root, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(root: &Path, directory: &Path, found: &mut Vec<File>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if ["target", ".git", "node_modules"].contains(&name) {
            // What is built, and what git keeps, nobody wrote.
        } else if path.is_dir() {
            collect(root, &path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            found.push(File { path, text });
        }
    }
}

/// Every path that code speaks of, `use` trees unfolded.
pub fn mentions(code: &str) -> Vec<Mention> {
    let uses = Regex::new(r"\buse\s+([^;]+);").unwrap();
    let inline = Regex::new(r"\b[A-Za-z_]\w*(?:\s*::\s*[A-Za-z_]\w*)+").unwrap();
    let mut found = Vec::new();
    for tree in uses.captures_iter(code) {
        let tree = tree.get(1).unwrap();
        for path in unfold(tree.as_str()) {
            found.push(mention(code, tree.start(), &path));
        }
    }
    for path in inline.find_iter(code) {
        found.push(mention(code, path.start(), path.as_str()));
    }
    found
}

fn mention(code: &str, at: usize, path: &str) -> Mention {
    let line = code[..at].matches('\n').count() + 1;
    Mention { line, path: path.split("::").map(|segment| segment.trim().to_owned()).collect() }
}

/// `a::{b, c::{d, e}}` → `a::b`, `a::c::d`, `a::c::e`.
fn unfold(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap();
        return vec![path.to_owned()];
    };
    let (stem, inside) = (&tree[..open], &tree[open + 1..tree.rfind('}').unwrap()]);
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, character) in inside.char_indices().chain([(inside.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let branch = &inside[start..at];
                if !branch.trim().is_empty() {
                    found.extend(unfold(branch).iter().map(|path| format!("{}{path}", stem.trim())));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// The code with comments and literals blanked; lines stay where they are.
pub fn bare(text: &str) -> String {
    let skip = Regex::new(concat!(
        r"(?s)//[^\n]*",                           // line comments, documentation too
        r"|/\*.*?\*/",                             // block comments; nested ones we do not write
        r##"|b?r#"(?:.*?)"#|b?r"[^"]*""##,         // raw strings, with one # at most
        r#"|b?"(?:\\.|[^"\\])*""#,                 // strings
        r"|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\])'"  // characters, and no lifetimes
    ))
    .unwrap();
    let blank = |found: &regex::Captures<'_>| {
        found[0].chars().map(|character| if character == '\n' { '\n' } else { ' ' }).collect::<String>()
    };
    skip.replace_all(text, blank).into_owned()
}

#[test]
fn a_scan_sees_what_code_says_and_only_that() {
    let code = "use crate::{model::{Entry, Kind as K}, text};\n// use crate::cli;\n\
        fn f<'a>(x: &'a str) -> std::io::Result<()> { let s = \"crate::server\"; '\"'; crate::link::mask(s) }\n";
    let found = mentions(&bare(code));
    let rooms: Vec<(usize, &str)> = found.iter().filter_map(|m| Some((m.line, m.room()?))).collect();
    assert_eq!(rooms, [(1, "model"), (1, "model"), (1, "text"), (3, "link")]);
    assert!(found.iter().any(|mention| mention.line == 3 && mention.starts_with("std::io")));
    assert!(!found.iter().any(|mention| mention.starts_with("std::fs")));
}
