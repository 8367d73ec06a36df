//! How tokens lie in Redis, and what else may lie there.

use std::time::Duration;

use tempfile::TempDir;
use tm_cache::{Lease, Record, RedisOptions, Store as _};
use tm_core::UnixTime;

use crate::{
    given::{HOUR, both, bytes, claim, key, keys, now, owner, patient, record, refusal},
    server::RedisServer,
};

/// Of the key `a`.
const TAG: &str = "{ca}";
const NAME: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

fn name(what: &str) -> String {
    format!("tm:{TAG}:{what}:{NAME}")
}

#[test]
fn a_record_lies_there_as_it_is_and_no_longer_than_it_may() {
    let server = RedisServer::start();
    for (kind, store) in both(&patient(RedisOptions::new(server.url()))) {
        let kept = record(1, 0).with_remaining(Duration::from_millis(59_999));
        store.put_many(&[(key("a"), kept.clone())]).unwrap();
        let value = server.ask_bytes(&[b"GET", name("r").as_bytes()]);
        let (bytes, ends) = value.split_last_chunk().unwrap();
        assert_eq!(bytes, &kept.bytes()[..], "{kind}");
        let left: u64 = server.ask(&["PTTL", &name("r")]).parse().unwrap();
        assert!((1..=59_999).contains(&left), "{kind}: {left}");
        // Redis counts on the same clock, which is ours too.
        let ends = UnixTime::from_millis(i64::from_be_bytes(*ends)).saturating_since(now());
        let left = left.abs_diff(u64::try_from(ends.as_millis()).unwrap());
        assert!(left < 10_000, "{kind}: {ends:?}");
        server.ask(&["FLUSHALL"]);
    }
}

#[test]
fn nothing_is_kept_for_longer_than_a_day() {
    let server = RedisServer::start();
    for (kind, store) in both(&patient(RedisOptions::new(server.url()))) {
        store.put_many(&[(key("a"), record(1, 0).with_remaining(Duration::MAX))]).unwrap();
        store.lease_many(&[claim(&key("a"), Some(&record(1, 0)))], &owner(1), Duration::MAX).unwrap();
        let mut tombstone = refusal(&record(9, 0));
        tombstone.remaining = Duration::MAX;
        store.remove_many(&[(key("a"), tombstone)]).unwrap();
        for what in ["r", "l", "g"] {
            let left: u64 = server.ask(&["PTTL", &name(what)]).parse().unwrap();
            assert!((1..=86_400_000).contains(&left), "{kind}: {what}: {left}");
        }
        server.ask(&["FLUSHALL"]);
    }
}

#[test]
fn a_grave_is_remembered_as_long_as_the_longest_of_its_tombstones() {
    let server = RedisServer::start();
    for (kind, store) in both(&patient(RedisOptions::new(server.url()))) {
        let (long, mut short) = (refusal(&record(1, 0)), refusal(&record(2, 0)));
        short.remaining = Duration::from_secs(1);
        for tombstone in [long, short] {
            store.remove_many(&[(key("a"), tombstone)]).unwrap();
        }
        let left: u64 = server.ask(&["PTTL", &name("g")]).parse().unwrap();
        assert!((1_000_000..=3_600_000).contains(&left), "{kind}: {left}");
        let mut expected = long.issued.as_millis().to_be_bytes().to_vec();
        expected.extend([[1; 16], [2; 16]].concat());
        assert_eq!(server.ask_bytes(&[b"GET", name("g").as_bytes()]), expected, "{kind}");
        server.ask(&["FLUSHALL"]);
    }
}

#[test]
fn what_others_wrote_is_a_miss_and_is_overwritten() {
    let server = RedisServer::start();
    for (kind, store) in both(&patient(RedisOptions::new(server.url()))) {
        let strangers: [&[&str]; 5] = [
            &["RPUSH", &name("r"), "x"],
            &["HSET", &name("r"), "x", "y"],
            &["SET", &name("r"), ""],
            &["SET", &name("r"), "junk", "PX", "100000"],
            &["SET", &name("r"), &"\u{1}".repeat(Record::MAX_BYTES + 1), "PX", "100000"],
        ];
        for stranger in strangers {
            server.ask(&["FLUSHALL"]);
            store.put_many(&[(key("b"), record(2, 0))]).unwrap();
            server.ask(stranger);
            let answers = store.get_many(&[key("a"), key("b")]).unwrap();
            assert_eq!(
                bytes(&answers),
                [None, Some(&record(2, 0).bytes()[..])],
                "{kind}: the others are well"
            );
            let lease = store.lease_many(&[claim(&key("a"), None)], &owner(1), HOUR).unwrap();
            assert_eq!(lease, [Lease::Granted], "{kind}");
            store.remove_many(&[(key("a"), refusal(&record(7, -5)))]).unwrap();
            store.put_many(&[(key("a"), record(1, 0))]).unwrap();
            assert!(store.get_many(&[key("a")]).unwrap()[0].is_some(), "{kind}: {stranger:?}");
        }
    }
}

#[test]
fn graves_and_leases_that_are_none_are_overwritten_too() {
    let server = RedisServer::start();
    for (kind, store) in both(&patient(RedisOptions::new(server.url()))) {
        for stranger in [&["RPUSH", &name("g"), "x"][..], &["SET", &name("g"), "x"], &["SET", &name("g"), ""]]
        {
            server.ask(&["FLUSHALL"]);
            server.ask(stranger);
            store.put_many(&[(key("a"), record(1, 0))]).unwrap();
            assert!(store.get_many(&[key("a")]).unwrap()[0].is_some(), "{kind}: it buries nothing");
            store.remove_many(&[(key("a"), refusal(&record(1, 0)))]).unwrap();
            store.put_many(&[(key("a"), record(1, 0))]).unwrap();
            assert_eq!(store.get_many(&[key("a")]).unwrap(), [None], "{kind}");
        }
        server.ask(&["RPUSH", &name("l"), "x"]);
        store.release_many(&[key("a")], &owner(1)).unwrap();
        let lease = store.lease_many(&[claim(&key("a"), None)], &owner(1), HOUR).unwrap();
        assert_eq!(lease, [Lease::Granted], "{kind}");
        server.ask(&["FLUSHALL"]);
    }
}

/// As when somebody has taken the time to live away, or has put it there by other means.
#[test]
fn what_outlives_its_end_is_a_miss_and_is_overwritten() {
    let server = RedisServer::start();
    for (kind, store) in both(&patient(RedisOptions::new(server.url()))) {
        let (dead, fresh) = (record(2, 1), record(1, 0));
        let no_end = now().saturating_add(25 * HOUR);
        for ends in [UnixTime::from_millis(0), now(), no_end] {
            let value = [&dead.bytes()[..], &ends.as_millis().to_be_bytes()].concat();
            server.ask_bytes(&[b"SET", name("r").as_bytes(), &value]);
            assert_eq!(store.get_many(&[key("a")]).unwrap(), [None], "{kind}");
            let lease = store.lease_many(&[claim(&key("a"), None)], &owner(1), HOUR).unwrap();
            assert_eq!(lease, [Lease::Granted], "{kind}");
            store.put_many(&[(key("a"), fresh.clone())]).unwrap();
            assert_eq!(bytes(&store.get_many(&[key("a")]).unwrap()), [Some(&fresh.bytes()[..])], "{kind}");
            server.ask(&["FLUSHALL"]);
        }
    }
}

/// The record itself tells when its time is over.
#[test]
fn a_record_whose_time_to_live_was_taken_away_still_ends() {
    let server = RedisServer::start();
    for (kind, store) in both(&patient(RedisOptions::new(server.url()))) {
        store.put_many(&[(key("a"), record(1, 0).with_remaining(Duration::from_secs(50)))]).unwrap();
        assert_eq!(server.ask(&["PERSIST", &name("r")]), "1");
        let answer = store.get_many(&[key("a")]).unwrap().remove(0).unwrap();
        assert!(answer.remaining() <= Duration::from_secs(50), "{kind}: {answer:?}");
        server.ask(&["FLUSHALL"]);
    }
}

#[test]
fn a_socket_is_as_good_as_a_port() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("redis.sock");
    let server = RedisServer::start_with(&["--unixsocket", path.to_str().unwrap()]);
    for (kind, store) in both(&patient(RedisOptions::new(format!("unix://{}", path.display())))) {
        store.put_many(&[(key("a"), record(1, 0))]).unwrap();
        assert!(store.get_many(&[key("a")]).unwrap()[0].is_some(), "{kind}");
    }
    assert_eq!(server.ask(&["DBSIZE"]), "1");
}

#[test]
fn stores_with_different_prefixes_share_nothing() {
    let server = RedisServer::start();
    let with = |prefix: &str| RedisOptions::new(server.url()).prefix(prefix).open().unwrap();
    let (one, other) = (with("one:"), with(""));
    one.put_many(&[(key("a"), record(1, 0))]).unwrap();
    assert_eq!(other.get_many(&[key("a")]).unwrap(), [None]);
    assert_eq!(server.ask(&["KEYS", "*"]), format!("one:{TAG}:r:{NAME}"));
    other.put_many(&[(key("a"), record(1, 0))]).unwrap();
    assert_eq!(server.ask(&["EXISTS", &format!("{TAG}:r:{NAME}")]), "1");
}

/// Round trips are what a store costs. One command is one.
#[test]
fn five_hundred_tokens_are_one_command() {
    let server = RedisServer::start();
    let commands = || -> u64 {
        let stats = server.ask(&["INFO", "commandstats"]);
        let calls = |line: &str| line.split("calls=").nth(1)?.split(',').next()?.parse::<u64>().ok();
        let is_ours = |line: &&str| line.starts_with("cmdstat_eval") || line.starts_with("cmdstat_mget");
        stats.lines().filter(is_ours).filter_map(calls).sum()
    };
    for (kind, store) in both(&patient(RedisOptions::new(server.url()))) {
        let keys = keys(500);
        let records: Vec<_> = keys.iter().map(|key| (key.clone(), record(1, 0))).collect();
        let claims: Vec<_> = keys.iter().map(|key| claim(key, Some(&record(1, 0)))).collect();
        let tombstones: Vec<_> = keys.iter().map(|key| (key.clone(), refusal(&record(1, 0)))).collect();
        let all = || {
            store.put_many(&records).unwrap();
            assert!(store.get_many(&keys).unwrap().iter().all(Option::is_some));
            store.lease_many(&claims, &owner(1), HOUR).unwrap();
            store.release_many(&keys, &owner(1)).unwrap();
            store.remove_many(&tombstones).unwrap();
            server.ask(&["FLUSHDB"]);
        };
        all(); // the scripts are known now
        let before = commands();
        all();
        assert_eq!(commands() - before, 5, "{kind}");
    }
}
