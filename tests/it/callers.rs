//! What becomes of one caller, or of whoever carries its call, harms no other.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tm_async::{ErrorKind, TransportError, TransportFault, Wish};
use tm_sim::{Fault, Simulator};

use crate::harness::{
    Client, Pending, SOON, Stack, World, good_token, in_time, kind_of, scripted, setup_for, tenant, until,
};

both!(
    a_caller_past_its_deadline_leaves_the_call_to_the_others,
    a_caller_whose_deadline_passes_in_the_queue_takes_its_work_along,
    a_transport_that_panics_is_an_outage_that_is_tried_again,
    a_transport_that_always_panics_is_an_error_for_everybody,
    a_transport_that_panics_over_a_page_is_an_error_for_who_wants_the_list,
    a_request_that_was_never_sent_is_sent_again,
);

fn impatient(patience: Duration) -> Wish {
    Wish { patience: Some(patience), ..Wish::default() }
}

#[test]
fn a_leader_dropped_in_mid_call_leaves_it_to_the_others() {
    in_time(|| {
        let world = World::new(Stack::Reqwest, Simulator::builder());
        let acme = &world.tenants()[0];
        world.sim.fault(Fault::Hold);
        let leader = world.client.asking(acme, Wish::default());
        world.wait_for("the leader's call is under way", |seen| seen.in_flight == 1);
        let others: Vec<_> = (0..10).map(|_| world.client.asking(acme, Wish::default())).collect();
        until("all wait", || world.client.stats().waiting == 11);
        leader.walk_away();
        until("the leader is gone", || world.client.stats().waiting == 10);
        world.sim.clear_faults();
        for other in others {
            other.answer().unwrap();
        }
        assert_eq!(world.calls(), 1);
    });
}

#[test]
fn a_call_that_all_have_left_still_fills_the_cache() {
    in_time(|| {
        let world = World::new(Stack::Reqwest, Simulator::builder());
        let acme = &world.tenants()[0];
        world.sim.fault(Fault::Hold);
        let caller = world.client.asking(acme, Wish::default());
        world.wait_for("the call is under way", |seen| seen.in_flight == 1);
        caller.walk_away();
        until("nobody waits", || world.client.stats().waiting == 0);
        world.sim.clear_faults();
        world.client.token(acme.as_str()).unwrap();
        assert_eq!(world.calls(), 1);
    });
}

#[test]
fn a_task_that_panics_while_it_waits_harms_nobody() {
    in_time(|| {
        let world = World::new(Stack::Reqwest, Simulator::builder());
        let acme = &world.tenants()[0];
        world.sim.fault(Fault::Hold);
        let Client::Async(client, runtime) = world.client.clone() else { unreachable!() };
        let id = acme.clone();
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let panicking = runtime.spawn(async move {
            tokio::select! {
                token = client.token(&id) => drop(token),
                _ = gone => panic!("on purpose, while a token is waited for"),
            }
        });
        world.wait_for("its call is under way", |seen| seen.in_flight == 1);
        let other = world.client.asking(acme, Wish::default());
        until("both wait", || world.client.stats().waiting == 2);
        go.send(()).unwrap();
        assert!(runtime.block_on(panicking).unwrap_err().is_panic());
        world.sim.clear_faults();
        other.answer().unwrap();
        assert_eq!((world.calls(), world.client.stats().waiting), (1, 0));
    });
}

fn a_caller_past_its_deadline_leaves_the_call_to_the_others(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let acme = &world.tenants()[0];
    world.sim.fault(Fault::Hold);
    let leader = world.client.asking(acme, impatient(Duration::from_millis(200)));
    world.wait_for("the leader's call is under way", |seen| seen.in_flight == 1);
    let others: Vec<_> = (0..10).map(|_| world.client.asking(acme, Wish::default())).collect();
    let start = Instant::now();
    let error = leader.answer().unwrap_err();
    assert_eq!((error.kind(), error.tenant()), (ErrorKind::Deadline, Some(acme)));
    assert!(start.elapsed() < Duration::from_secs(5), "its patience was short");
    until("the others wait on", || world.client.stats().waiting == 10);
    assert!(others.iter().all(Pending::is_waiting));
    world.sim.clear_faults();
    for other in others {
        other.answer().unwrap();
    }
    assert_eq!(world.calls(), 1);
}

fn a_caller_whose_deadline_passes_in_the_queue_takes_its_work_along(stack: Stack) {
    let world = World::with_settings(stack, Simulator::builder(), |settings| settings.calls_at_once = 1);
    let ids = world.tenants();
    world.sim.fault(Fault::Hold);
    let first = world.client.asking(&ids[0], Wish::default());
    world.wait_for("the only slot is taken", |seen| seen.in_flight == 1);
    let queued = world.client.asking(&ids[1], impatient(Duration::from_millis(100)));
    assert_eq!(kind_of(&queued.answer()), ErrorKind::Deadline);
    world.sim.clear_faults();
    first.answer().unwrap();
    world.client.token(ids[2].as_str()).unwrap();
    assert_eq!((world.sim.issued(ids[1].as_str()), world.calls()), (0, 2), "nobody wanted it any more");
}

fn a_transport_that_panics_is_an_outage_that_is_tried_again(stack: Stack) {
    let sim = Simulator::builder().start().unwrap();
    let mut script = scripted();
    script.expect_send().times(1).returning(|_, _| panic!("on purpose, in the transport"));
    script.expect_send().times(1).returning(|_, _| good_token("after-the-panic"));
    let client = stack.host().scripted_client(setup_for(&sim), script);
    let callers: Vec<_> = (0..20).map(|_| client.asking(&tenant("acme"), Wish::default())).collect();
    let start = Instant::now();
    for caller in callers {
        assert_eq!(caller.answer().unwrap().secret(), "after-the-panic");
    }
    assert!(start.elapsed() < Duration::from_secs(5), "it is not waited for as for a call that hangs");
    assert_eq!((client.stats().single_calls, client.stats().retries), (2, 1));
}

fn a_transport_that_always_panics_is_an_error_for_everybody(stack: Stack) {
    let sim = Simulator::builder().start().unwrap();
    let mut script = scripted();
    script.expect_send().returning(|_, _| panic!("on purpose, in the transport"));
    let setup = setup_for(&sim).settings(|settings| settings.attempts = 2);
    let client = stack.host().scripted_client(setup, script);
    let wish = impatient(SOON);
    let callers: Vec<_> = (0..20).map(|_| client.asking(&tenant("acme"), wish)).collect();
    for caller in callers {
        let error = caller.answer().unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Transport, true));
    }
    // The list is read by the client too, and whoever reads it panics as well.
    let first = client.all_tokens().next().unwrap();
    assert!(kind_of(&first) == ErrorKind::Transport, "{first:?}");
}

fn a_transport_that_panics_over_a_page_is_an_error_for_who_wants_the_list(stack: Stack) {
    let sim = Simulator::builder().start().unwrap();
    let mut script = scripted();
    script.expect_send().returning(|request, _| {
        assert!(request.method() == "POST", "on purpose, in the transport");
        good_token("operator")
    });
    let client = stack.host().scripted_client(setup_for(&sim), script);
    assert_eq!(kind_of(&client.user_tenants()), ErrorKind::Service);
    assert_eq!(kind_of(&client.keep_fresh_all()), ErrorKind::Service);
    assert_eq!(client.token(sim.host_tenant()).unwrap().secret(), "operator", "the client goes on");
}

fn a_request_that_was_never_sent_is_sent_again(stack: Stack) {
    let sim = Simulator::builder().start().unwrap();
    let calls = std::sync::Arc::new(AtomicU64::new(0));
    let counted = std::sync::Arc::clone(&calls);
    let mut script = scripted();
    script.expect_send().times(2).returning(move |request, limits| {
        counted.fetch_add(1, Ordering::SeqCst);
        assert_eq!(request.uri().path(), "/api/technicaltokenmanager/v3/oauth/token");
        assert_eq!((limits.time, limits.body), (Duration::from_secs(10), 64 * 1024));
        Err(TransportError::new(TransportFault::NotSent))
    });
    script.expect_send().times(1).returning(|_, _| good_token("at-last"));
    let client = stack.host().scripted_client(setup_for(&sim), script);
    assert_eq!(client.token("acme").unwrap().secret(), "at-last");
    assert_eq!((calls.load(Ordering::SeqCst), client.stats().retries), (2, 2));
    assert_eq!(sim.counters().connections, 0);
}
