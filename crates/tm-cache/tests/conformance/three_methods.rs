//! Stores with no more than they must have: the rest is what the traits bring.

use async_trait::async_trait;
use tm_cache::{AsyncStore, Key, MemoryStore, Record, Store, StoreError, Tombstone, conformance::Suite};

use crate::block_on;

#[test]
fn what_a_store_does_not_write_itself_keeps_the_contract() {
    Suite::of(Blocking::default).run().assert();
}

#[test]
fn what_an_async_store_does_not_write_itself_keeps_the_contract() {
    Suite::of_async(Async::default, block_on).run().assert();
}

#[derive(Default)]
struct Blocking(MemoryStore);

impl Store for Blocking {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        Store::get_many(&self.0, keys)
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        Store::put_many(&self.0, records)
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        Store::remove_many(&self.0, tombstones)
    }
}

#[derive(Default)]
struct Async(MemoryStore);

#[async_trait]
impl AsyncStore for Async {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        AsyncStore::get_many(&self.0, keys).await
    }

    async fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        AsyncStore::put_many(&self.0, records).await
    }

    async fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        AsyncStore::remove_many(&self.0, tombstones).await
    }
}
