//! What is going to happen, in order of time and then of arrival.

use std::{collections::BTreeMap, time::Duration};

use tm_core::{
    TenantId, Token,
    broker::{Lane, Outcome},
};

/// One thing that happens to the broker.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Callers ask, all in one step.
    Want(Vec<Wish>),
    /// Somebody foresees that these will be wanted.
    Prefetch(Vec<TenantId>),
    /// From now on these are kept fresh.
    KeepFresh(Vec<TenantId>),
    /// These are not any longer.
    LetFade(Vec<TenantId>),
    /// A caller goes away.
    Forget(usize),
    /// Some service refused a token.
    Reject(Token),
    /// A call comes back.
    Answer {
        call: usize,
        what: &'static str,
        outcome: Outcome,
    },
    /// The store answers.
    Stored {
        request: usize,
        what: &'static str,
        outcome: Outcome,
    },
    /// The service changes the credentials that it accepts.
    ChangeKey(u32),
    /// The client is given new credentials.
    SetCredentials(u32),
    /// The service asked for patience elsewhere.
    Hold(Duration),
    /// The local wall clock steps.
    StepWall(i64),
    Close,
}

/// What one caller wants, and how it behaves.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) tenant: TenantId,
    pub(crate) lane: Lane,
    pub(crate) least: Duration,
    pub(crate) patience: Wait,
    /// Whether it looks into the view before it asks.
    pub(crate) looks: bool,
    pub(crate) forgets_after: Option<Duration>,
    pub(crate) rejects_after: Option<Duration>,
}

/// As [`tm_core::broker::Patience`], from the time of asking on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait {
    For(Duration),
    Idle(Duration),
}

impl Wish {
    /// Somebody who wants one token and waits for 30 s.
    pub(crate) fn interactive(tenant: &TenantId) -> Self {
        Self {
            tenant: tenant.clone(),
            lane: Lane::Interactive,
            least: Duration::ZERO,
            patience: Wait::For(Duration::from_secs(30)),
            looks: false,
            forgets_after: None,
            rejects_after: None,
        }
    }

    /// One of many, patient while there is progress.
    pub(crate) fn bulk(tenant: &TenantId) -> Self {
        Self { lane: Lane::Bulk, patience: Wait::Idle(Duration::from_secs(30)), ..Self::interactive(tenant) }
    }

    pub(crate) fn within(self, time: Duration) -> Self {
        Self { patience: Wait::For(time), ..self }
    }

    pub(crate) fn least(self, least: Duration) -> Self {
        Self { least, ..self }
    }
}

/// The events to come.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    acts: BTreeMap<(Duration, u64), Act>,
    pushed: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Duration, act: Act) {
        self.pushed += 1;
        self.acts.insert((at, self.pushed), act);
    }

    /// Puts off all that is to come.
    pub(crate) fn delay(&mut self, by: Duration) {
        let acts = std::mem::take(&mut self.acts).into_iter();
        self.acts = acts.map(|((at, place), act)| ((at + by, place), act)).collect();
    }

    pub(crate) fn first_at(&self) -> Option<Duration> {
        self.acts.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn pop_until(&mut self, now: Duration) -> Vec<Act> {
        let later = self.acts.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.acts, later).into_values().collect()
    }
}
