//! How often a hit allocates.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use canned::{Answers, InProcess};
use measure::{Line, wanted_group};

const HITS: u64 = 1_000;

pub fn run() {
    if !wanted_group("hit-allocations") {
        return;
    }
    let tenants = canned::tenants(5);
    let setup = || canned::setup("https://127.0.0.1:1");
    let transport = || InProcess(Answers::new(200, 0));

    let client = tm_blocking::Client::builder(setup()).transport(transport()).build().expect("set up");
    let handle = client.tenant("tenant-000003").expect("a good id");
    client.tokens(tenants.clone());
    let hit = || {
        client.token("tenant-000003").expect("a hit").authorization();
        handle.token().expect("a hit");
    };
    report("hit-allocations-blocking", hit);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = tm_async::Client::builder(setup()).transport(transport()).build().expect("set up");
    let handle = client.tenant("tenant-000003").expect("a good id");
    runtime.block_on(client.tokens(tenants));
    let _inside = runtime.enter();
    runtime.block_on(async {
        for _ in 0..2 {
            client.token("tenant-000003").await.expect("a token"); // the first hit of a token asks the broker
        }
    });
    let hit = || {
        at_once(client.token("tenant-000003")).expect("a hit").authorization();
        at_once(handle.token()).expect("a hit");
    };
    report("hit-allocations-async", hit);
}

/// A hit waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a hit had to wait"),
    }
}

/// The first hits of a thread set up what it keeps, and tell the broker that the token is used.
fn report(name: &str, hit: impl Fn()) {
    (0..10).for_each(|_| hit());
    let counted = allocation_counter::measure(|| (0..HITS).for_each(|_| hit()));
    Line::alone(name, "allocations", counted.count_total as f64 / HITS as f64).at_most(0.0).print();
}
