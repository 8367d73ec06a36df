//! A blocking store for async callers.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tm_cache::{AsyncStore, Claim, Key, Lease, Owner, Record, Store, StoreError, Tombstone};
use tokio::task::spawn_blocking;

/// Asks a blocking store on the runtime's threads for blocking work. A request that is given up goes on there until the store
/// answers it.
#[derive(Debug, Clone)]
pub struct BlockingStore<S>(Arc<S>);

impl<S: Store> BlockingStore<S> {
    /// Over this store.
    pub fn new(store: S) -> Self {
        Self(Arc::new(store))
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&S) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.0);
        let answer = spawn_blocking(move || question(&store)).await;
        answer.unwrap_or_else(|_| Err(StoreError::new("the store panicked, or its runtime ended")))
    }
}

#[async_trait]
impl<S: Store> AsyncStore for BlockingStore<S> {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        let keys = keys.to_vec();
        self.ask(move |store| store.get_many(&keys)).await
    }

    async fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        let records = records.to_vec();
        self.ask(move |store| store.put_many(&records)).await
    }

    async fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        let tombstones = tombstones.to_vec();
        self.ask(move |store| store.remove_many(&tombstones)).await
    }

    async fn lease_many(
        &self,
        claims: &[Claim],
        owner: &Owner,
        time: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let (claims, owner) = (claims.to_vec(), *owner);
        self.ask(move |store| store.lease_many(&claims, &owner, time)).await
    }

    async fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        let (keys, owner) = (keys.to_vec(), *owner);
        self.ask(move |store| store.release_many(&keys, &owner)).await
    }

    fn leases(&self) -> bool {
        self.0.leases()
    }
}
