//! How the figures are taken: ours and the baseline by turns, medians over the rounds, one line of JSON each.

use std::{hint::black_box, time::Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// What is said on stdout, one line of JSON each. `cargo xtask bench` makes the table of it.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// What was measured, as it can be asked for.
    pub name: &'a str,
    /// Of both figures.
    pub unit: &'a str,
    /// The product's figure.
    pub ours: f64,
    /// What it is held against.
    pub baseline: Option<f64>,
    /// What the baseline is.
    pub against: &'a str,
    /// Ours by the baseline's; the median over the rounds, which is not quite the ratio of the medians.
    pub ratio: Option<f64>,
    /// The target for the ratio, or for our figure where there is no baseline.
    pub target: Option<f64>,
    /// Whether the target is a least one: how many times as fast.
    pub at_least: bool,
}

impl<'a> Line<'a> {
    /// Two figures beside each other.
    pub fn of(name: &'a str, unit: &'a str, against: &'a str, pair: Pair) -> Self {
        let Pair { ours, baseline, ratio } = pair;
        Self {
            name,
            unit,
            ours,
            baseline: Some(baseline),
            against,
            ratio: Some(ratio),
            target: None,
            at_least: false,
        }
    }

    /// A figure that stands for itself.
    pub fn alone(name: &'a str, unit: &'a str, ours: f64) -> Self {
        Self { name, unit, ours, baseline: None, against: "", ratio: None, target: None, at_least: false }
    }

    /// At most so much.
    pub fn at_most(self, target: f64) -> Self {
        Self { target: Some(target), ..self }
    }

    /// At least so much.
    pub fn at_least(self, target: f64) -> Self {
        Self { target: Some(target), at_least: true, ..self }
    }

    /// Says it.
    pub fn print(&self) {
        println!("{}", serde_json::to_string(self).expect("numbers and texts"));
    }
}

/// Two figures taken by turns.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// The median of ours.
    pub ours: f64,
    /// The median of the baseline's.
    pub baseline: f64,
    /// The median of the ratios.
    pub ratio: f64,
}

/// Takes both figures by turns, so that what disturbs one disturbs the other. The first round warms up and does not count.
pub fn by_turns(rounds: usize, mut ours: impl FnMut() -> f64, mut baseline: impl FnMut() -> f64) -> Pair {
    let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (our, base) = (ours(), baseline());
        if round > 0 {
            a.push(our);
            b.push(base);
            ratios.push(our / base);
        }
    }
    Pair { ours: median(a), baseline: median(b), ratio: median(ratios) }
}

/// The middle one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Nanoseconds of this thread's time that one call takes, over so many. What others do on the machine meanwhile does not
/// count, but for what they leave in the caches.
pub fn nanos_each<T>(times: usize, mut work: impl FnMut(usize) -> T) -> f64 {
    let start = thread_time();
    for time in 0..times {
        black_box(work(black_box(time)));
    }
    (thread_time() - start) / times as f64
}

/// How long this thread has run, in nanoseconds.
pub fn thread_time() -> f64 {
    nanos(ClockId::ThreadCPUTime)
}

/// How long all threads of this process have run, in nanoseconds, and the system for them.
pub fn process_time() -> f64 {
    nanos(ClockId::ProcessCPUTime)
}

fn nanos(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Nanoseconds since then.
pub fn nanos_since(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64
}

/// Whether a line was asked for: all of them, if none was named on the command line.
pub fn wanted(name: &str) -> bool {
    let mut names = std::env::args().skip(1).peekable();
    names.peek().is_none() || names.any(|part| name.contains(&part))
}

/// Whether any line of a group was asked for, all of whose names begin like this.
pub fn wanted_group(beginning: &str) -> bool {
    let mut names = std::env::args().skip(1).peekable();
    names.peek().is_none() || names.any(|part| part.starts_with(beginning) || beginning.contains(&part))
}
