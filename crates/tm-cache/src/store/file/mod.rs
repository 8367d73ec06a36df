//! A store in files, shared by the processes of one user on one machine.
//!
//! # The directory
//! | path | what it is |
//! |---|---|
//! | `xx/` | one of 256 shards, named by the first two digits of the names in it |
//! | `xx/NAME` | the record and the grave of one key; `NAME` is [`Key::to_name`], 64 hexadecimal digits |
//! | `xx/NAME.lease` | a lease, locked by who has it |
//! | `xx/.lock` | locked by who changes anything in the shard; readers need no lock |
//! | `xx/.new-…` | a file that is being written, or was when its process died |
//! | `.swept` | which shard was swept last, and when |
//! | `ring` | not of this store, and left alone: the place for a key ring |
//!
//! Directories have the mode 0700, files 0600. What else lies there is left alone.
//!
//! # A file of records
//! Numbers are big-endian; durations are nanoseconds, times of the wall clock milliseconds since 1970 with a sign.
//!
//! | offset | bytes | what it is |
//! |---|---|---|
//! | 0 | 4 | `tmf1` |
//! | 4 | 16 | the first half of the SHA-256 over the 64 digits of the name and all that follows here |
//! | 20 | 8 | when it was written, on the wall clock |
//! | 28 | 16 | which boot of the machine that was (Linux: the boot id), zero if unknown |
//! | 44 | 8 | the time since that boot, suspend included (Linux: `CLOCK_BOOTTIME`) |
//! | 52 | 8 | what was left of the record's time then |
//! | 60 | 8 | what was left of the grave's time then |
//! | 68 | 8 | when the refused tokens were issued, on the service's clock |
//! | 76 | 1 | how many those are: n, at most 16; 0 if there is no grave |
//! | 77 | 16 n | their fingerprints, the latest last |
//! | 77 + 16 n | the rest | the record; nothing if there is none |
//!
//! What is read in the boot in which it was written ends by the time since then, whatever the wall clock says; what is read
//! in another, by the wall clock. If that reads earlier than at the time of writing, nobody can tell, and the record counts
//! as missing. So does anything that is no such file: the next write replaces it.
//!
//! # A lease
//! `tml1`, when it was written (bytes 20 to 51 of the table above), for how long it was granted (8), to whom (16).

mod clock;
mod content;
mod directory;
mod disk;
mod entries;
mod leases;
mod shard;
mod sweep;

pub use clock::{ClockReading, FileClock};
pub use entries::FileEntry;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use self::{
    content::{Content, Written},
    leases::{Leases, Note},
    shard::{Locked, Name, Patience},
};
use super::{Claim, Key, Lease, Owner, Record, Store, StoreError, Tombstone};

/// Keeps records in files, one a record, for programs that start often and for several that start at once.
///
/// The directory has to be the user's alone. Reads take no lock. A write that finds another process at the same 256th of
/// the records waits for it up to two seconds, once a call, and then is an error; what is about leases waits 300 ms. Leases
/// are locks on files: who dies gives them back at once, who hangs loses them at their end (on Windows, where nobody reads a
/// locked file, only by dying).
///
/// Nothing is flushed to the disk. After a crash of the machine some records may be unreadable, which counts as missing, and
/// others as they were some seconds before: a token that was refused last of all may be back. A network file system is no place
/// for it: their locks are not to be relied on.
///
/// What is past its end is swept by and by: each call that writes looks through one shard, if the last look is more than ten
/// seconds ago.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use tm_cache::{Fingerprint, FileStore, Head, Key, Record, Store};
/// use tm_core::{UnixTime, broker::Stamp};
///
/// # let place = tempfile::tempdir()?;
/// # let path = place.path().join("tokens");
/// let store = FileStore::open(&path)?;
/// let stamp = Stamp { issued: UnixTime::from_secs(1_000), expires: UnixTime::from_secs(2_800) };
/// let head = Head { flags: 0, key_id: [0; 8], stamp, fingerprint: Fingerprint::new([7; 16]) };
/// let (key, record) = (Key::from_bytes(b"acme"), Record::new(&head, b"sealed", Duration::from_secs(60)));
/// store.put_many(&[(key.clone(), record)])?;
///
/// let another_process = FileStore::open(&path)?;
/// assert_eq!(another_process.get_many(&[key])?[0].as_ref().unwrap().body(), b"sealed");
/// # Ok(()) }
/// ```
pub struct FileStore {
    directory: PathBuf,
    clock: FileClock,
    leases: Leases,
}

impl FileStore {
    /// In this directory, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be made, belongs to somebody else, or is open to other users.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::with_clock(directory, FileClock::system())
    }

    /// Where the system has the user's caches: `$XDG_CACHE_HOME/tm` or `$HOME/.cache/tm`, on macOS `~/Library/Caches/tm`, on
    /// Windows `%LOCALAPPDATA%\tm`.
    ///
    /// # Errors
    /// As [`FileStore::open`]; and when the variable of the environment that tells the place is missing, or no absolute path.
    pub fn in_user_cache() -> Result<Self, StoreError> {
        Self::open(directory::in_user_cache()?)
    }

    /// As [`FileStore::open`], with clocks of your own.
    ///
    /// # Errors
    /// As [`FileStore::open`].
    pub fn with_clock(directory: impl AsRef<Path>, clock: FileClock) -> Result<Self, StoreError> {
        Ok(Self { directory: directory::open(directory.as_ref())?, clock, leases: Leases::default() })
    }

    /// Where it keeps its files, an absolute path.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Does this for each key under the lock of its shard, shard by shard in their order: nobody waits for two. What fails
    /// keeps nothing else from being done; the first failure is told.
    fn change_many<'a>(
        &self,
        keys: impl Iterator<Item = &'a Key>,
        mut patience: Patience,
        mut change: impl FnMut(&Locked, &Name, usize, &ClockReading) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut names: Vec<(Name, usize)> = keys.map(Name::of).zip(0..).collect();
        names.sort_unstable();
        let mut result = Ok(());
        for names in names.chunk_by(|(name, _), (next, _)| name.shard() == next.shard()) {
            match Locked::lock(&self.directory, names[0].0.shard(), &mut patience) {
                Ok(shard) => {
                    // Not before the lock: what was written meanwhile would lie in the future.
                    let now = self.clock.now();
                    for (name, index) in names {
                        result = result.and(change(&shard, name, *index, &now));
                    }
                }
                Err(error) => result = result.and(Err(error)),
            }
        }
        result
    }

    fn living(path: &Path, name: &Name, now: impl FnOnce() -> ClockReading) -> Result<Content, StoreError> {
        let bytes = disk::read(path, Content::MAX_BYTES)?;
        let written = bytes.and_then(|bytes| Written::parse(name.as_str(), bytes));
        Ok(written.map(|written| written.living(&now())).unwrap_or_default())
    }

    fn change(
        shard: &Locked,
        name: &Name,
        now: &ClockReading,
        change: impl FnOnce(&mut Content),
    ) -> Result<(), StoreError> {
        let path = shard.path().join(name.as_str());
        let before = Self::living(&path, name, || *now)?;
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(());
        }
        if after.is_empty() {
            return disk::remove(&path);
        }
        disk::replace(&path, &after.to_bytes(name.as_str(), now)).inspect_err(|_| {
            if after.record.is_none() {
                let _ = disk::remove(&path); // a full disk remembers no refusal, but it need not keep what was refused
            }
        })
    }
}

impl Store for FileStore {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        let record = |key: &Key| {
            let name = Name::of(key);
            let path = self.directory.join(name.shard()).join(name.as_str());
            Ok(Self::living(&path, &name, || self.clock.now())?.record)
        };
        keys.iter().map(record).collect()
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        let start = self.clock.now();
        let put = self.change_many(
            records.iter().map(|(key, _)| key),
            Patience::for_writes(),
            |shard, name, index, now| {
                let (_, record) = &records[index];
                let waited = start.elapsed(now).unwrap_or_default();
                let record = record.clone().with_remaining(record.remaining().saturating_sub(waited));
                Self::change(shard, name, now, |content| content.put(&record, now.unix))
            },
        );
        self.sweep();
        put
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        let buried = self.change_many(
            tombstones.iter().map(|(key, _)| key),
            Patience::for_writes(),
            |shard, name, index, now| {
                Self::change(shard, name, now, |content| content.bury(&tombstones[index].1))
            },
        );
        self.sweep();
        buried
    }

    fn lease_many(&self, claims: &[Claim], owner: &Owner, time: Duration) -> Result<Vec<Lease>, StoreError> {
        self.leases.expire(&self.clock.now());
        let mut answers = vec![Lease::Held; claims.len()];
        self.change_many(
            claims.iter().map(|claim| &claim.key),
            Patience::for_leases(),
            |shard, name, index, now| {
                let record = Self::living(&shard.path().join(name.as_str()), name, || *now)?.record;
                let answers_it = |record: &Record| {
                    record.is_believable(now.unix) && Lease::answers(&claims[index], record)
                };
                let note = Note { at: *now, time, owner: *owner };
                answers[index] = match record.filter(answers_it) {
                    Some(record) => Lease::Found(record),
                    None if self.leases.lease(&leases::path(shard.path(), name), name, note)? => {
                        Lease::Granted
                    }
                    None => Lease::Held,
                };
                Ok(())
            },
        )?;
        Ok(answers)
    }

    fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        self.leases.expire(&self.clock.now());
        for key in keys {
            self.leases.unlock(&Name::of(key), owner);
        }
        self.change_many(keys.iter(), Patience::for_leases(), |shard, name, _, _| {
            Leases::release(&leases::path(shard.path(), name), owner)
        })
    }

    fn leases(&self) -> bool {
        true
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("directory", &self.directory).finish_non_exhaustive()
    }
}
