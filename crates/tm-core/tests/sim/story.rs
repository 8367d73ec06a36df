//! Words to tell a story in: given a client and a service, when callers ask and time passes, then.

use std::{ops::Range, time::Duration};

use tm_core::{Error, ErrorKind, TenantId, Token, broker::Settings};

use crate::{
    queue::{Act, Wish},
    world::World,
};

impl World {
    /// A client with default settings, and a service that takes 50 ms and makes no trouble.
    pub(crate) fn story() -> Self {
        Self::new(7, Settings::default())
    }

    /// All ask in one step.
    pub(crate) fn ask(&mut self, wishes: impl IntoIterator<Item = Wish>) -> Range<usize> {
        let first = self.callers.len();
        self.step(vec![Act::Want(wishes.into_iter().collect())]);
        first..self.callers.len()
    }

    /// Foresees, in one step, that these will be wanted.
    pub(crate) fn prefetch(&mut self, tenants: &[TenantId]) {
        self.step(vec![Act::Prefetch(tenants.to_vec())]);
    }

    /// Somebody asks for one token and waits for 30 s.
    pub(crate) fn ask_for(&mut self, tenant: &TenantId) -> usize {
        self.ask([Wish::interactive(tenant)]).start
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.run_until(self.clock.mono + time);
    }

    pub(crate) fn is_waiting(&self, caller: usize) -> bool {
        self.callers[caller].answer.is_none()
    }

    /// The token that this caller got.
    #[track_caller]
    pub(crate) fn token(&self, caller: usize) -> &Token {
        match &self.callers[caller].answer {
            Some((_, Ok(token))) => token,
            other => panic!("caller {caller} has no token: {other:?}\n{}", self.trace),
        }
    }

    /// The error that this caller got.
    #[track_caller]
    pub(crate) fn error(&self, caller: usize) -> &Error {
        match &self.callers[caller].answer {
            Some((_, Err(error))) => error,
            other => panic!("caller {caller} has no error: {other:?}\n{}", self.trace),
        }
    }

    /// The kind of the error that this caller got.
    #[track_caller]
    pub(crate) fn kind(&self, caller: usize) -> ErrorKind {
        self.error(caller).kind()
    }

    /// How long this caller waited for its answer.
    #[track_caller]
    pub(crate) fn waited(&self, caller: usize) -> Duration {
        match &self.callers[caller] {
            asker @ crate::world::Caller { answer: Some((at, _)), .. } => *at - asker.asked_at,
            _ => panic!("caller {caller} still waits\n{}", self.trace),
        }
    }

    /// How many of these got a token.
    pub(crate) fn served(&self, callers: Range<usize>) -> usize {
        self.callers[callers].iter().filter(|caller| matches!(caller.answer, Some((_, Ok(_))))).count()
    }

    /// How many tenants each call so far had.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.calls.iter().map(|call| call.tenants.len()).collect()
    }

    /// How many calls so far had this tenant.
    pub(crate) fn calls_with(&self, tenant: &TenantId) -> usize {
        self.calls.iter().filter(|call| call.tenants.contains(tenant)).count()
    }
}
