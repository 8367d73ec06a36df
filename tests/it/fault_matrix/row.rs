//! A row of the matrix: a fault, and what is expected of it.

use std::time::Duration;

use tm_async::{
    ErrorKind::{self, Decode, Service, TenantRefused, Transport, Unauthorized},
    TransportFault,
};

use super::fault::Fault;
use crate::harness::Stack;

/// Every token and the client's secret begin with it, and no error may show it.
pub(crate) const MARK: &str = "canary-7c1e90d2";

/// The key of the clients of the matrix, in the form in which it travels.
pub(crate) const KEY: &str = "dG06Y2FuYXJ5LTdjMWU5MGQyLXNlY3JldA==";

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) fault: Fault,
    /// Of a first fetch, and of a refresh that nobody sees.
    pub(super) outcome: Outcome,
    /// Of the list. `None`: its own answers are good, and the fault is that of the token that it is asked with.
    pub(super) list: Option<Outcome>,
    /// How many tenants are asked for together.
    pub(super) tenants: usize,
}

/// What comes of a fault.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub(super) end: End,
    /// Attempts, of two that there may be.
    pub(super) attempts: usize,
    /// What the transport tells; nothing, where there is an answer, however bad.
    pub(super) told: Option<TransportFault>,
    /// Where ureq cannot tell the same as reqwest: what it tells, and why.
    pub(super) told_by_ureq: Option<(TransportFault, &'static str)>,
    pub(super) wait: Wait,
    /// The least time from one attempt to the next.
    pub(super) apart: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// There is no error: it is sat out, or is none.
    Served,
    /// There is one, transient or not.
    Fails(ErrorKind, bool),
}

/// What the error says of the time to come back, and who has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// The tenant rests for 1 s to 5 s; its callers wait that long and are served. A list says nothing of the kind.
    Rest,
    /// The tenant is not asked for again within 30 s. Others are.
    Refusal,
    /// Nobody is, until there are new credentials, or 30 s have passed.
    Pause,
    /// Nobody is, for so many seconds, since the service said so.
    Told(u64),
}

pub(super) fn row(name: impl Into<String>, fault: Fault, outcome: Outcome) -> Row {
    Row { name: name.into(), fault, list: Some(outcome.clone()), outcome, tenants: 1 }
}

impl Row {
    /// The list differs.
    pub(super) fn list(mut self, outcome: Outcome) -> Self {
        self.list = Some(outcome);
        self
    }

    /// It is a fault of the token, of which the list has one too.
    pub(super) fn of_the_token(mut self) -> Self {
        self.list = None;
        self
    }

    /// Two tenants are asked for in one call. The list asks for one alone, whose answer is good.
    pub(super) fn of_two(mut self) -> Self {
        self.tenants = 2;
        self.list = Some(served());
        self
    }
}

impl Outcome {
    pub(super) fn told_over(&self, stack: Stack) -> Option<TransportFault> {
        match (stack, self.told_by_ureq) {
            (Stack::Ureq, Some((fault, _))) => Some(fault),
            _ => self.told,
        }
    }

    pub(super) fn but_over_ureq(mut self, fault: TransportFault, why: &'static str) -> Self {
        self.told_by_ureq = Some((fault, why));
        self
    }

    pub(super) fn a_second_apart(mut self) -> Self {
        self.apart = Duration::from_secs(1);
        self
    }

    pub(super) fn attempts(mut self, attempts: usize) -> Self {
        self.attempts = attempts;
        self
    }
}

fn outcome(end: End, attempts: usize, wait: Wait) -> Outcome {
    Outcome { end, attempts, told: None, told_by_ureq: None, wait, apart: Duration::ZERO }
}

/// No caller sees anything.
pub(super) fn served() -> Outcome {
    outcome(End::Served, 1, Wait::Rest)
}

/// There is no answer, which may pass: it is tried again.
pub(super) fn broken(fault: TransportFault) -> Outcome {
    Outcome { told: Some(fault), ..outcome(End::Fails(Transport, true), 2, Wait::Rest) }
}

/// There is no peer that can be trusted, which will not pass.
pub(super) fn untrusted() -> Outcome {
    Outcome { told: Some(TransportFault::Tls), ..outcome(End::Fails(Transport, false), 1, Wait::Rest) }
}

/// There is more than is read.
pub(super) fn too_large() -> Outcome {
    Outcome { told: Some(TransportFault::TooLarge), ..nonsense() }
}

/// There is an answer, and it is none.
pub(super) fn nonsense() -> Outcome {
    outcome(End::Fails(Decode, false), 1, Wait::Rest)
}

/// There is a token that is at its end.
pub(super) fn dead() -> Outcome {
    outcome(End::Fails(ErrorKind::TooShort, true), 1, Wait::Rest)
}

/// The service fails, which may pass: it is tried again.
pub(super) fn outage() -> Outcome {
    outcome(End::Fails(Service, true), 2, Wait::Rest)
}

/// The service answers what it must not.
pub(super) fn unexpected() -> Outcome {
    outcome(End::Fails(Service, false), 1, Wait::Rest)
}

/// The service has decided against the tenant.
pub(super) fn refused() -> Outcome {
    outcome(End::Fails(TenantRefused, false), 1, Wait::Refusal)
}

/// The service has decided against the key.
pub(super) fn unauthorized() -> Outcome {
    outcome(End::Fails(Unauthorized, false), 1, Wait::Pause)
}

/// The service asks for patience without saying how much: it is tried again.
pub(super) fn throttled() -> Outcome {
    outcome(End::Fails(ErrorKind::Throttled, true), 2, Wait::Rest)
}

/// The service names a wait that is longer than anybody's patience.
pub(super) fn held(kind: ErrorKind, seconds: u64) -> Outcome {
    outcome(End::Fails(kind, true), 1, Wait::Told(seconds))
}
