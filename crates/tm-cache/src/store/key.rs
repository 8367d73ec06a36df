//! Under which key a token is kept.

use tm_core::{Application, Credentials, TenantId};

/// Names one token in a store: everything that makes two tokens different, and no secret.
///
/// Each part is preceded by its length, so that `a:b` + `c` and `a` + `b:c` differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Box<[u8]>);

/// Changes when the meaning of keys or records changes.
const FORMAT: &str = "tm1";

impl Key {
    /// For the token of one tenant, asked for by one application.
    ///
    /// ```
    /// # use tm_cache::Key;
    /// # use tm_core::{AppName, AppVersion, Application, Credentials, Gateway, TenantId};
    /// # let application = Application {
    /// #     gateway: Gateway::region("eu1")?,
    /// #     host_tenant: TenantId::new("operator")?,
    /// #     name: AppName::new("pump-watch")?,
    /// #     version: AppVersion::new("1.0.0")?,
    /// # };
    /// let before = Credentials::new("client", "old secret")?;
    /// let after = Credentials::new("client", "new secret")?;
    /// let acme = TenantId::new("acme")?;
    /// assert_eq!(Key::new(&application, &before, &acme), Key::new(&application, &after, &acme));
    /// # Ok::<(), tm_core::InvalidInput>(())
    /// ```
    pub fn new(application: &Application, credentials: &Credentials, tenant: &TenantId) -> Self {
        let gateway = application.gateway.to_string();
        let parts = [
            FORMAT,
            &gateway,
            application.gateway.api_path(),
            application.host_tenant.as_str(),
            tenant.as_str(),
            application.name.as_str(),
            application.version.as_str(),
            credentials.client_id(),
        ];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        Self(bytes.into())
    }

    /// The key as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use tm_core::{AppName, AppVersion, Gateway};

    use super::*;

    fn key(host: &str, tenant: &str, app: &str, version: &str) -> Key {
        let application = Application {
            gateway: Gateway::region("eu1").unwrap(),
            host_tenant: TenantId::new(host).unwrap(),
            name: AppName::new(app).unwrap(),
            version: AppVersion::new(version).unwrap(),
        };
        Key::new(&application, &Credentials::new("c", "s").unwrap(), &TenantId::new(tenant).unwrap())
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(key("h", "a:b", "c", "1"), key("h", "a", "b:c", "1"));
        assert_ne!(key("h", "ab", "c", "1"), key("h", "a", "bc", "1"));
        assert_ne!(key("h", "a", "c", "1"), key("a", "h", "c", "1"));
        assert_eq!(key("h", "a", "c", "1"), key("h", "a", "c", "1"));
    }
}
