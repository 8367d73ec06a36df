//! Files of leases.

use std::fs::{self, File};

use tm_cache::{Lease, Store as _};

use crate::{
    INPUTS_IN_FILES, each,
    support::{HOUR, Place, key, lease, owner},
};

/// The mark, no time, and all time.
const WORDS: [&str; 3] = ["tml1", "\0\0\0\0\0\0\0\0", "\u{7f}\u{7f}\u{7f}\u{7f}"];

#[test]
fn a_file_of_a_lease_holds_up_nobody_unless_it_is_whole_and_anothers() {
    let (place, key) = (Place::new(), key("k"));
    let path = place.lease_of(&key);
    let [ours, theirs] = [1, 2].map(owner);
    let seeds = [ours, theirs].map(|owner| {
        let store = place.store();
        assert_eq!(lease(&store, &key, &owner, HOUR), Lease::Granted);
        let bytes = fs::read(&path).unwrap();
        store.release_many(std::slice::from_ref(&key), &owner).unwrap();
        bytes
    });
    let is_of = |bytes: &[u8], owner: &[u8]| {
        bytes.len() == 60 && bytes.starts_with(b"tml1") && bytes.ends_with(owner)
    };
    let held = each(INPUTS_IN_FILES, &seeds, &WORDS, |bytes| {
        let store = place.store();
        fs::write(&path, bytes).unwrap();
        store.release_many(std::slice::from_ref(&key), &ours).unwrap();
        assert_eq!(path.exists(), !is_of(bytes, ours.as_bytes()), "only our own is given back");
        fs::write(&path, bytes).unwrap();
        let other = File::open(&path).unwrap();
        other.lock().unwrap();
        let held = lease(&store, &key, &ours, HOUR) == Lease::Held;
        assert!(!held || (is_of(bytes, b"") && !is_of(bytes, ours.as_bytes())));
        held
    });
    assert!((20..1_900).contains(&held), "{held}");
}
