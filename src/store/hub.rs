//! Whom the hub inside tells of changes.

use chrono::{DateTime, Utc};

use super::StoreError;

/// Who subscribed to a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// A document's name, `feeds/all.atom`.
    pub topic: String,
    /// Digest of the key it named with the document: what it may be told is what that key opens.
    pub key: Option<String>,
    /// Where it wants to hear.
    pub callback: String,
    /// What deliveries are signed with.
    pub secret: Option<String>,
    /// Until when.
    pub expires: DateTime<Utc>,
    /// Tag of the bytes that it has.
    pub delivered: String,
    /// Deliveries that failed in a row.
    pub failures: u32,
}

/// Whether there is room for a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// All there are.
    pub all: usize,
    /// Those whose call-backs are at the same host.
    pub of_host: usize,
    /// It is one of them.
    pub is_known: bool,
}

/// Who was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The document's name.
    pub topic: String,
    /// Where it wanted to hear.
    pub callback: String,
}

/// The part of a store that is about subscribers. Every method fails when the disk does.
pub trait Subscribers {
    /// Adds one, or renews it: a call-back has one subscription to a document, under the key it named last.
    ///
    /// # Errors
    /// See [`Subscribers`].
    fn subscribe(&mut self, subscriber: &Subscriber) -> Result<(), StoreError>;

    /// Takes one out.
    ///
    /// # Errors
    /// See [`Subscribers`].
    fn unsubscribe(&mut self, topic: &str, callback: &str) -> Result<(), StoreError>;

    /// How many there are.
    ///
    /// # Errors
    /// See [`Subscribers`].
    fn subscribers(&mut self) -> Result<usize, StoreError>;

    /// What there is beside the subscription of that call-back to a document.
    ///
    /// # Errors
    /// See [`Subscribers`].
    fn standing(&mut self, topic: &str, callback: &str) -> Result<Standing, StoreError>;

    /// Those of a document who do not have the bytes of this tag and may be told now.
    ///
    /// # Errors
    /// See [`Subscribers`].
    fn waiting(&mut self, topic: &str, tag: &str, now: DateTime<Utc>) -> Result<Vec<Subscriber>, StoreError>;

    /// When the next of those who failed is to be tried again.
    ///
    /// # Errors
    /// See [`Subscribers`].
    fn next_try(&mut self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// It took the bytes of this tag.
    ///
    /// # Errors
    /// See [`Subscribers`].
    fn delivered(&mut self, topic: &str, callback: &str, tag: &str) -> Result<(), StoreError>;

    /// It did not; it is tried again then.
    ///
    /// # Errors
    /// See [`Subscribers`].
    fn refused(&mut self, topic: &str, callback: &str, again: DateTime<Utc>) -> Result<(), StoreError>;

    /// Forgets those whose time is over.
    ///
    /// # Errors
    /// See [`Subscribers`].
    fn expire(&mut self, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// Takes out those of all documents but these.
    ///
    /// # Errors
    /// See [`Subscribers`].
    fn drop_others(&mut self, topics: &[String]) -> Result<Vec<Dropped>, StoreError>;
}
