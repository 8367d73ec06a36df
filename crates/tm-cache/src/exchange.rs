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

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use tm_core::{
        AppName, AppVersion, Application, Credentials, Gateway, TenantId, Token, UnixTime,
        broker::{Buried, Kept, Stamp},
    };

    use super::*;
    use crate::{Head, MemoryStore, NoStore, Storage};

    const HOUR: Duration = Duration::from_secs(3_600);

    fn codec() -> Codec {
        let application = Application {
            gateway: Gateway::parse("https://gateway.example").unwrap(),
            host_tenant: TenantId::new("operator").unwrap(),
            name: AppName::new("pump-watch").unwrap(),
            version: AppVersion::new("1.0.0").unwrap(),
        };
        Storage::in_process(NoStore).codec(&application, &Credentials::new("client", "hush").unwrap())
    }

    fn here() -> Owner {
        Owner::new([1; 16])
    }

    fn elsewhere() -> Owner {
        Owner::new([2; 16])
    }

    fn acme() -> TenantId {
        TenantId::new("acme").unwrap()
    }

    fn kept() -> Kept {
        let stamp = Stamp { issued: UnixTime::from_secs(1_000), expires: UnixTime::from_secs(2_800) };
        Kept { token: Token::new("t").unwrap(), stamp, remaining: HOUR, cold: true }
    }

    fn save() -> StoreRequest {
        StoreRequest::Save(vec![(acme(), kept())])
    }

    fn lease() -> StoreRequest {
        StoreRequest::Lease { claims: vec![(acme(), None)], time: HOUR }
    }

    /// What a story of requests is answered, each by an owner: what is found, and what is said of leases.
    fn story(ask: impl Fn(&Question) -> Reply) {
        let codec = codec();
        let told = |request: &StoreRequest, owner| {
            let question = codec.question(request, owner);
            codec.answer(&question, ask(&question)).unwrap()
        };
        let found = |answer| -> Vec<_> {
            match answer {
                StoreAnswer::Loaded(found) => {
                    found.into_iter().map(|kept| kept.map(|kept| kept.token)).collect()
                }
                other => panic!("{other:?}"),
            }
        };
        let leased = |answer| match answer {
            StoreAnswer::Leased(mut answers) => answers.pop().unwrap(),
            other => panic!("{other:?}"),
        };
        let load = StoreRequest::Load(vec![TenantId::new("umbrella").unwrap(), acme()]);

        assert!(matches!(leased(told(&lease(), here())), Leased::Granted));
        assert!(matches!(leased(told(&lease(), elsewhere())), Leased::Held));
        assert!(matches!(told(&save(), here()), StoreAnswer::Done));
        let Leased::Found(newer) = leased(told(&lease(), elsewhere())) else { panic!("it was saved") };
        assert!(newer.token == kept().token && newer.cold);
        assert_eq!(found(told(&load, elsewhere())), [None, Some(kept().token)]);
        assert!(matches!(told(&StoreRequest::Release(vec![acme()]), here()), StoreAnswer::Done));
        let refused = Buried { token: kept().token, issued: kept().stamp.issued, remaining: HOUR };
        assert!(matches!(told(&StoreRequest::Remove(vec![(acme(), refused)]), here()), StoreAnswer::Done));
        assert_eq!(found(told(&load, here())), [None, None]);
        assert!(matches!(leased(told(&lease(), elsewhere())), Leased::Granted), "it was given back");
    }

    #[test]
    fn what_the_broker_asks_is_done_to_a_store() {
        let store = MemoryStore::default();
        story(|question| question.put_to(&store).unwrap());
    }

    #[test]
    fn what_the_broker_asks_is_done_to_an_async_store() {
        let store = MemoryStore::default();
        story(|question| {
            let mut asked = pin!(question.put_to_async(&store));
            match asked.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(reply) => reply.unwrap(),
                Poll::Pending => panic!("a store in memory waits for nothing"),
            }
        });
    }

    #[test]
    fn a_reply_to_another_question_is_none() {
        let codec = codec();
        let question = |request| codec.question(&request, here());
        let load = question(StoreRequest::Load(vec![acme()]));
        let (lease, save) = (question(lease()), question(save()));
        let none = |question, reply| assert!(codec.answer(question, reply).is_none(), "{question:?}");
        none(&load, Reply::Done);
        none(&load, Reply::Records(vec![]));
        none(&load, Reply::Records(vec![None, None]));
        none(&lease, Reply::Records(vec![None]));
        none(&lease, Reply::Leases(vec![]));
        none(&lease, Reply::Leases(vec![Lease::Granted, Lease::Granted]));
        none(&save, Reply::Leases(vec![Lease::Granted]));
    }

    #[test]
    fn a_record_that_does_not_open_is_a_miss_and_nobody_is_waited_for() {
        let codec = codec();
        let Question::Put(records) = codec.question(&save(), here()) else { panic!("a token is put") };
        let record = &records[0].1;
        let sealed = Head { flags: Head::SEALED, ..record.head() };
        let foreign = Record::new(&sealed, record.body(), HOUR);
        let load = codec.question(&StoreRequest::Load(vec![acme()]), here());
        let answer = codec.answer(&load, Reply::Records(vec![Some(foreign.clone())]));
        assert!(matches!(answer, Some(StoreAnswer::Loaded(found)) if found == [None]));
        let lease = codec.question(&lease(), here());
        let answer = codec.answer(&lease, Reply::Leases(vec![Lease::Found(foreign)]));
        assert!(matches!(answer, Some(StoreAnswer::Leased(said)) if matches!(said[..], [Leased::Granted])));
    }
}
