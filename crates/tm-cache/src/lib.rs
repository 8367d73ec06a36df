//! Keeps technical tokens: the view that makes a hit cheap, and the stores that outlive it.
//!
//! * [`View`]: what a client serves from without asking its broker. A hit takes no lock and allocates nothing.
//! * [`Store`] and [`AsyncStore`]: the contract for keeping tokens beyond one client, with [`MemoryStore`], `FileStore` and
//!   [`NoStore`], `RedisStore` (feature `redis`) and `AsyncRedisStore` (`redis-tokio`), and [`Layered`] for one store over
//!   another. `conformance` proves a store of your own.
//! * [`Storage`]: a store together with the decision whether tokens are sealed in it.

mod codec;
#[cfg(feature = "conformance")]
pub mod conformance;
mod exchange;
#[cfg(feature = "seal")]
mod seal;
mod storage;
mod store;
mod view;

pub use codec::Codec;
pub use exchange::{Question, Reply};
#[cfg(feature = "seal")]
pub use seal::{KeyId, KeyRing};
pub use storage::Storage;
#[cfg(feature = "redis-tokio")]
pub use store::AsyncRedisStore;
pub use store::{
    AsyncStore, Claim, Fingerprint, Grave, Head, Immediate, Key, Layered, Lease, MemoryStore, NoStore, Owner,
    Record, Store, StoreError, Tombstone,
};
#[cfg(feature = "seal")]
pub use store::{ClockReading, FileClock, FileEntry, FileStore};
#[cfg(feature = "redis")]
pub use store::{RedisOptions, RedisStore};
pub use view::{Handle, View};
