//! What carries requests: a trait, and reqwest behind it.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use tm_core::{Error, ErrorKind, InvalidInput, TransportError, TransportFault};
use tm_driver::{Limits, Setup, tls};

/// Carries one request to the service and its answer back.
///
/// # Contract
/// * One request, one exchange: no redirect is followed, nothing is tried again, nothing is cached, no header is added
///   that would change the meaning.
/// * The whole exchange ends within [`Limits::time`].
/// * A 2xx body over [`Limits::body`], counted after decoding, is [`TransportFault::TooLarge`]; the body of another status
///   may be cut there.
/// * Nothing of the request's headers and nothing of any body is logged or put into an error.
/// * Dropping the future ends the exchange.
///
/// A panic in here harms no caller: it counts as an outage.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and reads the whole answer.
    ///
    /// # Errors
    /// There is no whole answer; the fault tells how far it came.
    async fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError>;
}

/// reqwest, set up for nothing but this: https only (or http to loopback, where the gateway says so), no redirects, no
/// retries, no compression, HTTP/1.1, the set-up's proxy and roots.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
}

impl ReqwestTransport {
    /// Sets up a connection pool.
    ///
    /// # Errors
    /// The proxy's URL is not good, or there are no roots.
    pub fn new(setup: &Setup) -> Result<Self, Error> {
        let settings = setup.as_settings();
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(setup)?)
            .https_only(!setup.application().gateway.is_plain_http())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            // Without a word they follow the features that any crate of the program turns on.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .no_proxy()
            .connect_timeout(settings.connect_time)
            .pool_max_idle_per_host(settings.calls_at_once);
        if let Some(url) = setup.proxy_url()? {
            let proxy = reqwest::Proxy::all(url)
                .map_err(|_| InvalidInput::new("proxy", "is not a URL of a proxy"))?;
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|error| {
            Error::new(ErrorKind::Config, "the HTTP client could not be set up").because(error.without_url())
        })?;
        Ok(Self { client })
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        let mut request = reqwest::Request::try_from(request).map_err(transport_error)?;
        *request.timeout_mut() = Some(limits.time);
        let mut answer = self.client.execute(request).await.map_err(transport_error)?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        *response.body_mut() = read(&mut answer, limits.body, response.status().is_success()).await?;
        Ok(response)
    }
}

/// The body up to the limit. Most come in one piece, of which no copy is made.
async fn read(answer: &mut reqwest::Response, limit: usize, whole: bool) -> Result<Bytes, TransportError> {
    let mut body = Bytes::new();
    while let Some(mut chunk) = answer.chunk().await.map_err(transport_error)? {
        let too_large = chunk.len() > limit - body.len();
        if too_large && whole {
            return Err(TransportError::new(TransportFault::TooLarge));
        }
        chunk.truncate(limit - body.len());
        body = if body.is_empty() { chunk } else { joined(body, &chunk) };
        if too_large {
            break;
        }
    }
    Ok(body)
}

/// Grows the body in place once it is our own.
fn joined(body: Bytes, chunk: &[u8]) -> Bytes {
    let mut body = BytesMut::from(body);
    body.extend_from_slice(chunk);
    body.freeze()
}

fn transport_error(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let fault = if tls::is_tls_failure(&error) {
        TransportFault::Tls
    } else if error.is_connect() || error.is_builder() {
        TransportFault::NotSent
    } else if error.is_timeout() {
        TransportFault::TimedOut
    } else {
        TransportFault::Interrupted
    };
    TransportError::new(fault).because(error)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tm_core::{Credentials, TenantId, wire};
    use tm_sim::{Fault, Simulator};

    use super::*;

    /// An empty text, compressed (RFC 1952).
    const NOTHING: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";

    #[tokio::test]
    async fn nothing_is_unpacked_though_the_program_has_what_it_takes() {
        let sim = Simulator::builder().credentials("tm", "hush").start().unwrap();
        let headers = vec![("content-encoding".to_owned(), "gzip".to_owned())];
        sim.fault(Fault::Status { code: 200, headers, body: Bytes::from_static(NOTHING) });
        let environment = sim.environment();
        let lookup =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let setup = Setup::from_lookup(lookup, true).unwrap();
        let (credentials, tenant) = (Credentials::new("tm", "hush").unwrap(), TenantId::new("acme").unwrap());
        let request = wire::one_token::request(setup.application(), &credentials, &tenant);

        let transport = ReqwestTransport::new(&setup).unwrap();
        let answer = transport.send(request, Limits { time: Duration::from_secs(20), body: 1_000 }).await;

        assert_eq!(answer.unwrap().body().as_ref(), NOTHING);
        let asked = sim.requests();
        assert_eq!(asked[0].header("accept-encoding"), None, "nor is it asked for");
    }
}
