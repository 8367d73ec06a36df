//! Linux: `CLOCK_BOOTTIME`, which counts suspend, and a cheaper way to nearly the same.
//!
//! A reading of `CLOCK_BOOTTIME` asks the processor's counter, which takes most of the time of a hit where a hypervisor is
//! in between. The coarse clocks are what the last tick has left in memory. There is none that counts suspend, but two
//! together tell of it: the kernel adds the time asleep to the wall clock and not to `CLOCK_MONOTONIC`, in the same moment as
//! to `CLOCK_BOOTTIME`. So as long as their difference is, to the nanosecond, what it was, `CLOCK_BOOTTIME` is as far ahead of
//! `CLOCK_MONOTONIC` as it was. When it is not, because the machine slept, somebody set the wall clock, or a tick came
//! between both readings, the exact clock is asked.
//!
//! A wall clock that steps back and forth does no harm: the same difference is the same lead, unless the machine slept in
//! between and the wall clock was set back by exactly that, to the nanosecond. That is why no lead is believed for longer than
//! a second of being awake.

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
    /// On `CLOCK_MONOTONIC`: from here on the offset is taken anew.
    believed_until: AtomicI64,
    renewal: Mutex<()>,
}

/// How late the last tick may be. They come every 1 to 10 ms, but a machine may be kept from running.
const LATE: i64 = 100_000_000;

/// How far apart the two readings of an offset may be, by which it may be too much.
const APART: i64 = 1_000_000;

const BELIEVED: i64 = 1_000_000_000;

const UNKNOWN: i64 = i64::MIN;

impl Source {
    pub(super) fn start() -> Self {
        let source = Self {
            start: nanos(ClockId::Boottime),
            difference: AtomicI64::new(UNKNOWN),
            offset: AtomicI64::new(0),
            believed_until: AtomicI64::new(0),
            renewal: Mutex::new(()),
        };
        source.renew(difference().1);
        source
    }

    pub(super) fn elapsed(&self) -> Duration {
        duration(nanos(ClockId::Boottime).saturating_sub(self.start))
    }

    /// Never behind [`Source::elapsed`] as of when this was called, unless the last tick is later than [`LATE`].
    pub(super) fn elapsed_at_most(&self) -> Duration {
        let (monotonic, difference) = difference();
        if self.difference.load(Ordering::Acquire) == difference {
            let offset = self.offset.load(Ordering::Acquire);
            // It may be that of a later difference by now. `CLOCK_BOOTTIME` never loses its lead, so an offset is not too
            // little for what was read before it was taken.
            if monotonic < self.believed_until.load(Ordering::Relaxed) {
                return duration(monotonic.saturating_add(offset));
            }
        }
        self.renew(difference);
        self.elapsed()
    }

    /// Takes the offset anew, if this is what the difference is from now on and nobody else does it. Waits for nobody.
    fn renew(&self, new: i64) {
        let Ok(_alone) = self.renewal.try_lock() else { return };
        // In this order, so that being kept waiting between them makes the clock fast, and not slow; and not by more than
        // a millisecond.
        let before = nanos(ClockId::Monotonic);
        let boottime = nanos(ClockId::Boottime);
        let after = nanos(ClockId::Monotonic);
        // Nobody slept since `new` was read, so the offset belongs to it.
        if after.saturating_sub(before) > APART || difference().1 != new {
            return;
        }
        self.difference.store(UNKNOWN, Ordering::Relaxed);
        self.offset.store(boottime - before - self.start + LATE, Ordering::Release);
        self.believed_until.store(before.saturating_add(BELIEVED), Ordering::Relaxed);
        self.difference.store(new, Ordering::Release);
    }
}

/// `CLOCK_MONOTONIC`, and the wall clock less that, both as of the last tick, unless one comes between.
fn difference() -> (i64, i64) {
    let monotonic = nanos(ClockId::MonotonicCoarse);
    (monotonic, nanos(ClockId::RealtimeCoarse).saturating_sub(monotonic))
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
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Both ways to tell the time, which are not far apart: a second, which no tick is late by, on the one side.
    fn readings(source: &Source) -> (Duration, Duration) {
        let (before, at_most, after) = (source.elapsed(), source.elapsed_at_most(), source.elapsed());
        assert!(at_most + Duration::from_secs(1) > before, "{at_most:?} for {before:?}");
        assert!(at_most <= after + duration(LATE + APART), "{at_most:?} for {after:?}");
        (at_most, after)
    }

    #[test]
    fn nearly_all_readings_are_cheap_and_close_to_the_exact_ones() {
        let source = Source::start();
        let cheap = (0..100_000).filter(|_| {
            let (at_most, exact) = readings(&source);
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
            assert!(readings(&source).1 > Duration::from_secs(3_600));
        }
        let same = || source.difference.load(Ordering::Relaxed) == difference().1;
        assert!((0..10).any(|_| same()), "unless a tick came between");
    }

    #[test]
    fn an_offset_is_not_believed_for_longer_than_a_second() {
        let mut source = Source::start();
        source.elapsed_at_most();
        let monotonic = nanos(ClockId::Monotonic);
        assert!(source.believed_until.load(Ordering::Relaxed) <= monotonic + BELIEVED);
        // As after an hour asleep, and a wall clock that was set back by it.
        source.start -= 3_600_000_000_000;
        source.believed_until.store(monotonic - LATE, Ordering::Relaxed);
        for _ in 0..1_000 {
            readings(&source);
        }
    }

    #[test]
    fn readers_beside_renewals_get_an_offset_that_was_taken() {
        let source = Source::start();
        let done = AtomicBool::new(false);
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        readings(&source);
                    }
                });
            }
            for _ in 0..20_000 {
                source.difference.store(UNKNOWN, Ordering::Relaxed);
                source.believed_until.store(0, Ordering::Relaxed);
                source.renew(difference().1);
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
