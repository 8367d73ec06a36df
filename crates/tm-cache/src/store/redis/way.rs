//! How a server may be reached: who logs in, whom we trust, and what must not go over a network in the clear.

use std::{net::IpAddr, path::PathBuf};

use ::redis::{
    Client, ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo, TlsCertificates,
    io::tcp::TcpSettings,
};

use super::{
    failure, roots,
    routes::{Address, Role, Server},
};
use crate::StoreError;

/// The same for all servers of a store.
pub(super) struct Way {
    pub(super) login: RedisConnectionInfo,
    pub(super) sentinel_login: RedisConnectionInfo,
    pub(super) trust: Trust,
}

/// What makes a connection safe enough.
pub(super) enum Trust {
    /// TLS, with the roots of this connection.
    Tls(Box<ConnectionAddr>),
    /// In the clear, over loopback alone.
    Loopback,
    /// In the clear over any network, on request.
    AnyNetwork,
}

impl Trust {
    /// TLS with the system's roots and some more.
    ///
    /// # Errors
    /// As [`roots::with_the_systems`].
    pub(super) fn tls(added_roots: &[u8]) -> Result<Self, StoreError> {
        // The library takes the provider of the process, and panics if there are several and none is chosen. Whoever has
        // chosen already is left in peace.
        let _ = ::rustls::crypto::aws_lc_rs::default_provider().install_default();
        let roots = roots::with_the_systems(added_roots)?;
        let place =
            ConnectionAddr::TcpTls { host: String::new(), port: 0, insecure: false, tls_params: None };
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(roots) };
        let client = Client::build_with_tls(place, certificates).map_err(|error| failure::of(&error))?;
        Ok(Self::Tls(Box::new(client.get_connection_info().addr().clone())))
    }

    /// Where to connect, if that is allowed. It is asked for each server, since Sentinel and Cluster name servers too.
    fn connection(&self, address: &Address) -> Result<ConnectionAddr, StoreError> {
        let (host, port) = match address {
            Address::Tcp { host, port } => (host.clone(), *port),
            Address::Unix(path) => return Ok(ConnectionAddr::Unix(PathBuf::clone(path))),
        };
        match self {
            Self::Tls(template) => {
                let ConnectionAddr::TcpTls { tls_params, .. } = &**template else {
                    return Err(StoreError::new("TLS is not set up"));
                };
                let tls_params = tls_params.clone();
                Ok(ConnectionAddr::TcpTls { host, port, insecure: false, tls_params })
            }
            Self::Loopback if !is_loopback(&host) => Err(StoreError::new(
                "Redis is not on 127.0.0.1 or [::1], and redis:// is not encrypted: use rediss://, or allow it by name",
            )),
            Self::Loopback | Self::AnyNetwork => Ok(ConnectionAddr::Tcp(host, port)),
        }
    }
}

impl Way {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// It may not be reached so.
    pub(super) fn client(&self, server: &Server) -> Result<Client, StoreError> {
        let login = match server.role {
            Role::Alone | Role::Member => &self.login,
            Role::Sentinel => &self.sentinel_login,
        };
        let connection = self.trust.connection(&server.address)?;
        let info = connection.into_connection_info().map_err(|error| failure::of(&error))?;
        // Without it a pipeline of more than a segment waits for an acknowledgement that is late.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        Client::open(info.set_redis_settings(login.clone())).map_err(|error| failure::of(&error))
    }
}

/// By number alone: a name is what somebody's resolver makes of it.
fn is_loopback(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str) -> Address {
        Address::Tcp { host: host.to_owned(), port: 1 }
    }

    #[test]
    fn what_is_not_encrypted_stays_on_loopback() {
        for host in ["127.0.0.1", "127.9.9.9", "::1"] {
            assert!(Trust::Loopback.connection(&tcp(host)).is_ok(), "{host}");
        }
        for host in ["localhost", "10.0.0.1", "127.0.0.1.example", "::ffff:10.0.0.1", ""] {
            assert!(Trust::Loopback.connection(&tcp(host)).is_err(), "{host}");
            assert!(Trust::AnyNetwork.connection(&tcp(host)).is_ok(), "{host}");
        }
        assert!(Trust::Loopback.connection(&Address::Unix("/s".into())).is_ok());
    }
}
