//! Each fault is found by the check that is there for it.

use tm_cache::{Head, Key, MemoryStore, Record, Store, StoreError, conformance::Suite};

use crate::broken::Broken;

/// Breaks a memory store, and expects that the named check tells, among others or not.
#[track_caller]
fn finds(check: &str, breaks: impl Fn(&mut Broken)) {
    let broken = || {
        let mut store = Broken::not_at_all();
        breaks(&mut store);
        store
    };
    let report = Suite::of(broken).only(check).run();
    assert_eq!(report.broken().collect::<Vec<_>>(), [check], "{report}");
}

#[test]
fn a_last_answer_that_is_missing() {
    finds("answers_are_in_the_order_of_the_keys", |store| {
        store.get = |place, keys| place.get_many(&keys[..keys.len().saturating_sub(1)]);
    });
}

#[test]
fn answers_in_another_order() {
    finds("answers_are_in_the_order_of_the_keys", |store| {
        store.get = |place, keys| Ok(place.get_many(keys)?.into_iter().rev().collect());
    });
    finds("claims_are_answered_in_their_order", |store| {
        store.lease = |place, claims, owner, time| {
            Ok(place.lease_many(claims, owner, time)?.into_iter().rev().collect())
        };
    });
}

#[test]
fn only_what_is_there_is_answered() {
    finds("answers_are_in_the_order_of_the_keys", |store| {
        store.get = |place, keys| Ok(place.get_many(keys)?.into_iter().flatten().map(Some).collect());
    });
}

#[test]
fn a_call_that_fails_on_nothing() {
    finds("an_empty_call_is_no_error", |store| {
        store.put = |place, records| match records {
            [] => Err(StoreError::new("wrong number of arguments")),
            _ => place.put_many(records),
        };
    });
}

#[test]
fn calls_that_are_cut_short() {
    finds("a_thousand_keys_go_in_one_call", |store| {
        store.put = |place, records| place.put_many(&records[..records.len().min(999)]);
    });
}

#[test]
fn an_unknown_key_as_an_error() {
    finds("unknown_keys_are_no_error", |store| {
        store.get = |place, keys| match place.get_many(keys)? {
            answers if answers.contains(&None) => Err(StoreError::new("no such key")),
            answers => Ok(answers),
        };
    });
}

#[test]
fn bytes_that_are_taken_for_text() {
    finds("bytes_come_back_as_they_were", |store| {
        store.put = |place, records| {
            let lossy = |record: &Record| {
                let text = String::from_utf8_lossy(record.body()).into_owned();
                Record::new(&record.head(), text.as_bytes(), record.remaining())
            };
            let records: Vec<_> = records.iter().map(|(key, record)| (key.clone(), lossy(record))).collect();
            place.put_many(&records)
        };
    });
}

#[test]
fn a_head_that_is_made_anew() {
    finds("bytes_come_back_as_they_were", |store| {
        store.put = |place, records| {
            let plain = |record: &Record| Head { flags: 0, ..record.head() };
            let anew = |record: &Record| Record::new(&plain(record), record.body(), record.remaining());
            let records: Vec<_> = records.iter().map(|(key, record)| (key.clone(), anew(record))).collect();
            place.put_many(&records)
        };
    });
}

#[test]
fn a_record_that_is_too_long_for_the_store() {
    finds("bytes_come_back_as_they_were", |store| {
        store.put = |place, records| {
            let fits = |(_, record): &&(Key, Record)| record.bytes().len() < Record::MAX_BYTES;
            place.put_many(&records.iter().filter(fits).cloned().collect::<Vec<_>>())
        };
    });
}

fn with_keys(
    place: &MemoryStore,
    keys: &[Key],
    other: fn(&[u8]) -> Vec<u8>,
) -> Result<Vec<Option<Record>>, StoreError> {
    place.get_many(&keys.iter().map(|key| Key::from_bytes(&other(key.as_bytes()))).collect::<Vec<_>>())
}

fn put_with_keys(
    place: &MemoryStore,
    records: &[(Key, Record)],
    other: fn(&[u8]) -> Vec<u8>,
) -> Result<(), StoreError> {
    let renamed = |(key, record): &(Key, Record)| (Key::from_bytes(&other(key.as_bytes())), record.clone());
    place.put_many(&records.iter().map(renamed).collect::<Vec<_>>())
}

#[test]
fn keys_that_are_cut_short() {
    fn cut(key: &[u8]) -> Vec<u8> {
        key[..key.len().min(255)].to_vec()
    }
    finds("keys_have_any_length", |store| {
        store.get = |place, keys| with_keys(place, keys, cut);
        store.put = |place, records| put_with_keys(place, records, cut);
    });
}

#[test]
fn keys_without_regard_to_case() {
    fn lower(key: &[u8]) -> Vec<u8> {
        key.to_ascii_lowercase()
    }
    finds("keys_have_any_bytes", |store| {
        store.get = |place, keys| with_keys(place, keys, lower);
        store.put = |place, records| put_with_keys(place, records, lower);
    });
}

#[test]
fn keys_that_end_at_a_zero() {
    fn until_zero(key: &[u8]) -> Vec<u8> {
        let end = key.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        key[..end].to_vec()
    }
    finds("keys_have_any_bytes", |store| {
        store.get = |place, keys| with_keys(place, keys, until_zero);
        store.put = |place, records| put_with_keys(place, records, until_zero);
    });
}
