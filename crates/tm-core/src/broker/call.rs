//! What a driver is asked to do, and what it answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};

use super::{Buried, Kept, Stamp};
use crate::{
    Application, Credentials, TenantId, TransportError, UnixTime,
    wire::{self, Answer, DecodeError, Refusal, Rejection, RetryAfter},
};

/// Names one effect of one broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(pub(super) u64);

/// Something to carry out. Each is answered with [`super::Broker::done`], once.
#[derive(Debug, Clone)]
pub enum Effect {
    /// One attempt of one call to the service.
    Call(Call),
    /// Something to ask of the store.
    Store(StoreRequest),
}

/// What a store is asked for. Answers that come after [`super::Output::Do`]'s `give_up_at` are of no use.
#[derive(Debug, Clone)]
pub enum StoreRequest {
    /// What is kept for these tenants. Answered with [`StoreAnswer::Loaded`].
    Load(Vec<TenantId>),
    /// The right to fetch, and what is newer than what we have. Answered with [`StoreAnswer::Leased`].
    Lease {
        /// For whom, and how new the token in hand is.
        claims: Vec<(TenantId, Option<Stamp>)>,
        /// For how long.
        time: Duration,
    },
    /// Keep these. Answered with [`StoreAnswer::Done`].
    Save(Vec<(TenantId, Kept)>),
    /// Forget these, and never bring them back. Answered with [`StoreAnswer::Done`].
    Remove(Vec<(TenantId, Buried)>),
    /// The right to fetch is given back. Answered with [`StoreAnswer::Done`].
    Release(Vec<TenantId>),
}

/// What a store answers. One per tenant, in the order of the request.
#[derive(Debug, Clone)]
pub enum StoreAnswer {
    /// What is kept.
    Loaded(Vec<Option<Kept>>),
    /// Who fetches.
    Leased(Vec<Leased>),
    /// It is done.
    Done,
}

/// What the store says of the right to fetch.
#[derive(Debug, Clone)]
pub enum Leased {
    /// No need: here is a newer one.
    Found(Kept),
    /// We are to fetch it.
    Granted,
    /// Somebody else does.
    Held,
}

/// One attempt of one call: for one tenant `/oauth/token`, for two to five `/oauthTokens`.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) application: Arc<Application>,
    pub(super) credentials: Arc<Credentials>,
    pub(super) tenants: Vec<TenantId>,
    pub(super) time: Duration,
}

impl Call {
    /// Whose tokens are asked for: one to five tenants.
    pub fn tenants(&self) -> &[TenantId] {
        &self.tenants
    }

    /// How long the whole attempt may take.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// The request to send. Nothing in it needs to be added, and nothing in it may be logged.
    pub fn request(&self) -> Request<Bytes> {
        match self.tenants.as_slice() {
            [tenant] => wire::one_token::request(&self.application, &self.credentials, tenant),
            tenants => wire::batch::request(&self.application, &self.credentials, tenants),
        }
    }

    /// Reads what came back. Pure: it may run anywhere, outside the broker's lock.
    pub fn outcome(&self, answer: Result<Response<Bytes>, TransportError>) -> Outcome {
        let response = match answer {
            Ok(response) => response,
            Err(error) => return Outcome::Failed(error),
        };
        let read = match self.tenants.as_slice() {
            [tenant] => wire::one_token::answer(&response)
                .map(|Answer { value, date }| Answer { value: vec![(tenant.clone(), Ok(value))], date }),
            _ => wire::batch::answer(&response),
        };
        match read {
            Ok(Answer { value, date }) => Outcome::Answered { entries: value, date },
            Err(Rejection::Refused { mut refusal, retry_after, date }) => {
                refusal.hide(&self.credentials.auth_key());
                Outcome::Refused { refusal, retry_after, date }
            }
            Err(Rejection::Undecodable(error)) => Outcome::Undecodable(error),
        }
    }
}

/// What became of an effect. For a request to the store, all but [`Outcome::Stored`] count as [`Outcome::StoreFailed`].
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The service answered with tokens: some, all or none of those asked for, perhaps others too.
    Answered {
        /// What came, as [`wire::batch::answer`] reads it.
        entries: Vec<wire::batch::Entry>,
        /// The service's clock.
        date: Option<UnixTime>,
    },
    /// The service answered with a status other than 2xx.
    Refused {
        /// What it said.
        refusal: Refusal,
        /// When it wants to be asked again.
        retry_after: Option<RetryAfter>,
        /// The service's clock.
        date: Option<UnixTime>,
    },
    /// The service answered 2xx with something else than tokens.
    Undecodable(DecodeError),
    /// There was no answer from the service.
    Failed(TransportError),
    /// The store answered.
    Stored(StoreAnswer),
    /// The store failed, or did not answer in time: a miss.
    StoreFailed,
    /// Whoever carried out the effect is gone: it panicked, or its runtime ended. Counts as an outage.
    Lost,
}
