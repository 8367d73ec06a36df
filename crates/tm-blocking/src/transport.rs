//! What carries requests: a trait, and ureq behind it.

use std::io::{self, Read};

use bytes::Bytes;
use http::{Request, Response};
use tm_core::{Error, InvalidInput, TransportError, TransportFault};
use tm_driver::{Limits, Setup, tls};
use ureq::{
    Agent, Body, Timeout,
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
    unversioned::transport::DefaultConnector,
};

use crate::addresses::Addresses;

/// Carries one request to the service and its answer back.
///
/// # Contract
/// * One request, one exchange: no redirect is followed, nothing is tried again, nothing is cached, no header is added
///   that would change the meaning.
/// * The whole exchange ends within [`Limits::time`].
/// * A 2xx body over [`Limits::body`], counted after decoding, is [`TransportFault::TooLarge`]; the body of another status
///   may be cut there.
/// * Nothing of the request's headers and nothing of any body is logged or put into an error.
///
/// A panic in here harms no caller: it counts as an outage.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and reads the whole answer.
    ///
    /// # Errors
    /// There is no whole answer; the fault tells how far it came.
    fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError>;
}

/// ureq, set up for nothing but this: https only (or http to loopback, where the gateway says so), no redirects, no
/// retries, no compression, the set-up's proxy and roots.
///
/// If any crate of the program turns on ureq's features for it, ureq unpacks what is compressed and keeps cookies: there is
/// no way to refuse that here. Bodies are bounded all the same.
///
/// **Do not log the target `ureq_proto` at trace.** At that level it writes out, byte by byte, what it sends and receives,
/// the key and the tokens among it, and a library cannot keep it from doing so. `tm` blocks that target whatever `RUST_LOG`
/// says; so should every program that lets its users set levels.
#[derive(Debug, Clone)]
pub struct UreqTransport {
    agent: Agent,
}

impl UreqTransport {
    /// Sets up a connection pool.
    ///
    /// # Errors
    /// The proxy's URL is not good, or there are no roots.
    pub fn new(setup: &Setup) -> Result<Self, Error> {
        let settings = setup.as_settings();
        let roots: Vec<_> =
            tls::roots(setup)?.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(tls::provider())
            .root_certs(RootCerts::new_with_certs(&roots))
            .build();
        let proxy = setup
            .proxy_url()?
            .map(|url| {
                ureq::Proxy::new(&url).map_err(|_| InvalidInput::new("proxy", "is not a URL of a proxy"))
            })
            .transpose()?;
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(!setup.application().gateway.is_plain_http())
            .proxy(proxy)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .accept_encoding("")
            .timeout_connect(Some(settings.connect_time))
            .max_idle_connections(settings.calls_at_once)
            .max_idle_connections_per_host(settings.calls_at_once)
            .build();
        Ok(Self { agent: Agent::with_parts(config, DefaultConnector::default(), <Addresses>::default()) })
    }
}

impl Transport for UreqTransport {
    fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        let (parts, body) = request.into_parts();
        let answer = if body.is_empty() {
            self.run(Request::from_parts(parts, ()), limits)
        } else {
            self.run(Request::from_parts(parts, &body[..]), limits)
        };
        let (parts, body) = answer.map_err(transport_error)?.into_parts();
        let body = read(body, limits.body, parts.status.is_success())?;
        Ok(Response::from_parts(parts, body))
    }
}

impl UreqTransport {
    fn run(
        &self,
        request: Request<impl ureq::AsSendBody>,
        limits: Limits,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = self.agent.configure_request(request).timeout_global(Some(limits.time)).build();
        self.agent.run(request)
    }
}

fn read(body: Body, limit: usize, whole: bool) -> Result<Bytes, TransportError> {
    let mut bytes = Vec::new();
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    body.into_reader()
        .take(one_more)
        .read_to_end(&mut bytes)
        .map_err(|error| transport_error(error.into()))?;
    if bytes.len() > limit {
        if whole {
            return Err(TransportError::new(TransportFault::TooLarge));
        }
        bytes.truncate(limit);
    }
    Ok(bytes.into())
}

fn transport_error(error: ureq::Error) -> TransportError {
    use ureq::Error as E;
    let fault = match &error {
        // ureq shows no sources, and hands on what fails within a handshake as I/O.
        E::Io(io) if tls::is_tls_failure(io) => TransportFault::Tls,
        E::Tls(_) | E::Rustls(_) | E::Pem(_) => TransportFault::Tls,
        E::HostNotFound
        | E::ConnectionFailed
        | E::BadUri(_)
        | E::Http(_)
        | E::InvalidProxyUrl
        | E::ConnectProxyFailed(_)
        | E::RequireHttpsOnly(_)
        | E::Timeout(Timeout::Connect | Timeout::Resolve) => TransportFault::NotSent,
        E::Timeout(_) => TransportFault::TimedOut,
        E::Io(io) if never_connected(io) => TransportFault::NotSent,
        E::Io(io) if io.kind() == io::ErrorKind::TimedOut => TransportFault::TimedOut,
        _ => TransportFault::Interrupted,
    };
    TransportError::new(fault).because(error)
}

/// ureq hands on what happens before there is a connection as I/O too.
fn never_connected(io: &io::Error) -> bool {
    use io::ErrorKind as K;
    // std has no kind for a name that does not resolve, but a text of its own.
    let unresolved = |said: &(dyn std::error::Error + Send + Sync + 'static)| {
        said.to_string().starts_with("failed to lookup address")
    };
    matches!(
        io.kind(),
        K::ConnectionRefused
            | K::HostUnreachable
            | K::NetworkUnreachable
            | K::NetworkDown
            | K::AddrNotAvailable
    ) || io.get_ref().is_some_and(unresolved)
}
