//! What stays of refused tokens, so that no process brings them back.

use std::time::Duration;

use tm_core::UnixTime;

use super::{Fingerprint, Record};

/// One token that a service refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// When the refused token was issued, on the service's clock.
    pub issued: UnixTime,
    /// Which token was refused.
    pub fingerprint: Fingerprint,
    /// How long to remember it: until the token would have ended.
    pub remaining: Duration,
}

/// All that a store has to remember of the refused tokens of one key: those of the last instant, by name; older ones lose
/// anyway.
///
/// ```
/// # use std::time::Duration;
/// # use tm_cache::{Fingerprint, Grave, Tombstone};
/// # use tm_core::UnixTime;
/// let refused = |issued, name| Tombstone {
///     issued: UnixTime::from_secs(issued),
///     fingerprint: Fingerprint::new([name; 16]),
///     remaining: Duration::from_secs(60),
/// };
/// let mut grave = Grave::new(&refused(100, 1));
/// grave.add(&refused(100, 2));
/// assert_eq!(grave.fingerprints.len(), 2, "two tokens of one second");
/// grave.add(&refused(101, 3));
/// grave.add(&refused(99, 4));
/// assert_eq!(grave.fingerprints, [Fingerprint::new([3; 16])]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grave {
    /// When they were issued, on the service's clock.
    pub issued: UnixTime,
    /// Which they are, the latest last; at most [`Grave::MOST`].
    pub fingerprints: Vec<Fingerprint>,
}

impl Grave {
    /// How many tokens of one instant are remembered: the service's clock ticks in seconds, and nobody is refused more in one.
    pub const MOST: usize = 16;

    /// With one refused token.
    pub fn new(tombstone: &Tombstone) -> Self {
        Self { issued: tombstone.issued, fingerprints: vec![tombstone.fingerprint] }
    }

    /// Remembers one more; what is older than the latest needs no remembering.
    pub fn add(&mut self, tombstone: &Tombstone) {
        if tombstone.issued > self.issued {
            *self = Self::new(tombstone);
        } else if tombstone.issued == self.issued && !self.fingerprints.contains(&tombstone.fingerprint) {
            if self.fingerprints.len() == Self::MOST {
                self.fingerprints.remove(0);
            }
            self.fingerprints.push(tombstone.fingerprint);
        }
    }

    /// Whether a record has to give way: it is older, or it is a refused token itself. One of the same instant with
    /// another token is good, since the service issues several in a second.
    pub fn buries(&self, record: &Record) -> bool {
        record.stamp().issued < self.issued || self.fingerprints.contains(&record.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use tm_core::broker::Stamp;

    use super::*;
    use crate::Head;

    fn refused(issued: i64, name: u8) -> Tombstone {
        Tombstone {
            issued: UnixTime::from_secs(issued),
            fingerprint: Fingerprint::new([name; 16]),
            remaining: Duration::from_secs(60),
        }
    }

    fn record(issued: i64, name: u8) -> Record {
        let stamp = Stamp { issued: UnixTime::from_secs(issued), expires: UnixTime::from_secs(9_999) };
        let fingerprint = Fingerprint::new([name; 16]);
        Record::new(&Head { flags: 0, key_id: [0; 8], stamp, fingerprint }, b"body", Duration::from_secs(60))
    }

    #[test]
    fn a_grave_buries_what_is_older_and_of_its_own_instant_what_was_refused() {
        let grave = Grave::new(&refused(100, 1));
        assert!(grave.buries(&record(99, 2)), "older");
        assert!(grave.buries(&record(100, 1)), "refused");
        assert!(!grave.buries(&record(100, 2)), "another of the same second");
        assert!(!grave.buries(&record(101, 2)), "newer");
        assert!(grave.buries(&record(101, 1)), "the same token, whatever time it claims");
    }

    #[test]
    fn those_of_the_last_instant_are_remembered_by_name() {
        let mut grave = Grave::new(&refused(100, 1));
        for other in [refused(100, 2), refused(100, 2), refused(99, 3)] {
            grave.add(&other);
        }
        assert_eq!(grave.fingerprints, [1, 2].map(|name| Fingerprint::new([name; 16])));
        grave.add(&refused(101, 4));
        assert_eq!((grave.issued, grave.fingerprints.len()), (UnixTime::from_secs(101), 1));
    }

    #[test]
    fn of_too_many_in_one_instant_the_first_is_forgotten() {
        let mut grave = Grave::new(&refused(100, 1));
        for name in 2..=16 {
            grave.add(&refused(100, name));
        }
        assert_eq!(grave.fingerprints.len(), 16);
        assert!(grave.buries(&record(100, 1)));
        grave.add(&refused(100, 17));
        assert_eq!(grave.fingerprints.len(), 16);
        assert!(!grave.buries(&record(100, 1)) && grave.buries(&record(100, 2)));
    }
}
