//! Tokens that are there before anybody waits for them.

use std::time::Duration;

use tm_sim::{Fault, Simulator};

use crate::harness::{Stack, World, until};

both!(
    what_was_prefetched_is_there_when_it_is_wanted,
    a_token_in_use_is_replaced_while_nobody_asks,
    a_refresh_that_fails_displaces_nothing,
);

/// Of which a token is in hand for 7 s, and due after 1 s at the earliest and 6 s at the latest.
const SHORT_LIFE: Duration = Duration::from_secs(12);

fn what_was_prefetched_is_there_when_it_is_wanted(stack: Stack) {
    let world = World::new(stack, Simulator::builder().tenants(12));
    world.client.prefetch(&world.tenants());
    until("twelve tokens are in hand", || world.client.stats().tokens_held == 12);
    let counters = world.sim.counters();
    assert_eq!((counters.batch_calls, counters.batched_tenants, counters.single_calls), (3, 12, 0));

    world.client.prefetch(&world.tenants());
    let rows = world.client.tokens(&world.tenants());

    assert!(rows.iter().all(|(_, row)| row.is_ok()));
    assert_eq!(world.calls(), 3);
}

fn a_token_in_use_is_replaced_while_nobody_asks(stack: Stack) {
    let world = World::new(stack, Simulator::builder().token_life(SHORT_LIFE));
    let first = world.client.token("tenant-0001").unwrap();
    world.client.token("tenant-0001").unwrap();
    world.client.token("tenant-0002").unwrap();

    until("a second token is issued", || world.sim.issued("tenant-0001") == 2);
    until("it is served", || world.client.token("tenant-0001").unwrap() != first);

    assert_eq!(world.sim.issued("tenant-0002"), 1, "nobody has used it since it came");
}

fn a_refresh_that_fails_displaces_nothing(stack: Stack) {
    let world = World::new(stack, Simulator::builder().token_life(SHORT_LIFE));
    let first = world.client.token("tenant-0001").unwrap();
    world.sim.fault(Fault::status(500));
    world.client.token("tenant-0001").unwrap();

    until("a refresh fails", || world.sim.counters().faults > 0);

    assert_eq!(world.client.token("tenant-0001").unwrap(), first);
    world.sim.clear_faults();
    until("another is served", || world.client.token("tenant-0001").is_ok_and(|token| token != first));
}
