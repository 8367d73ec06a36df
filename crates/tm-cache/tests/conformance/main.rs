//! The conformance suite: over the stores of this crate, and over stores that are broken in one way each.

mod broken;
mod faults;

use std::task::{Context, Waker};

use broken::Broken;
use tm_cache::{
    MemoryStore,
    conformance::{Suite, Work},
};

#[test]
fn the_memory_store_keeps_the_contract() {
    Suite::of(MemoryStore::default).run().assert();
}

#[test]
fn the_memory_store_keeps_the_contract_for_async_callers() {
    Suite::of_async(MemoryStore::default, block_on).run().assert();
}

#[test]
fn several_handles_on_one_memory_store_keep_the_contract() {
    let place = Broken::not_at_all();
    Suite::of(|| place.clone()).shared().run().assert();
}

/// For futures that wait for nothing.
fn block_on(mut work: Work<'_>) {
    let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_ready(), "a store in memory waits for nothing");
}
