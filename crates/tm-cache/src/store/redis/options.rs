//! How to open a store in Redis.

use std::{fmt, sync::Arc, time::Duration};

use ::redis::RedisConnectionInfo;
use zeroize::Zeroizing;

#[cfg(feature = "redis-tokio")]
use super::AsyncRedisStore;
use super::{
    RedisStore,
    calls::Caller,
    names::Prefix,
    routes::{Role, Topology},
    url::Place,
    way::{Trust, Way},
};
use crate::StoreError;

/// Where a Redis is, and how to speak with it.
///
/// A URL is `rediss://user:password@host:port/database`; `redis://`, which is not encrypted, goes to a literal loopback
/// address alone unless [`RedisOptions::allow_plaintext_network`] is asked for; `unix:///path?user=…&pass=…` to a socket.
/// Certificates are always verified; rustls gets aws-lc-rs as the provider of the process, if it has none yet. A URL with a
/// password belongs into a file or the environment, not among arguments.
///
/// A user of Redis needs no more rights than `~tm:* +mget +time +evalsha +eval +get +set +del +pttl`, with the prefix for `tm:`;
/// `+cluster|slots +asking` in a Cluster besides, `+select` where the URL names a database other than 0. At a Sentinel it is
/// `+sentinel|get-master-addr-by-name`.
///
/// ```
/// # fn main() -> Result<(), tm_cache::StoreError> {
/// use tm_cache::RedisOptions;
///
/// // Connects only when it is used.
/// let store = RedisOptions::new("redis://127.0.0.1:6379").prefix("billing:tm:").open()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisOptions {
    kind: Kind,
    urls: Vec<Zeroizing<String>>,
    prefix: String,
    added_roots: Vec<u8>,
    plaintext_network: bool,
    sentinel_login: Option<(Option<String>, Zeroizing<String>)>,
    connect_timeout: Duration,
    response_timeout: Duration,
}

#[derive(Debug, Clone)]
enum Kind {
    Alone,
    Sentinel { master: String },
    Cluster,
}

/// All that a store needs, whoever waits for it.
pub(super) struct Plan {
    pub(super) topology: Topology,
    pub(super) way: Way,
    pub(super) caller: Caller,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
}

impl RedisOptions {
    /// One Redis.
    pub fn new(url: impl AsRef<str>) -> Self {
        Self::of(Kind::Alone, [url])
    }

    /// A Redis Cluster; some of its nodes are enough. Name several: only those are asked where the tokens are. The nodes are
    /// reached under the addresses that the Cluster announces (with TLS the certificates must be for those:
    /// `cluster-preferred-endpoint-type hostname`).
    pub fn cluster<U: AsRef<str>>(urls: impl IntoIterator<Item = U>) -> Self {
        Self::of(Kind::Cluster, urls)
    }

    /// The master of that name, as the Redis Sentinels at these URLs tell it. User, password and database in the URLs are
    /// those for the master; for the Sentinels see [`RedisOptions::sentinel_login`]. Their port is to be written: it is mostly
    /// 26379, and 6379 if there is none.
    pub fn sentinel<U: AsRef<str>>(master: impl Into<String>, urls: impl IntoIterator<Item = U>) -> Self {
        Self::of(Kind::Sentinel { master: master.into() }, urls)
    }

    /// What all names in Redis begin with; `tm:` if nothing else is asked for. Without braces.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Trusts these authorities too, besides the system's: certificates in PEM, one or several.
    #[must_use]
    pub fn add_root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.added_roots.extend_from_slice(pem.as_ref());
        self.added_roots.push(b'\n');
        self
    }

    /// Allows `redis://` to any host. Whoever is on the way reads and changes what goes by: the password, and the tokens if
    /// they are not sealed.
    #[must_use]
    pub fn allow_plaintext_network(mut self) -> Self {
        self.plaintext_network = true;
        self
    }

    /// With what to log in to the Sentinels; else without.
    #[must_use]
    pub fn sentinel_login(mut self, user: Option<&str>, password: &str) -> Self {
        self.sentinel_login = Some((user.map(str::to_owned), password.to_owned().into()));
        self
    }

    /// How long to wait for a connection, TLS and log-in included; 1 s if nothing else is asked for.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long to wait for an answer; 500 ms if nothing else is asked for.
    #[must_use]
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// A store for blocking callers. Redis need not be up.
    ///
    /// # Errors
    /// A URL, the prefix, a time-out or a certificate is not good; or what is not encrypted would leave this machine. The error
    /// repeats no URL, no user and no password.
    pub fn open(&self) -> Result<RedisStore, StoreError> {
        Ok(RedisStore::with(Arc::new(self.plan()?)))
    }

    /// A store for async callers on tokio. Redis need not be up.
    ///
    /// # Errors
    /// As [`RedisOptions::open`].
    #[cfg(feature = "redis-tokio")]
    pub fn open_async(&self) -> Result<AsyncRedisStore, StoreError> {
        Ok(AsyncRedisStore::with(Arc::new(self.plan()?)))
    }

    /// Whether a URL has a password in it, wherever it stands there. For those who take URLs from where others read along.
    ///
    /// # Errors
    /// A URL is none. The error repeats nothing of it.
    pub fn has_password_in_url(&self) -> Result<bool, StoreError> {
        let places = Place::parse_all(self.urls.iter().map(|url| url.as_str()))?;
        Ok(places.iter().any(|place| place.login.password().is_some()))
    }

    fn of<U: AsRef<str>>(kind: Kind, urls: impl IntoIterator<Item = U>) -> Self {
        Self {
            kind,
            urls: urls.into_iter().map(|url| url.as_ref().to_owned().into()).collect(),
            prefix: "tm:".to_owned(),
            added_roots: Vec::new(),
            plaintext_network: false,
            sentinel_login: None,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_millis(500),
        }
    }

    fn plan(&self) -> Result<Plan, StoreError> {
        if self.connect_timeout.is_zero() || self.response_timeout.is_zero() {
            return Err(StoreError::new("a time-out for Redis is zero: nothing would ever be in time"));
        }
        let places = Place::parse_all(self.urls.iter().map(|url| url.as_str()))?;
        let Some(first) = places.first() else { return Err(StoreError::new("there is no URL of a Redis")) };
        let way = Way {
            login: first.login.clone(),
            sentinel_login: self.login_to_sentinels(),
            trust: self.trust(first)?,
        };
        let servers = |role| places.iter().map(|place| place.server(role)).collect();
        let topology = match &self.kind {
            Kind::Alone => Topology::Alone(first.server(Role::Alone)),
            Kind::Sentinel { master } => {
                Topology::Sentinel { master: master.clone(), sentinels: servers(Role::Sentinel) }
            }
            Kind::Cluster if first.login.db() != 0 => {
                return Err(StoreError::new("a Redis Cluster has no databases but 0"));
            }
            Kind::Cluster => Topology::Cluster(servers(Role::Member)),
        };
        for server in topology.servers() {
            way.client(server)?;
        }
        let caller = Caller { prefix: Prefix::new(&self.prefix)?, by_slot: topology.is_cluster() };
        let (connect_timeout, response_timeout) = (self.connect_timeout, self.response_timeout);
        Ok(Plan { topology, way, caller, connect_timeout, response_timeout })
    }

    fn trust(&self, first: &Place) -> Result<Trust, StoreError> {
        match (first.has_tls, self.plaintext_network) {
            (true, _) => Trust::tls(&self.added_roots),
            (false, true) => Ok(Trust::AnyNetwork),
            (false, false) => Ok(Trust::Loopback),
        }
    }

    fn login_to_sentinels(&self) -> RedisConnectionInfo {
        let login = RedisConnectionInfo::default().set_skip_set_lib_name();
        match &self.sentinel_login {
            Some((Some(user), password)) => login.set_username(user).set_password(password.as_str()),
            Some((None, password)) => login.set_password(password.as_str()),
            None => login,
        }
    }
}

/// Shows no URL and no password.
impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisOptions")
            .field("kind", &self.kind)
            .field("urls", &self.urls.len())
            .field("prefix", &self.prefix)
            .field("plaintext_network", &self.plaintext_network)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}

/// Shows what kind of Redis it is and the names in it.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.topology {
            Topology::Alone(_) => "alone",
            Topology::Sentinel { .. } => "sentinel",
            Topology::Cluster(_) => "cluster",
        };
        f.debug_struct("Redis").field("kind", &kind).field("caller", &self.caller).finish_non_exhaustive()
    }
}
