//! `POST /oauth/token`: a token for one tenant.

use bytes::Bytes;
use http::{Request, Response};
use serde::Serialize;

use super::{Answer, IssuedToken, MAX_TOKEN_ANSWER, Rejection, accepted, decode, issued, post};
use crate::{AppName, AppVersion, Application, Credentials, TenantId};

const WHAT: &str = "the answer of /oauth/token";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    app_name: &'a AppName,
    app_version: &'a AppVersion,
    host_tenant: &'a TenantId,
    user_tenant: &'a TenantId,
}

/// Asks for a token of one tenant. With the host tenant as user tenant it is the operator's token.
pub fn request(application: &Application, credentials: &Credentials, tenant: &TenantId) -> Request<Bytes> {
    let body = Body {
        app_name: &application.name,
        app_version: &application.version,
        host_tenant: &application.host_tenant,
        user_tenant: tenant,
    };
    // A struct of strings always serializes.
    post(application.gateway.one_token(), credentials, serde_json::to_vec(&body).unwrap_or_default())
}

/// Reads the answer.
///
/// # Errors
/// The service refused, or its answer holds no token.
pub fn answer(response: &Response<Bytes>) -> Result<Answer<IssuedToken>, Rejection> {
    let date = accepted(response, WHAT, MAX_TOKEN_ANSWER)?;
    let value = decode::from_json::<issued::Wire<'_>>(WHAT, response.body())
        .and_then(|wire| wire.issued(WHAT))
        .map_err(Rejection::Undecodable)?;
    Ok(Answer { value, date })
}
