//! A crowd of callers makes as few calls as can be.

use tm_async::{TenantId, Wish};
use tm_sim::{Fault, Signing, Simulator};

use crate::harness::{Pending, Stack, World, until};

both!(
    a_thousand_callers_for_one_cold_tenant_make_one_call,
    a_thousand_callers_for_a_thousand_cold_tenants_leave_in_fives,
    a_thousand_tenants_asked_for_together_make_two_hundred_calls,
    callers_of_a_warm_tenant_make_none,
    tokens_come_in_the_order_in_which_they_are_named,
);

const CROWD: usize = 1_000;

fn crowded(stack: Stack) -> World {
    let slow = std::time::Duration::from_millis(20);
    World::new(stack, Simulator::builder().tenants(CROWD).signing(Signing::Reused).latency(slow))
}

fn all_ask<'a>(world: &World, tenants: impl Iterator<Item = &'a TenantId>) -> Vec<Pending> {
    let callers: Vec<_> = tenants.map(|tenant| world.client.asking(tenant, Wish::default())).collect();
    until("all callers wait", || world.client.stats().waiting == callers.len());
    callers
}

fn a_thousand_callers_for_one_cold_tenant_make_one_call(stack: Stack) {
    let world = crowded(stack);
    let held = world.sim.fault(Fault::Hold);
    let tenant = &world.tenants()[0];
    let callers = all_ask(&world, std::iter::repeat_n(tenant, CROWD));
    world.sim.clear_fault(held);
    let tokens: Vec<_> = callers.into_iter().map(|caller| caller.answer().unwrap()).collect();
    assert!(tokens.iter().all(|token| token.same(&tokens[0])), "all share one token");
    assert_eq!((world.calls(), world.sim.issued(tenant.as_str())), (1, 1));
}

/// The first eight find free slots and leave alone; the others, in fives.
fn a_thousand_callers_for_a_thousand_cold_tenants_leave_in_fives(stack: Stack) {
    let world = crowded(stack);
    let held = world.sim.fault(Fault::Hold.times(8));
    let callers = all_ask(&world, world.tenants().iter());
    world.sim.clear_fault(held);
    for caller in callers {
        caller.answer().unwrap();
    }
    let seen = world.sim.counters();
    assert!(world.calls() <= 208, "{} calls", world.calls());
    assert_eq!(seen.tokens_issued, 1_000);
    assert!(seen.in_flight_peak <= 8, "{} calls at once", seen.in_flight_peak);
}

fn a_thousand_tenants_asked_for_together_make_two_hundred_calls(stack: Stack) {
    let world = crowded(stack);
    let rows = world.client.tokens(&world.tenants());
    assert!(rows.iter().all(|(_, token)| token.is_ok()));
    let seen = world.sim.counters();
    assert_eq!((seen.single_calls, seen.batch_calls, seen.batched_tenants), (0, 200, 1_000));
    assert!(seen.in_flight_peak <= 8, "{} calls at once", seen.in_flight_peak);
}

fn callers_of_a_warm_tenant_make_none(stack: Stack) {
    let world = crowded(stack);
    let tenant = &world.tenants()[0];
    let token = world.client.token(tenant.as_str()).unwrap();
    let callers: Vec<_> = (0..100).map(|_| world.client.asking(tenant, Wish::default())).collect();
    assert!(callers.into_iter().all(|caller| caller.answer().unwrap().same(&token)));
    assert_eq!(world.calls(), 1);
}

fn tokens_come_in_the_order_in_which_they_are_named(stack: Stack) {
    let world = crowded(stack);
    let mut tenants: Vec<_> = world.tenants().into_iter().take(23).rev().collect();
    tenants.push(tenants[3].clone());
    let rows = world.client.tokens(&tenants);
    assert!(rows.iter().map(|(tenant, _)| tenant).eq(&tenants), "one asked for twice comes twice");
    assert!(rows.iter().all(|(_, token)| token.is_ok()));
    assert_eq!(world.calls(), 5);
    assert!(world.client.tokens(&[]).is_empty());
}
