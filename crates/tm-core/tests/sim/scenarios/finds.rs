//! What the store has is taken if it is any better than what is in hand.

use std::time::Duration;

use tm_core::broker::{Kept, Leased, Outcome, Settings, StoreAnswer};

use crate::{
    clock::{millis, secs},
    queue::{Act, Wish},
    random::tenants,
    store::{Mishap, Store, Trouble},
    world::World,
};

/// A client has a token, and asks for the lease. It is answered that there is a token, and how new it is and how long it lives
/// compared with the one in hand.
fn found(newer: Duration, longer: Duration) -> World {
    let mut world = World::with_store(7, Settings::default(), Store::new(7, true));
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1));
    let shelf = &world.store.as_ref().unwrap().shelf;
    let Kept { token, mut stamp, remaining, cold } = shelf.find(tenant, world.clock.mono).unwrap();
    stamp.issued = stamp.issued.saturating_add(newer);
    // What was saved was a millisecond on its way.
    let kept = Kept { token, stamp, remaining: remaining - millis(1) + longer, cold };

    // The store hears nothing of it, and so grants no lease.
    world.store.as_mut().unwrap().mishaps.push(Mishap::always(Trouble::Deaf));
    world.ask([Wish::interactive(tenant).least(millis(1_793_500))]);
    world.store.as_mut().unwrap().mishaps.clear();
    let outcome = Outcome::Stored(StoreAnswer::Leased(vec![Leased::Found(kept)]));
    world.step(vec![Act::Stored { request: world.requests.len() - 1, what: "by hand", outcome }]);
    world.pass(secs(1));
    world
}

#[test]
fn a_token_that_is_newer_and_lives_longer_is_taken() {
    let world = found(secs(1), millis(200));

    assert_eq!((world.broker.stats().tokens_loaded, world.calls.len()), (1, 2));
}

#[test]
fn a_token_that_is_no_newer_or_lives_no_longer_is_not() {
    for (newer, longer) in [(0, 200), (1_000, 0)] {
        let world = found(millis(newer), millis(longer));

        assert_eq!(world.broker.stats().tokens_loaded, 0, "{newer} ms newer, {longer} ms longer");
        assert_ne!(world.token(1), world.token(0));
    }
}

#[test]
fn a_token_that_is_newer_displaces_none_that_lives_longer() {
    let mut world = World::with_store(7, Settings::default(), Store::new(7, true));
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1));
    let (store, now) = (world.store.as_mut().unwrap(), world.clock.mono);
    let mut kept = store.shelf.find(tenant, now).unwrap();
    kept.stamp.issued = kept.stamp.issued.saturating_add(secs(1));
    kept.remaining = secs(300);
    store.shelf.put(tenant, &kept, now);

    let caller = world.ask([Wish::interactive(tenant).least(millis(1_793_500))]).start;
    world.pass(secs(1));

    assert_ne!(world.token(caller), world.token(0));
    assert_eq!(world.broker.stats().tokens_loaded, 0);
}
