//! What a hit costs, beside what it cannot cost less than: a look-up in a map that nobody else touches, with the same
//! hasher, a clone of what is found, and a reading of the clock.

mod allocations;
mod clocks;
mod header;
mod lookups;

fn main() {
    lookups::run();
    header::run();
    allocations::run();
    clocks::run();
}
