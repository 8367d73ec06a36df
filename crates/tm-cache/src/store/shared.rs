//! A store that several clients share.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{AsyncStore, Claim, Key, Lease, Owner, Record, Store, StoreError, Tombstone};

impl<S: Store + ?Sized> Store for Arc<S> {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        (**self).get_many(keys)
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        (**self).put_many(records)
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        (**self).remove_many(tombstones)
    }

    fn lease_many(&self, claims: &[Claim], owner: &Owner, time: Duration) -> Result<Vec<Lease>, StoreError> {
        (**self).lease_many(claims, owner, time)
    }

    fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        (**self).release_many(keys, owner)
    }

    fn leases(&self) -> bool {
        (**self).leases()
    }
}

#[async_trait]
impl<S: AsyncStore + ?Sized> AsyncStore for Arc<S> {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        (**self).get_many(keys).await
    }

    async fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        (**self).put_many(records).await
    }

    async fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        (**self).remove_many(tombstones).await
    }

    async fn lease_many(
        &self,
        claims: &[Claim],
        owner: &Owner,
        time: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        (**self).lease_many(claims, owner, time).await
    }

    async fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        (**self).release_many(keys, owner).await
    }

    fn leases(&self) -> bool {
        (**self).leases()
    }
}
