//! Linux: `CLOCK_BOOTTIME`, which counts suspend, and a cheaper way to nearly the same.
//!
//! A reading of `CLOCK_BOOTTIME` asks the processor's counter, which takes most of the time of a hit where a hypervisor is
//! in between. The coarse clocks are what the last tick has left in memory. There is none that counts suspend, but two
//! together tell of it: the kernel adds the time asleep to the wall clock and not to `CLOCK_MONOTONIC`. So as long as their
//! difference is, to the nanosecond, what it was, `CLOCK_BOOTTIME` is as far ahead of `CLOCK_MONOTONIC` as it was. When it
//! is not, because the machine slept, somebody set the wall clock, or a tick came between both readings, the exact clock is
//! asked.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

#[derive(Debug)]
pub(super) struct Source {
    start: i64,
    /// The wall clock less `CLOCK_MONOTONIC`, when `offset` was taken. [`UNKNOWN`] while it is being taken anew.
    difference: AtomicI64,
    /// From the coarse `CLOCK_MONOTONIC` to time since the start, [`LATE`] included.
    offset: AtomicI64,
    renewal: Mutex<()>,
}

/// How late the last tick may be. They come every 1 to 10 ms, but a machine may be kept from running.
const LATE: i64 = 100_000_000;

const UNKNOWN: i64 = i64::MIN;

impl Source {
    pub(super) fn start() -> Self {
        let source = Self {
            start: nanos(ClockId::Boottime),
            difference: AtomicI64::new(UNKNOWN),
            offset: AtomicI64::new(0),
            renewal: Mutex::new(()),
        };
        source.renew(difference());
        source
    }

    pub(super) fn elapsed(&self) -> Duration {
        duration(nanos(ClockId::Boottime).saturating_sub(self.start))
    }

    pub(super) fn elapsed_at_most(&self) -> Duration {
        let monotonic = nanos(ClockId::MonotonicCoarse);
        let difference = nanos(ClockId::RealtimeCoarse).saturating_sub(monotonic);
        if self.difference.load(Ordering::Acquire) == difference {
            let offset = self.offset.load(Ordering::Acquire);
            // Nobody has begun to take it anew, so it belongs to the difference.
            if self.difference.load(Ordering::Relaxed) == difference {
                return duration(monotonic.saturating_add(offset));
            }
        }
        self.renew(difference);
        self.elapsed()
    }

    /// Takes the offset anew, if this is what the difference is from now on and nobody else does it.
    fn renew(&self, new: i64) {
        let Ok(_alone) = self.renewal.try_lock() else { return };
        // In this order, so that being kept waiting between the two makes the clock fast, and not slow.
        let monotonic = nanos(ClockId::Monotonic);
        let boottime = nanos(ClockId::Boottime);
        let (before, after) = (self.difference.load(Ordering::Relaxed), difference());
        if after != new || before == new {
            return;
        }
        self.difference.store(UNKNOWN, Ordering::Relaxed);
        self.offset.store(boottime - monotonic - self.start + LATE, Ordering::Release);
        self.difference.store(new, Ordering::Release);
    }
}

/// The wall clock less `CLOCK_MONOTONIC`, both as of the last tick, unless one comes between.
fn difference() -> i64 {
    let monotonic = nanos(ClockId::MonotonicCoarse);
    nanos(ClockId::RealtimeCoarse).saturating_sub(monotonic)
}

fn nanos(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

fn duration(nanos: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As far as one second, which no tick is late by and no thread is kept waiting for.
    fn close(one: Duration, other: Duration) -> bool {
        one.abs_diff(other) < Duration::from_secs(1)
    }

    #[test]
    fn nearly_all_readings_are_cheap_and_close_to_the_exact_ones() {
        let source = Source::start();
        let cheap = (0..100_000).filter(|_| {
            let at_most = source.elapsed_at_most();
            let exact = source.elapsed();
            assert!(close(at_most, exact), "{at_most:?} for {exact:?}");
            at_most > exact
        });
        assert!(cheap.count() > 50_000);
    }

    #[test]
    fn when_the_clocks_have_parted_the_exact_one_is_asked_and_all_is_well_again() {
        let mut source = Source::start();
        // As after an hour asleep: the cheap way is behind by it.
        let hour = 3_600_000_000_000;
        source.start -= hour;
        source.difference.fetch_sub(hour, Ordering::Relaxed);
        for _ in 0..1_000 {
            let (at_most, exact) = (source.elapsed_at_most(), source.elapsed());
            assert!(exact > Duration::from_secs(3_600) && close(at_most, exact), "{at_most:?} for {exact:?}");
        }
        let same = || source.difference.load(Ordering::Relaxed) == difference();
        assert!((0..10).any(|_| same()), "unless a tick came between");
    }
}
