//! What the stories begin with: tokens as a store sees them, and stores of each kind.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tm_cache::{
    AsyncRedisStore, AsyncStore, Claim, Fingerprint, Head, Key, Lease, Owner, Record, RedisOptions, Store,
    StoreError, Tombstone,
};
use tm_core::{UnixTime, broker::Stamp};
use tokio::runtime::Runtime;

use crate::{cluster::RedisCluster, server::RedisServer};

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

pub(crate) fn key(name: &str) -> Key {
    Key::from_bytes(name.as_bytes())
}

pub(crate) fn keys(count: usize) -> Vec<Key> {
    (0..count).map(|number| key(&format!("token {number}"))).collect()
}

/// A token issued so many seconds after half an hour ago; the same for the same arguments.
pub(crate) fn record(name: u8, issued: i64) -> Record {
    let issued = half_an_hour_ago() + issued;
    record_at(name, UnixTime::from_secs(issued), UnixTime::from_secs(issued + 3_600))
}

pub(crate) fn record_at(name: u8, issued: UnixTime, expires: UnixTime) -> Record {
    let head = Head {
        flags: 0,
        key_id: [0; 8],
        stamp: Stamp { issued, expires },
        fingerprint: Fingerprint::new([name; 16]),
    };
    // Bytes of all values, as a sealed body has them.
    let body: Vec<u8> = (0..=u8::MAX).collect();
    Record::new(&head, &body, HOUR)
}

/// The refusal of a record.
pub(crate) fn refusal(record: &Record) -> Tombstone {
    Tombstone { issued: record.stamp().issued, fingerprint: record.fingerprint(), remaining: HOUR }
}

pub(crate) fn owner(name: u8) -> Owner {
    Owner::new([name; 16])
}

pub(crate) fn claim(key: &Key, has: Option<&Record>) -> Claim {
    Claim { key: key.clone(), has: has.map(Record::stamp) }
}

/// All of a record but what is left of its time, which a test cannot know.
pub(crate) fn bytes(records: &[Option<Record>]) -> Vec<Option<&[u8]>> {
    records.iter().map(|record| record.as_ref().map(|record| &record.bytes()[..])).collect()
}

pub(crate) fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    UnixTime::from_millis(i64::try_from(since.as_millis()).expect("a clock before the year 292 million"))
}

/// The same for all of a run, so that two records of the same make are the same.
fn half_an_hour_ago() -> i64 {
    static THEN: OnceLock<i64> = OnceLock::new();
    *THEN.get_or_init(|| now().as_secs() - 1_800)
}

/// An async store behind the blocking contract, so that a story is written once.
pub(crate) struct Blocking {
    pub(crate) store: AsyncRedisStore,
    pub(crate) runtime: Runtime,
}

impl Blocking {
    pub(crate) fn new(store: AsyncRedisStore) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self { store, runtime: runtime.expect("a runtime") }
    }
}

impl Store for Blocking {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        self.runtime.block_on(self.store.get_many(keys))
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        self.runtime.block_on(self.store.put_many(records))
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        self.runtime.block_on(self.store.remove_many(tombstones))
    }

    fn lease_many(&self, claims: &[Claim], owner: &Owner, time: Duration) -> Result<Vec<Lease>, StoreError> {
        self.runtime.block_on(self.store.lease_many(claims, owner, time))
    }

    fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        self.runtime.block_on(self.store.release_many(keys, owner))
    }

    fn leases(&self) -> bool {
        self.store.leases()
    }
}

/// Time-outs for a machine that is busy with other tests.
pub(crate) fn patient(options: RedisOptions) -> RedisOptions {
    options.connect_timeout(Duration::from_secs(20)).response_timeout(Duration::from_secs(20))
}

/// A blocking store and an async one with the same options.
pub(crate) fn both(options: &RedisOptions) -> [(&'static str, Box<dyn Store>); 2] {
    let blocking = options.open().expect("a store");
    let waiting = Blocking::new(options.open_async().expect("a store"));
    [("blocking", Box::new(blocking)), ("async", Box::new(waiting))]
}

/// Tells the story with a blocking and an async store, on a server and on a cluster, each with names of its own.
pub(crate) fn on_each_store(tell: fn(&dyn Store)) {
    static STORIES: AtomicUsize = AtomicUsize::new(0);
    let servers = shared_servers();
    for (place, options) in [
        ("one server", RedisOptions::new(servers.0.url())),
        ("a cluster", RedisOptions::cluster(servers.1.urls())),
    ] {
        for which in 0..2 {
            let prefix = format!("{}:", STORIES.fetch_add(1, Ordering::Relaxed));
            let (kind, store) = &both(&patient(options.clone().prefix(prefix)))[which];
            eprintln!("a {kind} store on {place}"); // shown if it fails
            tell(&**store);
        }
    }
}

/// Those of the tests that run at the same time; they end with the last of these tests, which a static would not let them.
fn shared_servers() -> Arc<(RedisServer, RedisCluster)> {
    static SHARED: Mutex<Weak<(RedisServer, RedisCluster)>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let servers = Arc::new((RedisServer::start(), RedisCluster::start()));
        *shared = Arc::downgrade(&servers);
        servers
    })
}
