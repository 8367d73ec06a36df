//! Time as it is passed in: this crate has no clock of its own.

use std::{fmt, time::Duration};

/// One reading of both clocks, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Time since some fixed start, which never goes back and counts suspend where the system can.
    pub mono: Duration,
    /// The wall clock. It may step; nothing in hand changes its life because of it.
    pub unix: UnixTime,
}

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the epoch; absurd values saturate.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000))
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// How long from `earlier` to this point; zero if it lies behind.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    /// This point, moved back; saturates at the limits of the type.
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This point, moved ahead; saturates at the limits of the type.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// RFC 3339 in UTC, whole seconds; years beyond 9999 are shown as seconds.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.as_secs();
        let (days, second) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
        if !(-719_162..=2_932_896).contains(&days) {
            return write!(f, "{secs}s since 1970");
        }
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_rfc_3339() {
        assert_eq!(UnixTime::from_secs(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(UnixTime::from_millis(1_559_120_938_825).to_string(), "2019-05-29T09:08:58Z");
        assert_eq!(UnixTime::from_secs(951_782_400).to_string(), "2000-02-29T00:00:00Z");
        assert_eq!(UnixTime::from_secs(-1).to_string(), "1969-12-31T23:59:59Z");
        assert_eq!(UnixTime::from_secs(i64::MAX).to_string(), "9223372036854775s since 1970");
    }

    /// Day by day through all years that are shown, by the rule that children learn.
    #[test]
    fn every_day_of_the_calendar_follows_the_one_before() {
        const FIRST: i64 = -719_162;
        let mut days = FIRST..;
        for year in 1..=9_999 {
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let february = if is_leap { 29 } else { 28 };
            for (month, last) in (1..).zip([31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
                for day in 1..=last {
                    assert_eq!(days.next().map(civil_from_days), Some((year, month, day)));
                }
            }
        }
    }

    #[test]
    fn years_that_rfc_3339_does_not_know_are_shown_as_seconds() {
        let shown = |secs| UnixTime::from_secs(secs).to_string();
        assert_eq!(shown(-62_135_596_800), "0001-01-01T00:00:00Z");
        assert_eq!(shown(-62_135_596_801), "-62135596801s since 1970");
        assert_eq!(shown(253_402_300_799), "9999-12-31T23:59:59Z");
        assert_eq!(shown(253_402_300_800), "253402300800s since 1970");
    }

    #[test]
    fn differences_saturate() {
        let (early, late) = (UnixTime::from_secs(5), UnixTime::from_secs(8));
        assert_eq!(late.saturating_since(early), Duration::from_secs(3));
        assert_eq!(early.saturating_since(late), Duration::ZERO);
        assert_eq!(late.saturating_sub(Duration::from_secs(3)), early);
        assert_eq!(early.saturating_add(Duration::from_secs(3)), late);
        assert_eq!(UnixTime::from_millis(i64::MIN).saturating_sub(Duration::MAX).as_millis(), i64::MIN);
        assert_eq!(UnixTime::from_millis(i64::MAX).saturating_add(Duration::MAX).as_millis(), i64::MAX);
    }
}
