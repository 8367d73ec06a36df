//! What comes from outside and is read with the cipher or the Redis library, without which the targets in `tests/fuzz` are built.
//! Inputs are made of good ones as there, but the same each time.
#![cfg(feature = "seal")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod files;
#[cfg(unix)] // elsewhere nobody reads what is locked
mod leases;
mod records;
mod rings;
#[cfg(feature = "redis")]
mod urls;

#[path = "../../../../tests/fuzz/src/mutation.rs"]
mod mutation;
#[path = "../file/support.rs"]
#[allow(dead_code, reason = "the tests of the file store use all of it")]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

/// Stands where an error might repeat something.
const CANARY: &str = "hush-7f3a";

/// Where each is a file, which takes its time.
const INPUTS_IN_FILES: u64 = 2_000;

/// Gives `read` so many inputs; it tells whether there was something in one. Answers in how many.
fn each(inputs: u64, seeds: &[Vec<u8>], words: &[&str], read: impl Fn(&[u8]) -> bool) -> usize {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let is_something = |number: &u64| {
        let input = mutation::mutated(seeds, &words, &mut Rng::with_seed(*number));
        catch_unwind(AssertUnwindSafe(|| read(&input)))
            .unwrap_or_else(|_| panic!("input {number}: {}", input.escape_ascii()))
    };
    (0..inputs).filter(is_something).count()
}

fn texts(seeds: &[impl AsRef<str>]) -> Vec<Vec<u8>> {
    seeds.iter().map(|text| text.as_ref().as_bytes().to_vec()).collect()
}
