//! Texts of real feeds, as they are and damaged.

use std::path::{Path, PathBuf};

use crate::model::{Kind, PageSelectors};
use crate::parse::{Input, parse};

use super::{base, gives_up, same};

/// Every text with markup of the corpus; `None`, and said, without one.
fn texts() -> Option<Vec<String>> {
    let Some(corpus) = std::env::var_os("RIVERINE_CORPUS").map(PathBuf::from) else {
        eprintln!("RIVERINE_CORPUS is not set: the corpus' texts are left out");
        return None;
    };
    let mut files = Vec::new();
    walk(&corpus.join("feeds"), &mut files);
    let mut texts = Vec::new();
    let selectors = PageSelectors::default();
    for file in files {
        let bytes = &*std::fs::read(&file).unwrap();
        let (content_type, content_language, url, kind) = (None, None, None, Kind::Auto);
        let input = Input { bytes, content_type, content_language, url, kind, selectors: &selectors };
        let Ok(parsed) = parse(&input) else { continue };
        let found = parsed.entries.into_iter().flat_map(|entry| [entry.summary, entry.content]).flatten();
        texts.extend(found.map(|text| text.value).filter(|text| text.contains('<')));
    }
    assert!(texts.len() > 100, "{} texts", texts.len());
    Some(texts)
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

#[test]
fn real_texts_are_read_as_the_tree_reads_them() {
    let Some(texts) = texts() else { return };
    let (mut taken, mut bytes, mut taken_bytes) = (0, 0, 0);
    for text in &texts {
        let is_taken = same(text, Some(&base()));
        same(text, None);
        bytes += text.len();
        if is_taken {
            taken += 1;
            taken_bytes += text.len();
        } else {
            eprintln!("left to the tree, {} bytes: {}", text.len(), gives_up(text));
        }
    }
    eprintln!("{taken} of {} texts, {taken_bytes} of {bytes} bytes are cleaned in one pass", texts.len());
    assert!(taken * 10 > texts.len() * 9 && taken_bytes * 10 > bytes * 9);
}

/// Numbers that look like chance and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// How often each text is damaged.
const DAMAGES: usize = 4;

#[test]
fn damaged_texts_are_read_as_the_tree_reads_them() {
    let Some(texts) = texts() else { return };
    let (mut numbers, mut taken) = (Numbers(1), 0);
    for text in &texts {
        // Tags with the text behind them: some are lost, twice there, elsewhere, or another text's.
        let pieces: Vec<&str> = text.split_inclusive('>').collect();
        let other: Vec<&str> = texts[numbers.below(texts.len())].split_inclusive('>').collect();
        for _ in 0..DAMAGES {
            let mut pieces = pieces.clone();
            for _ in 0..=numbers.below(3) {
                let (at, to) = (numbers.below(pieces.len()), numbers.below(pieces.len()));
                match numbers.below(5) {
                    0 if pieces.len() > 1 => drop(pieces.remove(at)),
                    1 => pieces.insert(to, pieces[at]),
                    2 => pieces.swap(at, to),
                    3 => pieces.insert(to, other[numbers.below(other.len())]),
                    _ => pieces[at] = pieces[at].get(1..).unwrap_or_default(),
                }
            }
            taken += usize::from(same(&pieces.concat(), Some(&base())));
        }
    }
    eprintln!("{taken} of {} damaged texts are cleaned in one pass", texts.len() * DAMAGES);
    assert!(taken * 4 > texts.len() * DAMAGES);
}
