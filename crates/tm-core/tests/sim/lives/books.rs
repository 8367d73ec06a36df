//! What is counted in a town.

use std::{collections::BTreeMap, time::Duration};

/// Bins in which rates are counted.
const BIN: Duration = Duration::from_secs(10);

/// All that a run is judged by.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// When each call left, with how many tenants.
    pub(crate) calls: Vec<(Duration, usize)>,
    /// Tokens that came when the last one was near its end already.
    pub(crate) late: usize,
    /// From when and until when callers waited though a token was in hand, near its end.
    pub(crate) waits_in_hand: Vec<(Duration, Duration)>,
    /// The same of those who had none.
    waits: Vec<(Duration, Duration)>,
    failures: Vec<Duration>,
}

impl Books {
    pub(super) fn called(&mut self, now: Duration, tenants: usize) {
        self.calls.push((now, tenants));
    }

    pub(super) fn waited(&mut self, since: Duration, until: Duration, in_hand: bool) {
        let waits = if in_hand { &mut self.waits_in_hand } else { &mut self.waits };
        waits.push((since, until));
    }

    pub(super) fn failed(&mut self, now: Duration) {
        self.failures.push(now);
    }

    pub(super) fn shown(&mut self, now: Duration, last_until: Option<Duration>) {
        self.late += usize::from(last_until.is_some_and(|until| now > until));
    }

    /// How many callers that came in this time waited, and the longest wait.
    pub(crate) fn waits(&self, from: Duration, until: Duration) -> (usize, Duration) {
        let waits = self.waits.iter().filter(|(since, _)| (from..until).contains(since));
        waits.fold((0, Duration::ZERO), |(count, longest), (since, until)| {
            (count + 1, longest.max(*until - *since))
        })
    }

    pub(crate) fn failures(&self, from: Duration, until: Duration) -> usize {
        self.failures.iter().filter(|at| (from..until).contains(at)).count()
    }

    pub(crate) fn calls_between(&self, from: Duration, until: Duration) -> usize {
        self.calls.iter().filter(|(at, _)| (from..until).contains(at)).count()
    }

    /// Tenants a call, of the calls of this time.
    pub(crate) fn fill(&self, from: Duration, until: Duration) -> f64 {
        let calls = self.calls.iter().filter(|(at, _)| (from..until).contains(at));
        let (count, tenants) = calls.fold((0, 0), |(count, sum), (_, tenants)| (count + 1, sum + tenants));
        ratio(tenants, count)
    }

    /// The busiest bin against the mean of all bins of this time, in tenants fetched.
    pub(crate) fn peak_over_mean(&self, from: Duration, until: Duration) -> f64 {
        let mut bins = BTreeMap::new();
        for (at, tenants) in &self.calls {
            if (from..until).contains(at) {
                *bins.entry((*at - from).as_millis() / BIN.as_millis()).or_insert(0) += tenants;
            }
        }
        let count = usize::try_from((until - from).as_millis() / BIN.as_millis()).expect("a few bins");
        let peak: usize = bins.values().copied().max().unwrap_or_default();
        ratio(peak * count, bins.values().sum())
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}
