//! Refused tenants and refused credentials: who is guilty, who is not, and for how long that is remembered.

use tm_core::{ErrorKind, broker::Settings};

use crate::{
    clock::{millis, secs},
    faults::{Fault, What},
    queue::{Act, Wish},
    random::tenants,
    world::World,
};

#[test]
fn one_refused_of_five_costs_the_others_nothing_but_time() {
    let mut world = World::story();
    let five = tenants(5);
    world.service.faults = vec![Fault::with_tenants(What::Status(403), &five[2..3])];

    let callers = world.ask(five.iter().map(Wish::interactive));
    world.pass(secs(1));

    assert_eq!(world.served(callers), 4);
    let error = world.error(2);
    assert_eq!((error.kind(), error.tenant()), (ErrorKind::TenantRefused, Some(&five[2])));
    assert!(!error.is_transient());
    assert!(world.calls.len() <= 6, "{:?}", world.sizes());

    // Asked again at once, it costs no call.
    let calls = world.calls.len();
    let again = world.ask_for(&five[2]);
    let error = world.error(again);
    assert_eq!((error.kind(), error.tenant()), (ErrorKind::TenantRefused, Some(&five[2])));
    assert!(error.retry_after().is_some_and(|after| after > secs(28) && after <= secs(30)), "{error:?}");
    assert_eq!(world.calls.len(), calls);
}

#[test]
fn a_refused_tenant_is_asked_again_after_thirty_seconds_doubling_to_five_minutes() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.faults = vec![Fault::always(What::Status(404))];

    for pause in [30, 60, 120, 240, 300, 300].map(secs) {
        let calls = world.calls.len();
        let caller = world.ask_for(tenant);
        world.pass(millis(50));
        assert_eq!(
            (world.kind(caller), world.calls.len()),
            (ErrorKind::TenantRefused, calls + 1),
            "{pause:?}"
        );
        world.pass(pause - millis(1));
        let caller = world.ask_for(tenant);
        assert_eq!(
            (world.kind(caller), world.calls.len()),
            (ErrorKind::TenantRefused, calls + 1),
            "{pause:?}"
        );
        world.pass(millis(1));
    }

    world.service.faults.clear();
    let caller = world.ask_for(tenant);
    world.pass(millis(50));
    world.token(caller);
}

#[test]
fn whoever_comes_at_the_very_moment_at_which_a_refusal_is_over_is_not_refused() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.faults = vec![Fault::always(What::Status(403))];
    world.ask_for(tenant);
    world.pass(millis(50));
    world.error(0);
    world.service.faults.clear();

    world.queue.push(world.clock.mono + secs(30), Act::Want(vec![Wish::interactive(tenant)]));
    world.pass(secs(31));

    world.token(1);
}

#[test]
fn a_remembered_refusal_answers_the_most_patient_at_once() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.faults = vec![Fault::always(What::Status(403))];
    world.ask_for(tenant);
    world.pass(secs(1));

    let caller = world.ask([Wish::interactive(tenant).within(secs(3_600))]).start;

    assert_eq!(world.kind(caller), ErrorKind::TenantRefused);
}

#[test]
fn a_guilty_tenant_goes_alone_until_it_succeeds() {
    let mut world = World::story();
    let five = tenants(5);
    world.service.faults = vec![Fault::with_tenants(What::Status(403), &five[..1])];
    world.ask(five.iter().map(Wish::interactive));
    world.pass(secs(1_800));

    let before = world.calls.len();
    world.ask(five.iter().map(Wish::interactive));
    world.pass(secs(1));
    let mut sizes = world.sizes().split_off(before);
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 4]);

    world.service.faults.clear();
    world.pass(secs(1_800));
    let caller = world.ask_for(&five[0]);
    world.pass(secs(1));
    world.token(caller);
    world.pass(secs(1_800));
    world.ask(five.iter().map(Wish::interactive));
    assert_eq!(world.sizes().last(), Some(&5));
}

#[test]
fn a_tenant_that_broke_a_batch_goes_alone_until_it_succeeds() {
    let mut settings = Settings::default();
    settings.attempts = 1;
    let mut world = World::new(7, settings);
    let all = tenants(6);
    world.service.faults = vec![Fault::with_tenants(What::Status(500), &all[..1])];
    world.ask_for(&all[5]);
    world.pass(millis(10));
    world.ask(all[..5].iter().map(Wish::interactive));
    world.pass(secs(1_800));

    let before = world.calls.len();
    world.ask(all[..5].iter().map(Wish::interactive));
    world.pass(secs(1));

    let mut sizes = world.sizes().split_off(before);
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 4]);
}

#[test]
fn a_tenant_missing_from_a_batch_is_asked_for_alone() {
    let mut world = World::story();
    let five = tenants(5);
    world.service.faults = vec![Fault::always(What::Missing)];

    let callers = world.ask(five.iter().map(Wish::interactive));
    world.pass(secs(1));

    assert_eq!(world.served(callers), 5);
    assert_eq!(world.sizes(), [5, 1]);
}

#[test]
fn a_wrong_application_is_given_up_after_a_few_dozen_calls() {
    let mut world = World::story();
    let all = tenants(1_001);
    world.service.faults = vec![Fault::always(What::Status(403))];

    let callers = world.ask(all[..1_000].iter().map(Wish::bulk));
    world.pass(secs(2));

    for caller in callers {
        assert_eq!(world.kind(caller), ErrorKind::TenantRefused);
    }
    let calls = world.calls.len();
    assert!(calls <= 60, "{calls} calls");

    // A tenant never asked for is answered at once, with what is the matter and until when.
    let caller = world.ask_for(&all[1_000]);
    let error = world.error(caller);
    assert_eq!((error.kind(), world.calls.len()), (ErrorKind::TenantRefused, calls));
    assert!(error.retry_after().is_some_and(|after| after > secs(25) && after <= secs(30)), "{error:?}");

    // After 30 s it is tried again, not by all at once.
    world.pass(secs(30));
    let more = world.ask(all.iter().map(Wish::bulk));
    world.pass(secs(2));
    assert!(more.into_iter().all(|caller| !world.is_waiting(caller)));
    assert!((calls + 1..=calls + 60).contains(&world.calls.len()), "{calls}, then {}", world.calls.len());
}

#[test]
fn refused_credentials_pause_everything_until_new_ones_come() {
    let mut world = World::story();
    let all = tenants(1_001);
    world.service.accept_only(1);

    let callers = world.ask(all[..1_000].iter().map(Wish::bulk));
    world.pass(secs(1));

    for caller in callers {
        assert_eq!(world.kind(caller), ErrorKind::Unauthorized);
    }
    let calls = world.calls.len();
    assert!(calls <= 8, "{calls} calls");
    let caller = world.ask([Wish::interactive(&all[1_000]).within(secs(300))]).start;
    assert_eq!((world.kind(caller), world.calls.len()), (ErrorKind::Unauthorized, calls));
    assert!(world.error(caller).retry_after().is_some_and(|after| after <= secs(30)));

    world.step(vec![Act::SetCredentials(1)]);
    let caller = world.ask_for(&all[1_000]);
    world.pass(millis(50));
    world.token(caller);
    // And those that were refused before have nothing on them.
    let again = world.ask(all.iter().map(Wish::bulk));
    world.pass(secs(2));
    assert_eq!(world.served(again), 1_001);
}

#[test]
fn refused_credentials_are_tried_again_after_thirty_seconds() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.accept_only(1);
    world.ask_for(tenant);
    world.pass(millis(50));

    world.service.accept_only(0);
    world.pass(secs(30) - millis(1));
    let early = world.ask_for(tenant);
    world.pass(millis(1));
    let caller = world.ask_for(tenant);
    world.pass(millis(50));

    assert_eq!(world.kind(early), ErrorKind::Unauthorized);
    world.token(caller);
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn a_late_refusal_of_old_credentials_says_nothing_of_the_new_ones() {
    let mut world = World::story();
    let two = tenants(2);
    world.service.accept_only(1);
    world.ask_for(&two[0]);
    world.pass(millis(10));

    world.step(vec![Act::SetCredentials(1)]);
    world.pass(millis(100));
    let caller = world.ask_for(&two[1]);
    world.pass(millis(50));

    world.token(caller);
    // And whoever waited for the old call is served with the new ones.
    world.token(0);
}

#[test]
fn a_call_with_credentials_that_were_replaced_under_way_is_no_attempt() {
    let mut world = World::story();
    world.service.accept_only(1);
    let caller = world.ask_for(&tenants(1)[0]);
    world.pass(millis(10));

    world.step(vec![Act::SetCredentials(1)]);
    world.service.faults = vec![Fault::always(What::Status(500))];
    world.pass(secs(29));

    assert_eq!((world.kind(caller), world.calls.len()), (ErrorKind::Service, 1 + 3));
}

#[test]
fn an_answer_that_is_wrong_for_everybody_is_given_up_after_a_few_calls() {
    for what in [What::Status(308), What::Undecodable] {
        let mut world = World::story();
        world.service.faults = vec![Fault::always(what)];

        let callers = world.ask(tenants(1_000).iter().map(Wish::bulk));
        world.pass(secs(2));

        assert!(callers.into_iter().all(|caller| !world.is_waiting(caller)), "{what:?}");
        assert!(world.calls.len() <= 60, "{what:?}: {} calls", world.calls.len());
    }
}

#[test]
fn the_same_few_refused_tenants_do_not_pause_the_others() {
    let mut world = World::story();
    let all = tenants(4);
    world.service.faults = vec![Fault::with_tenants(What::Status(403), &all[..3])];

    // Somebody asks for them whenever they may be asked for again.
    for _ in 0..10 {
        world.ask(all[..3].iter().map(Wish::interactive));
        world.pass(secs(301));
    }
    world.ask(all[..3].iter().map(Wish::interactive));
    world.pass(secs(1));
    assert!(world.calls.len() >= 20, "{} calls", world.calls.len());

    let caller = world.ask_for(&all[3]);
    world.pass(secs(1));
    world.token(caller);
}
