//! The settings of a simulated service: each with its default, and how they become a running service.

use std::fmt;
use std::time::Duration;

use crate::choices::{BatchPolicy, ErrorStyle, Platform, Signing};
use crate::simulator::{SimError, Simulator};

/// The settings of a [`Simulator`], made by [`Simulator::builder`] and used up by [`SimConfig::start`].
///
/// The defaults are a small, quick, strict service: 10 tenants, no latency, no rate limit, real signatures.
#[derive(Clone)]
pub struct SimConfig {
    pub(crate) platform: Platform,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) app_name: String,
    pub(crate) app_version: String,
    pub(crate) host_tenant: Option<String>,
    pub(crate) tenants: TenantIds,
    pub(crate) refused: Vec<String>,
    pub(crate) page_cap: usize,
    pub(crate) totals_are_zero: bool,
    pub(crate) token_life: Duration,
    pub(crate) signing: Signing,
    pub(crate) caches_tokens: bool,
    pub(crate) cached_life_floor: Duration,
    pub(crate) batch_policy: BatchPolicy,
    pub(crate) error_style: ErrorStyle,
    pub(crate) extra_fields: Vec<String>,
    pub(crate) latency: Duration,
    pub(crate) latency_jitter: Duration,
    pub(crate) rate_limit: Option<(u32, Duration)>,
    pub(crate) clock_skew_s: i64,
    pub(crate) sends_date: bool,
    pub(crate) recorded_requests: usize,
    pub(crate) seed: u64,
    pub(crate) port: u16,
}

#[derive(Clone)]
pub(crate) enum TenantIds {
    Generated(usize),
    Given(Vec<String>),
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            platform: Platform::default(),
            client_id: "sim-application-1.0.0".to_owned(),
            client_secret: "sim-secret-3bb6f1a0".to_owned(),
            app_name: "simapp".to_owned(),
            app_version: "1.0.0".to_owned(),
            host_tenant: None,
            tenants: TenantIds::Generated(10),
            refused: Vec::new(),
            page_cap: 100,
            totals_are_zero: false,
            token_life: Duration::from_secs(1799),
            signing: Signing::default(),
            caches_tokens: false,
            cached_life_floor: Duration::from_secs(60),
            batch_policy: BatchPolicy::default(),
            error_style: ErrorStyle::default(),
            extra_fields: Vec::new(),
            latency: Duration::ZERO,
            latency_jitter: Duration::ZERO,
            rate_limit: None,
            clock_skew_s: 0,
            sends_date: true,
            recorded_requests: 10_000,
            seed: 0,
            port: 0,
        }
    }
}

impl SimConfig {
    /// Binds `127.0.0.1`, starts the service on a thread of its own and returns once it accepts connections.
    /// It may be called from blocking and from async code. The first start in a process makes an RSA key.
    ///
    /// # Errors
    /// [`SimError`] when the settings contradict each other, the port is taken, or the system has no thread or
    /// randomness to give.
    pub fn start(self) -> Result<Simulator, SimError> {
        self.check()?;
        Simulator::start(self)
    }

    /// The simulated platform. Default: [`Platform::InsightsHub`].
    #[must_use]
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platform = platform;
        self
    }

    /// The client id and secret that the service accepts.
    #[must_use]
    pub fn credentials(mut self, client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        self.client_id = client_id.into();
        self.client_secret = client_secret.into();
        self
    }

    /// The application that the service knows. Any other is refused with 403.
    #[must_use]
    pub fn app(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.app_name = name.into();
        self.app_version = version.into();
        self
    }

    /// The operator's tenant. It may ask for a token of its own and for `/userTenants`, and is not in that list.
    /// Default: `operator`, or `1000000000` on Xcelerator.
    #[must_use]
    pub fn host_tenant(mut self, id: impl Into<String>) -> Self {
        self.host_tenant = Some(id.into());
        self
    }

    /// `count` tenants with generated ids, `tenant-0001` and on, the numbers all of one width. Default: 10.
    #[must_use]
    pub fn tenants(mut self, count: usize) -> Self {
        self.tenants = TenantIds::Generated(count);
        self
    }

    /// The tenants by their ids, in the order in which `/userTenants` lists them.
    #[must_use]
    pub fn tenant_ids<I, T>(mut self, ids: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<String>,
    {
        self.tenants = TenantIds::Given(ids.into_iter().map(Into::into).collect());
        self
    }

    /// Tenants that are known and listed, but whose tokens are refused with 403. Ids that are not among the
    /// tenants are added to them.
    #[must_use]
    pub fn refuse_tenants<I, T>(mut self, ids: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<String>,
    {
        self.refused = ids.into_iter().map(Into::into).collect();
        self
    }

    /// The most ids a page holds, and how many it holds when nobody asks. Default: 100.
    #[must_use]
    pub fn page_cap(mut self, ids: usize) -> Self {
        self.page_cap = ids;
        self
    }

    /// Whether pages say `size`, `totalElements` and `totalPages` 0 whatever they list, as the documented sample
    /// does. Default: false.
    #[must_use]
    pub fn totals_are_zero(mut self, zero: bool) -> Self {
        self.totals_are_zero = zero;
        self
    }

    /// The `expires_in` of tokens, in whole seconds; `exp` is one second more than `iat` + this, as documented.
    /// Default: 1,799 s.
    #[must_use]
    pub fn token_life(mut self, life: Duration) -> Self {
        self.token_life = life;
        self
    }

    /// How tokens are signed. Default: [`Signing::Real`].
    #[must_use]
    pub fn signing(mut self, signing: Signing) -> Self {
        self.signing = signing;
        self
    }

    /// Whether the service hands out the token it issued last, word for word, while that token has more than
    /// [`cached_life_floor`](Self::cached_life_floor) to live. Default: false.
    #[must_use]
    pub fn caches_tokens(mut self, caches: bool) -> Self {
        self.caches_tokens = caches;
        self
    }

    /// The life below which a cached token is not handed out again. Default: 60 s.
    #[must_use]
    pub fn cached_life_floor(mut self, life: Duration) -> Self {
        self.cached_life_floor = life;
        self
    }

    /// What a batch does with an unknown or refused tenant. Default: [`BatchPolicy::RefuseWhole`].
    #[must_use]
    pub fn batch_policy(mut self, policy: BatchPolicy) -> Self {
        self.batch_policy = policy;
        self
    }

    /// The shape of error bodies. Default: [`ErrorStyle::Errors`].
    #[must_use]
    pub fn error_style(mut self, style: ErrorStyle) -> Self {
        self.error_style = style;
        self
    }

    /// Fields that a token or batch request may have beyond the documented four; any value is accepted and ignored.
    /// Default: none, so a field that the documents do not name is refused with 400.
    #[must_use]
    pub fn extra_fields<I, T>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item = T>,
        T: Into<String>,
    {
        self.extra_fields = names.into_iter().map(Into::into).collect();
        self
    }

    /// How long every answer takes at least. Default: 0.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The most that is added to the latency, drawn evenly from the seed. Default: 0.
    #[must_use]
    pub fn latency_jitter(mut self, jitter: Duration) -> Self {
        self.latency_jitter = jitter;
        self
    }

    /// At most `calls` well-formed calls in any stretch of `per`, all three calls of the service together; the
    /// others are answered 429 with `Retry-After` in whole seconds. Default: no limit.
    #[must_use]
    pub fn rate_limit(mut self, calls: u32, per: Duration) -> Self {
        self.rate_limit = Some((calls, per));
        self
    }

    /// How far the service's clock is ahead of this machine's (negative: behind), in seconds. It shifts `Date`,
    /// `iat`, `exp`, `timestamp`, and what counts as expired. Default: 0.
    #[must_use]
    pub fn clock_skew(mut self, seconds: i64) -> Self {
        self.clock_skew_s = seconds;
        self
    }

    /// Whether answers have a `Date` header. Default: true.
    #[must_use]
    pub fn sends_date(mut self, sends: bool) -> Self {
        self.sends_date = sends;
        self
    }

    /// How many of the last requests are kept for [`Simulator::requests`]. Default: 10,000.
    #[must_use]
    pub fn recorded_requests(mut self, limit: usize) -> Self {
        self.recorded_requests = limit;
        self
    }

    /// Where everything comes from that looks random, but the key: token ids, scopes, jitter, log references. The
    /// n-th token of a tenant has the same `jti` in every run, whatever else was asked in between. Default: 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The port on `127.0.0.1`. Default: 0, a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    pub(crate) fn resolved_host_tenant(&self) -> String {
        self.host_tenant.clone().unwrap_or_else(|| self.platform.default_host_tenant().to_owned())
    }

    pub(crate) fn resolved_tenants(&self) -> Vec<String> {
        match &self.tenants {
            TenantIds::Generated(count) => self.platform.generated_ids(*count),
            TenantIds::Given(ids) => ids.clone(),
        }
    }

    fn check(&self) -> Result<(), SimError> {
        let texts = [&self.client_id, &self.client_secret, &self.app_name, &self.app_version];
        if texts.iter().any(|text| text.is_empty()) || self.resolved_host_tenant().is_empty() {
            return Err(SimError::Config("credentials, app and host tenant must not be empty"));
        }
        if self.client_id.contains(':') {
            return Err(SimError::Config("a client id has no ':' (it ends the id in the key)"));
        }
        if self.page_cap == 0 {
            return Err(SimError::Config("a page holds at least one id"));
        }
        if let TenantIds::Given(ids) = &self.tenants
            && ids.iter().any(String::is_empty)
        {
            return Err(SimError::Config("a tenant id must not be empty"));
        }
        Ok(())
    }
}

/// Without the secret.
impl fmt::Debug for SimConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimConfig")
            .field("platform", &self.platform)
            .field("client_id", &self.client_id)
            .field("host_tenant", &self.resolved_host_tenant())
            .field("tenants", &self.resolved_tenants().len())
            .field("token_life", &self.token_life)
            .field("seed", &self.seed)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_of_the_settings_has_no_secret() {
        let config = SimConfig::default().credentials("id", "hush-hush");
        assert!(!format!("{config:?}").contains("hush-hush"));
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        for config in [
            SimConfig::default().page_cap(0),
            SimConfig::default().credentials("a:b", "c"),
            SimConfig::default().credentials("a", ""),
            SimConfig::default().host_tenant(""),
            SimConfig::default().tenant_ids([""]),
        ] {
            assert!(matches!(config.start(), Err(SimError::Config(_))));
        }
    }
}
