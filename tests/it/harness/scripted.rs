//! A transport out of a script, the same for both clients.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use mockall::automock;
use tm_async::{Limits, TransportError};

/// What both traits called `Transport` ask for.
#[automock]
pub(crate) trait Exchange: Send + Sync + 'static {
    fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError>;
}

/// A script to be filled with expectations.
pub(crate) fn scripted() -> MockExchange {
    MockExchange::new()
}

/// An answer to `/oauth/token` with an opaque token.
#[expect(clippy::unnecessary_wraps, reason = "it stands for what a transport answers")]
pub(crate) fn good_token(text: &str) -> Result<Response<Bytes>, TransportError> {
    let body = serde_json::json!({ "access_token": text, "token_type": "bearer", "expires_in": 1_799 });
    Ok(Response::new(body.to_string().into()))
}

/// Carries a script's answers into either client.
pub(super) struct Carrier(pub(super) MockExchange);

#[async_trait]
impl tm_async::Transport for Carrier {
    async fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        self.0.send(request, limits)
    }
}

impl tm_blocking::Transport for Carrier {
    fn send(&self, request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        self.0.send(request, limits)
    }
}
