//! The processor's time of one call without latency, client and service on one core.

use std::hint::black_box;

use canned::{Answers, Server, tenant};
use measure::{Line, by_turns, process_time, wanted, wanted_group};
use rustix::thread::{CpuSet, sched_setaffinity};
use tm_core::TenantId;
use tokio::runtime::Runtime;

use crate::bare::{Reqwest, Ureq};

const ROUNDS: usize = 15;
const CALLS: usize = 200;

pub fn run() {
    if !wanted_group("call-") {
        return;
    }
    on_one_core();
    let server = Server::start(Answers::new(1_500, 0), std::time::Duration::ZERO);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (reqwest, ureq) = (Reqwest::new(&server.url), Ureq::new(&server.url));
    let blocking = tm_blocking::Client::new(canned::setup(&server.url)).expect("set up");
    let ours = tm_async::Client::new(canned::setup(&server.url)).expect("set up");
    let mut next = 0;

    if wanted("call-single-async") {
        let pair = by_turns(
            ROUNDS,
            || each(&runtime, async || drop(black_box(ours.token(new(&mut next)).await.expect("a token")))),
            || each(&runtime, async || drop(black_box(reqwest.token("tenant-000001").await.access_token))),
        );
        Line::of("call-single-async", "µs", "bare reqwest", micros(pair)).at_most(1.15).print();
    }
    if wanted("call-batch-async") {
        let five: Vec<_> = (0..5).map(tenant).collect();
        let pair = by_turns(
            ROUNDS,
            || each(&runtime, async || drop(black_box(ours.tokens(new_five(&mut next)).await))),
            || each(&runtime, async || drop(black_box(reqwest.tokens(&five).await))),
        );
        Line::of("call-batch-async", "µs", "bare reqwest", micros(pair)).at_most(1.3).print();
    }
    if wanted("call-single-blocking") {
        let pair = by_turns(
            ROUNDS,
            || each(&runtime, async || drop(black_box(blocking.token(new(&mut next)).expect("a token")))),
            || each(&runtime, async || drop(black_box(ureq.token("tenant-000001").access_token))),
        );
        Line::of("call-single-blocking", "µs", "bare ureq", micros(pair)).at_most(1.15).print();
    }
    if wanted("call-batch-blocking") {
        let five: Vec<_> = (0..5).map(tenant).collect();
        let pair = by_turns(
            ROUNDS,
            || each(&runtime, async || drop(black_box(blocking.tokens(new_five(&mut next))))),
            || each(&runtime, async || drop(black_box(ureq.tokens(&five)))),
        );
        Line::of("call-batch-blocking", "µs", "bare ureq", micros(pair)).at_most(1.3).print();
    }
}

fn each(runtime: &Runtime, mut call: impl AsyncFnMut()) -> f64 {
    let start = process_time();
    runtime.block_on(async {
        for _ in 0..CALLS {
            call().await;
        }
    });
    (process_time() - start) / CALLS as f64
}

/// A tenant that was not asked for yet.
fn new(next: &mut usize) -> TenantId {
    *next += 1;
    TenantId::new(tenant(*next)).expect("visible ASCII")
}

fn new_five(next: &mut usize) -> [TenantId; 5] {
    std::array::from_fn(|_| new(next))
}

fn micros(pair: measure::Pair) -> measure::Pair {
    measure::Pair { ours: pair.ours / 1e3, baseline: pair.baseline / 1e3, ..pair }
}

/// From here on, for all threads that start.
fn on_one_core() {
    let mut cores = CpuSet::new();
    cores.set(0);
    // Where the machine forbids it, the figures are of several cores.
    let _ = sched_setaffinity(None, &cores);
}
