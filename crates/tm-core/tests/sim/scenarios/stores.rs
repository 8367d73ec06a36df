//! A client with a store: asked before the service is, told of what is new, and never waited for in vain.

use std::time::Duration;

use tm_core::{TenantId, Token, broker::Settings};

use crate::{
    clock::{millis, secs},
    faults::{Fault, What},
    queue::{Act, Wish},
    random::tenants,
    store::{Mishap, Store, Trouble},
    world::World,
};

fn with_store(leases: bool) -> World {
    World::with_store(7, Settings::default(), Store::new(7, leases))
}

fn store(world: &mut World) -> &mut Store {
    world.store.as_mut().unwrap()
}

/// What the store has for this tenant.
fn kept(world: &World, tenant: &TenantId) -> Option<Token> {
    let kept = world.store.as_ref().unwrap().shelf.find(tenant, world.clock.mono);
    kept.map(|kept| kept.token)
}

/// Another client, after this one: same service, same store, nothing in hand.
fn restarted(world: World) -> World {
    let leases = world.store.as_ref().unwrap().leases;
    let mut next = World::of_fleet(8, Settings::default(), Some(leases), secs(77));
    next.clock.mono = world.clock.mono;
    next.stepped = world.clock.mono;
    next.service = world.service;
    next.store = world.store;
    next
}

#[test]
fn what_the_store_has_costs_no_call() {
    for leases in [false, true] {
        let tenants = tenants(1_200);
        let mut world = with_store(leases);
        world.ask(tenants.iter().map(Wish::bulk));
        world.pass(secs(10));

        let mut world = restarted(world);
        let callers = world.ask(tenants.iter().map(Wish::bulk));
        world.pass(millis(10));

        assert_eq!(world.served(callers), 1_200);
        assert_eq!((world.calls.len(), world.requests.len()), (0, 3), "three loads of 500 at most");
        assert_eq!(world.broker.stats().tokens_loaded, 1_200);
    }
}

#[test]
fn a_token_out_of_the_store_is_replaced_before_its_end_like_any_other() {
    let tenants = tenants(5);
    let mut world = with_store(true);
    world.ask(tenants.iter().map(Wish::bulk));
    world.pass(secs(100));
    let mut world = restarted(world);

    for _ in 0..100 {
        let callers = world.ask(tenants.iter().map(Wish::interactive));
        world.pass(secs(60));
        for caller in callers {
            assert!(world.waited(caller) <= millis(2), "only the first waits, for the store");
            world.token(caller);
        }
    }
}

#[test]
fn a_store_that_fails_hangs_or_talks_rubbish_is_a_miss_and_never_an_error() {
    for what in [
        Trouble::Fails,
        Trouble::Silence,
        Trouble::Deaf,
        Trouble::Lost,
        Trouble::Slow(secs(3)),
        Trouble::ReadOnly,
        Trouble::TooFew,
        Trouble::WrongKind,
        Trouble::Expired,
        Trouble::Ancient,
    ] {
        let mut world = with_store(true);
        store(&mut world).mishaps = vec![Mishap::always(what)];

        let callers = world.ask(tenants(20).iter().map(Wish::interactive));
        world.pass(millis(1_100));
        assert_eq!(world.served(callers), 20, "{what:?}: half a second to load, half a second to lease");

        world.pass(secs(60));
        let caller = world.ask_for(&tenants(21)[20]);
        world.pass(millis(1_100));
        world.token(caller);
    }
}

#[test]
fn a_store_that_hangs_is_left_alone_before_long() {
    let mut world = with_store(true);
    store(&mut world).mishaps = vec![Mishap::always(Trouble::Deaf)];
    let all = tenants(40);
    world.ask_for(&all[0]);
    world.pass(secs(3));

    let mut slow = 0;
    for tenant in &all[1..] {
        let caller = world.ask_for(tenant);
        world.pass(secs(1) + millis(100));
        slow += u32::from(world.waited(caller) > millis(50));
    }

    assert!(slow <= 13, "{slow} of 39 callers in 43 s waited for the store");
}

#[test]
fn near_its_end_a_token_is_replaced_within_its_moment_though_the_store_hangs() {
    let mut world = with_store(true);
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1_760));
    store(&mut world).mishaps = vec![Mishap::always(Trouble::Deaf)];

    let caller = world.ask_for(tenant);
    world.pass(secs(1));

    assert_ne!(world.token(caller), world.token(0));
    assert_eq!(world.waited(caller), millis(150), "a tenth of a second for the store, and the call");
}

#[test]
fn what_the_store_has_missed_is_told_when_it_works_again() {
    let tenants = tenants(1_200);
    let mut world = with_store(true);
    let begin = world.clock.mono;
    store(&mut world).mishaps = vec![Mishap::between(Trouble::Fails, begin, begin + secs(300))];
    world.ask(tenants.iter().map(Wish::bulk));
    world.pass(secs(299));
    assert!(tenants.iter().all(|tenant| kept(&world, tenant).is_none()));

    world.pass(secs(10));

    assert!(tenants.iter().all(|tenant| kept(&world, tenant).is_some()));
}

#[test]
fn a_rejected_token_is_forgotten_by_the_store_however_late_it_hears_of_it() {
    let mut world = with_store(true);
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1));
    let rejected = world.token(0).clone();
    let now = world.clock.mono;
    store(&mut world).mishaps = vec![Mishap::between(Trouble::ReadOnly, now, now + secs(60))];

    world.step(vec![Act::Reject(rejected.clone())]);
    world.pass(secs(30));
    assert_eq!(kept(&world, tenant), Some(rejected.clone()));
    let caller = world.ask_for(tenant);
    world.pass(secs(1));
    assert_ne!(*world.token(caller), rejected, "what the store has is known to be no good");
    world.pass(secs(40));

    assert_eq!(kept(&world, tenant), Some(world.token(caller).clone()));
}

#[test]
fn the_store_is_told_of_a_rejected_token_that_was_not_in_hand_any_more() {
    let mut world = with_store(true);
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1));
    let rejected = world.token(0).clone();
    let mut world = restarted(world);
    let now = world.clock.mono;
    let record = store(&mut world).shelf.find(tenant, now).unwrap();

    world.step(vec![Act::Reject(rejected.clone())]);
    world.service.faults = vec![Fault::always(What::Status(500))];
    world.ask_for(tenant);
    world.pass(secs(1));

    assert_eq!(kept(&world, tenant), None, "nobody else finds it");
    let now = world.clock.mono;
    store(&mut world).shelf.put(tenant, &record, now);
    assert_eq!(kept(&world, tenant), None, "nobody brings it back");
}

#[test]
fn a_token_that_waits_to_be_saved_when_it_is_rejected_is_not_saved() {
    let mut world = with_store(true);
    store(&mut world).latency = (millis(450), millis(450));
    world.service.latency = (millis(10), millis(400));
    let callers = world.ask(tenants(40).iter().map(Wish::interactive));
    world.pass(millis(450 + 450 + 400));
    assert_eq!(world.served(callers.clone()), 40);

    // Four requests are under way, and the next have to wait for one of them. The oracle sees what is saved after that.
    let tokens: Vec<_> = callers.map(|caller| world.token(caller).clone()).collect();
    world.step(tokens.into_iter().map(Act::Reject).collect());
    world.pass(secs(20));

    assert_eq!(world.tally.of("save"), 4);
    assert_eq!(store(&mut world).shelf.leases(Duration::ZERO).len(), 0, "and the leases are given back");
}

#[test]
fn nothing_told_to_the_store_names_a_tenant_twice_or_too_many() {
    // The oracle looks at each request.
    let mut world = with_store(true);
    let all = tenants(1_700);
    world.ask(all.iter().map(Wish::bulk));
    world.pass(secs(10));
    let now = world.clock.mono;
    store(&mut world).mishaps = vec![Mishap::between(Trouble::Silence, now, now + secs(60))];

    for _ in 0..2 {
        let callers = world.ask(all.iter().map(Wish::bulk));
        world.pass(secs(12));
        let tokens: Vec<_> = callers.map(|caller| world.token(caller).clone()).collect();
        world.step(tokens.into_iter().map(Act::Reject).collect());
    }
    world.pass(secs(120));

    let removes = world.tally.of("remove");
    assert!(removes >= 4, "{removes} requests to remove");
}

#[test]
fn a_rejection_is_of_no_interest_once_the_token_is_over() {
    let mut world = with_store(true);
    world.ask_for(&tenants(1)[0]);
    world.pass(secs(1));
    let rejected = world.token(0).clone();
    store(&mut world).mishaps = vec![Mishap::always(Trouble::ReadOnly)];

    world.step(vec![Act::Reject(rejected)]);
    world.pass(secs(1_800));
    let told = world.requests.len();
    world.pass(secs(3 * 3_600));

    assert_eq!(world.requests.len(), told, "the store was not told, and need not be");
    assert_eq!(world.broker.wake_at(), None);
}

#[test]
fn a_store_that_is_slow_to_be_told_is_told_no_more_than_four_things_at_once() {
    // The oracle counts. What was missed is one of the four.
    let mut world = with_store(true);
    let all = tenants(400);
    let begin = world.clock.mono;
    store(&mut world).mishaps = vec![
        Mishap { percent: 50, ..Mishap::between(Trouble::Silence, begin, begin + secs(60)) },
        Mishap::between(Trouble::Slow(millis(400)), begin, begin + secs(60)),
    ];

    for chunk in all.chunks(7) {
        world.ask(chunk.iter().map(Wish::interactive));
        world.pass(millis(300));
    }
    world.pass(secs(120));

    assert!(all.iter().all(|tenant| kept(&world, tenant).is_some()));
}

#[test]
fn closing_tells_the_store_and_gives_leases_back() {
    let tenants = tenants(12);
    let mut world = with_store(true);
    store(&mut world).latency = (millis(20), millis(20));
    world.ask(tenants.iter().map(Wish::interactive));
    // All are fetched, and the saves are on their way.
    world.pass(millis(20 + 20 + 50));
    assert_eq!(world.broker.stats().tokens_received, 12);

    world.step(vec![Act::Close]);
    world.pass(millis(60));

    assert!(tenants.iter().all(|tenant| kept(&world, tenant).is_some()));
    let leases = store(&mut world).shelf.leases(Duration::ZERO).len();
    assert_eq!(leases, 0);
}

#[test]
fn closing_in_the_middle_of_calls_gives_their_leases_back() {
    let mut world = with_store(true);
    world.ask(tenants(12).iter().map(Wish::interactive));
    world.pass(millis(30));
    assert_eq!(store(&mut world).shelf.leases(Duration::ZERO).len(), 12);

    world.step(vec![Act::Close]);
    world.pass(millis(5));

    assert_eq!(store(&mut world).shelf.leases(Duration::ZERO).len(), 0);
}

#[test]
fn closing_tells_the_store_of_everything_however_much_that_is() {
    let tenants = tenants(700);
    let mut world = with_store(true);
    let callers = world.ask(tenants.iter().map(Wish::bulk));
    world.pass(secs(10));

    let mut acts: Vec<_> = callers.map(|caller| Act::Reject(world.token(caller).clone())).collect();
    acts.push(Act::Close);
    world.step(acts);
    assert_eq!(world.tally.of("remove"), 7, "nobody may be there for the answers");
    world.pass(secs(1));

    assert!(tenants.iter().all(|tenant| kept(&world, tenant).is_none()));
}

#[test]
fn a_closed_client_tells_a_store_that_did_not_work_nothing_any_more() {
    let mut world = with_store(true);
    world.ask_for(&tenants(1)[0]);
    world.pass(secs(1));
    let rejected = world.token(0).clone();
    store(&mut world).mishaps = vec![Mishap::always(Trouble::Fails)];
    world.step(vec![Act::Reject(rejected)]);
    world.ask(tenants(9).iter().map(Wish::interactive));
    world.pass(secs(3));

    world.step(vec![Act::Close]);
    world.pass(secs(60));

    assert!(world.broker.next(world.clock.now()).is_none());
}

#[test]
fn leases_are_kept_during_a_hold_and_given_back_by_who_does_not_wait() {
    let mut world = with_store(true);
    let two = tenants(2);
    let first = world.clock.mono;
    world.service.faults = vec![Fault::between(What::Later(429, 20), first, first + millis(10))];
    world.ask([Wish::interactive(&two[0]).within(secs(60))]);
    world.pass(secs(2));
    // The service asks for patience, and a lease is of no use to who waits for that.
    assert_eq!(store(&mut world).shelf.leases(Duration::ZERO).len(), 0);

    world.pass(secs(25));

    world.token(0);
    assert_eq!(store(&mut world).shelf.leases(Duration::ZERO).len(), 0);
}

#[test]
fn a_lease_is_renewed_as_long_as_the_service_takes() {
    let mut world = with_store(true);
    world.service.latency = (secs(9), secs(9));
    world.ask_for(&tenants(1)[0]);

    for second in 1..9 {
        world.pass(secs(1));
        let now = world.clock.mono;
        assert_eq!(store(&mut world).shelf.leases(now).len(), 1, "after {second} s");
    }
    world.pass(secs(2));

    world.token(0);
    assert_eq!(store(&mut world).shelf.leases(Duration::ZERO).len(), 0);
}

/// A call takes a little longer than until the first renewal of its lease, and that is slow to arrive at the store. The token has
/// just been saved.
fn saved_during_a_renewal() -> World {
    let mut world = with_store(true);
    let renewed = world.clock.mono + millis(2_004);
    world.service.latency = (millis(2_050), millis(2_050));
    let slow = Trouble::Slow(millis(200));
    store(&mut world).mishaps = vec![Mishap::between(slow, renewed, renewed + millis(1))];
    world.ask_for(&tenants(1)[0]);
    world.pass(millis(2_060));
    world.token(0);
    assert!(kept(&world, &tenants(1)[0]).is_some());
    world
}

#[test]
fn a_lease_given_back_is_not_taken_again_by_its_own_renewal() {
    let mut world = saved_during_a_renewal();

    world.pass(millis(500));

    assert_eq!(store(&mut world).shelf.leases(Duration::ZERO).len(), 0);
}

#[test]
fn closing_gives_back_the_lease_that_waits_for_its_renewal() {
    let mut world = saved_during_a_renewal();
    assert_eq!(store(&mut world).shelf.leases(Duration::ZERO).len(), 1);

    world.step(vec![Act::Close]);
    world.pass(millis(5));

    assert_eq!(store(&mut world).shelf.leases(Duration::ZERO).len(), 0);
}

#[test]
fn credentials_that_are_replaced_under_way_cost_no_second_look_into_the_store() {
    let mut world = with_store(true);
    world.service.accept_only(1);
    world.ask(tenants(5).iter().map(Wish::interactive));
    world.pass(millis(10));

    world.step(vec![Act::SetCredentials(1)]);
    world.pass(millis(150));

    assert_eq!((world.served(0..5), world.calls.len()), (5, 2));
    assert_eq!((world.tally.of("load"), world.tally.of("lease")), (1, 1));
    assert_eq!(store(&mut world).shelf.leases(Duration::ZERO).len(), 0);
}

#[test]
fn a_token_that_the_client_has_no_room_for_is_in_the_store() {
    let mut settings = Settings::default();
    settings.memory = 0;
    let mut world = World::with_store(7, settings, Store::new(7, true));
    let tenants = tenants(20);
    for _ in 0..3 {
        let callers = world.ask(tenants.iter().map(Wish::interactive));
        world.pass(secs(1));
        assert_eq!(world.served(callers), 20);
    }

    assert_eq!(world.calls.len(), 4, "the store has what was fetched once");
    assert_eq!(store(&mut world).shelf.leases(Duration::ZERO).len(), 0);
}

#[test]
fn a_store_that_grants_leases_and_is_gone_when_they_are_given_back_gets_them_back_by_itself() {
    let mut world = with_store(true);
    let now = world.clock.mono;
    store(&mut world).mishaps = vec![Mishap::between(Trouble::Deaf, now + millis(10), now + secs(20))];
    world.ask(tenants(5).iter().map(Wish::interactive));
    world.pass(secs(1));
    assert_eq!(world.served(0..5), 5);

    world.pass(secs(3) + millis(10));
    let now = world.clock.mono;
    assert_eq!(store(&mut world).shelf.leases(now).len(), 0, "nobody renews them");
    world.pass(secs(30));
    assert!(tenants(5).iter().all(|tenant| kept(&world, tenant).is_some()));
}

#[test]
fn a_hold_keeps_nobody_from_what_the_store_has() {
    let mut world = with_store(true);
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1));
    let mut world = restarted(world);
    world.step(vec![Act::Hold(secs(60))]);

    let caller = world.ask([Wish::interactive(tenant).within(secs(10))]).start;
    world.pass(secs(1));

    world.token(caller);
}

#[test]
fn a_store_that_keeps_tokens_longer_than_they_live_does_not_prolong_them() {
    let mut world = with_store(false);
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1));
    let now = world.clock.mono;
    let mut record = store(&mut world).shelf.find(tenant, now).unwrap();
    record.remaining = secs(80_000);
    store(&mut world).shelf.wipe();
    store(&mut world).shelf.put(tenant, &record, now);

    let mut world = restarted(world);
    let caller = world.ask_for(tenant);
    world.pass(secs(1));
    assert_eq!(*world.token(caller), record.token);

    let until = world.oracles.view.until(tenant).unwrap();
    assert!(until <= now + secs(1_800), "{until:?}");
}
