//! Leases: of several processes that need a token, one fetches it.

use std::fmt;

use tm_core::broker::Stamp;

use super::{Key, Record, clock::unix_now};

/// Who leases: one client of one process, by a number that no other has.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner([u8; 16]);

impl Owner {
    /// From sixteen bytes that nobody else has drawn.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Owner({:032x})", u128::from_be_bytes(self.0))
    }
}

/// What is asked of [`super::Store::lease_many`] for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// For which token.
    pub key: Key,
    /// What the claimant has already: only what beats it is of use.
    pub has: Option<Stamp>,
}

/// What a claim was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// There is a record that beats what the claimant has.
    Found(Record),
    /// The claimant is to fetch it.
    Granted,
    /// Somebody else does.
    Held,
}

impl Lease {
    /// Whether this record answers the claim.
    pub fn answers(claim: &Claim, record: &Record) -> bool {
        claim.has.is_none_or(|has| record.stamp() > has)
    }

    pub(super) fn without_leases(claims: &[Claim], records: Vec<Option<Record>>) -> Vec<Self> {
        let now = unix_now();
        let answers =
            |claim: &Claim, record: &Record| record.is_believable(now) && Self::answers(claim, record);
        let found = |(claim, record): (&Claim, Option<Record>)| {
            record.filter(|record| answers(claim, record)).map_or(Self::Granted, Self::Found)
        };
        claims.iter().zip(records).map(found).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tm_core::UnixTime;

    use super::*;
    use crate::{Fingerprint, Head};

    fn stamp(issued: i64) -> Stamp {
        Stamp { issued: UnixTime::from_secs(issued), expires: UnixTime::from_secs(9_999) }
    }

    fn claim(has: Option<Stamp>) -> Claim {
        Claim { key: Key::from_bytes(b"acme"), has }
    }

    fn record(issued: i64) -> Record {
        let head =
            Head { flags: 0, key_id: [0; 8], stamp: stamp(issued), fingerprint: Fingerprint::new([1; 16]) };
        Record::new(&head, b"body", Duration::from_secs(60))
    }

    #[test]
    fn only_what_is_newer_than_what_the_claimant_has_is_an_answer() {
        assert!(Lease::answers(&claim(None), &record(100)));
        assert!(Lease::answers(&claim(Some(stamp(99))), &record(100)));
        assert!(!Lease::answers(&claim(Some(stamp(100))), &record(100)));
        assert!(!Lease::answers(&claim(Some(stamp(101))), &record(100)));
    }

    #[test]
    fn an_owner_keeps_its_number() {
        assert_eq!(Owner::new(*b"sixteen numbers!").as_bytes(), b"sixteen numbers!");
    }
}
