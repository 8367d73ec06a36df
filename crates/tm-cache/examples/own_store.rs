//! A store of one's own: the three methods that every store has to have, and the suite that proves them.
//!
//! `cargo run -p tm-cache --example own_store --features conformance`

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tm_cache::{Grave, Key, Record, Store, StoreError, Tombstone, conformance::Suite};
use tm_core::UnixTime;

/// Keeps tokens in a sorted map.
#[derive(Default)]
struct OwnStore {
    entries: Mutex<BTreeMap<Key, Entry>>,
}

/// What is known of one key, and when each ends.
#[derive(Default)]
struct Entry {
    record: Option<(Record, Instant)>,
    grave: Option<(Grave, Instant)>,
}

impl Store for OwnStore {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        let entries = self.entries();
        Ok(keys.iter().map(|key| entries.get(key)?.record()).collect())
    }

    // One lock around looking and writing makes it atomic. A database would do the same in one statement or script.
    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        let mut entries = self.entries();
        for (key, record) in records {
            entries.entry(key.clone()).or_default().put(record);
        }
        Ok(())
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        let mut entries = self.entries();
        for (key, tombstone) in tombstones {
            entries.entry(key.clone()).or_default().bury(tombstone);
        }
        Ok(())
    }
}

impl OwnStore {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn record(&self) -> Option<Record> {
        let (record, end) = self.record.as_ref()?;
        Some(record.clone().with_remaining(left(*end)?))
    }

    fn put(&mut self, record: &Record) {
        let buried =
            self.grave.as_ref().is_some_and(|(grave, end)| left(*end).is_some() && grave.buries(record));
        let beaten = self.record().is_some_and(|there| !replaces(record, &there));
        if !buried && !beaten {
            self.record = end(record.remaining()).map(|end| (record.clone(), end));
        }
    }

    fn bury(&mut self, tombstone: &Tombstone) {
        let Some(end) = end(tombstone.remaining) else { return };
        self.grave.take_if(|(_, end)| left(*end).is_none());
        let (grave, last) = self.grave.get_or_insert_with(|| (Grave::new(tombstone), end));
        grave.add(tombstone);
        *last = end.max(*last);
        self.record.take_if(|(record, _)| grave.buries(record));
    }
}

/// The newer one stays, and what claims to come from the future counts for nothing.
fn replaces(record: &Record, there: &Record) -> bool {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = UnixTime::from_secs(i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    match (record.is_believable(now), there.is_believable(now)) {
        (true, true) => record.beats(there),
        (_, there) => !there,
    }
}

fn end(remaining: Duration) -> Option<Instant> {
    Instant::now().checked_add(remaining)
}

fn left(end: Instant) -> Option<Duration> {
    end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
}

#[expect(clippy::print_stdout, reason = "the report is what this example is for")]
fn main() -> ExitCode {
    let report = Suite::of(OwnStore::default).run();
    println!("{report}");
    if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// As it would stand in the tests of one's own crate.
#[test]
fn own_store_keeps_the_contract() {
    Suite::of(OwnStore::default).run().assert();
}
