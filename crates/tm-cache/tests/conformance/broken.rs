//! A memory store that is broken in one way.

use std::{sync::Arc, time::Duration};

use tm_cache::{Claim, Key, Lease, MemoryStore, Owner, Record, Store, StoreError, Tombstone};

type Gets = fn(&MemoryStore, &[Key]) -> Result<Vec<Option<Record>>, StoreError>;
type Puts = fn(&MemoryStore, &[(Key, Record)]) -> Result<(), StoreError>;
type Removes = fn(&MemoryStore, &[(Key, Tombstone)]) -> Result<(), StoreError>;
type LeasesMany = fn(&MemoryStore, &[Claim], &Owner, Duration) -> Result<Vec<Lease>, StoreError>;
type Releases = fn(&MemoryStore, &[Key], &Owner) -> Result<(), StoreError>;

/// Its clones are handles on one place.
#[derive(Clone)]
pub(crate) struct Broken {
    place: Arc<MemoryStore>,
    pub(crate) get: Gets,
    pub(crate) put: Puts,
    pub(crate) remove: Removes,
    pub(crate) lease: LeasesMany,
    pub(crate) release: Releases,
    pub(crate) leases: bool,
}

impl Broken {
    pub(crate) fn not_at_all() -> Self {
        Self {
            place: Arc::default(),
            get: Store::get_many,
            put: Store::put_many,
            remove: Store::remove_many,
            lease: Store::lease_many,
            release: Store::release_many,
            leases: true,
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
        (self.remove)(&self.place, tombstones)
    }

    fn lease_many(&self, claims: &[Claim], owner: &Owner, time: Duration) -> Result<Vec<Lease>, StoreError> {
        (self.lease)(&self.place, claims, owner, time)
    }

    fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        (self.release)(&self.place, keys, owner)
    }

    fn leases(&self) -> bool {
        self.leases
    }
}
