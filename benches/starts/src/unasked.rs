//! A service that is not there: all tokens are kept already. Only a store that does not answer in time makes a client ask.

use bytes::Bytes;
use http::{Request, Response};
use tm_core::{TransportError, TransportFault};
use tm_driver::Limits;

/// For both clients.
#[derive(Debug)]
pub struct Unasked;

#[async_trait::async_trait]
impl tm_async::Transport for Unasked {
    async fn send(&self, _: Request<Bytes>, _: Limits) -> Result<Response<Bytes>, TransportError> {
        Err(TransportError::new(TransportFault::Tls))
    }
}

impl tm_blocking::Transport for Unasked {
    fn send(&self, _: Request<Bytes>, _: Limits) -> Result<Response<Bytes>, TransportError> {
        Err(TransportError::new(TransportFault::Tls))
    }
}
