//! From what the broker asks of a store to calls of a store, and back.

use std::time::Duration;

use tm_core::broker::{Leased, StoreAnswer, StoreRequest};

use crate::{AsyncStore, Claim, Codec, Key, Lease, Owner, Record, Store, StoreError, Tombstone};

/// One call of a store.
#[derive(Debug)]
pub enum Question {
    /// [`Store::get_many`].
    Get(Vec<Key>),
    /// [`Store::lease_many`].
    Lease(Vec<Claim>, Owner, Duration),
    /// [`Store::put_many`].
    Put(Vec<(Key, Record)>),
    /// [`Store::remove_many`].
    Remove(Vec<(Key, Tombstone)>),
    /// [`Store::release_many`].
    Release(Vec<Key>, Owner),
}

/// What a store answered.
#[derive(Debug)]
pub enum Reply {
    /// To [`Question::Get`].
    Records(Vec<Option<Record>>),
    /// To [`Question::Lease`].
    Leases(Vec<Lease>),
    /// To all others.
    Done,
}

impl Question {
    /// Asks a store.
    ///
    /// # Errors
    /// The store's own.
    pub fn put_to(&self, store: &(impl Store + ?Sized)) -> Result<Reply, StoreError> {
        Ok(match self {
            Self::Get(keys) => Reply::Records(store.get_many(keys)?),
            Self::Lease(claims, owner, time) => Reply::Leases(store.lease_many(claims, owner, *time)?),
            Self::Put(records) => done(store.put_many(records)?),
            Self::Remove(tombstones) => done(store.remove_many(tombstones)?),
            Self::Release(keys, owner) => done(store.release_many(keys, owner)?),
        })
    }

    /// Asks an async store.
    ///
    /// # Errors
    /// The store's own.
    pub async fn put_to_async(&self, store: &(impl AsyncStore + ?Sized)) -> Result<Reply, StoreError> {
        Ok(match self {
            Self::Get(keys) => Reply::Records(store.get_many(keys).await?),
            Self::Lease(claims, owner, time) => Reply::Leases(store.lease_many(claims, owner, *time).await?),
            Self::Put(records) => done(store.put_many(records).await?),
            Self::Remove(tombstones) => done(store.remove_many(tombstones).await?),
            Self::Release(keys, owner) => done(store.release_many(keys, owner).await?),
        })
    }
}

fn done((): ()) -> Reply {
    Reply::Done
}

impl Codec {
    /// What to ask the store, on behalf of this owner. A token that cannot be sealed is left out.
    pub fn question(&self, request: &StoreRequest, owner: Owner) -> Question {
        match request {
            StoreRequest::Load(tenants) => {
                Question::Get(tenants.iter().map(|tenant| self.key(tenant)).collect())
            }
            StoreRequest::Lease { claims, time } => {
                let claim = |(tenant, has): &(_, _)| Claim { key: self.key(tenant), has: *has };
                Question::Lease(claims.iter().map(claim).collect(), owner, *time)
            }
            StoreRequest::Save(tokens) => {
                let record = |(tenant, kept): &(_, _)| {
                    let key = self.key(tenant);
                    let record = self.record(&key, kept)?;
                    Some((key, record))
                };
                Question::Put(tokens.iter().filter_map(record).collect())
            }
            StoreRequest::Remove(tokens) => {
                let tombstone = |(tenant, buried): &(_, _)| (self.key(tenant), self.tombstone(buried));
                Question::Remove(tokens.iter().map(tombstone).collect())
            }
            StoreRequest::Release(tenants) => {
                Question::Release(tenants.iter().map(|tenant| self.key(tenant)).collect(), owner)
            }
        }
    }

    /// What the reply tells the broker. A record that does not open is a miss. `None` if the reply is none to this question.
    pub fn answer(&self, question: &Question, reply: Reply) -> Option<StoreAnswer> {
        match (question, reply) {
            (Question::Get(keys), Reply::Records(records)) if records.len() == keys.len() => {
                let kept = keys.iter().zip(records).map(|(key, record)| self.kept(key, &record?));
                Some(StoreAnswer::Loaded(kept.collect()))
            }
            (Question::Lease(claims, ..), Reply::Leases(leases)) if leases.len() == claims.len() => {
                let answers = claims.iter().zip(leases).map(|(claim, lease)| self.leased(claim, &lease));
                Some(StoreAnswer::Leased(answers.collect()))
            }
            (Question::Put(_) | Question::Remove(_) | Question::Release(..), Reply::Done) => {
                Some(StoreAnswer::Done)
            }
            _ => None,
        }
    }

    /// What is there and does not open is no reason to wait for anybody.
    fn leased(&self, claim: &Claim, lease: &Lease) -> Leased {
        match lease {
            Lease::Found(record) => self.kept(&claim.key, record).map_or(Leased::Granted, Leased::Found),
            Lease::Granted => Leased::Granted,
            Lease::Held => Leased::Held,
        }
    }
}
