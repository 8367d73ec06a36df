//! A store that keeps nothing.

use super::{Immediate, Key, Record, Store, StoreError, Tombstone};

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
