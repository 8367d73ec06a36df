//! The bytes of the simulated service: its answers, and its view of our requests.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::{Value, json};
use tm_core::{TenantId, UnixTime};

use crate::{
    clock::{self, secs},
    faults::What,
    tokens::Fields,
};

/// When a call was sent and is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instant {
    pub(crate) sent: Duration,
    /// When the service makes its answer, on the true clock.
    pub(crate) clock: Duration,
    pub(crate) skew_ms: i64,
    /// Whether the answer says what the service's clock shows.
    pub(crate) dated: bool,
}

impl Instant {
    pub(crate) fn service_clock(self) -> UnixTime {
        clock::wall(self.clock, self.skew_ms)
    }
}

/// The application in all runs.
pub(crate) const APP: [&str; 3] = ["pump-watch", "1.0.0", "operator"];

/// Panics at a request that the real service would not understand.
pub(crate) fn check_request(request: &Request<Bytes>, tenants: &[TenantId]) {
    let body: Value = serde_json::from_slice(request.body()).expect("a request is JSON");
    let (path, expected) = match tenants {
        [tenant] => (
            "/api/technicaltokenmanager/v3/oauth/token",
            json!({"appName": APP[0], "appVersion": APP[1], "hostTenant": APP[2], "userTenant": tenant}),
        ),
        _ => (
            "/api/technicaltokenmanager/v3/oauthTokens",
            json!({"appName": APP[0], "appVersion": APP[1], "hostTenantId": APP[2], "userTenantIds": tenants}),
        ),
    };
    assert_eq!((request.method(), request.uri().path()), (&Method::POST, path));
    assert_eq!(body, expected);
}

pub(crate) fn one(token: &Fields, at: Instant) -> Response<Bytes> {
    json_answer(200, &wire(token), at)
}

pub(crate) fn batch(entries: &[Value], at: Instant) -> Response<Bytes> {
    json_answer(200, &json!({ "oauthTokens": entries }), at)
}

pub(crate) fn entry(tenant: &TenantId, token: &Fields) -> Value {
    json!({ "userTenantId": tenant, "token": wire(token) })
}

/// An entry that names its tenant and has no token that can be read.
pub(crate) fn garbled_entry(tenant: &TenantId, which: u8) -> Value {
    match which % 3 {
        0 => {
            json!({ "userTenantId": tenant, "token": { "access_token": "not a token", "expires_in": 1799 } })
        }
        1 => json!({ "userTenantId": tenant, "token": { "expires_in": 1799 } }),
        _ => json!({ "userTenantId": tenant }),
    }
}

/// A 200 with something else.
pub(crate) fn undecodable(which: u8, at: Instant) -> Response<Bytes> {
    match which % 3 {
        0 => answer(200, "<html>Please log in</html>".into(), at),
        1 => json_answer(200, &json!({ "status": "ok" }), at),
        _ => answer(200, Bytes::new(), at),
    }
}

/// The refusal that a fault stands for, if it stands for one.
pub(crate) fn refusal(fault: What, at: Instant) -> Option<Response<Bytes>> {
    let (status, retry_after) = match fault {
        What::Status(status) => (status, None),
        What::Later(status, wait) => (status, Some(wait.to_string())),
        What::LaterAt(status, wait) => {
            (status, Some(http_date(at.service_clock().saturating_add(secs(wait)))))
        }
        _ => return None,
    };
    let mut response = match status {
        502 => answer(status, "<html><h1>Bad Gateway</h1></html>".into(), at),
        401 => {
            json_answer(status, &json!({"error": "unauthorized", "error_description": "Bad credentials"}), at)
        }
        _ => {
            let code = format!("mdsp.core.tokenmanager.{status}");
            json_answer(status, &json!({ "errors": [{ "code": code, "message": "no", "logref": "r1" }] }), at)
        }
    };
    if let Some(text) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, text.parse().expect("a number or a date"));
    }
    if (300..400).contains(&status) {
        response
            .headers_mut()
            .insert(header::LOCATION, "https://elsewhere.example/".parse().expect("an address"));
    }
    Some(response)
}

fn wire(token: &Fields) -> Value {
    json!({
        "access_token": token.text,
        "token_type": "bearer",
        "timestamp": token.timestamp.as_millis().to_string(),
        "expires_in": token.expires_in,
        "scope": "uts.r",
        "jti": "sim",
    })
}

fn json_answer(status: u16, body: &Value, at: Instant) -> Response<Bytes> {
    answer(status, body.to_string().into(), at)
}

fn answer(status: u16, body: Bytes, at: Instant) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status.try_into().expect("a status");
    if at.dated {
        let date = http_date(at.service_clock()).parse().expect("a date is a header");
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

fn http_date(time: UnixTime) -> String {
    let millis = u64::try_from(time.as_millis()).expect("the service's clock is past 1970");
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(millis))
}
