//! The service says "not now", or "not with this key": nobody asks in vain.

use std::{
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use tm_async::{ErrorKind, Wish};
use tm_core::Credentials;
use tm_sim::{Fault, Simulator};

use crate::harness::{Stack, World, kind_of};

both!(
    refused_credentials_pause_the_client_and_new_ones_mend_it_at_once,
    the_list_is_not_waited_for_while_credentials_are_refused,
    whoever_waits_while_credentials_are_refused_is_told_at_once,
    a_wait_longer_than_a_caller_s_patience_is_told_at_once,
    a_wait_within_a_caller_s_patience_is_sat_out_by_all,
    an_outage_that_passes_is_not_noticed,
    a_refused_tenant_pauses_nobody_else,
);

fn refused_credentials_pause_the_client_and_new_ones_mend_it_at_once(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let client_id = "sim-application-1.0.0";
    world.sim.set_credentials(client_id, "changed");
    let error = world.client.token("tenant-0001").unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unauthorized, false));
    let wait = error.retry_after().unwrap();
    assert!(wait <= Duration::from_secs(30) && wait > Duration::from_secs(20), "{wait:?}");

    let rows = world.client.tokens(&world.tenants());
    assert!(rows.iter().all(|(_, row)| kind_of(row) == ErrorKind::Unauthorized));
    assert_eq!(world.calls(), 1, "no call within the pause");

    world.client.set_credentials(Credentials::new(client_id, "changed").unwrap());
    world.client.token("tenant-0001").unwrap();
    assert_eq!(world.client.user_tenants().unwrap().len(), 10);
}

fn the_list_is_not_waited_for_while_credentials_are_refused(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    world.sim.set_credentials("sim-application-1.0.0", "changed");
    assert_eq!(kind_of(&world.client.token("tenant-0001")), ErrorKind::Unauthorized);
    let (told, list) = mpsc::channel();
    let client = world.client.clone();
    thread::spawn(move || told.send((client.user_tenants(), client.all_tokens().next().unwrap())));
    let (list, row) =
        list.recv_timeout(Duration::from_secs(5)).expect("only new credentials help, so nobody waits");
    assert_eq!((kind_of(&list), kind_of(&row)), (ErrorKind::Unauthorized, ErrorKind::Unauthorized));
    assert_eq!((world.calls(), world.sim.counters().page_calls), (1, 0), "no call within the pause");
}

fn whoever_waits_while_credentials_are_refused_is_told_at_once(stack: Stack) {
    let world = World::with_settings(stack, Simulator::builder(), |settings| settings.calls_at_once = 1);
    world.sim.set_latency(Duration::from_millis(300)); // so that the others wait by then
    world.sim.set_credentials("sim-application-1.0.0", "changed");
    let start = Instant::now();
    let callers = world.tenants();
    let callers: Vec<_> = callers.iter().map(|id| world.client.asking(id, Wish::default())).collect();
    for caller in callers {
        assert_eq!(kind_of(&caller.answer()), ErrorKind::Unauthorized);
    }
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(world.calls(), 1);
}

fn a_wait_longer_than_a_caller_s_patience_is_told_at_once(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let headers = vec![("Retry-After".to_owned(), "120".to_owned())];
    world.sim.fault(Fault::Status { code: 429, headers, body: "".into() });
    let start = Instant::now();
    for tenant in ["tenant-0001", "tenant-0002"] {
        let error = world.client.token(tenant).unwrap_err();
        let wait = error.retry_after().unwrap().as_secs();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Throttled, true));
        assert!((100..=120).contains(&wait), "{wait} s");
    }
    let rows = world.client.tokens(&world.tenants());
    assert!(rows.iter().all(|(_, row)| kind_of(row) == ErrorKind::Throttled));
    assert!(start.elapsed() < Duration::from_secs(10), "nobody waits in vain");
    assert_eq!(world.calls(), 1, "the whole client is held");
}

fn a_wait_within_a_caller_s_patience_is_sat_out_by_all(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let headers = vec![("Retry-After".to_owned(), "1".to_owned())];
    world.sim.fault(Fault::Status { code: 429, headers, body: "".into() }.once());
    let start = Instant::now();
    let first = world.client.asking(&world.tenants()[0], Wish::default());
    world.wait_for("the wait is told", |seen| seen.single_calls == 1 && seen.in_flight == 0);
    first.answer().unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "it came too soon: {:?}", start.elapsed());
    assert_eq!((world.calls(), world.client.stats().retries), (2, 1));
}

fn an_outage_that_passes_is_not_noticed(stack: Stack) {
    let world = World::new(stack, Simulator::builder().tenants(5));
    world.sim.fault(Fault::status(500).once());
    world.sim.fault(Fault::CutBody { after: 9 }.once());
    let rows = world.client.tokens(&world.tenants());
    assert!(rows.iter().all(|(_, row)| row.is_ok()));
    assert_eq!((world.sim.counters().batch_calls, world.calls()), (3, 3), "a five stays a five");
}

fn a_refused_tenant_pauses_nobody_else(stack: Stack) {
    let world = World::new(stack, Simulator::builder().refuse_tenants(["tenant-0001"]));
    let refused = world.client.token("tenant-0001").unwrap_err();
    let unknown = world.client.token("nobody").unwrap_err();
    assert_eq!([refused.kind(), unknown.kind()], [ErrorKind::TenantRefused; 2]);
    let said = [&refused, &unknown].map(|error| error.refusal().unwrap().status);
    assert_eq!(said, [403, 404]);
    assert!(refused.refusal().unwrap().logref.is_some(), "the service's reference is handed on");
    world.client.token("tenant-0002").unwrap();
    assert_eq!(kind_of(&world.client.token("tenant-0001")), ErrorKind::TenantRefused);
    assert_eq!(world.calls(), 3, "refused so lately, it is not asked for");
}
