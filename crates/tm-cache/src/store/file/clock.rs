//! The clocks that ends are told by, across restarts of a program and of the machine.

use std::{fmt, sync::Arc, time::Duration};

use tm_core::UnixTime;

use crate::store::clock::unix_now;

/// Where a [`super::FileStore`] has the time from.
#[derive(Clone)]
pub struct FileClock {
    read: Arc<dyn Fn() -> ClockReading + Send + Sync>,
}

impl FileClock {
    /// The clocks of this machine.
    pub fn system() -> Self {
        let id = boot::id();
        Self::new(move || ClockReading { unix: unix_now(), boot: id.zip(boot::since()) })
    }

    /// Clocks of your own, for tests that pass the time in.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tm_cache::{ClockReading, FileClock};
    ///
    /// let system = FileClock::system();
    /// let an_hour_ahead = FileClock::new(move || system.now().after(Duration::from_secs(3_600)));
    /// ```
    pub fn new(read: impl Fn() -> ClockReading + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read) }
    }

    /// What they show.
    pub fn now(&self) -> ClockReading {
        (self.read)()
    }
}

impl fmt::Debug for FileClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileClock").field(&self.now()).finish()
    }
}

/// One reading of the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// The wall clock, which may step.
    pub unix: UnixTime,
    /// Which boot of the machine this is, and the time since then, suspend included. `None` where the system does not tell.
    pub boot: Option<([u8; 16], Duration)>,
}

impl ClockReading {
    pub(super) const BYTES: usize = 32;

    /// What the clocks will show in so long, if none steps.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        let boot = self.boot.map(|(id, since)| (id, since.saturating_add(time)));
        Self { unix: self.unix.saturating_add(time), boot }
    }

    /// How long it is from this reading to `now`. In one boot the wall clock has no say; across boots it has the only one.
    /// `None` if `now` reads earlier, so that nobody can tell.
    pub(super) fn elapsed(&self, now: &Self) -> Option<Duration> {
        match (self.boot, now.boot) {
            (Some((id, then)), Some((same, since))) if id == same => since.checked_sub(then),
            _ => (now.unix >= self.unix).then(|| now.unix.saturating_since(self.unix)),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let (id, since) = self.boot.unwrap_or_default();
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.unix.as_millis().to_be_bytes());
        bytes[8..24].copy_from_slice(&id);
        bytes[24..].copy_from_slice(&nanos(since).to_be_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let mut parts = Parts(bytes);
        let (unix, id, since) = (parts.time(), parts.take(), parts.duration());
        let known = id != Some([0; 16]);
        Self { unix: unix.unwrap_or(UnixTime::from_millis(0)), boot: id.zip(since).filter(|_| known) }
    }
}

/// What is left of some bytes that are read from the front.
pub(super) struct Parts<'a>(pub(super) &'a [u8]);

impl Parts<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn reading(&mut self) -> Option<ClockReading> {
        self.take().map(|bytes| ClockReading::from_bytes(&bytes))
    }

    pub(super) fn time(&mut self) -> Option<UnixTime> {
        self.take().map(|bytes| UnixTime::from_millis(i64::from_be_bytes(bytes)))
    }

    pub(super) fn duration(&mut self) -> Option<Duration> {
        self.take().map(|bytes| Duration::from_nanos(u64::from_be_bytes(bytes)))
    }
}

/// Nothing is kept for longer than the 584 years that fit.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(target_os = "linux")]
mod boot {
    use std::{fs, time::Duration};

    use crate::store::clock::since_start;

    /// A UUID in text, which the kernel draws when it starts.
    pub(super) fn id() -> Option<[u8; 16]> {
        let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let digits = text.trim().replace('-', "");
        let number = u128::from_str_radix(&digits, 16).ok().filter(|number| *number != 0)?;
        Some(number.to_be_bytes())
    }

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere nobody knows")]
    pub(super) fn since() -> Option<Duration> {
        Some(since_start())
    }
}

#[cfg(not(target_os = "linux"))]
mod boot {
    use std::time::Duration;

    pub(super) fn id() -> Option<[u8; 16]> {
        None
    }

    pub(super) fn since() -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn reading(secs: i64, boot: Option<(u8, u64)>) -> ClockReading {
        let boot = boot.map(|(id, since)| ([id; 16], Duration::from_secs(since)));
        ClockReading { unix: UnixTime::from_secs(secs), boot }
    }

    #[test]
    fn in_one_boot_the_wall_clock_has_no_say() {
        let written = reading(10_000, Some((1, 500)));
        for wall in [0, 10_000, 1_000_000] {
            assert_eq!(written.elapsed(&reading(wall, Some((1, 507)))), Some(Duration::from_secs(7)));
        }
        assert_eq!(written.elapsed(&reading(20_000, Some((1, 499)))), None);
    }

    #[test]
    fn across_boots_the_wall_clock_has_the_only_one() {
        for (before, after) in [(Some((1, 500)), Some((2, 3))), (Some((1, 500)), None), (None, None)] {
            let written = reading(10_000, before);
            assert_eq!(written.elapsed(&reading(10_060, after)), Some(Duration::from_secs(60)));
            assert_eq!(written.elapsed(&reading(9_999, after)), None);
        }
    }

    #[test]
    fn a_reading_survives_its_bytes() {
        for reading in [reading(-5, None), reading(10_000, Some((7, 9))), FileClock::system().now()] {
            assert_eq!(ClockReading::from_bytes(&reading.to_bytes()), reading);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_knows_its_boot() {
        let (first, second) = (FileClock::system().now(), FileClock::system().now().after(HOUR));
        assert_eq!(first.boot.unwrap().0, second.boot.unwrap().0);
        assert!(first.elapsed(&second).unwrap() >= HOUR);
    }
}
