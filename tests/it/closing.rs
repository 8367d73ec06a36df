//! How a client ends: dropped or closed, idle or in the middle of work.

use std::{
    cell::Cell,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use tm_async::{ErrorKind, Wish};
use tm_sim::{Endpoint, Fault, Simulator};

use crate::harness::{SOON, Stack, World, kind_of, tenant, until};

both!(
    a_client_dropped_in_mid_call_goes_at_once_and_its_work_ends,
    a_run_dropped_in_mid_page_goes_at_once_and_harms_nobody,
    closing_answers_everybody_who_waits,
    a_closed_client_serves_nothing_any_more,
    closing_waits_for_the_work_to_end,
    a_consumer_of_all_tokens_is_told_that_its_client_was_closed,
    a_list_that_sits_out_the_service_s_pause_ends_with_its_client,
    closing_one_clone_closes_all_and_dropping_one_closes_none,
);

/// Nothing here may wait for a call: it takes longer than this on purpose.
const AT_ONCE: Duration = Duration::from_secs(1);

#[track_caller]
fn at_once<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < AT_ONCE, "it took {:?}", start.elapsed());
    result
}

/// A client whose calls all hang, for two seconds each if nobody ends them.
fn hanging(stack: Stack) -> World {
    let world = World::with_settings(stack, Simulator::builder(), |settings| {
        settings.attempt_time = Duration::from_secs(2);
    });
    world.sim.fault(Fault::Hang);
    world
}

fn impatient() -> Wish {
    Wish { patience: Some(Duration::from_millis(50)), ..Wish::default() }
}

fn a_client_dropped_in_mid_call_goes_at_once_and_its_work_ends(stack: Stack) {
    let World { sim, client, host } = hanging(stack);
    let error = client.token_with(&tenant("tenant-0001"), impatient()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert_eq!(sim.counters().in_flight, 1, "the call goes on without its caller");
    at_once(|| drop(client));
    assert!(sim.wait_for(SOON, |seen| seen.in_flight == 0), "the call is not broken off");
    until("no task is left", || host.tasks() == 0);
    assert_eq!(sim.counters().single_calls, 1, "nobody tries again");
}

fn a_run_dropped_in_mid_page_goes_at_once_and_harms_nobody(stack: Stack) {
    let world = World::new(stack, Simulator::builder().tenants(300));
    world.sim.fault(Fault::Delay(Duration::ZERO).on(Endpoint::Page).once());
    let held = world.sim.fault(Fault::Hold.on(Endpoint::Page));
    let mut all = world.client.all_tokens();
    all.next().unwrap().unwrap();
    world.wait_for("the second page is asked for", |seen| seen.page_calls == 2);
    at_once(|| drop(all));
    world.client.token("tenant-0300").unwrap();
    world.sim.clear_fault(held);
    assert_eq!(world.client.all_tokens().flatten().count(), 300);
}

fn closing_answers_everybody_who_waits(stack: Stack) {
    let world = hanging(stack);
    let ids = world.tenants();
    let callers: Vec<_> = ids.iter().map(|id| world.client.asking(id, Wish::default())).collect();
    until("all wait", || world.client.stats().waiting == ids.len());
    at_once(|| world.client.close(Duration::from_millis(10)));
    for caller in callers {
        assert_eq!(kind_of(&caller.answer()), ErrorKind::Closed);
    }
    assert_eq!(world.client.stats().waiting, 0);
}

fn a_closed_client_serves_nothing_any_more(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let handle = world.client.tenant("tenant-0001").unwrap();
    let token = handle.token().unwrap();
    world.client.close(SOON);
    let calls = world.calls();
    assert_eq!(kind_of(&world.client.token("tenant-0001")), ErrorKind::Closed);
    assert_eq!(kind_of(&world.client.token("tenant-0002")), ErrorKind::Closed);
    assert_eq!(kind_of(&handle.token()), ErrorKind::Closed);
    assert_eq!(kind_of(&world.client.user_tenants()), ErrorKind::Closed);
    let rows = world.client.tokens(&world.tenants());
    assert!(rows.iter().all(|(_, row)| kind_of(row) == ErrorKind::Closed));
    let run: Vec<_> = world.client.all_tokens().collect();
    assert!(run.len() == 1 && kind_of(&run[0]) == ErrorKind::Closed, "{run:?}");
    world.client.reject(&token);
    at_once(|| world.client.close(SOON));
    assert_eq!((world.calls(), world.client.stats().tokens_held), (calls, 0));
}

fn closing_waits_for_the_work_to_end(stack: Stack) {
    let world = hanging(stack);
    let caller = world.client.asking(&world.tenants()[0], Wish::default());
    world.wait_for("a call is under way", |seen| seen.in_flight == 1);
    let start = Instant::now();
    world.client.close(SOON);
    assert!(start.elapsed() < Duration::from_secs(5), "no longer than the call: {:?}", start.elapsed());
    assert_eq!(kind_of(&caller.answer()), ErrorKind::Closed);
    world.wait_for("the call has ended", |seen| seen.in_flight == 0);
}

fn a_consumer_of_all_tokens_is_told_that_its_client_was_closed(stack: Stack) {
    let world = hanging(stack);
    world.sim.clear_faults();
    world.sim.fault(Fault::Hang.on(Endpoint::Page));
    let mut all = world.client.all_tokens();
    let (told, rows) = mpsc::channel();
    let consumer = thread::spawn(move || {
        told.send(all.next()).unwrap();
        told.send(all.next()).unwrap();
    });
    world.wait_for("a page is asked for", |seen| seen.page_calls == 1);
    at_once(|| world.client.close(Duration::from_millis(10)));
    let row = rows.recv_timeout(SOON).expect("the consumer is told soon").expect("a row");
    assert_eq!(kind_of(&row), ErrorKind::Closed);
    assert!(rows.recv_timeout(SOON).expect("and then it ends").is_none());
    consumer.join().unwrap();
}

fn a_list_that_sits_out_the_service_s_pause_ends_with_its_client(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let wait = vec![("retry-after".to_owned(), "29".to_owned())];
    world.sim.fault(Fault::Status { code: 429, headers: wait, body: "".into() }.on(Endpoint::Page));
    let asking = world.client.clone();
    let (told, answers) = mpsc::channel();
    let caller = thread::spawn(move || told.send(asking.user_tenants()));
    world.wait_for("a page is refused", |seen| seen.page_calls == 1);
    // Once it is noted, other calls are held too.
    let strangers = Cell::new(0);
    until("the pause is on", || {
        strangers.set(strangers.get() + 1);
        let stranger = tenant(&format!("stranger-{}", strangers.get()));
        let impatient = Wish { patience: Some(Duration::from_secs(5)), ..Wish::default() };
        kind_of(&world.client.token_with(&stranger, impatient)) == ErrorKind::Throttled
    });
    at_once(|| world.client.close(Duration::from_millis(10)));
    let answer = answers.recv_timeout(Duration::from_secs(5)).expect("the caller is told soon");
    assert_eq!(kind_of(&answer), ErrorKind::Closed);
    caller.join().unwrap().unwrap();
}

fn closing_one_clone_closes_all_and_dropping_one_closes_none(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let clone = world.client.clone();
    clone.token("tenant-0001").unwrap();
    drop(clone);
    world.client.token("tenant-0002").unwrap();
    // A handle, and a run over all tenants, keep the client open by themselves.
    let World { sim, client, host: _host } = world;
    let (handle, all) = (client.tenant("tenant-0003").unwrap(), client.all_tokens());
    drop(client);
    handle.token().unwrap();
    drop(handle);
    assert_eq!(all.flatten().count(), 10);
    assert_eq!(sim.counters().single_calls + sim.counters().batch_calls, 3 + 1 + 2);
}
