//! Many outputs over a large store, and requests while many sources are polled: the real daemon, polled from an
//! origin on loopback. Prints how long a first ask and an ask after a change take, how many outputs a commit renders,
//! what the process holds, and how long requests take meanwhile.
//!
//! `cargo bench --bench outputs [-- entries SOURCES EACH | polled SOURCES SECONDS]`

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench prints, and may end so"
)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
#![allow(clippy::cast_precision_loss, clippy::disallowed_methods, reason = "a bench measures real time")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let number = |at: usize, usual: usize| arguments.get(at).map_or(usual, |text| text.parse().unwrap());
    match arguments.first().map(String::as_str) {
        Some("entries") => entries(number(1, 500), number(2, 2000)),
        Some("polled") => polled(number(1, 10_000), number(2, 20)),
        _ => {
            entries(500, 2000);
            polled(10_000, 20);
        }
    }
}

/// As many outputs as sources, each of one source, and a few wide ones.
fn entries(sources: usize, each: usize) {
    let dir = tempfile::tempdir().unwrap();
    let origin = Origin::start(each);
    let mut config = common("per_host = 16\nconcurrency = 16\n");
    for n in 0..sources {
        source(&mut config, &origin, n, "10h");
        write!(config, "[[feed]]\nid = \"f{n}\"\nsources = [\"s{n}\"]\n").unwrap();
    }
    config.push_str("[[feed]]\nid = \"words\"\nquery = \"heron OR lock\"\n");
    config.push_str("[[feed]]\nid = \"capped\"\nper_source = 1\nsources = [\"s0\", \"s1\"]\n");
    config.push_str("[[feed]]\nid = \"french\"\nlanguages = [\"fr\"]\n");
    // One story in two thousand, and none.
    config.push_str("[[feed]]\nid = \"rare\"\nkeep = { title = [\" 1999$\"] }\n");
    config.push_str("[[feed]]\nid = \"nothing\"\nkeep = { title = [\"^Drought\"] }\n");
    let path = write_config(dir.path(), &config);
    let start = Instant::now();
    let fetched = Command::new(env!("CARGO_BIN_EXE_riverine"))
        .args(["fetch", "--quiet", "--config"])
        .arg(&path)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let total = sources * each;
    println!(
        "{total} entries of {sources} sources read in {:.0} s ({fetched})",
        start.elapsed().as_secs_f64()
    );
    let daemon = Daemon::start(&path);
    let ask = |id: &str| daemon.timed(&format!("/feeds/{id}.atom"));
    for id in ["all", "words", "capped", "french", "rare", "nothing"] {
        println!("  first ask of {id:<7} {:8.1} ms, next {:.2} ms", ask(id), ask(id));
    }
    show("first ask of an output of one source, ms", (0..sources).map(|n| ask(&format!("f{n}"))).collect());
    show("ask again, ms", (0..sources).map(|n| ask(&format!("f{n}"))).collect());
    println!("  resident {} MB, {} renders", daemon.resident(), daemon.renders());
    // Each asked for, so each is kept fresh; then a few sources get one new entry.
    let changed = 40.min(sources);
    let before = daemon.renders();
    origin.more.store(1, Ordering::Relaxed);
    let (mut waits, mut rare, mut nothing) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..changed {
        let fetched = Command::new(env!("CARGO_BIN_EXE_riverine"))
            .args(["fetch", "--quiet", &format!("s{n}"), "--config"])
            .arg(&path)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(fetched.success());
        waits.push(ask(&format!("f{n}")));
        rare.push(ask("rare"));
        nothing.push(ask("nothing"));
    }
    show("ask right after the commit that changed it, ms", waits);
    show("ask of one story in two thousand after that commit, ms", rare);
    show("ask of no story at all after that commit, ms", nothing);
    std::thread::sleep(Duration::from_secs(1));
    println!(
        "  {changed} commits rendered {} outputs of {} (each is in its own, and in the wide ones that were asked for)",
        daemon.renders() - before,
        sources + 6
    );
    println!("  resident {} MB", daemon.resident());
    daemon.stop();
    let daemon = Daemon::start(&path);
    for id in ["rare", "nothing"] {
        println!(
            "  after a restart, first ask of {id:<7} {:8.1} ms",
            daemon.timed(&format!("/feeds/{id}.atom"))
        );
    }
}

/// Requests on 64 connections while so many sources are polled, all of them every ten seconds.
fn polled(sources: usize, seconds: usize) {
    let dir = tempfile::tempdir().unwrap();
    let origin = Origin::start(3);
    let mut config = common("per_host = 64\nconcurrency = 64\nmin_interval = \"1s\"\n");
    for n in 0..sources {
        source(&mut config, &origin, n, "10s");
    }
    let daemon = Daemon::start(&write_config(dir.path(), &config));
    while origin.asked.load(Ordering::Relaxed) < sources {
        std::thread::sleep(Duration::from_millis(50));
    }
    daemon.timed("/feeds/all.atom");
    let (done, before) = (Arc::new(AtomicBool::new(false)), origin.asked.load(Ordering::Relaxed));
    let threads: Vec<_> = (0..64)
        .map(|n| {
            let (address, done) = (daemon.address.clone(), done.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(TcpStream::connect(&address).unwrap());
                let mut times = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let path = ["/feeds/all.atom", "/feeds/all.json", "/sources/s7.rss", "/healthz"][n % 4];
                    let start = Instant::now();
                    ask(&mut reader, path);
                    answer(&mut reader);
                    times.push(start.elapsed().as_secs_f64() * 1e3);
                    // 64 readers that ask fifty times a second each.
                    std::thread::sleep(Duration::from_millis(20));
                }
                times
            })
        })
        .collect();
    std::thread::sleep(Duration::from_secs(seconds as u64));
    done.store(true, Ordering::Relaxed);
    let times: Vec<f64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let polls = origin.asked.load(Ordering::Relaxed) - before;
    println!("{sources} sources, {} polls a second meanwhile", polls / seconds);
    show(&format!("{} requests, ms", times.len()), times);
    println!("  resident {} MB", daemon.resident());
}

fn show(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "  {what}: half {:.2}, 99 % {:.2}, 99.9 % {:.2}, slowest {:.2}",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

fn common(fetch: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[fetch]\nallow_private = [\"127.0.0.1/32\"]\nper_host_gap = \"0s\"\n\
         {fetch}[defaults]\nbackfill = 5000\njitter = 0.0\n"
    )
}

fn source(config: &mut String, origin: &Origin, n: usize, every: &str) {
    let address = &origin.address;
    write!(
        config,
        "[[source]]\nid = \"s{n}\"\nurl = \"http://{address}/{n}\"\nschedule = \"every {every}\"\ndedup = \"none\"\n"
    )
    .unwrap();
}

fn write_config(dir: &Path, config: &str) -> PathBuf {
    let path = dir.join("riverine.toml");
    std::fs::write(&path, config).unwrap();
    path
}

/// Answers every path with a document of its own.
struct Origin {
    address: String,
    asked: Arc<AtomicUsize>,
    /// Entries more than at first.
    more: Arc<AtomicUsize>,
}

impl Origin {
    fn start(each: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let origin = Self { address, asked: Arc::default(), more: Arc::default() };
        let (asked, more) = (origin.asked.clone(), origin.more.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, asked, more) = (stream.unwrap(), asked.clone(), more.clone());
                std::thread::spawn(move || serve(stream, each, &asked, &more));
            }
        });
        origin
    }
}

fn serve(stream: TcpStream, each: usize, asked: &AtomicUsize, more: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut held) = (String::new(), false);
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) <= 2 {
                break;
            }
            held |= line.to_ascii_lowercase().starts_with("if-none-match");
        }
        asked.fetch_add(1, Ordering::Relaxed);
        let count = each + more.load(Ordering::Relaxed);
        let head = if held && count == each {
            "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n".to_owned().into_bytes()
        } else {
            let body = document(&path, count);
            let mut head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: \"{count}\"\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            head.push_str(&body);
            head.into_bytes()
        };
        if reader.get_mut().write_all(&head).is_err() {
            return;
        }
    }
}

fn document(path: &str, entries: usize) -> String {
    const WORDS: [&str; 8] = ["river", "heron", "lock", "harbour", "meadow", "bridge", "ferry", "tide"];
    let mut out = format!(
        "<rss version=\"2.0\"><channel><title>Source {path}</title><link>https://a.example{path}</link>"
    );
    for n in 0..entries {
        let (one, two) = (WORDS[n % 8], WORDS[n / 8 % 8]);
        let _ = write!(
            out,
            "<item><guid>{path}/{n}</guid><title>The {one} and the {two} {n}</title>\
             <link>https://a.example{path}/{n}</link>\
             <pubDate>{:02} {} 20{:02} {:02}:{:02}:00 GMT</pubDate><description>{}</description></item>",
            n % 28 + 1,
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul"][n / 28 % 7],
            20 + n / 196 % 6,
            n / 1176 % 24,
            n % 60,
            format!("All about the {one}, and the {two} beside it. ").repeat(6)
        );
    }
    out + "</channel></rss>"
}

struct Daemon {
    child: Child,
    address: String,
}

impl Daemon {
    fn start(config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_riverine"))
            .args(["serve", "--config"])
            .arg(config)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = log.find_map(|line| {
            let line = line.unwrap();
            Some(line.split_once("listening on http://")?.1.split('/').next()?.to_owned())
        });
        std::thread::spawn(move || log.for_each(drop));
        Self { child, address: address.unwrap() }
    }

    /// One request on a connection of its own, in milliseconds.
    fn timed(&self, path: &str) -> f64 {
        let mut reader = BufReader::new(TcpStream::connect(&self.address).unwrap());
        let start = Instant::now();
        ask(&mut reader, path);
        answer(&mut reader);
        start.elapsed().as_secs_f64() * 1e3
    }

    fn renders(&self) -> usize {
        let mut reader = BufReader::new(TcpStream::connect(&self.address).unwrap());
        ask(&mut reader, "/metrics");
        let text = String::from_utf8(answer(&mut reader)).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("riverine_renders_total "));
        line.unwrap().parse().unwrap()
    }

    /// Ends as a service manager ends it.
    fn stop(mut self) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success() && self.child.wait().unwrap().success());
    }

    fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().split(' ').next().unwrap().parse::<usize>().unwrap() / 1024
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request, in one piece.
fn ask(reader: &mut BufReader<TcpStream>, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    reader.get_mut().write_all(request.as_bytes()).unwrap();
}

/// The body of one answer.
fn answer(reader: &mut BufReader<TcpStream>) -> Vec<u8> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap() <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    body
}
