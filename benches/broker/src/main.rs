//! What the broker costs with many tenants, in virtual time, and what the tokens cost in memory.
//!
//! `broker plot FILE` draws the cost of an event against the number of tenants, 100 to 1,000,000.

mod memory;
mod plot;
mod world;

use measure::{Line, Pair, wanted};
use world::World;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [verb, file] = &arguments[..]
        && verb == "plot"
    {
        return plot::draw(file);
    }
    events();
    steady();
    memory::run();
}

/// A step of the broker, its drain included, in a client that keeps so many tenants supplied.
fn events() {
    let names = ["broker-event-10k", "broker-event-100k"];
    if !names.iter().any(|name| wanted(name)) {
        return;
    }
    let few = World::supplied(100).run(5_000).nanos_each();
    for (name, tenants) in names.into_iter().zip([10_000, 100_000]) {
        if wanted(name) {
            let many = World::supplied(tenants).run(5_000).nanos_each();
            let pair = Pair { ours: many, baseline: few, ratio: many / few };
            Line::of(name, "ns", "100 tenants", pair).at_most(2.0).print();
        }
    }
}

/// Everything but HTTP and TLS: requests and answers, the broker, the view.
fn steady() {
    if !wanted("steady-100k") {
        return;
    }
    let run = World::supplied(100_000).run(20_000);
    let share = run.all_nanos() / run.took.as_nanos() as f64;
    Line::alone("steady-100k", "of a core", share).at_most(0.01).print();
}
