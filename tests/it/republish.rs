//! Every document of a corpus of real feeds and pages, through the real program, in each form: what comes out keeps
//! the musts of the specifications and the rules of the W3C feed validator, errors and warnings, as far as they
//! can be said of our vocabulary; and the three forms hold the same entries.

mod rules;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::app::{App, corpus, tool};
use crate::origin::{Origin, Reply};
use rules::Seen;

/// A document, and the type it is served as.
struct Document {
    path: PathBuf,
    content_type: String,
}

fn documents(corpus: &Path) -> Vec<Document> {
    let manifest: Value = serde_json::from_slice(&fs::read(corpus.join("manifest.json")).unwrap()).unwrap();
    let feed = |(name, facts): (&String, &Value)| Document {
        path: corpus.join("feeds").join(name),
        content_type: facts["content_type"].as_str().unwrap_or("application/xml").to_owned(),
    };
    let mut all: Vec<_> = manifest.as_object().unwrap().iter().map(feed).collect();
    let pages = fs::read_dir(corpus.join("pages")).unwrap().map(|page| page.unwrap().path());
    let mut pages: Vec<_> = pages.filter(|path| path.extension().is_some_and(|e| e == "html")).collect();
    pages.sort();
    all.extend(pages.into_iter().map(|path| Document { path, content_type: "text/html".to_owned() }));
    all
}

/// A program that has read all of them, each as a source of its own; nothing is merged.
fn river(documents: &[Document], origin: &Origin) -> App {
    let mut tables = "per_host = 16\n[defaults]\nbackfill = 5000\nschedule = \"every 10h\"\n\
         [[feed]]\nid = \"all\"\ntitle = \"All & everything\"\nlimit = 500\n"
        .to_owned();
    for (n, document) in documents.iter().enumerate() {
        origin.on(&format!("/{n}"), Reply::ok(&document.content_type, fs::read(&document.path).unwrap()));
        let url = origin.url(&format!("/{n}"));
        write!(tables, "[[source]]\nid = \"s{n}\"\nurl = \"{url}\"\ndedup = \"none\"\n").unwrap();
    }
    let app = App::new(&tables);
    // Some are no feeds and fail; that is what they are there for.
    app.run(&["fetch"]);
    app
}

/// What xmllint has to say.
fn ill_formed(document: &[u8]) -> Option<String> {
    use std::io::Write as _;
    let mut xmllint = Command::new("xmllint")
        .args(["--noout", "--nonet", "--pedantic", "--huge", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    xmllint.stdin.take().unwrap().write_all(document).unwrap();
    let output = xmllint.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success() || !words.is_empty()).then_some(words)
}

#[test]
fn whatever_comes_in_goes_out_without_a_warning() {
    let Some(corpus) = corpus().filter(|_| tool("xmllint")) else { return };
    let documents = documents(&corpus);
    let origin = Origin::start();
    let app = river(&documents, &origin);
    let daemon = app.serve();
    let mut faults = Vec::new();
    let (mut entries, mut read) = (0, 0);
    let check = |stem: &str, what: &str, faults: &mut Vec<String>| -> usize {
        let get = |form: &str| {
            let answer = daemon.get(&format!("/{stem}.{form}"));
            assert_eq!(answer.status, 200, "{stem}.{form}");
            answer
        };
        let (atom, rss, json) = (get("atom"), get("rss"), get("json"));
        let own = format!("https://river.example/{stem}");
        let mut found = Vec::new();
        found.extend(ill_formed(&atom.body));
        found.extend(ill_formed(&rss.body));
        let a = rules::atom(atom.text(), &own, &mut found);
        let r = rules::rss(rss.text(), &own, &mut found);
        let j = rules::json(json.text(), &own, &mut found);
        let spelt = |seen: &Seen| -> Seen {
            seen.iter().cloned().map(|one| (one.0, one.1.replace('\u{2060}', ""), one.2, one.3)).collect()
        };
        if a != j || spelt(&a) != r {
            found.push("the forms hold different entries".to_owned());
        }
        faults.extend(found.into_iter().map(|fault| format!("{stem} ({what}): {fault}")));
        a.len()
    };
    for (n, document) in documents.iter().enumerate() {
        let count = check(&format!("sources/s{n}"), &document.path.display().to_string(), &mut faults);
        entries += count;
        read += usize::from(count > 0);
    }
    check("feeds/all", "all of them", &mut faults);
    check("feeds/_health", "the daemon's news", &mut faults);
    let mut archives = 0;
    while daemon.get(&format!("/feeds/all/archive/{}.atom", archives + 1)).status == 200 {
        archives += 1;
        check(&format!("feeds/all/archive/{archives}"), "an archive", &mut faults);
    }
    eprintln!("{read} of {} documents have entries, {entries} in all; {archives} archives", documents.len());
    // The others are heads without entries, or are there to fail.
    assert!(read * 10 >= documents.len() * 6, "{read} of {} were read", documents.len());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
