//! The main job: a token for every tenant of the application.

use std::{collections::BTreeSet, thread};

use tm_async::{ErrorKind, TenantId};
use tm_sim::{Endpoint, Fault, Signing, SimConfig, Simulator};

use crate::harness::{SOON, Stack, World, kind_of, owner, tenant};

both!(
    two_hundred_and_thirty_seven_tenants_cost_one_operator_token_three_pages_and_forty_eight_batches,
    everybody_is_served_whatever_the_pages_hold_and_whatever_their_totals_say,
    the_first_rows_come_before_the_list_is_complete,
    a_consumer_that_stops_stops_the_work,
    the_list_is_read_two_pages_ahead_at_most,
    a_list_that_breaks_off_gives_the_rows_it_had_and_one_error,
    a_second_run_asks_for_pages_but_for_no_token,
    a_refused_tenant_is_one_row_and_costs_nobody_else_a_token,
    what_a_page_holds_besides_tenants_is_told_and_loses_nobody,
    a_list_without_tenants_ends_at_once,
    a_consumer_that_panics_harms_nobody,
);

fn many(tenants: usize) -> SimConfig {
    Simulator::builder().tenants(tenants).signing(Signing::Reused)
}

/// Lets the first page pass and gives all later ones this fault.
fn after_the_first_page(world: &World, fault: Fault) {
    world.sim.fault(Fault::Delay(std::time::Duration::ZERO).on(Endpoint::Page).once());
    world.sim.fault(fault.on(Endpoint::Page));
}

#[track_caller]
fn served(world: &World) -> BTreeSet<String> {
    let rows = world.client.all_tokens().map(|row| {
        let (tenant, token) = row.expect("nobody is refused");
        assert_eq!(owner(&token), tenant.as_str(), "each tenant has its own token");
        tenant.to_string()
    });
    let rows: Vec<_> = rows.collect();
    let distinct: BTreeSet<_> = rows.iter().cloned().collect();
    assert_eq!(rows.len(), distinct.len(), "nobody comes twice");
    distinct
}

fn two_hundred_and_thirty_seven_tenants_cost_one_operator_token_three_pages_and_forty_eight_batches(
    stack: Stack,
) {
    let world = World::new(stack, many(237));
    assert_eq!(served(&world), world.sim.tenants().into_iter().collect());
    let seen = world.sim.counters();
    assert_eq!((seen.operator_calls, seen.single_calls), (1, 1));
    assert_eq!((seen.page_calls, seen.batch_calls, seen.batched_tenants), (3, 48, 237));
    assert_eq!((seen.tokens_issued, seen.refused, seen.throttled), (238, 0, 0));
    assert!(seen.in_flight_peak <= 8, "{} calls at once", seen.in_flight_peak);
}

fn everybody_is_served_whatever_the_pages_hold_and_whatever_their_totals_say(stack: Stack) {
    for (page_cap, totals_are_zero, pages) in [(37, false, 7), (37, true, 8), (100, true, 4)] {
        let world = World::new(stack, many(237).page_cap(page_cap).totals_are_zero(totals_are_zero));
        assert_eq!(served(&world), world.sim.tenants().into_iter().collect());
        let seen = world.sim.counters();
        assert_eq!(
            (seen.single_calls, seen.page_calls, seen.batch_calls),
            (1, pages, 48),
            "{page_cap} a page"
        );
    }
}

fn the_first_rows_come_before_the_list_is_complete(stack: Stack) {
    let world = World::new(stack, many(237));
    after_the_first_page(&world, Fault::Hold);
    let mut all = world.client.all_tokens();
    let first: Vec<_> = all.by_ref().take(100).map(|row| row.unwrap().0).collect();
    assert_eq!(first.len(), 100);
    world.wait_for("the second page is asked for", |seen| seen.page_calls == 2);
    assert_eq!(world.sim.counters().batch_calls, 20);
    world.sim.clear_faults();
    assert_eq!(all.flatten().count(), 137);
}

fn a_consumer_that_stops_stops_the_work(stack: Stack) {
    let world = World::new(stack, many(1_000));
    let mut all = world.client.all_tokens();
    all.next().unwrap().unwrap();
    world.wait_for("what was asked for is answered", |seen| seen.batch_calls >= 20 && seen.in_flight == 0);
    // Work that went on would go on beside these calls, eight at a time.
    for number in 900..930 {
        world.client.token(&format!("tenant-{number:04}")).unwrap();
    }
    drop(all);
    world.client.close(SOON);
    let seen = world.sim.counters();
    assert!(seen.page_calls <= 3, "{} pages", seen.page_calls);
    // The operator's, two pages, and those asked for above.
    assert!(seen.tokens_issued <= 1 + 200 + 30, "{} tokens", seen.tokens_issued);
}

fn the_list_is_read_two_pages_ahead_at_most(stack: Stack) {
    let world = World::new(stack, many(1_000));
    world.sim.fault(Fault::Hold.on(Endpoint::Batch));
    let mut all = world.client.all_tokens();
    let consumer = thread::spawn(move || all.by_ref().flatten().count());
    world.wait_for("all slots are taken", |seen| seen.page_calls == 2 && seen.in_flight == 8);
    // A list that is not held back would be read beside this one, whose ten pages come one after the other.
    assert_eq!(world.client.user_tenants().unwrap().len(), 1_000);
    assert_eq!(world.sim.counters().page_calls, 2 + 10);
    world.sim.clear_faults();
    assert_eq!(consumer.join().unwrap(), 1_000);
    let seen = world.sim.counters();
    assert_eq!((seen.page_calls, seen.batch_calls), (10 + 10, 200));
}

fn a_list_that_breaks_off_gives_the_rows_it_had_and_one_error(stack: Stack) {
    let world = World::with_settings(stack, many(237), |settings| settings.attempts = 2);
    after_the_first_page(&world, Fault::status(500));
    let mut all = world.client.all_tokens();
    let (good, bad): (Vec<_>, Vec<_>) = all.by_ref().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (100, 1));
    let error = bad.into_iter().next().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.tenant(), error.is_transient()), (ErrorKind::Service, None, true));
    assert!(all.next().is_none(), "the end stays the end");
    assert_eq!(world.sim.counters().page_calls, 3, "the first page, and two attempts at the second");
}

fn a_second_run_asks_for_pages_but_for_no_token(stack: Stack) {
    let world = World::new(stack, many(237));
    served(&world);
    let calls = world.calls();
    assert_eq!(served(&world).len(), 237);
    let tokens = world.client.tokens(&world.tenants());
    assert!(tokens.iter().all(|(_, token)| token.is_ok()));
    assert_eq!((world.calls(), world.sim.counters().page_calls), (calls, 6));
}

fn a_refused_tenant_is_one_row_and_costs_nobody_else_a_token(stack: Stack) {
    let world = World::new(stack, many(50).refuse_tenants(["tenant-0007"]));
    let (good, bad): (Vec<_>, Vec<_>) = world.client.all_tokens().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (49, 1));
    let error = bad.into_iter().next().unwrap().unwrap_err();
    assert_eq!((error.kind(), error.tenant()), (ErrorKind::TenantRefused, Some(&tenant("tenant-0007"))));
    assert!(world.calls() <= 1 + 10 + 5, "{} calls", world.calls());
}

fn what_a_page_holds_besides_tenants_is_told_and_loses_nobody(stack: Stack) {
    let ids = ["tenant-a", "not a tenant", "tenant-b"];
    let world = World::new(stack, Simulator::builder().tenant_ids(ids));
    let (good, bad): (Vec<_>, Vec<_>) = world.client.all_tokens().partition(Result::is_ok);
    let good: Vec<TenantId> = good.into_iter().map(|row| row.unwrap().0).collect();
    assert_eq!((good.len(), bad.len()), (2, 1));
    assert_eq!(kind_of(&bad[0]), ErrorKind::Decode);
    assert_eq!(kind_of(&world.client.user_tenants()), ErrorKind::Decode);
}

fn a_list_without_tenants_ends_at_once(stack: Stack) {
    let world = World::new(stack, many(0));
    assert!(world.client.all_tokens().next().is_none());
    assert_eq!((world.sim.counters().page_calls, world.calls()), (1, 1));
}

fn a_consumer_that_panics_harms_nobody(stack: Stack) {
    let world = World::new(stack, many(237));
    let mut all = world.client.all_tokens();
    let consumer = thread::spawn(move || {
        all.next().unwrap().unwrap();
        panic!("on purpose, between two rows");
    });
    assert!(consumer.join().is_err());
    world.client.token("tenant-0237").unwrap();
    assert_eq!(served(&world).len(), 237);
}
