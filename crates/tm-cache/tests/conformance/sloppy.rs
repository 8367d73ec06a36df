//! A store as simple as can be, each rule of which can be replaced by a wrong one.

use std::{
    collections::HashMap,
    sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tm_cache::{Claim, Key, Lease, Owner, Record, Store, StoreError, Tombstone};
use tm_core::UnixTime;

/// Its clones are handles on one place.
#[derive(Clone)]
pub(crate) struct Sloppy {
    pub(crate) rules: Rules,
    place: Arc<Mutex<HashMap<Key, Known>>>,
}

/// What is known of one key.
#[derive(Clone, Default)]
pub(crate) struct Known {
    pub(crate) record: Option<Record>,
    pub(crate) put_at: Option<Instant>,
    pub(crate) refused: Vec<(Tombstone, Instant)>,
    pub(crate) lease: Option<(Owner, Instant)>,
}

pub(crate) struct Ask<'a> {
    pub(crate) owner: &'a Owner,
    pub(crate) now: Instant,
    pub(crate) time: Duration,
}

#[derive(Clone)]
pub(crate) struct Rules {
    /// Whether the first replaces the second.
    pub(crate) replaces: fn(&Record, &Record) -> bool,
    pub(crate) buries: fn(&Tombstone, &Record) -> bool,
    pub(crate) remembers: fn(&mut Known, Tombstone, Instant),
    pub(crate) drops: fn(&mut Known, &Tombstone, &Rules),
    /// Zero, if it is over.
    pub(crate) left: fn(Duration, Duration) -> Duration,
    pub(crate) answers: fn(&Claim, &Record) -> bool,
    pub(crate) leases: fn(&mut Known, Option<Record>, &Ask<'_>) -> Lease,
    pub(crate) releases: fn(&mut Known, &Owner),
    pub(crate) says_it_leases: bool,
    /// Where writers meet between looking and writing, in a store that is not atomic.
    pub(crate) meets: Option<Arc<Barrier>>,
}

impl Default for Sloppy {
    fn default() -> Self {
        let rules = Rules {
            replaces,
            buries: |tombstone, record| {
                record.stamp().issued < tombstone.issued || record.fingerprint() == tombstone.fingerprint
            },
            remembers: |known, tombstone, now| known.refused.push((tombstone, now + tombstone.remaining)),
            drops: |known, tombstone, rules| {
                known.record.take_if(|record| (rules.buries)(tombstone, record));
            },
            left: Duration::saturating_sub,
            answers: |claim, record| believable(record) && Lease::answers(claim, record),
            leases,
            releases: |known, owner| {
                known.lease.take_if(|(holder, _)| holder == owner);
            },
            says_it_leases: true,
            meets: None,
        };
        Self { rules, place: Arc::default() }
    }
}

pub(crate) fn replaces(record: &Record, there: &Record) -> bool {
    match (believable(record), believable(there)) {
        (true, true) => record.beats(there),
        (_, there) => !there,
    }
}

pub(crate) fn believable(record: &Record) -> bool {
    record.is_believable(now())
}

pub(crate) fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

pub(crate) fn leases(known: &mut Known, found: Option<Record>, ask: &Ask<'_>) -> Lease {
    if let Some(record) = found {
        return Lease::Found(record);
    }
    if known.lease.is_some_and(|(holder, end)| holder != *ask.owner && end > ask.now) {
        return Lease::Held;
    }
    known.lease = Some((*ask.owner, ask.now + ask.time));
    Lease::Granted
}

impl Sloppy {
    fn all(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, key: &Key, change: impl FnOnce(&mut Known) -> T) -> T {
        let Some(meets) = &self.rules.meets else {
            return change(self.all().entry(key.clone()).or_default());
        };
        let mut known = self.all().get(key).cloned().unwrap_or_default();
        meets.wait();
        let answer = change(&mut known);
        self.all().insert(key.clone(), known);
        answer
    }

    fn look(&self, known: &Known, now: Instant) -> Option<Record> {
        let record = known.record.clone()?;
        let left = (self.rules.left)(record.remaining(), now - known.put_at?);
        (!left.is_zero()).then(|| record.with_remaining(left))
    }
}

impl Store for Sloppy {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        let (place, now) = (self.all(), Instant::now());
        Ok(keys.iter().map(|key| self.look(place.get(key)?, now)).collect())
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        for (key, record) in records {
            self.change(key, |known| {
                let now = Instant::now();
                let buried = |(refused, end): &(Tombstone, Instant)| {
                    *end > now && (self.rules.buries)(refused, record)
                };
                let beaten =
                    self.look(known, now).is_some_and(|there| !(self.rules.replaces)(record, &there));
                if !beaten && !known.refused.iter().any(buried) {
                    (known.record, known.put_at) = (Some(record.clone()), Some(now));
                }
            });
        }
        Ok(())
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        for (key, tombstone) in tombstones {
            self.change(key, |known| {
                (self.rules.remembers)(known, *tombstone, Instant::now());
                (self.rules.drops)(known, tombstone, &self.rules);
            });
        }
        Ok(())
    }

    fn lease_many(&self, claims: &[Claim], owner: &Owner, time: Duration) -> Result<Vec<Lease>, StoreError> {
        let lease = |claim: &Claim| {
            self.change(&claim.key, |known| {
                let ask = Ask { owner, now: Instant::now(), time };
                let found = self.look(known, ask.now).filter(|record| (self.rules.answers)(claim, record));
                (self.rules.leases)(known, found, &ask)
            })
        };
        Ok(claims.iter().map(lease).collect())
    }

    fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        for key in keys {
            self.change(key, |known| (self.rules.releases)(known, owner));
        }
        Ok(())
    }

    fn leases(&self) -> bool {
        self.rules.says_it_leases
    }
}
