//! What a request costs: the real daemon against a bare hyper responder that holds the same bytes, and nginx
//! with the same bytes in files where it is installed. CPU of the serving process per request, and the slowest
//! in a hundred, over 64 connections, all in one run on one machine.
//!
//! `cargo bench --bench serving`

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench prints, and may end so"
)]
#![allow(clippy::cast_precision_loss, clippy::disallowed_methods, reason = "a bench measures real time")]

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Request, Response};

const CONNECTIONS: usize = 64;
const REQUESTS: usize = 16_000;
/// Rounds of each measurement, all in turns; the least is taken, because what else the machine does only ever adds.
const ROUNDS: usize = 12;

fn main() {
    if let Some(file) = std::env::args().skip_while(|arg| arg != "bare").nth(1) {
        let fields = std::env::args().skip_while(|arg| arg != "fields").nth(1);
        bare(&std::fs::read(file).unwrap(), fields.as_deref().unwrap_or_default());
        return;
    }
    println!(
        "{CONNECTIONS} connections, {ROUNDS} rounds of {REQUESTS} requests; CPU of the server in µs per request, p99 in ms; \
         times the responder with two fields, times the one with ours"
    );
    for (name, entries, size) in
        [("2 kB", 1, 300), ("20 kB", 18, 300), ("100 kB", 50, 1300), ("1 MB", 100, 9300)]
    {
        compare(name, entries, size);
    }
}

fn compare(name: &str, entries: usize, size: usize) {
    let dir = tempfile::tempdir().unwrap();
    let (mut daemon, address) = daemon(dir.path(), entries, size);
    let path = "/feeds/all.atom";
    let (bytes, head) = once(&address, path);
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap_or_default().to_owned();
    let file = dir.path().join("all.atom");
    std::fs::write(&file, &bytes).unwrap();
    // hyper adds the date and the length by itself.
    let fields =
        head.lines().skip(1).filter(|line| !line.starts_with("date:") && !line.starts_with("content-l"));
    let fields = fields.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let (mut plain, plain_address) = responder(&["bare", file.to_str().unwrap()]);
    let (mut same, same_address) = responder(&["bare", file.to_str().unwrap(), "fields", &fields]);
    let nginx = nginx(dir.path());
    let (unchanged, gzip) = (format!("If-None-Match: {tag}\r\n"), "Accept-Encoding: gzip\r\n");
    let mut rows = vec![
        ("bare hyper, two fields", plain.id(), plain_address.as_str(), "/", ""),
        ("bare hyper, our fields", same.id(), same_address.as_str(), "/", ""),
        ("riverine (at most 1.15)", daemon.id(), address.as_str(), path, ""),
        ("riverine, gzip", daemon.id(), address.as_str(), path, gzip),
        ("riverine, 304", daemon.id(), address.as_str(), path, unchanged.as_str()),
    ];
    if let Some((_, worker, address)) = &nginx {
        rows.push(("nginx, from a file", *worker, address.as_str(), "/all.atom", ""));
    }
    let mut least = vec![(f64::MAX, f64::MAX); rows.len()];
    for _ in 0..ROUNDS {
        for ((_, pid, address, path, more), least) in rows.iter().zip(&mut least) {
            let (cpu, p99) = measure(*pid, address, path, more);
            *least = (least.0.min(cpu), least.1.min(p99));
        }
    }
    println!("{name} ({} bytes)", bytes.len());
    for ((what, ..), (cpu, p99)) in rows.iter().zip(&least) {
        let ((bare, bare_p99), (same, same_p99)) = (least[0], least[1]);
        println!(
            "  {what:<24} {cpu:7.2} µs  {:5.2} x {:5.2} x   p99 {p99:6.2} ms  {:5.2} x {:5.2} x",
            cpu / bare,
            cpu / same,
            p99 / bare_p99,
            p99 / same_p99
        );
    }
    match &nginx {
        Some((master, ..)) => drop(Command::new("kill").arg(master.to_string()).status()),
        None => println!("  nginx: left out (it is not installed)"),
    }
    for child in [&mut daemon, &mut plain, &mut same] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// Another process of this very program, and where it listens.
fn responder(arguments: &[&str]) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().to_owned())
}

/// The real daemon with one source, read.
fn daemon(dir: &Path, entries: usize, size: usize) -> (Child, String) {
    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut document =
        "<rss version=\"2.0\"><channel><title>T</title><link>https://a.example/</link>".to_owned();
    for n in 0..entries {
        let text = "words of a river ".repeat(size / 17);
        let _ = write!(
            document,
            "<item><guid>g{n}</guid><title>Entry {n}</title><link>https://a.example/{n}</link>\
             <pubDate>Mon, 02 Nov 2026 10:{:02}:{:02} GMT</pubDate><description>{text}</description></item>",
            n / 60,
            n % 60
        );
    }
    document.push_str("</channel></rss>");
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[fetch]\nallow_private = [\"127.0.0.1/32\"]\n\
         [[source]]\nid = \"one\"\nurl = \"http://{}/\"\nbackfill = 1000\n",
        origin.local_addr().unwrap()
    );
    std::thread::spawn(move || {
        for stream in origin.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let length = document.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: {length}\r\n"
            );
            let _ = write!(stream, "{head}Connection: close\r\n\r\n{document}");
        }
    });
    std::fs::write(dir.join("riverine.toml"), config).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_riverine"))
        .args(["serve", "--config"])
        .arg(dir.join("riverine.toml"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = log.find_map(|line| {
        let line = line.unwrap();
        let (_, rest) = line.split_once("listening on http://")?;
        Some(rest.split('/').next()?.to_owned())
    });
    std::thread::spawn(move || log.for_each(drop));
    let address = address.unwrap();
    while !String::from_utf8_lossy(&once(&address, "/feeds/all.atom").0).contains("Entry 0") {
        std::thread::sleep(Duration::from_millis(20));
    }
    (child, address)
}

/// nginx with one worker and the directory's files: its two processes and its address.
fn nginx(dir: &Path) -> Option<(u32, u32, String)> {
    let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
    let at = dir.display();
    // As root, nginx's worker would otherwise be somebody who may not read the directory.
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.starts_with(b"0"));
    let user = if root { "user root;" } else { "" };
    let config = format!(
        "{user} worker_processes 1; daemon off; pid {at}/pid; error_log /dev/null;\n\
         events {{ worker_connections 512; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=10;\n\
         types {{ application/atom+xml atom; }} server {{ listen 127.0.0.1:{port}; root {at}; }} }}\n"
    );
    std::fs::write(dir.join("nginx.conf"), config).ok()?;
    let master =
        Command::new("nginx").arg("-c").arg(dir.join("nginx.conf")).stderr(Stdio::null()).spawn().ok()?.id();
    let address = format!("127.0.0.1:{port}");
    for _ in 0..200 {
        let children =
            std::fs::read_to_string(format!("/proc/{master}/task/{master}/children")).unwrap_or_default();
        if let (Some(worker), Ok(_)) =
            (children.split(' ').next().and_then(|id| id.parse().ok()), TcpStream::connect(&address))
        {
            return Some((master, worker, address));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// The least that hyper can do with the same bytes: two fields, or those it is told.
fn bare(bytes: &[u8], fields: &str) {
    let mut map = HeaderMap::new();
    for (name, value) in fields.lines().filter_map(|line| line.split_once(": ")) {
        map.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    if map.is_empty() {
        map.insert("content-type", "application/atom+xml; charset=utf-8".parse().unwrap());
        map.insert("etag", "\"x\"".parse().unwrap());
    }
    let bytes = Bytes::copy_from_slice(bytes);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        std::io::stdout().flush().unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (bytes, map) = (bytes.clone(), map.clone());
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |_: Request<Incoming>| {
                    let body = axum::body::Body::from(bytes.clone());
                    let mut answer = Response::new(body);
                    answer.headers_mut().clone_from(&map);
                    async move { Ok::<_, Infallible>(answer) }
                });
                let io = hyper_util::rt::TokioIo::new(stream);
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
            });
        }
    });
}

fn ask(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n")
}

/// One answer: its head and its body.
fn answer(reader: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> String {
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    let length = if head.contains(" 304 ") { 0 } else { length.unwrap_or(0) };
    body.resize(length, 0);
    reader.read_exact(body).unwrap();
    head
}

fn once(address: &str, path: &str) -> (Vec<u8>, String) {
    let mut reader = BufReader::new(TcpStream::connect(address).unwrap());
    reader.get_mut().write_all(ask(path, "").as_bytes()).unwrap();
    let mut body = Vec::new();
    let head = answer(&mut reader, &mut body);
    (body, head)
}

/// CPU in µs per request, and the slowest in a hundred in ms.
fn measure(pid: u32, address: &str, path: &str, more: &str) -> (f64, f64) {
    run(address, path, more, REQUESTS / 10);
    let before = cpu(pid);
    let mut times = run(address, path, more, REQUESTS);
    let spent = (cpu(pid) - before) / 1e3 / REQUESTS as f64;
    times.sort_unstable();
    (spent, times[times.len() * 99 / 100].as_secs_f64() * 1e3)
}

fn run(address: &str, path: &str, more: &str, requests: usize) -> Vec<Duration> {
    let ask = ask(path, more);
    let each = requests / CONNECTIONS;
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (address, ask) = (address.to_owned(), ask.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::with_capacity(64 << 10, TcpStream::connect(address).unwrap());
                reader.get_ref().set_nodelay(true).unwrap();
                let mut body = Vec::new();
                let once = |_| {
                    let start = Instant::now();
                    reader.get_mut().write_all(ask.as_bytes()).unwrap();
                    answer(&mut reader, &mut body);
                    start.elapsed()
                };
                (0..each).map(once).collect::<Vec<_>>()
            })
        })
        .collect();
    threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
}

/// Nanoseconds that a process has spent on CPUs, all its threads together.
fn cpu(pid: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let spent = |thread: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<f64>().ok()
    };
    threads.filter_map(|thread| spent(thread.ok()?)).sum()
}
