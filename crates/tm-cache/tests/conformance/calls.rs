//! Stores that get one call wrong each, and the check that finds it.

use tm_cache::{Head, Key, MemoryStore, Record, Store, StoreError};

use crate::{Fault, broken::Broken};

pub(crate) fn faults() -> Vec<Fault> {
    [answers(), bytes(), keys()].into_iter().flatten().collect()
}

fn answers() -> Vec<Fault> {
    vec![
        wrong("answers_are_in_the_order_of_the_keys", "the last answer is missing", |store| {
            store.get = |place, keys| place.get_many(&keys[..keys.len().saturating_sub(1)]);
        }),
        wrong("answers_are_in_the_order_of_the_keys", "answers are the wrong way round", |store| {
            store.get = |place, keys| Ok(place.get_many(keys)?.into_iter().rev().collect());
        }),
        wrong("answers_are_in_the_order_of_the_keys", "only what is there is answered", |store| {
            store.get = |place, keys| Ok(place.get_many(keys)?.into_iter().flatten().map(Some).collect());
        }),
        wrong("claims_are_answered_in_their_order", "claims are answered the wrong way round", |store| {
            store.lease = |place, claims, owner, time| {
                Ok(place.lease_many(claims, owner, time)?.into_iter().rev().collect())
            };
        }),
        wrong("an_empty_call_is_no_error", "a call with nothing is an error", |store| {
            store.put = |place, records| match records {
                [] => Err(StoreError::new("wrong number of arguments")),
                _ => place.put_many(records),
            };
        }),
        wrong("a_thousand_keys_go_in_one_call", "a call is cut short", |store| {
            store.put = |place, records| place.put_many(&records[..records.len().min(999)]);
        }),
        wrong("unknown_keys_are_no_error", "an unknown key is an error", |store| {
            store.get = |place, keys| match place.get_many(keys)? {
                answers if answers.contains(&None) => Err(StoreError::new("no such key")),
                answers => Ok(answers),
            };
        }),
        wrong("each_key_of_a_call_is_put_by_itself", "a call ends with the first that loses", |store| {
            store.put = |place, records| {
                let there =
                    place.get_many(&records.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>())?;
                let loses = |((_, record), there): (&(Key, Record), &Option<Record>)| {
                    there.as_ref().is_some_and(|there| !record.beats(there))
                };
                let most = records.iter().zip(&there).position(loses).unwrap_or(records.len());
                place.put_many(&records[..most])
            };
        }),
    ]
}

fn bytes() -> Vec<Fault> {
    vec![
        wrong("bytes_come_back_as_they_were", "bytes are taken for text", |store| {
            store.put = |place, records| {
                put_changed(place, records, |record| {
                    let text = String::from_utf8_lossy(record.body()).into_owned();
                    Record::new(&record.head(), text.as_bytes(), record.remaining())
                })
            };
        }),
        wrong("bytes_come_back_as_they_were", "the head is made anew", |store| {
            store.put = |place, records| {
                put_changed(place, records, |record| {
                    Record::new(&Head { flags: 0, ..record.head() }, record.body(), record.remaining())
                })
            };
        }),
        wrong("bytes_come_back_as_they_were", "the longest is too long", |store| {
            store.put = |place, records| {
                let fits = |(_, record): &&(Key, Record)| record.bytes().len() < Record::MAX_BYTES;
                place.put_many(&records.iter().filter(fits).cloned().collect::<Vec<_>>())
            };
        }),
    ]
}

fn keys() -> Vec<Fault> {
    fn cut(key: &[u8]) -> Vec<u8> {
        key[..key.len().min(255)].to_vec()
    }
    fn without_zeros_at_its_end(key: &[u8]) -> Vec<u8> {
        let end = key.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        key[..end].to_vec()
    }
    vec![
        wrong("keys_have_any_length", "keys are cut short", |store| {
            store.get = |place, keys| get_renamed(place, keys, cut);
            store.put = |place, records| put_renamed(place, records, cut);
        }),
        wrong("keys_have_any_bytes", "the case of a letter does not count", |store| {
            store.get = |place, keys| get_renamed(place, keys, <[u8]>::to_ascii_lowercase);
            store.put = |place, records| put_renamed(place, records, <[u8]>::to_ascii_lowercase);
        }),
        wrong("keys_have_any_bytes", "zeros at the end do not count", |store| {
            store.get = |place, keys| get_renamed(place, keys, without_zeros_at_its_end);
            store.put = |place, records| put_renamed(place, records, without_zeros_at_its_end);
        }),
        Fault::shared("handles_on_one_place_see_each_other", "each handle has a place of its own", || {
            Broken::not_at_all()
        }),
    ]
}

fn put_changed(
    place: &MemoryStore,
    records: &[(Key, Record)],
    change: fn(&Record) -> Record,
) -> Result<(), StoreError> {
    place.put_many(&records.iter().map(|(key, record)| (key.clone(), change(record))).collect::<Vec<_>>())
}

fn get_renamed(
    place: &MemoryStore,
    keys: &[Key],
    rename: fn(&[u8]) -> Vec<u8>,
) -> Result<Vec<Option<Record>>, StoreError> {
    place.get_many(&keys.iter().map(|key| Key::from_bytes(&rename(key.as_bytes()))).collect::<Vec<_>>())
}

fn put_renamed(
    place: &MemoryStore,
    records: &[(Key, Record)],
    rename: fn(&[u8]) -> Vec<u8>,
) -> Result<(), StoreError> {
    let renamed = |(key, record): &(Key, Record)| (Key::from_bytes(&rename(key.as_bytes())), record.clone());
    place.put_many(&records.iter().map(renamed).collect::<Vec<_>>())
}

fn wrong(found_by: &'static str, what: &'static str, change: fn(&mut Broken)) -> Fault {
    Fault::new(found_by, what, move || {
        let mut store = Broken::not_at_all();
        change(&mut store);
        store
    })
}
