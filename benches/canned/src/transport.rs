//! Transports that answer in this process.

use bytes::Bytes;
use http::{Request, Response};
use tm_core::TransportError;
use tm_driver::Limits;

use crate::Answers;

/// For both clients.
#[derive(Debug)]
pub struct InProcess(pub Answers);

impl InProcess {
    fn answered(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let target = request.uri().path_and_query().map_or("", |target| target.as_str());
        Response::new(self.0.answer(target, request.body()).into())
    }
}

#[async_trait::async_trait]
impl tm_async::Transport for InProcess {
    async fn send(&self, request: Request<Bytes>, _: Limits) -> Result<Response<Bytes>, TransportError> {
        Ok(self.answered(&request))
    }
}

impl tm_blocking::Transport for InProcess {
    fn send(&self, request: Request<Bytes>, _: Limits) -> Result<Response<Bytes>, TransportError> {
        Ok(self.answered(&request))
    }
}
