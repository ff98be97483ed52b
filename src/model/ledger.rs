//! What was asked of a host.

/// Requests to one host and what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests made; redirects are requests of their own.
    pub requests: u64,
    /// Answered 304.
    pub not_modified: u64,
    /// Answered with a whole document.
    pub documents: u64,
    /// Answered 429 or 503.
    pub throttled: u64,
    /// Answered otherwise, or not at all.
    pub failed: u64,
    /// Bytes of bodies, as they came.
    pub bytes: u64,
    /// Bytes of the bodies that a 304 spared.
    pub saved: u64,
}

/// A day of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostDay {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// Name and port.
    pub host: String,
    /// What was asked of it.
    pub tally: Tally,
}

impl Tally {
    /// The sum of both.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.not_modified += other.not_modified;
        self.documents += other.documents;
        self.throttled += other.throttled;
        self.failed += other.failed;
        self.bytes += other.bytes;
        self.saved += other.saved;
    }
}
