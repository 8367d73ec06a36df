//! The faults that can be scripted, and the one place where they happen.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, LOCATION, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use tokio::sync::watch;

use crate::answers::{Answer, BatchEntry, JSON, Payload};
use crate::body::{Delivery, Hangup};
use crate::endpoints::{Call, Endpoint};
use crate::fault_script::FaultRule;
use crate::service::Service;

/// Something that goes wrong with a call. A malformed call is refused as ever: no fault hides it.
///
/// Scripted statuses, headers and content types that HTTP cannot express make the answer a 500 that says so.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// This answer instead. Headers replace those of the same name, `Date` included; `content-length` and
    /// `transfer-encoding` are not scripted but follow from the body.
    Status {
        /// 200 to 999.
        code: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body; give a `content-type` header to say what it is.
        body: Bytes,
    },
    /// The normal answer, later.
    Delay(Duration),
    /// The normal answer, once the fault is cleared. For tests that need many calls to arrive before the first is
    /// answered.
    Hold,
    /// No answer until the client leaves or the simulator stops.
    Hang,
    /// The connection is closed without a byte of answer.
    CloseBeforeHeaders,
    /// The normal answer with its `content-length`, but the connection is closed after so many bytes of the body, at
    /// the latest before the last.
    CutBody {
        /// Bytes of the body that are sent.
        after: usize,
    },
    /// 200 with a body that is not what was asked for.
    Garbage200 {
        /// The content type.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// A redirect.
    Redirect {
        /// 301, 302, 303, 307, 308.
        code: u16,
        /// The `Location`.
        location: String,
    },
    /// A batch answer lacks this tenant. Only batches that ask for it are hit.
    DropTenant(String),
    /// A batch answer has a token for this tenant too.
    ExtraTenant(String),
    /// 200 with a body of JSON that never ends.
    EndlessBody,
    /// The normal answer, its body in small pieces.
    SlowDrip {
        /// Bytes a piece, at least 1.
        bytes: usize,
        /// The time before each piece.
        tick: Duration,
    },
    /// `expires_in` of each token is this, whatever its type.
    WrongLife {
        /// In the place of a number of seconds.
        expires_in: Value,
    },
    /// `access_token` of each token is this text.
    SwapAccessToken(String),
}

impl Fault {
    /// An answer with this status, no headers of its own and no body.
    pub fn status(code: u16) -> Self {
        Self::Status { code, headers: Vec::new(), body: Bytes::new() }
    }

    /// With calls of this endpoint only.
    pub fn on(self, endpoint: Endpoint) -> FaultRule {
        FaultRule::from(self).on(endpoint)
    }

    /// With token calls that ask for one of these tenants only.
    pub fn for_tenants<I, T>(self, ids: I) -> FaultRule
    where
        I: IntoIterator<Item = T>,
        T: Into<String>,
    {
        FaultRule::from(self).for_tenants(ids)
    }

    /// With the first call only.
    pub fn once(self) -> FaultRule {
        self.times(1)
    }

    /// With the first `n` calls only.
    pub fn times(self, n: u64) -> FaultRule {
        FaultRule::from(self).times(n)
    }

    /// Whether the call has what the fault spoils.
    pub(crate) fn suits(&self, call: &Call) -> bool {
        match self {
            Self::DropTenant(id) => call.endpoint() == Endpoint::Batch && call.tenants().contains(id),
            Self::ExtraTenant(_) => call.endpoint() == Endpoint::Batch,
            Self::WrongLife { .. } | Self::SwapAccessToken(_) => call.endpoint().issues_tokens(),
            Self::Status { .. }
            | Self::Delay(_)
            | Self::Hold
            | Self::Hang
            | Self::CloseBeforeHeaders
            | Self::CutBody { .. }
            | Self::Garbage200 { .. }
            | Self::Redirect { .. }
            | Self::EndlessBody
            | Self::SlowDrip { .. } => true,
        }
    }
}

/// The fault that a call has met.
#[derive(Debug)]
pub(crate) struct Met {
    pub(crate) fault: Fault,
    /// Closed when the rule is cleared.
    pub(crate) gate: watch::Receiver<()>,
}

impl Met {
    /// What becomes of the call. `normal` is the answer it would have got, made when it is needed.
    pub(crate) async fn happen(
        mut self,
        service: &Service,
        normal: impl FnOnce() -> Answer,
    ) -> Result<Answer, Hangup> {
        Ok(match self.fault {
            Fault::Status { code, headers, body } => scripted(code, &headers, None, body),
            Fault::Delay(delay) => {
                tokio::time::sleep(delay).await;
                normal()
            }
            Fault::Hold => {
                // Nothing is ever sent through the gate, so this ends when the rule is cleared.
                while self.gate.changed().await.is_ok() {}
                normal()
            }
            Fault::Hang => pending().await,
            Fault::CloseBeforeHeaders => return Err(Hangup),
            Fault::CutBody { after } => Answer { delivery: Delivery::Cut { after }, ..normal() },
            Fault::Garbage200 { content_type, body } => scripted(200, &[], Some(&content_type), body),
            Fault::Redirect { code, location } => {
                scripted(code, &[(LOCATION.to_string(), location)], None, Bytes::new())
            }
            Fault::DropTenant(id) => {
                let mut answer = normal();
                if let Payload::Batch(batch) = &mut answer.payload {
                    batch.tokens.retain(|entry| entry.tenant != id);
                }
                answer
            }
            Fault::ExtraTenant(id) => {
                let mut answer = normal();
                if let (Payload::Batch(batch), Ok(token)) = (&mut answer.payload, service.issue(&id)) {
                    batch.tokens.push(BatchEntry { tenant: id, token });
                }
                answer
            }
            Fault::EndlessBody => {
                let body = Bytes::from_static(ENDLESS);
                let answer = Answer::text(StatusCode::OK, Some(JSON), body);
                Answer { delivery: Delivery::Endless, ..answer }
            }
            Fault::SlowDrip { bytes, tick } => {
                Answer { delivery: Delivery::Drip { bytes, tick }, ..normal() }
            }
            Fault::WrongLife { expires_in } => {
                let mut answer = normal();
                for token in answer.tokens_mut() {
                    token.expires_in = expires_in.clone();
                }
                answer
            }
            Fault::SwapAccessToken(text) => {
                let mut answer = normal();
                for token in answer.tokens_mut() {
                    token.access_token.clone_from(&text);
                }
                answer
            }
        })
    }
}

/// The blank that JSON allows before a value, for ever: a reader that waits for the value waits in vain.
const ENDLESS: &[u8; 4096] = &[b' '; 4096];

fn scripted(code: u16, headers: &[(String, String)], content_type: Option<&str>, body: Bytes) -> Answer {
    try_scripted(code, headers, content_type, body).unwrap_or_else(|| {
        let body = Bytes::from_static(b"tm-sim: the scripted answer is not valid HTTP");
        Answer::text(StatusCode::INTERNAL_SERVER_ERROR, None, body)
    })
}

fn try_scripted(
    code: u16,
    headers: &[(String, String)],
    content_type: Option<&str>,
    body: Bytes,
) -> Option<Answer> {
    // hyper does not send a 1xx as an answer.
    let status = StatusCode::from_u16(code).ok().filter(|status| !status.is_informational())?;
    let content_type = match content_type {
        Some(text) => Some(HeaderValue::try_from(text).ok()?),
        None => None,
    };
    let mut answer = Answer::text(status, content_type, body);
    for (name, value) in headers {
        let name = HeaderName::try_from(name.as_str()).ok()?;
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            answer.headers.push((name, HeaderValue::try_from(value.as_str()).ok()?));
        }
    }
    Some(answer)
}
