//! Leases between stores on the same files, each like a process of its own.

use std::fs;

use tm_cache::{Claim, Lease, Store as _};

use crate::support::{HOUR, Place, SECOND, key, lease, neighbours, owner, put, record};

#[test]
fn one_of_two_gets_the_lease_in_one_store_or_two() {
    let place = Place::new();
    let (first, second) = (place.store(), place.store());
    assert!(first.leases());
    assert_eq!(lease(&first, &key("k"), &owner(1), 4 * SECOND), Lease::Granted);
    assert_eq!(lease(&first, &key("k"), &owner(2), 4 * SECOND), Lease::Held);
    assert_eq!(lease(&second, &key("k"), &owner(2), 4 * SECOND), Lease::Held);
    assert_eq!(lease(&second, &key("another"), &owner(2), 4 * SECOND), Lease::Granted);
}

#[test]
fn who_releases_makes_room_for_the_next() {
    let place = Place::new();
    let (first, second) = (place.store(), place.store());
    assert_eq!(lease(&first, &key("k"), &owner(1), 4 * SECOND), Lease::Granted);
    for store in [&first, &second] {
        store.release_many(&[key("k")], &owner(2)).unwrap();
        assert_eq!(
            lease(&second, &key("k"), &owner(2), 4 * SECOND),
            Lease::Held,
            "it was not theirs to give"
        );
    }
    first.release_many(&[key("k"), key("never leased")], &owner(1)).unwrap();
    assert!(!place.lease_of(&key("k")).exists());
    assert_eq!(lease(&second, &key("k"), &owner(2), 4 * SECOND), Lease::Granted);
}

#[test]
fn who_has_the_lease_gets_it_anew() {
    let place = Place::new();
    let (first, second) = (place.store(), place.store());
    assert_eq!(lease(&first, &key("k"), &owner(1), 4 * SECOND), Lease::Granted);
    place.clock.pass(3 * SECOND);
    assert_eq!(lease(&first, &key("k"), &owner(1), 4 * SECOND), Lease::Granted);
    place.clock.pass(3 * SECOND);
    lease(&first, &key("another"), &owner(1), SECOND); // lets go of what has ended, and of nothing else
    assert_eq!(lease(&second, &key("k"), &owner(2), 4 * SECOND), Lease::Held);
    place.clock.pass(SECOND);
    assert_eq!(lease(&second, &key("k"), &owner(2), 4 * SECOND), Lease::Granted);
}

#[test]
fn who_lost_the_lease_at_its_end_neither_has_it_nor_gives_it_back() {
    let place = Place::new();
    let (first, second) = (place.store(), place.store());
    assert_eq!(lease(&first, &key("k"), &owner(1), 4 * SECOND), Lease::Granted);
    place.clock.pass(4 * SECOND);
    assert_eq!(lease(&second, &key("k"), &owner(2), 4 * SECOND), Lease::Granted);
    first.release_many(&[key("k")], &owner(1)).unwrap();
    assert_eq!(lease(&first, &key("k"), &owner(1), 4 * SECOND), Lease::Held);
    assert_eq!(lease(&place.store(), &key("k"), &owner(3), 4 * SECOND), Lease::Held);
}

#[test]
fn a_lease_ends_by_itself_for_others_in_the_same_store() {
    let place = Place::new();
    let store = place.store();
    assert_eq!(lease(&store, &key("k"), &owner(1), 4 * SECOND), Lease::Granted);
    place.clock.pass(4 * SECOND);
    assert_eq!(lease(&store, &key("k"), &owner(2), 4 * SECOND), Lease::Granted);
    assert_eq!(lease(&store, &key("k"), &owner(1), 4 * SECOND), Lease::Held);
}

#[test]
fn a_lease_past_its_end_keeps_no_file_open() {
    let place = Place::new();
    let store = place.store();
    assert_eq!(lease(&store, &key("k"), &owner(1), 4 * SECOND), Lease::Granted);
    let file = fs::File::open(place.lease_of(&key("k"))).unwrap();
    file.try_lock().unwrap_err();
    place.clock.pass(4 * SECOND);
    store.release_many(&[], &owner(1)).unwrap();
    file.try_lock().unwrap();
}

#[test]
fn a_thread_that_read_the_clock_before_a_lease_does_not_end_it() {
    let place = Place::new();
    let (first, second) = (place.store(), place.store());
    let before = place.clock.file_clock().now();
    place.clock.pass(SECOND);
    assert_eq!(lease(&first, &key("k"), &owner(1), 4 * SECOND), Lease::Granted);
    place.clock.change(|now| *now = before);
    first.release_many(&[], &owner(1)).unwrap();
    place.clock.pass(SECOND);
    assert_eq!(lease(&second, &key("k"), &owner(2), 4 * SECOND), Lease::Held);
}

#[test]
fn a_lease_is_given_back_though_its_shard_stays_locked() {
    let place = Place::new();
    let (first, second) = (place.store(), place.store());
    assert_eq!(lease(&first, &key("k"), &owner(1), HOUR), Lease::Granted);
    let lock = fs::File::open(place.shard_of(&key("k")).join(".lock")).unwrap();
    lock.lock().unwrap();
    first.release_many(&[key("k")], &owner(1)).unwrap_err();
    drop(lock);
    assert_eq!(lease(&second, &key("k"), &owner(2), HOUR), Lease::Granted);
}

#[test]
fn a_store_that_is_dropped_gives_all_its_leases_back() {
    let place = Place::new();
    let (first, second) = (place.store(), place.store());
    assert_eq!(lease(&first, &key("k"), &owner(1), HOUR), Lease::Granted);
    drop(first);
    assert_eq!(lease(&second, &key("k"), &owner(2), HOUR), Lease::Granted);
}

#[test]
fn a_record_that_beats_what_the_claimant_has_is_the_answer() {
    let place = Place::new();
    let (store, kept) = (place.store(), record("t", 100));
    put(&store, &key("k"), kept.clone());
    assert_eq!(lease(&store, &key("k"), &owner(1), HOUR), Lease::Found(kept.clone()));
    let having = |stamp| Claim { key: key("k"), has: Some(stamp) };
    let asked = |claim, number| place.store().lease_many(&[claim], &owner(number), HOUR).unwrap().remove(0);
    assert_eq!(asked(having(record("older", 99).stamp()), 1), Lease::Found(kept.clone()));
    assert_eq!(asked(having(kept.stamp()), 1), Lease::Granted);
    assert_eq!(
        asked(having(kept.stamp()), 2),
        Lease::Granted,
        "the store of the first is gone, and its lease"
    );
}

#[test]
fn a_record_from_the_future_answers_no_claim() {
    let place = Place::new();
    put(&place.store(), &key("k"), record("from the future", 1_000_301));
    assert_eq!(lease(&place.store(), &key("k"), &owner(1), HOUR), Lease::Granted);
    place.clock.pass(SECOND);
    assert!(matches!(lease(&place.store(), &key("k"), &owner(1), HOUR), Lease::Found(_)));
}

#[test]
fn many_claims_are_answered_in_their_order() {
    let place = Place::new();
    let (first, second) = (place.store(), place.store());
    let keys = [neighbours(6), (0..6).map(|number| key([number])).collect()].concat();
    let claims: Vec<_> = keys.iter().map(|key| Claim { key: key.clone(), has: None }).collect();
    put(&first, &keys[2], record("t", 100));
    put(&first, &keys[9], record("t", 100));
    for index in [0, 4, 8] {
        assert_eq!(lease(&first, &keys[index], &owner(1), HOUR), Lease::Granted);
    }
    let answers = second.lease_many(&claims, &owner(2), HOUR).unwrap();
    for (index, answer) in answers.iter().enumerate() {
        let expected = match index {
            2 | 9 => Lease::Found(record("t", 100)),
            0 | 4 | 8 => Lease::Held,
            _ => Lease::Granted,
        };
        assert_eq!(*answer, expected, "{index}");
    }
}

#[test]
fn rubbish_in_a_lease_is_nobodys() {
    let place = Place::new();
    let (first, second) = (place.store(), place.store());
    assert_eq!(lease(&first, &key("k"), &owner(1), HOUR), Lease::Granted);
    let bytes = fs::read(place.lease_of(&key("k"))).unwrap();
    for length in 0..bytes.len() {
        fs::write(place.lease_of(&key("k")), &bytes[..length]).unwrap();
        assert_eq!(lease(&second, &key("k"), &owner(2), HOUR), Lease::Granted, "{length} bytes");
        second.release_many(&[key("k")], &owner(2)).unwrap();
    }
}
