//! When nothing works, and when one tenant breaks the calls of others.

use tm_core::{ErrorKind, TransportFault, broker::Settings};

use crate::{
    clock::{millis, secs},
    faults::{Fault, What},
    queue::Wish,
    random::tenants,
    world::World,
};

#[test]
fn an_outage_costs_few_calls_and_ends_with_one_probe() {
    let mut world = World::story();
    let all = tenants(3_000);
    let down = What::Transport(TransportFault::NotSent);
    let up_at = world.clock.mono + secs(300);
    world.service.faults = vec![Fault::between(down, world.clock.mono, up_at)];

    // Ten impatient callers a second, each for another tenant.
    for tenants in all[..2_990].chunks(10) {
        world.ask(tenants.iter().map(|tenant| Wish::interactive(tenant).within(secs(2))));
        world.pass(secs(1));
    }
    let calls = world.calls.len();
    assert!(calls <= 16 + 300 / 5, "{calls} calls during the outage");
    assert_eq!(world.served(0..2_990), 0);

    // The longest time to a probe is 30 s; whoever waits for it is served.
    let callers = world.ask(all[2_990..].iter().map(Wish::interactive));
    world.pass(secs(31));
    assert_eq!(world.served(callers), 10);
    let after: Vec<_> = world.calls[calls..].iter().filter(|call| call.at >= up_at).collect();
    assert!(after[1].at >= after[0].at + millis(50), "the probe is alone: {:?}", (after[0].at, after[1].at));
    assert!(after.len() <= 3, "{} calls", after.len());
}

#[test]
fn a_failing_service_gets_three_attempts_and_the_caller_its_error() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.faults = vec![Fault::always(What::Status(500))];

    let caller = world.ask_for(tenant);
    world.pass(secs(29));

    let error = world.error(caller);
    assert_eq!((error.kind(), error.tenant()), (ErrorKind::Service, Some(tenant)));
    assert!(error.is_transient());
    assert_eq!(error.refusal().map(|refusal| refusal.status), Some(500));
    assert_eq!(world.calls.len(), 3);
}

#[test]
fn one_failure_is_repaired_by_another_attempt() {
    let kinds = [
        What::Status(408),
        What::Status(429),
        What::Status(500),
        What::Status(502),
        What::Status(503),
        What::Status(504),
        What::Transport(TransportFault::NotSent),
        What::Transport(TransportFault::TimedOut),
        What::Transport(TransportFault::Interrupted),
        What::Lost,
        What::Silence,
    ];
    for kind in kinds {
        let mut world = World::story();
        let first = world.clock.mono;
        world.service.faults = vec![Fault::between(kind, first, first + millis(1))];

        let callers = world.ask(tenants(5).iter().map(Wish::interactive));
        world.pass(secs(20));

        assert_eq!(world.served(callers), 5, "{kind:?}");
        assert_eq!(world.sizes(), [5, 5], "{kind:?}");
    }
}

#[test]
fn what_cannot_get_better_is_not_tried_again() {
    let kinds = [
        (What::Status(308), ErrorKind::Service),
        (What::Status(400), ErrorKind::TenantRefused),
        (What::Transport(TransportFault::Tls), ErrorKind::Transport),
        (What::Transport(TransportFault::TooLarge), ErrorKind::Decode),
        (What::Undecodable, ErrorKind::Decode),
    ];
    for (kind, expected) in kinds {
        let mut world = World::story();
        let tenant = &tenants(1)[0];
        world.service.faults = vec![Fault::always(kind)];

        let caller = world.ask_for(tenant);
        world.pass(millis(50));

        assert_eq!((world.kind(caller), world.calls.len()), (expected, 1), "{kind:?}");
    }
}

#[test]
fn a_batch_that_one_tenant_breaks_is_split_once() {
    let mut world = World::story();
    let all = tenants(405);
    let (five, others) = all.split_at(5);
    world.service.faults = vec![Fault::with_tenants(What::Status(500), &five[1..2])];

    // Others succeed all the time, so the service is not down.
    let mut next = others.iter();
    for _ in 0..20 {
        world.ask(next.by_ref().take(1).map(Wish::interactive));
        world.pass(millis(20));
    }
    let callers = world.ask(five.iter().map(Wish::bulk));
    for _ in 0..380 {
        world.ask(next.by_ref().take(1).map(Wish::interactive));
        world.pass(millis(40));
    }
    world.pass(secs(1));

    assert_eq!(world.served(callers.clone()), 4);
    let guilty = callers.start + 1;
    assert_eq!((world.kind(guilty), world.error(guilty).tenant()), (ErrorKind::Service, Some(&five[1])));
    for caller in (0..world.callers.len()).filter(|caller| *caller != guilty) {
        world.token(caller);
    }
    assert!(world.calls_with(&five[1]) <= 6, "{} calls with the guilty", world.calls_with(&five[1]));
    assert!(world.calls_with(&five[0]) <= 4, "{} calls with an innocent", world.calls_with(&five[0]));
}

#[test]
fn a_batch_is_not_split_for_what_succeeded_before_it() {
    let mut settings = Settings::default();
    settings.attempts = 1;
    let mut world = World::new(7, settings);
    let all = tenants(6);
    world.ask_for(&all[5]);
    world.pass(secs(1));
    world.service.faults = vec![Fault::always(What::Status(500))];

    let callers = world.ask(all[..5].iter().map(Wish::interactive));
    world.pass(millis(900));

    assert!(callers.into_iter().all(|caller| world.kind(caller) == ErrorKind::Service));
    assert_eq!(world.sizes(), [1, 5]);
}

#[test]
fn a_service_that_is_busy_is_called_less() {
    let mut world = World::story();
    let first = world.clock.mono;
    world.service.faults = vec![Fault::between(What::Status(503), first, first + millis(1))];
    world.ask_for(&tenants(1)[0]);
    world.pass(secs(5));
    world.oracles.calls.forget_peak();

    let callers = world.ask(tenants(100).iter().map(Wish::bulk));
    world.pass(secs(5));

    assert_eq!(world.served(callers), 100);
    assert!(world.oracles.calls.peak() <= 5, "{} calls at once", world.oracles.calls.peak());
}

#[test]
fn a_caller_of_a_hanging_service_is_told_at_its_deadline() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.faults = vec![Fault::always(What::Silence)];

    let until = world.ask([Wish::interactive(tenant).within(secs(25))]).start;
    world.pass(secs(25));

    assert_eq!((world.kind(until), world.waited(until)), (ErrorKind::Deadline, secs(25)));
}

#[test]
fn after_a_failure_a_tenant_rests_for_seconds() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.faults =
        vec![Fault::between(What::Status(500), world.clock.mono, world.clock.mono + secs(4))];
    let caller = world.ask_for(tenant);
    world.pass(secs(4));
    assert_eq!((world.kind(caller), world.calls.len()), (ErrorKind::Service, 3));
    let told = world.error(caller).retry_after().unwrap();
    assert!((secs(1)..=secs(5)).contains(&told), "{told:?}");

    let again = world.ask_for(tenant);
    world.pass(secs(6));

    world.token(again);
    assert_eq!(world.calls.len(), 4);
    assert!(world.calls[3].at >= world.callers[caller].asked_at + world.waited(caller) + told);
}

#[test]
fn whoever_is_told_when_to_come_back_is_served_then() {
    let mut world = World::story();
    let all = tenants(40);
    let down = What::Transport(TransportFault::NotSent);
    world.service.faults = vec![Fault::always(down)];
    world.ask(all[..30].iter().map(Wish::interactive));
    world.pass(secs(1));
    world.service.faults.clear();

    let caller = world.ask([Wish::interactive(&all[30]).within(secs(1))]).start;
    assert_eq!((world.kind(caller), world.error(caller).is_transient()), (ErrorKind::Transport, true));
    world.pass(world.error(caller).retry_after().unwrap());
    let caller = world.ask([Wish::interactive(&all[31]).within(secs(1))]).start;
    world.pass(secs(1));

    world.token(caller);
}

#[test]
fn a_tenth_of_the_traffic_at_most_is_retries() {
    let mut world = World::story();
    let all = tenants(200);
    let (good, bad) = all.split_at(100);
    world.service.faults = vec![Fault::with_tenants(What::Status(500), bad)];

    // The service as a whole is well, and every second call fails.
    for (good, bad) in good.iter().zip(bad) {
        world.ask_for(good);
        world.ask_for(bad);
        world.pass(secs(3));
    }

    // Ten tokens, of which the upper half is spent, and a tenth of one for each success.
    let retries = world.broker.stats().retries;
    assert!((6..=6 + 100 / 10).contains(&retries), "{retries} retries");
}

#[test]
fn what_the_service_has_named_the_time_of_is_not_counted_as_retries() {
    let mut world = World::story();

    for tenant in &tenants(20) {
        let now = world.clock.mono;
        world.service.faults = vec![Fault::between(What::Later(429, 1), now, now + millis(1))];
        let caller = world.ask_for(tenant);
        world.pass(secs(2));
        world.token(caller);
    }
}
