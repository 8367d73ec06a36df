//! One blocking face for both traits, so that a check is written once.

use std::{pin::Pin, sync::Arc, time::Duration};

use crate::{AsyncStore, Claim, Key, Lease, Owner, Record, Store, StoreError, Tombstone};

/// What an executor is given to run to its end.
pub type Work<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

pub(super) type BlockOn<'a> = dyn Fn(Work<'_>) + Send + Sync + 'a;

/// A store under test, with what drives it.
pub(super) enum Driven<'a> {
    Blocking(Box<dyn Store>),
    Async(Box<dyn AsyncStore>, Arc<BlockOn<'a>>),
}

impl Driven<'_> {
    pub(super) fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        match self {
            Self::Blocking(store) => store.get_many(keys),
            Self::Async(store, block_on) => finish(block_on.as_ref(), store.get_many(keys)),
        }
    }

    pub(super) fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        match self {
            Self::Blocking(store) => store.put_many(records),
            Self::Async(store, block_on) => finish(block_on.as_ref(), store.put_many(records)),
        }
    }

    pub(super) fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        match self {
            Self::Blocking(store) => store.remove_many(tombstones),
            Self::Async(store, block_on) => finish(block_on.as_ref(), store.remove_many(tombstones)),
        }
    }

    pub(super) fn lease_many(
        &self,
        claims: &[Claim],
        owner: &Owner,
        time: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        match self {
            Self::Blocking(store) => store.lease_many(claims, owner, time),
            Self::Async(store, block_on) => finish(block_on.as_ref(), store.lease_many(claims, owner, time)),
        }
    }

    pub(super) fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        match self {
            Self::Blocking(store) => store.release_many(keys, owner),
            Self::Async(store, block_on) => finish(block_on.as_ref(), store.release_many(keys, owner)),
        }
    }

    pub(super) fn leases(&self) -> bool {
        match self {
            Self::Blocking(store) => store.leases(),
            Self::Async(store, _) => store.leases(),
        }
    }
}

fn finish<T: Send>(
    block_on: &BlockOn<'_>,
    future: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    let mut answer = None;
    block_on(Box::pin(async { answer = Some(future.await) }));
    answer.unwrap_or_else(|| Err(StoreError::new("block_on came back before the future was done")))
}
