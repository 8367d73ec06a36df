//! `POST /oauthTokens`: tokens for up to five tenants at once.

use std::borrow::Cow;

use bytes::Bytes;
use http::{Request, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    Answer, DecodeError, IssuedToken, MAX_TOKEN_ANSWER, Rejection, accepted, decode, decode::Object, issued,
    post,
};
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
    let date = accepted(response, WHAT, MAX_TOKEN_ANSWER)?;
    let value = match as_documented(response.body()) {
        Some(entries) => entries,
        None => one_by_one(response.body()).map_err(Rejection::Undecodable)?,
    };
    Ok(Answer { value, date })
}

/// The answer if nothing is wrong with it, read in one go; else `None`, and it is read [`one_by_one`]. The two agree on
/// whatever both can read.
fn as_documented(body: &[u8]) -> Option<Vec<Entry>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct List<'a> {
        #[serde(borrow)]
        oauth_tokens: Vec<Object<Named<'a>>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named<'a> {
        #[serde(borrow)]
        user_tenant_id: Cow<'a, str>,
        #[serde(borrow)]
        token: Object<issued::Wire<'a>>,
    }
    // Text once for all of it, so that its parts need not be checked again.
    let json = std::str::from_utf8(body).ok()?;
    let Object(list) = serde_json::from_str::<Object<List<'_>>>(json).ok()?;
    let mut entries = Vec::with_capacity(list.oauth_tokens.len().min(super::MAX_BATCH));
    for Object(Named { user_tenant_id, token: Object(wire) }) in list.oauth_tokens {
        let Ok(tenant) = TenantId::new(&user_tenant_id) else { continue };
        add(&mut entries, (tenant, wire.issued(ENTRY)));
    }
    Some(entries)
}

/// The answer as far as it can be read: an entry that is not as documented spoils no other.
fn one_by_one(body: &[u8]) -> Result<Vec<Entry>, DecodeError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct List<'a> {
        #[serde(borrow)]
        oauth_tokens: Vec<&'a RawValue>,
    }
    let list: List<'_> = decode::from_json(WHAT, body)?;
    let mut entries = Vec::with_capacity(list.oauth_tokens.len().min(super::MAX_BATCH));
    for raw in list.oauth_tokens {
        if let Some(entry) = entry(raw.get()) {
            add(&mut entries, entry);
        }
    }
    Ok(entries)
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

/// Of two entries for one tenant the first counts.
fn add(entries: &mut Vec<Entry>, entry: Entry) {
    if !entries.iter().any(|(known, _)| *known == entry.0) {
        entries.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<(String, Result<IssuedToken, DecodeError>)> {
        let response = Response::new(Bytes::copy_from_slice(json.as_bytes()));
        let entries = answer(&response).unwrap().value;
        entries.into_iter().map(|(tenant, issued)| (tenant.to_string(), issued)).collect()
    }

    #[test]
    fn what_is_read_in_one_go_is_what_is_read_one_by_one() {
        let token = r#"{"access_token":"t","expires_in":9,"jti":{"deep":[1]}}"#;
        let odd = [
            format!(r#"{{"oauthTokens":[{{"userTenantId":"a","token":{token}}}]}}"#),
            format!(r#" {{"more":1,"oauthTokens":[{{"token":{token},"userTenantId":"\u0061"}}]}} "#),
            format!(r#"{{"oauthTokens":[{{"userTenantId":"a b","token":{token}}}]}}"#),
            format!(
                r#"{{"oauthTokens":[{{"userTenantId":"a","token":{{"access_token":"t"}}}},{{"userTenantId":"a","token":{token}}}]}}"#
            ),
            r#"{"oauthTokens":[]}"#.to_owned(),
        ];
        for json in odd {
            assert_eq!(
                as_documented(json.as_bytes()).unwrap(),
                one_by_one(json.as_bytes()).unwrap(),
                "{json}"
            );
        }
    }

    #[test]
    fn what_is_not_as_documented_is_left_to_the_careful_reading() {
        let token = r#"{"access_token":"t","expires_in":9}"#;
        let good = format!(r#"{{"userTenantId":"good","token":{token}}}"#);
        for bad in [
            r#"{"userTenantId":"bad"}"#.to_owned(),
            r#"{"userTenantId":"bad","token":null}"#.to_owned(),
            r#"{"userTenantId":"bad","token":["t",9]}"#.to_owned(),
            r#"{"userTenantId":"bad","token":{"access_token":7}}"#.to_owned(),
            format!(r#"["bad",{token}]"#),
            format!(r#"{{"userTenantId":7,"token":{token}}}"#),
            format!(r#"{{"userTenantId":"bad","userTenantId":"bad","token":{token}}}"#),
        ] {
            let json = format!(r#"{{"oauthTokens":[{bad},{good}]}}"#);
            assert_eq!(as_documented(json.as_bytes()), None, "{json}");
            let entries = read(&json);
            let good = entries.iter().find(|(tenant, _)| tenant == "good");
            assert!(good.is_some_and(|(_, issued)| issued.is_ok()), "{json}");
            assert!(entries.iter().all(|(tenant, issued)| tenant == "good" || issued.is_err()), "{json}");
        }
        for json in [format!("[[{good}]]"), format!(r#"{{"oauthTokens":[{good}]}} x"#)] {
            assert_eq!(as_documented(json.as_bytes()), None);
            assert!(answer(&Response::new(Bytes::from(json))).is_err());
        }
    }
}
