//! The running simulator: where it is, what it was asked, and what can be changed while it runs.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::choices::Platform;
use crate::config::SimConfig;
use crate::counters::Counters;
use crate::fault_script::{FaultId, FaultRule};
use crate::limiter::Limiter;
use crate::recorder::RecordedRequest;
use crate::server::Server;
use crate::service::Service;

/// Why a simulator did not start.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The settings contradict each other or themselves.
    #[error("the simulator's settings cannot work: {0}")]
    Config(&'static str),
    /// The port is taken or not allowed.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Bind {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread or no event loop.
    #[error("cannot start the simulator's threads")]
    Thread(#[source] io::Error),
    /// The cryptographic library gave no RSA key.
    #[error("cannot make an RSA key")]
    Key,
}

/// A running Token Management Service on loopback. Dropping it closes all connections and stops it.
///
/// All methods may be called from any thread, from blocking and from async code; none waits, but
/// [`wait_for`](Self::wait_for) and the drop.
pub struct Simulator {
    service: Arc<Service>,
    server: Server,
}

impl Simulator {
    /// The settings to start from.
    pub fn builder() -> SimConfig {
        SimConfig::default()
    }

    pub(crate) fn start(config: SimConfig) -> Result<Self, SimError> {
        let port = config.port;
        let service = Arc::new(Service::new(config).map_err(|_| SimError::Key)?);
        let server = Server::start(Arc::clone(&service), port)?;
        Ok(Self { service, server })
    }

    /// `http://127.0.0.1:PORT`: what a client takes for the gateway.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.server.address().port()
    }

    /// The simulated platform, which knows the base path.
    pub fn platform(&self) -> Platform {
        self.service.config.platform
    }

    /// The operator's tenant.
    pub fn host_tenant(&self) -> &str {
        &self.service.host_tenant
    }

    /// The ids that `/userTenants` lists now, in its order.
    pub fn tenants(&self) -> Vec<String> {
        self.service.with(|live| live.roster.listed().to_vec())
    }

    /// The value of `X-SPACE-AUTH-KEY` that is right now: `Basic …`, padded.
    pub fn auth_key(&self) -> String {
        let credentials = self.service.with(|live| format!("{}:{}", live.client_id, live.client_secret));
        format!("Basic {}", STANDARD.encode(credentials))
    }

    /// The environment in which an application of this service runs, in the vendor's names, and `TM_GATEWAY`.
    /// `MDSP_USER_TENANT` is the first tenant, or the host tenant when there is none.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let config = &self.service.config;
        let (client_id, client_secret, first) = self.service.with(|live| {
            let first = live.roster.listed().first().cloned();
            (live.client_id.clone(), live.client_secret.clone(), first)
        });
        vec![
            ("MDSP_KEY_STORE_CLIENT_ID", client_id),
            ("MDSP_KEY_STORE_CLIENT_SECRET", client_secret),
            ("MDSP_OS_VM_APP_NAME", config.app_name.clone()),
            ("MDSP_OS_VM_APP_VERSION", config.app_version.clone()),
            ("MDSP_HOST_TENANT", self.service.host_tenant.clone()),
            ("MDSP_USER_TENANT", first.unwrap_or_else(|| self.service.host_tenant.clone())),
            ("TM_GATEWAY", self.url()),
        ]
    }

    /// What it was asked since it started.
    pub fn counters(&self) -> Counters {
        self.service.with(|live| live.counters)
    }

    /// Blocks until the counters fulfil a condition, at most `within`, and tells whether they did. It is for tests
    /// that must know that a call has arrived, or has left, before they go on. The condition must not use the
    /// simulator itself, which is locked meanwhile.
    pub fn wait_for(&self, within: Duration, condition: impl Fn(&Counters) -> bool) -> bool {
        self.service.wait_for(within, condition)
    }

    /// The last requests in the order of their arrival; see [`SimConfig::recorded_requests`].
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.service.with(|live| live.recorder.requests())
    }

    /// How many tokens were issued for a tenant.
    pub fn issued(&self, tenant: &str) -> usize {
        let issued = self.service.with(|live| live.ledger.issued(tenant));
        usize::try_from(issued).unwrap_or(usize::MAX)
    }

    /// Scripts a fault. Faults are tried in the order in which they were scripted, and a call meets the first that
    /// matches, so `Fault::status(503).once()` and then `Fault::status(429).once()` spoil two calls in this order.
    pub fn fault(&self, rule: impl Into<FaultRule>) -> FaultId {
        let rule = rule.into();
        self.service.with(|live| live.faults.add(rule))
    }

    /// Takes a fault back; false if it was used up or taken back before. Calls it holds are answered.
    pub fn clear_fault(&self, id: FaultId) -> bool {
        self.service.with(|live| live.faults.clear(id))
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.service.with(|live| live.faults.clear_all());
    }

    /// Changes the latency, for requests from now on, and leaves the jitter.
    pub fn set_latency(&self, latency: Duration) {
        self.service.with(|live| live.latency = latency);
    }

    /// Changes the most that is added to the latency.
    pub fn set_latency_jitter(&self, jitter: Duration) {
        self.service.with(|live| live.latency_jitter = jitter);
    }

    /// Changes the credentials. Tokens issued with the old ones stay valid.
    pub fn set_credentials(&self, client_id: impl Into<String>, client_secret: impl Into<String>) {
        let (client_id, client_secret) = (client_id.into(), client_secret.into());
        self.service.with(|live| {
            live.client_id = client_id;
            live.client_secret = client_secret;
        });
    }

    /// Changes or lifts the rate limit; calls let through so far are forgotten.
    pub fn set_rate_limit(&self, limit: Option<(u32, Duration)>) {
        self.service.with(|live| live.limiter = limit.map(|(calls, per)| Limiter::new(calls, per)));
    }

    /// Sets the service's clock ahead of this machine's (negative: behind), in seconds.
    pub fn set_clock_skew(&self, seconds: i64) {
        self.service.with(|live| live.clock_skew_s = seconds);
    }

    /// Adds a tenant to the end of the list; a known one stays as it is.
    pub fn add_tenant(&self, id: impl Into<String>) {
        let id = id.into();
        self.service.with(|live| live.roster.add(id));
    }

    /// Forgets a tenant, which is unknown (404) from now on. Its tokens stay valid.
    pub fn remove_tenant(&self, id: &str) {
        self.service.with(|live| live.roster.remove(id));
    }

    /// Refuses a tenant (403) from now on. An unknown one becomes known.
    pub fn refuse(&self, id: &str) {
        self.service.with(|live| live.roster.refuse(id));
    }

    /// Allows a tenant again. An unknown one becomes known.
    pub fn allow(&self, id: &str) {
        self.service.with(|live| live.roster.allow(id));
    }

    /// Makes a token invalid as a bearer, and takes it out of the service's cache; false if no such token is alive.
    pub fn revoke(&self, token: &str) -> bool {
        self.service.with(|live| live.ledger.revoke(token))
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("url", &self.url()).finish_non_exhaustive()
    }
}
