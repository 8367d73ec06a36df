//! Tokens outlive their client in a store, and a store that does not work costs no caller its token.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use tm_async::Token;
use tm_cache::{Key, KeyRing, MemoryStore, Record, Storage, Store, StoreError, Tombstone};
use tm_sim::{Signing, SimConfig, Simulator};

use crate::harness::{Client, Host, Stack, owner, setup_for, tenants, until};

both!(
    what_one_client_has_fetched_the_next_one_finds,
    what_was_kept_is_kept_when_a_client_has_closed,
    a_refused_token_is_refused_by_all_who_share_the_store,
    a_hit_asks_no_store,
    a_store_that_fails_is_a_miss_and_tells_why_when_asked,
    a_store_that_hangs_holds_nobody_up_for_long,
    a_store_that_panics_harms_nobody,
    a_store_that_works_again_is_told_what_it_has_missed,
    a_client_that_closes_with_a_lot_to_tell_tells_all_of_it,
);

const LONG: Duration = Duration::from_secs(20);

/// A service, and clients that share a store.
struct Fleet<S> {
    sim: Simulator,
    host: Host,
    storage: Storage<Arc<S>>,
}

impl<S: Store> Fleet<S> {
    fn new(stack: Stack, sim: SimConfig, store: S) -> Self {
        let ring = KeyRing::parse(&KeyRing::generate().unwrap()).unwrap();
        Self {
            sim: sim.start().unwrap(),
            host: stack.host(),
            storage: Storage::sealed(Arc::new(store), ring),
        }
    }

    fn client(&self) -> Client {
        self.host.client_with_store(setup_for(&self.sim), self.storage.clone())
    }

    fn store(&self) -> &S {
        self.storage.store()
    }

    fn calls(&self) -> u64 {
        let counters = self.sim.counters();
        counters.single_calls + counters.batch_calls
    }
}

fn all_of(client: &Client, sim: &Simulator) -> Vec<Token> {
    let rows = client.tokens(&tenants(&sim.tenants()));
    for (tenant, token) in &rows {
        assert_eq!(owner(token.as_ref().unwrap()), tenant.as_str());
    }
    rows.into_iter().map(|(_, token)| token.unwrap()).collect()
}

fn what_one_client_has_fetched_the_next_one_finds(stack: Stack) {
    let fleet = Fleet::new(stack, Simulator::builder().tenants(23), MemoryStore::default());
    let first = fleet.client();
    let tokens = all_of(&first, &fleet.sim);
    first.close(LONG);
    assert_eq!(fleet.calls(), 5);

    let second = fleet.client();

    assert_eq!(all_of(&second, &fleet.sim), tokens);
    assert_eq!(fleet.calls(), 5, "nothing is fetched again");
    assert_eq!((second.stats().tokens_loaded, second.stats().tokens_received), (23, 0));
}

fn what_was_kept_is_kept_when_a_client_has_closed(stack: Stack) {
    for _ in 0..20 {
        let fleet = Fleet::new(stack, Simulator::builder(), MemoryStore::default());
        let client = fleet.client();
        client.token("tenant-0001").unwrap();
        client.close(LONG); // at once: it may not be saved yet
        fleet.client().token("tenant-0001").unwrap();
        assert_eq!(fleet.calls(), 1);
    }
}

fn a_refused_token_is_refused_by_all_who_share_the_store(stack: Stack) {
    let fleet = Fleet::new(stack, Simulator::builder(), MemoryStore::default());
    let first = fleet.client();
    let refused = first.token("tenant-0001").unwrap();
    first.close(LONG);
    let (one, two) = (fleet.client(), fleet.client());
    for client in [&one, &two] {
        assert_eq!(client.token("tenant-0001").unwrap(), refused);
    }

    one.reject(&refused);
    let other = one.token("tenant-0001").unwrap();
    one.close(LONG);

    assert_ne!(other, refused);
    assert_eq!(fleet.client().token("tenant-0001").unwrap(), other, "the store has the new one");
    two.reject(&refused);
    assert_eq!(two.token("tenant-0001").unwrap(), other, "and whoever still had the old one finds it there");
    assert_eq!(fleet.calls(), 2);
}

/// Counts what it is asked, and answers as it is told.
#[derive(Default)]
struct Moody {
    inner: MemoryStore,
    asked: AtomicUsize,
    mood: AtomicUsize,
    kept: Mutex<BTreeSet<Key>>,
    removed: Mutex<BTreeSet<Key>>,
}

const GOOD: usize = 0;
const FAILING: usize = 1;
const PANICKING: usize = 2;
const SLOW: usize = 3;

impl Moody {
    fn is_in(&self, mood: usize) {
        self.mood.store(mood, Ordering::Relaxed);
    }

    fn asked(&self) -> Result<(), StoreError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match self.mood.load(Ordering::Relaxed) {
            FAILING => Err(StoreError::new("the store is in a bad mood")),
            PANICKING => panic!("the store panics, as the test wants it"),
            SLOW => {
                thread::sleep(Duration::from_millis(100)); // sleep: a store that is slow
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Store for Moody {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        self.asked().and_then(|()| Store::get_many(&self.inner, keys))
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        self.asked()?;
        self.kept.lock().unwrap().extend(records.iter().map(|(key, _)| key.clone()));
        Store::put_many(&self.inner, records)
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        self.asked()?;
        self.removed.lock().unwrap().extend(tombstones.iter().map(|(key, _)| key.clone()));
        Store::remove_many(&self.inner, tombstones)
    }
}

fn a_hit_asks_no_store(stack: Stack) {
    let fleet = Fleet::new(stack, Simulator::builder(), Moody::default());
    let first = fleet.client();
    first.token("tenant-0001").unwrap();
    first.close(LONG);
    let client = fleet.client();
    client.token("tenant-0001").unwrap();
    let asked = fleet.store().asked.load(Ordering::Relaxed);
    for _ in 0..1_000 {
        client.token("tenant-0001").unwrap();
    }
    assert_eq!(fleet.store().asked.load(Ordering::Relaxed), asked);
}

fn a_store_that_fails_is_a_miss_and_tells_why_when_asked(stack: Stack) {
    let fleet = Fleet::new(stack, Simulator::builder().tenants(23), Moody::default());
    let client = fleet.client();
    assert!(client.store_error().is_none());
    fleet.store().is_in(FAILING);

    all_of(&client, &fleet.sim);

    assert_eq!(client.store_error().unwrap().to_string(), "the store is in a bad mood");
    assert!(client.stats().store_failures > 0);
}

fn a_store_that_panics_harms_nobody(stack: Stack) {
    let fleet = Fleet::new(stack, Simulator::builder().tenants(23), Moody::default());
    let client = fleet.client();
    fleet.store().is_in(PANICKING);
    all_of(&client, &fleet.sim);
    let told = client.store_error().unwrap().to_string();
    assert!(told.contains("the store panicked"), "{told}");
}

fn a_store_that_works_again_is_told_what_it_has_missed(stack: Stack) {
    let fleet = Fleet::new(stack, Simulator::builder().tenants(23), Moody::default());
    let client = fleet.client();
    fleet.store().is_in(FAILING);
    let tokens = all_of(&client, &fleet.sim);
    fleet.store().is_in(GOOD);

    until("all are told", || fleet.store().kept.lock().unwrap().len() == 23);

    let calls = fleet.calls();
    assert_eq!(all_of(&fleet.client(), &fleet.sim), tokens);
    assert_eq!(fleet.calls(), calls);
}

fn a_client_that_closes_with_a_lot_to_tell_tells_all_of_it(stack: Stack) {
    // More than forty requests.
    let sim = Simulator::builder().tenants(4_200).signing(Signing::Reused).recorded_requests(0);
    let fleet = Fleet::new(stack, sim, Moody::default());
    let client = fleet.client();
    let rows = client.tokens(&tenants(&fleet.sim.tenants()));
    until("all are told", || fleet.store().kept.lock().unwrap().len() == 4_200);
    fleet.store().is_in(SLOW);
    for (_, token) in rows {
        client.reject(&token.unwrap());
    }

    client.close(LONG);

    assert_eq!(fleet.store().removed.lock().unwrap().len(), 4_200);
}

/// Answers nothing before the story is over.
struct Hanging(Arc<Barrier>);

impl Store for Hanging {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        self.0.wait();
        Ok(vec![None; keys.len()])
    }

    fn put_many(&self, _records: &[(Key, Record)]) -> Result<(), StoreError> {
        self.0.wait();
        Ok(())
    }

    fn remove_many(&self, _tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        self.0.wait();
        Ok(())
    }
}

fn a_store_that_hangs_holds_nobody_up_for_long(stack: Stack) {
    let never = Arc::new(Barrier::new(usize::MAX));
    let fleet = Fleet::new(stack, Simulator::builder().tenants(23), Hanging(Arc::clone(&never)));
    let client = fleet.client();

    all_of(&client, &fleet.sim);

    assert!(client.stats().store_failures > 0);
    assert!(client.store_error().is_some(), "nobody knows why");
    // Threads that hang in there end with the process.
    std::mem::forget((client, fleet));
}
