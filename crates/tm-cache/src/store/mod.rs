//! The contract for keeping tokens beyond one client, and the stores of this crate.

mod clock;
mod error;
#[cfg(feature = "seal")]
mod file;
mod key;
mod layered;
mod lease;
mod memory;
mod nothing;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod shared;
mod tombstone;

pub use error::StoreError;
#[cfg(feature = "seal")]
pub use file::{ClockReading, FileClock, FileEntry, FileStore};
pub use key::Key;
pub use layered::Layered;
pub use lease::{Claim, Lease, Owner};
pub use memory::MemoryStore;
pub use nothing::NoStore;
pub use record::{Fingerprint, Head, Record};
#[cfg(feature = "redis-tokio")]
pub use redis::AsyncRedisStore;
#[cfg(feature = "redis")]
pub use redis::{RedisOptions, RedisStore};
pub use tombstone::{Grave, Tombstone};

use std::time::Duration;

use async_trait::async_trait;

/// A place that keeps tokens, for blocking callers. Three methods are to be written; leases are an offer.
///
/// A store never sees a token: what it keeps is bytes, sealed or not before they come here, with a head that tells
/// which of two is newer. [`crate::Storage`] decides on sealing.
///
/// # Contract
/// * Answers are one per key, in the order of the keys. A call may name a thousand keys, or none; it should take a
///   bounded number of round trips. A key that is written twice in one call is written in that order.
/// * `put_many` is, per key, an atomic *put if it beats* ([`Record::beats`]): whatever the order of writers, the newest
///   record stays. A record that a [`Grave`] buries is not kept.
/// * `remove_many` puts tombstones in the same way: what they bury goes, what they do not bury stays. Of two tombstones of
///   one key the one of the later issue stays, and of one instant both ([`Grave`]); a store may forget them when the
///   longest `remaining` of them has gone by.
/// * A record that claims to be issued more than [`Record::AHEAD`] ahead of the store's clock loses to any that does not,
///   and so does one that cannot be read ([`Record::parse`]). Neither answers a claim.
/// * Nothing is answered past its `remaining`, and what is answered tells what is left of that.
/// * Correctness never rests on a lease: they only save calls. A store that does not lease answers `false` to
///   [`Store::leases`].
/// * A failing store is a *miss* for its caller, never an error of `token`. A store need not retry.
/// * The bytes of a record are not logged, put into an error, or shown by `Debug`.
pub trait Store: Send + Sync + 'static {
    /// What is kept under these keys.
    ///
    /// # Errors
    /// The store could not be read; the caller goes on without it.
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError>;

    /// Keeps those records that beat what is there.
    ///
    /// # Errors
    /// The store could not be written; the caller tries again later.
    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError>;

    /// Drops refused tokens, and remembers that they were refused.
    ///
    /// # Errors
    /// The store could not be written; the caller tries again later.
    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError>;

    /// Asks for the right to fetch tokens, for so long: in one atomic step per key, *found* if a record is there that
    /// beats what the claimant has, else *held* if somebody else has a lease on the key, else *granted*. Who has the
    /// lease already gets it anew. A lease that is not released ends by itself.
    ///
    /// # Errors
    /// The store could not be asked; the caller goes on as if all were granted.
    #[expect(unused_variables, reason = "who writes it anew sees the names")]
    fn lease_many(&self, claims: &[Claim], owner: &Owner, time: Duration) -> Result<Vec<Lease>, StoreError> {
        let keys: Vec<Key> = claims.iter().map(|claim| claim.key.clone()).collect();
        Ok(Lease::without_leases(claims, self.get_many(&keys)?))
    }

    /// Gives leases back, those that this owner has.
    ///
    /// # Errors
    /// The store could not be asked; the leases end by themselves.
    #[expect(unused_variables, reason = "who writes it anew sees the names")]
    fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        Ok(())
    }

    /// Whether `lease_many` grants a key to one owner at a time.
    fn leases(&self) -> bool {
        false
    }
}

/// A place that keeps tokens, for async callers. The contract is that of [`Store`]. Dropping a future may leave its work
/// done or not done.
#[async_trait]
pub trait AsyncStore: Send + Sync + 'static {
    /// As [`Store::get_many`].
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError>;

    /// As [`Store::put_many`].
    async fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError>;

    /// As [`Store::remove_many`].
    async fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError>;

    /// As [`Store::lease_many`].
    #[expect(unused_variables, reason = "who writes it anew sees the names")]
    async fn lease_many(
        &self,
        claims: &[Claim],
        owner: &Owner,
        time: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let keys: Vec<Key> = claims.iter().map(|claim| claim.key.clone()).collect();
        Ok(Lease::without_leases(claims, self.get_many(&keys).await?))
    }

    /// As [`Store::release_many`].
    #[expect(unused_variables, reason = "who writes it anew sees the names")]
    async fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        Ok(())
    }

    /// As [`Store::leases`].
    fn leases(&self) -> bool {
        false
    }
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

    async fn lease_many(
        &self,
        claims: &[Claim],
        owner: &Owner,
        time: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        Store::lease_many(self, claims, owner, time)
    }

    async fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        Store::release_many(self, keys, owner)
    }

    fn leases(&self) -> bool {
        Store::leases(self)
    }
}
