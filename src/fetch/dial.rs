//! From an address to a connection: looked up, checked, dialled, by way of a proxy where there is one,
//! sealed where it says https. The addresses that are dialled are the ones that were checked.
//! Sends no request.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::guard::{Guard, Lookup, NoAddress, Refused};
use super::{proxy, words};

/// Look-up, connection, proxy and TLS together.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How much of a head start an address has before the next one is tried (RFC 8305, 5).
const HEAD_START: Duration = Duration::from_millis(250);
const HTTP2: &[u8] = b"h2";

/// What bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection that waits for its first request.
pub(super) struct Dialled {
    pub(super) stream: Box<dyn Stream>,
    /// The server chose HTTP/2.
    pub(super) http2: bool,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum DialError {
    Refused(Refused),
    NoAddress(NoAddress),
    Late,
    Connect(io::Error),
    Tls(io::Error),
    Proxy(String),
}

/// Dials. One for each set of roots.
pub(super) struct Dialler {
    guard: Guard,
    lookup: Lookup,
    /// Offers HTTP/2 and HTTP/1.1.
    tls: TlsConnector,
    /// For a proxy that is itself reached over TLS.
    proxy_tls: TlsConnector,
}

impl fmt::Debug for Dialler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialler").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl Dialler {
    pub(super) fn new(guard: Guard, lookup: Lookup, config: ClientConfig) -> Self {
        let mut offering = config.clone();
        offering.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
        let connector = |config: ClientConfig| TlsConnector::from(Arc::new(config));
        Self { guard, lookup, tls: connector(offering), proxy_tls: connector(config) }
    }

    /// Refuses an address literal that may not be dialled, also where a proxy would dial it.
    pub(super) fn check(&self, url: &Url) -> Result<(), Refused> {
        self.guard.check(url)
    }

    /// Connects to where `url` is, by way of `proxy`.
    pub(super) async fn dial(&self, url: &Url, proxy: Option<&Url>) -> Result<Dialled, DialError> {
        tokio::time::timeout(CONNECT_LIMIT, self.connect(url, proxy)).await.unwrap_or(Err(DialError::Late))
    }

    async fn connect(&self, url: &Url, proxy: Option<&Url>) -> Result<Dialled, DialError> {
        let sealed = url.scheme() == "https";
        let stream: Box<dyn Stream> = match proxy {
            None => Box::new(race(&self.resolve(url, true).await?, port(url)).await?),
            Some(proxy) => self.by_proxy(url, proxy, sealed).await?,
        };
        if !sealed {
            return Ok(Dialled { stream, http2: false });
        }
        let stream = seal(&self.tls, stream, url).await?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
        Ok(Dialled { stream: Box::new(stream), http2 })
    }

    async fn by_proxy(&self, url: &Url, proxy: &Url, sealed: bool) -> Result<Box<dyn Stream>, DialError> {
        // Who names a proxy means it, wherever it is.
        let mut stream = race(&self.resolve(proxy, false).await?, port(proxy)).await?;
        let host = url.host().unwrap_or(Host::Domain(""));
        let failed = |why: String| DialError::Proxy(format!("the proxy {}: {why}", words::shown(proxy)));
        match proxy.scheme() {
            "socks5" => {
                let addresses = self.resolve(url, true).await?;
                let target = addresses.first().map(|address| match address {
                    IpAddr::V4(address) => Host::Ipv4(*address),
                    IpAddr::V6(address) => Host::Ipv6(*address),
                });
                proxy::socks(&mut stream, proxy, &target.unwrap_or(host), port(url)).await.map_err(failed)?;
            }
            "socks5h" => proxy::socks(&mut stream, proxy, &host, port(url)).await.map_err(failed)?,
            "https" => {
                let mut stream = seal(&self.proxy_tls, Box::new(stream), proxy).await?;
                if sealed {
                    proxy::tunnel(&mut stream, proxy, url).await.map_err(failed)?;
                }
                return Ok(Box::new(stream));
            }
            _ if sealed => proxy::tunnel(&mut stream, proxy, url).await.map_err(failed)?,
            _ => {}
        }
        Ok(Box::new(stream))
    }

    /// The addresses of a host, looked up once; of those only the permitted ones where `guarded`.
    async fn resolve(&self, url: &Url, guarded: bool) -> Result<Vec<IpAddr>, DialError> {
        let name = match url.host() {
            // In addresses of schemes the URL standard does not know, everything is a name.
            Some(Host::Domain(name)) => match name.parse() {
                Ok(address) => return self.literal(url, address, guarded),
                Err(_) => name,
            },
            Some(Host::Ipv4(address)) => return self.literal(url, address.into(), guarded),
            Some(Host::Ipv6(address)) => return self.literal(url, address.into(), guarded),
            None => "",
        };
        let missing = |why: String| DialError::NoAddress(NoAddress { host: name.to_owned(), why });
        let addresses = (self.lookup)(name.to_owned()).await.map_err(|error| missing(error.to_string()))?;
        if addresses.is_empty() {
            return Err(missing("it has no address".to_owned()));
        }
        if guarded { self.guard.sift(name, addresses).map_err(DialError::Refused) } else { Ok(addresses) }
    }

    fn literal(&self, url: &Url, address: IpAddr, guarded: bool) -> Result<Vec<IpAddr>, DialError> {
        if guarded {
            self.guard.check(url).map_err(DialError::Refused)?;
        }
        Ok(vec![address])
    }
}

fn port(url: &Url) -> u16 {
    url.port_or_known_default().unwrap_or(1080)
}

async fn seal(
    connector: &TlsConnector,
    stream: Box<dyn Stream>,
    url: &Url,
) -> Result<tokio_rustls::client::TlsStream<Box<dyn Stream>>, DialError> {
    let name = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches([']', '.']);
    let name =
        ServerName::try_from(name.to_owned()).map_err(|error| DialError::Tls(io::Error::other(error)))?;
    connector.connect(name, stream).await.map_err(DialError::Tls)
}

/// The first that answers; each has a head start before the next, and the two families take turns.
async fn race(addresses: &[IpAddr], port: u16) -> Result<TcpStream, DialError> {
    let (six, four): (Vec<&IpAddr>, Vec<&IpAddr>) = addresses.iter().partition(|address| address.is_ipv6());
    let longest = six.len().max(four.len());
    let turns = (0..longest).flat_map(|turn| [six.get(turn), four.get(turn)]).flatten();
    let mut attempts: FuturesUnordered<_> = turns
        .zip(0u32..)
        .map(|(address, place)| async move {
            if place > 0 {
                tokio::time::sleep(HEAD_START * place).await;
            }
            TcpStream::connect(SocketAddr::new(**address, port)).await
        })
        .collect();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    while let Some(attempt) = attempts.next().await {
        match attempt {
            Ok(stream) => {
                // A request is one packet; waiting for more to send would only be waiting.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(DialError::Connect(last))
}
