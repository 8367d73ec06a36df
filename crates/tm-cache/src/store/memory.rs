//! A store in the memory of this process, bounded by bytes.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tm_core::UnixTime;

use super::{Immediate, Key, Record, Store, StoreError, Tombstone};

/// Shared by the clients of one process, such as an async and a blocking one. Over its bound it drops what ends first.
#[derive(Debug)]
pub struct MemoryStore {
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    entries: HashMap<Key, Entry>,
    by_end: BTreeSet<(Instant, Key)>,
    bytes: usize,
    bound: usize,
}

#[derive(Debug, Default)]
struct Entry {
    record: Option<(Record, Instant)>,
    tombstone: Option<(Tombstone, Instant)>,
}

/// What the maps keep around a key and a token, about.
const AROUND_AN_ENTRY: usize = 256;

/// How far ahead of our own clock an issue may lie before it is not believed.
const AHEAD: Duration = Duration::from_secs(300);

impl MemoryStore {
    /// Keeps at most about `bytes` bytes.
    pub fn new(bytes: usize) -> Self {
        let (entries, by_end) = Default::default();
        Self { kept: Mutex::new(Kept { entries, by_end, bytes: 0, bound: bytes }) }
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
        let (mut kept, now) = (self.kept(), Instant::now());
        kept.expire(now);
        Ok(keys.iter().map(|key| kept.get(key, now)).collect())
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        let (mut kept, now, unix) = (self.kept(), Instant::now(), unix_now());
        kept.expire(now);
        for (key, record) in records {
            kept.put(key, record, now, unix);
        }
        kept.evict();
        Ok(())
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        let (mut kept, now) = (self.kept(), Instant::now());
        kept.expire(now);
        for (key, tombstone) in tombstones {
            kept.bury(key, tombstone, now);
        }
        kept.evict();
        Ok(())
    }
}

fn unix_now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Kept {
    fn get(&self, key: &Key, now: Instant) -> Option<Record> {
        let (record, end) = self.entries.get(key)?.record.as_ref()?;
        let remaining = end.checked_duration_since(now).filter(|remaining| !remaining.is_zero())?;
        Some(Record { remaining, ..record.clone() })
    }

    fn put(&mut self, key: &Key, record: &Record, now: Instant, unix: UnixTime) {
        let believable = |record: &Record| record.issued <= unix.saturating_add(AHEAD);
        self.change(key, |entry| {
            let buried = entry.tombstone.as_ref().is_some_and(|(tombstone, _)| tombstone.buries(record));
            let beaten = entry
                .record
                .as_ref()
                .is_some_and(|(kept, _)| believable(kept) && (!believable(record) || !record.beats(kept)));
            if !buried && !beaten && !record.remaining.is_zero() {
                entry.record = end(now, record.remaining).map(|end| (record.clone(), end));
            }
        });
    }

    fn bury(&mut self, key: &Key, tombstone: &Tombstone, now: Instant) {
        self.change(key, |entry| {
            entry.record.take_if(|(record, _)| tombstone.buries(record));
            if entry.tombstone.as_ref().is_none_or(|(older, _)| older.issued <= tombstone.issued) {
                entry.tombstone = end(now, tombstone.remaining).map(|end| (tombstone.clone(), end));
            }
        });
    }

    fn expire(&mut self, now: Instant) {
        while let Some((_, key)) = self.by_end.first().filter(|(end, _)| *end <= now).cloned() {
            self.change(&key, |entry| {
                entry.record.take_if(|(_, end)| *end <= now);
                entry.tombstone.take_if(|(_, end)| *end <= now);
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

/// `None` for a time so far away that the clock cannot tell it; nothing is kept for so long.
fn end(now: Instant, remaining: Duration) -> Option<Instant> {
    now.checked_add(remaining)
}

impl Entry {
    fn first_end(&self) -> Option<Instant> {
        let ends = [self.record.as_ref().map(|(_, end)| *end), self.tombstone.as_ref().map(|(_, end)| *end)];
        ends.into_iter().flatten().min()
    }

    fn bytes(&self, key: &Key) -> usize {
        let record = self.record.as_ref().map_or(0, |(record, _)| record.token.bytes());
        let tombstone = self.tombstone.as_ref().map_or(0, |(tombstone, _)| tombstone.token.bytes());
        AROUND_AN_ENTRY + 2 * key.as_bytes().len() + record + tombstone
    }
}

#[cfg(test)]
mod tests {
    use tm_core::{AppName, AppVersion, Application, Credentials, Gateway, TenantId, Token};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn key(tenant: &str) -> Key {
        let application = Application {
            gateway: Gateway::region("eu1").unwrap(),
            host_tenant: TenantId::new("host").unwrap(),
            name: AppName::new("app").unwrap(),
            version: AppVersion::new("1").unwrap(),
        };
        Key::new(&application, &Credentials::new("c", "s").unwrap(), &TenantId::new(tenant).unwrap())
    }

    fn record(text: &str, issued: i64) -> Record {
        let token = Token::new(text).unwrap();
        let (issued, expires) = (UnixTime::from_secs(issued), UnixTime::from_secs(issued + 3_600));
        Record { token, issued, expires, remaining: HOUR }
    }

    fn tombstone(text: &str, issued: i64) -> Tombstone {
        let token = Token::new(text).unwrap();
        Tombstone { token, issued: UnixTime::from_secs(issued), remaining: HOUR }
    }

    fn kept(store: &MemoryStore) -> Option<String> {
        let found = Store::get_many(store, &[key("a")]).unwrap().remove(0);
        found.map(|record| record.token.secret().to_owned())
    }

    fn put(store: &MemoryStore, record: Record) {
        Store::put_many(store, &[(key("a"), record)]).unwrap();
    }

    #[test]
    fn the_newest_stays_whatever_the_order_of_writers() {
        for order in [["old", "new"], ["new", "old"]] {
            let store = MemoryStore::default();
            for text in order {
                put(&store, record(text, if text == "new" { 20 } else { 10 }));
            }
            assert_eq!(kept(&store).as_deref(), Some("new"), "{order:?}");
        }
    }

    #[test]
    fn a_refused_token_never_comes_back_and_a_newer_one_does() {
        let store = MemoryStore::default();
        put(&store, record("bad", 10));
        Store::remove_many(&store, &[(key("a"), tombstone("bad", 10))]).unwrap();
        put(&store, record("bad", 10));
        put(&store, record("older", 9));
        assert_eq!(kept(&store), None);
        put(&store, record("other", 10));
        assert_eq!(kept(&store).as_deref(), Some("other"));
    }

    #[test]
    fn a_tombstone_for_an_older_token_leaves_the_newer_one_alone() {
        let store = MemoryStore::default();
        put(&store, record("new", 20));
        Store::remove_many(&store, &[(key("a"), tombstone("old", 10))]).unwrap();
        assert_eq!(kept(&store).as_deref(), Some("new"));
    }

    #[test]
    fn a_record_from_the_far_future_blocks_nobody() {
        let store = MemoryStore::default();
        put(&store, record("future", unix_now().as_secs() + 100_000));
        put(&store, record("true", 10));
        assert_eq!(kept(&store).as_deref(), Some("true"));
        put(&store, record("future", unix_now().as_secs() + 100_000));
        assert_eq!(kept(&store).as_deref(), Some("true"));
    }

    #[test]
    fn nothing_is_answered_past_its_end() {
        let mut kept = Kept { entries: HashMap::new(), by_end: BTreeSet::new(), bytes: 0, bound: usize::MAX };
        let (start, unix) = (Instant::now(), UnixTime::from_secs(0));
        kept.put(&key("a"), &record("t", 10), start, unix);
        let found = kept.get(&key("a"), start + HOUR / 2).unwrap();
        assert_eq!(found.remaining, HOUR / 2);
        assert!(kept.get(&key("a"), start + HOUR).is_none());
        kept.expire(start + HOUR);
        assert_eq!((kept.entries.len(), kept.by_end.len(), kept.bytes), (0, 0, 0));
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
