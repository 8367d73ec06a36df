//! How a client is set up, the same for both.

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, pem::PemObject};
use tm_cache::Storage;
use tm_core::{Application, Credentials, Error, InvalidInput, broker::Settings};

use crate::{
    Engine, Keeper, Proxy, Wake,
    environment::{self, Environment},
    tls,
};

/// Everything a client needs to know before it starts.
///
/// ```
/// use tm_core::{AppName, AppVersion, Application, Credentials, Gateway, TenantId};
/// use tm_driver::Setup;
///
/// let application = Application {
///     gateway: Gateway::region("eu1")?,
///     host_tenant: TenantId::new("operator")?,
///     name: AppName::new("pump-watch")?,
///     version: AppVersion::new("1.0.0")?,
/// };
/// let setup = Setup::new(application, Credentials::new("client", "secret")?)
///     .settings(|settings| settings.calls_at_once = 4);
/// assert_eq!(setup.as_settings().calls_at_once, 4);
/// # Ok::<(), tm_core::InvalidInput>(())
/// ```
#[derive(Debug, Clone)]
pub struct Setup {
    application: Application,
    credentials: Credentials,
    settings: Settings,
    proxy: Proxy,
    roots: Vec<CertificateDer<'static>>,
}

impl Setup {
    /// With the default settings.
    pub fn new(application: Application, credentials: Credentials) -> Self {
        let (settings, proxy, roots) = Default::default();
        Self { application, credentials, settings, proxy, roots }
    }

    /// From the environment that the platform gives its applications: `MDSP_KEY_STORE_CLIENT_ID`,
    /// `MDSP_KEY_STORE_CLIENT_SECRET`, `MDSP_OS_VM_APP_NAME`, `MDSP_OS_VM_APP_VERSION`, `MDSP_HOST_TENANT`, and
    /// `HOST_ENVIRONMENT` for the region (`eu1` if it is not set). `TM_GATEWAY` names another gateway, `TM_API_PATH` another
    /// path of the service below it.
    ///
    /// # Errors
    /// Names the variables that are missing, or the field that is not good.
    pub fn from_env() -> Result<Self, InvalidInput> {
        Self::from_lookup(environment::variable, false)
    }

    /// As [`Setup::from_env`], from any source of variables; `allow_loopback_http` lets `TM_GATEWAY` be a simulator.
    ///
    /// # Errors
    /// As [`Setup::from_env`].
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        allow_loopback_http: bool,
    ) -> Result<Self, InvalidInput> {
        let environment = Environment(lookup);
        environment.is_complete()?;
        Ok(Self::new(environment.application(allow_loopback_http)?, environment.credentials()?))
    }

    /// Changes settings.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Goes through this proxy, or through none.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Trusts these certificate authorities (PEM, one or more) in addition to the system's. There is no way to switch the
    /// check off.
    ///
    /// # Errors
    /// Not PEM, or no certificate in it that can be used.
    pub fn root_certificates(mut self, pem: &[u8]) -> Result<Self, InvalidInput> {
        const FIELD: &str = "root certificates";
        let before = self.roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| InvalidInput::new(FIELD, "are not valid PEM"))?;
            if tls::is_usable(&certificate) {
                self.roots.push(certificate);
            }
        }
        if self.roots.len() == before {
            return Err(InvalidInput::new(FIELD, "hold no certificate that can be used"));
        }
        Ok(self)
    }

    /// Who asks.
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// The settings as they are.
    pub fn as_settings(&self) -> &Settings {
        &self.settings
    }

    /// The proxy's URL, if there is one for this gateway.
    ///
    /// # Errors
    /// It is not an http or https URL with a host.
    pub fn proxy_url(&self) -> Result<Option<String>, InvalidInput> {
        self.proxy.url_for(&self.application.gateway)
    }

    /// The certificate authorities that were added.
    pub fn added_roots(&self) -> &[CertificateDer<'static>] {
        &self.roots
    }

    /// Checks the settings and starts an engine, with a seed of its own. `store_leases` is as in [`Engine::new`].
    ///
    /// # Errors
    /// A setting is out of bounds, or the system has no randomness to give.
    pub fn engine<W: Wake>(&self, store_leases: Option<bool>) -> Result<Engine<W>, Error> {
        self.settings.check()?;
        let (application, credentials) = (self.application.clone(), self.credentials.clone());
        Ok(Engine::new(application, credentials, self.settings.clone(), store_leases, seed()?))
    }

    /// The store of a client with this set-up.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn keeper<S: ?Sized>(&self, storage: Storage<Arc<S>>) -> Result<Keeper<S>, Error> {
        Keeper::new(storage, &self.application, &self.credentials)
    }
}

/// A number that no other client has.
pub(crate) fn seed() -> Result<u64, Error> {
    getrandom::u64()
        .map_err(|_| InvalidInput::new("seed", "cannot be drawn: the system gives no randomness").into())
}

#[cfg(test)]
mod tests {
    use tm_core::{AppName, AppVersion, Gateway, TenantId};

    use super::*;

    fn setup() -> Setup {
        let application = Application {
            gateway: Gateway::region("eu1").unwrap(),
            host_tenant: TenantId::new("host").unwrap(),
            name: AppName::new("app").unwrap(),
            version: AppVersion::new("1").unwrap(),
        };
        Setup::new(application, Credentials::new("client", "hush").unwrap())
    }

    #[test]
    fn certificates_must_be_certificates() {
        for bad in [
            &b""[..],
            b"rubbish",
            b"-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n",
            b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
        ] {
            let error = setup().root_certificates(bad).unwrap_err();
            assert_eq!(error.field(), "root certificates");
        }
    }

    #[test]
    fn nothing_shows_the_secret() {
        let key = "aHVzaA"; // base64 of the secret's beginning
        let shown = format!("{:?}", setup());
        assert!(!shown.contains("hush") && !shown.contains(key), "{shown}");
    }
}
