//! The environment of an application on the platform, by the names that the vendor's own SDKs read.

use tm_core::{AppName, AppVersion, Application, Credentials, Gateway, InvalidInput, TenantId};
use zeroize::Zeroizing;

/// Reads variables by name; a closure, so that tests need not touch the process.
pub(crate) struct Environment<F>(pub(crate) F);

/// A variable of the process. One that is no text comes damaged: whoever reads it finds that, where it would pass for one that is
/// not set otherwise.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = std::env::var_os(name)?;
    // As text it is moved: one of them is a secret, of which no copy is to be left.
    Some(value.into_string().unwrap_or_else(|damaged| damaged.to_string_lossy().into_owned()))
}

const NOT_SET: &str = "is not set in the environment";

/// Without which there is no client.
const REQUIRED: [&str; 5] = [
    "MDSP_KEY_STORE_CLIENT_ID",
    "MDSP_KEY_STORE_CLIENT_SECRET",
    "MDSP_OS_VM_APP_NAME",
    "MDSP_OS_VM_APP_VERSION",
    "MDSP_HOST_TENANT",
];

impl<F: Fn(&str) -> Option<String>> Environment<F> {
    /// Tells of all that is missing at once.
    pub(crate) fn is_complete(&self) -> Result<(), InvalidInput> {
        // One of them is a secret.
        let is_set = |name: &&str| self.optional(name).map(Zeroizing::new).is_some();
        let missing: Vec<_> = REQUIRED.into_iter().filter(|name| !is_set(name)).collect();
        let Some((first, others)) = missing.split_first() else { return Ok(()) };
        let reason = match others {
            [] => NOT_SET.to_owned(),
            others => format!("{NOT_SET}, and neither is {}", others.join(", ")),
        };
        Err(InvalidInput::new(first, reason))
    }

    pub(crate) fn credentials(&self) -> Result<Credentials, InvalidInput> {
        let id = self.required("MDSP_KEY_STORE_CLIENT_ID")?;
        let secret = Zeroizing::new(self.required("MDSP_KEY_STORE_CLIENT_SECRET")?);
        Credentials::new(&id, &secret)
    }

    pub(crate) fn application(&self, allow_loopback_http: bool) -> Result<Application, InvalidInput> {
        Ok(Application {
            gateway: self.gateway(allow_loopback_http)?,
            host_tenant: TenantId::new(self.required("MDSP_HOST_TENANT")?)?,
            name: AppName::new(self.required("MDSP_OS_VM_APP_NAME")?)?,
            version: AppVersion::new(self.required("MDSP_OS_VM_APP_VERSION")?)?,
        })
    }

    fn gateway(&self, allow_loopback_http: bool) -> Result<Gateway, InvalidInput> {
        let gateway = self.base(allow_loopback_http)?;
        match self.optional("TM_API_PATH") {
            Some(path) => gateway.with_api_path(&path),
            None => Ok(gateway),
        }
    }

    fn base(&self, allow_loopback_http: bool) -> Result<Gateway, InvalidInput> {
        match self.optional("TM_GATEWAY") {
            Some(url) if allow_loopback_http => Gateway::parse_allowing_loopback_http(&url),
            Some(url) => Gateway::parse(&url),
            None => Gateway::region(self.optional("HOST_ENVIRONMENT").as_deref().unwrap_or("eu1")),
        }
    }

    fn required(&self, name: &'static str) -> Result<String, InvalidInput> {
        self.optional(name).ok_or_else(|| InvalidInput::new(name, NOT_SET))
    }

    /// An empty variable is as good as none: that is how shells and deployments unset them.
    fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPLETE: [(&str, &str); 5] = [
        ("MDSP_KEY_STORE_CLIENT_ID", "client"),
        ("MDSP_KEY_STORE_CLIENT_SECRET", "secret"),
        ("MDSP_OS_VM_APP_NAME", "app"),
        ("MDSP_OS_VM_APP_VERSION", "1.0.0"),
        ("MDSP_HOST_TENANT", "host"),
    ];

    fn read(
        more: &[(&str, &str)],
        without: &str,
    ) -> (Result<Credentials, InvalidInput>, Result<Application, InvalidInput>) {
        let all: Vec<_> =
            more.iter().chain(&COMPLETE).filter(|(name, _)| *name != without).copied().collect();
        let environment = Environment(|name: &str| {
            all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        (environment.credentials(), environment.application(false))
    }

    #[test]
    fn the_platform_s_names_are_read() {
        let (credentials, application) = read(&[], "");
        assert_eq!(credentials.unwrap().client_id(), "client");
        let application = application.unwrap();
        assert_eq!(application.gateway.to_string(), "https://gateway.eu1.mindsphere.io");
        assert_eq!(application.host_tenant.as_str(), "host");
        let (_, application) = read(&[("HOST_ENVIRONMENT", "us1")], "");
        assert_eq!(application.unwrap().gateway.host(), "gateway.us1.mindsphere.io");
        let (_, application) =
            read(&[("HOST_ENVIRONMENT", "us1"), ("TM_GATEWAY", "https://api.eu1.siemens.app")], "");
        assert_eq!(application.unwrap().gateway.api_path(), "/api/technicaltokenmanager-1000001700/v3");
        let (_, application) = read(&[("TM_API_PATH", "/api/other/v3")], "");
        assert_eq!(application.unwrap().gateway.api_path(), "/api/other/v3");
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, _) in COMPLETE {
            let (credentials, application) = read(&[], name);
            let error = credentials.err().or(application.err()).unwrap().to_string();
            assert_eq!(error, format!("{name}: is not set in the environment"));
        }
        let (_, application) = read(&[("MDSP_HOST_TENANT", "")], "");
        assert_eq!(application.unwrap_err().field(), "MDSP_HOST_TENANT");
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let environment = |set: &'static [&str]| {
            Environment(move |name: &str| set.contains(&name).then(|| "set".to_owned())).is_complete()
        };
        assert!(environment(&REQUIRED).is_ok());
        let told = environment(&["MDSP_HOST_TENANT", "MDSP_OS_VM_APP_NAME"]).unwrap_err();
        assert_eq!(
            told.to_string(),
            "MDSP_KEY_STORE_CLIENT_ID: is not set in the environment, and neither is \
             MDSP_KEY_STORE_CLIENT_SECRET, MDSP_OS_VM_APP_VERSION"
        );
    }

    #[test]
    fn plain_http_needs_to_be_asked_for() {
        let (_, application) = read(&[("TM_GATEWAY", "http://127.0.0.1:1")], "");
        assert!(application.unwrap_err().to_string().starts_with("gateway: is not https"));
    }
}
