//! Who answers: nginx where it is installed, and an own server that can be late. Both serve the same files, in
//! another process, on every address of 127.0.0.0/8: `/f/N` with validators, `/plain/N` without; the own one also
//! `/late/N`, without validators and late.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

/// A server; it ends with this.
pub(crate) struct Origin {
    child: Child,
    port: u16,
}

impl Drop for Origin {
    fn drop(&mut self) {
        // nginx lets its workers go when it is asked to end, not when it is killed.
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        let _ = self.child.wait();
    }
}

impl Origin {
    /// Every source has an address, and so a host, of its own.
    pub(crate) fn url(&self, number: usize, path: &str) -> String {
        format!(
            "http://127.{}.{}.{}:{}/{path}/{number}",
            1 + number / 50_000,
            number / 200 % 250,
            1 + number % 200,
            self.port
        )
    }

    pub(crate) fn own(dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("origin")
            .arg(dir.join("documents"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap() }
    }

    pub(crate) fn nginx(dir: &Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        let at = dir.display();
        let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.starts_with(b"0"));
        let user = if root { "user root;" } else { "" };
        let config = format!(
            "{user} worker_processes 1; worker_rlimit_nofile 65536; daemon off; pid {at}/pid; error_log /dev/null;\n\
             events {{ worker_connections 32768; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; default_type application/rss+xml;\n\
             server {{ listen {port} backlog=4096;\n\
             location /f/ {{ alias {at}/documents/; }}\n\
             location /plain/ {{ alias {at}/documents/; etag off; if_modified_since off; add_header Last-Modified \"\"; }} }} }}\n"
        );
        std::fs::write(dir.join("nginx.conf"), config).ok()?;
        let child =
            Command::new("nginx").arg("-c").arg(dir.join("nginx.conf")).stderr(Stdio::null()).spawn().ok()?;
        let origin = Self { child, port };
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(origin);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

/// The own server: prints its port, serves until it is killed.
pub(crate) fn run(documents: &Path) {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let documents = documents.to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("0.0.0.0:0".parse().unwrap()).unwrap();
        let listener = socket.listen(4096).unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        std::io::stdout().flush().unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let documents = documents.clone();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |request| answer(documents.clone(), request));
                let io = hyper_util::rt::TokioIo::new(stream);
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
            });
        }
    });
}

async fn answer(
    documents: PathBuf,
    request: Request<Incoming>,
) -> Result<Response<axum::body::Body>, Infallible> {
    let mut parts = request.uri().path().split('/').skip(1);
    let (how, number) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if how == "late" {
        tokio::time::sleep(super::LATE).await;
    }
    let path = documents.join(number);
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let tag = format!("\"{}\"", modified.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis());
    let known =
        request.headers().get("if-none-match").is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut answer = Response::builder().header("content-type", "application/rss+xml");
    if how == "f" {
        answer = answer.header("etag", tag);
        if known {
            return Ok(answer.status(StatusCode::NOT_MODIFIED).body(axum::body::Body::empty()).unwrap());
        }
    }
    let bytes = Bytes::from(std::fs::read(path).unwrap());
    Ok(answer.body(axum::body::Body::from(bytes)).unwrap())
}
