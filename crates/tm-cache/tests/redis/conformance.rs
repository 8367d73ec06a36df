//! The whole contract, by the public suite: blocking and async, on one server and on a cluster.

use tm_cache::{RedisOptions, conformance::Suite};
use tokio::runtime::Runtime;

use crate::{cluster::RedisCluster, given::patient, server::RedisServer};

fn keeps_the_contract(options: &RedisOptions) {
    let options = patient(options.clone());
    Suite::of(|| options.open().unwrap()).shared().run().assert();
    let runtime = Runtime::new().unwrap();
    let suite = Suite::of_async(|| options.open_async().unwrap(), |future| runtime.block_on(future));
    suite.shared().run().assert();
}

#[test]
fn on_one_server() {
    let server = RedisServer::start();
    keeps_the_contract(&RedisOptions::new(server.url()));
}

#[test]
fn on_a_cluster_of_three() {
    let cluster = RedisCluster::start();
    keeps_the_contract(&RedisOptions::cluster(cluster.urls()));
}
