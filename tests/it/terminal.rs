//! What is printed fits the terminal it is printed on, and is whole where it goes elsewhere.

use std::process::Command;

use crate::app::{App, rss, source, tool};
use crate::origin::{Origin, Reply};

/// What a command prints on a terminal with so many columns.
fn on_terminal(app: &App, columns: usize, args: &[&str]) -> String {
    let run = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let sized = format!("stty cols {columns}; exec \"$0\" \"$@\"");
    let program = app.command(args);
    let mut terminal = Command::new("python3");
    terminal.args(["-c", run, "sh", "-c", &sized]).arg(program.get_program()).args(args);
    terminal.current_dir(app.path(".")).stdin(std::process::Stdio::null());
    terminal.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = terminal.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n")
}

const LONG: &str = "beavers-of-the-upper-alder-and-of-the-lower";
const TITLE: &str =
    "Beavers have returned to the upper Alder for the first time in more than a century, they said";

fn river() -> (App, Origin) {
    let origin = Origin::start();
    let time = "Mon, 16 Nov 2026 08:00:00 GMT";
    origin.on("/one", Reply::ok("application/rss+xml", rss("One", &[("1", TITLE, time, "Text.")])));
    let app = App::new(&(source("one", &origin, "") + &source("missing-here", &origin, "")));
    app.run(&["fetch"]);
    (app, origin)
}

/// Every word of what is whole.
fn check(terminal: &str, columns: usize, whole: &str) {
    let words: Vec<&str> = whole.split_whitespace().collect();
    for line in terminal.lines().filter(|line| !line.starts_with("(no room for ")) {
        for word in line.split_whitespace() {
            assert!(words.contains(&word), "{word:?} is a piece of a word:\n{terminal}");
        }
        let alone = line.split_whitespace().count() <= 2;
        assert!(line.chars().count() <= columns || alone, "{line:?} is too long:\n{terminal}");
    }
}

#[test]
fn status_and_explain_break_between_words_on_a_terminal() {
    if !tool("python3") {
        return;
    }
    let (app, origin) = river();
    let table = app.ok(&["status"]);
    assert!(table.lines().any(|line| line.starts_with(" one ") && line.ends_with(" 0")), "{table}");
    let status = on_terminal(&app, 80, &["status"]);
    check(&status, 80, &table);
    for said in ["missing-here", "404", "Not Found", "unchanged"] {
        assert!(status.contains(said), "{said} in {status}");
    }
    assert_eq!(on_terminal(&app, 300, &["status"]).trim_end(), table.trim_end());
    // Rather a column less than a word a line.
    let status = on_terminal(&app, 90, &["status"]);
    assert!(
        status.contains(" schedule every 10m ") && status.contains("(no room for unchanged; --json"),
        "{status}"
    );
    // An id that leaves no room for the rest.
    app.configure(&source(LONG, &origin, ""));
    app.run(&["fetch"]);
    let narrow = on_terminal(&app, 60, &["status"]);
    assert!(narrow.contains(" beavers-of-the-") && narrow.contains('…'), "{narrow}");
    assert!(
        narrow.contains("(no room for unchanged, requests, last poll, entries; --json has all)"),
        "{narrow}"
    );
    assert!(app.ok(&["status"]).contains(LONG));
    check(&on_terminal(&app, 80, &["status", "--hosts"]), 80, &app.ok(&["status", "--hosts"]));

    let table = app.ok(&["explain", "beavers"]);
    assert!(table.contains(&format!(" {TITLE} ")), "side by side: {table}");
    let told = on_terminal(&app, 80, &["explain", "beavers"]);
    check(&told, 80, &table);
    for said in ["\n  rule    first\n", "\n  link    https://origin.example/1\n", "feed all: has it"] {
        assert!(told.contains(said), "{said:?} in {told}");
    }
    assert_eq!(on_terminal(&app, 400, &["explain", "beavers"]), table);
}

/// As the daemon's log says it, where one asks for more.
#[test]
fn fetch_says_on_request_when_each_source_is_polled_next_and_why() {
    let (app, origin) = river();
    origin.on("/two", Reply::ok("application/rss+xml", rss("Two", &[])));
    app.configure(&(source("one", &origin, "") + &source("two", &origin, "")));
    let words = |args: &[&str]| {
        let output = app.run(args);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    app.set_clock("2026-11-16T12:01:00Z");
    let next = "one: next poll 2026-11-16 12:11:00 UTC: schedule every 10m";
    assert_eq!(words(&["fetch"]), "");
    assert_eq!(words(&["-v", "fetch", "one"]), format!("{next}\n"));
    let all = words(&["fetch", "-v"]);
    assert!(all.contains(next) && all.contains("two: next poll "), "{all}");
    let log = words(&["fetch", "-vv", "one"]);
    assert!(log.contains(next) && log.contains("/one, ") && log.contains("answered 200"), "{log}");
    let _daemon = app.serve();
    assert_eq!(words(&["fetch", "-v", "one"]), format!("{next}\n"));
}
