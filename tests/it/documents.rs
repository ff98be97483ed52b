//! The documentation keeps its word: configs in it are valid, commands in it run, links in it lead somewhere,
//! errors in it are errors of the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use regex::Regex;

use crate::app::{App, get, root, rss, source};
use crate::origin::{Origin, Reply};

/// README.md, and what lies in docs/.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths =
        vec![root().join("README.md"), root().join("ARCHITECTURE.md"), root().join("CHANGELOG.md")];
    for entry in
        fs::read_dir(root().join("docs")).unwrap().chain(fs::read_dir(root().join("docs/notes")).unwrap())
    {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The fenced blocks of a kind.
fn blocks<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    let open = format!("```{kind}\n");
    text.split(open.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn configs_are_valid() {
    let mut found = 0;
    for (path, text) in documents() {
        for block in blocks(&text, "toml") {
            let app = App::new("");
            app.write("riverine.toml", block);
            app.write("reader", "secret");
            let output = app
                .command(&["check"])
                .env("CREDENTIALS_DIRECTORY", app.path(""))
                .env("RIVERINE_BOARD_TOKEN", "secret")
                .output()
                .unwrap();
            let words = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}:\n{block}\n{words}", path.display());
            found += 1;
        }
    }
    assert!(found >= 4, "only {found} configs");
}

/// Lines of shell blocks that call riverine, comments cut off: (document, arguments).
fn calls() -> Vec<(PathBuf, String)> {
    let comment = Regex::new(r"\s+#.*$").unwrap();
    let mut calls = Vec::new();
    for (path, text) in documents() {
        for block in blocks(&text, "sh") {
            let checked = Command::new("bash").args(["-n", "-c", block]).output().unwrap();
            assert!(checked.status.success(), "{}: {checked:?}", path.display());
            for line in block.lines() {
                let line = comment.replace(line, "");
                // What it prints may go on to another program.
                let line = line.trim_start_matches("sudo ").split(" | ").next().unwrap_or_default();
                for start in ["riverine ", "cargo run --release -- "] {
                    calls.extend(line.strip_prefix(start).map(|call| (path.clone(), call.to_owned())));
                }
            }
        }
    }
    calls
}

#[test]
fn commands_run_as_written() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[("1", "Beavers return", "", "Text.")])));
    let calls = calls();
    assert!(calls.len() >= 8, "only {calls:?}");
    for (path, call) in calls {
        let app = App::new(&source("one", &origin, ""));
        app.write(
            "page.html",
            "<ul class=news><li><h3><a href=/1>One</a></h3><li><h3><a href=/2>Two</a></h3></ul>",
        );
        // The shell's quotes, and the one config there is here.
        let call =
            call.replace('"', "").replace("/etc/riverine/riverine.toml", app.config().to_str().unwrap());
        let call = call.replace(" > ", ">").replace("/var/backups", app.path(".").to_str().unwrap());
        // Nothing is written outside of it.
        let call = call.replace("/usr/local/share/man/man1", app.path("man").to_str().unwrap());
        let arguments: Vec<&str> = call.split_whitespace().collect();
        match arguments[0] {
            // They go on until they are told to stop: tests of their own.
            "serve" => assert_eq!(app.serve().stop(), 0, "{}", path.display()),
            "demo" => assert_eq!(arguments.len(), 1, "{}", path.display()),
            // Of something.
            "backup" | "explain" | "replay" => drop((app.ok(&["fetch"]), app.ok(&arguments))),
            _ => drop(app.ok(&arguments)),
        }
    }
}

#[test]
fn the_readme_lists_every_command_there_is() {
    let app = App::new("");
    let help = app.ok(&["--help"]);
    let listed = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names = Regex::new(r"(?m)^  ([a-z]+) ").unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = readme.split_once("| command | what it does |").unwrap().1.split_once("\n\n").unwrap().0;
    let command = Regex::new("`riverine ([a-z]+)").unwrap();
    let documented: BTreeSet<String> =
        command.captures_iter(table).map(|found| found[1].to_owned()).collect();
    for name in names.captures_iter(listed).map(|found| found[1].to_owned()) {
        // What is not built yet is refused, and not advertised.
        let call: Vec<&str> = match name.as_str() {
            "add" | "remove" | "search" | "explain" | "import" | "backup" | "restore" => vec![&name, "x"],
            _ => vec![&name],
        };
        let endless = ["serve", "demo", "fetch"].contains(&name.as_str());
        let refused = !endless && {
            let output = app.run(&call);
            String::from_utf8_lossy(&output.stderr).contains("not in this version")
        };
        assert_eq!(documented.contains(&name), !refused, "riverine {name}");
    }
}

#[test]
fn addresses_answer() {
    let origin = Origin::start();
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[("1", "News", "", "Text.")])));
    let app = App::new(&(source("one", &origin, "") + "[[feed]]\nid = \"press\"\n"));
    let daemon = app.serve();
    app.polled(&["one"]);
    let id = daemon.json("/feeds/all.json")["items"][0]["id"].as_str().unwrap().replace("urn:uuid:", "");
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = readme.split_once("| address | what |").unwrap().1.split_once("\n\n").unwrap().0;
    let mut found = 0;
    for line in table.lines() {
        let mut base = String::new();
        let addresses = line.split('|').nth(1).unwrap_or_default();
        for address in addresses.split('`').skip(1).step_by(2) {
            let address = address.replace("/sources/{id}", "/sources/one").replace("{id}", &id);
            // `.rss` means the same with another ending.
            let address = match address.strip_prefix('.') {
                Some(ending) => format!("{base}.{ending}"),
                None => address,
            };
            // That one goes on for ever.
            if address.ends_with("/events") {
                continue;
            }
            base = address.split('.').next().unwrap().to_owned();
            assert_eq!(get(&daemon.address, &address).status, 200, "{address}");
            found += 1;
        }
    }
    assert!(found >= 16, "only {found}");
}

#[test]
fn links_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)#\s]+)").unwrap();
    for (path, text) in documents() {
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if !target.contains("://") {
                let target = path.parent().unwrap().join(target);
                assert!(target.exists(), "{}: {}", path.display(), target.display());
            }
        }
    }
}

/// Everything the program can say: its sources, with what a line continues put together.
fn words() -> String {
    let continued = Regex::new(r"\\\n\s*").unwrap();
    let sources =
        super::tidy::sources().into_iter().map(|file| continued.replace_all(&file, "").into_owned());
    sources.collect::<Vec<_>>().join("\n")
}

#[test]
fn errors_explained_are_errors_there_are() {
    let text = fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let words = words();
    let quoted = Regex::new("`([^`]+)`").unwrap();
    let mut found = 0;
    for line in text.lines().filter(|line| line.starts_with("- `")) {
        let head = line.split_once("`: ").map_or(line, |(head, _)| head);
        for message in quoted.captures_iter(&format!("{head}`")) {
            // The parts that do not differ.
            for part in message[1].split(['…', ':']).map(str::trim).filter(|part| part.len() > 5) {
                let known = words.contains(part) || part.starts_with("answered ");
                assert!(known, "the program never says {part:?}");
                found += 1;
            }
        }
    }
    assert!(found >= 25, "only {found} messages");
}
