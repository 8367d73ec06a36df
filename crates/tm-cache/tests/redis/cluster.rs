//! A real Redis Cluster of a test's own: three masters, a third of the slots each.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::server::RedisServer;

/// A running cluster. Dropping it ends it.
pub(crate) struct RedisCluster {
    pub(crate) nodes: [RedisServer; 3],
}

const RANGES: [(u16, u16); 3] = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];

impl RedisCluster {
    /// # Panics
    /// It does not come up within half a minute.
    pub(crate) fn start() -> Self {
        let node =
            || RedisServer::start_with(&["--cluster-enabled", "yes", "--cluster-node-timeout", "5000"]);
        let cluster = Self { nodes: [node(), node(), node()] };
        for (number, (node, (first, last))) in cluster.nodes.iter().zip(RANGES).enumerate() {
            let ask = |words: &[&str]| assert_eq!(node.ask(words), "OK", "{words:?}");
            ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            ask(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            ask(&["CLUSTER", "MEET", "127.0.0.1", &cluster.nodes[0].port().to_string()]);
        }
        cluster.nodes.iter().for_each(|node| wait_until(node, &["cluster_state:ok", "cluster_size:3"]));
        cluster
    }

    /// The URLs of all nodes.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(RedisServer::url).collect()
    }

    /// Gives a slot that holds nothing to another node.
    pub(crate) fn move_empty_slot(&self, slot: u16, to: usize) {
        let id = self.nodes[to].ask(&["CLUSTER", "MYID"]);
        for node in &self.nodes {
            assert_eq!(node.ask(&["CLUSTER", "SETSLOT", &slot.to_string(), "NODE", &id]), "OK");
        }
    }

    /// The number of the node that has a slot at the start.
    pub(crate) fn node_of(slot: u16) -> usize {
        RANGES.iter().position(|(first, last)| (*first..=*last).contains(&slot)).expect("a slot")
    }
}

/// Waits until a node says all of this of its cluster. Nodes hear of each other by gossip, which has no end that anybody tells.
///
/// # Panics
/// It does not come about within half a minute.
pub(crate) fn wait_until(node: &RedisServer, said: &[&str]) {
    let give_up = Instant::now() + Duration::from_secs(30);
    let says_all = || {
        let info = node.ask(&["CLUSTER", "INFO"]);
        said.iter().all(|said| info.contains(said))
    };
    while !says_all() {
        assert!(Instant::now() < give_up, "the cluster does not come up: no {said:?}");
        thread::sleep(Duration::from_millis(10)); // sleep: between two looks at what nobody announces
    }
}
