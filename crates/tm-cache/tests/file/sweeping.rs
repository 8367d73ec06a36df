//! What is past its end goes by and by.

use std::{fs, time::Duration};

use tm_cache::{FileStore, Lease, Store as _};

use crate::support::{
    HOUR, Place, SECOND, bury, key, lease, names, neighbours, owner, put, record, tombstone,
};

/// Lets so much time pass, and so many calls be made, that each shard has had its turn.
fn sweep_all(place: &Place, store: &FileStore) {
    for _ in 0..=256 {
        place.clock.pass(Duration::from_secs(10));
        store.put_many(&[]).unwrap();
    }
}

#[test]
fn what_is_past_its_end_is_swept_and_what_lives_is_not() {
    let place = Place::new();
    let (store, keys) = (place.store(), neighbours(5));
    put(&store, &keys[0], record("ends", 100).with_remaining(SECOND));
    put(&store, &keys[1], record("lives", 100).with_remaining(10 * HOUR));
    bury(&store, &keys[2], tombstone("refused", 100));
    put(&store, &keys[2], record("ends before its grave", 101).with_remaining(SECOND));
    fs::write(place.file_of(&keys[3]), "rubbish").unwrap();
    fs::write(place.shard_of(&keys[4]).join("notes.txt"), "of somebody").unwrap();
    sweep_all(&place, &store);

    let mut expected =
        [".lock".to_owned(), "notes.txt".to_owned(), keys[1].to_name(), keys[2].to_name()].to_vec();
    expected.sort();
    assert_eq!(names(&place.shard_of(&keys[0])), expected);
    place.clock.pass(HOUR);
    sweep_all(&place, &store);
    assert_eq!(names(&place.shard_of(&keys[0])), [".lock".to_owned(), keys[1].to_name(), "notes.txt".into()]);
}

#[test]
fn what_the_dead_left_is_swept_and_a_lease_that_is_held_is_not() {
    let place = Place::new();
    let (store, keys) = (place.store(), neighbours(2));
    let dying = place.store();
    assert_eq!(lease(&dying, &keys[0], &owner(1), HOUR), Lease::Granted);
    assert_eq!(lease(&store, &keys[1], &owner(2), HOUR), Lease::Granted);
    drop(dying);
    let unfinished = place.shard_of(&keys[0]).join(".new-0123456789abcdef");
    fs::write(&unfinished, "half a rec").unwrap();
    sweep_all(&place, &place.store());
    let left = [".lock".to_owned(), format!("{}.lease", keys[1].to_name())];
    assert_eq!(names(&place.shard_of(&keys[0])), left);
}

#[test]
fn a_clock_that_is_behind_sweeps_nothing_that_may_live() {
    let place = Place::new();
    put(&place.store(), &key("k"), record("t", 100));
    let before = place.clock.file_clock().now();
    place.clock.reboot();
    place.clock.change(|now| now.unix = tm_core::UnixTime::from_secs(0));
    sweep_all(&place, &place.store());
    place.clock.change(|now| now.unix = before.unix);
    assert_eq!(crate::support::text(&place.store(), &key("k")).as_deref(), Some("t"));
}

#[test]
fn a_call_sweeps_one_shard_and_the_next_call_none() {
    let place = Place::new();
    let store = place.store();
    let swept = || fs::read(place.path().join(".swept")).unwrap();
    store.put_many(&[]).unwrap();
    let first = swept();
    store.put_many(&[]).unwrap();
    assert_eq!(swept(), first);
    place.clock.pass(Duration::from_secs(10));
    store.remove_many(&[]).unwrap();
    assert_eq!((first[8], swept()[8]), (0, 1));
}
