//! The service's clock and its wish to be left alone (RFC 9110 §5.6.7, §10.2.3).

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, header};

use crate::UnixTime;

/// `Retry-After`, as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// In so many seconds.
    Seconds(u64),
    /// At this time on the service's clock.
    At(UnixTime),
}

impl RetryAfter {
    /// Longest wait that is believed.
    pub const MAX: Duration = Duration::from_secs(300);

    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // More digits than a number holds are still a long time.
            return Some(Self::Seconds(text.parse().unwrap_or(u64::MAX)));
        }
        http_date(text).map(Self::At)
    }

    /// How long to wait from `service_now` on: never longer than [`RetryAfter::MAX`], zero for a time gone by.
    pub fn wait(self, service_now: UnixTime) -> Duration {
        let wait = match self {
            Self::Seconds(secs) => Duration::from_secs(secs),
            Self::At(time) => time.saturating_since(service_now),
        };
        wait.min(Self::MAX)
    }
}

/// The answer's `Date`.
pub(super) fn date(headers: &HeaderMap) -> Option<UnixTime> {
    const DATE: HeaderName = header::DATE;
    http_date(headers.get(DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<UnixTime> {
    let since_epoch = httpdate::parse_http_date(text.trim()).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since_epoch.as_millis()).ok().map(UnixTime::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(value: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        let now = UnixTime::from_secs(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        RetryAfter::read(&headers).map(|after| after.wait(now).as_secs())
    }

    #[test]
    fn both_forms_are_read_and_capped() {
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait(" 0 "), Some(0));
        assert_eq!(wait("86400"), Some(300));
        assert_eq!(wait("99999999999999999999999999"), Some(300));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10));
        assert_eq!(wait("Sunday, 06-Nov-94 08:49:47 GMT"), Some(10)); // RFC 850
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(wait("Sat, 06 Nov 2094 08:00:00 GMT"), Some(300));
    }

    #[test]
    fn rubbish_is_no_wish() {
        for rubbish in ["", "soon", "-5", "1.5", "Sun, 99 Nov 1994 08:49:47 GMT"] {
            assert_eq!(wait(rubbish), None, "{rubbish:?}");
        }
    }
}
