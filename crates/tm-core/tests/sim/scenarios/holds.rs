//! `Retry-After`, and holds that come from elsewhere.

use tm_core::ErrorKind;

use crate::{
    clock::{millis, secs},
    faults::{Fault, What},
    queue::{Act, Wish},
    random::tenants,
    world::World,
};

/// One call for the first tenant is refused with this, 50 ms before this returns.
fn refused_with(what: What, skew_ms: i64) -> World {
    let mut world = World::story();
    world.service.skew_ms = skew_ms;
    let first = world.clock.mono;
    world.service.faults = vec![Fault::between(what, first, first + millis(1))];
    world.ask([Wish::interactive(&tenants(1)[0]).within(millis(60))]);
    world.pass(millis(50));
    world
}

#[test]
fn retry_after_holds_the_whole_client() {
    for (what, held) in [
        (What::Later(429, 20), secs(20)),
        (What::Later(503, 20), secs(20)),
        (What::Later(429, 86_400), secs(300)),
        // The service's clock is an hour ahead; a date has no fraction of a second.
        (What::LaterAt(429, 20), secs(20)),
        (What::LaterAt(503, 86_400), secs(300)),
    ] {
        let mut world = refused_with(what, 3_600_000);
        let before = world.calls.len();

        let callers = world.ask(tenants(5).iter().map(|tenant| Wish::interactive(tenant).within(secs(600))));
        world.pass(held - secs(1));
        assert_eq!(world.calls.len(), before, "{what:?}");
        world.pass(secs(7));

        assert_eq!(world.served(callers), 5, "{what:?}");
    }
}

#[test]
fn a_caller_without_the_patience_for_a_hold_is_told_at_once() {
    let mut world = refused_with(What::Later(429, 20), 0);
    let two = tenants(2);

    let impatient = world.ask([Wish::interactive(&two[1]).within(secs(19))]).start;
    let patient = world.ask([Wish::interactive(&two[1]).within(secs(40))]).start;

    let error = world.error(impatient);
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Throttled, true));
    assert!(error.retry_after().is_some_and(|after| after > secs(19) && after <= secs(20)), "{error:?}");
    assert!(world.is_waiting(patient));
    // The first caller's patience had no room for the hold either.
    assert_eq!((world.kind(0), world.waited(0)), (ErrorKind::Throttled, millis(50)));
    world.pass(secs(26));
    world.token(patient);
}

#[test]
fn of_a_caller_that_is_told_at_once_nothing_is_left() {
    let mut world = World::story();
    world.step(vec![Act::Hold(secs(60))]);

    let callers = world.ask(tenants(1_000).iter().map(Wish::interactive));

    assert!(callers.into_iter().all(|caller| world.kind(caller) == ErrorKind::Throttled));
    assert_eq!((world.broker.stats().tenants, world.broker.wake_at()), (0, None));
}

#[test]
fn callers_that_wait_already_are_told_when_a_hold_comes() {
    let mut world = World::story();
    let all = tenants(60);
    let first = world.clock.mono;
    world.service.faults = vec![Fault::between(What::Later(429, 100), first, first + millis(1))];
    let callers = world.ask(all.iter().map(Wish::interactive));

    world.pass(millis(50));

    for caller in callers {
        assert_eq!(world.kind(caller), ErrorKind::Throttled);
    }
    assert_eq!(world.calls.len(), 8);
}

#[test]
fn a_hold_from_elsewhere_is_kept_too() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.step(vec![Act::Hold(secs(20))]);

    let impatient = world.ask([Wish::interactive(tenant).within(secs(10))]).start;
    let patient = world.ask_for(tenant);
    let just_patient = world.ask([Wish::interactive(tenant).within(secs(20))]).start;
    assert_eq!(world.kind(impatient), ErrorKind::Throttled);
    world.pass(secs(20) - millis(1));
    assert!(world.is_waiting(just_patient));
    assert_eq!(world.calls.len(), 0);

    world.pass(secs(6));
    world.token(patient);
}

#[test]
fn what_goes_past_the_client_is_told_of_a_hold_as_long_as_it_lasts() {
    let mut world = World::story();
    world.step(vec![Act::Hold(secs(20))]);
    let now = world.clock.now();

    for patience in [secs(20), secs(21)] {
        assert_eq!(world.broker.held(now, patience).unwrap(), Some(now.mono + secs(20)));
    }
    let error = world.broker.held(now, secs(20) - millis(1)).unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(secs(20))));

    world.pass(secs(20));
    assert_eq!(world.broker.held(world.clock.now(), secs(0)).unwrap(), None);
}

#[test]
fn of_two_holds_the_later_end_counts() {
    let mut world = World::story();
    let two = tenants(2);
    world.service.accept_only(1);
    world.ask_for(&two[0]);
    world.pass(millis(50));

    world.step(vec![Act::Hold(secs(120))]);

    let held = world.broker.held(world.clock.now(), secs(300)).unwrap_err();
    assert_eq!((held.kind(), held.retry_after()), (ErrorKind::Unauthorized, Some(secs(120))));
}

#[test]
fn the_many_are_told_of_a_hold_that_outlasts_their_patience() {
    let mut world = World::story();
    let two = tenants(2);
    world.ask([Wish::bulk(&two[0])]);
    world.pass(millis(60));

    world.step(vec![Act::Hold(secs(31))]);
    let caller = world.ask([Wish::bulk(&two[1])]).start;

    assert_eq!(world.kind(caller), ErrorKind::Throttled);
}

#[test]
fn new_credentials_do_not_lift_what_the_service_asked_for() {
    let mut world = refused_with(What::Later(429, 20), 0);
    let before = world.calls.len();

    world.step(vec![Act::SetCredentials(0)]);
    let caller = world.ask([Wish::interactive(&tenants(2)[1]).within(secs(25))]).start;
    world.pass(secs(19));

    assert!(world.is_waiting(caller));
    assert_eq!(world.calls.len(), before);
}

#[test]
fn a_token_in_hand_is_served_during_a_hold() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1_780)); // in its mandatory window

    world.step(vec![Act::Hold(secs(60))]);
    let caller = world.ask_for(tenant);

    world.token(caller);
}

#[test]
fn closing_answers_everybody() {
    let mut world = World::story();
    let callers = world.ask(tenants(100).iter().map(Wish::bulk));
    world.pass(millis(60));
    assert_eq!(world.served(callers.clone()), 40);

    world.step(vec![Act::Close]);
    let late = world.ask_for(&tenants(1)[0]);

    for caller in callers.skip(40) {
        assert_eq!(world.kind(caller), ErrorKind::Closed);
    }
    assert_eq!(world.kind(late), ErrorKind::Closed);
    assert_eq!(
        world.broker.stats().calls_under_way,
        0,
        "those that are still out are none of the client's any more"
    );
    world.pass(secs(60));
    assert!(world.broker.next(world.clock.now()).is_none());
    assert_eq!(world.broker.wake_at(), None);
}
