//! A nearer store over a farther one.

use std::{
    future::pending,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use async_trait::async_trait;
use tm_cache::{
    AsyncStore, Claim, Fingerprint, Head, Key, Layered, Lease, MemoryStore, Owner, Record, Store, StoreError,
    Tombstone, conformance::Suite,
};
use tm_core::{UnixTime, broker::Stamp};

use crate::{at_once, block_on, broken::Broken, sloppy::Sloppy};

#[test]
fn memory_over_memory_keeps_the_contract() {
    Suite::of(Layered::<MemoryStore, MemoryStore>::default).run().assert();
}

#[test]
fn memory_over_memory_keeps_the_contract_for_async_callers() {
    Suite::of_async(Layered::<MemoryStore, MemoryStore>::default, block_on).run().assert();
}

#[test]
fn memories_over_a_shared_store_keep_what_they_promise() {
    let far = Sloppy::default();
    let report = Suite::of(|| Layered::new(MemoryStore::default(), far.clone()))
        .shared()
        .except("handles_on_one_place_see_each_other", "what is near knows nothing of other processes")
        .except("of_many_writers_the_newest_stays", "what is near knows nothing of other processes")
        .run();
    report.assert();
}

#[test]
fn a_nearer_store_that_is_down_is_no_error() {
    let (key, record) = (key(), record(100));
    Suite::of(|| Layered::new(Down { refusals: true }, MemoryStore::default())).run().assert();
    let store = Layered::new(Down { refusals: false }, MemoryStore::default());
    store.put_many(&[(key.clone(), record)]).unwrap();
    store.remove_many(&[(key, tombstone(100))]).expect_err("what was refused would come back from there");
}

#[test]
fn without_the_farther_store_what_is_near_is_answered() {
    let (store, key, other) = (Layered::new(MemoryStore::default(), DOWN), key(), Key::from_bytes(b"other"));
    store.put_many(&[(key.clone(), record(100))]).expect_err("it was not written everywhere");
    let answers = Store::get_many(&store, &[other.clone(), key.clone()]).unwrap();
    assert!(answers[0].is_none() && answers[1].is_some());
    Store::get_many(&store, &[other]).expect_err("nothing of it is near");
    store.remove_many(&[(key.clone(), tombstone(100))]).expect_err("it was not written everywhere");
    assert_eq!(Store::get_many(store.near(), &[key]).unwrap(), [None], "it was refused");
}

#[test]
fn what_is_refused_is_gone_near_though_the_farther_store_hangs() {
    let store = Layered::new(MemoryStore::default(), Hanging);
    Store::put_many(store.near(), &[(key(), record(100))]).unwrap();
    let tombstones = [(key(), tombstone(100))];
    let mut removing = AsyncStore::remove_many(&store, &tombstones);
    let mut context = Context::from_waker(Waker::noop());
    assert!(removing.as_mut().poll(&mut context).is_pending());
    drop(removing);
    assert_eq!(Store::get_many(store.near(), &[key()]).unwrap(), [None]);
}

#[test]
fn what_is_near_is_not_asked_for_farther() {
    let mut far = Broken::not_at_all();
    far.get = |_, _| unreachable!("all of it is near");
    let store = Layered::new(MemoryStore::default(), far);
    store.put_many(&[(key(), record(100))]).unwrap();
    assert!(store.get_many(&[key()]).unwrap()[0].is_some());
    assert!(store.get_many(&[]).unwrap().is_empty());
}

#[test]
fn what_was_found_farther_is_near_afterwards() {
    let far = Sloppy::default();
    far.put_many(&[(key(), record(100))]).unwrap();
    let near = |store: &Layered<MemoryStore, Sloppy>| Store::get_many(store.near(), &[key()]).unwrap().pop();
    let asked = Layered::new(MemoryStore::default(), far.clone());
    assert!(asked.get_many(&[Key::from_bytes(b"other"), key()]).unwrap()[1].is_some());
    assert!(near(&asked).flatten().is_some());
    let claimed = Layered::new(MemoryStore::default(), far);
    assert!(matches!(lease(&claimed), Lease::Found(_)));
    assert!(near(&claimed).flatten().is_some());
}

#[test]
fn what_an_async_caller_found_farther_is_near_afterwards() {
    let far = Arc::<MemoryStore>::default();
    Store::put_many(&far, &[(key(), record(100))]).unwrap();
    let is_near =
        |store: &Layered<MemoryStore, _>| Store::get_many(store.near(), &[key()]).unwrap() != [None];
    let asked = Layered::new(MemoryStore::default(), Arc::clone(&far));
    let answers = at_once(AsyncStore::get_many(&asked, &[Key::from_bytes(b"other"), key()])).unwrap();
    assert!(answers[0].is_none() && answers[1].is_some() && is_near(&asked));
    let claimed = Layered::new(MemoryStore::default(), far);
    let claims = [Claim { key: key(), has: None }];
    let leases = at_once(AsyncStore::lease_many(&claimed, &claims, &Owner::new([1; 16]), HOUR)).unwrap();
    assert!(matches!(leases[..], [Lease::Found(_)]) && is_near(&claimed));
}

#[test]
fn what_another_process_knows_to_be_refused_answers_no_claim() {
    let far = Sloppy::default();
    let [here, there] = [far.clone(), far].map(|far| Layered::new(MemoryStore::default(), far));
    here.put_many(&[(key(), record(100))]).unwrap();
    there.remove_many(&[(key(), tombstone(100))]).unwrap();
    assert!(here.get_many(&[key()]).unwrap()[0].is_some(), "what is near knows nothing of it, as documented");
    assert_eq!(lease(&here), Lease::Granted);
    here.remove_many(&[(key(), tombstone(100))]).unwrap();
    assert_eq!(here.get_many(&[key()]).unwrap(), [None]);
}

#[test]
fn a_newer_record_of_another_process_is_found_by_a_claim_and_near_from_then_on() {
    let far = Sloppy::default();
    let [here, there] = [far.clone(), far].map(|far| Layered::new(MemoryStore::default(), far));
    here.put_many(&[(key(), record(100))]).unwrap();
    there.put_many(&[(key(), record(200))]).unwrap();
    let Lease::Found(found) = lease(&here) else { panic!("a newer one is there") };
    assert_eq!(found.stamp(), record(200).stamp());
    let got = here.get_many(&[key()]).unwrap().pop().flatten().unwrap();
    assert_eq!(got.stamp(), record(200).stamp());
}

const HOUR: Duration = Duration::from_secs(3_600);

fn key() -> Key {
    Key::from_bytes(b"acme")
}

fn record(issued: i64) -> Record {
    let stamp = Stamp { issued: UnixTime::from_secs(issued), expires: UnixTime::from_secs(issued + 3_600) };
    let head = Head { flags: 0, key_id: [0; 8], stamp, fingerprint: Fingerprint::new([1; 16]) };
    Record::new(&head, b"token", HOUR)
}

fn tombstone(issued: i64) -> Tombstone {
    let fingerprint = Fingerprint::new([1; 16]);
    Tombstone { issued: UnixTime::from_secs(issued), fingerprint, remaining: HOUR }
}

fn lease(store: &impl Store) -> Lease {
    let leases = store.lease_many(&[Claim { key: key(), has: None }], &Owner::new([1; 16]), HOUR);
    leases.ok().and_then(|mut leases| leases.pop()).unwrap_or(Lease::Held)
}

/// A store that is out of order, for all but refusals perhaps.
struct Down {
    refusals: bool,
}

const DOWN: Down = Down { refusals: false };

/// A store that never answers.
struct Hanging;

#[async_trait]
impl AsyncStore for Hanging {
    async fn get_many(&self, _: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        pending().await
    }

    async fn put_many(&self, _: &[(Key, Record)]) -> Result<(), StoreError> {
        pending().await
    }

    async fn remove_many(&self, _: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        pending().await
    }
}

fn down<T>() -> Result<T, StoreError> {
    Err(StoreError::new("out of order"))
}

impl Store for Down {
    fn get_many(&self, _: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        down()
    }

    fn put_many(&self, _: &[(Key, Record)]) -> Result<(), StoreError> {
        down()
    }

    fn remove_many(&self, _: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        if self.refusals { Ok(()) } else { down() }
    }
}
