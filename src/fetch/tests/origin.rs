//! A scripted origin on loopback: raw HTTP/1.1 bytes out, request heads kept.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to do with a request.
pub(crate) enum Reply {
    /// These bytes, then the connection is closed.
    Say(Vec<u8>),
    /// These bytes, and the connection stays open for more requests.
    Keep(Vec<u8>),
    /// These bytes, then nothing, for ever.
    Stall(Vec<u8>),
    /// These bytes, then a reset.
    Reset(Vec<u8>),
}

pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Origin {
    /// Answers by the request's target.
    pub(crate) async fn start(ip: &str, script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heads, connections) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<usize>>::default());
        let script = Arc::new(script);
        let (kept, counted) = (Arc::clone(&heads), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *counted.lock().unwrap() += 1;
                let (script, heads) = (Arc::clone(&script), Arc::clone(&kept));
                tokio::spawn(async move { converse(stream, &*script, &heads).await });
            }
        });
        Self { address, heads, connections }
    }

    /// The request heads so far, lower-cased up to each colon by nobody: as they came.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> url::Url {
        url::Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }
}

async fn converse(
    mut stream: TcpStream,
    script: &(dyn Fn(&str) -> Reply + Send + Sync),
    heads: &Mutex<Vec<String>>,
) {
    while let Some(head) = request(&mut stream).await {
        let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
        heads.lock().unwrap().push(head);
        let (Reply::Say(bytes) | Reply::Keep(bytes) | Reply::Stall(bytes) | Reply::Reset(bytes)) =
            &script(&target);
        // A client that has seen enough hangs up.
        let _ = stream.write_all(bytes).await;
        let _ = stream.flush().await;
        match script(&target) {
            Reply::Keep(_) => {}
            Reply::Say(_) => return,
            Reply::Stall(_) => std::future::pending().await,
            Reply::Reset(_) => {
                let _ = stream.set_zero_linger();
                return;
            }
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await.ok()? == 0 {
            return None;
        }
        head.extend_from_slice(&byte);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// A whole answer with its length.
pub(crate) fn answer(status: &str, lines: &[&str], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for line in lines {
        bytes.push_str(line);
        bytes.push_str("\r\n");
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) fn ok(lines: &[&str], body: &[u8]) -> Reply {
    Reply::Say(answer("200 OK", lines, body))
}

pub(crate) fn redirect(status: u16, to: &str) -> Reply {
    Reply::Say(answer(&format!("{status} Elsewhere"), &[&format!("location: {to}")], b""))
}
