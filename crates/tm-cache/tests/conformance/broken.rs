//! A memory store some calls of which go wrong.

use std::time::Duration;

use tm_cache::{Claim, Key, Lease, MemoryStore, Owner, Record, Store, StoreError, Tombstone};

type Gets = fn(&MemoryStore, &[Key]) -> Result<Vec<Option<Record>>, StoreError>;
type Puts = fn(&MemoryStore, &[(Key, Record)]) -> Result<(), StoreError>;
type Leases = fn(&MemoryStore, &[Claim], &Owner, Duration) -> Result<Vec<Lease>, StoreError>;

pub(crate) struct Broken {
    place: MemoryStore,
    pub(crate) get: Gets,
    pub(crate) put: Puts,
    pub(crate) lease: Leases,
}

impl Broken {
    pub(crate) fn not_at_all() -> Self {
        Self {
            place: MemoryStore::default(),
            get: Store::get_many,
            put: Store::put_many,
            lease: Store::lease_many,
        }
    }
}

impl Store for Broken {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        (self.get)(&self.place, keys)
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        (self.put)(&self.place, records)
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        self.place.remove_many(tombstones)
    }

    fn lease_many(&self, claims: &[Claim], owner: &Owner, time: Duration) -> Result<Vec<Lease>, StoreError> {
        (self.lease)(&self.place, claims, owner, time)
    }

    fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        self.place.release_many(keys, owner)
    }

    fn leases(&self) -> bool {
        self.place.leases()
    }
}
