//! What the store is told: what was saved and rejected while it was busy or did not work.

use tm_core::{TenantId, Token, broker::Settings};

use crate::{
    clock::{millis, secs},
    queue::{Act, Wish},
    random::tenants,
    store::{Mishap, Store, Trouble},
    world::World,
};

fn with_store() -> World {
    World::with_store(7, Settings::default(), Store::new(7, true))
}

fn store(world: &mut World) -> &mut Store {
    world.store.as_mut().unwrap()
}

/// What the store has for this tenant.
fn kept(world: &World, tenant: &TenantId) -> Option<Token> {
    let kept = world.store.as_ref().unwrap().shelf.find(tenant, world.clock.mono);
    kept.map(|kept| kept.token)
}

#[test]
fn of_tokens_that_wait_to_be_saved_only_the_rejected_are_not() {
    let mut world = with_store();
    store(&mut world).latency = (millis(450), millis(450));
    world.service.latency = (millis(10), millis(400));
    let all = tenants(40);
    let callers = world.ask(all.iter().map(Wish::interactive));
    world.pass(millis(450 + 450 + 400));

    let rejected = callers.step_by(2).map(|caller| Act::Reject(world.token(caller).clone()));
    world.step(rejected.collect());
    world.pass(secs(20));

    for (number, tenant) in all.iter().enumerate() {
        assert_eq!(kept(&world, tenant).is_some(), number % 2 == 1, "{tenant}");
    }
}

#[test]
fn a_token_that_has_ended_while_it_waited_is_not_saved() {
    let mut world = with_store();
    // Served for a second each; eight calls come back at different times.
    world.service.mint.life = secs(7);
    world.service.latency = (millis(10), millis(400));
    world.ask(tenants(40).iter().map(Wish::interactive));
    world.pass(millis(8));
    store(&mut world).latency = (millis(1_900), millis(1_900));

    world.pass(secs(20));

    assert_eq!((world.tally.of("served"), world.tally.of("save")), (40, 4), "four requests at once");
}

#[test]
fn a_store_that_was_not_told_of_a_rejection_is_told_after_five_seconds() {
    let mut world = with_store();
    world.ask_for(&tenants(1)[0]);
    world.pass(secs(1));
    store(&mut world).mishaps = vec![Mishap::always(Trouble::ReadOnly)];

    world.step(vec![Act::Reject(world.token(0).clone())]);
    world.pass(secs(5));
    assert_eq!(world.tally.of("remove"), 1);
    world.pass(millis(10));
    assert_eq!(world.tally.of("remove"), 2);
}

#[test]
fn what_the_store_has_missed_it_is_told_one_request_after_the_other() {
    let mut world = with_store();
    let (all, begin) = (tenants(350), world.clock.mono);
    store(&mut world).mishaps = vec![Mishap::between(Trouble::Fails, begin, begin + secs(4))];
    world.ask(all.iter().map(Wish::bulk));
    world.pass(secs(4));
    store(&mut world).latency = (millis(400), millis(400));

    let mut told = world.tally.of("save");
    for _ in 0..20 {
        world.pass(millis(399));
        assert!(world.tally.of("save") <= told + 1);
        told = world.tally.of("save");
    }

    assert!(all.iter().all(|tenant| kept(&world, tenant).is_some()));
}

#[test]
fn a_rejection_that_comes_while_the_store_is_left_alone_is_told_later() {
    let mut world = with_store();
    let all = tenants(6);
    world.ask_for(&all[0]);
    world.pass(secs(1));
    let now = world.clock.mono;
    store(&mut world).mishaps = vec![Mishap::between(Trouble::Fails, now, now + secs(3))];
    world.ask(all[1..].iter().map(Wish::interactive));
    world.pass(secs(2));
    let before = world.requests.len();

    world.step(vec![Act::Reject(world.token(0).clone())]);
    world.pass(secs(1));
    assert_eq!((world.requests.len(), world.broker.stats().store_failures), (before, 3));
    world.pass(secs(5));

    assert_eq!(kept(&world, &all[0]), None);
}

#[test]
fn what_the_store_has_missed_is_of_no_interest_once_it_is_over() {
    let mut world = with_store();
    store(&mut world).mishaps = vec![Mishap::always(Trouble::Fails)];
    world.ask(tenants(150).iter().map(Wish::bulk));
    world.pass(secs(1_810));
    let told = world.requests.len();

    world.pass(secs(3 * 3_600));

    assert_eq!((world.requests.len(), world.broker.wake_at()), (told, None));
}
