//! Many callers, few calls.

use tm_core::ErrorKind;

use crate::{
    clock::{millis, secs},
    faults::{Fault, What},
    queue::{Act, Wish},
    random::tenants,
    world::World,
};

#[test]
fn a_thousand_callers_in_one_step_for_one_cold_tenant_make_one_call() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];

    let callers = world.ask((0..1_000).map(|_| Wish::interactive(tenant)));
    world.pass(millis(50));

    assert_eq!(world.served(callers), 1_000);
    assert_eq!(world.sizes(), [1]);
}

#[test]
fn a_thousand_callers_in_a_thousand_steps_for_one_cold_tenant_make_one_call() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];

    // Half of them come while the call is under way, half after it.
    for _ in 0..1_000 {
        world.ask_for(tenant);
        world.pass(millis(50) / 500);
    }

    assert_eq!(world.served(0..1_000), 1_000);
    assert_eq!(world.sizes(), [1]);
}

#[test]
fn a_thousand_steps_for_a_thousand_cold_tenants_fall_into_fives() {
    let mut world = World::story();
    world.service.latency = (millis(20), millis(20));

    for tenant in &tenants(1_000) {
        world.ask_for(tenant);
    }
    world.pass(millis(20 * 27));

    assert_eq!(world.served(0..1_000), 1_000);
    assert!(world.calls.len() <= 208, "{} calls", world.calls.len());
    assert_eq!(world.oracles.calls.peak(), 8);
}

#[test]
fn a_thousand_tenants_in_one_step_make_two_hundred_batches() {
    let mut world = World::story();

    let callers = world.ask(tenants(1_000).iter().map(Wish::bulk));
    world.pass(millis(50 * 25));

    assert_eq!(world.served(callers), 1_000);
    assert_eq!(world.sizes(), [5; 200]);
}

#[test]
fn two_hundred_and_thirty_seven_tenants_in_one_step_make_forty_eight_batches() {
    let mut world = World::story();

    let callers = world.ask(tenants(237).iter().map(Wish::bulk));
    world.pass(millis(50 * 6));

    assert_eq!(world.served(callers), 237);
    assert_eq!(world.calls.len(), 48);
}

#[test]
fn someone_who_waits_overtakes_ten_thousand_for_whom_nobody_waits() {
    let mut world = World::story();
    world.service.latency = (millis(100), millis(100));
    let all = tenants(10_001);
    let (one, many) = all.split_last().unwrap();
    let bulk = world.ask(many.iter().map(Wish::bulk));
    world.pass(millis(1_030));

    let caller = world.ask_for(one);
    world.pass(millis(300));

    world.token(caller);
    // And whoever waits for one of the many gets it as soon.
    let late = many.iter().rev().find(|tenant| world.calls_with(tenant) == 0).unwrap().clone();
    let caller = world.ask_for(&late);
    world.pass(millis(300));
    world.token(caller);
    world.pass(millis(100 * 251));
    assert_eq!(world.served(bulk), 10_000);
    assert_eq!(world.oracles.calls.peak(), 8);
}

#[test]
fn the_many_are_not_starved_by_those_who_wait() {
    let mut world = World::story();
    let all = tenants(4_000);
    let (waiting, many) = all.split_at(3_960);
    let (first, waiting) = waiting.split_at(60);
    world.ask(first.iter().map(Wish::interactive));
    let bulk = world.ask(many.iter().map(Wish::bulk));

    // Half as many again as the service takes, all the time.
    for tenants in waiting.chunks(30) {
        world.ask(tenants.iter().map(Wish::interactive));
        world.pass(millis(25));
    }

    assert_eq!(world.served(bulk), 40);
}

#[test]
fn a_caller_that_is_gone_takes_no_other_with_it() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    let leader = world.ask_for(tenant);
    world.pass(millis(10));
    let others = world.ask((0..9).map(|_| Wish::interactive(tenant)));

    world.step(vec![Act::Forget(leader)]);
    world.pass(millis(40));

    assert_eq!(world.served(others), 9);
    assert!(world.is_waiting(leader));
    assert_eq!(world.sizes(), [1]);
}

#[test]
fn a_call_whose_callers_are_all_gone_still_warms_the_view() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    let gone = world.ask_for(tenant);

    world.step(vec![Act::Forget(gone)]);
    world.pass(millis(50));
    let caller = world.ask_for(tenant);

    world.token(caller);
    assert_eq!(world.sizes(), [1]);
}

#[test]
fn nobody_is_called_for_after_the_last_caller_is_gone() {
    let mut world = World::story();
    let all = tenants(9);
    for tenant in &all[..8] {
        world.ask_for(tenant);
    }
    let (one, two) = (world.ask_for(&all[8]), world.ask_for(&all[8]));

    world.step(vec![Act::Forget(one)]);
    world.step(vec![Act::Forget(two)]);
    world.pass(millis(1_000));

    assert_eq!(world.calls_with(&all[8]), 0);
    assert_eq!(world.broker.stats().tenants, 8);
}

#[test]
fn whoever_lost_patience_in_the_queue_is_not_called_for() {
    let mut world = World::story();
    world.service.latency = (secs(3), secs(3));
    let all = tenants(9);
    for tenant in &all[..8] {
        world.ask_for(tenant);
    }

    let hasty = world.ask([Wish::interactive(&all[8]).within(secs(2))]).start;
    world.pass(secs(30));

    assert_eq!((world.kind(hasty), world.waited(hasty)), (ErrorKind::Deadline, secs(2)));
    assert_eq!(world.calls_with(&all[8]), 0);
}

#[test]
fn tenants_that_nobody_asked_for_are_not_kept() {
    let mut world = World::story();
    world.service.faults = vec![Fault::always(What::Foreign)];

    let callers = world.ask(tenants(5).iter().map(Wish::interactive));
    world.pass(millis(50));

    assert_eq!(world.served(callers), 5);
    assert_eq!(world.broker.stats().tokens_held, 5);
}
