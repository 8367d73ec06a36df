//! One random world from beginning to end: trouble, recovery, idleness.

use std::{collections::BTreeSet, time::Duration};

use tm_core::{TenantId, broker::Settings};

use crate::{
    Ran, callers,
    clock::{START, millis, secs},
    faults::{Fault, What},
    oracles::{Memory, Promise, rule},
    queue::{Act, Wish},
    store::Store,
    tally::Tally,
    weather::{Weather, at, pick, store_troubles},
    world::World,
};

/// Longest time that any hold may last, and a little for calls that are still under way.
const LONGEST_HOLD: Duration = secs(330);

/// Runs the world of this seed.
pub(crate) fn run(seed: u64) -> Ran {
    let mut rng = fastrand::Rng::with_seed(seed);
    let weather = Weather::of(seed);
    let tenants: Vec<TenantId> = tenants(*pick(&[1, 3, 7, 20, 60, 200], &mut rng));
    let active = secs(*pick(&[60, 300, 1_800, 7_200], &mut rng));
    let settings = settings(&mut rng);
    let mut world = match seed / 9 % 3 {
        0 => World::new(seed, settings),
        kind => World::with_store(seed, settings, store(seed, kind == 2, active, &mut rng)),
    };
    prepare_service(&mut world, weather, active, &tenants, &mut rng);
    callers::arrive(&mut world.queue, active, &tenants, weather.is_fair(), &mut rng);
    if !weather.is_fair() {
        world.drowsy = rng.u8(0..5) == 0;
        for _ in 0..rng.usize(0..3) {
            let time = secs(rng.u64(1..120));
            world.queue.push(at(active, &mut rng), Act::Hold(time));
        }
    }
    for _ in 0..rng.usize(0..3) {
        let step = *pick(&[-3_600_000, 3_600_000, -1_500, 20_000], &mut rng);
        world.queue.push(at(active, &mut rng), Act::StepWall(step));
    }
    for _ in 0..rng.u8(0..3) {
        let foreseen = tenants.iter().filter(|_| rng.u8(0..4) == 0).cloned().collect();
        world.queue.push(at(active, &mut rng), Act::Prefetch(foreseen));
    }
    if rng.u8(0..8) == 0 {
        let when = at(active, &mut rng);
        world.queue.push(when, Act::Close);
    }
    world.run_until(START + active);
    if world.closed_at.is_none() {
        recover(&mut world, &tenants, &mut rng);
        world.run_until(world.clock.mono + secs(3 * 3_600));
        let left = Memory::nothing_left(&world.broker.stats());
        world.must(left);
        let wake_at = world.broker.wake_at();
        world.must(rule(wake_at.is_none(), || format!("after idle hours wake_at is {wake_at:?}")));
        let nothing = world.nothing_is_leased();
        world.must(nothing);
        world.step(vec![Act::Close]);
    }
    after_close(&mut world, &tenants[0]);
    let (hash, trace) = (world.trace.hash(), world.trace.of_one_alone());
    Ran { hash, tally: tally(world), trace }
}

pub(crate) fn tenants(count: usize) -> Vec<TenantId> {
    (0..count).map(|number| TenantId::new(format!("t{number:04}")).expect("a name")).collect()
}

pub(crate) fn settings(rng: &mut fastrand::Rng) -> Settings {
    let mut settings = Settings::default();
    settings.calls_at_once = *pick(&[8, 8, 8, 1, 2, 5], rng);
    settings.attempts = *pick(&[3, 3, 3, 1, 2, 5], rng);
    if rng.u8(0..4) == 0 {
        settings.memory = rng.usize(5_000..60_000);
    }
    settings
}

/// In every second world something goes wrong with it.
fn store(seed: u64, leases: bool, active: Duration, rng: &mut fastrand::Rng) -> Store {
    let mut store = Store::new(seed, leases);
    store.latency = (Duration::from_micros(rng.u64(50..1_000)), millis(rng.u64(1..60)));
    store.shelf.skew_ms = *pick(&[0, 0, 0, 3_600_000, -3_600_000], rng);
    if rng.bool() {
        (store.mishaps, store.wipes) = store_troubles(active, rng);
    }
    store
}

fn prepare_service(
    world: &mut World,
    weather: Weather,
    active: Duration,
    tenants: &[TenantId],
    rng: &mut fastrand::Rng,
) {
    let (faults, guilty) = weather.faults(active, tenants, rng);
    let service = &mut world.service;
    service.latency = (millis(rng.u64(1..40)), millis(rng.u64(40..200)));
    service.skew_ms = *pick(&[0, 0, 3_600_000, -3_600_000, 2_345, -777], rng);
    service.mint.life = *pick(&[secs(1_800), secs(1_800), secs(300), secs(90)], rng);
    service.mint.padding = *pick(&[0, 400], rng);
    service.faults = faults;
    let lies = service.faults.iter().any(|fault| matches!(fault.what, What::Again | What::Dead));
    if !lies && rng.u8(0..4) == 0 {
        // Without `Date`, what a client can know of a life that is not a new one depends on its own clock.
        service.faults.push(Fault { percent: 50, ..Fault::always(What::NoDate) });
    }
    if weather.is_fair() {
        let guilty = if weather == Weather::Calm { BTreeSet::new() } else { guilty };
        world.oracles.failures.promise = Promise::AllBut(guilty);
    }
    for (generation, (changed, noticed)) in (1..).zip(weather.key_changes(active, rng)) {
        world.queue.push(changed, Act::ChangeKey(generation));
        world.queue.push(changed + noticed, Act::SetCredentials(generation));
    }
}

/// All faults end. A while later everybody who asks is served. Not all ask: of the others too nothing may be left later.
fn recover(world: &mut World, tenants: &[TenantId], rng: &mut fastrand::Rng) {
    world.service.faults.clear();
    if let Some(store) = &mut world.store {
        store.mishaps.clear();
    }
    world.service.latency = (millis(5), millis(100));
    world.service.accept_only(world.generation);
    world.drowsy = false;
    // The client may be given its last credentials after the world's active time.
    world.run_until(world.clock.mono + secs(100));
    world.service.accept_only(world.generation);
    world.run_until(world.clock.mono + LONGEST_HOLD);
    let wishes = tenants.iter().filter_map(|tenant| match rng.u8(0..4) {
        0 => Some(Wish::interactive(tenant)),
        1 => Some(Wish::bulk(tenant)),
        _ => None,
    });
    let callers = world.ask(wishes);
    world.run_until(world.clock.mono + secs(30));
    for caller in &world.callers[callers] {
        let served = matches!(&caller.answer, Some((_, Ok(_))));
        world.must(rule(served, || {
            let (tenant, answer) = (&caller.wish.tenant, &caller.answer);
            format!("{LONGEST_HOLD:?} after all faults ended the caller for {tenant} gets {answer:?}")
        }));
    }
    let told = world.store_knows_what_it_must();
    world.must(told);
}

/// A closed client says so, and nothing else.
fn after_close(world: &mut World, tenant: &TenantId) {
    world.step(vec![Act::Want(vec![Wish::interactive(tenant), Wish::bulk(tenant)])]);
    world.run_until(world.clock.mono + secs(3_600));
    let output = world.broker.next(world.clock.now());
    world.must(rule(output.is_none(), || format!("a closed client wants {output:?}")));
}

fn tally(mut world: World) -> Tally {
    let (calls, view) = (world.calls.len() as u64, &world.oracles.view);
    world.tally.add_many("evicted", view.evicted as u64);
    world.tally.add_many("expired", view.expired as u64);
    world.tally.add_many("calls", calls);
    world.tally
}
