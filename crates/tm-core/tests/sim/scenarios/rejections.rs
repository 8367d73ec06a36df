//! Tokens that some service refused.

use std::time::Duration;

use tm_core::broker::Settings;

use crate::{
    clock::{millis, secs},
    faults::{Fault, What},
    queue::{Act, Wish},
    random::tenants,
    world::World,
};

#[test]
fn a_rejected_token_is_replaced_by_the_next_call() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(10));

    let rejected = world.token(0).clone();
    world.step(vec![Act::Reject(rejected.clone())]);
    let caller = world.ask_for(tenant);
    world.pass(secs(6));

    assert_ne!(world.token(caller), &rejected);
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn rejecting_an_old_token_leaves_its_successor_alone() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(10));
    let old = world.token(0).clone();
    world.step(vec![Act::Reject(old.clone())]);
    let successor = world.ask_for(tenant);
    world.pass(secs(6));

    // A thousand requests were under way with the old one.
    for _ in 0..1_000 {
        world.step(vec![Act::Reject(old.clone())]);
    }
    let caller = world.ask_for(tenant);

    assert_eq!(world.token(caller), world.token(successor));
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn a_rejected_token_that_is_handed_out_again_is_an_error() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.faults = vec![Fault::always(What::Again)];
    world.ask_for(tenant);
    world.pass(secs(10));
    let rejected = world.token(0).clone();

    world.step(vec![Act::Reject(rejected.clone())]);
    let caller = world.ask_for(tenant);
    world.pass(secs(29));
    let error = world.error(caller);
    assert_eq!(error.tenant(), Some(tenant));
    let calls = world.calls.len();
    assert!(calls <= 4, "{calls} calls");

    // When the service has let go of it, all is well again.
    world.service.faults.clear();
    world.pass(secs(61));
    let caller = world.ask_for(tenant);
    world.pass(secs(1));
    assert_ne!(world.token(caller), &rejected);
}

#[test]
fn tokens_rejected_one_after_the_other_slow_down() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    let begin = world.clock.mono;
    let mut rejected = 0;

    // Some service refuses every token of this tenant, and its user asks for another at once.
    while world.clock.mono < begin + secs(600) {
        let caller = world.ask_for(tenant);
        world.pass(millis(100));
        if let Some((_, Ok(token))) = world.callers[caller].answer.clone() {
            world.step(vec![Act::Reject(token)]);
            rejected += 1;
        }
        world.pass(millis(400));
    }

    // 5, 10, 20, 40, then 60 s apart: about a dozen in ten minutes.
    assert!((8..=16).contains(&rejected), "{rejected} tokens in ten minutes");
    let gaps: Vec<Duration> = world.calls.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(gaps.iter().skip(1).all(|gap| *gap >= secs(4)), "{gaps:?}");
}

#[test]
fn tokens_rejected_five_minutes_apart_are_not_in_a_row() {
    for (apart, wait) in [(secs(300), millis(50)), (secs(300) - millis(1), secs(5) + millis(50))] {
        let mut world = World::story();
        let tenant = &tenants(1)[0];
        world.ask_for(tenant);
        world.pass(millis(50));
        world.step(vec![Act::Reject(world.token(0).clone())]);
        world.ask_for(tenant);
        world.pass(apart);
        world.step(vec![Act::Reject(world.token(1).clone())]);

        let caller = world.ask_for(tenant);
        world.pass(secs(10));

        assert_eq!(world.waited(caller), wait, "{apart:?}");
    }
}

#[test]
fn a_rejected_token_stays_rejected_to_its_end() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.faults = vec![Fault::always(What::Again)];
    world.ask_for(tenant);
    world.pass(millis(50));
    let rejected = world.token(0).clone();
    world.step(vec![Act::Reject(rejected.clone())]);

    // The service's cache does not know, and hands it out for as long as it lives.
    world.pass(secs(1_500));
    let caller = world.ask_for(tenant);
    world.pass(secs(6));

    world.error(caller);
}

#[test]
fn a_token_may_be_rejected_after_there_was_no_room_for_it() {
    let mut settings = Settings::default();
    settings.memory = 1_000;
    let mut world = World::new(7, settings);
    let two = tenants(2);
    world.service.faults = vec![Fault::always(What::Again)];
    world.ask_for(&two[0]);
    world.pass(millis(50));
    let rejected = world.token(0).clone();
    world.ask_for(&two[1]);
    world.pass(millis(50));
    assert_eq!(world.oracles.view.until(&two[0]), None);

    world.step(vec![Act::Reject(rejected)]);
    let caller = world.ask_for(&two[0]);
    world.pass(secs(6));

    world.error(caller);
}

#[test]
fn whoever_waits_for_a_fresher_token_goes_on_waiting_when_the_old_one_is_rejected() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1_760));
    world.service.latency = (secs(3), secs(3));
    let caller = world.ask_for(tenant);

    let rejected = world.token(0).clone();
    world.step(vec![Act::Reject(rejected.clone())]);
    world.pass(secs(3));

    assert_ne!(world.token(caller), &rejected);
    assert_eq!(world.waited(caller), secs(3));
}

#[test]
fn of_ten_thousand_tenants_it_is_remembered_that_their_tokens_were_rejected() {
    let mut world = World::story();
    let tenants = tenants(10_010);
    let callers = world.ask(tenants.iter().map(Wish::bulk));
    world.pass(secs(20));

    let tokens: Vec<_> = callers.map(|caller| world.token(caller).clone()).collect();
    world.step(tokens.into_iter().map(Act::Reject).collect());

    assert_eq!(world.broker.stats().tenants, 10_000);
}
