//! How long a token lives, on whose clock.

use std::time::Duration;

use crate::{
    Now, UnixTime,
    wire::{IssuedToken, MAX_LIFE},
};

/// Taken off the end of every token: clocks tick in whole seconds, and a request needs time to arrive.
const SAFETY: Duration = Duration::from_secs(5);

/// A token's life on our monotonic clock. A step of the wall clock does not touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lifetime {
    /// When the request left that brought it.
    pub(super) start: Duration,
    /// From here on it is worth waiting a moment for a newer one.
    pub(super) mandatory_from: Duration,
    /// From here on it is not served.
    pub(super) end: Duration,
}

impl Lifetime {
    pub(super) fn life(&self) -> Duration {
        self.end.saturating_sub(self.start)
    }

    /// `sent` is when the request left, on the monotonic clock: the service cannot have issued its answer before that,
    /// so nothing is believed that the way back took.
    pub(super) fn of(issued: &IssuedToken, date: Option<UnixTime>, sent: Duration, now: Now) -> Self {
        let life = believed(issued, date, now.unix);
        let end = (sent + life).saturating_sub(SAFETY);
        let window = (life / 10).min(Duration::from_secs(60));
        Self { start: sent, mandatory_from: end.saturating_sub(window), end }
    }
}

/// The smaller of what `expires_in` and the token itself say. `exp` is on the service's clock, and `Date` tells what that
/// says. Without it our own clock will do if it agrees with the token's times; if not, it is our clock that is wrong.
fn believed(issued: &IssuedToken, date: Option<UnixTime>, local: UnixTime) -> Duration {
    const TOLERANCE: Duration = Duration::from_secs(300);
    let Some(expires_at) = issued.expires_at else { return issued.expires_in.unwrap_or_default() };
    let left = match (date, issued.issued_at) {
        (Some(service_now), _) => Some(expires_at.saturating_since(service_now)),
        (None, Some(from)) if from.saturating_sub(TOLERANCE) <= local && local <= expires_at => {
            Some(expires_at.saturating_since(local))
        }
        (None, _) => None,
    };
    let life = match (left, issued.expires_in) {
        (Some(left), Some(told)) => left.min(told),
        (Some(left), None) => left,
        (None, Some(told)) => told,
        (None, None) => expires_at.saturating_since(issued.issued_at.unwrap_or(local)),
    };
    life.min(MAX_LIFE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Token;

    fn issued(expires_in: Option<u64>, iat: Option<i64>, exp: Option<i64>) -> IssuedToken {
        IssuedToken {
            token: Token::new("t").unwrap(),
            expires_in: expires_in.map(Duration::from_secs),
            timestamp: None,
            issued_at: iat.map(UnixTime::from_secs),
            expires_at: exp.map(UnixTime::from_secs),
        }
    }

    fn life(issued: &IssuedToken, date: Option<i64>, local: i64) -> u64 {
        believed(issued, date.map(UnixTime::from_secs), UnixTime::from_secs(local)).as_secs()
    }

    #[test]
    fn the_smaller_promise_counts_on_the_services_clock() {
        let fresh = issued(Some(1_799), Some(10_000), Some(11_800));
        assert_eq!(life(&fresh, Some(10_000), 0), 1_799);
        assert_eq!(life(&fresh, Some(11_000), 0), 800); // handed out again
        assert_eq!(life(&fresh, Some(12_000), 0), 0);
        assert_eq!(life(&issued(Some(60), Some(10_000), Some(11_800)), Some(10_000), 0), 60);
    }

    #[test]
    fn without_a_date_the_local_clock_counts_only_if_it_agrees() {
        let fresh = issued(Some(1_799), Some(10_000), Some(11_800));
        assert_eq!(life(&fresh, None, 11_000), 800);
        assert_eq!(life(&fresh, None, 9_700), 1_799); // within the tolerance, and expires_in is smaller
        assert_eq!(life(&fresh, None, 9_000), 1_799); // an hour behind
        assert_eq!(life(&fresh, None, 99_000), 1_799); // far ahead
    }

    #[test]
    fn what_is_missing_is_made_up_for() {
        assert_eq!(life(&issued(Some(100), None, None), None, 0), 100);
        assert_eq!(life(&issued(None, Some(10_000), Some(11_800)), None, 5), 1_800);
        assert_eq!(life(&issued(None, None, Some(11_800)), None, 11_000), 800);
        assert_eq!(life(&issued(None, None, Some(11_800)), Some(11_700), 0), 100);
        assert_eq!(life(&issued(None, None, Some(i64::MAX)), Some(11_700), 0), 86_400);
    }

    #[test]
    fn a_life_starts_when_the_request_left_and_ends_early() {
        let now = Now { mono: Duration::from_secs(109), unix: UnixTime::from_secs(10_009) };
        let fresh = issued(Some(1_799), Some(10_000), Some(11_800));
        let date = Some(UnixTime::from_secs(10_000));
        let lifetime = Lifetime::of(&fresh, date, Duration::from_secs(100), now);
        assert_eq!(lifetime.end.as_secs(), 100 + 1_799 - 5);
        assert_eq!(lifetime.mandatory_from.as_secs(), 100 + 1_799 - 5 - 60);
        let short = Lifetime::of(&issued(Some(20), None, None), None, Duration::from_secs(100), now);
        assert_eq!((short.end.as_secs(), short.mandatory_from.as_secs()), (115, 113));
    }
}
