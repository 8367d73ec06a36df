//! What makes two tokens different, as bytes.

use tm_core::{Application, TenantId};

/// The first byte of every key: a change of what follows is another number.
const FORMAT: u8 = 1;

/// All of a key but the tenant.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    bytes: Vec<u8>,
}

impl Scope {
    pub(super) fn new(application: &Application, client_id: &str) -> Self {
        let Application { gateway, host_tenant, name, version } = application;
        let mut bytes = vec![FORMAT];
        let gateway = format!("{gateway}{}", gateway.api_path());
        for part in [&gateway, host_tenant.as_str(), name.as_str(), version.as_str(), client_id] {
            push(&mut bytes, part);
        }
        Self { bytes }
    }

    /// The name of one tenant's token: it holds no secret, and no two tokens have the same.
    pub(super) fn name(&self, tenant: &TenantId) -> Vec<u8> {
        let mut name = self.bytes.clone();
        push(&mut name, tenant.as_str());
        name
    }
}

/// With its length before it, so that `a:b` and `c` are not `a` and `b:c`.
fn push(bytes: &mut Vec<u8>, part: &str) {
    let length = u16::try_from(part.len()).unwrap_or(u16::MAX); // all parts are bounded far below that
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(part.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tm_core::{AppName, AppVersion, Gateway};

    use super::*;

    fn name(parts: [&str; 6]) -> Vec<u8> {
        let [gateway, host, name, version, client, tenant] = parts;
        let application = Application {
            gateway: Gateway::parse(gateway).unwrap(),
            host_tenant: TenantId::new(host).unwrap(),
            name: AppName::new(name).unwrap(),
            version: AppVersion::new(version).unwrap(),
        };
        Scope::new(&application, client).name(&TenantId::new(tenant).unwrap())
    }

    #[test]
    fn whatever_differs_makes_another_key() {
        const BASE: [&str; 6] = ["https://a.example", "host", "app", "1", "client", "acme"];
        let mut names = BTreeSet::from([name(BASE)]);
        for place in 0..BASE.len() {
            let mut other = BASE;
            other[place] = if place == 0 { "https://b.example" } else { "other" };
            names.insert(name(other));
        }
        assert_eq!(names.len(), 1 + BASE.len());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let of = |app, version| name(["https://a.example", "host", app, version, "client", "acme"]);
        assert_ne!(of("a:b", "c"), of("a", "b:c"));
        assert_ne!(of("ab", "c"), of("a", "bc"));
    }
}
