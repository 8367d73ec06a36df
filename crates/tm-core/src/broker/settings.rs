//! The numbers of the broker, each an option with its reason.

use std::time::Duration;

use crate::InvalidInput;

/// How a client behaves. Start from [`Settings::default`] and change what must be changed.
///
/// ```
/// # use tm_core::broker::Settings;
/// let mut settings = Settings::default();
/// settings.calls_at_once = 2;
/// assert!(settings.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Calls to the service at the same time, 1 to 64. Halved on 429 and 503, restored one per 20 successes. Default 8:
    /// no rate is published.
    pub calls_at_once: usize,
    /// Attempts for one demand, the first one included, 1 to 10. Default 3, as AWS and Google do.
    pub attempts: u32,
    /// Longest time for a TCP and TLS connection. Default 3.1 s, just over one TCP retransmission.
    pub connect_time: Duration,
    /// Longest time for one whole attempt. Default 10 s.
    pub attempt_time: Duration,
    /// How long `token` waits. Default 30 s.
    pub patience: Duration,
    /// How long `tokens` and `all_tokens` wait without any progress. Default 30 s: 100,000 tenants take minutes.
    pub bulk_patience: Duration,
    /// Most memory for tokens, in bytes, with what is kept around them. Default 512 MiB; about 2.5 KB a tenant.
    pub memory: usize,
    /// Tenants asked for in one page of the list, 1 to 500. Default 100, as the vendor's page says.
    pub page_size: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            calls_at_once: 8,
            attempts: 3,
            connect_time: Duration::from_millis(3_100),
            attempt_time: Duration::from_secs(10),
            patience: Duration::from_secs(30),
            bulk_patience: Duration::from_secs(30),
            memory: 512 * 1024 * 1024,
            page_size: 100,
        }
    }
}

impl Settings {
    /// Whether all numbers are within their bounds.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), InvalidInput> {
        let times = [
            ("connect time", self.connect_time),
            ("attempt time", self.attempt_time),
            ("patience", self.patience),
            ("bulk patience", self.bulk_patience),
        ];
        for (field, time) in times {
            if time.is_zero() || time > Duration::from_secs(86_400) {
                return Err(InvalidInput::new(field, "is not within (0, 24 h]"));
            }
        }
        let within = |field, value: usize, low: usize, high: usize| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(InvalidInput::new(field, format!("is {value}, not within {low} to {high}")))
        };
        within("calls at once", self.calls_at_once, 1, 64)?;
        within("attempts", self.attempts as usize, 1, 10)?;
        within("page size", self.page_size.into(), 1, 500)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(24 * 3_600);

    fn changed(change: fn(&mut Settings)) -> Result<(), InvalidInput> {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.check()
    }

    #[test]
    fn numbers_out_of_bounds_are_named() {
        let refusal = |change: fn(&mut Settings)| changed(change).unwrap_err().to_string();
        assert_eq!(refusal(|s| s.calls_at_once = 0), "calls at once: is 0, not within 1 to 64");
        assert_eq!(refusal(|s| s.attempts = 11), "attempts: is 11, not within 1 to 10");
        assert_eq!(refusal(|s| s.page_size = 501), "page size: is 501, not within 1 to 500");
        assert_eq!(refusal(|s| s.patience = Duration::ZERO), "patience: is not within (0, 24 h]");
        let too_long = |s: &mut Settings| s.connect_time = LONGEST + Duration::from_nanos(1);
        assert_eq!(refusal(too_long), "connect time: is not within (0, 24 h]");
    }

    #[test]
    fn numbers_at_their_bounds_are_good() {
        let good = |change: fn(&mut Settings)| changed(change).is_ok();
        assert!(good(|_| ()));
        assert!(good(|s| (s.calls_at_once, s.attempts, s.page_size) = (1, 1, 1)));
        assert!(good(|s| (s.calls_at_once, s.attempts, s.page_size) = (64, 10, 500)));
        assert!(good(|s| (s.attempt_time, s.bulk_patience) = (Duration::from_nanos(1), LONGEST)));
    }
}
