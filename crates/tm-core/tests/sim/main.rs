//! The broker in virtual time, with a simulated service, clocks and callers: random schedules from a seed under the
//! invariants of the design, and stories with exact expectations.
//!
//! `TM_SIM_SEEDS` sets how many seeds are run, `TM_SIM_SEED` runs one alone, and `TM_SIM_EVENTS` sets how many of the
//! last events a failure shows.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::unchecked_time_subtraction,
    reason = "a test fails by panicking"
)]

mod answers;
mod callers;
mod clock;
mod driver;
mod faults;
mod fleet;
mod fuel;
mod keeping;
mod ledger;
mod lives;
mod oracles;
mod process;
mod queue;
mod random;
mod random_fleet;
mod rest;
mod scenarios;
mod service;
mod store;
mod story;
mod tally;
mod tokens;
mod trace;
mod weather;
mod world;

use std::{
    ops::Range,
    panic::{RefUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use tally::Tally;

/// Two processors, as our machines have.
const THREADS: usize = 2;

/// Every how many seeds a run is repeated to see whether it repeats itself.
const REPEATED: u64 = 8;

#[test]
fn hundreds_of_random_schedules_keep_every_invariant() {
    let tally = run_all(450, random::run);
    if let Some(tally) = tally {
        everything_happened(&tally);
    }
}

#[test]
fn hundreds_of_random_fleets_keep_every_invariant() {
    let tally = run_all(240, random_fleet::run);
    if let Some(tally) = tally {
        for name in STORES.split(", ") {
            assert!(tally.of(name) > 0, "no fleet had this: {name}; {tally:?}");
        }
    }
}

/// Runs the worlds of all seeds. Answers what happened, if there were many.
#[expect(clippy::disallowed_methods, reason = "the test has two threads, each broker in it knows of none")]
fn run_all(count: u64, run: impl Fn(u64) -> (u64, Tally) + Sync + RefUnwindSafe) -> Option<Tally> {
    let seeds = seeds(count);
    let many = seeds.end - seeds.start >= 200;
    let (next, found) = (AtomicU64::new(seeds.start), Mutex::new((Vec::new(), Tally::default())));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let result = catch_unwind(|| run_and_repeat(seed, &run));
                    let mut found = found.lock().unwrap();
                    match result {
                        Ok(tally) => found.1.merge(&tally),
                        Err(_) => found.0.push(seed),
                    }
                }
            });
        }
    });
    let (mut failed, tally) = found.into_inner().unwrap();
    failed.sort_unstable();
    assert!(failed.is_empty(), "{} seeds failed; run each with TM_SIM_SEED: {failed:?}", failed.len());
    many.then_some(tally)
}

fn seeds(count: u64) -> Range<u64> {
    match number_from("TM_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number_from("TM_SIM_SEEDS").unwrap_or(count),
    }
}

/// A number from the environment.
#[expect(clippy::disallowed_methods, reason = "the test is told what to run, the broker is not")]
fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn run_and_repeat(seed: u64, run: impl Fn(u64) -> (u64, Tally)) -> Tally {
    let (hash, tally) = run(seed);
    if seed.is_multiple_of(REPEATED) {
        assert_eq!(hash, run(seed).0, "seed {seed} does not repeat itself");
    }
    tally
}

/// What has to happen with a store.
const STORES: &str = "load, lease, save, remove, release, found, granted, store fails, store is silent, store is deaf, \
    store request lost, store is slow, store is read-only, store answers too few, store answers something else, \
    store has expired ones, store has ancient ones";

/// A simulation in which something never happens says nothing about it.
fn everything_happened(tally: &Tally) {
    const ALL: &str = "served, forgotten, rejected, prefetched, evicted, expired, unauthorized, tenant_refused, throttled, service, \
        transport, decode, too_short, deadline, closed, 3xx, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504, not sent, \
        no trust, timed out, interrupted, too large, lost, silence, slow, undecodable, missing, garbled, foreign, twice, \
        no date, short life, again, dead";
    for name in ALL.split(", ").chain(STORES.split(", ")) {
        assert!(tally.of(name) > 0, "no run had this: {name}; {tally:?}");
    }
}
