//! Which proxy stands between us and the gateway: exactly one, or none.

use std::net::IpAddr;

use http::Uri;
use tm_core::{Gateway, InvalidInput};

use crate::environment;

/// Decided here, once, for both clients: left alone, the HTTP libraries read the environment each in its own way.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// `HTTPS_PROXY`, else `ALL_PROXY`, in either case of letters, unless `NO_PROXY` names the gateway. Only for https,
    /// where the proxy sees no more than a `CONNECT`; never for loopback.
    #[default]
    FromEnvironment,
    /// None, whatever the environment says.
    None,
    /// This URL, http or https. Not for loopback either.
    Url(String),
}

/// A proxy's URL may hold a password.
impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::FromEnvironment => "FromEnvironment",
            Self::None => "None",
            Self::Url(_) => "Url([hidden])",
        })
    }
}

impl Proxy {
    /// The URL of the proxy for this gateway, if there is one.
    ///
    /// # Errors
    /// It is the URL of no proxy that both clients can speak with. Left alone, some would be passed by.
    pub fn url_for(&self, gateway: &Gateway) -> Result<Option<String>, InvalidInput> {
        self.resolve(gateway, environment::variable).map(checked).transpose()
    }

    pub(crate) fn resolve(
        &self,
        gateway: &Gateway,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Option<String> {
        if gateway.is_plain_http() || is_loopback(gateway.host()) {
            return None;
        }
        let first = |names: &[&str]| {
            names.iter().find_map(|name| variable(name).filter(|value| !value.trim().is_empty()))
        };
        match self {
            Self::None => None,
            Self::Url(url) => Some(url.clone()),
            Self::FromEnvironment => {
                let exempt =
                    first(&["no_proxy", "NO_PROXY"]).is_some_and(|list| names(&list, gateway.host()));
                let url = first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?;
                (!exempt).then(|| with_scheme(url.trim()))
            }
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let is_address = |address: IpAddr| address.to_canonical().is_loopback();
    host.eq_ignore_ascii_case("localhost") || bare(host).parse().is_ok_and(is_address)
}

/// An address of IPv6 without its brackets.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// The URL may hold a password, so no error repeats it.
fn checked(url: String) -> Result<String, InvalidInput> {
    if url.parse::<Uri>().is_ok_and(|url| is_spoken_with(&url)) {
        return Ok(url);
    }
    Err(InvalidInput::new(
        "proxy",
        "is not an http or https URL with a host and a port, if any; other kinds of proxies are not spoken with",
    ))
}

/// A port that is none would be passed over, and the proxy's password sent to another.
fn is_spoken_with(url: &Uri) -> bool {
    let Some(authority) = url.authority() else { return false };
    let (_, place) = authority.as_str().rsplit_once('@').unwrap_or_default();
    let place = if place.is_empty() { authority.as_str() } else { place };
    let after_host = place.strip_prefix(authority.host()).unwrap_or_default();
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    let has_port = after_host.is_empty() || after_host.strip_prefix(':').is_some_and(is_port);
    matches!(url.scheme_str(), Some("http" | "https")) && !authority.host().is_empty() && has_port
}

/// As curl reads it: `proxy:3128` is a host and a port.
fn with_scheme(url: &str) -> String {
    if url.contains("://") { url.to_owned() } else { format!("http://{url}") }
}

/// Whether a `NO_PROXY` list names this host: `*`, the host itself, or a domain above it, with or without a leading dot.
fn names(list: &str, host: &str) -> bool {
    let host = bare(host).to_ascii_lowercase();
    list.split([',', ' '])
        .map(|entry| entry.trim().to_ascii_lowercase())
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let domain = bare(entry.trim_start_matches("*.").trim_start_matches('.'));
            entry == "*"
                || host == domain
                || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(gateway: &str, environment: &[(&str, &str)]) -> Option<String> {
        let gateway = Gateway::parse_allowing_loopback_http(gateway).unwrap();
        Proxy::FromEnvironment.resolve(&gateway, |name| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_names_a_proxy_for_https_only() {
        let hub = "https://gateway.eu1.mindsphere.io";
        assert_eq!(resolved(hub, &[("HTTPS_PROXY", "proxy:3128")]).unwrap(), "http://proxy:3128");
        assert_eq!(resolved(hub, &[("all_proxy", "http://p")]).unwrap(), "http://p");
        assert_eq!(resolved(hub, &[("HTTP_PROXY", "http://p"), ("http_proxy", "http://p")]), None);
        assert_eq!(resolved(hub, &[("HTTPS_PROXY", " ")]), None);
        for loopback in [
            "http://127.0.0.1:9",
            "https://127.0.0.1:9",
            "https://[::1]:9",
            "https://[::ffff:127.0.0.1]:9",
            "https://localhost",
        ] {
            assert_eq!(resolved(loopback, &[("HTTPS_PROXY", "http://p"), ("ALL_PROXY", "http://p")]), None);
        }
    }

    #[test]
    fn no_proxy_exempts_hosts_and_domains() {
        let exempt = |list| {
            resolved("https://gateway.eu1.mindsphere.io", &[("HTTPS_PROXY", "p"), ("NO_PROXY", list)])
                .is_none()
        };
        for list in
            ["*", "mindsphere.io", ".mindsphere.io", "*.mindsphere.io", "a, GATEWAY.eu1.mindsphere.io"]
        {
            assert!(exempt(list), "{list}");
        }
        for list in ["sphere.io", "eu1", "mindsphere.io.evil", "", "other.example"] {
            assert!(!exempt(list), "{list}");
        }
    }

    #[test]
    fn no_proxy_exempts_addresses_with_or_without_brackets() {
        for list in ["2001:db8::1", "[2001:db8::1]"] {
            let environment = [("HTTPS_PROXY", "p"), ("NO_PROXY", list)];
            assert_eq!(resolved("https://[2001:db8::1]", &environment), None, "{list}");
            assert!(resolved("https://[2001:db8::11]", &environment).is_some(), "{list}");
        }
    }

    #[test]
    fn only_proxies_that_both_clients_speak_with_are_taken() {
        for good in [
            "http://p",
            "https://p:3128",
            "http://user:hush%40@p:3128/",
            "http://u:hush@[::1]:1",
            "http://u@p",
        ] {
            assert!(checked(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["socks5://hush@p", "ftp://p", "http://", "p", "", "http://[", "hush hush"]
            .into_iter()
            .chain(["http://p:99999", "http://p:80a", "http://p:0", "http://u:hush@p:", "http://[::1]:x"])
            .chain(["http://p:+80", "http://[::1]p:80"])
        {
            let error = checked(bad.to_owned()).unwrap_err();
            assert!(error.field() == "proxy" && !error.to_string().contains("hush"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_proxy_s_password_is_not_shown() {
        assert!(!format!("{:?}", Proxy::Url("http://user:hush@p".into())).contains("hush"));
    }
}
