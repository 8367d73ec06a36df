//! A broker in a process whose monotonic clock started at some other time than the true one.

use std::{sync::Arc, time::Duration};

use tm_core::{
    Application, Credentials, Error, Now, TenantId, Token,
    broker::{Broker, Demand, EffectId, Outcome, Output, Patience, Settings, Stats, Ticket, Wanted},
};

/// Everybody outside speaks in true time, the broker in its own.
pub(crate) struct Process {
    broker: Broker,
    /// By how much its clock is ahead.
    ahead: Duration,
}

impl Process {
    /// `leases` is `None` without a store.
    pub(crate) fn new(
        application: Application,
        credentials: Credentials,
        settings: Settings,
        seed: u64,
        leases: Option<bool>,
        ahead: Duration,
    ) -> Self {
        let broker = Broker::new(Arc::new(application), Arc::new(credentials), settings, seed);
        let broker = match leases {
            Some(leases) => broker.with_store(leases),
            None => broker,
        };
        Self { broker, ahead }
    }

    pub(crate) fn want(&mut self, now: Now, tenant: &TenantId, demand: Demand) -> Wanted {
        let patience = match demand.patience {
            Patience::Until(deadline) => Patience::Until(deadline + self.ahead),
            idle @ Patience::Idle(_) => idle,
        };
        self.broker.want(self.here(now), tenant, Demand { patience, ..demand })
    }

    pub(crate) fn forget(&mut self, now: Now, ticket: Ticket) {
        self.broker.forget(self.here(now), ticket);
    }

    pub(crate) fn reject(&mut self, now: Now, token: &Token) {
        self.broker.reject(self.here(now), token);
    }

    pub(crate) fn remaining(&self, now: Now, token: &Token) -> Option<Duration> {
        self.broker.remaining(self.here(now), token)
    }

    pub(crate) fn set_credentials(&mut self, credentials: Arc<Credentials>) {
        self.broker.set_credentials(credentials);
    }

    pub(crate) fn hold(&mut self, now: Now, until: Duration, error: Error) {
        self.broker.hold(self.here(now), until + self.ahead, error);
    }

    pub(crate) fn held(&self, now: Now, patience: Duration) -> Result<Option<Duration>, Error> {
        Ok(self.broker.held(self.here(now), patience)?.map(|until| until - self.ahead))
    }

    pub(crate) fn prefetch(&mut self, now: Now, tenant: &TenantId) {
        self.broker.prefetch(self.here(now), tenant);
    }

    pub(crate) fn keep_fresh(&mut self, now: Now, tenant: &TenantId) -> Result<(), Error> {
        self.broker.keep_fresh(self.here(now), tenant)
    }

    pub(crate) fn let_fade(&mut self, now: Now, tenant: &TenantId) {
        self.broker.let_fade(self.here(now), tenant);
    }

    pub(crate) fn done(&mut self, now: Now, id: EffectId, outcome: Outcome) {
        self.broker.done(self.here(now), id, outcome);
    }

    pub(crate) fn close(&mut self, now: Now) {
        self.broker.close(self.here(now));
    }

    pub(crate) fn next(&mut self, now: Now) -> Option<Output> {
        let ahead = self.ahead;
        Some(match self.broker.next(self.here(now))? {
            Output::Show { tenant, token, until } => Output::Show { tenant, token, until: until - ahead },
            Output::Do { id, effect, give_up_at } => {
                Output::Do { id, effect, give_up_at: give_up_at - ahead }
            }
            other @ (Output::Hide(_) | Output::Settle(..)) => other,
        })
    }

    pub(crate) fn wake_at(&self) -> Option<Duration> {
        self.broker.wake_at().map(|at| at - self.ahead)
    }

    pub(crate) fn stats(&self) -> Stats {
        self.broker.stats()
    }

    fn here(&self, now: Now) -> Now {
        Now { mono: now.mono + self.ahead, ..now }
    }
}
