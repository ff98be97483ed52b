//! What a proxy is told before the first byte for the server behind it: CONNECT (RFC 9110, 9.3.6) or
//! SOCKS 5 (RFC 1928, RFC 1929). Never looks a name up.

use std::io;

use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use url::{Host, Url};

use super::asking;

/// The head of a proxy's answer; it has nothing to say to us.
const MAX_HEAD: usize = 8 << 10;

/// User and password of a proxy's address, as they are meant.
fn credentials(proxy: &Url) -> Option<(Vec<u8>, Vec<u8>)> {
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let named = !proxy.username().is_empty() || proxy.password().is_some();
    named.then(|| (decoded(proxy.username()), decoded(proxy.password().unwrap_or_default())))
}

/// `Proxy-Authorization`, for a proxy whose address names a user.
pub(super) fn authorization(proxy: &Url) -> Option<http::HeaderValue> {
    let (user, password) = credentials(proxy)?;
    asking::basic(&[user, b":".to_vec(), password].concat()).ok()
}

/// Asks for a tunnel.
pub(super) async fn tunnel(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    proxy: &Url,
    url: &Url,
) -> Result<(), String> {
    let host = url.host_str().unwrap_or_default();
    let place = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    let mut head = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n").into_bytes();
    if let Some(value) = authorization(proxy) {
        head.extend_from_slice(b"Proxy-Authorization: ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    let words = |error: io::Error| error.to_string();
    stream.write_all(&head).await.map_err(words)?;
    let mut answer = Vec::new();
    // Byte by byte: what follows the head belongs to the server behind.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= MAX_HEAD {
            return Err("its answer to CONNECT does not end".to_owned());
        }
        answer.push(stream.read_u8().await.map_err(words)?);
    }
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line).into_owned();
    let status = line.split(' ').nth(1).unwrap_or_default();
    if line.starts_with("HTTP/1.") && status.starts_with('2') {
        Ok(())
    } else {
        Err(format!("it answered {line:?}"))
    }
}

/// Asks a SOCKS 5 proxy for a connection.
pub(super) async fn socks(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    proxy: &Url,
    host: &Host<&str>,
    port: u16,
) -> Result<(), String> {
    let words = |error: io::Error| error.to_string();
    let credentials = credentials(proxy);
    let method = if credentials.is_some() { 2 } else { 0 };
    stream.write_all(&[5, 1, method]).await.map_err(words)?;
    if reply::<2>(stream).await? != [5, method] {
        return Err("it is no SOCKS 5 proxy, or wants another way to log in".to_owned());
    }
    if let Some((user, password)) = credentials {
        let (user, password) = (short(&user)?, short(&password)?);
        stream.write_all(&[&[1], user.as_slice(), &password].concat()).await.map_err(words)?;
        let [_, 0] = reply::<2>(stream).await? else { return Err("it refuses user and password".to_owned()) };
    }
    let place = match host {
        Host::Ipv4(address) => [&[1], address.octets().as_slice()].concat(),
        Host::Ipv6(address) => [&[4], address.octets().as_slice()].concat(),
        Host::Domain(name) => [&[3], short(name.as_bytes())?.as_slice()].concat(),
    };
    let asked = [&[5, 1, 0], place.as_slice(), &port.to_be_bytes()].concat();
    stream.write_all(&asked).await.map_err(words)?;
    let [_, code, _, kind] = reply::<4>(stream).await?;
    if code != 0 {
        return Err(format!("it cannot connect: {}", meaning(code)));
    }
    let length = match kind {
        1 => 4,
        4 => 16,
        _ => stream.read_u8().await.map_err(words)?,
    };
    let mut bound = vec![0; usize::from(length) + 2];
    stream.read_exact(&mut bound).await.map_err(words)?;
    Ok(())
}

async fn reply<const BYTES: usize>(stream: &mut (impl AsyncRead + Unpin)) -> Result<[u8; BYTES], String> {
    let mut bytes = [0; BYTES];
    stream.read_exact(&mut bytes).await.map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// Led by its length, which is a byte.
fn short(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let length = u8::try_from(bytes.len()).map_err(|_| "a name is too long for it".to_owned())?;
    Ok([&[length], bytes].concat())
}

fn meaning(code: u8) -> &'static str {
    match code {
        2 => "its rules forbid it",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "it took too long",
        8 => "it does not speak to this kind of address",
        _ => "it failed",
    }
}
