//! When a token is due to be replaced, while it still lives.

use std::{collections::BTreeSet, time::Duration};

use fastrand::Rng;

use super::{flight::Key, lifetime::Lifetime, nanos::Nanos, slots::Slots};

/// From which part of its life a token's first refresh after a cold fetch is drawn, and from which part all others.
///
/// A fleet of tokens that was fetched at one moment would be due at one moment, life after life. So the first refresh after a
/// cold fetch is drawn from nearly the whole life, and spreads them for good; later ones from a narrow band, which keeps them
/// spread (kubelet: 80 %; Kubernetes: 80 ± 10 %).
const COLD: (f64, f64) = (0.10, 0.85);
const WARM: (f64, f64) = (0.70, 0.85);

/// Draws that follow each other as evenly as can be: each falls into the largest gap that the last ones have left (a Weyl sequence
/// of the golden ratio). Drawn by chance alone, the calls of 100,000 tenants bunch up to 1.28 times their mean within ten
/// seconds; like this to about 1.05 times, and to 1.15 in the first life after an outage.
#[derive(Debug)]
pub(super) struct Places {
    next: u64,
}

impl Places {
    /// The start is drawn, so that processes do not keep step with each other.
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self { next: rng.u64(..) }
    }

    fn take(&mut self) -> f64 {
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 divided by the golden ratio
        self.next = self.next.wrapping_add(GOLDEN);
        fraction(self.next)
    }
}

/// Where in its life a token is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw {
    place: f64,
    /// Added to the fraction of the life.
    later: f64,
}

impl Draw {
    /// For the tokens of one call, so that a five stays a five.
    pub(super) fn of_call(places: &mut Places) -> Self {
        Self { place: places.take(), later: 0.0 }
    }

    /// For one token that several processes hold, by its hash: the same in all of them, but for a little, so that one comes first and the
    /// others find what it has fetched.
    pub(super) fn shared(hash: u64, rng: &mut Rng) -> Self {
        const OWN: f64 = 0.01;
        Self { place: fraction(hash), later: OWN * rng.f64() }
    }

    /// When a token is due. `cold` if none was in hand when it was fetched.
    pub(super) fn due(self, lifetime: &Lifetime, cold: bool) -> Duration {
        let (from, to) = if cold { COLD } else { WARM };
        let fraction = from + self.place * (to - from) + self.later;
        lifetime.end.saturating_sub(lifetime.life.mul_f64(1.0 - fraction)).min(lifetime.mandatory_from)
    }
}

/// From 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
fn fraction(number: u64) -> f64 {
    const BITS: u32 = 53;
    (number >> (u64::BITS - BITS)) as f64 / (1_u64 << BITS) as f64
}

/// The tokens that are to be refreshed, by the time at which they are due. Only those in use are here.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    due: BTreeSet<(Nanos, Key)>,
    times: Slots<Nanos>,
}

impl Schedule {
    pub(super) fn set(&mut self, key: Key, due: Duration) {
        let due = due.into();
        self.remove(key);
        self.due.insert((due, key));
        self.times.insert(key, due);
    }

    /// Answers when it was due, if it was.
    pub(super) fn remove(&mut self, key: Key) -> Option<Duration> {
        let due = self.times.remove(key)?;
        self.due.remove(&(due, key));
        Some(due.into())
    }

    /// Takes the next that is due at this time. Looking ahead is asking with a later one.
    pub(super) fn take_due(&mut self, by: Duration) -> Option<Key> {
        let (_, key) = *self.due.first().filter(|(due, _)| *due <= by.into())?;
        self.remove(key);
        Some(key)
    }

    pub(super) fn first(&self) -> Option<Duration> {
        self.due.first().map(|(due, _)| (*due).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Token, broker::rejections::hash};

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn draws_stay_in_their_bands_and_before_the_mandatory_window() {
        let mut places = Places::new(&mut Rng::with_seed(1));
        let lifetime = Lifetime { life: secs(1_794), mandatory_from: secs(1_834), end: secs(1_894) };
        for _ in 0..1_000 {
            let draw = Draw::of_call(&mut places);
            let after = |fraction| secs(100) + secs(1_794).mul_f64(fraction);
            assert!((after(0.0999)..=after(0.8501)).contains(&draw.due(&lifetime, true)));
            assert!((after(0.6999)..=after(0.8501)).contains(&draw.due(&lifetime, false)));
        }
        let short = Lifetime { life: secs(2), mandatory_from: secs(101), end: secs(102) };
        assert!(Draw::of_call(&mut places).due(&short, false) <= secs(101));
    }

    #[test]
    fn any_twenty_draws_in_a_row_leave_no_gap_of_a_tenth() {
        let mut places = Places::new(&mut Rng::with_seed(3));
        for _ in 0..100 {
            let mut draws: Vec<f64> = (0..20).map(|_| places.take()).chain([0.0, 1.0]).collect();
            draws.sort_by(f64::total_cmp);
            assert!(draws.windows(2).all(|pair| pair[1] - pair[0] < 0.1), "{draws:?}");
        }
    }

    #[test]
    fn processes_that_hold_one_token_agree_on_when_it_is_due_but_for_a_hundredth_of_its_life() {
        let lifetime = Lifetime { life: secs(1_800), mandatory_from: secs(1_840), end: secs(1_900) };
        let (mut earliest, mut latest) = (Duration::MAX, Duration::ZERO);
        for number in 0..1_000 {
            let hash = hash(&Token::new(&format!("token-{number}")).unwrap());
            let due = [1, 2].map(|seed| Draw::shared(hash, &mut Rng::with_seed(seed)).due(&lifetime, false));
            assert!(due[0].abs_diff(due[1]) <= secs(18) && due[0] != due[1]);
            (earliest, latest) = (earliest.min(due[0]), latest.max(due[0]));
        }
        assert!(
            latest.saturating_sub(earliest) > secs(240),
            "and their tokens are spread: {earliest:?} to {latest:?}"
        );
        assert!(earliest >= secs(1_359) && latest <= secs(1_649), "none is due before its band");
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
