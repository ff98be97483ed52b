//! What commands print, and how they end: data on stdout, words on stderr, 0 done, 1 failed, 2 wrong.

use std::process::Output;

use crate::app::App;

fn words(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts how a command ended, and hands back its words.
fn ended(output: &Output, code: i32) -> String {
    let words = words(output);
    assert_eq!(output.status.code(), Some(code), "{words}");
    words
}

/// Every problem, in order: what is wrong, where, the line itself, what to write instead.
const PROBLEMS: &str = r#"error: unknown key "listn" in [server]
 --> riverine.toml:2:1
  |
2 | listn = "127.0.0.1:7878"
  | ^^^^^
  |
  = help: did you mean listen?

error: "30 parsecs" is not a duration; write it like 30s, 5m, 1h 30m or 7d
 --> riverine.toml:4:11
  |
4 | timeout = "30 parsecs"
  |           ^^^^^^^^^^^^
  |
  = help: write it like timeout = "30s"

error: two sources have the id "a"
  --> riverine.toml:10:6
   |
10 | id = "a"
   |      ^^^
   |
  ::: riverine.toml:7:6
   |
 7 | id = "a"
   |      --- the other one
   |
   = help: give one of them another id = "…"

3 problems
"#;

#[test]
fn a_broken_config_says_every_problem_at_once_and_starts_nothing() {
    let app = App::new("");
    app.write(
        "riverine.toml",
        "[server]\nlistn = \"127.0.0.1:7878\"\n[fetch]\ntimeout = \"30 parsecs\"\n[[source]]\n\
         url = \"https://one.example/feed\"\nid = \"a\"\n[[source]]\nurl = \"https://two.example/feed\"\nid = \"a\"\n",
    );
    for command in ["check", "serve", "fetch", "status"] {
        let output = app.command(&[command]).env("RIVERINE_CONFIG", "riverine.toml").output().unwrap();
        assert_eq!(ended(&output, 2), PROBLEMS, "{command}");
        assert!(output.stdout.is_empty(), "{command} printed data");
    }
    assert!(!app.path("riverine.db").exists(), "nothing may be started");
}

#[test]
fn a_sound_config_is_counted() {
    let app = App::new(
        "[[source]]\nurl = \"https://one.example/feed\"\n[[source]]\nurl = \"https://two.example/feed\"\n\
         enabled = false\n[[feed]]\nid = \"x\"\n",
    );
    assert_eq!(app.ok(&["check"]), "ok: 2 sources, 2 feeds (1 disabled)\n");
    assert!(!app.path("riverine.db").exists(), "check needs no store");
}

#[test]
fn a_problem_in_an_included_file_is_shown_there() {
    let app = App::new("");
    app.write("riverine.toml", "include = [\"sources.d/*.toml\"]\n");
    app.write(
        "sources.d/one.toml",
        "[[source]]\nurl = \"https://one.example/feed\"\nscedule = \"@hourly\"\n",
    );
    let words = ended(&app.run(&["check"]), 2);
    assert!(words.contains("unknown key \"scedule\""), "{words}");
    assert!(words.contains("sources.d/one.toml:3:1"), "{words}");
    assert!(words.contains("did you mean schedule?"), "{words}");
}

#[test]
fn without_a_config_one_is_told_how_to_begin() {
    let app = App::new("");
    let output = app.run(&["serve", "--config", "none.toml"]);
    let words = ended(&output, 2);
    assert!(words.contains("there is no config none.toml (named by --config)"), "{words}");
    assert!(words.contains("[[source]]") && words.contains("riverine demo"), "{words}");
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    let app = App::new("");
    app.write("riverine.toml", "[store]\nurl = \"postgresql://store.example/river\"\n");
    let words = ended(&app.run(&["check"]), 2);
    assert!(words.contains("not in this version"), "{words}");
}

#[test]
fn a_wrong_call_ends_with_two() {
    let app = App::new("[[source]]\nurl = \"https://one.example/feed\"\nid = \"one\"\n");
    ended(&app.run(&["flush"]), 2);
    ended(&app.run(&["parse"]), 2);
    let words = ended(&app.run(&["fetch", "two"]), 2);
    assert!(words.contains("no source \"two\""), "{words}");
}
