//! How long a token lives, on whose clock, and what happens near its end.

use std::time::Duration;

use tm_core::{ErrorKind, broker::Settings};

use crate::{
    clock::{START, millis, secs},
    faults::{Fault, What},
    queue::{Act, Wish},
    random::tenants,
    world::World,
};

/// Of a documented token: `expires_in` less the margin of 5 s, from the time of sending on.
const END: Duration = secs(1_799 - 5);
/// The last 60 s of it, or the last tenth if that is less.
const WINDOW: Duration = secs(60);

#[test]
fn a_token_is_served_at_once_until_its_window_and_never_after_its_end() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(millis(50));
    let until = world.oracles.view.until(tenant).unwrap();
    assert!(until <= START + END - WINDOW + secs(1) && until >= START + END - WINDOW - secs(1), "{until:?}");
    // No newer one comes.
    world.service.faults = vec![Fault::always(What::Status(500))];

    world.run_until(until - millis(1));
    let caller = world.ask_for(tenant);
    assert_eq!((world.token(caller), world.waited(caller)), (world.token(0), Duration::ZERO));

    world.run_until(START + END);
    let caller = world.ask_for(tenant);
    world.pass(secs(60));
    assert!(world.error(caller).is_transient());
}

#[test]
fn near_its_end_a_caller_waits_a_second_for_a_service_that_hangs() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1_760));
    world.service.faults = vec![Fault::always(What::Silence)];

    let caller = world.ask_for(tenant);
    world.pass(secs(1));

    assert_eq!(world.token(caller), world.token(0));
    assert_eq!((world.waited(caller), world.calls.len()), (secs(1), 2));
}

#[test]
fn near_its_end_a_caller_does_not_wait_for_a_service_that_fails() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1_760));
    world.service.faults = vec![Fault::always(What::Status(500))];

    let caller = world.ask_for(tenant);
    world.pass(millis(50));
    assert_eq!(world.token(caller), world.token(0));
    // And the next does not wait at all: a refresh has failed.
    let next = world.ask_for(tenant);
    assert_eq!(world.token(next), world.token(0));
}

#[test]
fn near_its_end_a_caller_gets_the_new_token_of_a_service_that_works() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1_760));

    let caller = world.ask_for(tenant);
    world.pass(millis(50));

    assert_ne!(world.token(caller), world.token(0));
    assert_eq!(world.waited(caller), millis(50));
}

#[test]
fn from_its_window_on_a_caller_waits_for_a_newer_token() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(millis(50));
    let until = world.oracles.view.until(tenant).unwrap();

    world.run_until(until);
    let caller = world.ask_for(tenant);
    world.pass(millis(50));

    assert_ne!(world.token(caller), world.token(0));
}

#[test]
fn near_its_end_callers_wait_together_for_a_newer_token() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1_760));
    world.ask_for(tenant);
    world.pass(millis(20));

    let second = world.ask_for(tenant);
    world.pass(millis(30));

    assert_ne!(world.token(second), world.token(0));
    assert_eq!((world.waited(second), world.calls.len()), (millis(30), 2));
}

/// Near the end of a token its refresh has just failed for the third time.
fn failed_near_its_end() -> World {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1_740));
    world.service.faults = vec![Fault::always(What::Status(500))];
    world.ask_for(tenant);
    world.pass(secs(1));
    assert_eq!(world.calls.len(), 1 + 3);
    world
}

#[test]
fn near_its_end_a_refresh_that_failed_is_tried_again_for_the_next_caller_after_its_rest() {
    let mut world = failed_near_its_end();
    let failed = world.calls[3].at + millis(50);

    // One every 20 ms, for whom it is not waited, while it is tried again neither.
    for _ in 0..300 {
        let caller = world.ask_for(&tenants(1)[0]);
        assert_eq!((world.token(caller), world.waited(caller)), (world.token(0), Duration::ZERO));
        world.pass(millis(20));
    }

    let pause = world.calls[4].at - failed;
    assert!((secs(1)..secs(5) + millis(20)).contains(&pause), "{pause:?}");
}

#[test]
fn a_rest_of_a_refresh_is_not_ended_by_callers_of_the_old_token() {
    let mut world = failed_near_its_end();
    let failed = world.calls[3].at + millis(50);

    world.ask_for(&tenants(1)[0]);
    world.pass(secs(12));

    let pause = world.calls[4].at - failed;
    assert!(pause >= secs(6), "a rest of a second at least, and five seconds: {pause:?}");
}

#[test]
fn near_its_end_nobody_waits_for_a_service_that_has_no_newer_token() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1_760));
    world.service.faults = vec![Fault::always(What::Again)];
    let first = world.ask_for(tenant);
    world.pass(millis(50));
    assert_eq!(world.token(first), world.token(0));

    let second = world.ask_for(tenant);
    assert_eq!((world.token(second), world.calls.len()), (world.token(0), 2));

    // It may have one after thirty seconds.
    world.pass(secs(30));
    let third = world.ask_for(tenant);
    assert!(world.is_waiting(third));
}

#[test]
fn no_clock_but_the_monotonic_one_changes_a_life() {
    let shown = |skew_ms, steps_ms: i64, dated: bool| {
        let mut world = World::story();
        world.service.skew_ms = skew_ms;
        if !dated {
            world.service.faults = vec![Fault::always(What::NoDate)];
        }
        world.step(vec![Act::StepWall(steps_ms)]);
        world.ask_for(&tenants(1)[0]);
        world.pass(millis(50));
        world.step(vec![Act::StepWall(-2 * steps_ms)]);
        world.pass(secs(1_000));
        world.token(0);
        world.oracles.view.until(&tenants(1)[0])
    };
    let expected = Some(START + END - WINDOW);
    for (skew_ms, steps_ms) in
        [(0, 0), (3_600_000, 0), (-3_600_000, 0), (0, 3_600_000), (3_600_000, -3_600_000)]
    {
        assert_eq!(
            shown(skew_ms, steps_ms, true),
            expected,
            "the service is {skew_ms} ms ahead, we {steps_ms}"
        );
        // Without `Date`, a local clock that cannot be right is left alone.
        assert_eq!(shown(skew_ms, steps_ms, false), expected, "no date, {skew_ms} ms ahead, we {steps_ms}");
    }
}

#[test]
fn a_token_handed_out_again_lives_no_longer_for_that() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.faults = vec![Fault::always(What::Again)];
    world.ask_for(tenant);
    world.pass(secs(1_000));

    // The same text, with the `expires_in` of its issue.
    let caller = world.ask([Wish::interactive(tenant).least(secs(1_000))]).start;
    world.pass(millis(50));
    assert_eq!((world.kind(caller), world.calls.len()), (ErrorKind::TooShort, 2));
    let modest = world.ask_for(tenant);
    assert_eq!(world.token(modest), world.token(0));

    world.pass(secs(900));
    let late = world.ask_for(tenant);
    world.pass(millis(50));
    assert_ne!(world.token(late), world.token(0));
}

#[test]
fn a_shorter_life_displaces_nothing() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(secs(1_000));
    world.service.faults = vec![Fault::always(What::Life(secs(300)))];

    let demanding = world.ask([Wish::interactive(tenant).least(secs(1_500))]).start;
    world.pass(secs(1));
    assert_eq!(world.kind(demanding), ErrorKind::TooShort);

    let modest = world.ask([Wish::interactive(tenant).least(secs(600))]).start;
    assert_eq!(world.token(modest), world.token(0));
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn a_token_that_is_over_when_it_arrives_is_not_served() {
    let mut world = World::story();
    world.service.faults = vec![Fault::always(What::Dead)];

    let callers = world.ask(tenants(3).iter().map(Wish::interactive));
    world.pass(secs(29));

    assert_eq!(world.served(callers.clone()), 0);
    assert!(callers.into_iter().all(|caller| !world.is_waiting(caller)));
    assert!(world.calls.len() <= 12, "{} calls", world.calls.len());
}

#[test]
fn tokens_of_a_few_seconds_are_served_for_those_seconds() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.service.faults = vec![Fault::always(What::Life(secs(20)))];

    for _ in 0..100 {
        world.ask_for(tenant);
        world.pass(secs(1));
    }

    assert_eq!(world.served(0..100), 100);
    assert!((5..=10).contains(&world.calls.len()), "{} calls", world.calls.len());
}

#[test]
fn memory_has_a_bound_that_many_tenants_do_not_break() {
    let mut settings = Settings::default();
    settings.memory = 64 * 1024;
    let mut world = World::new(7, settings);
    world.service.mint.padding = 900;

    let callers = world.ask(tenants(1_000).iter().map(Wish::bulk));
    world.pass(secs(2));

    assert_eq!(world.served(callers), 1_000);
    let stats = world.broker.stats();
    assert!(stats.bytes_held <= 64 * 1024 && stats.bytes_held > 32 * 1024, "{stats:?}");
    assert!(world.oracles.view.evicted > 900);
}

#[test]
fn a_client_with_no_room_at_all_still_serves() {
    let mut settings = Settings::default();
    settings.memory = 0;
    let mut world = World::new(7, settings);

    let callers = world.ask(tenants(20).iter().map(Wish::interactive));
    world.pass(millis(50));

    assert_eq!(world.served(callers), 20);
    assert_eq!(world.broker.stats().bytes_held, 0);
}

#[test]
fn a_newcomer_finds_room_among_tokens_that_were_used_once() {
    let mut settings = Settings::default();
    settings.memory = 64 * 1024;
    let mut world = World::new(7, settings);
    let all = tenants(201);
    let (old, new) = all.split_at(200);
    for _ in 0..2 {
        world.ask(old.iter().map(Wish::interactive));
        world.pass(secs(1));
        // Those that were kept are used.
        world.ask(old.iter().map(|tenant| Wish::interactive(tenant).within(secs(0))));
    }

    // Nobody asks for them any more, and somebody polls another.
    for _ in 0..60 {
        world.ask_for(&new[0]);
        world.pass(secs(10));
    }

    assert!(
        world.calls_with(&new[0]) <= 3,
        "{} calls for one tenant in ten minutes",
        world.calls_with(&new[0])
    );
}

#[test]
fn what_ended_while_the_machine_slept_makes_room_before_anything_that_lives() {
    let mut settings = Settings::default();
    settings.memory = 64 * 1024;
    let mut world = World::new(7, settings);
    let all = tenants(201);
    let (short, long) = all.split_at(5);
    world.service.mint.life = secs(100);
    for _ in 0..2 {
        world.ask(short.iter().map(Wish::interactive));
        world.pass(secs(1));
    }
    world.service.mint.life = secs(1_800);
    world.ask(long[..195].iter().map(Wish::bulk));
    world.pass(secs(5));
    let evicted = world.oracles.view.evicted;
    assert!(evicted > 0, "there is no room left");

    world.ask_for(&long[195]);
    let answered = world.next_at().unwrap();
    world.go_to(answered, secs(200));

    assert_eq!((world.calls.len(), world.broker.stats().calls_under_way), (41, 0));
    assert_eq!(world.oracles.view.evicted, evicted);
}

#[test]
fn a_token_that_ended_on_its_way_while_the_machine_slept_is_asked_for_again() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    let callers = world.ask([Wish::interactive(tenant).within(secs(3_600)), Wish::interactive(tenant)]);

    let answered = world.next_at().unwrap();
    world.go_to(answered, secs(2_000));
    world.pass(secs(1));

    assert_eq!((world.calls.len(), world.served(callers.start..callers.start + 1)), (2, 1));
    assert_eq!(world.kind(callers.end - 1), ErrorKind::Deadline);
}

#[test]
fn a_service_whose_tokens_end_before_they_arrive_is_not_asked_again_at_once() {
    let mut world = World::story();
    world.service.mint.life = secs(8);
    world.service.latency = (secs(4), secs(4));
    let caller = world.ask_for(&tenants(1)[0]);

    world.pass(secs(10));

    assert_eq!((world.calls.len(), world.kind(caller)), (1, ErrorKind::TooShort));
}

#[test]
fn a_machine_that_sleeps_through_every_attempt_is_told_that_the_tokens_have_ended() {
    let mut world = World::story();
    let caller = world.ask([Wish::interactive(&tenants(1)[0]).within(secs(36_000))]).start;

    while world.is_waiting(caller) {
        let next = world.next_at().unwrap();
        let answers = world.broker.stats().calls_under_way;
        world.go_to(next, secs(2_000 * answers as u64));
    }

    assert_eq!((world.calls.len(), world.kind(caller)), (3, ErrorKind::TooShort));
}

#[test]
fn what_is_left_of_a_token_is_told_until_its_end() {
    let mut world = World::story();
    let caller = world.ask_for(&tenants(1)[0]);
    world.pass(millis(50));
    let token = world.token(caller).clone();
    let left = |world: &World| world.broker.remaining(world.clock.now(), &token);

    // Of half an hour: the way there and back, and five seconds that nobody is to rely on.
    let first = left(&world).unwrap();
    assert!((secs(1_793)..secs(1_795)).contains(&first), "{first:?}");
    world.pass(secs(1_000));
    assert_eq!(left(&world), Some(first - secs(1_000)));
    world.pass(first - secs(1_000));
    assert_eq!(left(&world), None);
}

#[test]
fn idle_hours_leave_nothing_behind() {
    let mut world = World::story();
    world.service.faults = vec![Fault::with_tenants(What::Status(403), &tenants(3))];
    world.ask(tenants(50).iter().map(Wish::interactive));
    world.pass(secs(10));
    assert!(world.broker.stats().tokens_held > 0);

    world.pass(secs(3 * 3_600));

    assert!(
        crate::oracles::Memory::nothing_left(&world.broker.stats()).is_ok(),
        "{:?}",
        world.broker.stats()
    );
    assert_eq!(world.broker.wake_at(), None);
    // And it goes on working.
    let caller = world.ask_for(&tenants(9)[8]);
    world.pass(millis(50));
    world.token(caller);
}
