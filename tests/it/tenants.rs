//! Handles, wishes, and what the client tells of itself.

use std::time::Duration;

use tm_async::{ErrorKind, Wish};
use tm_sim::{Fault, Signing, Simulator};

use crate::harness::{Stack, World, kind_of, until};

both!(
    a_handle_shares_its_tokens_with_the_client,
    bad_ids_are_refused_before_anything_is_sent,
    a_life_that_the_service_does_not_have_is_asked_for_once,
    a_caller_content_with_less_is_served_beside_one_who_is_not,
    the_stats_tell_what_was_done_and_what_is_held,
    memory_is_bounded_and_everybody_is_served_all_the_same,
    a_service_whose_clock_is_hours_off_is_as_good_as_any,
);

fn needs(life: Duration) -> Wish {
    Wish { min_remaining: life, ..Wish::default() }
}

fn a_handle_shares_its_tokens_with_the_client(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let handle = world.client.tenant("tenant-0001").unwrap();
    assert_eq!(handle.id().as_str(), "tenant-0001");
    let token = handle.token().unwrap();
    assert!(world.client.token("tenant-0001").unwrap().same(&token));
    let later = world.client.tenant("tenant-0001").unwrap();
    assert!(later.token().unwrap().same(&token) && handle.clone().token().unwrap().same(&token));
    assert_eq!(world.calls(), 1);
}

fn bad_ids_are_refused_before_anything_is_sent(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    for bad in ["", "two words", "line\nend", "bär"] {
        assert_eq!(kind_of(&world.client.token(bad)), ErrorKind::Config, "{bad:?}");
        assert_eq!(world.client.tenant(bad).map(drop).unwrap_err().kind(), ErrorKind::Config, "{bad:?}");
    }
    assert_eq!(world.sim.counters().connections, 0);
}

fn a_life_that_the_service_does_not_have_is_asked_for_once(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let acme = &world.tenants()[0];
    let error = world.client.token_with(acme, needs(Duration::from_secs(3_600))).unwrap_err();
    assert_eq!((error.kind(), error.tenant()), (ErrorKind::TooShort, Some(acme)));
    assert!(error.to_string().contains("wants 3600 s"), "{error}");
    for _ in 0..10 {
        let again = world.client.token_with(acme, needs(Duration::from_secs(3_600))).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::TooShort);
        assert!(again.retry_after().is_some());
    }
    world.client.token_with(acme, needs(Duration::from_secs(1_700))).unwrap();
    world.client.token(acme.as_str()).unwrap();
    assert_eq!(world.calls(), 1);
}

fn a_caller_content_with_less_is_served_beside_one_who_is_not(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let acme = &world.tenants()[0];
    world.sim.fault(Fault::Hold);
    let greedy = world.client.asking(acme, needs(Duration::from_secs(3_600)));
    let modest = world.client.asking(acme, Wish::default());
    until("both wait", || world.client.stats().waiting == 2);
    world.sim.clear_faults();
    assert_eq!(kind_of(&greedy.answer()), ErrorKind::TooShort);
    modest.answer().unwrap();
    assert_eq!(world.calls(), 1);
}

fn the_stats_tell_what_was_done_and_what_is_held(stack: Stack) {
    let world = World::new(stack, Simulator::builder().tenants(7));
    assert_eq!(world.client.stats(), tm_core::broker::Stats::default());
    world.client.token("tenant-0007").unwrap();
    assert!(world.client.tokens(&world.tenants()).iter().all(|(_, row)| row.is_ok()));
    world.sim.fault(Fault::Hold);
    let operator = world.client.asking(&crate::harness::tenant("operator"), Wish::default());
    world.wait_for("a call is under way", |seen| seen.in_flight == 1);
    let busy = world.client.stats();
    assert_eq!((busy.calls_under_way, busy.waiting), (1, 1));
    world.sim.clear_faults();
    operator.answer().unwrap();

    let stats = world.client.stats();
    let seen = world.sim.counters();
    assert_eq!((stats.single_calls, stats.batch_calls), (seen.single_calls, seen.batch_calls));
    assert_eq!((stats.retries, stats.tokens_received, stats.tokens_held, stats.tenants), (0, 8, 8, 8));
    assert_eq!((stats.calls_under_way, stats.waiting), (0, 0));
    assert!((8_000..40_000).contains(&stats.bytes_held), "{} bytes", stats.bytes_held);
}

fn memory_is_bounded_and_everybody_is_served_all_the_same(stack: Stack) {
    let sim = Simulator::builder().tenants(100).signing(Signing::Reused);
    let world = World::with_settings(stack, sim, |settings| settings.memory = 20_000);
    let rows = world.client.tokens(&world.tenants());
    assert!(rows.iter().all(|(_, row)| row.is_ok()));
    let stats = world.client.stats();
    assert!(stats.bytes_held <= 20_000 && stats.tokens_held < 100 && stats.tokens_held > 0, "{stats:?}");
}

fn a_service_whose_clock_is_hours_off_is_as_good_as_any(stack: Stack) {
    for skew in [-7_200, 7_200] {
        let world = World::new(stack, Simulator::builder().clock_skew(skew));
        world.client.token("tenant-0001").unwrap();
        world.client.token_with(&world.tenants()[0], needs(Duration::from_secs(1_700))).unwrap();
        assert_eq!((world.client.user_tenants().unwrap().len(), world.calls()), (10, 2));
    }
}
