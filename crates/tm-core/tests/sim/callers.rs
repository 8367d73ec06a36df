//! Random callers: the hasty, the many, the forgetful, the demanding, and those whose token is refused elsewhere.

use std::time::Duration;

use tm_core::TenantId;

use crate::{
    clock::{START, millis, secs},
    queue::{Act, Queue, Wait, Wish},
    weather::{at, pick},
};

/// Puts all callers of a world into its queue. Demanding ones ask for lives around those that the service grants.
pub(crate) fn arrive(
    queue: &mut Queue,
    active: Duration,
    tenants: &[TenantId],
    fair: bool,
    rng: &mut fastrand::Rng,
) {
    let bursts: Vec<Duration> = (0..rng.usize(1..6)).map(|_| at(active, rng)).collect();
    for _ in 0..rng.usize(10..80) {
        // Half of them come close together, the others any time: some find a cold client, some a warm one.
        let when = if rng.bool() { *pick(&bursts, rng) + millis(rng.u64(0..3_000)) } else { at(active, rng) };
        let wishes = match rng.u8(0..10) {
            0 => many(tenants, rng),
            1 => crowd(tenants, rng),
            _ => vec![one(pick(tenants, rng), fair, rng)],
        };
        queue.push(when, Act::Want(wishes));
    }
    // Someone who polls, as applications do.
    let polled = pick(tenants, rng);
    let every = secs(rng.u64(1..120));
    let mut when = START + every;
    for _ in 0..rng.usize(0..60) {
        if when >= START + active {
            break;
        }
        queue.push(when, Act::Want(vec![Wish { looks: true, ..one(polled, fair, rng) }]));
        when += every;
    }
}

/// Bulk: many tenants in one step, with repetitions now and then.
fn many(tenants: &[TenantId], rng: &mut fastrand::Rng) -> Vec<Wish> {
    let count = rng.usize(1..=tenants.len().min(120));
    let start = rng.usize(0..tenants.len());
    let wishes = (0..count).map(|offset| Wish::bulk(&tenants[(start + offset) % tenants.len()]));
    let span = secs(rng.u64(5..60));
    wishes.map(|wish| Wish { patience: Wait::Idle(span), ..wish }).collect()
}

/// Several callers for few tenants in one step.
fn crowd(tenants: &[TenantId], rng: &mut fastrand::Rng) -> Vec<Wish> {
    let few: Vec<&TenantId> = (0..rng.usize(1..4)).map(|_| pick(tenants, rng)).collect();
    (0..rng.usize(2..30)).map(|_| Wish::interactive(few[rng.usize(0..few.len())])).collect()
}

fn one(tenant: &TenantId, fair: bool, rng: &mut fastrand::Rng) -> Wish {
    let wish = Wish { looks: rng.bool(), ..Wish::interactive(tenant) };
    match rng.u8(0..12) {
        0 => wish.within(millis(rng.u64(0..2_000))),
        1 => wish.within(secs(rng.u64(2..300))),
        2 | 3 => Wish { forgets_after: Some(millis(rng.u64(0..800))), ..wish },
        4 => wish.least(secs(rng.u64(1..2_400))),
        5 | 6 if !fair => Wish { rejects_after: Some(millis(rng.u64(0..20_000))), ..wish },
        _ => wish,
    }
}
