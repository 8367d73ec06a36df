//! How long not to ask, and how often to try again.

use std::time::Duration;

use fastrand::Rng;

/// Full jitter: anything up to the cap of this attempt, so that a fleet's retries spread evenly (AWS, "Exponential
/// backoff and jitter"). `failed` counts the attempts that failed, from 1.
pub(crate) fn before_retry(rng: &mut Rng, failed: u32, base: Duration) -> Duration {
    const CAP: Duration = Duration::from_secs(5);
    let doubled = base.saturating_mul(1 << failed.saturating_sub(1).min(16));
    between(rng, Duration::from_millis(1), doubled.min(CAP))
}

/// After a failure that was not tried again (RFC 9520 §3.2 asks for 1 s at least).
pub(super) fn after_failure(rng: &mut Rng) -> Duration {
    between(rng, Duration::from_secs(1), Duration::from_secs(5))
}

/// While the breaker is open.
pub(super) fn of_breaker(rng: &mut Rng) -> Duration {
    between(rng, Duration::from_secs(5), Duration::from_secs(30))
}

/// After the `nth` refusal of one tenant in a row, from 1: 30 s, doubling to 5 minutes (RFC 9520 §3.2).
pub(super) fn after_refusal(nth: u32) -> Duration {
    doubling(Duration::from_secs(30), nth, Duration::from_secs(300))
}

/// After the `nth` rejected token of one tenant in a row, from 1. The first is free: tokens do get revoked.
pub(super) fn after_rejection(nth: u32) -> Duration {
    match nth {
        0 | 1 => Duration::ZERO,
        _ => doubling(Duration::from_secs(5), nth - 1, Duration::from_secs(60)),
    }
}

fn doubling(first: Duration, nth: u32, cap: Duration) -> Duration {
    first.saturating_mul(1 << nth.saturating_sub(1).min(16)).min(cap)
}

fn between(rng: &mut Rng, low: Duration, high: Duration) -> Duration {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(rng.u64(micros(low)..=micros(high).max(micros(low))))
}

/// Bounds how much of the traffic is retries (gRPC A6): ten tokens, a retry costs one, a success returns a tenth, and
/// below half there is none.
#[derive(Debug)]
pub(super) struct RetryBudget {
    tenths: u32,
}

impl RetryBudget {
    const FULL: u32 = 100;

    pub(super) fn full() -> Self {
        Self { tenths: Self::FULL }
    }

    pub(super) fn take(&mut self) -> bool {
        let enough = self.tenths >= Self::FULL / 2;
        if enough {
            self.tenths -= 10;
        }
        enough
    }

    pub(super) fn give(&mut self) {
        self.tenths = (self.tenths + 1).min(Self::FULL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_double_to_five_minutes_and_never_overflow() {
        let waits = |nth| after_refusal(nth).as_secs();
        assert_eq!([waits(1), waits(2), waits(3), waits(4), waits(5)], [30, 60, 120, 240, 300]);
        assert_eq!(waits(u32::MAX), 300);
    }

    #[test]
    fn the_first_rejection_is_free() {
        let waits = |nth| after_rejection(nth).as_secs();
        assert_eq!(
            [waits(1), waits(2), waits(3), waits(5), waits(6), waits(u32::MAX)],
            [0, 5, 10, 40, 60, 60]
        );
    }

    #[test]
    fn retries_use_the_whole_range_below_their_cap() {
        let mut rng = Rng::with_seed(1);
        let base = Duration::from_millis(200);
        let draws: Vec<_> = (0..2_000).map(|_| before_retry(&mut rng, 2, base)).collect();
        assert!(draws.iter().all(|wait| !wait.is_zero() && *wait <= Duration::from_millis(400)));
        assert!(draws.iter().any(|wait| *wait < Duration::from_millis(20)));
        assert!(draws.iter().any(|wait| *wait > Duration::from_millis(380)));
        assert!(before_retry(&mut rng, u32::MAX, base) <= Duration::from_secs(5));
    }

    #[test]
    fn rests_use_the_whole_range_between_their_bounds() {
        type Rest = fn(&mut Rng) -> Duration;
        let mut rng = Rng::with_seed(1);
        for (rest, from, to) in [(after_failure as Rest, 1.0, 5.0), (of_breaker, 5.0, 30.0)] {
            let draws: Vec<f64> = (0..2_000).map(|_| rest(&mut rng).as_secs_f64()).collect();
            assert!(draws.iter().all(|secs| (from..=to).contains(secs)));
            let margin = (to - from) / 20.0;
            assert!(draws.iter().any(|secs| *secs < from + margin));
            assert!(draws.iter().any(|secs| *secs > to - margin));
        }
    }

    #[test]
    fn the_budget_ends_at_half_and_comes_back_with_successes() {
        let mut budget = RetryBudget::full();
        assert_eq!((0..100).filter(|_| budget.take()).count(), 6);
        for _ in 0..9 {
            budget.give();
        }
        assert!(!budget.take());
        budget.give();
        assert!(budget.take());
    }
}
