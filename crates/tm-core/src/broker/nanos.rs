//! Time in eight bytes, for what is kept of every tenant.

use std::{num::NonZeroU64, time::Duration};

/// A [`Duration`] in whole nanoseconds, half as large, and no larger if it is optional. Exact for 584 years, and cut off
/// there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Nanos(NonZeroU64);

impl Nanos {
    pub(super) const ZERO: Self = Self(NonZeroU64::MIN);
}

/// One more than there are, since none is zero.
impl From<Duration> for Nanos {
    fn from(time: Duration) -> Self {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self(NonZeroU64::MIN.saturating_add(nanos))
    }
}

impl From<Nanos> for Duration {
    fn from(Nanos(one_more): Nanos) -> Self {
        Self::from_nanos(one_more.get() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_in_584_years() {
        let longest = Duration::from_nanos(u64::MAX - 1);
        for time in [Duration::ZERO, Duration::from_nanos(1), Duration::new(1_799, 999_999_999), longest] {
            assert_eq!(Duration::from(Nanos::from(time)), time);
        }
        assert_eq!(Duration::from(Nanos::from(Duration::MAX)), longest);
        assert_eq!(Duration::from(Nanos::ZERO), Duration::ZERO);
        assert!(Nanos::ZERO < Nanos::from(Duration::from_nanos(1)));
        assert_eq!(size_of::<Option<Nanos>>(), 8);
    }
}
