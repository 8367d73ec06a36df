//! The contract of stores, on one store and on several over the same files.

use tm_cache::{Record, Store as _, Tombstone};

use crate::support::{HOUR, Place, SECOND, bury, found, key, put, record, text, tombstone};

#[test]
fn what_one_store_keeps_another_finds() {
    let place = Place::new();
    let keys: Vec<_> = (0..50).map(|number| key(format!("tenant {number}"))).collect();
    let records: Vec<_> =
        (0..).zip(&keys).map(|(number, key)| (key.clone(), record(&format!("t{number}"), number))).collect();
    place.store().put_many(&records[..40]).unwrap();

    let answers = place.store().get_many(&keys).unwrap();
    for (index, answer) in answers.iter().enumerate() {
        assert_eq!(answer.as_ref(), records[..40].get(index).map(|(_, record)| record), "{index}");
    }
}

#[test]
fn a_store_whose_directory_was_tidied_away_makes_it_anew() {
    let place = Place::new();
    let store = place.store();
    put(&store, &key("k"), record("t", 100));
    std::fs::remove_dir_all(place.path()).unwrap();
    assert_eq!(text(&store, &key("k")), None);
    put(&store, &key("k"), record("t", 100));
    assert_eq!(text(&store, &key("k")).as_deref(), Some("t"));
    assert_eq!(
        text(&place.store(), &key("k")).as_deref(),
        Some("t"),
        "its owner's alone, or it would not open"
    );
}

#[test]
fn a_call_about_nothing_does_nothing() {
    let (place, owner) = (Place::new(), crate::support::owner(1));
    let store = place.store();
    assert!(store.get_many(&[]).unwrap().is_empty());
    store.put_many(&[]).unwrap();
    store.remove_many(&[]).unwrap();
    assert!(store.lease_many(&[], &owner, SECOND).unwrap().is_empty());
    store.release_many(&[], &owner).unwrap();
}

#[test]
fn whatever_the_order_of_two_writers_and_a_refusal_the_same_stays() {
    type Step = fn(&tm_cache::FileStore);
    let steps: [Step; 3] = [
        |store| put(store, &key("k"), record("old", 100)),
        |store| put(store, &key("k"), record("new", 101)),
        |store| bury(store, &key("k"), tombstone("old", 100)),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let place = Place::new();
        for step in order {
            steps[step](&place.store());
        }
        assert_eq!(text(&place.store(), &key("k")).as_deref(), Some("new"), "{order:?}");
    }
}

#[test]
fn a_refused_token_does_not_come_back_in_any_order() {
    let place = Place::new();
    let (store, key) = (place.store(), key("k"));
    put(&store, &key, record("refused", 100));
    bury(&store, &key, tombstone("refused", 100));
    assert_eq!(text(&store, &key), None);
    for (offered, issued) in [("refused", 100), ("older", 99)] {
        put(&place.store(), &key, record(offered, issued));
        assert_eq!(text(&store, &key), None, "{offered}");
    }
    put(&place.store(), &key, record("another", 100));
    assert_eq!(text(&store, &key).as_deref(), Some("another"), "of the same instant, and not refused");
}

#[test]
fn two_refusals_of_one_instant_are_both_remembered() {
    let place = Place::new();
    bury(&place.store(), &key("k"), tombstone("first", 100));
    bury(&place.store(), &key("k"), tombstone("second", 100));
    bury(&place.store(), &key("k"), tombstone("long ago", 50));
    for refused in ["first", "second"] {
        put(&place.store(), &key("k"), record(refused, 100));
        assert_eq!(text(&place.store(), &key("k")), None, "{refused}");
    }
}

#[test]
fn what_a_refusal_does_not_bury_stays() {
    let place = Place::new();
    put(&place.store(), &key("k"), record("good", 100));
    bury(&place.store(), &key("k"), tombstone("bad", 100));
    assert_eq!(text(&place.store(), &key("k")).as_deref(), Some("good"));
}

#[test]
fn a_refusal_is_forgotten_at_its_end() {
    let place = Place::new();
    bury(&place.store(), &key("k"), tombstone("refused", 100));
    place.clock.pass(HOUR);
    put(&place.store(), &key("k"), record("refused", 100));
    assert_eq!(text(&place.store(), &key("k")).as_deref(), Some("refused"));
}

#[test]
fn of_two_refusals_the_longer_end_counts() {
    for ends in [[HOUR, SECOND], [SECOND, HOUR]] {
        let place = Place::new();
        for remaining in ends {
            bury(&place.store(), &key("k"), Tombstone { remaining, ..tombstone("refused", 100) });
        }
        place.clock.pass(HOUR - SECOND);
        put(&place.store(), &key("k"), record("refused", 100));
        assert_eq!(text(&place.store(), &key("k")), None, "{ends:?}");
    }
}

#[test]
fn a_record_from_the_future_loses_to_any_that_can_be_true() {
    let place = Place::new();
    let now = 1_000_000;
    put(&place.store(), &key("k"), record("from the future", now + 301));
    put(&place.store(), &key("k"), record("true", 100));
    assert_eq!(text(&place.store(), &key("k")).as_deref(), Some("true"));
    put(&place.store(), &key("k"), record("from the future", now + 301));
    assert_eq!(text(&place.store(), &key("k")).as_deref(), Some("true"));
    put(&place.store(), &key("k"), record("a little ahead", now + 300));
    assert_eq!(text(&place.store(), &key("k")).as_deref(), Some("a little ahead"));
}

#[test]
fn an_answer_tells_what_is_left_and_ends_at_its_end() {
    let place = Place::new();
    put(&place.store(), &key("k"), record("t", 100));
    place.clock.pass(HOUR - SECOND);
    assert_eq!(found(&place.store(), &key("k")).unwrap().remaining(), SECOND);
    // A write that leaves the record must leave its end, too.
    bury(&place.store(), &key("k"), tombstone("bad", 100));
    assert_eq!(found(&place.store(), &key("k")).unwrap().remaining(), SECOND);
    place.clock.pass(SECOND);
    assert_eq!(found(&place.store(), &key("k")), None);
}

#[test]
fn what_nobody_could_read_is_not_kept() {
    let place = Place::new();
    let most = "x".repeat(Record::MAX_BYTES - Record::HEAD);
    put(&place.store(), &key("k"), record(&most, 100));
    assert_eq!(text(&place.store(), &key("k")), Some(most.clone()));
    put(&place.store(), &key("k"), record(&(most.clone() + "x"), 101));
    assert_eq!(text(&place.store(), &key("k")), Some(most));
    put(&place.store(), &key("over"), record("t", 100).with_remaining(std::time::Duration::ZERO));
    assert!(!place.file_of(&key("over")).exists());
}

#[test]
fn nothing_of_a_record_is_shown() {
    let place = Place::new();
    let store = place.store();
    put(&store, &key("k"), record("canary", 100));
    let shown = format!("{store:?} {:?} {:?}", found(&store, &key("k")), store.entries());
    assert!(!shown.contains("canary"), "{shown}");
}
