//! Which addresses may be dialled. Everything that is not globally routable is refused unless
//! `allow_private` opens it. The check is made on the addresses that are dialled: literals in the URL,
//! and every answer of a name, looked up once per attempt.
//! Never connects.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::{Semaphore, oneshot};
use url::{Host, Url};

#[cfg(test)]
mod tests;

/// Looks a name up. The system's resolver, or a script in tests.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Names looked up at once. A hanging one holds its thread for the resolver's own patience, which is
/// longer than ours, so this is a multiple of the polls at once.
const MAX_LOOKUPS: usize = 1024;
/// Enough for any resolver plug-in of the C library.
const LOOKUP_STACK: usize = 512 << 10;

/// What `allow_private` opens.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    nets: Vec<IpNet>,
    names: Vec<String>,
}

/// Nobody is dialled; says who was refused and what would open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    host: String,
    addresses: Vec<IpAddr>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<String> = self.addresses.iter().map(IpAddr::to_string).collect();
        let addresses = addresses.join(", ");
        if self.host == addresses {
            write!(f, "{addresses} is not a public address")?;
        } else {
            write!(f, "{} is {addresses}, not a public address", self.host)?;
        }
        write!(f, "; [fetch] allow_private = [{:?}] would open it", self.host)
    }
}

impl std::error::Error for Refused {}

/// A name that has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoAddress {
    pub(super) host: String,
    pub(super) why: String,
}

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name {} could not be resolved: {}", self.host, self.why)
    }
}

impl std::error::Error for NoAddress {}

impl Guard {
    /// Reads `allow_private`: CIDRs, addresses and host names.
    ///
    /// # Errors
    /// Names the entry that is none of these.
    pub fn new(allow_private: &[String]) -> Result<Self, String> {
        let mut guard = Self::default();
        for entry in allow_private {
            let entry = entry.trim();
            if let Ok(net) = entry.parse::<IpNet>() {
                guard.nets.push(net.trunc());
            } else if let Ok(address) = entry.parse::<IpAddr>() {
                guard.nets.push(IpNet::from(address));
            } else if let (false, Ok(Host::Domain(name))) = (entry.contains('/'), Host::parse(entry)) {
                guard.names.push(plain(&name));
            } else {
                return Err(format!(
                    "{entry:?} is neither a network (10.0.0.0/8), nor an address, nor a host name"
                ));
            }
        }
        Ok(guard)
    }

    /// The same, open to one more name (a proxy that the config names).
    pub(super) fn with_name(&self, name: &str) -> Self {
        let mut guard = self.clone();
        guard.names.push(plain(name));
        guard
    }

    /// Refuses an address literal that may not be dialled. Names pass: their answers are checked.
    pub(super) fn check(&self, url: &Url) -> Result<(), Refused> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        if self.permits(address) {
            return Ok(());
        }
        Err(Refused { host: address.to_string(), addresses: vec![address] })
    }

    /// True when the address may be dialled, whatever name led to it.
    pub fn permits(&self, address: IpAddr) -> bool {
        let inner = within(address);
        let listed = |address: &IpAddr| self.nets.iter().any(|net| net.contains(address));
        if listed(&address) || (!inner.is_empty() && inner.iter().all(|v4| listed(&IpAddr::V4(*v4)))) {
            return true;
        }
        match address {
            IpAddr::V4(address) => public_v4(address),
            IpAddr::V6(_) if !inner.is_empty() => inner.into_iter().all(public_v4),
            IpAddr::V6(address) => public_v6(address),
        }
    }

    /// The answers of a name that may be dialled.
    fn sift(&self, host: &str, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Refused> {
        if self.names.contains(&plain(host)) {
            return Ok(addresses);
        }
        let (good, bad): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| self.permits(*address));
        if good.is_empty() { Err(Refused { host: plain(host), addresses: bad }) } else { Ok(good) }
    }
}

/// Names are compared without case and without the root's dot.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn in_v4(address: Ipv4Addr, net: [u8; 4], bits: u32) -> bool {
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    address.to_bits() & mask == Ipv4Addr::from(net).to_bits() & mask
}

/// IANA's special-purpose registry (RFC 6890 and later), less what it marks as globally reachable.
fn public_v4(address: Ipv4Addr) -> bool {
    const SPECIAL: [([u8; 4], u32); 16] = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
        ([168, 63, 129, 16], 32), // a cloud's metadata, though outside every private range
    ];
    !SPECIAL.iter().any(|(net, bits)| in_v4(address, *net, *bits))
}

/// Only `2000::/3` is given out as global unicast; within it some blocks are not for this.
fn public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // 2001::/23 is for protocols (benchmarks, ORCHID, AMT); 2001:db8::/32 and 3fff::/20 for books.
        [0x2001, 0x0000..=0x01ff | 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => false,
        [first, ..] => first >> 13 == 1,
    }
}

/// The IPv4 addresses that an IPv6 address leads to: mapped, compatible, translated, NAT64, 6to4,
/// Teredo (server and client). Empty: it is its own.
fn within(address: IpAddr) -> Vec<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return Vec::new() };
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        // `::` and `::1` are IPv6's own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Vec::new(),
        [0, 0, 0, 0, 0, 0 | 0xffff, a, b]
        | [0, 0, 0, 0, 0xffff, 0, a, b]
        | [0x0064, 0xff9b, 0, 0, 0, 0, a, b]
        | [0x2002, a, b, ..] => vec![v4(a, b)],
        [0x2001, 0, a, b, _, _, c, d] => vec![v4(a, b), v4(!c, !d)],
        _ => Vec::new(),
    }
}

/// The resolver that the HTTP client is given.
pub(super) struct Resolver {
    pub(super) guard: Guard,
    pub(super) lookup: Lookup,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, lookup, host) = (self.guard.clone(), Arc::clone(&self.lookup), name.as_str().to_owned());
        async move {
            let addresses = lookup(host.clone())
                .await
                .map_err(|error| NoAddress { host: host.clone(), why: error.to_string() })?;
            if addresses.is_empty() {
                return Err(NoAddress { host, why: "it has no address".to_owned() }.into());
            }
            let good = guard.sift(&host, addresses)?;
            let addresses: Addrs = Box::new(good.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        }
        .boxed()
    }
}

/// The system's resolver. Each look-up has a thread of its own: the C library's cannot be stopped, and
/// the runtime would wait for it on shutdown.
pub(super) fn system_lookup() -> Lookup {
    let turns = Arc::new(Semaphore::new(MAX_LOOKUPS));
    Arc::new(move |host: String| {
        let turns = Arc::clone(&turns);
        async move {
            let turn = turns.acquire_owned().await.map_err(io::Error::other)?;
            let (tell, told) = oneshot::channel();
            std::thread::Builder::new().name("lookup".to_owned()).stack_size(LOOKUP_STACK).spawn(
                move || {
                    let answer = std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), 0))
                        .map(|addresses| addresses.map(|address| address.ip()).collect());
                    // Whoever asked may have given up.
                    let _ = tell.send(answer);
                    drop(turn);
                },
            )?;
            told.await.map_err(|_| io::Error::other("the look-up broke off"))?
        }
        .boxed()
    })
}

/// A look-up limit below the connect limit would only blur errors, so there is one for both.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(10);
