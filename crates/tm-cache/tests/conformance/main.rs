//! The conformance suite: over the stores of this crate, and over stores that are broken in one way each.

mod broken;
mod calls;
mod layered;
mod rules;
mod sloppy;
mod three_methods;

use std::{
    collections::BTreeSet,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use sloppy::Sloppy;
use tm_cache::{
    AsyncStore, Key, Layered, MemoryStore, NoStore, Store,
    conformance::{Report, Suite, Verdict, Work},
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
fn a_store_that_clients_share_keeps_the_contract() {
    Suite::of(Arc::<MemoryStore>::default).run().assert();
    Suite::of_async(Arc::<MemoryStore>::default, block_on).run().assert();
}

#[test]
fn a_store_that_keeps_nothing_has_an_answer_for_each_key() {
    let keys = [b"acme", b"next"].map(|name| Key::from_bytes(name));
    assert_eq!(Store::get_many(&NoStore, &keys).unwrap(), [None, None]);
}

#[test]
fn whoever_passes_calls_on_leases_if_what_is_below_does() {
    let (shared, layered) = (Arc::<MemoryStore>::default(), Layered::<NoStore, MemoryStore>::default());
    assert!(Store::leases(&shared) && AsyncStore::leases(&shared));
    assert!(Store::leases(&layered) && AsyncStore::leases(&layered));
    let (shared, layered) = (Arc::<NoStore>::default(), Layered::<MemoryStore, NoStore>::default());
    assert!(!Store::leases(&shared) && !AsyncStore::leases(&shared));
    assert!(!Store::leases(&layered) && !AsyncStore::leases(&layered));
}

#[test]
fn a_simple_store_keeps_the_contract_through_several_handles() {
    let place = Sloppy::default();
    let report = Suite::of(|| place.clone()).shared().run();
    report.assert();
    let skipped: Vec<_> =
        report.findings().iter().filter(|found| *found.verdict() != Verdict::Kept).collect();
    assert_eq!(skipped.len(), 1, "{report}");
    assert_eq!(skipped[0].name(), "without_leases_nothing_is_held");
}

#[test]
fn a_store_whose_clock_ticks_slowly_says_so() {
    let slow = || {
        let mut store = Sloppy::default();
        store.rules.left = |whole, gone| {
            let ticks = whole.saturating_sub(gone).as_millis().div_ceil(100);
            Duration::from_millis(u64::try_from(ticks).map_or(u64::MAX, |ticks| 100 * ticks))
        };
        store
    };
    for name in ["nothing_is_answered_past_its_end", "what_is_answered_tells_what_is_left"] {
        Suite::of(slow).tick(Duration::from_millis(100)).only(name).run().assert();
    }
}

/// A store that does one thing wrong, and the check that is to tell.
struct Fault {
    found_by: &'static str,
    what: &'static str,
    report: Box<dyn Fn() -> Report>,
}

impl Fault {
    fn new<S: Store>(found_by: &'static str, what: &'static str, make: impl Fn() -> S + 'static) -> Self {
        let report = Box::new(move || Suite::of(&make).only(found_by).run());
        Self { found_by, what, report }
    }

    fn shared<S: Store>(found_by: &'static str, what: &'static str, make: impl Fn() -> S + 'static) -> Self {
        let report = Box::new(move || Suite::of(&make).shared().only(found_by).run());
        Self { found_by, what, report }
    }
}

#[test]
fn each_fault_is_found_by_the_check_that_is_there_for_it() {
    for Fault { found_by, what, report } in calls::faults().into_iter().chain(rules::faults()) {
        // On a machine that stalls, what is about time gives a store the benefit of the doubt.
        let report = (0..5).map(|_| report()).find(|report| !report.is_clean()).unwrap_or_else(&report);
        assert_eq!(report.broken().collect::<Vec<_>>(), [found_by], "{what}\n{report}");
    }
}

#[test]
fn each_check_finds_a_fault() {
    let found_by: BTreeSet<_> =
        calls::faults().iter().chain(&rules::faults()).map(|fault| fault.found_by).collect();
    let names: BTreeSet<_> = Suite::names().collect();
    assert_eq!(found_by, names);
}

#[test]
fn a_report_tells_what_was_expected_and_what_was_seen_and_no_secret() {
    let fault = calls::faults().into_iter().find(|fault| fault.what == "bytes are taken for text").unwrap();
    let report = (fault.report)();
    let expected = "\
broken: bytes_come_back_as_they_were
  the contract: What is kept under a key is what was put there, up to 32 KiB of any bytes.
  expected:     the record issued at -100 s, ending at 3500 s, of token fe, with 298 bytes with all 256 values in its body
  seen:         the record issued at -100 s, ending at 3500 s, of token fe, with 554 bytes
0 kept, 1 broken, 0 skipped";
    assert_eq!(report.to_string(), expected);
}

#[test]
fn what_is_left_out_stands_in_the_report_with_its_reason() {
    let suite = Suite::of(MemoryStore::default).only("keys_have_any_bytes");
    let report = suite.except("keys_have_any_bytes", "our keys are text").run();
    report.assert();
    assert_eq!(
        report.to_string(),
        "skipped: keys_have_any_bytes: our keys are text\n0 kept, 0 broken, 1 skipped"
    );
}

#[test]
fn a_check_that_does_not_exist_is_not_passed() {
    let report = Suite::of(MemoryStore::default).only("it_is_fast").run();
    assert_eq!(report.broken().collect::<Vec<_>>(), ["it_is_fast"]);
    assert!(
        !Suite::of(MemoryStore::default).only("keys_have_any_bytes").except("so_be_it", "").run().is_clean()
    );
}

fn block_on(work: Work<'_>) {
    at_once(work);
}

/// For futures that wait for nothing.
#[expect(clippy::panic, reason = "a test fails by panicking")]
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a store in memory waits for nothing"),
    }
}
