//! The clocks, sampled together.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tm_core::{Now, UnixTime};

/// A monotonic clock that counts suspend where the system can (Linux: `CLOCK_BOOTTIME`), and the wall clock.
///
/// Elsewhere it is `std::time::Instant`, which may stand still while the machine sleeps (rust-lang/rust #87906).
#[derive(Debug, Clone)]
pub struct Clock {
    start: source::Reading,
}

impl Clock {
    /// Starts at zero.
    pub fn start() -> Self {
        Self { start: source::read() }
    }

    /// Time since the start.
    pub fn mono(&self) -> Duration {
        source::since(self.start)
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Now { mono: self.mono(), unix: UnixTime::from_millis(millis) }
    }
}

#[cfg(target_os = "linux")]
mod source {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    pub(super) type Reading = Duration;

    pub(super) fn read() -> Reading {
        let time = clock_gettime(ClockId::Boottime);
        let secs = u64::try_from(time.tv_sec).unwrap_or(0);
        Duration::new(secs, u32::try_from(time.tv_nsec).unwrap_or(0))
    }

    pub(super) fn since(start: Reading) -> Duration {
        read().saturating_sub(start)
    }
}

#[cfg(not(target_os = "linux"))]
mod source {
    use std::time::{Duration, Instant};

    pub(super) type Reading = Instant;

    pub(super) fn read() -> Reading {
        Instant::now()
    }

    pub(super) fn since(start: Reading) -> Duration {
        start.elapsed()
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
