//! Leases as locks on files, which the system takes away from who dies.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    clock::{ClockReading, Parts, nanos},
    disk,
    shard::Name,
};
use crate::store::{Owner, StoreError};

/// How the names of leases end; before it is the name of the record.
pub(super) const SUFFIX: &str = ".lease";

const MAGIC: [u8; 4] = *b"tml1";

/// The leases that this store has. A file is here for as long as it is to be locked.
#[derive(Debug, Default)]
pub(super) struct Leases {
    held: Mutex<BTreeMap<Name, (Note, File)>>,
}

impl Leases {
    /// Grants the lease, or tells that somebody else has it. To be called with the shard's lock.
    pub(super) fn lease(&self, path: &Path, name: &Name, note: Note) -> Result<bool, StoreError> {
        let granted = open(path).and_then(|file| match file.try_lock() {
            Ok(()) => self.hold(path, name, note, file),
            Err(TryLockError::WouldBlock) => self.contend(path, name, note, file),
            Err(TryLockError::Error(error)) => Err(error),
        });
        granted.map_err(|error| disk::failed("lease", path, error))
    }

    fn hold(&self, path: &Path, name: &Name, note: Note, mut file: File) -> io::Result<bool> {
        let written = note.write(&mut file);
        if written.is_err() {
            let _ = fs::remove_file(path); // or it stays as what it is without a lock: nobody's
        }
        written?;
        self.held().insert(name.clone(), (note, file));
        Ok(true)
    }

    /// Of a file that somebody has locked, perhaps we.
    fn contend(&self, path: &Path, name: &Name, note: Note, mut file: File) -> io::Result<bool> {
        let mut ours = false;
        if let Some((kept, file)) = self.held().get_mut(name).filter(|(kept, _)| kept.owner == note.owner) {
            note.write(file)?;
            (*kept, ours) = (note, true);
        }
        // Windows lets nobody read what is locked: there a lease is held for as long as its holder lives.
        let Ok(bytes) = disk::read_open(&file, Note::BYTES) else { return Ok(ours) };
        match bytes.and_then(|bytes| Note::parse(&bytes)) {
            Some(kept) if kept.owner == note.owner => note.write(&mut file).map(|()| true),
            Some(kept) if !kept.is_over(&note.at) => Ok(false),
            _ => {
                fs::remove_file(path)?; // its holder hangs: the lock stays with the file that has no name any more
                let file = open(path)?;
                file.try_lock()?;
                self.hold(path, name, note, file)
            }
        }
    }

    /// Gives a lease back, if it is still this owner's. To be called with the shard's lock.
    pub(super) fn release(path: &Path, owner: &Owner) -> Result<(), StoreError> {
        let note = disk::read(path, Note::BYTES)?.and_then(|bytes| Note::parse(&bytes));
        if note.is_some_and(|note| note.owner == *owner) { disk::remove(path) } else { Ok(()) }
    }

    /// Unlocks what this owner has leased of that name. Needs no lock.
    pub(super) fn unlock(&self, name: &Name, owner: &Owner) {
        let mut held = self.held();
        if held.get(name).is_some_and(|(note, _)| note.owner == *owner) {
            held.remove(name);
        }
    }

    /// Unlocks what is past its end. What another thread has leased since `now` is not.
    pub(super) fn expire(&self, now: &ClockReading) {
        self.held().retain(|_, (note, _)| note.at.elapsed(now).is_none_or(|elapsed| elapsed < note.time));
    }

    pub(super) fn clear(&self) {
        self.held().clear();
    }

    /// A panic while the lock was held leaves nothing half done.
    fn held(&self) -> MutexGuard<'_, BTreeMap<Name, (Note, File)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the file of a lease, a new one if there is none. What else stands in its place has to go.
fn open(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        fs::remove_file(path)?;
    }
    disk::options().read(true).write(true).create(true).truncate(false).open(path)
}

pub(super) fn path(shard: &Path, name: &Name) -> PathBuf {
    shard.join(format!("{}{SUFFIX}", name.as_str()))
}

/// Whether some process has this lease, or may have it. What is no file is nobody's.
pub(super) fn is_held(path: &Path) -> bool {
    match disk::options().read(true).write(true).open(path) {
        Ok(file) => file.try_lock().is_err(),
        Err(_) => fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()),
    }
}

/// What a lease says about itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Note {
    pub(super) at: ClockReading,
    pub(super) time: Duration,
    pub(super) owner: Owner,
}

impl Note {
    const BYTES: usize = 4 + ClockReading::BYTES + 8 + 16;

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut parts = Parts(bytes);
        parts.take().filter(|magic| *magic == MAGIC)?;
        let (at, time, owner) = (parts.reading()?, parts.duration()?, Owner::new(parts.take()?));
        parts.0.is_empty().then_some(Self { at, time, owner })
    }

    fn to_bytes(self) -> Vec<u8> {
        let time = nanos(self.time).to_be_bytes();
        [&MAGIC[..], &self.at.to_bytes(), &time, self.owner.as_bytes()].concat()
    }

    /// In place: the shard's lock keeps readers away, and a note that fits has its room on the disk.
    fn write(&self, file: &mut File) -> io::Result<()> {
        file.rewind()?;
        file.write_all(&self.to_bytes())?;
        file.set_len(Self::BYTES as u64)
    }

    /// A lease of which nobody can tell how old it is has ended, too: at worst a call is made twice.
    fn is_over(&self, now: &ClockReading) -> bool {
        self.at.elapsed(now).is_none_or(|elapsed| elapsed >= self.time)
    }
}
