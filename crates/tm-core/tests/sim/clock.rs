//! Virtual time: one true clock, and wall clocks that are wrong about it.

use std::time::Duration;

use tm_core::{Now, UnixTime};

/// Where the monotonic clock of every run starts; not at zero, so that nothing can rely on it.
pub(crate) const START: Duration = Duration::from_secs(10_000);

/// What an exact wall clock shows when the monotonic clock is at zero.
const EPOCH_MS: i64 = 1_700_000_000_000;

/// The local machine's clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    pub(crate) mono: Duration,
    /// By how much the local wall clock is ahead of the truth.
    pub(crate) wall_error_ms: i64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { mono: START, wall_error_ms: 0 }
    }

    pub(crate) fn now(self) -> Now {
        Now { mono: self.mono, unix: wall(self.mono, self.wall_error_ms) }
    }
}

/// What a wall clock with this error shows.
pub(crate) fn wall(mono: Duration, error_ms: i64) -> UnixTime {
    let millis = i64::try_from(mono.as_millis()).expect("a run is shorter than the age of the universe");
    UnixTime::from_millis(EPOCH_MS + millis + error_ms)
}

/// When a wall clock with this error shows `time`, on the monotonic clock; zero if that was before its start.
pub(crate) fn mono(time: UnixTime, error_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis() - EPOCH_MS - error_ms).unwrap_or(0))
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
