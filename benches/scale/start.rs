//! The real program over a large store: until it serves, what it holds while it waits, what it holds at most while
//! every source is polled.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use riverine::model::{SourceId, SourceState, Standing};
use riverine::store::{Commit, Sqlite, Store};

use crate::documents::Documents;
use crate::generate;
use crate::origin::Origin;

const SOURCES: i64 = 10_000;
const ENTRIES: i64 = 2_000_000;
/// After the start: what it holds then is what it holds while it waits.
const QUIET: Duration = Duration::from_secs(10);

struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.0.id().to_string()).status());
        let _ = self.0.wait();
    }
}

/// Every source was polled just now, and is once a day: nobody is due.
fn just_polled(path: &Path) {
    let now = DateTime::<Utc>::from(SystemTime::now());
    let state = SourceState {
        standing: Standing::Ok,
        first_success: Some(now),
        last_poll: Some(now),
        last_success: Some(now),
        next_poll: Some(now + TimeDelta::days(1)),
        ..SourceState::default()
    };
    let all = &mut |store: &mut dyn Store| {
        for number in 0..SOURCES {
            let source = &SourceId::new(format!("s{number}"));
            store.commit(&Commit { source, state: &state, reading: None, ledger: &[], now }).unwrap();
        }
    };
    Sqlite::open(path).unwrap().together(all).unwrap();
}

pub(crate) fn run() {
    let dir = tempfile::tempdir().unwrap();
    generate::store(&dir.path().join("riverine.db"), SOURCES, ENTRIES, true);
    just_polled(&dir.path().join("riverine.db"));
    let size = std::fs::metadata(dir.path().join("riverine.db")).unwrap().len();
    let documents = Documents::make(&dir.path().join("documents"), usize::try_from(SOURCES).unwrap());
    let origin = Origin::nginx(dir.path()).unwrap_or_else(|| Origin::own(dir.path()));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = config(dir.path(), &documents, &origin, port);
    println!("{SOURCES} sources, {ENTRIES} entries, a store of {:.1} GB", size as f64 / 1e9);

    let begun = Instant::now();
    let child = riverine(&config).arg("serve").stderr(Stdio::null()).spawn().unwrap();
    let daemon = Daemon(child);
    until(|| get(port, "/readyz"));
    let ready = begun.elapsed();
    until(|| get(port, "/feeds/all.atom"));
    println!(
        "serving (/readyz) after {:.2} s (at most 2), /feeds/all.atom after {:.2} s",
        ready.as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    std::thread::sleep(QUIET);
    println!("idle: {:.1} MiB resident (at most 64)", memory(&daemon, "VmRSS:"));

    let (begun, before) = (Instant::now(), cpu(&daemon));
    let polled = riverine(&config).arg("fetch").stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    println!(
        "every source polled, all of it new ({}): {:.1} MiB resident at most since the start (at most 128), \
         {:.1} s of CPU, {:.1} s on the clock",
        if polled.success() { "none failed" } else { "SOME FAILED" },
        memory(&daemon, "VmHWM:"),
        cpu(&daemon) - before,
        begun.elapsed().as_secs_f64()
    );
    std::thread::sleep(QUIET);
    println!("idle again: {:.1} MiB resident", memory(&daemon, "VmRSS:"));
}

fn config(dir: &Path, documents: &Documents, origin: &Origin, port: u16) -> std::path::PathBuf {
    let mut text = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\n[store]\npath = \"riverine.db\"\n\
         [fetch]\nallow_private = [\"127.0.0.0/8\"]\n[defaults]\nschedule = \"every 24h\"\n"
    );
    for number in 0..documents.count() {
        let _ = write!(text, "[[source]]\nid = \"s{number}\"\nurl = \"{}\"\n", origin.url(number, "f"));
    }
    let path = dir.join("riverine.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn riverine(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_riverine"));
    // As systemd/riverine.service sets it.
    command.env("MIMALLOC_PURGE_DELAY", "0").arg("--config").arg(config);
    command
}

fn until(mut done: impl FnMut() -> Option<()>) {
    let begun = Instant::now();
    while done().is_none() {
        assert!(begun.elapsed() < Duration::from_mins(2), "the daemon does not serve");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Something when the answer is a 200.
fn get(port: u16, path: &str) -> Option<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes())
        .ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    answer.starts_with(b"HTTP/1.1 200").then_some(())
}

/// MiB.
fn memory(daemon: &Daemon, which: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.0.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(which)).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
}

/// Seconds that the process has used: fields 14 and 15 of its `stat`, in hundredths.
fn cpu(daemon: &Daemon) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.0.id())).unwrap();
    let (_, after) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = after.split_whitespace().collect();
    [11, 12].iter().map(|field| fields[*field].parse::<f64>().unwrap()).sum::<f64>() / 100.0
}
