//! What readings of the clocks cost on this machine. They explain the hits; nothing is aimed at.

use std::time::Instant;

use measure::{Line, nanos_each, wanted_group};
use rustix::time::{ClockId, clock_gettime};

pub fn run() {
    if !wanted_group("clock-") {
        return;
    }
    let clocks = [
        ("clock-boottime", ClockId::Boottime),
        ("clock-monotonic", ClockId::Monotonic),
        ("clock-monotonic-coarse", ClockId::MonotonicCoarse),
        ("clock-realtime-coarse", ClockId::RealtimeCoarse),
    ];
    for (name, clock) in clocks {
        report(name, || nanos_each(100_000, |_| clock_gettime(clock)));
    }
    report("clock-instant", || nanos_each(100_000, |_| Instant::now()));
    let ours = tm_driver::Clock::start();
    report("clock-ours-at-most", || nanos_each(100_000, |_| ours.mono_at_most()));
    report("clock-ours", || nanos_each(100_000, |_| ours.mono()));
}

fn report(name: &str, measure: impl FnMut() -> f64) {
    let figures = std::iter::repeat_with(measure).take(21).collect();
    Line::alone(name, "ns", measure::median(figures)).print();
}
