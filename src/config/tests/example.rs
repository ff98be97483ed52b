//! `config/example.toml` stays whole: every key is in it, all of it is right, and the
//! defaults it states are those of the code.

use super::super::keys::{Key, NOT_YET, ROOT, Shape, Table};
use super::*;

const EXAMPLE: &str = include_str!("../../../config/example.toml");

/// The example with every option set: `#key = …` loses its `#`.
fn uncommented() -> String {
    let line = |l: &str| match l.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest.to_owned(),
        _ => l.to_owned(),
    };
    EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
}

const ENV: &[(&str, &str)] = &[
    ("RIVERINE_TOKEN", "t"),
    ("RIVERINE_ADMIN_TOKEN", "a"),
    ("RIVERINE_FEED_TOKEN", "f"),
    ("EXAMPLE_PASSWORD", "p"),
];

#[test]
fn all_of_it_is_right_as_it_is_and_uncommented() {
    let pem = ("our-root.pem", "");
    let plain = dir(&[(FILE, EXAMPLE), pem]);
    let config = load_in(plain.path(), &[]).unwrap_or_else(|p| panic!("{p}"));
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    assert_eq!(config.sources[0].id.as_str(), "example-org-news", "as the comment says");
    let full = dir(&[(FILE, &uncommented()), pem]);
    let config = load_in(full.path(), ENV).unwrap_or_else(|p| panic!("{p}"));
    assert!(config.warnings.is_empty(), "{}", config.warnings);
}

/// The value of a key in a document: of the first of several tables.
fn get<'v>(table: &'v toml::Table, key: &Key) -> Option<&'v toml::Value> {
    let value = table.get(key.name)?;
    match (key.shape, value) {
        (Shape::Tables(_), toml::Value::Array(list)) => list.first(),
        _ => Some(value),
    }
}

fn whole(known: &Table, written: &toml::Table, missing: &mut Vec<String>) {
    for key in known.keys {
        let path = format!("{}.{}", known.path, key.name);
        let path = path.trim_start_matches('.').to_owned();
        let Some(value) = get(written, key) else {
            if !NOT_YET.contains(&path.as_str()) {
                missing.push(path);
            }
            continue;
        };
        assert!(!NOT_YET.contains(&path.as_str()), "{path} is not in this version: take it out");
        if !key.default.is_empty() {
            let default: toml::Table = format!("x = {}", key.default).parse().unwrap();
            assert_eq!(value, &default["x"], "the default of {path}");
        }
        match key.shape {
            // keep, drop and auth are shown in one line.
            Shape::Table(inner) | Shape::Tables(inner)
                if key.default.is_empty() && key.example.is_empty() =>
            {
                whole(inner, value.as_table().unwrap(), missing);
            }
            Shape::Table(inner) if inner.path == "source.page" => {
                whole(inner, value.as_table().unwrap(), missing);
            }
            _ => {}
        }
    }
}

#[test]
fn every_key_is_in_it_with_its_default() {
    let written: toml::Table = uncommented().parse().unwrap();
    let mut missing = Vec::new();
    whole(&ROOT, &written, &mut missing);
    assert_eq!(missing, Vec::<String>::new());
}

/// Every default of a table, written out.
fn defaults(known: &Table) -> String {
    let lines = known.keys.iter().filter(|k| !k.default.is_empty());
    lines.map(|k| format!("{} = {}\n", k.name, k.default)).collect()
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_code() {
    let table = |name: &str| match ROOT.key(name).unwrap().shape {
        Shape::Table(t) | Shape::Tables(t) => t,
        _ => panic!("{name} is no table"),
    };
    let Shape::Table(page) = table("source").key("page").unwrap().shape else { panic!("page is no table") };
    let mut text = defaults(&ROOT);
    for name in ["server", "store", "fetch", "dedup", "defaults"] {
        text.push_str(&format!("[{name}]\n{}", defaults(table(name))));
    }
    text.push_str(&format!("[[source]]\nurl = 'https://example.org/'\n{}", defaults(table("source"))));
    text.push_str(&format!("[source.page]\n{}", defaults(page)));
    text.push_str(&format!("[[feed]]\nid = 'all'\n{}", defaults(table("feed"))));

    let place = dir(&[(FILE, &text)]);
    let written = format!("{:#?}", load_in(place.path(), &[]).unwrap_or_else(|p| panic!("{p}")));
    std::fs::write(place.path().join(FILE), "[[source]]\nurl = 'https://example.org/'\n").unwrap();
    let silent = format!("{:#?}", load_in(place.path(), &[]).unwrap_or_else(|p| panic!("{p}")));
    assert_eq!(written, silent);
}

#[test]
fn every_example_of_the_table_is_right() {
    fn examples(known: &Table) -> String {
        let given = known.keys.iter().filter(|k| !k.example.is_empty());
        given.map(|k| format!("{} = {}\n", k.name, k.example)).collect()
    }
    let mut text = String::new();
    for key in ROOT.keys {
        match key.shape {
            Shape::Table(t) => text.push_str(&format!("[{}]\n{}", key.name, examples(t))),
            Shape::Tables(t) => text.push_str(&format!("[[{}]]\n{}", key.name, examples(t))),
            _ => {}
        }
    }
    let text = text
        .replace("{ credential = \"admin\" }", "{ env = \"RIVERINE_TOKEN\" }")
        .replace("/etc/ssl/our-root.pem", "our-root.pem");
    let place = dir(&[(FILE, &text), ("our-root.pem", ""), ("token", "t\n"), ("password", "p\r\n")]);
    let env = [("RIVERINE_TOKEN", "t"), ("KEY", "k")];
    let config = load_in(place.path(), &env).unwrap_or_else(|p| panic!("{p}"));
    let auth = config.sources[0].auth.as_ref().unwrap();
    assert_eq!(auth.password.expose(), "p", "a line end is no part of a secret");
}

/// A wrong value under every key is reported: so every key is read.
#[test]
fn every_key_refuses_a_value_of_another_shape() {
    fn wrong(known: &'static Table, header: &str, all: &mut Vec<(String, String)>) {
        for key in known.keys {
            let nested = match key.shape {
                Shape::Table(inner) => {
                    Some((inner, format!("{}.{}", header.trim_matches(['[', ']']), key.name)))
                }
                Shape::Tables(inner) => Some((inner, key.name.to_owned())),
                _ => None,
            };
            if let Some((inner, path)) = nested {
                let path = path.trim_start_matches('.');
                let tables = matches!(key.shape, Shape::Tables(_));
                wrong(inner, &if tables { format!("[[{path}]]") } else { format!("[{path}]") }, all);
            }
            let url =
                if header == "[[source]]" && key.name != "url" { "url = 'https://a.example/'\n" } else { "" };
            let parent =
                if header.starts_with("[source.") { "[[source]]\nurl = 'https://a.example/'\n" } else { "" };
            let parent = if header.starts_with("[feed.") { "[[feed]]\nid = 'x'\n" } else { parent };
            let id = if header == "[[feed]]" && key.name != "id" { "id = 'x'\n" } else { "" };
            let text = format!("{parent}{header}\n{url}{id}{} = 1979-05-27\n", key.name);
            all.push((key.name.to_owned(), text));
        }
    }
    let mut all = Vec::new();
    wrong(&ROOT, "", &mut all);
    assert!(all.len() > 100, "{}", all.len());
    for (name, text) in all {
        let said = said(&[(FILE, &text)]);
        assert!(
            said.iter().any(|l| l.contains(&format!(": {name} must be")) || l.contains("a secret is")),
            "{text}\n{said:#?}"
        );
    }
}
