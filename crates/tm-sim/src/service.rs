//! The service apart from HTTP: what was set, what changes while it runs, and issuing a token.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::answers::Refusal;
use crate::clock::ServiceTime;
use crate::config::SimConfig;
use crate::counters::Counters;
use crate::fault_script::FaultScript;
use crate::jwt::{Signer, Unsigned};
use crate::ledger::Ledger;
use crate::limiter::Limiter;
use crate::recorder::Recorder;
use crate::roster::Roster;
use crate::tokens::{Order, TokenAnswer};

pub(crate) struct Service {
    /// As it was started. What can change since then is read from `live` only.
    pub(crate) config: SimConfig,
    pub(crate) host_tenant: String,
    pub(crate) signer: Signer,
    live: Mutex<Live>,
    changed: Condvar,
}

/// Everything that changes, under one lock that is never held while signing or waiting.
pub(crate) struct Live {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) latency: Duration,
    pub(crate) latency_jitter: Duration,
    pub(crate) clock_skew_s: i64,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) roster: Roster,
    pub(crate) ledger: Ledger,
    pub(crate) faults: FaultScript,
    pub(crate) counters: Counters,
    pub(crate) recorder: Recorder,
}

impl Live {
    pub(crate) fn now(&self) -> ServiceTime {
        ServiceTime::now(self.clock_skew_s)
    }
}

impl Service {
    pub(crate) fn new(config: SimConfig) -> Result<Self, Unsigned> {
        let host_tenant = config.resolved_host_tenant();
        let live = Live {
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            latency: config.latency,
            latency_jitter: config.latency_jitter,
            clock_skew_s: config.clock_skew_s,
            limiter: config.rate_limit.map(|(calls, per)| Limiter::new(calls, per)),
            roster: Roster::new(host_tenant.clone(), config.resolved_tenants(), &config.refused),
            ledger: Ledger::default(),
            faults: FaultScript::default(),
            counters: Counters::default(),
            recorder: Recorder::new(config.recorded_requests),
        };
        let signer = Signer::new(config.signing)?;
        Ok(Self { config, host_tenant, signer, live: Mutex::new(live), changed: Condvar::new() })
    }

    /// Looks at or changes what is live, and wakes those who wait for a change.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Live) -> T) -> T {
        let result = work(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Whether the counters came to fulfil the condition in time.
    pub(crate) fn wait_for(&self, within: Duration, condition: impl Fn(&Counters) -> bool) -> bool {
        let start = Instant::now();
        let mut live = self.lock();
        while !condition(&live.counters) {
            let Some(left) = within.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else {
                return false;
            };
            live = self.changed.wait_timeout(live, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// A token for a tenant of good standing.
    pub(crate) fn issue(&self, tenant: &str) -> Result<TokenAnswer, Refusal> {
        if let Some(token) = self.with(|live| self.repeat(live, tenant)) {
            return Ok(token);
        }
        let (issued_at, client_id, nth) = self.with(|live| {
            live.counters.tokens_issued += 1;
            (live.now(), live.client_id.clone(), live.ledger.count(tenant))
        });
        let order = Order {
            platform: self.config.platform,
            client_id: &client_id,
            tenant,
            issued_at,
            expires_in_s: seconds(self.config.token_life),
            seed: self.config.seed,
            nth,
        };
        let token = order.fill(&self.signer).map_err(|Unsigned| Refusal::broken())?;
        let caches = self.config.caches_tokens;
        self.with(|live| live.ledger.enter(tenant, &token, order.exp(), caches, issued_at));
        Ok(token)
    }

    /// The token of before, if this service caches and the token lives long enough.
    fn repeat(&self, live: &mut Live, tenant: &str) -> Option<TokenAnswer> {
        if !self.config.caches_tokens {
            return None;
        }
        let token = live.ledger.cached(tenant, live.now(), seconds(self.config.cached_life_floor))?;
        live.counters.tokens_repeated += 1;
        Some(token)
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        // A panic of a caller's condition leaves nothing half done.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// More seconds than a date can hold are as good as all of them.
fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// A token call that is being answered; it has left when this is dropped. Other calls are not counted.
pub(crate) struct Flight(Option<Arc<Service>>);

impl Flight {
    /// Of a call that has been counted in.
    pub(crate) fn counted(service: &Arc<Service>) -> Self {
        Self(Some(Arc::clone(service)))
    }

    pub(crate) fn uncounted() -> Self {
        Self(None)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(service) = &self.0 {
            service.with(|live| live.counters.leave_flight());
        }
    }
}
