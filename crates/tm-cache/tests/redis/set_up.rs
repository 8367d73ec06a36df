//! What may be opened, and what a store tells of itself.

use std::time::Duration;

use tm_cache::{AsyncRedisStore, RedisOptions, RedisStore};

use crate::{
    given::{both, key, patient},
    server::RedisServer,
};

#[test]
fn what_is_not_encrypted_leaves_the_machine_only_on_request() {
    for url in ["redis://redis.example", "redis://localhost", "redis://user:hunter2@10.0.0.1:6379/0"] {
        let error = RedisStore::open(url).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        assert!(AsyncRedisStore::open(url).is_err());
        assert!(RedisOptions::cluster([url]).open().is_err());
        assert!(RedisOptions::sentinel("m", [url]).open().is_err());
        assert!(RedisOptions::new(url).allow_plaintext_network().open().is_ok(), "{url}");
    }
    for url in ["redis://127.0.0.1", "redis://[::1]:7000", "unix:///run/redis.sock", "rediss://redis.example"]
    {
        assert!(RedisStore::open(url).is_ok(), "{url}");
    }
}

/// A Cluster names its nodes itself, and what it names is checked as well.
#[test]
fn no_cluster_leads_in_the_clear_off_the_machine() {
    let node = RedisServer::start_with(&["--cluster-enabled", "yes", "--cluster-announce-ip", "192.0.2.1"]);
    assert_eq!(node.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), "OK");
    for (kind, store) in both(&patient(RedisOptions::cluster([node.url()]))) {
        let error = store.get_many(&[key("a")]).unwrap_err().to_string();
        assert!(error.starts_with("Redis is not on 127.0.0.1"), "{kind}: {error}");
    }
}

#[test]
fn verification_cannot_be_turned_off() {
    assert!(RedisStore::open("rediss://redis.example/#insecure").is_err());
    assert!(RedisOptions::new("rediss://redis.example/#insecure").allow_plaintext_network().open().is_err());
}

#[test]
fn options_that_cannot_work_are_refused() {
    let good = || RedisOptions::new("redis://127.0.0.1");
    assert!(good().prefix("{tm}").open().is_err());
    assert!(good().connect_timeout(Duration::ZERO).open().is_err());
    assert!(good().response_timeout(Duration::ZERO).open().is_err());
    assert!(RedisOptions::cluster(["redis://127.0.0.1/1"]).open().is_err(), "a cluster has one database");
    assert!(RedisOptions::cluster([""; 0]).open().is_err());
    let roots = RedisOptions::new("rediss://redis.example").add_root_certificates("no certificate");
    assert!(roots.open().is_err());
}

#[test]
fn nothing_that_is_shown_has_a_secret() {
    let options = RedisOptions::sentinel("m", ["redis://user:hunter2@127.0.0.1"])
        .sentinel_login(Some("user"), "hunter2");
    let shown = format!("{options:?} {:?} {:?}", options.open().unwrap(), options.open_async().unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("user"), "{shown}");
}
