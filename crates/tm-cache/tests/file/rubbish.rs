//! Files that are not what they should be.

use std::fs;

use crate::support::{Place, bury, key, lease, owner, put, record, text, tombstone};

/// A place with a record and a grave in one file, and that file's bytes.
fn with_a_file() -> (Place, Vec<u8>) {
    let place = Place::new();
    bury(&place.store(), &key("k"), tombstone("refused", 99));
    put(&place.store(), &key("k"), record("t", 100));
    let bytes = fs::read(place.file_of(&key("k"))).unwrap();
    (place, bytes)
}

#[test]
fn every_truncation_is_a_miss() {
    let (place, bytes) = with_a_file();
    let store = place.store();
    for length in 0..bytes.len() {
        fs::write(place.file_of(&key("k")), &bytes[..length]).unwrap();
        assert_eq!(text(&store, &key("k")), None, "{length} bytes");
    }
    fs::write(place.file_of(&key("k")), &bytes).unwrap();
    assert_eq!(text(&store, &key("k")).as_deref(), Some("t"));
}

#[test]
fn every_flipped_bit_is_a_miss() {
    let (place, bytes) = with_a_file();
    let store = place.store();
    for bit in 0..8 * bytes.len() {
        let mut wrong = bytes.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        fs::write(place.file_of(&key("k")), &wrong).unwrap();
        assert_eq!(text(&store, &key("k")), None, "bit {bit}");
    }
}

#[test]
fn rubbish_is_overwritten_by_the_next_put() {
    let (place, bytes) = with_a_file();
    let long = [bytes.clone(), vec![0; 1024 * 1024]].concat();
    for rubbish in [&b""[..], b"\n", b"tmf1", &bytes[..bytes.len() - 1], &long, &[0; 4_096]] {
        fs::write(place.file_of(&key("k")), rubbish).unwrap();
        assert_eq!(text(&place.store(), &key("k")), None, "{} bytes", rubbish.len());
        put(&place.store(), &key("k"), record("t", 100));
        assert_eq!(text(&place.store(), &key("k")).as_deref(), Some("t"), "{} bytes", rubbish.len());
    }
}

#[test]
fn the_file_of_one_key_is_a_miss_under_another() {
    let (place, bytes) = with_a_file();
    put(&place.store(), &key("other"), record("other", 100));
    fs::write(place.file_of(&key("other")), bytes).unwrap();
    assert_eq!(text(&place.store(), &key("other")), None);
}

#[test]
fn a_directory_in_the_place_of_a_file_is_a_miss_and_an_error_to_write() {
    use tm_cache::Store as _;

    let (place, _) = with_a_file();
    fs::remove_file(place.file_of(&key("k"))).unwrap();
    fs::create_dir(place.file_of(&key("k"))).unwrap();
    let store = place.store();
    assert_eq!(text(&store, &key("k")), None);
    let pair = [(key("k"), record("t", 100)), (key("another"), record("t", 100))];
    let error = store.put_many(&pair).unwrap_err().to_string();
    assert!(error.contains(&key("k").to_name()), "{error}");
    assert_eq!(text(&store, &key("another")).as_deref(), Some("t"), "the rest is kept");
    let left = crate::support::names(&place.shard_of(&key("k")));
    assert_eq!(left, [".lock".to_owned(), key("k").to_name()], "nothing half-written");
}

#[test]
#[cfg(unix)]
fn a_pipe_in_the_place_of_a_file_hangs_nobody() {
    let (place, _) = with_a_file();
    for path in [place.file_of(&key("k")), place.lease_of(&key("k"))] {
        let _ = fs::remove_file(&path);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    }
    let store = place.store();
    assert_eq!(text(&store, &key("k")), None);
    assert_eq!(lease(&store, &key("k"), &owner(1), crate::support::HOUR), tm_cache::Lease::Granted);
    assert_eq!(lease(&store, &key("k"), &owner(2), crate::support::HOUR), tm_cache::Lease::Held);
    put(&store, &key("k"), record("t", 100));
    assert_eq!(text(&store, &key("k")).as_deref(), Some("t"));
}

#[test]
#[cfg(unix)]
fn nothing_is_written_through_a_link() {
    use std::os::unix::fs::symlink;

    let (place, _) = with_a_file();
    let victim = place.beside("victim");
    fs::write(&victim, "precious").unwrap();
    let links = [place.file_of(&key("k")), place.lease_of(&key("k")), place.path().join(".swept")];
    for path in &links {
        let _ = fs::remove_file(path);
        symlink(&victim, path).unwrap();
    }
    let store = place.store();
    assert_eq!(text(&store, &key("k")), None);
    assert_eq!(lease(&store, &key("k"), &owner(1), crate::support::HOUR), tm_cache::Lease::Granted);
    put(&store, &key("k"), record("t", 100));
    assert_eq!(text(&store, &key("k")).as_deref(), Some("t"));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(links.iter().all(|path| fs::symlink_metadata(path).unwrap().is_file()));
}

#[test]
#[cfg(unix)]
fn a_lock_or_a_shard_that_is_a_link_is_an_error() {
    use std::os::unix::fs::symlink;

    use tm_cache::Store as _;

    let (place, _) = with_a_file();
    let (victim, shard) = (place.beside("victim"), place.shard_of(&key("k")));
    fs::create_dir(&victim).unwrap();
    fs::remove_file(shard.join(".lock")).unwrap();
    symlink(victim.join("lock"), shard.join(".lock")).unwrap();
    place.store().put_many(&[(key("k"), record("t", 101))]).unwrap_err();
    fs::remove_dir_all(&shard).unwrap();
    symlink(&victim, &shard).unwrap();
    let error = place.store().put_many(&[(key("k"), record("t", 101))]).unwrap_err();
    assert!(error.to_string().contains("is not a directory"), "{error}");
    assert_eq!(crate::support::names(&victim).len(), 0);
}
