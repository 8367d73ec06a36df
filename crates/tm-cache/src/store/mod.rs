//! The contract for keeping tokens beyond one client, and what is kept.

mod key;
mod memory;

pub use key::Key;
pub use memory::MemoryStore;

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use tm_core::{Token, UnixTime};

/// A token, as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The token.
    pub token: Token,
    /// When it was issued, on the service's clock.
    pub issued: UnixTime,
    /// When it ends, on the service's clock.
    pub expires: UnixTime,
    /// How long it lives from now on. A store keeps it no longer than that, and answers what is left of it.
    pub remaining: Duration,
}

impl Record {
    /// Whether this one is to be kept rather than `other`: the later issue wins, then the later end.
    pub fn beats(&self, other: &Self) -> bool {
        (self.issued, self.expires) > (other.issued, other.expires)
    }
}

/// What stays of a token that a service refused, so that no process brings it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The token that was refused.
    pub token: Token,
    /// When it was issued, on the service's clock.
    pub issued: UnixTime,
    /// How long to remember it: until the token would have ended.
    pub remaining: Duration,
}

impl Tombstone {
    /// Whether a record has to give way: it is older, or it is the refused token itself. One of the same instant with
    /// another token is good, since the service issues several in a second.
    pub fn buries(&self, record: &Record) -> bool {
        record.issued < self.issued || record.token == self.token
    }
}

/// A place that keeps tokens, for blocking callers.
///
/// # Contract
/// * Answers are one per key, in the order of the keys.
/// * `put_many` is, per key, an atomic *put if it beats* ([`Record::beats`]): whatever the order of writers, the newest
///   token stays. A record that a [`Tombstone`] buries is not kept.
/// * `remove_many` puts tombstones in the same way: what they bury goes, what they do not bury stays.
/// * A record that claims to be issued more than five minutes ahead of the store's clock loses to any other.
/// * Nothing is answered past its `remaining`.
/// * A failing store is a *miss* for its caller, never an error of `token`. A store need not retry.
/// * Nothing of a record is logged, put into an error, or shown by `Debug`.
pub trait Store: Send + Sync + 'static {
    /// What is kept under these keys.
    ///
    /// # Errors
    /// The store could not be read; the caller goes on without it.
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError>;

    /// Keeps those records that beat what is there.
    ///
    /// # Errors
    /// The store could not be written; the caller goes on without it.
    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError>;

    /// Drops refused tokens, and remembers that they were refused.
    ///
    /// # Errors
    /// The store could not be written; the caller goes on without it.
    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError>;
}

/// A place that keeps tokens, for async callers. The contract is that of [`Store`].
#[async_trait]
pub trait AsyncStore: Send + Sync + 'static {
    /// As [`Store::get_many`].
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError>;

    /// As [`Store::put_many`].
    async fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError>;

    /// As [`Store::remove_many`].
    async fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError>;
}

/// A [`Store`] that never waits for anything, and so is an [`AsyncStore`] as it stands.
pub trait Immediate: Store {}

#[async_trait]
impl<S: Immediate> AsyncStore for S {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        Store::get_many(self, keys)
    }

    async fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        Store::put_many(self, records)
    }

    async fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        Store::remove_many(self, tombstones)
    }
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStore;

impl Immediate for NoStore {}

impl Store for NoStore {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        Ok(vec![None; keys.len()])
    }

    fn put_many(&self, _records: &[(Key, Record)]) -> Result<(), StoreError> {
        Ok(())
    }

    fn remove_many(&self, _tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Why a store could not do what was asked of it.
#[derive(Debug, Clone)]
pub struct StoreError {
    message: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl StoreError {
    /// With nothing below it. The text must hold no secret.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// The same with a cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
