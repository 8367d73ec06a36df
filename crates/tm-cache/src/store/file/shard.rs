//! A 256th of the records: a directory with a lock.

use std::{
    fs::{self, File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{directory, disk};
use crate::store::{Key, StoreError};

/// The name of a record's file: 64 hexadecimal digits, the first two of them those of its shard.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn of(key: &Key) -> Self {
        Self(key.to_name())
    }

    /// If this is such a name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let good = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        good.then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn shard(&self) -> &str {
        &self.0[..2]
    }
}

/// The names of all shards, in order.
pub(super) fn all() -> impl Iterator<Item = String> {
    (0..=u8::MAX).map(name)
}

pub(super) fn name(number: u8) -> String {
    format!("{number:02x}")
}

/// How long one call waits for a lock. Others hold one for some milliseconds, and many may be before us; but who holds one
/// for longer than this is stopped, or its disk is, and a call waits for such a one only once.
pub(super) struct Patience {
    left: Duration,
}

impl Patience {
    /// A lease only saves a call, and somebody waits for the answer.
    pub(super) fn for_leases() -> Self {
        Self { left: Duration::from_millis(300) }
    }

    /// Nobody waits for a write.
    pub(super) fn for_writes() -> Self {
        Self { left: Duration::from_secs(2) }
    }

    /// For work that can as well be done another time.
    pub(super) fn none() -> Self {
        Self { left: Duration::ZERO }
    }
}

/// The right to change what is in a shard, for as long as it lives.
pub(super) struct Locked {
    path: PathBuf,
    _lock: File,
}

impl Locked {
    pub(super) fn lock(directory: &Path, shard: &str, patience: &mut Patience) -> Result<Self, StoreError> {
        let path = directory.join(shard);
        let at = path.join(".lock");
        let lock = open(&path, &at)?;
        let (start, mut pause) = (Instant::now(), Duration::from_micros(100));
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path, _lock: lock }),
                Err(TryLockError::Error(error)) => return Err(disk::failed("lock", &at, error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let left = patience.left.saturating_sub(start.elapsed());
            if left.is_zero() {
                *patience = Patience::none();
                let text = format!("{} is locked by a process that does not go on", at.display());
                return Err(StoreError::new(text));
            }
            thread::sleep(pause.min(left));
            pause = (2 * pause).min(Duration::from_millis(1));
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Opens the file of the lock; makes the shard if this is its first use.
fn open(shard: &Path, lock: &Path) -> Result<File, StoreError> {
    match fs::symlink_metadata(shard) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(StoreError::new(format!("{} is not a directory", shard.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => make(shard)?,
        Err(error) => return Err(disk::failed("open", shard, error)),
    }
    let opened = disk::options().write(true).create(true).truncate(false).open(lock);
    opened.map_err(|error| disk::failed("open", lock, error))
}

fn make(shard: &Path) -> Result<(), StoreError> {
    // The store's own directory may have been tidied away meanwhile.
    match directory::make(shard, true) {
        // Another process was faster.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(disk::failed("make", shard, error)),
        _ => Ok(()),
    }
}

/// The names in a shard, in no order; none if it is not there yet.
pub(super) fn names(shard: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(shard) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(disk::failed("list", shard, error)),
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.collect())
}
