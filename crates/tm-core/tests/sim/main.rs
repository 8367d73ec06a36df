//! The broker in virtual time, with a simulated service, clocks and callers: random schedules from a seed under the
//! invariants of the design, and stories with exact expectations.
//!
//! `TM_SIM_SEEDS` sets how many seeds are run and `TM_SIM_FROM` from which on, `TM_SIM_SEED` runs one alone and shows all of it,
//! and `TM_SIM_EVENTS` sets how many of the last events a failure shows.
#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::unchecked_time_subtraction,
    reason = "a test fails by panicking, and tells what it has done"
)]

mod answers;
mod attempt;
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
    panic::RefUnwindSafe,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use attempt::{attempt, with_fewer_tenants};
use keeping::IN_STORE;
use tally::Tally;

/// Two processors, as our machines have.
const THREADS: usize = 2;

/// Every how many seeds a run is repeated to see whether it repeats itself.
const REPEATED: u64 = 8;

/// What came of one seed.
struct Ran {
    /// Over all that happened.
    hash: u64,
    tally: Tally,
    /// All that happened, if there is but this one seed.
    trace: String,
}

#[test]
fn random_worlds_keep_every_invariant() {
    if let Some(tally) = run_all("worlds", 450, random::run) {
        everything_happened(&tally);
    }
}

#[test]
fn random_fleets_keep_every_invariant() {
    if let Some(tally) = run_all("fleets", 240, random_fleet::run) {
        for name in STORES.split(", ").chain([random_fleet::RIGHT_CLOCKS]) {
            assert!(tally.of(name) > 0, "no fleet had this: {name}; {tally:?}");
        }
        the_store_was_looked_into(&tally);
    }
}

/// Runs the worlds of all seeds, up to the first that breaks a rule. Answers what happened, if there were many.
#[expect(clippy::disallowed_methods, reason = "the test has two threads, each broker in it knows of none")]
fn run_all(what: &str, count: u64, run: impl Fn(u64) -> Ran + Sync + RefUnwindSafe) -> Option<Tally> {
    let seeds = seeds(count);
    let (next, found) = (AtomicU64::new(seeds.start), Mutex::new((Vec::new(), Tally::default())));
    let (broken, tally) = {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end {
                            break;
                        }
                        let result = attempt(|| run_and_repeat(seed, &run));
                        let mut found = found.lock().unwrap();
                        match result {
                            Ok(tally) => found.1.merge(&tally),
                            Err(text) => {
                                found.0.push((seed, text));
                                next.store(seeds.end, Ordering::Relaxed);
                            }
                        }
                    }
                });
            }
        });
        found.into_inner().unwrap()
    };
    if let Some((seed, text)) = broken.into_iter().min() {
        let after = seed - seeds.start + 1;
        let to_be_read = !is_one_alone() && number_from("TM_SIM_EVENTS") != Some(0);
        let smaller = to_be_read.then(|| with_fewer_tenants(|| drop(run(seed)))).flatten();
        let text = smaller.unwrap_or(text);
        panic!(
            "after {after} {what}, seed {seed} breaks a rule; \
             `cargo xtask simulate {what} --seed {seed}` shows all of it\n{text}"
        );
    }
    let count = seeds.end - seeds.start;
    println!(
        "{what}: {count} seeds from {} on keep every rule, with {} calls",
        seeds.start,
        tally.of("calls")
    );
    (count >= 200).then_some(tally)
}

fn seeds(count: u64) -> Range<u64> {
    if let Some(seed) = number_from("TM_SIM_SEED") {
        return seed..seed + 1;
    }
    let from = number_from("TM_SIM_FROM").unwrap_or_default();
    from..from + number_from("TM_SIM_SEEDS").unwrap_or(count)
}

/// Whether but one seed is run, to look at it.
fn is_one_alone() -> bool {
    number_from("TM_SIM_SEED").is_some()
}

/// A number from the environment.
#[expect(clippy::disallowed_methods, reason = "the test is told what to run, the broker is not")]
fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn run_and_repeat(seed: u64, run: impl Fn(u64) -> Ran) -> Tally {
    let Ran { hash, tally, trace } = run(seed);
    print!("{trace}");
    if seed.is_multiple_of(REPEATED) {
        assert_eq!(hash, run(seed).hash, "seed {seed} does not repeat itself");
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
    the_store_was_looked_into(tally);
}

/// Nobody looks while something is under way. 200 seeds find some 2,000 tokens.
fn the_store_was_looked_into(tally: &Tally) {
    let found = tally.of(IN_STORE);
    assert!(found >= 1_000, "only {found} tokens were looked for in the store; {tally:?}");
}
