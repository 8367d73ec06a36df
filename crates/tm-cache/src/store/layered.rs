//! A nearer store over a farther one.

use std::time::Duration;

use async_trait::async_trait;

use super::{AsyncStore, Claim, Key, Lease, Owner, Record, Store, StoreError, Tombstone};

/// Any nearer store over any farther one, such as memory over a server that many processes share.
///
/// What is near is answered without asking farther; what is found there is kept near. Writes go to both. If the farther
/// store fails, what is near is answered all the same. One that hangs holds up what is asked of it, and what is near with
/// that: give it a time limit of its own, shorter than the 500 ms that a client waits.
///
/// # How fresh
/// The nearer store knows what came through here, and nothing of what other processes do. So
/// * `get_many` may answer a record that another process has replaced since, or that it knows to be refused, until the end
///   of that record. What was refused through here is gone from both.
/// * `lease_many` always asks the farther store, and it alone. Who looks for a better token than it has never gets one that
///   any process knows to be refused.
///
/// ```
/// # use std::time::Duration;
/// # use tm_cache::{Fingerprint, Head, Key, Layered, MemoryStore, Record, Store};
/// # use tm_core::{UnixTime, broker::Stamp};
/// # let stamp = Stamp { issued: UnixTime::from_secs(100), expires: UnixTime::from_secs(3_700) };
/// # let head = Head { flags: 0, key_id: [0; 8], stamp, fingerprint: Fingerprint::new([1; 16]) };
/// # let (key, record) = (Key::from_bytes(b"acme"), Record::new(&head, b"token", Duration::from_secs(60)));
/// let far = MemoryStore::default();
/// far.put_many(&[(key.clone(), record)])?;
///
/// let store = Layered::new(MemoryStore::new(1024 * 1024), far);
/// assert!(Store::get_many(&store, &[key])?[0].is_some());
/// # Ok::<(), tm_cache::StoreError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Layered<N, F> {
    near: N,
    far: F,
}

impl<N, F> Layered<N, F> {
    /// `near` is asked first.
    pub fn new(near: N, far: F) -> Self {
        Self { near, far }
    }

    /// The store that is asked first.
    pub fn near(&self) -> &N {
        &self.near
    }

    /// The store that is asked for what is not near, and for leases.
    pub fn far(&self) -> &F {
        &self.far
    }
}

/// Writing near what was found far is an offer: if it fails, it is found far again. A refusal that was not written is an
/// error wherever that was, since what is refused would come back from there. It is written near first: the farther store may
/// hang until the caller goes away.
impl<N: Store, F: Store> Store for Layered<N, F> {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        let near = Near::new(keys, self.near.get_many(keys));
        let missing = near.missing();
        if missing.is_empty() {
            return Ok(near.answers);
        }
        let (answers, found) = near.with(self.far.get_many(&missing))?;
        if !found.is_empty() {
            let _ = self.near.put_many(&found);
        }
        Ok(answers)
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        let far = self.far.put_many(records);
        let _ = self.near.put_many(records);
        far
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        let near = self.near.remove_many(tombstones);
        self.far.remove_many(tombstones).and(near)
    }

    fn lease_many(&self, claims: &[Claim], owner: &Owner, time: Duration) -> Result<Vec<Lease>, StoreError> {
        let leases = self.far.lease_many(claims, owner, time)?;
        let found = found(claims, &leases);
        if !found.is_empty() {
            let _ = self.near.put_many(&found);
        }
        Ok(leases)
    }

    fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        self.far.release_many(keys, owner)
    }

    fn leases(&self) -> bool {
        self.far.leases()
    }
}

#[async_trait]
impl<N: AsyncStore, F: AsyncStore> AsyncStore for Layered<N, F> {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        let near = Near::new(keys, self.near.get_many(keys).await);
        let missing = near.missing();
        if missing.is_empty() {
            return Ok(near.answers);
        }
        let (answers, found) = near.with(self.far.get_many(&missing).await)?;
        if !found.is_empty() {
            let _ = self.near.put_many(&found).await;
        }
        Ok(answers)
    }

    async fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        let far = self.far.put_many(records).await;
        let _ = self.near.put_many(records).await;
        far
    }

    async fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        let near = self.near.remove_many(tombstones).await;
        self.far.remove_many(tombstones).await.and(near)
    }

    async fn lease_many(
        &self,
        claims: &[Claim],
        owner: &Owner,
        time: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let leases = self.far.lease_many(claims, owner, time).await?;
        let found = found(claims, &leases);
        if !found.is_empty() {
            let _ = self.near.put_many(&found).await;
        }
        Ok(leases)
    }

    async fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        self.far.release_many(keys, owner).await
    }

    fn leases(&self) -> bool {
        self.far.leases()
    }
}

/// What the nearer store has of these keys.
struct Near<'a> {
    keys: &'a [Key],
    answers: Vec<Option<Record>>,
}

impl<'a> Near<'a> {
    /// If it fails, it has nothing.
    fn new(keys: &'a [Key], answers: Result<Vec<Option<Record>>, StoreError>) -> Self {
        let mut answers = answers.unwrap_or_default();
        answers.resize(keys.len(), None);
        Self { keys, answers }
    }

    fn missing(&self) -> Vec<Key> {
        let missing = self.keys.iter().zip(&self.answers).filter(|(_, answer)| answer.is_none());
        missing.map(|(key, _)| key.clone()).collect()
    }

    /// All answers, and what of them came from afar. If the farther store failed, its error counts only with nothing near.
    #[expect(
        clippy::type_complexity,
        reason = "answers as the trait has them, and puts as the trait takes them"
    )]
    fn with(
        mut self,
        far: Result<Vec<Option<Record>>, StoreError>,
    ) -> Result<(Vec<Option<Record>>, Vec<(Key, Record)>), StoreError> {
        let nothing_near = self.answers.iter().all(Option::is_none);
        let far = match far {
            Err(error) if nothing_near => return Err(error),
            far => far.unwrap_or_default(),
        };
        let mut found = Vec::new();
        let places = self.keys.iter().zip(&mut self.answers).filter(|(_, answer)| answer.is_none());
        for ((key, answer), record) in places.zip(far) {
            found.extend(record.clone().map(|record| (key.clone(), record)));
            *answer = record;
        }
        Ok((self.answers, found))
    }
}

fn found(claims: &[Claim], leases: &[Lease]) -> Vec<(Key, Record)> {
    let found = |(claim, lease): (&Claim, &Lease)| match lease {
        Lease::Found(record) => Some((claim.key.clone(), record.clone())),
        Lease::Granted | Lease::Held => None,
    };
    claims.iter().zip(leases).filter_map(found).collect()
}
