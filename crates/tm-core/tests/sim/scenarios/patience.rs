//! How long callers wait, and how much life they ask for.

use tm_core::ErrorKind;

use crate::{
    clock::{millis, secs},
    faults::{Fault, What},
    queue::{Wait, Wish},
    random::tenants,
    world::World,
};

#[test]
fn a_deadline_ends_one_wait_and_not_the_others() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.latency = (secs(2), secs(2));

    let hasty = world.ask([Wish::interactive(tenant).within(millis(700))]).start;
    let patient = world.ask_for(tenant);
    world.pass(secs(2));

    assert_eq!((world.kind(hasty), world.waited(hasty)), (ErrorKind::Deadline, millis(700)));
    assert_eq!(world.waited(patient), secs(2));
    world.token(patient);
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_caller_whose_deadline_is_now_gets_what_is_in_hand() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];

    let cold = world.ask([Wish::interactive(tenant).within(secs(0))]).start;
    assert_eq!((world.kind(cold), world.waited(cold)), (ErrorKind::Deadline, secs(0)));
    world.ask_for(tenant);
    world.pass(millis(50));
    let warm = world.ask([Wish::interactive(tenant).within(secs(0))]).start;

    world.token(warm);
}

#[test]
fn bulk_waits_as_long_as_there_is_progress() {
    let mut world = World::story();
    world.service.latency = (secs(9), secs(9));

    // 100 calls, 8 at a time, 9 s each: nearly two minutes, and nobody loses patience.
    let callers = world.ask(tenants(500).iter().map(Wish::bulk));
    world.pass(secs(9 * 13));

    assert_eq!(world.served(callers), 500);
}

#[test]
fn bulk_gives_up_when_there_is_none() {
    let mut world = World::story();
    world.service.faults = vec![Fault::always(What::Silence)];

    let wishes = tenants(100);
    let wishes = wishes.iter().map(|tenant| Wish { patience: Wait::Idle(secs(5)), ..Wish::bulk(tenant) });
    let callers = world.ask(wishes);
    world.pass(secs(5));

    for caller in callers {
        assert_eq!((world.kind(caller), world.waited(caller)), (ErrorKind::Deadline, secs(5)));
    }
}

#[test]
fn more_life_than_the_service_grants_is_an_error_after_one_call() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];

    let caller = world.ask([Wish::interactive(tenant).least(secs(3_600))]).start;
    world.pass(millis(50));
    assert_eq!((world.kind(caller), world.calls.len()), (ErrorKind::TooShort, 1));
    let again = world.ask([Wish::interactive(tenant).least(secs(3_600))]).start;
    assert_eq!((world.kind(again), world.calls.len()), (ErrorKind::TooShort, 1));
    // It is of no use to ask before half of what the token has left, 1,799 s less 5 s less the time of the call.
    let half = millis(1_793_950) / 2;
    assert_eq!(world.error(again).retry_after(), Some(half));

    // What it has is good for others.
    let modest = world.ask([Wish::interactive(tenant).least(secs(1_700))]).start;
    world.token(modest);
    assert_eq!(world.calls.len(), 1);

    world.pass(half);
    let late = world.ask([Wish::interactive(tenant).least(secs(3_600))]).start;
    assert!(world.is_waiting(late));
}

#[test]
fn more_life_than_the_token_in_hand_has_makes_a_call() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(900));

    let caller = world.ask([Wish::interactive(tenant).least(secs(1_500))]).start;
    world.pass(millis(50));

    assert_ne!(world.token(caller), world.token(0));
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn the_demanding_and_the_modest_share_a_call() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];

    let callers = world.ask([
        Wish::interactive(tenant),
        Wish::interactive(tenant).least(secs(600)),
        Wish::interactive(tenant).least(secs(3_600)),
    ]);
    world.pass(millis(50));

    assert_eq!(world.served(callers), 2);
    assert_eq!((world.kind(2), world.calls.len()), (ErrorKind::TooShort, 1));
}
