//! Several processes over one store: they take turns, and one that dies holds nobody up for long.

use std::time::Duration;

use tm_core::{TenantId, broker::Settings};

use crate::{
    clock::{millis, secs},
    faults::{Fault, What},
    fleet::Fleet,
    queue::{Act, Wish},
    random::tenants,
    store::{Mishap, Store, Trouble},
};

fn fleet(processes: usize) -> Fleet {
    Fleet::new(7, Settings::default(), Some(Store::new(7, true)), processes)
}

/// All processes ask for all of these, in one moment.
fn all_ask(fleet: &mut Fleet, tenants: &[TenantId]) {
    for member in fleet.alive() {
        fleet.with(member, |world| world.ask(tenants.iter().map(Wish::interactive)));
    }
}

/// How many callers have their token, and how long the slowest of them waited.
fn served(fleet: &Fleet) -> (usize, Duration) {
    let worlds = fleet.members.iter().filter(|member| member.alive).map(|member| &member.world);
    let callers = worlds.flat_map(|world| &world.callers);
    let waits = callers.filter_map(|caller| match &caller.answer {
        Some((at, Ok(_))) => Some(*at - caller.asked_at),
        _ => None,
    });
    waits.fold((0, Duration::ZERO), |(count, longest), wait| (count + 1, longest.max(wait)))
}

fn fetched(fleet: &Fleet) -> usize {
    fleet.calls.iter().map(|(_, tenants)| tenants).sum()
}

#[test]
fn of_eight_processes_that_start_together_one_fetches_each_tenant() {
    let tenants = tenants(100);
    let mut fleet = fleet(8);

    all_ask(&mut fleet, &tenants);
    fleet.pass(secs(10));

    let (count, longest) = served(&fleet);
    assert_eq!((count, fetched(&fleet), fleet.twice), (800, 100, 0));
    assert!(longest < secs(2), "{longest:?}");
    assert!(fleet.calls.len() <= 24, "{} calls", fleet.calls.len());
}

#[test]
fn one_fetch_a_life_is_enough_for_all_processes() {
    let tenants = tenants(50);
    let mut fleet = fleet(4);

    for _ in 0..150 {
        all_ask(&mut fleet, &tenants);
        fleet.pass(secs(60));
    }

    // Five lives, of which three quarters are used each time, and a shorter first one.
    let (count, longest) = served(&fleet);
    let fetched = fetched(&fleet);
    assert_eq!((count, fleet.twice), (30_000, 0));
    assert!(longest < secs(2), "{longest:?}");
    assert!((250..=420).contains(&fetched), "{fetched} fetches for 50 tenants");
}

#[test]
fn a_process_that_dies_holds_the_others_up_for_one_lease_and_one_of_them_fetches() {
    let tenants = tenants(40);
    let mut fleet = fleet(6);
    fleet.with(0, |world| world.ask(tenants.iter().map(Wish::interactive)));
    fleet.pass(millis(10));
    assert_eq!(fleet.calls.len(), 8, "it has left for the service, and holds the leases");

    fleet.kill(0);
    all_ask(&mut fleet, &tenants);
    fleet.pass(secs(8));

    let (count, longest) = served(&fleet);
    assert_eq!(count, 200);
    assert!(longest < secs(5), "{longest:?}");
    assert_eq!((fetched(&fleet), fleet.twice), (80, 0), "each once more, by one");
}

#[test]
fn a_process_that_stops_for_a_while_does_no_harm_when_it_goes_on() {
    let tenants = tenants(40);
    let mut fleet = fleet(3);
    fleet.with(0, |world| world.ask(tenants.iter().map(|tenant| Wish::interactive(tenant).within(secs(90)))));
    fleet.pass(millis(10));

    fleet.pause(0, secs(60));
    all_ask_but_the_first(&mut fleet, &tenants);
    fleet.pass(secs(120));

    let (count, _) = served(&fleet);
    assert_eq!(count, 120);
    fleet.must(fleet.nothing_is_leased());
    let now = fleet.now;
    let store = fleet.store.as_ref().unwrap();
    assert!(tenants.iter().all(|tenant| store.shelf.find(tenant, now).is_some()));
}

fn all_ask_but_the_first(fleet: &mut Fleet, tenants: &[TenantId]) {
    for member in fleet.alive().into_iter().skip(1) {
        fleet.with(member, |world| world.ask(tenants.iter().map(Wish::interactive)));
    }
}

#[test]
fn a_restarted_process_asks_the_store_and_not_the_service() {
    let tenants = tenants(300);
    let mut fleet = fleet(2);
    all_ask(&mut fleet, &tenants);
    fleet.pass(secs(10));
    let before = fleet.calls.len();

    fleet.kill(1);
    let member = fleet.start();
    let callers = fleet.with(member, |world| world.ask(tenants.iter().map(Wish::interactive)));
    fleet.pass(secs(1));

    let world = &fleet.members[member].world;
    assert_eq!((world.served(callers), fleet.calls.len()), (300, before));
}

#[test]
fn a_neighbour_that_another_process_replaces_is_not_asked_for_again_and_again() {
    let tenants = tenants(300);
    let mut fleet = fleet(2);
    // A slow service, so that leases are held for some time.
    fleet.service.latency = (secs(2), secs(3));
    for _ in 0..40 {
        all_ask(&mut fleet, &tenants);
        fleet.pass(secs(60));
    }

    let leases: u64 = fleet.members.iter().map(|member| member.world.tally.of("lease")).sum();
    assert!(leases <= 300 * 2 * 2, "{leases} requests for leases for 300 tenants in two lives");
}

#[test]
fn a_rejected_token_is_not_found_by_those_who_come_later() {
    let tenant = &tenants(1)[0];
    let mut fleet = fleet(2);
    all_ask(&mut fleet, &tenants(1));
    fleet.pass(secs(1));
    let rejected = fleet.members[0].world.token(0).clone();

    fleet.with(0, |world| world.step(vec![Act::Reject(rejected.clone())]));
    fleet.pass(secs(1));
    let late = fleet.start();
    let caller = fleet.with(late, |world| world.ask_for(tenant));
    fleet.pass(secs(1));

    assert_ne!(*fleet.members[late].world.token(caller), rejected);
}

#[test]
fn without_a_store_that_works_every_process_helps_itself() {
    let tenants = tenants(50);
    let mut fleet = fleet(3);
    fleet.store.as_mut().unwrap().mishaps = vec![Mishap::always(Trouble::Fails)];

    all_ask(&mut fleet, &tenants);
    fleet.pass(secs(10));

    assert_eq!((served(&fleet).0, fetched(&fleet)), (150, 150));
}

#[test]
fn what_one_process_is_refused_the_others_ask_for_themselves() {
    let tenants = tenants(1);
    let mut fleet = fleet(3);
    fleet.service.faults = vec![Fault::with_tenants(What::Status(403), &tenants)];

    all_ask(&mut fleet, &tenants);
    fleet.pass(secs(10));

    for member in &fleet.members {
        assert!(member.world.error(0).refusal().is_some(), "it is told why, and need not wait for nobody");
    }
}
