//! What a store keeps: bytes with a readable head.

use std::{fmt, time::Duration};

use bytes::Bytes;
use tm_core::{UnixTime, broker::Stamp};

/// Stands for a token where no token may stand: sixteen bytes of a hash of it, with a key ring a keyed one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// From its bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({:032x})", u128::from_be_bytes(self.0))
    }
}

/// What of a record anyone can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// [`Head::SEALED`], [`Head::COLD`], or both. The others are not used, and zero.
    pub flags: u8,
    /// Which key the body is sealed with; zero if it is not.
    pub key_id: [u8; 8],
    /// When the token was issued and when it ends, on the service's clock.
    pub stamp: Stamp,
    /// Which token it is.
    pub fingerprint: Fingerprint,
}

impl Head {
    /// The body is sealed.
    pub const SEALED: u8 = 1;

    /// Nobody had a token of this tenant when this one was fetched.
    pub const COLD: u8 = 2;

    /// The head as it stands at the start of a record.
    pub fn to_bytes(&self) -> [u8; Record::HEAD] {
        let mut bytes = [0; Record::HEAD];
        bytes[0] = Record::VERSION;
        bytes[1] = self.flags;
        bytes[2..10].copy_from_slice(&self.key_id);
        bytes[10..18].copy_from_slice(&self.stamp.issued.as_millis().to_be_bytes());
        bytes[18..26].copy_from_slice(&self.stamp.expires.as_millis().to_be_bytes());
        bytes[26..].copy_from_slice(self.fingerprint.as_bytes());
        bytes
    }
}

/// A token as a store keeps it: bytes in the format of `docs/record-format.md`. The head can be read by anyone; the body is
/// sealed, or at least none of a store's business.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    bytes: Bytes,
    remaining: Duration,
}

impl Record {
    /// The first byte of every record.
    pub const VERSION: u8 = 1;

    /// How many bytes the head has.
    pub const HEAD: usize = 42;

    /// Most bytes of a record.
    pub const MAX_BYTES: usize = 32 * 1024;

    /// How far ahead of a store's clock a record's time of issue may lie to be believed.
    pub const AHEAD: Duration = Duration::from_secs(300);

    /// From a head and the body that belongs to it. `remaining` is how long a store may keep it.
    pub fn new(head: &Head, body: &[u8], remaining: Duration) -> Self {
        let mut bytes = Vec::with_capacity(Self::HEAD + body.len());
        bytes.extend_from_slice(&head.to_bytes());
        bytes.extend_from_slice(body);
        Self { bytes: Bytes::from(bytes), remaining }
    }

    /// Reads the head of what a store has kept, and what is left of its time there. `None` if it is no record of this
    /// version: to be treated as if nothing were there.
    pub fn parse(bytes: Bytes, remaining: Duration) -> Option<Self> {
        let readable =
            bytes.first() == Some(&Self::VERSION) && (Self::HEAD..=Self::MAX_BYTES).contains(&bytes.len());
        readable.then_some(Self { bytes, remaining })
    }

    /// What a store has to keep.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How long a store may keep it, from now on.
    pub fn remaining(&self) -> Duration {
        self.remaining
    }

    /// The same with less time left.
    #[must_use]
    pub fn with_remaining(mut self, remaining: Duration) -> Self {
        self.remaining = remaining;
        self
    }

    /// All that its head tells.
    pub fn head(&self) -> Head {
        Head {
            flags: self.bytes[1],
            key_id: self.array_at(2),
            stamp: self.stamp(),
            fingerprint: self.fingerprint(),
        }
    }

    /// What follows the head.
    pub fn body(&self) -> &[u8] {
        &self.bytes[Self::HEAD..]
    }

    /// When the token was issued and when it ends, on the service's clock.
    pub fn stamp(&self) -> Stamp {
        Stamp { issued: self.time_at(10), expires: self.time_at(18) }
    }

    /// Which token it is.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(self.array_at(26))
    }

    /// Whether this one is to be kept rather than `other`: the later issue wins, then the later end.
    pub fn beats(&self, other: &Self) -> bool {
        self.stamp() > other.stamp()
    }

    /// Whether its time of issue can be true, on a store's clock.
    pub fn is_believable(&self, now: UnixTime) -> bool {
        self.stamp().issued <= now.saturating_add(Self::AHEAD)
    }

    fn time_at(&self, offset: usize) -> UnixTime {
        UnixTime::from_millis(i64::from_be_bytes(self.array_at(offset)))
    }

    fn array_at<const N: usize>(&self, offset: usize) -> [u8; N] {
        let (array, _) = self.bytes[offset..].split_first_chunk().expect("the head is as long as that");
        *array
    }
}

/// Shows the head alone.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("stamp", &self.stamp())
            .field("fingerprint", &self.fingerprint())
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn head(issued: i64, expires: i64) -> Head {
        let stamp = Stamp { issued: UnixTime::from_millis(issued), expires: UnixTime::from_millis(expires) };
        Head { flags: Head::COLD, key_id: [7; 8], stamp, fingerprint: Fingerprint::new([9; 16]) }
    }

    fn record(issued: i64, expires: i64) -> Record {
        Record::new(&head(issued, expires), b"body", HOUR)
    }

    #[test]
    fn a_record_tells_what_it_was_made_of() {
        let written = record(1_001, 2_002);
        let read = Record::parse(written.bytes().clone(), HOUR / 2).unwrap();
        assert_eq!((read.head(), read.body()), (head(1_001, 2_002), b"body".as_slice()));
        assert_eq!((read.remaining(), written.remaining()), (HOUR / 2, HOUR));
        assert_eq!(read.with_remaining(HOUR), written);
    }

    #[test]
    fn bytes_of_another_version_or_length_are_no_record() {
        let parsed = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = record(1, 2).bytes().to_vec();
            change(&mut bytes);
            Record::parse(Bytes::from(bytes), HOUR).map(|record| record.body().len())
        };
        assert_eq!(parsed(&|bytes| bytes[0] = 2), None);
        assert_eq!(parsed(&|bytes| bytes.truncate(Record::HEAD - 1)), None);
        assert_eq!(parsed(&|bytes| bytes.truncate(Record::HEAD)), Some(0), "an empty body is one");
        assert_eq!(parsed(&|bytes| bytes.resize(32 * 1024, 0)), Some(32 * 1024 - Record::HEAD));
        assert_eq!(parsed(&|bytes| bytes.resize(32 * 1024 + 1, 0)), None);
        assert_eq!(Record::parse(Bytes::new(), HOUR), None);
    }

    #[test]
    fn the_later_issue_wins_then_the_later_end() {
        assert!(record(2, 5).beats(&record(1, 9)) && !record(1, 9).beats(&record(2, 5)));
        assert!(record(1, 9).beats(&record(1, 8)) && !record(1, 8).beats(&record(1, 9)));
        assert!(!record(1, 9).beats(&record(1, 9)), "what is there stays");
    }

    #[test]
    fn a_time_of_issue_too_far_ahead_is_not_believed() {
        let now = UnixTime::from_millis(1_000);
        assert!(record(1_000 + 300_000, 0).is_believable(now));
        assert!(!record(1_000 + 300_001, 0).is_believable(now));
    }
}
