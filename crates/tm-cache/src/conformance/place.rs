//! Where a check runs: the store with its answers counted, fresh keys, and made-up tokens.

use std::{
    error::Error as StdError,
    fmt::Write as _,
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tm_core::{UnixTime, broker::Stamp};

use super::{Verdict, driven::Driven, report::broken};
use crate::{Claim, Fingerprint, Head, Key, Lease, Owner, Record, StoreError, Tombstone};

pub(super) const HOUR: Duration = Duration::from_secs(3_600);

/// Keys of a check begin with so many random bytes.
const RANDOM: usize = 16;

pub(super) struct Place<'a> {
    store: Driven<'a>,
    other: Option<Driven<'a>>,
    pub(super) tick: Duration,
    now: UnixTime,
    drawn: [u8; RANDOM],
    keys: AtomicU64,
}

impl<'a> Place<'a> {
    pub(super) fn new(store: Driven<'a>, other: Option<Driven<'a>>, tick: Duration) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = UnixTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        Self { store, other, tick, now, drawn: random(), keys: AtomicU64::new(0) }
    }

    pub(super) fn needs_leases(&self) -> Result<(), Verdict> {
        if self.leases() { Ok(()) } else { Err(Verdict::Skipped("the store does not lease".to_owned())) }
    }

    pub(super) fn leases(&self) -> bool {
        self.store.leases()
    }

    /// Another handle on the same place.
    pub(super) fn other(&self) -> Result<&Driven<'a>, Verdict> {
        let alone = || Verdict::Skipped("not said to be `shared`".to_owned());
        self.other.as_ref().ok_or_else(alone)
    }

    /// The one handle for even numbers, the other for odd ones, if there are two.
    pub(super) fn handle(&self, number: usize) -> &Driven<'a> {
        self.other.as_ref().filter(|_| number % 2 == 1).unwrap_or(&self.store)
    }

    /// A key that nobody has used.
    pub(super) fn key(&self) -> Key {
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        Key::from_bytes(&[&self.drawn[..], &number.to_be_bytes()].concat())
    }

    pub(super) fn some_keys(&self, many: usize) -> Vec<Key> {
        (0..many).map(|_| self.key()).collect()
    }

    /// A record of an hour, issued so many seconds after the check began, with a token of this name.
    pub(super) fn record(&self, issued: i64, name: u8) -> Record {
        self.record_ending(issued, issued + 3_600, name)
    }

    pub(super) fn record_ending(&self, issued: i64, expires: i64, name: u8) -> Record {
        record_of(self.stamp(issued, expires), name, &[name; 24])
    }

    pub(super) fn stamp(&self, issued: i64, expires: i64) -> Stamp {
        Stamp { issued: self.at(1_000 * issued), expires: self.at(1_000 * expires) }
    }

    /// Issued so many milliseconds after the check began.
    pub(super) fn millis(&self, issued: i64) -> Stamp {
        Stamp { issued: self.at(issued), expires: self.at(3_600_000) }
    }

    fn at(&self, millis: i64) -> UnixTime {
        UnixTime::from_millis(self.now.as_millis() + millis)
    }

    pub(super) fn tombstone(&self, issued: i64, name: u8) -> Tombstone {
        let (stamp, fingerprint) = (self.stamp(issued, issued), Fingerprint::new([name; 16]));
        Tombstone { issued: stamp.issued, fingerprint, remaining: HOUR }
    }

    pub(super) fn get(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, Verdict> {
        counted(keys.len(), no_error("get_many", self.store.get_many(keys))?)
    }

    pub(super) fn put(&self, records: &[(Key, Record)]) -> Result<(), Verdict> {
        no_error("put_many", self.store.put_many(records))
    }

    pub(super) fn put_one(&self, key: &Key, record: &Record) -> Result<(), Verdict> {
        self.put(&[(key.clone(), record.clone())])
    }

    pub(super) fn bury(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), Verdict> {
        no_error("remove_many", self.store.remove_many(tombstones))
    }

    pub(super) fn bury_one(&self, key: &Key, tombstone: Tombstone) -> Result<(), Verdict> {
        self.bury(&[(key.clone(), tombstone)])
    }

    pub(super) fn lease(
        &self,
        claims: &[Claim],
        owner: &Owner,
        time: Duration,
    ) -> Result<Vec<Lease>, Verdict> {
        counted(claims.len(), no_error("lease_many", self.store.lease_many(claims, owner, time))?)
    }

    pub(super) fn release(&self, keys: &[Key], owner: &Owner) -> Result<(), Verdict> {
        no_error("release_many", self.store.release_many(keys, owner))
    }

    /// Whether exactly this is kept under this key; what is left of its time is not looked at.
    pub(super) fn expect_kept(
        &self,
        given: &str,
        key: &Key,
        expected: Option<&Record>,
    ) -> Result<(), Verdict> {
        let seen = self.get(std::slice::from_ref(key))?.pop().flatten();
        self.expect_record(given, expected, seen.as_ref())
    }

    pub(super) fn expect_record(
        &self,
        given: &str,
        expected: Option<&Record>,
        seen: Option<&Record>,
    ) -> Result<(), Verdict> {
        let same = expected.map(Record::bytes) == seen.map(Record::bytes);
        expect(same, || (format!("{} {given}", self.describe(expected)), self.describe(seen)))
    }

    /// What a record is, without its bytes.
    pub(super) fn describe(&self, record: Option<&Record>) -> String {
        let Some(record) = record else { return "nothing".to_owned() };
        let (stamp, fingerprint) = (record.stamp(), record.fingerprint());
        let after = |time: UnixTime| (time.as_millis() - self.now.as_millis()) / 1_000;
        let mut text = format!("the record issued at {} s", after(stamp.issued));
        let _ = write!(text, ", ending at {} s", after(stamp.expires));
        let _ = write!(text, ", of token {:02x}", fingerprint.as_bytes()[0]);
        let _ = write!(text, ", with {} bytes", record.bytes().len());
        text
    }
}

pub(super) fn record_of(stamp: Stamp, name: u8, body: &[u8]) -> Record {
    let fingerprint = Fingerprint::new([name; 16]);
    Record::new(&Head { flags: 0, key_id: [0; 8], stamp, fingerprint }, body, HOUR)
}

/// Somebody who leases, and nobody else.
pub(super) fn new_owner() -> Owner {
    Owner::new(random())
}

/// Keys need only differ from those of other runs; the standard library's hasher is seeded by the system.
fn random() -> [u8; RANDOM] {
    let (left, right) =
        (RandomState::new().build_hasher().finish(), RandomState::new().build_hasher().finish());
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    (u128::from(left) << 64 | u128::from(right)).wrapping_add(nanos).to_be_bytes()
}

pub(super) fn expect(holds: bool, tell: impl FnOnce() -> (String, String)) -> Result<(), Verdict> {
    if holds {
        return Ok(());
    }
    let (expected, seen) = tell();
    Err(broken(expected, seen))
}

pub(super) fn no_error<T>(call: &str, answer: Result<T, StoreError>) -> Result<T, Verdict> {
    answer.map_err(|error| {
        let mut seen = format!("{call} fails: {error}");
        let mut below = error.source();
        while let Some(cause) = below {
            let _ = write!(seen, ": {cause}");
            below = cause.source();
        }
        broken("an answer", seen)
    })
}

pub(super) fn counted<T>(asked: usize, answers: Vec<T>) -> Result<Vec<T>, Verdict> {
    expect(answers.len() == asked, || (format!("{asked} answers"), format!("{}", answers.len())))?;
    Ok(answers)
}
