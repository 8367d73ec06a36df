//! One random fleet from beginning to end: processes come, stop for a while and die, over a store that may have its troubles.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use tm_core::TenantId;

use crate::{
    Ran, callers,
    clock::{START, millis, secs},
    fleet::Fleet,
    oracles::{Memory, Promise, rule},
    queue::{Act, Wish},
    random::{settings, tenants},
    store::Store,
    tally::Tally,
    weather::{Weather, at, pick, store_troubles},
};

/// A fleet without any trouble, whose clocks are right too.
pub(crate) const RIGHT_CLOCKS: &str = "right clocks";

/// What a member of a fleet may live through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Dies,
    Closes,
    Pauses(Duration),
    Starts,
}

/// Runs the fleet of this seed.
pub(crate) fn run(seed: u64) -> Ran {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x000f_1ee7);
    let weather = if seed.is_multiple_of(2) { Weather::Calm } else { Weather::of(seed / 2) };
    let tenants: Vec<TenantId> = tenants(*pick(&[1, 3, 7, 20, 60], &mut rng));
    let active = secs(*pick(&[60, 300, 1_800, 5_400], &mut rng));
    let mut store = Store::new(seed, !seed.is_multiple_of(3));
    store.latency = (Duration::from_micros(rng.u64(50..1_000)), millis(rng.u64(1..40)));
    let (troubled, restless) = (rng.u8(0..3) == 0, rng.bool());
    if troubled {
        (store.mishaps, store.wipes) = store_troubles(active, &mut rng);
    }
    let takes_turns = store.leases && !troubled && !restless && weather == Weather::Calm;
    let clocks_are_right = takes_turns && seed.is_multiple_of(4);
    let mut fleet = Fleet::new(seed, settings(&mut rng), Some(store), rng.usize(2..=8));
    let (faults, guilty) = weather.faults(active, &tenants, &mut rng);
    fleet.service.latency = (millis(rng.u64(1..40)), millis(rng.u64(40..200)));
    fleet.service.mint.life = *pick(&[secs(1_800), secs(1_800), secs(300)], &mut rng);
    fleet.service.faults = faults;
    let promise = if weather.is_fair() { Promise::AllBut(guilty) } else { Promise::Nothing };
    for member in fleet.alive() {
        populate(&mut fleet, member, active, &tenants, &promise, clocks_are_right, &mut rng);
    }
    for (when, fate) in fates(restless, active, &mut rng) {
        fleet.run_until(when);
        match fate {
            Fate::Dies if fleet.alive().len() > 1 => fleet.kill(*pick(&fleet.alive(), &mut rng)),
            Fate::Closes if fleet.alive().len() > 1 => fleet.close(*pick(&fleet.alive(), &mut rng)),
            Fate::Pauses(time) => fleet.pause(*pick(&fleet.alive(), &mut rng), time),
            Fate::Dies | Fate::Closes | Fate::Starts => {
                let member = fleet.start();
                populate(&mut fleet, member, active, &tenants, &promise, clocks_are_right, &mut rng);
            }
        }
    }
    fleet.run_until(START + active);
    let twice = fleet.twice;
    // Whose clock is wrong may take what another has fetched for worse than what it has, and fetches beside the next.
    let allowed = usize::from(!clocks_are_right);
    fleet.must(rule(!takes_turns || twice <= allowed, || {
        format!("{twice} times two processes fetched one tenant")
    }));
    recover(&mut fleet, &tenants, &mut rng);
    leave_nothing(&mut fleet);
    let (mut hasher, mut tally, trace) = (DefaultHasher::new(), Tally::default(), fleet.trace_of_one_alone());
    tally.add_many(RIGHT_CLOCKS, u64::from(clocks_are_right));
    for member in fleet.members {
        member.world.trace.hash().hash(&mut hasher);
        tally.merge(&member.world.tally);
        tally.add_many("calls", member.world.calls.len() as u64);
    }
    Ran { hash: hasher.finish(), tally, trace }
}

/// What is still to come for a process that is there now: callers, and a wall clock that is wrong and steps.
fn populate(
    fleet: &mut Fleet,
    member: usize,
    active: Duration,
    tenants: &[TenantId],
    promise: &Promise,
    clocks_are_right: bool,
    rng: &mut fastrand::Rng,
) {
    let now = fleet.now;
    let left = (START + active).saturating_sub(now);
    let fair = *promise != Promise::Nothing;
    let world = &mut fleet.members[member].world;
    world.oracles.failures.promise = promise.clone();
    let errors: &[i64] = if clocks_are_right { &[0] } else { &[0, 0, 1_500, -20_000, 3_600_000, -3_600_000] };
    world.clock.wall_error_ms = *pick(errors, rng);
    let begun = now - START;
    callers::arrive(&mut world.queue, left, tenants, fair, rng);
    world.queue.delay(begun);
    let steps = if clocks_are_right { 0 } else { rng.usize(0..3) };
    for _ in 0..steps {
        let step = *pick(&[-3_600_000, 3_600_000, -1_500, 20_000], rng);
        world.queue.push(now + left.mul_f64(rng.f64()), Act::StepWall(step));
    }
}

fn fates(restless: bool, active: Duration, rng: &mut fastrand::Rng) -> Vec<(Duration, Fate)> {
    let count = if restless { rng.usize(1..8) } else { 0 };
    let mut fates: Vec<_> = (0..count)
        .map(|_| {
            let fate = match rng.u8(0..4) {
                0 => Fate::Dies,
                1 => Fate::Closes,
                2 => Fate::Starts,
                _ => Fate::Pauses(secs(*pick(&[1, 3, 6, 60, 1_000], rng))),
            };
            (at(active, rng), fate)
        })
        .collect();
    fates.sort_by_key(|(when, _)| *when);
    fates
}

/// All troubles end. A while later everybody who asks is served, and the store knows every token.
fn recover(fleet: &mut Fleet, tenants: &[TenantId], rng: &mut fastrand::Rng) {
    fleet.service.faults.clear();
    fleet.service.latency = (millis(5), millis(100));
    if let Some(store) = &mut fleet.store {
        store.mishaps.clear();
    }
    // Whoever stands still hears of the last trouble when it goes on.
    fleet.run_until(fleet.all_go_on_at() + secs(1_000));
    for member in fleet.alive() {
        let wishes: Vec<_> = tenants
            .iter()
            .filter(|_| rng.bool())
            .map(|tenant| Wish::interactive(tenant).within(secs(60)))
            .collect();
        fleet.with(member, |world| world.ask(wishes));
    }
    fleet.pass(secs(60));
    for member in fleet.alive() {
        fleet.with(member, |world| {
            for caller in &world.callers {
                let (tenant, answer) = (&caller.wish.tenant, &caller.answer);
                let asked_late = caller.asked_at + secs(60) == world.clock.mono;
                let served = matches!(answer, Some((_, Ok(_))));
                world.must(rule(!asked_late || served, || {
                    format!("long after all troubles ended the caller for {tenant} gets {answer:?}")
                }));
            }
            let told = world.store_knows_what_it_must();
            world.must(told);
        });
    }
}

/// After idle hours nothing is left, neither in a process nor of one in the store.
fn leave_nothing(fleet: &mut Fleet) {
    fleet.pass(secs(3 * 3_600));
    fleet.must(fleet.nothing_is_leased());
    for member in fleet.alive() {
        fleet.with(member, |world| {
            let left = Memory::nothing_left(&world.broker.stats());
            world.must(left);
            let wake_at = world.broker.wake_at();
            world.must(rule(wake_at.is_none(), || format!("after idle hours wake_at is {wake_at:?}")));
        });
    }
}
