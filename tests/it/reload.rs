//! A config that is read again: all of it or nothing, and what is stored stays.

use crate::app::{App, Daemon, eventually};

fn source(id: &str) -> String {
    format!("[[source]]\nid = \"{id}\"\nurl = \"https://{id}.example/feed\"\nenabled = false\n")
}

fn feed(id: &str) -> String {
    format!("[[feed]]\nid = \"{id}\"\n")
}

/// SIGHUP; waits until the log says how it ended.
fn reload(daemon: &Daemon) -> String {
    let before = daemon.log().len();
    daemon.signal("-HUP");
    eventually("the end of the reload", || {
        let news = daemon.log()[before..].to_owned();
        let over = news.contains("the new config is in force") || news.contains("stays as it was");
        over.then_some(news)
    })
}

#[test]
fn sighup_puts_an_edited_config_in_force() {
    let app = App::new(&(source("one") + &feed("first")));
    let daemon = app.serve();
    assert_eq!(daemon.get("/feeds/first.atom").status, 200);
    assert_eq!(daemon.get("/feeds/second.atom").status, 404);
    app.configure(&(source("one") + &source("two") + &feed("second")));
    reload(&daemon);
    eventually("the new feed", || (daemon.get("/feeds/second.atom").status == 200).then_some(()));
    assert_eq!(daemon.get("/feeds/first.atom").status, 404);
    assert_eq!(app.status("two")["state"], "disabled");
}

#[test]
fn a_broken_config_is_refused_and_the_old_one_stays() {
    let app = App::new(&(source("one") + &feed("first")));
    let daemon = app.serve();
    app.configure(&(source("one") + "scedule = \"@hourly\"\n" + &feed("second") + "limt = 5\n"));
    let log = reload(&daemon);
    assert!(log.contains("unknown key \"scedule\"") && log.contains("unknown key \"limt\""), "{log}");
    assert_eq!(daemon.get("/feeds/first.atom").status, 200);
    assert_eq!(daemon.get("/feeds/second.atom").status, 404);
    // Mended, it is taken.
    app.configure(&(source("one") + &feed("second")));
    reload(&daemon);
    eventually("the new feed", || (daemon.get("/feeds/second.atom").status == 200).then_some(()));
    assert_eq!(daemon.stop(), 0);
}
