//! The checks of headers: credentials, bearer, content type.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::answers::Refusal;
use crate::ledger::Bearer;
use crate::service::Live;

const AUTH_KEY: HeaderName = HeaderName::from_static("x-space-auth-key");

/// `X-SPACE-AUTH-KEY: Basic <padded standard base64 of id:secret>`, once, with the credentials of now.
pub(crate) fn credentials(headers: &HeaderMap, live: &Live) -> Result<(), Refusal> {
    let encoded = only_value(headers, &AUTH_KEY)
        .and_then(|value| value.as_bytes().strip_prefix(b"Basic "))
        .ok_or_else(|| {
        Refusal::unauthorized("X-SPACE-AUTH-KEY must be there once and be 'Basic <key>'.")
    })?;
    let decoded = STANDARD
        .decode(encoded)
        .map_err(|_| Refusal::unauthorized("X-SPACE-AUTH-KEY must be padded standard base64."))?;
    let expected = format!("{}:{}", live.client_id, live.client_secret);
    if decoded == expected.as_bytes() {
        Ok(())
    } else {
        Err(Refusal::unauthorized("The client credentials are wrong."))
    }
}

/// `application/json`, at most with `charset=utf-8`.
pub(crate) fn json_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = only_value(headers, &CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (kind, parameter) = match text.and_then(|text| text.split_once(';')) {
        Some((kind, parameter)) => (Some(kind), Some(parameter.trim())),
        None => (text, None),
    };
    let is_json = kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    let is_utf8 = parameter.is_none_or(|parameter| {
        parameter.eq_ignore_ascii_case("charset=utf-8") || parameter.eq_ignore_ascii_case("charset=\"utf-8\"")
    });
    if is_json && is_utf8 { Ok(()) } else { Err(Refusal::media_type()) }
}

/// `Authorization: Bearer <token>` with a living token of the host tenant.
pub(crate) fn operator_bearer(headers: &HeaderMap, live: &Live, host_tenant: &str) -> Result<(), Refusal> {
    let token = only_value(headers, &AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.strip_prefix("Bearer "))
        .ok_or_else(|| Refusal::unauthorized("Authorization must be there once and be 'Bearer <token>'."))?;
    match live.ledger.bearer(token, live.now()) {
        Bearer::Of(tenant) if *tenant == *host_tenant => Ok(()),
        Bearer::Of(_) => Err(Refusal::forbidden("The token is not one of the operator's tenant.")),
        Bearer::Expired => Err(Refusal::unauthorized("The token has expired.")),
        Bearer::Unknown => Err(Refusal::unauthorized("The token is not valid.")),
    }
}

/// A header that stands there twice may be read differently by the next server, so it counts as none.
fn only_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content_type(values: &[&'static str]) -> Result<(), Refusal> {
        let headers = values.iter().map(|&value| (CONTENT_TYPE, HeaderValue::from_static(value)));
        json_content_type(&headers.collect())
    }

    #[test]
    fn json_in_utf8_is_the_only_content_type() {
        for right in
            ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\""]
        {
            assert_eq!(content_type(&[right]), Ok(()), "{right}");
        }
        for wrong in
            ["text/json", "application/json; charset=latin1", "application/json;", "application/jsonx", ""]
        {
            assert_eq!(content_type(&[wrong]), Err(Refusal::media_type()), "{wrong}");
        }
        assert_eq!(content_type(&[]), Err(Refusal::media_type()));
    }

    #[test]
    fn one_content_type_is_enough() {
        // HeaderMap's FromIterator keeps the last of a name, so this one is built by hand.
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert_eq!(json_content_type(&headers), Err(Refusal::media_type()));
    }
}
