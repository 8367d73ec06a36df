//! The list of the application's tenants, and what goes wrong with it.

use tm_async::ErrorKind;
use tm_sim::{Endpoint, Fault, Simulator};

use crate::harness::{Stack, World};

both!(
    the_list_is_the_list,
    an_operator_token_that_is_refused_is_replaced_once,
    an_outage_of_the_list_is_sat_out,
    a_list_that_refuses_a_fresh_token_too_is_an_error_of_the_list,
);

fn the_list_is_the_list(stack: Stack) {
    let world = World::new(stack, Simulator::builder().tenants(237));
    assert_eq!(world.client.user_tenants().unwrap(), world.tenants());
    let seen = world.sim.counters();
    assert_eq!((seen.operator_calls, seen.page_calls, world.calls()), (1, 3, 1));
}

fn an_operator_token_that_is_refused_is_replaced_once(stack: Stack) {
    let world = World::new(stack, Simulator::builder().tenants(10));
    let operator = world.client.token(world.sim.host_tenant()).unwrap();
    assert!(world.sim.revoke(operator.secret()));
    assert_eq!(world.client.user_tenants().unwrap().len(), 10);
    let seen = world.sim.counters();
    assert_eq!((seen.operator_calls, seen.page_calls), (2, 2));
}

fn an_outage_of_the_list_is_sat_out(stack: Stack) {
    let world = World::new(stack, Simulator::builder().tenants(10));
    world.sim.fault(Fault::status(502).on(Endpoint::Page).once());
    world.sim.fault(Fault::CloseBeforeHeaders.on(Endpoint::Page).once());
    assert_eq!(world.client.user_tenants().unwrap().len(), 10);
    assert_eq!(world.sim.counters().page_calls, 3);
}

fn a_list_that_refuses_a_fresh_token_too_is_an_error_of_the_list(stack: Stack) {
    let world = World::new(stack, Simulator::builder().tenants(10));
    world.sim.fault(Fault::status(401).on(Endpoint::Page));
    let error = world.client.user_tenants().unwrap_err();
    assert_eq!((error.kind(), error.tenant()), (ErrorKind::Service, None));
    let seen = world.sim.counters();
    assert_eq!((seen.operator_calls, seen.page_calls), (2, 2));
    world.client.token("tenant-0001").expect("the credentials are not in doubt");
}
