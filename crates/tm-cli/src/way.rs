//! The way to the service, made when the first call leaves: a token that is kept needs none, and the system's root certificates
//! alone take longer to read than all the rest of a run.

use std::sync::OnceLock;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tm_async::{Limits, ReqwestTransport, Setup};
use tm_blocking::UreqTransport;
use tm_core::{Error, TransportError, TransportFault};

/// One of the clients' own transports, once it is needed.
#[derive(Debug)]
pub(crate) struct Way<T> {
    setup: Setup,
    make: fn(&Setup) -> Result<T, Error>,
    made: OnceLock<Result<T, Error>>,
}

impl<T> Way<T> {
    /// # Errors
    /// The proxy's URL is not good.
    pub(crate) fn new(setup: &Setup, make: fn(&Setup) -> Result<T, Error>) -> Result<Self, Error> {
        setup.proxy_url()?;
        Ok(Self { setup: setup.clone(), make, made: OnceLock::new() })
    }

    /// If it cannot be made, no call can ever leave, and none is tried again.
    fn made(&self) -> Result<&T, TransportError> {
        let made = self.made.get_or_init(|| (self.make)(&self.setup));
        made.as_ref().map_err(|error| TransportError::new(TransportFault::Tls).because(error.clone()))
    }
}

#[async_trait]
impl tm_async::Transport for Way<ReqwestTransport> {
    async fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        self.made()?.send(request, limits).await
    }
}

impl tm_blocking::Transport for Way<UreqTransport> {
    fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        self.made()?.send(request, limits)
    }
}

#[cfg(test)]
mod tests {
    use tm_core::{AppName, AppVersion, Application, Credentials, Gateway, InvalidInput, TenantId};

    use super::*;

    fn setup() -> Setup {
        let application = Application {
            gateway: Gateway::parse("https://gateway.example").unwrap(),
            host_tenant: TenantId::new("host").unwrap(),
            name: AppName::new("app").unwrap(),
            version: AppVersion::new("1.0.0").unwrap(),
        };
        Setup::new(application, Credentials::new("client", "hush").unwrap())
    }

    #[test]
    fn what_keeps_it_from_being_made_is_told_with_the_first_call_and_not_tried_again() {
        let way =
            Way::<()>::new(&setup(), |_| Err(InvalidInput::new("roots", "are nowhere").into())).unwrap();
        let error = way.made().unwrap_err();
        assert!(!error.is_transient());
        assert_eq!(crate::exit::told(&error), "no trusted TLS connection to the gateway: roots: are nowhere");
    }

    #[test]
    fn a_proxy_that_is_none_is_told_before_any_call() {
        let setup = setup().proxy(tm_async::Proxy::Url("::".to_owned()));
        assert!(Way::new(&setup, ReqwestTransport::new).is_err());
    }
}
