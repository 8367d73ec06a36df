//! Tokens that are not where they were: slots of a Cluster that move, and a master that Sentinel replaces.

use tempfile::TempDir;
use tm_cache::{RedisOptions, Store};

use crate::{
    cluster::{RedisCluster, wait_until},
    given::{HOUR, both, claim, key, keys, owner, patient, record},
    server::RedisServer,
};

/// Of the tag `{ca}`, in which the key `a` lies.
const SLOT: u16 = 8_958;

fn is_kept(store: &dyn Store) -> bool {
    store.get_many(&[key("a")]).expect("an answer")[0].is_some()
}

#[test]
fn a_slot_that_moves_is_followed() {
    let cluster = RedisCluster::start();
    let start = RedisCluster::node_of(SLOT);
    for (number, (kind, store)) in both(&patient(RedisOptions::cluster(cluster.urls()))).iter().enumerate() {
        assert!(!is_kept(&**store), "the routes are known now");
        let next = (start + 1 + number) % 3;
        cluster.move_empty_slot(SLOT, next);
        store.put_many(&[(key("a"), record(1, 0))]).unwrap();
        assert!(is_kept(&**store), "{kind}");
        assert_eq!(cluster.nodes[next].ask(&["DBSIZE"]), "1", "{kind}");
        cluster.nodes[next].ask(&["FLUSHALL"]);
    }
}

/// So it looks while a Cluster comes up: what the first node knows then is not all.
#[test]
fn routes_that_lack_a_slot_are_asked_for_again() {
    let node =
        RedisServer::start_with(&["--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"]);
    let slots = ["CLUSTER", "ADDSLOTSRANGE", "0", "8957", "8959", "16383"];
    assert_eq!(node.ask(&slots), "OK");
    wait_until(&node, &["cluster_state:ok"]);
    let stores = both(&patient(RedisOptions::cluster([node.url()])));
    for (kind, store) in &stores {
        let error = store.get_many(&[key("a")]).unwrap_err();
        assert_eq!(error.to_string(), "a slot of the Redis Cluster has no server", "{kind}");
    }
    assert_eq!(node.ask(&["CLUSTER", "ADDSLOTS", &SLOT.to_string()]), "OK");
    for (kind, store) in &stores {
        assert!(!is_kept(&**store), "{kind}");
    }
}

/// Between two nodes: what has gone over already is asked for there. What needs two names at once has to wait, says Redis.
#[test]
fn a_slot_on_its_way_is_asked_for_at_both_ends() {
    let cluster = RedisCluster::start();
    let [from, to] = [0, 1].map(|step| &cluster.nodes[(RedisCluster::node_of(SLOT) + step) % 3]);
    let slot = SLOT.to_string();
    let stores = both(&patient(RedisOptions::cluster(cluster.urls())));
    stores[0].1.put_many(&[(key("a"), record(1, 0))]).unwrap();
    for (node, state, other) in [(to, "IMPORTING", from), (from, "MIGRATING", to)] {
        assert_eq!(node.ask(&["CLUSTER", "SETSLOT", &slot, state, &other.ask(&["CLUSTER", "MYID"])]), "OK");
    }
    let name = from.ask(&["KEYS", "*"]);
    assert_eq!(from.ask(&["MIGRATE", "127.0.0.1", &to.port().to_string(), &name, "0", "10000"]), "OK");
    for (kind, store) in &stores {
        assert!(is_kept(&**store), "{kind}");
        let error = store.put_many(&[(key("a"), record(2, 1))]).unwrap_err();
        assert_eq!(error.to_string(), "Redis answered TRYAGAIN", "{kind}");
    }
}

#[test]
fn a_cluster_is_found_by_any_node_that_is_up() {
    let mut cluster = RedisCluster::start();
    let urls = cluster.urls();
    let asleep = (RedisCluster::node_of(SLOT) + 1) % 3;
    cluster.nodes[asleep].kill();
    let order = [asleep, (asleep + 1) % 3, (asleep + 2) % 3].map(|node| urls[node].clone());
    for (kind, store) in both(&patient(RedisOptions::cluster(order))) {
        store.put_many(&[(key("a"), record(1, 0))]).unwrap();
        assert!(is_kept(&*store), "{kind}");
        assert!(store.get_many(&keys(100)).is_err(), "{kind}: some of these are on the node that is down");
    }
}

#[test]
fn a_member_of_a_cluster_is_no_server_of_its_own() {
    let cluster = RedisCluster::start();
    for (kind, store) in both(&patient(RedisOptions::new(cluster.nodes[0].url()))) {
        let error = store.get_many(&keys(100)).unwrap_err();
        assert_eq!(error.to_string(), "Redis answered CROSSSLOT", "{kind}");
    }
}

#[test]
fn sentinel_tells_the_master_and_the_next_one() {
    let mut first = RedisServer::start_with(&["--requirepass", "secret"]);
    let folder = TempDir::new().unwrap();
    let monitor =
        format!("sentinel monitor tokens 127.0.0.1 {} 1\nsentinel auth-pass tokens secret\n", first.port());
    std::fs::write(folder.path().join("sentinel.conf"), monitor).unwrap();
    let sentinel = RedisServer::start_sentinel(folder, "sentinel.conf");
    let second = RedisServer::start_with(&["--requirepass", "secret"]);
    // One that is down comes first.
    let urls = [first.port() + 1, sentinel.port()].map(|port| format!("redis://:secret@127.0.0.1:{port}"));
    let stores = both(&patient(RedisOptions::sentinel("tokens", &urls)));
    for (kind, store) in &stores {
        store.put_many(&[(key("a"), record(1, 0))]).unwrap();
        assert!(is_kept(&**store), "{kind}");
    }
    first.kill();
    assert_eq!(sentinel.ask(&["SENTINEL", "REMOVE", "tokens"]), "OK");
    let port = second.port().to_string();
    assert_eq!(sentinel.ask(&["SENTINEL", "MONITOR", "tokens", "127.0.0.1", &port, "1"]), "OK");
    for (kind, store) in &stores {
        let _ = store.get_many(&[key("a")]); // learns that the first is gone
        assert!(!is_kept(&**store), "{kind}");
        store.lease_many(&[claim(&key("a"), None)], &owner(1), HOUR).unwrap();
    }
    assert_eq!(sentinel.ask(&["SENTINEL", "REMOVE", "tokens"]), "OK");
    let unknown = RedisOptions::sentinel("tokens", &urls).open().unwrap();
    let error = unknown.get_many(&[key("a")]).unwrap_err();
    assert_eq!(error.to_string(), "the Redis Sentinel knows no master of this name");
}
