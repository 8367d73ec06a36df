//! Who of this process fetches what.

use std::{collections::HashMap, time::Duration};

use crate::{Key, Owner};

/// Most leases at a time. Beyond them all are granted, and none is remembered.
const MOST: usize = 100_000;

/// Those that are over are swept out when there are twice as many as were left at the last time.
const SWEEP_AT_LEAST_AT: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Leases {
    held: HashMap<Key, (Owner, Duration)>,
    sweep_at: usize,
}

impl Leases {
    /// Whether it is granted.
    pub(super) fn lease(&mut self, key: &Key, owner: &Owner, now: Duration, time: Duration) -> bool {
        let held = self.held.get(key).is_some_and(|(holder, end)| holder != owner && *end > now);
        if !held && let Some(end) = now.checked_add(time) {
            self.sweep(now);
            if self.held.len() < MOST || self.held.contains_key(key) {
                self.held.insert(key.clone(), (*owner, end));
            }
        }
        !held
    }

    pub(super) fn release(&mut self, key: &Key, owner: &Owner) {
        if self.held.get(key).is_some_and(|(holder, _)| holder == owner) {
            self.held.remove(key);
        }
    }

    fn sweep(&mut self, now: Duration) {
        if self.held.len() >= self.sweep_at.max(SWEEP_AT_LEAST_AT) {
            self.held.retain(|_, (_, end)| *end > now);
            self.sweep_at = 2 * self.held.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::clock::since_start;

    #[test]
    fn leases_that_are_over_take_no_room() {
        let (mut leases, start, second) = (Leases::default(), since_start(), Duration::from_secs(1));
        for number in 0..10_000_u32 {
            let (key, now) = (Key::from_bytes(&number.to_be_bytes()), start + second * number);
            assert!(leases.lease(&key, &Owner::new([1; 16]), now, 4 * second));
            assert!(leases.held.len() <= SWEEP_AT_LEAST_AT);
        }
    }

    #[test]
    fn a_lease_ends_at_its_time() {
        let (mut leases, start, hour) = (Leases::default(), since_start(), Duration::from_secs(3_600));
        let (key, here, there) = (Key::from_bytes(b"acme"), Owner::new([1; 16]), Owner::new([2; 16]));
        assert!(leases.lease(&key, &here, start, hour));
        assert!(!leases.lease(&key, &there, start + hour.mul_f64(0.999), hour));
        assert!(leases.lease(&key, &there, start + hour, hour));
        leases.release(&key, &here);
        assert!(!leases.lease(&key, &here, start + hour, hour), "nobody gives back what another has");
        leases.release(&key, &there);
        assert!(leases.lease(&key, &here, start + hour, hour));
    }

    #[test]
    fn a_sweep_waits_until_there_are_twice_as_many_as_the_last_one_left() {
        let (mut leases, start, second) = (Leases::default(), since_start(), Duration::from_secs(1));
        let mut number = 0_u32;
        let mut lease = |count, now, time| {
            for _ in 0..count {
                number += 1;
                leases.lease(&Key::from_bytes(&number.to_be_bytes()), &Owner::new([1; 16]), now, time);
            }
            leases.held.len()
        };
        let (later, hour) = (start + second, 3_600 * second);
        assert_eq!(lease(64, start, hour), 64);
        assert_eq!(lease(64, start, second), 128, "the first sweep found all of them living");
        assert_eq!(lease(1, later, hour), 65, "those of a second are over");
        assert_eq!(lease(63, later, second), 128);
        assert_eq!(lease(1, later + second, hour), 66);
    }

    #[test]
    fn beyond_its_bound_all_are_granted() {
        let (mut leases, now, hour) = (Leases::default(), since_start(), Duration::from_secs(3_600));
        for number in 0..=MOST {
            let key = Key::from_bytes(&number.to_be_bytes());
            assert!(leases.lease(&key, &Owner::new([1; 16]), now, hour));
        }
        let held = |leases: &mut Leases, number: usize| {
            !leases.lease(&Key::from_bytes(&number.to_be_bytes()), &Owner::new([2; 16]), now, hour)
        };
        assert!(held(&mut leases, MOST - 1));
        assert!(!held(&mut leases, MOST), "the last one was granted, and not remembered");
        assert_eq!(leases.held.len(), MOST);
    }
}
