//! The program under test: the real binary, a directory of its own, a clock moved by hand.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use crate::origin::Origin;

/// Real time after which something that should happen counts as not happening.
const PATIENCE: Duration = Duration::from_mins(1);

/// A directory with a config, a store and a clock.
pub struct App {
    dir: tempfile::TempDir,
}

/// A running daemon. Killed when dropped.
pub struct Daemon {
    child: Child,
    pub address: String,
    log: Arc<Mutex<String>>,
}

/// An answer over HTTP. Header names are in lower case.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl App {
    /// A config of these tables; loopback is allowed, gaps between requests are not waited for.
    pub fn new(tables: &str) -> Self {
        let app = Self { dir: tempfile::tempdir().unwrap() };
        app.set_clock("2026-11-16T12:00:00.73Z");
        app.configure(tables);
        app
    }

    pub fn configure(&self, tables: &str) {
        self.configure_under("", tables);
    }

    /// The same with keys that stand before all tables.
    pub fn configure_under(&self, keys: &str, tables: &str) {
        let common = "[server]\nlisten = \"127.0.0.1:0\"\nbase_url = \"https://river.example/\"\n\
             [fetch]\nallow_private = [\"127.0.0.1/32\"]\nper_host_gap = \"0s\"\n";
        self.write("riverine.toml", &format!("{keys}{common}{tables}"));
    }

    /// A file of the program's directory; the config is `riverine.toml`.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn config(&self) -> PathBuf {
        self.path("riverine.toml")
    }

    pub fn set_clock(&self, time: &str) {
        // Renamed into place, so that the program never reads half a time.
        let next = self.path("clock.next");
        fs::write(&next, time).unwrap();
        fs::rename(next, self.path("clock")).unwrap();
    }

    pub fn now(&self) -> DateTime<Utc> {
        fs::read_to_string(self.path("clock")).unwrap().trim().parse().unwrap()
    }

    pub fn advance(&self, span: TimeDelta) {
        let then = self.now() + span;
        self.set_clock(&then.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_riverine"));
        command
            .current_dir(self.dir.path())
            .env("RIVERINE_CLOCK", self.path("clock"))
            .env("RIVERINE_CONFIG", self.config())
            .env_remove("STATE_DIRECTORY")
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM")
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs a command that must succeed; its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?} ended with {}: {errors}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// The status of one source.
    pub fn status(&self, id: &str) -> Value {
        let report: Value = serde_json::from_str(&self.ok(&["status", "--json"])).unwrap();
        let sources = report["sources"].as_array().unwrap();
        sources
            .iter()
            .find(|source| source["id"] == id)
            .unwrap_or_else(|| panic!("{id} not in {report}"))
            .clone()
    }

    /// Waits until the status of a source is as wanted.
    pub fn until(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("the status of {id}"), || {
            let status = self.status(id);
            wanted(&status).then_some(status)
        })
    }

    /// Waits until each of these sources was polled for the first time. Several that are due at once are spread
    /// a little, so the clock has to move.
    pub fn polled(&self, ids: &[&str]) {
        if ids.len() > 1 {
            self.advance(TimeDelta::seconds(1));
        }
        for id in ids {
            self.until(id, |status| status["last_poll"] != Value::Null);
        }
    }

    /// Lets ten minutes pass, and waits until a source that is polled so often has been polled.
    pub fn poll_again(&self, id: &str) -> Value {
        let before = self.status(id)["last_poll"].clone();
        self.advance(TimeDelta::minutes(10));
        self.until(id, |status| status["last_poll"] != before)
    }

    /// Starts the daemon and waits until it serves.
    pub fn serve(&self) -> Daemon {
        self.serve_with(&[])
    }

    /// The same with more on the command line.
    pub fn serve_with(&self, more: &[&str]) -> Daemon {
        let mut child = self.command(&[&["serve"], more].concat()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let kept = log.clone();
        thread::spawn(move || {
            while let Some(Ok(line)) = lines.next() {
                kept.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let address = eventually("the daemon's address in its log", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("serve ended with {status}: {}", log.lock().unwrap());
            }
            let log = log.lock().unwrap();
            let (_, rest) = log.split_once("listening on http://")?;
            Some(rest.split(['/', ' ', '\n']).next()?.to_owned())
        });
        Daemon { child, address, log }
    }
}

impl Daemon {
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[])
    }

    /// One request on a connection of its own.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        request(&self.address, method, path, headers)
    }

    pub fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Titles of an output, in order.
    pub fn titles(&self, feed: &str) -> Vec<String> {
        let feed = self.json(&format!("/feeds/{feed}.json"));
        let items = feed["items"].as_array().unwrap();
        items.iter().map(|item| item["title"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// SIGTERM; waits for the end; its exit code.
    pub fn stop(self) -> i32 {
        self.signal("-TERM");
        self.end()
    }

    /// Waits for the end; its exit code.
    pub fn end(mut self) -> i32 {
        let status = eventually("the end of the daemon", || self.child.try_wait().unwrap());
        status.code().unwrap_or(-1)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Already ended in tests that stopped it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `GET` from `host:port`.
pub fn get(address: &str, path: &str) -> Answer {
    request(address, "GET", path, &[])
}

fn request(address: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    request_with(address, method, path, headers, b"")
}

/// One request with a body, on a connection of its own.
pub fn request_with(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    if !body.is_empty() {
        write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    stream.write_all((head + "\r\n").as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Answer { status, headers, body: bytes[end + 4..].to_vec() }
}

/// Real time, for promises that are made in it.
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods, reason = "real time, for a program that really runs")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Asks again and again until there is an answer; fails loudly when patience ends.
#[allow(clippy::disallowed_methods, reason = "real time, for a program that really runs")]
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A source of an origin, by the path `/id`: polled every ten minutes exactly.
pub fn source(id: &str, origin: &Origin, more: &str) -> String {
    let url = origin.url(&format!("/{id}"));
    format!("[[source]]\nid = \"{id}\"\nurl = \"{url}\"\nschedule = \"every 10m\"\njitter = 0.0\n{more}\n")
}

/// A small RSS document: (guid, title, date, text). An entry without a guid has no link either.
pub fn rss(title: &str, items: &[(&str, &str, &str, &str)]) -> String {
    let mut document = format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>{title}</title>\
         <link>https://origin.example/</link><description>d</description>"
    );
    for (guid, title, date, text) in items {
        let link = if guid.is_empty() { String::new() } else { format!("https://origin.example/{guid}") };
        document.push_str("<item>");
        for (name, value) in
            [("guid", *guid), ("title", title), ("link", &link), ("pubDate", date), ("description", text)]
        {
            if !value.is_empty() {
                write!(document, "<{name}>{value}</{name}>").unwrap();
            }
        }
        document.push_str("</item>");
    }
    document + "</channel></rss>"
}

/// True when a command a test needs is there. Where it is not, the test fails, unless it was said in
/// `RIVERINE_LEFT_OUT` that this one is left out: nothing is skipped in silence.
pub fn tool(command: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|directory| directory.join(command).is_file()) {
        return true;
    }
    let left_out = std::env::var("RIVERINE_LEFT_OUT").unwrap_or_default();
    assert!(
        left_out.split_whitespace().any(|left_out| left_out == command),
        "{command} is not installed: ./test installs it, RIVERINE_LEFT_OUT={command} leaves this test out"
    );
    eprintln!("left out: {command} is not installed");
    false
}

/// Where a corpus of real feeds lies, if one is given: it is no part of the project.
pub fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("RIVERINE_CORPUS").filter(|path| !path.is_empty());
    if corpus.is_none() {
        eprintln!("left out: RIVERINE_CORPUS names no corpus");
    }
    let corpus = PathBuf::from(corpus?);
    assert!(corpus.is_dir(), "RIVERINE_CORPUS: {} is no directory", corpus.display());
    Some(corpus)
}

/// The repository's root; files in tests are named from it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
