//! The clocks, sampled together.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tm_core::{Now, UnixTime};

/// A monotonic clock that counts suspend where the system can (Linux: `CLOCK_BOOTTIME`), and the wall clock.
///
/// Elsewhere it is `std::time::Instant`, which may stand still while the machine sleeps (rust-lang/rust #87906).
#[derive(Debug)]
pub struct Clock {
    source: source::Source,
}

impl Clock {
    /// Starts at zero.
    pub fn start() -> Self {
        Self { source: source::Source::start() }
    }

    /// Time since the start.
    pub fn mono(&self) -> Duration {
        self.source.elapsed()
    }

    /// The same, cheaper, for those who ask often and only need to know that some time has not come yet: a tenth of a second
    /// fast, so that it is not slow even where the system's ticks come late by as much. It counts suspend as the other does.
    pub fn mono_at_most(&self) -> Duration {
        self.source.elapsed_at_most()
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Now { mono: self.mono(), unix: UnixTime::from_millis(millis) }
    }
}

#[cfg(target_os = "linux")]
#[path = "clock/boottime.rs"]
mod source;

#[cfg(not(target_os = "linux"))]
mod source {
    use std::time::{Duration, Instant};

    #[derive(Debug)]
    pub(super) struct Source(Instant);

    impl Source {
        pub(super) fn start() -> Self {
            Self(Instant::now())
        }

        pub(super) fn elapsed(&self) -> Duration {
            self.0.elapsed()
        }

        pub(super) fn elapsed_at_most(&self) -> Duration {
            self.elapsed()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_starts_at_zero_and_never_goes_back() {
        let clock = Clock::start();
        let readings: Vec<_> = (0..1_000).map(|_| clock.mono()).collect();
        assert!(readings[0] < Duration::from_secs(60));
        assert!(readings.is_sorted());
        assert!(
            clock.now().unix > UnixTime::from_secs(1_700_000_000),
            "the wall clock of this machine is wrong"
        );
    }
}
