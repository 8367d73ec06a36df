//! Where the service is: addresses that were looked up are remembered for a while.
//!
//! ureq looks up the host for each call, also if it has a connection, and starts a thread for that. In a cluster, where a name is
//! tried with several suffixes, a call means up to ten questions to the name server; while that is out of order, calls over living
//! connections fail. See `docs/decisions/0012-addresses-are-remembered-for-ureq.md`.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{Uri, uri::Scheme};
use ureq::{
    Error,
    config::Config,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// The names of load balancers live for a minute; whoever moves a service counts on no less.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Asks `R`, unless it answered lately.
#[derive(Debug, Default)]
pub(crate) struct Addresses<R = DefaultResolver> {
    resolver: R,
    known: Mutex<HashMap<Host, Known>>,
}

/// Without what stands before the host: a proxy's URL has its password there.
type Host = (Option<Scheme>, String, Option<u16>);

#[derive(Debug)]
struct Known {
    addresses: ResolvedSocketAddrs,
    until: Instant,
}

impl<R: Resolver> Addresses<R> {
    fn resolved(
        &self,
        now: Instant,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = (uri.scheme().cloned(), uri.host().unwrap_or_default().to_owned(), uri.port_u16());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Known { addresses, .. }) = known().get(&host).filter(|known| now < known.until) {
            return Ok(addresses.clone());
        }
        // Nobody is kept waiting for somebody else's time: those who find nothing ask, each for itself.
        let addresses = self.resolver.resolve(uri, config, timeout)?;
        known().insert(host, Known { addresses: addresses.clone(), until: now + REMEMBERED });
        Ok(addresses)
    }
}

impl<R: Resolver> Resolver for Addresses<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        self.resolved(Instant::now(), uri, config, timeout)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::SocketAddr,
        sync::atomic::{AtomicU16, Ordering},
    };

    use super::*;

    /// Answers with another port each time, but not the third time.
    #[derive(Debug, Default)]
    struct Ports(AtomicU16);

    impl Resolver for Ports {
        fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
            let port = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            if port == 3 {
                return Err(Error::HostNotFound);
            }
            let mut addresses = self.empty();
            addresses.push(SocketAddr::from(([127, 0, 0, 1], port)));
            Ok(addresses)
        }
    }

    fn port(addresses: &Addresses<Ports>, now: Instant, uri: &'static str) -> Result<u16, Error> {
        let (uri, config) = (Uri::from_static(uri), Config::default());
        addresses.resolved(now, &uri, &config, NextTimeout::default()).map(|found| found[0].port())
    }

    #[test]
    fn a_host_is_looked_up_once_in_ten_seconds() {
        let (addresses, start) = (Addresses::default(), Instant::now());
        let later = start + REMEMBERED;
        assert_eq!(port(&addresses, start, "https://one/a").unwrap(), 1);
        assert_eq!(port(&addresses, start + REMEMBERED.mul_f32(0.99), "https://one/b").unwrap(), 1);
        assert_eq!(port(&addresses, later, "https://one/a").unwrap(), 2);
    }

    #[test]
    fn a_failure_is_not_remembered() {
        let (addresses, start) = (Addresses::default(), Instant::now());
        for (uri, expected) in [("https://one", 1), ("https://two", 2)] {
            assert_eq!(port(&addresses, start, uri).unwrap(), expected);
        }
        assert!(port(&addresses, start, "https://three").is_err());
        assert_eq!(port(&addresses, start, "https://three").unwrap(), 4);
    }

    #[test]
    fn the_password_of_a_proxy_is_not_remembered() {
        let addresses = Addresses::default();
        port(&addresses, Instant::now(), "http://someone:hush@proxy:3128").unwrap();
        assert!(!format!("{addresses:?}").contains("hush"), "{addresses:?}");
    }

    #[test]
    fn another_port_or_scheme_is_another_place() {
        let (addresses, start) = (Addresses::default(), Instant::now());
        assert_eq!(port(&addresses, start, "https://one").unwrap(), 1);
        assert_eq!(port(&addresses, start, "https://one:8443").unwrap(), 2);
        assert!(port(&addresses, start, "http://one").is_err());
    }
}
