//! A hub's end of WebSub: what it is asked, how it comes back, and what it brings.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit as _, Mac as _};

use crate::app::{Answer, Daemon, eventually, request_with};

/// A hub's end: records what it is asked, and does nothing by itself.
#[derive(Clone)]
pub struct Hub {
    address: String,
    kept: Arc<Mutex<Kept>>,
}

struct Kept {
    status: u16,
    /// A line of the head.
    says: String,
    asked: Vec<HashMap<String, String>>,
}

impl Hub {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let kept = Kept { status: 202, says: "X: y".to_owned(), asked: Vec::new() };
        let hub =
            Self { address: listener.local_addr().unwrap().to_string(), kept: Arc::new(Mutex::new(kept)) };
        let kept = hub.kept.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    let line = line.trim_end().to_ascii_lowercase();
                    if line.is_empty() {
                        break;
                    }
                    if let Some(text) = line.strip_prefix("content-length:") {
                        length = text.trim().parse().unwrap();
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let form = url::form_urlencoded::parse(&body).into_owned().collect();
                let mut kept = kept.lock().unwrap();
                kept.asked.push(form);
                // The client may have hung up.
                let _ = write!(
                    stream,
                    "HTTP/1.1 {} X\r\nConnection: close\r\n{}\r\nContent-Length: 2\r\n\r\nno",
                    kept.status, kept.says
                );
            }
        });
        hub
    }

    pub fn url(&self) -> String {
        format!("http://{}/hub", self.address)
    }

    pub fn answers(&self, status: u16) {
        self.kept.lock().unwrap().status = status;
    }

    pub fn answers_with(&self, status: u16, line: &str) {
        self.answers(status);
        line.clone_into(&mut self.kept.lock().unwrap().says);
    }

    pub fn count(&self) -> usize {
        self.kept.lock().unwrap().asked.len()
    }

    /// Waits for the request of that number, from zero.
    pub fn asked(&self, number: usize) -> Request {
        let form = eventually(&format!("request {number} to the hub"), || {
            self.kept.lock().unwrap().asked.get(number).cloned()
        });
        Request::read(&form)
    }
}

/// What riverine asked of a hub.
#[derive(Debug)]
pub struct Request {
    /// Of its call-back.
    pub path: String,
    pub mode: String,
    pub topic: String,
    pub secret: String,
    pub lease: String,
}

impl Request {
    /// From the form that a hub is sent.
    pub fn read(form: &HashMap<String, String>) -> Self {
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let callback = field("hub.callback");
        Self {
            path: callback.strip_prefix("https://river.example").unwrap().to_owned(),
            mode: field("hub.mode"),
            topic: field("hub.topic"),
            secret: field("hub.secret"),
            lease: field("hub.lease_seconds"),
        }
    }

    /// The hub comes back.
    pub fn verify(&self, daemon: &Daemon, mode: &str, topic: &str, more: &str) -> Answer {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("hub.mode", mode), ("hub.topic", topic), ("hub.challenge", "Ch+ä&1")])
            .finish();
        daemon.get(&format!("{}?{query}{more}", self.path))
    }

    /// The hub comes back as it should.
    pub fn agree(&self, daemon: &Daemon, lease: u32) {
        let answer = self.verify(daemon, &self.mode, &self.topic, &format!("&hub.lease_seconds={lease}"));
        assert_eq!((answer.status, answer.text()), (200, "Ch+ä&1"));
    }

    pub fn push(&self, daemon: &Daemon, body: &str) -> Answer {
        let signature = format!("sha256={}", signature(&self.secret, body));
        self.push_as(daemon, body, &[("X-Hub-Signature", &signature)])
    }

    pub fn push_as(&self, daemon: &Daemon, body: &str, headers: &[(&str, &str)]) -> Answer {
        let headers = [&[("Content-Type", "application/rss+xml")], headers].concat();
        request_with(&daemon.address, "POST", &self.path, &headers, body.as_bytes())
    }
}

pub fn signature(secret: &str, body: &str) -> String {
    let mut hmac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    hmac.update(body.as_bytes());
    hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
