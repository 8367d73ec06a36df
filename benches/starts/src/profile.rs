//! What callgrind counts, within `counted` only: `starts profile`.

use crate::{from_redis::Filled, redis_server::RedisServer};

/// So few that valgrind makes no load last longer than a client waits for one.
const TENANTS: usize = 100;
const STARTS: usize = 10;

/// A thousand tokens out of Redis in all.
pub fn run() {
    let server = RedisServer::start().expect("redis-server, which `cargo xtask setup` installs");
    let kept = Filled::new(server, TENANTS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for _ in 0..STARTS {
        counted(|| kept.start_async(&runtime));
    }
}

/// The name that callgrind is told.
#[inline(never)]
fn counted(work: impl FnOnce() -> f64) {
    work();
}
