//! A place for a store, tokens for it, and clocks that go when they are told to.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;
use tm_cache::{
    Claim, ClockReading, FileClock, FileStore, Fingerprint, Head, Key, Lease, Owner, Record, Store as _,
    Tombstone,
};
use tm_core::{UnixTime, broker::Stamp};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// A directory for one story, with clocks that stand still.
pub(crate) struct Place {
    outer: TempDir,
    pub(crate) clock: Clock,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { outer: tempfile::tempdir().unwrap(), clock: Clock::new() }
    }

    /// A path beside the store.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.outer.path().join(name)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.beside("tokens")
    }

    /// One more store on the same files, as another process has it.
    pub(crate) fn store(&self) -> FileStore {
        FileStore::with_clock(self.path(), self.clock.file_clock()).unwrap()
    }

    pub(crate) fn file_of(&self, key: &Key) -> PathBuf {
        self.shard_of(key).join(key.to_name())
    }

    pub(crate) fn lease_of(&self, key: &Key) -> PathBuf {
        self.shard_of(key).join(format!("{}.lease", key.to_name()))
    }

    pub(crate) fn shard_of(&self, key: &Key) -> PathBuf {
        self.path().join(&key.to_name()[..2])
    }
}

/// Clocks of a test.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Mutex<ClockReading>>);

impl Clock {
    fn new() -> Self {
        let boot = Some(([1; 16], Duration::from_secs(500)));
        Self(Arc::new(Mutex::new(ClockReading { unix: UnixTime::from_secs(1_000_000), boot })))
    }

    pub(crate) fn file_clock(&self) -> FileClock {
        let clock = self.clone();
        FileClock::new(move || *clock.0.lock().unwrap())
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.change(|now| *now = now.after(time));
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut ClockReading)) {
        change(&mut self.0.lock().unwrap());
    }

    /// The machine starts anew: what counts from a boot begins at zero.
    pub(crate) fn reboot(&self) {
        self.change(|now| now.boot = now.boot.map(|([id, ..], _)| ([id + 1; 16], SECOND)));
    }
}

pub(crate) fn key(name: impl AsRef<[u8]>) -> Key {
    Key::from_bytes(name.as_ref())
}

/// Keys of one shard.
pub(crate) fn neighbours(count: usize) -> Vec<Key> {
    let all = (0..).map(|number| key(format!("neighbour {number}")));
    all.filter(|key| key.to_name().starts_with("a7")).take(count).collect()
}

/// With an hour left; its text names it.
pub(crate) fn record(text: &str, issued: i64) -> Record {
    let stamp = Stamp { issued: UnixTime::from_secs(issued), expires: UnixTime::from_secs(issued + 3_600) };
    let fingerprint = fingerprint(text);
    Record::new(&Head { flags: 0, key_id: [0; 8], stamp, fingerprint }, text.as_bytes(), HOUR)
}

/// That refuses the record of this text.
pub(crate) fn tombstone(text: &str, issued: i64) -> Tombstone {
    Tombstone { issued: UnixTime::from_secs(issued), fingerprint: fingerprint(text), remaining: HOUR }
}

fn fingerprint(text: &str) -> Fingerprint {
    let mut bytes = [0; 16];
    let length = text.len().min(16);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    Fingerprint::new(bytes)
}

pub(crate) fn put(store: &FileStore, key: &Key, record: Record) {
    store.put_many(&[(key.clone(), record)]).unwrap();
}

pub(crate) fn bury(store: &FileStore, key: &Key, tombstone: Tombstone) {
    store.remove_many(&[(key.clone(), tombstone)]).unwrap();
}

pub(crate) fn found(store: &FileStore, key: &Key) -> Option<Record> {
    let mut records = store.get_many(std::slice::from_ref(key)).unwrap();
    assert_eq!(records.len(), 1);
    records.remove(0)
}

/// The text of the record that is kept.
pub(crate) fn text(store: &FileStore, key: &Key) -> Option<String> {
    found(store, key).map(|record| String::from_utf8(record.body().to_vec()).unwrap())
}

pub(crate) fn owner(number: u8) -> Owner {
    Owner::new([number; 16])
}

pub(crate) fn lease(store: &FileStore, key: &Key, owner: &Owner, time: Duration) -> Lease {
    let claim = Claim { key: key.clone(), has: None };
    let mut answers = store.lease_many(&[claim], owner, time).unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

/// The names in a directory, in order.
pub(crate) fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
