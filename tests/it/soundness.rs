//! Whether the store is sound is looked at behind everything else, and told where people and machines look.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::Command;
use std::time::Duration;

use rstest::rstest;
use rusqlite::Connection;
use serde_json::Value;

use crate::app::{App, Daemon, Stopwatch, eventually, root, tool};

const DISABLED: &str = "[[source]]\nurl = \"https://one.example/feed\"\nid = \"one\"\nenabled = false\n";
const ADMIN: &str = "[server]\nlisten = \"127.0.0.1:0\"\nadmin_token = \"sesame\"\n";

/// What `status` says of the store, once that is known.
fn known(app: &App) -> Value {
    eventually("what is known of the store", || {
        let report: Value = serde_json::from_str(&app.ok(&["status", "--json"])).unwrap();
        (report["store"]["state"] != "checking").then(|| report["store"].clone())
    })
}

fn over_http(daemon: &Daemon) -> Value {
    let answer = daemon.request("GET", "/api/status", &[("Authorization", "Bearer sesame")]);
    serde_json::from_slice::<Value>(&answer.body).unwrap()["store"].clone()
}

#[test]
fn a_sound_store_is_said_to_be_so() {
    let app = App::new(DISABLED);
    app.write("riverine.toml", &format!("{ADMIN}{DISABLED}"));
    let daemon = app.serve();
    assert_eq!(daemon.get("/readyz").status, 200, "nobody waits for it");
    let store = known(&app);
    let expected = r#"{"state":"sound","checked":"2026-11-16T12:00:00Z","damage":null}"#;
    assert_eq!(store, serde_json::from_str::<Value>(expected).unwrap());
    assert_eq!(over_http(&daemon), store);
    let words = app.ok(&["status"]);
    assert!(words.contains("\nthe store is sound (checked 2026-11-16 12:00:00Z)\n"), "{words}");
    assert_eq!(daemon.get("/readyz").status, 200);
    assert_eq!(daemon.stop(), 0);
    // What an earlier daemon knew says nothing about the file of today.
    let report: Value = serde_json::from_str(&app.ok(&["status", "--json"])).unwrap();
    assert_eq!(report["store"], Value::Null);
    assert!(!app.ok(&["status"]).contains("the store is"));
}

/// Rows that nobody asks for at the start; then a page of `tree` is written over, as a disk or another program would.
fn damage(app: &App, tree: &str, kind: &str) {
    let path = app.path("riverine.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         INSERT INTO health (source, at, kind, words)
         SELECT (SELECT min(number) FROM sources), 1700000000 + i, 'broken',
           CASE WHEN i = 1000 THEN hex(randomblob(20000)) ELSE 'words ' || i END FROM n",
    )
    .unwrap();
    let page: i64 = db
        .query_row(
            "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = ?2 ORDER BY pageno LIMIT 1 OFFSET 2",
            [tree, kind],
            |row| row.get(0),
        )
        .unwrap();
    let size: i64 = db.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    db.close().unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    let garbage = "rubbish ".repeat(usize::try_from(size).unwrap() / 8);
    file.write_all_at(garbage.as_bytes(), u64::try_from((page - 1) * size).unwrap()).unwrap();
}

#[rstest]
#[case::table("health", "leaf")]
#[case::overflow("health", "overflow")]
#[case::index("health_source", "leaf")]
fn a_damaged_page_is_found_before_anybody_asks_for_it(#[case] tree: &str, #[case] kind: &str) {
    let app = App::new(DISABLED);
    app.write("riverine.toml", &format!("{ADMIN}{DISABLED}"));
    assert_eq!(app.serve().stop(), 0);
    damage(&app, tree, kind);
    let daemon = app.serve();
    let store = known(&app);
    assert_eq!(store["state"], "damaged", "{store}");
    assert_eq!(store["checked"], "2026-11-16T12:00:00Z");
    let damage = store["damage"].as_str().unwrap();
    assert!(damage.starts_with("table health: ") && damage.contains("page"), "{damage}");
    assert_eq!(over_http(&daemon), store);
    let ready = daemon.get("/readyz");
    assert_eq!(ready.status, 503);
    let expected = format!("not ready: the store is damaged ({damage}); stop riverine and restore a backup");
    assert_eq!(ready.text().trim_end(), expected);
    // Whom it belongs to is told which file, and what to do.
    let remedy = format!(
        "{} is damaged ({damage}): stop riverine and `riverine restore` a backup; without one, \
         docs/troubleshooting.md says how to rescue what can be read",
        app.path("riverine.db").display()
    );
    let words = app.ok(&["status"]);
    assert!(words.contains(&remedy), "{words}");
    eventually("the log", || daemon.log().contains(&remedy).then_some(()));
    assert_eq!(daemon.log().matches("is damaged").count(), 1, "{}", daemon.log());
    // What can be read is served on.
    assert_eq!(daemon.get("/feeds/all.atom").status, 200);
    assert_eq!(daemon.get("/healthz").status, 200);
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_damaged_store_is_well_again_with_its_backup() {
    let app = App::new(DISABLED);
    assert_eq!(app.serve().stop(), 0);
    app.ok(&["backup", "copy.db"]);
    damage(&app, "health", "leaf");
    let daemon = app.serve();
    eventually("the damage", || (daemon.get("/readyz").status == 503).then_some(()));
    assert_eq!(daemon.stop(), 0);
    app.ok(&["restore", "copy.db"]);
    let daemon = app.serve();
    assert_eq!(known(&app)["state"], "sound");
    assert_eq!(daemon.get("/readyz").status, 200);
}

#[test]
fn what_can_be_read_is_rescued_as_the_documentation_says() {
    if !tool("sqlite3") {
        return;
    }
    let app = App::new(DISABLED);
    assert_eq!(app.serve().stop(), 0);
    damage(&app, "health", "leaf");
    let text = std::fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let rescue = blocks.into_iter().find(|block| block.contains(".dump")).unwrap();
    let ran = Command::new("bash").args(["-c", rescue]).current_dir(app.path(".")).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    app.ok(&["restore", "rescued.db"]);
    let _daemon = app.serve();
    assert_eq!(known(&app)["state"], "sound");
    let db = Connection::open(app.path("riverine.db")).unwrap();
    let rows: i64 = db.query_row("SELECT count(*) FROM health", [], |row| row.get(0)).unwrap();
    assert!((2500..3000).contains(&rows), "{rows} of 3000");
}

#[test]
fn whoever_stops_it_does_not_wait_for_the_look() {
    let app = App::new(DISABLED);
    assert_eq!(app.serve().stop(), 0);
    let db = Connection::open(app.path("riverine.db")).unwrap();
    db.execute_batch(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000)
         INSERT INTO changes (number, entry) SELECT i, i FROM n",
    )
    .unwrap();
    db.close().unwrap();
    let daemon = app.serve();
    let watch = Stopwatch::start();
    assert_eq!(daemon.stop(), 0);
    assert!(watch.elapsed() < Duration::from_secs(8), "after so long whatever runs is left behind");
}
