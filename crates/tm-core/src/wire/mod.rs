//! The three REST calls of the service, each a pure pair: a request from typed input, a typed answer from bytes.
//!
//! | call | request | answer |
//! |---|---|---|
//! | `POST /oauth/token` | [`one_token::request`] | [`one_token::answer`] |
//! | `POST /oauthTokens` | [`batch::request`] | [`batch::answer`] |
//! | `GET /userTenants` | [`user_tenants::request`] | [`user_tenants::answer`] |
//!
//! Source: the vendor's page "Token Management Service – Samples", copied in `tests/vectors/`.

pub mod batch;
mod decode;
mod echo;
mod issued;
pub mod one_token;
mod refusal;
mod retry_after;
pub mod user_tenants;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};

pub use decode::DecodeError;
pub use issued::IssuedToken;
pub(crate) use issued::MAX_LIFE;
pub use refusal::Refusal;
pub use retry_after::RetryAfter;

use crate::{Credentials, UnixTime};

/// How many tenants `/oauthTokens` takes at once.
pub const MAX_BATCH: usize = 5;

/// Largest answer to a token call, in bytes after decoding. Five tokens of 1.8 KB come to about 10 KB.
pub const MAX_TOKEN_ANSWER: usize = 64 * 1024;

/// Largest page of tenants, in bytes after decoding.
pub const MAX_PAGE_ANSWER: usize = 1024 * 1024;

/// The header that carries the application's credentials.
pub const AUTH_KEY_HEADER: HeaderName = HeaderName::from_static("x-space-auth-key");

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("tm/", env!("CARGO_PKG_VERSION")));

/// A good answer, with the service's clock at the time it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The answer's `Date`, if it had a readable one.
    pub date: Option<UnixTime>,
}

/// An answer that is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// Any status but 2xx.
    Refused {
        /// What the service said.
        refusal: Refusal,
        /// When it wants to be asked again.
        retry_after: Option<RetryAfter>,
        /// The answer's `Date`, if it had a readable one.
        date: Option<UnixTime>,
    },
    /// A 2xx whose body is nothing we know.
    Undecodable(DecodeError),
}

fn post(uri: http::Uri, credentials: &Credentials, body: Vec<u8>) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(AUTH_KEY_HEADER, credentials.auth_key());
    common(headers);
    request
}

fn common(headers: &mut HeaderMap) {
    headers.insert(header::ACCEPT, JSON);
    headers.insert(header::USER_AGENT, USER_AGENT);
}

/// Hands on the body of a 2xx within its limit; turns everything else into a rejection.
fn accepted(
    response: &Response<Bytes>,
    what: &'static str,
    limit: usize,
) -> Result<Option<UnixTime>, Rejection> {
    let date = retry_after::date(response.headers());
    if !response.status().is_success() {
        return Err(Rejection::Refused {
            refusal: Refusal::read(response.status(), response.headers(), response.body()),
            retry_after: RetryAfter::read(response.headers()),
            date,
        });
    }
    if response.body().len() > limit {
        return Err(Rejection::Undecodable(DecodeError::too_large(what, limit)));
    }
    Ok(date)
}
