//! What a driver is asked to do, and what it answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};

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
            Err(Rejection::Refused { refusal, retry_after, date }) => {
                Outcome::Refused { refusal, retry_after, date }
            }
            Err(Rejection::Undecodable(error)) => Outcome::Undecodable(error),
        }
    }
}

/// What became of an effect.
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
    /// There was no answer.
    Failed(TransportError),
    /// Whoever carried out the effect is gone: it panicked, or its runtime ended. Counts as an outage.
    Lost,
}
