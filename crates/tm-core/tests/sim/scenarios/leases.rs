//! The right to fetch: asked for just in time, for as many as go together, kept and given back.

use std::time::Duration;

use tm_core::{
    TenantId, Token,
    broker::{Kept, Settings, Stamp},
};

use crate::{
    answers::Instant,
    clock::{millis, secs},
    faults::{Fault, What},
    queue::{Act, Wish},
    random::tenants,
    store::Store,
    world::World,
};

fn with_leases() -> World {
    World::with_store(7, Settings::default(), Store::new(7, true))
}

/// Another process has the lease on this tenant for so long, and fetches nothing.
fn another_holds(world: &mut World, tenant: &TenantId, time: Duration) {
    let (store, now) = (world.store.as_mut().unwrap(), world.clock.mono);
    assert!(store.shelf.lease(tenant, u64::MAX, now, time));
}

/// From now on what is asked of the store takes so long there and back.
fn store_takes(world: &mut World, time: Duration) {
    world.store.as_mut().unwrap().latency = (time, time);
}

/// Who has leases, and on what.
fn leases(world: &World) -> Vec<(&TenantId, u64)> {
    world.store.as_ref().unwrap().shelf.leases(world.clock.mono)
}

/// Then another process fetches a token for this tenant, and it is in the store.
fn another_saves(world: &mut World, tenant: &TenantId, now: Duration) {
    let life = world.service.mint.life;
    let at = Instant { sent: now, clock: now, skew_ms: 0, dated: true };
    let fields = world.service.mint.token(tenant, &[], at);
    let stamp = Stamp { issued: fields.timestamp, expires: fields.timestamp.saturating_add(life) };
    let token = Token::new(&fields.text).unwrap();
    let kept = Kept { token, stamp, remaining: life - secs(10), cold: true };
    world.store.as_mut().unwrap().shelf.put(tenant, &kept, now);
}

#[test]
fn a_call_of_many_waits_for_the_leases_that_fill_it() {
    let five = tenants(5);
    let mut world = with_leases();
    world.ask(five[..3].iter().map(Wish::bulk));
    world.pass(millis(1));

    let callers = world.ask(five[3..].iter().map(Wish::bulk));
    world.pass(secs(1));

    assert_eq!((world.served(callers), world.sizes()), (2, vec![5]));
}

#[test]
fn a_refresh_is_left_to_whoever_has_the_lease_as_long_as_the_token_lives() {
    let mut world = with_leases();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1));
    world.ask_for(tenant);
    another_holds(&mut world, tenant, secs(1_750));

    world.pass(secs(1_730));

    assert_eq!(world.calls.len(), 1);
    let looks = world.tally.of("lease");
    assert!((3..=80).contains(&looks), "the store was asked {looks} times");
}

#[test]
fn what_is_foreseen_is_fetched_though_whoever_has_the_lease_does_not() {
    let mut world = with_leases();
    let tenant = &tenants(1)[0];
    another_holds(&mut world, tenant, secs(60));

    world.prefetch(&tenants(1));
    world.pass(secs(6));
    let caller = world.ask_for(tenant);

    assert_eq!((world.waited(caller), world.calls.len()), (Duration::ZERO, 1));
}

#[test]
fn leases_are_asked_for_as_many_tenants_as_can_leave() {
    let mut world = with_leases();

    world.ask(tenants(1_000).iter().map(Wish::bulk));
    world.pass(millis(10));

    assert_eq!((world.calls.len(), leases(&world).len()), (8, 40));
}

#[test]
fn whoever_is_content_with_the_old_token_leaves_the_refresh_to_be_tried_again_at_once() {
    let mut world = with_leases();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1));
    world.ask_for(tenant);
    // Another process has refreshed it until a moment ago, and given up.
    another_holds(&mut world, tenant, secs(3_600));
    world.pass(secs(1_760));
    world.store.as_mut().unwrap().shelf.release(tenant, u64::MAX);
    let now = world.clock.mono;
    world.service.faults = vec![Fault::between(What::Status(500), now, now + millis(20))];

    let content = world.ask_for(tenant);
    world.pass(secs(1));

    assert_eq!(world.token(content), world.token(0));
    assert_eq!(world.calls.len(), 3, "the first, the one that failed, and another");
}

/// A token was fetched, and is rejected while it is being saved, which takes until 0.4 s from now. Its lease is given back only after
/// that, and the tenant is asked for again at once.
fn asked_for_again_while_it_is_saved(tenant: &TenantId) -> World {
    let mut world = with_leases();
    store_takes(&mut world, millis(400));
    let caller = world.ask_for(tenant);
    world.pass(millis(400 + 400 + 50));
    let token = world.token(caller).clone();
    store_takes(&mut world, millis(10));
    world.step(vec![Act::Reject(token)]);
    world.ask_for(tenant);
    world
}

#[test]
fn a_lease_that_is_taken_again_is_not_given_back_for_what_was_fetched_before() {
    // The next lease is there before the save is done, or asked for then.
    for time in [millis(10), millis(450)] {
        let tenant = &tenants(1)[0];
        let mut world = asked_for_again_while_it_is_saved(tenant);
        world.service.latency = (secs(5), secs(5));
        store_takes(&mut world, time);

        world.pass(secs(1));

        assert_eq!(world.calls.len(), 2);
        assert_eq!(leases(&world), [(tenant, world.owner)], "{time:?}");
    }
}

#[test]
fn a_lease_that_is_renewed_when_its_token_comes_is_not_given_back_before_that_is_saved() {
    let tenant = &tenants(1)[0];
    let mut world = with_leases();
    world.service.latency = (millis(2_050), millis(2_050));
    world.ask_for(tenant);
    world.pass(millis(10));
    store_takes(&mut world, millis(400));
    world.pass(millis(2_010));
    assert_eq!(world.tally.of("lease"), 2, "the lease is being renewed");
    store_takes(&mut world, millis(1_000));

    world.pass(millis(500));

    assert_eq!((world.tally.of("save"), world.tally.of("release")), (1, 0));
    assert_eq!(leases(&world), [(tenant, world.owner)]);
}

#[test]
fn a_lease_is_given_back_where_a_token_is_found_in_place_of_another_lease() {
    let tenant = &tenants(1)[0];
    let mut world = asked_for_again_while_it_is_saved(tenant);
    // The lease that is asked for next is answered when the save is done.
    store_takes(&mut world, millis(450));
    world.pass(millis(100));
    let now = world.clock.mono;
    another_saves(&mut world, tenant, now);

    world.pass(secs(1));

    assert_eq!((world.broker.stats().tokens_loaded, world.calls.len()), (1, 1));
    assert_eq!(leases(&world), []);
}

#[test]
fn a_lease_is_given_back_while_another_tenants_is_asked_for() {
    let all = tenants(2);
    let mut world = with_leases();
    world.ask_for(&all[0]);
    world.pass(millis(50));
    world.ask_for(&all[1]);
    world.pass(millis(1));
    store_takes(&mut world, millis(450));
    world.pass(millis(1));
    store_takes(&mut world, millis(2));

    world.pass(millis(100));

    assert_eq!((world.calls.len(), world.tally.of("lease")), (1, 2));
    assert_eq!(leases(&world), []);
}

#[test]
fn a_lease_that_lapsed_while_the_machine_slept_is_not_relied_upon() {
    // It wakes up to an answer, to a call that is given up, and to another attempt that is due.
    for (faults, passes) in [
        (vec![], millis(10)),
        (vec![Fault::always(What::Silence)], millis(10)),
        (vec![Fault::always(What::Status(500))], millis(60)),
    ] {
        let tenant = &tenants(1)[0];
        let mut world = with_leases();
        world.service.faults = faults.clone();
        world.ask([Wish::interactive(tenant).within(secs(3_600))]);
        world.pass(passes);
        let later = world.clock.mono + secs(1_990);
        another_saves(&mut world, tenant, later);

        world.go_to(world.next_at().unwrap(), secs(2_000));
        world.pass(secs(1));

        assert_eq!((world.broker.stats().tokens_loaded, world.calls.len()), (1, 1), "{faults:?}");
    }
}

#[test]
fn a_lease_is_over_at_its_very_end() {
    let mut world = with_leases();
    world.service.latency = (secs(9), secs(9));
    world.ask_for(&tenants(1)[0]);
    world.pass(millis(10));
    let renewal = world.next_at().unwrap();

    world.go_to(renewal, secs(2));

    assert_eq!(world.tally.of("lease"), 1, "it is good for 4 s, and to be renewed after 2");
}

/// The first call fails like this, and the next is under way from then on.
fn failed_once(what: What, tenant: &TenantId) -> World {
    let mut world = with_leases();
    world.service.faults = vec![Fault::between(what, Duration::ZERO, world.clock.mono + millis(10))];
    world.ask_for(tenant);
    world.pass(millis(60));
    assert_eq!((world.calls.len(), world.broker.stats().calls_under_way), (1, 0));
    world.service.latency = (secs(9), secs(9));
    world
}

#[test]
fn another_attempt_before_long_leaves_with_the_same_lease() {
    let tenant = &tenants(1)[0];
    let mut world = failed_once(What::Status(500), tenant);

    world.pass(millis(500));

    assert_eq!(leases(&world), [(tenant, world.owner)]);
    let asked = ["lease", "release"].map(|name| world.tally.of(name));
    assert_eq!((world.calls.len(), asked), (2, [1, 0]));
}

#[test]
fn a_lease_is_given_back_while_calls_are_held() {
    let tenant = &tenants(1)[0];
    let mut world = failed_once(What::Later(429, 3), tenant);

    world.pass(millis(500));

    assert_eq!((world.calls.len(), leases(&world)), (1, vec![]));
}

#[test]
fn a_lease_is_given_back_when_nobody_waits_for_another_attempt_any_more() {
    let tenant = &tenants(1)[0];
    let mut world = failed_once(What::Status(429), tenant);

    world.step(vec![Act::Forget(0)]);
    world.pass(millis(10));

    assert_eq!((world.calls.len(), leases(&world)), (1, vec![]));
}

#[test]
fn each_demand_waits_anew_for_whoever_has_the_lease() {
    let mut world = with_leases();
    let tenant = &tenants(1)[0];
    another_holds(&mut world, tenant, secs(1));
    world.ask_for(tenant);
    world.pass(secs(10));
    world.step(vec![Act::Reject(world.token(0).clone())]);
    another_holds(&mut world, tenant, secs(3));

    let caller = world.ask_for(tenant);
    world.pass(secs(3));
    assert_eq!(world.calls.len(), 1);
    world.pass(secs(1));

    world.token(caller);
}
