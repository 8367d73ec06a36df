//! The script of faults: which calls meet which fault, in which order and how often.

use tokio::sync::watch;

use crate::endpoints::{Call, Endpoint};
use crate::faults::{Fault, Met};

/// A fault and the calls that meet it: by default all, until it is cleared.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    fault: Fault,
    endpoint: Option<Endpoint>,
    tenants: Option<Vec<String>>,
    times: Option<u64>,
}

impl From<Fault> for FaultRule {
    fn from(fault: Fault) -> Self {
        Self { fault, endpoint: None, tenants: None, times: None }
    }
}

impl FaultRule {
    /// With calls of this endpoint only.
    #[must_use]
    pub fn on(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// With token calls that ask for one of these tenants only.
    #[must_use]
    pub fn for_tenants<I, T>(mut self, ids: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<String>,
    {
        self.tenants = Some(ids.into_iter().map(Into::into).collect());
        self
    }

    /// With the first such call only.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// With the first `n` such calls only.
    #[must_use]
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    fn matches(&self, call: &Call) -> bool {
        self.times != Some(0)
            && self.endpoint.is_none_or(|endpoint| endpoint == call.endpoint())
            && self.tenants.as_ref().is_none_or(|ids| ids.iter().any(|id| call.tenants().contains(id)))
            && self.fault.suits(call)
    }
}

/// Names a scripted fault, to clear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaultId(u64);

/// The rules in the order in which they were scripted; the first that matches a call is the one it meets.
#[derive(Debug, Default)]
pub(crate) struct FaultScript {
    rules: Vec<Scripted>,
    next: u64,
}

#[derive(Debug)]
struct Scripted {
    id: FaultId,
    rule: FaultRule,
    /// Dropped with the rule, which lets go of the calls it holds.
    gate: watch::Sender<()>,
}

impl FaultScript {
    pub(crate) fn add(&mut self, rule: FaultRule) -> FaultId {
        // One that is used up stays only to hold on to its calls.
        self.rules.retain(|known| known.rule.times != Some(0) || known.rule.fault == Fault::Hold);
        let id = FaultId(self.next);
        self.next += 1;
        self.rules.push(Scripted { id, rule, gate: watch::Sender::new(()) });
        id
    }

    pub(crate) fn clear(&mut self, id: FaultId) -> bool {
        let before = self.rules.len();
        self.rules.retain(|scripted| scripted.id != id);
        self.rules.len() < before
    }

    pub(crate) fn clear_all(&mut self) {
        self.rules.clear();
    }

    /// The fault for this call, now used up once more.
    pub(crate) fn meet(&mut self, call: &Call) -> Option<Met> {
        let scripted = self.rules.iter_mut().find(|scripted| scripted.rule.matches(call))?;
        if let Some(times) = &mut scripted.rule.times {
            *times = times.saturating_sub(1);
        }
        Some(Met { fault: scripted.rule.fault.clone(), gate: scripted.gate.subscribe() })
    }
}
