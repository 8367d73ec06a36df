//! The rate limit: at most so many calls in any stretch of time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Remembers when calls were let through, so the limit holds for every stretch of `per`, not for calendar windows.
#[derive(Debug)]
pub(crate) struct Limiter {
    calls: usize,
    per: Duration,
    admitted: VecDeque<Instant>,
}

impl Limiter {
    pub(crate) fn new(calls: u32, per: Duration) -> Self {
        Self { calls: usize::try_from(calls).unwrap_or(usize::MAX), per, admitted: VecDeque::new() }
    }

    /// Lets a call through, or tells after how many whole seconds to try again (at least 1).
    pub(crate) fn admit(&mut self, now: Instant) -> Result<(), u64> {
        while self.admitted.front().is_some_and(|&then| now.saturating_duration_since(then) >= self.per) {
            self.admitted.pop_front();
        }
        if self.admitted.len() < self.calls {
            self.admitted.push_back(now);
            return Ok(());
        }
        let waited =
            self.admitted.front().map_or(Duration::ZERO, |&then| now.saturating_duration_since(then));
        Err(whole_seconds_up(self.per.saturating_sub(waited)))
    }
}

fn whole_seconds_up(wait: Duration) -> u64 {
    let partial = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(partial).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_too_many_is_told_when_the_oldest_leaves_the_stretch() {
        let start = Instant::now();
        let mut limiter = Limiter::new(2, Duration::from_secs(10));
        assert_eq!(limiter.admit(start), Ok(()));
        assert_eq!(limiter.admit(start + Duration::from_secs(4)), Ok(()));
        assert_eq!(limiter.admit(start + Duration::from_millis(6500)), Err(4));
        assert_eq!(limiter.admit(start + Duration::from_secs(10)), Ok(()));
        assert_eq!(limiter.admit(start + Duration::from_secs(11)), Err(3));
    }

    #[test]
    fn a_limit_of_nothing_admits_nothing() {
        let mut limiter = Limiter::new(0, Duration::from_millis(100));
        assert_eq!(limiter.admit(Instant::now()), Err(1));
    }

    #[test]
    fn refused_calls_do_not_count() {
        let start = Instant::now();
        let mut limiter = Limiter::new(1, Duration::from_secs(1));
        assert_eq!(limiter.admit(start), Ok(()));
        for _ in 0..5 {
            assert!(limiter.admit(start + Duration::from_millis(999)).is_err());
        }
        assert_eq!(limiter.admit(start + Duration::from_secs(1)), Ok(()));
    }
}
