//! `POST /oauthTokens`: tokens for up to five tenants at once.

use bytes::Bytes;
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Answer, DecodeError, IssuedToken, MAX_TOKEN_ANSWER, Rejection, accepted, decode, issued, post};
use crate::{AppName, AppVersion, Application, Credentials, TenantId};

const WHAT: &str = "the answer of /oauthTokens";
const ENTRY: &str = "an entry in the answer of /oauthTokens";

/// Note the names: not those of `/oauth/token`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    app_name: &'a AppName,
    app_version: &'a AppVersion,
    host_tenant_id: &'a TenantId,
    user_tenant_ids: &'a [TenantId],
}

/// Asks for the tokens of one to five tenants. More than [`super::MAX_BATCH`] the service refuses.
pub fn request(application: &Application, credentials: &Credentials, tenants: &[TenantId]) -> Request<Bytes> {
    let body = Body {
        app_name: &application.name,
        app_version: &application.version,
        host_tenant_id: &application.host_tenant,
        user_tenant_ids: tenants,
    };
    // A struct of strings always serializes.
    post(application.gateway.batch(), credentials, serde_json::to_vec(&body).unwrap_or_default())
}

/// What came back for one tenant of a batch.
pub type Entry = (TenantId, Result<IssuedToken, DecodeError>);

/// Reads the answer: whatever tenants came back, each with a token or with what is wrong with its entry. An entry
/// that names no tenant is passed over; of two for one tenant the first counts. The pairing is `userTenantId`:
/// in the documented sample the tokens' own claims name other tenants.
///
/// # Errors
/// The service refused, or its answer is no list of entries.
pub fn answer(response: &Response<Bytes>) -> Result<Answer<Vec<Entry>>, Rejection> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct List<'a> {
        #[serde(borrow)]
        oauth_tokens: Vec<&'a RawValue>,
    }
    let date = accepted(response, WHAT, MAX_TOKEN_ANSWER)?;
    let list: List<'_> = decode::from_json(WHAT, response.body()).map_err(Rejection::Undecodable)?;
    let mut value: Vec<Entry> = Vec::with_capacity(list.oauth_tokens.len().min(super::MAX_BATCH));
    for raw in list.oauth_tokens {
        let Some((tenant, issued)) = entry(raw.get()) else { continue };
        if !value.iter().any(|(known, _)| *known == tenant) {
            value.push((tenant, issued));
        }
    }
    Ok(Answer { value, date })
}

fn entry(json: &str) -> Option<Entry> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named<'a> {
        user_tenant_id: String,
        #[serde(borrow)]
        token: Option<&'a RawValue>,
    }
    let named: Named<'_> = decode::from_json(ENTRY, json.as_bytes()).ok()?;
    let tenant = TenantId::new(&named.user_tenant_id).ok()?;
    let issued = match named.token {
        None => Err(DecodeError::new(ENTRY, "it has no token")),
        Some(raw) => decode::from_json::<issued::Wire<'_>>(ENTRY, raw.get().as_bytes())
            .and_then(|wire| wire.issued(ENTRY)),
    };
    Some((tenant, issued))
}
