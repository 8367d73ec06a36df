//! The clocks of the stores that have none of their own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tm_core::UnixTime;

pub(super) fn unix_now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Time since the machine was started, suspend included.
#[cfg(target_os = "linux")]
pub(super) fn since_start() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Time since this was first asked for. It may stand still while the machine sleeps (rust-lang/rust #87906).
#[cfg(not(target_os = "linux"))]
pub(super) fn since_start() -> Duration {
    use std::{sync::LazyLock, time::Instant};

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Instant};

    use super::*;

    #[test]
    fn time_goes_on_as_fast_as_for_everybody() {
        let (start, watch, tick) = (since_start(), Instant::now(), Duration::from_millis(1));
        while watch.elapsed() < tick {
            thread::yield_now();
        }
        let passed = since_start().saturating_sub(start);
        assert!(passed >= tick, "{passed:?}");
    }
}
