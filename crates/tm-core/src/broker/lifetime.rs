//! How long a token lives, on whose clock.

use std::time::Duration;

use super::{Kept, Stamp};
use crate::{
    Now, UnixTime,
    wire::{IssuedToken, MAX_LIFE},
};

/// Taken off the end of every token: clocks tick in whole seconds, and a request needs time to arrive.
const SAFETY: Duration = Duration::from_secs(5);

/// A token's life on our monotonic clock. A step of the wall clock does not touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lifetime {
    /// How long it lives in all. It may have begun before our clock did.
    pub(super) life: Duration,
    /// From here on it is worth waiting a moment for a newer one.
    pub(super) mandatory_from: Duration,
    /// From here on it is not served.
    pub(super) end: Duration,
}

impl Lifetime {
    /// `sent` is when the request left, on the monotonic clock: the service cannot have issued its answer before that,
    /// so nothing is believed that the way back took.
    pub(super) fn of(issued: &IssuedToken, date: Option<UnixTime>, sent: Duration, now: Now) -> Self {
        let life = believed(issued, date, now.unix);
        Self::ending((sent + life).saturating_sub(SAFETY), life.saturating_sub(SAFETY))
    }

    /// Of a token that a store has kept. `asked` is when the store was asked, on the monotonic clock; what the store has left
    /// of its life is believed no further than the token's own end, by the service's clock as far as we know it.
    pub(super) fn of_kept(kept: &Kept, service_now: Option<UnixTime>, asked: Duration, now: Now) -> Self {
        let Stamp { issued, expires } = kept.stamp;
        let plausible = issued.saturating_sub(TOLERANCE) <= now.unix && now.unix <= expires;
        let service_now = service_now.or_else(|| plausible.then_some(now.unix));
        let own = service_now.map(|clock| now.mono + expires.saturating_since(clock).min(MAX_LIFE));
        let left = asked + kept.remaining.min(MAX_LIFE);
        let end = own.map_or(left, |own| left.min(own.saturating_sub(SAFETY)));
        Self::ending(end, expires.saturating_since(issued).min(MAX_LIFE).saturating_sub(SAFETY))
    }

    pub(super) fn ending(end: Duration, life: Duration) -> Self {
        let window = (life / 10).min(Duration::from_secs(60));
        Self { life, mandatory_from: end.saturating_sub(window), end }
    }
}

/// When a token was issued and when it ends, on the service's clock, as well as it is known.
pub(super) fn stamp(issued: &IssuedToken, date: Option<UnixTime>, now: Now) -> Stamp {
    let at = issued.issued_at.or(issued.timestamp).or(date).unwrap_or(now.unix);
    let life = issued.expires_in.unwrap_or(MAX_LIFE);
    Stamp { issued: at, expires: issued.expires_at.unwrap_or_else(|| at.saturating_add(life)) }
}

/// What an answer told of the service's clock, which goes on at the pace of ours, whatever the wall clock does.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServiceClock {
    date: UnixTime,
    sent: Duration,
}

impl ServiceClock {
    /// `sent` is when the request left: the clock is rather a little ahead than behind.
    pub(super) fn new(date: UnixTime, sent: Duration) -> Self {
        Self { date, sent }
    }

    pub(super) fn at(self, mono: Duration) -> UnixTime {
        self.date.saturating_add(mono.saturating_sub(self.sent))
    }
}

/// Clocks that are further apart do not agree.
const TOLERANCE: Duration = Duration::from_secs(300);

/// The smaller of what `expires_in` and the token itself say. `exp` is on the service's clock, and `Date` tells what that
/// says. Without it our own clock will do if it agrees with the token's times; if not, it is our clock that is wrong.
fn believed(issued: &IssuedToken, date: Option<UnixTime>, local: UnixTime) -> Duration {
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

    fn kept(issued: i64, remaining: u64) -> Kept {
        let (issued, expires) = (UnixTime::from_secs(issued), UnixTime::from_secs(issued + 1_800));
        let stamp = Stamp { issued, expires };
        Kept {
            token: Token::new("t").unwrap(),
            stamp,
            remaining: Duration::from_secs(remaining),
            cold: false,
        }
    }

    fn end_of_kept(kept: &Kept, service_now: Option<i64>, local: i64) -> u64 {
        let now = Now { mono: Duration::from_secs(501), unix: UnixTime::from_secs(local) };
        let service_now = service_now.map(UnixTime::from_secs);
        Lifetime::of_kept(kept, service_now, Duration::from_secs(500), now).end.as_secs()
    }

    #[test]
    fn a_kept_token_lives_as_long_as_the_store_says_and_no_longer_than_its_own_end() {
        assert_eq!(end_of_kept(&kept(10_000, 1_000), Some(10_100), 0), 1_500);
        assert_eq!(end_of_kept(&kept(10_000, 1_799), Some(10_100), 0), 501 + 1_700 - 5);
        assert_eq!(end_of_kept(&kept(10_000, 1_799), Some(99_999), 0), 501 - 5, "it is over");
    }

    #[test]
    fn without_the_services_clock_ours_counts_for_a_kept_token_if_it_can_be_right() {
        assert_eq!(end_of_kept(&kept(10_000, 1_799), None, 11_000), 501 + 800 - 5);
        assert_eq!(end_of_kept(&kept(10_000, 1_799), None, 14_600), 500 + 1_799);
        assert_eq!(end_of_kept(&kept(10_000, 1_799), None, 6_400), 500 + 1_799);
        assert_eq!(end_of_kept(&kept(10_000, u64::MAX), None, 0), 500 + 86_400, "absurd");
    }

    #[test]
    fn the_services_clock_goes_on_at_our_pace() {
        let clock = ServiceClock::new(UnixTime::from_secs(10_000), Duration::from_secs(100));
        assert_eq!(clock.at(Duration::from_secs(160)), UnixTime::from_secs(10_060));
    }

    #[test]
    fn a_stamp_is_told_by_the_token_then_by_the_answer_then_by_our_clock() {
        let now = Now { mono: Duration::ZERO, unix: UnixTime::from_secs(7) };
        let stamp_of = |token: &IssuedToken, date: Option<i64>| {
            let stamp = stamp(token, date.map(UnixTime::from_secs), now);
            (stamp.issued.as_secs(), stamp.expires.as_secs())
        };
        assert_eq!(stamp_of(&issued(Some(60), Some(10), Some(1_810)), Some(20)), (10, 1_810));
        assert_eq!(stamp_of(&issued(Some(60), None, None), Some(20)), (20, 80));
        assert_eq!(stamp_of(&issued(Some(60), None, None), None), (7, 67));
    }
}
