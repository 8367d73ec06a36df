//! Keeps technical tokens: the view that makes a hit cheap, and the stores that outlive it.
//!
//! * [`View`]: what a client serves from without asking its broker. A hit takes no lock and allocates nothing.
//! * [`Store`] and [`AsyncStore`]: the contract for keeping tokens beyond one client, with [`MemoryStore`] and [`NoStore`]
//!   as its first two implementations.

mod store;
mod view;

pub use store::{
    AsyncStore, Claim, Fingerprint, Grave, Head, Immediate, Key, Lease, MemoryStore, NoStore, Owner, Record,
    Store, StoreError, Tombstone,
};
pub use view::{Handle, View};
