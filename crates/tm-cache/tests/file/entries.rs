//! What is shown and cleared for who looks after a store.

use std::fs;

use tm_cache::{Lease, Store as _};

use crate::support::{HOUR, Place, SECOND, bury, key, lease, names, owner, put, record, tombstone};

#[test]
fn the_entries_are_the_records_that_live() {
    let place = Place::new();
    let store = place.store();
    put(&store, &key("a"), record("first", 100).with_remaining(SECOND));
    put(&store, &key("b"), record("second", 101));
    bury(&store, &key("c"), tombstone("refused", 102));
    assert_eq!(lease(&store, &key("d"), &owner(1), HOUR), Lease::Granted);
    assert_eq!(store.entries().unwrap().len(), 2);
    place.clock.pass(SECOND);

    let entries = store.entries().unwrap();
    assert_eq!(entries.len(), 1);
    let expected = record("second", 101);
    assert_eq!(entries[0].name, key("b").to_name());
    assert_eq!((entries[0].head, entries[0].remaining), (expected.head(), HOUR - SECOND));
    assert_eq!(entries[0].bytes, expected.bytes().len());
}

#[test]
fn the_entries_are_in_the_order_of_their_names() {
    let place = Place::new();
    let records: Vec<_> = (0..600).map(|number| (key(format!("{number}")), record("t", number))).collect();
    place.store().put_many(&records).unwrap();
    let entries = place.store().entries().unwrap();
    assert_eq!(entries.len(), 600);
    assert!(entries.is_sorted_by_key(|entry| entry.name.clone()));
}

#[test]
fn clearing_leaves_the_directory_the_key_ring_and_what_is_not_ours() {
    let place = Place::new();
    let store = place.store();
    for number in 0..20 {
        put(&store, &key([number]), record("t", 100));
    }
    bury(&store, &key("refused"), tombstone("refused", 102));
    assert_eq!(lease(&store, &key("leased"), &owner(1), HOUR), Lease::Granted);
    let (ring, foreign) = (store.directory().join("ring"), place.shard_of(&key("leased")).join("notes.txt"));
    fs::write(&ring, "keys").unwrap();
    fs::write(&foreign, "of somebody").unwrap();

    assert_eq!(store.clear().unwrap(), 20);
    assert_eq!(store.clear().unwrap(), 0);
    assert_eq!(
        (fs::read(&ring).unwrap(), fs::read(&foreign).unwrap()),
        (b"keys".into(), b"of somebody".into())
    );
    assert_eq!(store.entries().unwrap(), []);
    let left = names(&place.shard_of(&key("leased")));
    assert_eq!(left, [".lock", "notes.txt"]);
    put(&store, &key("refused"), record("refused", 102));
    assert_eq!(store.entries().unwrap().len(), 1, "the grave is gone, too");
    assert_eq!(lease(&place.store(), &key("leased"), &owner(2), HOUR), Lease::Granted);
}
