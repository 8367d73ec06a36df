//! A simulator with a client of it, and what is asked of both again and again.

use std::fmt;

use tm_async::{Error, ErrorKind, Setup, TenantId, Token};
use tm_core::broker::Settings;
use tm_sim::{Counters, SimConfig, Simulator};

use super::{Client, Host, SOON, Stack};

/// Everything a story needs.
pub(crate) struct World {
    pub(crate) sim: Simulator,
    pub(crate) client: Client,
    pub(crate) host: Host,
}

impl World {
    pub(crate) fn new(stack: Stack, sim: SimConfig) -> Self {
        Self::with_settings(stack, sim, |_| ())
    }

    pub(crate) fn with_settings(stack: Stack, sim: SimConfig, change: impl FnOnce(&mut Settings)) -> Self {
        let sim = sim.start().expect("a simulator");
        let host = stack.host();
        let client = host.client(setup_for(&sim).settings(change)).expect("a client");
        Self { sim, client, host }
    }

    /// Waits until the simulator has seen that much.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, condition: impl Fn(&Counters) -> bool) {
        let seen = self.sim.wait_for(SOON, condition);
        assert!(seen, "in vain: {what}; the simulator has seen {:?}", self.sim.counters());
    }

    /// Token calls so far.
    pub(crate) fn calls(&self) -> u64 {
        let counters = self.sim.counters();
        counters.single_calls + counters.batch_calls
    }

    /// The tenants that the simulator lists.
    pub(crate) fn tenants(&self) -> Vec<TenantId> {
        tenants(&self.sim.tenants())
    }
}

/// As an application on the platform is set up: from its environment.
pub(crate) fn setup_for(sim: &Simulator) -> Setup {
    let environment = sim.environment();
    let lookup =
        |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    Setup::from_lookup(lookup, true).expect("a simulator's environment is complete")
}

pub(crate) fn tenant(id: &str) -> TenantId {
    TenantId::new(id).expect("a tenant id")
}

pub(crate) fn tenants<T: AsRef<str>>(ids: &[T]) -> Vec<TenantId> {
    ids.iter().map(|id| tenant(id.as_ref())).collect()
}

/// The kind of error, where there must be one.
#[track_caller]
pub(crate) fn kind_of<T: fmt::Debug>(result: &Result<T, Error>) -> ErrorKind {
    match result {
        Ok(good) => panic!("no error, but {good:?}"),
        Err(error) => error.kind(),
    }
}

/// Whose token it is, as it says itself.
#[track_caller]
pub(crate) fn owner(token: &Token) -> String {
    token.claims().expect("the simulator's tokens can be read").tenant.expect("they name their tenant")
}
