//! A store in the memory of this process, bounded by bytes.

mod leases;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tm_core::UnixTime;

use super::{
    Claim, Grave, Immediate, Key, Lease, Owner, Record, Store, StoreError, Tombstone,
    clock::{since_start, unix_now},
};
use leases::Leases;

/// Shared by the clients of one process, such as an async and a blocking one: what both need, one of them fetches. Over
/// its bound it drops what ends first. Its times go on while the machine sleeps, where the system can tell (Linux).
#[derive(Debug)]
pub struct MemoryStore {
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    entries: HashMap<Key, Entry>,
    by_end: BTreeSet<(Duration, Key)>,
    bytes: usize,
    bound: usize,
    leases: Leases,
}

#[derive(Debug, Default)]
struct Entry {
    record: Option<(Record, Duration)>,
    grave: Option<(Grave, Duration)>,
}

/// Nothing is kept for longer, whatever it asks for. A token lives half an hour.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// What the maps keep around a key and a token, about.
const AROUND_AN_ENTRY: usize = 256;

impl MemoryStore {
    /// Keeps at most about `bytes` bytes.
    pub fn new(bytes: usize) -> Self {
        Self { kept: Mutex::new(Kept::new(bytes)) }
    }

    /// A panic while the lock was held leaves nothing half done that matters: at worst a record too few.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    /// 512 MiB, room for about 200,000 tenants.
    fn default() -> Self {
        Self::new(512 * 1024 * 1024)
    }
}

impl Immediate for MemoryStore {}

impl Store for MemoryStore {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        let (mut kept, now) = (self.kept(), since_start());
        kept.expire(now);
        Ok(keys.iter().map(|key| kept.get(key, now)).collect())
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        let (mut kept, now, unix) = (self.kept(), since_start(), unix_now());
        kept.expire(now);
        for (key, record) in records {
            kept.put(key, record, now, unix);
        }
        kept.evict();
        Ok(())
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        let (mut kept, now) = (self.kept(), since_start());
        kept.expire(now);
        for (key, tombstone) in tombstones {
            kept.bury(key, tombstone, now);
        }
        kept.evict();
        Ok(())
    }

    fn lease_many(&self, claims: &[Claim], owner: &Owner, time: Duration) -> Result<Vec<Lease>, StoreError> {
        let (mut kept, now, unix) = (self.kept(), since_start(), unix_now());
        kept.expire(now);
        Ok(claims.iter().map(|claim| kept.lease(claim, owner, time, (now, unix))).collect())
    }

    fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        let mut kept = self.kept();
        for key in keys {
            kept.leases.release(key, owner);
        }
        Ok(())
    }

    fn leases(&self) -> bool {
        true
    }
}

impl Kept {
    fn new(bound: usize) -> Self {
        let (entries, by_end, leases) = Default::default();
        Self { entries, by_end, bytes: 0, bound, leases }
    }

    fn get(&self, key: &Key, now: Duration) -> Option<Record> {
        let (record, end) = self.entries.get(key)?.record.as_ref()?;
        let remaining = end.checked_sub(now).filter(|remaining| !remaining.is_zero())?;
        Some(record.clone().with_remaining(remaining))
    }

    fn put(&mut self, key: &Key, record: &Record, now: Duration, unix: UnixTime) {
        let believable = |record: &Record| record.is_believable(unix);
        self.change(key, |entry| {
            let buried = entry.grave.as_ref().is_some_and(|(grave, _)| grave.buries(record));
            let beaten = entry
                .record
                .as_ref()
                .is_some_and(|(kept, _)| believable(kept) && (!believable(record) || !record.beats(kept)));
            if !buried && !beaten && !record.remaining().is_zero() {
                entry.record = Some((record.clone(), end(now, record.remaining())));
            }
        });
    }

    fn bury(&mut self, key: &Key, tombstone: &Tombstone, now: Duration) {
        self.change(key, |entry| {
            let end = end(now, tombstone.remaining);
            let (grave, until) = entry.grave.get_or_insert_with(|| (Grave::new(tombstone), end));
            grave.add(tombstone);
            *until = end.max(*until);
            entry.record.take_if(|(record, _)| grave.buries(record));
        });
    }

    fn lease(
        &mut self,
        claim: &Claim,
        owner: &Owner,
        time: Duration,
        (now, unix): (Duration, UnixTime),
    ) -> Lease {
        let answers = |record: &Record| record.is_believable(unix) && Lease::answers(claim, record);
        match self.get(&claim.key, now).filter(answers) {
            Some(record) => Lease::Found(record),
            None if self.leases.lease(&claim.key, owner, now, time) => Lease::Granted,
            None => Lease::Held,
        }
    }

    fn expire(&mut self, now: Duration) {
        while let Some((_, key)) = self.by_end.first().filter(|(end, _)| *end <= now).cloned() {
            self.change(&key, |entry| {
                entry.record.take_if(|(_, end)| *end <= now);
                entry.grave.take_if(|(_, end)| *end <= now);
            });
        }
    }

    fn evict(&mut self) {
        while self.bytes > self.bound
            && let Some((_, key)) = self.by_end.first().cloned()
        {
            self.change(&key, |entry| *entry = Entry::default());
        }
    }

    /// The one place where an entry changes, so that the books stay right.
    fn change(&mut self, key: &Key, change: impl FnOnce(&mut Entry)) {
        let mut entry = self.entries.remove(key).unwrap_or_default();
        if let Some(end) = entry.first_end() {
            self.by_end.remove(&(end, key.clone()));
            self.bytes -= entry.bytes(key);
        }
        change(&mut entry);
        if let Some(end) = entry.first_end() {
            self.by_end.insert((end, key.clone()));
            self.bytes += entry.bytes(key);
            self.entries.insert(key.clone(), entry);
        }
    }
}

fn end(now: Duration, remaining: Duration) -> Duration {
    now + remaining.min(LONGEST)
}

impl Entry {
    fn first_end(&self) -> Option<Duration> {
        let ends = [self.record.as_ref().map(|(_, end)| *end), self.grave.as_ref().map(|(_, end)| *end)];
        ends.into_iter().flatten().min()
    }

    fn bytes(&self, key: &Key) -> usize {
        let record = self.record.as_ref().map_or(0, |(record, _)| record.bytes().len());
        AROUND_AN_ENTRY + 2 * key.as_bytes().len() + record
    }
}

#[cfg(test)]
mod tests {
    use tm_core::broker::Stamp;

    use super::*;
    use crate::{Fingerprint, Head};

    const HOUR: Duration = Duration::from_secs(3_600);

    fn key(name: &str) -> Key {
        Key::from_bytes(name.as_bytes())
    }

    fn record(text: &str, issued: i64) -> Record {
        let stamp =
            Stamp { issued: UnixTime::from_secs(issued), expires: UnixTime::from_secs(issued + 3_600) };
        let fingerprint = Fingerprint::new([text.as_bytes()[0]; 16]);
        Record::new(&Head { flags: 0, key_id: [0; 8], stamp, fingerprint }, text.as_bytes(), HOUR)
    }

    #[test]
    fn nothing_is_answered_past_its_end() {
        let mut kept = Kept::new(usize::MAX);
        let (start, unix) = (since_start(), UnixTime::from_secs(0));
        kept.put(&key("a"), &record("t", 10), start, unix);
        let found = kept.get(&key("a"), start + HOUR / 2).unwrap();
        assert_eq!(found.remaining(), HOUR / 2);
        assert!(kept.get(&key("a"), start + HOUR).is_none());
        kept.expire(start + HOUR);
        assert_eq!((kept.entries.len(), kept.by_end.len(), kept.bytes), (0, 0, 0));
    }

    #[test]
    fn of_a_record_and_a_refusal_each_ends_at_its_own_time() {
        let (mut kept, start, unix) = (Kept::new(usize::MAX), since_start(), UnixTime::from_secs(0));
        let refused = record("old", 10);
        let tombstone = |remaining| Tombstone {
            issued: refused.stamp().issued,
            fingerprint: refused.fingerprint(),
            remaining,
        };
        kept.bury(&key("short"), &tombstone(HOUR / 2), start);
        kept.bury(&key("long"), &tombstone(2 * HOUR), start);
        for name in ["short", "long"] {
            kept.put(&key(name), &record("new", 20), start, unix);
        }
        kept.expire(start + HOUR / 2);
        assert!(kept.entries[&key("short")].grave.is_none());
        assert!(kept.get(&key("short"), start + HOUR / 2).is_some());
        kept.expire(start + HOUR);
        assert_eq!(kept.entries.len(), 1);
        assert!(kept.entries[&key("long")].record.is_none());
        kept.put(&key("long"), &refused, start + HOUR, unix);
        assert!(kept.get(&key("long"), start + HOUR).is_none(), "it is still known to be refused");
    }

    #[test]
    fn nothing_is_kept_for_more_than_a_day() {
        let (mut kept, start, unix) = (Kept::new(usize::MAX), since_start(), UnixTime::from_secs(0));
        kept.put(&key("a"), &record("t", 10).with_remaining(25 * HOUR), start, unix);
        assert_eq!(kept.get(&key("a"), start).unwrap().remaining(), 24 * HOUR);
    }

    #[test]
    fn an_entry_counts_with_its_record_its_key_twice_and_what_is_around_it() {
        let (mut kept, start, unix) = (Kept::new(usize::MAX), since_start(), UnixTime::from_secs(0));
        kept.put(&key("acme"), &record("token", 10), start, unix);
        assert_eq!(kept.bytes, 256 + 2 * 4 + Record::HEAD + 5);
    }

    #[test]
    fn what_ends_first_goes_first_and_what_just_fits_stays() {
        let (mut kept, start, unix) = (Kept::new(usize::MAX), since_start(), UnixTime::from_secs(0));
        kept.put(&key("late"), &record("t", 10), start, unix);
        kept.put(&key("soon"), &record("t", 10).with_remaining(HOUR / 2), start, unix);
        kept.bound = kept.bytes;
        kept.evict();
        assert_eq!(kept.entries.len(), 2);
        kept.bound -= 1;
        kept.evict();
        assert!(kept.get(&key("late"), start).is_some() && kept.get(&key("soon"), start).is_none());
    }

    #[test]
    fn what_is_refused_for_all_time_goes_too() {
        let (mut kept, start, unix) = (Kept::new(usize::MAX), since_start(), UnixTime::from_secs(0));
        let refused = record("t", 10).with_remaining(Duration::MAX);
        kept.put(&key("a"), &refused, start, unix);
        assert_eq!(kept.get(&key("a"), start).unwrap().remaining(), LONGEST);
        let (issued, fingerprint) = (refused.stamp().issued, refused.fingerprint());
        kept.bury(&key("a"), &Tombstone { issued, fingerprint, remaining: Duration::MAX }, start);
        assert!(kept.get(&key("a"), start).is_none());
        kept.expire(start + LONGEST);
        assert!(kept.entries.is_empty());
    }

    #[test]
    fn the_bound_in_bytes_holds() {
        let store = MemoryStore::new(10_000);
        for number in 0..100 {
            Store::put_many(&store, &[(key(&number.to_string()), record(&"t".repeat(500), number))]).unwrap();
            assert!(store.kept().bytes <= 10_000);
        }
        assert!(store.kept().entries.len() > 3);
    }
}
