//! Answers before they are bytes: the documented shapes, refusals, and the shapes of their bodies.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::body::{Delivery, SimBody};
use crate::choices::ErrorStyle;
use crate::clock::ServiceTime;
use crate::service::Flight;
use crate::tokens::TokenAnswer;

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) payload: Payload,
    pub(crate) delivery: Delivery,
}

/// Kept apart from its bytes, so that a fault can change one field of it.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    Token(TokenAnswer),
    Batch(BatchAnswer),
    Page(PageAnswer),
    Keys(Value),
    Text { content_type: Option<HeaderValue>, body: Bytes },
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct BatchAnswer {
    #[serde(rename = "oauthTokens")]
    pub(crate) tokens: Vec<BatchEntry>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct BatchEntry {
    #[serde(rename = "userTenantId")]
    pub(crate) tenant: String,
    pub(crate) token: TokenAnswer,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageAnswer {
    pub(crate) page: PageNumbers,
    #[serde(rename = "userTenants")]
    pub(crate) tenants: Vec<PageEntry>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageNumbers {
    pub(crate) size: usize,
    pub(crate) total_elements: usize,
    pub(crate) total_pages: usize,
    pub(crate) number: usize,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct PageEntry {
    pub(crate) id: String,
}

impl Answer {
    pub(crate) fn ok(payload: Payload) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), payload, delivery: Delivery::Whole }
    }

    /// Any status, any body.
    pub(crate) fn text(status: StatusCode, content_type: Option<HeaderValue>, body: Bytes) -> Self {
        Self { status, ..Self::ok(Payload::Text { content_type, body }) }
    }

    /// The tokens in it, for a fault to change.
    pub(crate) fn tokens_mut(&mut self) -> Vec<&mut TokenAnswer> {
        match &mut self.payload {
            Payload::Token(token) => vec![token],
            Payload::Batch(batch) => batch.tokens.iter_mut().map(|entry| &mut entry.token).collect(),
            Payload::Page(_) | Payload::Keys(_) | Payload::Text { .. } => Vec::new(),
        }
    }

    /// As HTTP. `date` is what the service's clock says, if it is to be told.
    pub(crate) fn into_response(self, date: Option<ServiceTime>, flight: Flight) -> Response<SimBody> {
        let (content_type, body) = self.payload.into_bytes();
        let mut response = Response::new(SimBody::new(body, self.delivery, flight));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        if let Some(date) = date.and_then(|now| HeaderValue::try_from(now.http_date()).ok()) {
            headers.insert(DATE, date);
        }
        // A scripted header replaces ours, and may itself stand there twice.
        for (name, _) in &self.headers {
            headers.remove(name);
        }
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Payload {
    fn into_bytes(self) -> (Option<HeaderValue>, Bytes) {
        match self {
            Self::Token(token) => (Some(JSON), to_json(&token)),
            Self::Batch(batch) => (Some(JSON), to_json(&batch)),
            Self::Page(page) => (Some(JSON), to_json(&page)),
            Self::Keys(keys) => (Some(JSON), to_json(&keys)),
            Self::Text { content_type, body } => (content_type, body),
        }
    }
}

/// None of our shapes can fail to be JSON: they have text for keys, and nothing borrowed or locked.
fn to_json(shape: &impl Serialize) -> Bytes {
    serde_json::to_vec(shape).unwrap_or_default().into()
}

/// A request that the service does not answer as asked, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), header: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "mdsp.core.tokenmanager.badRequest", message)
    }

    pub(crate) fn unauthorized(message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "mdsp.core.tokenmanager.unauthorized", message)
    }

    pub(crate) fn forbidden(message: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "mdsp.core.tokenmanager.forbidden", message)
    }

    pub(crate) fn unknown_tenant() -> Self {
        let message = "The user tenant is not known.";
        Self::new(StatusCode::NOT_FOUND, "mdsp.core.tokenmanager.tenantNotFound", message)
    }

    pub(crate) fn unknown_path() -> Self {
        let message = "There is no such resource.";
        Self::new(StatusCode::NOT_FOUND, "mdsp.core.tokenmanager.notFound", message)
    }

    pub(crate) fn method(allowed: &'static str) -> Self {
        let message = "The resource does not have this method.";
        let refusal =
            Self::new(StatusCode::METHOD_NOT_ALLOWED, "mdsp.core.tokenmanager.methodNotAllowed", message);
        Self { header: Some((ALLOW, HeaderValue::from_static(allowed))), ..refusal }
    }

    pub(crate) fn too_large() -> Self {
        let message = "The body is larger than 64 KiB.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "mdsp.core.tokenmanager.tooLarge", message)
    }

    pub(crate) fn media_type() -> Self {
        let message = "The content type must be application/json.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "mdsp.core.tokenmanager.mediaType", message)
    }

    pub(crate) fn throttled(retry_after_s: u64) -> Self {
        let message = "Too many requests.";
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "mdsp.core.tokenmanager.throttled", message);
        Self { header: Some((RETRY_AFTER, HeaderValue::from(retry_after_s))), ..refusal }
    }

    pub(crate) fn broken() -> Self {
        let message = "The service could not make a token.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "mdsp.core.tokenmanager.internal", message)
    }

    pub(crate) fn into_answer(self, style: ErrorStyle, logref: &str) -> Answer {
        let Self { status, code, message, header } = self;
        let (content_type, body) = match style {
            ErrorStyle::Errors => {
                let error = json!({"code": code, "message": message, "logref": logref});
                (Some(JSON), to_json(&json!({"errors": [error]})))
            }
            ErrorStyle::OAuth => (Some(JSON), to_json(&json!({"error": code, "error_description": message}))),
            ErrorStyle::Html => {
                let page = format!("<html><head><title>{status}</title></head><body>{status}</body></html>");
                (Some(HeaderValue::from_static("text/html; charset=utf-8")), page.into())
            }
            ErrorStyle::Empty => (None, Bytes::new()),
        };
        let mut answer = Answer::text(status, content_type, body);
        answer.headers.extend(header);
        answer
    }
}
