//! When a token is due to be replaced, while it still lives.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use fastrand::Rng;

use super::{flight::Key, lifetime::Lifetime};

/// The draws for the tokens of one call, so that a five stays a five.
///
/// A fleet of tokens that was fetched at one moment would be due at one moment, life after life. So the first refresh after a
/// cold fetch is drawn from nearly the whole life, and spreads them for good; later ones from a narrow band, which keeps them
/// spread (kubelet: 80 %; Kubernetes: 80 ± 10 %).
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw {
    cold: f64,
    warm: f64,
}

impl Draw {
    pub(super) fn new(rng: &mut Rng) -> Self {
        let mut between = |low: f64, high: f64| low + rng.f64() * (high - low);
        Self { cold: between(0.10, 0.85), warm: between(0.70, 0.85) }
    }

    /// When a token is due. `cold` if none was in hand when it came.
    pub(super) fn due(self, lifetime: &Lifetime, cold: bool) -> Duration {
        let fraction = if cold { self.cold } else { self.warm };
        (lifetime.start + lifetime.life().mul_f64(fraction)).min(lifetime.mandatory_from)
    }
}

/// The tokens that are to be refreshed, by the time at which they are due. Only those in use are here.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    due: BTreeSet<(Duration, Key)>,
    times: HashMap<Key, Duration>,
}

impl Schedule {
    pub(super) fn set(&mut self, key: Key, due: Duration) {
        self.remove(key);
        self.due.insert((due, key));
        self.times.insert(key, due);
    }

    pub(super) fn remove(&mut self, key: Key) {
        if let Some(due) = self.times.remove(&key) {
            self.due.remove(&(due, key));
        }
    }

    /// Takes the next that is due at this time. Looking ahead is asking with a later one.
    pub(super) fn take_due(&mut self, by: Duration) -> Option<Key> {
        let (_, key) = *self.due.first().filter(|(due, _)| *due <= by)?;
        self.remove(key);
        Some(key)
    }

    pub(super) fn first(&self) -> Option<Duration> {
        self.due.first().map(|(due, _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn draws_stay_in_their_bands_and_before_the_mandatory_window() {
        let mut rng = Rng::with_seed(1);
        let lifetime = Lifetime { start: secs(100), mandatory_from: secs(1_834), end: secs(1_894) };
        let life = lifetime.life();
        for _ in 0..1_000 {
            let draw = Draw::new(&mut rng);
            let after = |fraction| secs(100) + life.mul_f64(fraction);
            assert!((after(0.10)..=after(0.85)).contains(&draw.due(&lifetime, true)));
            assert!((after(0.70)..=after(0.85)).contains(&draw.due(&lifetime, false)));
        }
        let short = Lifetime { start: secs(100), mandatory_from: secs(101), end: secs(102) };
        assert!(Draw::new(&mut rng).due(&short, false) <= secs(101));
    }

    #[test]
    fn what_is_due_is_taken_in_order_and_once() {
        let mut schedule = Schedule::default();
        schedule.set(Key(1), secs(9));
        schedule.set(Key(2), secs(5));
        schedule.set(Key(1), secs(4));
        assert_eq!((schedule.first(), schedule.take_due(secs(3))), (Some(secs(4)), None));
        assert_eq!(
            [schedule.take_due(secs(5)), schedule.take_due(secs(5)), schedule.take_due(secs(5))],
            [Some(Key(1)), Some(Key(2)), None]
        );
    }
}
