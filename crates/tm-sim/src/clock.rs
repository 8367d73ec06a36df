//! The service's clock: this machine's wall clock, shifted.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The last second of the year 9999, beyond which no `Date` header can be written.
const END_OF_TIME_MS: i64 = 253_402_300_799_000;

/// A moment on the service's clock, in milliseconds since the epoch, never before it and never after the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServiceTime(i64);

impl ServiceTime {
    pub(crate) fn now(skew_s: i64) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(END_OF_TIME_MS);
        Self(wall_ms.saturating_add(skew_s.saturating_mul(1000)).clamp(0, END_OF_TIME_MS))
    }

    pub(crate) fn unix_ms(self) -> i64 {
        self.0
    }

    pub(crate) fn unix_s(self) -> i64 {
        self.0 / 1000
    }

    /// As a `Date` header has it.
    pub(crate) fn http_date(self) -> String {
        let since_epoch = Duration::from_millis(self.0.unsigned_abs());
        httpdate::fmt_http_date(UNIX_EPOCH + since_epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_skew_leaves_what_a_date_header_can_say() {
        assert_eq!(ServiceTime::now(i64::MIN).http_date(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(ServiceTime::now(i64::MAX).http_date(), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
