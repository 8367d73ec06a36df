//! What a store in files keeps, for who looks after it.

use std::{path::Path, time::Duration};

use super::{
    ClockReading, FileStore, disk,
    leases::SUFFIX,
    shard::{self, Locked, Name, Patience},
};
use crate::store::{Head, Record, StoreError};

/// One record of a [`FileStore`], as far as anyone may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileEntry {
    /// The name of its file: [`crate::Key::to_name`].
    pub name: String,
    /// What its head tells.
    pub head: Head,
    /// How long it is still kept.
    pub remaining: Duration,
    /// How many bytes the record has.
    pub bytes: usize,
}

impl FileStore {
    /// All records that are kept, by name. What is past its end is left out.
    ///
    /// # Errors
    /// The directory could not be read.
    pub fn entries(&self) -> Result<Vec<FileEntry>, StoreError> {
        let mut entries = Vec::new();
        for shard in shard::all().map(|shard| self.directory.join(shard)) {
            let mut names: Vec<_> =
                shard::names(&shard)?.iter().filter_map(|file| Name::parse(file)).collect();
            names.sort_unstable();
            for name in names {
                let record = Self::living(&shard.join(name.as_str()), &name, || self.clock.now())?.record;
                entries.extend(record.map(|record| FileEntry::new(&name, &record)));
            }
        }
        Ok(entries)
    }

    /// Removes all records, graves and leases, and answers how many records that were. The directory stays, and what else
    /// lies in it.
    ///
    /// # Errors
    /// Something could not be removed, or another process held a lock for too long; the rest is gone.
    pub fn clear(&self) -> Result<usize, StoreError> {
        self.leases.clear();
        let (mut patience, mut records, mut result) = (Patience::for_writes(), 0, Ok(()));
        for shard in shard::all().filter(|shard| self.directory.join(shard).exists()) {
            let cleared = Locked::lock(&self.directory, &shard, &mut patience)
                .and_then(|shard| clear(&shard, &self.clock.now(), &mut records));
            result = result.and(cleared);
        }
        result.map(|()| records)
    }
}

fn clear(shard: &Locked, now: &ClockReading, records: &mut usize) -> Result<(), StoreError> {
    let mut result = Ok(());
    for file in shard::names(shard.path())? {
        let path = shard.path().join(&file);
        let name = Name::parse(file.strip_suffix(SUFFIX).unwrap_or(&file));
        if name.is_none() && !file.starts_with(disk::UNFINISHED) {
            continue;
        }
        let is_record = Name::parse(&file).is_some_and(|name| holds_a_record(&path, &name, now));
        let removed = disk::remove(&path);
        *records += usize::from(is_record && removed.is_ok());
        result = result.and(removed);
    }
    result
}

/// What cannot be read is removed all the same.
fn holds_a_record(path: &Path, name: &Name, now: &ClockReading) -> bool {
    FileStore::living(path, name, || *now).is_ok_and(|content| content.record.is_some())
}

impl FileEntry {
    fn new(name: &Name, record: &Record) -> Self {
        let (name, bytes) = (name.as_str().to_owned(), record.bytes().len());
        Self { name, head: record.head(), remaining: record.remaining(), bytes }
    }
}
