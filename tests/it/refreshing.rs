//! Tokens that are there before anybody waits for them.

use std::time::{Duration, Instant};

use tm_async::ErrorKind;
use tm_sim::{Endpoint, Fault, Simulator};

use crate::harness::{Stack, World, kind_of, until};

both!(
    what_was_prefetched_is_there_when_it_is_wanted,
    a_token_in_use_is_replaced_while_nobody_asks,
    a_refresh_that_fails_displaces_nothing,
    what_is_kept_fresh_is_replaced_though_nobody_asks,
    all_tenants_are_kept_fresh_and_their_client_still_ends,
    all_tenants_that_can_be_read_are_kept_fresh,
    more_than_there_is_room_for_is_not_kept_fresh,
    what_is_left_of_a_token_is_told_by_the_service_s_clock,
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

fn what_is_kept_fresh_is_replaced_though_nobody_asks(stack: Stack) {
    let world = World::new(stack, Simulator::builder().token_life(SHORT_LIFE));
    let one = &world.tenants()[..1];
    world.client.keep_fresh(one).unwrap();

    until("a second token is issued", || world.sim.issued("tenant-0001") == 2);
    until("it is in hand", || world.client.stats().tokens_received == 2);
    let calls = world.calls();
    world.client.token("tenant-0001").unwrap();
    assert_eq!(world.calls(), calls);

    world.client.let_fade(one);
    until("it is over", || world.client.stats().tenants == 0);
}

fn all_tenants_are_kept_fresh_and_their_client_still_ends(stack: Stack) {
    let world = World::new(stack, Simulator::builder().tenants(37));

    assert_eq!(world.client.keep_fresh_all().unwrap(), 37);
    until("all are in hand, and the operator", || world.client.stats().tokens_held == 38);

    let calls = world.calls();
    assert_eq!(calls, 1 + 8, "the operator's, and seven fives and two");
    assert!(world.client.tokens(&world.tenants()).iter().all(|(_, row)| row.is_ok()));
    assert_eq!(world.calls(), calls);
    let start = Instant::now();
    world.client.close(Duration::from_secs(30));
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "whoever follows the list does not wait for its next time"
    );
}

fn all_tenants_that_can_be_read_are_kept_fresh(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let body = r#"{"page":{"totalElements":2},"userTenants":[{"id":"tenant-0001"},{"id":"no tenant"}]}"#;
    let content_type = "application/json".to_owned();
    world.sim.fault(Fault::Garbage200 { content_type, body: body.into() }.on(Endpoint::Page));

    assert_eq!(world.client.keep_fresh_all().unwrap(), 1);

    assert_eq!(kind_of(&world.client.user_tenants()), ErrorKind::Decode);
}

fn more_than_there_is_room_for_is_not_kept_fresh(stack: Stack) {
    let world = World::with_settings(stack, Simulator::builder().tenants(100), |settings| {
        settings.memory = 64 * 1024;
    });

    let error = world.client.keep_fresh_all().unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("no room to keep more than"), "{error}");
}

fn what_is_left_of_a_token_is_told_by_the_service_s_clock(stack: Stack) {
    for ahead in [-7_200, 0, 7_200] {
        let world = World::new(stack, Simulator::builder().clock_skew(ahead));
        let token = world.client.token("tenant-0001").unwrap();

        let left = world.client.remaining(&token).unwrap().as_secs();

        assert!((1_700..1_800).contains(&left), "{left} s of a service whose clock is {ahead} s ahead");
        world.client.reject(&token);
        assert_eq!(world.client.remaining(&token), None, "it is not served any more");
    }
}
