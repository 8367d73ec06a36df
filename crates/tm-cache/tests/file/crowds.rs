//! Many at once, and many of them.

use std::{sync::Barrier, thread};

use tm_cache::{FileStore, Store as _};

use crate::support::{Place, bury, found, key, neighbours, record, text, tombstone};

#[test]
fn of_eight_threads_at_the_same_keys_the_newest_record_stays() {
    let place = Place::new();
    let (keys, start) = (neighbours(3), Barrier::new(8));
    thread::scope(|scope| {
        for thread in 0..8 {
            // On the clocks of the machine: what is written while others wait must not lie in their future.
            let (store, keys, start) = (FileStore::open(place.path()).unwrap(), &keys, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..25 {
                    let issued = 8 * ((round * 7) % 25) + thread;
                    let record = record(&format!("issued {issued}"), issued);
                    let records: Vec<_> = keys.iter().map(|key| (key.clone(), record.clone())).collect();
                    store.put_many(&records).unwrap();
                    for found in store.get_many(keys).unwrap() {
                        let stamp = found.expect("a rename leaves no gap").stamp();
                        assert!(stamp.issued >= record.stamp().issued, "a record has become older");
                    }
                }
            });
        }
    });
    let store = FileStore::open(place.path()).unwrap();
    for key in &keys {
        assert_eq!(text(&store, key).as_deref(), Some("issued 199"));
    }
}

#[test]
fn of_writers_and_refusals_at_once_no_refused_token_stays() {
    let place = Place::new();
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (store, start) = (place.store(), &start);
            scope.spawn(move || {
                start.wait();
                for issued in 0..25 {
                    let token = format!("token {issued}");
                    if thread % 2 == 0 {
                        store.put_many(&[(key("k"), record(&token, issued))]).unwrap();
                    } else {
                        bury(&store, &key("k"), tombstone(&token, issued));
                    }
                }
            });
        }
    });
    assert_eq!(text(&place.store(), &key("k")), None);
}

#[test]
fn five_thousand_records_are_kept() {
    let place = Place::new();
    let records: Vec<_> = (0..5_000)
        .map(|number| (key(format!("tenant {number}")), record(&format!("t{number}"), number)))
        .collect();
    for batch in records.chunks(1_000) {
        place.store().put_many(batch).unwrap();
    }
    let keys: Vec<_> = records.iter().map(|(key, _)| key.clone()).collect();
    let answers = place.store().get_many(&keys).unwrap();
    assert!(records.iter().zip(answers).all(|((_, put), answer)| Some(put) == answer.as_ref()));
    assert_eq!(found(&place.store(), &key("tenant 5000")), None);
}
