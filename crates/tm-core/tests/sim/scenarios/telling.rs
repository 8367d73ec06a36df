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
