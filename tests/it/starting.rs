//! Start and end: who may write to a store, which files are refused and left alone, signals that end it all.

use std::fs;

use crate::app::{App, eventually, tool};

const DISABLED: &str = "[[source]]\nurl = \"https://one.example/feed\"\nid = \"one\"\nenabled = false\n";

#[test]
fn a_second_daemon_is_refused_with_the_first_ones_pid() {
    let app = App::new(DISABLED);
    let daemon = app.serve();
    let second = app.run(&["serve"]);
    let words = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{words}");
    assert!(words.contains(&format!("pid {}", daemon.pid())), "{words}");
    assert_eq!(daemon.get("/healthz").status, 200, "the first one goes on");
}

#[test]
fn a_file_where_the_daemons_socket_would_be_stays() {
    let app = App::new(DISABLED);
    app.write("riverine.db.sock", "somebody's");
    let daemon = app.serve();
    assert!(daemon.log().contains("riverine.db.sock"), "{}", daemon.log());
    assert_eq!(daemon.stop(), 0);
    assert_eq!(fs::read_to_string(app.path("riverine.db.sock")).unwrap(), "somebody's");
}

#[test]
fn whoever_looks_into_the_store_leaves_the_daemon_its_log() {
    if !tool("python3") {
        return;
    }
    let app = App::new(DISABLED);
    let daemon = app.serve();
    let log = app.path("riverine.db-wal");
    assert!(log.exists());
    // As the sqlite3 shell does: the last one to close a store removes its log.
    let look = "import sqlite3, sys; store = sqlite3.connect(sys.argv[1]); \
        store.execute('SELECT count(*) FROM entries').fetchall(); store.close()";
    let shell =
        std::process::Command::new("python3").args(["-c", look]).arg(app.path("riverine.db")).status();
    assert!(shell.unwrap().success());
    assert!(log.exists(), "the daemon holds no lock on its store");
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_killed_daemon_leaves_no_stale_lock() {
    let app = App::new(DISABLED);
    let first = app.serve();
    first.signal("-KILL");
    drop(first);
    assert_eq!(app.serve().stop(), 0);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let app = App::new(DISABLED);
    app.write("riverine.db", "Dear diary, this is not a database, and it is longer than a header.\n");
    let before = fs::read(app.path("riverine.db")).unwrap();
    for command in [["serve"], ["fetch"], ["status"]] {
        let output = app.run(&command);
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}: {words}");
        assert!(words.contains("riverine.db"), "{command:?}: {words}");
        assert_eq!(fs::read(app.path("riverine.db")).unwrap(), before, "{command:?}");
    }
}

#[test]
fn anothers_database_and_a_store_from_the_future_are_refused_and_left_alone() {
    for (statement, expected) in
        [("CREATE TABLE bookmarks (url TEXT)", "another program"), ("PRAGMA user_version = 4711", "newer")]
    {
        let app = App::new(DISABLED);
        let path = app.path("riverine.db");
        if expected == "newer" {
            // A store of ours, as a later version would leave it.
            assert_eq!(app.serve().stop(), 0);
        }
        let database = rusqlite::Connection::open(&path).unwrap();
        database.execute_batch(statement).unwrap();
        drop(database);
        let before = fs::read(&path).unwrap();
        let output = app.run(&["serve"]);
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert!(words.contains("riverine.db") && words.contains(expected), "{words}");
        assert_eq!(fs::read(&path).unwrap(), before, "{statement}");
    }
}

#[test]
fn signals_end_it_cleanly() {
    for signal in ["-TERM", "-INT"] {
        let app = App::new(DISABLED);
        let daemon = app.serve();
        daemon.signal(signal);
        assert_eq!(daemon.end(), 0, "{signal}");
    }
}

#[test]
fn signals_may_come_as_soon_as_it_is_there() {
    let app = App::new(DISABLED);
    for _ in 0..10 {
        let daemon = app.serve();
        daemon.signal("-HUP");
        daemon.signal("-USR1");
        daemon.signal("-TERM");
        assert_eq!(daemon.end(), 0);
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let app = App::new("");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    app.write("riverine.toml", &format!("[server]\nlisten = \"{address}\"\n"));
    let output = app.run(&["serve"]);
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains(&format!("cannot listen on {address}")), "{words}");
}

#[test]
fn a_socket_file_is_a_place_to_listen_too() {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::PermissionsExt as _;
    let app = App::new("");
    app.write("riverine.toml", "[server]\nlisten = \"unix:river.sock\"\n");
    let mut child = app.command(&["serve"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut stream =
        eventually("the socket", || std::os::unix::net::UnixStream::connect(app.path("river.sock")).ok());
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // A proxy of another user connects.
    let mode = std::fs::metadata(app.path("river.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
}

#[test]
fn a_socket_at_which_somebody_answers_is_not_taken_away() {
    let app = App::new("");
    app.write(
        "riverine.toml",
        "[server]\nlisten = \"unix:river.sock\"\nbase_url = \"https://river.example/\"\n",
    );
    let _other = std::os::unix::net::UnixListener::bind(app.path("river.sock")).unwrap();
    let failed = app.run(&["serve"]);
    assert_eq!(failed.status.code(), Some(1));
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(said.contains("river.sock; another program listens there"), "{said}");
    assert!(std::os::unix::net::UnixStream::connect(app.path("river.sock")).is_ok());
}

#[test]
fn what_cannot_be_read_is_in_the_log() {
    let app = App::new("");
    let daemon = app.serve();
    assert_eq!(daemon.get("/search?q=ferry").status, 200);
    let db = rusqlite::Connection::open(app.path("riverine.db")).unwrap();
    db.execute("DROP TABLE words", []).unwrap();
    assert_eq!(daemon.get("/search?q=ferry").status, 503);
    eventually("the reason", || {
        daemon.log().contains("reading the store failed: the store: no such table").then_some(())
    });
}

#[test]
fn a_lock_of_another_user_is_named_with_what_to_do() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;
    let app = App::new("");
    app.ok(&["fetch"]);
    let lock = app.path("riverine.db.lock");
    // As root the service is another user, and the lock is root's; else it is our own and closed to us.
    let is_root = chown(app.path("."), Some(4711), Some(4711)).is_ok();
    let mut command = app.command(&["fetch"]);
    let said = if is_root {
        chown(app.path("riverine.db"), Some(4711), Some(4711)).unwrap();
        // Where that user may run it, wherever we were built.
        let program = app.path("riverine");
        std::fs::copy(command.get_program(), &program).unwrap();
        let mut other = std::process::Command::new(&program);
        other.current_dir(app.path(".")).args(["fetch", "--config", app.config().to_str().unwrap()]);
        other.uid(4711).gid(4711);
        command = other;
        "belongs to root, and we are user 4711, who may not write it".to_owned()
    } else {
        std::fs::set_permissions(&lock, std::fs::Permissions::from_mode(0o400)).unwrap();
        ", with the mode 400, and we are user ".to_owned()
    };
    let output = command.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    let store = app.path("riverine.db");
    let remedy = format!("chown --reference={} {}", store.display(), lock.display());
    assert!(output.status.code() == Some(1) && words.contains(&said) && words.contains(&remedy), "{words}");
    assert!(!words.contains("must exist and be writable"), "{words}");
}

#[test]
fn what_is_restored_takes_the_place_of_what_a_link_leads_to() {
    use std::os::unix::fs::symlink;
    let app = App::new(DISABLED);
    app.ok(&["fetch"]);
    app.ok(&["backup", "copy.db"]);
    let (store, disk) = (app.path("riverine.db"), app.path("disk/river.db"));
    app.write("disk/other.txt", "somebody's");
    fs::rename(&store, &disk).unwrap();
    symlink("disk/link.db", &store).unwrap();
    symlink("river.db", app.path("disk/link.db")).unwrap();
    // A damaged store with a log that belongs to none but it.
    fs::write(&disk, "no database any more ".repeat(1000)).unwrap();
    fs::write(app.path("disk/river.db-wal"), b"its log").unwrap();
    app.ok(&["restore", "copy.db"]);
    for link in [&store, &app.path("disk/link.db")] {
        assert!(fs::symlink_metadata(link).unwrap().is_symlink(), "{}", link.display());
    }
    assert!(!app.path("disk/river.db-wal").exists());
    assert_eq!(app.status("one")["state"], "disabled");
    // Where it leads to is nothing: there it is made.
    fs::remove_file(&disk).unwrap();
    fs::write(app.path("disk/river.db-wal"), b"left over").unwrap();
    app.ok(&["restore", "copy.db"]);
    assert!(fs::symlink_metadata(&store).unwrap().is_symlink() && disk.is_file());
    assert_eq!(fs::read(app.path("disk/river.db-wal.damaged")).unwrap(), b"left over");
    assert_eq!(app.status("one")["state"], "disabled");
    fs::remove_file(&store).unwrap();
    symlink("riverine.db", &store).unwrap();
    let output = app.run(&["restore", "copy.db"]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && words.contains("too many links"), "{words}");
}
