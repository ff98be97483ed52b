//! A scripted origin on loopback: canned replies by path, and a record of every request.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// One request as it arrived. Header names are in lower case.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What is answered. Without a status line of its own, 200.
#[derive(Clone, Debug)]
pub struct Reply {
    status: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Answer 304 to whom this tag is presented.
    etag: Option<String>,
}

impl Reply {
    pub fn ok(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { status: "200 OK".to_owned(), headers, body: body.into(), etag: None }
    }

    pub fn status(line: &str) -> Self {
        Self { status: line.to_owned(), headers: Vec::new(), body: Vec::new(), etag: None }
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// No answer at all: the connection stays open and silent.
    pub fn silence() -> Self {
        Self::status("")
    }

    /// With a validator that is honoured.
    pub fn etag(mut self, tag: &str) -> Self {
        self.etag = Some(tag.to_owned());
        self.header("ETag", tag)
    }
}

#[derive(Default)]
struct Script {
    replies: HashMap<String, Reply>,
    asked: Vec<Asked>,
}

/// The origin. Lives as long as the test.
#[derive(Clone)]
pub struct Origin {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
}

impl Origin {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = Self { address: listener.local_addr().unwrap(), script: Arc::default() };
        let script = origin.script.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, script) = (stream.unwrap(), script.clone());
                thread::spawn(move || serve(stream, &script));
            }
        });
        origin
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on this path answers so.
    pub fn on(&self, path: &str, reply: Reply) {
        self.script.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    /// Every request for a path so far.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.script.lock().unwrap().asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }
}

fn serve(mut stream: TcpStream, script: &Mutex<Script>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    // A client that only connects and goes is none of our business.
    if reader.read_line(&mut line).is_err() || line.is_empty() {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length: &String| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let asked = Asked { path: path.clone(), headers, body };
    let reply = {
        let mut script = script.lock().unwrap();
        script.asked.push(asked.clone());
        script.replies.get(&path).cloned().unwrap_or_else(|| Reply::status("404 Not Found"))
    };
    if reply.status.is_empty() {
        // Until the client hangs up.
        let _ = reader.read_line(&mut String::new());
        return;
    }
    let same = reply.etag.is_some() && asked.header("if-none-match") == reply.etag.as_deref();
    let (status, body) =
        if same { ("304 Not Modified", Vec::new()) } else { (reply.status.as_str(), reply.body) };
    let mut answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    if !same {
        write!(answer, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    for (name, value) in &reply.headers {
        write!(answer, "{name}: {value}\r\n").unwrap();
    }
    answer.push_str("\r\n");
    // The client may have hung up; that is what some tests are about.
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(&body));
}
