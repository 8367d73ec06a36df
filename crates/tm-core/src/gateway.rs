//! Where the service lives, and who asks it.

use std::{fmt, net::IpAddr};

use http::Uri;

use crate::{AppName, AppVersion, InvalidInput, TenantId};

const FIELD: &str = "gateway";
const API_PATH: &str = "api path";
const INSIGHTS_HUB_API: &str = "/api/technicaltokenmanager/v3";
/// Inferred: other APIs of the platform carry this suffix, and the documents do not show this one.
const XCELERATOR_API: &str = "/api/technicaltokenmanager-1000001700/v3";

/// The application, as registered on the platform, and where it asks for its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The host to ask.
    pub gateway: Gateway,
    /// The tenant where the application runs: `hostTenant`, and the operator tenant for the list of tenants.
    pub host_tenant: TenantId,
    /// `appName`.
    pub name: AppName,
    /// `appVersion`.
    pub version: AppVersion,
}

/// Which of the vendor's two platforms. Insights Hub is moving to Xcelerator, tenant by tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Platform {
    /// Insights Hub, formerly MindSphere.
    InsightsHub,
    /// Siemens Xcelerator.
    Xcelerator,
}

impl Platform {
    /// `insights-hub` or `xcelerator`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InsightsHub => "insights-hub",
            Self::Xcelerator => "xcelerator",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A parsed base URL with the path of the Token Management Service below it.
///
/// ```
/// # use tm_core::Gateway;
/// assert_eq!(Gateway::region("eu1")?.to_string(), "https://gateway.eu1.mindsphere.io");
/// assert!(Gateway::parse("http://gateway.example").is_err()); // the key would travel in clear
/// # Ok::<(), tm_core::InvalidInput>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Gateway {
    base: String,
    api_path: String,
    endpoints: Endpoints,
}

/// The three addresses, made once so that no request can fail to be made.
#[derive(Clone, PartialEq, Eq)]
struct Endpoints {
    one_token: Uri,
    batch: Uri,
    /// Without its query.
    user_tenants: String,
}

impl Gateway {
    /// Insights Hub in a region such as `eu1`: `https://gateway.{region}.mindsphere.io`. For regions with a domain of
    /// their own, such as `cn1`, use [`Gateway::parse`].
    ///
    /// # Errors
    /// A region that is not 1 to 16 lower-case letters, digits or dashes.
    pub fn region(region: &str) -> Result<Self, InvalidInput> {
        check_region(region)?;
        Self::parse(&format!("https://gateway.{region}.mindsphere.io"))
    }

    /// Siemens Xcelerator in a region: `https://api.{region}.siemens.app`. The path of the API is inferred from other
    /// APIs of the platform; [`Gateway::with_api_path`] overrides it.
    ///
    /// # Errors
    /// As [`Gateway::region`].
    pub fn xcelerator(region: &str) -> Result<Self, InvalidInput> {
        check_region(region)?;
        Self::parse(&format!("https://api.{region}.siemens.app"))
    }

    /// Any https base URL, with or without a path. A host below `siemens.app` is taken for Xcelerator.
    ///
    /// # Errors
    /// Not an absolute URL, another scheme than https, or one with user info, query or fragment.
    pub fn parse(url: &str) -> Result<Self, InvalidInput> {
        let base = Base::parse(url)?;
        if base.scheme != "https" {
            return Err(InvalidInput::new(
                FIELD,
                "is not https; plain http is for loopback addresses only, and only when asked for",
            ));
        }
        base.gateway()
    }

    /// As [`Gateway::parse`], and plain http too if the host is a literal loopback address (`127.0.0.0/8`, `[::1]`;
    /// not `localhost`, which the resolver may send anywhere). For simulators.
    ///
    /// # Errors
    /// As [`Gateway::parse`]; http to any other host.
    pub fn parse_allowing_loopback_http(url: &str) -> Result<Self, InvalidInput> {
        let base = Base::parse(url)?;
        if base.scheme == "http" && !base.is_loopback {
            return Err(InvalidInput::new(
                FIELD,
                "is plain http to something else than a literal loopback address",
            ));
        }
        base.gateway()
    }

    /// The same host with another path to the API, such as `/api/technicaltokenmanager/v3`.
    ///
    /// # Errors
    /// A path that does not start with a slash or that cannot stand in a URL.
    pub fn with_api_path(&self, path: &str) -> Result<Self, InvalidInput> {
        crate::input::visible(API_PATH, path, 512)?;
        if !path.starts_with('/') || path.contains(['?', '#']) {
            return Err(InvalidInput::new(
                API_PATH,
                "does not start with a slash, or has a query or fragment",
            ));
        }
        Self::build(&self.base, path.trim_end_matches('/'))
    }

    /// Whether requests travel in clear, to loopback.
    pub fn is_plain_http(&self) -> bool {
        self.base.starts_with("http://")
    }

    /// The host, without port.
    pub fn host(&self) -> &str {
        self.endpoints.one_token.host().unwrap_or_default()
    }

    /// The path of the API below the base URL.
    pub fn api_path(&self) -> &str {
        &self.api_path
    }

    pub(crate) fn one_token(&self) -> Uri {
        self.endpoints.one_token.clone()
    }

    pub(crate) fn batch(&self) -> Uri {
        self.endpoints.batch.clone()
    }

    pub(crate) fn user_tenants(&self, page: u32, size: u16) -> Uri {
        // Digits in a query cannot make a parsed address unparsable.
        format!("{}?page={page}&size={size}", self.endpoints.user_tenants).parse().unwrap_or_default()
    }

    fn build(base: &str, api_path: &str) -> Result<Self, InvalidInput> {
        let address = |path: &str| {
            let text = format!("{base}{api_path}{path}");
            text.parse::<Uri>()
                .map_err(|_| InvalidInput::new(API_PATH, "does not make a valid URL with its gateway"))
        };
        let endpoints = Endpoints {
            one_token: address("/oauth/token")?,
            batch: address("/oauthTokens")?,
            user_tenants: address("/userTenants")?.to_string(),
        };
        Ok(Self { base: base.to_owned(), api_path: api_path.to_owned(), endpoints })
    }
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gateway({}{})", self.base, self.api_path)
    }
}

fn check_region(region: &str) -> Result<(), InvalidInput> {
    let fits = (1..=16).contains(&region.len());
    if !fits || !region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err(InvalidInput::new("region", "is not 1 to 16 lower-case letters, digits or dashes"));
    }
    Ok(())
}

/// A base URL taken apart and found good, its scheme apart.
struct Base {
    scheme: String,
    is_loopback: bool,
    is_xcelerator: bool,
    text: String,
}

impl Base {
    fn parse(url: &str) -> Result<Self, InvalidInput> {
        crate::input::visible(FIELD, url, 1_024)?;
        // `http::Uri` drops fragments without a word, and lets userinfo through.
        if url.contains('#') {
            return Err(InvalidInput::new(FIELD, "has a fragment"));
        }
        let uri: Uri = url.parse().map_err(|_| InvalidInput::new(FIELD, "is not a URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(InvalidInput::new(
                FIELD,
                "is not an absolute URL such as https://gateway.eu1.mindsphere.io",
            ));
        };
        if authority.as_str().contains('@') {
            return Err(InvalidInput::new(FIELD, "has user info"));
        }
        if uri.query().is_some() {
            return Err(InvalidInput::new(FIELD, "has a query"));
        }
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "https" | "http") {
            return Err(InvalidInput::new(FIELD, "is neither https nor http"));
        }
        let host = authority.host().to_ascii_lowercase();
        let after_host = &authority.as_str()[authority.host().len()..];
        if host.is_empty() || (!after_host.is_empty() && authority.port_u16().is_none_or(|port| port == 0)) {
            return Err(InvalidInput::new(FIELD, "has no host, or a port that is none"));
        }
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            is_loopback: address.is_ok_and(|address| address.is_loopback()),
            is_xcelerator: host == "siemens.app" || host.ends_with(".siemens.app"),
            text: format!("{scheme}://{host}{after_host}{path}"),
            scheme,
        })
    }

    fn gateway(self) -> Result<Gateway, InvalidInput> {
        Gateway::build(&self.text, if self.is_xcelerator { XCELERATOR_API } else { INSIGHTS_HUB_API })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        Gateway::parse(url).unwrap_err().to_string()
    }

    #[test]
    fn both_platforms_have_their_paths() {
        let hub = Gateway::region("eu1").unwrap();
        let expected = "https://gateway.eu1.mindsphere.io/api/technicaltokenmanager/v3/oauth/token";
        assert_eq!(hub.one_token().to_string(), expected);
        let xcelerator = Gateway::xcelerator("eu1").unwrap();
        let expected = "https://api.eu1.siemens.app/api/technicaltokenmanager-1000001700/v3/oauthTokens";
        assert_eq!(xcelerator.batch().to_string(), expected);
        let other = xcelerator.with_api_path("/api/technicaltokenmanager/v3/").unwrap();
        let expected = "https://api.eu1.siemens.app/api/technicaltokenmanager/v3/userTenants?page=2&size=100";
        assert_eq!(other.user_tenants(2, 100).to_string(), expected);
    }

    #[test]
    fn a_gateway_and_a_platform_tell_what_they_are() {
        let hub = Gateway::region("eu1").unwrap();
        assert_eq!((hub.is_plain_http(), hub.api_path()), (false, "/api/technicaltokenmanager/v3"));
        assert!(Gateway::parse_allowing_loopback_http("http://127.0.0.1:1").unwrap().is_plain_http());
        assert_eq!(hub.with_api_path("/").unwrap().api_path(), "", "the API may lie at the root");
        assert_eq!(Platform::InsightsHub.to_string(), "insights-hub");
        assert_eq!(Platform::Xcelerator.as_str(), "xcelerator");
    }

    #[test]
    fn any_https_base_is_accepted() {
        let gateway = Gateway::parse("HTTPS://Gateway.CN1.example:8443/prefix/").unwrap();
        assert_eq!(gateway.to_string(), "https://gateway.cn1.example:8443/prefix");
        assert_eq!(gateway.batch().path(), "/prefix/api/technicaltokenmanager/v3/oauthTokens");
        assert_eq!(gateway.host(), "gateway.cn1.example");
    }

    #[test]
    fn what_must_not_stand_in_a_gateway_is_refused_by_name() {
        assert_eq!(refusal("https://user:pw@host"), "gateway: has user info");
        assert_eq!(refusal("https://host?x=1"), "gateway: has a query");
        assert_eq!(refusal("https://host/#insecure"), "gateway: has a fragment");
        assert_eq!(refusal("ftp://host"), "gateway: is neither https nor http");
        assert_eq!(refusal("https://host:0"), "gateway: has no host, or a port that is none");
        assert!(Gateway::parse("https://host:99999").is_err());
        assert!(Gateway::parse("https://host:").is_err());
        assert!(Gateway::parse("https://").is_err());
        assert!(refusal("gateway.eu1").starts_with("gateway: is not an absolute URL"));
        assert!(refusal("http://127.0.0.1:1").contains("is not https"));
    }

    #[test]
    fn plain_http_goes_to_literal_loopback_only() {
        for good in ["http://127.0.0.1:8080", "http://127.9.9.9", "http://[::1]:80", "https://host"] {
            assert!(Gateway::parse_allowing_loopback_http(good).is_ok(), "{good}");
        }
        for bad in ["http://localhost:80", "http://10.0.0.1", "http://127.0.0.1.evil.example", "http://[::2]"]
        {
            assert!(Gateway::parse_allowing_loopback_http(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn regions_and_paths_are_checked() {
        for bad in ["", "EU1", "eu1.evil", "eu1/", "a-very-long-region-name"] {
            assert!(Gateway::region(bad).is_err() && Gateway::xcelerator(bad).is_err(), "{bad}");
        }
        for bad in ["", "api", "/a b", "/a?b"] {
            let refused = Gateway::region("eu1").unwrap().with_api_path(bad).unwrap_err();
            assert_eq!(refused.field(), "api path", "{bad}");
        }
    }
}
