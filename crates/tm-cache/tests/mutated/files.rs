//! Files of records, as if a program had written them whole.

use std::fs;

use aws_lc_rs::digest::{Context, SHA256};

use crate::{
    INPUTS_IN_FILES, each,
    support::{Place, bury, found, key, put, record, tombstone},
};

/// No time, all time, and how many tokens a grave has at most.
const WORDS: [&str; 3] = ["\0\0\0\0\0\0\0\0", "\u{7f}\u{7f}\u{7f}\u{7f}", "\u{10}"];

/// Before what the digest is over.
const PREFIX: usize = 20;

#[test]
fn of_a_file_of_records_nothing_is_read_but_what_stands_in_it() {
    let (place, key) = (Place::new(), key("k"));
    let (store, path) = (place.store(), place.file_of(&key));
    let rest = || fs::read(&path).unwrap()[PREFIX..].to_vec();
    put(&store, &key, record("t", 100));
    let alone = rest();
    bury(&store, &key, tombstone("refused", 99));
    let with_a_grave = rest();
    bury(&store, &key, tombstone("t", 100));
    let read = each(INPUTS_IN_FILES, &[alone, with_a_grave, rest()], &WORDS, |rest| {
        let mut digest = Context::new(&SHA256);
        digest.update(key.to_name().as_bytes());
        digest.update(rest);
        fs::write(&path, [&b"tmf1"[..], &digest.finish().as_ref()[..16], rest].concat()).unwrap();
        let kept = found(&store, &key);
        if let Some(record) = &kept {
            assert!(rest.ends_with(record.bytes()) && !record.remaining().is_zero());
        }
        put(&store, &key, record("next", 101));
        kept.is_some()
    });
    assert!((100..1_900).contains(&read), "{read}");
}
